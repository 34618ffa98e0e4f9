"""What a language model is to the rest of the package: something that answers a request."""

from __future__ import annotations

from typing import Protocol

from r2egym.records import Answer, Request


class Model(Protocol):
    """A model that many threads may ask at once."""

    name: str
    """As the user wrote it."""

    def complete(self, request: Request, *, timeout: float = 120.0) -> Answer:
        """Ask, and wait for the answer.

        Args:
            request: the conversation so far, the tools, how to sample.
            timeout: seconds that one try may take; how often it is tried is the model's own patience.

        Raises:
            ModelError: there is no answer; the subclass says why, and asking the same again would not help now.
        """
        ...

    def close(self) -> None:
        """Give connections and files back; twice is safe."""
        ...
