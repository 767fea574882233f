"""Pictures, the content of the cells of a sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from sketchkit.curves import fit_curves, flatten_curves
from sketchkit.errors import InputError
from sketchkit.sketch import Float64, Sketch
from sketchkit.svgdoc import INK, Pen, check_color

#: The inks drawn as curves: those that ask for it, as ink drawn by a model does; all; or zero.
Curves = Literal["auto", "on", "off"]

#: The farthest that a chord of a flattened curve is from the curve, as a share of the extent of the ink.
_FLATNESS = 5e-4


@dataclass(frozen=True)
class Ink:
    """One drawing in one colour.

    Args:
        sketch: the drawing; inks of one picture share its units and its page.
        color: `#rgb`, `#rrggbb` or a name of SVG's.
        name: of its group in the file.
        width: of the line, in pixels of the sheet; the layout's when `None`.
        curved: whether it is drawn as smooth curves.
        own_width: of the line in drawing units, in place of `width`: it is scaled with the drawing, and on
            the sheet half as wide as the layout's lines at the least, so that it can be seen.
        cap: the shape of the ends of lines: `butt`, `round` or `square`.
        join: the shape of their corners: `miter`, `round` or `bevel`.

    Raises:
        InputError: another colour or shape, or a width that is not above 0.
    """

    sketch: Sketch
    color: str = INK
    name: str = "drawing"
    width: float | None = None
    curved: bool = False
    own_width: float | None = None
    cap: str = "round"
    join: str = "round"

    def __post_init__(self) -> None:
        for width in (self.width, self.own_width):
            if width is not None and not 0 < width < math.inf:
                raise InputError(f"the width of an ink must be above 0, got {width}")
        self.pen(1.0, 1.0)

    def pen(self, scale: float, stroke: float) -> Pen:
        """Its pen on a sheet.

        Args:
            scale: pixels in a drawing unit.
            stroke: the width of the layout's lines, in pixels.
        """
        if self.own_width is None:
            return Pen(self.color, self.width or stroke, self.cap, self.join)
        return Pen(self.color, max(self.own_width * scale, stroke / 2), self.cap, self.join)

    def polylines(self) -> list[Float64]:
        """Where the pen goes, for renderers that draw straight lines only.

        Returns:
            float64 [n, 2] of each stroke, in drawing units; one point is a dot.
        """
        lines = self.sketch.to_polylines()
        if not self.curved or not lines:
            return lines
        extent = float(np.ptp(np.concatenate(lines), axis=0).max())
        found = zip(lines, fit_curves(lines), strict=True)
        return [flatten_curves(each, _FLATNESS * extent) if len(each) else line[:1] for line, each in found]


@dataclass(frozen=True)
class Area:
    """The filled inside of a shape, for renderers that shade; others draw lines only.

    Args:
        rings: its outlines, a stroke each, which goes on from its last point to its first; in the units of
            the inks.
        color: `#rgb`, `#rrggbb` or a name of SVG's; `None` for the colour of the paper.
        opaque: whether it hides the areas before it.
        even_odd: whether its inside is where a way out crosses the rings an odd number of times, and not
            where they turn around it.

    Raises:
        InputError: another colour.
    """

    rings: Sketch
    color: str | None = INK
    opaque: bool = True
    even_odd: bool = False

    def __post_init__(self) -> None:
        if self.color is not None:
            check_color(self.color)


@dataclass(frozen=True)
class Picture:
    """The content of a cell: inks drawn over each other, the first undermost.

    Args:
        inks: such as the user's strokes in one, a model's in another.
        caption: words to stand under it.
        metadata: this picture's own provenance.
        areas: what is filled, the first undermost.
    """

    inks: tuple[Ink, ...]
    caption: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    areas: tuple[Area, ...] = ()

    @classmethod
    def of(cls, sketch: Sketch) -> Picture:
        """A drawing in the usual ink under its own label."""
        return cls((Ink(sketch),), caption=sketch.label)

    def with_curves(self, curves: Curves) -> Picture:
        """The same with curves where they are chosen."""
        if curves == "auto":
            return self
        return replace(self, inks=tuple(replace(ink, curved=curves == "on") for ink in self.inks))


def bounds(picture: Picture) -> tuple[float, float, float, float]:
    """(x_min, y_min, x_max, y_max) of all inks in drawing units; four zeros for an empty picture."""
    boxes = _boxes([ink.sketch for ink in picture.inks])
    if not boxes:
        return (0.0, 0.0, 0.0, 0.0)
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return (min(lefts), min(tops), max(rights), max(bottoms))


def _boxes(sketches: Sequence[Sketch]) -> list[tuple[float, float, float, float]]:
    # A sketch of only its end row lacks points.
    return [sketch.bounds for sketch in sketches if len(sketch) > sketch.ended]
