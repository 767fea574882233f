"""The colours that drawings are shown in: few, named, in one place.

The accents are from the set of Okabe and Ito, which people with any kind of colour vision tell apart, and
which stay distinct from each other and from the ink in a grey print.

Source: Okabe & Ito 2008, "Color Universal Design".
"""

from __future__ import annotations

import numpy as np

from sketchkit.errors import InputError
from sketchkit.rendering.picture import Ink, Picture
from sketchkit.sketch import Sketch
from sketchkit.svgdoc import INK

__all__ = [
    "CAPTION",
    "ENDING",
    "HEAT",
    "INK",
    "LIMIT",
    "PAPER",
    "SERIES",
    "TITLE",
    "draw_heat_legend",
    "heat_color",
    "temperature_color",
]

#: Strokes that a model added.
ENDING = "#0072B2"

#: Where a model's ink may not go: there to be seen, not to be looked at.
LIMIT = "#C4C4C4"

#: Words under a drawing, and those that name rows and columns.
CAPTION = "#555555"

#: The words above a sheet.
TITLE = "#333333"

#: The paper, where it is not transparent.
PAPER = "#FFFFFF"

#: For several endings or drawings in one cell, in the order to take them.
SERIES = (ENDING, "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

# Of the tidiest drawing and of the most daring one: each dark enough for thin lines on white paper, so that
# all between them are, too.
_COLD, _HOT = (0x1F, 0x4F, 0xE0), (0xDC, 0x1E, 0x1E)

#: From little (a pale blue) to much (a dark red). Lightness falls in even steps, so that the order is seen in
#: a grey print and with any kind of colour vision; the palest has a contrast of 2.1 to white, the darkest 10.
#:
#: Source: OKLCh (Ottosson 2020), lightness 0.76 to 0.40, chroma 0.06 to 0.16, hue 240 to 385 degrees.
HEAT = ("#8FB7D4", "#87A5D1", "#8791CA", "#8B7CBD", "#9166A9", "#94508E", "#953A6D", "#922346", "#8A0314")

_BANDS = 32
# Of the legend's cell, in pixels: wide enough to be a band rather than a line.
_BAND_WIDTH = 10.0


def temperature_color(share: float) -> str:
    """The colour of a drawing in a row of rising temperatures: blue, over violet, to red.

    Args:
        share: 0 for the lowest temperature of the row, 1 for the highest.

    Returns:
        `#rrggbb`, at least 4.5 times as dark as white paper by WCAG's measure.

    Raises:
        InputError: a share that is not from 0 to 1.

    Source: Ha & Eck 2017, figures 4 and 5. Departure: the ends are a little darker than pure blue and red.
    """
    if not 0 <= share <= 1:
        raise InputError(f"the share of a temperature must be from 0 to 1, got {share}")
    mixed = (round(cold + (hot - cold) * share) for cold, hot in zip(_COLD, _HOT, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


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


def draw_heat_legend(caption: str) -> Picture:
    """A picture of the whole scale, little on the left.

    Args:
        caption: the meaning of its two ends.
    """
    ends = [(i / _BANDS, (i + 1) / _BANDS) for i in range(_BANDS)]
    bands = [Sketch.from_polylines([[(left, 0.0), (right, 0.0)]]) for left, right in ends]
    colors = [heat_color(i / (_BANDS - 1)) for i in range(_BANDS)]
    inks = [Ink(band, color, "scale", _BAND_WIDTH) for band, color in zip(bands, colors, strict=True)]
    return Picture(tuple(inks), caption)
