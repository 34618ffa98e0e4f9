"""Git's binary patches: writing them, and checking hostile ones without ever unpacking more than they declare."""

from __future__ import annotations

import base64
import re
import zlib

_LINE = 52
"""Bytes that one line of a binary patch holds."""
_HEADER = re.compile(r"(literal|delta) (0|[1-9][0-9]{0,9})")
_BODY = re.compile(r"([A-Za-z])([0-9A-Za-z!#$%&()*+\-;<=>?@^_`{|}~]{5,65})")


def binary_hunk(data: bytes) -> str:
    """``data`` as a ``literal`` hunk, with the empty line that ends it."""
    packed = zlib.compress(data)
    lines = [f"literal {len(data)}\n"]
    for start in range(0, len(packed), _LINE):
        chunk = packed[start : start + _LINE]
        size = chr(ord("A") + len(chunk) - 1) if len(chunk) <= 26 else chr(ord("a") + len(chunk) - 27)  # noqa: PLR2004
        lines.append(size + base64.b85encode(chunk, pad=True).decode() + "\n")
    return "".join([*lines, "\n"])


def check_binary_hunk(lines: list[str], start: int, limit: int) -> int | str:
    """Read the hunk that starts at ``lines[start]``.

    Args:
        lines: the patch's lines, without their ends.
        start: index of its ``literal`` or ``delta`` line.
        limit: most bytes that it may unpack to.

    Returns:
        the index after its last line, or what is wrong with it.
    """
    header = _HEADER.fullmatch(lines[start])
    if header is None:
        return "expected 'literal SIZE' or 'delta SIZE'"
    size = int(header[2])
    if size > limit:
        return f"binary contents of {size} bytes are over the limit of {limit}"
    position = start + 1
    packed = bytearray()
    while position < len(lines) and lines[position]:
        chunk = _decode_line(lines[position])
        if chunk is None:
            return "corrupt line in a binary patch"
        packed += chunk
        position += 1
    wrong = _check_packed(bytes(packed), size, limit, delta=header[1] == "delta")
    return wrong or min(position + 1, len(lines))


def _decode_line(line: str) -> bytes | None:
    match = _BODY.fullmatch(line)
    if match is None:
        return None
    letter, text = match[1], match[2]
    length = ord(letter) - ord("A") + 1 if letter <= "Z" else ord(letter) - ord("a") + 27
    if len(text) != (length + 3) // 4 * 5:
        return None
    try:
        return base64.b85decode(text)[:length]
    except ValueError:
        return None


def _check_packed(packed: bytes, size: int, limit: int, *, delta: bool) -> str | None:
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(packed, size + 1)
    except zlib.error:
        return "binary contents do not unpack"
    if len(data) != size or not stream.eof or stream.unused_data:
        return "binary contents do not have the declared size"
    if delta and not _delta_fits(data, limit):
        return "a binary delta is corrupt or over the limit"
    return None


def _delta_fits(data: bytes, limit: int) -> bool:
    """Whether both sizes that open a delta can be read and lie within the limit."""
    position = 0
    for _ in range(2):
        value = shift = 0
        while True:
            if position >= len(data) or shift > 63:  # noqa: PLR2004 - git's own sizes have 64 bits
                return False
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:  # noqa: PLR2004 - the top bit says that more follows
                break
        if value > limit:
            return False
    return True
