"""Path data: the little language of a path's `d`, read up to its first error as the specification asks."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Sequence

from sketchkit.errors import FormatError
from sketchkit.formats.svg import limits
from sketchkit.formats.svg.limits import MAX_COORDINATE, Budget
from sketchkit.formats.svg.outline import Outline, Pen
from sketchkit.formats.svg.values import NUMBER, SEPARATOR, SPACE, is_clean, number_list

__all__ = ["is_path_data", "parse_path"]

_SEGMENTS = "path segments"

_COMMAND = re.compile("([MmZzLlHhVvCcSsQqTtAa])([^MmZzLlHhVvCcSsQqTtAa]*+)")
#: An arc's flags are single digits that need no separator: `a1 1 0 01.5.5` ends at (.5, .5).
_ARC = re.compile(
    f"{SPACE}({NUMBER}){SEPARATOR}({NUMBER}){SEPARATOR}({NUMBER}){SEPARATOR}"
    f"([01]){SEPARATOR}([01]){SEPARATOR}({NUMBER}){SEPARATOR}({NUMBER}){SEPARATOR}"
)
#: How many numbers each command takes.
_COUNTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7}


def parse_path(data: str, budget: Budget) -> Outline:
    """Read path data.

    Args:
        data: the value of `d`.
        budget: for the segments.

    Returns:
        The subpaths up to the first error; a move that nothing is drawn from is not one.

    Raises:
        FormatError: more segments than the budget has left.
    """
    reader = _Reader()
    reader.read(data, budget)
    return reader.pen.outline()


def is_path_data(data: str) -> bool:
    """Whether a text is path data without any error, as `path()` in a style sheet must be."""
    try:
        return _Reader().read(data, Budget("")) or not data.strip(" \t\n\r\f")
    except FormatError:  # more segments than any document may have
        return False


class _Reader:
    """Where the pen is, and what the smooth curves need to remember of the segment before."""

    __slots__ = ("control", "pen", "smooth")

    def __init__(self) -> None:
        self.pen = Pen()
        self.control = (0.0, 0.0)
        #: The letters whose smooth form may mirror `control`: "CS", "QT" or none.
        self.smooth = ""

    def read(self, data: str, budget: Budget) -> bool:
        """Draw all commands up to the first error; whether there was none."""
        position = len(data) - len(data.lstrip(" \t\n\r\f"))
        if data[position : position + 1] not in ("M", "m"):
            return False
        return all(self.run(found[1], found[2], budget) for found in _COMMAND.finditer(data, position))

    def run(self, letter: str, text: str, budget: Budget) -> bool:
        """Draw one command with all its repeats; whether the text was free of errors."""
        name = letter.upper()
        if name == "Z":
            budget.spend(_SEGMENTS, limits.MAX_POINTS)
            self.pen.close()
            self.smooth = ""
            return not text.strip(" \t\n\r\f")
        most = budget.left(_SEGMENTS, limits.MAX_POINTS)
        numbers, clean = _arc_numbers(text, most) if name == "A" else number_list(text, most * _COUNTS[name])
        count = _COUNTS[name]
        whole = len(numbers) // count
        budget.spend(_SEGMENTS, limits.MAX_POINTS, -(-len(numbers) // count))
        relative = letter.islower()
        for i in range(0, whole * count, count):
            _DRAW[name](self, numbers[i : i + count], relative)
            if not (abs(self.pen.x) <= MAX_COORDINATE and abs(self.pen.y) <= MAX_COORDINATE):
                return False
            name = "L" if name == "M" else name
        return clean and whole > 0 and whole * count == len(numbers)

    def mirrored(self, letters: str) -> tuple[float, float]:
        """The first control point of a smooth curve."""
        pen = self.pen
        if self.smooth != letters:
            return pen.x, pen.y
        return 2 * pen.x - self.control[0], 2 * pen.y - self.control[1]


def _arc_numbers(text: str, most: int) -> tuple[array[float], bool]:
    """The numbers of at most one more than `most` arcs, seven each; like `number_list`."""
    numbers = array("d")
    position = 0
    while len(numbers) <= 7 * most and (match := _ARC.match(text, position)):
        values = [float(group) for group in match.groups()]
        if not all(abs(value) <= MAX_COORDINATE for value in values):
            return numbers, False
        numbers.extend(values)
        position = match.end()
    return numbers, is_clean(text, position)


def _points(reader: _Reader, numbers: Sequence[float], relative: bool) -> list[float]:
    """Coordinates x, y, x, y, ... made absolute."""
    if not relative:
        return list(numbers)
    origin = (reader.pen.x, reader.pen.y)
    return [value + origin[i % 2] for i, value in enumerate(numbers)]


def _move(reader: _Reader, numbers: Sequence[float], relative: bool) -> None:
    reader.pen.move(*_points(reader, numbers, relative))
    reader.smooth = ""


def _line(reader: _Reader, numbers: Sequence[float], relative: bool) -> None:
    reader.pen.line(*_points(reader, numbers, relative))
    reader.smooth = ""


def _horizontal(reader: _Reader, numbers: Sequence[float], relative: bool) -> None:
    reader.pen.line(numbers[0] + (reader.pen.x if relative else 0.0), reader.pen.y)
    reader.smooth = ""


def _vertical(reader: _Reader, numbers: Sequence[float], relative: bool) -> None:
    reader.pen.line(reader.pen.x, numbers[0] + (reader.pen.y if relative else 0.0))
    reader.smooth = ""


def _cubic(reader: _Reader, numbers: Sequence[float], relative: bool) -> None:
    x1, y1, x2, y2, x, y = _points(reader, numbers, relative)
    reader.pen.cubic(x1, y1, x2, y2, x, y)
    reader.control, reader.smooth = (x2, y2), "CS"


def _smooth_cubic(reader: _Reader, numbers: Sequence[float], relative: bool) -> None:
    x2, y2, x, y = _points(reader, numbers, relative)
    reader.pen.cubic(*reader.mirrored("CS"), x2, y2, x, y)
    reader.control, reader.smooth = (x2, y2), "CS"


def _quadratic(reader: _Reader, numbers: Sequence[float], relative: bool) -> None:
    x1, y1, x, y = _points(reader, numbers, relative)
    reader.pen.quadratic(x1, y1, x, y)
    reader.control, reader.smooth = (x1, y1), "QT"


def _smooth_quadratic(reader: _Reader, numbers: Sequence[float], relative: bool) -> None:
    x, y = _points(reader, numbers, relative)
    control = reader.mirrored("QT")
    reader.pen.quadratic(*control, x, y)
    reader.control, reader.smooth = control, "QT"


def _arc(reader: _Reader, numbers: Sequence[float], relative: bool) -> None:
    x, y = _points(reader, numbers[5:], relative)
    reader.pen.arc(numbers[0], numbers[1], numbers[2], numbers[3] == 1, numbers[4] == 1, x, y)
    reader.smooth = ""


_DRAW: dict[str, Callable[[_Reader, Sequence[float], bool], None]] = {
    "M": _move,
    "L": _line,
    "H": _horizontal,
    "V": _vertical,
    "C": _cubic,
    "S": _smooth_cubic,
    "Q": _quadratic,
    "T": _smooth_quadratic,
    "A": _arc,
}
