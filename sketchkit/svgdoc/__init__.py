"""SVG out: documents, groups and paths, and layers put into a user's own document.

All SVG that sketchkit writes is made here, the strings in it included. The output is a function of the input:
timestamps and random ids are left out.
"""

from sketchkit.arguments import old_function
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
from sketchkit.svgdoc.strings import check_color, clean, json_text, slug

__all__ = [
    "INK",
    "Element",
    "Layer",
    "Pen",
    "animate",
    "check_color",
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

checked_color = old_function("checked_color", check_color)
