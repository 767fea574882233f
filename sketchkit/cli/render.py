"""`sketchkit render`: drawings of any format as a picture."""

from __future__ import annotations

from typing import Annotated

import typer

from sketchkit._version import __version__
from sketchkit.cli.console import tell_written
from sketchkit.cli.fields import one_file
from sketchkit.cli.flags import Force
from sketchkit.cli.grouping import grouped
from sketchkit.cli.help import RendererCommand, alone
from sketchkit.cli.parameters import InputOptions, SheetOptions

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
    """Show drawings of any format on one sheet, or one after another."""
    from sketchkit.cli.inputs import read_inputs, stem_of_file
    from sketchkit.cli.kinds import picture_renderer
    from sketchkit.cli.outputs import check_paths, rendered, send
    from sketchkit.cli.unused import check_frames
    from sketchkit.rendering import Ink, Picture

    renderer = picture_renderer(format, output)
    check_frames(sheet, renderer)
    path = one_file(output, stem_of_file(given.files[0]))
    check_paths([path], force)
    drawings = read_inputs(given)
    layout = sheet.layout(len(drawings))
    pictures = [Picture((Ink(each.sketch),), each.sketch.label or each.stem) for each in drawings]
    provenance = {"generator": "sketchkit", "version": __version__}
    send(rendered(renderer, pictures, layout, provenance), path, force)
    tell_written([path])


app = alone(render, RendererCommand, EXAMPLE)
