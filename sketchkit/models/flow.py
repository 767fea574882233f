"""A learnt prior: a flow from normal noise to the latent vectors that an encoder gives, class by class.

A `Flow` is what the flow of torch (`sketchkit.models.prior`) and that of numpy have in common.

Source: Lipman et al. 2023, *Flow Matching for Generative Modeling*; Liu et al. 2023, *Flow Straight and
    Fast*. Departure: it moves along the principal axes of the latent vectors, each scaled to unit variance;
    the axes that are left out, along which encoders of this kind hardly vary, stay at their mean.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.models.numpy_lstm import multiply, sigmoid_of_negative

__all__ = ["FREQUENCIES", "LAYERS", "ArrayFlow", "Flow"]

#: Steps from noise to z, by Heun's method.
_STEPS = 16
#: Frequencies of the time, each as a sine and a cosine.
FREQUENCIES = 8
#: Hidden layers behind the first one.
LAYERS = 2

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
#: A tensor of torch or an array of numpy, all of one kind in a flow.
Array = Any


class Flow:
    """A velocity field along K axes, and the axes.

    Attributes:
        mean: [Z].
        basis: [K, Z], orthonormal.
        spread: [K], of the latent vectors along the axes.
    """

    mean: Array
    basis: Array
    spread: Array

    @property
    def axes(self) -> int:
        """K, the axes along which it moves."""
        return len(self.spread)

    @abstractmethod
    def velocity(self, x: Any, time: Any, label: Any) -> Array:
        """Where points move.

        Args:
            x: [B, K], along the axes.
            time: [B], 0 at the noise and 1 at the latent vectors.
            label: int64 [B], classes.

        Returns:
            [B, K].
        """

    @abstractmethod
    def times(self, x: Any, time: float) -> Array:
        """One time for all points [B, K], [B]."""

    def coordinates(self, z: Any) -> tuple[Array, Array]:
        """Latent vectors [B, Z] along the axes, [B, K], and what the axes leave of them, [B, Z]."""
        x = ((z - self.mean) @ self.basis.T) / self.spread
        return x, z - self.place(x)

    def place(self, x: Any) -> Array:
        """The latent vectors [B, Z] at places [B, K] along the axes."""
        return self.mean + (x * self.spread) @ self.basis

    def latents(self, noise: Any, label: Any) -> Array:
        """Noise [B, K] to latent vectors [B, Z]."""
        return self.place(self.integrate(noise, label, 0.0, 1.0))

    def inverse(self, x: Any, label: Any) -> Array:
        """Places along the axes [B, K] to noise [B, K]."""
        return self.integrate(x, label, 1.0, 0.0)

    def integrate(self, x: Any, label: Any, begin: float, end: float) -> Array:
        """Points [B, K] of one time as those of another time, 0..1."""
        step = (end - begin) / _STEPS
        for k in range(_STEPS):
            time = self.times(x, begin + k * step)
            here = self.velocity(x, time, label)
            there = self.velocity(x + step * here, time + step, label)
            x = x + step * (here + there) / 2
        return x


class ArrayFlow(Flow):
    """A flow on numpy alone.

    Args:
        arrays: float32, every weight of the flow by its name in a `FlowPrior`, behind a prefix.
        prefix: of the names.
    """

    def __init__(self, arrays: Mapping[str, Float32], prefix: str = "") -> None:
        self.mean, self.basis, self.spread, self._table = (
            arrays[prefix + name] for name in ("mean", "basis", "spread", "table.weight")
        )
        names = ("first", *(f"layers.{k}" for k in range(LAYERS)), "last")
        self._first, *self._layers, self._last = (
            (arrays[f"{prefix}{name}.weight"].T, arrays[f"{prefix}{name}.bias"]) for name in names
        )

    @staticmethod
    def shapes(
        latent: int, axes: int, hidden: int, classes: int, embedding: int
    ) -> dict[str, tuple[int, ...]]:
        """The shape of every weight; the arguments are those of `FlowPrior`."""
        return {
            "mean": (latent,),
            "basis": (axes, latent),
            "spread": (axes,),
            "table.weight": (classes + 1, embedding),
            "first.weight": (hidden, axes + 2 * FREQUENCIES + embedding),
            "first.bias": (hidden,),
            **{f"layers.{k}.weight": (hidden, hidden) for k in range(LAYERS)},
            **{f"layers.{k}.bias": (hidden,) for k in range(LAYERS)},
            "last.weight": (axes, hidden),
            "last.bias": (axes,),
        }

    def velocity(self, x: Float32, time: Float32, label: Int64) -> Float32:
        """Where points move; see `Flow`."""
        angles = time[:, None] * math.pi * 2.0 ** np.arange(FREQUENCIES, dtype=np.float32) / 4
        read = np.concatenate((x, np.sin(angles), np.cos(angles), self._table[label]), 1)
        hidden = _linear(read, self._first)
        for layer in self._layers:
            hidden = hidden + _linear(_silu(hidden), layer)
        return _linear(_silu(hidden), self._last)

    def times(self, x: Float32, time: float) -> Float32:
        """One time for all points; see `Flow`."""
        return np.full(len(x), time, np.float32)

    def place(self, x: Float32) -> Float32:
        """The latent vectors at places along the axes; see `Flow`."""
        z: Float32 = self.mean + multiply(x * self.spread, self.basis)
        return z


def _linear(values: Float32, layer: tuple[Float32, Float32]) -> Float32:
    weight, bias = layer
    return multiply(values, weight) + bias


def _silu(values: Float32) -> Float32:
    with np.errstate(over="ignore"):
        return values * sigmoid_of_negative(-values)
