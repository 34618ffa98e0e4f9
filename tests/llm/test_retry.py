"""Patience: what is tried again, how long is waited in between, and when it ends."""

import time
from email.utils import formatdate

import pytest
from tests.llm.clock import Sleeper, asking

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
from r2egym.llm import Fault, Patience, ScriptedServer, open_model
from r2egym.llm.failures import TryAgainError
from r2egym.llm.retry import persist
from r2egym.records import Answer

PASSING = [
    Fault(kind="drop"),
    Fault(kind="half"),
    Fault(kind="error", status=500),
    Fault(kind="error", status=503, body="<html>busy</html>"),
    Fault(kind="rate_limit"),
    Fault(kind="malformed"),
    Fault(kind="empty"),
    Fault(kind="delay", seconds=30),
    Fault(kind="trickle", seconds=30),
    Fault(kind="error", status=200, body={"error": {"code": 502, "message": "relay"}}),
    Fault(kind="error", status=200, body=["no completion"]),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault.kind}-{fault.status}")
def test_passing_faults_are_tried_again(fault: Fault):
    """After a fault that may not last, the second try has the answer."""
    sleeper = Sleeper()
    with ScriptedServer([fault, "fine"]) as server:
        model = open_model("vllm/x", base_url=server.base_url, clock=sleeper.clock())
        answer = model.complete(asking(), timeout=2)
        model.close()
    assert (answer.text, answer.tries, sleeper.slept) == ("fine", 2, [1.0])


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(kind="overflow"), ContextOverflowError),
        (Fault(kind="refusal"), RefusalError),
        (Fault(kind="filtered"), RefusalError),
        (Fault(kind="error", status=400), ModelRequestError),
        (Fault(kind="error", status=401), ModelRequestError),
        (Fault(kind="error", status=403), ModelRequestError),
        (Fault(kind="error", status=404), ModelRequestError),
        (Fault(kind="error", status=429, body={"error": {"code": "insufficient_quota"}}), ModelRequestError),
        (Fault(kind="error", status=400, body={"error": {"code": "content_filter"}}), RefusalError),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, Fault) else None,
)
def test_lasting_faults_are_not(fault: Fault, error: type[ModelError]):
    """A fault that will stay is raised after one try, typed, in one line that names the model."""
    with ScriptedServer([fault]) as server:
        model = open_model("vllm/x", base_url=server.base_url)
        with pytest.raises(error, match=r"^vllm/x: ") as caught:
            model.complete(asking())
        model.close()
    assert len(server.requests) == 1
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(kind="drop"), ModelUnavailableError),
        (Fault(kind="empty"), EmptyAnswerError),
        (Fault(kind="delay", seconds=5), ModelTimeoutError),
    ],
)
def test_tries_end(fault: Fault, error: type[ModelError]):
    """When the tries are used up, the last failure is raised, waits having doubled up to the cap."""
    sleeper = Sleeper()
    with ScriptedServer([fault]) as server:
        patience = Patience(tries=5, base=1.0, cap=3.0)
        model = open_model("vllm/x", base_url=server.base_url, patience=patience, clock=sleeper.clock())
        with pytest.raises(error, match="tried 5 times"):
            model.complete(asking(), timeout=0.3)
        model.close()
    assert len(server.requests) == 5
    assert sleeper.slept == [1.0, 2.0, 3.0, 3.0]


def test_jitter_is_full():
    """Waits are drawn from zero up to the bound."""
    waits = []
    for chance in (0.0, 0.25, 1.0):
        sleeper = Sleeper()
        with pytest.raises(TypeError):
            persist(_failing(3), Patience(base=2.0), 1.0, sleeper.clock(chance))
        waits.append(sleeper.slept)
    assert waits == [[0.0] * 3, [0.5, 1.0, 2.0], [2.0, 4.0, 8.0]]


def _failing(times: int):
    """An ask that fails so often, and then in a way that nobody expects."""
    left = iter([TryAgainError(ModelUnavailableError("broken"))] * times)

    def ask(seconds: float) -> Answer:
        raise next(left, TypeError("a bug"))

    return ask


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ({"Retry-After": "7"}, 7.0, 7.0),
        ({"Retry-After": "1.5"}, 1.5, 1.5),
        ({"retry-after-ms": "2500", "Retry-After": "9"}, 2.5, 2.5),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0.0, 0.0),
        ({"Retry-After": "soon"}, 0.0, 0.0),
    ],
)
def test_retry_after_is_honoured(header: dict[str, str], least: float, most: float):
    """What the server asks for is waited, in either form, also beyond our own cap; nonsense is passed over."""
    sleeper = Sleeper()
    with ScriptedServer([Fault(kind="rate_limit", headers=header), "fine"]) as server:
        patience = Patience(cap=1.0)
        model = open_model(
            "vllm/x", base_url=server.base_url, patience=patience, clock=sleeper.clock(chance=0.0)
        )
        assert model.complete(asking()).text == "fine"
        model.close()
    assert least <= sleeper.slept[0] <= most


def test_retry_after_as_date():
    """A date is waited for by the wall clock."""
    sleeper = Sleeper()
    header = {"Retry-After": formatdate(time.time() + 300, usegmt=True)}
    with ScriptedServer([Fault(kind="rate_limit", headers=header), "fine"]) as server:
        model = open_model("vllm/x", base_url=server.base_url, clock=sleeper.clock(chance=0.0))
        assert model.complete(asking()).text == "fine"
        model.close()
    assert 240 < sleeper.slept[0] <= 301


def test_hopeless_retry_after():
    """A server that asks for more time than there is gets none of it."""
    sleeper = Sleeper()
    with ScriptedServer([Fault(kind="rate_limit", headers={"Retry-After": "3600"})]) as server:
        model = open_model("vllm/x", base_url=server.base_url, clock=sleeper.clock())
        with pytest.raises(ModelUnavailableError, match="asks to wait 3600 s"):
            model.complete(asking())
        model.close()
    assert sleeper.slept == []


def test_deadline_stands_over_all_tries():
    """Tries and waits together stay within the total, and the last try gets only what is left."""
    sleeper = Sleeper()
    given = []

    def ask(seconds: float) -> Answer:
        given.append(seconds)
        sleeper.spent += seconds
        raise TryAgainError(ModelTimeoutError("slow"))

    outcome = persist(ask, Patience(tries=50, base=1.0, cap=1.0, total=100.0), 30.0, sleeper.clock())
    assert isinstance(outcome, ModelTimeoutError)
    assert given == [30.0, 30.0, 30.0, 7.0]
    assert sleeper.spent + sum(sleeper.slept) <= 100.0


def test_deadline_is_hard():
    """By the real clock: a server that trickles for ever is left in time."""
    began = time.monotonic()
    with ScriptedServer([Fault(kind="trickle", seconds=60)]) as server:
        patience = Patience(tries=50, base=0.01, total=1.0)
        model = open_model("vllm/x", base_url=server.base_url, patience=patience)
        with pytest.raises(ModelTimeoutError, match="no answer within 1 s"):
            model.complete(asking(), timeout=0.4)
        model.close()
    assert time.monotonic() - began < 40


def test_tokens_spent_on_thinking():
    """An answer that ran out of tokens before it began is not asked for again."""
    with ScriptedServer(lambda _: Answer(finish="length")) as server:
        model = open_model("vllm/x", base_url=server.base_url)
        with pytest.raises(EmptyAnswerError, match="used up its tokens"):
            model.complete(asking())
        model.close()
    assert len(server.requests) == 1


def test_nobody_there():
    """A server that is not there is told as such."""
    model = open_model("vllm/x", base_url="http://127.0.0.1:9", patience=Patience(tries=1))
    with pytest.raises(ModelUnavailableError, match="refused"):
        model.complete(asking())
    with pytest.raises(UsageError):
        model.complete(asking(), timeout=0)
    model.close()
    model.close()
