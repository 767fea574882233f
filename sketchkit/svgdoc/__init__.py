"""SVG out: documents, groups and paths, and layers put into a user's own document.

Everything sketchkit writes as SVG goes through here, and so does every string that ends up in one. The
output depends on nothing but the input: no timestamps, no random ids.
"""

from sketchkit.svgdoc.colors import checked_color
from sketchkit.svgdoc.drawings import sketch_data, sketch_svg, write_drawings
from sketchkit.svgdoc.elements import (
    INK,
    Pen,
    animate,
    document,
    group,
    path,
    rectangle,
    text,
)
from sketchkit.svgdoc.layers import Layer, insert_layers, write_layers
from sketchkit.svgdoc.markup import Element, to_bytes, to_text
from sketchkit.svgdoc.numbers import curves_data, decimals_for, path_data, paths_data
from sketchkit.svgdoc.strings import clean, json_text, slug

__all__ = [
    "INK",
    "Element",
    "Layer",
    "Pen",
    "animate",
    "checked_color",
    "clean",
    "curves_data",
    "decimals_for",
    "document",
    "group",
    "insert_layers",
    "json_text",
    "path",
    "path_data",
    "paths_data",
    "rectangle",
    "sketch_data",
    "sketch_svg",
    "slug",
    "text",
    "to_bytes",
    "to_text",
    "write_drawings",
    "write_layers",
]
