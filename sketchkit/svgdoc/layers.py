"""Layers put into a user's SVG document, every other byte of which stays as it was."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sketchkit.errors import InputError
from sketchkit.sketch import Sketch
from sketchkit.svgdoc.drawings import display_size, page_around, sketch_data
from sketchkit.svgdoc.elements import Pen, document, group, path
from sketchkit.svgdoc.markup import to_bytes, to_text
from sketchkit.svgdoc.numbers import number
from sketchkit.svgdoc.strings import slug

# Properties that a path may inherit besides those that the pen sets.
_RESET = "stroke-dasharray:none;stroke-opacity:1"
# An absolute length.
_LENGTH = re.compile(
    r"\s*(\+?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,3})?)(mm|cm|in|pt|pc|px|Q|)\s*", re.ASCII
)
_ROOT_NAME = re.compile(r"<([^\s/>]+)")


_Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Layer:
    """One layer to insert.

    Args:
        sketch: the drawing, in the user units of the document's root.
        name: the layer's in Inkscape.
        pen: its width in user units.
        metadata: the layer's own provenance, written as JSON.
        curved: whether it is drawn as smooth curves.
    """

    sketch: Sketch
    name: str
    pen: Pen
    metadata: Mapping[str, object] = field(default_factory=dict)
    curved: bool = False


def insert_layers(
    document: bytes,
    insert_at: int,
    self_closing: bool,
    encoding: str,
    layers: Sequence[Layer],
    *,
    visible: Literal["all", "first"] | int = "all",
) -> bytes:
    """The document with layers added at the end of its root.

    Args:
        document: the user's file.
        insert_at: byte offset of the root's end tag `</svg>`; of either end of `/>` if it closes itself.
        self_closing: whether the root is `<svg ... />`.
        encoding: the document's own, as Python calls it.
        layers: the first one undermost.
        visible: whether all layers are shown or only one (the first, or that of an index), the others waiting
            to be switched on.

    Returns:
        The bytes before `insert_at`, the layers, the bytes after it; of a self-closing root `/>` becomes `>`
        and an end tag follows the layers.

    Raises:
        InputError: `insert_at` is not the end of a root, or an encoding that Python does not know.
    """
    codec = _codec(document, encoding)
    whole = document.decode(codec, "replace")
    before, after, opening, closing = _cut(document, insert_at, self_closing, codec)
    names = _free_ids(whole, [layer.name for layer in layers])
    shown = _visible_flags(visible, len(layers))
    elements = [_layer_xml(*each) for each in zip(layers, names, shown, strict=True)]
    inserted = "".join((opening, *(f"{xml}\n" for xml in elements), closing))
    return before + inserted.encode(codec, "xmlcharrefreplace") + after


def write_layers(
    layers: Sequence[Layer],
    *,
    view_box: tuple[float, float, float, float] | None = None,
    size: tuple[str, str] = ("", ""),
    metadata: Mapping[str, object] | None = None,
    visible: Literal["all", "first"] | int = "all",
) -> bytes:
    """A document of our own with layers in it, every point where it is on the page.

    Args:
        layers: the first one undermost.
        view_box: left, top, width and height of a page to show; it grows to hold all drawings.
        size: how large that page is, as an SVG root says it ("120mm", "90mm"); a page that grows is larger in
            the same proportion. A missing or relative length follows from the other; without both, a unit
            is a pixel, or as large as shows well.
        metadata: provenance of the whole.
        visible: as in `insert_layers`.

    Returns:
        The file, UTF-8.

    Raises:
        InputError: drawings too far apart for a page.
    """
    page = page_around([layer.sketch for layer in layers], view_box)
    root = document(display_size(page), page, metadata=metadata)
    if view_box is not None:
        root["width"], root["height"] = _grow(size, view_box, page) or (root["width"], root["height"])
    names = _free_ids("", [layer.name for layer in layers])
    for layer, name, shown in zip(layers, names, _visible_flags(visible, len(layers)), strict=True):
        data = sketch_data(layer.sketch, layer.curved)
        root.add(
            group(
                id=name,
                label=layer.name,
                layer=True,
                style=None if shown else "display:none",
                attributes=layer.pen.attributes,
                metadata=layer.metadata or None,
                children=[path(data)] if data else [],
            )
        )
    return to_bytes(root)


def _visible_flags(visible: Literal["all", "first"] | int, count: int) -> list[bool]:
    """Which of so many layers are shown."""
    only = 0 if visible == "first" else visible
    return [only in ("all", i) for i in range(count)]


def _grow(size: tuple[str, str], view_box: _Box, page: _Box) -> tuple[str, str] | None:
    """The size of a page in which a unit is as long as in a page of a known size; `None` if unknown.

    If both lengths are known, each grows by itself, so that an uneven scale stays the same.
    """
    lengths = [_LENGTH.fullmatch(text) for text in size]
    known = [(float(m[1]) / box, m[2]) if m else None for m, box in zip(lengths, view_box[2:], strict=True)]
    known = [each if each and 0 < each[0] < math.inf else None for each in known]
    across, down = known[0] or known[1], known[1] or known[0]
    if across is None or down is None:
        return None
    (x, x_unit), (y, y_unit) = across, down
    return f"{number(x * page[2])}{x_unit}", f"{number(y * page[3])}{y_unit}"


def _layer_xml(layer: Layer, id: str, shown: bool) -> str:
    data = sketch_data(layer.sketch, layer.curved)
    style = f"{layer.pen.style};{_RESET}"
    element = group(
        id=id,
        label=layer.name,
        layer=True,
        standalone=True,
        style="display:inline" if shown else "display:none",
        metadata=layer.metadata,
        children=[path(data, style)] if data else [],
    )
    return to_text(element)


def _cut(document: bytes, at: int, self_closing: bool, codec: str) -> tuple[bytes, bytes, str, str]:
    """The bytes before and after, and the text around the layers between them."""
    mark = ("/>" if self_closing else "</").encode(codec)
    if self_closing and not document.startswith(mark, at):
        at -= len(mark)  # the offset behind `/>`
    if at <= 0 or not document.startswith(mark, at):
        raise InputError(f"byte {at} is not the end of the document's root element")
    if not self_closing:
        return document[:at], document[at:], "", ""
    # An attribute value cannot hold `<`, so the last one before the end opened the root.
    head = document[:at].decode(codec, "replace")
    root = _ROOT_NAME.match(head, head.rfind("<"))
    if root is None:
        raise InputError(f"byte {at} is not the end of the document's root element")
    return document[:at], document[at + len(mark) :], ">\n", f"</{root[1]}>"


def _free_ids(document: str, names: Iterable[str]) -> list[str]:
    """An id for each name that is new in the document."""
    taken = set(re.findall(r"sketchkit-[\w.:-]*", document))
    ids: list[str] = []
    for name in names:
        base = f"sketchkit-{slug(name, 'layer')}"
        free, count = base, 1
        while free in taken:
            count += 1
            free = f"{base}-{count}"
        taken.add(free)
        ids.append(free)
    return ids


def _codec(document: bytes, encoding: str) -> str:
    """The codec of the document without the mark that it may begin with, which is never written twice."""
    try:
        name = codecs.lookup(encoding).name
    except LookupError as error:
        raise InputError(f"the document is in an unknown encoding, {encoding!r}") from error
    if name == "utf-8-sig":
        return "utf-8"
    if name != "utf-16":
        return name
    return "utf-16-be" if document.startswith((codecs.BOM_UTF16_BE, b"\x00<")) else "utf-16-le"
