"""Commits on which discovery fails become tasks by recipes that a model proposes, over HTTP, through the whole pipeline."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.building.conftest import MINOR
from tests.building.workbench import History, write_wheel

from r2egym.agents import Budget
from r2egym.curation import CurateConfig, Curated, Options, curate
from r2egym.demo import unpack
from r2egym.llm import ScriptedServer
from r2egym.records import Answer, ToolCall, Usage
from r2egym.tasks import load_dataset

SOURCE = "import marmalade\n\n\ndef spread(slices):\n    return [marmalade.on(one) for one in slices]\n"
SETUP = "from setuptools import setup\n\nsetup(name='toast', version='1.0', packages=['toast'])\n"
WRONG = f'python = "{MINOR}"\nrequirements = ["pytest"]\npackages = ["toast"]\n'
RIGHT = WRONG.replace('"pytest"', '"pytest", "citrus-spread"')


def module_of(*cases: str) -> str:
    """A test module that asks for so many slices."""
    body = "".join(
        f"def test_{case}():\n    assert toast.{case}(['rye']) == ['rye with {case}']\n" for case in cases
    )
    return f"import toast\n\n\n{body}"


@dataclass
class Bakery:
    """A repository whose tests need a project of the index that nothing declares under a name that tells it."""

    history: History
    index: Path
    home: Path

    def curate(self, out: Path, base_url: str | None, **more: object) -> Curated:
        """Make a dataset of all its commits."""
        model = "openai/installer" if base_url else ""
        config = CurateConfig.model_validate({
            "source": str(self.history.folder), "index": self.index, "installer": model, "base_url": base_url,
            "options": Options(runs=2, attacks=False, seal=False), **more,
        })  # fmt: skip
        return curate(config, out, self.home)


@pytest.fixture(scope="module")
def bakery(tmp_path_factory: pytest.TempPathFactory) -> Bakery:
    """Two fixes, one after the other."""
    root = tmp_path_factory.mktemp("bakery")
    index = root / "index"
    shutil.copytree(unpack(root / "demo").index, index)
    write_wheel(
        index, "citrus_spread", "1.0", {"marmalade.py": "def on(x):\n    return x + ' with spread'\n"}
    )
    write_wheel(index, "toast_copy", "1.0", {"toast/__init__.py": SOURCE}, requires=["citrus-spread"])
    history = History(root / "toast.git")
    broken = SOURCE.replace("[marmalade.on(one) for one in slices]", "list(slices)")
    more = SOURCE + "\n\ndef spreads(slices):\n    return spread(slices)\n"
    history.commit({"setup.py": SETUP, "toast/__init__.py": broken})
    history.commit({"setup.py": SETUP, "toast/__init__.py": SOURCE, "tests/test_toast.py": module_of("spread")})
    history.commit({
        "setup.py": SETUP, "toast/__init__.py": more,
        "tests/test_toast.py": module_of("spread") + "\n\ndef test_both():\n    assert toast.spreads(['a']) == ['a with spread']\n",
    })  # fmt: skip
    return Bakery(history, index, root / "home")


def says(*recipes: str) -> Callable[[dict], Answer]:
    """A model that proposes these, one after the other."""

    def answer(body: dict) -> Answer:
        turn = sum(message["role"] == "assistant" for message in body["messages"])
        recipe = recipes[min(turn, len(recipes) - 1)]
        text = f"I try this.\n\n<function=propose>\n<parameter=recipe>{recipe}</parameter>\n</function>"
        return Answer(text=text, usage=Usage(prompt=100, completion=10, cost=0.25))

    return answer


def test_mended(bakery: Bakery, tmp_path: Path) -> None:
    """The second proposal counts, serves the next commit without a question, and gives the same rows without a model."""
    with ScriptedServer(says(WRONG, RIGHT)) as server:
        done = bakery.curate(tmp_path / "out", server.base_url)
        asked = len(server.requests)
    assert (done.tasks, done.failures) == (2, {})
    assert asked == 2
    second = json.dumps(server.requests[1].body)
    assert "marmalade" in second
