"""How large a fix is: numbers from its patch."""

from pathlib import Path

from tests.mining.repositories import commit

from r2egym.curation.size import size_of
from r2egym.mining import Candidate, MiningConfig, Repository, mine, split_patch
from r2egym.records import Size

LINES = [f"x{number} = {number}\n" for number in range(60)]


def text(**changes: str) -> str:
    """Sixty statements, some of them changed, and a class and a function."""
    lines = [changes.get(line.partition(" ")[0], line) for line in LINES]
    end = changes.get("end", "return 1")
    return (
        "".join(lines) + f"\n\nclass C:\n    def m(self):\n        {end}\n\n    def n(self):\n        {end}\n"
    )


def test_a_fix_is_measured(tmp_path: Path):
    """Lines, hunks, folders, entities and the distance between hunks, each as its description says."""
    root = tmp_path / "r"
    commit(root, {"pkg/a.py": text(), "pkg/b.py": "y = 1\n", "d.bin": b"\0", "test_a.py": "z = 1\n"})
    change = {
        "pkg/a.py": text(x0="x = 0\n", x20="", x50="x = 5\nx = 6\n", end="return 2"),
        "pkg/b.py": None,
        "d.bin": b"\0\1",
        "new/c.py": "def f():\n    pass\n",
        "test_a.py": "z = 2\n",
    }
    commit(root, change, day=2)
    repository = Repository(root)
    candidate = next(iter(mine(repository, MiningConfig())))
    assert isinstance(candidate, Candidate)
    patch = split_patch(repository, candidate).source
    assert size_of(
        patch,
        entities=[entity.model_dump() for entity in candidate.entities],
        fail_to_pass=("a", "b"),
        pass_to_pass=("c",),
    ) == Size(
        files=4,
        hunks=6,  # around x0, x20, x50 and in the class; b.py and c.py have one each
        added=7,
        removed=6,
        entities=2,  # C, whose methods count with it, and f
        directories=3,
        widest_gap=23,  # lines x24 … x46
        fail_to_pass=2,
        pass_to_pass=1,
    )


def test_what_has_no_lines_is_measured_too():
    """A mode, an empty file, and no patch at all."""
    mode = "diff --git a/x b/x\nold mode 100644\nnew mode 100755\n"
    assert size_of(mode).model_dump() == {**size_of("").model_dump(), "files": 1, "directories": 1}
    assert size_of("").files == 0
