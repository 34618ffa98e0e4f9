"""The index keeps up with files that grow, are cut, replaced, touched, damaged, or written meanwhile."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.viewer.corpus import lines, mixed, published, trajectory, write_run

from r2egym.viewer import Catalogue, find_sources
from r2egym.viewer import lines as reading
from r2egym.viewer import sources as places
from r2egym.viewer.index import Index
from r2egym.viewer.sources import RunSource


def opened(folder: Path) -> Index:
    """The index of a run, read to the end."""
    source = find_sources([folder])[0]
    assert isinstance(source, RunSource)
    index = Index(source, folder.parent / "home")
    index.build()
    return index


def asked(
    index: Index, sql: str = "SELECT line, task, attempt, status FROM attempts ORDER BY line"
) -> list[tuple]:
    """Rows of an answer."""
    with index.reading() as database:
        return [tuple(row) for row in database.execute(sql)]


def found(index: Index, words: str) -> int:
    """How many attempts have these words."""
    return len(asked(index, f"SELECT rowid FROM words WHERE words MATCH '\"{words}\"'"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of one task, four attempts."""
    return write_run(tmp_path / "run", mixed(1))


def test_every_line_has_a_row_and_its_words(folder: Path) -> None:
    """What is in the file is in the lists and can be searched for."""
    index = opened(folder)
    task = "larder__000000000000"
    statuses = ["passed", "failed", "tampered", "masked"]
    assert asked(index) == [(n + 1, task, n, status) for n, status in enumerate(statuses)]
    assert found(index, "Thought 2") == 4
    assert asked(index, "SELECT sum(calls) FROM tools WHERE tool = 'search'") == [(4,)]


def test_growth_is_read_on_from_where_it_ended(folder: Path) -> None:
    """New lines are added; old rows keep their numbers."""
    index = opened(folder)
    before = asked(index, "SELECT id FROM attempts")
    with (folder / "trajectories.jsonl").open("ab") as stream:
        stream.write(lines([trajectory("larder__new")]))
    index.build()
    assert asked(index, "SELECT id FROM attempts")[:4] == before
    assert asked(index)[4] == (5, "larder__new", 0, "passed")


def test_torn_last_line_is_not_there_until_it_is_whole(folder: Path) -> None:
    """Half a line is none, and no damage; its bytes are told once nothing else is left to read."""
    path, line = folder / "trajectories.jsonl", lines([trajectory("larder__late")])
    index = opened(folder)
    for end in (1, 200, len(line) - 2):
        with path.open("ab") as stream:
            stream.write(line[:end])
        index.build()
        assert len(asked(index)) == 4
        assert index.progress().torn == end
        os.truncate(path, path.stat().st_size - end)
    with path.open("ab") as stream:
        stream.write(line)
    index.build()
    assert asked(index)[-1] == (5, "larder__late", 0, "passed")
    assert index.progress().torn == 0


def test_whole_line_without_newline_is_there(folder: Path) -> None:
    """Some writers leave the last newline out; when it comes after all, nothing is there twice."""
    path = folder / "trajectories.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    index = opened(folder)
    assert len(asked(index)) == 4
    path.write_bytes(whole + lines([trajectory("larder__more")]))
    index.build()
    assert [row[0] for row in asked(index)] == [1, 2, 3, 4, 5]


DAMAGE = {
    "no JSON": b'{"trajectory_steps": [',
    "no object": b"[1, 2]",
    "no steps": b'{"reward": 1}',
    "steps of a wrong type": b'{"trajectory_steps": "all"}',
    "bytes that are no text": b"\xff\xfe\x00\x80",
    "nested too deeply": b"[" * 100_000,
}


@pytest.mark.parametrize("line", DAMAGE.values(), ids=DAMAGE)
def test_damaged_lines_are_rows_too(folder: Path, line: bytes) -> None:
    """What cannot be read is listed as damaged, with a reason, and the lines around it are as they were."""
    path = folder / "trajectories.jsonl"
    path.write_bytes(line + b"\n\n" + path.read_bytes())
    index = opened(folder)
    assert asked(index)[0][3] == "damaged"
    assert [row[0] for row in asked(index)] == [1, 3, 4, 5, 6]  # an empty line is none
    assert asked(index, "SELECT damage FROM attempts WHERE line = 1")[0][0]


def test_line_that_is_too_long_is_told_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is passed over in pieces, and the next line is found."""
    monkeypatch.setattr(reading, "LONGEST", 4_000)
    path = folder / "trajectories.jsonl"
    path.write_bytes(b"x" * 3_000_000 + b"\n" + lines([trajectory(steps=())]))
    index = opened(folder)
    assert [row[3] for row in asked(index)] == ["damaged", "passed"]
    assert asked(index, "SELECT length FROM attempts WHERE line = 1") == [(3_000_000,)]


def test_lines_that_were_cut_off_are_gone(folder: Path) -> None:
    """A resumed run cuts what nobody was told of; the rest is not read again."""
    index, path = opened(folder), folder / "trajectories.jsonl"
    kept = path.read_bytes().splitlines(keepends=True)[:2]
    before = asked(index, "SELECT id FROM attempts WHERE line < 3")
    path.write_bytes(b"".join(kept) + lines([trajectory("larder__other")]))
    index.build()
    assert [row[1] for row in asked(index)][2] == "larder__other"
    os.truncate(path, sum(map(len, kept)))
    index.build()
    assert len(asked(index)) == 2
    assert len(before) == 2
    assert asked(index, "SELECT count(*) FROM tools WHERE id NOT IN (SELECT id FROM attempts)") == [(0,)]


@pytest.mark.parametrize("same_length", [True, False])
def test_changed_file_is_read_anew(folder: Path, *, same_length: bool) -> None:
    """Another file under the name, even of the same length and changed in the middle alone, has other rows."""
    index, path = opened(folder), folder / "trajectories.jsonl"
    data = path.read_bytes()
    at = data.index(b'"larder__000000000000"', len(data) // 3)
    other = data[:at] + b'"larder__ffffffffffff"' + data[at + 22 :]
    path.write_bytes(other if same_length else lines([trajectory("larder__x")]))
    os.utime(path, ns=(1, 1))
    index.build()
    tasks = {row[1] for row in asked(index)}
    assert ("larder__ffffffffffff" in tasks) is same_length
    assert ("larder__x" in tasks) is not same_length


def test_touched_file_keeps_its_rows(folder: Path) -> None:
    """A copy with other times is the same file."""
    index = opened(folder)
    before = asked(index, "SELECT id FROM attempts")
    os.utime(folder / "trajectories.jsonl", ns=(5, 5))
    index.build()
    assert asked(index, "SELECT id FROM attempts") == before


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be one" * 40, b""])
def test_damaged_index_is_made_again(folder: Path, content: bytes) -> None:
    """The index can be deleted or damaged at any time."""
    opened(folder)
    for path in folder.glob("index.sqlite*"):
        path.unlink()
    (folder / "index.sqlite").write_bytes(content)
    assert len(asked(opened(folder))) == 4


def test_index_of_another_version_is_made_again(folder: Path) -> None:
    """A newer program does not read what an older one wrote."""
    index = opened(folder)
    with sqlite3.connect(index.path) as database:
        database.execute("UPDATE state SET value = '0' WHERE key = 'version'")
        database.execute("DELETE FROM attempts")
    database.close()
    assert len(asked(opened(folder))) == 4


def test_folder_that_cannot_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its index goes under the home; one that is there already, whole and current, is used where it stands."""
    monkeypatch.setattr(places.os, "access", lambda *_: False)  # root may write everywhere
    index = opened(folder)
    assert index.path.parent == folder.parent / "home" / "viewer"
    assert len(asked(index)) == 4
    monkeypatch.undo()
    opened(folder)
    monkeypatch.setattr(places.os, "access", lambda *_: False)
    assert opened(folder).path == folder / "index.sqlite"
    with (folder / "trajectories.jsonl").open("ab") as stream:
        stream.write(lines([trajectory("larder__new")]))
    index = opened(folder)
    assert index.path.parent == folder.parent / "home" / "viewer"
    assert len(asked(index)) == 5


BUILDER = """
import sys, pathlib
from r2egym.viewer import find_sources
from r2egym.viewer.index import Index
folder = pathlib.Path(sys.argv[1])
index = Index(find_sources([folder])[0], folder)
while index.progress().rows < int(sys.argv[2]):
    index.refresh()
"""


def test_many_readers_beside_a_writer(tmp_path: Path) -> None:
    """While one process writes byte by byte and two others build, every line comes to be there exactly once."""
    made = [trajectory(f"larder__{number:012x}") for number in range(60)]
    folder, data = write_run(tmp_path / "run", []), lines(made)
    words = [sys.executable, "-c", BUILDER, str(folder), str(len(data))]
    builders = [subprocess.Popen(words) for _ in range(2)]
    ended = threading.Event()

    def write() -> None:
        with (folder / "trajectories.jsonl").open("ab", buffering=0) as stream:
            for at in range(0, len(data), 3_001):
                stream.write(data[at : at + 3_001])
                ended.wait(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    assert [builder.wait(timeout=60) for builder in builders] == [0, 0]
    writer.join()
    index = opened(folder)
    assert [row[0] for row in asked(index)] == list(range(1, 61))
    assert [row[1] for row in asked(index)] == [one.instance_id for one in made]
    assert found(index, "Thought 1") == 60


def test_published_files_are_runs(tmp_path: Path) -> None:
    """TRAJ_DIR/EXP.jsonl: tasks are named after images, attempts of one task count up."""
    text = "".join(
        json.dumps(published(image)) + "\n"
        for image in ("a/larder_final:00ff00ff00ff11", "b/jam:1")
        for _ in "12"
    )
    (tmp_path / "one.jsonl").write_text(text)
    (tmp_path / "two.jsonl").write_text(json.dumps(published(reward=0)) + "\n")
    (tmp_path / "notes.jsonl").write_text('{"something": "else"}\n')
    catalogue = Catalogue.open(find_sources([tmp_path]), tmp_path / "home")
    catalogue.build()
    assert list(catalogue.runs) == ["one", "two"]
    rows = asked(catalogue.runs["one"].index)
    assert [row[1:3] for row in rows] == [
        ("larder__00ff00ff00ff", 0),
        ("larder__00ff00ff00ff", 1),
        ("jam__1", 0),
        ("jam__1", 1),
    ]
    assert (tmp_path / "one.index.sqlite").is_file()


def test_later_verdict_takes_the_place_of_an_earlier_one(folder: Path) -> None:
    """verdicts.jsonl is followed as it grows; what is no verdict is passed over."""
    catalogue = Catalogue.open(find_sources([folder]), folder)
    run = next(iter(catalogue.runs.values()))
    path = folder / "verdicts.jsonl"
    said = {"instance_id": "larder__000000000000", "attempt": 1, "verifier": "execution-free", "score": 0.25}
    path.write_text(json.dumps(said) + "\nno verdict\n[]\n" + json.dumps({"attempt": "x"}) + "\n")
    catalogue.build()
    assert [one["score"] for one in run.verdicts("larder__000000000000", 1)] == [0.25]
    with path.open("a") as stream:
        stream.write(json.dumps(said | {"score": 0.75}) + "\n")
    catalogue.build()
    assert [one["score"] for one in run.verdicts("larder__000000000000", 1)] == [0.75]
