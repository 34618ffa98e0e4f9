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
from r2egym.errors import ModelRequestError
from r2egym.llm import Fault, ScriptedServer
from r2egym.mining import MiningConfig
from r2egym.records import Answer, Usage
from r2egym.tasks import load_dataset

SOURCE = "import marmalade\n\n\ndef spread(slices):\n    return [marmalade.on(one) for one in slices]\n"
SETUP = f"from setuptools import setup\n\nsetup(name='toast', version='1.0', packages=['toast'], python_requires='=={MINOR}.*')\n"
WRONG = f'python = "{MINOR}"\nrequirements = ["pytest"]\npackages = ["toast"]\n'
RIGHT = WRONG.replace('"pytest"', '"pytest", "citrus-spread"')


def module_of(*names: str) -> str:
    """A test module that calls each of these functions of the project."""
    tests = [
        f"def test_{name}():\n    assert toast.{name}(['rye']) == ['rye with spread']\n" for name in names
    ]
    return "\n\n".join(["import toast\n", *tests])


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
    kept = {"setup.py": SETUP, "lid/cover.py": ""}
    broken = SOURCE.replace("[marmalade.on(one) for one in slices]", "list(slices)")
    more = SOURCE + "\n\ndef spreads(slices):\n    return spread(slices)\n"
    history.commit({**kept, "toast/__init__.py": broken})
    for source, names in ((SOURCE, ["spread"]), (more, ["spread", "spreads"])):
        history.commit({**kept, "toast/__init__.py": source, "tests/test_toast.py": module_of(*names)})
    return Bakery(history, index, root / "home")


def says(*recipes: str) -> Callable[[dict], Answer]:
    """A model that proposes these, one after the other."""

    def answer(body: dict) -> Answer:
        turn = sum(message["role"] == "assistant" for message in body["messages"])
        recipe = recipes[min(turn, len(recipes) - 1)]
        text = f"I try this.\n\n<function=propose>\n<parameter=recipe>{recipe}</parameter>\n</function>"
        return Answer(text=text, usage=Usage(prompt=100, completion=10, cost=0.25))

    return answer


def rejections(out: Path) -> dict[str, str]:
    """Commit → why it is no task, of those without an environment."""
    funnel = json.loads((out / "funnel.json").read_text())
    return {
        example["commit"]: f"{stage['stage']}: {reason}: {example['detail']}"
        for stage in funnel["stages"]
        if stage["stage"] in {"build", "classify"}
        for reason, entry in stage["rejected"].items()
        for example in entry["examples"]
    }


def test_mended(bakery: Bakery, tmp_path: Path) -> None:
    """The second proposal counts, serves the next commit without a question, and gives the same bytes without a model."""
    out = tmp_path / "out"
    with ScriptedServer(says(WRONG, RIGHT)) as server:
        done = bakery.curate(out, server.base_url, mining=MiningConfig(limit=1))
        assert (done.tasks, done.failures) == (1, {})
        assert "No module named 'marmalade'" in json.dumps(server.requests[1].body)
        again = bakery.curate(out, server.base_url)  # goes on, as a killed run would
    assert len(server.requests) == 2
    assert (again.tasks, again.resumed, again.failures) == (2, 1, {})
    assert again.installer == {
        "asked": 1, "recipes": 1, "reused": 1, "prompt_tokens": 200, "completion_tokens": 20, "cost": 0.5
    }  # fmt: skip
    newest = bakery.history.commits[-1][:12]
    (transcript,) = (out / "installs").iterdir()
    told = json.loads(transcript.read_text())
    assert transcript.name == f"toast__{newest}.json"
    assert (told["reason"], told["proposals"], told["ending"]) == ("fix-fails", 2, "agent")
    assert [message["role"] for message in told["transcript"]][:3] == ["system", "user", "assistant"]
    origins = {task.environment.recipe.origin for task in load_dataset(out)}
    assert origins == {"recipes/toast.toml, proposed by openai/installer"}
    alone = bakery.curate(tmp_path / "alone", None, recipes=out / "recipes")
    assert alone.tasks == 2
    for name in ("tasks.parquet", "repos/toast.bundle"):
        assert (tmp_path / "alone" / name).read_bytes() == (out / name).read_bytes()


def test_never_mended(bakery: Bakery, tmp_path: Path) -> None:
    """Bounds hold, the funnel tells what was tried, and neither the next run nor the next commit asks once more."""
    bounds = {"installer_budget": Budget(proposals=2, failures=1)}
    with ScriptedServer(says(WRONG)) as server:
        done = bakery.curate(tmp_path, server.base_url, mining=MiningConfig(limit=1), **bounds)
        assert (done.tasks, done.failures) == (0, {})
        assert bakery.curate(tmp_path, server.base_url, **bounds).resumed == 1
        assert bakery.curate(tmp_path, server.base_url, **bounds).resumed == 2
    assert len(server.requests) == 2
    first, second = (rejections(tmp_path)[commit] for commit in reversed(bakery.history.commits[1:]))
    assert first.startswith("classify: fix-fails: no test passes on the fix: ModuleNotFoundError")
    assert "; installer openai/installer: 2 proposals, the last: import-failed" in first
    assert "openai/installer was not asked: it had failed for this reason before" in second
    assert not (tmp_path / "recipes").exists()
    one = {"mining": MiningConfig(limit=1)}
    with ScriptedServer(says(RIGHT)) as server:  # another budget is another chance, and what it gave stays
        more = bakery.curate(tmp_path, server.base_url, installer_budget=Budget(steps=3), **one)
        assert (more.tasks, more.resumed, len(server.requests)) == (1, 0, 1)
        assert bakery.curate(tmp_path, server.base_url, **one).resumed == 1
    assert bakery.curate(tmp_path, None, **one).tasks == 1


def test_a_copy_of_the_project_is_refused(bakery: Bakery, tmp_path: Path) -> None:
    """A requirement that brings the fix is no install, whatever the proposal says that the project is."""
    copy = WRONG.replace('"pytest"', '"pytest", "toast-copy"')
    aside = copy.replace('["toast"]', '["cover"]') + 'source_roots = ["lid"]\n'
    scripts = {"mining": MiningConfig(limit=1), "installer_budget": Budget(proposals=2)}
    with ScriptedServer(says(copy, aside)) as server:
        done = bakery.curate(tmp_path, server.base_url, **scripts)
    assert (done.tasks, done.failures) == (0, {})
    (why,) = rejections(tmp_path).values()
    assert (
        "2 proposals, the last: import-failed: a requirement brings what the repository has itself (toast)"
        in why
    )


def test_a_server_that_fails_is_no_outcome(bakery: Bakery, tmp_path: Path) -> None:
    """Nothing is known of the commit, and the next run asks about it."""
    with (
        ScriptedServer(lambda _: Fault(kind="error", status=401)) as server,
        pytest.raises(ModelRequestError),
    ):
        bakery.curate(tmp_path, server.base_url, mining=MiningConfig(limit=1))
    with ScriptedServer(says(RIGHT)) as server:
        done = bakery.curate(tmp_path, server.base_url, mining=MiningConfig(limit=1))
    assert (done.tasks, done.resumed) == (1, 0)
