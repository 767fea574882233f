"""The colours that drawings are shown in: few, named, in one place.

The accents are from the set of Okabe and Ito, which people with any kind of colour vision tell apart, and
which stay distinct from each other and from the ink in a grey print.

Source: Okabe & Ito 2008, "Color Universal Design".
"""

from sketchkit.errors import InputError
from sketchkit.svgdoc import INK

__all__ = ["CAPTION", "ENDING", "INK", "LIMIT", "PAPER", "SERIES", "TITLE", "temperature_color"]

#: What a model added to it.
ENDING = "#0072B2"

#: Where a model's ink may not go: there to be seen, not to be looked at.
LIMIT = "#C4C4C4"

#: Words under a drawing, and those that name rows and columns.
CAPTION = "#555555"

#: The words above a sheet.
TITLE = "#333333"

#: What is drawn on, where it is not left transparent.
PAPER = "#FFFFFF"

#: For several endings or drawings in one cell, in the order to take them.
SERIES = (ENDING, "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

# Of the tidiest drawing and of the most daring one: each dark enough for thin lines on white paper, so that
# all between them are, too.
_COLD, _HOT = (0x1F, 0x4F, 0xE0), (0xDC, 0x1E, 0x1E)


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
