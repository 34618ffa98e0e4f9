"""LLaMA-Factory itself reads every configuration, and every kind of rows that we export; it trains, and what it trained acts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.environment.conftest import ground, task
from tests.training.conftest import attempt, dataset
from tests.verifiers.conftest import make_run

from r2egym.training import ExportOptions, export

__all__ = ["dataset", "ground", "make_run", "task"]

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parent.parent.parent
TEST_PATCH = (
    "diff --git a/test_issue.py b/test_issue.py\nnew file mode 100644\n--- /dev/null\n+++ b/test_issue.py\n"
    "@@ -0,0 +1,2 @@\n+def test_count():\n+    assert True\n"
)


@pytest.fixture(scope="session")
def trainer() -> Path:
    """The trainer's environment: ``$R2EGYM_TRAINER``, or where ``make trainer`` puts it."""
    place = Path(os.environ.get("R2EGYM_TRAINER") or Path.home() / ".cache/r2egym-trainer")
    if not (place / "bin/llamafactory-cli").exists():
        pytest.skip("LLaMA-Factory is not there (make trainer)")
    return place / "bin"


def call(trainer: Path, *words: object, program: str = "python") -> str:
    """What a program of the trainer's environment prints."""
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "train/stubs"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    run = subprocess.run(
        [str(trainer / program), *map(str, words)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2_000:]
    return run.stdout


def told(text: str) -> list[dict]:
    """The lines of JSON in a text."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_every_configuration_is_one(trainer: Path):
    """With the published hyper-parameters."""
    configs = sorted((ROOT / "train").glob("train_*.yaml"))
    found = {one["config"]: one for one in told(call(trainer, "train/check.py", *configs))}
    assert sorted(found) == [path.name for path in configs]
    agent = found["train_r2egym_32B_agent.yaml"]
    assert (agent["cutoff_len"], agent["epochs"], agent["learning_rate"]) == (20_480, 2.0, 1e-5)
    verifier = found["train_r2egym_14B_verifier.yaml"]
    assert (verifier["finetuning"], verifier["lora_rank"], verifier["cutoff_len"]) == ("lora", 64, 32_768)


def test_every_kind_of_rows_is_read_and_trained_on(trainer: Path, make_run, dataset: Path, tmp_path: Path):
    """Nothing is cut, every row has something to learn, and two steps of training leave a model."""
    run = make_run(
        [
            attempt("a"), attempt("a", 1, reward=0.0), attempt("b"),
            attempt("c", agent="test", output_patch=TEST_PATCH, reward=0.0),
        ],
        str(dataset),
    )  # fmt: skip
    rows, base = tmp_path / "rows", tmp_path / "base"
    for purpose in ("editing", "testing", "verifier"):
        export([run], rows, ExportOptions(purpose=purpose))
    files = sorted(rows.glob("*.jsonl"))
    call(trainer, "train/circle/make_model.py", *files, "--out", base, "--width", 64, "--layers", 1)
    for config in ("agent", "verifier"):
        words = ("--rows", rows, "--model", base)
        (found,) = told(call(trainer, "train/check.py", f"train/train_tiny_cpu_{config}.yaml", *words))
        assert found["read"]["rows"] == 2
        assert (found["read"]["cut"], found["read"]["without_anything_to_learn"]) == (0, 0)
    call(
        trainer, "train", "train/train_tiny_cpu_agent.yaml", f"model_name_or_path={base}", f"dataset_dir={rows}",
        "dataset=r2egym_editing,r2egym_testing", f"output_dir={tmp_path / 'out'}", "max_steps=2",
        program="llamafactory-cli",
    )  # fmt: skip
    assert (tmp_path / "out/model.safetensors").exists()


def test_the_circle_closes(trainer: Path, tmp_path: Path):
    """Rollouts, export, training, serving, rollouts, verifying, choosing: a model of random weights solves what it was taught."""
    out = tmp_path / "circle"
    sizes = (
        "--lessons 2 --unseen 1 --attempts 2 --epochs 120 --verifier-epochs 15 --learning-rate 3e-3".split()
    )
    run = subprocess.run(
        [sys.executable, "train/circle/circle.py", "--venv", str(trainer.parent), "--out", str(out), *sizes],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-1_000:] + run.stderr[-2_000:]
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    before, after = report["before, taught"], report["after, taught"]
    assert (before["attempts"], before["solved"], before["well_formed"]) == (2, 0, 0)
    assert after["solved"] >= 1
    assert after["recited"] >= after["turns"] / 2
    chosen = [json.loads(line) for line in (out / "attempts-selection.jsonl").read_text().splitlines()]
    assert len(chosen) == 2
    rows = pq.read_table(out / "rows" / "r2egym_rl.parquet").to_pylist()
    assert any(row["exact"] and row["logprobs"] for row in rows)
