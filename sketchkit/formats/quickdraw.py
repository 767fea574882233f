"""Quick, Draw!: one JSON object a line, raw or simplified, and the packed binary form of the simplified.

Source: the README of github.com/googlecreativelab/quickdraw-dataset.
"""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, ClassVar

import numpy as np
import numpy.typing as npt

from sketchkit.errors import FormatError, InputError
from sketchkit.files import utf8_text
from sketchkit.geometry import fit
from sketchkit.options import option
from sketchkit.sketch import Sketch

__all__ = ["BinFormat", "NdjsonFormat", "read_records"]

Float64 = npt.NDArray[np.float64]

#: The longest line read; a raw drawing takes a few thousand bytes.
MAX_LINE_BYTES = 4 << 20
#: Points of one packed drawing; the format itself would allow four thousand million.
MAX_POINTS = 1_000_000

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Where files are put one after the other, a byte-order mark may begin a line, or a record in it. Within JSON
# text a brace followed by a mark can only stand in a string, and then a brace or an end cannot follow.
_BETWEEN = re.compile(rb"(?:^|(?<=\}))(?:\xef\xbb\xbf)+(?=\s*(?:\{|$))")


@dataclass(frozen=True)
class NdjsonFormat:
    """Drawings as lines of JSON, `{"word": ..., "key_id": ..., "drawing": [[xs, ys], ...]}`.

    Reading takes raw strokes `[xs, ys, ts]` as well and uses the first two columns only; places on the page
    stay. Lines end in LF, CR or both. A name that ends in `.ndjson.gz` means a file packed with gzip.
    `word` becomes the label, `key_id` the key; both may be missing. Every drawing counts as finished.

    Args:
        decimals: places after the point that writing keeps, 0 to 9; whole numbers are written as such.

    Raises:
        InputError: decimals out of range.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".ndjson", ".ndjson.gz")

    decimals: int = option(3, "places after the point when writing", low=0, high=9)

    def __post_init__(self) -> None:
        if not 0 <= self.decimals <= 9:
            raise InputError(f"decimals must be 0 to 9, got {self.decimals}")

    def read(self, stream: BinaryIO, name: str, first: int = 0) -> Iterator[Sketch]:
        """Yield the drawings, one a line; blank lines are skipped.

        Args:
            stream: bytes from the start; may be a pipe.
            name: the file's, for an error.
            first: the number of the first drawing, from 0; those before it are passed over unread.

        Raises:
            FormatError: one line that begins with `name` and gives the number of the line.
        """
        for _, sketch in read_records(stream, name, first):
            yield sketch

    def count(self, stream: BinaryIO, name: str) -> int:
        """Count the drawings, which are not read.

        Raises:
            FormatError: a line that is too long, or a file that is not text.
        """
        return sum(1 for _ in _records(stream, name))

    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        """Write one line a drawing, with its points where they are on the page.

        Args:
            sketches: the drawings.
            stream: where to write.
        """
        import orjson

        for sketch in sketches:
            record: dict[str, Any] = {}
            if sketch.label is not None:
                record["word"] = sketch.label
            if sketch.key is not None:
                record["key_id"] = sketch.key
            record["drawing"] = [self._columns(line) for line in sketch.to_polylines()]
            try:
                stream.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
            except orjson.JSONEncodeError as error:
                raise FormatError(f"a label or a key cannot be written as JSON: {error}") from error

    def _columns(self, line: Float64) -> list[list[float]]:
        rounded = np.round(line, self.decimals) + 0.0
        # Beyond 2**53 floats lack fractions, and JSON readers may lack such integers.
        whole = (rounded == np.rint(rounded)) & (np.abs(rounded) < 2**53)
        if whole.all():
            return rounded.astype(np.int64).T.tolist()  # type: ignore[no-any-return]
        return [
            [int(v) if w else v for v, w in zip(column, flags, strict=True)]
            for column, flags in zip(rounded.T.tolist(), whole.T.tolist(), strict=True)
        ]


def read_records(stream: BinaryIO, name: str, first: int = 0) -> Iterator[tuple[bytes, Sketch]]:
    """The drawings of an ndjson file, each with the text that it was read from.

    Args:
        stream: bytes from the start; may be a pipe.
        name: the file's, for an error.
        first: the number of the first drawing, from 0.

    Raises:
        FormatError: one line that begins with `name` and gives the number of the line.
    """
    for number, record in itertools.islice(_records(stream, name), first, None):
        try:
            sketch = _from_record(record)
        except InputError as error:
            raise FormatError(f"{name}: line {number}: {error}") from error
        yield record, sketch


def _records(stream: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """The text of each drawing, and the number of its line, from 1."""
    for number, line in enumerate(_lines(stream), 1):
        if len(line) > MAX_LINE_BYTES:
            raise FormatError(f"{name}: line {number}: longer than {MAX_LINE_BYTES} bytes")
        if number == 1:
            try:
                utf8_text(line)
            except FormatError as error:
                raise FormatError(f"{name}: {error}") from None
        for record in _BETWEEN.split(line) if _BYTE_ORDER_MARK in line else (line,):
            if record.strip():
                yield number, record


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines as they come, without their ends; one that is too long is the last."""
    rest = b""
    while len(rest) <= MAX_LINE_BYTES and (data := stream.readline(MAX_LINE_BYTES + 1)):
        *lines, rest = (rest + data).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        yield from lines
    yield rest


def _from_record(line: bytes) -> Sketch:
    import orjson

    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise FormatError(f"not JSON: {error.msg} at column {error.colno}") from error
    if not isinstance(record, dict):
        raise FormatError("not a JSON object")
    if not isinstance(record.get("drawing"), list):
        raise FormatError("no list of strokes under 'drawing'")
    lines = [_stroke(stroke, index) for index, stroke in enumerate(record["drawing"])]
    label, key = _text(record, "word"), _text(record, "key_id")
    return Sketch.from_polylines(lines, ended=True, label=label, key=key)


def _stroke(stroke: Any, index: int) -> Float64:
    """The first two columns of [xs, ys, ...] as a line [n, 2]."""
    columns = stroke[:2] if isinstance(stroke, list) else []
    if len(columns) != 2 or not all(type(column) is list for column in columns):
        raise FormatError(f"stroke {index} is not [xs, ys] or [xs, ys, times]")
    xs, ys = columns
    if len(xs) != len(ys):
        raise FormatError(f"stroke {index} has columns of {len(xs)} and {len(ys)} numbers")
    if not {int, float}.issuperset(map(type, xs + ys)):
        raise FormatError(f"stroke {index} holds something that is not a number")
    return np.array(columns, np.float64).T


def _text(record: dict[str, Any], name: str) -> str | None:
    value = record.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise FormatError(f"{name!r} is not a text")
    return value


@dataclass(frozen=True)
class BinFormat:
    """Drawings in Quick, Draw!'s packed form: whole coordinates from 0 to 255, one byte each.

    `key_id` becomes the key; the label is lost. Every drawing counts as finished.

    Args:
        fit: bring a drawing that has other coordinates into this form when writing: moved to (0, 0), scaled
            so that its longer side is 255, and rounded. Its place and its size on the page are lost. Such a
            drawing is refused where this is false.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".bin",)

    fit: bool = option(True, "move, scale and round drawings with other coordinates when writing")

    #: key_id, country code, recognized, timestamp, number of strokes
    _HEAD: ClassVar[struct.Struct] = struct.Struct("<Q2sbIH")
    _COUNT: ClassVar[struct.Struct] = struct.Struct("<H")

    def read(self, stream: BinaryIO, name: str) -> Iterator[Sketch]:
        """Yield the drawings, one at a time.

        Args:
            stream: bytes from the start; may be a pipe.
            name: the file's, for an error.

        Raises:
            FormatError: one line that begins with `name` and gives the number of the drawing, from 0.
        """
        for index in itertools.count():
            try:
                sketch = self._next(stream)
            except InputError as error:
                raise FormatError(f"{name}: drawing {index}: {error}") from error
            if sketch is None:
                return
            yield sketch

    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        """Write drawings, those whose coordinates are whole numbers from 0 to 255 as they are.

        A key that is a number is kept as `key_id`, another becomes 0; the country is ZZ, the time 0 and
        `recognized` 0.

        Args:
            sketches: the drawings; `quickdraw_simplify` makes them as small as Quick, Draw!'s own.
            stream: where to write.

        Raises:
            FormatError: other coordinates where `fit` is false, or more strokes or points than fit.
        """
        for index, sketch in enumerate(sketches):
            lines = self._lines(sketch, index)
            if len(lines) > 0xFFFF:
                raise FormatError(f"drawing {index}: {len(lines)} strokes; a .bin file holds 65535 at most")
            parts = [self._HEAD.pack(_key_number(sketch.key), b"ZZ", 0, 0, len(lines))]
            for line in lines:
                if len(line) > 0xFFFF:
                    raise FormatError(f"drawing {index}: {len(line)} points in a stroke; at most 65535 fit")
                parts += [self._COUNT.pack(len(line)), line.T.astype(np.uint8).tobytes()]
            stream.write(b"".join(parts))

    def _lines(self, sketch: Sketch, index: int) -> list[Float64]:
        """The strokes in whole coordinates from 0 to 255."""
        lines = sketch.to_polylines()
        if all(((line >= 0) & (line <= 255) & (line == np.rint(line))).all() for line in lines):
            return lines
        if not self.fit:
            raise FormatError(
                f"drawing {index}: without fit, a .bin file holds only whole coordinates 0 to 255"
            )
        return [np.rint(line) for line in fit(lines, 255.0)]

    def _next(self, stream: BinaryIO) -> Sketch | None:
        head = _up_to(stream, self._HEAD.size)
        if not head:
            return None
        if len(head) < self._HEAD.size:
            raise FormatError("the file ends within it")
        key, _, recognized, _, strokes = self._HEAD.unpack(head)
        if recognized not in (0, 1):
            raise FormatError(f"not a packed drawing: 'recognized' is {recognized}")
        lines, points = [], 0
        for _ in range(strokes):
            (count,) = self._COUNT.unpack(_exactly(stream, self._COUNT.size))
            points += count
            if points > MAX_POINTS:
                raise FormatError(f"more than {MAX_POINTS} points")
            lines.append(np.frombuffer(_exactly(stream, 2 * count), np.uint8).reshape(2, count).T)
        return Sketch.from_polylines(lines, ended=True, key=str(key))


def _key_number(key: str | None) -> int:
    if key is None or not (key.isascii() and key.isdecimal() and len(key) <= 20):
        return 0
    number = int(key)
    return number if number < 2**64 else 0


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = _up_to(stream, count)
    if len(data) < count:
        raise FormatError("the file ends within it")
    return data


def _up_to(stream: BinaryIO, count: int) -> bytes:
    """`count` bytes, or fewer at the end; a pipe may give them in pieces."""
    data = stream.read(count)
    while len(data) < count and (more := stream.read(count - len(data))):
        data += more
    return data
