"""The published agent: a configuration and a model's name, over :func:`r2egym.agents.pursue`."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from r2egym.agenthub.environment.env import RepoEnv
from r2egym.agenthub.trajectory import Trajectory, TrajectoryStep
from r2egym.agenthub.utils.log import get_logger
from r2egym.agents import AgentConfig, LoopOptions, PromptedAgent, Pursuit, Sampling, pursue, read_config
from r2egym.llm import Model, open_model
from r2egym.records import RolloutLimits


@dataclass
class AgentArgs:
    """How an agent is set up; the keys of the YAML files."""

    system_prompt: str
    instance_prompt: str
    command_files: list[Path]
    llm_name: str
    llm_base_url: str | None = None
    """Where the model's server is; None: the provider's own."""
    demo_file: Path | None = None
    other_args: dict[str, Any] | None = None

    @classmethod
    def from_yaml(cls, yaml_path: str | Path) -> Self:
        """Read a YAML file. Raises UsageError: it is not there, not YAML, or not of this shape."""
        config = read_config(Path(yaml_path))
        return cls(
            system_prompt=config.system_prompt,
            instance_prompt=config.instance_prompt,
            command_files=[Path(file) for file in config.command_files],
            llm_name=config.llm_name,
            llm_base_url=config.llm_base_url,
            demo_file=Path(config.demo_file) if config.demo_file else None,
            other_args=config.other_args,
        )


class Agent:
    """An agent. What it is called (``EditingAgent``, ``EditAgent``) makes no difference.

    Args:
        name: for logs and records.
        args: how it is set up.
        logger: told of what happens.
        model: answers; None: the one that ``args`` names, opened for each run.
    """

    def __init__(
        self,
        name: str,
        args: AgentArgs,
        logger: logging.Logger | None = None,
        *,
        model: Model | None = None,
    ) -> None:
        self.name = name
        self.args = args
        self.logger = logger or get_logger(name)
        self.model = model
        self.trajectory: Trajectory | None = None

    def run(
        self,
        env: RepoEnv,
        use_fn_calling: bool = True,  # noqa: FBT001, FBT002 - the published signature
        max_steps: int = 10,
        max_steps_absolute: int = 50,
        max_token_limit: int = 32_768,
        max_exec_time: int = 90,
        max_total_time: int = 1_200,
        max_llm_time: int = 120,
        temperature: float = 0,
        metadata: Mapping[str, Any] | None = None,
    ) -> Trajectory:
        """Reset the environment and work in it until the agent hands in or a limit ends it. Nothing is graded.

        Args:
            env: the task.
            use_fn_calling: whether the model makes native calls; it does as asked, whatever the model's name.
            max_steps: after so many, the agent is asked to hand in.
            max_steps_absolute: after so many, it ends.
            max_token_limit: tokens of one request and its answer, after which it ends.
            max_exec_time: seconds a command.
            max_total_time: seconds of models and commands, after which it ends.
            max_llm_time: seconds a model call.
            temperature: of the model.
            metadata: further placeholders of the instance prompt.

        Raises:
            SandboxError: the environment broke.
            ModelRequestError: the model's server refuses what it is asked as such.
            UsageError: the model's name leads nowhere.
        """
        limits = RolloutLimits(
            max_steps=max_steps,
            max_steps_absolute=max_steps_absolute,
            max_token_limit=max_token_limit,
            max_llm_time=max_llm_time,
            max_exec_time=max_exec_time,
            max_total_time=max_total_time,
        )
        env.reset()
        env.add_commands(self.args.command_files)
        with ExitStack() as stack:
            model = self.model
            if model is None:
                model = open_model(self.args.llm_name, base_url=self.args.llm_base_url)
                stack.callback(model.close)
            agent = PromptedAgent(
                model,
                name=self.name,
                config=AgentConfig(
                    system_prompt=self.args.system_prompt, instance_prompt=self.args.instance_prompt
                ),
                mode="function_calling" if use_fn_calling else "xml",
                toolset=env.runtime.work.toolset,
                hints=_hints(metadata or {}),
            )
            options = LoopOptions(limits=limits, sampling=Sampling(temperature=temperature))
            pursuit = pursue(agent, agent.policy(env.runtime.task), env.runtime.work, options)
        if pursuit.failure is not None:
            self.logger.error("the model failed: %s", pursuit.failure.cause)
        self.trajectory = self._record(env, pursuit, limits)
        return self.trajectory

    def _record(self, env: RepoEnv, pursuit: Pursuit, limits: RolloutLimits) -> Trajectory:
        runtime, args = env.runtime, env.args
        return Trajectory(
            trajectory_steps=[
                TrajectoryStep.model_validate(step.model_dump(mode="json")) for step in pursuit.steps
            ],
            problem_statement=runtime.get_task_instruction(),
            docker_image=str(runtime.docker_image),
            env_args={"ds": runtime.ds, "repo_path": args.repo_path, "docker_image": args.docker_image},
            agent_args={name: _plain(value) for name, value in dataclasses.asdict(self.args).items()},
            **limits.model_dump(),
            exit_reason=pursuit.exit_reason,
            output_patch=runtime.get_patch(),
            instance_id=runtime.task.instance_id,
        )


def _hints(metadata: Mapping[str, Any]) -> dict[str, str]:
    hints = {name: str(value) for name, value in metadata.items()}
    correct = metadata.get("candidate_patch_correctness")
    if isinstance(correct, bool):
        hints["candidate_patch_correctness"] = "correct" if correct else "incorrect"
    return hints


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    return [_plain(one) for one in value] if isinstance(value, list) else value
