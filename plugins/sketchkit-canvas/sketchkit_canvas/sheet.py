"""The sheet of paper of the page, and where a drawing from nothing stands on it."""

from __future__ import annotations

from sketchkit import Sketch
from sketchkit_canvas.messages import Drawing

__all__ = ["PIXELS", "SCALE", "middle_place", "sketch_of"]

#: The sheet of paper of the page, in paper units, and how much of it a drawing from nothing takes.
_SHEET = 800.0
_SHARE = 0.6
#: The longer side of a drawing of the training data, in pixels.
PIXELS = 255.0
#: Pixels of the training data in a paper unit, for a drawing from nothing.
SCALE = PIXELS / (_SHARE * _SHEET)


def sketch_of(drawing: Drawing) -> Sketch:
    """What has been drawn on the page."""
    return Sketch.from_polylines(drawing)


def middle_place(sketch: Sketch) -> tuple[float, float]:
    """Where a drawing in pixels from (0, 0) begins on the sheet, so that its middle is that of the sheet."""
    x0, y0, x1, y1 = sketch.bounds
    return _SHEET / 2 - (x0 + x1) / 2 / SCALE, _SHEET / 2 - (y0 + y1) / 2 / SCALE
