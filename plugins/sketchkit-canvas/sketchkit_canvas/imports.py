"""Files that are brought in."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit import FormatError, InputError, Sketch, read_svg
from sketchkit.geometry import simplify
from sketchkit_canvas.messages import MAX_POINTS

__all__ = ["import_svg"]

#: The largest distance of a point left out, as a share of the drawing's size: at first, and how much more
#: each time that too many points are left.
_FINENESS, _COARSER = 1 / 4000, 1.6
_MOST_TRIES = 20


def import_svg(content: bytes, name: str = "the file") -> dict[str, Any]:
    """The strokes of an SVG document, with no more points than a drawing may have.

    Args:
        content: the document.
        name: what errors call it.

    Returns:
        `strokes` in the document's own units, the `width` and `height` that they take, and `left_out`: what
        else the document holds, as words.

    Raises:
        InputError: not SVG, damaged, above one of the importer's limits, or without a stroke.
    """
    document = read_svg(content, name)
    sketch = document.sketch(name)
    lines = sketch.to_polylines()
    if not lines:
        raise FormatError(f"{name}: nothing in it is drawn")
    strokes = [np.round(line, _decimals(sketch)).tolist() for line in _bounded(lines, sketch, name)]
    x0, y0, x1, y1 = sketch.bounds
    return {"strokes": strokes, "width": x1 - x0, "height": y1 - y0, "left_out": document.omissions}


def _bounded(
    lines: list[npt.NDArray[np.float64]], sketch: Sketch, name: str
) -> list[npt.NDArray[np.float64]]:
    tolerance = _size(sketch) * _FINENESS
    for _ in range(_MOST_TRIES):
        if sum(map(len, lines)) <= MAX_POINTS:
            return lines
        lines = simplify(lines, tolerance)
        tolerance *= _COARSER
    if sum(map(len, lines)) > MAX_POINTS:
        raise InputError(f"{name}: too many strokes: a drawing has at most {MAX_POINTS:,} points")
    return lines


def _decimals(sketch: Sketch) -> int:
    """So many that nobody sees the rounding, whatever the units are."""
    size = _size(sketch)
    return int(np.clip(5 - np.floor(np.log10(size)), 0, 12)) if size > 0 else 6


def _size(sketch: Sketch) -> float:
    x0, y0, x1, y1 = sketch.bounds
    return max(x1 - x0, y1 - y0)
