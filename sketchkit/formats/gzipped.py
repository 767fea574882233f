"""Files that gzip has packed: their names, and their content within bounds."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from typing import Any, BinaryIO, cast

from sketchkit.errors import FormatError
from sketchkit.files import GZIP_MAGIC

__all__ = ["is_packed", "packing", "stem_of", "suffix_of", "unpacked"]

#: Packed drawings shrink to a tenth; what comes out may be so many times larger, and so many bytes more.
MAX_RATIO, SLACK = 200, 64 << 20


def suffix_of(path: str | os.PathLike[str]) -> str:
    """The suffix of a file's name as it is written; of a packed file both suffixes, as in `.ndjson.gz`."""
    root, suffix = os.path.splitext(os.fspath(path))
    return os.path.splitext(root)[1] + suffix if suffix.lower() == ".gz" else suffix


def stem_of(path: str | os.PathLike[str]) -> str:
    """The name of a file without folder and suffix."""
    return os.path.basename(os.fspath(path)).removesuffix(suffix_of(path))


def is_packed(stream: BinaryIO) -> bool:
    """Whether gzip's mark comes next in a stream; False where a stream cannot be looked into."""
    peek = getattr(stream, "peek", None)
    return peek is not None and bytes(peek(2)).startswith(GZIP_MAGIC)


def packing(stream: BinaryIO) -> BinaryIO:
    """A stream whose content arrives packed in another; the same content gives the same bytes."""
    return cast(BinaryIO, gzip.GzipFile("", "wb", fileobj=stream, mtime=0))


def unpacked(stream: Any, name: str) -> BinaryIO:
    """A stream of what gzip has packed, one file or several one after the other.

    Args:
        stream: the packed bytes from the start; only its `read` is used.
        name: what to call the file in an error.

    Returns:
        A stream that cannot seek. Reading from it raises `FormatError` where the data are damaged or come to
        absurdly more than their packed size.
    """
    return io.BufferedReader(_Unpacked(stream, name), 1 << 16)


class _Counted:
    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.count = 0

    def read(self, count: int = -1) -> bytes:
        data: bytes = self._stream.read(count)
        self.count += len(data)
        return data


class _Unpacked(io.RawIOBase):
    def __init__(self, stream: Any, name: str) -> None:
        self._packed, self._name = _Counted(stream), name
        self._content = gzip.GzipFile(fileobj=cast(BinaryIO, self._packed), mode="rb")
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._content.read1(len(buffer))
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            bare = isinstance(error, gzip.BadGzipFile) and not self._count
            what = "not compressed with gzip, though its name says so" if bare else "damaged"
            raise FormatError(f"{self._name}: the file is {what}") from error
        self._count += len(data)
        if self._count > MAX_RATIO * self._packed.count + SLACK:
            packed = self._packed.count
            raise FormatError(f"{self._name}: absurdly large: {packed} bytes hold more than {self._count}")
        buffer[: len(data)] = data
        return len(data)
