"""Mining beside ``git log -p``, the least that anyone pays who looks at every change of a history.

Both read the same commits of the same repository, one after the other, in this run; the fastest of some rounds counts.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from r2egym.bench import BenchLine
from r2egym.bench._published import read_commits
from r2egym.demo import unpack
from r2egym.errors import RepositoryError
from r2egym.mining import Candidate, MiningConfig, Repository, mine
from r2egym.settings import Settings

_ROUNDS = 3
_PUBLISHED_COMMITS = 40
"""The published code starts two processes a file, so that more would take minutes."""
_CHEAP = MiningConfig(max_files=1, max_lines=1, max_patch_length=1)
"""Thresholds on paths and sizes that nothing passes, so that no file is parsed."""
_PEAK = """
import resource, sys
from pathlib import Path
from r2egym.mining import MiningConfig, Repository, mine
for _ in mine(Repository(Path(sys.argv[1])), MiningConfig(commits=int(sys.argv[2]))):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def run(settings: Settings, source: str = "", *, published: Path | None = None) -> Iterator[BenchLine]:
    """Measure; every line comes as soon as it is known.

    Args:
        settings: where mirrors are kept.
        source: path or URL of a repository; by default the bundled one, which is small.
        published: a checkout of the published code, whose own reading of commits is timed beside ours.

    Raises:
        RepositoryError: it is none.
        UsageError: the published code cannot be imported from there.
    """
    with tempfile.TemporaryDirectory(prefix="r2egym-bench-") as folder:
        repository = (
            Repository.open(source, settings.home) if source else Repository(unpack(Path(folder)).repository)
        )
        if published is not None:
            yield _beside(repository, published)
        yield from _measure(repository)


def _beside(repository: Repository, published: Path) -> BenchLine:
    """From commits to candidates with entities, once each; the published code reads every commit before it filters."""
    config = MiningConfig.preset("published").adjusted(commits=_PUBLISHED_COMMITS)
    began = time.perf_counter()
    found = list(mine(repository, config))
    ours = (time.perf_counter() - began) * 1000
    names = [one.commit.hash if isinstance(one, Candidate) else one.commit for one in found]
    theirs = read_commits(published, repository.path, names)
    note = f"the published code on the same {len(names)} commits, before its filters; it read {theirs.read}"
    return BenchLine.of("mining, published thresholds", ours, theirs.milliseconds, note=note)


def _measure(repository: Repository) -> Iterator[BenchLine]:
    commits = int(_git(repository, "rev-list", "--count", "HEAD"))
    floor = _fastest(lambda: _git(repository, "log", "-p"))
    note = f"git log -p of {commits} commits of {repository.name}"
    cheap = _fastest(lambda: sum(1 for _ in mine(repository, _CHEAP)))
    yield BenchLine.of("mining, paths and sizes", cheap, floor, note=note)
    whole = _fastest(lambda: sum(1 for _ in mine(repository, MiningConfig())))
    yield BenchLine.of("mining, with entities of candidates", whole, floor, note=note)
    found = list(mine(repository, MiningConfig()))
    seen = {one.commit.hash if isinstance(one, Candidate) else one.commit for one in found}
    yield BenchLine.of("commits that came out", len(seen), commits, unit="commits", note="git rev-list")
    some = max(1, commits // 4)
    yield BenchLine.of(
        "peak memory",
        _peak(repository, commits),
        _peak(repository, some),
        unit="MB",
        note=f"the newest {some} commits alone",
    )


def _fastest(action: Callable[[], object]) -> float:
    """Milliseconds of the fastest of some rounds."""
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return min(times) * 1000


def _git(repository: Repository, *arguments: str) -> str:
    command = ["git", "-c", "safe.directory=*", "--git-dir", str(repository.path), *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise RepositoryError(f"{repository.name}: git {arguments[0]} failed: {done.stderr.decode().strip()}")
    return done.stdout.decode("utf-8", "replace")


def _peak(repository: Repository, commits: int) -> float:
    """Most memory, in MB, of a process that mines some commits."""
    command = [sys.executable, "-c", _PEAK, str(repository.path), str(commits)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024
