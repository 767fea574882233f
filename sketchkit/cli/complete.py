"""`sketchkit complete`: finish drawings that are begun, in the place where they stand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from sketchkit.cli.bounds import BoundsOptions, Limits, name_of, tell_missing_endings
from sketchkit.cli.groups import InkOptions, InputOptions, OutputOptions, SheetOptions
from sketchkit.cli.help import SamplerCommand, standalone_app
from sketchkit.cli.options import (
    MOST_DRAWINGS,
    DrawnClass,
    Given,
    Json,
    ShardName,
    UsageError,
    option,
    require_one_class,
    settings_of,
)
from sketchkit.errors import InputError
from sketchkit.files import shown
from sketchkit.settings import DrawSettings

if TYPE_CHECKING:
    from sketchkit.cli.endings import Finished
    from sketchkit.cli.inputs import Input
    from sketchkit.cli.output_kind import Kind
    from sketchkit.cli.outputs import Page
    from sketchkit.cli.parts import PartsOutput, Progress, Work
    from sketchkit.cli.runner import Run
    from sketchkit.generate import Endings
    from sketchkit.models import DrawingModel
    from sketchkit.rendering import Layout

__all__ = ["EXAMPLE", "app", "complete"]

EXAMPLE = "sketchkit complete bird.svg -n 9 --seed 1 -o endings.svg"

# The library's limits.
_LEAST_SCALE, _MOST_SCALE, _LEAST_PART = 1e-9, 1e9, 0.01
# Of more drawings no guesses are told where they are finished in parts, of about so many drafts.
_MOST_TOLD, _ENDINGS_OF_PART = 9, 4096
# With bounds an ending has an index below so many times N: the library's `ATTEMPTS`, which loads torch.
_ATTEMPTS = 32

Layouts = Literal["grid", "layers", "files"]

_NAMES: dict[Layouts, str] = {"grid": "{stem}-endings", "layers": "{stem}-layers", "files": "{stem}-{index}"}


@dataclass(frozen=True)
class EndingOptions:
    """Which endings a drawing gets, and where they go."""

    layout: Layouts = option(
        "grid",
        "One sheet, layers in a copy of the user's document (the likeliest shown), or a file each (name them "
        "by {index}).",
    )
    n: int = option(9, "How many endings a drawing gets.", flags="-n", metavar="N", low=1, high=MOST_DRAWINGS)
    top: int | None = option(
        None,
        "Another way to say -n; with --tries 1 or within bounds, show the K likeliest of N that differ, the "
        "best first.",
        metavar="K",
        low=1,
        usual="all",
    )
    scale: str = option(
        "auto",
        "How large the model sees a drawing: pixels of its training data, whose drawings fill 255 of them, "
        "in a drawing unit. auto: by likelihood and by how endings look.",
        metavar="X",
    )
    part: float | None = option(
        None,
        "How much of the longer side of the finished drawing is there: 0.3 of a car for a wheel.",
        metavar="X",
        low=_LEAST_PART,
        high=1.0,
        usual="by how endings look",
    )


def complete(
    *,
    output: OutputOptions,
    chosen: EndingOptions,
    bounds: BoundsOptions,
    classes: DrawnClass = None,
    drawing: Annotated[Given, settings_of(DrawSettings)],
    ink: InkOptions,
    sheet: SheetOptions,
    given: InputOptions,
    shard: ShardName = None,
    json: Json = False,
) -> None:
    """Finish drawings, each in several ways, where they stand."""
    from sketchkit.cli.endings import check_ink
    from sketchkit.cli.inputs import read_inputs
    from sketchkit.cli.outputs import is_folder
    from sketchkit.cli.runner import Run, split_class_words

    n, top, layout, part = chosen.n, chosen.top, chosen.layout, chosen.part
    factor = _parse_scale(chosen.scale)
    if part is not None and factor != "auto":
        raise UsageError("--scale says already how large a drawing is", "--part")
    limits = Limits.of(bounds)
    wanted, guess = split_class_words(classes)
    run = Run.of(drawing if limits is None else _draw_once(drawing), wanted)
    tries = run.settings.tries
    if top is not None and tries > 1:
        run, n, top = run.with_tries(max(tries, math.ceil(n / top))), top, None
    require_one_class(wanted, "a drawing is finished as one thing")
    check_ink(ink)
    task = _Task(run, n, top, factor, limits, guess, part, sheet, ink)
    if shard is not None or is_folder(output.output):
        from sketchkit.cli.parts import PartsOutput

        if (folder := PartsOutput.of_drawings(output, shard, json=json)) is not None:
            folder.do(_in_parts(task, given, folder.kind))
            return
    page = _plan_page(output, sheet, layout, json=json)
    to = page.to
    if to.kind.format and not json and layout == "grid" and (whole := _plan_stream(page, given)) is not None:
        whole.do(_in_parts(task, given, to.kind))
        return
    drawings = read_inputs(given, keep_documents=layout != "grid" or to.kind.true_size or ink.ink == "same")
    on = _plan(page, layout, drawings, n, top or n, n if limits is None else n * _ATTEMPTS)

    finished, provenance = task.finish(task.load(len(drawings)), drawings)
    _tell_guesses(finished, run)
    alone = layout == "files" or len(drawings) * n == 1
    cut = to.kind.true_size and alone and sheet.is_open
    _tell_finished(finished, on_page=cut or (layout != "grid" and to.kind.plain_svg), cut=cut)
    _write(finished, page, layout, on, provenance)


def _draw_once(drawing: Given) -> Given:
    """The settings within bounds, which hold for each point, so that there is one draft.

    Raises:
        UsageError: several are asked for.
    """
    if drawing.tries not in (None, 1):
        raise UsageError("within bounds an ending is drawn once", "--tries")
    return drawing.replace(tries=1)


def _parse_scale(text: str) -> float | Literal["auto"]:
    if text == "auto":
        return "auto"
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not _LEAST_SCALE <= scale <= _MOST_SCALE:
        what = f"a number from {_LEAST_SCALE:g} to {_MOST_SCALE:g}"
        raise UsageError(f"{text!r} is neither {what} nor auto", "--scale")
    return scale


def _plan_page(output: OutputOptions, sheet: SheetOptions, layout: Layouts, *, json: bool) -> Page:
    from sketchkit.cli.inapplicable import check_sheet, refuse_sheet
    from sketchkit.cli.outputs import Destination, Page

    each = layout == "files"
    to = Destination.of(output, _NAMES[layout], each=each, json=json)
    if layout == "layers":
        why = "layers stand in the user's own document, which is no sheet"
        refuse_sheet(sheet, why, {"stroke", "curves"})
    check_sheet(sheet, to.kind, each=each, own_page=each)
    return Page(to, sheet, each, json)


def _plan(
    page: Page, layout: Layouts, drawings: Sequence[Input], n: int, shown_endings: int, attempts: int
) -> Layout:
    """Lay out the sheet, and refuse outputs that cannot be written: n of so many attempts a drawing."""
    stems, to = [each.stem for each in drawings], page.to
    if layout == "grid":
        shown_endings = min(n, shown_endings)
        # Several drawings on one sheet have a row each.
        columns = shown_endings if len(drawings) > 1 else None
        return page.plan(stems[0], len(drawings) * shown_endings, columns)
    on = page.sheet.layout(1)
    if layout == "files":
        # With --top or bounds the indices are known in the end only.
        count = attempts if "{index}" in to.pattern else n
        to.check([to.path(stem, index) for stem in stems for index in range(count)])
        return on
    if not to.kind.plain_svg:
        kind = to.kind.name if to.kind.suffix == ".svg" else to.kind.suffix
        raise UsageError(f"layers are written as SVG, not {kind}", "--layout")
    for each in drawings:
        if each.document is None:
            raise InputError(f"{shown(each.source)}: layers can only be added to an SVG file")
    to.check([to.path(stem) for stem in stems])
    return on


@dataclass(frozen=True)
class _Task:
    """How drawings are finished, and how they are shown.

    Args:
        run: the settings.
        n: endings of a drawing.
        top: the endings that are kept; None for all.
        scale: as the library takes it.
        limits: where endings may go.
        guess: whether classes are guessed.
        part: of the finished drawing that is there, or None.
        sheet: see `Finished`.
        ink: likewise.
    """

    run: Run
    n: int
    top: int | None
    scale: float | Literal["auto"]
    limits: Limits | None
    guess: bool
    part: float | None
    sheet: SheetOptions
    ink: InkOptions

    @property
    def provenance(self) -> dict[str, Any]:
        """The facts of how all drawings are finished, as JSON values."""
        return {**self.run.provenance, **({} if self.limits is None else self.limits.facts)}

    def load(self, drawings: int) -> DrawingModel:
        """The model for so many drawings."""
        from sketchkit.cli.runner import POINTS

        return self.run.load(drawings * self.n * self.run.drafts * POINTS)

    def settings(self, model: DrawingModel) -> dict[str, Any]:
        """The arguments of the library's function, beside those of all that draw."""
        label = self.run.class_of(0)
        if label is None and self.guess and self.run.can_guess(model):
            label = "auto"
        bounds = {} if self.limits is None else self.limits.settings
        return {"keep": self.top, "class_name": label, "scale": self.scale, "part": self.part, **bounds}

    def finish(
        self, model: DrawingModel, drawings: Sequence[Input], report: Progress | None = None
    ) -> tuple[list[Finished], dict[str, Any]]:
        """The drawings with their endings, and the provenance of all of them.

        Raises:
            InputError: bounds that leave a drawing without an ending; the drawing is called by its name.
        """
        from sketchkit.cli.endings import Finished
        from sketchkit.generate import complete as complete_sketches
        from sketchkit.generate.rejection import NoEnding

        sketches, how = [each.sketch for each in drawings], self.settings(model)
        how |= {"doing": "Drawing endings", "progress": report}
        try:
            endings: list[Endings] = self.run.draw(complete_sketches, model, sketches, self.n, **how)
        except NoEnding as error:
            raise InputError(f"{name_of(drawings, error.drawing)}: {error.why}") from error
        tell_missing_endings(drawings, endings)
        provenance = self.provenance
        shown = (provenance, self.sheet, self.limits, self.ink)
        pairs = zip(drawings, endings, strict=True)
        return [Finished(each, mine, *shown) for each, mine in pairs], provenance


def _plan_stream(page: Page, given: InputOptions) -> PartsOutput | None:
    """The file to which the endings of any number of drawings go, if there can be so many."""
    from sketchkit.cli.inputs import find_pipe, stem_of_file
    from sketchkit.cli.parts import streamed

    stem = stem_of_file(given.files[0])
    to = None if find_pipe(given.files) else streamed(page, stem)
    if to is not None:
        page.plan(stem, 1)
    return to


def _in_parts(task: _Task, given: InputOptions, kind: Kind) -> Work:
    """The work of finishing any number of drawings."""
    from sketchkit.cli.inputs import DrawingFiles
    from sketchkit.cli.parts import Parts, Work
    from sketchkit.cli.streaming import NDJSON, content_of, identify

    files = DrawingFiles.count(given)
    model = task.load(len(files))

    def make(parts: Iterable[range], report: Progress) -> Iterator[bytes]:
        for _, drawings in files.read(parts):
            finished, provenance = task.finish(model, drawings, report)
            if len(files) <= _MOST_TOLD:
                _tell_guesses(finished, task.run)
                _tell_finished(finished, on_page=False, cut=False)
            yield content_of((item.sketch for each in finished for item in each.items()), kind, provenance)

    identity = {
        **identify(task.run, model),
        "provenance": task.provenance,
        **{name: repr(value) for name, value in task.settings(model).items()},
        "n": task.n,
        "only_added": task.ink.only_added,
        "inputs": files.digest(),
        "format": kind.name,
    }
    # With --top or bounds a drawing may have fewer endings than another.
    fixed = kind.format == NDJSON and task.top is None and task.limits is None
    size = max(1, _ENDINGS_OF_PART // (task.n * task.run.drafts))
    return Work(
        Parts(len(files), size), kind.suffix, identity, make, task.n if fixed else None, "Drawing endings"
    )


def _tell_guesses(finished: Sequence[Finished], run: Run) -> None:
    """Say the guessed class of each drawing, on a line of stderr."""
    from sketchkit.cli.runner import tell_guesses

    drawings = [each.given for each in finished]
    for place, each in enumerate(finished):
        if guesses := getattr(each.endings, "guesses", None):
            tell_guesses(name_of(drawings, place), guesses, Path(run.settings.model).name)


def _tell_finished(finished: Sequence[Finished], *, on_page: bool, cut: bool) -> None:
    """Say on stderr which drawings have endings without ink, or beyond their page."""
    from sketchkit.cli.console import say

    drawings = [each.given for each in finished]
    for place, each in enumerate(finished):
        empty = sum(map(each.adds_nothing, each.endings))
        if empty:
            what = f"{empty} of {len(each.endings)} endings add{'s' if empty == 1 else ''} nothing"
            say(f"{name_of(drawings, place)}: {what}: the model thinks the drawing is finished")
        beside = sum(map(each.leaves_page, each.endings)) if on_page else 0
        if beside:
            what = f"{beside} of {len(each.endings)} endings leave{'s' if beside == 1 else ''} the page"
            say(f"{name_of(drawings, place)}: {what}{' and end at its edge' if cut else ''}")


def _write(
    finished: Sequence[Finished], page: Page, layout: Layouts, on: Layout, provenance: Mapping[str, Any]
) -> None:
    """Write all endings, and say so."""
    from sketchkit.cli.endings import rows_of_pictures
    from sketchkit.cli.outputs import send

    rows = [each.items() for each in finished]
    items = [item for row in rows for item in row]
    if layout == "layers":
        for each in finished:
            path = page.to.path(each.given.stem)
            send(each.layered(page.record(each.given.stem)), path, page.to.overwrite)
        page.tell(items, [page.to.path(item.stem) for item in items])
        return
    aligned = layout == "grid" and page.sheet.tile is None and len(finished) > 1
    columns = on.tile[0] if on.tile else 1
    page.write(items, on, provenance, rows_of_pictures(rows, columns) if aligned else None)


app = standalone_app(complete, SamplerCommand, EXAMPLE)
