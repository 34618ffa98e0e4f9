"""Names of models: where each leads."""

import pytest

from r2egym.errors import UsageError
from r2egym.llm import open_model
from r2egym.llm.names import OPENAI, VLLM, parse_name


@pytest.mark.parametrize(
    ("name", "provider", "model", "base_url"),
    [
        ("gpt-4o", "openai", "gpt-4o", OPENAI),
        ("o3-mini-2025-01-31", "openai", "o3-mini-2025-01-31", OPENAI),
        ("o3", "openai", "o3", OPENAI),
        ("openai/gpt-4o", "openai", "gpt-4o", OPENAI),
        ("vllm/R2E-Gym/R2EGym-32B-Agent", "openai", "R2E-Gym/R2EGym-32B-Agent", VLLM),
        ("hosted_vllm/Qwen/Qwen3", "openai", "Qwen/Qwen3", VLLM),
        ("vllm/openai/gpt-oss-20b", "openai", "openai/gpt-oss-20b", VLLM),
        ("claude-3-5-sonnet-20241022", "anthropic", "claude-3-5-sonnet-20241022", ""),
        ("anthropic/claude-x", "anthropic", "claude-x", ""),
        ("litellm/gemini/gemini-pro", "litellm", "gemini/gemini-pro", ""),
    ],
)
def test_known_names(name: str, provider: str, model: str, base_url: str):
    """Each form of name leads to its provider, with that provider's name of the model."""
    found = parse_name(name)
    assert (found.provider, found.model, found.base_url) == (provider, model, base_url)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://h:1/v1", "http://h:1/v1"),
        ("http://h:1/v1/", "http://h:1/v1"),
        ("http://h:1", "http://h:1/v1"),
        ("https://h/x/v2/chat/completions", "https://h/x/v2"),
    ],
)
def test_base_url_is_mended(given: str, used: str):
    """A forgotten /v1 and a pasted path are set right; any name may then be one of that server."""
    for name in ("Qwen/Qwen3", "my-model", "openai/my-model", "vllm/my-model"):
        assert parse_name(name, given).base_url == used


@pytest.mark.parametrize(
    "name", ["", "qwen", "Qwen/Qwen3", "vllm/", "openai/", "gpt 4", "gemini/pro", "octopus"]
)
def test_names_that_lead_nowhere(name: str):
    """Such a name is refused in one line."""
    with pytest.raises(UsageError) as caught:
        parse_name(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["localhost:8000", "ftp://h/v1", "http://", "http://h:x/v1", "https://me:pw@h/v1"]
)
def test_bad_addresses(address: str):
    """What is no server's address is refused, and so is one that holds a password, which is not repeated."""
    with pytest.raises(UsageError) as caught:
        parse_name("vllm/x", address)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "variable"), [("gpt-4o", "OPENAI_API_KEY"), ("claude-x", "ANTHROPIC_API_KEY")]
)
def test_missing_key(name: str, variable: str, monkeypatch: pytest.MonkeyPatch):
    """A provider that takes nobody without a key is not even asked."""
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(UsageError, match=f"set {variable}"):
        open_model(name)
