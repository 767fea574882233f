"""The bytes of files: their kind by the first of them, gzip, and pipes, all within bounds."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from typing import Any, BinaryIO, cast

from sketchkit.errors import FormatError
from sketchkit.files import GZIP_MAGIC

#: The most that is read from a pipe, which may lack an end.
MAX_PIPE_BYTES = 4 << 30
#: Packed drawings shrink to a tenth; unpacked ones may be so many times larger, and so many bytes more.
MAX_RATIO, SLACK = 200, 64 << 20

#: The bytes that tell the kind of a file.
SIGNATURE_BYTES = 64

_TRACE = "trace it to SVG first"
_UNPACK = "unpack it first"
_SAVE = "save or export it as SVG first"
#: First bytes, the kind of file, the advice, and the suffixes of the formats that usually begin so.
_SIGNATURES: tuple[tuple[bytes, str, str, tuple[str, ...]], ...] = (
    (b"\x89PNG", "a PNG image", _TRACE, ()),
    (b"\xff\xd8\xff", "a JPEG image", _TRACE, ()),
    (b"GIF8", "a GIF image", _TRACE, ()),
    (b"BM", "a BMP image", _TRACE, ()),
    (b"II*\0", "a TIFF image", _TRACE, ()),
    (b"MM\0*", "a TIFF image", _TRACE, ()),
    (b"\0\0\1\0", "an ICO image", _TRACE, ()),
    (b"8BPS", "a Photoshop image", _TRACE, ()),
    (b"%PDF", "a PDF document", _SAVE, ()),
    (b"%!PS", "a PostScript document", _SAVE, ()),
    (b"\xd0\xcf\x11\xe0", "an Office document", _SAVE, ()),
    (b"\x1f\x8b", "a gzip file", "unpack it with gunzip first", (".ndjson",)),
    (b"BZh", "a bzip2 file", _UNPACK, ()),
    (b"\xfd7zXZ", "an xz file", _UNPACK, ()),
    (b"\x28\xb5\x2f\xfd", "a zstd file", _UNPACK, ()),
    (b"7z\xbc\xaf", "a 7z archive", _UNPACK, ()),
    (b"PK\x03\x04", "a zip archive", _UNPACK, (".npz",)),
    (b"\x93NUMPY", "a numpy array", "save drawings as npz", (".npz",)),
    (b"<!doctype html", "an HTML page", _SAVE, ()),
    (b"<html", "an HTML page", _SAVE, (".svg",)),
    (b"<svg", "SVG", "give it the suffix .svg", (".svg",)),
    (b"<?xml", "XML", "give SVG the suffix .svg", (".svg",)),
    (b"{", "JSON text", "lines of drawings have the suffix .ndjson", (".ndjson",)),
    (b"[", "JSON text", "lines of drawings have the suffix .ndjson", (".ndjson",)),
)
#: The same inside a container: at byte 4 or 8.
_BRANDS = {
    b"WEBP": "a WebP image",
    b"avif": "an AVIF image",
    b"heic": "a HEIC image",
    b"mif1": "a HEIC image",
}


def kind_of_bytes(head: bytes, suffix: str) -> str | None:
    """The kind of file that begins with some bytes, and advice; `None` if unknown, or if it fits the suffix.

    Args:
        head: the first `SIGNATURE_BYTES` of the file, or all of it.
        suffix: of the format that the file should be of.
    """
    if head[:4] == b"RIFF" or head[4:8] == b"ftyp":
        brand = _BRANDS.get(head[8:12])
        return None if brand is None else f"{brand}: {_TRACE}"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for start, kind, advice, usual in _SIGNATURES:
        if head.startswith(start) or (start[:1] in b"<{[" and text.startswith(start)):
            return None if suffix in usual else f"{kind}: {advice}"
    return None


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


def pack(stream: BinaryIO) -> BinaryIO:
    """A stream whose content arrives packed in another; the same content gives the same bytes."""
    return cast(BinaryIO, gzip.GzipFile("", "wb", fileobj=stream, mtime=0))


def unpack(stream: Any, name: str) -> BinaryIO:
    """A stream of the content of one or several gzip files, one after the other.

    Args:
        stream: the packed bytes from the start; only its `read` is used.
        name: the file's, for an error.

    Returns:
        A stream that cannot seek. Reading from it raises `FormatError` where the data are damaged or come to
        absurdly more than their packed size.
    """
    return io.BufferedReader(_Unpacked(stream, name), 1 << 16)


def bound(stream: BinaryIO, name: str) -> BinaryIO:
    """A stream of at most `MAX_PIPE_BYTES`.

    Args:
        stream: returned as it is if it is a file's, which has an end.
        name: the stream's, for an error.

    Returns:
        A stream whose reading raises a `FormatError` beyond the limit.
    """
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except OSError:  # in memory
        return stream
    return stream if stat.S_ISREG(mode) else io.BufferedReader(_Pipe(stream, name))


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
            fault = "not compressed with gzip, though its name says so" if bare else "damaged"
            raise FormatError(f"{self._name}: the file is {fault}") from error
        self._count += len(data)
        packed = self._packed.count
        if self._count > MAX_RATIO * packed + SLACK:
            raise FormatError(f"{self._name}: absurdly large: {packed} bytes hold more than {self._count}")
        buffer[: len(data)] = data
        return len(data)


class _Pipe(io.RawIOBase):
    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream, self._name, self._left = stream, name, MAX_PIPE_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read1(len(buffer))  # type: ignore[attr-defined]
        self._left -= len(data)
        if self._left < 0:
            raise FormatError(f"{self._name}: more than {MAX_PIPE_BYTES} bytes")
        buffer[: len(data)] = data
        return len(data)
