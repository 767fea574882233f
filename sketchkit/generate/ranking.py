"""How alike two endings are: by the distance between their ink."""

from __future__ import annotations

import math
from collections.abc import Iterable

from sketchkit.geometry import chamfer
from sketchkit.sketch import Float64, Sketch

__all__ = ["too_alike"]

# Endings count as alike if their ink lies closer than this share of the drawing's diagonal, on average.
_ALIKE = 0.02


def too_alike(mine: Float64, others: Iterable[Float64], drawing: Sketch) -> bool:
    """Whether an ending's outline all but covers that of one of the others.

    Args:
        mine: points [P, 2].
        others: the same of the endings that are kept.
        drawing: the whole drawing, whose size decides how near is near.
    """
    x0, y0, x1, y1 = drawing.bounds
    limit = _ALIKE * math.hypot(x1 - x0, y1 - y0)
    return any(chamfer(mine, other) <= limit for other in others)
