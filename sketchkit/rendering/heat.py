"""Colours for numbers: from little to much, ordered for every eye, and readable on white paper."""

from __future__ import annotations

import numpy as np

from sketchkit.errors import InputError
from sketchkit.rendering.picture import Ink, Picture
from sketchkit.sketch import Sketch

__all__ = ["HEAT", "heat_color", "legend"]

#: From little (a pale blue) to much (a dark red). Lightness falls in even steps, so that the order is seen in
#: a grey print and with any kind of colour vision; the palest has a contrast of 2.1 to white, the darkest 10.
#:
#: Source: OKLCh (Ottosson 2020), lightness 0.76 to 0.40, chroma 0.06 to 0.16, hue 240 to 385 degrees.
HEAT = ("#8FB7D4", "#87A5D1", "#8791CA", "#8B7CBD", "#9166A9", "#94508E", "#953A6D", "#922346", "#8A0314")

_BANDS = 32
# Of the legend's cell, in pixels: wide enough to be a band rather than a line.
_BAND_WIDTH = 10.0


def heat_color(share: float) -> str:
    """The colour of a number in a range.

    Args:
        share: where it lies, 0 at the low end and 1 at the high end.

    Returns:
        `#RRGGBB`.

    Raises:
        InputError: a share outside 0..1.
    """
    if not 0.0 <= share <= 1.0:
        raise InputError(f"a share must lie in 0..1, got {share}")
    stops = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in HEAT], np.float64)
    at = share * (len(HEAT) - 1)
    mixed = [round(float(np.interp(at, np.arange(len(HEAT)), stops[:, channel]))) for channel in range(3)]
    return "#" + "".join(f"{value:02X}" for value in mixed)


def legend(caption: str) -> Picture:
    """A picture of the whole scale, little on the left.

    Args:
        caption: what its two ends stand for.
    """
    ends = [(i / _BANDS, (i + 1) / _BANDS) for i in range(_BANDS)]
    bands = [Sketch.from_polylines([[(left, 0.0), (right, 0.0)]]) for left, right in ends]
    colors = [heat_color(i / (_BANDS - 1)) for i in range(_BANDS)]
    inks = [Ink(band, color, "scale", _BAND_WIDTH) for band, color in zip(bands, colors, strict=True)]
    return Picture(tuple(inks), caption)
