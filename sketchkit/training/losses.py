"""What training minimises, as the paper and the released code have it.

All rows of a batch come packed: those that count, in any order. How much of the padding counts is decided by
the packing: in the paper every drawing runs to Nmax rows; the released code masks what follows the end for
inference, but neither in training nor where it measures a test set.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.errors import InputError

__all__ = ["KLSchedule", "ReconstructionLoss", "kl_loss", "reconstruction_loss"]

#: Added to a probability density before its logarithm is taken, so that no single point dominates a batch.
FLOOR = 1e-6


@dataclass(frozen=True)
class ReconstructionLoss:
    """The two parts of L_R, means over the drawings of a batch.

    Args:
        offset: L_s, of the offsets of all rows that are no end rows.
        pen: L_p, of the pen states.
        nll: the negative log-likelihood of all rows, a plain sum without the floor and without gradient.
    """

    offset: Tensor
    pen: Tensor
    nll: Tensor

    @property
    def total(self) -> Tensor:
        """L_R = L_s + L_p."""
        return self.offset + self.pen


def reconstruction_loss(
    raw: Tensor,
    points: Tensor,
    drawings: int,
    nmax: int,
    *,
    evaluating: bool = False,
    floor: float = FLOOR,
    weight: Tensor | None = None,
) -> ReconstructionLoss:
    """L_s and L_p of a batch.

    Args:
        raw: [N, 6M + 3] raw outputs, each before the point it predicts.
        points: [N, 5] those points, in model units; end rows and what padding shall count among them.
        drawings: how many drawings they are from.
        nmax: Nmax, the length that sums are divided by.
        evaluating: whether to leave out the pen state of end rows, as the released code does for inference.
        floor: added to each density before the logarithm.
        weight: [N], how often each row's pen state counts; once when None.

    Returns:
        Both parts and the plain sum, scalars of float32 or better.

    Source: Ha & Eck 2017, equation 9; the floor and the mask are the released code's.
    """
    offset, pen = MixtureDensity(raw).log_prob(points)
    inked = points[:, 4] == 0
    nll = -(torch.where(inked, offset, 0.0) + pen).detach().sum()
    if floor > 0:
        offset = torch.logaddexp(offset, offset.new_tensor(math.log(floor)))
    if weight is not None:
        pen = pen * weight
    share = 1.0 / (drawings * nmax)
    counted = torch.where(inked, pen, 0.0) if evaluating else pen
    return ReconstructionLoss(-torch.where(inked, offset, 0.0).sum() * share, -counted.sum() * share, nll)


def kl_loss(mu: Tensor, log_variance: Tensor) -> Tensor:
    """L_KL of a batch, a mean over drawings and latent dimensions.

    Args:
        mu: [B, Z].
        log_variance: [B, Z], of the posterior.

    Source: Ha & Eck 2017, equation 10.
    """
    return -0.5 * (1.0 + log_variance - mu.square() - log_variance.exp()).mean()


@dataclass(frozen=True)
class KLSchedule:
    """How L_KL enters the loss: by weight_at(step) * max(L_KL, KL_min), the weight rising to w_KL.

    Args:
        weight: w_KL; 0.5 in the released code, 1.0 in most of the paper.
        minimum: KL_min, below which there is nothing to gain.
        eta_min: the share of w_KL at the beginning, as the paper has it.
        rate: R, by which the rest comes.
        start: the weight at the beginning, as the released code has it; None for the share.

    Raises:
        InputError: a number out of range.

    Source: Ha & Eck 2017, equation 11 and appendix A; the values are the released code's.
    """

    weight: float = 0.5
    minimum: float = 0.2
    eta_min: float = 0.01
    rate: float = 0.99995
    start: float | None = None

    def __post_init__(self) -> None:
        if not (self.weight >= 0 and self.minimum >= 0 and 0 <= self.eta_min <= 1 and 0 <= self.rate <= 1):
            raise InputError(f"a KL schedule needs numbers of 0 or more, eta_min and rate up to 1: {self}")
        if self.start is not None and not self.start >= 0:
            raise InputError(f"a KL schedule needs a first weight of 0 or more, got {self.start}")

    def weight_at(self, step: int) -> float:
        """The weight at a step, counted from 0: w (1 - (1 - eta_min) R^step), or w - (w - start) R^step."""
        if self.start is not None:
            return self.weight - (self.weight - self.start) * self.rate**step
        return self.weight * (1.0 - (1.0 - self.eta_min) * self.rate**step)

    def __call__(self, kl: Tensor, step: int) -> Tensor:
        """What L_KL adds to the loss at a step."""
        return self.weight_at(step) * kl.clamp(min=self.minimum)
