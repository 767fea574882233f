"""How the prior of a conditional VAE is learnt: a flow to the latent vectors of the training drawings."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sketchkit.counts import whole
from sketchkit.devices import one_thread
from sketchkit.errors import InputError
from sketchkit.latent import encode_rows
from sketchkit.models import SketchModel
from sketchkit.models.prior import FlowPrior
from sketchkit.models.vae import VaeModel
from sketchkit.training.data import Dataset

__all__ = ["PriorRecipe", "fit_prior"]

#: Called with (updates done, updates in all).
Progress = Callable[[int, int], None]
Int64 = npt.NDArray[np.int64]

#: Drawings that are encoded at once.
_DRAWINGS_AT_ONCE = 2_048


@dataclasses.dataclass(frozen=True)
class PriorRecipe:
    """How a prior is learnt.

    Args:
        steps: updates.
        batch: latent vectors an update.
        rate: the learning rate at the beginning; it falls as a cosine.
        axes: K, along which the flow moves; no more than the latent vector has.
        hidden: H, the units of its layers.
        class_dropout: the share of latent vectors whose class is kept from it, 0..1.
        average: decay of the averaged weights that are kept, 0 up to 1.
        seed: of everything that chance decides.

    Raises:
        InputError: a number out of range.
    """

    steps: int = 5_000
    batch: int = 512
    rate: float = 2e-3
    axes: int = 64
    hidden: int = 384
    class_dropout: float = 0.1
    average: float = 0.998
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "axes", "hidden"):
            whole(name, getattr(self, name), 1)
        if not (self.rate > 0 and 0 <= self.class_dropout < 1 and 0 <= self.average < 1):
            raise InputError(f"invalid training of a prior: {self}")


@one_thread()
def fit_prior(
    model: SketchModel, data: Dataset, recipe: PriorRecipe | None = None, progress: Progress | None = None
) -> VaeModel:
    """Give a conditional VAE a prior that fits its encoder.

    Args:
        model: a conditional VAE; a prior that it has is replaced.
        data: drawings of the classes that it knows; the train split is learnt.
        recipe: how; the defaults when None.
        progress: called after every update.

    Returns:
        The same encoder and decoder with the new prior. The same arguments give the same.

    Raises:
        InputError: a model without an encoder, or fewer drawings than axes.
    """
    wanted = recipe or PriorRecipe()
    if not isinstance(model, VaeModel):
        raise InputError(f"the model {model.card.name!r} has no encoder, so that no prior can be fitted")
    axes = min(wanted.axes, model.architecture.latent)
    architecture = dataclasses.replace(model.architecture, prior=wanted.hidden, prior_axes=axes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(wanted.seed)
        out = VaeModel(architecture, model.card)
        assert out.prior is not None
        mu, sigma, labels = _encoded(model, data)
        if len(mu) <= axes:
            raise InputError(f"a prior along {axes} axes needs more than {axes} drawings, got {len(mu)}")
        _set_axes(out.prior, mu, sigma)
        _learn(out.prior, mu, sigma, labels, wanted, progress)
    weights = {name: tensor.float() for name, tensor in model.state_dict().items() if name[:6] != "prior."}
    out.load_state_dict(weights | {f"prior.{k}": v for k, v in out.prior.state_dict().items()})
    return out.requires_grad_(False).eval()


def _encoded(model: VaeModel, data: Dataset) -> tuple[Tensor, Tensor, Tensor]:
    """The posteriors of the training drawings, mean and deviation [n, Z], and their classes [n]."""
    split = data.split("train")
    known = {name: i for i, name in enumerate(model.card.classes)} if model.labelled else {}
    ours = np.array([known.get(name, len(known)) for name in data.classes], np.int64)
    parts = []
    for begin in range(0, len(split), _DRAWINGS_AT_ONCE):
        pixels, lengths, _ = split.gather(np.arange(begin, min(begin + _DRAWINGS_AT_ONCE, len(split))))
        pixels[..., :2] /= model.card.scale_factor
        rows = [each[: length - 1] for each, length in zip(pixels, lengths, strict=True)]
        parts.append(encode_rows(model, rows))
    mu, sigma = (np.concatenate(each) for each in zip(*parts, strict=True))
    return torch.from_numpy(mu), torch.from_numpy(sigma), torch.from_numpy(ours[split.classes])


def _set_axes(prior: FlowPrior, mu: Tensor, sigma: Tensor) -> None:
    """The principal axes of the means, and how far latent vectors spread along them."""
    mean = mu.mean(0)
    _, singular, axes = torch.linalg.svd((mu - mean).double(), full_matrices=False)
    within = axes[: prior.axes].square() @ sigma.double().square().mean(0)
    spread = (singular[: prior.axes].square() / len(mu) + within).sqrt()
    with torch.no_grad():
        prior.mean.copy_(mean)
        prior.basis.copy_(axes[: prior.axes])
        prior.spread.copy_(spread.clamp(min=1e-6))


def _learn(
    prior: FlowPrior,
    mu: Tensor,
    sigma: Tensor,
    labels: Tensor,
    recipe: PriorRecipe,
    progress: Progress | None,
) -> None:
    """Flow matching; every class counts alike."""
    fixed = {"mean", "basis", "spread"}
    learnt = [weight for name, weight in prior.named_parameters() if name not in fixed]
    optimiser = torch.optim.AdamW(learnt, recipe.rate)
    averaged = copy.deepcopy(prior).requires_grad_(False)
    counts = torch.bincount(labels)
    chance = (1.0 / counts[labels].double()).cumsum(0)
    none = prior.table.num_embeddings - 1
    for step in range(recipe.steps):
        optimiser.param_groups[0]["lr"] = recipe.rate * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))
        chosen = torch.searchsorted(chance, torch.rand(recipe.batch, dtype=torch.float64) * chance[-1])
        z = mu[chosen] + sigma[chosen] * torch.randn(recipe.batch, mu.shape[1])
        target, _ = prior.coordinates(z)
        noise, time = torch.randn_like(target), torch.rand(recipe.batch)
        hidden = torch.rand(recipe.batch) < recipe.class_dropout
        shown = torch.where(hidden, none, labels[chosen])
        between = torch.lerp(noise, target, time[:, None])
        loss = (prior.velocity(between, time, shown) - (target - noise)).square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        decay = min(recipe.average, (1 + step) / (10 + step))
        for mean, value in zip(averaged.parameters(), prior.parameters(), strict=True):
            mean.lerp_(value.detach(), 1 - decay)
        if progress is not None:
            progress(step + 1, recipe.steps)
    prior.load_state_dict(averaged.state_dict())
