"""The values in a pickled array of drawings: names, types of number, arrays, the list of elements."""

from __future__ import annotations

import math
from collections import deque
from enum import Enum
from typing import Any

import numpy as np

from sketchkit.formats.npy import MAX_ROWS, NUMBERS, Array, Malformed, check_shape

#: Longer texts are data; the longest name numpy writes has 22 characters.
MAX_REMEMBERED_TEXT = 32
#: All drawings of an array, in bytes: repeating is cheap to write and dear to read.
MAX_TOTAL_BYTES = 4 << 30


class Name(Enum):
    """The global names that a pickle may use; each is a constant, for which its module stays unloaded."""

    RECONSTRUCT = "numpy's _reconstruct"
    FROMBUFFER = "numpy's _frombuffer"
    NDARRAY = "numpy's ndarray"
    DTYPE = "numpy's dtype"
    ENCODE = "the Latin-1 encoder"
    BYTES = "bytes"
    SCALAR = "numpy's scalar"


_NAMES = {
    "numpy.core.multiarray._reconstruct": Name.RECONSTRUCT,
    "numpy._core.multiarray._reconstruct": Name.RECONSTRUCT,
    "numpy.core.numeric._frombuffer": Name.FROMBUFFER,
    "numpy._core.numeric._frombuffer": Name.FROMBUFFER,
    "numpy.core.multiarray.scalar": Name.SCALAR,
    "numpy._core.multiarray.scalar": Name.SCALAR,
    "numpy.ndarray": Name.NDARRAY,
    "numpy.dtype": Name.DTYPE,
    # How Python 3 writes bytes in protocol 2, which lacks them.
    "_codecs.encode": Name.ENCODE,
    "__builtin__.bytes": Name.BYTES,
}


class ElementType:
    """A dtype: first its code, and after its state the type itself (`None` for objects)."""

    __slots__ = ("built", "code", "dtype")

    def __init__(self, code: str) -> None:
        self.code = code
        self.dtype: np.dtype[Any] | None = None
        self.built = False

    def set_state(self, *state: Any) -> None:
        """Complete the type: version 3, byte order, three empty fields, two sizes, flags."""
        version, order, *empty, size, alignment, flags = state
        if any(type(value) is not int for value in (version, size, alignment, flags)):
            raise Malformed("a type with an unknown state")
        if self.built or (version, size, alignment) != (3, -1, -1) or any(v is not None for v in empty):
            raise Malformed("a type with an unknown state")
        dtype, order = NUMBERS.get(self.code), read_ascii(order)
        if flags != (63 if dtype is None else 0):
            raise Malformed("a type with unknown flags")
        single = dtype is None or dtype.itemsize == 1
        if order not in (("|",) if single else ("<", ">")):
            raise Malformed("a type with an unknown byte order")
        self.dtype = dtype if single else np.dtype(order + self.code)
        self.built = True


class Drawing:
    """An array: its rows are `None` until its state arrives, and again when it is too old to be kept."""

    __slots__ = ("delivered", "index", "rows")

    def __init__(self) -> None:
        self.rows: Array | None = None
        self.index: int | None = None
        self.delivered = False


class ElementList:
    """The list of an array's elements, from which complete drawings go straight to the reader.

    Args:
        shape: of the array: [B] drawings, [B, N, 3] numbers, or () for a lone `None`, which is zero drawings.

    Attributes:
        drawings: how many drawings the array holds.
        ready: the drawings [N, 3] that are complete.

    Raises:
        Malformed: another shape.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.drawings, self._rows = (*shape, 0) if len(shape) == 1 else check_shape(shape or (0,))
        self.ready: deque[Array] = deque()
        self._count = math.prod(shape)
        self._taken = self._bytes = 0
        self._numbers: list[float] = []

    def take(self, elements: list[Any]) -> None:
        """Put elements into the list.

        Raises:
            Malformed: elements of another kind than the shape says, or more of them.
        """
        self._taken += len(elements)
        if self._taken > self._count:
            raise Malformed(f"more elements than the {self._count} of the header")
        if len(self.shape) == 1:
            for element in elements:
                self._take_drawing(element)
        elif self.shape:
            self._take_numbers(elements)
        elif elements != [None]:
            raise Malformed("neither drawings nor None")

    def check_complete(self) -> None:
        """Make sure that all elements were put into the list."""
        if self._taken != self._count:
            raise Malformed(f"{self._taken} elements where the header says {self._count}")

    def _take_drawing(self, drawing: Any) -> None:
        if not isinstance(drawing, Drawing):
            raise Malformed("something in the list is not a drawing")
        if drawing.rows is None:
            raise Malformed("a drawing without rows")
        self._bytes += drawing.rows.nbytes
        if self._bytes > MAX_TOTAL_BYTES:
            raise Malformed(f"more than {MAX_TOTAL_BYTES} bytes of drawings")
        drawing.delivered = True
        self.ready.append(drawing.rows)

    def _take_numbers(self, numbers: list[Any]) -> None:
        if not {int, float, bool}.issuperset(map(type, numbers)):
            raise Malformed("something in the list is not a number")
        self._numbers += numbers
        size = 3 * self._rows
        while len(self._numbers) >= size:
            self.ready.append(np.array(self._numbers[:size], np.float64).reshape(-1, 3))
            del self._numbers[:size]


def find_name(module: Any, name: Any) -> Name:
    """The constant for a global name; every other name is refused."""
    name = f"{read_ascii(module)}.{read_ascii(name)}"
    if name not in _NAMES:
        raise Malformed(f"the pickle asks for {name[:64]!r}, which no array needs")
    return _NAMES[name]


def read_ascii(value: Any) -> str:
    """A short text, which Python 2 wrote as bytes."""
    if isinstance(value, bytes) and value.isascii():
        return value.decode("ascii")
    if isinstance(value, str) and value.isascii():
        return value
    raise Malformed("a name that is not plain text")


def is_shape(value: Any) -> bool:
    """Whether a value is a tuple of whole numbers, 0 or more."""
    return isinstance(value, tuple) and all(type(size) is int and size >= 0 for size in value)


def is_fortran(order: Any) -> bool:
    """Whether an order, C or F, goes column by column."""
    order = read_ascii(order)
    if order not in ("C", "F"):
        raise Malformed("an array in an unknown order")
    return bool(order == "F")


def encode_latin1(text: Any, encoding: Any) -> bytes:
    """Bytes that were written as text."""
    if not isinstance(text, str) or read_ascii(encoding) != "latin1":
        raise Malformed("bytes in an unknown encoding")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise Malformed("bytes above 255") from None


def make_type(code: Any, align: Any, copy: Any) -> ElementType:
    """A dtype as numpy begins it; its byte order follows with its state."""
    if type(align) not in (bool, int) or type(copy) not in (bool, int) or align or not copy:
        raise Malformed("a type made in an unknown way")
    text = read_ascii(code)
    if text not in NUMBERS and text not in ("O", "O4", "O8"):
        raise Malformed(f"drawings of type {text[:16]!r}, not of numbers")
    return ElementType(text)


def make_rows(blob: Any, element: Any, shape: Any, fortran: bool) -> Array:
    """The rows of a drawing.

    Args:
        blob: its bytes.
        element: a completed `ElementType` of numbers.
        shape: (N, 3).
        fortran: whether the bytes go column by column.

    Returns:
        [N, 3], read-only.

    Raises:
        Malformed: arguments of another kind, or bytes that do not fill the shape.
    """
    if not isinstance(element, ElementType) or element.dtype is None:
        raise Malformed("an array that is not one of numbers")
    if not is_shape(shape) or len(shape) != 2 or shape[1] != 3:
        raise Malformed("an array that does not have the shape [N, 3]")
    if shape[0] > MAX_ROWS:
        raise Malformed(f"{shape[0]:.4g} rows; at most {MAX_ROWS} are read")
    if not isinstance(blob, bytes) or len(blob) != shape[0] * 3 * element.dtype.itemsize:
        raise Malformed(f"the bytes of the array do not fill its {shape[0]} rows")
    if not blob:
        return np.zeros((0, 3), element.dtype)
    flat = np.frombuffer(blob, element.dtype)
    return flat.reshape(3, shape[0]).T if fortran else flat.reshape(shape)


def make_number(element: Any, blob: Any) -> float:
    """The value of a numpy scalar, from its type and its bytes."""
    if not isinstance(element, ElementType) or element.dtype is None:
        raise Malformed("a number of an unknown type")
    if not isinstance(blob, bytes) or len(blob) != element.dtype.itemsize:
        raise Malformed("the bytes of a number do not fit its type")
    return float(np.frombuffer(blob, element.dtype)[0])


def is_worth_remembering(value: Any) -> bool:
    """Whether numpy may refer to a value again: to names and types; data and tuples it makes afresh.

    Texts and bytes of at most one character are single objects in Python, so even data may repeat them.
    """
    if isinstance(value, str):
        return len(value) <= MAX_REMEMBERED_TEXT
    if isinstance(value, bytes):
        return len(value) <= 1
    return isinstance(value, Name | ElementType)
