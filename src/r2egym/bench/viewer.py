"""The viewer at scale: a made-up run, its index, and a server that is asked as a browser would.

The peer is what one has without an index: parsing every line to open a run, ``grep`` to search it. Files are in the
kernel's cache for both, as far as they fit.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from r2egym.bench import BenchLine
from r2egym.bench._memory import family, pss
from r2egym.bench._trajectories import COMMON, RARE, make_run
from r2egym.errors import UsageError
from r2egym.settings import Settings
from r2egym.viewer import Catalogue, find_sources
from r2egym.viewer.lines import read_lines

_ATTEMPTS = 2_000
_ROUNDS = 3
_SERVER = "import sys; from r2egym.cli import main; main(['view', *sys.argv[1:], '--port', '0', '--json'])"
SEARCHES = (
    ("a rare word", RARE, RARE),
    ("a common word", COMMON, COMMON),
    ("words in a row", '"def return"', "def return"),
    ("a word of observations, failed attempts", f"observation:{RARE} reward:0", RARE),
    ("a filter", "exit:token_limit reward:0 steps:>30", "token_limit"),
)
"""Name, search, and what ``grep`` looks for."""


def run(settings: Settings, attempts: str = str(_ATTEMPTS), folder: str = "") -> Iterator[BenchLine]:
    """Measure; every line comes as soon as it is known.

    Args:
        settings: not needed.
        attempts: of the run, some 50 kB each; one has 10,000 steps.
        folder: where the run is made and left; by default it is deleted again.

    Raises:
        UsageError: the number is none.
    """
    del settings
    if not attempts.isdecimal() or not int(attempts):
        raise UsageError(f"bench viewer takes a number of attempts, and not {attempts!r}")
    with tempfile.TemporaryDirectory(prefix="r2egym-bench-") as scratch:
        made = Path(folder or scratch) / "made-up"
        if not (made / "trajectories.jsonl").is_file():
            make_run(made, int(attempts))
        for file in made.glob("index.sqlite*"):
            file.unlink()
        yield from measure(made, int(attempts))


def measure(made: Path, attempts: int) -> Iterator[BenchLine]:
    """The lines for one run."""
    file = made / "trajectories.jsonl"
    size = file.stat().st_size
    told = f"{attempts:,} attempts, {size / 1e9:.2f} GB"
    with _server(made) as (fresh, _):
        opened_fresh = fresh.seconds
        fresh.ask("/")
    for part in made.glob("index.sqlite*"):
        part.unlink()
    parsed = _seconds(lambda: _parse(file))
    built = _seconds(lambda: _build(made))
    index = sum(part.stat().st_size for part in made.glob("index.sqlite*"))
    yield BenchLine.of(
        "index an attempt",
        1000 * built / attempts,
        1000 * parsed / attempts,
        note=f"parsing its line; {told}",
    )
    yield BenchLine.of("index, size", index / 2**20, size / 2**20, unit="MiB", note="the file itself")
    with _server(made) as (server, pid):
        note = "parsing every line"
        yield BenchLine.of(
            "open a run that no index knows yet", 1000 * opened_fresh, 1000 * parsed, note=note
        )
        yield BenchLine.of(
            "open, cold (process start to first page)", 1000 * server.seconds, 1000 * parsed, note=note
        )
        for name, address in (
            ("page of the run", "/runs/made-up"),
            ("page of its tasks", "/problems"),
            ("page of attempts", "/attempts"),
        ):
            yield BenchLine.of(f"{name}, first time", 1000 * server.ask(address), 1000 * parsed, note=note)
        line = attempts // 2 + 1
        longest = _line(file, line)
        parse = min(_seconds(lambda: json.loads(longest)) for _ in range(_ROUNDS))
        yield BenchLine.of(
            "attempt of 10,000 steps, first time",
            1000 * server.ask(f"/runs/made-up/{line}"),
            1000 * parse,
            note="parsing its line",
        )
        yield BenchLine.of(
            "its last hundred steps",
            1000 * server.ask(f"/runs/made-up/{line}?start=9901"),
            1000 * parse,
            note="parsing its line",
        )
        grep = shutil.which("grep")
        for name, query, word in SEARCHES:
            ours = server.ask("/attempts?" + urlencode({"q": query}))
            theirs = _seconds(partial(_grep, grep, word, file)) if grep else None
            yield BenchLine.of(
                f"search for {name}",
                1000 * ours,
                None if theirs is None else 1000 * theirs,
                note="grep -c over the file",
            )
        yield BenchLine.of(
            "memory of the server after all this (PSS)",
            pss(family(pid)),
            size / 2**20,
            unit="MiB",
            note="the file itself",
        )


class _Asker:
    """Asks a server; remembers how long its first page took, counted from the start of its process."""

    def __init__(self, address: str, began: float) -> None:
        self._address = address.rstrip("/")
        self.ask("/")
        self.seconds = time.perf_counter() - began

    def ask(self, path: str) -> float:
        """Seconds until all of a page has come."""
        began = time.perf_counter()
        with urllib.request.urlopen(self._address + path, timeout=600) as answer:  # noqa: S310 - our own server
            answer.read()
        return time.perf_counter() - began


@contextmanager
def _server(made: Path) -> Iterator[tuple[_Asker, int]]:
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(made)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise UsageError("the viewer did not start; r2egym view tells why")
        yield _Asker(json.loads(line)["address"], began), process.pid
    finally:
        process.terminate()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _parse(file: Path) -> None:
    with file.open("rb") as stream:
        for line in stream:
            json.loads(line)


def _build(made: Path) -> None:
    Catalogue.open(find_sources([made]), made).build()


def _line(file: Path, number: int) -> bytes:
    return next(line.data or b"" for line in read_lines(file) if line.number == number)


def _grep(grep: str, word: str, file: Path) -> None:
    # into a pipe: with nobody to read it, grep would stop at the first line that it finds
    subprocess.run([grep, "-c", "-F", word, str(file)], stdout=subprocess.PIPE, check=False)
