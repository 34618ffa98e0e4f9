"""Where the settings of a repository's pytest come from."""

from pathlib import Path

from r2egym.testing.inside import configuration


def write(root: Path, **files: str) -> None:
    """Files by name, with ``__`` for a slash and ``_`` for a dot."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_the_folder_nearest_to_the_modules_counts(tmp_path: Path):
    """As pytest has it: from the folder that all modules share up to the root, the first with settings."""
    write(tmp_path, pytest_ini="[pytest]\nmarkers = root\n", sdk__pytest_ini="[pytest]\npythonpath = src\n")
    near = configuration.read(str(tmp_path), ["sdk/tests/test_a.py", "sdk/tests/deep/test_b.py"])
    assert near == {"ini": {}, "options": [], "pythonpath": ["sdk/src"]}
    shared = configuration.read(str(tmp_path), ["sdk/tests/test_a.py", "api/test_b.py"])
    assert shared["ini"] == {"markers": "root"}


def test_without_settings_there_are_none(tmp_path: Path):
    """A folder without any gives none; one that cannot be read is passed over."""
    write(tmp_path, tox_ini="[pytest\n")
    assert configuration.read(str(tmp_path), ["tests/test_a.py"]) == {
        "ini": {},
        "options": [],
        "pythonpath": [],
    }


def test_of_its_arguments_those_stay_that_change_what_a_test_means(tmp_path: Path):
    """Plugins that are not wanted are not loaded; those that are wanted would be code of the work tree, and reports are ours."""
    given = "-ra -p no:aiohttp --cov=x -pno:xdoctest -p tests.plugin --import-mode importlib -m 'not slow' --durations=3"
    write(tmp_path, pytest_ini=f"[pytest]\naddopts =\n    {given}\n")
    found = configuration.read(str(tmp_path))["options"]
    assert found == ["-p", "no:aiohttp", "-pno:xdoctest", "--import-mode=importlib"]
