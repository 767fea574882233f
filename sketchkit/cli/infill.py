"""`sketchkit infill`: draw the strokes that are missing between given strokes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sketchkit._version import __version__
from sketchkit.cli.console import say
from sketchkit.cli.groups import InkOptions, OutputOptions, SheetOptions
from sketchkit.cli.help import SamplerCommand, standalone_app
from sketchkit.cli.options import (
    MOST_DRAWINGS,
    DrawnClass,
    Given,
    InputFormat,
    Json,
    KeepBackground,
    UsageError,
    argument,
    option,
    require_one_class,
    settings_of,
)
from sketchkit.errors import InputError
from sketchkit.files import shown
from sketchkit.settings import OF_WHOLE_DRAWINGS, DrawSettings

if TYPE_CHECKING:
    from sketchkit.cli.inputs import Input
    from sketchkit.cli.outputs import Item
    from sketchkit.cli.runner import Run
    from sketchkit.generate import Infilling
    from sketchkit.sketch import Sketch

__all__ = ["EXAMPLE", "app", "infill"]

#: The settings without a meaning where points are chosen one by one, a particle a row.
_LACKING = OF_WHOLE_DRAWINGS | {"batch_size", "deterministic"}

EXAMPLE = "sketchkit infill bird.svg --missing 0:1 -n 4 -o infills.svg"

# The library's limits; the library loads torch.
_MOST_PARTICLES, _MOST_STROKES = 16_384, 1_000
# The line of the stroke that a number belongs to, in pixels.
_BOLD = 4.0
#: The parameters that say how infills are drawn.
_OF_INFILLS = {"n", "particles", "max_strokes", "classes"}.union(
    each.name for group in (DrawSettings, InkOptions) for each in dataclasses.fields(group)
)


@dataclass(frozen=True)
class InfillOptions:
    """What is drawn into which gap, and where it goes."""

    missing: str | None = option(
        None,
        "Replace strokes I to J-1, counted from 0 in pen order; I:I draws before stroke I.",
        metavar="I:J",
        usual=False,
        panel="What is drawn",
    )
    number: bool = option(False, "Draw nothing, but show each stroke by its number.")
    layout: Literal["grid", "files"] = option("grid", "One sheet, or a file each (name them by {index}).")
    n: int = option(
        9, "The best so many infills that differ.", flags="-n", metavar="N", low=1, high=MOST_DRAWINGS
    )
    particles: int = option(
        256, "How many are drawn at once; more find better ones.", metavar="K", low=1, high=_MOST_PARTICLES
    )
    max_strokes: int | None = option(
        None,
        "Of an infill.",
        metavar="N",
        low=1,
        high=_MOST_STROKES,
        usual="twice as many as are replaced, 4 at the least",
    )


def infill(
    *,
    file: str = argument(
        "FILE", "A drawing: SVG, ndjson, bin, npz; FILE#K is drawing K of several; - is stdin."
    ),
    chosen: InfillOptions,
    output: OutputOptions,
    input_format: InputFormat = None,
    keep_background: KeepBackground = False,
    classes: DrawnClass = None,
    drawing: Annotated[
        Given, settings_of(DrawSettings, without=OF_WHOLE_DRAWINGS | {"batch_size", "deterministic"})
    ],
    ink: InkOptions,
    sheet: SheetOptions,
    json: Json = False,
    context: typer.Context,
) -> None:
    """Draw what is missing between the strokes of a drawing, so that the rest fits.

    Many attempts are drawn at the gap; the strokes after it are put behind each, and the best are those after
    which the model finds them likeliest.
    """
    from sketchkit.cli.endings import check_ink
    from sketchkit.cli.inapplicable import refuse_given
    from sketchkit.cli.outputs import Page
    from sketchkit.cli.runner import Run, split_class_words

    missing, number, n = chosen.missing, chosen.number, chosen.n
    if (missing is None) != number:
        raise UsageError("give either --missing I:J or --number", "--missing")
    each = chosen.layout == "files"
    name = "{stem}-strokes" if number else "{stem}-{index}" if each else "{stem}-infills"
    page = Page.of(output, sheet, name, each=each, json=json, own_page=each)
    check_ink(ink)
    if missing is None:
        refuse_given(context, _OF_INFILLS, "--number draws nothing")
        if each:
            raise UsageError("--number draws one sheet", "--layout")
        given = _read(file, input_format, keep_background=keep_background)
        items = _number_strokes(given)
        on = dataclasses.replace(page.plan(given.stem, len(items)), label=True)
        page.write(items, on, {"generator": "sketchkit", "version": __version__})
        return
    wanted, guess = split_class_words(classes)
    where, run = _parse_gap(missing), Run.of(drawing, wanted)
    require_one_class(wanted, "a drawing shows one thing")
    given = _read(file, input_format, keep_background=keep_background)
    on = page.plan(given.stem, n)
    class_name = run.class_for(given.sketch, shown(given.source)) if guess else run.class_of(0)
    infills, around = _infill(run, given, where, chosen, class_name)
    facts = {**run.provenance, "gap": missing, "particles": chosen.particles}
    if class_name is not None:
        facts["class"] = class_name
    if chosen.max_strokes is not None:
        facts["max_strokes"] = chosen.max_strokes
    _tell(infills)
    page.write([_make_item(given, around, one, facts, sheet, ink) for one in infills], on, facts)


def _parse_gap(text: str) -> tuple[int, int]:
    first, colon, last = text.partition(":")
    if not (colon and all(part.isascii() and part.isdigit() and len(part) < 10 for part in (first, last))):
        raise UsageError(f"{text!r} is not I:J, such as 2:4", "--missing")
    return int(first), int(last)


def _read(file: str, input_format: str | None, *, keep_background: bool) -> Input:
    """The drawing; of an SVG file the document, too, which says how its page looks."""
    from sketchkit.cli.groups import InputOptions
    from sketchkit.cli.inputs import read_inputs, read_one

    by_name = file == "-" or Path(file).suffix.lower() == ".svg"
    if input_format == "svg" or (input_format is None and by_name):
        chosen = InputOptions([file], input_format, keep_background=keep_background)
        (given,) = read_inputs(chosen, keep_documents=True)
        return given
    return read_one(file, input_format, keep_background=keep_background)


def _infill(
    run: Run, given: Input, gap: tuple[int, int], chosen: InfillOptions, class_name: str | None
) -> tuple[list[Infilling], Sketch]:
    """The infills, and the strokes around them.

    Raises:
        InputError: an error of the library; the drawing is called by its file.
    """
    from sketchkit.cli.console import progress
    from sketchkit.cli.runner import POINTS

    n, particles = chosen.n, chosen.particles
    model = run.load(particles * POINTS)
    from sketchkit.generate import infill as draw
    from sketchkit.generate.infilling import split_at

    settings = {name: run.keywords()[name] for name in ("sampler", "seed", "max_points")}
    settings |= {"class_name": class_name, "max_strokes": chosen.max_strokes}
    try:
        before, _, after = split_at(given.sketch, gap)
        with progress("Drawing infills") as report:
            found = draw(model, given.sketch, gap, n, particles, progress=report, **settings)
    except InputError as error:
        raise InputError(f"{shown(given.source)}: {error}") from error
    return found, before + after if len(before) else after


def _tell(infills: Sequence[Infilling]) -> None:
    """One line on stderr: whether the gap was easy to fill."""
    search = infills[0].search
    say(
        f"sketchkit: after {search.fitting} of {search.attempts} attempts ({search.share:.0%}) the rest fits "
        f"at least as well as with an empty gap; effective sample size {search.effective:.0f}"
    )


def _number_strokes(given: Input) -> list[Item]:
    """Each stroke among the others, under its number."""
    from sketchkit.cli.outputs import Item
    from sketchkit.rendering import Ink, Picture
    from sketchkit.rendering.palette import ENDING, INK
    from sketchkit.sketch import Sketch

    whole = given.sketch.without_end()
    items = []
    for k, line in enumerate(whole.to_polylines()):
        stroke = Sketch.from_polylines([line])
        picture = Picture((Ink(whole, INK), Ink(stroke, ENDING, f"stroke {k}", _BOLD)), str(k), {"stroke": k})
        items.append(Item(given.stem, k, stroke, picture, source=given.source))
    return items


def _make_item(
    given: Input,
    around: Sketch,
    one: Infilling,
    provenance: Mapping[str, Any],
    sheet: SheetOptions,
    ink: InkOptions,
) -> Item:
    """The drawing with one infill, in layers of their own."""
    from sketchkit.cli.endings import Addition

    facts = {
        **provenance,
        "index": one.index,
        "scale": one.scale,
        "rest": one.rest,
        "gain": one.gain,
        "fits": one.fits,
        "weight": one.weight,
        "attempts": one.search.attempts,
        "fitting": one.search.fitting,
        "effective": one.search.effective,
    }
    caption = f"{one.index}: {one.gain:+.1f} {given.stem}"
    shown = (f"infill {one.index}", caption, facts, sheet, ink)
    return Addition(given, around, one.part, one.sketch, one.index, *shown).item()


app = standalone_app(infill, SamplerCommand, EXAMPLE, without={"gap"})
