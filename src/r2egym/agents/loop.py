"""The one loop that every agent runs in.

A turn: the conversation goes to the policy, its answer holds a call, the environment runs it, what it prints is the next
message. A :class:`Tape` stands between the loop and both: it writes every answer and every outcome down before they are
used, and gives back what an interrupted attempt had written. Whatever a model says is data; a garbled answer costs a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pydantic import JsonValue

from r2egym.agents.base import LoopOptions, Policy, Speaker
from r2egym.agents.history import condensed, reminder, turn, with_reminder
from r2egym.environment import Outcome
from r2egym.errors import (
    ContextOverflowError,
    EmptyAnswerError,
    ModelError,
    ModelRequestError,
    RefusalError,
)
from r2egym.llm import count_tokens
from r2egym.records import Answer, ExitReason, Failure, Message, Record, Request, Step, ToolCall
from r2egym.tools import parse, render


class Tape(Protocol):
    """Remembers what was answered and what came of it."""

    def answer(self, step: int, ask: Callable[[], Answer]) -> Answer:
        """The answer of a step: the remembered one, else a new one, written down before it is returned."""
        ...

    def outcome(self, step: int, act: Callable[[], Outcome]) -> Outcome:
        """The outcome of a step, likewise; a remembered one is acted out again, and must come out the same."""
        ...


class Surroundings(Protocol):
    """Where an agent acts: a :class:`~r2egym.environment.WorkEnvironment`, say."""

    def act(self, call: ToolCall | None, *, timeout: float | None = None) -> Outcome:
        """Run one call and say what came of it. Raises SandboxError."""
        ...


class NoTape:
    """Remembers nothing."""

    def answer(self, step: int, ask: Callable[[], Answer]) -> Answer:  # noqa: ARG002 - see Tape
        """A new answer."""
        return ask()

    def outcome(self, step: int, act: Callable[[], Outcome]) -> Outcome:  # noqa: ARG002 - see Tape
        """A new outcome."""
        return act()


class Pursuit(Record):
    """How an attempt went, before anything is graded."""

    steps: tuple[Step, ...]
    exit_reason: ExitReason
    failure: Failure | None = None
    """What ended it, when a model's server did."""
    result: str = ""
    """What the agent handed in with its last call."""
    cost: float | None = None
    """US dollars."""


class _Turn(Record):
    """What a model's answer says."""

    thought: str
    call: ToolCall | None
    repairs: tuple[str, ...] = ()


def pursue(
    agent: Speaker,
    policy: Policy,
    env: Surroundings,
    options: LoopOptions,
    *,
    tape: Tape | None = None,
    watch: Callable[[Step], None] | None = None,
) -> Pursuit:
    """Run an agent until it hands in its work or a limit ends it.

    Args:
        agent: how it calls what.
        policy: decides.
        env: an environment in its base state.
        options: bounds.
        tape: None: nothing is remembered.
        watch: is told of every step.

    Raises:
        SandboxError: the environment broke.
        ModelRequestError: the model's server refuses what it is asked as such.
    """
    return _Loop(agent, policy, env, options, tape or NoTape(), watch or (lambda _: None)).run()


class _Loop:
    def __init__(
        self,
        agent: Speaker,
        policy: Policy,
        env: Surroundings,
        options: LoopOptions,
        tape: Tape,
        watch: Callable[[Step], None],
    ) -> None:
        self._agent, self._policy, self._env, self._options = agent, policy, env, options
        self._tape, self._watch = tape, watch
        self._messages = list(policy.opening)
        self._steps: list[Step] = []
        self._seconds = 0.0
        self._result = ""
        self._cost: float | None = None
        self._tools = agent.toolset.schemas() if agent.mode == "function_calling" else ()

    def run(self) -> Pursuit:
        """Turn after turn."""
        while True:
            try:
                exit_reason = self._turn()
            except ContextOverflowError:
                return self._end("token_limit")
            except ModelRequestError:
                raise
            except ModelError as error:
                cause = str(error).partition("\n")[0][:500]
                return self._end("llm_query_error", Failure(boundary="model", cause=cause))
            if exit_reason is not None:
                return self._end(exit_reason)

    def _turn(self) -> ExitReason | None:
        number = len(self._steps)
        limits = self._options.limits
        text = reminder(limits.max_steps, number)
        self._messages[-1] = with_reminder(self._messages[-1], text)
        shown = condensed(self._messages, self._options.condense_tokens, self._count)
        answer = self._tape.answer(number, lambda: self._ask(shown))
        if answer.usage.cost is not None:
            self._cost = (self._cost or 0.0) + answer.usage.cost
        said = read(answer)
        outcome = self._tape.outcome(
            number, lambda: self._env.act(said.call, timeout=float(limits.max_exec_time))
        )
        self._result = outcome.result
        step = self._step(number, text, answer, said, outcome, condensed=shown != self._messages)
        self._steps.append(step)
        self._messages += turn(step, self._agent.mode)
        self._watch(step)
        return self._reason(step, limits.max_steps - number, answer)

    def _ask(self, shown: Sequence[Message]) -> Answer:
        sampling = self._options.sampling
        request = Request(
            messages=tuple(shown),
            tools=self._tools,
            temperature=sampling.temperature,
            seed=sampling.seed,
            max_tokens=sampling.max_tokens,
            logprobs=1 if self._options.logprobs else None,
        )
        try:
            return self._policy.answer(request, timeout=float(self._options.limits.max_llm_time))
        except (EmptyAnswerError, RefusalError) as error:
            return Answer(text=f"({error})", finish="other")  # a turn without a call, which costs a step

    def _count(self, messages: object) -> int:
        return count_tokens(tuple(messages), self._tools, self._agent.model).tokens  # type: ignore[arg-type]

    def _step(
        self, number: int, text: str, answer: Answer, said: _Turn, outcome: Outcome, *, condensed: bool
    ) -> Step:
        self._seconds += answer.seconds + outcome.seconds
        usage = answer.usage
        shown = outcome.call or said.call
        known = usage.total > 0
        told: dict[str, JsonValue] = {
            "total_time": outcome.seconds,
            "refused": outcome.refused,
            "timed_out": outcome.timed_out,
            **({"condensed": True} if condensed else {}),
        }
        step = Step(
            step_idx=number,
            thought=said.thought,
            action=render(shown) if shown else "",
            observation=outcome.observation,
            done=outcome.done,
            info=told,
            token_usage_prompt=usage.prompt if known else -1,
            token_usage_completion=usage.completion if known else -1,
            token_usage_total=usage.total if known else -1,
            llm_exec_time=answer.seconds,
            env_exec_time=outcome.seconds,
            total_step_time=answer.seconds + outcome.seconds,
            total_time_traj=self._seconds,
            step_count=number + 1,
            call=shown,
            said=said.call if said.call != shown else None,
            reminder=text,
            exit_code=outcome.exit_code,
            repairs=(*said.repairs, *outcome.repairs),
            logprobs=tuple((token.token, token.logprob) for token in answer.logprobs),
            cut=answer.finish == "length",
        )
        native = bool(answer.calls)
        lost = not native and turn(step, self._agent.mode)[0].content != answer.text
        kept = {"raw": answer.text, "verbatim": self._options.logprobs}
        return step.model_copy(update=kept) if lost else step

    def _reason(self, step: Step, remaining: int, answer: Answer) -> ExitReason | None:
        limits = self._options.limits
        if step.done:
            if remaining > 0:
                return "agent"
            return "max_step_limit" if remaining == 0 else "agent_max_step_limit"
        if answer.usage.total >= limits.max_token_limit:
            return "token_limit"
        if step.step_count >= limits.max_steps_absolute:
            return "abs_step_limit"
        if self._seconds >= limits.max_total_time:
            return "traj_time_limit"
        return None

    def _end(self, reason: ExitReason, failure: Failure | None = None) -> Pursuit:
        return Pursuit(
            steps=tuple(self._steps),
            exit_reason=reason,
            failure=failure,
            result=self._result,
            cost=self._cost,
        )


def read(answer: Answer) -> _Turn:
    """Thought and call of an answer: the first native call, else the first one written as XML in its text."""
    if answer.calls:
        dropped = len(answer.calls) - 1
        repairs = (f"{dropped} further calls of the turn left out",) if dropped else ()
        return _Turn(thought=answer.text.strip(), call=answer.calls[0], repairs=repairs)
    parsed = parse(answer.text)
    return _Turn(thought=parsed.thought, call=parsed.call, repairs=tuple(parsed.repairs))


def opening(system: str, user: str) -> tuple[Message, ...]:
    """A system's and a user's message."""
    return (
        *((Message(role="system", content=system),) if system else ()),
        Message(role="user", content=user),
    )
