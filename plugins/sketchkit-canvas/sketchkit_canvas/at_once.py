"""Endings that are drawn to their end before the first point is sent: what is best is known only then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit import Sketch, SketchModel, complete, sample
from sketchkit.curves import fit_curves, flatten_curves
from sketchkit.generate import Guesses
from sketchkit.sampling import AnySampler, make_sampler, stepwise
from sketchkit.sampling.critic import BestLooking
from sketchkit_canvas.messages import Finish
from sketchkit_canvas.sheet import SCALE, middle_place, sketch_of

__all__ = ["AtOnce", "Whole", "draw_at_once", "on_the_wire"]

Float64 = npt.NDArray[np.float64]

#: Points in a message, as many as of a drawing that is sent while it is drawn.
_CHUNK = 8
#: How many classes a client is told of.
_MOST_TOLD = 5
#: The farthest that a chord of a smooth curve is from the curve, as a share of the extent of the drawing.
_FLATNESS = 1e-3
#: A smooth drawing has at most so many points, or as many as the model drew.
_MOST_POINTS = 1_000


@dataclass(frozen=True, eq=False)
class Whole:
    """An ending, or a drawing from nothing, that is drawn.

    Args:
        points: float64 [n, 3]: x, y in paper units, and 1 where ink leads here from the point before.
        finished: whether the model ended it.
        class_name: the class that it was drawn as, if any.
    """

    points: Float64
    finished: bool
    class_name: str | None


@dataclass(frozen=True, eq=False)
class AtOnce:
    """All that was asked for.

    Args:
        drawings: in order.
        guesses: what the drawing was taken for; none where no class was guessed.
    """

    drawings: Sequence[Whole]
    guesses: Guesses = field(default_factory=Guesses)

    def messages(self, id: int) -> Iterator[dict[str, Any]]:
        """What a client is told, in order.

        Args:
            id: of the request.
        """
        if self.guesses:
            told = [[each.class_name, round(each.chance, 4)] for each in self.guesses[:_MOST_TOLD]]
            unlike = self.guesses.unlike
            rounded = None if unlike is None else round(unlike, 4)
            yield {"type": "guess", "id": id, "guesses": told, "unlike": rounded}
        for k, drawing in enumerate(self.drawings):
            points, which = on_the_wire(drawing.points), {"id": id, "k": k}
            for first in range(0, len(points), _CHUNK):
                yield {"type": "points", **which, "first": first, "points": points[first : first + _CHUNK]}
            named = {} if drawing.class_name is None else {"label": drawing.class_name}
            yield {"type": "over", **which, "count": len(points), "finished": drawing.finished, **named}
        yield {"type": "done", "id": id, "count": len(self.drawings)}


def on_the_wire(points: Float64) -> list[list[float]]:
    """Points as they stand in a message."""
    return [[x, y, int(ink)] for x, y, ink in points.round(2).tolist()]


def draw_at_once(model: SketchModel, asked: Finish) -> AtOnce:
    """Draw what was asked for, to the end.

    Raises:
        InputError: the model cannot do that, or cannot read the drawing.
    """
    return _endings(model, asked) if asked.drawing else _from_nothing(model, asked)


def _endings(model: SketchModel, asked: Finish) -> AtOnce:
    several = model.labelled and len(model.card.classes) > 1
    found = complete(
        model,
        sketch_of(asked.drawing),
        asked.n,
        asked.temperature,
        asked.seed,
        first=asked.first,
        part=asked.part,
        class_name="auto" if asked.guess and asked.label is None and several else asked.label,
        sampler=_hand(asked),
    )
    drawings = [
        Whole(_points(each.ending.to_polylines(), asked.curves), each.finished, each.class_name)
        for each in found
    ]
    return AtOnce(drawings, found.guesses)


def _from_nothing(model: SketchModel, asked: Finish) -> AtOnce:
    drawn = sample(
        model,
        asked.n,
        asked.temperature,
        _hand(asked),
        asked.seed,
        class_name=asked.label,
        first=asked.first,
    )
    name = None if asked.label is None else model.class_called(asked.label)
    return AtOnce([Whole(_points(_placed(each), asked.curves), each.ended, name) for each in drawn])


def _placed(sketch: Sketch) -> list[Float64]:
    """The strokes of a drawing from nothing, in the middle of the sheet."""
    place = np.array(middle_place(sketch))
    return [place + line / SCALE for line in sketch.to_polylines()]


def _hand(asked: Finish) -> AnySampler:
    """What draws, or what chooses among several tries."""
    hand = make_sampler("temperature", asked.temperature)
    return hand if asked.tries == 1 else BestLooking(stepwise(hand, "drafts"), asked.tries)


def _points(lines: Sequence[Float64], curves: bool) -> Float64:
    """Strokes as points [n, 3] with the ink that leads there: none to the first of each."""
    shown = _smooth(lines) if curves and lines else lines
    parts = [np.column_stack([line, np.arange(len(line)) > 0]) for line in shown]
    return np.concatenate([np.zeros((0, 3)), *parts])


def _smooth(lines: Sequence[Float64]) -> list[Float64]:
    """The strokes of smooth curves along these; a dot stays one."""
    extent = float(np.ptp(np.concatenate(lines), axis=0).max())
    curves = fit_curves(lines)
    flatness, most = _FLATNESS * extent, max(_MOST_POINTS, sum(map(len, lines)))
    while True:
        found = zip(lines, curves, strict=True)
        out = [flatten_curves(each, flatness) if len(each) else line[:1] for line, each in found]
        # A curve has one chord at the least, and no more curves than there were steps.
        if sum(map(len, out)) <= most:
            return out
        flatness *= 2
