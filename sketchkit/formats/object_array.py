"""Reading numpy's arrays of arrays without unpickling them.

The published sketch-rnn files hold such arrays, and numpy stores them as pickles: little programs that may
call any function. Here they run on a machine which knows only the few instructions numpy writes, which can
make text, numbers and arrays of numbers, and which refuses all else. It hands out each drawing
as soon as it is complete and keeps a bounded number of them.

Of drawings of one length numpy makes a block [B, N, 3] whose elements are numbers, each an object of its own.

Understood are protocols 2 to 5, as written by Python 2 and 3 and by numpy up to version 2.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sketchkit.formats import object_values as values
from sketchkit.formats.npy import MAX_ROWS, Array, ByteSource, Malformed
from sketchkit.formats.object_values import Drawing, ElementList, ElementType, Name

#: Names and types remembered; numpy refers back to some thirty.
MAX_MEMO = 1_024
#: Numbers of numpy remembered, the first ones: one that stands for a lift may be the same object all over.
MAX_NUMBERS = 100_000
#: Bytes of drawings that may be referred to again: a pickle names a repeated object instead of repeating it.
KEPT_BYTES = 32 << 20
#: The cost of a kept drawing beyond its bytes.
KEPT_OVERHEAD = 256
#: numpy writes lists in batches of 1,000.
MAX_STACK = 2_000
#: The array's state, the list, a drawing's state, its type's state.
MAX_MARKS = 4
#: The longest tuple is the state of a type.
MAX_TUPLE = 8
#: The largest drawing, in bytes as Python 3 writes them in protocol 2: UTF-8 of Latin-1.
MAX_BLOB = MAX_ROWS * 3 * 8 * 2


def read_object_array(source: ByteSource, shape: tuple[int, ...]) -> Iterator[Array]:
    """Take the pickle of an object array of drawings.

    Args:
        source: the bytes after the .npy header.
        shape: as the header announces it: [B] drawings, [B, N, 3] numbers, or () for a lone `None`, which is
            zero drawings.

    Yields:
        Arrays [N, 3], N <= 100,000, of the type they are stored in, float64 for elements of Python.

    Raises:
        Malformed: an instruction or a value that numpy does not write for such an array.
    """
    elements = ElementList(shape)
    machine = _Machine(source, elements)
    done = 0
    try:
        while not machine.stopped:
            machine.step()
            while elements.ready:
                yield elements.ready.popleft()
                done += 1
    except Malformed as error:
        raise Malformed(f"drawing {done}: {error}" if shape else str(error)) from None
    for _ in range(done, elements.drawings):
        yield np.zeros((0, 3))


class _Machine:
    """A pickle machine for one sort of pickle; its stack, marks and memo are bounded."""

    def __init__(self, source: ByteSource, elements: ElementList) -> None:
        self.source = source
        self.stopped = False
        self._stack: list[Any] = []
        self._marks: list[int] = []
        #: Bytes of data since the last drawing was handed out.
        self._blob_bytes = 0
        self._elements = elements
        self._memo: dict[int, Any] = {}
        self._names = 0
        self._puts = 0
        self._last_put = -1
        self._kept: deque[Drawing] = deque()
        self._kept_bytes = 0
        self._outer: Drawing | None = None
        self._list: ElementList | None = None
        self._finished = False
        if source.byte() != 0x80 or source.byte() not in (2, 3, 4, 5):
            raise Malformed("not a pickle of protocol 2 to 5")

    def step(self) -> None:
        code = self.source.byte()
        instruction = _INSTRUCTIONS.get(code)
        if instruction is None:
            raise Malformed(f"the pickle instruction {bytes([code])!r} is not one numpy writes")
        instruction(self)

    def stop(self) -> None:
        if not self._finished or self._marks or len(self._stack) != 1 or self._stack[0] is not self._outer:
            raise Malformed("the pickle stops before the array is complete")
        self.stopped = True

    # --- the stack and plain values -------------------------------------------------------------------

    def push(self, value: Any) -> None:
        if len(self._stack) >= MAX_STACK:
            raise Malformed("too many values at once")
        self._stack.append(value)

    def pop(self) -> Any:
        """Take the last value above the last mark."""
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise Malformed("a value is missing")
        return self._stack.pop()

    def pop_many(self, count: int) -> list[Any]:
        """Take values above the last mark, in the order in which they were pushed."""
        return [self.pop() for _ in range(count)][::-1]

    def mark(self) -> None:
        if len(self._marks) >= MAX_MARKS:
            raise Malformed("tuples too deep")
        self._marks.append(len(self._stack))

    def pop_to_mark(self) -> list[Any]:
        if not self._marks:
            raise Malformed("a mark is missing")
        start = self._marks.pop()
        found = self._stack[start:]
        del self._stack[start:]
        return found

    def number(self, size: int, signed: bool = False) -> int:
        """Take a little-endian number."""
        return int.from_bytes(self.source.take(size), "little", signed=signed)

    def long(self) -> None:
        """Push a long number of Python 2."""
        size = self.source.byte()
        if size > 8:
            raise Malformed("a number of more than 64 bits")
        self.push(self.number(size, signed=True))

    def blob(self, size: int) -> bytes:
        """Take bytes whose length comes first, as a number of `size` bytes."""
        length = self.number(size)
        self._blob_bytes += length
        if self._blob_bytes > MAX_BLOB:
            raise Malformed(f"more than {MAX_BLOB} bytes of data")
        return self.source.take(length)

    def text(self, size: int) -> None:
        """Push a text whose length comes first."""
        try:
            self.push(self.blob(size).decode())
        except UnicodeDecodeError:
            raise Malformed("text that is not UTF-8") from None

    def tuple(self, items: list[Any]) -> None:
        if len(items) > MAX_TUPLE:
            raise Malformed("a tuple too long")
        for item in items:
            # numpy nests a shape in a state and goes that deep only; an array is never part of a tuple.
            if type(item) is Drawing or (type(item) is tuple and any(type(v) is tuple for v in item)):
                raise Malformed("tuples too deep")
        self.push(tuple(items))

    def frame(self) -> None:
        """Take the announcement of a frame; frames only help reading ahead."""
        if self.number(8) > self.source.remaining:
            raise Malformed("the data ends too early")

    # --- the memo -------------------------------------------------------------------------------------

    def put(self, index: int) -> None:
        if index <= self._last_put:
            raise Malformed(f"memo entry {index} is written out of order")
        if not self._stack:
            raise Malformed("a value is missing")
        self._last_put = index
        self._puts += 1
        value = self._stack[-1]
        if isinstance(value, Drawing):
            if value.index is not None:
                raise Malformed("an array is remembered twice")
            value.index = index
        elif isinstance(value, float):
            if len(self._memo) >= MAX_NUMBERS:
                return
        elif self._names >= MAX_MEMO or not values.is_worth_remembering(value):
            return
        else:
            self._names += 1
        self._memo[index] = value

    def memoize(self) -> None:
        self.put(self._puts)

    def get(self, index: int) -> None:
        if index not in self._memo:
            raise Malformed(f"memo entry {index} is unknown or too long ago")
        value = self._memo[index]
        self.push(value)
        if isinstance(value, Drawing) and value.rows is not None:
            self._deliver()

    # --- arrays ---------------------------------------------------------------------------------------

    def reduce(self) -> None:
        args, name = self.pop(), self.pop()
        if not isinstance(args, tuple):
            raise Malformed("arguments that are no tuple")
        if name is Name.RECONSTRUCT:
            self.push(self._new_array(*_check_count(args, 3, name)))
        elif name is Name.FROMBUFFER:
            blob, element, shape, order = _check_count(args, 4, name)
            rows = values.make_rows(blob, element, shape, values.is_fortran(order))
            self.push(Drawing())
            self._complete(self._stack[-1], rows)
        elif name is Name.SCALAR:
            self.push(values.make_number(*_check_count(args, 2, name)))
        elif name is Name.DTYPE:
            self.push(values.make_type(*_check_count(args, 3, name)))
        elif name is Name.ENCODE:
            self.push(values.encode_latin1(*_check_count(args, 2, name)))
        elif name is Name.BYTES and not args:
            self.push(b"")
        else:
            raise Malformed("a call that numpy does not make")

    def build(self) -> None:
        state, target = self.pop(), self.pop()
        self.push(target)
        if not isinstance(state, tuple):
            raise Malformed("a state that is no tuple")
        if isinstance(target, ElementType):
            target.set_state(*_check_count(state, 8, Name.DTYPE))
            return
        if not isinstance(target, Drawing) or target.rows is not None or target.delivered:
            raise Malformed("a state for something that takes none")
        version, shape, element, fortran, content = _check_count(state, 5, Name.NDARRAY)
        if type(version) is not int or version != 1 or type(fortran) not in (bool, int):
            raise Malformed("an array state of an unknown version")
        if target is self._outer:
            self._complete_outer(shape, element, content)
        else:
            self._complete(target, values.make_rows(content, element, shape, bool(fortran)))

    def _new_array(self, kind: Any, shape: Any, code: Any) -> Drawing:
        if (
            kind is not Name.NDARRAY
            or not values.is_shape(shape)
            or shape != (0,)
            or values.read_ascii(code) != "b"
        ):
            raise Malformed("an array made in an unknown way")
        drawing = Drawing()
        if self._outer is None:
            self._outer = drawing
        return drawing

    def _complete(self, drawing: Drawing, rows: Array) -> None:
        drawing.rows = rows
        self._kept.append(drawing)
        self._kept_bytes += rows.nbytes + KEPT_OVERHEAD
        self._deliver()
        while self._kept_bytes > KEPT_BYTES:
            self._forget(self._kept.popleft())

    def _forget(self, drawing: Drawing) -> None:
        if drawing.rows is not None:
            self._kept_bytes -= drawing.rows.nbytes + KEPT_OVERHEAD
        drawing.rows = None
        if drawing.index is not None:
            self._memo.pop(drawing.index, None)

    def _complete_outer(self, shape: Any, element: Any, content: Any) -> None:
        if not isinstance(element, ElementType) or not element.built or element.dtype is not None:
            raise Malformed("an array that is not one of objects")
        if not values.is_shape(shape) or shape != self._elements.shape:
            raise Malformed("an array of another shape than its header says")
        self._elements.check_complete()
        if self._finished or content is not self._list or content is None:
            raise Malformed("an array without its list of drawings")
        self._finished = True

    # --- the list of drawings -------------------------------------------------------------------------

    def empty_list(self) -> None:
        if self._list is not None or self._outer is None:
            raise Malformed("a list where numpy writes none")
        self._list = self._elements
        self.push(self._list)

    def append(self) -> None:
        element = self.pop()
        self._check_list()
        self._hand_out([element])

    def appends(self) -> None:
        elements = self.pop_to_mark()
        self._check_list()
        if len(self._elements.shape) != 1:
            self._hand_out(elements)
        elif not all(isinstance(element, Drawing) and element.delivered for element in elements):
            raise Malformed("something in the list is not a drawing")

    def _check_list(self) -> None:
        if not self._is_list(len(self._stack) - 1):
            raise Malformed("a list where numpy writes none")

    def _is_list(self, position: int) -> bool:
        return position >= 0 and self._list is not None and self._stack[position] is self._list

    def _deliver(self) -> None:
        """Hand out the array on top of the stack if it stands in the list, after others handed out."""
        start = self._marks[-1] if self._marks else 0
        if not self._is_list(start - 1):
            return
        if len(self._stack) - 2 >= start:
            below = self._stack[-2]
            if not isinstance(below, Drawing) or not below.delivered:
                raise Malformed("something in the list is not a drawing")
        self._hand_out(self._stack[-1:])

    def _hand_out(self, elements: list[Any]) -> None:
        self._elements.take(elements)
        self._blob_bytes = 0


def _check_count(items: tuple[Any, ...], count: int, owner: Name) -> tuple[Any, ...]:
    """The items, if there are `count`."""
    if len(items) != count:
        raise Malformed(f"{len(items)} values for {owner.value}, which takes {count}")
    return items


_INSTRUCTIONS: dict[int, Callable[[_Machine], None]] = {
    ord("("): _Machine.mark,
    ord("."): _Machine.stop,
    0x95: _Machine.frame,
    # numbers
    ord("N"): lambda m: m.push(None),
    0x88: lambda m: m.push(True),
    0x89: lambda m: m.push(False),
    ord("K"): lambda m: m.push(m.source.byte()),
    ord("M"): lambda m: m.push(m.number(2)),
    ord("J"): lambda m: m.push(m.number(4, signed=True)),
    0x8A: _Machine.long,
    ord("G"): lambda m: m.push(struct.unpack(">d", m.source.take(8))[0]),
    # bytes: of Python 2, of Python 3, and those that may be changed
    ord("U"): lambda m: m.push(m.blob(1)),
    ord("T"): lambda m: m.push(m.blob(4)),
    ord("C"): lambda m: m.push(m.blob(1)),
    ord("B"): lambda m: m.push(m.blob(4)),
    0x8E: lambda m: m.push(m.blob(8)),
    0x96: lambda m: m.push(m.blob(8)),
    # text
    0x8C: lambda m: m.text(1),
    ord("X"): lambda m: m.text(4),
    0x8D: lambda m: m.text(8),
    # tuples and the list
    ord(")"): lambda m: m.push(()),
    0x85: lambda m: m.tuple(m.pop_many(1)),
    0x86: lambda m: m.tuple(m.pop_many(2)),
    0x87: lambda m: m.tuple(m.pop_many(3)),
    ord("t"): lambda m: m.tuple(m.pop_to_mark()),
    ord("]"): _Machine.empty_list,
    ord("a"): _Machine.append,
    ord("e"): _Machine.appends,
    # names and calls
    ord("c"): lambda m: m.push(values.find_name(m.source.line(64), m.source.line(64))),
    0x93: lambda m: m.push(values.find_name(*m.pop_many(2))),
    ord("R"): _Machine.reduce,
    ord("b"): _Machine.build,
    # the memo
    ord("q"): lambda m: m.put(m.source.byte()),
    ord("r"): lambda m: m.put(m.number(4)),
    0x94: _Machine.memoize,
    ord("h"): lambda m: m.get(m.source.byte()),
    ord("j"): lambda m: m.get(m.number(4)),
}
