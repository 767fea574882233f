"""An outline: the subpaths of one shape as lines, cubic curves and elliptic arcs, ready for numpy."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["ARC", "CUBIC", "LINE", "Outline", "Pen"]

Float64 = npt.NDArray[np.float64]

LINE, CUBIC, ARC = 0, 1, 2

_UNUSED = (0.0,) * 8


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """The subpaths of one shape, in its own coordinates.

    Attributes:
        kinds: [S] LINE, CUBIC or ARC.
        controls: [S, 5, 2]. Of a cubic: start, first and second control point, nothing, end. Of an arc:
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
        """Draw back to where the subpath started; what follows starts there again."""
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
    """Centre, half-axes and angles of an arc given by its ends; None where it is a straight line.

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
    if not 1e-150 < size < math.inf:  # its square is neither 0 nor infinite
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
