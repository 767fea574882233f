"""How much the row groups of a Parquet file hold, as the end of the file tells it.

Arrow tells it as well, but ends the process where the facts of a column are missing.

Source: the compact protocol of Apache Thrift, and parquet.thrift of Apache Parquet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Column", "read_row_groups"]

# Types of the compact protocol.
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = (4, 5, 6)
# Fields of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData.
_ROW_GROUPS, _COLUMNS, _META_DATA, _NUM_VALUES, _COMPRESSED_SIZE = 4, 1, 3, 5, 7
_LONGEST_VARINT, _DEEPEST = 63, 16


@dataclass(frozen=True)
class Column:
    """A column of a row group.

    Args:
        values: how many it has.
        size: its bytes in the file.
    """

    values: int
    size: int


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
    return Column(int(facts[_NUM_VALUES]), int(facts[_COMPRESSED_SIZE]))


class _Compact:
    """Values one after another; an IndexError where the bytes end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

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
        self._at += length
        return None

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

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
