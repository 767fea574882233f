"""`sketchkit interpolate` and `sketchkit grid`: drawings between drawings, one sheet or many in one run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sketchkit.cli.flags import MOST_DRAWINGS, Json, LowTemperature, PathName, RenamedPath
from sketchkit.cli.grouping import grouped
from sketchkit.cli.help import SamplerCommand, alone
from sketchkit.cli.job_options import JobOptions
from sketchkit.cli.parameters import LatentOptions, OutputOptions, SheetOptions, parse_steps

if TYPE_CHECKING:
    from sketchkit.cli.bulk import BulkOutput
    from sketchkit.cli.inputs import Input
    from sketchkit.cli.jobs import Jobs
    from sketchkit.cli.outputs import Item
    from sketchkit.cli.run import Run
    from sketchkit.generate import Morph, Steps
    from sketchkit.models import SketchModel
    from sketchkit.rendering import Layout, Picture

__all__ = ["GRID_EXAMPLE", "INTERPOLATE_EXAMPLE", "grid", "grid_app", "interpolate", "interpolate_app"]

INTERPOLATE_EXAMPLE = "\n".join(
    (
        "sketchkit interpolate cat.svg pig.svg -n 10 -o cat-to-pig.svg",
        "sketchkit interpolate --pairs random:100 --from animals -o 'ways/{stem}.gif'",
    )
)
GRID_EXAMPLE = "\n".join(
    (
        "sketchkit grid cat.svg pig.svg crab.svg face.svg --steps 7x7 -o g.svg",
        "sketchkit grid --pairs random:1000 --from animals -o 'grids/{stem}.svg'",
    )
)

Given = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILES", help="Drawings; FILE#K is drawing K of a file, from 0.", show_default="none"
    ),
]


@dataclasses.dataclass(frozen=True)
class _Task:
    """What both commands have settled before they draw.

    Args:
        run: how.
        steps: how far.
        path: which way; None for the model's own.
        layout: of every sheet.
        sheet: what the user says of it.
    """

    run: Run
    steps: Steps
    path: PathName | None
    layout: Layout
    sheet: SheetOptions

    def settled(self, model: SketchModel) -> _Task:
        """The same with the path that the model takes."""
        from sketchkit.latent import resolve_path

        return dataclasses.replace(self, path=resolve_path(model, self.path))

    @property
    def provenance(self) -> dict[str, Any]:
        """What every sheet is made with, as JSON values."""
        return {**self.run.provenance, "path": self.path, "steps": self.steps}


@grouped
def interpolate(
    *,
    files: Given = None,
    output: OutputOptions,
    n: Annotated[
        int,
        typer.Option(
            "-n", metavar="N", min=2, max=MOST_DRAWINGS, help="How many drawings, both ends among them."
        ),
    ] = 10,
    via: Annotated[
        list[str] | None,
        typer.Option(
            "--via",
            metavar="FILE",
            help="A drawing to pass by, which is one of the N; again for more.",
            show_default="none",
        ),
    ] = None,
    path: RenamedPath = None,
    temperature: LowTemperature = None,
    many: JobOptions,
    latent: LatentOptions,
    sheet: SheetOptions,
    json: Json = False,
    context: typer.Context,
) -> None:
    """Draw the way from one drawing to another: a row, or an animation where the output is one.

    --jobs and --pairs make many in one run, a file each; a run that was stopped goes on when called again.
    """
    from sketchkit.cli.run import Run
    from sketchkit.cli.unused import check_split

    check_split(context, many.source)
    stations = [*(files or [])[:1], *(via or []), *(files or [])[1:]]
    if n < len(stations):
        raise typer.BadParameter(
            f"{n} drawings have no room for all that are given: -n {len(stations)} is the least",
            param_hint="-n",
        )
    task = _Task(Run.latent(latent, temperature), n, path, sheet.layout(n, n), sheet)
    if not _drawn_many(task, stations, many, output, 2, json=json):
        _check_count(files, 2, "a way leads from one drawing to another")
        _draw_one(task, stations, output, "{stem}-way", many, json=json)


@grouped
def grid(
    *,
    files: Given = None,
    output: OutputOptions,
    steps: Annotated[
        str, typer.Option("--steps", metavar="COLSxROWS", help="How many drawings, the corners among them.")
    ] = "7x7",
    path: RenamedPath = None,
    temperature: LowTemperature = None,
    many: JobOptions,
    latent: LatentOptions,
    sheet: SheetOptions,
    json: Json = False,
    context: typer.Context,
) -> None:
    """Draw what lies between four drawings: upper left, upper right, lower left, lower right.

    --jobs and --pairs make many in one run, a file each; a run that was stopped goes on when called again.
    """
    from sketchkit.cli.run import Run
    from sketchkit.cli.unused import check_split

    check_split(context, many.source)
    size = parse_steps(steps, "7x7")
    task = _Task(Run.latent(latent, temperature), size, path, sheet.layout(size[0] * size[1], size[0]), sheet)
    if not _drawn_many(task, files, many, output, 4, json=json):
        _check_count(files, 4, "a grid has a drawing in each of its corners")
        _draw_one(task, files or [], output, "{stem}-grid", many, json=json)


def _draw_one(
    task: _Task, files: Sequence[str], output: OutputOptions, default: str, many: JobOptions, *, json: bool
) -> None:
    """One row or grid, on one sheet."""
    from sketchkit.cli.console import progress
    from sketchkit.cli.inputs import Kept, read_one
    from sketchkit.cli.outputs import Destination, report, write_items
    from sketchkit.cli.unused import check_sheet

    kept = Kept(many.keep_background)
    to = Destination.of(output, default, each=False, json=json)
    check_sheet(task.sheet, to)
    given = [read_one(file, kept=kept) for file in files]
    to.check([to.path(given[0].stem)])
    model = task.run.load()
    task = task.settled(model)
    from sketchkit.generate import morphs

    with progress("Drawing") as told:
        jobs = morphs(
            model,
            [[each.sketch for each in given]],
            task.steps,
            path=task.path,
            class_name=task.run.class_of(0),
            prepared=many.prepared,
            progress=told,
            **task.run.settings(),
        )
        morph = next(jobs)
    provenance = {**task.provenance, "drawings": [each.source for each in given]}
    items = _items(given, morph, provenance)
    paths = write_items(items, to, task.layout, provenance, each=False)
    to.announce(paths)
    if json:
        report(items, paths)


def _drawn_many(
    task: _Task,
    files: Sequence[str] | None,
    many: JobOptions,
    output: OutputOptions,
    size: int,
    *,
    json: bool,
) -> bool:
    """Draw a sheet a job, if there are jobs; what is there from a run that was stopped stays."""
    many.check(json=json)
    if not many.many:
        return False
    if files:
        raise typer.BadParameter("give drawings, or --jobs or --pairs, but not both", param_hint="FILES")
    from sketchkit.cli.bulk import BulkOutput
    from sketchkit.cli.console import say
    from sketchkit.cli.jobs import Jobs
    from sketchkit.cli.unused import check_frames

    to = BulkOutput.of(output)
    check_frames(task.sheet, *(each.kind.renderer() for each in to.destinations if each.kind.renderer))
    with to.alone():
        jobs = Jobs.of(many, task.run.class_of(0), size, task.run.chosen.seed)
        model = task.run.load()
        task = task.settled(model)
        _check_jobs(task, jobs, model)
        to.begin(jobs.names, _identity(task, jobs, model, output, to))
        written = _write_many(task, jobs, model, to)
    left = len(jobs.names) - written
    say(f"wrote {written} of {len(jobs.names)} jobs" + (f"; {left} were there already" if left else ""))
    return True


def _check_jobs(task: _Task, jobs: Jobs, model: SketchModel) -> None:
    """Refuse a job that cannot be drawn, before a run begins."""
    from sketchkit.cli.console import progress
    from sketchkit.units import read_whole

    with progress("Checking jobs") as told:
        jobs.check(task.steps, partial(read_whole, card=model.card, prepared=jobs.prepared), told)


def _identity(
    task: _Task, jobs: Jobs, model: SketchModel, output: OutputOptions, to: BulkOutput
) -> dict[str, Any]:
    """All that decides what the files of a run hold, as JSON values."""
    return {
        **task.provenance,
        "weights": model.weights_checksum(),
        "jobs": jobs.digest,
        "prepared": jobs.prepared,
        "max_points": task.run.chosen.max_points,
        "exact": task.run.chosen.exact,
        "device": model.device.type,
        "layout": dataclasses.asdict(task.layout),
        "format": output.format,
        "pattern": [each.pattern for each in to.destinations],
    }


def _write_many(task: _Task, jobs: Jobs, model: SketchModel, to: BulkOutput) -> int:
    """Draw and write what is not there yet, and return how many jobs that were."""
    from sketchkit.cli.console import progress
    from sketchkit.cli.outputs import send
    from sketchkit.generate import morphs

    names = jobs.names
    renderers = [each.kind.renderer() for each in to.destinations if each.kind.renderer is not None]
    drawn = morphs(
        model,
        jobs,
        task.steps,
        path=task.path,
        class_name=task.run.class_of(0),
        prepared=jobs.prepared,
        done=lambda number: to.done(names[number], number),
        **task.run.settings(),
    )
    written = 0
    with progress("Drawing") as told:
        for morph in drawn:
            name = names[morph.number]
            facts = {**task.provenance, "job": name, "drawings": jobs.given(morph.number)}
            pictures = _pictures(morph, name)
            for renderer, path in zip(renderers, to.paths(name, morph.number), strict=True):
                send(renderer.render(task.layout.with_curves(pictures), task.layout, facts), path, True)
            written += 1
            told(morph.number + 1, len(names))
    return written


def _pictures(morph: Morph, name: str) -> list[Picture]:
    from sketchkit.rendering import Ink, Picture

    return [
        Picture((Ink(sketch, curved=True),), f"{name} {index}") for index, sketch in enumerate(morph.sketches)
    ]


def _items(given: Sequence[Input], morph: Morph, provenance: Mapping[str, Any]) -> list[Item]:
    from sketchkit.cli.outputs import Item
    from sketchkit.rendering import Ink, Picture

    stem = given[0].stem
    return [
        Item(
            stem,
            index,
            sketch.labelled(sketch.label, f"{stem}-{provenance['seed']}-{index}"),
            Picture(
                (Ink(sketch, curved=True),),
                f"{index}",
                {**provenance, "index": index, "finished": sketch.ended},
            ),
        )
        for index, sketch in enumerate(morph.sketches)
    ]


def _check_count(files: Sequence[str] | None, count: int, what: str) -> None:
    if len(files or []) != count:
        raise typer.BadParameter(f"{what}: give {count} drawings, or --jobs or --pairs", param_hint="FILES")


interpolate_app = alone(interpolate, SamplerCommand, INTERPOLATE_EXAMPLE)
grid_app = alone(grid, SamplerCommand, GRID_EXAMPLE)
