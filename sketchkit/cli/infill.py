"""`sketchkit infill`: draw what is missing between given strokes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sketchkit._version import __version__
from sketchkit.cli.console import say
from sketchkit.cli.flags import MOST_DRAWINGS, InputFormat, Json, KeepBackground, one_class
from sketchkit.cli.grouping import grouped
from sketchkit.cli.help import SamplerCommand, alone
from sketchkit.cli.parameters import DrawingOptions, InkOptions, OutputOptions, SheetOptions
from sketchkit.errors import InputError
from sketchkit.files import shown

if TYPE_CHECKING:
    from sketchkit.cli.endings import Inks
    from sketchkit.cli.inputs import Input
    from sketchkit.cli.outputs import Item
    from sketchkit.cli.run import Run
    from sketchkit.generate import Infilling
    from sketchkit.rendering import Picture
    from sketchkit.sketch import Sketch

__all__ = ["EXAMPLE", "app", "infill"]

EXAMPLE = "sketchkit infill bird.svg --gap 0:1 -n 4 -o infills.svg"

# What the library takes, which loads torch.
_MOST_PARTICLES, _MOST_STROKES = 16_384, 1_000
# The line of the stroke that a number belongs to, in pixels.
_BOLD = 4.0

Layouts = Literal["grid", "files"]
#: The parameters that say what is drawn into a gap, and how.
_OF_INFILLS = {
    *("n", "particles", "max_strokes"),
    *(each.name for group in (DrawingOptions, InkOptions) for each in dataclasses.fields(group)),
}


@partial(grouped, without={"gap", "batch_size", "exact"})
def infill(
    *,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A drawing: SVG, ndjson, bin, npz; FILE#K is drawing K of several; - is stdin.",
        ),
    ],
    gap: Annotated[
        str | None,
        typer.Option(
            "--gap",
            metavar="I:J",
            help="Replace strokes I to J-1, counted from 0 in pen order; I:I draws before stroke I.",
            show_default=False,
            rich_help_panel="What is drawn",
        ),
    ] = None,
    number: Annotated[
        bool, typer.Option("--number", help="Draw nothing, but show each stroke by its number.")
    ] = False,
    output: OutputOptions,
    layout: Annotated[
        Layouts, typer.Option(help="One sheet, or a file each (name them by {index}).")
    ] = "grid",
    n: Annotated[
        int,
        typer.Option(
            "-n", metavar="N", min=1, max=MOST_DRAWINGS, help="The best so many infills that differ."
        ),
    ] = 9,
    particles: Annotated[
        int,
        typer.Option(
            "--particles",
            metavar="K",
            min=1,
            max=_MOST_PARTICLES,
            help="How many are drawn at once; more find better ones.",
        ),
    ] = 256,
    max_strokes: Annotated[
        int | None,
        typer.Option(
            "--max-strokes",
            metavar="N",
            min=1,
            max=_MOST_STROKES,
            help="Of an infill.",
            show_default="twice as many as are replaced, 4 at the least",
        ),
    ] = None,
    input_format: InputFormat = None,
    keep_background: KeepBackground = False,
    drawing: DrawingOptions,
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
    from sketchkit.cli.outputs import Destination, report, write_items
    from sketchkit.cli.run import Run, without_words
    from sketchkit.cli.unused import check_sheet, refuse_given

    if (gap is None) != number:
        raise typer.BadParameter("give either --gap I:J or --number", param_hint="--gap")
    each = layout == "files"
    name = "{stem}-strokes" if number else "{stem}-{index}" if each else "{stem}-infills"
    to = Destination.of(output, name, each=each, json=json)
    check_sheet(sheet, to, each=each, own_page=each)
    check_ink(ink)
    if number:
        refuse_given(context, _OF_INFILLS, "--number draws nothing")
        if each:
            raise typer.BadParameter("--number draws one sheet", param_hint="--layout")
    if gap is None:
        given = _read(file, input_format, keep_background=keep_background)
        to.check([to.path(given.stem)])
        items = _numbered(given)
        facts: dict[str, Any] = {"generator": "sketchkit", "version": __version__}
        page = dataclasses.replace(sheet.layout(len(items)), label=True)
    else:
        chosen, guess = without_words(drawing)
        where, run, page = _parse_gap(gap), Run.of(chosen), sheet.layout(1 if each else n)
        one_class(run.classes, "a drawing shows one thing")
        given = _read(file, input_format, keep_background=keep_background)
        to.check([to.path(given.stem, index) for index in range(n if each else 1)])
        called = run.class_for(given.sketch, shown(given.source)) if guess else run.class_of(0)
        infills, around = _infill(run, given, where, n, particles, max_strokes, called)
        facts = {**run.provenance, "gap": gap, "particles": particles}
        if called is not None:
            facts["class"] = called
        if max_strokes is not None:
            facts["max_strokes"] = max_strokes
        items = [_Filled(given, around, one, facts, sheet, ink).item() for one in infills]
        _tell(infills)
    paths = write_items(items, to, page, facts, each=each)
    to.announce(paths)
    if json:
        report(items, paths)


def _parse_gap(text: str) -> tuple[int, int]:
    first, colon, last = text.partition(":")
    if not (colon and all(part.isascii() and part.isdigit() and len(part) < 10 for part in (first, last))):
        raise typer.BadParameter(f"{text!r} is not I:J, such as 2:4", param_hint="--gap")
    return int(first), int(last)


def _read(file: str, input_format: str | None, *, keep_background: bool) -> Input:
    """The drawing; of an SVG file the document, too, which says how its page looks."""
    from sketchkit.cli.inputs import read_inputs, read_one
    from sketchkit.cli.parameters import InputOptions

    by_name = file == "-" or Path(file).suffix.lower() == ".svg"
    if input_format == "svg" or (input_format is None and by_name):
        chosen = InputOptions([file], input_format, keep_background=keep_background)
        (given,) = read_inputs(chosen, keep_documents=True)
        return given
    return read_one(file, input_format, keep_background=keep_background)


def _infill(
    run: Run,
    given: Input,
    gap: tuple[int, int],
    n: int,
    particles: int,
    max_strokes: int | None,
    class_name: str | None,
) -> tuple[list[Infilling], Sketch]:
    """The infills, and what is given around them.

    Raises:
        InputError: what the library does not take; the drawing is called by its file.
    """
    from sketchkit.cli.console import progress

    model = run.load()
    from sketchkit.generate import infill as draw
    from sketchkit.generate.infilling import split_at

    settings = {
        name: value for name, value in run.settings().items() if name in ("sampler", "seed", "max_points")
    }
    try:
        before, _, after = split_at(given.sketch, gap)
        with progress("Drawing infills") as report:
            found = draw(
                model,
                given.sketch,
                gap,
                n,
                particles,
                class_name=class_name,
                max_strokes=max_strokes,
                progress=report,
                **settings,
            )
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


def _numbered(given: Input) -> list[Item]:
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


@dataclass(frozen=True)
class _Filled:
    """A drawing with one infill; what was given and what was drawn are told apart.

    Args:
        given: the user's drawing.
        around: its strokes without those that are replaced.
        infilling: what the model drew.
        provenance: of the run.
        sheet: the width of a layer's pen, in the drawing's units, and which layers are drawn as curves.
        ink: of what is added, and whether it is all that is written.
    """

    given: Input
    around: Sketch
    infilling: Infilling
    provenance: Mapping[str, Any]
    sheet: SheetOptions = field(default_factory=SheetOptions)
    ink: InkOptions = field(default_factory=InkOptions)

    @property
    def _inks(self) -> Inks:
        from sketchkit.cli.endings import Inks

        return Inks(self.given, self.sheet, self.ink)

    def item(self) -> Item:
        """For a sheet, a file of drawings, or as an SVG page of its own."""
        from sketchkit.cli.endings import own_page
        from sketchkit.cli.outputs import Item

        one = self.infilling
        key = f"{self.given.sketch.key or self.given.stem}-{one.seed}-{one.index}"
        sketch = (one.part if self.ink.only_added else one.sketch).labelled(one.sketch.label, key)
        page = own_page(self.given, self.sheet)
        return Item(self.given.stem, one.index, sketch, self._picture(), self._page, self.given.source, page)

    @property
    def _name(self) -> str:
        return f"infill {self.infilling.index}"

    @property
    def _facts(self) -> dict[str, Any]:
        one, search = self.infilling, self.infilling.search
        return {
            **self.provenance,
            "index": one.index,
            "scale": one.scale,
            "rest": one.rest,
            "gain": one.gain,
            "fits": one.fits,
            "weight": one.weight,
            "attempts": search.attempts,
            "fitting": search.fitting,
            "effective": search.effective,
        }

    def _picture(self) -> Picture:
        from sketchkit.rendering import Ink, Picture
        from sketchkit.rendering.palette import INK

        given = () if self.ink.only_added else (Ink(self.around, INK, "drawing"),)
        added = Ink(self.infilling.part, self._inks.added, self._name, curved=True)
        caption = f"{self.infilling.index}: {self.infilling.gain:+.1f} {self.given.stem}"
        return Picture((*given, added), caption, self._facts)

    def _page(self) -> bytes:
        """What was given and the infill in two layers, in the drawing's own units and place."""
        from sketchkit.svgdoc import Layer, write_layers

        inks, part, curves = self._inks, self.infilling.part, self.sheet.curves
        layers = [Layer(part, self._name, inks.added_with, curved=curves != "off")]
        if not self.ink.only_added:
            layers.insert(0, Layer(self.around, "drawing", inks.drawn_with, curved=curves == "on"))
        if self.given.document is None:
            return write_layers(layers, metadata=self._facts)
        document = self.given.document[1]
        return write_layers(layers, view_box=document.view_box, size=document.size, metadata=self._facts)


app = alone(infill, SamplerCommand, EXAMPLE)
