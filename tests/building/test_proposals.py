"""What a model may propose as a recipe, and what is not taken from it."""

import pytest
from tests.building.conftest import MINOR

from r2egym.building.files import Files
from r2egym.building.proposals import read_proposal
from r2egym.building.recipe_files import fallback_text, read_recipe_file
from r2egym.errors import RecipeError
from r2egym.records import Recipe

FILES = Files.of({
    "src/jam/__init__.py": "",
    "tests/__init__.py": "",
    "tox.ini": "[testenv]\nsetenv = JAM_DIR=/srv/jam\n",
    "tests/test_jam.py": "import os\nDIR = os.environ['JAM_DIR']\nHOOK = os.environ['PYTHONSTARTUP']\n",
})  # fmt: skip
PLAIN = f'python = "{MINOR}"\npackages = ["jam"]\nsource_roots = ["src"]\n'


def test_taken() -> None:
    """Requirements come in one form, each once; variables that the repository names are taken."""
    text = (
        PLAIN + 'requirements = ["pytest", "attrs >=19", "pytest"]\nenvironment = { JAM_DIR = "/srv/jam" }\n'
    )
    recipe = read_proposal(text, FILES, [MINOR])
    assert recipe.requirements == ("attrs>=19", "pytest")
    assert recipe.environment == {"JAM_DIR": "/srv/jam"}


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ('requirements = ["jam @ file:///testbed"]', "is an address"),
        ('requirements = ["jam @ git+https://example.invalid/jam"]', "is an address"),
        ('requirements = ["--index-url http://10.0.0.1/simple"]', "is no requirement"),
        ('requirements = ["attrs\\n--find-links /tmp"]', "cannot be printed"),
        ('requirements = ["../../etc"]', "is no requirement"),
        ('constraints = ["attrs @ file:///tmp/a.whl"]', "is not NAME==VERSION"),
        ('test_arguments = ["--deselect=tests/test_jam.py::test_hard"]', "test_arguments:"),
        ('test_arguments = ["-p", "tests.cheat"]', "test_arguments:"),
        ('projects = ["../.."]', "is no folder of the repository"),
        ('projects = ["/etc"]', "is no folder of the repository"),
        ('environment = { PYTHONSTARTUP = "/tmp/x" }', "'PYTHONSTARTUP' is not taken"),
        ('environment = { LD_PRELOAD = "/tmp/x.so" }', "'LD_PRELOAD' is not taken"),
        ('environment = { HINT = "x" }', "'HINT' is not taken"),
        ("requirements = ['pytest; platform_version != \"" + "x" * 300 + "\"']", "is too long"),
        ('environment = { JAM_DIR = "the fix is to return 1" }', "JAM_DIR's value is not taken"),
        ("writable_source = true", "writable_source: leave it out"),
        ('origin = "a person"', "origin: leave it out"),
        ('install = "shell"', "install: "),
        ('command = "true"', "command: "),
        ("[[fallback]]", "fallback: "),
        ("= nonsense", "it is no recipe"),
        ("x = " + "[" * 9_000, "it is no recipe"),
        ("#" * 30_000, "characters"),
    ],
)  # fmt: skip
def test_not_taken(more: str, complaint: str) -> None:
    """Neither addresses nor options, no path out of the tree, no tests left out, no message to whoever works on the task."""
    with pytest.raises(RecipeError) as error:
        read_proposal(PLAIN + more, FILES, [MINOR])
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("python", "packages", "complaint"),
    [
        ("1.5", '["jam"]', "'1.5' is not at hand"),
        (f"{MINOR}/../../..", '["jam"]', "is not at hand"),
        (MINOR, "[]", "name at least one package"),
        (MINOR, '["tests"]', "'tests' is no package"),
        (MINOR, '["json"]', "'json' is no package"),
    ],
)
def test_a_proposal_says_what_is_imported(python: str, packages: str, complaint: str) -> None:
    """On a Python of this machine, and it is the project's own."""
    text = f'python = "{python}"\npackages = {packages}\nsource_roots = ["src", "."]\n'
    with pytest.raises(RecipeError) as error:
        read_proposal(text, FILES, [MINOR])
    assert complaint in str(error.value)


def test_fallbacks_are_read_as_they_were_written(tmp_path) -> None:
    """All kinds of values, with comments."""
    recipes = (
        Recipe(
            python="3.9", requirements=('a; python_version<"4"',), environment={"A": '\\ "'}, origin="x\x7f"
        ),
        Recipe(python="3.6", runner="unittest", writable_source=True, origin="recipes/jam.toml"),
    )
    path = tmp_path / "jam.toml"
    path.write_text(fallback_text([("one", recipes[0]), ("", recipes[1])]))
    found = read_recipe_file(path)
    assert (found.alone, found.fallback) == (None, recipes)


def test_a_file_may_hold_both(tmp_path) -> None:
    """A recipe of its own keys is believed alone; what is no table of recipes is refused in one line."""
    path = tmp_path / "jam.toml"
    path.write_text('python = "3.9"\n[[fallback]]\npython = "3.8"\n')
    found = read_recipe_file(path)
    assert found.alone is not None
    assert (found.alone.python, [one.python for one in found.fallback]) == ("3.9", ["3.8"])
    for text in ("fallback = 3\n", "fallback = [1]\n", 'fallback = ["a"]\n', "[[fallback]]\n"):
        path.write_text(text)
        with pytest.raises(RecipeError, match="not a recipe"):
            read_recipe_file(path)
