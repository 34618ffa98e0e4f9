"""A model as writer: it is shown the evidence, what it writes is checked and judged, and complaints go back to it.

A statement counts when three checks by machine pass (no line of the fix, no hidden test's name, no asserted text that nobody could
know) and a second look by the same model finds nothing wrong. After some tries without one, or when the model cannot be
reached, the template writes instead, and the row says so.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from r2egym.curation.evidence import Evidence
from r2egym.curation.writers.base import Statement
from r2egym.curation.writers.brief import brief, shown
from r2egym.curation.writers.claims import untold_texts
from r2egym.curation.writers.leaks import find_leaks
from r2egym.curation.writers.prompts import JUDGE, RUBRIC, SYSTEM, again, judged, styled
from r2egym.curation.writers.template import TemplateWriter
from r2egym.errors import ModelError, ModelRequestError
from r2egym.llm import Model, total
from r2egym.records import Answer, Message, Request, Usage

_ISSUE = re.compile(r"\[ISSUE\](.*?)\[/ISSUE\]", re.DOTALL)
_ANSWER = re.compile(
    rf"^[^\w\n]*({'|'.join(RUBRIC)})[^\w\n]+(yes|no)\b[^\w\n]*(.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_TRIES = 3
_SHORTEST = 40
"""Characters of a statement that says something."""
_SILENT = 2
"""Tasks in a row at which the model could not be reached, after which it is not asked any more."""
Judgement = Literal["passed", "failed", "none"]


@dataclass
class _Account:
    """What one statement took."""

    complaints: list[JsonValue] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)
    tries: int = 0
    judgement: Judgement = "none"
    fallback: str = ""

    def provenance(self, model: str) -> dict[str, JsonValue]:
        taken = total(self.usages)
        return {
            "model": model,
            "tries": self.tries,
            "complaints": self.complaints,
            "judge": self.judgement,
            "prompt_tokens": taken.prompt,
            "completion_tokens": taken.completion,
            "cost": taken.cost,
            **({"fallback": self.fallback} if self.fallback else {}),
        }


class ModelWriter:
    """See the module. Safe for threads.

    Args:
        model: writes and judges.
        tries: most statements that it is asked for.
        temperature: of statements; judgements have 0.
        strict: whether a model that cannot be reached is an error, rather than a reason for the template.
    """

    def __init__(
        self, model: Model, *, tries: int = _TRIES, temperature: float = 0.7, strict: bool = False
    ) -> None:
        self.name = model.name
        self._model, self._tries, self._temperature, self._strict = model, tries, temperature, strict
        self._lock = threading.Lock()
        self._silent = 0

    def write(self, evidence: Evidence) -> Statement:
        """See Writer.

        Raises:
            ModelRequestError: the server refuses the request as such.
            ModelError: there is no answer, and the writer is strict.
        """
        account = _Account()
        try:
            text = self._written(evidence, account)
        except ModelRequestError:
            raise
        except ModelError as error:
            if self._strict:
                raise
            with self._lock:
                self._silent += 1
            account.fallback = str(error).partition("\n")[0][:300]
            text = ""
        if text:
            return Statement(text=text, source=self.name, provenance=account.provenance(self.name))
        account.fallback = account.fallback or f"no statement passed in {account.tries} tries"
        plain = TemplateWriter().write(evidence)
        return plain.model_copy(update={"provenance": account.provenance(self.name)})

    def close(self) -> None:
        """See Writer."""
        self._model.close()

    def _written(self, evidence: Evidence, account: _Account) -> str:
        """A statement that passes; empty when none did."""
        if self._silent >= _SILENT:
            account.fallback = "the model could not be reached before, so it was not asked"
            return ""
        messages = [
            Message(role="system", content=SYSTEM),
            Message(role="user", content=styled(brief(evidence))),
        ]
        for _ in range(self._tries):
            account.tries += 1
            answer = self._ask(messages, account, self._temperature)
            with self._lock:
                self._silent = 0
            text = statement_in(answer.text)
            complaint = self._complaint(text, evidence, account)
            if not complaint:
                return text
            account.complaints.append(complaint)
            messages += [
                Message(role="assistant", content=answer.text),
                Message(role="user", content=again(complaint)),
            ]
        return ""

    def _complaint(self, text: str, evidence: Evidence, account: _Account) -> str:
        """What is wrong with a statement; empty when nothing is."""
        if len(text) < _SHORTEST:
            return "there is no report between [ISSUE] and [/ISSUE], or next to nothing"
        if leaks := find_leaks(text, evidence):
            return f"it tells {leaks[0]}"
        if untold := untold_texts(text, evidence):
            exact = ", ".join(map(repr, untold))
            return f"what is expected cannot be known from it: it has to tell, word by word, {exact}"
        asked = [
            Message(role="system", content=JUDGE),
            Message(role="user", content=judged(text, shown(evidence))),
        ]
        found = faults_in(self._ask(asked, account, 0.0).text)
        account.judgement = "none" if found is None else "failed" if found else "passed"
        return "; ".join(found or ())

    def _ask(self, messages: list[Message], account: _Account, temperature: float) -> Answer:
        answer = self._model.complete(Request(messages=tuple(messages), temperature=temperature))
        account.usages.append(answer.usage)
        return answer


def statement_in(answer: str) -> str:
    """What stands between ``[ISSUE]`` and ``[/ISSUE]``; empty when nothing does. Thinking before it is left out."""
    found = _ISSUE.findall(answer)
    return found[-1].strip() + "\n" if found and found[-1].strip() else ""


def faults_in(answer: str) -> list[str] | None:
    """The faults that a judge found, in its words; None when it did not answer what it was asked."""
    told = {name.lower(): (said.lower(), why.strip()) for name, said, why in _ANSWER.findall(answer)}
    if set(told) != set(RUBRIC):
        return None
    return [
        f"{RUBRIC[name]} ({why.rstrip('.') or 'says the judge'})"
        for name, (said, why) in told.items()
        if said == "yes"
    ]
