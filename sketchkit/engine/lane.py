"""A batch that drawings join and leave at any step, for those who ask while others are being drawn.

The loop of `decode` knows from its beginning what shall be drawn. Here nobody knows: each drawing has a seed,
an index and an age of its own, and what it looks like depends on nothing else. All share a model and a
sampler, as the rows of one product must.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.engine.choosing import stepper_of
from sketchkit.engine.prompts import LEAST_ROWS, filled
from sketchkit.engine.steppers import State
from sketchkit.models import SketchModel
from sketchkit.noise import Noise, uniforms
from sketchkit.sampling import StepSampler, rule_of, stateful

__all__ = ["Lane", "Start"]

# Noise is made for so many steps of a drawing at once.
_BLOCK = 32


@dataclass(frozen=True, eq=False)
class Start:
    """Where a drawing begins.

    Args:
        row: [1, 5], what it reads first, in model units.
        state: tuple of [1, ...], the model's state before that row.
        seed: 0..2^63 - 1.
        index: the sketch index of its noise.
    """

    row: Tensor
    state: State
    seed: int
    index: int


class Lane:
    """Drawings of one model by one sampler, a row each.

    Args:
        model: any backend's.
        sampler: chooses the points.

    Raises:
        DeviceError: no engine can step the model as its `decoding` says.
        PluginError: an engine that is unknown or fails.
    """

    def __init__(self, model: SketchModel, sampler: StepSampler) -> None:
        self.model, self.sampler = model, sampler
        self._hand, self._stepper = stateful(sampler), stepper_of(model)
        self._rule = rule_of(sampler) if self._stepper.most_steps > 0 else None
        self._least = 1 if self._stepper.steady else LEAST_ROWS
        self._starts: list[Start] = []
        self._age: npt.NDArray[np.int64] = np.zeros(0, np.int64)  # [n]
        self._noise: npt.NDArray[np.float32] = np.zeros((0, _BLOCK, 4), np.float32)  # [n, steps, 4]
        # These have more rows where there must be: at least `_least`.
        self._rows: Tensor | None = None
        self._state: State = ()
        self._memory: State = ()

    @torch.inference_mode()
    def change(self, keep: Sequence[int], starts: Sequence[Start]) -> None:
        """Let some drawings go and others come.

        Args:
            keep: which of the drawings stay, by row; they move up in this order.
            starts: those that come, behind them.
        """
        self._starts = [self._starts[row] for row in keep] + list(starts)
        self._age = np.concatenate([self._age[keep], np.zeros(len(starts), np.int64)])
        fresh = np.zeros((len(starts), _BLOCK, 4), np.float32)
        self._noise = np.concatenate([self._noise[keep], fresh])
        if not self._starts:
            self._rows, self._state, self._memory = None, (), ()
            return
        where = torch.tensor(keep, dtype=torch.int64, device=self.model.device)
        old = None if self._rows is None else (self._rows, self._state, self._memory)
        new = self._entered(starts) if starts else None
        stay = None if old is None else (old[0][where], _each(old[1], where), _each(old[2], where))
        parts = [part for part in (stay, new) if part is not None]
        self._rows = filled(torch.cat([rows for rows, _, _ in parts]), self._least)
        self._state = self._joined([state for _, state, _ in parts])
        self._memory = self._joined([memory for _, _, memory in parts])

    @torch.inference_mode()
    def step(self) -> npt.NDArray[np.float32]:
        """One point further in every drawing: [n, 5] in model units."""
        if self._rows is None:
            return np.zeros((0, 5), np.float32)
        self._make_noise()
        n, rows = len(self._starts), len(self._rows)
        chance = np.full((rows, 4), 0.5, np.float32)
        chance[:n] = self._noise[np.arange(n), self._age % _BLOCK]
        points = self._chosen(torch.from_numpy(chance).to(self.model.device))
        self._rows = points.to(self.model.dtype)
        self._age += 1
        return points[:n].float().cpu().numpy()

    def _chosen(self, chance: Tensor) -> Tensor:
        """A point a row by the stepper alone, or by the sampler: [B, 5]."""
        assert self._rows is not None
        if self._rule is not None:
            points = self._rows.new_empty(1, len(chance), 5, dtype=torch.float32)
            _, self._state = self._stepper.draw(
                self._rows.float(), self._state, chance[:, None], self._rule, points, None
            )
            return points[0]
        raw, self._state = self._stepper.step(self._rows, self._state)
        chosen, self._memory = self._hand.step(MixtureDensity(raw), Noise(chance), self._memory)
        return chosen

    def _entered(self, starts: Sequence[Start]) -> tuple[Tensor, State, State]:
        """Rows, states and memory of drawings that begin."""
        states = zip(*(start.state for start in starts), strict=True)
        entered = self._stepper.enter(tuple(filled(torch.cat(parts), self._least) for parts in states))
        state = tuple(part[: len(starts)] for part in entered)
        memory = self._hand.initial_state(len(starts), self.model.device)
        return torch.cat([start.row for start in starts]), state, memory

    def _joined(self, states: Sequence[State]) -> State:
        return tuple(filled(torch.cat(parts), self._least) for parts in zip(*states, strict=True))

    def _make_noise(self) -> None:
        """Noise of the next steps for the drawings that have used up theirs."""
        out = np.flatnonzero(self._age % _BLOCK == 0).tolist()
        for seed, group in groupby(sorted(out, key=self._seed), self._seed):
            rows = list(group)
            index = torch.tensor([self._starts[row].index for row in rows])
            steps = torch.from_numpy(self._age[rows][:, None] + np.arange(_BLOCK))
            self._noise[rows] = uniforms(seed, index[:, None], steps).numpy()

    def _seed(self, row: int) -> int:
        return self._starts[row].seed


def _each(state: State, where: Tensor) -> State:
    return tuple(part[where] for part in state)
