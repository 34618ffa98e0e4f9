"""Lines of a file that somebody may be writing to.

A line that has no newline yet is not there, unless it is the whole of a JSON text: some writers leave the last newline out.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LONGEST = 256 << 20
"""Bytes of the longest line that is read; a longer one is told of and passed over."""
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """One line."""

    number: int
    """From 1; empty ones count."""
    place: int
    """Bytes before it."""
    length: int
    """Bytes, without its newline."""
    crc: int
    """CRC-32 of its bytes."""
    data: bytes | None
    """None: it is longer than :data:`LONGEST`."""
    ended: bool
    """Whether a newline follows."""

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.place + self.length + self.ended


def read_lines(path: Path, place: int = 0, number: int = 1) -> Iterator[Line]:
    """The lines from a place on, the last one too when it is torn.

    Args:
        path: the file.
        place: bytes to pass over; a line begins there.
        number: of the line that begins there.
    """
    with path.open("rb") as stream:
        stream.seek(place)
        while data := stream.readline(LONGEST + 1):
            ended = data.endswith(b"\n")
            if not ended and len(data) > LONGEST:
                line = _long(stream, data, number, place)
            else:
                body = data[:-1] if ended else data
                line = Line(number, place, len(body), zlib.crc32(body), body, ended)
            yield line
            place, number = line.end, number + 1


def whole_file(path: Path) -> Line:
    """All of a file as its one line, whatever newlines it has."""
    with path.open("rb") as stream:
        data = stream.read(LONGEST + 1)
        if len(data) > LONGEST:
            length = path.stat().st_size
            return Line(1, 0, length, checksum(path, 0, length), None, ended=True)
    return Line(1, 0, len(data), zlib.crc32(data), data, ended=True)


def _long(stream: BinaryIO, data: bytes, number: int, place: int) -> Line:
    """A line that is too long to be held."""
    length, crc, ended = len(data), zlib.crc32(data), False
    while not ended and (data := stream.readline(_PIECE)):
        ended = data.endswith(b"\n")
        data = data[:-1] if ended else data
        length, crc = length + len(data), zlib.crc32(data, crc)
    return Line(number, place, length, crc, None, ended)


def ends_late(path: Path, place: int) -> bool:
    """Whether a newline stands at a place that a line, and no newline, ends before."""
    if place == 0:
        return False
    with path.open("rb") as stream:
        stream.seek(place - 1)
        before, here = stream.read(1), stream.read(1)
    return here == b"\n" and before != b"\n"


def read_line(path: Path, place: int, length: int) -> bytes:
    """The bytes of a known line, at most :data:`LONGEST` of them; fewer when the file has become shorter."""
    with path.open("rb") as stream:
        stream.seek(place)
        return stream.read(min(length, LONGEST))


def checksum(path: Path, place: int, length: int) -> int:
    """CRC-32 of a stretch of a file."""
    crc = 0
    with path.open("rb") as stream:
        stream.seek(place)
        while length > 0 and (data := stream.read(min(length, _PIECE))):
            crc, length = zlib.crc32(data, crc), length - len(data)
    return crc
