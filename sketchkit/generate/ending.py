"""The endings of a drawing, as `complete` returns them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sketchkit.arguments import old_attribute
from sketchkit.generate.guess import Guesses
from sketchkit.geometry import chamfer, outline
from sketchkit.rendering import Ink, Picture
from sketchkit.rendering.drawings import Drawings, ShownAsSheet
from sketchkit.rendering.palette import ENDING, INK
from sketchkit.sketch import Float64, Sketch

if TYPE_CHECKING:
    from sketchkit.generate.rejection import Attempts

__all__ = ["Ending", "Endings", "find_different"]

# Endings count as alike if their ink lies closer than this share of the drawing's diagonal, on average.
_ALIKE = 0.02


@dataclass(frozen=True)
class Ending(ShownAsSheet):
    """One continuation of a drawing.

    Args:
        sketch: the whole drawing, given and added strokes, in its own units and place.
        ending: the added strokes alone, in the same units and place.
        nll_per_point: negative log-likelihood of the ending under the model itself (temperature 1), natural
            logarithm, in model units, a point: over all rows of the model, the end row included.
        seed: the seed it was drawn with.
        index: the index of the ending for that seed.
        scale: pixels of the training data in a drawing unit, as the model saw it.
        finished: whether the model ended the drawing; else it was cut at the greatest length.
        redrawn: the number of steps whose first point was out of bounds and replaced.
        class_name: the class given to the model, if any.
    """

    sketch: Sketch
    ending: Sketch
    nll_per_point: float
    seed: int
    index: int
    scale: float
    finished: bool
    redrawn: int = 0
    class_name: str | None = None

    nll = old_attribute("nll", "nll_per_point")

    @property
    def rank(self) -> tuple[bool, float, int]:
        """The order of endings, the best first: those that the model ended, then the likeliest a point."""
        return not self.finished, self.nll_per_point, self.index

    @property
    def given(self) -> Sketch:
        """The given drawing, without the ending."""
        rows = self.sketch.stroke5[: len(self.sketch) - len(self.ending)]
        return Sketch(rows, origin=self.sketch.origin, label=self.sketch.label, key=self.sketch.key)

    @property
    def picture(self) -> Picture:
        """Given strokes in ink, added strokes in their colour, under index and cost."""
        inks = (Ink(self.given, INK), Ink(self.ending, ENDING, f"ending {self.index}", curved=True))
        return Picture(inks, f"{self.index}: {self.nll_per_point:.2f}")


class Endings(Drawings[Ending]):
    """The endings of one drawing, and the record of the search for them.

    Args:
        endings: in order.
        attempts: the record of the search within bounds, if there were bounds.
        guesses: the guessed classes of the drawing, the likeliest first, where its class was guessed.
    """

    def __init__(
        self, endings: Iterable[Ending] = (), attempts: Attempts | None = None, guesses: Guesses | None = None
    ) -> None:
        super().__init__(endings)
        self.attempts = attempts
        self.guesses = Guesses() if guesses is None else guesses


def find_different(additions: Iterable[tuple[Sketch, Sketch]]) -> Iterator[tuple[int, Sketch, Sketch]]:
    """Additions to a drawing whose outline does not nearly cover that of an earlier one.

    Args:
        additions: the best first; the added strokes, and the whole drawing, whose size sets the least
            distance. They are taken one at a time.

    Yields:
        The place of each, and both its drawings.
    """
    outlines: list[Float64] = []
    for place, (added, drawing) in enumerate(additions):
        x0, y0, x1, y1 = drawing.bounds
        mine, limit = outline(added), _ALIKE * math.hypot(x1 - x0, y1 - y0)
        if not any(chamfer(mine, other) <= limit for other in outlines):
            outlines.append(mine)
            yield place, added, drawing
