"""Asking until there is an answer, and not longer than that is worth.

Tries that failed in a way that may not last (429, 5xx, time out, dropped connection, half a body, nothing said) are
repeated after an exponential back-off with full jitter, or after what the server asks for. A deadline by the monotonic
clock stands over all tries, their waits included.

Limits: a deadline is looked at whenever bytes arrive; a server that sends nothing at all is left when the connection's
own time-out ends, and one that sends one byte and then falls silent may overrun by one time-out.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from r2egym.errors import ModelError, ModelTimeoutError, UsageError
from r2egym.llm.failures import TryAgainError, redact
from r2egym.llm.usage import estimate_usage
from r2egym.records import Answer, Record, Request
from r2egym.settings import Secret

_SHORTEST_ECHO = 12  # a shorter key is a word that an answer may well contain


class Patience(Record):
    """How long to go on asking."""

    tries: int = 5
    """Most tries of one request."""
    base: float = 1.0
    """Seconds: the first wait is drawn from zero to this, every further one from twice as much."""
    cap: float = 60.0
    """Seconds: no wait that we choose is longer; one that the server asks for may be."""
    total: float = 600.0
    """Seconds: no request takes longer, all tries and waits together."""


@dataclass(frozen=True)
class Clock:
    """Time and chance, so that tests need neither."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = field(default=random.random)
    """From zero to one."""


class Transport(Protocol):
    """One try at asking one provider."""

    def ask(self, request: Request, seconds: float) -> Answer:
        """Ask once.

        Raises:
            TryAgainError: it may work another time.
            ModelError: it will not.
        """
        ...

    def close(self) -> None:
        """Close connections; twice is safe."""
        ...


class RemoteModel:
    """A model behind a network: a transport, patience, and care that no key gets out."""

    def __init__(
        self,
        name: str,
        transport: Transport,
        *,
        secrets: tuple[Secret, ...] = (),
        patience: Patience | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self._transport = transport
        self._secrets = secrets
        self._patience = patience or Patience()
        self._clock = clock or Clock()

    def __repr__(self) -> str:
        return f"RemoteModel({self.name!r})"

    def complete(self, request: Request, *, timeout: float = 120.0) -> Answer:
        """Ask until there is an answer; see :class:`~r2egym.llm.base.Model`."""
        if timeout <= 0:
            raise UsageError("a time-out is longer than zero seconds")
        started = self._clock.now()
        outcome = persist(
            lambda seconds: self._transport.ask(request, seconds), self._patience, timeout, self._clock
        )
        if isinstance(outcome, ModelError):
            # Raised here, far from the client's own exception, whose request carries the key.
            raise type(outcome)(redact(f"{self.name}: {outcome}", self._secrets))
        answer = self._without_keys(outcome)
        usage = answer.usage if answer.usage.total else estimate_usage(request, answer, self.name)
        return answer.model_copy(update={"usage": usage, "seconds": self._clock.now() - started})

    def close(self) -> None:
        """Close connections; twice is safe."""
        self._transport.close()

    def _without_keys(self, answer: Answer) -> Answer:
        """An answer that does not repeat our key to whoever reads the trajectory."""
        for secret in self._secrets:
            key = secret.reveal()
            if len(key) >= _SHORTEST_ECHO and key in (text := answer.model_dump_json()):
                answer = Answer.model_validate_json(text.replace(key, "***"))
        return answer


def persist(
    ask: Callable[[float], Answer], patience: Patience, timeout: float, clock: Clock
) -> Answer | ModelError:
    """Call ``ask(seconds)`` until it answers, or until there is no point in going on; then the error to raise."""
    deadline = clock.now() + patience.total
    tries = 0
    while True:
        tries += 1
        try:
            answer = ask(min(timeout, max(deadline - clock.now(), 0.001)))
        except TryAgainError as again:
            error, after = again.error, again.after
        except ModelError as final:
            return final
        else:
            return answer.model_copy(update={"tries": tries})
        left = deadline - clock.now()
        if tries >= patience.tries and left > 0:
            return type(error)(f"{error} (tried {_times(tries)})")
        wait = _wait(tries, after, patience, clock)
        if wait >= left:
            return _too_late(error, tries, after, patience)
        clock.sleep(wait)


def _wait(tries: int, after: float | None, patience: Patience, clock: Clock) -> float:
    """Seconds until the next try: full jitter, on top of what the server asks for so that not all come at once."""
    spread = clock.chance() * min(patience.cap, patience.base * 2.0 ** min(tries - 1, 60))
    return spread if after is None else after + min(spread, patience.base)


def _too_late(error: ModelError, tries: int, after: float | None, patience: Patience) -> ModelError:
    if after is not None:
        asked = (
            f"the server asks to wait {after:.0f} s, and {patience.total:g} s is all the patience there is"
        )
        return type(error)(f"{error} ({asked})")
    last = "" if isinstance(error, ModelTimeoutError) else f": {error}"
    return ModelTimeoutError(f"no answer within {patience.total:g} s, tried {_times(tries)}{last}")


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
