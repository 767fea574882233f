"""A batch of drawings, from which a model learns, and the terms of a loss that several kinds of model share.

All rows of a batch come packed: those that count, in any order. How much of the padding counts is decided by
the packing: in the paper every drawing runs to Nmax rows; the released code masks the rows behind an end for
inference, but neither in training nor where it measures a test set.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.models.cells.packed import Packing

__all__ = ["EQUAL", "Batch", "Losses", "Weights", "kl_loss", "reconstruction_losses"]

#: The terms of a loss by name, in the order in which they are logged: scalars of float32 or better.
Losses = dict[str, Tensor]
#: The weights of terms by name; a term that is absent counts once.
Weights = Mapping[str, float]
EQUAL: Weights = MappingProxyType({})

#: Added to a probability density before its logarithm, so that a single point cannot dominate a batch.
FLOOR = 1e-6


@dataclass(frozen=True)
class Batch:
    """Drawings to learn from, or one process's share of them.

    Args:
        points: [B, T, 5] in model units, ended and padded with end rows.
        lengths: int64 [B], how many rows of each drawing count, 1..T: its end row, and as much of the padding
            as shall.
        inks: int64 [B], the rows before the end row, which an encoder reads; each 1 or more.
        packing: of the rows that count.
        ink_packing: of the rows before the end row.
        weight: [N], how often each packed row's pen state counts; 1 but for the last row of a padding.
        drawings: how many drawings the whole batch has, in all processes.
        nmax: Nmax, the length that sums over rows are divided by.
        label: int64 [B], classes, for a model that knows them, or None.
        noise: [B, K] standard normal numbers, K being the model's `noise_size`; None to use their mean, 0.
        offset_noise: [B, T, 2] in model units, how far the decoder finds the pen from where each row should
            have brought it; the next row is to bring it where it belongs. None without such noise.
        keep: bool [N, K], packed: false for the dropped ones of the model's `droppable` numbers; None without
            dropout.
        ink_keep: bool [N', K], likewise of the `droppable_ink` numbers of the rows before the end row.
        keep_scale: the factor of the numbers that stay.
    """

    points: Tensor
    lengths: Tensor
    inks: Tensor
    packing: Packing
    ink_packing: Packing
    weight: Tensor
    drawings: int
    nmax: int
    label: Tensor | None = None
    noise: Tensor | None = None
    offset_noise: Tensor | None = None
    keep: Tensor | None = None
    ink_keep: Tensor | None = None
    keep_scale: float = 1.0

    @classmethod
    def of(
        cls,
        points: Tensor,
        lengths: Tensor,
        inks: Tensor,
        nmax: int,
        label: Tensor | None = None,
        last: Tensor | None = None,
    ) -> Self:
        """A whole batch, packed.

        Args:
            points: [B, T, 5].
            lengths: int64 [B].
            inks: int64 [B].
            nmax: Nmax.
            label: int64 [B], or None.
            last: [B], how often the pen state of each drawing's last row counts; once when None.
        """
        packing = Packing.of(lengths, points.shape[1])
        weight = points.new_ones(len(packing.rows))
        if last is not None:
            weight[packing.ends] = last.to(weight.dtype)
        ink_packing = Packing.of(inks, points.shape[1])
        return cls(points, lengths, inks, packing, ink_packing, weight, len(points), nmax, label)

    @property
    def useful(self) -> int:
        """How many points there are to learn, end rows among them and padding not."""
        return int(self.inks.sum()) + len(self.inks)

    @property
    def share(self) -> float:
        """The part of the whole batch that these drawings are, by which a mean over them is multiplied."""
        return len(self.points) / self.drawings

    def with_noise(self, noise: Tensor) -> Self:
        """The same with other noise, [B, K]."""
        return dataclasses.replace(self, noise=noise)

    def with_offset_noise(self) -> tuple[Tensor, Tensor]:
        """The rows that a decoder reads and those that it predicts, [B, T, 5] each, under offset noise."""
        if self.offset_noise is None:
            return self.points, self.points
        before = F.pad(self.offset_noise[:, :-1], (0, 0, 1, 0))
        read, wanted = self.points.clone(), self.points.clone()
        read[..., :2] += self.offset_noise - before
        wanted[..., :2] -= before
        return read, wanted

    def scale(self, keep: Tensor | None) -> Tensor | None:
        """A mask of this batch as numbers of the points' type, 0 or `keep_scale`."""
        return None if keep is None else keep.to(self.points.dtype).mul_(self.keep_scale)

    def pin(self) -> Self:
        """The same in memory that a CUDA device can copy from while both go on working."""
        return self._map(Tensor.pin_memory)

    def to(self, device: torch.device) -> Self:
        """The same on another device; from pinned memory the copies do not wait."""
        if device.type == "cpu":
            return self
        return self._map(lambda tensor: tensor.to(device, non_blocking=True))

    def _map(self, change: Callable[[Tensor], Tensor]) -> Self:
        changed: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Tensor):
                changed[field.name] = change(value)
            elif isinstance(value, Packing):
                changed[field.name] = value.changed(change)
        return dataclasses.replace(self, **changed)


def reconstruction_losses(
    raw: Tensor,
    points: Tensor,
    drawings: int,
    nmax: int,
    weights: Weights = EQUAL,
    *,
    evaluating: bool = False,
    floor: float = FLOOR,
    weight: Tensor | None = None,
) -> Losses:
    """L_s and L_p, the two parts of L_R, means over the drawings of a batch.

    Args:
        raw: [N, 6M + 3] raw outputs, each before the point it predicts.
        points: [N, 5] those points, in model units; end rows and what padding shall count among them.
        drawings: how many drawings they are from.
        nmax: Nmax, the length that sums are divided by.
        weights: of the terms; one that is off by default is computed where it has a weight.
        evaluating: whether to leave out the pen state of end rows, as the released code does for inference,
            and to add the plain sum.
        floor: added to each density before the logarithm.
        weight: [N], how often each row's pen state counts; once when None.

    Returns:
        `offset`: L_s, of the offsets of all rows but end rows. `pen`: L_p, of the pen states. With a weight,
        `smooth_pen`: how far the pen states' distribution is from the uniform one, as a divergence. Where
        `evaluating`, `nll`: the negative log-likelihood of all rows, a plain sum, detached, under no floor.

    Source: Ha & Eck 2017, equation 9; the floor and the mask are the released code's. Label smoothing:
        Szegedy et al. 2016, section 7.
    """
    density = MixtureDensity(raw)
    offset, pen = density.log_prob(points)
    inked = points[:, 4] == 0
    terms = {"nll": -(torch.where(inked, offset, 0.0) + pen).detach().sum()} if evaluating else {}
    if floor > 0:
        offset = torch.logaddexp(offset, offset.new_tensor(math.log(floor)))
    if weight is not None:
        pen = pen * weight
    share = 1.0 / (drawings * nmax)
    counted = torch.where(inked, pen, 0.0) if evaluating else pen
    if weights.get("smooth_pen"):
        uniform = density.pen_logits.log_softmax(-1).mean(-1) + math.log(3.0)
        terms = {"smooth_pen": -uniform.sum() * share, **terms}
    return {
        "offset": -torch.where(inked, offset, 0.0).sum() * share,
        "pen": -counted.sum() * share,
        **terms,
    }


def kl_loss(mu: Tensor, log_variance: Tensor) -> Tensor:
    """L_KL of a batch, a mean over drawings and latent dimensions.

    Args:
        mu: [B, Z].
        log_variance: [B, Z], of the posterior.

    Source: Ha & Eck 2017, equation 10.
    """
    return -0.5 * (1.0 + log_variance - mu.square() - log_variance.exp()).mean()
