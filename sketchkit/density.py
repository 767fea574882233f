"""The mixture density of the next point, made of a model's raw outputs: to score points and draw them.

A row of raw outputs holds 6M + 3 numbers: three pen logits, then M each of component logits, mu_x, mu_y,
log sigma_x, log sigma_y and atanh rho. Everything here works in log space and in at least float32, so that
half-precision models and logits of any size up to 1e4 give finite answers.

Source: Ha & Eck 2017, equations 3 to 7.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sketchkit.errors import InputError
from sketchkit.noise import Noise, widened
from sketchkit.tempering import MAX_ATANH, MAX_LOG_SIGMA, DrawRule, TemperatureRule, tempering

__all__ = ["MixtureDensity", "TemperatureRule", "pick", "tempering"]

# A standardised distance is exact up to this size and saturates beyond: its square still fits float32.
_MAX_DISTANCE = 1e15
# exp() of more than this only feeds the saturation above.
_MAX_EXPONENT = 80.0
# Below this size torch's softplus is computed in full, beyond it is its argument to the last bit of float64.
_SOFTPLUS_THRESHOLD = 40.0
_LOG_2PI = math.log(2.0 * math.pi)
_LOG_2 = math.log(2.0)


class MixtureDensity:
    """The distribution of the next point for each row of a batch.

    Args:
        raw: [..., 6M + 3] raw outputs of a model, any floating dtype; half precision is widened to float32.

    Raises:
        InputError: a last dimension other than 6M + 3.

    Source: Ha & Eck 2017, equations 3 to 7; the correlation enters through a = atanh rho, so that
        `log(1 - rho^2) = 2 (log 2 - |a| - log1p(exp(-2|a|)))` stays exact where rho rounds to 1.
    """

    __slots__ = ("component_logits", "log_sigma_shift", "parameters", "pen_logits")

    def __init__(self, raw: Tensor) -> None:
        mixtures, rest = divmod(raw.shape[-1] - 3, 6)
        if rest or mixtures < 1:
            raise InputError(f"raw outputs need 6M + 3 columns, got {raw.shape[-1]}")
        if raw.dtype in (torch.bfloat16, torch.float16):
            raw = raw.float()
        self.pen_logits = raw[..., :3]  # [..., 3]
        self.component_logits = raw[..., 3 : 3 + mixtures]  # [..., M]
        # mu_x, mu_y, log sigma_x, log sigma_y, atanh rho                                     [..., 5, M]
        self.parameters = raw[..., 3 + mixtures :].reshape(*raw.shape[:-1], 5, mixtures)
        self.log_sigma_shift = 0.0

    @property
    def mixtures(self) -> int:
        """The number of components, M."""
        return self.component_logits.shape[-1]

    # --- another density ------------------------------------------------------------------------------

    def tempered(
        self, temperature: float, rule: TemperatureRule | str = TemperatureRule.PAPER
    ) -> MixtureDensity:
        """The density made sharper (tau < 1) or flatter (tau > 1).

        Args:
            temperature: tau, finite, 0 or more; 0 leaves the mean of the heaviest component and the likeliest
                pen state under all rules.
            rule: of the three.

        Returns:
            A density that shares this one's parameters.

        Raises:
            InputError: a temperature out of range, or an unknown rule.
        """
        return self.softened(*tempering(temperature, rule))

    def softened(self, softening: float, log_sigma_shift: float) -> MixtureDensity:
        """The density with its component and pen logits divided, and both its log sigmas shifted."""
        out = self._with(self.component_logits / softening, self.pen_logits / softening)
        out.log_sigma_shift = self.log_sigma_shift + log_sigma_shift
        return out

    def masked(self, keep: Tensor) -> MixtureDensity:
        """The density with only some of its components, renormalised.

        Args:
            keep: bool [..., M], true for the components that stay; at least one a row.
        """
        return self._with(self.component_logits.masked_fill(~keep, -math.inf), self.pen_logits)

    def _with(self, component_logits: Tensor, pen_logits: Tensor) -> MixtureDensity:
        out = object.__new__(MixtureDensity)
        out.component_logits = component_logits
        out.pen_logits = pen_logits
        out.parameters = self.parameters
        out.log_sigma_shift = self.log_sigma_shift
        return out

    def draw_by_rule(self, noise: Noise, rule: DrawRule) -> Tensor:
        """One point a row as a rule says, [B, 5]."""
        return self.softened(rule.softening, rule.log_sigma_shift).draw(noise, rule.max_radius)

    # --- scored ---------------------------------------------------------------------------------------

    def log_prob(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probability of points, offset and pen apart.

        Args:
            points: [..., 5] rows (dx, dy, p1, p2, p3) in model units.

        Returns:
            Two tensors [...], natural logarithms: the log density of the offset (meaningless for an end
            row: leave it out) and the log-probability of the pen state.
        """
        dtype = self.parameters.dtype
        points = points.to(dtype)
        mixed = self.component_logits.log_softmax(-1) + self._log_gaussians(points[..., :2])
        pen = (self.pen_logits.log_softmax(-1) * points[..., 2:]).sum(-1)
        return mixed.logsumexp(-1), pen

    def losses(self, points: Tensor) -> Tensor:
        """The negative log-likelihood of points [..., 5], [...]; the offset of an end row does not count."""
        offset, pen = self.log_prob(points)
        return -(torch.where(points[..., 4] == 1.0, 0.0, offset) + pen)

    def _log_gaussians(self, offsets: Tensor) -> Tensor:
        """Log density of offsets [..., 2] under each component, [..., M].

        The quadratic form is taken along its principal axes, so that neither term cancels: with s = zx + zy,
        d = zx - zy and a = atanh rho it is (s^2 (1 + e^-2a) + d^2 (1 + e^2a)) / 4.
        """
        mu_x, mu_y, log_sx, log_sy, a = self.parameters.unbind(-2)
        log_sx, log_sy = log_sx + self.log_sigma_shift, log_sy + self.log_sigma_shift
        zx = _scale_distance(offsets[..., :1] - mu_x, -log_sx)
        zy = _scale_distance(offsets[..., 1:] - mu_y, -log_sy)
        along = _scale_distance(zx + zy, 0.5 * _softplus(-2.0 * a) - _LOG_2)
        across = _scale_distance(zx - zy, 0.5 * _softplus(2.0 * a) - _LOG_2)
        magnitude = a.abs()
        half_log_det = log_sx + log_sy + _LOG_2 - magnitude - torch.log1p(torch.exp(-2.0 * magnitude))
        return -_LOG_2PI - half_log_det - 0.5 * (along.square() + across.square())

    def mean_offset(self) -> Tensor:
        """The mean of the whole mixture, [..., 2] in model units, in the density's dtype."""
        shares = widened(self.component_logits).softmax(-1)  # [..., M]
        means = widened(self.parameters[..., :2, :])  # [..., 2, M]
        return (means * shares[..., None, :]).sum(-1).to(self.parameters.dtype)

    # --- drawn from -----------------------------------------------------------------------------------

    def draw(self, noise: Noise, max_radius: float = math.inf) -> Tensor:
        """One point a row.

        Args:
            noise: the uniform numbers of each row, [B].
            max_radius: how many sigma an offset may lie from its component's mean.

        Returns:
            [B, 5]: the offset in model units and a one-hot pen state, in the density's dtype.
        """
        component = pick(self.component_logits, noise.component)
        return self.point(component, noise.normals(max_radius), pick(self.pen_logits, noise.pen))

    def point(self, component: Tensor, normals: Tensor, pen: Tensor) -> Tensor:
        """The point that component, standard normal numbers and pen state make.

        Args:
            component: int64 [B].
            normals: [B, 2]; zeros give the mean.
            pen: int64 [B], 0 draw, 1 lift, 2 end.

        Returns:
            [B, 5].
        """
        chosen = self.parameters.gather(-1, component[:, None, None].expand(-1, 5, 1)).squeeze(-1)  # [B, 5]
        wide = widened(chosen)
        sigma = (wide[:, 2:4] + self.log_sigma_shift).clamp(max=MAX_LOG_SIGMA).exp()
        a = wide[:, 4]
        first, second = normals.to(wide.dtype).unbind(-1)
        # tanh and 1 / cosh are rho and sqrt(1 - rho^2) without the cancellation of the latter.
        joint = first / torch.cosh(a.clamp(-MAX_ATANH, MAX_ATANH)) + second * torch.tanh(a)
        out = torch.zeros_like(chosen)
        out[:, :2] = wide[:, :2] + sigma * torch.stack((joint, second), -1)
        return out.scatter_(1, pen[:, None] + 2, 1.0)


def pick(logits: Tensor, uniform: Tensor) -> Tensor:
    """Choose an index by inverting the cumulative distribution.

    Args:
        logits: [B, K]; an index of -inf is impossible, also by rounding.
        uniform: [B] in (0, 1).

    Returns:
        int64 [B] in 0..K-1.
    """
    # In whole steps, as fine as the uniform numbers, sums are exact: in whatever order a device adds, an
    # index without weight never comes out. Against the sum itself, not against 1, none lies past the last.
    cumulative = (logits.softmax(-1) * 2.0**23).floor().cumsum(-1)
    target: Tensor = uniform[:, None].to(cumulative.dtype) * cumulative[:, -1:]
    return (cumulative < target).sum(-1)


def _scale_distance(distance: Tensor, log_scale: Tensor) -> Tensor:
    """`distance * exp(log_scale)`, exact while it fits and finite beyond."""
    return (distance * log_scale.clamp(max=_MAX_EXPONENT).exp()).clamp(-_MAX_DISTANCE, _MAX_DISTANCE)


def _softplus(x: Tensor) -> Tensor:
    """log(1 + e^x)."""
    return torch.nn.functional.softplus(x, threshold=_SOFTPLUS_THRESHOLD)
