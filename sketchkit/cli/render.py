"""`sketchkit render`: drawings of any format as a picture."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from sketchkit._version import __version__
from sketchkit.cli.console import tell_written
from sketchkit.cli.groups import InputOptions, SheetOptions, name_file
from sketchkit.cli.help import RendererCommand, standalone_app
from sketchkit.cli.options import Force, option

if TYPE_CHECKING:
    from sketchkit.cli.inputs import Input
    from sketchkit.rendering import Picture

__all__ = ["EXAMPLE", "app", "render"]

EXAMPLE = "sketchkit render cat.ndjson --limit 25 --tile 5x5 -o cats.png"


def render(
    *,
    output: str = option(
        ...,
        "The picture: .svg, .png, .pdf, .gif; {stem} stands for the first file; - is stdout.",
        flags="--output -o",
        metavar="PATH",
    ),
    format: str | None = option(
        None,
        "The renderer, with its options: png:dpi=300:scale=2; see below.",
        metavar="FORMAT",
        usual="the suffix of PATH",
    ),
    sheet: SheetOptions,
    given: InputOptions,
    force: Force = False,
) -> None:
    """Show drawings of any format on one sheet, or one after another.

    SVG drawings keep their colours and widths. A plotter draws a single one on its own page, at its size.
    """
    from sketchkit.cli.endings import own_page
    from sketchkit.cli.inapplicable import check_frames
    from sketchkit.cli.inputs import read_inputs, stem_of_file
    from sketchkit.cli.output_kind import has_trait, picture_renderer
    from sketchkit.cli.outputs import check_paths, render_pictures, send

    renderer = picture_renderer(format, output)
    check_frames(sheet, renderer)
    path = name_file(output, stem_of_file(given.files[0]))
    check_paths([path], force)
    drawings = read_inputs(given, keep_documents=True)
    layout = sheet.layout(len(drawings))
    if len(drawings) == 1 and has_trait(renderer, "true_size"):
        layout = replace(layout, own_page=own_page(drawings[0], sheet))
    pictures = [_picture(each, sheet) for each in drawings]
    provenance = {"generator": "sketchkit", "version": __version__}
    send(render_pictures(renderer, pictures, layout, provenance), path, force)
    tell_written([path])


def _picture(given: Input, sheet: SheetOptions) -> Picture:
    """A drawing in its own colours and widths, unless the user chooses others."""
    from sketchkit.rendering import Area, Ink, Picture
    from sketchkit.rendering.palette import INK
    from sketchkit.sketch import Sketch

    caption = given.sketch.label or given.stem
    if given.document is None:
        return Picture((Ink(given.sketch),), caption)
    document = given.document[1]
    inks = []
    pairs = zip(document.drawn_with, document.polylines, strict=True)
    for number, (pen, pieces) in enumerate(groupby(pairs, itemgetter(0)), start=1):
        strokes = Sketch.from_polylines([line for _, line in pieces], ended=False)
        shape = {} if pen.width is None else {"cap": pen.cap, "join": pen.join}
        width = pen.width if sheet.stroke is None else None
        inks.append(Ink(strokes, pen.colour or INK, f"drawing {number}", own_width=width, **shape))
    areas = tuple(
        Area(
            Sketch.from_polylines(each.rings),
            each.colour or INK if each.seen else None,
            each.opaque,
            each.even_odd,
        )
        for each in document.filled
    )
    return Picture(tuple(inks), caption, areas=areas)


app = standalone_app(render, RendererCommand, EXAMPLE)
