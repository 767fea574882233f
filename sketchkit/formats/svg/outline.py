"""An outline, the subpaths of one shape; the pen that draws it; and path data, the language of a `d`."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sketchkit.errors import FormatError
from sketchkit.formats.svg import limits
from sketchkit.formats.svg.limits import MAX_COORDINATE, Budget
from sketchkit.formats.svg.values import NUMBER, SEPARATOR, SPACE, is_clean, number_list

Float64 = npt.NDArray[np.float64]

LINE, CUBIC, ARC = 0, 1, 2

_UNUSED = (0.0,) * 8


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """The subpaths of one shape, in its own coordinates.

    Attributes:
        kinds: [S] LINE, CUBIC or ARC.
        controls: [S, 5, 2]. Of a cubic: start, first and second control point, zeros, end. Of an arc:
            centre, two conjugate half-axes u and v, (start angle, turned angle), end; its points are
            centre + cos(angle) u + sin(angle) v. Of a line only the end.
        firsts: [K] the first segment of each subpath.
        starts: [K, 2] where each subpath starts.
    """

    kinds: npt.NDArray[np.uint8]
    controls: Float64
    firsts: npt.NDArray[np.int64]
    starts: Float64

    @property
    def n_points(self) -> int:
        """How many points it has at the very least."""
        return len(self.kinds) + len(self.firsts)


class Pen:
    """Draws an outline segment by segment; a subpath begins with its first segment, not with a move.

    `x` and `y` are where it is, `drawing` whether a subpath has begun and is not closed.
    """

    __slots__ = ("_controls", "_firsts", "_home", "_kinds", "_starts", "drawing", "x", "y")

    def __init__(self) -> None:
        self.x = self.y = 0.0
        self._home = (0.0, 0.0)
        self.drawing = False
        self._kinds = bytearray()
        self._controls = array("d")
        self._firsts = array("q")
        self._starts = array("d")

    def move(self, x: float, y: float) -> None:
        """Go to a point without drawing."""
        self.x, self.y = x, y
        self._home = (x, y)
        self.drawing = False

    def line(self, x: float, y: float) -> None:
        """Draw a straight line; one to where the pen already is leaves a dot."""
        self._segment(LINE, _UNUSED, x, y)

    def cubic(self, x1: float, y1: float, x2: float, y2: float, x: float, y: float) -> None:
        """Draw a cubic Bézier curve."""
        self._segment(CUBIC, (self.x, self.y, x1, y1, x2, y2, 0.0, 0.0), x, y)

    def quadratic(self, x1: float, y1: float, x: float, y: float) -> None:
        """Draw a quadratic Bézier curve, as the cubic that is the same curve."""
        self.cubic(
            self.x + (x1 - self.x) * 2 / 3,
            self.y + (y1 - self.y) * 2 / 3,
            x + (x1 - x) * 2 / 3,
            y + (y1 - y) * 2 / 3,
            x,
            y,
        )

    def arc(
        self, rx: float, ry: float, rotation: float, large: bool, sweep: bool, x: float, y: float
    ) -> None:
        """Draw an elliptic arc as path data gives it; one without radii or length is a line."""
        controls = _arc_controls(
            (self.x, self.y), abs(rx), abs(ry), math.radians(rotation), large, sweep, (x, y)
        )
        self._segment(LINE if controls is None else ARC, controls or _UNUSED, x, y)

    def close(self) -> None:
        """Draw back to where the subpath started; the next one starts there again."""
        self.line(*self._home)
        self.drawing = False

    def outline(self) -> Outline:
        """Everything drawn so far."""
        return Outline(
            np.frombuffer(self._kinds, np.uint8),
            np.frombuffer(self._controls, np.float64).reshape(-1, 5, 2),
            np.frombuffer(self._firsts, np.int64),
            np.frombuffer(self._starts, np.float64).reshape(-1, 2),
        )

    def _segment(self, kind: int, controls: tuple[float, ...], x: float, y: float) -> None:
        if not self.drawing:
            self.drawing = True
            self._firsts.append(len(self._kinds))
            self._starts.extend((self.x, self.y))
        self._kinds.append(kind)
        self._controls.extend(controls)
        self._controls.extend((x, y))
        self.x, self.y = x, y


def _arc_controls(
    start: tuple[float, float],
    rx: float,
    ry: float,
    phi: float,
    large: bool,
    sweep: bool,
    end: tuple[float, float],
) -> tuple[float, ...] | None:
    """Centre, half-axes and angles of an arc given by its ends; `None` where it is a straight line.

    Source: SVG 1.1, appendix F.6.5 and F.6.6, worked out in the coordinates in which the ellipse is the
        unit circle, so that the squares of very large or small radii are never taken.
    """
    if start == end or rx == 0 or ry == 0:
        return None
    cos, sin = math.cos(phi), math.sin(phi)
    half_x, half_y = (start[0] - end[0]) / 2, (start[1] - end[1]) / 2
    p = (cos * half_x + sin * half_y) / rx  # the start, seen from the middle between start and end
    q = (cos * half_y - sin * half_x) / ry
    size = math.hypot(p, q)
    if not 1e-150 < size < math.inf:  # its square would be 0 or infinite
        return None
    if size > 1:  # radii too small to reach: the specification enlarges them until they just do
        rx, ry, p, q = rx * size, ry * size, p / size, q / size
    away = math.sqrt(max(0.0, 1 / min(size, 1.0) ** 2 - 1)) * (-1 if large == sweep else 1)
    centre_p, centre_q = away * q, -away * p
    first = math.atan2(q - centre_q, p - centre_p)
    turn = (math.atan2(-q - centre_q, -p - centre_p) - first) % math.tau
    if not sweep:
        turn -= math.tau
    u, v = (rx * cos, rx * sin), (-ry * sin, ry * cos)
    x = (start[0] + end[0]) / 2 + centre_p * u[0] + centre_q * v[0]
    y = (start[1] + end[1]) / 2 + centre_p * u[1] + centre_q * v[1]
    return (x, y, *u, *v, first, turn)


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
    """Read path data up to its first error; a move becomes a subpath with its first segment."""
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
    """The pen, and the control point of the segment before for smooth curves."""

    __slots__ = ("control", "pen", "smooth")

    def __init__(self) -> None:
        self.pen = Pen()
        self.control = (0.0, 0.0)
        #: The letters whose smooth form may mirror `control`: "CS", "QT" or "".
        self.smooth = ""

    def read(self, data: str, budget: Budget) -> bool:
        """Draw all commands up to the first error; whether all were valid."""
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
        most = budget.remaining(_SEGMENTS, limits.MAX_POINTS)
        numbers, clean = _arc_numbers(text, most) if name == "A" else number_list(text, most * _COUNTS[name])
        count = _COUNTS[name]
        whole = len(numbers) // count
        budget.spend(_SEGMENTS, limits.MAX_POINTS, -(-len(numbers) // count))
        relative = letter.islower()
        for i in range(0, whole * count, count):
            self.draw(name, numbers[i : i + count], relative)
            if not (abs(self.pen.x) <= MAX_COORDINATE and abs(self.pen.y) <= MAX_COORDINATE):
                return False
            name = "L" if name == "M" else name
        return clean and whole > 0 and whole * count == len(numbers)

    def draw(self, name: str, numbers: Sequence[float], relative: bool) -> None:
        """Draw one segment, or move."""
        pen, smooth = self.pen, ""
        if name not in "AHV":
            points = self.points(numbers, relative)
            if name == "L":
                pen.line(*points)
            elif name == "C":
                pen.cubic(*points)
                self.control, smooth = (points[2], points[3]), "CS"
            elif name == "S":
                pen.cubic(*self.mirror("CS"), *points)
                self.control, smooth = (points[0], points[1]), "CS"
            elif name == "Q":
                pen.quadratic(*points)
                self.control, smooth = (points[0], points[1]), "QT"
            elif name == "T":
                self.control, smooth = self.mirror("QT"), "QT"
                pen.quadratic(*self.control, *points)
            else:
                pen.move(*points)
        elif name == "H":
            pen.line(numbers[0] + (pen.x if relative else 0.0), pen.y)
        elif name == "V":
            pen.line(pen.x, numbers[0] + (pen.y if relative else 0.0))
        else:
            rx, ry, rotation, large, sweep = numbers[:5]
            x, y = self.points(numbers[5:], relative)
            pen.arc(rx, ry, rotation, large == 1, sweep == 1, x, y)
        self.smooth = smooth

    def points(self, numbers: Sequence[float], relative: bool) -> list[float]:
        """Coordinates x, y, x, y, ... made absolute."""
        if not relative:
            return list(numbers)
        origin = (self.pen.x, self.pen.y)
        return [value + origin[i % 2] for i, value in enumerate(numbers)]

    def mirror(self, letters: str) -> tuple[float, float]:
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
