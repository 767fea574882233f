"""A learnt prior: a flow from normal noise to the latent vectors that an encoder gives, class by class.

Source: Lipman et al. 2023, *Flow Matching for Generative Modeling*; Liu et al. 2023, *Flow Straight and
    Fast*. Departure: it moves along the principal axes of the latent vectors, each scaled to unit variance;
    the axes that are left out, along which encoders of this kind hardly vary, stay at their mean.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

__all__ = ["FlowPrior"]

#: Steps from noise to z, by Heun's method.
_STEPS = 16
#: Frequencies of the time, each as a sine and a cosine.
_FREQUENCIES = 8


class FlowPrior(nn.Module):
    """A velocity field along K axes, and the axes.

    Args:
        latent: Z.
        axes: K, 1..Z.
        hidden: H, the units of each of its three layers.
        classes: C; 0 for a model without classes. Class C is the unknown one.
        embedding: E, the size that a class is turned into.
    """

    mean: Tensor  # [Z]
    basis: Tensor  # [K, Z], orthonormal
    spread: Tensor  # [K], of the latent vectors along the axes

    def __init__(self, latent: int, axes: int, hidden: int, classes: int, embedding: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(latent))
        self.register_buffer("basis", torch.zeros(axes, latent))
        self.register_buffer("spread", torch.ones(axes))
        self.table = nn.Embedding(classes + 1, embedding)
        self.first = nn.Linear(axes + 2 * _FREQUENCIES + embedding, hidden)
        self.layers = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(2))
        self.last = nn.Linear(hidden, axes)

    @property
    def axes(self) -> int:
        """K, the axes along which it moves."""
        return len(self.spread)

    def velocity(self, x: Tensor, time: Tensor, label: Tensor) -> Tensor:
        """Where points move.

        Args:
            x: [B, K], along the axes.
            time: [B], 0 at the noise and 1 at the latent vectors.
            label: int64 [B], classes.

        Returns:
            [B, K].
        """
        angles = time[:, None] * math.pi * 2.0 ** torch.arange(_FREQUENCIES, device=x.device).to(x) / 4
        hidden = self.first(torch.cat((x, angles.sin(), angles.cos(), self.table(label)), 1))
        for layer in self.layers:
            hidden = hidden + layer(nn.functional.silu(hidden))
        return cast(Tensor, self.last(nn.functional.silu(hidden)))

    def coordinates(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Latent vectors [B, Z] along the axes, [B, K], and what the axes leave of them, [B, Z]."""
        x = ((z - self.mean) @ self.basis.T) / self.spread
        return x, z - self.place(x)

    def place(self, x: Tensor) -> Tensor:
        """The latent vectors [B, Z] at places [B, K] along the axes."""
        return self.mean + (x * self.spread) @ self.basis

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        """Noise [B, K] to places along the axes [B, K]."""
        return self._integrate(noise, label, 0.0, 1.0)

    def latents(self, noise: Tensor, label: Tensor) -> Tensor:
        """Noise [B, K] to latent vectors [B, Z]."""
        return self.place(self(noise, label))

    def inverse(self, x: Tensor, label: Tensor) -> Tensor:
        """Places along the axes [B, K] to noise [B, K]."""
        return self._integrate(x, label, 1.0, 0.0)

    def _integrate(self, x: Tensor, label: Tensor, begin: float, end: float) -> Tensor:
        step = (end - begin) / _STEPS
        for k in range(_STEPS):
            time = x.new_full((len(x),), begin + k * step)
            here = self.velocity(x, time, label)
            there = self.velocity(x + step * here, time + step, label)
            x = x + step * (here + there) / 2
        return x
