"""ATIF (Agent Trajectory Interchange Format): read as one of our own lines, so that all else need not know of it, and written.

Read: a step of an agent with several calls becomes as many turns. Messages before the first one are the opening; a user's message
between two of them stands with what the agent saw before it.
What the format has no place for (reward, patch, task) is looked for in ``extra``, and written there, under our own names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from r2egym import __version__
from r2egym.records import Step, Trajectory

VERSION = "ATIF-v"
"""How ``schema_version`` begins."""
WRITTEN = "ATIF-v1.8"
_OURS = (
    "instance_id", "attempt", "identity", "problem_statement", "exit_reason", "output_patch", "reward", "masked", "failure",
    "grade", "test_output", "max_steps", "max_steps_absolute", "max_token_limit", "max_llm_time", "max_exec_time",
    "max_total_time", "ds", "docker_image", "result", "mode", "superseded", "task_hash", "agent_args", "env_args",
)  # fmt: skip
_OF_A_STEP = (
    "thought", "action", "done", "info", "exit_code", "reminder", "repairs", "said", "llm_exec_time", "env_exec_time",
    "total_step_time", "total_time_traj",
)  # fmt: skip
_MARK = "r2egym_step"
"""Under which ``extra`` of a step has what only our own steps have."""


def is_atif(value: Mapping[str, Any]) -> bool:
    """Whether a JSON object says that it is of this format."""
    return str(value.get("schema_version") or "").startswith(VERSION) and isinstance(value.get("steps"), list)


def as_trajectory(value: Mapping[str, Any]) -> dict[str, Any]:
    """The same with the names of :class:`r2egym.records.Trajectory`, as far as it goes; of any shape."""
    agent, extra, final = (_object(value.get(name)) for name in ("agent", "extra", "final_metrics"))
    opening: list[dict[str, str]] = []
    steps: list[dict[str, Any]] = []
    for said in map(_object, value["steps"]):
        if said.get("source") == "agent":
            steps += _turns(said)
        elif steps:
            seen = [
                steps[-1]["observation"],
                f"[{_text(said.get('source'))}] {_text(said.get('message'))}",
                _seen(said),
            ]
            steps[-1]["observation"] = "\n".join(text for text in seen if text)
        else:
            opening.append({"role": _text(said.get("source")), "content": _text(said.get("message"))})
    asked = [message["content"] for message in opening if message["role"] == "user"]
    return {
        "problem_statement": asked[0] if asked else "",
        "instance_id": _text(value.get("session_id") or value.get("trajectory_id")),
        "cost": final.get("total_cost_usd"),
        **{name: extra[name] for name in _OURS if name in extra},
        "agent": " ".join(word for word in (_text(agent.get("name")), _text(agent.get("version"))) if word),
        "model": _text(agent.get("model_name")),
        "opening": opening,
        "trajectory_steps": steps,
    }


def _turns(said: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The turns of one step of the agent: one a call, the first with its thought; what no call caused stands with the last."""
    thoughts = (_text(said.get(name)) for name in ("reasoning_content", "message"))
    metrics, seen = _object(said.get("metrics")), _results(said)
    calls = [_object(call) for call in _array(said.get("tool_calls"))]
    first = {
        "thought": "\n\n".join(text for text in thoughts if text.strip()),
        "token_usage_prompt": metrics.get("prompt_tokens"),
        "token_usage_completion": metrics.get("completion_tokens"),
        "token_usage_total": _sum(metrics.get("prompt_tokens"), metrics.get("completion_tokens")),
    }
    for number, call in enumerate(calls or [{}]):
        mine = (
            [text for key, text in seen if key == call.get("tool_call_id")]
            if len(calls) > 1
            else [t for _, t in seen]
        )
        if calls and number == len(calls) - 1 and len(calls) > 1:
            known = {one.get("tool_call_id") for one in calls}
            mine += [text for key, text in seen if key not in known]
        arguments = call.get("arguments")
        yield {
            **(first if number == 0 else {}),
            "action": f"{_text(call.get('function_name'))} {_text(arguments)}" if call else "",
            "call": {"name": _text(call.get("function_name")), "arguments": _object(arguments)}
            if call
            else None,
            "observation": "\n".join(mine),
            **_object(_object(said.get("extra")).get(_MARK)),
        }


def _results(said: Mapping[str, Any]) -> list[tuple[Any, str]]:
    """Id of the call and text of each result."""
    found = _array(_object(said.get("observation")).get("results"))
    return [(_object(one).get("source_call_id"), _text(_object(one).get("content"))) for one in found]


def _seen(said: Mapping[str, Any]) -> str:
    return "\n".join(text for _, text in _results(said))


def _sum(*numbers: Any) -> int | None:
    known = [number for number in numbers if isinstance(number, int)]
    return sum(known) if known else None


def _text(value: Any) -> str:
    """Text; of a list of parts, their texts; of all else, JSON."""
    if isinstance(value, list):
        return "\n".join(_text(_object(part).get("text", part)) for part in value)
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _array(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def to_atif(trajectory: Trajectory) -> dict[str, Any]:
    """An attempt in this format; :func:`as_trajectory` gets back all that it holds but the texts of repaired calls."""
    known = [step for step in trajectory.trajectory_steps if step.token_usage_total >= 0]
    steps: list[dict[str, Any]] = [
        {
            "source": message.role if message.role in {"system", "user"} else "user",
            "message": message.content,
        }
        for message in trajectory.opening or ()
    ]
    if not any(one["source"] == "user" for one in steps):
        steps.append({"source": "user", "message": trajectory.problem_statement})
    steps += [_written(step, trajectory.model) for step in trajectory.trajectory_steps]
    plain = trajectory.model_dump(mode="json")
    return {
        "schema_version": WRITTEN,
        "session_id": trajectory.identity or trajectory.instance_id,
        "agent": {
            "name": trajectory.agent or "unknown",
            "version": __version__,
            **({"model_name": trajectory.model} if trajectory.model else {}),
        },
        "steps": [{"step_id": number, **step} for number, step in enumerate(steps, 1)],
        "final_metrics": {
            **({"total_prompt_tokens": sum(step.token_usage_prompt for step in known)} if known else {}),
            **(
                {"total_completion_tokens": sum(step.token_usage_completion for step in known)}
                if known
                else {}
            ),
            **({"total_cost_usd": trajectory.cost} if trajectory.cost is not None else {}),
            "total_steps": len(steps),
        },
        "extra": {name: plain[name] for name in _OURS if name in plain and name != "ds"},
    }


def _written(step: Step, model: str) -> dict[str, Any]:
    plain = step.model_dump(mode="json")
    call = step.call
    key = (call.id if call else "") or f"call_{step.step_count}"
    result = {"content": step.observation, **({"source_call_id": key} if call else {})}
    known = step.token_usage_total >= 0
    return {
        "source": "agent",
        "message": step.thought,
        **({"model_name": model} if model else {}),
        **(
            {
                "tool_calls": [
                    {"tool_call_id": key, "function_name": call.name, "arguments": dict(call.arguments)}
                ]
            }
            if call
            else {}
        ),
        "observation": {"results": [result]},
        **(
            {
                "metrics": {
                    "prompt_tokens": step.token_usage_prompt,
                    "completion_tokens": step.token_usage_completion,
                }
            }
            if known
            else {}
        ),
        "extra": {_MARK: {name: plain[name] for name in _OF_A_STEP}},
    }
