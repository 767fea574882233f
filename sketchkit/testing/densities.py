"""Densities and noise to try samplers with, the same every time, from our own counter-based numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.noise import Noise, normals, uniforms

__all__ = ["EXTREMES", "extreme", "masked", "noise", "raw_outputs"]

_STREAM = 77

#: What rows of `extreme` are like, in order.
EXTREMES = (
    "an ordinary density",
    "sigmas of e^-30",
    "sigmas of e^20",
    "correlations that round to 1",
    "correlations that round to -1",
    "component logits of up to 10,000",
    "pen logits of up to 10,000",
    "equal logits",
    "means of up to 10,000",
)


def raw_outputs(rows: int, mixtures: int, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Raw outputs [B, 6M + 3] as a model could make them.

    Args:
        rows: B; row b is the same whatever B.
        mixtures: M.
        seed: others for each.
        dtype: their number type.
    """
    values = normals(seed, torch.arange(rows), 6 * mixtures + 3, _STREAM)
    scale = torch.ones(6 * mixtures + 3)
    scale[3 + 3 * mixtures :] = 0.5  # log sigmas and correlations
    return (values * scale).to(dtype)


def noise(rows: int, seed: int) -> Noise:
    """Uniform numbers for B rows, those of row b the same whatever B."""
    return Noise(uniforms(seed, torch.arange(rows), torch.tensor(seed), _STREAM))


def extreme(mixtures: int, seed: int) -> Tensor:
    """Raw outputs of which row i is as `EXTREMES[i]` says."""
    raw = raw_outputs(len(EXTREMES), mixtures, seed)
    places = torch.arange(mixtures)
    pen, weight, mu = slice(0, 3), slice(3, 3 + mixtures), slice(3 + mixtures, 3 + 3 * mixtures)
    log_sigma, rho = slice(3 + 3 * mixtures, 3 + 5 * mixtures), slice(3 + 5 * mixtures, None)
    raw[1, log_sigma] = -30.0
    raw[2, log_sigma] = 20.0
    raw[3, rho], raw[4, rho] = 25.0, -25.0
    raw[5, weight] = 1e4 * (1.0 - 2.0 * (places % 2))
    raw[6, pen] = torch.tensor([-1e4, 1e4, 0.0])
    raw[7, pen], raw[7, weight] = 0.0, 0.0
    raw[8, mu] *= 1e4 / 6.0
    return raw


def masked(mixtures: int, seed: int) -> MixtureDensity:
    """Densities of which most components have been taken out, which makes their logits -inf."""
    rows = 4
    keep = torch.arange(mixtures)[None] == torch.arange(rows)[:, None] % mixtures
    return MixtureDensity(raw_outputs(rows, mixtures, seed)).masked(keep)
