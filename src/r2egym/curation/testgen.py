"""Tests by a model, for fixes that came without any.

The model sees the fix and writes one module. It is then treated like a person's: run on both sides in every fresh run,
and kept when something in it fails before the fix and passes after it, always, and the proof holds. Otherwise the model is told what
went wrong and writes again. Of tests that are kept, small faults of the fix are graded (:mod:`r2egym.curation.mutation`); those that
nobody notices go back to the model once, and the better module stays.
"""

from __future__ import annotations

import ast
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import JsonValue

from r2egym.curation.excerpts import excerpt
from r2egym.curation.funnel import NotATaskError
from r2egym.errors import ModelError, ModelRequestError
from r2egym.llm import Model, total
from r2egym.mining import parse_patch
from r2egym.mining.entities import changed_lines
from r2egym.mining.syntax import parse_python
from r2egym.records import HiddenFile, HiddenTests, Message, Mutation, Request, Task, Usage

PATH = "tests/test_generated_{commit}.py"
_TRIES = 3
_NOTHING = re.compile(r"\W*NOTHING\b")
_CODE = re.compile(r"```(?:python)?[ \t]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_SHOWN = 60_000
"""Characters of the fixed files that the model is shown."""

SYSTEM = """\
You write tests for a change that was made to a Python repository without any. You are shown the change and the files as they are \
after it. Somebody who has not seen the change will solve the problem in his own way, and your tests will judge him: they look at \
behaviour that the change brings and that its users can rely on, never at how it is done."""

TASK = """\
Write one pytest module that fails on the repository as it was before the change and passes after it.

- Test through names that users of the code call. At least one test fails before the change because of what it mends; others may show
  what has to stay as it is.
- Several inputs, edges among them; exact expectations. A fix that gets a condition, a bound or a constant wrong has to fail.
- Nothing random, nothing that depends on time, network, order or the machine; no mocks of the code under test.
- Plain functions named test_..., imports at the top, no dependency that the repository does not have.

Answer with the module in one ```python block. Where every call that users can make gives the same before and after the change, no
such module exists: answer with the word NOTHING and why.
"""


@dataclass(frozen=True)
class Material:
    """What a model is shown of a fix."""

    message: str
    """Of the commit."""
    patch: str
    files: dict[str, str]
    """Path → text after the fix, of the Python files that it touches."""

    def text(self, path: str) -> str:
        """All of it, as a request for a module at a path."""
        changed = {
            part.path: [lines for hunk in part.hunks for lines in changed_lines(hunk)[1]]
            for part in parse_patch(self.patch, max_bytes=1 << 30)
        }
        shown = "\n\n".join(
            f"## {name}, after the change\n\n{excerpt(text, changed.get(name, []))}"
            for name, text in self.files.items()
        )
        told = (
            f"## Commit\n\n{self.message.strip()}\n\n## Change\n\n{self.patch}\n\n{shown[:_SHOWN]}\n\n{TASK}"
        )
        return f"{told}\nIt will be `{path}`, and pytest runs it in the root of the repository.\n"


@dataclass
class _Account:
    complaints: list[JsonValue] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)
    tries: int = 0

    def provenance(self) -> dict[str, JsonValue]:
        taken = total(self.usages)
        return {
            "tries": self.tries,
            "complaints": self.complaints,
            "prompt_tokens": taken.prompt,
            "completion_tokens": taken.completion,
            "cost": taken.cost,
        }


class TestWriter:
    """Asks a model for tests. Safe for threads.

    Args:
        model: writes.
        tries: most modules a fix.
        temperature: of the answers.
    """

    __test__ = False

    def __init__(self, model: Model, *, tries: int = _TRIES, temperature: float = 0.7) -> None:
        self.name = model.name
        self._model, self._tries, self._temperature = model, tries, temperature
        self._lock = threading.Lock()

    def task(
        self,
        commit: str,
        material: Material,
        make: Callable[[HiddenTests], Task],
        measure: Callable[[Task], Mutation],
    ) -> Task:
        """A proved task with tests of the model's.

        Args:
            commit: of the fix; names the module.
            material: what the model is shown.
            make: hidden tests → the proved task; raises NotATaskError.
            measure: what the tests make of small faults.

        Raises:
            NotATaskError: no module held, or the model sees nothing to test (stage ``select``).
            ModelRequestError: the server refuses what it is asked as such.
        """
        account = _Account()
        messages = [
            Message(role="system", content=SYSTEM),
            Message(role="user", content=material.text(_path(commit))),
        ]
        best: Task | None = None
        strengthened = False
        while account.tries < self._tries and not strengthened:
            answer = self._ask(messages, account)
            strengthened = best is not None
            if best is None and _NOTHING.match(answer) and not _CODE.search(answer):
                raise NotATaskError(
                    "select", "same-behaviour", f"{self.name}: {' '.join(answer.split())[:300]}"
                )
            try:
                task = make(hidden_tests(answer, commit))
            except NotATaskError as reason:
                complaint = f"it cannot be used: {reason.detail}"
            else:
                measured = measure(task)
                best = _better(best, _with(task, measured, self.name))
                if not measured.survivors:
                    break
                complaint = "these faults of the change pass it unnoticed:\n" + "\n".join(measured.survivors)
            account.complaints.append(complaint)
            messages += [
                Message(role="assistant", content=answer),
                Message(role="user", content=_again(complaint)),
            ]
        if best is None:
            last = account.complaints[-1] if account.complaints else "nothing was written"
            raise NotATaskError("select", "no-generated-test", f"{self.name}, {account.tries} tries: {last}")
        told = best.validation.model_copy(update={"generation": account.provenance()})
        return best.model_copy(update={"validation": told})

    def close(self) -> None:
        """Give the model's connections back; twice is safe."""
        self._model.close()

    def _ask(self, messages: list[Message], account: _Account) -> str:
        account.tries += 1
        try:
            answer = self._model.complete(Request(messages=tuple(messages), temperature=self._temperature))
        except ModelRequestError:
            raise
        except ModelError as error:
            account.tries = self._tries
            account.complaints.append(str(error).partition("\n")[0][:300])
            return ""
        account.usages.append(answer.usage)
        return answer.text


def _path(commit: str) -> str:
    return PATH.format(commit=commit[:12])


def hidden_tests(answer: str, commit: str) -> HiddenTests:
    """The module of an answer as hidden tests. Raises NotATaskError: there is none."""
    found = _CODE.findall(answer)
    source = max(found, key=len) if found else answer
    path = _path(commit)
    try:
        tree = parse_python(source)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise NotATaskError(
            "select", "no-generated-test", f"there is no Python module in the answer ({error})"
        ) from None
    names = [getattr(node, "name", "") for node in ast.walk(tree)]
    if not any(name.startswith("test") for name in names):
        raise NotATaskError("select", "no-generated-test", "there is no test in it")
    return HiddenTests(files=(HiddenFile(path=path, content=source.rstrip("\n") + "\n"),), modules=(path,))


def test_patch(hidden: HiddenTests) -> str:
    """The generated files as a patch that adds them."""
    parts = []
    for file in hidden.files:
        lines = file.content.splitlines()
        head = f"diff --git a/{file.path} b/{file.path}\nnew file mode 100644\n--- /dev/null\n+++ b/{file.path}\n"
        parts.append(head + f"@@ -0,0 +1,{len(lines)} @@\n" + "".join(f"+{line}\n" for line in lines))
    return "".join(parts)


test_patch.__test__ = False  # type: ignore[attr-defined]


def _with(task: Task, measured: Mutation, name: str) -> Task:
    told = task.validation.model_copy(update={"mutation": measured, "tests_by": name})
    return task.model_copy(update={"validation": told})


def _better(best: Task | None, task: Task) -> Task:
    """The one whose tests notice more; of equals the earlier one."""

    def score(one: Task) -> float:
        found = one.validation.mutation
        return found.score or 0.0 if found else 0.0

    return task if best is None or score(task) > score(best) else best


def _again(complaint: str) -> str:
    return f"Of this module: {complaint}\n\nWrite the whole module anew, in one ```python block."
