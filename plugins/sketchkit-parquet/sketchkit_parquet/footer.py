"""How much the row groups of a Parquet file hold, as the end of the file and the heads of pages tell it.

Arrow tells the first as well, but ends the process where the facts of a column are missing. It takes the
second for true, and memory for it.

Source: the compact protocol of Apache Thrift, and parquet.thrift of Apache Parquet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

__all__ = ["Column", "read_pages", "read_row_groups"]

# Types of the compact protocol.
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = (4, 5, 6)
# Fields of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData.
_ROW_GROUPS, _COLUMNS, _META_DATA, _NUM_VALUES, _COMPRESSED_SIZE = 4, 1, 3, 5, 7
_DATA_OFFSET, _DICTIONARY_OFFSET = 9, 11
# Fields of PageHeader, whose last ones are data pages of two versions; they begin with the number of values.
_UNPACKED_BYTES, _PACKED_BYTES, _DATA_PAGES = 2, 3, (5, 8)
# Bytes of the head of a page, and of a long one: it may hold the least and the greatest value.
_HEAD_BYTES = (512, 1 << 16)
_LONGEST_VARINT, _DEEPEST = 63, 16


@dataclass(frozen=True)
class Column:
    """A column of a row group.

    Args:
        values: how many it has.
        size: its bytes in the file.
        start: the place of the first.
    """

    values: int
    size: int
    start: int


def read_row_groups(footer: bytes) -> Iterator[list[Column]]:
    """Yield the columns of each row group.

    Args:
        footer: the FileMetaData of a file.

    Raises:
        ValueError: it is damaged.
    """
    reader = _Compact(footer)
    try:
        for field, kind in reader.fields():
            if field == _ROW_GROUPS and kind == _LIST:
                for _ in range(reader.list_head()[0]):
                    yield [_column(each) for each in reader.struct(0)[_COLUMNS]]
            else:
                reader.value(kind)
    except (IndexError, KeyError, TypeError) as error:
        raise ValueError("the facts of a column are missing") from error


def _column(chunk: dict[int, Any]) -> Column:
    facts = chunk[_META_DATA]
    start = min(int(facts[_DATA_OFFSET]), int(facts.get(_DICTIONARY_OFFSET) or facts[_DATA_OFFSET]))
    return Column(int(facts[_NUM_VALUES]), int(facts[_COMPRESSED_SIZE]), start)


def read_pages(stream: BinaryIO, column: Column) -> Iterator[tuple[int, int]]:
    """Yield the number of values of each page of a column, 0 of a dictionary, and its bytes when unpacked.

    Raises:
        ValueError: a head is damaged.
    """
    at, end = column.start, column.start + column.size
    while at < end:
        try:
            head, length = _read_head(stream, at)
            size, unpacked = head[_PACKED_BYTES], head[_UNPACKED_BYTES]
            values = sum(head[field][1] for field in _DATA_PAGES if field in head)
        except (IndexError, KeyError, TypeError) as error:
            raise ValueError("the head of a page is damaged") from error
        if min(size, unpacked, values) < 0:
            raise ValueError("a page has less than nothing")
        yield values, unpacked
        at += length + size


def _read_head(stream: BinaryIO, at: int) -> tuple[dict[int, Any], int]:
    """The head of a page, and its length."""
    for most in _HEAD_BYTES:
        stream.seek(at)
        reader = _Compact(stream.read(most))
        try:
            return reader.struct(0), reader.at
        except IndexError:
            continue
    raise ValueError("the head of a page is damaged")


class _Compact:
    """Values one after another; an IndexError where the bytes end."""

    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def fields(self) -> Iterator[tuple[int, int]]:
        """Number and type of each field of a struct, whose value is to be read."""
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            yield number, head & 15

    def list_head(self) -> tuple[int, int]:
        """Length and type of a list."""
        head = self._byte()
        return (self._varint() if head >> 4 == 15 else head >> 4), head & 15

    def struct(self, depth: int) -> dict[int, Any]:
        """Values by the numbers of their fields."""
        return {number: self.value(kind, depth) for number, kind in self.fields()}

    def value(self, kind: int, depth: int = 0) -> Any:
        """A value; text and floating-point numbers are passed over."""
        if depth > _DEEPEST:
            raise ValueError("the facts lie too deep")
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind in _INTEGERS:
            return self._integer()
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in (_LIST, _SET):
            length, kind = self.list_head()
            of = _BYTE if kind in (_TRUE, _FALSE) else kind
            return [self.value(of, depth + 1) for _ in range(length)]
        if kind not in (_BYTE, _DOUBLE, _BINARY):
            raise ValueError(f"facts of the unknown type {kind}")
        length = {_BYTE: 1, _DOUBLE: 8}.get(kind) or self._varint()
        self.at += length
        return None

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, _LONGEST_VARINT + 1, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("a number is too long")

    def _integer(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)
