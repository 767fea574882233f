"""`sketchkit complete`: finish drawings that are begun, in the place where they stand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
    from sketchkit.cli.outputs import Page
    from sketchkit.cli.runner import Run
    from sketchkit.generate import Endings
    from sketchkit.rendering import Layout

__all__ = ["EXAMPLE", "app", "complete"]

EXAMPLE = "sketchkit complete bird.svg -n 9 --seed 1 -o endings.svg"

# The library's limits.
_LEAST_SCALE, _MOST_SCALE, _LEAST_PART = 1e-9, 1e9, 0.01
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
    json: Json = False,
) -> None:
    """Finish drawings, each in several ways, where they stand."""
    from sketchkit.cli.endings import Finished, check_ink
    from sketchkit.cli.inputs import read_inputs
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
    page = _plan_page(output, sheet, layout, json=json)
    check_ink(ink)
    to = page.to
    drawings = read_inputs(given, keep_documents=layout != "grid" or to.kind.true_size or ink.ink == "same")
    on = _plan(page, layout, drawings, n, top or n, n if limits is None else n * _ATTEMPTS)

    endings = _draw(run, drawings, n, top, factor, limits, guess=guess, part=part)
    tell_missing_endings(drawings, endings)
    provenance = {**run.provenance, **({} if limits is None else limits.facts)}
    finished = [
        Finished(each, mine, provenance, sheet, limits, ink)
        for each, mine in zip(drawings, endings, strict=True)
    ]
    _tell_guesses(drawings, endings, run)
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


def _draw(
    run: Run,
    drawings: Sequence[Input],
    n: int,
    top: int | None,
    scale: float | Literal["auto"],
    limits: Limits | None,
    *,
    guess: bool,
    part: float | None,
) -> list[Endings]:
    """The endings of all drawings.

    Raises:
        InputError: bounds that leave a drawing without an ending; the drawing is called by its name.
    """
    from sketchkit.cli.runner import POINTS

    model, label = run.load(len(drawings) * n * run.drafts * POINTS), run.class_of(0)
    from sketchkit.generate import complete as complete_sketches
    from sketchkit.generate.rejection import NoEnding

    if label is None and guess and run.can_guess(model):
        label = "auto"
    where: dict[str, Any] = {"scale": scale, "part": part, **({} if limits is None else limits.settings)}
    sketches = [each.sketch for each in drawings]
    try:
        return run.draw(
            complete_sketches,
            model,
            sketches,
            n,
            keep=top,
            class_name=label,
            doing="Drawing endings",
            **where,
        )
    except NoEnding as error:
        raise InputError(f"{name_of(drawings, error.drawing)}: {error.why}") from error


def _tell_guesses(drawings: Sequence[Input], endings: Sequence[Endings], run: Run) -> None:
    """Say the guessed class of each drawing, on a line of stderr."""
    from sketchkit.cli.runner import tell_guesses

    for place, each in enumerate(endings):
        if each.guesses:
            tell_guesses(name_of(drawings, place), each.guesses, Path(run.settings.model).name)


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
