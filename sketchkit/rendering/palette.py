"""The colours that drawings are shown in: few, named, in one place.

The accents are from the set of Okabe and Ito, which people with any kind of colour vision tell apart, and
which stay distinct from each other and from the ink in a grey print.

Source: Okabe & Ito 2008, "Color Universal Design".
"""

from sketchkit.svgdoc import INK

__all__ = ["CAPTION", "ENDING", "INK", "PAPER", "SERIES"]

#: What a model added to it.
ENDING = "#0072B2"

#: Words under a drawing.
CAPTION = "#555555"

#: What is drawn on, where it is not left transparent.
PAPER = "#FFFFFF"

#: For several endings or drawings in one cell, in the order to take them.
SERIES = (ENDING, "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
