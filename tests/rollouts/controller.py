"""A controller in a process of its own, to be killed: ``python -m tests.rollouts.controller GROUND RUN TASKS ATTEMPTS JOBS``."""

import sys
from pathlib import Path

from tests.environment.ground import open_facilities, several

from r2egym.records import Task
from r2egym.rollouts import AgentSpec, Run, RunOptions
from r2egym.sandboxes import reap


def main() -> None:
    """Run the script of the ground at so many tasks."""
    ground, folder, tasks, attempts, jobs = (Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:6]))
    task = Task.model_validate_json((ground / "task.json").read_text())
    reap(ground / "home")
    options = RunOptions(attempts=attempts, jobs=jobs)
    spec = AgentSpec(kind="script", script=ground / "script.json")
    with open_facilities(ground / "home") as facilities:
        for summary in Run(folder, several(task, tasks), spec, options, facilities):
            sys.stdout.write(f"{summary.instance_id} {summary.attempt} {summary.score}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
