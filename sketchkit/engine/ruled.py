"""Tempered draws on the CPU, by numpy: a handful of rows costs less there than the calls of torch would.

The arithmetic is that of `MixtureDensity`: softmax in float32, the rest in float64 where a vector's last
bits would differ from a scalar's.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.density import MAX_ATANH, MAX_LOG_SIGMA
from sketchkit.sampling import DrawRule

__all__ = ["RuledDraw"]

Array = npt.NDArray[Any]

_STEPS = np.float32(2.0**23)


class RuledDraw:
    """Draws points from raw outputs as a rule says.

    Args:
        rule: how.
        mixtures: M.
    """

    def __init__(self, rule: DrawRule, mixtures: int) -> None:
        self._softening, self._shift = np.float32(rule.softening), rule.log_sigma_shift
        self._share = -math.expm1(-0.5 * rule.max_radius * rule.max_radius)
        self._mixtures = mixtures
        self._places = np.arange(5) * mixtures + 3 + mixtures

    def normals(self, uniforms: Array) -> Array:
        """Pairs of standard normal numbers within the radius, [..., 2], of the last two of four uniform ones.

        Args:
            uniforms: float32 [..., 4].
        """
        wide = uniforms[..., 2:].astype(np.float64)
        radius = np.sqrt(-2.0 * np.log1p(wide[..., 0] * -self._share))
        angle = wide[..., 1] * (2.0 * math.pi)
        out = np.empty(wide.shape, np.float32)
        np.multiply(radius, np.cos(angle), out=out[..., 0], casting="same_kind")
        np.multiply(radius, np.sin(angle), out=out[..., 1], casting="same_kind")
        return out

    def points(self, raw: Array, uniforms: Array, normals: Array, out: Array) -> None:
        """One point a row.

        Args:
            raw: [B, 6M + 3], float32 or float64.
            uniforms: float32 [B, 4].
            normals: [B, 2], of `normals`.
            out: [B, 5], filled.
        """
        pen = self._picked(raw[:, :3], uniforms[:, 1])
        component = self._picked(raw[:, 3 : 3 + self._mixtures], uniforms[:, 0])
        rows = np.arange(len(raw))
        chosen = raw[rows[:, None], component[:, None] + self._places].astype(np.float64)  # [B, 5]
        sigma = np.exp(np.minimum(chosen[:, 2:4] + self._shift, MAX_LOG_SIGMA))
        a = chosen[:, 4].clip(-MAX_ATANH, MAX_ATANH)
        first, second = normals[:, 0].astype(np.float64), normals[:, 1].astype(np.float64)
        out[:, 0] = chosen[:, 0] + sigma[:, 0] * (first / np.cosh(a) + second * np.tanh(a))
        out[:, 1] = chosen[:, 1] + sigma[:, 1] * second
        out[:, 2:] = 0.0
        out[rows, pen + 2] = 1.0

    def _picked(self, logits: Array, uniform: Array) -> Array:
        """As `sketchkit.density.pick`."""
        logits = logits / self._softening
        shares = np.exp(logits - logits.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        cumulative = np.floor(shares * _STEPS).cumsum(1)
        picked: Array = (cumulative < uniform[:, None] * cumulative[:, -1:]).sum(1)
        return picked
