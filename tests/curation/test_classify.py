"""Sorting tests by what both sides say of them, and counting where commits went."""

from r2egym.curation.classify import classify
from r2egym.curation.funnel import STAGES, Funnel, NotATaskError, Rejected
from r2egym.records import ExecResult
from r2egym.testing import TestRun


def run(*, complete: bool = True, **statuses: str) -> TestRun:
    """What one run said."""
    done = ExecResult(exit_code=0, stdout="", stderr="")
    return TestRun(statuses=statuses, complete=complete, exec=done)


def test_a_broken_off_run_says_nothing_of_what_it_did_not_reach():
    """A test that a run which crashed had not reached is judged by the other runs; never reached, it does not pass."""
    base = [run(complete=False, a="PASSED"), run(complete=False, b="PASSED")]
    gold = [run(a="PASSED", b="PASSED", c="PASSED")] * 2
    classes = classify(base, gold)
    assert classes.pass_to_pass == ("a", "b")
    assert classes.fail_to_pass == ("c",)
    assert classes.flaky == ()


def test_tests_are_sorted():
    """Mended, kept, broken, flaky: each test lands in its class; a test absent from base is mended."""
    base = [
        run(a="FAILED", b="PASSED", c="PASSED", d="PASSED", e="FAILED", f="XFAIL"),
        run(a="ERROR", b="PASSED", c="PASSED", d="FAILED", e="FAILED", f="XFAIL"),
    ]
    gold = [
        run(a="PASSED", b="PASSED", c="FAILED", d="PASSED", e="PASSED", f="XFAIL", g="PASSED"),
        run(a="PASSED", b="PASSED", c="FAILED", d="PASSED", e="FAILED", f="XFAIL", g="PASSED"),
    ]
    classes = classify(base, gold)
    assert classes.fail_to_pass == ("a", "g")
    assert classes.pass_to_pass == ("b",)
    assert classes.broken == ("c",)
    assert classes.flaky == ("d", "e")
    assert classes.flake == {"d": 0.25, "e": 0.25}
    assert classes.gold["f"] == "XFAIL"
    assert classes.base["g"] == "MISSING"


def test_every_commit_is_in_the_funnel_once():
    """Stages pass on what they keep; reasons carry counts and a few examples, in an order that does not change."""
    rejected = [
        Rejected(commit=f"{number:040d}", stage="mine", reason="no-tests", detail="x") for number in range(7)
    ]
    rejected.append(NotATaskError("classify", "nothing-mended", "y").rejected("f" * 40))
    funnels = Funnel(), Funnel()
    for one in rejected:
        funnels[0].reject(one)
    for one in reversed(rejected):
        funnels[1].reject(one)
    for funnel in funnels:
        funnel.keep()
    summary = funnels[0].summary()
    assert summary == funnels[1].summary()
    assert [stage["stage"] for stage in summary] == list(STAGES)
    assert (summary[0]["seen"], summary[0]["kept"]) == (9, 2)
    assert (summary[-1]["seen"], summary[-1]["kept"]) == (1, 1)
    mined = summary[0]["rejected"]["no-tests"]
    assert mined["count"] == 7
    assert [example["commit"][-1] for example in mined["examples"]] == list("01234")
