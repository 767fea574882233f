"""The losses of a model: of a batch that is learnt from, and of held-out drawings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from sketchkit.models import Losses, SketchModel, Weights
from sketchkit.models.losses import Batch
from sketchkit.training.batching import lay_out
from sketchkit.training.chance import Purpose, generator
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import Split
from sketchkit.training.processes import Processes

__all__ = ["Objective", "Validation", "validate", "weigh"]

_BATCH = 100


class Objective(nn.Module):
    """A model's losses of a batch as a forward pass, which several processes share.

    Args:
        model: whose losses.
        precision: of the products.
    """

    def __init__(self, model: SketchModel, precision: str) -> None:
        super().__init__()
        self.model = model
        self.reduced = precision == "bfloat16"

    def forward(self, batch: Batch, weights: Weights) -> Losses:
        """The terms of this process's share of the batch."""
        kind = self.model.device.type
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=self.reduced):
            return self.model.losses(batch, weights)


def weigh(
    terms: Losses, whole: dict[str, float], config: TrainConfig, weights: Weights
) -> tuple[Tensor, float]:
    """The sum that is minimised.

    Args:
        terms: of this process's share of a batch.
        whole: the same terms of the whole batch.
        config: holds the minimum of each term, below which it has no gradient.
        weights: at this step, by name.

    Returns:
        The sum of this process's terms that have a gradient, and the loss of the whole batch.
    """
    counted: Tensor | None = None
    loss = 0.0
    for name, value in terms.items():
        weight, minimum = weights.get(name, 1.0), config.loss_weight(name).minimum
        loss += weight * max(whole[name], minimum)
        if not whole[name] < minimum:
            part = value if name not in weights else weight * value
            counted = part if counted is None else counted + part
    if counted is None:
        counted = 0.0 * sum(terms.values(), torch.zeros(()))
    return counted, loss


@dataclass(frozen=True)
class Validation:
    """Means over the drawings that were looked at.

    Args:
        terms: of the loss by name, without the pen state of end rows.
        nll_per_point: the negative log-likelihood of a point, end rows included, in nats, where the model
            gives it.
        drawings: how many.
    """

    terms: dict[str, float]
    nll_per_point: float | None
    drawings: int

    def loss(self, config: TrainConfig) -> float:
        """All terms, each with its last weight."""
        weights = {name: config.loss_weight(name) for name in self.terms}
        return sum(weights[name].last * max(each, weights[name].minimum) for name, each in self.terms.items())


@torch.inference_mode()
def validate(
    model: SketchModel, split: Split, config: TrainConfig, nmax: int, processes: Processes | None = None
) -> Validation:
    """Measure a model on the first drawings of a split, each process on a part of them.

    Args:
        model: in either mode.
        split: not empty.
        config: says how many drawings. Chance is the same each time.
        nmax: Nmax.
        processes: of the run.
    """
    processes = processes or Processes()
    count = min(len(split), config.valid_limit)
    sums: dict[str, float] = {}
    # Similar lengths together: short drawings need not wait for long ones, and sums do not care.
    order = np.argsort(split.lengths[:count], kind="stable")
    for number, begin in enumerate(range(0, count, _BATCH)):
        if number % processes.world == processes.rank:
            for name, value in _batch_sums(model, split, order[begin : begin + _BATCH], config, nmax).items():
                sums[name] = sums.get(name, 0.0) + value
    names = processes.share(list(sums))  # a process may have had no batch
    values = torch.tensor([sums.get(name, 0.0) for name in names], dtype=torch.float64)
    total = dict(zip(names, processes.sum_up(values).tolist(), strict=True))
    rows, nll = total.pop("rows"), total.pop("nll", None)
    terms = {name: each / count for name, each in total.items()}
    return Validation(terms, None if nll is None else nll / rows, count)


def _batch_sums(
    model: SketchModel, split: Split, chosen: np.ndarray, config: TrainConfig, nmax: int
) -> dict[str, float]:
    """Sums over some drawings: each term, the negative log-likelihood, and the rows."""
    offsets, lifts, inks, labels = split.flat(chosen)
    batch = lay_out(offsets / model.card.scale_factor, lifts, inks, labels if config.classes else None, nmax)
    if model.noise_size:
        chances = (generator(config.seed, Purpose.EVALUATION, int(i)) for i in chosen)
        normals = [chance.standard_normal(model.noise_size, np.float32) for chance in chances]
        batch = batch.with_noise(torch.from_numpy(np.stack(normals)))
    weights = {name: weight.last for name, weight in config.loss_weights.items()}
    terms = model.losses(batch.to(model.device), weights, evaluating=True)
    sums = {name: float(each) * (1 if name == "nll" else len(chosen)) for name, each in terms.items()}
    return {**sums, "rows": float(batch.useful)}
