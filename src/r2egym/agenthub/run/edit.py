"""Attempts at the tasks of a data set, as the published command line starts them.

``python src/r2egym/agenthub/run/edit.py runagent_multiple --dataset … --k 100 --llm_name gpt-4o`` writes
``TRAJ_DIR/EXP_NAME.jsonl``. The work is done by :class:`r2egym.rollouts.Run` in ``TRAJ_DIR/EXP_NAME.run/``, so a killed
command goes on where it was when it is given again. Limit: an attempt that the machinery failed has no line, as published;
``EXP_NAME.run/rewards.jsonl`` tells of it.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from r2egym import settings
from r2egym.agenthub.agent.agent import Agent, AgentArgs
from r2egym.agenthub.environment.env import EnvArgs, RepoEnv
from r2egym.agenthub.trajectory import Trajectory
from r2egym.agenthub.utils.log import get_logger
from r2egym.agents import LoopOptions, Mode, Sampling
from r2egym.environment import Facilities
from r2egym.environment.facilities import BackendName, backend_for
from r2egym.errors import R2EGymError, UsageError
from r2egym.llm import Model
from r2egym.records import RolloutLimits, Task
from r2egym.rollouts import Run, RunOptions, agent_spec
from r2egym.tasks import load_dataset, to_row

# ruff: noqa: FBT001, FBT002 - the published signatures

_CONFIGS = Path(__file__).parent.parent / "config"
SHUFFLE_SEED = 42
"""Of the published order of tasks."""
logger = get_logger(__name__)


def runagent(
    ds: Mapping[str, Any],
    exp_name: str | None = None,
    max_steps: int = 40,
    num_restarts: int = 1,
    max_steps_absolute: int = 50,
    llm_name: str = "gpt-4o",
    temperature: float = 0,
    use_fn_calling: bool = True,
    backend: BackendName = "auto",
    llm_base_url: str | None = None,
    *,
    model: Model | None = None,
    facilities: Facilities | None = None,
) -> str | None:
    """One attempt at one row, graded: a line of JSON, or None when the machinery failed.

    Args:
        ds: the row.
        exp_name: what the line is told to belong to.
        max_steps: of all starts together.
        num_restarts: how often the agent starts, each time from the base; the last attempt counts.
        max_steps_absolute: after so many, a start ends.
        llm_name: the model.
        temperature: of the model.
        use_fn_calling: whether it makes native calls.
        backend: where commands and tests run.
        llm_base_url: where the model's server is.
        model: answers instead of ``llm_name``.
        facilities: what environments share; None: this process's own.
    """
    args = AgentArgs.from_yaml(_CONFIGS / f"edit_{'' if use_fn_calling else 'non_'}fn_calling.yaml")
    args.llm_name, args.llm_base_url = llm_name, llm_base_url
    agent = Agent("EditAgent", args, model=model)
    try:
        with RepoEnv(EnvArgs(ds=ds), backend=backend, facilities=facilities) as env:
            for _ in range(max(num_restarts, 1)):
                agent.run(
                    env,
                    use_fn_calling=use_fn_calling,
                    max_steps=max(max_steps // max(num_restarts, 1), 1),
                    max_steps_absolute=max_steps_absolute,
                    temperature=temperature,
                )
            graded = env.runtime.grade()
            listing = env.runtime.listing(graded)
            row = env.get_stats()
    except R2EGymError as error:
        logger.error("no trajectory: %s: %s", error.boundary, error)  # noqa: TRY400 - the line says it all
        return None
    trajectory = agent.trajectory
    if trajectory is None or trajectory.exit_reason == "llm_query_error":
        return None
    told = {"reward": graded.score, "test_output": listing, "ds": row, "exp_name": exp_name or _now()}
    return trajectory.model_copy(update=told).model_dump_json()


def runagent_multiple(
    dataset: str,
    split: str = "train",
    k: int = 1,
    traj_dir: str = "./traj",
    exp_name: str | None = None,
    start_idx: int = 0,
    max_steps: int = 40,
    num_restarts: int = 1,
    max_steps_absolute: int = 50,
    max_workers: int | None = None,
    llm_name: str = "gpt-4o",
    use_existing: bool = True,
    skip_existing: bool = False,
    temperature: float = 0,
    use_fn_calling: bool = True,
    backend: BackendName = "auto",
    llm_base_url: str | None = None,
    agent: str | None = None,
    *,
    facilities: Facilities | None = None,
) -> Path:
    """Attempts at K tasks of a data set, each written down as it ends; the file is returned.

    Args:
        dataset: ``owner/name`` on the hub, a data set's folder, or a parquet or JSONL file.
        split: of a data set of the hub.
        k: how many tasks.
        traj_dir: where files go.
        exp_name: what they are called; None: the time.
        start_idx: of the first task, after the published shuffle.
        max_steps: after so many, the agent is asked to hand in.
        num_restarts: only 1; :func:`runagent` starts an agent again.
        max_steps_absolute: after so many steps, an attempt ends.
        max_workers: attempts at once; None: as many as there are cores.
        llm_name: the model.
        use_existing: leave out tasks that the file has a line of.
        skip_existing: leave out tasks that a file of a similar name (all but the last letter) has solved.
        temperature: of the model.
        use_fn_calling: whether it makes native calls.
        backend: where commands and tests run.
        llm_base_url: where the model's server is.
        agent: None: the editing agent; ``oracle`` and ``noop`` need no model.
        facilities: what environments share; None: this command's own.

    Raises:
        DatasetError, UsageError: nothing to run, or on other terms than the run that is there.
        ModelRequestError: the model's server refuses what it is asked as such.
    """
    if num_restarts != 1:
        raise UsageError("runagent_multiple starts each agent once; num_restarts is for runagent")
    chosen = _chosen(dataset, split, start_idx, k)
    name = exp_name or _now()
    folder = Path(traj_dir)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    left_out = _keys(path) if use_existing else set()
    if skip_existing:
        for other in folder.glob(f"{name[:-1]}*.jsonl"):
            left_out |= _keys(other, solved=True)
    chosen = [(task, root) for task, root in chosen if not _names(task) & left_out]
    logger.info("%s: %d tasks to run", name, len(chosen))
    if not chosen:
        path.touch()
        return path
    mode: Mode = "function_calling" if use_fn_calling else "xml"
    spec = agent_spec(agent or "edit", model="" if agent else llm_name, base_url=llm_base_url, mode=mode)
    limits = RolloutLimits(max_steps=max_steps, max_steps_absolute=max(max_steps, max_steps_absolute))
    options = RunOptions(
        loop=LoopOptions(limits=limits, sampling=Sampling(temperature=temperature)),
        jobs=max_workers or os.cpu_count() or 2,
    )
    place = folder / f"{name}.run"
    with (
        nullcontext(facilities)
        if facilities
        else _facilities(backend, [task for task, _ in chosen]) as shared
    ):
        run = Run(place, chosen, spec, options, shared, source=dataset)
        _write(run, path, place, {task.instance_id: task for task, _ in chosen}, name)
    return path


def _facilities(backend: BackendName, tasks: Iterable[Task]) -> Facilities:
    from r2egym.sandboxes import open_backend

    home = settings.load().home
    return Facilities(home, open_backend(backend_for(tasks, backend), home))


# --- which tasks ------------------------------------------------------------------------------------------------


def _chosen(dataset: str, split: str, start: int, number: int) -> list[tuple[Task, Path | None]]:
    """The tasks, in the published order: that of :meth:`datasets.Dataset.shuffle` with the published seed."""
    import datasets

    found = load_dataset(dataset, split=split)
    places = {"place": list(range(len(found.tasks)))}
    order = datasets.Dataset.from_dict(places).shuffle(seed=SHUFFLE_SEED)["place"]
    return [(found.tasks[place], found.root) for place in list(order)[start : start + number]]


def _names(task: Task) -> set[str]:
    """What a task may be called in a file: by its id, or by its image."""
    image = task.published.get("docker_image")
    return {task.instance_id, str(image)} if image else {task.instance_id}


def _keys(path: Path, *, solved: bool = False) -> set[str]:
    """What the tasks of a file's lines are called."""
    found: set[str] = set()
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            one = Trajectory.load_from_model_dump_json(line)
        except ValidationError:
            logger.warning("%s: a line is no trajectory", path)
            continue
        if not solved or one.pass_1:
            row = one.ds or {}
            names = (row.get("instance_id") or one.instance_id, row.get("docker_image") or one.docker_image)
            found |= {str(each) for each in names if each}
    return found


# --- what is written --------------------------------------------------------------------------------------------


def _write(run: Run, path: Path, place: Path, tasks: Mapping[str, Task], name: str) -> None:
    """Append the line of every attempt that ends; it is on the disk before the next one is looked at."""
    known = _identities(path)
    ended = _Ended(place / "trajectories.jsonl")
    with path.open("ab") as file:
        for summary in run:
            if summary.identity in known:
                continue
            if summary.failure is not None:
                logger.error("%s: no trajectory: %s", summary.instance_id, summary.failure["cause"])
                continue
            line = ended.line(summary.identity)
            told = {"ds": to_row(tasks[summary.instance_id]), "exp_name": name, "test_output": _tests(line)}
            _append(file, Trajectory.model_validate({**line, **told}))


def _append(file: BinaryIO, trajectory: Trajectory) -> None:
    file.write(trajectory.model_dump_json().encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())


def _tests(line: Mapping[str, Any]) -> str:
    grade = line.get("grade") or {}
    tests = {**grade.get("f2p", {}), **grade.get("p2p", {})}
    return "".join(f"{status} {test}\n" for test, status in tests.items())


def _identities(path: Path) -> set[str]:
    """Attempts that the file has; half a line at its end, of a command that was killed, is cut off."""
    if not path.exists():
        return set()
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    found = set()
    for line in data[:whole].splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        found.add(str(value.get("identity") or "") if isinstance(value, dict) else "")
    return found - {""}


class _Ended:
    """The run's own lines, read on as they are asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._seen: dict[str, dict[str, Any]] = {}

    def line(self, identity: str) -> dict[str, Any]:
        if identity not in self._seen:
            for value in self._more():
                self._seen[str(value["identity"])] = value
        return self._seen.pop(identity)

    def _more(self) -> Iterator[dict[str, Any]]:
        with self._path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        data = data[: data.rfind(b"\n") + 1]
        self._at += len(data)
        for line in data.splitlines():
            yield json.loads(line)


# --- the command line -------------------------------------------------------------------------------------------


def _now() -> str:
    return datetime.now(tz=UTC).strftime("%Y%m%d_%H%M%S")


def _truth(text: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"True or False, not {text!r}")
    return known[text.lower()]


def _kind(annotation: str) -> Callable[[str], Any]:
    kinds: dict[str, Callable[[str], Any]] = {"int": int, "float": float, "bool": _truth}
    return kinds.get(annotation.partition(" ")[0], str)


def main(words: Sequence[str] | None = None) -> int:
    """The command line: ``runagent_multiple --OPTION VALUE …``, an option for every parameter."""
    parser = argparse.ArgumentParser(prog="edit.py", description="Attempts at the tasks of a data set.")
    verb = parser.add_subparsers(dest="verb", required=True).add_parser("runagent_multiple")
    for name, parameter in inspect.signature(runagent_multiple).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            continue
        needed = parameter.default is parameter.empty
        spellings = dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}"))
        verb.add_argument(
            *spellings,
            dest=name,
            type=_kind(str(parameter.annotation)),
            required=needed,
            default=None if needed else parameter.default,
        )
    given = vars(parser.parse_args(words))
    del given["verb"]
    try:
        runagent_multiple(**given)
    except (R2EGymError, OSError) as error:
        sys.stderr.write(f"edit.py: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
