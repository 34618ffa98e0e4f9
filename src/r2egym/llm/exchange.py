"""One HTTP exchange through a provider's own client, and every way in which it can fail.

The clients of OpenAI and Anthropic are built alike, so both are driven from here. Their own retries are off. The body
is read piece by piece so that a server which trickles cannot outlast the time-out.
"""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from pydantic import JsonValue

from r2egym.errors import ModelTimeoutError, ModelUnavailableError
from r2egym.llm.failures import ComplaintError, TryAgainError, complaint_of

_MOST_BYTES = 256 * 1024 * 1024
_CONNECT = 20.0
_LOOPBACK = ("http://localhost", "http://127.", "http://[::1]")


def http_client(sdk: ModuleType, address: str) -> Any:
    """A connection pool for many threads; a proxy that the environment names is not asked for this very machine."""
    limits = http_of(sdk).Limits(max_connections=4096, max_keepalive_connections=512)
    return sdk.DefaultHttpxClient(limits=limits, trust_env=not address.startswith(_LOOPBACK))


def http_of(sdk: ModuleType) -> ModuleType:
    """The HTTP library that a client is built on; it has changed its name between major versions."""
    modules = (base.__module__.partition(".")[0] for base in sdk.DefaultHttpxClient.__mro__)
    return importlib.import_module(next(name for name in modules if name.startswith("http")))


def exchange(sdk: ModuleType, create: Callable[..., Any], body: dict[str, Any], seconds: float) -> JsonValue:
    """Send one request and read the JSON of its answer.

    Args:
        sdk: the client's package.
        create: its ``with_streaming_response.create``.
        body: everything to send.
        seconds: how long all of it may take.

    Raises:
        ComplaintError: the server complained.
        TryAgainError: it was too slow, could not be reached, hung up, or did not send JSON.
    """
    http = http_of(sdk)
    deadline = time.monotonic() + seconds
    timeout = sdk.Timeout(seconds, connect=min(seconds, _CONNECT))
    failure: ComplaintError | TryAgainError | None = None
    data = b""
    try:
        with create(**_split(body), timeout=timeout) as response:
            data = _read(response.iter_bytes(), deadline)
    except sdk.APIStatusError as error:
        failure = _complaint(error)
    except (sdk.APITimeoutError, http.TimeoutException, TimeoutError):
        failure = TryAgainError(ModelTimeoutError(f"no answer within {seconds:g} s"))
    except (sdk.APIError, http.HTTPError, http.StreamError) as error:
        reason = f"the connection failed: {_deepest(error)}"
        failure = TryAgainError(ModelUnavailableError(reason))
    if failure is None:
        try:
            answer: JsonValue = json.loads(data)
        except (ValueError, RecursionError):
            failure = TryAgainError(ModelUnavailableError("the server's answer is no JSON"))
        else:
            return answer
    raise failure


def _split(body: dict[str, Any]) -> dict[str, Any]:
    """What the client's signature insists on, and the rest, which it passes on as it is."""
    needed = {name: value for name, value in body.items() if name in {"model", "messages"}}
    rest = {name: value for name, value in body.items() if name not in needed}
    return {**needed, "extra_body": rest}


def _read(pieces: Iterator[bytes], deadline: float) -> bytes:
    data = bytearray()
    for piece in pieces:
        data += piece
        if time.monotonic() > deadline:
            raise TimeoutError
        if len(data) > _MOST_BYTES:
            break  # cut off, so it is no JSON
    return bytes(data)


def _complaint(error: Any) -> ComplaintError:
    response = error.response
    return ComplaintError(complaint_of(response.status_code, _text(response), response.headers, time.time()))


def _text(response: Any) -> str:
    """An error's body; it may have been lost on the way, and is only words."""
    try:
        return str(response.text)
    except RuntimeError:  # every "not read yet" of the HTTP library is one
        return ""


def _deepest(error: BaseException) -> str:
    """The first cause, which is the one that says something."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(error) or type(error).__name__
