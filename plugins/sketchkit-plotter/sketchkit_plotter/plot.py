"""What all plotters have in common: their options, and from a sheet to the strokes of each pen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sketchkit.errors import InputError
from sketchkit.options import check, describe, option
from sketchkit.rendering import Layout, Picture
from sketchkit_plotter.comments import comments
from sketchkit_plotter.hatching import Hatch, hatch_lines
from sketchkit_plotter.joining import joined, linked
from sketchkit_plotter.order import Stroke, shortened, travel
from sketchkit_plotter.paper import Paper, strokes_by_color
from sketchkit_plotter.pens import MOST_PENS, PenMap
from sketchkit_plotter.words import words_of

__all__ = ["Machine", "Pass", "Plot", "Plotter"]


@dataclass(frozen=True)
class Pass:
    """What one pen draws, from home to home.

    Args:
        pen: its number, from 1.
        colors: of the inks that it stands for, as `#rrggbb`.
        strokes: in order, points in steps of the machine.
    """

    pen: int
    colors: tuple[str, ...]
    strokes: tuple[Stroke, ...]


@dataclass(frozen=True)
class Plot:
    """A whole sheet for a machine.

    Args:
        paper: the sheet on the machine.
        passes: one a pen; none where nothing is drawn.
        remarks: what a comment may say, in harmless ASCII.
    """

    paper: Paper
    passes: tuple[Pass, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Plotter:
    """The options of everything that is drawn by pens.

    Args:
        order: "optimised" for short ways of the lifted pen, "drawn" for the order and direction of the
            drawings.
        join: how far apart two ends may be, in millimetres, for the pen to stay down between them.
        mm_per_px: how large a pixel of a sheet on no page is; 25.4 / 96 when None.
        pens: how many pens there are. One draws everything; of several, each colour has its own.
        colors: which pen draws which colour, such as "black=1+#06c=2"; `*` stands for the other colours.
            Without it the pens are numbered as their colours come.
        words: "draw" a title, labels and captions in letters of single lines, or "omit" them.
        hatch: how far apart the lines are that shade filled shapes, in millimetres; none without.
        hatch_angle: of these lines to the lower edge of the sheet, in degrees, counter-clockwise.
        hatch_cross: whether other lines cross them at a right angle.
        hatch_tone: whether light colours get fewer lines: black all of them, the lightest one in six.

    Raises:
        InputError: a value out of range, or `colors` that names more pens than there are.
    """

    #: Of the machine, a millimetre.
    steps: ClassVar[int]
    #: What has a page of its own is drawn there, and as large.
    true_size: ClassVar[bool] = True

    order: str = option("optimised", "Of the strokes.", choices=("optimised", "drawn"))
    join: float = option(0.1, "Ends so near, in mm, are drawn without lifting.", low=0.0, high=10.0)
    mm_per_px: float | None = option(
        None, "Of a sheet on no page; 25.4 / 96 if not given.", low=0.001, high=100.0
    )
    pens: int = option(1, "With more than one, each colour has its own.", low=1, high=MOST_PENS)
    colors: str | None = option(None, "The pens of colours: black=1+#06c=2+*=3.")
    words: str = option("draw", "Titles, labels and captions.", choices=("draw", "omit"))
    hatch: float | None = option(
        None, "Lines so far apart, in mm, shade filled shapes.", low=0.05, high=100.0
    )
    hatch_angle: float = option(45.0, "Of these lines, in degrees.", low=-180.0, high=180.0)
    hatch_cross: bool = option(False, "Whether others cross them.")
    hatch_tone: bool = option(False, "Fewer lines for light colours.")

    def __post_init__(self) -> None:
        # Also for who makes one without `make_renderer`, which has checked already.
        for info in describe(type(self)):
            value = check(info, getattr(self, info.name), type(self).__name__)
            object.__setattr__(self, info.name, value)
        highest = 1 if self.colors is None else PenMap.parse(self.colors).highest
        if 1 < self.pens < highest:
            raise InputError(f"colors names pen {highest}, but there are {self.pens} pens")

    def plot(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> Plot:
        """The strokes of a sheet, in order.

        Args:
            pictures: what the cells show.
            layout: how they are set out.
            metadata: provenance of the whole sheet.

        Raises:
            InputError: a coloured background, more colours than pens, a colour without a pen, a point that
                is not on the sheet, a page and `mm_per_px`, a sheet that is too large, or hatching of too
                many lines.
        """
        if layout.background not in (None, "none"):
            raise InputError("a plotter does not colour its paper: leave out the background")
        sheet = layout.arrange(pictures)
        origin, y_axis = self._axes
        paper = Paper.of(sheet, self.mm_per_px, self.steps, origin, y_axis)
        words = words_of(pictures, sheet, layout) if self.words == "draw" else []
        shades = [] if self.hatch is None else hatch_lines(pictures, sheet, self._hatch(self.hatch, paper))
        cut = layout.own_page is not None
        drawn = strokes_by_color(pictures, sheet, paper, words, shades=shades, cut=cut)
        remarks = [*comments(metadata), f"page {paper}, origin {origin}, y {y_axis}"]
        return Plot(paper, self._passes(drawn), tuple(remarks))

    @property
    def _axes(self) -> tuple[str, str]:
        """The point of the sheet that is (0, 0), and which way y grows: those of SVG."""
        return "upper-left", "down"

    def _hatch(self, distance: float, paper: Paper) -> Hatch:
        crossing = (self.hatch_angle + 90.0,) if self.hatch_cross else ()
        return Hatch(distance / paper.millimetres, (self.hatch_angle, *crossing), self.hatch_tone)

    def _passes(self, drawn: Mapping[str, list[Stroke]]) -> tuple[Pass, ...]:
        """One for each pen that has something to draw."""
        return tuple(
            Pass(pen, tuple(colors), tuple(self._ordered([s for color in colors for s in drawn[color]])))
            for pen, colors in self._colors_by_pen(list(drawn)).items()
        )

    def _colors_by_pen(self, colors: list[str]) -> dict[int, list[str]]:
        if not colors:
            return {}
        if self.colors is not None:
            return PenMap.parse(self.colors).group(colors)
        if self.pens == 1:
            return {1: colors}
        if len(colors) > self.pens:
            raise InputError(
                f"{len(colors)} colours are too many for {self.pens} pens: pens=1 draws all with one"
            )
        return {pen: [color] for pen, color in enumerate(colors, start=1)}

    def _ordered(self, strokes: Sequence[Stroke]) -> list[Stroke]:
        tolerance = self.join * self.steps
        drawn = linked(strokes, tolerance)
        if self.order == "drawn":
            return drawn
        short = linked(shortened(joined(strokes, tolerance)), tolerance)
        # Neither joining nor going to the nearest promises a shorter way; whoever drew may have known better.
        return short if travel(short) <= travel(drawn) else drawn


@dataclass(frozen=True)
class Machine(Plotter):
    """The options of a machine that is told where to go.

    Args:
        origin: the point of the sheet that is (0, 0).
        y_axis: which way the y of the machine grows on the sheet.
    """

    origin: str = option(
        "lower-left", "The point of the sheet that is 0,0.", choices=("lower-left", "upper-left", "centre")
    )
    y_axis: str = option("up", "Which way y grows on the sheet.", choices=("up", "down"))

    @property
    def _axes(self) -> tuple[str, str]:
        return self.origin, self.y_axis
