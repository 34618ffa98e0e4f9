"""Reading what a run reported: lines that code under test may have forged, cut off, doubled or garbled.

Nothing here is trusted: an index must be in the census, a phase may come once, nothing may follow the end mark. What
breaks a rule is an alarm; what is missing makes the run incomplete.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from r2egym.records import ExecResult, TestStatus
from r2egym.testing.statuses import Phase, status_of

_PHASES = frozenset({"setup", "call", "teardown"})
_OUTCOMES = frozenset({"passed", "failed", "skipped"})
_MESSAGE = 16_000
_LINE = 1 << 20
_FINDINGS = 50_000


class Report:
    """What the lines of one run say. Tests are known by their place in ``census``."""

    def __init__(self, done: ExecResult, nonce: str) -> None:
        self.exec = done
        self.census: tuple[str, ...] | None = None
        self.alarms: dict[str, None] = {}
        self.timeouts: dict[int, None] = {}
        self.collection: dict[str, str] = {}
        self.origins: dict[str, str] = {}
        self.versions: dict[str, str] = {}
        self.messages: dict[int, str] = {}
        self.durations: dict[int, float] = {}
        self.findings: list[tuple[int, dict[str, Any]]] = []
        self._phases: dict[int, dict[str, Phase]] = {}
        self._subtests: dict[int, list[Phase]] = {}
        self._end: int | None = None
        self._broken = False
        self._collection_failed = False
        for line in self._lines(nonce):
            self._take(line)
        self._check_exit()

    def _lines(self, nonce: str) -> list[dict[str, Any]]:
        *whole, rest = self.exec.stdout.split("\n")
        if rest and '"t": "end"' in self.exec.stdout:
            whole.append(rest)  # what was cut off is missing; what follows the end mark is something else
        found = []
        for text in whole:
            try:
                line = json.loads(text) if len(text) <= _LINE else None
            except (ValueError, RecursionError):
                line = None
            if isinstance(line, dict) and line.get("n") == nonce:
                found.append(line)
            elif not (self.exec.truncated and line is None):
                self.alarm("a line on the result channel that is not ours")
        return found

    def alarm(self, text: str) -> None:
        """Note something that an honest run does not do."""
        self.alarms[text] = None

    # --- lines ---

    def _take(self, line: dict[str, Any]) -> None:
        if self._end is not None:
            self.alarm("results after the end mark")
            return
        handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "census": self._take_census,
            "phase": self._take_phase,
            "collect": self._take_collection,
            "timeout": self._take_timeout,
            "site": self._take_finding,
            "internal": self._take_internal,
            "origins": self._take_origins,
            "versions": self._take_versions,
            "end": self._take_end,
        }
        handler = handlers.get(str(line.get("t")))
        if handler is None:
            self.alarm("a report of an unknown kind")
            return
        handler(line)

    def _take_census(self, line: dict[str, Any]) -> None:
        ids = line.get("ids")
        if self.census is not None:
            self.alarm("a second census")
        elif isinstance(ids, list) and all(isinstance(test, str) for test in ids):
            self.census = tuple(ids)

    def _index(self, line: dict[str, Any]) -> int | None:
        index = line.get("i")
        if type(index) is int and 0 <= index < len(self.census or ()):
            return index
        self.alarm("a result of a test that was not collected")
        return None

    def _take_phase(self, line: dict[str, Any]) -> None:
        index = self._index(line)
        if index is None:
            return
        phase = Phase(str(line.get("o")), bool(line.get("x")))
        when = str(line.get("w"))
        if phase.outcome not in _OUTCOMES:
            self.alarm("a result of an unknown kind")
        elif when == "subtest":
            self._subtests.setdefault(index, []).append(phase)
        elif when not in _PHASES:
            self.alarm("a result of an unknown kind")
        elif when in self._phases.setdefault(index, {}):
            self.alarm("a result that came twice")
        else:
            self._phases[index][when] = phase
            seconds = line.get("d")
            if isinstance(seconds, int | float):
                self.durations[index] = self.durations.get(index, 0.0) + float(seconds)
        text = line.get("m") or line.get("c")
        if isinstance(text, str) and phase.outcome == "failed":
            self.messages[index] = (self.messages.get(index, "") + text)[:_MESSAGE]

    def _take_collection(self, line: dict[str, Any]) -> None:
        self.collection[str(line.get("id"))] = str(line.get("m"))[:_MESSAGE]
        self._collection_failed = self._collection_failed or line.get("o") == "failed"

    def _take_timeout(self, line: dict[str, Any]) -> None:
        index = self._index(line) if line.get("i") is not None else None
        if index is not None:
            self.timeouts[index] = None

    def _take_finding(self, line: dict[str, Any]) -> None:
        index = self._index(line)
        if len(self.findings) >= _FINDINGS:
            self.alarm("more findings than a run has")
        elif index is not None:
            self.findings.append((index, line))

    def _take_internal(self, line: dict[str, Any]) -> None:
        self.collection.setdefault("", str(line.get("m"))[:_MESSAGE])
        self._broken = True

    def _take_origins(self, line: dict[str, Any]) -> None:
        files = line.get("files")
        if isinstance(files, dict):
            self.origins = {str(name): str(place) for name, place in files.items()}

    def _take_versions(self, line: dict[str, Any]) -> None:
        self.versions = {key: str(line[key]) for key in ("python", "pytest") if key in line}

    def _take_end(self, line: dict[str, Any]) -> None:
        code = line.get("code")
        self._end = code if type(code) is int else -1

    # --- the whole ---

    def status(self, index: int) -> TestStatus | None:
        """What became of a test; None when that was not reported in full."""
        return status_of(self._phases.get(index, {}), self._subtests.get(index, ()))

    def _check_exit(self) -> None:
        """The exit code comes from outside the sandbox; what it says and what was reported must be one story."""
        if self._end is None or self.exec.timed_out or self.exec.exit_code > 128:  # noqa: PLR2004 - a signal
            return
        if self._end != self.exec.exit_code:
            self.alarm("the exit code is not the one announced")
            return
        bad = self._collection_failed or any(
            self.status(index) in {TestStatus.FAILED, TestStatus.ERROR} for index in self._phases
        )
        if (self._end == 0 and bad) or (self._end == 1 and not bad and not self._broken):
            self.alarm("the exit code contradicts the results")

    @property
    def complete(self) -> bool:
        """Whether the run came to its end with nothing missing."""
        return (
            self.census is not None
            and self._end == self.exec.exit_code
            and not self._broken
            and not self.exec.timed_out
            and not self.exec.truncated
            and all(self.status(index) is not None for index in range(len(self.census)))
        )
