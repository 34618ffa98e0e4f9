"""What the catalogue holds."""

from __future__ import annotations

from pathlib import Path

from r2egym.attacks import attack, attacks, composites, controls

OPEN = frozenset({"golden_file", "lucky_truth", "natural_copy", "one_answer", "surgical_flip"})
"""Cheats that win where no sealed run judges them, or nothing could be withheld; test_open.py and test_sealed.py show it."""


def test_each_file_tells_one_story() -> None:
    """A name belongs to one file, and its first line can be read by anyone."""
    everything = (*attacks(), *controls())
    names = [one.name for one in everything]
    assert len(names) == len(set(names)) >= 20
    assert all(attack(name).name == name for name in names)
    assert [one.name for one in everything if not one.story.endswith(".") or len(one.story) > 130] == []


def test_open_cheats_are_listed_by_name() -> None:
    """What is open is written down, in the catalogue and in the note on threats."""
    assert {one.name for one in attacks() if one.needs_seal} == OPEN


def test_the_table_tells_every_attack(project: Path) -> None:
    """The note has a row for each attack, with its story and whether it is open, and for nothing else."""
    rows = _rows(project / "design" / "attacks.md")
    everything = (*attacks(), *controls())
    assert {name: story for name, story, _ in rows} == {f"`{one.name}`": one.story for one in everything}
    assert len(rows) == len(everything)
    assert {name for name, _, stopped in rows if stopped.startswith("**open**")} == {
        f"`{name}`" for name in OPEN
    }


def test_threats_tell_what_is_open(project: Path) -> None:
    """The note on threats has a row for each open cheat and no other."""
    assert {name for name, *_ in _rows(project / "design" / "threats.md")} == {f"`{name}`" for name in OPEN}


def _rows(path: Path) -> list[list[str]]:
    lines = path.read_text().splitlines()
    return [[cell.strip() for cell in line.split("|")[1:4]] for line in lines if line.startswith("| `")]


def test_composites_hold_what_a_task_may_be_open_to() -> None:
    """At most three; nothing in them is open or ends the run before others had their turn."""
    made = composites()
    assert len(made) <= 3
    parts = [attack(name) for one in made for name in one.name.split("+")]
    assert all(part.joins and not part.needs_seal for part in parts)
    assert {part.kind for part in parts} == {"planted", "source", "scripts"}
