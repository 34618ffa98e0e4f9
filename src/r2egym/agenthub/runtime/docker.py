"""The published runtime's methods over a :class:`~r2egym.environment.WorkEnvironment`.

The name is historic: which backend the box is of (bubblewrap, Docker) is the ``backend`` argument's to say, and nothing
here knows. Hidden tests never enter the box: rewards come from a fresh sandbox beside it.
"""

from __future__ import annotations

import logging
import posixpath
import re
import shlex
from pathlib import Path
from typing import Any, Literal, overload
from uuid import uuid4

from r2egym import settings
from r2egym.agenthub import CMD_TIMEOUT
from r2egym.agenthub.runtime.base import ExecutionEnvironment
from r2egym.agenthub.runtime.commit import ParsedCommit
from r2egym.agenthub.utils.log import get_logger
from r2egym.agents import instruction
from r2egym.environment import Facilities, TaskSource, WorkEnvironment, WorkOptions, find_task
from r2egym.environment.facilities import BackendName, backend_for
from r2egym.environment.patch import output_patch
from r2egym.errors import GraderError, SandboxError
from r2egym.records import ExecResult, Reward, Task
from r2egym.sandboxes.base import Sandbox
from r2egym.tasks import to_row

Said = tuple[str, str]
"""What a command printed, and its code: ``0``, ``Error: Exit code N``, or ``-1`` when it was ended."""
TESTBED = "/testbed"
_CODES = re.compile(r"\x1b\[[0-9;]*m|\r")
_NAME = "-c user.name=agent -c user.email=agent@example.invalid"


class DockerRuntime(ExecutionEnvironment):
    """The box of one task. Use :meth:`close` when done.

    Args:
        ds: the row; a task, or whatever else :func:`r2egym.environment.find_task` takes, serves too.
        repo_path: where commands begin.
        alt_path: where :meth:`read_file` looks for relative paths.
        docker_image: what the image is called; None: as the row says.
        command: not needed; boxes have no main process.
        logger: told of trouble.
        backend: where commands and tests run.
        step_timeout: wall seconds a command of an agent.
        reward_timeout: wall seconds of a grading run; None: the grader's own.
        facilities: what environments share; None: this process's own.
        more: options of Docker's client; ignored.

    Raises:
        DatasetError, UsageError: that is no task.
    """

    def __init__(
        self,
        ds: TaskSource,
        repo_path: str = TESTBED,
        alt_path: str = "/root",
        docker_image: str | None = None,
        command: str | list[str] = "/bin/bash",
        logger: logging.Logger | None = None,
        backend: BackendName = "auto",
        *,
        step_timeout: float = 90,
        reward_timeout: float | None = None,
        facilities: Facilities | None = None,
        **more: object,
    ) -> None:
        self.logger = logger or get_logger("DockerRuntime")
        if more:
            self.logger.warning("options without a meaning here: %s", ", ".join(sorted(more)))
        home = facilities.home if facilities else settings.load().home
        self.task, root = find_task(ds, home)
        backend = backend_for([self.task], backend)
        self.work = WorkEnvironment(
            facilities or Facilities.shared(home=home, backend=backend),
            self.task,
            root=root,
            options=WorkOptions(step_timeout=step_timeout, reward_timeout=reward_timeout, user_commands=True),
        )
        self.ds: dict[str, Any] = _row(ds, self.task)
        self.repo_path, self.alt_path, self.command = repo_path, alt_path, command
        self.docker_image = docker_image or self.ds.get("docker_image") or self.task.instance_id
        self.repo_name = self.task.repo
        self.commit = ParsedCommit(
            self.task.base_commit, self.task.fix_commit, self.task.patch, self.task.test_patch
        )
        self.current_commit = self.task.base_commit

    @property
    def sandbox(self) -> Sandbox:
        """The box itself; opened when it is first asked for."""
        return self.work.sandbox

    def reset(self) -> None:
        """Back to the base state."""
        self.work.reset()
        self.current_commit = self.task.base_commit

    def close(self) -> None:
        """End the box; twice is safe."""
        self.work.close()

    def get_task_instruction(self) -> str:
        """What an agent is asked."""
        return instruction(self.task)

    # --- commands -----------------------------------------------------------------------------------------------

    def run(
        self, code: str, timeout: float = CMD_TIMEOUT, args: str = "", workdir: str | None = None
    ) -> Said:
        """Run a command of bash.

        Args:
            code: the command.
            timeout: wall seconds.
            args: what is put behind it.
            workdir: where; None: ``repo_path``.

        Raises:
            SandboxError: the box broke.
        """
        done = self._exec(f"exec 2>&1\n{code} {args}", timeout, workdir)
        if done.timed_out:
            return _late(timeout), "-1"
        return _CODES.sub("", done.stdout + done.stderr), _code(done)

    def demux_run(
        self, code: str, timeout: float = CMD_TIMEOUT, args: str = "", workdir: str | None = None
    ) -> tuple[str, str, str]:
        """Like :meth:`run`, with what it wrote to its two streams apart."""
        done = self._exec(f"{code} {args}", timeout, workdir)
        if done.timed_out:
            return done.stdout, _late(timeout), "-1"
        return done.stdout, done.stderr, _code(done)

    def _exec(self, script: str, timeout: float, workdir: str | None) -> ExecResult:
        return self.sandbox.exec(script, timeout=timeout, cwd=workdir or self.repo_path)

    # --- files --------------------------------------------------------------------------------------------------

    def copy_to_container(self, src_path: str | Path, dest_path: str) -> None:
        """Copy a file or a folder of this machine into the box. Raises SandboxFileError."""
        self.sandbox.upload(Path(src_path), dest_path)

    def read_file(self, rel_file_path: str) -> str:
        """A file's text; relative paths begin in ``alt_path``. Raises SandboxFileError."""
        path = posixpath.join(self.alt_path, rel_file_path)
        return self.sandbox.read_file(path).decode("utf-8", "replace")

    def create_file(self, file_path: str, content: str) -> Said:
        """Write a file; relative paths begin in ``repo_path``. Raises SandboxFileError."""
        self.sandbox.write_file(posixpath.join(self.repo_path, file_path), content)
        return "", "0"

    # --- patches ------------------------------------------------------------------------------------------------

    def apply_patch(self, patch: str) -> Said:
        """Put a patch in place."""
        return self._apply(patch, "--whitespace=fix")

    def reverse_patch(self, patch: str) -> Said:
        """Take a patch back."""
        return self._apply(patch, "-R")

    def _apply(self, patch: str, option: str) -> Said:
        path = f"/tmp/{uuid4().hex}.patch"  # noqa: S108 - in the box
        self.sandbox.write_file(path, patch)
        return self.run(f"git apply {option} {path}; code=$?; rm -f {path}; (exit $code)")

    def get_patch(self) -> str:
        """All that differs from the base commit; the index of the box's own ``.git`` stays as it is."""
        return output_patch(self.sandbox)

    def get_gt_commit(self) -> ParsedCommit:
        """The fix."""
        return self.commit

    # --- git ----------------------------------------------------------------------------------------------------

    def checkout(self, commit_hash: str) -> Said:
        """Check a commit out; the box knows the base and its past."""
        return self.run(f"git checkout {shlex.quote(commit_hash)}")

    def get_current_commit_hash(self) -> str:
        """What is checked out."""
        return self.run("git rev-parse HEAD")[0].strip()

    def start_new_branch(self, branch_name: str = "exp") -> Said:
        """Remember the commit that :meth:`soft_git_reset` goes back to, and begin a branch."""
        self.current_commit = self.get_current_commit_hash()
        return self.run(f"git checkout -q -B {shlex.quote(branch_name)} && git rev-parse HEAD")

    def commit_after_step(self, step_idx: int) -> Said:
        """Commit everything."""
        return self.run(f"git add -A . && git {_NAME} commit -q --allow-empty -m {int(step_idx)}")

    def undo_last_commit(self) -> Said:
        """Throw the last commit away, and its changes."""
        return self.run("git reset --hard HEAD~1")

    def soft_git_reset(self) -> Said:
        """Back to the remembered commit, the work tree left as it is."""
        return self.run(f"git reset --soft {shlex.quote(self.current_commit)}")

    # --- rewards ------------------------------------------------------------------------------------------------

    def grade(self, timeout: float | None = None) -> Reward:
        """All that grading says of the work tree as it is.

        Raises:
            GraderError: grading itself broke, so there is no reward.
        """
        chosen = self.work.options.reward_timeout if timeout is None else timeout
        try:
            patch = self.work.patch()
            reward = self.work.facilities.grade(self.task, patch, root=self.work.root, timeout=chosen)
        except SandboxError as error:
            raise GraderError(f"{self.task.instance_id}: there is no reward: {error}") from error
        if reward.failure is not None or reward.score is None:
            cause = f"{reward.failure.boundary}: {reward.failure.cause}" if reward.failure else "no score"
            raise GraderError(f"{self.task.instance_id}: there is no reward: {cause}")
        return reward

    def run_tests(self, timeout: float | None = None) -> Said:
        """A line a hidden test, run in a fresh sandbox, and ``0`` when the task is solved. Raises GraderError."""
        reward = self.grade(timeout)
        return self.listing(reward), "0" if reward.resolved else "Error: Exit code 1"

    @staticmethod
    def listing(reward: Reward) -> str:
        """A line a test, and what else grading noted."""
        lines = [f"{status.value} {test}" for test, status in {**reward.f2p, **reward.p2p}.items()]
        lines += [f"note: {reward.note}"] * bool(reward.note)
        lines += [f"tampering: {line}" for line in reward.tampering]
        return "".join(f"{line}\n" for line in lines)

    @overload
    def _calculate_reward(
        self,
        get_test_output: Literal[False] = False,  # noqa: FBT002 - the published signature
        timeout: float | None = None,
    ) -> float: ...
    @overload
    def _calculate_reward(
        self, get_test_output: Literal[True], timeout: float | None = None
    ) -> tuple[float, str]: ...
    def _calculate_reward(
        self,
        get_test_output: bool = False,  # noqa: FBT001, FBT002 - the published signature
        timeout: float | None = None,
    ) -> float | tuple[float, str]:
        """1.0 or 0.0, with the listing of :meth:`run_tests` if asked for. Raises GraderError."""
        reward = self.grade(timeout)
        score = float(reward.score or 0.0)
        return (score, self.listing(reward)) if get_test_output else score


def _row(ds: TaskSource, task: Task) -> dict[str, Any]:
    return dict(ds) if not isinstance(ds, (Task, str, Path)) else to_row(task)


def _code(done: ExecResult) -> str:
    return f"Error: Exit code {done.exit_code}" if done.exit_code else "0"


def _late(timeout: float) -> str:
    return f"The command was ended, since it took longer than {timeout:g} s"
