"""The files of one commit, as discovery reads them: paths and texts, nothing on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

_LARGEST = 1 << 20


class Files:
    """A commit's files: which there are, and what is in them."""

    def __init__(self, paths: Iterable[str], read: Callable[[str], bytes | None]) -> None:
        self.paths = frozenset(paths)
        self._read = read
        self._texts: dict[str, str] = {}

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> Files:
        """Files given as a map of paths to texts."""
        return cls(texts, lambda path: texts[path].encode() if path in texts else None)

    def text(self, path: str) -> str:
        """A file's text; empty when there is none, or when it is larger than a file of this kind can be."""
        if path not in self.paths:
            return ""
        if path not in self._texts:
            data = self._read(path) or b""
            self._texts[path] = data.decode("utf-8", "replace") if len(data) <= _LARGEST else ""
        return self._texts[path].lstrip("\ufeff")

    def under(self, folder: str) -> Files:
        """The files in a folder, by their paths in it."""
        prefix = f"{folder}/"
        paths = [path.removeprefix(prefix) for path in self.paths if path.startswith(prefix)]
        return Files(paths, lambda path: self._read(prefix + path))

    def packages(self, root: str = ".") -> list[str]:
        """Names of the packages (folders with an ``__init__.py``) directly under ``root``."""
        prefix = "" if root == "." else f"{root}/"
        parts = (path[len(prefix) :].split("/") for path in self.paths if path.startswith(prefix))
        return sorted({part[0] for part in parts if len(part) == 2 and part[1] == "__init__.py"})  # noqa: PLR2004

    def modules(self, root: str = ".") -> list[str]:
        """Names of the modules directly under ``root``."""
        prefix = "" if root == "." else f"{root}/"
        names = (
            path[len(prefix) :] for path in self.paths if path.startswith(prefix) and path.endswith(".py")
        )
        return sorted(name[:-3] for name in names if "/" not in name)
