"""Why an attempt ended as it did: one code that lists and counts go by, one line for people, and signs along the way."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from r2egym.viewer.attempts import Attempt, Turn, arguments_of

PASSED = "PASSED"
_EDITS = frozenset({"create", "str_replace", "insert"})
_EDITORS = frozenset({"file_editor", "str_replace_editor"})
_GONE = frozenset({"ERROR", "MISSING"})
_TESTED = re.compile(r"\b(\d+) (failed|errors?)\b")
_FILES = re.compile(r"^diff --git (?:\"?a/)(.*?)\"? \"?b/(.*?)\"?$", re.MULTILINE)
_SAME = 3
"""Equal calls in a row that are worth a word."""
_LONG = 60.0
"""Seconds of a step that are worth a word."""

REASONS = {
    "passed": "passed",
    "unsolved": "the tests of the fix still fail",
    "regression": "the fix is there, other tests broke",
    "unsolved-regression": "the tests of the fix fail, and others broke",
    "broken": "no expected test could run",
    "empty-patch": "nothing was changed",
    "only-ignored": "only tests and control files were changed",
    "bad-patch": "the patch could not be used",
    "tests-lost": "the tests did not end",
    "tampered": "tampering was found",
    "failed": "failed; no result by test is known",
    "no-reward": "no reward: the machinery failed",
    "ungraded": "no reward was recorded",
    "damaged": "the line is damaged",
}
"""Every code, and what it means."""


@dataclass(frozen=True, slots=True)
class Why:
    """Why it ended so."""

    code: str
    """A key of :data:`REASONS`."""
    text: str
    """One line."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Something worth a look."""

    text: str
    step: int | None = None
    """Where; from 1."""


def why(attempt: Attempt) -> Why:
    """The reason of an attempt's end."""
    if attempt.masked:
        who = f"{attempt.boundary}: " if attempt.boundary else ""
        return Why("no-reward", f"{who}{attempt.cause or 'the machinery failed'}")
    if attempt.reward is None:
        return Why("ungraded", REASONS["ungraded"])
    if attempt.tampering:
        return Why("tampered", attempt.tampering[0])
    if attempt.status == "passed":
        return Why("passed", _kept(attempt))
    return _failed(attempt)


def _failed(attempt: Attempt) -> Why:
    if not attempt.patch.strip():
        return Why("empty-patch", REASONS["empty-patch"])
    touched = files_of(attempt.patch)
    if attempt.ignored and set(touched) <= set(attempt.ignored):
        return Why("only-ignored", f"only {_names(attempt.ignored)} changed, which grading leaves out")
    if attempt.note:
        refused = attempt.note.startswith(("patch", "the patch"))
        return Why("bad-patch" if refused else "tests-lost", attempt.note)
    if not attempt.f2p and not attempt.p2p:
        return Why("failed", REASONS["failed"])
    return _by_tests(attempt)


def _by_tests(attempt: Attempt) -> Why:
    wanted = [test for test, status in attempt.f2p.items() if status != PASSED]
    broken = [test for test, status in attempt.p2p.items() if status != PASSED]
    statuses = {*attempt.f2p.values(), *attempt.p2p.values()}
    if statuses <= _GONE:
        return Why("broken", f"none of {len(attempt.f2p) + len(attempt.p2p)} expected tests could run")
    parts = []
    if wanted:
        parts.append(
            f"{len(wanted)} of {_times(len(attempt.f2p), 'test')} to mend still fail{'s' if len(wanted) == 1 else ''}"
        )
    if broken:
        parts.append(f"{len(broken)} of {_times(len(attempt.p2p), 'test')} to keep broke")
    code = {(True, True): "unsolved-regression", (True, False): "unsolved", (False, True): "regression"}
    return Why(code.get((bool(wanted), bool(broken)), "failed"), "; ".join(parts) or REASONS["failed"])


def _kept(attempt: Attempt) -> str:
    if not attempt.f2p:
        return REASONS["passed"]
    kept = f", {len(attempt.p2p)} kept" if attempt.p2p else ""
    return f"{_times(len(attempt.f2p), 'test')} mended{kept}"


def files_of(patch: str) -> tuple[str, ...]:
    """Paths that a patch touches, as its headers have them."""
    return tuple(dict.fromkeys(match[2] for match in _FILES.finditer(patch)))


def _times(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _names(paths: tuple[str, ...]) -> str:
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")  # noqa: PLR2004


# --- signs --------------------------------------------------------------------------------------------------------


def signs(attempt: Attempt, gold: str = "") -> tuple[Sign, ...]:
    """What else is worth a look, the weightiest first.

    Args:
        attempt: whose.
        gold: the gold patch, when it is known.
    """
    return tuple(_signs(attempt, gold))


_ENDS = {
    "max_step_limit": "it was stopped after the asked number of steps",
    "agent_max_step_limit": "it handed in only after it was asked to",
    "abs_step_limit": "it never handed in: cut off at the limit of steps",
    "token_limit": "cut off at the limit of tokens",
    "traj_time_limit": "cut off at the limit of time",
    "llm_query_error": "the model's server failed",
    "environment_error": "the sandbox failed",
}


def _signs(attempt: Attempt, gold: str) -> Iterator[Sign]:
    turns = attempt.turns
    if attempt.exit_reason in _ENDS:
        yield Sign(_ENDS[attempt.exit_reason], len(turns) or None)
    for line in attempt.tampering[1:]:
        yield Sign(line)
    if attempt.ignored:
        yield Sign(f"left out of its patch: {_names(attempt.ignored)}")
    if gold and attempt.patch.strip() and not set(files_of(gold)) & set(files_of(attempt.patch)):
        yield Sign(f"it changed none of the files that gold changes ({_names(files_of(gold))})")
    yield from _habits(turns)
    if attempt.superseded:
        yield Sign(f"started over {attempt.superseded} times, since what was run before came out otherwise")


def _habits(turns: tuple[Turn, ...]) -> Iterator[Sign]:
    if (first := next((turn for turn in turns if edits(turn)), None)) is None:
        if turns:
            yield Sign("it never used the editor to change a file")
    elif first.number > max(len(turns) // 2, 5):
        yield Sign(f"its first change came at step {first.number} of {len(turns)}", first.number)
    yield from _repeats(turns)
    tested = next((turn for turn in reversed(turns) if _TESTED.search(turn.observation[-2_000:])), None)
    if tested is not None and (found := _TESTED.search(tested.observation[-2_000:])):
        yield Sign(f"the last tests that it ran itself: {found[0]}", tested.number)
    silent = [turn for turn in turns if not turn.tool]
    if silent:
        yield Sign(f"{_times(len(silent), 'answer')} called no tool", silent[0].number)
    late = [turn for turn in turns if turn.timed_out]
    if late:
        yield Sign(f"{_times(len(late), 'command')} ran out of time", late[0].number)
    slow = max(turns, key=lambda turn: turn.tool_seconds + turn.model_seconds, default=None)
    if slow is not None and slow.tool_seconds + slow.model_seconds >= _LONG:
        yield Sign(f"step {slow.number} took {slow.tool_seconds + slow.model_seconds:.0f} s", slow.number)
    mended = [turn for turn in turns if turn.repairs]
    if mended:
        yield Sign(
            f"{_times(len(mended), 'call')} had to be mended ({mended[0].repairs[0]})", mended[0].number
        )


def _repeats(turns: tuple[Turn, ...]) -> Iterator[Sign]:
    longest, start, run = 1, 0, 1
    for before, turn in itertools.pairwise(turns):
        run = run + 1 if turn.action and turn.action == before.action else 1
        if run > longest:
            longest, start = run, turn.number - run + 1
    if longest >= _SAME:
        yield Sign(f"the same call {longest} times in a row", start)


def edits(turn: Turn) -> bool:
    """Whether a turn changes a file through an editor."""
    if turn.tool not in _EDITORS:
        return False
    return str(arguments_of(turn).get("command", "")) in _EDITS
