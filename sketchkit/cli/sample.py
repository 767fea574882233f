"""`sketchkit sample`: draw from nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sketchkit.cli.flags import LARGEST_NUMBER, MOST_DRAWINGS, Tries
from sketchkit.cli.grouping import grouped
from sketchkit.cli.help import SamplerCommand, alone
from sketchkit.cli.parameters import DrawingOptions, OutputOptions, SheetOptions

if TYPE_CHECKING:
    from sketchkit.cli.outputs import Item
    from sketchkit.sketch import Sketch

__all__ = ["EXAMPLE", "app", "sample"]

EXAMPLE = (
    "sketchkit sample --class pig -n 1000000 -o pigs.ndjson\n"
    "sketchkit sample --class pig -n 16 --temperature 0.25 -o pigs.png"
)

#: Of drawings that are written one after another and forgotten.
_MOST_STREAMED = 1_000_000_000
#: A report has some lines for every drawing, and all of it is in memory.
_MOST_REPORTED = 100_000


@grouped
def sample(
    *,
    output: OutputOptions,
    layout: Annotated[
        Literal["grid", "files"], typer.Option(help="One sheet, or a file each (name them by {index}).")
    ] = "grid",
    n: Annotated[
        int,
        typer.Option(
            "-n",
            metavar="N",
            min=1,
            max=_MOST_STREAMED,
            help="How many drawings; above a million only as ndjson, one file or stdout. Into an ndjson "
            "file they are written as they are drawn, and after a kill the same command goes on.",
        ),
    ] = 16,
    first: Annotated[
        int, typer.Option(metavar="INDEX", min=0, max=LARGEST_NUMBER, help="The index of the first drawing.")
    ] = 0,
    z_temperature: Annotated[
        float | None,
        typer.Option(
            metavar="TAU",
            help="What the noise of a vae's prior is multiplied by, 0 to 10; 0 is the most typical.",
            show_default="0.5 if the model has learnt a prior, else 1",
        ),
    ] = None,
    tries: Tries = None,
    drawing: DrawingOptions,
    sheet: SheetOptions,
    json: Annotated[
        bool,
        typer.Option("--json", help="Say on stdout, as JSON, what was done: of 100,000 drawings at most."),
    ] = False,
) -> None:
    """Draw from nothing."""
    from sketchkit.cli.outputs import Destination, report, write_items
    from sketchkit.cli.run import Run, tries_of
    from sketchkit.cli.streaming import Streaming
    from sketchkit.cli.unused import check_sheet

    run, each = Run.of(drawing, tries_of(tries)), layout == "files"
    to = Destination.of(output, "{stem}-{index}" if each else "{stem}", each=each, json=json)
    check_sheet(sheet, to, each=each)
    streaming = Streaming.possible(to) and not each
    _check_count(n, streaming=streaming, json=json)
    if streaming and not json:
        to.check([to.path(run.stem)])
        to.announce([Streaming(run, n, first, to, z_temperature).write()])
        return
    indices = range(first, first + n)
    page = sheet.layout(1) if each else sheet.layout(n, _columns(n, len(run.classes)))
    to.check([to.path(run.stem, index) for index in indices] if each else [to.path(run.stem)])

    sketches = run.sample(n, first, z_temperature)
    items = [
        _item(run.stem, index, sketch, run.facts(index))
        for index, sketch in zip(indices, sketches, strict=True)
    ]
    paths = write_items(items, to, page, run.provenance, each=each)
    to.announce(paths)
    if json:
        report(items, paths)


def _check_count(n: int, *, streaming: bool, json: bool) -> None:
    """Refuse more drawings than there is memory for.

    Raises:
        typer.BadParameter: how many there may be, and where there may be more.
    """
    if json and n > _MOST_REPORTED:
        raise typer.BadParameter(
            f"--json reports on {_MOST_REPORTED:,} drawings at most, not on {n:,}: leave it out",
            param_hint="--json",
        )
    if not streaming and n > MOST_DRAWINGS:
        raise typer.BadParameter(
            f"more than {MOST_DRAWINGS:,} drawings go into one ndjson file only, or to stdout as ndjson",
            param_hint="-n",
        )


def _columns(n: int, classes: int) -> int | None:
    """How many columns a sheet of n drawings has by itself: with several classes, each holds one of them."""
    if classes < 2:
        return None
    return min(n, classes * max(1, round(math.sqrt(n) / classes)))


def _item(stem: str, index: int, sketch: Sketch, provenance: Mapping[str, Any]) -> Item:
    from sketchkit.cli.outputs import Item
    from sketchkit.rendering import Ink, Picture

    facts = {**provenance, "finished": sketch.ended}
    return Item(stem, index, sketch, Picture((Ink(sketch, curved=True),), f"{stem} {index}", facts))


app = alone(sample, SamplerCommand, EXAMPLE)
