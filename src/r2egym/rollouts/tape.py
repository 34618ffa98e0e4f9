"""The tape of one attempt: what the loop asks for goes to the journal first, and comes from it when there is some."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from r2egym.environment import Outcome
from r2egym.records import Answer
from r2egym.rollouts.ledger import Line, Scribe
from r2egym.testing.volatile import normalise


class DivergedError(Exception):
    """A command came out otherwise than before, so the sandbox is not what it was."""


class TapeEndError(Exception):
    """A sealed tape holds nothing further."""


class JournalTape:
    """See :class:`r2egym.agents.Tape`.

    Args:
        scribe: where it is written.
        identity: of the attempt.
        lease: see :class:`Scribe`.
        start: how often it was started before.
        lines: what was written since that start.
    """

    def __init__(self, scribe: Scribe, identity: str, lease: int, start: int, lines: Sequence[Line]) -> None:
        self._scribe = scribe
        self._head: Line = {"id": identity, "lease": lease, "start": start}
        self._answers: list[Answer] = []
        self._outcomes: list[Outcome] = []
        for line in lines:
            if line["kind"] == "answer":
                self._answers.append(Answer.model_validate(line["value"]))
            elif line["kind"] == "outcome":
                self._outcomes.append(Outcome.model_validate(line["value"]))
        self._sealed = False

    @property
    def outcomes(self) -> int:
        """How many outcomes it holds."""
        return len(self._outcomes)

    def seal(self) -> None:
        """From now on nothing is asked or acted: past its end it raises TapeEndError."""
        self._sealed = True

    def answer(self, step: int, ask: Callable[[], Answer]) -> Answer:
        """See :class:`r2egym.agents.Tape`."""
        if step < len(self._answers):
            return self._answers[step]
        if self._sealed:
            raise TapeEndError
        answer = ask()
        self._write("answer", step, answer)
        self._answers.append(answer)
        return answer

    def outcome(self, step: int, act: Callable[[], Outcome]) -> Outcome:
        """See :class:`r2egym.agents.Tape`. Raises DivergedError."""
        if self._sealed:
            if step < len(self._outcomes):
                return self._outcomes[step]
            raise TapeEndError
        now = act()
        if step < len(self._outcomes):
            then = self._outcomes[step]
            if not same(then, now):
                raise DivergedError(f"step {step} came out otherwise when it was acted out again")
            return then
        self._write("outcome", step, now)
        self._outcomes.append(now)
        return now

    def write(self, kind: str, value: object) -> None:
        """Write another record of this attempt down."""
        self._scribe.append({**self._head, "kind": kind, "value": value})

    def _write(self, kind: str, step: int, value: Answer | Outcome) -> None:
        self._scribe.append(
            {**self._head, "kind": kind, "step": step, "value": value.model_dump(mode="json")}
        )


def same(then: Outcome, now: Outcome) -> bool:
    """Whether two outcomes of one call tell of the same state: alike but for times, addresses and temporary names."""
    return (
        then.exit_code == now.exit_code
        and then.done == now.done
        and then.timed_out == now.timed_out
        and normalise(then.observation) == normalise(now.observation)
    )
