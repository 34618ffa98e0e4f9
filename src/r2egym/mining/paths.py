"""What a path in a repository says: test or source, Python or not; and git's way of quoting odd names.

Paths are relative to the repository's root with ``/`` between parts. Bytes of a name that are not UTF-8 are carried as
surrogate escapes (``os.fsdecode`` on a UTF-8 machine does the same).
"""

from __future__ import annotations

import re

_TEST_FOLDERS = frozenset({"test", "tests", "Test", "Tests"})
_PYTHON = (".py", ".pyi", ".pyw")
_OTHER_CODE = re.compile(
    r"\.(?:c|cc|cpp|cxx|cu|h|hh|hpp|hxx|pyx|pxd|pxi|f|f77|f90|f95|for|js|jsx|mjs|cjs|ts|tsx|vue|go|rs|java|kt|scala|rb"
    r"|php|pl|pm|lua|swift|m|mm|cs|r|jl|sh|bash|zsh|ps1|bat|cmd|asm|s|sql|proto|thrift|g4|lex|y)$",
    re.IGNORECASE,
)
_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}
_NAMES = {code: letter for letter, code in _ESCAPES.items()}
_ESCAPED = re.compile(r'\\(?:([abtnvfr"\\])|([0-3][0-7]{2}))')
_PLAIN_QUOTED = re.compile(r'"((?:[^"\\\x00-\x1f]|\\(?:[abtnvfr"\\]|[0-3][0-7]{2}))*)"')


def is_test_path(path: str) -> bool:
    """Whether a file belongs to the tests rather than to the source.

    True for ``*_test.py``, a base name ``test_*``, ``conftest.py``, and anything under a folder named ``test``,
    ``tests``, ``Test`` or ``Tests``. The published rule lacks ``conftest.py``; it configures tests and nothing else.
    """
    *folders, name = path.split("/")
    if name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py":
        return True
    return not _TEST_FOLDERS.isdisjoint(folders)


def is_python_path(path: str) -> bool:
    """Whether the name is that of Python source."""
    return path.endswith(_PYTHON)


def is_other_code_path(path: str) -> bool:
    """Whether the name is that of program code in another language than Python (documents and settings are neither)."""
    return _OTHER_CODE.search(path) is not None


def quote(path: str) -> str:
    """The path as git prints it: C-style in double quotes when it holds control, quote or non-ASCII bytes."""
    raw = path.encode("utf-8", "surrogateescape")
    if all(32 <= byte < 127 and byte not in b'"\\' for byte in raw):  # noqa: PLR2004 - the printable ASCII range
        return path
    return '"' + "".join(_quote_byte(byte) for byte in raw) + '"'


def _quote_byte(byte: int) -> str:
    if byte in _NAMES:
        return "\\" + _NAMES[byte]
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"  # noqa: PLR2004 - the printable ASCII range


def take_quoted(text: str) -> tuple[str, str] | None:
    """Split a C-style quoted name off the start of ``text``; ``(name, rest)``, or None when there is none."""
    match = _PLAIN_QUOTED.match(text)
    if match is None:
        return None
    raw = bytearray()
    position = 0
    body = match[1]
    for escape in _ESCAPED.finditer(body):
        raw += body[position : escape.start()].encode("utf-8", "surrogateescape")
        raw.append(_ESCAPES[escape[1]] if escape[1] else int(escape[2], 8))
        position = escape.end()
    raw += body[position:].encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "surrogateescape"), text[match.end() :]
