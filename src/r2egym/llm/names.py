"""The names of models, as users write them, and where each leads.

=========================================  =======================================================
``gpt-4o``, ``o3``, ``openai/NAME``        OpenAI, or the OpenAI-compatible server at ``base_url``
``vllm/ORG/MODEL``, ``hosted_vllm/…``      the same protocol, at ``http://localhost:8000/v1``
``claude-…``, ``anthropic/NAME``           Anthropic
``litellm/PROVIDER/MODEL``                 whatever litellm knows
any other name, with a ``base_url``        the OpenAI-compatible server there
=========================================  =======================================================
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from r2egym.errors import UsageError
from r2egym.records import Record

OPENAI = "https://api.openai.com/v1"
VLLM = "http://localhost:8000/v1"

_OF_OPENAI = re.compile(r"(?:ft:)?(?:gpt-|chatgpt-|codex-|o[1-9](?:-|$)|davinci-|babbage-)")
_PROVIDERS = ("openai", "vllm", "hosted_vllm", "anthropic", "litellm")


class ModelName(Record):
    """Where a name leads."""

    provider: Literal["openai", "anthropic", "litellm"]
    """Whose protocol is spoken."""
    model: str
    """What that server calls the model."""
    base_url: str = ""
    """The server; empty: the provider's own."""
    key_names: tuple[str, ...] = ()
    """The variables that may hold the key."""
    key_needed: bool = False
    """Whether there is no point in asking without one."""


def parse_name(name: str, base_url: str | None = None) -> ModelName:
    """Find out where a name leads.

    Raises:
        UsageError: nowhere, or ``base_url`` is no address of a server.
    """
    if not name or any(letter.isspace() for letter in name):
        raise UsageError(f"a model's name has no spaces and is not empty: {name!r}")
    address = _address(base_url) if base_url else ""
    prefix, _, rest = name.partition("/")
    if prefix in _PROVIDERS:
        if not rest.strip("/"):
            raise UsageError(f"{name}: the model's name is missing after {prefix}/")
        return _of_provider(prefix, rest, address)
    if name.startswith("claude-"):
        return _of_provider("anthropic", name, address)
    if address or _OF_OPENAI.match(name):
        return _of_provider("openai", name, address)
    raise UsageError(
        f"{name}: unknown model; write vllm/{name} for a vLLM server, litellm/{name} for a provider that litellm "
        "knows, or give the base URL of an OpenAI-compatible server"
    )


def _of_provider(provider: str, model: str, address: str) -> ModelName:
    match provider:
        case "openai":
            return ModelName(
                provider="openai",
                model=model,
                base_url=address or OPENAI,
                key_names=("OPENAI_API_KEY",),
                key_needed=not address,
            )
        case "vllm" | "hosted_vllm":
            return ModelName(
                provider="openai",
                model=model,
                base_url=address or VLLM,
                key_names=("VLLM_API_KEY", "HOSTED_VLLM_API_KEY"),
            )
        case "anthropic":
            return ModelName(
                provider="anthropic",
                model=model,
                base_url=address.removesuffix("/v1"),
                key_names=("ANTHROPIC_API_KEY",),
                key_needed=not address,
            )
        case _:
            other = re.sub(r"\W", "_", model.partition("/")[0]).upper()
            return ModelName(
                provider="litellm", model=model, base_url=address, key_names=(f"{other}_API_KEY",)
            )


def _address(base_url: str) -> str:
    """A server's address as its clients want it: ending in ``/v1`` or in whatever path the user gave."""
    text = base_url.strip().rstrip("/").removesuffix("/chat/completions")
    try:
        parts = urlsplit(text)
        host, inside = parts.hostname, parts.username or parts.password
        _ = parts.port  # raises when it is no number
    except ValueError:
        host, inside, parts = None, None, urlsplit("")
    if inside:
        raise UsageError("a base URL holds no user or password: keys come from the environment")
    if parts.scheme not in {"http", "https"} or not host:
        raise UsageError(f"{base_url!r} is no base URL; one looks like {VLLM}")
    return text if parts.path else f"{text}/v1"
