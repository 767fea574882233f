"""From the pixels of a sheet to the steps of a machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sketchkit.errors import InputError
from sketchkit.rendering import Picture, Sheet
from sketchkit_plotter.joining import without_repeats
from sketchkit_plotter.order import Stroke
from sketchkit_plotter.pens import long_color

__all__ = ["LONGEST_SIDE", "Paper", "strokes_by_color"]

Points = npt.NDArray[np.float64]

#: The longest side of a sheet, in millimetres: HPGL counts its steps in 24 bits.
LONGEST_SIDE = 100_000.0

#: Of the measures of CSS, which a layout uses.
_PIXEL = 25.4 / 96

# Of words where nothing else is drawn.
_BLACK = "#000000"

# In millimetres: more than rounding moves a point that lies on the edge.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Paper:
    """A sheet on the machine.

    Args:
        width: in millimetres.
        height: in millimetres.
        millimetres: of a pixel of the sheet.
        steps: of the machine, a millimetre.
        origin: which point of the sheet is (0, 0): "lower-left", "upper-left" or "centre".
        y_axis: which way the y of the machine grows on the sheet: "up" or "down".
    """

    width: float
    height: float
    millimetres: float
    steps: int
    origin: str
    y_axis: str

    @classmethod
    def of(cls, sheet: Sheet, mm_per_px: float | None, steps: int, origin: str, y_axis: str) -> Paper:
        """The paper of a sheet.

        Args:
            sheet: on a page or not.
            mm_per_px: of a sheet on no page; of CSS's pixels when None.
            steps: as in the class.
            origin: as in the class.
            y_axis: as in the class.

        Raises:
            InputError: a page, which has its true size, and `mm_per_px`; or a sheet that is too large.
        """
        if sheet.page is not None and mm_per_px is not None:
            raise InputError(f"a page of {sheet.page} has its true size: leave out mm_per_px")
        millimetres = _PIXEL if mm_per_px is None else mm_per_px
        width, height = sheet.width * millimetres, sheet.height * millimetres
        if max(width, height) > LONGEST_SIDE:
            size = f"{width:.0f}x{height:.0f} mm"
            raise InputError(f"a sheet of {size} is too large: at most {LONGEST_SIDE:.0f} mm a side")
        return cls(width, height, millimetres, steps, origin, y_axis)

    def __str__(self) -> str:
        return f"{self.width:.6g}x{self.height:.6g} mm"

    def inside(self, pixels: Points) -> list[Points]:
        """The parts of a line [n, 2] that are on the sheet, cut at its edge, in pixels of the sheet.

        Source: Liang & Barsky 1984, for each piece of the line.
        """
        size = np.array([self.width, self.height]) / self.millimetres
        if ((pixels >= 0) & (pixels <= size)).all() or not np.isfinite(pixels).all():
            return [pixels]
        if len(pixels) == 1:
            return []
        start, way = pixels[:-1], np.diff(pixels, axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            to_low, to_high = -start / way, (size - start) / way
        still, within = way == 0, (start >= 0) & (start <= size)
        never = np.where(within, -np.inf, np.inf)
        enters = np.where(still, never, np.minimum(to_low, to_high)).max(axis=1).clip(0.0)
        leaves = np.where(still, np.inf, np.maximum(to_low, to_high)).min(axis=1).clip(max=1.0)
        parts: list[Points] = []
        joined = False
        for i in np.flatnonzero(enters <= leaves):
            first, last = start[i] + enters[i] * way[i], start[i] + leaves[i] * way[i]
            if joined and enters[i] == 0 and i > 0 and leaves[i - 1] == 1:
                parts[-1] = np.concatenate([parts[-1], last[None]])
            else:
                parts.append(np.stack([first, last]))
            joined = True
        return [part.clip(0.0, size) for part in parts]

    def to_steps(self, pixels: Points, where: str) -> Stroke:
        """Points [n, 2] in pixels of the sheet as points [n, 2] of the machine, to the nearest step.

        Raises:
            InputError: a point that is not on the sheet; `where` begins the message.
        """
        at = pixels * self.millimetres
        off = ~((at >= -_ROUNDING) & (at <= np.array([self.width, self.height]) + _ROUNDING)).all(axis=1)
        if off.any():
            x, y = at[int(np.argmax(off))]
            raise InputError(f"{where}: a point at ({x:.6g}, {y:.6g}) mm is not on the sheet of {self}")
        x0 = self.width / 2 if self.origin == "centre" else 0.0
        y0 = {"lower-left": self.height, "upper-left": 0.0, "centre": self.height / 2}[self.origin]
        sign = -1.0 if self.y_axis == "up" else 1.0
        moved = (at - np.array([x0, y0])) * np.array([1.0, sign])
        steps: Stroke = np.rint(moved * self.steps).astype(np.int64)
        return steps


def strokes_by_color(
    pictures: Sequence[Picture],
    sheet: Sheet,
    paper: Paper,
    words: Sequence[Points],
    *,
    shades: Sequence[tuple[str, Points]] = (),
    cut: bool,
) -> dict[str, list[Stroke]]:
    """The strokes of a sheet by the colour of their ink, colours and strokes as they come first.

    Args:
        pictures: what the cells show.
        sheet: where they are.
        paper: the same sheet on the machine.
        words: lines [n, 2] in pixels of the sheet; they are drawn last, in the first colour there is.
        shades: the colours and lines of hatched areas, in pixels of the sheet.
        cut: whether lines end at the edge of the sheet instead of being refused.

    Raises:
        InputError: a point that is not a finite place on the sheet.
    """
    out: dict[str, list[Stroke]] = {}
    for number, (picture, place) in enumerate(zip(pictures, sheet.places, strict=True), start=1):
        for ink in picture.inks:
            for line in ink.polylines():
                with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is not on the sheet
                    pixels = place.apply(line)
                for part in paper.inside(pixels) if cut else [pixels]:
                    stroke = without_repeats(paper.to_steps(part, f"cell {number}"))
                    out.setdefault(long_color(ink.color), []).append(stroke)
    for color, line in shades:
        for part in paper.inside(line) if cut else [line]:
            stroke = without_repeats(paper.to_steps(part, "a filled shape"))
            out.setdefault(long_color(color), []).append(stroke)
    written = [without_repeats(paper.to_steps(line, "the words")) for line in words]
    if written:
        out.setdefault(next(iter(out), _BLACK), []).extend(written)
    return out
