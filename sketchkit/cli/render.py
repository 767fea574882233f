"""`sketchkit render`: drawings of any format as a picture."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated

import typer

from sketchkit._version import __version__
from sketchkit.cli.console import tell_written
from sketchkit.cli.fields import one_file
from sketchkit.cli.flags import Force
from sketchkit.cli.grouping import grouped
from sketchkit.cli.help import RendererCommand, alone
from sketchkit.cli.parameters import InputOptions, SheetOptions

if TYPE_CHECKING:
    from sketchkit.cli.inputs import Input
    from sketchkit.rendering import Picture

__all__ = ["EXAMPLE", "app", "render"]

EXAMPLE = "sketchkit render cat.ndjson --limit 25 --tile 5x5 -o cats.png"


@grouped
def render(
    *,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="The picture: .svg, .png, .pdf, .gif; {stem} stands for the first file; - is stdout.",
        ),
    ],
    format: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="The renderer, with its options: png:dpi=300:scale=2; see below.",
            show_default="the suffix of PATH",
        ),
    ] = None,
    sheet: SheetOptions,
    given: InputOptions,
    force: Force = False,
) -> None:
    """Show drawings of any format on one sheet, or one after another.

    SVG drawings keep their colours and widths. A plotter draws a single one on its own page, at its size.
    """
    from sketchkit.cli.endings import own_page
    from sketchkit.cli.inputs import read_inputs, stem_of_file
    from sketchkit.cli.kinds import picture_renderer, says
    from sketchkit.cli.outputs import check_paths, rendered, send
    from sketchkit.cli.unused import check_frames

    renderer = picture_renderer(format, output)
    check_frames(sheet, renderer)
    path = one_file(output, stem_of_file(given.files[0]))
    check_paths([path], force)
    drawings = read_inputs(given, keep_documents=True)
    layout = sheet.layout(len(drawings))
    if len(drawings) == 1 and says(renderer, "true_size"):
        layout = replace(layout, own_page=own_page(drawings[0], sheet))
    pictures = [_picture(each, sheet) for each in drawings]
    provenance = {"generator": "sketchkit", "version": __version__}
    send(rendered(renderer, pictures, layout, provenance), path, force)
    tell_written([path])


def _picture(given: Input, sheet: SheetOptions) -> Picture:
    """A drawing in its own colours and widths, where it has any and the user wants no other."""
    from sketchkit.rendering import Ink, Picture
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
    return Picture(tuple(inks), caption)


app = alone(render, RendererCommand, EXAMPLE)
