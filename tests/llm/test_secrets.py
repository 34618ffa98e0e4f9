"""Keys: they reach the server that they are for, and nothing else."""

import copy
import logging
import pickle
import traceback
from pathlib import Path

import pytest
from tests.llm.clock import asking

from r2egym.errors import ModelError, UsageError
from r2egym.llm import Fault, Patience, ScriptedServer, open_model
from r2egym.records import Answer, ToolCall
from r2egym.settings import Secret, api_key

KEY = "sk-test-0123456789abcdefTHEKEY"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody")
    monkeypatch.setenv("VLLM_API_KEY", "")


def test_secret_shows_itself_to_nobody():
    """Only reveal() tells a key."""
    secret = Secret(KEY)
    assert f"{secret} {secret!r} {[secret]} {secret:}" == "*** *** [***] ***"
    assert secret.reveal() == KEY
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            way(secret)


def test_key_by_name(monkeypatch: pytest.MonkeyPatch):
    """The first variable that is set has it; an empty one is not set."""
    monkeypatch.setenv("SECOND", " it ")
    found = api_key("NOT_THERE", "VLLM_API_KEY", "SECOND", "OPENAI_API_KEY")
    assert found is not None
    assert found.reveal() == "it"
    assert api_key("NOT_THERE") is None


def test_key_stays_where_it_belongs(monkeypatch: pytest.MonkeyPatch):
    """OpenAI's key and organization do not go to a vLLM server, its own key does."""
    with ScriptedServer(["fine"]) as server:
        for name in ("vllm/x", "openai/x"):
            model = open_model(name, base_url=server.base_url)
            model.complete(asking())
            model.close()
        monkeypatch.setenv("VLLM_API_KEY", "token-abc")
        model = open_model("vllm/x", base_url=server.base_url)
        model.complete(asking())
        model.close()
    keyless, ours, own = server.requests
    assert "authorization" not in {name.lower() for name in keyless.headers}
    assert KEY not in str(keyless)
    sent = {name.lower(): value for name, value in ours.headers.items()}
    assert sent["authorization"] == f"Bearer {KEY}"
    assert "token-abc" in str(own.headers)
    assert all("org-of-somebody" not in str(seen.headers) for seen in server.requests)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="error", status=401, body={"error": {"message": f"Incorrect API key provided: {KEY}."}}),
        Fault(kind="error", status=400, body={"error": {"message": "x" * 380 + KEY, "code": KEY}}),
        Fault(kind="error", status=400, body={"detail": [KEY]}),
        Fault(kind="error", status=500, body=f"Bearer {KEY}"),
        Fault(kind="error", status=200, body={"error": {"message": KEY}}),
        Fault(kind="drop"),
        Fault(kind="half"),
        Fault(kind="malformed"),
        Fault(kind="delay", seconds=20),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_no_key_in_any_error(fault: Fault, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Exceptions, what they come from, logs at their loudest, reprs and recordings hold no key, though it is echoed."""
    caplog.set_level(logging.DEBUG)
    record = tmp_path / "run.jsonl"
    with ScriptedServer([fault]) as server:
        model = open_model(
            "openai/x", base_url=server.base_url, patience=Patience(tries=2, base=0.01), record=record
        )
        with pytest.raises(ModelError) as caught:
            model.complete(asking(), timeout=1)
        model.close()
    error: BaseException | None = caught.value
    assert "*" * 3 in str(error) or "THEKEY" not in str(fault)
    told = "".join(traceback.format_exception(caught.value))
    while error is not None:
        told += repr(error) + repr(vars(error))
        error = error.__cause__ or error.__context__
    told += repr(model) + caplog.text + record.read_text()
    assert KEY not in told
    assert "THEKEY" not in told
    assert KEY in str(server.requests[0].headers)


def test_no_key_in_a_recorded_answer(tmp_path: Path):
    """A server that says our key to us does not get it into a trajectory."""
    record = tmp_path / "run.jsonl"
    call = ToolCall(name="look", arguments={"key": KEY}, id="1")
    with ScriptedServer([Answer(text=f"It is {KEY}.", calls=(call,))]) as server:
        model = open_model("openai/x", base_url=server.base_url, record=record)
        answer = model.complete(asking())
        model.close()
    assert answer.text == "It is ***."
    assert KEY not in repr(answer)
    assert KEY not in record.read_text()


def test_key_that_is_none(monkeypatch: pytest.MonkeyPatch):
    """A key that no header can hold is refused before anything is sent, and not repeated."""
    monkeypatch.setenv("OPENAI_API_KEY", "schlüssel-geheim")
    with pytest.raises(UsageError, match="OPENAI_API_KEY holds letters") as caught:
        open_model("gpt-4o")
    assert "geheim" not in str(caught.value)
