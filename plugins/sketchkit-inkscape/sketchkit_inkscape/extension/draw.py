"""Draw something: drawings of a class, into the document."""

from __future__ import annotations

import math
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from process import Sketchkit, _, add_sampling_arguments, parse, sampling_words

if TYPE_CHECKING:
    import inkex

#: The width of a pen where no selected shape says it, as a share of a drawing's side.
_PEN_SHARE = 1 / 100


def add_arguments(parser: ArgumentParser) -> None:
    """The parameters of draw.inx."""
    parser.add_argument("--tab")
    parser.add_argument("--class_name", default="any")
    parser.add_argument("--number", type=int, default=1)
    parser.add_argument("--size", type=float, default=40.0)
    add_sampling_arguments(parser)


def words(options: Namespace) -> list[str]:
    """The command for sketchkit, whose sheet is taken apart."""
    line = ["sample", "-n", str(options.number), "--output", "-", "--format", "svg"]
    shown = options.other or options.class_name
    line += [] if shown == "any" else ["--class", shown]
    return [*line, *sampling_words(options)]


def draw(svg: inkex.SvgDocumentElement, options: Namespace, sketchkit: Sketchkit) -> None:
    """Add a group for each drawing: into the box of what is selected, or in the middle of the page."""
    import inkex
    from document import drawings_in

    data, _remarks = sketchkit.draw()
    drawings = drawings_in(data)
    columns = math.ceil(math.sqrt(len(drawings)))
    rows = math.ceil(len(drawings) / columns)
    (middle_x, middle_y), side = _place(svg, options.size / 100, columns, rows)
    layer, style = _layer(svg), _style(svg, side)
    inverse = -layer.composed_transform()
    for place, drawing in enumerate(drawings):
        row, column = divmod(place, columns)
        x = middle_x + (column - (columns - 1) / 2) * side
        y = middle_y + (row - (rows - 1) / 2) * side
        drawing.style.update(style)
        group = inkex.Group.new(drawing.shows or _("drawing"))
        group.transform = inverse
        drawing.fill(group, drawing.fitted((x, y), side if len(drawings) == 1 else 0.9 * side))
        layer.append(group)


def _place(
    svg: inkex.SvgDocumentElement, share: float, columns: int, rows: int
) -> tuple[tuple[float, float], float]:
    """The middle of the drawings, and the side of each."""
    from document import box_of, union

    box = union(box_of(each) for each in svg.selection)
    if box is not None and min(box.width, box.height) > 0:
        return tuple(box.center), min(box.width / columns, box.height / rows)
    left, top = svg.get_viewbox()[:2]
    width, height = svg.viewbox_width or 100.0, svg.viewbox_height or 100.0
    side = min(share * min(width, height), width / columns, height / rows)
    return (left + width / 2, top + height / 2), side


def _layer(svg: inkex.SvgDocumentElement) -> inkex.BaseElement:
    """The current layer; one of its own above it if that is locked or hidden."""
    import inkex
    from document import add_above

    layer = svg.get_current_layer()
    chain = [layer, *layer.iterancestors()]
    if all(each.is_sensitive() and each.style.get("display") != "none" for each in chain):
        return layer
    own = inkex.Layer.new("sketchkit")
    add_above(svg, [chain[-2]], [own])
    return own


def _style(svg: inkex.SvgDocumentElement, side: float) -> dict[str, str]:
    """The stroke of the first selected shape, or else a black pen that suits the size."""
    from document import stroke_of

    found = stroke_of(svg.selection)
    return found or {"stroke": "#000000", "stroke-width": f"{side * _PEN_SHARE:g}"}


def main() -> None:
    """Start sketchkit, which takes a while, and import inkex in that time."""
    with Sketchkit(words(parse(add_arguments))) as sketchkit:
        from document import Extension

        Extension(add_arguments, lambda svg, options: draw(svg, options, sketchkit)).run()


if __name__ == "__main__":
    main()
