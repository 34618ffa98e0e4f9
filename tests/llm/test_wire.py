"""Records and JSON of the chat protocol: what goes out comes back."""

import json

from hypothesis import given
from hypothesis import strategies as st

from r2egym.llm.answers import answer_from_json, answer_to_json
from r2egym.llm.wire import (
    call_from_json,
    clean,
    messages_from_json,
    messages_to_json,
    request_from_json,
    request_to_json,
)
from r2egym.records import Answer, Message, Request, TokenLogprob, ToolCall, Usage

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAME = st.text("abcXYZ_", min_size=1, max_size=8)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(TEXT, VALUE, max_size=3)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Conversations in which every tool's turn answers a call before it."""
    messages = [Message(role="system", content=draw(TEXT))] if draw(st.booleans()) else []
    number = 0
    for _ in range(draw(st.integers(0, 4))):
        messages.append(Message(role="user", content=draw(TEXT)))
        calls = []
        for _ in range(draw(st.integers(0, 3))):
            number += 1
            calls.append(ToolCall(name=draw(NAME), arguments=draw(ARGUMENTS), id=f"id{number}"))
        messages.append(Message(role="assistant", content=draw(TEXT), calls=tuple(calls)))
        messages += [
            Message(role="tool", content=draw(TEXT), call_id=call.id, name=call.name) for call in calls
        ]
    return tuple(messages)


@given(conversations())
def test_messages_round_trip(messages: tuple[Message, ...]):
    """Messages → JSON text → messages is the identity."""
    assert messages_from_json(json.loads(json.dumps(messages_to_json(messages)))) == messages


@given(
    conversations(),
    st.floats(0, 2),
    st.none() | st.integers(1, 9999),
    st.lists(TEXT.filter(bool), max_size=3),
    st.none() | st.integers(0, 20),
    st.none() | st.integers(),
)
def test_requests_round_trip(messages, temperature, most, stop, logprobs, seed):
    """So is request → JSON text → request."""
    request = Request(
        messages=messages,
        tools=({"type": "function", "function": {"name": "look"}},),
        temperature=temperature,
        max_tokens=most,
        stop=tuple(stop),
        logprobs=logprobs,
        seed=seed,
    )
    assert request_from_json(json.loads(json.dumps(request_to_json(request, "m")))) == request


@given(
    TEXT.filter(str.strip), st.lists(ARGUMENTS, max_size=2), st.none() | st.floats(0, 9), st.integers(0, 99)
)
def test_answers_round_trip(text: str, arguments: list, cost: float | None, number: int):
    """And answer → JSON text → answer."""
    answer = Answer(
        text=text,
        calls=tuple(
            ToolCall(name="look", arguments=each, id=f"i{place}") for place, each in enumerate(arguments)
        ),
        finish="tool_calls" if arguments else "length",
        usage=Usage(prompt=number, completion=number, cached=number, cost=cost),
        logprobs=(TokenLogprob(token=text, logprob=-0.5, top={text: -0.5, "other": -2.0}),),
        model="m",
    )
    assert answer_from_json(json.loads(json.dumps(answer_to_json(answer, "x", "1")))) == answer


@given(st.text(max_size=20))
def test_any_text_can_be_sent(text: str):
    """Half characters, as the output of commands may hold, become something that servers take."""
    assert clean(text).encode().decode() == clean(text)
    sent = messages_to_json([Message(role="user", content=text)])
    json.dumps(sent, ensure_ascii=False).encode()


def test_calls_without_ids():
    """Calls that came as text get ids by their place, and the answers that follow find them."""
    call = ToolCall(name="look")
    sent = messages_to_json(
        [
            Message(role="assistant", calls=(call, call)),
            Message(role="tool", content="one"),
            Message(role="tool", content="two"),
        ]
    )
    assert [own["id"] for own in sent[0]["tool_calls"]] == ["call_0_0", "call_0_1"]
    assert [turn["tool_call_id"] for turn in sent[1:]] == ["call_0_0", "call_0_1"]


def test_arguments_in_every_state():
    """Arguments are read where they have one meaning; otherwise the call is broken, and says why."""

    def read(raw) -> ToolCall:
        return call_from_json({"id": "1", "function": {"name": "look", "arguments": raw}})

    assert read('{"a": "x\ny"}').arguments == {"a": "x\ny"}
    assert [read(raw).arguments for raw in ({"a": 1}, "", None, " ")] == [{"a": 1}, {}, {}, {}]
    assert read('{"a": "\\ud800"}').arguments == {"a": "\ufffd"}
    for raw in ('{"a": ', "[1]", "3", '{"a": NaN}', "[" * 100_000, '{"a": 1} {"b": 2}', 5):
        assert read(raw).broken
        assert read(raw).arguments == {}
    assert call_from_json({"function": None}).name == ""
