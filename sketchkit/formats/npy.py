"""The .npy container, read a piece at a time: a header in ASCII, then numbers or a pickle."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Rows of one drawing; the longest published ones have a few thousand.
MAX_ROWS = 100_000
#: numpy pads its headers to 64 or 128 bytes for the arrays in question.
MAX_HEADER_BYTES = 1_024

#: The types of number a drawing may be made of, by their name in files.
NUMBERS = {
    code: np.dtype(code) for code in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8")
}

_CHUNK = 1 << 16
# numpy sorts the keys and Python 2 writes its long integers with an L. A pattern instead of an evaluation.
_HEADER = re.compile(
    rb"\{'descr': '([<>|])(\w{1,3})', 'fortran_order': (True|False), 'shape': \(([0-9L, ]{0,60})\), ?\} *\n?"
)


class Malformed(Exception):
    """A fault in the data; the message lacks the file's name."""


class ByteSource:
    """Bytes taken one after the other from something that yields them in chunks.

    Args:
        read: takes a number of bytes and returns at most as many, b"" at the end.
        size: how many bytes there are, as the container says.
    """

    __slots__ = ("_buffer", "_position", "_read", "_unread")

    def __init__(self, read: Callable[[int], bytes], size: int) -> None:
        self._read = read
        self._unread = size
        self._buffer = b""
        self._position = 0

    @property
    def remaining(self) -> int:
        """How many bytes are still to be taken."""
        return self._unread + len(self._buffer) - self._position

    def take(self, count: int) -> bytes:
        """The next `count` bytes.

        Raises:
            Malformed: there are fewer.
        """
        end = self._position + count
        if end > len(self._buffer):
            self._fill(count)
            end = count
        out = self._buffer[self._position : end]
        self._position = end
        return out

    def byte(self) -> int:
        """The next byte as a number."""
        position = self._position
        if position >= len(self._buffer):
            self._fill(1)
            position = 0
        self._position = position + 1
        return self._buffer[position]

    def line(self, limit: int) -> bytes:
        """The bytes up to a line feed, which is dropped; at most `limit`."""
        out = bytearray()
        while (byte := self.byte()) != 0x0A:
            out.append(byte)
            if len(out) > limit:
                raise Malformed("a line is too long")
        return bytes(out)

    def finish(self) -> None:
        """Refuse further bytes; reaching the end also checks the container's checksum."""
        if self.remaining:
            raise Malformed(f"{self.remaining} bytes follow the array")
        if self._read(1):
            raise Malformed("more bytes than announced")

    def _fill(self, count: int) -> None:
        if count > self.remaining:
            raise Malformed("the data ends too early")
        parts = [self._buffer[self._position :]]
        have = len(parts[0])
        while have < count:
            part = self._read(min(self._unread, max(_CHUNK, count - have)))
            if not part:
                raise Malformed("the data ends too early")
            self._unread -= len(part)
            have += len(part)
            parts.append(part)
        self._buffer, self._position = b"".join(parts), 0


@dataclass(frozen=True)
class Header:
    """The facts in a .npy header: the type of number (`None` for objects), the shape, the order."""

    dtype: np.dtype[Any] | None
    shape: tuple[int, ...]
    fortran: bool


def read_header(source: ByteSource) -> Header:
    """Take the header of a .npy file.

    Raises:
        Malformed: another header, or a type that is not a number.
    """
    magic = source.take(8)
    if magic[:6] != b"\x93NUMPY" or magic[7] != 0 or magic[6] not in (1, 2, 3):
        raise Malformed("not a .npy array")
    length = int.from_bytes(source.take(2 if magic[6] == 1 else 4), "little")
    if length > MAX_HEADER_BYTES:
        raise Malformed(f"a header of {length} bytes")
    match = _HEADER.fullmatch(source.take(length))
    if match is None:
        raise Malformed("a header that is not one of a plain array")
    order, code, fortran, sizes = match.groups()
    try:
        shape = tuple(int(size.strip().removesuffix(b"L")) for size in sizes.split(b",") if size.strip())
    except ValueError:
        raise Malformed("a header with a bad shape") from None
    # An empty array may be of any type.
    numbers = (b"<", b"f8") if 0 in shape and code != b"O" else (order, code)
    return Header(_dtype(*(part.decode("ascii", "replace") for part in numbers)), shape, fortran == b"True")


def check_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many drawings an array holds, and how many rows each of them.

    Args:
        shape: [B, N, 3]; an empty array of another shape than [B, 0, 3] holds 0 drawings.

    Raises:
        Malformed: another shape, or too many rows.
    """
    if 0 in shape and shape[1:] != (0, 3):
        return 0, 0
    if len(shape) != 3 or shape[2] != 3:
        raise Malformed(f"an array of the shape {list(shape)}, neither drawings nor [B, N, 3]")
    if shape[1] > MAX_ROWS:
        raise Malformed(f"drawings of {shape[1]} rows; at most {MAX_ROWS} are read")
    if not shape[1] and shape[0] > MAX_ROWS:
        raise Malformed(f"{shape[0]} drawings without rows")
    return shape[0], shape[1]


def numeric_drawings(source: ByteSource, header: Header) -> Iterator[Array]:
    """The drawings of a plain array of numbers [B, N, 3], one at a time.

    Raises:
        Malformed: another shape, or a wrong number of bytes.
    """
    dtype = header.dtype
    assert dtype is not None
    count, rows = check_shape(header.shape)
    size = rows * 3 * dtype.itemsize
    if source.remaining != count * size:
        raise Malformed(f"{source.remaining} bytes for an array of the shape {list(header.shape)}")
    if header.fortran and size:
        yield from _fortran_drawings(source, dtype, header.shape)
        return
    for _ in range(count):
        yield np.frombuffer(source.take(size), dtype).reshape(rows, 3)


def _fortran_drawings(source: ByteSource, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Iterator[Array]:
    """The drawings of an array in Fortran order, copied to a file since each is scattered over all of it."""
    with tempfile.TemporaryFile() as copy:
        while source.remaining:
            copy.write(source.take(min(source.remaining, _CHUNK)))
        copy.flush()
        whole = np.memmap(copy, dtype, "r", shape=shape, order="F")
        at_once = max(1, _CHUNK // (shape[1] * 3 * dtype.itemsize))
        for first in range(0, shape[0], at_once):
            yield from np.array(whole[first : first + at_once], order="C")


def _dtype(order: str, code: str) -> np.dtype[Any] | None:
    if order == "|" and code == "O":
        return None
    dtype = NUMBERS.get(code)
    if dtype is None or (order == "|") != (dtype.itemsize == 1):
        raise Malformed(f"an array of type {order + code!r}, not of numbers")
    return dtype if order == "|" else np.dtype(order + code)
