"""The learnt prior on torch; see `sketchkit.models.flow`."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from sketchkit.models.flow import FREQUENCIES, LAYERS, Flow

__all__ = ["FlowPrior"]


class FlowPrior(nn.Module, Flow):
    """A velocity field along K axes, and the axes, whose weights are tensors.

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
        self.first = nn.Linear(axes + 2 * FREQUENCIES + embedding, hidden)
        self.layers = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(LAYERS))
        self.last = nn.Linear(hidden, axes)

    def velocity(self, x: Tensor, time: Tensor, label: Tensor) -> Tensor:
        """Where points move; see `Flow`."""
        angles = time[:, None] * math.pi * 2.0 ** torch.arange(FREQUENCIES, device=x.device).to(x) / 4
        hidden = self.first(torch.cat((x, angles.sin(), angles.cos(), self.table(label)), 1))
        for layer in self.layers:
            hidden = hidden + layer(nn.functional.silu(hidden))
        return cast(Tensor, self.last(nn.functional.silu(hidden)))

    def times(self, x: Tensor, time: float) -> Tensor:
        """One time for all points; see `Flow`."""
        return x.new_full((len(x),), time)

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        """Noise [B, K] to places along the axes [B, K]."""
        return cast(Tensor, self.integrate(noise, label, 0.0, 1.0))
