"""What an installer is shown of a repository."""

from r2egym.agents.installer_brief import quoted
from r2egym.building.files import Files


def test_what_speaks_of_setting_up_is_shown() -> None:
    """Metadata first, then requirements, CI and the telling paragraphs of a README; no source."""
    files = Files.of({
        "README.md": "# Jam\n\nTasty.\n\nRun the tests with make.\n",
        ".github/workflows/ci.yml": "steps: [pip install spoonful]\n",
        "requirements-dev.txt": "spoonful\n",
        "setup.py": "setup()\n",
        "core/pyproject.toml": "[project]\n",
        "core/jam/deep/inside.py": "SIZE = 5\n",
    })  # fmt: skip
    text = quoted(files)
    shown = [line.removeprefix("### ") for line in text.splitlines() if line.startswith("### ")]
    assert shown == [
        "setup.py", "core/pyproject.toml", "requirements-dev.txt", ".github/workflows/ci.yml", "README.md"
    ]  # fmt: skip
    assert "Run the tests with make." in text
    assert "Tasty." not in text
    assert "SIZE" not in text
    assert "… and 2 more" in text


def test_it_is_bounded() -> None:
    """However many files there are, and however large."""
    files = Files.of({f"requirements-{n}.txt": "spoonful\n" * 9_000 for n in range(200)})
    text = quoted(files)
    assert len(text) < 40_000
    assert "… and 50 more" in text
