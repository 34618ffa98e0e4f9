"""What a run of tests lacks, as projects of the index."""

from pathlib import Path

from r2egym.building.missing import missing_projects, undeclared_projects


def test_modules_fixtures_and_plugins_are_told_by_their_projects():
    """Aliases are known, plain names are taken as they are; what the repository has itself is not asked for."""
    messages = [
        "E   ModuleNotFoundError: No module named 'yaml'",
        "ImportError: No module named mock",
        "E   ModuleNotFoundError: No module named 'larder.jars'",
        "E       fixture 'mocker' not found",
        "async def functions are not natively supported.",
        "E   ModuleNotFoundError: No module named 'flask_login'",
    ]
    assert missing_projects(messages, {"larder"}) == (
        "flask-login",
        "mock",
        "pytest-asyncio",
        "pytest-mock",
        "pyyaml",
    )


def test_nothing_is_made_up():
    """Modules of Python, of Python 2, and of our own machinery are nobody's projects."""
    messages = [
        "No module named 'asyncore'",
        "No module named 'ConfigParser'",
        "No module named '_r2egym_stub'",
        "fixture 'jar' not found",
        "AssertionError: 1 != 2",
    ]
    assert missing_projects(messages, ()) == ()


def test_what_environments_had_of_old_is_there_when_something_imports_it(tmp_path: Path):
    """setuptools, before Python 3.12, for a module that cannot be imported without it, unless it is there already."""
    site = tmp_path / "lib/python3.8/site-packages"
    (site / "larder").mkdir(parents=True)
    module = site / "larder/jars.py"
    module.write_text("import os\n# import pkg_resources\n")
    assert undeclared_projects(tmp_path, "3.8") == ()
    module.write_text("def count():\n    from pkg_resources import iter_entry_points\n")
    assert undeclared_projects(tmp_path, "3.8") == ()
    module.write_text("import os\nfrom pkg_resources import iter_entry_points\n")
    assert undeclared_projects(tmp_path, "3.8") == ("setuptools",)
    assert undeclared_projects(tmp_path, "3.12") == ()
    (site / "pkg_resources").mkdir()
    assert undeclared_projects(tmp_path, "3.8") == ()
