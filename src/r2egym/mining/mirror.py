"""Bare mirrors of repositories that live elsewhere, made with the git binary.

git runs without the user's or the system's configuration, hooks, templates, prompts or helpers, and only over
the protocols listed here. A mirror is made aside and renamed, under a lock, so that it is whole or not there.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from filelock import FileLock

from r2egym.errors import RepositoryError

_PROTOCOLS = ("https", "http", "ssh", "git", "file")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP = re.compile(r"[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[^\\]")
_BUNDLE = (b"# v2 git bundle\n", b"# v3 git bundle\n")
_BRANCHES = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_TIMEOUT = 3600.0
_FORGOTTEN = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_TEMPLATE_DIR", "GIT_EXTERNAL_DIFF", "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS", "GIT_ASKPASS", "SSH_ASKPASS",
)  # fmt: skip
"""Variables of a caller (a git hook, say) that would point git elsewhere."""
_NOT_FOUND = 127
_FULL_ID = re.compile(r"[0-9a-f]{40}")


def is_url(source: str) -> bool:
    """Whether it names a repository of another place. Raises RepositoryError for a protocol that is not allowed."""
    match = _SCHEME.match(source)
    if match is None:
        if re.match(r"[A-Za-z0-9+.-]+::", source):
            raise RepositoryError(
                f"{source.partition('::')[0]}::: remote helpers are not used; give a plain URL"
            )
        return _SCP.match(source) is not None
    if match[1].lower() not in _PROTOCOLS:
        raise RepositoryError(
            f"{match[1]}://: unknown protocol; use one of {', '.join(_PROTOCOLS)}, or a path"
        )
    return True


def is_bundle(path: Path) -> bool:
    """Whether a file holds a git bundle."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_BUNDLE[0])) in _BUNDLE


def public_url(url: str) -> str:
    """The URL without user name and password, fit to be written down; the user of an ssh URL stays."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rsplit("@", 1)[1]))


def mirror(source: str, home: Path, *, having: str | None = None) -> Path:
    """Make or freshen the mirror of a URL or bundle.

    Args:
        source: a URL, or the absolute path of a bundle.
        home: mirrors are kept in ``home/repositories``.
        having: a commit; a mirror that has it already is left as it is.

    Returns:
        the mirror's git directory.

    Raises:
        RepositoryError: git cannot fetch it; the message ends with git's own last line.
    """
    folder = home / "repositories"
    key = hashlib.sha256(source.encode()).hexdigest()[:16]
    target = folder / f"{key}.git"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{key}.lock"):
            if not target.exists():
                _clone(source, target)
            elif not _has(target, having):
                _fetch(source, target)
    except OSError as error:
        raise RepositoryError(f"{folder}: cannot be written ({error.strerror}); set R2EGYM_HOME") from None
    return target


def _has(target: Path, commit: str | None) -> bool:
    if commit is None or not _FULL_ID.fullmatch(commit):
        return False
    return (
        _git(["--git-dir", str(target), "cat-file", "-e", f"{commit}^{{commit}}"], target.parent).returncode
        == 0
    )


def _clone(source: str, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".making-") as folder:
        aside = Path(folder) / "new.git"
        done = _git(["clone", "--quiet", "--bare", "--template=", "--", source, str(aside)], target.parent)
        if done.returncode != 0:
            raise _cannot("clone", source, done)
        shutil.rmtree(aside / "hooks", ignore_errors=True)
        aside.rename(target)


def _fetch(source: str, target: Path) -> None:
    where = ["--git-dir", str(target)]
    options = [
        "--quiet",
        "--prune",
        "--no-auto-maintenance",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
    ]
    done = _git([*where, "fetch", *options, "--", source, *_BRANCHES], target.parent)
    if done.returncode != 0:
        raise _cannot("fetch", source, done)
    remote = _git([*where, "ls-remote", "--symref", "--", source, "HEAD"], target.parent)
    head = re.match(r"ref: (refs/heads/\S+)\tHEAD\n", remote.stdout)
    if remote.returncode == 0 and head is not None:
        _git([*where, "symbolic-ref", "HEAD", head[1]], target.parent)


def _cannot(what: str, source: str, done: subprocess.CompletedProcess[str]) -> RepositoryError:
    lines = [line for line in done.stderr.splitlines() if line.startswith(("fatal:", "error:", "ssh:"))]
    reason = public_text(lines[0] if lines else f"git exited with {done.returncode}", source)
    return RepositoryError(
        f"{public_url(source)}: cannot {what} it ({reason}); check the address and the network"
    )


def public_text(text: str, source: str) -> str:
    """A line of git's without the credentials that the URL held."""
    return text.replace(source, public_url(source))


def _git(arguments: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run git with the caller's proxies, certificates and SSH agent, but with nobody's git configuration."""
    safe = (
        "core.hooksPath=/dev/null",
        "core.fsmonitor=false",
        "credential.helper=",
        "core.askPass=",
        "gc.auto=0",
    )
    unset = [part for name in _FORGOTTEN for part in ("-u", name)]
    known = [f"{name}={value}" for name, value in git_environment().items()]
    command = ["env", *unset, *known, "git", *(part for one in safe for part in ("-c", one)), *arguments]
    try:
        done = subprocess.run(
            command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            check=False, timeout=_TIMEOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RepositoryError(
            f"git {arguments[0]}: no end after {_TIMEOUT:.0f} s; check the network"
        ) from None
    if done.returncode == _NOT_FOUND:
        raise RepositoryError("git: command not found; install git")
    return done


def git_environment() -> dict[str, str]:
    """The variables that make git forget all configuration but a repository's own, prompts and odd protocols."""
    return {
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": ":".join(_PROTOCOLS),
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
    }
