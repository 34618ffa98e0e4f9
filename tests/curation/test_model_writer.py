"""A model as writer, over HTTP: what passes, what goes back to it, what becomes of a row when nothing does."""

import json
from pathlib import Path

import pytest
from tests.curation.test_writers import make_evidence

from r2egym.curation.recollect import evidence_of, recollect
from r2egym.curation.writers import open_writer
from r2egym.curation.writers.claims import untold_texts
from r2egym.curation.writers.model import ModelWriter, faults_in, statement_in
from r2egym.errors import ModelError, ModelRequestError, UsageError
from r2egym.llm import Patience, ScriptedServer, open_model
from r2egym.records import Answer, Task, Usage
from r2egym.tasks import load_dataset, write_dataset

GOOD = (
    "Cutting a list in pieces loses its end\n\n`chunked([1, 2, 3], 2)` gives `[[1, 2]]`. I expected the last, shorter piece too: "
    "`[[1, 2], [3]]`."
)
FINE = "leaks: no\ntests: no\nunsolvable: no\nuntrue: no\nunnatural: no"
LEAKING = "The fix is `return [x[i:i + n] for i in range(0, len(x), n)]`, which is what chunked has to do."


def report(text: str) -> str:
    """A writer's answer."""
    return f"The last piece is lost.\n\n[ISSUE]\n{text}\n[/ISSUE]"


class Author:
    """Answers a writer's requests with one text after the other, a judge's with one verdict after the other."""

    def __init__(self, texts: list[str], verdicts: list[str]) -> None:
        self.texts, self.verdicts, self.bodies = list(texts), list(verdicts), []

    def __call__(self, body: dict) -> Answer:
        """The next answer."""
        self.bodies.append(body)
        judges = body["messages"][0]["content"].startswith("You check reports")
        text = (self.verdicts if judges else self.texts).pop(0)
        return Answer(text=text, usage=Usage(prompt=100, completion=10, cost=0.01))


def write(author: Author, **more: object):
    """The statement that comes of a model which answers so."""
    with ScriptedServer(author) as server:
        writer = open_writer("openai/author", base_url=server.base_url)
        try:
            return writer.write(make_evidence(**more))
        finally:
            writer.close()


def test_a_statement_that_passes_is_taken():
    """With who wrote it, how many tries it took, and what it cost, the judge's question included."""
    author = Author([report(GOOD)], [FINE])
    made = write(author)
    assert (made.text, made.source) == (GOOD + "\n", "openai/author")
    assert made.provenance == {
        "model": "openai/author", "tries": 1, "complaints": [], "judge": "passed", "prompt_tokens": 200,
        "completion_tokens": 20, "cost": 0.02,
    }  # fmt: skip
    asked = author.bodies[0]["messages"][1]["content"]
    assert "return [x[i:i + n]" in asked  # the writer sees the fix
    assert "assert [[1, 2]] == [[1, 2], [3]]" in asked


@pytest.mark.parametrize(
    ("first", "complaint"),
    [
        ("no report at all", "no report between"),
        (report(LEAKING), "a line of the fix"),
        (report(GOOD + " See test_chunked."), "the name of a hidden test"),
    ],
)
def test_what_machines_find_goes_back_to_the_model(first: str, complaint: str):
    """It is told what is wrong, and the second statement is taken."""
    author = Author([first, report(GOOD)], [FINE])
    made = write(author)
    assert (made.text, made.provenance["tries"]) == (GOOD + "\n", 2)
    assert complaint in made.provenance["complaints"][0]
    assert complaint in author.bodies[1]["messages"][-1]["content"]


def test_what_the_judge_finds_goes_back_too():
    """Each fault of the rubric, in words that the model can act on."""
    found = (
        "leaks: no\ntests: no\nunsolvable: yes, the length of pieces is not told.\nuntrue: no\nunnatural: yes"
    )
    author = Author([report(GOOD), report(GOOD + " Pieces have two items.")], [found, FINE])
    made = write(author)
    (complaint,) = made.provenance["complaints"]
    assert "follows from neither (the length of pieces is not told); no user would write it so" in complaint
    assert complaint in author.bodies[2]["messages"][-1]["content"]
    assert made.text.endswith("two items.\n")


def test_a_judge_that_does_not_answer_is_none():
    """Its silence is no verdict; the row says that there was none."""
    made = write(Author([report(GOOD)], ["Looks fine to me!"]))
    assert (made.source, made.provenance["judge"]) == ("openai/author", "none")


def test_the_template_writes_when_nothing_passes():
    """After three tries; the row tells of them."""
    made = write(Author([report(LEAKING)] * 3, []))
    assert made.source == "template"
    assert made.text == open_writer("template").write(make_evidence()).text
    assert made.provenance["fallback"] == "no statement passed in 3 tries"
    assert len(made.provenance["complaints"]) == 3


def test_the_template_writes_when_the_model_cannot_be_reached():
    """And after two such tasks nobody waits for it any more; a strict writer says so instead."""
    model = open_model("openai/author", base_url="http://127.0.0.1:9/v1", patience=Patience(tries=1, total=5))
    writer = ModelWriter(model)
    for _ in range(2):
        made = writer.write(make_evidence())
        assert made.source == "template"
        assert "refused" in made.provenance["fallback"]
    assert "was not asked" in writer.write(make_evidence()).provenance["fallback"]
    with pytest.raises(ModelError):
        ModelWriter(model, strict=True).write(make_evidence())
    writer.close()


def test_a_wrong_name_is_an_error_at_once():
    """There is no such model, or no such server's name."""
    with pytest.raises(UsageError, match="nobody"):
        open_writer("nobody")


def test_texts_that_nobody_could_know_are_found():
    """A message that tests match must be told; what follows from the source, or the test's own input, need not be."""
    tests = (
        "def test_it():\n    with pytest.raises(ValueError, match='pieces need a size'):\n        chunked('plum jam', 0)\n"
        "    assert name('plum jam') == 'jam of plum'\n"
    )
    failing = make_evidence(
        test_files={"tests/test_parts.py": tests},
        failures=({"test": "tests/test_parts.py::test_it", "status": "FAILED", "message": ""},),
    )
    assert untold_texts("It fails.", failing) == ("pieces need a size",)
    assert untold_texts("It should say: pieces need a size.", failing) == ()


def test_what_a_test_gives_need_not_be_told():
    """A text that it sets before it looks for it, the name of its own function, what a helper beside it returns."""
    tests = (
        "class Greeter:\n    def __init__(self):\n        self.word = 'welcome'\n\n\n"
        "class GreetingTests(TestCase):\n    def setUp(self):\n        self.guest = 'stranger'\n\n"
        "    def test_other(self):\n        assert greet() == 'farewell'\n\n"
        "    def test_it(self):\n        def unforgettable():\n            pass\n\n"
        "        thing.label = 'quince'\n        assert thing.label == 'quince'\n"
        "        assert named(unforgettable) == 'unforgettable'\n"
        "        self.assertEqual(greet(Greeter(), self.guest), 'welcome stranger')\n"
        "        self.assertEqual(leave(), 'farewell')\n"
    )
    failing = make_evidence(
        test_files={"tests/test_parts.py": tests},
        failures=(
            {"test": "tests/test_parts.py::GreetingTests::test_it", "status": "FAILED", "message": ""},
        ),
    )
    assert untold_texts("It fails.", failing) == ("farewell",)


def test_answers_are_read_with_patience():
    """The last report of several, and verdicts however they are set."""
    assert statement_in("[ISSUE]a[/ISSUE] or rather [ISSUE]\nb\n[/ISSUE]") == "b\n"
    answer = "**Leaks:** No.\n- tests: NO\nunsolvable - no\n*untrue*: yes: why?\n> unnatural: no"
    assert faults_in(answer) == ["the code or the failures contradict what it claims (why?)"]
    assert faults_in("leaks: no") is None


@pytest.fixture
def rows(task: Task, tmp_path: Path) -> Path:
    """A dataset of two rows that remember their evidence."""
    parsed = {
        "commit_message": "Count right",
        "file_diffs": [
            {
                "header": {"file": {"path": "larder/shelf.py"}},
                "old_file_content": "def count(jars):\n    return len(jars) + 1\n",
                "new_file_content": "def count(jars):\n    return len(jars)\n",
            }
        ],
    }
    test = "tests/test_shelf.py::test_count"
    told = {
        "parsed_commit_content": json.dumps(parsed),
        "execution_result_content": json.dumps({"old_commit_res_stdout": f"FAILED {test} - assert 1 == 0\n"}),
        "prompt": "",
    }
    made = [
        task.model_copy(update={"instance_id": name, "published": told, "fail_to_pass": (test,)})
        for name in ("larder__1", "larder__2")
    ]
    write_dataset(tmp_path / "rows", made)
    return tmp_path / "rows"


def test_a_row_remembers_its_evidence(rows: Path):
    """Message, files on both sides, and how its tests fail."""
    evidence = evidence_of(load_dataset(rows).tasks[0])
    assert evidence.message == "Count right"
    assert evidence.base_files["larder/shelf.py"].endswith("+ 1\n")
    assert evidence.failures[0].message == "E   assert 1 == 0"


def test_rows_are_described_anew(rows: Path, tmp_path: Path):
    """Those that pass get the new statement with its provenance; a second run asks for what is missing alone."""
    text = "Counting jars is off by one\n\n`count([])` gives 1 on an empty shelf, and I expected 0 of course."
    author = Author([report(text), *["nothing"] * 3], [FINE])
    with ScriptedServer(author) as server:
        writer = open_writer("openai/author", base_url=server.base_url, strict=True)
        done = list(recollect(load_dataset(rows), writer, tmp_path / "new"))
        assert sorted(one.changed for one in done) == [False, True]
        new = {task.instance_id: task for task in load_dataset(tmp_path / "new")}
        first, second = new["larder__1"], new["larder__2"]
        assert (first.problem_statement, first.issue_source) == (text + "\n", "openai/author")
        assert first.issue_provenance["cost"] == 0.02
        assert second.problem_statement == load_dataset(rows).find("larder__2").problem_statement
        author.texts, author.verdicts = [report(text)], [FINE]
        again = list(recollect(load_dataset(rows), writer, tmp_path / "new"))
        assert sorted((one.instance_id, one.resumed) for one in again) == [
            ("larder__1", True),
            ("larder__2", False),
        ]
        writer.close()


def test_a_server_that_refuses_ends_it(rows: Path, tmp_path: Path):
    """A wrong key or name would be refused for every other row too."""
    from r2egym.llm import Fault

    with ScriptedServer(lambda _: Fault(kind="error", status=401)) as server:
        writer = open_writer("openai/author", base_url=server.base_url)
        with pytest.raises(ModelRequestError):
            list(recollect(load_dataset(rows), writer, tmp_path / "new"))
        writer.close()
    assert not (tmp_path / "new/tasks.parquet").exists()
