"""What every runtime is."""

from __future__ import annotations

from abc import ABC, abstractmethod


class ExecutionEnvironment(ABC):
    """Base of runtimes."""

    @abstractmethod
    def reset(self) -> None:
        """Back to the base state."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything."""
