"""One attempt, as pages show it, read from a line of any known format.

Nothing that a line holds raises anything else than :class:`DamagedLineError`: wrong types become empty values, so that what is
left can be looked at.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic_core import from_json

from r2egym.training.atif import as_trajectory, is_atif
from r2egym.viewer.text import sound

Status = Literal["passed", "failed", "tampered", "masked", "damaged"]
STATUSES: tuple[Status, ...] = ("passed", "failed", "tampered", "masked", "damaged")
"""What became of attempts, in the order in which pages list them."""


class DamagedLineError(ValueError):
    """A line that is no attempt; the message says why."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One step."""

    number: int
    """From 1, its place in the trajectory."""
    thought: str
    tool: str
    """The called tool; empty: there was no call."""
    action: str
    """The call as it was written."""
    observation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Of the call; empty where the line does not have them apart, see :func:`arguments_of`."""
    exit_code: int | None = None
    timed_out: bool = False
    refused: bool = False
    """Whether the tool would not do it."""
    repairs: tuple[str, ...] = ()
    prompt: int | None = None
    """Tokens."""
    completion: int | None = None
    """Tokens."""
    total: int | None = None
    """Tokens of both, as the line has them."""
    model_seconds: float = 0.0
    tool_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. What is not known is empty or None."""

    task: str
    """``instance_id``."""
    repo: str
    attempt: int | None
    identity: str
    agent: str
    model: str
    mode: str
    statement: str
    turns: tuple[Turn, ...]
    exit_reason: str
    patch: str
    gold: str
    """From the row that came along, if one did."""
    reward: float | None
    masked: bool
    boundary: str
    """Whose failure keeps it from having a reward."""
    cause: str
    provoked: bool
    """Whether the agent may have caused that failure."""
    f2p: Mapping[str, str]
    p2p: Mapping[str, str]
    published: int | None
    ignored: tuple[str, ...]
    tampering: tuple[str, ...]
    seal: Mapping[str, str]
    note: str
    test_output: str
    limits: Mapping[str, float]
    cost: float | None
    tokens: int | None
    """Of all requests and answers; None: not known of any."""
    seconds: float
    superseded: int
    opening: tuple[tuple[str, str], ...]
    """Role and text of each message before the first step."""
    result: str

    @property
    def status(self) -> Status:
        """What became of it."""
        if self.masked or self.reward is None:
            return "masked"
        if self.tampering:
            return "tampered"
        return "passed" if self.reward >= 1 else "failed"


_LIMITS = (
    "max_steps", "max_steps_absolute", "max_token_limit", "max_llm_time", "max_exec_time", "max_total_time",
)  # fmt: skip


def read_json(data: bytes) -> Any:
    """The value of a JSON text. Raises DamagedLineError."""
    try:
        return from_json(data, cache_strings="keys")
    except ValueError:
        pass  # half characters, which Python's own reader takes
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DamagedLineError(f"not JSON: {error}"[:300]) from None


def read_attempt(data: bytes) -> Attempt:
    """The attempt that a line holds. Raises DamagedLineError."""
    return attempt_from(read_json(data))


def attempt_from(value: Any) -> Attempt:
    """The attempt that a JSON value holds. Raises DamagedLineError."""
    if not isinstance(value, dict):
        raise DamagedLineError("not a trajectory: a JSON object was expected")
    if is_atif(value):
        value = as_trajectory(value)
    steps = value.get("trajectory_steps")
    if not isinstance(steps, list):
        raise DamagedLineError('not a trajectory: it has no list "trajectory_steps"')
    turns = tuple(_turn(number, step) for number, step in enumerate(steps, 1))
    row, grade, failure = (_dict(value.get(name)) for name in ("ds", "grade", "failure"))
    task = _task(value, row)
    arguments = _dict(value.get("agent_args"))
    reward = number_of(value.get("reward"))
    known = [turn.total for turn in turns if turn.total is not None]
    return Attempt(
        task=task,
        repo=text_of(row.get("repo") or row.get("repo_name")) or task.rpartition("__")[0],
        attempt=whole_of(value.get("attempt")),
        identity=text_of(value.get("identity")),
        agent=text_of(value.get("agent") or value.get("exp_name")),
        model=text_of(value.get("model") or arguments.get("llm_name")),
        mode=text_of(value.get("mode")),
        statement=text_of(value.get("problem_statement")),
        turns=turns,
        exit_reason=text_of(value.get("exit_reason")),
        patch=text_of(value.get("output_patch")),
        gold=text_of(row.get("patch")),
        reward=reward,
        masked=value.get("masked") is True or bool(failure),
        boundary=text_of(failure.get("boundary")),
        cause=text_of(failure.get("cause")),
        provoked=failure.get("policy_could_cause") is True,
        f2p=_statuses(grade.get("f2p")),
        p2p=_statuses(grade.get("p2p")),
        published=whole_of(grade.get("published")),
        ignored=texts_of(grade.get("ignored")),
        tampering=texts_of(grade.get("tampering")),
        seal=_statuses(grade.get("seal")),
        note=text_of(grade.get("note")),
        test_output=text_of(value.get("test_output")),
        limits={name: number for name in _LIMITS if (number := number_of(value.get(name)))},
        cost=number_of(value.get("cost")),
        tokens=sum(known) if known else None,
        seconds=_seconds(turns, steps),
        superseded=whole_of(value.get("superseded")) or 0,
        opening=tuple(
            (text_of(message.get("role")), text_of(message.get("content")))
            for message in map(_dict, _list(value.get("opening")))
        ),
        result=text_of(value.get("result")),
    )


def _turn(number: int, value: Any) -> Turn:
    step = _dict(value)
    call, info = _dict(step.get("call")), _dict(step.get("info"))
    action = text_of(step.get("action"))
    return Turn(
        number=number,
        thought=text_of(step.get("thought")) if step else text_of(value),
        tool=text_of(call.get("name")) or _tool(action),
        action=action,
        observation=text_of(step.get("observation")),
        arguments=_dict(call.get("arguments")),
        exit_code=_whole(step.get("exit_code")),
        timed_out=info.get("timed_out") is True,
        refused=info.get("refused") is True,
        repairs=texts_of(step.get("repairs")),
        prompt=whole_of(step.get("token_usage_prompt")),
        completion=whole_of(step.get("token_usage_completion")),
        total=whole_of(step.get("token_usage_total")),
        model_seconds=number_of(step.get("llm_exec_time")) or 0.0,
        tool_seconds=number_of(step.get("env_exec_time")) or 0.0,
    )


def _tool(action: str) -> str:
    """The name in ``<function=NAME>``."""
    _, found, rest = action.partition("<function=")
    return rest.partition(">")[0].strip()[:80] if found else ""


def arguments_of(turn: Turn) -> Mapping[str, Any]:
    """The arguments of a turn's call, read from its text where the line does not have them apart."""
    if turn.arguments or not turn.action:
        return turn.arguments
    from r2egym.tools import parse

    call = parse(turn.action).call
    return call.arguments if call else {}


def _task(value: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """What the task is called: its id, or what the row or the image says."""
    named = text_of(value.get("instance_id") or row.get("instance_id"))
    if named:
        return named
    repo, commit = text_of(row.get("repo_name") or row.get("repo")), text_of(row.get("commit_hash"))
    if repo and commit:
        return f"{repo}__{commit[:12]}"
    name, _, tag = text_of(value.get("docker_image")).rpartition("/")[2].partition(":")
    return f"{name.removesuffix('_final')}__{tag[:12]}" if tag else name or "(no name)"


_MOST = 1 << 53
"""Larger whole numbers are none that anybody counted."""

# --- values of any type -------------------------------------------------------------------------------------------


def text_of(value: Any) -> str:
    """Text as it is; nothing for None; JSON for all else."""
    if isinstance(value, str):
        return sound(value)
    return "" if value is None else sound(json.dumps(value, ensure_ascii=False, default=str))


def texts_of(value: Any) -> tuple[str, ...]:
    """A list of texts; nothing for all else."""
    return tuple(map(text_of, _list(value)))


def number_of(value: Any) -> float | None:
    """A finite number; None for all else."""
    if value is None:
        return None
    if isinstance(value, bool):
        return float(value)
    try:
        return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
    except OverflowError:
        return None


def _whole(value: Any) -> int | None:
    number = number_of(value)
    return None if number is None or abs(number) > _MOST else int(number)


def whole_of(value: Any) -> int | None:
    """A whole number from 0 on; None for all else."""
    number = value if type(value) is int and value <= _MOST else _whole(value)
    return number if number is not None and number >= 0 else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _statuses(value: Any) -> dict[str, str]:
    return {sound(name): text_of(status) for name, status in _dict(value).items()}


def _seconds(turns: tuple[Turn, ...], steps: list[Any]) -> float:
    last = number_of(_dict(steps[-1]).get("total_time_traj")) if steps else None
    return last or sum(turn.model_seconds + turn.tool_seconds for turn in turns)
