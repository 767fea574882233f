"""The stack of the machine that reads object arrays, and the values that go on it as they are."""

from __future__ import annotations

from typing import Any

from sketchkit.formats.npy import MAX_ROWS, ByteSource, Malformed
from sketchkit.formats.objectparts import Drawing

__all__ = ["Stack"]

#: numpy writes lists in batches of 1,000.
MAX_STACK = 2_000
#: The array's state, the list, a drawing's state, its type's state.
MAX_MARKS = 4
#: The longest tuple is the state of a type.
MAX_TUPLE = 8
#: The largest drawing, in bytes as Python 3 writes them in protocol 2: UTF-8 of Latin-1.
MAX_BLOB = MAX_ROWS * 3 * 8 * 2


class Stack:
    """Values and marks, both bounded, and the instructions that need nothing else.

    Args:
        source: what the instructions are read from.
    """

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self.stack: list[Any] = []
        self.marks: list[int] = []
        #: Bytes taken since the last drawing was handed out.
        self.blob_bytes = 0

    # --- the stack ------------------------------------------------------------------------------------

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        if len(self.stack) >= MAX_STACK:
            raise Malformed("too many values at once")
        self.stack.append(value)

    def pop(self) -> Any:
        """Take the last value above the last mark."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise Malformed("a value is missing")
        return self.stack.pop()

    def mark(self) -> None:
        """Remember how high the stack is."""
        if len(self.marks) >= MAX_MARKS:
            raise Malformed("tuples too deep")
        self.marks.append(len(self.stack))

    def pops(self, count: int) -> list[Any]:
        """Take the last values above the last mark, in the order they were pushed."""
        return [self.pop() for _ in range(count)][::-1]

    def pop_to_mark(self) -> list[Any]:
        """Take all values above the last mark, and the mark."""
        if not self.marks:
            raise Malformed("a mark is missing")
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    # --- plain values ---------------------------------------------------------------------------------

    def number(self, size: int, signed: bool = False) -> int:
        """Take a little-endian number."""
        return int.from_bytes(self.source.take(size), "little", signed=signed)

    def long(self) -> None:
        """Push one of Python 2's long numbers."""
        size = self.source.byte()
        if size > 8:
            raise Malformed("a number of more than 64 bits")
        self.push(self.number(size, signed=True))

    def blob(self, size: int) -> bytes:
        """Take bytes whose length comes first, as a number of `size` bytes."""
        length = self.number(size)
        self.blob_bytes += length
        if self.blob_bytes > MAX_BLOB:
            raise Malformed(f"more than {MAX_BLOB} bytes of data")
        return self.source.take(length)

    def text(self, size: int) -> None:
        """Push a text whose length comes first."""
        try:
            self.push(self.blob(size).decode())
        except UnicodeDecodeError:
            raise Malformed("text that is not UTF-8") from None

    def tuple(self, values: list[Any]) -> None:
        """Push a tuple."""
        if len(values) > MAX_TUPLE:
            raise Malformed("a tuple too long")
        for value in values:
            # numpy nests a shape in a state and no deeper; an array is never part of a tuple.
            if type(value) is Drawing or (type(value) is tuple and any(type(v) is tuple for v in value)):
                raise Malformed("tuples too deep")
        self.push(tuple(values))

    def frame(self) -> None:
        """Take the announcement of a frame; frames only help reading ahead."""
        if self.number(8) > self.source.left:
            raise Malformed("the data ends too early")
