"""The wheel folder installs without a network, and only the right date gives the right dependency."""

import hashlib
import importlib.metadata
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import uv
from tests.demo.plain import changed_tests, git, run

from r2egym.demo import Demo
from r2egym.demo import _wheels as wheels_module
from r2egym.errors import TaskError

ONLY_HERE = ["--offline", "--no-cache", "--no-index", "--find-links"]


def install(demo: Demo, venv: Path, *arguments: str) -> None:
    """Install from the wheel folder into a new virtual environment."""
    command = [uv.find_uv_bin(), "venv", "-q", "--offline", "--python", sys.executable, str(venv)]
    subprocess.run(command, check=True, capture_output=True)
    into = ["--python", str(venv / "bin" / "python"), *ONLY_HERE, str(demo.index)]
    subprocess.run(
        [uv.find_uv_bin(), "pip", "install", "-q", *into, *arguments], check=True, capture_output=True
    )


def test_pytest_installs_by_hash(demo: Demo, tmp_path: Path) -> None:
    """Every wheel is accepted by its hash, and the pytest in it runs."""
    lines = []
    for wheel in demo.index.glob("*.whl"):
        name, version = wheel.name.split("-")[:2]
        if name != "spoonful" or version == "1.0":
            lines.append(
                f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
            )
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("".join(lines))
    install(demo, tmp_path / "venv", "--require-hashes", "-r", str(requirements))
    told = subprocess.run(
        [tmp_path / "venv" / "bin" / "pytest", "--version"], check=True, capture_output=True, text=True
    )
    assert importlib.metadata.version("pytest") in told.stdout


def test_wheels_are_well_formed(demo: Demo) -> None:
    """Each lists every one of its files with its hash; no bytecode, no scripts, no installer's notes."""
    for wheel in demo.index.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            (record,) = [name for name in names if name.endswith(".dist-info/RECORD")]
            listed = [line.rsplit(",", 2)[0] for line in archive.read(record).decode().splitlines()]
            assert sorted(listed) == sorted(names)
            assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
        assert not [
            name for name in names if re.search(r"\.pyc$|\.\.|INSTALLER$|REQUESTED$|direct_url[.]json$", name)
        ]


def test_upload_times_make_dates_matter(demo: Demo) -> None:
    """Each wheel has its time; what breaks old code came after it."""
    uploads = json.loads((demo.index / "uploads.json").read_text())
    assert set(uploads) == {path.name for path in demo.index.glob("*.whl")}
    oldest = git(demo, "log", "--reverse", "--format=%cI", "main").decode().split("\n")[0]
    assert all(time < oldest for name, time in uploads.items() if not name.startswith("spoonful"))
    assert {time[:4] for name, time in uploads.items() if name.startswith("spoonful")} == {
        "2019",
        "2021",
        "2023",
    }


def test_newest_release_breaks_old_code(demo: Demo, tmp_path: Path) -> None:
    """With today's dependency the tests of an old fix pass on neither side."""
    old = next(outcome for outcome in demo.outcomes.values() if outcome.fate == "task")
    tests = changed_tests(demo, old.commit)
    assert not any(run(demo, old.commit, tests, tmp_path / "today", as_of=1_800_000_000).values())
    then = run(demo, old.commit, tests, tmp_path / "then", as_of=1_552_000_000)
    assert {*old.fail_to_pass, *old.pass_to_pass} == {test for test, passed in then.items() if passed}


def test_wheels_of_an_earlier_unpacking_go(tmp_path: Path) -> None:
    """A folder that was filled beside another pytest holds today's wheels only."""
    (tmp_path / "pytest-3.0-py3-none-any.whl").write_bytes(b"old")
    wheels_module.write_index("release = []", tmp_path)
    uploads = json.loads((tmp_path / "uploads.json").read_text())
    assert {path.name for path in tmp_path.glob("*.whl")} == set(uploads)
    assert "pytest-3.0-py3-none-any.whl" not in uploads


def test_missing_distribution_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be packed is said in one line."""
    monkeypatch.setattr(wheels_module, "_TOOLS", "surely-not-installed")
    with pytest.raises(TaskError, match=r"surely-not-installed .* not installed"):
        wheels_module.write_index("release = []", tmp_path)
