"""The template writer: what it says, and what it must not say."""

import ast

import pytest

from r2egym.curation import Evidence, TestFailure, find_leaks, open_writer
from r2egym.curation.evidence import LONGEST_MESSAGE, shorten
from r2egym.curation.writers.examples import find_examples
from r2egym.curation.writers.expectations import expectation
from r2egym.curation.writers.interface import new_names
from r2egym.curation.writers.prose import problem_sentences, title_of
from r2egym.curation.writers.symptoms import read_symptom
from r2egym.errors import UsageError
from r2egym.testing.volatile import normalise

GOLD = """\
diff --git a/toy/parts.py b/toy/parts.py
--- a/toy/parts.py
+++ b/toy/parts.py
@@ -1,2 +1,2 @@
 def chunked(x, n):
-    return list(zip(*[iter(x)] * n))
+    return [x[i:i + n] for i in range(0, len(x), n)]
"""
TESTS = """\
import pytest
from toy.parts import chunked

SRC = [1, 2, 3]

def test_chunked():
    assert chunked(SRC, 2) == [[1, 2], [3]]

@pytest.mark.parametrize("n, expected", [(1, [[1]]), (2, [[1]])])
def test_rows(n, expected):
    assert chunked([1], n) == expected

def test_refuses(capsys):
    with pytest.raises(ValueError):
        chunked([], 0)

def test_refuses_zero():
    with pytest.raises(ValueError):
        chunked([], 0)
"""
MESSAGE = """\
Fix chunked losing the last item (#12)

The last chunk is silently dropped when it is short.
Now we slice instead of zipping. Added a test for it.

Fixes #3
Signed-off-by: A Person <a@example.org>
"""


def failure(name: str, message: str) -> TestFailure:
    """A failing test of the file above."""
    return TestFailure(test=f"tests/test_parts.py::{name}", status="FAILED", message=message)


def make_evidence(**changes: object) -> Evidence:
    """What is known of a fix to a function that cuts a list in pieces."""
    shown = "E       assert [[1, 2]] == [[1, 2], [3]]\nE        +  where [[1, 2]] = chunked([1, 2, 3], 2)"
    fields = {
        "repo": "toy",
        "commit": "c" * 40,
        "message": MESSAGE,
        "patch": GOLD,
        "test_patch": "",
        "failures": (failure("test_chunked", shown),),
        "base_files": {"toy/parts.py": "def chunked(x, n):\n    return list(zip(*[iter(x)] * n))\n"},
        "fix_files": {
            "toy/parts.py": "def chunked(x, n):\n    return [x[i:i + n] for i in range(0, len(x), n)]\n"
        },
        "test_files": {"tests/test_parts.py": TESTS},
        **changes,
    }
    return Evidence.model_validate(fields)


def test_statement_tells_the_problem_and_nothing_of_the_fix():
    """Title, the author's words on the problem, what happens, what is expected; no fix, no test, no issue number."""
    evidence = make_evidence()
    statement = open_writer("template").write(evidence).text
    assert statement.startswith(
        "Chunked losing the last item\n\nThe last chunk is silently dropped when it is short.\n"
    )
    assert "`chunked([1, 2, 3], 2)` gives `[[1, 2]]`." in statement
    assert "`chunked([1, 2, 3], 2)` gives `[[1, 2], [3]]`." in statement
    for secret in ("slice", "test_", "#12", "#3", "range(0", "Signed"):
        assert secret not in statement
    assert find_leaks(statement, evidence) == ()
    assert open_writer("template").write(evidence).text == statement


def test_unknown_writer_is_one_line():
    """A writer that is not there is named, with those that are."""
    with pytest.raises(UsageError, match="gpt"):
        open_writer("gpt")


@pytest.mark.parametrize(
    ("statement", "leaks"),
    [
        ("It should do\n\n    return [x[i:i+n] for i in range(0, len(x), n)]", "a line of the fix"),
        ("See test_chunked.", "the name of a hidden test: test_chunked"),
        ("See tests/test_parts.py.", "hidden test"),
        ("Short lists are lost.", ""),
    ],
)
def test_leaks_are_found(statement: str, leaks: str):
    """Gold lines (whatever their spacing), names and paths of hidden tests are found; plain words are not."""
    found = find_leaks(statement, make_evidence())
    assert leaks in " ".join(found) if leaks else found == ()


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        ("Fix crash when the list is empty (#12)", "Crash when the list is empty"),
        ("fix(parse): Fix wrong offset of tabs", "Wrong offset of tabs"),
        ("[BUG] Fixes #7: IndexError on empty input", "IndexError on empty input"),
        ("Fix equality to compare values", "Equality should compare values"),
        ("Fixed Table.to_text() sizing", "Table.to_text() sizing does not work as it should"),
        ("strutils: fix singularize of glass", "strutils: singularize of glass"),
        ("Add support for tabs, closes #9", "Add support for tabs"),
        ("Use dict.get in the parser", None),
        ("fix tests", None),
        ("bump version to 1.2", None),
        ("wip", None),
        ("Merge branch 'main' into x\n\nFix crash of the parser", "Crash of the parser"),
    ],
)
def test_titles(subject: str, title: str | None):
    """Subjects become titles of the problem; those that tell the change, or nothing, become none."""
    assert title_of(subject) == title


def test_sentences_about_the_change_are_left_out():
    """Of a message's body only sentences about the problem stay."""
    assert problem_sentences(MESSAGE) == ("The last chunk is silently dropped when it is short.",)


@pytest.mark.parametrize(
    ("message", "now"),
    [
        (
            "E   TypeError: f() got an unexpected keyword argument 'n'",
            "`TypeError` is raised: `f() got an unexpected",
        ),
        (
            "E   ImportError: cannot import name 'x' from 'a.b' (/testbed/a/b.py)",
            "`cannot import name 'x' from 'a.b'`.",
        ),
        ("E   Failed: DID NOT RAISE <class 'ValueError'>", "No `ValueError` is raised where one is due."),
        ("AssertionError: ValueError not raised by f", "No `ValueError` is raised where one is due."),
        ("AssertionError: 3 != 4", "`3` and `4` differ."),
        ("E   assert False\nE    +  where False = is_odd(3)", "`is_odd(3)` gives `False`."),
        ("E   assert 'b' in ['a']", "`'b' in ['a']` does not hold."),
    ],
)
def test_symptoms(message: str, now: str):
    """What pytest and unittest say of a failure is read as a sentence."""
    symptom = read_symptom(failure("test_x", message))
    assert symptom is not None
    assert now in symptom.now


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("assert f(1) == 2", "f(1)  # expected: 2"),
        ("assert f(1) is None", "f(1)  # expected: None"),
        ("assert made[0] is made[1]", "made[0] is made[1]  # expected: true"),
        ("self.assertIs(f(1), None)", "f(1)  # expected: None"),
        ("self.assertIs(made[0], first)", "made[0] is first  # expected: true"),
        ("assert not f(1)", "f(1)  # expected: false"),
    ],
)
def test_assertions_as_expectations(code: str, told: str):
    """Which object it must be is said in full, where that is more than its value."""
    assert expectation(ast.parse(code).body[0]) == told


def test_messages_that_say_nothing_give_nothing():
    """``assert False`` alone tells nothing about the program, nor do two values that look alike."""
    assert read_symptom(failure("test_x", "E   assert False")) is None
    assert read_symptom(failure("test_x", "E   assert ['a'] is ['a']")) is None
    assert read_symptom(failure("test_x", "")) is None


def test_examples_stand_for_themselves():
    """A test becomes a snippet with its imports and constants; fixtures disqualify it; parameters become assignments."""
    new = frozenset({"chunked"})
    expected = "from toy.parts import chunked\nSRC = [1, 2, 3]\n\nchunked(SRC, 2)  # expected: [[1, 2], [3]]"
    assert find_examples(make_evidence(), new) == (expected,)
    rows = make_evidence(failures=(failure("test_rows[1-expected0]", ""),))
    assert find_examples(rows, new) == ()
    assert find_examples(make_evidence(failures=(failure("test_refuses", ""),)), new) == ()
    refusal = find_examples(make_evidence(failures=(failure("test_refuses_zero", ""),)), new)
    assert refusal[0].endswith("chunked([], 0)  # expected: ValueError is raised")


def test_examples_show_the_assertion_that_fails():
    """With a traceback, the assertion at its line is shown, with what came out; those that hold are left out."""
    source = (
        "from toy.parts import chunked\nimport pytest\n\n"
        '@pytest.mark.parametrize("n, many", [(1, 3), (2, 2)])\n'
        "def test_many(n, many):\n    assert chunked([], n) == []\n    assert len(chunked([1, 2, 3], n)) == many\n"
    )
    message = (
        "tests/test_parts.py:7: in test_many\n    assert len(chunked([1, 2, 3], n)) == many\n"
        "E   assert 1 == 2\nE    +  where 1 = len([[1, 2]])"
    )
    evidence = make_evidence(
        failures=(failure("test_many[2-2]", message),), test_files={"tests/test_parts.py": source}
    )
    shown = "n = 2\nmany = 2\nlen(chunked([1, 2, 3], n))  # expected: many; now: 1"
    assert find_examples(evidence) == (f"from toy.parts import chunked\n\n{shown}",)
    unmoved = make_evidence(
        failures=(failure("test_many[2-2]", "E   ImportError: x"),),
        test_files={"tests/test_parts.py": source},
    )
    assert find_examples(unmoved) == ()


def test_examples_keep_what_later_lines_rely_on():
    """Calls of assertions that hold stay when they touch what the snippet made; a temporary folder is made by hand."""
    source = (
        "from toy.parts import Counter\n\ndef test_count(tmp_path):\n    counter = Counter(tmp_path)\n"
        "    assert counter.next() == 1\n    assert counter.total == 1\n"
    )
    message = "tests/test_parts.py:6: in test_count\nE   assert 0 == 1"
    evidence = make_evidence(
        failures=(failure("test_count", message),), test_files={"tests/test_parts.py": source}
    )
    assert find_examples(evidence) == (
        """from toy.parts import Counter

import pathlib, tempfile
tmp_path = pathlib.Path(tempfile.mkdtemp())
counter = Counter(tmp_path)
counter.next()
counter.total  # expected: 1; now: 0""",
    )


def test_new_names_are_told_with_their_signatures():
    """Names and parameters that the fix brings and the tests use are told; private and unused ones are not."""
    after = (
        "def chunked(x, n, fill=None): ...\ndef _hidden(): ...\ndef unused(): ...\n"
        "class Cut:\n    def __init__(self, size=12): ...\n    def at(self, n): ...\n"
        "class Old:\n    def __init__(self, size, edge=0): ...\nclass Same:\n    def __init__(self, size): ...\n"
    )
    before = "def chunked(x, n): ...\nclass Old:\n    def __init__(self, size): ...\nclass Same:\n    def __init__(self, size): ...\n"
    evidence = make_evidence(
        fix_files={"src/toy/parts.py": after},
        base_files={"src/toy/parts.py": before},
        test_files={
            "tests/test_parts.py": "chunked([], 1, fill=0)\nCut().at(1)\n_hidden()\nOld(1, edge=2)\nSame(1)"
        },
    )
    assert new_names(evidence) == (
        "toy.parts.chunked(x, n, fill=None)",
        "toy.parts.Cut(size=12)",
        "toy.parts.Cut.at(n)",
        "toy.parts.Old(size, edge=0)",
    )


def test_new_names_are_told_of_python_2_as_well():
    """Its statements do not keep the names of their file from being read."""
    after = (
        "import os\nclass URL(object):\n    def normalize(self, suffix=None):\n        try:\n"
        "            print 'hello'\n        except OSError, error:\n            raise\n"
        "    @property\n    def path(self):\n        return 0777\n    @staticmethod\n"
        "    def of(text,  # what\n           *, strict=False): pass\nSCHEMES = {}\n"
    )
    evidence = make_evidence(
        fix_files={"toy/urls.py": after},
        base_files={"toy/urls.py": "class URL(object):\n    def show(self):\n        print self\n"},
        test_files={"tests/test_urls.py": "URL.of('').normalize('g').path in SCHEMES"},
    )
    assert new_names(evidence) == (
        "toy.urls.URL.normalize(suffix=None)",
        "toy.urls.URL.path",
        "toy.urls.URL.of(text, *, strict=False)",
        "toy.urls.SCHEMES",
    )


def test_volatile_text_is_normalised():
    """Colours, addresses, temporary paths, durations and dates do not survive; the rest does."""
    text = "\x1b[31mboom\x1b[0m <A object at 0x7f00aa11bb22> /tmp/x/y1 in 0.12s at 2024-01-02 03:04:05.6\x00"
    assert normalise(text) == "boom <A object at 0x…> /tmp/… in … s at <time>"


def test_long_messages_keep_both_ends():
    """A message over the limit keeps its first and last part."""
    text = "a" * 5000 + "b" * 5000
    short = shorten(text)
    assert len(short) < LONGEST_MESSAGE
    assert short.startswith("aaa")
    assert short.endswith("bbb")
