"""A model without a network: it says what its script tells it, for unit tests and dry runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from r2egym.errors import (
    ContextOverflowError,
    EmptyAnswerError,
    ModelError,
    ModelRequestError,
    ModelTimeoutError,
    ModelUnavailableError,
    RefusalError,
)
from r2egym.llm.script import Cue, Fault, Playbook
from r2egym.llm.usage import estimate_usage
from r2egym.records import Answer, Request, ToolCall

_ERRORS: dict[str, type[ModelError]] = {
    "delay": ModelTimeoutError,
    "trickle": ModelTimeoutError,
    "overflow": ContextOverflowError,
    "refusal": RefusalError,
    "filtered": RefusalError,
    "empty": EmptyAnswerError,
}
_LASTING = 500


class ScriptedModel:
    """A script as a model; it never waits and never tries twice.

    Args:
        script: a list of answers and faults, which each conversation goes through on its own; or a function from the
            request to what shall happen. A fault raises what a real server's would have led to.
        name: what the model is called.
    """

    def __init__(self, script: Sequence[Cue] | Callable[[Request], Cue], name: str = "scripted") -> None:
        self.name = name
        self.requests: list[Request] = []
        """Everything it was asked, in order."""
        self._play: Callable[[Request], Cue]
        if callable(script):
            self._play = script
        else:
            playbook = Playbook(script)
            self._play = lambda request: playbook.next(request.messages)

    def complete(self, request: Request, *, timeout: float = 120.0) -> Answer:  # noqa: ARG002 -- it never waits
        """The next answer of the script.

        Raises:
            ModelError: the script has a fault there.
            UsageError: the script is over.
        """
        self.requests.append(request)
        cue = self._play(request)
        act = Answer(text=cue) if isinstance(cue, str) else cue
        answer = _outcome(act) if isinstance(act, Fault) else act
        if not answer.text.strip() and not answer.calls:
            raise EmptyAnswerError(f"{self.name}: the script says nothing here")
        usage = answer.usage if answer.usage.total else estimate_usage(request, answer, "")
        return answer.model_copy(update={"usage": usage, "model": answer.model or self.name})

    def close(self) -> None:
        """Nothing to do."""


def _outcome(fault: Fault) -> Answer:
    """What becomes of a fault once nobody tries again."""
    if fault.then is not None:
        return fault.then
    if fault.kind == "broken_call":
        return Answer(calls=(ToolCall(name="tool", id="call_1", broken="the arguments are no JSON"),))
    error = _ERRORS.get(fault.kind, ModelUnavailableError)
    if fault.kind == "error" and fault.status < _LASTING:
        error = ModelRequestError
    raise error(f"scripted: {fault.kind}")
