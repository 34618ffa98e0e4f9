"""Reading back what an export wrote, and checking it against the rules of its form, before anybody else sees it."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from r2egym.errors import DatasetError
from r2egym.records import Message, Trajectory
from r2egym.tasks import read_predictions
from r2egym.tools import parse
from r2egym.training.atif import as_trajectory, is_atif
from r2egym.training.options import ExportOptions
from r2egym.training.rows import NO, YES, Row
from r2egym.training.tokens import Tokens


def check_conversations(path: Path, rows: Sequence[Row], options: ExportOptions, tokens: Tokens) -> None:
    """Raises DatasetError: a row that was written is no conversation of the published form, or too long."""
    found = list(_lines(path))
    if len(found) != len(rows):
        raise DatasetError(f"{path.name}: {len(rows)} rows were written and {len(found)} read back")
    answers: Counter[str] = Counter()
    for number, (value, row) in enumerate(zip(found, rows, strict=True), 1):
        where = f"{path.name}, line {number} ({row.instance_id} #{row.value['attempt']})"
        if value != json.loads(json.dumps(row.value)):
            raise DatasetError(f"{where}: is read back otherwise than it was written")
        messages = [Message.model_validate(one) for one in value["messages"]]
        _check_roles(messages, where)
        if options.purpose == "verifier":
            answers[messages[-1].content] += 1
        elif "callless" not in options.keep:
            _check_calls(messages, where)
        longest = options.longest
        if longest and "too-long" not in options.keep and tokens.count(messages) > longest:
            raise DatasetError(f"{where}: longer than {longest} tokens")
    if options.purpose == "verifier" and (set(answers) - {YES, NO} or answers[YES] != answers[NO]):
        raise DatasetError(f"{path.name}: the judgements are not balanced: {dict(answers)}")


def _check_roles(messages: list[Message], where: str) -> None:
    rest = messages[1:] if messages and messages[0].role == "system" else messages
    wanted = itertools.cycle(("user", "assistant"))
    if len(rest) % 2 or any(message.role != role for message, role in zip(rest, wanted, strict=False)):
        raise DatasetError(f"{where}: user and assistant do not take turns")
    if not rest or any(not message.content.strip() for message in messages if message.role != "user"):
        raise DatasetError(f"{where}: a message says nothing")


def _check_calls(messages: list[Message], where: str) -> None:
    for message in messages:
        if message.role == "assistant":
            said = parse(message.content)
            if said.call is None or said.call.broken or said.repairs:
                why = said.repairs[0] if said.repairs else "no call in it"
                raise DatasetError(f"{where}: an assistant's turn is not well formed: {why}")


def check_tokens(path: Path, rows: Sequence[Row], tokens: Tokens) -> None:
    """Raises DatasetError: ids, mask and log probabilities do not fit each other, or say something else than the text."""
    import pyarrow.parquet as pq

    found = pq.read_table(path).to_pylist()
    if len(found) != len(rows):
        raise DatasetError(f"{path.name}: {len(rows)} rows were written and {len(found)} read back")
    for number, (value, row) in enumerate(zip(found, rows, strict=True), 1):
        where = f"{path.name}, row {number} ({row.instance_id} #{row.value['attempt']})"
        ids, mask, logprobs = value["response_ids"], value["response_mask"], value["logprobs"]
        if len(ids) != len(mask) or (logprobs is not None and len(logprobs) != len(ids)):
            raise DatasetError(f"{where}: ids, mask and log probabilities differ in length")
        if set(mask) - {0, 1} or not mask or mask[0] != 1:
            raise DatasetError(f"{where}: the mask does not begin with what the model wrote")
        if (value["reward"] is None) != value["masked"]:
            raise DatasetError(f"{where}: a reward where there is none, or none where there should be one")
        if ids != row.value["response_ids"] or value["prompt_ids"] != row.value["prompt_ids"]:
            raise DatasetError(f"{where}: is read back otherwise than it was written")
        own = tokens.decode([one for one, mine in zip(ids, mask, strict=True) if mine])
        if "<|im_start|>" in own:
            raise DatasetError(f"{where}: the mask holds what the model did not write")


def check_atif(path: Path, trajectories: Sequence[Trajectory]) -> None:
    """Raises DatasetError: what is read back is not the attempt that was written."""
    found = list(_lines(path))
    if len(found) != len(trajectories):
        raise DatasetError(
            f"{path.name}: {len(trajectories)} attempts were written and {len(found)} read back"
        )
    for value, trajectory in zip(found, trajectories, strict=True):
        where = f"{path.name} ({trajectory.instance_id} #{trajectory.attempt})"
        again = as_trajectory(value) if is_atif(value) else {}
        steps = [(step.observation, step.thought) for step in trajectory.trajectory_steps]
        read = [(step["observation"], step["thought"]) for step in again.get("trajectory_steps", [])]
        if read != steps or again.get("output_patch") != trajectory.output_patch:
            raise DatasetError(f"{where}: is read back otherwise than it was written")


def check_predictions(path: Path, expected: int) -> None:
    """Raises DatasetError: a line is no prediction, or a task has two."""
    names = [prediction.instance_id for prediction in read_predictions(path)]
    if len(names) != expected or len(set(names)) != expected:
        raise DatasetError(
            f"{path.name}: {expected} predictions were written, {len(set(names))} tasks read back"
        )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as stream:
        for line in stream:
            yield json.loads(line)
