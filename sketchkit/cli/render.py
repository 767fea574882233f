"""`sketchkit render`: drawings of any format as a picture."""

from __future__ import annotations

from typing import Annotated

import typer

from sketchkit.cli import parameters as p

__all__ = ["render"]


def render(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILES...", help="Drawings: SVG, ndjson, bin, npz; - reads stdin."),
    ],
    output: Annotated[
        str,
        typer.Option("--output", "-o", help="The picture: .svg, .png, .pdf; - is stdout."),
    ],
    format: Annotated[
        str | None, typer.Option(help="svg, png, pdf...", show_default="the suffix of the output")
    ] = None,
    input_format: Annotated[str, typer.Option(help="What comes on stdin.")] = "svg",
    limit: p.Limit = None,
    tile: p.Tile = None,
    cell: p.Cell = 128,
    gap: p.Gap = 8,
    label: p.Label = False,
    stroke: p.Stroke = 2,
    background: p.Background = None,
    force: p.Force = False,
) -> None:
    """Show drawings of any format on one sheet.

    Example: sketchkit render cat.ndjson --limit 25 --tile 5x5 -o cats.png
    """
    from sketchkit._version import __version__
    from sketchkit.cli import outputs
    from sketchkit.cli.inputs import only_once, read_inputs
    from sketchkit.render import Ink, Layout, Picture, renderer_for

    only_once(files)
    to = outputs.Destination.of(output, output, format, force)
    to.check([to.path()])
    sheet = Layout(p.parse_tile(tile), cell, gap, label, stroke, gap, background)
    renderer = renderer_for(to.suffix)()
    pictures = [
        Picture((Ink(each.sketch),), caption=each.sketch.label or each.stem)
        for each in read_inputs(files, input_format, limit)
    ]
    content = renderer.render(pictures, sheet, {"generator": f"sketchkit {__version__}"})
    outputs.send(content, to.path(), force)
