"""Streams as formats meet them: pipes, which cannot seek."""

from __future__ import annotations

import io
from typing import Any

__all__ = ["Endless", "File", "Sink", "pipe"]

#: So often a reader may ask for more after the end.
_PATIENCE = 1_000
#: A pipe gives no more at once.
_PIECE = 7


class Endless(Exception):
    """A reader goes on reading after the end."""


class _Patience:
    """Counts the reads after the end of a stream."""

    def __init__(self) -> None:
        self._left = _PATIENCE

    def spend(self) -> None:
        """One more.

        Raises:
            Endless: one too many.
        """
        self._left -= 1
        if self._left < 0:
            raise Endless(f"{_PATIENCE} reads after the end of the stream")


class _Pipe(io.RawIOBase):
    """The reading end of a pipe, whose bytes come in small pieces."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at, self._patience = content, 0, _Patience()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._content[self._at : self._at + min(_PIECE, len(buffer))]
        if not piece:
            self._patience.spend()
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


class File(io.BytesIO):
    """A file to read from, which can seek."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._patience = _Patience()

    def read(self, size: int | None = -1, /) -> bytes:
        """Bytes, as many as there are of those asked for."""
        return self._told(super().read(size))

    def read1(self, size: int | None = -1, /) -> bytes:
        """Bytes, as many as there are of those asked for."""
        return self._told(super().read1(size))

    def readline(self, size: int | None = -1, /) -> bytes:
        """A line, or its beginning."""
        return self._told(super().readline(size))

    def readinto(self, buffer: Any, /) -> int:
        """Bytes into a buffer."""
        count = super().readinto(buffer)
        if not count:
            self._patience.spend()
        return count

    def _told(self, data: bytes) -> bytes:
        if not data:
            self._patience.spend()
        return data


class Sink(io.RawIOBase):
    """The writing end of a pipe."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """That it is."""
        return True

    def write(self, piece: Any) -> int:
        """Take bytes."""
        self._pieces.append(bytes(piece))
        return len(piece)

    @property
    def content(self) -> bytes:
        """All that was written."""
        return b"".join(self._pieces)


def pipe(content: bytes) -> io.BufferedReader:
    """A pipe to read from, as standard input is one."""
    return io.BufferedReader(_Pipe(content))
