"""One batch to its losses: what a training step computes, over packed rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sketchkit.models.cells import Packing
from sketchkit.models.decoder import DecoderModel
from sketchkit.models.vae import VaeModel
from sketchkit.training.losses import ReconstructionLoss, kl_loss, reconstruction_loss

__all__ = ["Batch", "BatchLoss", "batch_loss"]


@dataclass(frozen=True)
class Batch:
    """Drawings to learn from.

    Args:
        points: [B, T, 5] in model units, ended and padded with end rows.
        lengths: int64 [B], how many rows of each drawing count, its end row among them, 1..T. More of the
            padding may be made to count: the paper lets every drawing run to Nmax.
        label: int64 [B], classes, for a model that knows them; None for none.
    """

    points: Tensor
    lengths: Tensor
    label: Tensor | None = None


@dataclass(frozen=True)
class BatchLoss:
    """What a batch costs.

    Args:
        reconstruction: L_s and L_p.
        kl: L_KL, of a conditional model; None of another.
    """

    reconstruction: ReconstructionLoss
    kl: Tensor | None


def batch_loss(
    model: DecoderModel | VaeModel,
    batch: Batch,
    nmax: int,
    *,
    noise: Tensor | None = None,
    evaluating: bool = False,
) -> BatchLoss:
    """The losses of a batch under teacher forcing.

    Args:
        model: whose losses; in training mode its cells drop candidates.
        batch: the drawings.
        nmax: Nmax, the length that sums are divided by.
        noise: [B, Z] standard normal numbers that z is drawn with; its mean when None. The encoder reads what
            comes before the end row.
        evaluating: whether to leave out the pen state of end rows.

    Returns:
        Scalars of float32 or better.

    Source: Ha & Eck 2017, equations 1, 2, 9 and 10.
    """
    points, size = batch.points, len(batch.points)
    packing = Packing.of(batch.lengths, points.shape[1])
    inputs = torch.cat((model.start_rows(size)[:, None], points[:, :-1]), 1)
    z, kl = None, None
    if isinstance(model, VaeModel):
        ink = (points[..., 4] == 0).sum(1).clamp(min=1)
        mu, log_variance = model.encode_batch(points, ink)
        z = mu if noise is None else mu + (log_variance / 2).exp() * noise
        kl = kl_loss(mu, log_variance)
    state = model.initial_state(size, z, batch.label)
    raw = model.decoder.packed(packing.pack(inputs), state, packing)
    loss = reconstruction_loss(raw, packing.pack(points), size, nmax, evaluating=evaluating)
    return BatchLoss(loss, kl)
