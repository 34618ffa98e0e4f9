"""A report in SWE-bench's form."""

from r2egym.grading import official_report
from r2egym.records import Failure, Reward


def reward(name: str, score: float | None) -> Reward:
    """A reward, or none."""
    failure = Failure(boundary="sandbox", cause="lost") if score is None else None
    resolved = None if score is None else score == 1
    return Reward(instance_id=name, resolved=resolved, score=score, failure=failure)


def test_every_patch_is_counted_once() -> None:
    """Resolved, unresolved, empty and failed ones add up to what was submitted; a failure is no 0."""
    rewards = [reward("c", 1.0), reward("a", 0.0), reward("b", None), reward("d", 0.0)]
    report = official_report(rewards, total=9, empty=["d"])
    assert report["total_instances"] == 9
    assert report["submitted_ids"] == ["a", "b", "c", "d"]
    assert (report["resolved_ids"], report["unresolved_ids"]) == (["c"], ["a"])
    assert (report["empty_patch_ids"], report["error_ids"]) == (["d"], ["b"])
    assert report["completed_ids"] == ["a", "c"]
    parts = ("resolved", "unresolved", "empty_patch", "error")
    assert sum(report[f"{part}_instances"] for part in parts) == report["submitted_instances"]
