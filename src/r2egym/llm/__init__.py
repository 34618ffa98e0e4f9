"""Language models: one way to ask any of them, to pretend to be one, and to play back what one said."""

from __future__ import annotations

from r2egym.llm.base import Model
from r2egym.llm.opening import open_model
from r2egym.llm.recorder import Recorder
from r2egym.llm.replay import Replayer
from r2egym.llm.retry import Patience
from r2egym.llm.script import Fault
from r2egym.llm.scripted import ScriptedServer
from r2egym.llm.scripted_model import ScriptedModel
from r2egym.llm.usage import TokenCount, count_tokens, total

__all__ = [
    "Fault",
    "Model",
    "Patience",
    "Recorder",
    "Replayer",
    "ScriptedModel",
    "ScriptedServer",
    "TokenCount",
    "count_tokens",
    "open_model",
    "total",
]
