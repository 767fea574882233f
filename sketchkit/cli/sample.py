"""`sketchkit sample`: draw from nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sketchkit.cli.flags import LARGEST_NUMBER, MOST_DRAWINGS, Json
from sketchkit.cli.grouping import grouped
from sketchkit.cli.help import SamplerCommand, alone
from sketchkit.cli.parameters import DrawingOptions, OutputOptions, SheetOptions

if TYPE_CHECKING:
    from sketchkit.cli.outputs import Item
    from sketchkit.sketch import Sketch

__all__ = ["EXAMPLE", "app", "sample"]

EXAMPLE = "sketchkit sample --class pig -n 16 --temperature 0.25 -o pigs.png"


@grouped
def sample(
    *,
    output: OutputOptions,
    layout: Annotated[
        Literal["grid", "files"], typer.Option(help="One sheet, or a file each (name them by {index}).")
    ] = "grid",
    n: Annotated[
        int, typer.Option("-n", metavar="N", min=1, max=MOST_DRAWINGS, help="How many drawings.")
    ] = 16,
    first: Annotated[
        int, typer.Option(metavar="INDEX", min=0, max=LARGEST_NUMBER, help="The index of the first drawing.")
    ] = 0,
    drawing: DrawingOptions,
    sheet: SheetOptions,
    json: Json = False,
) -> None:
    """Draw from nothing."""
    from sketchkit.cli.outputs import Destination, report, write_items
    from sketchkit.cli.run import Run
    from sketchkit.cli.unused import check_sheet

    run, each = Run.of(drawing), layout == "files"
    to = Destination.of(output, "{stem}-{index}" if each else "{stem}", each=each, json=json)
    check_sheet(sheet, to)
    indices = range(first, first + n)
    page = sheet.layout(1) if each else sheet.layout(n, _columns(n, len(run.classes)))
    to.check([to.path(run.stem, index) for index in indices] if each else [to.path(run.stem)])

    sketches = run.sample(n, first)
    items = [
        _item(run.stem, index, sketch, run.facts(index))
        for index, sketch in zip(indices, sketches, strict=True)
    ]
    paths = write_items(items, to, page, run.provenance, each=each)
    to.announce(paths)
    if json:
        report(items, paths)


def _columns(n: int, classes: int) -> int | None:
    """How many columns a sheet of n drawings has by itself: with several classes, each holds one of them."""
    if classes < 2:
        return None
    return min(n, classes * max(1, round(math.sqrt(n) / classes)))


def _item(stem: str, index: int, sketch: Sketch, provenance: Mapping[str, Any]) -> Item:
    from sketchkit.cli.outputs import Item
    from sketchkit.rendering import Ink, Picture

    facts = {**provenance, "finished": sketch.ended}
    return Item(stem, index, sketch, Picture((Ink(sketch),), f"{stem} {index}", facts))


app = alone(sample, SamplerCommand, EXAMPLE)
