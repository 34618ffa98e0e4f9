"""From a model's name to a model."""

from __future__ import annotations

from pathlib import Path

from r2egym.errors import UsageError
from r2egym.llm.base import Model
from r2egym.llm.names import ModelName, parse_name
from r2egym.llm.recorder import Recorder
from r2egym.llm.replay import Replayer
from r2egym.llm.retry import Clock, Patience, RemoteModel, Transport
from r2egym.settings import Secret, api_key


def open_model(
    name: str,
    *,
    base_url: str | None = None,
    patience: Patience | None = None,
    record: Path | None = None,
    replay: Path | None = None,
    clock: Clock | None = None,
) -> Model:
    """Open a model; close it when it is no longer needed. Nothing is sent before it is asked.

    Args:
        name: as :mod:`r2egym.llm.names` has it.
        base_url: the server, where it is not the provider's own.
        patience: how often and how long to try.
        record: a file to write all questions and answers to.
        replay: a file to answer from instead of asking anybody; ``name`` and ``base_url`` do not matter then.
        clock: time and chance, for tests.

    Raises:
        UsageError: the name leads nowhere, the key or the provider's client is missing, or a file cannot serve.
    """
    if replay is not None:
        if record is not None:
            raise UsageError("record and replay exclude each other: a replay is recorded already")
        return Replayer(replay)
    where = parse_name(name, base_url)
    key = api_key(*where.key_names)
    if key is None and where.key_needed:
        raise UsageError(f"{name} needs a key: set {where.key_names[0]}")
    if key is not None and not (key.reveal().isascii() and key.reveal().isprintable()):
        raise UsageError(f"{where.key_names[0]} holds letters that no key has")
    secrets = (key,) if key else ()
    model = RemoteModel(name, _transport(where, key), secrets=secrets, patience=patience, clock=clock)
    return Recorder(model, record) if record is not None else model


def _transport(where: ModelName, key: Secret | None) -> Transport:
    """The provider's transport, its client imported now."""
    if where.provider == "anthropic":
        from r2egym.llm.claude import AnthropicTransport

        return AnthropicTransport(where, key)
    if where.provider == "litellm":
        from r2egym.llm.universal import LiteLLMTransport

        return LiteLLMTransport(where, key)
    from r2egym.llm.client import OpenAITransport

    return OpenAITransport(where, key)
