"""Sheets that draw themselves: SVG in which each line appears as the pen would draw it.

A browser plays it; readers without animation (Inkscape, a plotter, cairo) show the finished drawings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

import numpy as np

from sketchkit import svgdoc
from sketchkit.options import option
from sketchkit.rendering.layout import Layout
from sketchkit.rendering.picture import Picture
from sketchkit.rendering.svg import DECIMALS, Track, draw_sheet, draw_still, tracks_data
from sketchkit.sketch import Float64

#: A pen that lifts takes the time of a line of this share of the cell, whether it goes far or not.
LIFT_SHARE = 0.08

#: A dot takes the time of a line of this share of the cell.
DOT_SHARE = 0.03

# The length of every line is called 1. The rest of a line is a gap longer than the line, which hides the dash
# of the next period; the full dash is a little longer, for readers that measure less exactly.
_HIDDEN, _ALL = "0 2", "1.01 2"


@dataclass(frozen=True)
class AnimatedSvgRenderer:
    """SVG that draws itself in pen order, all cells at once and at one speed (SMIL).

    Args:
        seconds: until the last drawing is finished.
        pause: seconds for which the finished sheet is shown before it begins again.
        loop: whether it begins again.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".svg",)

    seconds: float = option(5.0, "Seconds until the last drawing is finished.", low=0.01, high=3600)
    pause: float = option(2.0, "Seconds that the finished sheet is shown.", low=0.0, high=3600)
    loop: bool = option(True, "Whether it begins again.")

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        """Draw pictures on one sheet; see `sketchkit.rendering.Renderer`."""
        sheet = layout.arrange(pictures)
        cell = sheet.places[0].cell if sheet.places else layout.cell

        def draw(cells: Sequence[Sequence[Track]]) -> Sequence[Sequence[Sequence[svgdoc.Element]]]:
            return self._draw(cells, cell)

        return draw_sheet(sheet, pictures, layout, metadata, draw)

    def _draw(
        self, cells: Sequence[Sequence[Track]], cell: float
    ) -> Sequence[Sequence[Sequence[svgdoc.Element]]]:
        """The paths of all inks, a stroke each, with the animations of each."""
        times = [list(_times([line for track in inks for line in track.lines], cell)) for inks in cells]
        longest = max((each[-1][1] for each in times if each), default=0.0)
        if not longest:
            return draw_still(cells)
        whole = self.seconds + self.pause if self.loop else self.seconds
        share = self.seconds / whole / longest
        return [self._cell(inks, each, share, whole) for inks, each in zip(cells, times, strict=True)]

    def _cell(
        self, inks: Sequence[Track], times: Sequence[tuple[float, float]], share: float, whole: float
    ) -> list[list[svgdoc.Element]]:
        """The paths of one cell's inks; `share` is the part of the `whole` time, in seconds, for a pixel."""
        clock = iter(times)
        drawn = []
        for track in inks:
            lines, data = track.lines, tracks_data(track.strokes())
            drawn.append(
                [
                    self._stroke(
                        d, start * share, min(end * share, 1.0), whole, dot=_length(line) < 10.0**-DECIMALS
                    )
                    for d, line, (start, end) in zip(data, lines, islice(clock, len(lines)), strict=True)
                ]
            )
        return drawn

    def _stroke(self, data: str, start: float, end: float, whole: float, *, dot: bool) -> svgdoc.Element:
        """The path of a line that shows from a share of the whole time on, and is drawn until another."""
        moves = []
        if start > 0:
            shown = [(0.0, "hidden"), (start, "visible")]
            moves.append(svgdoc.animate("visibility", shown, whole, loop=self.loop, jump=True))
        if dot:  # it cannot be drawn in part
            return svgdoc.path(data, children=moves)
        drawn = [(0.0, _HIDDEN), (start, _HIDDEN), (end, _ALL), (1.0, _ALL)]
        moves.append(svgdoc.animate("stroke-dasharray", drawn, whole, loop=self.loop, jump=False))
        return svgdoc.path(data, attributes={"pathLength": "1"}, children=moves)


def _times(lines: Sequence[Float64], cell: float) -> Iterator[tuple[float, float]]:
    """When each line of a cell begins and ends, in pixels that the pen could have drawn until then."""
    now = 0.0
    for line in lines:
        end = now + max(_length(line), DOT_SHARE * cell)
        yield now, end
        now = end + LIFT_SHARE * cell


def _length(line: Float64) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())
