"""Sheets as SVG for plotters: a layer a pen, named as AxiDraw reads it, with its strokes in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from sketchkit.options import option
from sketchkit.rendering import Layout, Picture
from sketchkit.svgdoc import INK, Element, Pen, document, group, path, path_data, to_bytes
from sketchkit_plotter.order import Stroke
from sketchkit_plotter.paper import Paper
from sketchkit_plotter.pens import MOST_PENS, color_name, long_color
from sketchkit_plotter.plot import Pass, Plotter

__all__ = ["PlotterSvgRenderer"]

# Of coordinates in millimetres.
_DECIMALS = 2

# The length of a dot in millimetres: AxiDraw leaves out lines without length.
_DOT = 0.1


@dataclass(frozen=True)
class PlotterSvgRenderer(Plotter):
    """SVG in millimetres: an Inkscape layer a pen, its strokes in the order they are drawn in.

    The name of a layer begins with the number of the pen, which AxiDraw and vpype read, and goes on with its
    colour: `1-black`.

    Args:
        pens: how many layers there may be; 1 draws all colours in one.
        speed: of the lowered pen, in percent of AxiDraw's fastest, as the code `+S` of each layer's name.
        pause: whether AxiDraw waits before each layer but the first, for another pen: `!` before its name.

    Source: the page "AxiDraw Layer Control" of the Evil Mad Scientist wiki, for the names of layers.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".svg",)
    steps: ClassVar[int] = 10**_DECIMALS

    pens: int = option(MOST_PENS, "Layers at most; 1 draws all colours in one.", low=1, high=MOST_PENS)
    speed: int | None = option(None, "Of the lowered pen, in % of AxiDraw's (+S).", low=1, high=100)
    pause: bool = option(False, "AxiDraw waits before each further layer (!).")

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        """Draw pictures on one sheet; see `sketchkit.rendering.Renderer`.

        Raises:
            InputError: see `Plotter.plot`.
        """
        plot = self.plot(pictures, layout, metadata)
        size = (plot.paper.width, plot.paper.height)
        root = document(size, title=layout.title, metadata=metadata, unit="mm")
        widths = _widths(pictures, layout, plot.paper)
        for number, each in enumerate(plot.passes):
            found = [width for color in each.colors for width in widths.get(color, ())]
            usual = layout.stroke * plot.paper.millimetres
            root.add(self._layer(each, median_low(found) if found else usual, first=number == 0))
        return to_bytes(root)

    def _layer(self, each: Pass, width: float, *, first: bool) -> Element:
        pause = "!" if self.pause and not first else ""
        speed = "" if self.speed is None else f"+S{self.speed}"
        colors = ", ".join(map(color_name, each.colors))
        return group(
            id=f"pen-{each.pen}",
            label=f"{pause}{each.pen}{speed}-{colors}",
            layer=True,
            attributes=Pen(each.colors[0] if len(each.colors) == 1 else INK, width).attributes,
            children=[path(path_data([_millimetres(stroke)], _DECIMALS)) for stroke in each.strokes],
        )


def _widths(pictures: Sequence[Picture], layout: Layout, paper: Paper) -> dict[str, list[float]]:
    """The widths of the inks of each colour, in millimetres."""
    out: dict[str, list[float]] = {}
    for picture, place in zip(pictures, layout.arrange(pictures).places, strict=True):
        for ink in picture.inks:
            width = ink.pen(place.scale, layout.stroke).width * paper.millimetres
            out.setdefault(long_color(ink.color), []).append(width)
    return out


def _millimetres(points: Stroke) -> npt.NDArray[np.float64]:
    if len(points) == 1:
        points = points + np.array([[0, 0], [round(_DOT * 10**_DECIMALS), 0]])
    out: npt.NDArray[np.float64] = points / 10**_DECIMALS
    return out
