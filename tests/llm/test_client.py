"""OpenAI's protocol against a real server: what is sent, what is read, what is learned."""

import threading

import pytest
from tests.llm.clock import asking

from r2egym.errors import ModelRequestError
from r2egym.llm import Fault, Patience, ScriptedServer, open_model
from r2egym.records import Answer, Message, Request, TokenLogprob, ToolCall, Usage

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


def test_everything_is_sent():
    """Each field of a request arrives at the server as the protocol has it."""
    request = asking(tools=(TOOL,), temperature=0.5, max_tokens=7, stop=("END",), logprobs=2, seed=3)
    with ScriptedServer(["fine"]) as server:
        model = open_model("vllm/org/name", base_url=server.base_url)
        model.complete(request)
        model.complete(asking())
        model.close()
    assert server.requests[0].body == {
        "model": "org/name",
        "messages": [{"role": "user", "content": "hello"}],
        "tools": [TOOL],
        "temperature": 0.5,
        "max_tokens": 7,
        "stop": ["END"],
        "logprobs": True,
        "top_logprobs": 2,
        "seed": 3,
    }
    assert set(server.requests[1].body) == {"model", "messages", "temperature"}
    assert server.requests[0].path == "/v1/chat/completions"


def test_everything_is_read():
    """Text, calls, usage, cost and log probabilities come back as the server sent them."""
    said = Answer(
        text="I look.",
        calls=(ToolCall(name="look", arguments={"at": "it"}, id="call_7"),),
        finish="tool_calls",
        usage=Usage(prompt=100, completion=20, cached=80, cost=0.25),
        logprobs=(TokenLogprob(token="I", logprob=-0.1, top={"I": -0.1, "We": -3.0}),),
        model="name-2026",
    )
    with ScriptedServer([said]) as server:
        model = open_model("vllm/org/name", base_url=server.base_url)
        answer = model.complete(asking())
        model.close()
    assert answer.seconds > 0
    assert answer.model_copy(update={"seconds": 0.0}) == said


def test_conversation_goes_on():
    """What the model called and the tool answered arrives in the next request."""
    call = ToolCall(name="look", arguments={}, id="c1")
    with ScriptedServer([Answer(calls=(call,)), "seen"]) as server:
        model = open_model("vllm/x", base_url=server.base_url)
        first = model.complete(asking())
        request = Request(
            messages=(
                *asking().messages,
                Message(role="assistant", calls=first.calls),
                Message(role="tool", content="a cat", call_id="c1", name="look"),
            )
        )
        assert model.complete(request).text == "seen"
        model.close()
    assert [turn["role"] for turn in server.requests[1].body["messages"]] == ["user", "assistant", "tool"]


def test_broken_call_is_no_exception():
    """A call whose arguments do not parse says so, and has none."""
    with ScriptedServer([Fault(kind="broken_call")]) as server:
        model = open_model("vllm/x", base_url=server.base_url)
        (call,) = model.complete(asking(tools=(TOOL,))).calls
        model.close()
    assert (call.name, call.arguments) == ("look", {})
    assert "no JSON" in call.broken


@pytest.mark.parametrize("content", [None, "", "said"])
def test_reasoning_speaks_for_an_empty_answer(content: str | None):
    """Reasoning is the answer only where there is no other."""
    message = {"role": "assistant", "content": content, "reasoning_content": "thought"}
    body = {"choices": [{"message": message, "finish_reason": "stop"}]}
    with ScriptedServer([Fault(kind="error", status=200, body=body)]) as server:
        model = open_model("vllm/x", base_url=server.base_url)
        answer = model.complete(asking())
        model.close()
    assert answer.text == (content or "thought")
    assert answer.usage.estimated
    assert answer.usage.prompt > 0


def refusing(*names: str, field: bool):
    """A script that minds each of these parameters, naming it in its own field or in words alone."""

    def script(body):
        for name in names:
            if name in body:
                error = {"message": f"Unsupported parameter: '{name}' is not supported with this model."}
                return Fault(
                    kind="error", status=400, body={"error": error | ({"param": name} if field else {})}
                )
        return "one END two"

    return script


@pytest.mark.parametrize("field", [True, False])
def test_refused_parameters_are_left_out(*, field: bool):
    """Each parameter that the server minds is left out in the next try, and in every later request."""
    request = asking(temperature=0.5, max_tokens=7, stop=("END",), logprobs=2, seed=3)
    script = refusing("temperature", "max_tokens", "seed", "stop", "logprobs", field=field)
    with ScriptedServer(script) as server:
        model = open_model("vllm/x", base_url=server.base_url, patience=Patience(tries=1))
        first = model.complete(request)
        asked = len(server.requests)
        model.complete(request)
        model.close()
    assert asked == 6
    assert len(server.requests) == 7
    assert set(server.requests[-1].body) == {"model", "messages", "max_completion_tokens"}
    assert (first.text, first.tries) == ("one ", 1)


def test_other_complaints_are_not_taken_for_that():
    """A value that is wrong is told, not dropped."""
    error = {"message": "'temperature' must be at most 2", "param": "temperature"}
    with ScriptedServer([Fault(kind="error", status=400, body={"error": error})]) as server:
        model = open_model("vllm/x", base_url=server.base_url)
        with pytest.raises(ModelRequestError, match="at most 2"):
            model.complete(asking())
        model.close()


def test_many_threads():
    """Two hundred conversations at once, each gets its own answers."""
    gate = threading.Barrier(200, timeout=120)

    def script(body):
        gate.wait()
        return f"to {body['messages'][0]['content']}"

    answers: dict[int, str] = {}
    with ScriptedServer(script) as server:
        model = open_model("vllm/x", base_url=server.base_url)

        def ask(number: int) -> None:
            answers[number] = model.complete(asking(str(number))).text

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        model.close()
    assert answers == {number: f"to {number}" for number in range(200)}
    assert len(server.requests) == 200
