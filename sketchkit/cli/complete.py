"""`sketchkit complete`: finish what somebody has begun, in the place where it stands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sketchkit.cli.bounds import BoundsOptions, Limits, name_of, tell_shortfall
from sketchkit.cli.flags import MOST_DRAWINGS, Json, Tries, one_class
from sketchkit.cli.grouping import grouped
from sketchkit.cli.help import SamplerCommand, alone
from sketchkit.cli.parameters import DrawingOptions, InkOptions, InputOptions, OutputOptions, SheetOptions
from sketchkit.errors import InputError
from sketchkit.files import shown

if TYPE_CHECKING:
    from sketchkit.cli.endings import Finished
    from sketchkit.cli.inputs import Input
    from sketchkit.cli.outputs import Destination
    from sketchkit.cli.run import Run
    from sketchkit.generate import Endings
    from sketchkit.rendering import Layout

__all__ = ["EXAMPLE", "app", "complete"]

EXAMPLE = "sketchkit complete bird.svg -n 9 --seed 1 -o endings.svg"

# What the library takes.
_LEAST_SCALE, _MOST_SCALE, _LEAST_PART = 1e-9, 1e9, 0.01
# With bounds an ending has an index below so many times N: the library's `ATTEMPTS`, which loads torch.
_ATTEMPTS = 32

Layouts = Literal["grid", "layers", "files"]

_NAMES: dict[Layouts, str] = {"grid": "{stem}-endings", "layers": "{stem}-layers", "files": "{stem}-{index}"}


@grouped
def complete(
    *,
    output: OutputOptions,
    layout: Annotated[
        Layouts,
        typer.Option(
            help="One sheet, layers in a copy of the user's document (the likeliest shown), or a file each "
            "(name them by {index})."
        ),
    ] = "grid",
    n: Annotated[
        int,
        typer.Option("-n", metavar="N", min=1, max=MOST_DRAWINGS, help="How many endings a drawing gets."),
    ] = 9,
    keep: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            min=1,
            help="Another way to say -n; with --tries 1 or within bounds, show the K likeliest of N that "
            "differ, the best first.",
            show_default="all",
        ),
    ] = None,
    scale: Annotated[
        str,
        typer.Option(
            metavar="X",
            help="How large the model sees a drawing: pixels of its training data, whose drawings fill "
            "255 of them, in a drawing unit. auto: by likelihood and by how endings look.",
        ),
    ] = "auto",
    part: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            min=_LEAST_PART,
            max=1.0,
            help="How much of the longer side of the finished drawing is there: 0.3 of a car for a wheel.",
            show_default="by how endings look",
        ),
    ] = None,
    tries: Tries = None,
    bounds: BoundsOptions,
    drawing: DrawingOptions,
    ink: InkOptions,
    sheet: SheetOptions,
    given: InputOptions,
    json: Json = False,
) -> None:
    """Finish drawings, each in several ways, where they stand."""
    from sketchkit.cli.endings import Finished, check_ink
    from sketchkit.cli.inputs import read_inputs
    from sketchkit.cli.outputs import Destination, report
    from sketchkit.cli.run import Run, without_words
    from sketchkit.cli.unused import check_sheet, refuse_sheet

    factor = _parse_scale(scale)
    if part is not None and factor != "auto":
        raise typer.BadParameter("--scale says already how large a drawing is", param_hint="--part")
    limits = Limits.of(bounds)
    count = _tries(tries, limits)
    if keep is not None and count > 1:
        count = max(count, math.ceil(n / keep))
        n, keep = keep, None
    chosen, guess = without_words(drawing)
    run = Run.of(chosen, count)
    one_class(run.classes, "a drawing is finished as one thing")
    to = Destination.of(output, _NAMES[layout], each=layout == "files", json=json)
    if layout == "layers":
        refuse_sheet(
            sheet, "layers stand in the user's own document, which is no sheet", {"stroke", "curves"}
        )
    check_sheet(sheet, to, each=layout == "files", own_page=layout == "files")
    check_ink(ink)
    drawings = read_inputs(given, keep_documents=layout != "grid" or to.kind.true_size or ink.ink == "same")
    page = _page(sheet, layout, len(drawings), min(n, keep or n))
    _check_outputs(drawings, to, layout, n, n if limits is None else n * _ATTEMPTS)

    endings = _draw(run, drawings, n, keep, factor, limits, guess=guess, part=part)
    tell_shortfall(drawings, endings)
    provenance = {**run.provenance, **({} if limits is None else limits.facts)}
    finished = [
        Finished(each, mine, provenance, sheet, limits, ink)
        for each, mine in zip(drawings, endings, strict=True)
    ]
    _tell_guesses(drawings, endings, run)
    alone = layout == "files" or len(drawings) * n == 1
    cut = to.kind.true_size and alone and sheet.is_open
    _tell_finished(finished, on_page=cut or (layout != "grid" and to.kind.plain_svg), cut=cut)
    aligned = sheet.tile is None and len(drawings) > 1
    paths = _write(finished, to, layout, page, provenance, aligned=aligned)
    to.announce(paths)
    if json:
        report([item for each in finished for item in each.items()], paths)


def _draw(
    run: Run,
    drawings: Sequence[Input],
    n: int,
    keep: int | None,
    scale: float | Literal["auto"],
    limits: Limits | None,
    *,
    guess: bool,
    part: float | None,
) -> list[Endings]:
    """The endings of all drawings.

    Raises:
        InputError: no ending of a drawing keeps within bounds; it is called by its name.
    """
    settings = {} if limits is None else limits.settings
    try:
        return run.complete(
            [each.sketch for each in drawings], n, keep, scale, guess=guess, part=part, **settings
        )
    except InputError as error:
        from sketchkit.generate.attempts import NoEnding

        if not isinstance(error, NoEnding):
            raise
        raise InputError(f"{name_of(drawings, error.drawing)}: {error.why}") from error


def _tell_guesses(drawings: Sequence[Input], endings: Sequence[Endings], run: Run) -> None:
    """Say what each drawing was taken for; a line each on stderr."""
    from sketchkit.cli.run import tell_guesses

    for place, each in enumerate(endings):
        if each.guesses:
            tell_guesses(name_of(drawings, place), each.guesses, Path(run.model).name)


def _tell_finished(finished: Sequence[Finished], *, on_page: bool, cut: bool) -> None:
    """Say of which drawings endings add nothing, or leave the page that they are put on; lines on stderr."""
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


def _tries(flag: int | None, limits: Limits | None) -> int:
    """How many drafts each ending has; within bounds every point counts, and there is one.

    Raises:
        typer.BadParameter: several are asked for all the same.
    """
    from sketchkit.cli.run import tries_of

    if limits is None:
        return tries_of(flag)
    if flag not in (None, 1):
        raise typer.BadParameter("within bounds an ending is drawn once", param_hint="--tries")
    return 1


def _parse_scale(text: str) -> float | Literal["auto"]:
    if text == "auto":
        return "auto"
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not _LEAST_SCALE <= scale <= _MOST_SCALE:
        what = f"a number from {_LEAST_SCALE:g} to {_MOST_SCALE:g}"
        raise typer.BadParameter(f"{text!r} is neither {what} nor auto", param_hint="--scale")
    return scale


def _check_outputs(
    drawings: Sequence[Input], to: Destination, layout: Layouts, n: int, attempts: int
) -> None:
    """Refuse, before the model draws, what could not be written in the end: n of so many attempts."""
    stems = [each.stem for each in drawings]
    if layout == "grid":
        to.check([to.path(stems[0])])
    elif layout == "files":
        # With --keep or bounds nobody knows yet which of them it will be.
        count = attempts if "{index}" in to.pattern else n
        to.check([to.path(stem, index) for stem in stems for index in range(count)])
    else:
        if not to.kind.plain_svg:
            what = to.kind.name if to.kind.suffix == ".svg" else to.kind.suffix
            raise typer.BadParameter(f"layers are written as SVG, not {what}", param_hint="--layout")
        for each in drawings:
            if each.document is None:
                raise InputError(f"{shown(each.source)}: layers can only be added to an SVG file")
        to.check([to.path(stem) for stem in stems])


def _page(sheet: SheetOptions, layout: Layouts, drawings: int, endings: int) -> Layout:
    """Several drawings on one sheet have a row each."""
    if layout != "grid":
        return sheet.layout(1)
    return sheet.layout(drawings * endings, endings if drawings > 1 else None)


def _write(
    finished: Sequence[Finished],
    to: Destination,
    layout: Layouts,
    page: Layout,
    provenance: Mapping[str, Any],
    *,
    aligned: bool,
) -> list[str]:
    """Write all endings and return the file that each of them is in."""
    from sketchkit.cli.endings import rows_of_pictures
    from sketchkit.cli.outputs import send, write_items

    if layout == "layers":
        for each in finished:
            send(each.layered(), to.path(each.given.stem), to.overwrite)
        return [to.path(each.given.stem) for each in finished for _ in each.endings]
    rows = [each.items() for each in finished]
    columns = page.tile[0] if page.tile else 1
    pictures = rows_of_pictures(rows, columns) if aligned and layout == "grid" else None
    items = [item for row in rows for item in row]
    return write_items(items, to, page, provenance, each=layout == "files", pictures=pictures)


app = alone(complete, SamplerCommand, EXAMPLE)
