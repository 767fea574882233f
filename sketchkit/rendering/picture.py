"""What one cell of a sheet shows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from sketchkit.curves import fit_curves, flatten_curves
from sketchkit.errors import InputError
from sketchkit.rendering.palette import INK
from sketchkit.sketch import Drawn, Float64, Sketch
from sketchkit.svgdoc import checked_color

__all__ = ["Curves", "Drawn", "Ink", "Picture", "bounds"]

#: Which inks are drawn as curves: those that say so, as what a model draws does; all; or none.
Curves = Literal["auto", "on", "off"]

#: The farthest that a chord of a flattened curve is from the curve, as a share of the extent of the ink.
_FLATNESS = 5e-4


@dataclass(frozen=True)
class Ink:
    """One drawing in one colour.

    Args:
        sketch: the drawing; inks of one picture share its units and its page.
        color: `#rgb`, `#rrggbb` or a name of SVG's.
        name: what its group is called in the file.
        width: of the line, in pixels of the sheet; the layout's when None.
        curved: whether it is drawn as smooth curves.

    Raises:
        InputError: a colour that is something else, or a width that is not above 0.
    """

    sketch: Sketch
    color: str = INK
    name: str = "drawing"
    width: float | None = None
    curved: bool = False

    def __post_init__(self) -> None:
        checked_color(self.color)
        if self.width is not None and not 0 < self.width < math.inf:
            raise InputError(f"the width of an ink must be above 0 pixels, got {self.width}")

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
class Picture:
    """What one cell shows: inks drawn over each other, the first undermost.

    Args:
        inks: the user's strokes in one, what was added in another.
        caption: words to stand under it.
        metadata: this picture's own provenance.
    """

    inks: tuple[Ink, ...]
    caption: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)

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
    """(x_min, y_min, x_max, y_max) of all inks in drawing units; four zeros when nothing is drawn."""
    boxes = _boxes([ink.sketch for ink in picture.inks])
    if not boxes:
        return (0.0, 0.0, 0.0, 0.0)
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return (min(lefts), min(tops), max(rights), max(bottoms))


def _boxes(sketches: Sequence[Sketch]) -> list[tuple[float, float, float, float]]:
    # A sketch that is nothing but its end row has no point.
    return [sketch.bounds for sketch in sketches if len(sketch) > sketch.ended]
