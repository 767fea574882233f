"""`sketchkit reconstruct`: drawings, and what a model makes of them at one temperature after another."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from sketchkit.cli.groups import InputOptions, OutputOptions, SheetOptions, parse_temperatures
from sketchkit.cli.help import SamplerCommand, standalone_app
from sketchkit.cli.options import Given, Json, Prepared, ShardName, ShownClass, option, settings_of
from sketchkit.settings import LatentSettings

if TYPE_CHECKING:
    from sketchkit.cli.inputs import Input
    from sketchkit.cli.output_kind import Kind
    from sketchkit.cli.outputs import Item
    from sketchkit.cli.parts import Progress, Work
    from sketchkit.cli.runner import Run
    from sketchkit.models import DrawingModel
    from sketchkit.rendering import Layout
    from sketchkit.sketch import Sketch

__all__ = ["EXAMPLE", "app", "reconstruct"]

EXAMPLE = "sketchkit reconstruct car.svg face.svg --temperature 0.01,0.4,1 -o again.svg"
#: The reconstructions of a part.
_DRAWINGS_OF_PART = 4096
_SEVERAL = "0.01,0.2,0.4,0.6,0.8,1"


def reconstruct(
    *,
    output: OutputOptions,
    temperature: list[str] | None = option(
        None,
        "How daring; several, with commas or again: a column each.",
        flags="--temperature -t",
        metavar="TAU",
        usual=_SEVERAL,
    ),
    prepared: Prepared = False,
    classes: ShownClass = None,
    latent: Annotated[Given, settings_of(LatentSettings, without={"temperature"})],
    sheet: SheetOptions,
    given: InputOptions,
    shard: ShardName = None,
    json: Json = False,
) -> None:
    """Draw drawings again from what a model remembers of them.

    Each is drawn several times, and the nearest to the drawing that looks like its class is shown.
    One row a drawing: the drawing itself in ink, then its reconstructions from blue (tidy) to red (daring);
    --label names rows and columns.
    """
    from sketchkit.cli.inputs import find_pipe, read_inputs, stem_of_file
    from sketchkit.cli.outputs import Page
    from sketchkit.cli.parts import PartsOutput, streamed

    runs = _choose_runs(latent, classes, temperature)
    if (folder := PartsOutput.of_drawings(output, shard, json=json)) is not None:
        folder.do(_in_parts(runs, given, folder.kind, prepared=prepared))
        return
    page = Page.of(output, sheet, "{stem}-again", json=json)
    stem = stem_of_file(given.files[0])
    if (whole := streamed(page, stem)) is not None and not json and not find_pipe(given.files):
        page.plan(stem, 1)
        whole.do(_in_parts(runs, given, page.to.kind, prepared=prepared))
        return
    drawings = read_inputs(given)
    columns = len(runs) + 1
    shown = len(runs) if sheet.tile else columns  # a tile of the user's is for the reconstructions alone
    layout = page.plan(drawings[0].stem, shown * len(drawings), columns)
    if sheet.label and not sheet.tile:
        layout = _name_rows(layout, runs, drawings)

    from sketchkit.cli.console import progress

    model = _load(runs, len(drawings))
    with progress("Drawing again") as report:
        items = _draw_again(model, runs, drawings, report, prepared=prepared)
    page.write(items, layout, _provenance(runs), None if sheet.tile else _rows(drawings, items, len(runs)))


def _choose_runs(latent: Given, classes: list[str] | None, temperature: list[str] | None) -> list[Run]:
    """A run for each temperature; a single run where the sampler has none or -O says it."""
    from sketchkit.cli.runner import Run

    if temperature is None:
        one = Run.of(latent, classes)
        named = any(pair.startswith("temperature=") for pair in latent.sampler_options or ())
        if named or one.temperature is None:
            return [one]
    temperatures = parse_temperatures(temperature or [_SEVERAL])
    return [Run.of(latent.replace(temperature=each), classes) for each in temperatures]


def _provenance(runs: Sequence[Run]) -> dict[str, Any]:
    temperatures = [run.temperature for run in runs if run.temperature is not None]
    return {**runs[0].provenance, "temperature": temperatures or None}


def _name_rows(layout: Layout, runs: Sequence[Run], drawings: Sequence[Input]) -> Layout:
    """The layout with the temperatures above the columns and the drawings' names beside the rows."""
    heads = [run.settings.sampler if run.temperature is None else f"{run.temperature:g}" for run in runs]
    stems = tuple(each.stem for each in drawings)
    return dataclasses.replace(layout, label=False, column_labels=("drawing", *heads), row_labels=stems)


def _load(runs: Sequence[Run], n: int) -> DrawingModel:
    """The model for n drawings, which all runs use."""
    from sketchkit.cli.runner import POINTS

    model = runs[0].load(n * (1 + len(runs) * runs[0].drafts) * POINTS)
    for run in runs[1:]:
        run.used.update(runs[0].used)
    return model


def _draw_again(
    model: DrawingModel, runs: Sequence[Run], drawings: Sequence[Input], report: Progress, *, prepared: bool
) -> list[Item]:
    """The reconstructions of each drawing, by temperature."""
    from sketchkit.cli.inputs import check_lines
    from sketchkit.generate import reconstruct as draw

    check_lines(drawings, "a drawing without a line cannot be drawn again")
    sketches, again = [each.sketch for each in drawings], []
    for done, run in enumerate(runs):

        def report_all(n: int, total: int, done: int = done) -> None:
            report(done * total + n, len(runs) * total)

        label = run.class_of(0)
        again.append(
            run.draw(draw, model, sketches, class_name=label, prepared=prepared, progress=report_all)
        )
    return [
        _item(each, runs[k], mine[i], k, len(runs))
        for i, each in enumerate(drawings)
        for k, mine in enumerate(again)
    ]


def _in_parts(runs: Sequence[Run], given: InputOptions, kind: Kind, *, prepared: bool) -> Work:
    """The work of drawing any number of drawings again."""
    from sketchkit.cli.inputs import DrawingFiles
    from sketchkit.cli.parts import Parts, Work
    from sketchkit.cli.streaming import NDJSON, content_of, identify

    files = DrawingFiles.count(given)
    model = _load(runs, len(files))

    def make(parts: Iterable[range], report: Progress) -> Iterator[bytes]:
        for _, drawings in files.read(parts):
            items = _draw_again(model, runs, drawings, report, prepared=prepared)
            yield content_of((item.sketch for item in items), kind, _provenance(runs))

    identity = {
        "provenance": _provenance(runs),
        "runs": [identify(run, model) for run in runs],
        "prepared": prepared,
        "inputs": files.digest(),
        "format": kind.name,
    }
    lines = len(runs) if kind.format == NDJSON else None
    parts = Parts(len(files), max(1, _DRAWINGS_OF_PART // len(runs)))
    return Work(parts, kind.suffix, identity, make, lines, "Drawing again")


def _item(given: Input, run: Run, sketch: Sketch, place: int, places: int) -> Item:
    from sketchkit.cli.outputs import Item
    from sketchkit.rendering.palette import temperature_color

    tau = run.temperature
    facts = {**run.provenance, "index": place, "drawing": given.stem}
    color = temperature_color(place / (places - 1) if places > 1 else 0.0)
    caption = given.stem if tau is None else f"{tau:g} {given.stem}"
    return Item.of(given.stem, place, sketch, caption, facts, color=color, source=given.source)


def _rows(drawings: Sequence[Input], items: Sequence[Item], columns: int) -> list[Any]:
    """Each drawing in ink, then its reconstructions."""
    from sketchkit.rendering import Ink, Picture

    out = []
    for i, each in enumerate(drawings):
        out.append(Picture((Ink(each.sketch),), each.stem))
        out += [item.picture for item in items[i * columns : (i + 1) * columns]]
    return out


app = standalone_app(reconstruct, SamplerCommand, EXAMPLE)
