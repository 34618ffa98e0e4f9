"""Rows that are made of attempts: conversations to be fine-tuned on, judgements, token ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from r2egym.agents import conversation
from r2egym.agents.history import with_reminder
from r2egym.records import Message, Step, TestStatus, Trajectory
from r2egym.training.conversations import Openings, converse
from r2egym.training.options import ExportOptions
from r2egym.training.tokens import Piece, Tokens, folder_of
from r2egym.verifiers import JudgeOptions, ask, view_of

YES, NO = "<judgement>YES</judgement>", "<judgement>NO</judgement>"
_ANSWER = 32
"""Tokens that a judgement and the marks around a row's messages may take."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row, before it is written."""

    instance_id: str
    identity: str
    """Of the attempt."""
    value: dict[str, Any]
    """What is written."""
    tokens: int
    turns: int
    """Of the model."""
    positive: bool
    """Whether the attempt was rewarded."""


def conversation_row(
    trajectory: Trajectory, openings: Openings, options: ExportOptions, tokens: Tokens
) -> Row:
    """A row of an editing or testing model."""
    messages = converse(trajectory, openings, options.thoughts)
    value: dict[str, Any] = {"messages": _plain(messages), **_name(trajectory)}
    if options.purpose == "testing":
        value |= {
            "exit_reasons": trajectory.exit_reason,
            "num_steps": len(trajectory.trajectory_steps),
        }
    return _row(trajectory, value, tokens.count(messages), len(trajectory.trajectory_steps))


def verifier_row(trajectory: Trajectory, options: ExportOptions, tokens: Tokens) -> Row:
    """A row of a verifier: the interaction (condensed where it is long), the patch, the question, and the right answer."""
    longest = options.longest or 0
    terms = JudgeOptions(
        layout="published", prompt=options.judge, log=options.log, budget=max(longest - _ANSWER, 0)
    )
    asked = ask(view_of(trajectory), terms, folder_of(options.tokenizer))
    messages = (*asked, Message(role="assistant", content=YES if trajectory.reward == 1.0 else NO))
    value = {
        "messages": _plain(messages),
        **_name(trajectory),
        "rewards": trajectory.reward,
        "docker_images": trajectory.docker_image,
    }
    return _row(trajectory, value, tokens.count(messages), 1)


def token_row(trajectory: Trajectory, openings: Openings, tokens: Tokens) -> Row:
    """A row of reinforcement: what the model was given, what followed, and which of it the model wrote.

    ``exact`` says whether these are the very texts that passed between server and environment: calls as XML, no older
    observation left out, and every answer as it was given. Log probabilities are told only then. The end of a turn that ended for
    want of tokens is not the model's.
    """
    steps = trajectory.trajectory_steps
    opening = list(openings.of(trajectory))
    messages = list(conversation(opening, steps, "xml")[:-1])
    prompt = [*opening[:-1], with_reminder(opening[-1], steps[0].reminder)]
    pieces = tokens.pieces(messages)
    head = 3 * len(prompt) + 1  # the first turn's heading belongs to what the model was given
    rest = _ends_apart(pieces[head:-1], steps)  # and the newline after the last turn to nobody
    grade, failure = trajectory.grade, trajectory.failure
    exact = (
        bool(trajectory.model)
        and trajectory.mode == "xml"
        and tuple(opening) == trajectory.opening
        and not any((step.raw and not step.verbatim) or step.info.get("condensed") for step in steps)
    )
    own = [piece.ids for piece in rest if piece.own]
    logprobs = _logprobs(steps, own, tokens) if exact else None
    value = {
        **_name(trajectory),
        "prompt_ids": [one for piece in pieces[:head] for one in piece.ids],
        "response_ids": [one for piece in rest for one in piece.ids],
        "response_mask": [int(piece.own) for piece in rest for _ in piece.ids],
        "logprobs": _spread(logprobs, rest),
        "reward": None if trajectory.masked else trajectory.reward,
        "masked": trajectory.masked,
        "failure": f"{failure.boundary}: {failure.cause}" if failure else "",
        "policy_could_cause": bool(failure and failure.policy_could_cause),
        "tampering": bool(grade and grade.tampering),
        "exit_reason": trajectory.exit_reason,
        "exact": exact,
        "f2p_passed": _passed(grade.f2p) if grade else 0,
        "f2p_total": len(grade.f2p) if grade else 0,
        "p2p_passed": _passed(grade.p2p) if grade else 0,
        "p2p_total": len(grade.p2p) if grade else 0,
    }
    return _row(trajectory, value, sum(len(piece.ids) for piece in pieces), len(steps))


def _row(trajectory: Trajectory, value: dict[str, Any], tokens: int, turns: int) -> Row:
    return Row(
        trajectory.instance_id, trajectory.identity, value, tokens, turns, positive=trajectory.reward == 1.0
    )


def _name(trajectory: Trajectory) -> dict[str, Any]:
    return {
        "instance_id": trajectory.instance_id,
        "attempt": trajectory.attempt,
        "identity": trajectory.identity,
    }


def _plain(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _passed(statuses: dict[str, TestStatus]) -> int:
    return sum(status == TestStatus.PASSED for status in statuses.values())


def _ends_apart(pieces: list[Piece], steps: tuple[Step, ...]) -> list[Piece]:
    """The pieces, with the mark at the end of each turn that was cut as a piece of its own."""
    found, turns = [], iter(steps)
    for piece in pieces:
        cut = piece.own and next(turns).cut
        found += [Piece(piece.ids[:-1], own=True), Piece(piece.ids[-1:], own=False)] if cut else [piece]
    return found


def _logprobs(steps: tuple[Step, ...], own: list[list[int]], tokens: Tokens) -> list[list[float]] | None:
    """Of every token of every turn; None where the server did not tell, or cut its text otherwise than this tokenizer."""
    found = []
    for step, ids in zip(steps, own, strict=True):
        if [text for text, _ in step.logprobs] != tokens.texts(ids):
            return None
        found.append([value for _, value in step.logprobs])
    return found


def _spread(logprobs: list[list[float]] | None, rest: list[Piece]) -> list[float] | None:
    """One number a token of the response; 0 for those that the model did not write."""
    if logprobs is None:
        return None
    left = iter(logprobs)
    return [value for piece in rest for value in (next(left) if piece.own else [0.0] * len(piece.ids))]
