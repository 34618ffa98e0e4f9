"""The published environment: four values a step, actions as :class:`~r2egym.agenthub.action.Action`.

Gymnasium's five-valued environment is :class:`r2egym.environment.RepoEnv`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from r2egym.agenthub.action import Action
from r2egym.agenthub.agent.commands import Command
from r2egym.agenthub.environment.scripts import Commands, read_commands
from r2egym.agenthub.observation import Observation
from r2egym.agenthub.runtime.docker import TESTBED, DockerRuntime
from r2egym.agenthub.utils.log import get_logger
from r2egym.environment import Facilities, Outcome
from r2egym.environment.facilities import BackendName
from r2egym.errors import SandboxError

_RESET = "Environment reset"


@dataclass(frozen=True)
class EnvArgs:
    """Which task."""

    ds: Mapping[str, Any]
    """The row."""
    repo_path: str | None = None
    """Where commands begin; None: ``/testbed``."""
    docker_image: str | None = None
    """What the image is called; None: as the row says."""


class RepoEnv:
    """One task as an environment. Use :meth:`close` when done, or a ``with`` block.

    Args:
        args: which task.
        logger: told of what happens.
        backend: where commands and tests run.
        verbose: False: only errors are logged.
        step_timeout: wall seconds a command.
        reward_timeout: wall seconds of a grading run.
        facilities: what environments share; None: this process's own.

    Raises:
        DatasetError: the row is none of a task.
    """

    def __init__(
        self,
        args: EnvArgs,
        logger: logging.Logger | None = None,
        backend: BackendName = "auto",
        verbose: bool = True,  # noqa: FBT001, FBT002 - the published signature
        step_timeout: float = 90,
        reward_timeout: float = 300,
        *,
        facilities: Facilities | None = None,
    ) -> None:
        self.logger = logger or get_logger("RepoEnv", logging.INFO if verbose else logging.ERROR)
        self.args = args
        self.runtime = DockerRuntime(
            args.ds,
            args.repo_path or TESTBED,
            docker_image=args.docker_image,
            logger=self.logger,
            backend=backend,
            step_timeout=step_timeout,
            reward_timeout=reward_timeout,
            facilities=facilities,
        )
        self.done = False
        self.observation: Observation | str | None = None
        self.state: object = None
        self.commands: list[Command] = []
        self._toolset: Commands | None = None

    def reset(self) -> str:
        """Back to the base state; the commands that were added stay. Raises SandboxError."""
        self.runtime.reset()
        self._install()
        self.done, self.state = False, None
        self.observation = _RESET
        return _RESET

    def add_commands(self, cmd_files: Iterable[str | Path]) -> None:
        """Say which commands there are, by their files; those of an earlier call are forgotten.

        Args:
            cmd_files: files of ``agenthub/tools`` stand for the tools of this package; other scripts are put into
                ``/usr/local/bin`` of the box, and ``.sh`` files are sourced before their functions are called.

        Raises:
            UsageError: a file is not there, or tells of no command.
            SandboxError: it cannot be put into the box.
        """
        self._toolset = read_commands(cmd_files)
        self.runtime.work.toolset = self._toolset
        own = {one.name: one for script in self._toolset.scripts for one in script.commands}
        self.commands = [
            own.get(tool.name) or Command("", tool.name, tool.description, signature=tool.name)
            for tool in self._toolset
        ]
        self._install()

    def _install(self) -> None:
        for script in self._toolset.scripts if self._toolset else ():
            script.install(self.runtime.sandbox)

    def run_action(self, action: Action, timeout: float | None = None) -> tuple[str, str, float]:
        """Run a call: what it printed, its code as :meth:`DockerRuntime.run` has it, and wall seconds."""
        began = time.monotonic()
        try:
            output, code = self._run(action, timeout)
        except SandboxError as error:
            self.logger.error("the sandbox broke: %s", error)  # noqa: TRY400 - the line says it all
            output, code = str(error), "-1"
        return output, code, time.monotonic() - began

    def _run(self, action: Action, timeout: float | None) -> tuple[str, str]:
        work = self.runtime.work
        script = self._toolset.by_command.get(action.function_name) if self._toolset else None
        if script is None:
            outcome = work.act(action.call, timeout=timeout)
            return _printed(outcome), _code(outcome)
        seconds = work.options.step_timeout if timeout is None else timeout
        if "finish" in action.function_name.lower():
            work.done = True
        return self.runtime.run(script.line(action), timeout=seconds)

    def step(
        self, action: Action, timeout: float | None = None
    ) -> tuple[Observation, int, bool, dict[str, Any]]:
        """Run a call.

        Args:
            action: the call.
            timeout: wall seconds; None: ``step_timeout``.

        Returns:
            Observation, reward (always 0: see :meth:`compute_reward`), whether the agent is done, and
            ``{"total_time": seconds}``.
        """
        output, code, seconds = self.run_action(action, timeout)
        self.observation = Observation(output, code, action)
        self.done = self.done or self.runtime.work.done
        return self.observation, self.calculate_reward(self.observation), self.done, {"total_time": seconds}

    def compute_reward(self, timeout: float | None = None) -> float:
        """1.0 or 0.0, from a fresh sandbox. Raises GraderError: there is none."""
        return float(self.runtime.grade(timeout).score or 0.0)

    def calculate_reward(self, obs: Observation) -> int:  # noqa: ARG002 - the published signature
        """0: steps have no reward of their own."""
        return 0

    def get_task_instruction(self) -> str:
        """What an agent is asked."""
        return self.runtime.get_task_instruction()

    def get_stats(self) -> dict[str, Any]:
        """The row: statement, repository, gold patch and all."""
        return self.runtime.ds

    def check_done(self) -> bool:
        """Whether the agent has handed in its work."""
        return self.done or self.runtime.work.done

    def close(self) -> None:
        """End its box; twice is safe."""
        self.runtime.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _printed(outcome: Outcome) -> str:
    name = outcome.call.name if outcome.call else ""
    _, found, output = outcome.observation.partition(f"Execution output of [{name}]:\n")
    return output if found and not outcome.refused else outcome.observation


def _code(outcome: Outcome) -> str:
    if outcome.refused or outcome.timed_out:
        return "-1"
    return f"Error: Exit code {outcome.exit_code}" if outcome.exit_code else "0"
