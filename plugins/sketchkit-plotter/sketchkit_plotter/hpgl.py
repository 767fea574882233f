"""Sheets as HPGL, the language of Hewlett-Packard's plotters and of most vinyl cutters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sketchkit.errors import InputError
from sketchkit.options import option
from sketchkit.rendering import Layout, Picture
from sketchkit_plotter.order import Stroke
from sketchkit_plotter.plot import Machine, Plot

__all__ = ["HpglRenderer"]

# Points of one command: plotters of the time keep few numbers.
_POINTS = 50


@dataclass(frozen=True)
class HpglRenderer(Machine):
    """HPGL: 40 steps a millimetre, absolute places, a line of commands a stroke.

    Args:
        pen: the number of the first pen; several pens are numbered from it on.
        velocity: of the lowered pen, in centimetres a second; the plotter's own when None.
        comments: whether provenance is written as a comment, which plotters older than HPGL/2 do not know.

    Raises:
        InputError: `colors`, which has the numbers of the pens, and another first pen than 1.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".hpgl", ".plt")
    steps: ClassVar[int] = 40

    pen: int = option(1, "The number of the first pen.", low=1, high=64)
    velocity: int | None = option(None, "Of the pen, in cm/s; the plotter's own if none.", low=1, high=127)
    comments: bool = option(False, "Write provenance as comments, which HPGL/2 knows.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.colors is not None and self.pen != 1:
            raise InputError("colors has the numbers of the pens: leave out pen")

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        """Draw pictures on one sheet; see `sketchkit.rendering.Renderer`.

        Raises:
            InputError: see `Plotter.plot`.
        """
        plot = self.plot(pictures, layout, metadata)
        return "".join(f"{line}\n" for line in self._lines(plot)).encode("ascii")

    def _lines(self, plot: Plot) -> Iterator[str]:
        yield "IN;PA;PU;"
        if self.comments:
            yield from (f'CO "{remark}";' for remark in plot.remarks)
        for each in plot.passes:
            number = self.pen - 1 + each.pen
            yield f"SP{number};" if self.velocity is None else f"SP{number};VS{self.velocity};"
            yield from map(_stroke, each.strokes)
            yield "PU0,0;"
        yield "SP0;"


def _stroke(points: Stroke) -> str:
    # A dot is drawn by a move to where the pen is.
    first, then = points[:1], points[1:] if len(points) > 1 else points
    parts = [then[i : i + _POINTS] for i in range(0, len(then), _POINTS)]
    return f"PU{_numbers(first)};" + "".join(f"PD{_numbers(part)};" for part in parts)


def _numbers(points: Stroke) -> str:
    return ",".join(map(str, points.ravel().tolist()))
