"""How fast a stepper draws, beside how fast torch multiplies."""

from __future__ import annotations

import math
import time
from statistics import median

import torch
from torch import Tensor

from sketchkit.density import tempering
from sketchkit.engine import LSTMWeights, Stepper
from sketchkit.models import State
from sketchkit.sampling import DrawRule

__all__ = ["Pace", "measured", "random_weights"]

#: As many steps as one call of `draw` makes.
_STEPS = 16


def random_weights(hidden: int = 512, mixtures: int = 20, context: int = 0) -> LSTMWeights:
    """Weights of a model that was never trained, of the usual size and spread."""
    generator = torch.Generator().manual_seed(1)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator).sub_(0.5).mul_(2.0 / math.sqrt(hidden))

    outputs = 6 * mixtures + 3
    return LSTMWeights(
        rows=uniform(4 * hidden, 5),
        recurrent=uniform(4 * hidden, hidden),
        context=uniform(4 * hidden, context) if context else None,
        bias=uniform(4 * hidden),
        output=uniform(outputs, hidden),
        output_bias=uniform(outputs),
        position=False,
    )


class Pace:
    """Draws on and on, the same number of drawings, none of which ends.

    Args:
        stepper: draws.
        state: of the model, before the first point, [B, ...] tensors.
    """

    def __init__(self, stepper: Stepper, state: State) -> None:
        self._stepper, self._state = stepper, stepper.enter(state)
        self.rows = len(state[0])
        self._first = torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0]).repeat(self.rows, 1)
        generator = torch.Generator().manual_seed(2)
        self._uniforms = torch.rand(self.rows, _STEPS, 4, generator=generator) * 0.998 + 0.001
        self._uniforms[..., 1] = 1e-6  # the pen draws on
        self._points = torch.empty(_STEPS, self.rows, 5)
        self._rule = DrawRule(*tempering(0.4, "javascript"))

    def __call__(self) -> int:
        """Draw some points; how many."""
        made, self._state = self._stepper.draw(
            self._first, self._state, self._uniforms, self._rule, self._points, None
        )
        return made * self.rows


def measured(pace: Pace, rounds: int, seconds: float = 0.05) -> tuple[float, float]:
    """Points a second, and what torch multiplies meanwhile: the medians of some rounds.

    Both are taken in turn and in the time that the thread itself runs, so that other programs matter little.

    Args:
        pace: what draws.
        rounds: how many.
        seconds: how long it draws in each, about.

    Returns:
        Points, and float32 operations of `torch.mm`, [128, 512] by [512, 2048], a second.
    """
    first, second, out = torch.rand(128, 512), torch.rand(512, 2048), torch.empty(128, 2048)
    points, operations = [], []
    pace()
    for _ in range(rounds):
        begin = time.thread_time()
        for _ in range(3):
            torch.mm(first, second, out=out)
        operations.append(3 * 2 * 128 * 512 * 2048 / (time.thread_time() - begin))
        begin, made = time.thread_time(), 0
        while time.thread_time() - begin < seconds:
            made += pace()
        points.append(made / (time.thread_time() - begin))
    return median(points), median(operations)
