"""Making an interaction fit a number of tokens, by rule, its first and last step kept.

While it is too long: texts of the steps between are shortened to their beginning and end, to less and less; then steps in the
middle are left out, fewer of the first than of the last being kept; then the first and the last are shortened as well. What is
missing is marked where it is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from r2egym.verifiers.views import Turn

_LENGTHS = (8_000, 3_000, 1_000, 300)
"""Characters that a text of a step between is shortened to, one after the other."""
_LEAST = 80
_FIRST = 3
"""One step of so many that are kept is one of the first."""


def clip(text: str, most: int) -> str:
    """At most so many characters of a text, and a mark: its beginning and its end."""
    if len(text) <= most:
        return text
    head = (most * 3) // 5
    tail = most - head
    mark = f"\n[... {len(text) - most} characters left out ...]\n"
    return text[:head] + mark + (text[-tail:] if tail else "")


def condense(
    turns: Sequence[Turn], most: int, count: Callable[[Turn], int]
) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """The turns that are shown: those before and those after what is left out (nothing is: the second part is empty).

    Args:
        turns: the interaction.
        most: tokens that all of it may take.
        count: tokens of one turn as it is shown.
    """
    shown = list(turns)
    if sum(map(count, shown)) <= most:
        return tuple(shown), ()
    for length in _LENGTHS:
        shown = [shown[0], *(_shortened(turn, length) for turn in shown[1:-1]), *shown[1:][-1:]]
        if sum(map(count, shown)) <= most:
            return tuple(shown), ()
    sizes = [count(turn) for turn in shown]
    for kept in range(len(shown) - 1, 1, -1):
        first = max(1, kept // _FIRST)
        if sum(sizes[:first]) + sum(sizes[first - kept :]) <= most:
            return tuple(shown[:first]), tuple(shown[first - kept :])
    ends = [shown[0], *shown[1:][-1:]]
    length = max(len(text) for turn in ends for text in (turn.thought, turn.action, turn.observation))
    while sum(map(count, ends)) > most and length > _LEAST:
        length //= 2
        ends = [_shortened(turn, length) for turn in ends]
    return (ends[0],), tuple(ends[1:])


def _shortened(turn: Turn, length: int) -> Turn:
    texts = {name: clip(getattr(turn, name), length) for name in ("thought", "action", "observation")}
    return turn.model_copy(update=texts)
