"""Counting all objects of an environment's ``.git``, to prove that none comes from beyond the base commit.

The walk starts from the base commit alone, never from what the ``.git`` itself says is reachable; a tag object counts
as reached when a ref names it and it points at a commit that was reached. Anything else that could lead to further
objects or tell of them (alternates, reflogs, remotes, a stash, notes, replacements, other work trees) counts as
foreign too, as does a ref that leads elsewhere.
"""

from __future__ import annotations

from pathlib import Path

from r2egym.errors import BuildError
from r2egym.mining.plumbing import run_git

_EXPECTED = {"HEAD", "config", "index", "info", "objects", "packed-refs", "refs", "shallow"}
"""All that may lie in the folder."""


def take_census(git_dir: Path, head: str) -> dict[str, int]:
    """Count the objects of ``git_dir`` (``objects``) and those that ``head`` does not reach (``foreign``).

    Args:
        git_dir: a ``.git`` folder of ours.
        head: what its branch must be.

    Raises:
        BuildError: an object that ``head`` reaches is not there (reason ``history-incomplete``).
    """
    listing = run_git(
        ["cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname) %(objecttype)"],
        git_dir=git_dir,
    )
    kinds = dict(line.split(" ") for line in listing.decode().splitlines())
    walked = run_git(["rev-list", "--objects", "--no-object-names", head], git_dir=git_dir)
    reached = set(walked.decode().split())
    missing = reached - kinds.keys()
    if missing:
        raise BuildError("history-incomplete", f"{git_dir} lacks {len(missing)} objects that {head} reaches")
    refs = run_git(
        ["for-each-ref", "--format=%(objectname) %(objecttype) %(*objectname) %(refname)"], git_dir=git_dir
    )
    strangers = 0
    for line in refs.decode(errors="replace").splitlines():
        oid, kind, peeled, name = line.split(" ", 3)
        if kind == "tag" and name.startswith("refs/tags/") and peeled in reached:
            reached.add(oid)
        elif oid not in reached or not name.startswith(("refs/heads/", "refs/tags/")):
            strangers += 1
    foreign = len(kinds.keys() - reached)
    return {"objects": len(kinds), "foreign": foreign + strangers + _strange_files(git_dir)}


def _strange_files(git_dir: Path) -> int:
    """Files that have no business in the ``.git`` of an environment."""
    found = [entry for entry in git_dir.iterdir() if entry.name not in _EXPECTED]
    found += [entry for entry in (git_dir / "objects/info").glob("*") if "alternates" in entry.name]
    found += [entry for entry in (git_dir / "info").iterdir() if entry.name != "exclude"]
    config = (git_dir / "config").read_text()
    return len(found) + sum(word in config for word in ("[remote", "[include", "[branch", "partialClone"))
