"""The parts of a transformer: what it reads of a row, how rows look at each other, and the blocks.

Shape letters: B batch, T time, N packed rows, D width, H heads, d numbers of a head, W window.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchkit_transformer.architecture import TransformerArchitecture

__all__ = ["Block", "Look", "Reading", "rotated", "turns"]

#: How queries, keys and values [..., 3D] become what is seen, [..., D].
Look = Callable[[Tensor], Tensor]

#: The longest wave of a coordinate, in model units: a drawing is about nine of them wide.
_LONGEST_WAVE = 16.0
_ROTARY_BASE = 10_000.0


class Reading(nn.Module):
    """What a row becomes before the first block.

    Sines and cosines of its coordinates stand beside them (Tancik et al. 2020): a linear layer of the plain
    numbers tells places that are near each other apart too slowly.

    Args:
        architecture: its sizes.
    """

    def __init__(self, architecture: TransformerArchitecture) -> None:
        super().__init__()
        self.waves = architecture.waves
        self.linear = nn.Linear(architecture.features, architecture.width)

    def forward(self, rows: Tensor, at: Tensor | None) -> Tensor:
        """Rows [..., 5], and where each has brought the pen, [..., 2] float32 or better, to [..., D]."""
        exact = torch.promote_types(rows.dtype, torch.float32)
        places = rows[..., :2].to(exact) if at is None else torch.cat((rows[..., :2].to(exact), at), -1)
        pace = torch.arange(self.waves, device=rows.device).exp2() * (2 * math.pi / _LONGEST_WAVE)
        angles = (places[..., None] * pace).flatten(-2)
        read = torch.cat((places, angles.sin(), angles.cos(), rows[..., 2:].to(exact)), -1)
        out: Tensor = self.linear(read.to(self.linear.weight.dtype))
        return out


class Block(nn.Module):
    """Attention and a feed-forward part, each behind a norm and beside a way around it.

    Source: Vaswani et al. 2017; the norm before: Xiong et al. 2020; the gated unit: Shazeer 2020.

    Args:
        architecture: its sizes.
    """

    def __init__(self, architecture: TransformerArchitecture) -> None:
        super().__init__()
        width, feed = architecture.width, architecture.feed
        self.attention_norm, self.feed_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asked = nn.Linear(width, 3 * width)  # queries, keys and values
        self.seen = nn.Linear(width, width)
        self.gate = nn.Linear(width, 2 * feed)
        self.fed = nn.Linear(feed, width)
        with torch.no_grad():  # so that what all blocks add up to begins about as large as the input
            for last in (self.seen, self.fed):
                last.weight.mul_((2 * architecture.layers) ** -0.5)

    def forward(self, x: Tensor, look: Look, keep: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Rows [..., D] to rows [..., D].

        Args:
            x: the rows.
            look: the attention, which knows what may look at what.
            keep: what both parts' numbers are multiplied by under dropout, [..., D] each.
        """
        seen = self.seen(look(self.asked(self.attention_norm(x))))
        x = x + (seen if keep is None else seen * keep[0])
        gate, value = self.gate(self.feed_norm(x)).chunk(2, -1)
        fed = self.fed(F.silu(gate) * value)
        out: Tensor = x + (fed if keep is None else fed * keep[1])
        return out


def turns(places: Tensor, head: int) -> Tensor:
    """By how much queries and keys are turned, as complex numbers of length 1.

    Args:
        places: any shape [...], how many rows came before each.
        head: d.

    Returns:
        complex64 [..., d / 2].

    Source: Su et al. 2021, "RoFormer".
    """
    steps = torch.arange(0, head, 2, device=places.device, dtype=torch.float32)
    angles = places[..., None].to(torch.float32) * _ROTARY_BASE ** (-steps / head)
    return torch.polar(torch.ones_like(angles), angles)


def rotated(vectors: Tensor, by: Tensor) -> Tensor:
    """Queries or keys turned by their places, so that their products know how far they are apart.

    Args:
        vectors: [..., d], neighbours being a pair of coordinates.
        by: complex [..., d / 2], of `turns`; broadcast.
    """
    exact = vectors.to(torch.promote_types(vectors.dtype, torch.float32))
    pairs = torch.view_as_complex(exact.reshape(*exact.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * by).flatten(-2).to(vectors.dtype)
