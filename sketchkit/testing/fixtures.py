"""Drawings, text, streams and invalid files to try renderers and formats with."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from sketchkit.sketch import Sketch

__all__ = [
    "DOT",
    "EMPTY",
    "FACE",
    "GARBAGE",
    "ODD_WORDS",
    "ReadsOn",
    "Sink",
    "damage",
    "make_drawings",
    "open_file",
    "open_pipe",
]

_CUTS, _DAMAGES = 24, 40
#: The number of reads allowed after the end of a stream, and the bytes that a pipe returns at once.
_READS_AFTER_END, _PIECE = 1_000, 7

#: Text that a document must escape, with characters that break lines and terminals.
ODD_WORDS = "</svg> -- ]]> & \"quoted\" 'too' \n\t\u2028 \N{PENCIL} \u05d0"

#: Invalid content of files.
GARBAGE = {
    "an empty file": b"",
    "zeros": bytes(64),
    "bytes of 255": b"\xff" * 64,
    "text": b"hello, world\n" * 3,
    "a text of one character": b"1",
    "JSON": b'{"drawing": [[[1, 2], "x"], 3]}\n[]\nnull\n',
    "deeply nested JSON": b"[" * 5000,
    "numbers that are too large": b"1e999 1e999\n99999999999999999999999999 -1\nnan inf\n",
    "half of an SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0 L",
    "the beginning of a zip": b"PK\x03\x04" + bytes(30),
    "text of another encoding": "dr\u00e4wing".encode("utf-16"),
}

_CIRCLE = [
    (100 + 80 * math.cos(angle), 110 + 60 * math.sin(angle))
    for angle in (2 * math.pi * step / 24 for step in range(25))
]

#: Four strokes of many points, of two points and of one, away from (0, 0) and wider than high.
FACE = Sketch.from_polylines(
    [_CIRCLE, [(60, 90), (75, 96)], [(140.25, 92.5)], [(70, 140), (100, 152), (133, 139)]],
    ended=True,
    label="face",
    key="1",
)
DOT = Sketch.from_polylines([[(12, 34)]], ended=True)
EMPTY = Sketch.from_polylines([])


def make_drawings(count: int) -> list[Sketch]:
    """Different drawings: ended or unfinished, the pen down or up at the end."""
    out = []
    for number in range(count):
        lines = [
            [(3 * number, 5), (40, 11 + number), (70 + number, 90)],
            [(20, 60 - number), (25 + 2 * number, 70)],
        ]
        out.append(
            Sketch.from_polylines(lines, ended=number % 2 == 0, pen_down=number % 3 == 1, key=str(number))
        )
    return out


def damage(content: bytes) -> Iterator[tuple[str, bytes]]:
    """A file cut short in many places, the last byte included, and with other bytes in some places."""
    size = len(content)
    for end in sorted({*np.linspace(0, size - 1, _CUTS, dtype=int).tolist()}):
        yield f"a file cut short after {end} of {size} bytes", content[:end]
    random = np.random.default_rng(size)
    for _ in range(_DAMAGES):
        damaged, place = bytearray(content), int(random.integers(size))
        count = int(random.integers(1, 5))
        damaged[place : place + count] = random.bytes(min(count, size - place))
        yield f"a file of {size} bytes with other bytes at {place}", bytes(damaged)


class ReadsOn(Exception):
    """A reader continues to read after the end of a stream."""


class _Source(io.RawIOBase):
    """Bytes to read: a file that can seek, or a pipe that returns few bytes at once."""

    def __init__(self, content: bytes, *, seekable: bool) -> None:
        self._content, self._seekable, self._left = io.BytesIO(content), seekable, _READS_AFTER_END

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._seekable

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if not self._seekable:
            raise io.UnsupportedOperation("seek")
        return self._content.seek(offset, whence)

    def readinto(self, buffer: Any, /) -> int:
        piece = self._content.read(len(buffer) if self._seekable else min(len(buffer), _PIECE))
        if not piece:
            self._left -= 1
            if self._left < 0:
                raise ReadsOn(f"{_READS_AFTER_END} reads after the end of the stream")
        buffer[: len(piece)] = piece
        return len(piece)


class Sink(io.RawIOBase):
    """The writing end of a pipe; collects the bytes."""

    def __init__(self) -> None:
        self._content = bytearray()

    def writable(self) -> bool:
        """Whether bytes can be written: yes."""
        return True

    def write(self, piece: Any) -> int:
        """Append bytes; returns their number."""
        self._content += piece
        return len(piece)

    @property
    def content(self) -> bytes:
        """All bytes so far."""
        return bytes(self._content)


def open_file(content: bytes) -> io.BufferedReader:
    """A file to read, which can seek."""
    return io.BufferedReader(_Source(content, seekable=True))


def open_pipe(content: bytes) -> io.BufferedReader:
    """A pipe to read, such as standard input."""
    return io.BufferedReader(_Source(content, seekable=False))
