"""``r2egym stats`` on folders that hold more or less."""

import json
from pathlib import Path

from tests.tasks.test_summary import task

from r2egym.tasks import write_dataset


def test_rows_that_tell_no_seal_are_not_chosen_by_it(tmp_path: Path, r2egym):
    """A demand that nothing can be known to meet is one line, before anything runs."""
    write_dataset(tmp_path / "one", [task(1)])
    words = ("--agent", "noop", "--out", tmp_path / "run", "--min-seal", "strong")
    done = r2egym("run", tmp_path / "one", *words)
    assert done.returncode == 2
    assert "do not tell how strongly answers are withheld" in done.stderr
    assert not (tmp_path / "run").exists()
    assert "answers withheld" in r2egym("stats", tmp_path / "one").stdout


def test_stats_of_a_folder_without_notes(tmp_path: Path, r2egym):
    """No funnel and no times are said, not an error; several datasets are a line each."""
    write_dataset(tmp_path / "one", [task(1)])
    write_dataset(tmp_path / "two", [task(2)])
    done = r2egym("stats", tmp_path / "one")
    assert done.returncode == 0, done.stderr
    assert "no funnel.json" in done.stdout
    assert "no timing.json" in done.stdout
    both = r2egym("stats", tmp_path / "one", tmp_path / "two", "--json")
    lines = [json.loads(line) for line in both.stdout.splitlines()]
    assert [line["tasks"] for line in lines] == [1, 1]
    assert [line["funnel"] for line in lines] == [None, None]
    assert [line["sizes"]["files"]["max"] for line in lines] == [1, 2]
    assert "2 datasets" in r2egym("stats", tmp_path / "one", tmp_path / "two").stdout
