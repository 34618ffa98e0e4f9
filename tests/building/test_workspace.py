"""Several projects in one repository: which of them a set of tests needs, and what they ask for together."""

from r2egym.building.files import Files
from r2egym.building.recipe import discover
from r2egym.building.workspace import find_projects, needed_projects

MOMENT = 1_700_000_000.0
API = '[project]\nname = "pantry-api"\ndependencies = ["wrapt>=1"]\n'
SDK = '[project]\nname = "pantry-sdk"\ndependencies = ["pantry-api == 1.dev0", "attrs"]\nrequires-python = ">=3.8"\n'
OTHER = '[project]\nname = "pantry-web"\ndependencies = ["flask", "pantry-api"]\n'
FILES = Files.of(
    {
        "dev-requirements.txt": "tox\n",
        "api/pyproject.toml": API,
        "api/src/pantry_api/__init__.py": "",
        "sdk/pyproject.toml": SDK,
        "sdk/src/pantry_sdk/__init__.py": "",
        "sdk/tests/test_sdk.py": "",
        "sdk/test-requirements.txt": "hypothesis==6.1\n-e api\n-e sdk\n-e tests/helpers\n",
        "tests/helpers/setup.cfg": "[metadata]\nname = pantry-helpers\n",
        "tests/helpers/src/pantry_helpers/__init__.py": "",
        "web/pyproject.toml": OTHER,
        "web/src/pantry_web/__init__.py": "",
        "web/tests/test_web.py": "",
        "docs/examples/pyproject.toml": '[project]\nname = "example"\n',
    }
)


def test_projects_are_found_by_what_they_say():
    """Every folder below the root that names a project, but for documents and examples."""
    assert list(find_projects(FILES)) == ["api", "sdk", "tests/helpers", "web"]


def test_tests_need_their_project_and_what_it_needs():
    """The project of the tests, its siblings by name, and those that its requirement files name by path; no others."""
    assert list(needed_projects(FILES, ["sdk/tests/test_sdk.py"])) == ["api", "sdk", "tests/helpers"]
    assert list(needed_projects(FILES, ["web/tests/test_web.py"])) == ["api", "web"]
    assert needed_projects(FILES, ["tests/test_all.py"]) == {}


def test_a_recipe_installs_them_together():
    """All roots go on the path; what they ask for is asked together, less each other; only tests that run have needs."""
    first = discover(FILES, MOMENT, ["3.11", "3.7"], near=["sdk/tests/test_sdk.py"])[0]
    assert first.python == "3.11"
    assert first.projects == ("api", "sdk", "tests/helpers")
    assert first.source_roots == ("api/src", "sdk/src", "tests/helpers/src")
    assert first.packages == ("pantry_api", "pantry_sdk", "pantry_helpers")
    assert first.requirements == ("attrs", "hypothesis==6.1", "pytest", "wrapt>=1")


def test_without_tests_nearby_the_root_counts():
    """A repository is one project unless its tests say otherwise."""
    assert discover(FILES, MOMENT, ["3.11"])[0].projects == (".",)
