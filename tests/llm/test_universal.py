"""litellm: imported late, offline, and missed in one line."""

import importlib.util
import os
import sys

import pytest
from tests.llm.clock import asking

from r2egym.errors import UsageError
from r2egym.llm import Fault, Patience, ScriptedServer, open_model
from r2egym.settings import keep_litellm_offline

HERE = importlib.util.find_spec("litellm") is not None


def test_prices_are_not_looked_up(monkeypatch: pytest.MonkeyPatch):
    """Litellm is told before it is imported to stay offline, unless the user chose otherwise."""
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "False")
    keep_litellm_offline()
    assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "False"
    monkeypatch.delenv("LITELLM_LOCAL_MODEL_COST_MAP")
    keep_litellm_offline()
    assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"


@pytest.mark.skipif(HERE, reason="litellm is installed")
def test_missing_package():
    """Without litellm, one line says how to get it."""
    with pytest.raises(UsageError, match=r"pip install 'r2egym\[litellm\]'"):
        open_model("litellm/gemini/pro")


@pytest.mark.skipif(HERE, reason="litellm is installed")
def test_other_models_do_not_import_it():
    """An OpenAI-compatible model loads neither litellm nor Anthropic's client."""
    model = open_model("vllm/x")
    model.close()
    assert not {"litellm", "anthropic"} & set(sys.modules)


@pytest.mark.filterwarnings("ignore")  # litellm's own, of which it has many
def test_litellm_against_a_server(monkeypatch: pytest.MonkeyPatch):
    """Through litellm, an answer comes back, and a fault that may not last is tried again."""
    pytest.importorskip("litellm", reason="litellm is not installed")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdef")
    with ScriptedServer([Fault(kind="rate_limit"), "fine"]) as server:
        model = open_model("litellm/openai/x", base_url=server.base_url, patience=Patience(base=0.01))
        answer = model.complete(asking())
        model.close()
    assert (answer.text, answer.tries) == ("fine", 2)
