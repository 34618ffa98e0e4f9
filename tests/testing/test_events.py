"""What a run may say, and what is made of lies, gaps and noise on the channel."""

from __future__ import annotations

import json

import pytest

from r2egym.records import ExecResult, TestStatus
from r2egym.testing.events import Report

NONCE = "n0nce"


def _line(kind: str, **fields: object) -> str:
    return json.dumps({"n": NONCE, "t": kind, **fields}, sort_keys=True) + "\n"


def _test(index: int, outcome: str = "passed", **more: object) -> str:
    phases = [("setup", "passed", {}), ("call", outcome, more), ("teardown", "passed", {})]
    return "".join(_line("phase", i=index, w=when, o=said, **rest) for when, said, rest in phases)


CENSUS = _line("census", ids=["a.py::test_a", "a.py::test_b"])
BOTH = CENSUS + _test(0) + _test(1)
END = _line("end", code=0)


def _report(text: str, code: int = 0, **more: object) -> Report:
    return Report(ExecResult.model_validate({"exit_code": code, "stdout": text, "stderr": "", **more}), NONCE)


def test_an_honest_run() -> None:
    """Census, three phases a test, the end mark and the exit code agree."""
    report = _report(BOTH + END)
    assert report.complete
    assert not report.alarms
    assert [report.status(i) for i in (0, 1)] == [TestStatus.PASSED] * 2


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        (BOTH + END + _test(1), 0, "after the end"),
        (BOTH + END + END, 0, "after the end"),
        (BOTH + END + "more", 0, "after the end|not ours"),
        (BOTH + _line("phase", i=1, w="call", o="passed") + END, 0, "twice"),
        (BOTH + _test(2) + END, 0, "not collected"),
        (_test(0) + CENSUS + END, 0, "not collected"),
        (BOTH + CENSUS + END, 0, "second census"),
        (BOTH + "PASSED a.py::test_a\n" + END, 0, "not ours"),
        (BOTH + END.replace(NONCE, "guess"), 0, "not ours"),
        (BOTH + END, 1, "not the one announced"),
        (BOTH + _line("end", code=1), 1, "contradicts"),
        (CENSUS + _test(0) + _test(1, "failed") + END, 0, "contradicts"),
        (BOTH + _line("surprise") + END, 0, "unknown kind"),
        (BOTH + _line("phase", i=True, w="call", o="passed") + END, 0, "not collected"),
        (BOTH + "[" * 100_000 + "\n" + END, 0, "not ours"),
    ],
)
def test_what_an_honest_run_does_not_do(text: str, code: int, word: str) -> None:
    """It raises an alarm that says what."""
    alarms = "; ".join(_report(text, code).alarms)
    assert any(part in alarms for part in word.split("|")), alarms


@pytest.mark.parametrize(
    ("text", "more"),
    [
        (BOTH, {}),
        (BOTH[:-30], {}),
        (CENSUS + _test(0) + END, {}),
        (CENSUS + _test(0) + _line("phase", i=1, w="setup", o="passed") + END, {}),
        ("", {}),
        (BOTH + END, {"truncated": True}),
        (BOTH, {"timed_out": True, "exit_code": 124}),
        (BOTH + END, {"exit_code": 139}),
    ],
)
def test_what_is_cut_off_is_incomplete_and_accuses_nobody(text: str, more: dict[str, object]) -> None:
    """A crash, a time limit and a cut channel look like this too."""
    report = (
        _report(text, **{"code": 0, **{k: v for k, v in more.items() if k != "exit_code"}})
        if "exit_code" not in more
        else _report(text, int(str(more["exit_code"])), **{k: v for k, v in more.items() if k != "exit_code"})
    )
    assert not report.complete
    assert not report.alarms


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (_test(0, "skipped"), "SKIPPED"),
        (_test(0, "skipped", x=True), "XFAIL"),
        (_test(0, "passed", x=True), "XPASS"),
        (_test(0, "failed", c="because"), "FAILED"),
        (_line("phase", i=0, w="setup", o="failed") + _line("phase", i=0, w="teardown", o="passed"), "ERROR"),
        (_line("phase", i=0, w="subtest", o="failed") + _test(0), "FAILED"),
        (_test(0).replace('"w": "teardown"', '"w": "gone"'), None),
    ],
)
def test_phases_add_up(text: str, status: str | None) -> None:
    """To one status a test, or to none when one is missing."""
    assert _report(CENSUS + text).status(0) == status
