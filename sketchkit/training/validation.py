"""What a model costs on drawings that it has not learnt from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from sketchkit.models import SketchModel
from sketchkit.models.vae import VaeModel
from sketchkit.training.batching import lay_out
from sketchkit.training.chance import Purpose, generator
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import Split
from sketchkit.training.objective import batch_loss
from sketchkit.training.processes import Processes

__all__ = ["Validation", "validate"]

_BATCH = 100


@dataclass(frozen=True)
class Validation:
    """Means over the drawings that were looked at.

    Args:
        offset: L_s.
        pen: L_p, without that of end rows.
        kl: L_KL; None of a model without a latent vector.
        nll_per_point: the negative log-likelihood of a point, end rows included, in nats.
        drawings: how many.
    """

    offset: float
    pen: float
    kl: float | None
    nll_per_point: float
    drawings: int

    def loss(self, config: TrainConfig) -> float:
        """L_R, with the full weight of L_KL for a model that has one."""
        kl = 0.0 if self.kl is None else config.kl_weight * max(self.kl, config.kl_minimum)
        return self.offset + self.pen + kl


@torch.inference_mode()
def validate(
    model: SketchModel,
    split: Split,
    config: TrainConfig,
    nmax: int,
    processes: Processes | None = None,
) -> Validation:
    """Measure a model on the first drawings of a split, each process on a part of them.

    Args:
        model: in whatever mode.
        split: not empty.
        config: says how many drawings; z is drawn from the posterior, the same each time.
        nmax: Nmax.
        processes: of the run.
    """
    who = processes or Processes()
    count = min(len(split), config.valid_limit)
    sums = torch.zeros(5, dtype=torch.float64)
    # Similar lengths together: short drawings need not wait for long ones, and sums do not care.
    order = np.argsort(split.lengths[:count], kind="stable")
    for number, begin in enumerate(range(0, count, _BATCH)):
        if number % who.world == who.rank:
            sums += _batch_sums(model, split, order[begin : begin + _BATCH], config, nmax)
    offset, pen, kl, nll, rows = who.summed(sums).tolist()
    kl = kl / count if isinstance(model, VaeModel) else None
    return Validation(offset / count, pen / count, kl, nll / rows, count)


def _batch_sums(
    model: SketchModel, split: Split, chosen: np.ndarray, config: TrainConfig, nmax: int
) -> torch.Tensor:
    """Sums over some drawings: L_s, L_p, L_KL, NLL, rows."""
    offsets, lifts, inks, labels = split.flat(chosen)
    batch = lay_out(offsets / model.card.scale_factor, lifts, inks, labels if config.classes else None, nmax)
    if isinstance(model, VaeModel):
        normals = [
            generator(config.seed, Purpose.EVALUATION, int(i)).standard_normal(config.latent, np.float32)
            for i in chosen
        ]
        batch = batch.with_noise(torch.from_numpy(np.stack(normals)))
    loss = batch_loss(model, batch.to(model.device), nmax, evaluating=True)
    kl = 0.0 if loss.kl is None else float(loss.kl)
    parts = (float(loss.reconstruction.offset), float(loss.reconstruction.pen), kl)
    n = len(chosen)
    sums = [*(n * part for part in parts), float(loss.reconstruction.nll), batch.useful]
    return torch.tensor(sums, dtype=torch.float64)
