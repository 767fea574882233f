"""The outline of each shape element, and the boxes around shapes.

An outline goes in the order and direction that the specification gives it. The origins and percentages of CSS
transforms may refer to boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sketchkit.formats.svg import limits
from sketchkit.formats.svg.flatten import flatten_outline
from sketchkit.formats.svg.limits import MAX_COORDINATE, Budget
from sketchkit.formats.svg.outline import LINE, Outline, Pen, parse_path
from sketchkit.formats.svg.properties import path_data
from sketchkit.formats.svg.values import Matrix, Units, number_list
from sketchkit.formats.svg.xmltree import Node


def outline_of(node: Node, values: Mapping[str, str], units: Units, budget: Budget) -> Outline:
    """The outline of one of the `SHAPES` in its own coordinates, empty for an element without ink."""
    if node.name == "path":
        return parse_path(data_of(node, values), budget)
    pen = Pen()
    _DRAW[node.name](_Attributes(node, values, units), pen, budget)
    return pen.outline()


def data_of(node: Node, values: Mapping[str, str]) -> str:
    """The path data of a `path`: a style sheet's comes before the attribute."""
    data = path_data(values.get("d", ""))
    return node.get("d") if data is None else data


class _Attributes:
    """The lengths and points of one element."""

    def __init__(self, node: Node, values: Mapping[str, str], units: Units) -> None:
        self.node = node
        self.values = values
        self.units = units

    def length(self, name: str, axis: str) -> float:
        """A length; 0 where it is missing or not one."""
        return self.units.length(self.values.get(name, ""), axis) or 0.0

    def radii(self) -> tuple[float, float]:
        """`rx` and `ry`; one that is missing, negative or not a length is like the other."""
        rx = self.units.length(self.values.get("rx", ""), "x")
        ry = self.units.length(self.values.get("ry", ""), "y")
        rx = None if rx is None or rx < 0 else rx
        ry = None if ry is None or ry < 0 else ry
        return (rx if rx is not None else ry or 0.0), (ry if ry is not None else rx or 0.0)


def _line(attributes: _Attributes, pen: Pen, budget: Budget) -> None:
    pen.move(attributes.length("x1", "x"), attributes.length("y1", "y"))
    pen.line(attributes.length("x2", "x"), attributes.length("y2", "y"))


def _polyline(attributes: _Attributes, pen: Pen, budget: Budget) -> None:
    most = budget.remaining("path segments", limits.MAX_POINTS)
    numbers, _ = number_list(attributes.node.get("points"), 2 * most + 1)
    budget.spend("path segments", limits.MAX_POINTS, len(numbers) // 2)
    for i in range(0, len(numbers) - 1, 2):
        (pen.line if i else pen.move)(numbers[i], numbers[i + 1])


def _polygon(attributes: _Attributes, pen: Pen, budget: Budget) -> None:
    _polyline(attributes, pen, budget)
    if pen.drawing:
        pen.close()


def _rect(attributes: _Attributes, pen: Pen, budget: Budget) -> None:
    x, y = attributes.length("x", "x"), attributes.length("y", "y")
    width, height = attributes.length("width", "x"), attributes.length("height", "y")
    if width <= 0 or height <= 0:
        return
    rx, ry = attributes.radii()
    rx, ry = min(rx, width / 2), min(ry, height / 2)
    right, bottom = x + width, y + height
    if rx == 0 or ry == 0:
        pen.move(x, y)
        for corner in ((right, y), (right, bottom), (x, bottom)):
            pen.line(*corner)
        pen.close()
        return
    pen.move(x + rx, y)
    for side, corner in (
        ((right - rx, y), (right, y + ry)),
        ((right, bottom - ry), (right - rx, bottom)),
        ((x + rx, bottom), (x, bottom - ry)),
        ((x, y + ry), (x + rx, y)),
    ):
        pen.line(*side)
        pen.arc(rx, ry, 0.0, False, True, *corner)
    pen.close()


def _circle(attributes: _Attributes, pen: Pen, budget: Budget) -> None:
    radius = attributes.length("r", "")
    _round(attributes, pen, radius, radius)


def _ellipse(attributes: _Attributes, pen: Pen, budget: Budget) -> None:
    _round(attributes, pen, *attributes.radii())


def _round(attributes: _Attributes, pen: Pen, rx: float, ry: float) -> None:
    x, y = attributes.length("cx", "x"), attributes.length("cy", "y")
    if rx <= 0 or ry <= 0:
        return
    pen.move(x + rx, y)
    for corner in ((x, y + ry), (x - rx, y), (x, y - ry), (x + rx, y)):
        pen.arc(rx, ry, 0.0, False, True, *corner)
    pen.close()


_DRAW: dict[str, Callable[[_Attributes, Pen, Budget], None]] = {
    "line": _line,
    "polyline": _polyline,
    "polygon": _polygon,
    "rect": _rect,
    "circle": _circle,
    "ellipse": _ellipse,
}

#: The names of the elements that have an outline.
SHAPES = frozenset({"path", *_DRAW})
#: The names of their lengths.
LENGTHS = ("x", "y", "width", "height", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry")


Float64 = npt.NDArray[np.float64]


class Rectangle(NamedTuple):
    """A box by its corners."""

    x0: float
    y0: float
    x1: float
    y1: float


class Stroke(NamedTuple):
    """The pen that follows an outline: its width, the shape of its ends and of its corners."""

    width: float
    cap: str = "butt"
    join: str = "miter"
    miter_limit: float = 4.0


def around(boxes: Iterable[Rectangle | None]) -> Rectangle | None:
    """The box around several, or `None`."""
    there = [box for box in boxes if box is not None]
    if not there:
        return None
    x0, y0, x1, y1 = zip(*there, strict=True)
    return Rectangle(min(x0), min(y0), max(x1), max(y1))


def map_box(box: Rectangle | None, matrix: Matrix) -> Rectangle | None:
    """The box around a box that a map has moved."""
    if box is None:
        return None
    a, b, c, d, e, f = matrix
    xs = [a * x + c * y + e for x in (box.x0, box.x1) for y in (box.y0, box.y1)]
    ys = [b * x + d * y + f for x in (box.x0, box.x1) for y in (box.y0, box.y1)]
    return Rectangle(min(xs), min(ys), max(xs), max(ys))


def fill_box(outline: Outline, budget: Budget) -> Rectangle | None:
    """The box around an outline, off by less than 1/10,000 of its size; `None` for an empty one."""
    if len(outline.kinds) and (outline.kinds == LINE).all():  # mostly, and need not be flattened
        points = np.concatenate([outline.starts, outline.controls[:, 4]])
        return _around_points([points[(np.abs(points) <= MAX_COORDINATE).all(axis=1)]])
    return _around_points(flatten_outline(outline, budget))


def stroke_box(outline: Outline, stroke: Stroke, budget: Budget) -> Rectangle | None:
    """The box around the stroke of an outline, with its ends and corners."""
    lines = flatten_outline(outline, budget)
    edges = [_edges(line, stroke) for line in lines] if stroke.width / 2 > 0 else []
    return _around_points([*lines, *edges])


def _around_points(lines: list[Float64]) -> Rectangle | None:
    points = np.concatenate([*lines, np.zeros((0, 2))])
    if not len(points):
        return None
    return Rectangle(*points.min(axis=0).tolist(), *points.max(axis=0).tolist())


def _edges(line: Float64, stroke: Stroke) -> Float64:
    """Points that lie as far out as the stroke of a polyline does, [n, 2]."""
    reach = stroke.width / 2
    if len(line) < 2:
        return line if stroke.cap == "butt" else _squares(line, reach)
    along = np.diff(line, axis=0)
    along /= np.hypot(*along.T)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) * reach
    points = [line[:-1] + across, line[:-1] - across, line[1:] + across, line[1:] - across]
    closed = len(line) > 2 and bool((line[0] == line[-1]).all())
    if not closed and stroke.cap == "round":
        points.append(_squares(line[[0, -1]], reach))
    elif not closed and stroke.cap == "square":
        ends = line[[0, -1]] + np.stack([-along[0], along[-1]]) * reach
        points += [ends + across[[0, -1]], ends - across[[0, -1]]]
    turns = across if not closed else np.concatenate([across, across[:1]])
    corners = line[1:] if closed else line[1:-1]
    if stroke.join == "round":
        points.append(_squares(corners, reach))
    elif stroke.join in ("miter", "miter-clip", "arcs"):
        points.append(_tips(corners, turns[:-1], turns[1:], reach, stroke.miter_limit))
    return np.concatenate(points)


def _squares(points: Float64, reach: float) -> Float64:
    return np.concatenate([points - reach, points + reach])


def _tips(corners: Float64, before: Float64, after: Float64, reach: float, limit: float) -> Float64:
    """The tips of mitred corners [n, 2]; `before` and `after` lead from a corner to the edges of lines."""
    half = (before + after) / 2
    share = ((half / reach) ** 2).sum(axis=1)  # the squared sine of half the angle between the lines
    sharp = share * limit**2 >= 1
    half, before, after = half[sharp], before[sharp], after[sharp]
    left = before[:, 0] * after[:, 1] > before[:, 1] * after[:, 0]
    tips = np.where(left[:, None], -half, half) / share[sharp, None]
    points: Float64 = corners[sharp] + tips
    return points
