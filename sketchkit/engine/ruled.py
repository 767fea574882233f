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
    """Draws points from raw outputs of so many rows as a rule says.

    Args:
        rule: how.
        mixtures: M.
        rows: B.
    """

    def __init__(self, rule: DrawRule, mixtures: int, rows: int) -> None:
        self._softening, self._shift = np.float32(rule.softening), rule.log_sigma_shift
        self._share = -math.expm1(-0.5 * rule.max_radius * rule.max_radius)
        self._mixtures, self._rows = mixtures, np.arange(rows)
        self._places = np.arange(5) * mixtures + 3 + mixtures
        # Components and pen states are picked together: what a row has too few of never comes.
        self._logits = np.full((rows, 2, max(mixtures, 3)), -np.inf, np.float32)

    def normals(self, uniforms: Array) -> Array:
        """Pairs of standard normal numbers within the radius, of the last two of four uniform ones.

        Args:
            uniforms: float32 [..., 4].

        Returns:
            [..., 2], rounded to float32 but in float64.
        """
        wide = uniforms[..., 2:].astype(np.float64)
        radius = np.sqrt(-2.0 * np.log1p(wide[..., 0] * -self._share))
        angle = wide[..., 1] * (2.0 * math.pi)
        pairs = np.stack((radius * np.cos(angle), radius * np.sin(angle)), -1)
        return pairs.astype(np.float32).astype(np.float64)

    def points(self, raw: Array, uniforms: Array, normals: Array, out: Array) -> None:
        """One point a row.

        Args:
            raw: [B, 6M + 3], float32 or float64.
            uniforms: float32 [B, 4].
            normals: [B, 2], of `normals`.
            out: [B, 5], filled.
        """
        component, pen = self._picked(raw, uniforms)
        chosen = raw[self._rows[:, None], component[:, None] + self._places].astype(np.float64)  # [B, 5]
        sigma = np.exp(np.minimum(chosen[:, 2:4] + self._shift, MAX_LOG_SIGMA))
        a = np.minimum(np.maximum(chosen[:, 4], -MAX_ATANH), MAX_ATANH)
        second = normals[:, 1]
        sigma[:, 0] *= normals[:, 0] / np.cosh(a) + second * np.tanh(a)
        sigma[:, 1] *= second
        np.add(chosen[:, :2], sigma, out=out[:, :2], casting="same_kind")
        out[:, 2:] = 0.0
        out[self._rows, pen + 2] = 1.0

    def _picked(self, raw: Array, uniforms: Array) -> tuple[Array, Array]:
        """Components and pen states [B], each as by `sketchkit.density.pick`."""
        shares = self._logits.copy()
        shares[:, 0, : self._mixtures] = raw[:, 3 : 3 + self._mixtures]
        shares[:, 1, :3] = raw[:, :3]
        shares /= self._softening
        shares -= np.maximum.reduce(shares, 2, keepdims=True)
        np.exp(shares, out=shares)
        shares *= _STEPS / np.add.reduce(shares, 2, keepdims=True)
        cumulative = np.add.accumulate(np.floor(shares, out=shares), 2)
        below = cumulative < uniforms[:, :2, None] * cumulative[:, :, -1:]
        picked = np.add.reduce(below, 2)
        return picked[:, 0], picked[:, 1]
