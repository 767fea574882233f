"""The mixture density on numpy: tempered draws and likelihoods, which take no call of torch.

The arithmetic is that of `MixtureDensity`: softmax in float32, and float64 where the last bits of a vector
instruction would differ from a scalar's.

Source: Ha & Eck 2017, equations 3 to 7.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from functools import lru_cache
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.noise import normal_pairs
from sketchkit.tempering import MAX_ATANH, MAX_LOG_SIGMA, DrawRule

__all__ = ["RuleDraw", "log_prob", "losses"]

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

_STEPS = np.float32(2.0**23)
# The limits of `sketchkit.density`: a standardised distance is exact up to the first and saturates beyond.
_MAX_DISTANCE, _MAX_EXPONENT = 1e15, 80.0
_LOG_2PI, _LOG_2 = math.log(2.0 * math.pi), math.log(2.0)


def log_prob(raw: Array, points: Array) -> tuple[Float64, Float64]:
    """Log-probability of points, offset and pen apart; see `MixtureDensity.log_prob`.

    Args:
        raw: float32 or float64 [..., 6M + 3].
        points: [..., 5] rows in model units.

    Returns:
        Two arrays [...], natural logarithms.
    """
    mixtures = (raw.shape[-1] - 3) // 6
    points = points.astype(raw.dtype)
    weights = raw[..., 3 : 3 + mixtures]
    mu_x, mu_y, log_x, log_y, a = np.moveaxis(
        raw[..., 3 + mixtures :].reshape(*raw.shape[:-1], 5, mixtures), -2, 0
    )
    # Along the principal axes of the quadratic form, so that neither term cancels.
    zx = _saturate(points[..., :1] - mu_x, -log_x)
    zy = _saturate(points[..., 1:2] - mu_y, -log_y)
    along = _saturate(zx + zy, 0.5 * np.logaddexp(0.0, -2.0 * a) - _LOG_2)
    across = _saturate(zx - zy, 0.5 * np.logaddexp(0.0, 2.0 * a) - _LOG_2)
    magnitude = np.abs(a)
    half_log_det = log_x + log_y + _LOG_2 - magnitude - np.log1p(np.exp(-2.0 * magnitude))
    gaussians = -_LOG_2PI - half_log_det - 0.5 * (np.square(along) + np.square(across))
    offset = _log_sum(_log_softmax(weights) + gaussians)
    pen = (_log_softmax(raw[..., :3]) * points[..., 2:]).sum(-1)
    return offset.astype(np.float64), pen.astype(np.float64)


def losses(raw: Array, points: Array) -> Float64:
    """The negative log-likelihood of points [..., 5], [...]; the offset of an end row does not count."""
    offset, pen = log_prob(raw, points)
    out: Float64 = -(np.where(points[..., 4] == 1.0, 0.0, offset) + pen)
    return out


def _saturate(distance: Array, log_scale: Array) -> Array:
    """`distance * exp(log_scale)`, exact while it fits and finite beyond."""
    with np.errstate(over="ignore"):
        scaled = distance * np.exp(np.minimum(log_scale, _MAX_EXPONENT))
    out: Array = np.clip(scaled, -_MAX_DISTANCE, _MAX_DISTANCE)
    return out


def _log_sum(logs: Array) -> Array:
    """The logarithm of the sum of exponentials over the last axis."""
    largest = logs.max(-1, keepdims=True)
    out: Array = np.log(np.exp(logs - largest).sum(-1)) + largest[..., 0]
    return out


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(-1, keepdims=True)
    out: Array = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return out


class RuleDraw:
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

    @staticmethod
    @lru_cache(maxsize=64)
    def of(rule: DrawRule, mixtures: int, rows: int) -> RuleDraw:
        """One that several calls share; it never changes."""
        return RuleDraw(rule, mixtures, rows)

    def normals(self, uniforms: Array) -> Array:
        """Pairs of standard normal numbers within the radius, of the last two of four uniform ones.

        Args:
            uniforms: float32 [..., 4].

        Returns:
            [..., 2], rounded to float32 but in float64.
        """
        return normal_pairs(uniforms[..., 2:], self._share).astype(np.float64)

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
        component, pen = self._pick_rows(raw, uniforms)
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

    def _pick_rows(self, raw: Array, uniforms: Array) -> tuple[Array, Array]:
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
