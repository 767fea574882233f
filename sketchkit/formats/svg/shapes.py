"""The outline of each shape element, drawn in the order and direction that the specification gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sketchkit.formats.svg import limits
from sketchkit.formats.svg.limits import Budget
from sketchkit.formats.svg.outline import Outline, Pen, parse_path
from sketchkit.formats.svg.properties import path_data
from sketchkit.formats.svg.values import Units, number_list
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
