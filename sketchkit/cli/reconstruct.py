"""`sketchkit reconstruct`: drawings, and what a model makes of them at one temperature after another."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sketchkit.cli.flags import Json, Prepared
from sketchkit.cli.grouping import grouped
from sketchkit.cli.help import SamplerCommand, alone
from sketchkit.cli.parameters import (
    InputOptions,
    LatentOptions,
    OutputOptions,
    SheetOptions,
    parse_temperatures,
)

if TYPE_CHECKING:
    from sketchkit.cli.inputs import Input
    from sketchkit.cli.outputs import Item
    from sketchkit.cli.run import Run
    from sketchkit.sketch import Sketch

__all__ = ["EXAMPLE", "app", "reconstruct"]

EXAMPLE = "sketchkit reconstruct car.svg face.svg --temperature 0.01,0.4,1 -o again.svg"
_SEVERAL = "0.01,0.2,0.4,0.6,0.8,1"


@grouped
def reconstruct(
    *,
    output: OutputOptions,
    temperature: Annotated[
        list[str] | None,
        typer.Option(
            "--temperature",
            "-t",
            metavar="TAU",
            help="How daring; several, with commas or again: a column each.",
            show_default=_SEVERAL,
        ),
    ] = None,
    prepared: Prepared = False,
    latent: LatentOptions,
    sheet: SheetOptions,
    given: InputOptions,
    json: Json = False,
) -> None:
    """Draw drawings again from what a model remembers of them.

    One row a drawing: the drawing itself in ink, then its reconstructions from blue (tidy) to red (daring);
    --label names rows and columns.
    """
    from sketchkit.cli.inputs import read_inputs
    from sketchkit.cli.outputs import Destination, report, write_items
    from sketchkit.cli.unused import check_sheet

    runs = _runs(latent, temperature)
    to = Destination.of(output, "{stem}-again", each=False, json=json)
    check_sheet(sheet, to)
    drawings = read_inputs(given)
    columns = len(runs) + 1
    shown = len(runs) if sheet.tile else columns  # a tile of the user's is for what is drawn
    page = sheet.layout(shown * len(drawings), columns)
    if sheet.label and not sheet.tile:
        heads = (
            "drawing",
            *(run.sampler_name if run.temperature is None else f"{run.temperature:g}" for run in runs),
        )
        stems = tuple(each.stem for each in drawings)
        page = dataclasses.replace(page, label=False, column_labels=heads, row_labels=stems)
    to.check([to.path(drawings[0].stem)])

    again = _drawn(runs, drawings, prepared=prepared)
    items = [
        _item(each, runs[k], sketches[i], k, len(runs))
        for i, each in enumerate(drawings)
        for k, sketches in enumerate(again)
    ]
    pictures = None if sheet.tile else _rows(drawings, items, len(runs))
    provenance = {**runs[0].provenance, "temperature": _temperatures(runs)}
    paths = write_items(items, to, page, provenance, each=False, pictures=pictures)
    to.announce(paths)
    if json:
        report(items, paths)


def _runs(latent: LatentOptions, temperature: list[str] | None) -> list[Run]:
    """A run for each temperature; a single one where the sampler has none or -O says it."""
    from sketchkit.cli.run import Run

    if temperature is None:
        one = Run.latent(latent, None)
        said = any(pair.startswith("temperature=") for pair in latent.option or ())
        if said or one.temperature is None:
            return [one]
    return [Run.latent(latent, each) for each in parse_temperatures(temperature or [_SEVERAL])]


def _temperatures(runs: Sequence[Run]) -> list[float] | None:
    """That of each run; None where the sampler has none."""
    return [run.temperature for run in runs if run.temperature is not None] or None


def _drawn(runs: Sequence[Run], drawings: Sequence[Input], *, prepared: bool) -> list[list[Sketch]]:
    """The reconstructions of all drawings, for each temperature."""
    from sketchkit.cli.console import progress

    model, sketches = runs[0].load(), [each.sketch for each in drawings]
    for run in runs[1:]:
        run.used.update(runs[0].used)
    from sketchkit.generate import reconstruct as draw_again

    def drawn(run: Run, done: int) -> list[Sketch]:
        def so_far(n: int, total: int) -> None:
            told(done * total + n, len(runs) * total)

        what = {"class_name": run.class_of(0), "prepared": prepared, **run.settings()}
        return draw_again(model, sketches, progress=so_far, **what)

    with progress("Drawing again") as told:
        return [drawn(run, done) for done, run in enumerate(runs)]


def _item(given: Input, run: Run, sketch: Sketch, place: int, places: int) -> Item:
    from sketchkit.cli.outputs import Item
    from sketchkit.rendering import Ink, Picture
    from sketchkit.rendering.palette import temperature_color

    tau = run.temperature
    facts: dict[str, Any] = {
        **run.provenance,
        "index": place,
        "drawing": given.stem,
        "finished": sketch.ended,
    }
    color = temperature_color(place / (places - 1) if places > 1 else 0.0)
    caption = given.stem if tau is None else f"{tau:g} {given.stem}"
    picture = Picture((Ink(sketch, color, curved=True),), caption, facts)
    return Item(given.stem, place, sketch, picture, source=given.source)


def _rows(drawings: Sequence[Input], items: Sequence[Item], columns: int) -> list[Any]:
    """Each drawing in ink, then what has become of it."""
    from sketchkit.rendering import Ink, Picture

    out = []
    for i, each in enumerate(drawings):
        out.append(Picture((Ink(each.sketch),), each.stem))
        out += [item.picture for item in items[i * columns : (i + 1) * columns]]
    return out


app = alone(reconstruct, SamplerCommand, EXAMPLE)
