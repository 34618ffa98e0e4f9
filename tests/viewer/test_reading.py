"""What is read from lines of any shape, what is said of it, and how text is made fit to be looked at."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.viewer.corpus import CALLS, F2P, P2P, PATCH, broken_sandbox, published, step, trajectory

from r2egym.records import Failure, TestStatus, ToolCall, Trajectory
from r2egym.viewer.attempts import Attempt, DamagedLineError, arguments_of, attempt_from, read_attempt
from r2egym.viewer.compare import part, rows_of
from r2egym.viewer.reasons import REASONS, signs, why
from r2egym.viewer.steps import headline, step_view
from r2egym.viewer.text import clip, one_line, visible


def read(made: Trajectory | dict[str, Any]) -> Attempt:
    """Write a line and read it."""
    text = made.model_dump_json() if isinstance(made, Trajectory) else json.dumps(made)
    return read_attempt(text.encode())


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted({*Trajectory.model_fields, "f2p", "nothing"})
STEP = st.dictionaries(
    st.sampled_from(["thought", "action", "call", "info", "exit_code", "token_usage_total", "repairs"]),
    ANYTHING,
)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING), st.lists(STEP | ANYTHING, max_size=3))
def test_no_value_of_any_type_is_too_much(value: dict[str, Any], steps: list[Any]) -> None:
    """Whatever a line holds in whatever place, it is shown as an attempt with a reason."""
    attempt = attempt_from({**value, "trajectory_steps": steps})
    assert why(attempt).code in REASONS
    assert all(sign.text for sign in signs(attempt))
    assert len(attempt.turns) == len(steps)
    for turn in attempt.turns:
        step_view(turn)
    json.dumps(
        [attempt.task, attempt.statement, attempt.patch], ensure_ascii=False
    ).encode()  # no half characters


@settings(max_examples=60)
@given(st.binary(max_size=60))
def test_bytes_are_an_attempt_or_damaged(data: bytes) -> None:
    """Reading raises one error alone."""
    with pytest.raises(DamagedLineError, match=r"not JSON|not a trajectory"):
        read_attempt(data)


def test_half_characters_do_not_keep_a_line_from_being_read() -> None:
    """Lone surrogates, which Python's own writer lets through, become replacement characters."""
    line = json.dumps({"trajectory_steps": [{"thought": "a\ud800b"}], "instance_id": "x__1"}).encode()
    assert read_attempt(line).turns[0].thought == "a\ufffdb"


def test_published_line() -> None:
    """It has no ids and no grade; the task is named after the row or the image, the call is read from its text."""
    attempt = read(published())
    assert attempt.task == "larder__0123456789ab"
    assert (attempt.attempt, attempt.agent, attempt.reward) == (None, "r2egym-7b", 1.0)
    assert dict(arguments_of(attempt.turns[1])) == CALLS[1].arguments
    row = {"repo_name": "larder", "commit_hash": "f" * 40, "patch": PATCH}
    assert read(published(ds=row)).task == "larder__" + "f" * 12
    assert read(published(ds=row)).gold == PATCH
    assert why(read(published(reward=0))).code == "failed"
    assert why(read(published(reward=None))).code == "ungraded"


GONE = TestStatus.MISSING
ENDS: list[tuple[str, dict[str, Any]]] = [
    ("passed", {}),
    ("no-reward", {"reward": None, "failure": broken_sandbox()}),
    ("tampered", {"reward": 0.0, "grade": {"tampering": ("a twin passed",)}}),
    ("empty-patch", {"reward": 0.0, "output_patch": "\n"}),
    ("only-ignored", {"reward": 0.0, "grade": {"ignored": ("larder/units.py",)}}),
    ("bad-patch", {"reward": 0.0, "grade": {"note": "the patch does not apply: larder/units.py"}}),
    ("tests-lost", {"reward": 0.0, "grade": {"note": "the run timed out"}}),
    ("unsolved", {"reward": 0.0}),
    (
        "regression",
        {"reward": 0.0, "grade": {"f2p": {F2P: TestStatus.PASSED}, "p2p": {P2P: TestStatus.FAILED}}},
    ),
    ("unsolved-regression", {"reward": 0.0, "grade": {"p2p": {P2P: TestStatus.FAILED}}}),
    ("broken", {"reward": 0.0, "grade": {"f2p": {F2P: GONE}, "p2p": {P2P: TestStatus.ERROR}}}),
    ("failed", {"reward": 0.0, "grade": {"f2p": {}, "p2p": {}}}),
]


@pytest.mark.parametrize(("code", "more"), ENDS, ids=[code for code, _ in ENDS])
def test_every_end_has_its_reason(code: str, more: dict[str, Any]) -> None:
    """One code for each way to end; the machinery's failures are told before the patch's."""
    found = why(read(trajectory(**more)))
    assert found.code == code
    assert found.text


def test_every_reason_is_one_of_a_test() -> None:
    """No code is without a case: the two that published lines and damaged ones have are tested beside them."""
    assert {code for code, _ in ENDS} | {"ungraded", "damaged"} == set(REASONS)


def edit(text: str) -> ToolCall:
    """A call that changes a file."""
    return ToolCall(
        name="file_editor",
        arguments={"command": "str_replace", "path": "/testbed/a.py", "old_str": "1", "new_str": text},
    )


def test_signs_point_at_steps() -> None:
    """Repeats, late edits, silent answers, slow and mended steps, own tests that failed: each with its step."""
    bash = CALLS[2]
    steps = [step(n, CALLS[0]) for n in range(8)]
    steps += [step(n, bash) for n in range(8, 12)]
    steps += [step(12, edit("2")), step(13, None), step(14, bash, observation="== 2 failed, 3 passed ==")]
    steps += [step(15, bash, env_exec_time=75.0, info={"timed_out": True}, repairs=("a tag closed",))]
    said = {
        sign.step: sign.text
        for sign in signs(
            read(trajectory(steps=steps, exit_reason="token_limit")), PATCH.replace("units", "u")
        )
    }
    texts = [
        sign.text
        for sign in signs(
            read(trajectory(steps=steps, exit_reason="token_limit")), PATCH.replace("units", "u")
        )
    ]
    assert "cut off at the limit of tokens" in texts
    assert "it changed none of the files that gold changes (larder/u.py)" in texts
    assert said[1] == "the same call 8 times in a row"
    assert said[13] == "its first change came at step 13 of 16"
    assert said[14] == "1 answer called no tool"
    assert said[15] == "the last tests that it ran itself: 2 failed"
    assert "1 command ran out of time" in texts
    assert "step 16 took 76 s" in texts or "step 16 took 77 s" in texts


def test_a_plain_success_has_no_signs() -> None:
    """Nothing is said where there is nothing to say."""
    assert signs(read(trajectory(calls=(CALLS[0], edit("2"), CALLS[3])))) == ()


def test_failure_that_the_agent_may_have_caused_is_told() -> None:
    """The boundary and the cause stand in one line."""
    failure = Failure(boundary="grader", cause="it timed out", policy_could_cause=True)
    attempt = read(trajectory(reward=None, failure=failure))
    assert (why(attempt).text, attempt.provoked) == ("grader: it timed out", True)


# --- attempts side by side ----------------------------------------------------------------------------------------


def test_where_attempts_part() -> None:
    """The first step whose calls differ; one that ends early parts where it ends."""
    one, other = read(trajectory(calls=CALLS)), read(trajectory(calls=(*CALLS[:2], CALLS[3])))
    assert part([one, one]).step is None
    assert part([one, other]).step == 3
    assert part([one, one, other]).with_first == (None, None, 3)
    assert part([one, read(trajectory(calls=CALLS[:2]))]).step == 3
    assert [[cell and cell.is_same for cell in row] for row in rows_of([one, other])] == [
        [True, True],
        [True, True],
        [False, False],
        [False, None],
    ]
    assert part([]).step is None


# --- steps --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (CALLS[0], "view larder/units.py"),
        (CALLS[1], "\u201cgrams\u201d in /testbed"),
        (CALLS[2], "python -m pytest -q"),
        (CALLS[3], "submit"),
        (ToolCall(name="other", arguments={}), "other"),
    ],
)
def test_headlines(call: ToolCall, line: str) -> None:
    """A call in one line, without what every call says."""
    assert headline(read(trajectory(calls=(call,))).turns[0]) == line


def test_blocks_show_what_the_headline_leaves_out() -> None:
    """A replacement is a diff, a new file is its text, a command of several lines is shown whole."""
    view = step_view(read(trajectory(calls=(edit("2"),))).turns[0])
    assert view.blocks[0].is_change
    assert '<span class="del">-1\n</span>' in view.blocks[0].body
    made = ToolCall(
        name="file_editor",
        arguments={"command": "create", "path": "/testbed/a.py", "file_text": "def f(): pass"},
    )
    assert 'class="cw">def' in step_view(read(trajectory(calls=(made,))).turns[0]).blocks[0].body
    long = ToolCall(name="execute_bash", arguments={"cmd": "echo one\necho two"})
    assert "two" in step_view(read(trajectory(calls=(long,))).turns[0]).blocks[0].body
    assert step_view(read(trajectory(calls=(CALLS[2],))).turns[0]).blocks == ()


# --- text ---------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(st.text(st.characters(codec=None)))
def test_visible_text_does_nothing(text: str) -> None:
    """No control character but newline and tab, nothing that turns the order of letters, no half character is left."""
    shown = visible(text)
    assert not [c for c in shown if (ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0]
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
    shown.encode()
    assert "\n" not in one_line(text)


def test_terminal_codes_are_gone_and_others_are_shown() -> None:
    """Colours and titles vanish; a bell, a NUL and a reversal of letters are seen."""
    text = "\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://x\x1b\\link \x07\x00 a\u202eb\x7f"
    assert visible(text) == "red link \u2407\u2400 a\u27e8U+202E\u27e9b\u2421"


@settings(max_examples=60)
@given(st.text("ab\n", max_size=80), st.integers(1, 5), st.integers(1, 60))
def test_clips_lose_nothing(text: str, lines: int, most: int) -> None:
    """Head, tail and what is left are the whole text."""
    found = clip(text, lines=lines, most=most)
    assert found.head + found.tail == text[: len(text) - found.left]
    assert found.head.count("\n") <= lines
    assert found.characters == len(text)
    assert found.left == 0 or len(found.head + found.tail) <= most
