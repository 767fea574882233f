"""Tempered draws on the CPU, by numpy: a handful of rows costs less there than the calls of torch would.

The arithmetic is that of `MixtureDensity`: softmax in float32, the rest in float64 where a vector's last
bits would differ from a scalar's.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import accumulate
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
        self._softening, self._shift = rule.softening, rule.log_sigma_shift
        self._share = -math.expm1(-0.5 * rule.max_radius * rule.max_radius)
        self._mixtures, self._rows = mixtures, np.arange(rows)
        self._first = 3 + mixtures  # the column where the parameters begin, mixtures apart
        self._places = np.arange(5) * mixtures + self._first
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
        if len(raw) == 1:
            out[0] = self._point(raw[0].tolist(), uniforms[0].tolist(), normals[0].tolist())
            return
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

    def _point(self, raw: list[float], uniforms: list[float], normals: list[float]) -> tuple[float, ...]:
        """A single row's, by plain numbers: thrice as fast as arrays of one."""
        component = self._first + _pick(raw[3 : self._first], self._softening, uniforms[0])
        pen = _pick(raw[:3], self._softening, uniforms[1])
        mu_x, mu_y, log_x, log_y, a = raw[component :: self._mixtures][:5]
        a = min(max(a, -MAX_ATANH), MAX_ATANH)
        first, second = normals
        joint = first / math.cosh(a) + second * math.tanh(a)
        sigma_x, sigma_y = (math.exp(min(log + self._shift, MAX_LOG_SIGMA)) for log in (log_x, log_y))
        return (mu_x + sigma_x * joint, mu_y + sigma_y * second, pen == 0, pen == 1, pen == 2)

    def _picked(self, raw: Array, uniforms: Array) -> tuple[Array, Array]:
        """Components and pen states [B], each as by `sketchkit.density.pick`."""
        shares = self._logits.copy()
        shares[:, 0, : self._mixtures] = raw[:, 3 : 3 + self._mixtures]
        shares[:, 1, :3] = raw[:, :3]
        shares /= np.float32(self._softening)
        shares -= np.maximum.reduce(shares, 2, keepdims=True)
        np.exp(shares, out=shares)
        shares *= _STEPS / np.add.reduce(shares, 2, keepdims=True)
        cumulative = np.add.accumulate(np.floor(shares, out=shares), 2)
        below = cumulative < uniforms[:, :2, None] * cumulative[:, :, -1:]
        picked = np.add.reduce(below, 2)
        return picked[:, 0], picked[:, 1]


def _pick(logits: list[float], softening: float, uniform: float) -> int:
    """As `sketchkit.density.pick`, of one row."""
    largest = max(logits)
    shares = [math.exp((logit - largest) / softening) for logit in logits]
    scale = 2.0**23 / sum(shares)
    cumulative = list(accumulate(math.floor(share * scale) for share in shares))
    return bisect_left(cumulative, uniform * cumulative[-1])
