"""A clock that only moves when somebody sleeps, and chance that is none."""

from dataclasses import dataclass, field

from r2egym.llm.retry import Clock
from r2egym.records import Message, Request


@dataclass
class Sleeper:
    """Records how long was slept, and moves time by as much."""

    slept: list[float] = field(default_factory=list)
    spent: float = 0.0
    """Seconds that pass in other ways than sleeping."""

    def clock(self, chance: float = 1.0) -> Clock:
        """The clock of this sleeper."""
        return Clock(
            now=lambda: sum(self.slept) + self.spent,
            sleep=self.slept.append,
            chance=lambda: chance,
        )


def asking(text: str = "hello", **how) -> Request:
    """A request of one user turn."""
    return Request(messages=(Message(role="user", content=text),), **how)
