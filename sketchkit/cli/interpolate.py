"""`sketchkit interpolate` and `sketchkit grid`: drawings between drawings, one sheet or many in one run."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from sketchkit.cli.groups import JobOptions, OutputOptions, SheetOptions, parse_steps
from sketchkit.cli.help import SamplerCommand, standalone_app
from sketchkit.cli.options import (
    MOST_DRAWINGS,
    Json,
    LatentDrawing,
    PathName,
    RenamedPath,
    ShownClass,
    UsageError,
    argument,
    option,
)

if TYPE_CHECKING:
    from sketchkit.cli.jobs import BulkOutput, Jobs
    from sketchkit.cli.parts import Progress
    from sketchkit.cli.runner import Run
    from sketchkit.generate import Steps
    from sketchkit.models import DrawingModel
    from sketchkit.rendering import Layout

__all__ = ["GRID_EXAMPLE", "INTERPOLATE_EXAMPLE", "grid", "grid_app", "interpolate", "interpolate_app"]

INTERPOLATE_EXAMPLE = (
    "sketchkit interpolate cat.svg pig.svg -n 10 -o cat-to-pig.svg\n"
    "sketchkit interpolate --pairs random:100 --from animals -o 'ways/{stem}.gif'"
)
GRID_EXAMPLE = (
    "sketchkit grid cat.svg pig.svg crab.svg face.svg --steps 7x7 -o g.svg\n"
    "sketchkit grid --pairs random:1000 --from animals -o 'grids/{stem}.svg'"
)


def _files() -> Any:
    return argument("FILES", "Drawings; FILE#K is drawing K of a file, from 0.", default=None, usual="none")


@dataclasses.dataclass(frozen=True)
class _Task:
    """The row or grid that a command draws.

    Args:
        run: its settings.
        size: the number of drawings that a row or grid leads between.
        steps: the number of drawings in a row; columns and rows of a grid.
        path: through the latent space; None for the model's own.
        many: the options of many in one run.
        output: where to.
        sheet: the options of every sheet.
    """

    run: Run
    size: int
    steps: Steps
    path: PathName | None
    many: JobOptions
    output: OutputOptions
    sheet: SheetOptions

    def layout(self) -> Layout:
        columns, rows = (self.steps, 1) if isinstance(self.steps, int) else self.steps
        return self.sheet.layout(columns * rows, columns)

    def load(self, jobs: int) -> DrawingModel:
        """The model, for so many rows or grids."""
        from sketchkit.cli.runner import POINTS

        drawn = self.steps if isinstance(self.steps, int) else self.steps[0] * self.steps[1]
        return self.run.load(jobs * (self.size + drawn) * POINTS)

    def resolve_path(self, model: DrawingModel) -> _Task:
        """The same with the path that the model takes."""
        from sketchkit.latent import resolve_path

        return dataclasses.replace(self, path=resolve_path(model, self.path))

    @property
    def provenance(self) -> dict[str, Any]:
        """The provenance of every sheet, as JSON values."""
        return {**self.run.provenance, "path": self.path, "steps": self.steps}

    @property
    def how(self) -> dict[str, Any]:
        """Arguments of the library's `morphs`."""
        return {"path": self.path, "class_name": self.run.class_of(0), **self.run.keywords()}


def interpolate(
    *,
    files: list[str] | None = _files(),
    output: OutputOptions,
    n: int = option(
        10, "How many drawings, both ends among them.", flags="-n", metavar="N", low=2, high=MOST_DRAWINGS
    ),
    via: list[str] | None = option(
        None, "A drawing to pass by, which is one of the N; again for more.", metavar="FILE", usual="none"
    ),
    path: RenamedPath = None,
    many: JobOptions,
    classes: ShownClass = None,
    latent: LatentDrawing,
    sheet: SheetOptions,
    json: Json = False,
    context: typer.Context,
) -> None:
    """Draw the way from one drawing to another: a row, or an animation where the output is one.

    --jobs and --pairs make many in one run, a file each; a run that was stopped goes on when called again.
    """
    from sketchkit.cli.inapplicable import check_split
    from sketchkit.cli.runner import Run

    check_split(context, many.source)
    stations = [*(files or [])[:1], *(via or []), *(files or [])[1:]]
    if n < len(stations):
        raise UsageError(
            f"{n} drawings have no room for all that are given: -n {len(stations)} is the least", "-n"
        )
    task = _Task(Run.of(latent, classes), 2, n, path, many, output, sheet)
    if _goes_many(task, stations, json=json):
        _draw_many(task)
        return
    _check_count(files, 2, "a way leads from one drawing to another")
    _draw_one(task, stations, "{stem}-way", json=json)


def grid(
    *,
    files: list[str] | None = _files(),
    output: OutputOptions,
    steps: str = option("7x7", "How many drawings, the corners among them.", metavar="COLSxROWS"),
    path: RenamedPath = None,
    many: JobOptions,
    classes: ShownClass = None,
    latent: LatentDrawing,
    sheet: SheetOptions,
    json: Json = False,
    context: typer.Context,
) -> None:
    """Draw what lies between four drawings: upper left, upper right, lower left, lower right.

    --jobs and --pairs make many in one run, a file each; a run that was stopped goes on when called again.
    """
    from sketchkit.cli.inapplicable import check_split
    from sketchkit.cli.runner import Run

    check_split(context, many.source)
    size = parse_steps(steps, "7x7")
    task = _Task(Run.of(latent, classes), 4, size, path, many, output, sheet)
    if _goes_many(task, files, json=json):
        _draw_many(task)
        return
    _check_count(files, 4, "a grid has a drawing in each of its corners")
    _draw_one(task, files or [], "{stem}-grid", json=json)


def _goes_many(task: _Task, files: Sequence[str] | None, *, json: bool) -> bool:
    """Whether this is a run of many; refuses options that contradict each other."""
    task.layout()
    task.many.check(json=json)
    if task.many.many and files:
        raise UsageError("give drawings, or --jobs or --pairs, but not both", "FILES")
    return task.many.many


def _check_count(files: Sequence[str] | None, count: int, why: str) -> None:
    if len(files or []) != count:
        raise UsageError(f"{why}: give {count} drawings, or --jobs or --pairs", "FILES")


def _draw_one(task: _Task, files: Sequence[str], name: str, *, json: bool) -> None:
    """One row or grid, on one sheet."""
    from sketchkit.cli.console import progress
    from sketchkit.cli.inputs import Kept, read_one
    from sketchkit.cli.outputs import Item, Page

    page = Page.of(task.output, task.sheet, name, json=json)
    kept = Kept(task.many.keep_background)
    given = [read_one(file, kept=kept) for file in files]
    stem = given[0].stem
    page.to.check([page.to.path(stem)])
    model = task.load(1)
    task = task.resolve_path(model)
    from sketchkit.generate import morphs

    jobs = [[each.sketch for each in given]]
    with progress("Drawing") as report:
        drawn = morphs(model, jobs, task.steps, prepared=task.many.prepared, progress=report, **task.how)
        sketches = next(drawn).sketches
    provenance = {**task.provenance, "drawings": [each.source for each in given]}
    items = [
        Item.of(
            stem,
            index,
            sketch.labelled(sketch.label, f"{stem}-{provenance['seed']}-{index}"),
            f"{index}",
            {**provenance, "index": index},
        )
        for index, sketch in enumerate(sketches)
    ]
    page.write(items, task.layout(), provenance)


def _draw_many(task: _Task) -> None:
    """A sheet for each job; sheets of a run that was stopped stay."""
    from sketchkit.cli.console import progress, say
    from sketchkit.cli.inapplicable import check_frames
    from sketchkit.cli.jobs import BulkOutput, Jobs
    from sketchkit.cli.parts import Shard, hand_over
    from sketchkit.units import read_whole

    to, share = BulkOutput.of(task.output), Shard.parse(task.many.shard)
    shared = task.many.shard is not None
    if shared and to.overwrite:
        raise UsageError("would remove what other shards have done: empty the folder yourself", "--force")
    check_frames(task.sheet, *to.renderers())
    to.check_folder()
    jobs = Jobs.of(task.many, task.run.class_of(0), task.size, task.run.settings.seed)
    model = task.load(len(jobs.names))
    task = task.resolve_path(model)
    with progress("Checking jobs") as report:
        read = partial(read_whole, card=model.card, prepared=jobs.prepared)
        jobs.check(task.steps, read, report)
    sheets = _Sheets(task, jobs, model, to)
    if hand_over(str(to.folder), sheets):
        return
    numbers = share.of(len(sheets))
    with to.open(jobs.names, sheets.record, shared=shared), progress(sheets.doing) as report:
        written = sum(1 for _ in sheets.write(numbers, report))
    left = len(numbers) - written
    say(f"wrote {written} of {len(numbers)} jobs{share}" + (f"; {left} were there already" if left else ""))


@dataclasses.dataclass(frozen=True)
class _Sheets:
    """The sheets of many jobs; see `FolderWork`.

    Args:
        task: the row or grid of each job.
        jobs: the drawings of each.
        model: draws.
        to: the files of each.
    """

    task: _Task
    jobs: Jobs
    model: DrawingModel
    to: BulkOutput
    pieces: str = "jobs"
    doing: str = "Drawing"

    def __len__(self) -> int:
        return len(self.jobs.names)

    def name(self, number: int) -> str:
        return self.jobs.names[number]

    @property
    def record(self) -> dict[str, Any]:
        """All that decides the content of the files of a run, as JSON values."""
        task = self.task
        return {
            **task.provenance,
            "weights": self.model.weights_checksum(),
            "jobs": self.jobs.digest,
            "prepared": self.jobs.prepared,
            "max_points": task.run.settings.max_points,
            "exact": task.run.settings.deterministic,
            "device": str(self.model.device).partition(":")[0],
            "layout": dataclasses.asdict(task.layout()),
            "format": task.output.format,
            "pattern": [os.path.basename(each.pattern) for each in self.to.destinations],
        }

    def find_missing(self, folder: str, numbers: Iterable[int]) -> list[int]:
        return [number for number in numbers if not self.to.done(self.name(number), number)]

    def open_folder(self, folder: str, *, overwrite: bool = False) -> AbstractContextManager[None]:
        to = dataclasses.replace(self.to, overwrite=overwrite)
        return to.open(self.jobs.names, self.record, shared=True)

    def write_parts(self, folder: str, numbers: Sequence[int], report: Progress) -> Iterator[int]:
        return self.write(numbers, report)

    def write(self, numbers: Collection[int], report: Progress) -> Iterator[int]:
        """Draw and write missing sheets of some jobs, and yield the numbers of these."""
        from sketchkit.cli.outputs import send
        from sketchkit.generate import morphs
        from sketchkit.rendering import Ink, Picture

        task, to, names = self.task, self.to, self.jobs.names
        renderers, layout = to.renderers(), task.layout()
        drawn = morphs(
            self.model,
            self.jobs,
            task.steps,
            prepared=self.jobs.prepared,
            done=lambda number: number not in numbers or to.done(names[number], number),
            **task.how,
        )
        for morph in drawn:
            name = names[morph.number]
            facts = {**task.provenance, "job": name, "drawings": self.jobs.given(morph.number)}
            pictures = [
                Picture((Ink(sketch, curved=True),), f"{name} {index}")
                for index, sketch in enumerate(morph.sketches)
            ]
            for renderer, path in zip(renderers, to.paths(name, morph.number), strict=True):
                send(renderer.render(layout.with_curves(pictures), layout, facts), path, True)
            report(morph.number + 1, len(names))
            yield morph.number


interpolate_app = standalone_app(interpolate, SamplerCommand, INTERPOLATE_EXAMPLE)
grid_app = standalone_app(grid, SamplerCommand, GRID_EXAMPLE)
