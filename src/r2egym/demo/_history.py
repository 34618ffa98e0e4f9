"""The text of a history, as ``git log`` prints it, and how it becomes a repository again.

The text is what this command prints, oldest commit first::

    git log --reverse --topo-order --decorate=short --format=raw --patch --binary --full-index \
        --find-renames --diff-merges=first-parent

with one addition: a commit whose message is not UTF-8 in the repository has an ``encoding`` line, and the text shows
the message in UTF-8. Each commit in it names its own hash, so whoever rebuilds it knows whether it came out right.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from r2egym.demo._patches import GITLINK, Change, File, apply
from r2egym.errors import RepositoryError

_COMMIT = re.compile(r"commit (?P<hash>[0-9a-f]{40})(?: \((?P<names>.*)\))?")
_INDENT = "    "


@dataclass(slots=True)
class LoggedCommit:
    """One commit of the text."""

    hash: str
    tags: tuple[str, ...] = ()
    headers: list[tuple[str, str]] = field(default_factory=list)
    """``tree``, ``parent`` (any number), ``author``, ``committer``, ``encoding``: in the order of the text."""
    message: list[str] = field(default_factory=list)
    patch: list[str] = field(default_factory=list)
    """Lines of the patch against the first parent."""

    @property
    def subject(self) -> str:
        """First line of the message."""
        return self.message[0]

    def header(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.headers if key == name]


def parse(text: str) -> tuple[LoggedCommit, ...]:
    """The commits of a text, in its order: parents before children. Raises RepositoryError for any other text."""
    if not _COMMIT.fullmatch(text.partition("\n")[0]):
        raise RepositoryError("the demo's history does not begin with a commit: it was changed by an editor")
    commits: list[LoggedCommit] = []
    state = "headers"
    for line in text.split("\n"):
        if match := _COMMIT.fullmatch(line):
            names = (match["names"] or "").split(", ")
            tags = tuple(name.removeprefix("tag: ") for name in names if name.startswith("tag: "))
            commits.append(LoggedCommit(match["hash"], tags))
            state = "headers"
        elif state == "headers" and line:
            key, _, value = line.partition(" ")
            commits[-1].headers.append((key, value))
        elif state == "headers":
            state = "message"
        elif state == "message" and line.startswith(_INDENT):
            commits[-1].message.append(line.removeprefix(_INDENT))
        elif state == "message" and line.startswith("diff --git "):
            state = "patch"
            commits[-1].patch.append(line)
        elif state == "patch":
            commits[-1].patch.append(line)
    return tuple(commits)


def rebuild(commits: tuple[LoggedCommit, ...], target: Path) -> None:
    """Make a bare git repository at ``target`` (which does not exist yet) that holds these commits and their tags.

    Branch ``main`` is the last of them. Takes two git processes, however long the history is.

    Raises:
        RepositoryError: git is not there or refused, or a commit came out with another hash than its text says.
    """
    git = shutil.which("git")
    if git is None:
        raise RepositoryError("git is not on the PATH: install it")
    marks = target / "demo-marks"
    _run([git, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(target)])
    _run(
        [git, f"--git-dir={target}", "fast-import", "--quiet", "--done", f"--export-marks={marks}"],
        _stream(commits),
    )
    made = dict(line.split() for line in marks.read_text().splitlines())
    marks.unlink()
    for number, commit in enumerate(commits, 1):
        if made.get(f":{number}") != commit.hash:
            raise RepositoryError(
                f"the text of {commit.hash} ({' '.join(commit.message[:1])!r}) makes {made.get(f':{number}')}: "
                "the demo's history was changed by hand or by an editor"
            )


def _run(command: list[str], stdin: bytes = b"") -> None:
    """Run git away from the user's configuration and from the variables of a surrounding git command."""
    environment = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "LC_ALL": "C"}
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, env=environment)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise RepositoryError(f"git {command[2]} failed on the demo's history: {lines[-1]}")


def _stream(commits: tuple[LoggedCommit, ...]) -> bytes:
    """The commits as a ``git fast-import`` stream."""
    stream: list[bytes] = []
    trees: dict[str, dict[str, File]] = {}
    marks: dict[str, int] = {}
    for commit in commits:
        try:
            stream += _one(commit, trees, marks)
        except (ValueError, LookupError, zlib.error) as error:
            raise RepositoryError(f"the text of {commit.hash} is damaged: {error}") from None
    return b"".join([*stream, b"done\n"])


def _one(commit: LoggedCommit, trees: dict[str, dict[str, File]], marks: dict[str, int]) -> list[bytes]:
    """One commit's part of the stream; its tree and its mark are noted. Raises what damaged text may raise."""
    parents = commit.header("parent")
    tree = dict(trees[parents[0]]) if parents else {}
    number = len(marks) + 1
    stream = _commit(commit, number, [marks[parent] for parent in parents])
    for change in list(apply(commit.patch, tree)):
        stream += _change(change)
        if change.file is None:
            del tree[change.path]
        else:
            tree[change.path] = change.file
    trees[commit.hash] = tree
    marks[commit.hash] = number
    return stream + [f"reset refs/tags/{tag}\nfrom :{number}\n\n".encode() for tag in commit.tags]


def _commit(commit: LoggedCommit, number: int, parents: list[int]) -> list[bytes]:
    encoding = (commit.header("encoding") or ["utf-8"])[0]
    lines = ["commit refs/heads/main", f"mark :{number}"]
    lines += [f"{name} {commit.header(name)[0]}" for name in ("author", "committer")]
    lines += [f"encoding {value}" for value in commit.header("encoding")]
    head = "".join(f"{line}\n" for line in lines).encode(encoding)
    message = "".join(f"{line}\n" for line in commit.message).encode(encoding)
    words = ["from", *["merge"] * len(parents)]
    origin = [f"{word} :{parent}\n" for word, parent in zip(words, parents, strict=False)]
    return [head, b"data %d\n" % len(message), message, "".join(origin).encode()]


def _change(change: Change) -> list[bytes]:
    path = change.path.encode()
    if change.file is None:
        return [b"D ", path, b"\n"]
    mode, content = change.file.mode, change.file.content
    if mode == GITLINK:
        return [f"M {mode} {content.decode().split()[-1]} ".encode(), path, b"\n"]
    return [f"M {mode} inline ".encode(), path, b"\ndata %d\n" % len(content), content, b"\n"]
