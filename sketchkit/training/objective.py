"""One batch to its losses: what an update computes, over packed rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from sketchkit.models import Packing, SketchModel
from sketchkit.models.vae import VaeModel
from sketchkit.training.losses import ReconstructionLoss, kl_loss, reconstruction_loss

__all__ = ["Batch", "BatchLoss", "batch_loss"]


@dataclass(frozen=True)
class Batch:
    """Drawings to learn from, or one process's share of them.

    Args:
        points: [B, T, 5] in model units, ended and padded with end rows.
        lengths: int64 [B], how many rows of each drawing count, 1..T: its end row, and as much of the padding
            as shall.
        inks: int64 [B], the rows before the end row, which the encoder reads; each 1 or more.
        packing: of the rows that count.
        ink_packing: of the rows before the end row.
        weight: [N], how often each packed row's pen state counts; 1 but for the last row of a padding.
        drawings: how many drawings the whole batch has, in all processes.
        label: int64 [B], classes, for a model that knows them; None for none.
        noise: [B, Z] standard normal numbers that z is drawn with; its mean when None.
        stray: [B, T, 2] in model units, how far the decoder finds the pen from where each row should have
            brought it; the next row is to bring it where it belongs. None for nowhere.
        keep: bool [N, K], packed: false for what dropout drops of the model's droppable numbers, such as the
            candidates of a recurrent network; None for no dropout.
        ink_keep: bool [N', 2E], likewise for both directions of the encoder.
        keep_scale: what the numbers that stay are multiplied by.
    """

    points: Tensor
    lengths: Tensor
    inks: Tensor
    packing: Packing
    ink_packing: Packing
    weight: Tensor
    drawings: int
    label: Tensor | None = None
    noise: Tensor | None = None
    stray: Tensor | None = None
    keep: Tensor | None = None
    ink_keep: Tensor | None = None
    keep_scale: float = 1.0

    @classmethod
    def of(
        cls,
        points: Tensor,
        lengths: Tensor,
        inks: Tensor,
        label: Tensor | None = None,
        last: Tensor | None = None,
    ) -> Self:
        """A whole batch, packed.

        Args:
            points: [B, T, 5].
            lengths: int64 [B].
            inks: int64 [B].
            label: int64 [B], or None.
            last: [B], how often the pen state of each drawing's last row counts; once when None.
        """
        packing = Packing.of(lengths, points.shape[1])
        weight = points.new_ones(len(packing.rows))
        if last is not None:
            weight[packing.ends] = last.to(weight.dtype)
        ink_packing = Packing.of(inks, points.shape[1])
        return cls(points, lengths, inks, packing, ink_packing, weight, len(points), label)

    @property
    def useful(self) -> int:
        """How many points there are to learn, end rows among them and padding not."""
        return int(self.inks.sum()) + len(self.inks)

    def with_noise(self, noise: Tensor) -> Self:
        """The same with z drawn by these numbers, [B, Z]."""
        return dataclasses.replace(self, noise=noise)

    def pinned(self) -> Self:
        """The same in memory that a CUDA device can copy from while both go on working."""
        return self._changed(Tensor.pin_memory)

    def to(self, device: torch.device) -> Self:
        """The same on another device; from pinned memory the copies do not wait."""
        if device.type == "cpu":
            return self
        return self._changed(lambda tensor: tensor.to(device, non_blocking=True))

    def _changed(self, change: Callable[[Tensor], Tensor]) -> Self:
        """Every tensor changed, those of the packings too."""
        changed: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Tensor):
                changed[field.name] = change(value)
            elif isinstance(value, Packing):
                changed[field.name] = value.changed(change)
        return dataclasses.replace(self, **changed)


@dataclass(frozen=True)
class BatchLoss:
    """What a batch costs.

    Args:
        reconstruction: L_s and L_p, over Nmax and the drawings of the whole batch.
        kl: L_KL, of a conditional model; None of another. Likewise over the whole batch: the shares of all
            processes add up to it.
    """

    reconstruction: ReconstructionLoss
    kl: Tensor | None


def batch_loss(model: SketchModel, batch: Batch, nmax: int, *, evaluating: bool = False) -> BatchLoss:
    """The losses of a batch under teacher forcing.

    Args:
        model: whose losses; a conditional one is a `VaeModel`.
        batch: the drawings and what chance does to them.
        nmax: Nmax, the length that sums are divided by.
        evaluating: whether to leave out the pen state of end rows.

    Returns:
        Scalars of float32 or better.

    Source: Ha & Eck 2017, equations 1, 2, 9 and 10. The released code drops candidates of the encoder, too.
    """
    points, size = batch.points, len(batch.points)
    seen, wanted = (points, points) if batch.stray is None else _strayed(points, batch.stray)
    inputs = torch.cat((model.start_rows(size)[:, None], seen[:, :-1]), 1)
    z, kl = None, None
    if isinstance(model, VaeModel):
        keep = _scaled(batch.ink_keep, batch, points.dtype)
        mu, log_variance = model.encode_packed(points, batch.inks, batch.ink_packing, keep)
        z = mu if batch.noise is None else mu + (log_variance / 2).exp() * batch.noise.to(mu.dtype)
        kl = kl_loss(mu, log_variance) * (size / batch.drawings)
    state = model.initial_state(size, z, batch.label)
    packing, keep = batch.packing, _scaled(batch.keep, batch, points.dtype)
    raw = model.packed(inputs, state, packing, keep)
    loss = reconstruction_loss(
        raw, packing.pack(wanted), batch.drawings, nmax, evaluating=evaluating, weight=batch.weight
    )
    return BatchLoss(loss, kl)


def _strayed(points: Tensor, stray: Tensor) -> tuple[Tensor, Tensor]:
    """What the decoder reads, and what it is to say, when the pen goes astray at every point."""
    back = F.pad(stray[:, :-1], (0, 0, 1, 0))  # where it was before each row
    seen, wanted = points.clone(), points.clone()
    seen[..., :2] += stray - back
    wanted[..., :2] -= back
    return seen, wanted


def _scaled(keep: Tensor | None, batch: Batch, dtype: torch.dtype) -> Tensor | None:
    return None if keep is None else keep.to(dtype).mul_(batch.keep_scale)
