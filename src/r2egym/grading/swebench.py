"""Rows of SWE-bench, judged by SWE-bench: its test specification, its parsers, its report; the machine is ours.

The patch is divided as everywhere (tests and their configuration are left out, and told), applied in a fresh sandbox of the cleaned image, and
SWE-bench's own evaluation script runs there. ``resolved`` is what its report says; ``published`` is the same as a number.

Needs the package ``swebench`` 5 or newer (an extra), and rows with the columns that it works from: ``image``, ``eval_script``,
``log_parser``, ``eval_type``.
"""

from __future__ import annotations

import importlib
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from r2egym.building.published_images import TESTBED, PublishedImage
from r2egym.errors import MissingExtraError, UsageError
from r2egym.grading.image_rows import ImageGrader, Run, apply_patch, cause_of
from r2egym.grading.surface import Surface
from r2egym.records import Reward, Task, TestStatus

_SCRIPT = "/eval.sh"
_LOG = 1 << 26
_MODEL = "r2egym"


class SwebenchGrader(ImageGrader):
    """Grades patches on rows of SWE-bench; safe for threads. Raises MissingExtraError when the judge is not installed."""

    def run(self, image: PublishedImage, task: Task, surface: Surface) -> Run:
        """Run SWE-bench's script on the patched source, and ask its judge about the log."""
        judge, spec = _judge(), _spec(task)
        with self.backend.open(image.config()) as box:
            if surface.applied and (why := apply_patch(box, "".join(part.text for part in surface.applied))):
                return Run({}, timed_out=False, killed=False, note=f"the patch does not apply: {why}")
            box.write_file(_SCRIPT, spec.eval_script, mode=0o755)
            done = box.exec(
                f"exec 2>&1; /bin/bash {_SCRIPT}", cwd=TESTBED, timeout=self.timeout, output_limit=_LOG
            )
        report = _report(judge, spec, task, done.stdout)
        statuses = {
            test: status
            for kind in ("FAIL_TO_PASS", "PASS_TO_PASS")
            for outcome, status in (("success", TestStatus.PASSED), ("failure", TestStatus.FAILED))
            for test in report.get("tests_status", {}).get(kind, {}).get(outcome, ())
        }
        killed = bool(done.limits_hit) or done.exit_code == 137  # noqa: PLR2004 - SIGKILL
        return Run(statuses, timed_out=done.timed_out, killed=killed, verdict=bool(report["resolved"]))

    def reward(self, task: Task, run: Run, surface: Surface) -> Reward:
        """The judge's word, test by test."""
        resolved = run.verdict and not run.timed_out
        seen = defaultdict(lambda: TestStatus.MISSING, run.statuses)
        return Reward(
            instance_id=task.instance_id,
            resolved=resolved,
            score=float(resolved),
            published=1 if resolved else 0,
            f2p={test: seen[test] for test in task.fail_to_pass},
            p2p={test: seen[test] for test in task.pass_to_pass},
            ignored=surface.ignored,
            seal=dict.fromkeys(task.fail_to_pass, "none"),
            note=run.note or cause_of(run) or ("" if surface.applied else "nothing of the patch is applied"),
        )


def instance_of(task: Task) -> Mapping[str, Any] | None:
    """The columns that SWE-bench's judge works from; None for a row that is not SWE-bench's."""
    found = task.published.get("swebench")
    return found if isinstance(found, Mapping) else None


def _judge() -> Any:
    try:
        importlib.import_module("swebench.types")
        return importlib.import_module("swebench.harness.grading")
    except ImportError:
        raise MissingExtraError("rows of SWE-bench are judged by swebench (5 or newer)", "swebench") from None


def _spec(task: Task) -> Any:
    instance = dict(instance_of(task) or {})
    missing = [name for name in ("image", "eval_script", "log_parser", "eval_type") if not instance.get(name)]
    if missing:
        raise UsageError(
            f"{task.instance_id}: no column {', '.join(missing)}; swebench 5 works from them, and so do its newer datasets"
        )
    found = {
        **instance,
        "instance_id": task.instance_id,
        "FAIL_TO_PASS": list(task.fail_to_pass),
        "PASS_TO_PASS": list(task.pass_to_pass),
    }
    return importlib.import_module("swebench.harness.utils").make_test_spec(found)


def _report(judge: Any, spec: Any, task: Task, log: str) -> dict[str, Any]:
    prediction = {"instance_id": task.instance_id, "model_name_or_path": _MODEL, "model_patch": "applied"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "test_output.txt")
        path.write_text(log)
        report: dict[str, dict[str, Any]] = judge.get_eval_report(spec, prediction, str(path), True)  # noqa: FBT003
    return report[task.instance_id]


def official_report(rewards: Iterable[Reward], total: int, empty: Iterable[str] = ()) -> dict[str, Any]:
    """A report in the form that SWE-bench's harness writes.

    Args:
        rewards: of all patches that were graded.
        total: tasks of the dataset.
        empty: ids of those among them whose patch is empty.
    """
    found = list(rewards)
    blank = set(empty)
    lists = {
        "submitted": sorted(one.instance_id for one in found),
        "completed": sorted(
            one.instance_id for one in found if not one.failure and one.instance_id not in blank
        ),
        "resolved": sorted(one.instance_id for one in found if one.resolved),
        "unresolved": sorted(
            one.instance_id for one in found if one.resolved is False and one.instance_id not in blank
        ),
        "empty_patch": sorted(blank),
        "error": sorted(one.instance_id for one in found if one.failure),
    }
    counts = {f"{name}_instances": len(ids) for name, ids in lists.items()}
    return {
        "total_instances": total,
        **counts,
        **{f"{name}_ids": ids for name, ids in lists.items()},
        "schema_version": 2,
    }
