"""A run over a cluster of several machines, one of which is lost."""

import json
import os
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.environment.ground import several
from tests.rollouts.test_kills import check, script

from r2egym.environment import Facilities
from r2egym.records import Task
from r2egym.rollouts import AgentSpec, Run, RunOptions

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    """A machine that drives, and two that work."""
    ray = pytest.importorskip("ray", reason="Ray is not installed (uv sync --extra ray)")
    from ray.cluster_utils import Cluster

    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{ROOT / 'src'}"
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    made.workers = [made.add_node(num_cpus=1) for _ in range(2)]
    ray.init(address=made.address, log_to_driver=False)
    yield made
    ray.shutdown()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.shutdown()
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


def test_a_lost_machine_loses_nothing(cluster, facilities: Facilities, tmp_path: Path):
    """One of two machines that work goes in the middle of the run: every attempt is there once, undisturbed."""
    (tmp_path / "script.json").write_text(json.dumps(script(tmp_path)))
    spec = AgentSpec(kind="script", script=tmp_path / "script.json")
    task = Task.model_validate_json((tmp_path / "task.json").read_text())  # what the script is for
    run = Run(
        tmp_path / "run", several(task, 3), spec, RunOptions(attempts=2, jobs=4), facilities, engine="ray"
    )
    journal, lost = tmp_path / "run/journal/journal.log", False

    def lose() -> None:
        nonlocal lost
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if journal.exists() and b'"outcome"' in journal.read_bytes():
                cluster.remove_node(cluster.workers[0], allow_graceful=False)
                lost = True
                return
            time.sleep(0.01)

    killer = threading.Thread(target=lose)
    killer.start()
    summaries = list(run)
    killer.join()
    assert lost
    assert len(summaries) == 6
    check(tmp_path / "run")
