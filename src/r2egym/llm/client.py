"""OpenAI's chat protocol, as OpenAI, vLLM, SGLang, llama.cpp and many others speak it."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from r2egym.llm.answers import answer_from_json
from r2egym.llm.dialect import Dialect, ask_in_dialect
from r2egym.llm.exchange import exchange, http_client
from r2egym.llm.names import OPENAI, ModelName
from r2egym.llm.wire import request_to_json
from r2egym.records import Answer, Request
from r2egym.settings import Secret


class OpenAITransport:
    """One try at an OpenAI-compatible server, parameters it does not take left out.

    Args:
        name: where it is.
        key: sent to that server alone; None: no ``Authorization`` header at all.
    """

    def __init__(self, name: ModelName, key: Secret | None) -> None:
        import openai

        own = name.base_url == OPENAI
        self._model = name.model
        self._dialect = Dialect()
        self._sdk = openai
        self._client = openai.OpenAI(
            api_key=key.reveal() if key else "none",
            base_url=name.base_url,
            # None lets the client look for OpenAI's organization, project in the environment: nobody else's business.
            organization=None if own else "",
            project=None if own else "",
            max_retries=0,
            http_client=http_client(openai, name.base_url),
        )
        # Looked up here, since the client imports most of itself at this moment.
        self._create = self._client.chat.completions.with_streaming_response.create
        omit: Any = openai.Omit()
        self._headers: dict[str, Any] = {} if key else {"Authorization": omit}
        if not own:
            self._headers |= {"OpenAI-Organization": omit, "OpenAI-Project": omit}

    def ask(self, request: Request, seconds: float) -> Answer:
        """Ask once; a second time at once where the server minds a parameter."""
        return ask_in_dialect(
            self._dialect,
            request,
            request_to_json(request, self._model),
            lambda body: self._send(body, seconds),
        )

    def close(self) -> None:
        """Close connections; twice is safe."""
        self._client.close()

    def _send(self, body: dict[str, JsonValue], seconds: float) -> Answer:
        def with_headers(**rest: Any) -> Any:
            return self._create(**rest, extra_headers=self._headers)

        return answer_from_json(exchange(self._sdk, with_headers, body, seconds))
