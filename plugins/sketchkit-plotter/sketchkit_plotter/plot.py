"""What all plotters have in common: their options, and from a sheet to the strokes of each pen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sketchkit.errors import InputError
from sketchkit.options import check, describe, option
from sketchkit.rendering import Layout, Picture
from sketchkit_plotter.comments import comments
from sketchkit_plotter.joining import joined, linked
from sketchkit_plotter.order import Stroke, shortened, travel
from sketchkit_plotter.paper import Paper, strokes_by_color
from sketchkit_plotter.words import words_of

__all__ = ["Pass", "Plot", "Plotter"]


@dataclass(frozen=True)
class Pass:
    """What one pen draws, from home to home.

    Args:
        colors: of the inks that it stands for.
        strokes: in order, points in steps of the machine.
    """

    colors: tuple[str, ...]
    strokes: tuple[Stroke, ...]


@dataclass(frozen=True)
class Plot:
    """A whole sheet for a machine.

    Args:
        passes: one a pen; none where nothing is drawn.
        remarks: what a comment may say, in harmless ASCII.
    """

    passes: tuple[Pass, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Plotter:
    """The options of a machine with a pen.

    Args:
        order: "optimised" for short ways of the lifted pen, "drawn" for the order and direction of the
            drawings.
        join: how far apart two ends may be, in millimetres, for the pen to stay down between them.
        origin: the point of the sheet that is (0, 0).
        y_axis: which way the y of the machine grows on the sheet.
        mm_per_px: how large a pixel of a sheet on no page is; 25.4 / 96 when None.
        pens: how many pens there are. One draws everything; of several, each colour has its own.
        words: "draw" a title, labels and captions in letters of single lines, or "omit" them.

    Raises:
        InputError: a value out of range.
    """

    #: Of the machine, a millimetre.
    steps: ClassVar[int]
    #: What has a page of its own is drawn there, and as large.
    true_size: ClassVar[bool] = True

    order: str = option("optimised", "Of the strokes.", choices=("optimised", "drawn"))
    join: float = option(0.1, "Ends so near, in mm, are drawn without lifting.", low=0.0, high=10.0)
    origin: str = option(
        "lower-left", "The point of the sheet that is 0,0.", choices=("lower-left", "upper-left", "centre")
    )
    y_axis: str = option("up", "Which way y grows on the sheet.", choices=("up", "down"))
    mm_per_px: float | None = option(
        None, "Of a sheet on no page; 25.4 / 96 if not given.", low=0.001, high=100.0
    )
    pens: int = option(1, "With more than one, each colour has its own.", low=1, high=64)
    words: str = option("draw", "Titles, labels and captions.", choices=("draw", "omit"))

    def __post_init__(self) -> None:
        # Also for who makes one without `make_renderer`, which has checked already.
        for info in describe(type(self)):
            value = check(info, getattr(self, info.name), type(self).__name__)
            object.__setattr__(self, info.name, value)

    def plot(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> Plot:
        """The strokes of a sheet, in order.

        Args:
            pictures: what the cells show.
            layout: how they are set out.
            metadata: provenance of the whole sheet.

        Raises:
            InputError: a coloured background, more colours than pens, a point
                that is not on the sheet, a page and `mm_per_px`, or a sheet that is too large.
        """
        if layout.background not in (None, "none"):
            raise InputError("a plotter does not colour its paper: leave out the background")
        sheet = layout.arrange(pictures)
        paper = Paper.of(sheet, self.mm_per_px, self.steps, self.origin, self.y_axis)
        words = words_of(pictures, sheet, layout) if self.words == "draw" else []
        drawn = strokes_by_color(pictures, sheet, paper, words, cut=layout.own_page is not None)
        remarks = [*comments(metadata), f"page {paper}, origin {self.origin}, y {self.y_axis}"]
        return Plot(self._passes(drawn), tuple(remarks))

    def _passes(self, drawn: Mapping[str, list[Stroke]]) -> tuple[Pass, ...]:
        """One for each pen that has something to draw."""
        if not drawn:
            return ()
        if self.pens == 1:
            everything = [stroke for strokes in drawn.values() for stroke in strokes]
            return (Pass(tuple(drawn), tuple(self._ordered(everything))),)
        if len(drawn) > self.pens:
            raise InputError(
                f"{len(drawn)} colours are too many for {self.pens} pens: pens=1 draws all with one"
            )
        return tuple(Pass((color,), tuple(self._ordered(strokes))) for color, strokes in drawn.items())

    def _ordered(self, strokes: Sequence[Stroke]) -> list[Stroke]:
        tolerance = self.join * self.steps
        drawn = linked(strokes, tolerance)
        if self.order == "drawn":
            return drawn
        short = linked(shortened(joined(strokes, tolerance)), tolerance)
        # Neither joining nor going to the nearest promises a shorter way; whoever drew may have known better.
        return short if travel(short) <= travel(drawn) else drawn
