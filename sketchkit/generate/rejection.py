"""Endings within bounds, by rejection: points, and whole endings, that leave the bounds are drawn again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from sketchkit.engine.arrays import State, replace_rows, take_rows, to_numpy
from sketchkit.engine.choosers import PointChooser
from sketchkit.errors import InputError
from sketchkit.generate.regions import Bools, Bounds
from sketchkit.models import Array
from sketchkit.noise import REDRAWING, uniform_array
from sketchkit.sketch import Float32, Float64, Sketch
from sketchkit.units import Beginning

__all__ = [
    "ATTEMPTS",
    "CANDIDATES",
    "Attempts",
    "NoEnding",
    "RejectionChooser",
    "Search",
    "begins_with_ink",
    "check_beginnings",
    "is_within",
]

#: How many endings are tried for each ending asked for.
ATTEMPTS = 32
#: How many points a step may draw until a point is within bounds.
CANDIDATES = 16
# The number of the candidate stands above the step in one number of the counter; a drawing has fewer steps.
_CANDIDATE_SHIFT = 20

Int64 = npt.NDArray[np.int64]


class _Indexed(Protocol):
    @property
    def index(self) -> int: ...


Found = TypeVar("Found", bound=_Indexed)


@dataclass(frozen=True)
class Attempts:
    """The record of a search for endings within bounds.

    Args:
        asked: how many endings were wanted.
        tried: how many were drawn, from index 0 to that of the last one found, or until the budget of 32 for
            each one asked for was spent.
        satisfied: how many of them kept within bounds.
        redrawn: at how many of their steps the first point was out of bounds and others were drawn.
    """

    asked: int
    tried: int
    satisfied: int
    redrawn: int


class NoEnding(InputError):
    """All endings of a drawing leave the bounds.

    Args:
        drawing: the number of the drawing, from 0.
        why: the reason and a remedy.
        several: whether the call has several drawings, so that the message gives the number.
    """

    def __init__(self, drawing: int, why: str, several: bool) -> None:
        super().__init__(f"drawing {drawing}: {why}" if several else why)
        self.drawing, self.why = drawing, why


@dataclass
class Search(Generic[Found]):
    """The attempts at one drawing.

    The result depends on `asked` alone, not on the rounds: the endings with the lowest indices that satisfy
    the bounds.

    Args:
        asked: how many endings are wanted.
    """

    asked: int
    _tried: int = 0
    _found: list[Found] = field(default_factory=list)
    _redrawn: list[int] = field(default_factory=list)

    def next_round(self) -> range:
        """The indices to try next, as many as the missing endings need at the rate of success so far."""
        missing = self.asked - len(self._found)
        if missing <= 0:
            return range(0)
        # The rate starts from one success and one failure; the first round expects every ending to fit.
        rate = (len(self._found) + 1) / (self._tried + 2) if self._tried else 1.0
        count = min(math.ceil(missing / rate), self.asked * ATTEMPTS - self._tried)
        return range(self._tried, self._tried + count)

    def close_round(self, found: list[Found], redrawn: list[int]) -> None:
        """Record the results of a round.

        Args:
            found: the endings that kept within bounds.
            redrawn: for each index of the round, at how many steps points were drawn again.
        """
        self._found += sorted(found, key=lambda each: each.index)
        self._tried += len(redrawn)
        self._redrawn += redrawn

    def result(self) -> tuple[list[Found], Attempts]:
        """At most `asked` endings in the order of their index, and the record of the search."""
        found = self._found[: self.asked]
        tried = found[-1].index + 1 if found and len(found) == self.asked else self._tried
        return found, Attempts(self.asked, tried, len(found), sum(self._redrawn[:tried]))


class RejectionChooser:
    """Chooses points as a sampler does, from those that leave ink within bounds.

    The first candidate is the sampler's own choice, with the noise of every drawing, so that a drawing which
    stays within bounds by itself is the same with bounds and without. The further candidates are drawn from
    the same density with noise of their own, and the first that fits is taken. A drawing whose candidates all
    leave the bounds is broken, and ends at once.

    Args:
        chooser: chooses the candidates.
        bounds: where ink may go.
        beginnings: [P], the starts of drawings.
        prompt_of: [J], the beginning that each job continues.
        index_of: [J], the sketch index of each job.
        seed: 0..2^63 - 1.
        max_points: the most rows a drawing gets.
        candidates: how many points a step may draw.
    """

    def __init__(
        self,
        chooser: PointChooser,
        bounds: Bounds,
        beginnings: Sequence[Beginning],
        prompt_of: Int64,
        index_of: Int64,
        *,
        seed: int,
        max_points: int,
        candidates: int = CANDIDATES,
    ) -> None:
        self.chooser, self.bounds, self.index_of = chooser, bounds, index_of
        self.seed, self.max_points, self.candidates = seed, max_points, candidates
        jobs = len(prompt_of)
        # The arithmetic of `units.from_rows` and `Sketch.points`, so that both find a point in one place.
        self._factor = np.array([b.factor for b in beginnings], np.float32)[prompt_of]
        self._anchor = np.array([b.anchor for b in beginnings], np.float64).reshape(-1, 2)[prompt_of]
        self._walked = np.zeros((jobs, 2))
        self._down = np.array([begins_with_ink(b) for b in beginnings], np.bool_)[prompt_of]
        self._over = np.zeros(jobs, np.bool_)
        #: [J], whether all candidates of a step were out of bounds.
        self.broken = np.zeros(jobs, np.bool_)
        #: [J], how many steps were drawn again.
        self.redrawn = np.zeros(jobs, np.int64)

    def initial_memory(self, rows: int) -> State:
        """That of the chooser of candidates; see `PointChooser`."""
        return self.chooser.initial_memory(rows)

    def choose(
        self, raw: Array, uniforms: Float32, memory: State, jobs: Int64, steps: Int64
    ) -> tuple[Array, State]:
        """Choose a point for every row; see `PointChooser`."""
        points, after = self.chooser.choose(raw, uniforms, memory, jobs, steps)
        going = np.flatnonzero((jobs >= 0) & ~self._over[jobs] & (steps < self.max_points))
        mine, rows = jobs[going], to_numpy(points)[going].astype(np.float32)
        wrong = ~self._allows(mine, rows)
        if wrong.any():
            places = going[wrong]
            before = tuple(take_rows(part, places) for part in memory)
            chosen, kept = self._draw_again(take_rows(raw, places), before, mine[wrong], steps[places])
            # The sampler may keep a reference to the arrays that it returned.
            points = replace_rows(points, places, chosen)
            after = tuple(replace_rows(part, places, new) for part, new in zip(after, kept, strict=True))
            rows[wrong] = to_numpy(chosen)
        self._advance(mine, rows)
        return points, after

    def _allows(self, jobs: Int64, rows: Float32) -> Bools:
        """Whether points are within bounds; an end row adds no ink."""
        starts = self._walked[jobs] + self._anchor[jobs]
        ends = self._walked[jobs] + self._offsets(jobs, rows) + self._anchor[jobs]
        ended: Bools = rows[:, 4] == 1.0
        return ended | self.bounds.allows(starts, ends, self._down[jobs])

    def _draw_again(self, raw: Array, memory: State, jobs: Int64, steps: Int64) -> tuple[Array, State]:
        """The first further candidate within bounds for each of F rows, [F, 5]; else an end row."""
        count, more = len(jobs), self.candidates - 1
        self.redrawn[jobs] += 1
        several = np.repeat(np.arange(count), more)
        numbers = steps[:, None] + ((np.arange(more) + 1) << _CANDIDATE_SHIFT)
        noise = uniform_array(self.seed, self.index_of[jobs][:, None], numbers, REDRAWING)  # [F, K - 1, 4]
        points, after = self.chooser.choose(
            take_rows(raw, several),
            noise.reshape(-1, 4),
            tuple(take_rows(part, several) for part in memory),
            jobs[several],
            steps[several],
        )
        rows = to_numpy(points).astype(np.float32)
        fits = self._allows(jobs[several], rows).reshape(count, more)
        first = np.arange(count) * more + fits.argmax(axis=1)
        chosen = take_rows(points, first)
        self.broken[jobs] = broken = ~fits.any(axis=1)
        if broken.any():
            chosen[:, :2][np.flatnonzero(broken)] = 0.0
            chosen[:, 2:][np.flatnonzero(broken)] = 0.0
            chosen[:, 4][np.flatnonzero(broken)] = 1.0
        return chosen, tuple(take_rows(part, first) for part in after)

    def _advance(self, jobs: Int64, rows: Float32) -> None:
        self._walked[jobs] += self._offsets(jobs, rows)
        self._down[jobs] = rows[:, 2] == 1.0
        self._over[jobs] = rows[:, 4] == 1.0

    def _offsets(self, jobs: Int64, rows: Float32) -> Float64:
        offsets: Float32 = rows[:, :2] / self._factor[jobs, None]
        return offsets.astype(np.float64)


def begins_with_ink(beginning: Beginning) -> bool:
    """Whether ink leads from where a drawing stands to the next point: a start token's pen is down, too."""
    return beginning.pen_down or not len(beginning.rows)


def is_within(bounds: Bounds, ending: Sketch, sketch: Sketch, begun: Sketch, beginning: Beginning) -> bool:
    """Whether an ending adds ink and keeps it within bounds, also as part of the drawing, which rounds it.

    Args:
        bounds: where ink may go.
        ending: the ending alone.
        sketch: the drawing with it.
        begun: the drawing without it.
        beginning: the same, as the model has read it.
    """
    if len(ending.without_end()) <= begins_with_ink(beginning):
        return False  # an ending without points adds no ink
    return bounds.allow_drawing(ending) and bounds.allow_drawing(sketch, len(begun))


def check_beginnings(bounds: Bounds, beginnings: Sequence[Beginning]) -> None:
    """Refuse drawings whose endings all begin with ink that is out of bounds.

    Raises:
        NoEnding: the pen of a drawing is down out of bounds.
    """
    for drawing, beginning in enumerate(beginnings):
        place = np.array([beginning.anchor])
        if begins_with_ink(beginning) and not bounds.allows(place, place, np.array([False])).all():
            x, y = beginning.anchor
            why = (
                f"every ending begins with ink at ({x:g}, {y:g}), which is out of bounds: lift the pen first"
            )
            raise NoEnding(drawing, why, len(beginnings) > 1)
