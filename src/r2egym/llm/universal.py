"""Every provider that litellm knows (the extra ``litellm``), at its price: 300 MB, and seconds to import.

It is imported when such a model is opened and never before, with its look-up of prices on the network switched off.

Limits: litellm reads the keys of its providers from the environment by itself; ``PROVIDER_API_KEY`` is the one that is
kept out of error texts. Its time-out is per read, so a server that trickles may outlast it.
"""

from __future__ import annotations

import importlib
from typing import Any

from pydantic import JsonValue

from r2egym.errors import MissingExtraError, ModelTimeoutError, ModelUnavailableError
from r2egym.llm.answers import answer_from_json
from r2egym.llm.dialect import Dialect, ask_in_dialect
from r2egym.llm.failures import ComplaintError, TryAgainError, complaint_of
from r2egym.llm.names import ModelName
from r2egym.llm.wire import request_to_json
from r2egym.records import Answer, Request
from r2egym.settings import Secret, keep_litellm_offline


class LiteLLMTransport:
    """One try through litellm.

    Raises:
        MissingExtraError: it is not installed.
    """

    def __init__(self, name: ModelName, key: Secret | None) -> None:
        keep_litellm_offline()
        try:
            self._sdk = importlib.import_module("litellm")
        except ModuleNotFoundError:
            raise MissingExtraError(f"litellm/{name.model} needs litellm", "litellm") from None
        self._sdk.telemetry = False  # type: ignore[attr-defined]
        self._sdk.suppress_debug_info = True  # type: ignore[attr-defined]
        self._name = name
        self._key = key
        self._dialect = Dialect()

    def ask(self, request: Request, seconds: float) -> Answer:
        """Ask once; a second time at once where the server minds a parameter."""
        return ask_in_dialect(
            self._dialect,
            request,
            request_to_json(request, self._name.model),
            lambda body: self._send(body, seconds),
        )

    def close(self) -> None:
        """Nothing to do: litellm keeps its connections for the whole process."""

    def _send(self, body: dict[str, JsonValue], seconds: float) -> Answer:
        where: dict[str, Any] = {"base_url": self._name.base_url} if self._name.base_url else {}
        if self._key:
            where["api_key"] = self._key.reveal()
        failure: Exception
        try:
            reply = self._sdk.completion(**body, **where, timeout=seconds, num_retries=0, max_retries=0)
        except self._sdk.exceptions.Timeout:
            failure = TryAgainError(ModelTimeoutError(f"no answer within {seconds:g} s"))
        except self._sdk.exceptions.APIConnectionError as error:
            failure = TryAgainError(ModelUnavailableError(f"the connection failed: {error}"))
        except self._openai_error() as error:
            failure = _complaint(error)
        else:
            answer = answer_from_json(reply.model_dump())
            cost = (getattr(reply, "_hidden_params", None) or {}).get("response_cost")
            usage = answer.usage.model_copy(update={"cost": answer.usage.cost or cost})
            return answer.model_copy(update={"usage": usage})
        raise failure

    def _openai_error(self) -> type[Exception]:
        """The base of litellm's exceptions; all of them carry ``status_code``."""
        found: type[Exception] = importlib.import_module("openai").APIError
        return found


def _complaint(error: Any) -> ComplaintError:
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None) or {}
    status = getattr(error, "status_code", None) or 500
    return ComplaintError(complaint_of(int(status), str(error), headers, 0.0))
