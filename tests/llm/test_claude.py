"""Anthropic's protocol: the translation both ways, and the client where it is installed."""

import importlib.util
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tests.llm.clock import asking

from r2egym.errors import ContextOverflowError, EmptyAnswerError, RefusalError, UsageError
from r2egym.llm import Patience, open_model
from r2egym.llm.claude import answer_of, body_of
from r2egym.llm.failures import TryAgainError
from r2egym.records import Message, Request, ToolCall, Usage

TOOL = {
    "type": "function",
    "function": {"name": "look", "description": "Look.", "parameters": {"type": "object"}},
}
MARK = {"cache_control": {"type": "ephemeral"}}

CONVERSATION = Request(
    messages=(
        Message(role="system", content="be brief"),
        Message(role="user", content="go"),
        Message(
            role="assistant",
            content="I look. \n",
            calls=(ToolCall(name="look", id="a:1", arguments={"at": 1}), ToolCall(name="look")),
        ),
        Message(role="tool", content="a cat", call_id="a:1", name="look"),
        Message(role="tool", content="", name="look"),
        Message(role="user", content="and?"),
        Message(role="assistant", content=""),
        Message(role="user", content="well?"),
    ),
    tools=(TOOL, TOOL),
    temperature=1.5,
    stop=("END", "\n"),
    seed=1,
    logprobs=3,
)


def said(*blocks: dict, reason: str = "end_turn", **usage: int) -> dict:
    """A message of Anthropic's."""
    return {
        "type": "message",
        "content": list(blocks),
        "stop_reason": reason,
        "usage": usage,
        "model": "claude-x",
    }


def test_request_in_anthropics_form():
    """System prompt, turns, calls and their results stand where Anthropic wants them, with four marks for the cache."""
    body = body_of(CONVERSATION, "claude-x")
    assert body == {
        "model": "claude-x",
        "max_tokens": 8192,
        "temperature": 1.0,
        "system": [{"type": "text", "text": "be brief", **MARK}],
        "tools": [
            {"name": "look", "description": "Look.", "input_schema": {"type": "object"}},
            {"name": "look", "description": "Look.", "input_schema": {"type": "object"}, **MARK},
        ],
        "stop_sequences": ["END"],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "go"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "a_1", "name": "look", "input": {"at": 1}},
                    {"type": "tool_use", "id": "call_2_1", "name": "look", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "a_1", "content": "a cat"},
                    {"type": "tool_result", "tool_use_id": "call_2_1", "content": ""},
                    {"type": "text", "text": "and?", **MARK},
                ],
            },
            {"role": "assistant", "content": [{"type": "text", "text": "(empty)"}]},
            {"role": "user", "content": [{"type": "text", "text": "well?", **MARK}]},
        ],
    }
    assert set(body_of(asking(), "m")) == {"model", "messages", "max_tokens", "temperature"}


def test_half_characters_go_to_no_server():
    """A lone surrogate, in a message or in a call's arguments, is replaced: such a body could not be sent."""
    call = ToolCall(name="execute_bash", arguments={"cmd": "echo \ud83d", "more": ["\udcff"]}, id="c1")
    request = Request(
        messages=(Message(role="user", content="\udcff"), Message(role="assistant", calls=(call,)))
    )
    body = json.dumps(body_of(request, "claude"), ensure_ascii=False)
    assert b"execute_bash" in body.encode()
    assert "echo " in body


def test_answer_is_read():
    """Text, calls, the reason of ending and all kinds of tokens are found; thinking is passed over."""
    answer = answer_of(
        said(
            {"type": "thinking", "thinking": "hm"},
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "it"}},
            reason="tool_use",
            input_tokens=5,
            cache_read_input_tokens=80,
            cache_creation_input_tokens=15,
            output_tokens=7,
        )
    )
    assert (answer.text, answer.finish, answer.model) == ("I look.", "tool_calls", "claude-x")
    assert answer.calls == (ToolCall(name="look", id="t1", arguments={"at": "it"}),)
    assert answer.usage == Usage(prompt=100, completion=7, cached=80)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (said(reason="refusal"), RefusalError),
        (said({"type": "text", "text": "I ca"}, reason="refusal"), RefusalError),
        (said(reason="max_tokens"), EmptyAnswerError),
        (said(), TryAgainError),
        ({"content": 3}, TryAgainError),
        ([], TryAgainError),
        (None, TryAgainError),
    ],
)
def test_no_answer(body: object, error: type[Exception]):
    """Refusals, silence and nonsense are told apart."""
    with pytest.raises(error):
        answer_of(body)


@pytest.mark.skipif(
    importlib.util.find_spec("anthropic") is not None, reason="Anthropic's client is installed"
)
def test_missing_client(monkeypatch: pytest.MonkeyPatch):
    """Without the client, one line says how to get it."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    with pytest.raises(UsageError, match=r"pip install 'r2egym\[anthropic\]'"):
        open_model("claude-3-5-sonnet-20241022")


class _Anthropic(BaseHTTPRequestHandler):
    """Says busy, then an answer, then that the conversation is too long."""

    replies = iter(())
    seen: list[tuple[str, dict, dict]] = []

    def do_POST(self) -> None:
        """One message."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        status, reply = next(self.replies)
        data = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def test_client_against_a_server(monkeypatch: pytest.MonkeyPatch):
    """The real client sends the body as it is, and its errors become ours."""
    pytest.importorskip("anthropic", reason="Anthropic's client is not installed")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    too_long = {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "prompt is too long: 2 > 1"},
    }
    deprecated = {"type": "error", "error": {"message": "`temperature` is deprecated for this model."}}
    busy = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    _Anthropic.replies = iter(
        [(529, busy), (400, deprecated), (200, said({"type": "text", "text": "hi"})), (400, too_long)]
    )
    server = HTTPServer(("127.0.0.1", 0), _Anthropic)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        model = open_model("claude-x", base_url=address, patience=Patience(base=0.01))
        answer = model.complete(CONVERSATION)
        with pytest.raises(ContextOverflowError):
            model.complete(CONVERSATION)
        model.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert (answer.text, answer.tries) == ("hi", 2)
    path, headers, body = _Anthropic.seen[-1]
    assert path == "/v1/messages"
    assert "sk-ant-secret" in headers.get("x-api-key", headers.get("authorization", ""))
    assert body == {
        name: value for name, value in body_of(CONVERSATION, "claude-x").items() if name != "temperature"
    }
