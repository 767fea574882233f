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

from sketchkit.arguments import whole
from sketchkit.devices import one_thread
from sketchkit.errors import InputError
from sketchkit.latent import encode_rows
from sketchkit.models import SketchModel
from sketchkit.models.prior import FlowPrior
from sketchkit.models.vae import VaeModel
from sketchkit.noise import MAX_SEED
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
        seed: of all chance.

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
        whole("seed", self.seed, 0, MAX_SEED)
        numbers = (self.rate, self.class_dropout, self.average)
        if not all(isinstance(each, int | float) for each in numbers):
            raise InputError(f"invalid training of a prior: {self}")
        if not (self.rate > 0 and 0 <= self.class_dropout < 1 and 0 <= self.average < 1):
            raise InputError(f"invalid training of a prior: {self}")


@one_thread()
@torch.inference_mode(False)
@torch.enable_grad()
def fit_prior(
    model: SketchModel, data: Dataset, recipe: PriorRecipe | None = None, progress: Progress | None = None
) -> VaeModel:
    """Give a conditional VAE a prior that fits its encoder.

    Args:
        model: a conditional VAE; a prior that it has is replaced.
        data: drawings; the train split is learnt. Drawings of unknown classes count as of the unknown class,
            and so is a class without drawings drawn.
        recipe: how; the defaults when None.
        progress: called after every update.

    Returns:
        The same encoder and decoder with the new prior, in float32 on the CPU; the card records the
        prior's training. The same arguments give the same.

    Raises:
        InputError: a model without an encoder, or too few drawings for the axes.
    """
    wanted = recipe or PriorRecipe()
    if not isinstance(model, VaeModel):
        raise InputError(f"the model {model.card.name!r} has no encoder, so that no prior can be fitted")
    axes = min(wanted.axes, model.architecture.latent)
    if (n := len(data.split("train"))) <= axes:
        raise InputError(f"a prior along {axes} axes needs more than {axes} drawings, got {n}")
    mu, labels = _encode_drawings(model, data)
    architecture = dataclasses.replace(model.architecture, prior=wanted.hidden, prior_axes=axes)
    learnt = {"data": data.manifest.fingerprint, **dataclasses.asdict(wanted)}
    card = dataclasses.replace(model.card, provenance={**model.card.provenance, "prior": learnt})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(wanted.seed)
        out = VaeModel(architecture, card)
        assert out.prior is not None
        _set_axes(out.prior, mu)
        _learn(out.prior, mu, labels, wanted, progress)
    weights = {name: each.float().cpu() for name, each in model.state_dict().items() if name[:6] != "prior."}
    out.load_state_dict(weights | {f"prior.{k}": v for k, v in out.prior.state_dict().items()})
    return out.requires_grad_(False).eval()


def _encode_drawings(model: VaeModel, data: Dataset) -> tuple[Tensor, Tensor]:
    """The means of the posteriors of the training drawings [n, Z], and their classes [n]."""
    split = data.split("train")
    known = model.card.classes if model.labelled else ()
    names = [model.known_label(name) for name in data.classes]
    ours = np.array([len(known) if name is None else known.index(name) for name in names], np.int64)
    parts = []
    for begin in range(0, len(split), _DRAWINGS_AT_ONCE):
        pixels, lengths, _ = split.gather(np.arange(begin, min(begin + _DRAWINGS_AT_ONCE, len(split))))
        pixels[..., :2] /= model.card.scale_factor
        rows = [each[: length - 1] for each, length in zip(pixels, lengths, strict=True)]
        parts.append(encode_rows(model, rows)[0])
    return torch.from_numpy(np.concatenate(parts)), torch.from_numpy(ours[split.classes])


def _set_axes(prior: FlowPrior, mu: Tensor) -> None:
    """The principal axes of latent vectors, and how far these spread along them."""
    mean = mu.mean(0)
    _, singular, axes = torch.linalg.svd((mu - mean).double(), full_matrices=False)
    prior.mean.copy_(mean)
    prior.basis.copy_(axes[: prior.axes])
    prior.spread.copy_((singular[: prior.axes] / math.sqrt(len(mu))).clamp(min=1e-6))


def _learn(
    prior: FlowPrior, mu: Tensor, labels: Tensor, recipe: PriorRecipe, progress: Progress | None
) -> None:
    """Flow matching; every class counts alike."""
    optimiser = torch.optim.AdamW(prior.parameters(), recipe.rate)
    averaged = copy.deepcopy(prior).requires_grad_(False)
    x, _ = prior.coordinates(mu)
    chances = (1.0 / torch.bincount(labels)[labels].double()).cumsum(0)
    for step in range(recipe.steps):
        optimiser.param_groups[0]["lr"] = recipe.rate * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))
        loss = _loss(prior, x, labels, chances, recipe)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        decay = min(recipe.average, (1 + step) / (10 + step))
        for mean, value in zip(averaged.parameters(), prior.parameters(), strict=True):
            mean.lerp_(value.detach(), 1 - decay)
        if progress is not None:
            progress(step + 1, recipe.steps)
    table = averaged.table.weight
    unseen = torch.bincount(labels, minlength=len(table)) == 0
    table[unseen] = table[-1].clone()
    prior.load_state_dict(averaged.state_dict())


def _loss(prior: FlowPrior, x: Tensor, labels: Tensor, chances: Tensor, recipe: PriorRecipe) -> Tensor:
    """The mean squared error of the velocity between noise and latent vectors, for one batch."""
    chosen = torch.searchsorted(chances, torch.rand(recipe.batch, dtype=torch.float64) * chances[-1])
    target = x[chosen]
    noise, time = torch.randn_like(target), torch.rand(recipe.batch)
    hidden = torch.rand(recipe.batch) < recipe.class_dropout
    shown = torch.where(hidden, len(prior.table.weight) - 1, labels[chosen])
    between = torch.lerp(noise, target, time[:, None])
    return (prior.velocity(between, time, shown) - (target - noise)).square().mean()
