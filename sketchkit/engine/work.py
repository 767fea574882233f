"""What shall be drawn, with what, and in what width."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sketchkit.engine.choosing import stepper_of
from sketchkit.engine.prompts import LEAST_ROWS, Prompts, filled
from sketchkit.engine.recurrent import LSTMWeights
from sketchkit.engine.steppers import State, Stepper
from sketchkit.models import SketchModel
from sketchkit.sampling import Draft

__all__ = ["ATTEMPTS", "ATTEMPT_SHIFT", "EXACT_WIDTH", "Indices", "Work", "default_width"]

Indices = npt.NDArray[np.int64]

#: The number of an attempt stands above the step in one number of the counter; a drawing has fewer steps.
ATTEMPT_SHIFT = 20
#: So many attempts at one drawing have noise of their own: the counter has 32 bits.
ATTEMPTS = 1 << (32 - ATTEMPT_SHIFT)
#: The fixed number of rows of every product under `exact`.
EXACT_WIDTH = 16


def default_width(device: torch.device) -> int:
    """How many slots suit a device."""
    return 128 if device.type == "cpu" else 4096


@dataclass(frozen=True)
class Work:
    """What shall be drawn, with what, and in what width.

    Args:
        model: any backend's.
        prompts: the states that drawings start from.
        prompt_of: [J], which prompt each job continues.
        index_of: [J], the sketch index of each job's noise.
        attempt_of: [J], the attempt that each job's noise belongs to, 0 for the first.
        seed: 0..2^63 - 1.
        max_points: the most rows a drawing gets, an end row included.
        width: the most slots; one that suits the device when None.
        exact: equal bits whatever the width, order and number of jobs; slower.
    """

    model: SketchModel
    prompts: Prompts
    prompt_of: Indices
    index_of: Indices
    attempt_of: Indices
    seed: int
    max_points: int
    width: int | None
    exact: bool

    @property
    def most_rows(self) -> int:
        """The most rows of one product: slots that the device or the user has, never too few."""
        if self.exact:
            return EXACT_WIDTH
        return max(self.width or default_width(self.model.device), self.least_rows)

    @property
    def least_rows(self) -> int:
        """The fewest rows of one product; an LSTM's drawing that is alone anyway needs no company."""
        if self.exact:
            return EXACT_WIDTH
        alone = len(self.prompt_of) == 1 and LSTMWeights.fits(self.model)
        return 1 if self.stepper.steady or alone else LEAST_ROWS

    @cached_property
    def stepper(self) -> Stepper:
        """The model made ready."""
        return stepper_of(self.model)

    def part(self, jobs: Indices) -> Work:
        """Some of the jobs, any as often as you like."""
        return replace(
            self,
            prompt_of=self.prompt_of[jobs],
            index_of=self.index_of[jobs],
            attempt_of=self.attempt_of[jobs],
        )

    def draft(self, job: int, rows: npt.NDArray[np.float32], losses: npt.NDArray[np.float64] | None) -> Draft:
        """What has been drawn of a job.

        Args:
            job: its number.
            rows: [n, 5], copied.
            losses: [n], the negative log-likelihood of each; None where nobody asked.
        """
        mine = rows.copy()
        if mine[-1, 4] == 1.0:
            mine[-1, :2] = 0.0  # the offset of an end row is untrained
        nll = float("nan") if losses is None else float(losses.sum())
        return Draft(job, mine, nll, int(self.attempt_of[job]))

    def entered(self, prompt: Tensor) -> State:
        """The stepper's state of some prompts, int64 [D]; no fewer rows at once than a step has."""
        if len(prompt) == len(self.prompts) == self.least_rows == 1:
            return self.stepper.enter(self.prompts.state)
        size = self.most_rows if self.exact else max(len(prompt), self.least_rows)
        states = []
        for mine in torch.split(prompt, size):
            places = filled(mine, self.least_rows)
            entered = self.stepper.enter(tuple(part[places] for part in self.prompts.state))
            states.append(tuple(part[: len(mine)] for part in entered))
        return states[0] if len(states) == 1 else tuple(map(torch.cat, zip(*states, strict=True)))
