"""Truncated draws: a point that would put ink out of bounds is drawn again before it is given up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.generate.regions import Bools, Bounds
from sketchkit.models.base import State
from sketchkit.noise import REDRAWING, Noise, uniforms
from sketchkit.sampling import StepSampler, stateful
from sketchkit.sketch import Float32, Float64
from sketchkit.units import Beginning

__all__ = ["CANDIDATES", "Fence", "begins_with_ink"]

#: How many points a step may draw until one is within bounds.
CANDIDATES = 16
# The number of the candidate stands above the step in one number of the counter; a drawing has fewer steps.
_CANDIDATE_SHIFT = 20

Int64 = npt.NDArray[np.int64]


def begins_with_ink(beginning: Beginning) -> bool:
    """Whether ink leads from where a drawing stands to the next point: a start token's pen is down, too."""
    return beginning.pen_down or not len(beginning.rows)


class Fence:
    """Chooses points as a sampler does, but only such as leave ink within bounds.

    The first candidate is the point that the sampler chooses anyway, with the noise of every drawing, so that
    a drawing which stays within bounds by itself is the same with a fence and without. The further ones are
    drawn from the same density with noise of their own, and the first that fits is taken. Where none fits
    the drawing is broken, and ends at once.

    Args:
        sampler: chooses the points.
        bounds: where ink may go.
        beginnings: [P], what drawings start from.
        prompt_of: [J], which of them each job continues.
        index_of: [J], the sketch index of each job.
        seed: 0..2^63 - 1.
        max_points: the most rows a drawing gets.
        candidates: how many points a step may draw.
    """

    def __init__(
        self,
        sampler: StepSampler,
        bounds: Bounds,
        beginnings: Sequence[Beginning],
        prompt_of: Int64,
        index_of: Int64,
        *,
        seed: int,
        max_points: int,
        candidates: int = CANDIDATES,
    ) -> None:
        self.sampler, self.bounds, self.index_of = stateful(sampler), bounds, index_of
        self.seed, self.max_points, self.candidates = seed, max_points, candidates
        jobs = len(prompt_of)
        # The arithmetic of `units.from_rows` and `Sketch.points`, so that both find a point in one place.
        self._factor = np.array([b.factor for b in beginnings], np.float32)[prompt_of]
        self._anchor = np.array([b.anchor for b in beginnings], np.float64).reshape(-1, 2)[prompt_of]
        self._walked = np.zeros((jobs, 2))
        self._down = np.array([begins_with_ink(b) for b in beginnings], np.bool_)[prompt_of]
        self._over = np.zeros(jobs, np.bool_)
        #: [J], whether no candidate would do at some step.
        self.broken = np.zeros(jobs, np.bool_)
        #: [J], how many steps were drawn again.
        self.redrawn = np.zeros(jobs, np.int64)

    def __call__(
        self, raw: Tensor, noise: Noise, memory: State, jobs: Int64, steps: Int64
    ) -> tuple[Tensor, State]:
        """Choose a point for every slot; see `sketchkit.engine.decode.Chooser`."""
        points, after = self.sampler.step(MixtureDensity(raw), noise, memory)
        # On an accelerator the loop runs on for some steps with what is over.
        going = np.flatnonzero((jobs >= 0) & ~self._over[jobs] & (steps < self.max_points))
        mine, rows = jobs[going], _rows(points)[going]
        wrong = ~self._allowed(mine, rows)
        if wrong.any():
            slots = torch.from_numpy(going[wrong]).to(points.device)
            before = tuple(part[slots] for part in memory)
            chosen, kept = self._drawn_again(raw[slots], before, mine[wrong], steps[going[wrong]])
            points = points.index_copy(0, slots, chosen)
            after = tuple(part.index_copy(0, slots, new) for part, new in zip(after, kept, strict=True))
            rows[wrong] = _rows(chosen)
        self._advance(mine, rows)
        return points, after

    def _allowed(self, jobs: Int64, rows: Float32) -> Bools:
        """Whether points are within bounds; an end row puts nothing on the paper."""
        starts = self._walked[jobs] + self._anchor[jobs]
        ends = self._walked[jobs] + self._offsets(jobs, rows) + self._anchor[jobs]
        ended: Bools = rows[:, 4] == 1.0
        return ended | self.bounds.allows(starts, ends, self._down[jobs])

    def _drawn_again(self, raw: Tensor, memory: State, jobs: Int64, steps: Int64) -> tuple[Tensor, State]:
        """The first further candidate that fits for each of F rows, [F, 5]; an end row where none does."""
        count, more = len(jobs), self.candidates - 1
        self.redrawn[jobs] += 1
        density = MixtureDensity(raw.repeat_interleave(more, 0))
        numbers = steps[:, None] + ((np.arange(more) + 1) << _CANDIDATE_SHIFT)
        index, step = (torch.from_numpy(a).to(raw.device) for a in (self.index_of[jobs], numbers))
        noise = uniforms(self.seed, index[:, None], step, REDRAWING)  # [F, K - 1, 4]
        several = tuple(part.repeat_interleave(more, 0) for part in memory)
        points, after = self.sampler.step(density, Noise(noise.flatten(0, 1)), several)
        fits = self._allowed(np.repeat(jobs, more), _rows(points)).reshape(count, more)
        first = torch.from_numpy(np.arange(count) * more + fits.argmax(axis=1)).to(raw.device)
        chosen = points[first]
        self.broken[jobs] = ~fits.any(axis=1)
        none = torch.from_numpy(self.broken[jobs]).to(raw.device)
        chosen[none] = chosen.new_tensor([0.0, 0.0, 0.0, 0.0, 1.0])
        return chosen, tuple(part[first] for part in after)

    def _advance(self, jobs: Int64, rows: Float32) -> None:
        self._walked[jobs] += self._offsets(jobs, rows)
        self._down[jobs] = rows[:, 2] == 1.0
        self._over[jobs] = rows[:, 4] == 1.0

    def _offsets(self, jobs: Int64, rows: Float32) -> Float64:
        offsets: Float32 = rows[:, :2] / self._factor[jobs, None]
        return offsets.astype(np.float64)


def _rows(points: Tensor) -> Float32:
    rows: Float32 = points.float().cpu().numpy()
    return rows
