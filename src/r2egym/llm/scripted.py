"""A real HTTP server on loopback that speaks OpenAI's chat protocol and says what a script tells it.

For tests, and for whoever wants to try an agent without a model: any client of that protocol can be pointed at it. It
fails in every way that real servers do.

Limits: no streaming, no models but the one it is; it answers whoever can reach the loopback address, and asks no key.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from pydantic import JsonValue

from r2egym.errors import UsageError
from r2egym.llm.replies import Reply, complaint, failed, spoken
from r2egym.llm.script import Cue, Playbook
from r2egym.llm.wire import request_from_json
from r2egym.records import Answer, Record, Request

Script = Sequence[Cue] | Callable[[dict[str, JsonValue]], Cue]

_BACKLOG = 1024
_MOST_BYTES = 256 * 1024 * 1024
_TRICKLE = 0.02


class Seen(Record):
    """One request that came in, its headers as they were."""

    path: str
    headers: dict[str, str]
    body: dict[str, JsonValue] = {}


class ScriptedServer:
    """The server, running while the ``with`` block does.

    Args:
        script: a list of answers and faults, which each conversation goes through on its own; or a function from the
            body of a request to what shall happen, called by many threads at once.
    """

    def __init__(self, script: Script) -> None:
        self.requests: list[Seen] = []
        """Every request that came in, in order."""
        self._numbers = itertools.count(1)
        playbook = None if callable(script) else Playbook(script)
        self._play: Callable[[dict[str, Any], Request], Cue] = (
            (lambda body, _: script(body))
            if callable(script)
            else (lambda _, request: playbook.next(request.messages) if playbook else "")
        )
        self._http = _Server(self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def base_url(self) -> str:
        """Where it is, for ``base_url``."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._http.hang_up()

    def act(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> Reply:
        """What to reply to a request; called by the connections."""
        self.requests.append(Seen(path=path, headers=headers, body=body))
        model = str(body.get("model") or "scripted")
        if body.get("stream"):
            return complaint(400, "streaming is not supported here", "invalid_request_error")
        try:
            request = request_from_json(body)
            cue = self._play(body, request)
        except UsageError as error:
            return complaint(400, str(error), "script_over")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return complaint(400, f"no chat completion request: {error}", "invalid_request_error")
        act = Answer(text=cue) if isinstance(cue, str) else cue
        own = str(next(self._numbers))
        return (
            spoken(act, request, model, own) if isinstance(act, Answer) else failed(act, request, model, own)
        )


class _Server(ThreadingHTTPServer):
    """A thread for each connection; none of them outlives the server for long."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = _BACKLOG

    def __init__(self, owner: ScriptedServer) -> None:
        self.owner = owner
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Note the connection, so that it can be ended."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that is over."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""

    def hang_up(self) -> None:
        """End every connection that clients keep open; its thread then ends by itself."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Connection(BaseHTTPRequestHandler):
    """One client's connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_POST(self) -> None:
        """A chat completion."""
        size = int(self.headers.get("Content-Length") or 0)
        try:
            body = json.loads(self.rfile.read(min(size, _MOST_BYTES)))
        except ValueError:
            body = None
        path = self.path.partition("?")[0]
        if not path.endswith("/chat/completions"):
            self._send(complaint(404, f"there is no {path} here", "not_found"))
        elif not isinstance(body, dict):
            self._send(complaint(400, "the body is no JSON object", "invalid_request_error"))
        else:
            self._send(self.server.owner.act(path, dict(self.headers.items()), body))

    def do_GET(self) -> None:
        """The list of models, which some clients ask for first."""
        if self.path.partition("?")[0].endswith("/models"):
            models = {"object": "list", "data": [{"id": "scripted", "object": "model", "owned_by": "r2egym"}]}
            self._send(Reply(body=json.dumps(models).encode()))
        else:
            self._send(complaint(404, f"there is no {self.path} here", "not_found"))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class names it so
        """Say nothing."""

    def _send(self, reply: Reply) -> None:
        time.sleep(reply.before)
        if reply.sent == -1:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        ends = time.monotonic() + reply.trickle
        while time.monotonic() < ends:
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(_TRICKLE)
        self.wfile.write(reply.body[: reply.sent])
        self.wfile.flush()
        self.close_connection = self.close_connection or reply.sent is not None
