"""Drawings from Parquet, also from files that DuckDB or pandas wrote, batch by batch."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sketchkit.errors import FormatError, InputError
from sketchkit.sketch import Sketch
from sketchkit_parquet.footer import Column, read_pages, read_row_groups
from sketchkit_parquet.schemas import DRAWINGS, GROUP_POINTS, GROUP_ROWS, STROKES

__all__ = ["DrawingFile", "open_parquet"]

#: The most numbers of a column of a row group: what a million drawings of a hundred points have.
MAX_NUMBERS = 1 << 27
#: Drawings take about two bytes a number; a column may take a byte for so many, and has so many more.
MAX_RATIO, SLACK = 1000, 1 << 21
#: Of the end of the file, which lists row groups and columns.
MAX_TEXT_BYTES, MAX_ITEMS = 1 << 26, 1 << 20


#: Of a page, unpacked: those that Arrow, DuckDB and pandas write have about a million bytes.
MAX_PAGE_BYTES = 1 << 28
#: The last bytes: the size of what is before them, and the signature.
_TAIL = 8


@contextmanager
def open_parquet(stream: BinaryIO, name: str) -> Iterator[DrawingFile]:
    """A Parquet file of drawings.

    Args:
        stream: bytes; what cannot seek is copied to a temporary file.
        name: the file's, for an error.

    Raises:
        FormatError: another kind of file, or other columns; also what is damaged, as the block comes to it.
    """
    with tempfile.TemporaryFile() as copy, _explain_arrow(name):
        if not stream.seekable():
            shutil.copyfileobj(stream, copy)
            stream = copy
        file = pq.ParquetFile(
            pa.PythonFile(stream, "r"),
            pre_buffer=False,
            buffer_size=1 << 16,
            thrift_string_size_limit=MAX_TEXT_BYTES,
            thrift_container_size_limit=MAX_ITEMS,
            page_checksum_verification=True,
        )
        if "strokes" not in file.schema_arrow.names:
            raise FormatError(f"{name}: a table without a column 'strokes' holds no drawings")
        yield DrawingFile(stream, file, name)


@dataclass(frozen=True)
class DrawingFile:
    """A file of drawings.

    Args:
        stream: its bytes.
        file: is open.
        name: for an error.
    """

    stream: BinaryIO
    file: pq.ParquetFile
    name: str

    def __len__(self) -> int:
        """How many drawings."""
        return int(self.file.metadata.num_rows)

    def read(self, first: int) -> Iterator[Sketch]:
        """The drawings from a number on.

        Raises:
            FormatError: a drawing that is damaged or has other types, or too large a row group.
        """
        columns = [column for column in DRAWINGS.names if column in self.file.schema_arrow.names]
        start = 0
        for group, here in enumerate(self._row_groups()):
            rows = self.file.metadata.row_group(group).num_rows
            if start + rows > first:
                self._check(here, f"{self.name}: row group {group}")
                size, at = _batch_size(rows, here), start
                for batch in self.file.iter_batches(size, [group], columns, use_threads=False):
                    yield from _sketches(batch, f"{self.name}: drawing", at, max(0, first - at))
                    at += len(batch)
            start += rows

    def _row_groups(self) -> Iterator[list[Column]]:
        """The columns of each row group."""
        size = self.file.metadata.serialized_size
        self.stream.seek(-size - _TAIL, os.SEEK_END)
        try:
            yield from read_row_groups(self.stream.read(size))
        except ValueError as error:
            raise FormatError(f"{self.name}: the end of the file is damaged: {error}") from error

    def _check(self, columns: list[Column], name: str) -> None:
        """Refuse a row group that would not fit into memory, or whose pages hold more than the file says."""
        for column in columns:
            if column.values > min(MAX_NUMBERS, SLACK + MAX_RATIO * max(0, column.size)):
                raise FormatError(f"{name}: absurdly large: {column.values} values in {column.size} bytes")
            left = column.values
            try:
                for values, size in read_pages(self.stream, column):
                    left -= values
                    if left < 0 or size > MAX_PAGE_BYTES:
                        raise FormatError(f"{name}: a page holds more than the end of the file says")
            except ValueError as error:
                raise FormatError(f"{name}: {error}") from error


def _batch_size(rows: int, columns: list[Column]) -> int:
    """How many rows to read at once."""
    most = max(column.values for column in columns)
    return max(1, min(GROUP_ROWS, GROUP_POINTS * rows // max(1, most)))


def _sketches(batch: pa.RecordBatch, name: str, at: int, first: int) -> Iterator[Sketch]:
    """The drawings of a batch from one on; the batch begins with drawing `at`."""
    strokes = batch["strokes"].cast(STROKES)
    keys, labels = (_texts(batch, column) for column in ("key", "label"))
    ended = batch["ended"].to_pylist() if "ended" in batch.schema.names else [True] * len(batch)
    try:
        drawings = iter(_drawings(strokes[first:]))
    except FormatError:  # of one of them, which is found below
        drawings = (_drawings(strokes[row : row + 1])[0] for row in range(first, len(batch)))
    for row in range(first, len(batch)):
        try:
            lines = next(drawings)
            yield Sketch.from_polylines(lines, ended=bool(ended[row]), label=labels[row], key=keys[row])
        except InputError as error:
            raise FormatError(f"{name} {at + row}: {error}") from error


def _texts(batch: pa.RecordBatch, name: str) -> list[str | None]:
    if name not in batch.schema.names:
        return [None] * len(batch)
    found: list[str | None] = batch[name].cast(pa.string()).to_pylist()
    return found


def _drawings(drawings: pa.ListArray) -> list[list[np.ndarray[Any, Any]]]:
    """The strokes of some drawings, [n, 2] each."""
    strokes = drawings.flatten()
    x, y = (pc.struct_field(strokes, name) for name in ("x", "y"))
    flat = [column.flatten() for column in (x, y)]
    if any(part.null_count for part in (drawings, strokes, x, y, *flat)):
        raise FormatError("a stroke or a number is missing")
    lengths = x.value_lengths()
    if not lengths.equals(y.value_lengths()):
        raise FormatError("a stroke has columns of several lengths")
    points = np.stack([column.to_numpy() for column in flat], axis=1)
    ends = [0, *np.cumsum(lengths.to_numpy()).tolist()]
    lines = [points[start:end] for start, end in itertools.pairwise(ends)]
    found = [0, *np.cumsum(drawings.value_lengths().to_numpy()).tolist()]
    return [lines[start:end] for start, end in itertools.pairwise(found)]


@contextmanager
def _explain_arrow(name: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the system, not of the content
        raise FormatError(f"{name}: {str(error).splitlines()[0]}") from error
