"""Where pages are: on the server, or beside each other as files. A page that is not there has no address, and no link to it."""

from __future__ import annotations

from typing import Protocol

from r2egym.viewer.render import link


class Addresses(Protocol):
    """Where pages are; empty: nowhere."""

    def run(self, name: str) -> str:
        """A run's page."""
        ...

    def attempts(self, q: str = "", run: str = "") -> str:
        """A search."""
        ...

    def attempt(self, run: str, line: int, tab: str = "", **query: object) -> str:
        """An attempt's page, or a part of it."""
        ...

    def part(self, run: str, line: int, step: int, part: str) -> str:
        """All of a step's thought, call or observation."""
        ...

    def problems(self) -> str:
        """All tasks by runs."""
        ...

    def compare(self, task: str, run: str = "") -> str:
        """The attempts at a task side by side."""
        ...

    def dataset(self, name: str) -> str:
        """A dataset's page."""
        ...

    def task(self, dataset: str, task: str) -> str:
        """A task's page."""
        ...


class ServerAddresses:
    """On the server."""

    def run(self, name: str) -> str:
        """See :class:`Addresses`."""
        return link("runs", name)

    def attempts(self, q: str = "", run: str = "") -> str:
        """See :class:`Addresses`."""
        return link("attempts", q=q, run=run)

    def attempt(self, run: str, line: int, tab: str = "", **query: object) -> str:
        """See :class:`Addresses`."""
        return link("runs", run, line, *([tab] if tab and tab != "steps" else []), **query)

    def part(self, run: str, line: int, step: int, part: str) -> str:
        """See :class:`Addresses`."""
        return link("runs", run, line, "step", step, part)

    def problems(self) -> str:
        """See :class:`Addresses`."""
        return link("problems")

    def compare(self, task: str, run: str = "") -> str:
        """See :class:`Addresses`."""
        return link("compare", task=task, run=run)

    def dataset(self, name: str) -> str:
        """See :class:`Addresses`."""
        return link("datasets", name)

    def task(self, dataset: str, task: str) -> str:
        """See :class:`Addresses`."""
        return link("datasets", dataset, task)


class FileAddresses:
    """As files: attempts have pages in a folder, all else stands on one page.

    Args:
        folder: of the attempts' pages, relative to the page; None: there are none.
        has: run and line of those that have one.
    """

    def __init__(self, folder: str | None = None, has: frozenset[tuple[str, int]] = frozenset()) -> None:
        self._folder, self._has = folder, has

    def run(self, name: str) -> str:
        """See :class:`Addresses`."""
        return f"#{name}" if self._folder else ""

    def attempt(self, run: str, line: int, tab: str = "", **_query: object) -> str:
        """See :class:`Addresses`."""
        if self._folder is None:
            return f"#{tab}" if tab else ""
        anchor = f"#{tab}" if tab else ""
        return link(self._folder, f"{run}-{line}.html")[1:] + anchor if (run, line) in self._has else ""

    def attempts(self, q: str = "", run: str = "") -> str:  # noqa: ARG002 - a protocol's names
        """There is no search."""
        return ""

    def part(self, run: str, line: int, step: int, part: str) -> str:  # noqa: ARG002 - a protocol's names
        """There is no more than the page holds."""
        return ""

    def problems(self) -> str:
        """They stand on the same page."""
        return ""

    def compare(self, task: str, run: str = "") -> str:  # noqa: ARG002 - a protocol's names
        """There is no comparison."""
        return ""

    def dataset(self, name: str) -> str:  # noqa: ARG002 - a protocol's names
        """There is no dataset."""
        return ""

    def task(self, dataset: str, task: str) -> str:  # noqa: ARG002 - a protocol's names
        """There is no dataset."""
        return ""
