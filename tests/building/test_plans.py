"""What is taken out of a lock before it is installed."""

from r2egym.building.files import Files
from r2egym.building.plans import without_own
from r2egym.records import Recipe

LOCK = tuple(f"{name}==1.0 --hash=sha256:00" for name in ("attrs", "larder-jars", "pytest", "spoon.ful"))


def test_no_release_of_the_project_stands_beside_its_source():
    """Nor of another project that is installed by path; what a test runner of that time needs stays."""
    files = Files.of(
        {
            "pyproject.toml": '[project]\nname = "Larder_Jars"\n',
            "spoon/pyproject.toml": '[project]\nname = "spoon-ful"\n',
            "attr/pyproject.toml": '[project]\nname = "attrs"\n',
        }
    )
    recipe = Recipe(python="3.11")
    left = without_own(LOCK, files, recipe)
    assert [line.partition("==")[0] for line in left] == ["attrs", "pytest", "spoon.ful"]
    several = recipe.model_copy(update={"projects": ("spoon", "attr")})
    left = without_own(LOCK, files, several)
    assert [line.partition("==")[0] for line in left] == ["attrs", "larder-jars", "pytest"]
