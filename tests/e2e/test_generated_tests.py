"""A fix that came without tests becomes a task whose tests a model wrote, over HTTP, through the whole pipeline."""

from contextlib import closing
from pathlib import Path
from typing import Never

import pytest

from r2egym.curation import CurateConfig, Options, curate
from r2egym.curation.funnel import NotATaskError
from r2egym.curation.testgen import Material, TestWriter, hidden_tests, test_patch
from r2egym.demo import unpack
from r2egym.llm import ScriptedServer, open_model
from r2egym.mining import MiningConfig, Repository, parse_patch
from r2egym.records import Answer, Usage
from r2egym.tasks import load_dataset

PATCH = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-y = 1\n+x = 1\n"
SUBJECT = 'Read "1 1/2 cup" again'
EMPTY = "```python\ndef test_nothing():\n    assert True\n```"
WEAK = "```python\nfrom larder.units import read\n\n\ndef test_read():\n    assert read('1 1/2 cup')[1] == 'cup'\n```"
STRONG = (
    "Better:\n\n```python\nfrom fractions import Fraction\n\nfrom larder.units import read\n\n\n"
    "def test_read():\n    assert read('1 1/2 cup') == (Fraction(3, 2), 'cup')\n\n\n"
    "def test_plain():\n    assert read('2 cup') == (2, 'cup')\n    assert read('1/2 cup') == (Fraction(1, 2), 'cup')\n```"
)


@pytest.mark.long
def test_a_fix_without_tests_becomes_a_task(tmp_path: Path):
    """Tests that fail nowhere are sent back with the reason, weak ones with the faults that pass them."""
    demo = unpack(tmp_path / "demo")
    repository = Repository.open(demo.repository, tmp_path / "home")
    (commit,) = (
        one for one in repository.history("HEAD") if repository.commit(one).message.startswith(SUBJECT)
    )
    said: list[str] = []

    def answer(body: dict) -> Answer:
        said.append(body["messages"][-1]["content"])
        turn = sum(message["role"] == "assistant" for message in body["messages"])
        return Answer(text=(EMPTY, WEAK, STRONG)[turn], usage=Usage(prompt=10, completion=5, cost=0.5))

    with ScriptedServer(answer) as server:
        config = CurateConfig(
            source=str(demo.repository),
            mining=MiningConfig(revision=commit, commits=1),
            index=demo.index,
            options=Options(runs=2, attacks=False),
            test_writer="openai/tester",
            base_url=server.base_url,
        )
        done = curate(config, tmp_path / "out", tmp_path / "home")
    assert done.failures == {}
    (task,) = load_dataset(tmp_path / "out")
    assert "the fix mends nothing" in said[1] or "cannot be used" in said[1]
    told = task.validation
    assert (told.tests_by, told.gold, told.empty) == ("openai/tester", 1.0, 0.0)
    assert told.generation["tries"] == len(said)
    assert told.mutation is not None
    assert told.mutation.killed > 0
    path = f"tests/test_generated_{commit[:12]}.py"
    assert [file.path for file in task.hidden_tests.files] == [path]
    assert any(name.startswith(path) for name in task.fail_to_pass)
    assert path in task.test_patch
    assert "test_generated" not in task.problem_statement


def test_a_change_that_nobody_can_tell_is_given_up_at_once():
    """The model says so, once; the funnel counts it under a reason of its own."""
    asked: list[str] = []

    def answer(body: dict) -> Answer:
        asked.append(body["messages"][-1]["content"])
        return Answer(text="NOTHING: a loop became\na comprehension.", usage=Usage(prompt=10, completion=5))

    def unasked(*_: object) -> Never:
        raise AssertionError("there is nothing to make or to measure")

    with (
        ScriptedServer(answer) as server,
        closing(open_model("openai/tester", base_url=server.base_url)) as model,
    ):
        material = Material(message="Tidy", patch=PATCH, files={"a.py": "x = 1\n"})
        with pytest.raises(NotATaskError, match="a loop became a comprehension") as told:
            TestWriter(model).task("c" * 40, material, unasked, unasked)
    assert (told.value.reason, len(asked)) == ("same-behaviour", 1)


def test_an_answer_without_a_module_is_none():
    """No Python, or no test in it."""
    for answer in ("I cannot.", "```python\nx = 1\n```"):
        with pytest.raises(NotATaskError):
            hidden_tests(answer, "c" * 40)


def test_generated_files_are_a_patch():
    """Which git's reader takes."""
    hidden = hidden_tests(STRONG, "c" * 40)
    (part,) = parse_patch(test_patch(hidden))
    assert (part.kind, part.path) == ("added", "tests/test_generated_cccccccccccc.py")
