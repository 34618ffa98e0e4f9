"""Scripts: as a server, as a model, and how conversations go through them."""

import json
import urllib.error
import urllib.request

import pytest
from tests.llm.clock import asking

from r2egym.errors import (
    ContextOverflowError,
    EmptyAnswerError,
    ModelError,
    ModelRequestError,
    ModelTimeoutError,
    ModelUnavailableError,
    RefusalError,
    UsageError,
)
from r2egym.llm import Fault, Model, ScriptedModel, ScriptedServer, open_model
from r2egym.records import Answer, Message, Request


def going_on(request: Request, said: str) -> Request:
    """The same conversation one turn later."""
    turns = (Message(role="assistant", content=said), Message(role="user", content="go on"))
    return request.model_copy(update={"messages": request.messages + turns})


def test_each_conversation_starts_at_the_beginning():
    """A list is played to each conversation by its own place, in whatever order they ask."""
    model: Model = ScriptedModel(["one", "two"])
    first, second = asking("a"), asking("b")
    assert model.complete(first).text == "one"
    assert model.complete(going_on(first, "one")).text == "two"
    assert model.complete(second).text == "one"
    assert model.complete(first).text == "one"
    assert [len(request.messages) for request in model.requests] == [1, 3, 1, 1]
    with pytest.raises(UsageError, match="ends after 2 answers"):
        model.complete(going_on(going_on(first, "one"), "two"))
    model.close()


def test_faults_come_before_their_answer():
    """A fault in a list is met once, then the answer after it."""
    model = ScriptedModel(["one", Fault(kind="drop"), Fault(kind="overflow"), "two"])
    later = going_on(asking(), "one")
    with pytest.raises(ModelUnavailableError):
        model.complete(later)
    with pytest.raises(ContextOverflowError):
        model.complete(later)
    assert model.complete(later).text == "two"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(kind="delay"), ModelTimeoutError),
        (Fault(kind="trickle"), ModelTimeoutError),
        (Fault(kind="half"), ModelUnavailableError),
        (Fault(kind="rate_limit"), ModelUnavailableError),
        (Fault(kind="error", status=401), ModelRequestError),
        (Fault(kind="error", status=502), ModelUnavailableError),
        (Fault(kind="refusal"), RefusalError),
        (Fault(kind="filtered"), RefusalError),
        (Fault(kind="empty"), EmptyAnswerError),
        (Answer(), EmptyAnswerError),
    ],
    ids=str,
)
def test_model_fails_as_a_server_would(fault: Fault | Answer, error: type[ModelError]):
    """Without a network, a fault raises what it would have led to."""
    with pytest.raises(error):
        ScriptedModel(lambda _: fault).complete(asking())


def test_broken_calls_and_delays_that_end():
    """A broken call is an answer, and so is what a delay ends in."""
    assert ScriptedModel([Fault(kind="broken_call")]).complete(asking()).calls[0].broken
    late = Fault(kind="delay", seconds=0.2, then=Answer(text="late"))
    assert ScriptedModel([late, "next"]).complete(asking()).text == "late"
    with ScriptedServer([late, "next"]) as server:
        model = open_model("vllm/x", base_url=server.base_url)
        answer = model.complete(asking())
        model.close()
    assert (answer.text, answer.tries) == ("late", 1)
    assert answer.seconds >= 0.2


def test_usage_of_a_script():
    """An answer without a count of tokens gets an estimate, unless it brings one."""
    answer = ScriptedModel(["fine"]).complete(asking())
    assert answer.usage.estimated
    assert answer.model == "scripted"


def test_empty_script():
    """A script without an answer is refused when it is given."""
    with pytest.raises(UsageError):
        ScriptedModel([])


def test_plain_client(monkeypatch: pytest.MonkeyPatch):
    """Any HTTP client can talk to the server, and is told what it does wrong."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def post(address: str, data: bytes) -> tuple[int, dict]:
        try:
            with opener.open(address, data) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    turn = {"role": "user", "content": [{"type": "text", "text": "he"}, {"type": "text", "text": "llo"}]}
    with ScriptedServer(lambda body: f"to {body['messages'][0]['role']}") as server:
        chat = f"{server.base_url}/chat/completions"
        status, body = post(chat, json.dumps({"messages": [turn]}).encode())
        assert (status, body["choices"][0]["message"]["content"]) == (200, "to user")
        assert post(chat, b"{")[0] == 400
        assert post(chat, b"{}")[0] == 400
        assert post(chat, json.dumps({"messages": [turn], "stream": True}).encode())[0] == 400
        assert post(f"{server.base_url}/embeddings", b"{}")[0] == 404
        with opener.open(f"{server.base_url}/models") as reply:
            assert json.load(reply)["data"]
    assert server.requests[0].body["messages"] == [turn]


def test_script_that_is_over():
    """The server says so to whoever asks once more, and that is not tried again."""
    with ScriptedServer(["one"]) as server:
        model = open_model("vllm/x", base_url=server.base_url)
        with pytest.raises(ModelRequestError, match="the script ends after 1 answers"):
            model.complete(going_on(asking(), "one"))
        model.close()
