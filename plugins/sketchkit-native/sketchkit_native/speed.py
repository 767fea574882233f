"""How fast a stepper draws."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.engine import LSTMWeights, Stepper
from sketchkit.sampling import DrawRule
from sketchkit.tempering import tempering

__all__ = ["Pace", "measure_rates", "random_weights"]

Float32 = npt.NDArray[np.float32]

#: As many steps as one call of `draw` makes.
_STEPS = 16


def random_weights(hidden: int = 512, mixtures: int = 20, context: int = 0) -> LSTMWeights:
    """Weights of an untrained model of the usual size and spread, as arrays."""
    generator = np.random.default_rng(1)

    def uniform(*shape: int) -> Float32:
        return (generator.random(shape, np.float32) - np.float32(0.5)) * np.float32(2.0 / math.sqrt(hidden))

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
    """Draws on and on, the same number of drawings, all of which go on.

    Args:
        stepper: draws.
        state: of the model, before the first point, [B, ...] arrays or tensors.
    """

    def __init__(self, stepper: Stepper, state: tuple[Any, ...]) -> None:
        self._stepper, self._state = stepper, stepper.prepare_state(state)
        self.rows = len(state[0])
        self._first = np.zeros((self.rows, 5), np.float32)
        self._first[:, 2] = 1.0
        generator = np.random.default_rng(2)
        self._uniforms = generator.random((self.rows, _STEPS, 4), np.float32) * 0.998 + 0.001
        self._uniforms[..., 1] = 1e-6  # the pen draws on
        self._points = np.empty((_STEPS, self.rows, 5), np.float32)
        self._rule = DrawRule(*tempering(0.4, "javascript"))

    def __call__(self) -> int:
        """Draw some points; how many."""
        made, self._state = self._stepper.draw(
            self._first, self._state, self._uniforms, self._rule, self._points, None
        )
        return made * self.rows


def measure_rates(*works: Callable[[], int], rounds: int, seconds: float = 0.05) -> list[float]:
    """How much some functions do a second: the median of some rounds, one of each function in turn.

    Time is that of the thread itself, so that other programs matter little.

    Args:
        works: each does some work and returns how much.
        rounds: how many.
        seconds: how long a round is, about.
    """
    rates: list[list[float]] = [[] for _ in works]
    for work in works:
        work()  # the first call may prepare something
    for _ in range(rounds):
        for work, found in zip(works, rates, strict=True):
            begin, done = time.thread_time(), 0
            while time.thread_time() - begin < seconds:
                done += work()
            found.append(done / (time.thread_time() - begin))
    return [median(found) for found in rates]
