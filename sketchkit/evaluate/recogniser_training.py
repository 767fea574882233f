"""Training a recogniser on pictures of drawings, which are distorted anew each time.

Source: AdamW is Loshchilov & Hutter 2019, label smoothing Szegedy et al. 2016, the averaged weights Polyak &
    Juditsky 1992.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from sketchkit.critic.raster import Lines, affine, draw, fit_lines
from sketchkit.critic.recogniser_file import flawed
from sketchkit.errors import InputError
from sketchkit.evaluate.flaws import add_flaws
from sketchkit.evaluate.heldout import sketches_of
from sketchkit.evaluate.recogniser import NETWORKS, About, PictureNet, Recogniser
from sketchkit.sketch import Sketch
from sketchkit.training.data import Dataset

__all__ = [
    "RecogniserRecipe",
    "WeightedDataset",
    "class_names",
    "cut_beginnings",
    "describe_recogniser",
    "distort",
    "measure_accuracy",
    "train_recogniser",
]

#: Called with (steps done, steps in all, the mean loss of late).
Progress = Callable[[int, int, float], None]

_NOTICE = "Trained on the Quick, Draw! dataset, made available by Google under CC BY 4.0"
#: Of beginnings: the least and the largest share of a drawing's points, and how often a stroke is finished.
_SHARES, _WHOLE_STROKES = (0.15, 0.85), 0.7
#: The reported loss is a mean over about so many steps.
_MEMORY = 0.98


@dataclass(frozen=True)
class WeightedDataset:
    """A data set to learn from.

    Args:
        data: the data set, of which the train split is learnt.
        weight: how often a drawing of each of its classes is taken, relative to other data sets.
    """

    data: Dataset
    weight: float = 1.0


@dataclass(frozen=True)
class RecogniserRecipe:
    """How a recogniser is trained.

    Args:
        network: `plain` or `residual`.
        steps: how many batches.
        batch: drawings in each; all classes of a data set are equally frequent.
        rate: the highest learning rate; it rises over the first twentieth and falls as a cosine.
        decay: of the weights (AdamW).
        smoothing: of the labels.
        average: decay of the averaged weights, which are kept; 0 keeps the last.
        beginnings: whether beginnings of the drawings are learnt instead of the drawings.
        flaws: whether each class is learnt as two, of which the second is that of its drawings with flaws.
        precision: `float32` or `bfloat16`, of the products.
        seed: of all random choices.

    Raises:
        InputError: a number out of range.
    """

    network: str = "plain"
    steps: int = 4500
    batch: int = 128
    rate: float = 3e-3
    decay: float = 0.1
    smoothing: float = 0.1
    average: float = 0.998
    beginnings: bool = False
    flaws: bool = False
    precision: str = "bfloat16"
    seed: int = 0

    def __post_init__(self) -> None:
        valid = self.steps >= 1 and self.batch >= 2 and self.rate > 0
        valid &= 0 <= self.smoothing < 1 and 0 <= self.average < 1
        if not valid or self.network not in NETWORKS or self.precision not in ("float32", "bfloat16"):
            raise InputError(f"invalid training of a recogniser: {self}")

    def learning_rate(self, step: int) -> float:
        """The rate of a step, counted from 0."""
        warm = max(self.steps // 20, 1)
        if step < warm:
            return self.rate * (step + 1) / warm
        return self.rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(self.steps - warm, 1)))


@dataclass(frozen=True)
class _Pool:
    """Drawings of one class of one data set: how often, which of all drawings, and the class."""

    weight: float
    places: npt.NDArray[np.int64]
    label: int


def class_names(datasets: Sequence[WeightedDataset]) -> tuple[str, ...]:
    """The names of all classes of several data sets, sorted."""
    return tuple(sorted({name for dataset in datasets for name in dataset.data.classes}))


def train_recogniser(
    datasets: Dataset | Sequence[WeightedDataset],
    recipe: RecogniserRecipe | None = None,
    progress: Progress | None = None,
) -> PictureNet:
    """Train a recogniser on the train splits of data sets.

    Args:
        datasets: one data set or several, with two classes or more in all.
        recipe: the critic's when None.
        progress: called after every step.

    Returns:
        A network without batch normalisation, in full precision; a function of the data, the recipe and the
        kind of machine.

    Raises:
        InputError: fewer than two classes, or a class without drawings.
    """
    recipe = recipe or RecogniserRecipe()
    weighted = _as_weighted(datasets)
    names = class_names(weighted)
    network = NETWORKS[recipe.network]
    lines, pools = _pools(weighted, names, network.size)
    rng = np.random.default_rng(recipe.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        net = network(len(_outputs(names, recipe)), normalised=True).train()
        averaged = copy.deepcopy(net)
        optimiser = torch.optim.AdamW(net.parameters(), recipe.rate, weight_decay=recipe.decay)
        late = math.nan
        for step in range(recipe.steps):
            pictures, labels = _draw_batch(lines, pools, rng, recipe, network.size)
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate(step)
            loss = _update(net, averaged, optimiser, pictures, labels, recipe, step)
            late = loss if math.isnan(late) else _MEMORY * late + (1 - _MEMORY) * loss
            if progress is not None:
                progress(step + 1, recipe.steps, late)
    return averaged.eval().fold()


def _outputs(names: Sequence[str], recipe: RecogniserRecipe) -> tuple[str, ...]:
    """The names of a network's outputs."""
    return (*names, *(flawed(name) for name in names if recipe.flaws))


def _as_weighted(datasets: Dataset | Sequence[WeightedDataset]) -> list[WeightedDataset]:
    return [WeightedDataset(datasets)] if isinstance(datasets, Dataset) else list(datasets)


def _draw_batch(
    lines: Lines, pools: Sequence[_Pool], rng: np.random.Generator, recipe: RecogniserRecipe, size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures of distorted drawings, float32 [B, 1, size, size], and their classes [B]."""
    weights = np.array([pool.weight for pool in pools])
    chosen = [pools[i] for i in rng.choice(len(pools), recipe.batch, p=weights / weights.sum())]
    batch = lines.take([pool.places[rng.integers(len(pool.places))] for pool in chosen])
    labels = np.array([pool.label for pool in chosen])
    if recipe.beginnings:
        batch = fit_lines(cut_beginnings(batch, rng), size)
    if recipe.flaws:
        # Half of the batch are the drawings of the other half, each with a flaw.
        sound = batch.take(np.arange(len(batch) - len(batch) // 2))
        with_flaws = fit_lines(add_flaws(sound.take(np.arange(len(batch) // 2)), rng), size)
        batch, classes = sound.join(with_flaws), max(pool.label for pool in pools) + 1
        labels = np.append(labels[: len(sound)], labels[: len(with_flaws)] + classes)
    pictures = draw(distort(batch, rng, size), size)
    return torch.from_numpy(pictures), torch.from_numpy(labels)


def _update(
    net: nn.Module,
    averaged: nn.Module,
    optimiser: torch.optim.Optimizer,
    pictures: torch.Tensor,
    labels: torch.Tensor,
    recipe: RecogniserRecipe,
    step: int,
) -> float:
    """Update the weights and their averages, those of batch normalisation included; returns the loss."""
    with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
        _, logits = net(pictures)
    loss = nn.functional.cross_entropy(logits.float(), labels, label_smoothing=recipe.smoothing)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    decay = min(recipe.average, (1 + step) / (10 + step))
    with torch.no_grad():
        for mean, value in zip(averaged.state_dict().values(), net.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
    return float(loss.detach())


def _pools(datasets: Sequence[WeightedDataset], names: Sequence[str], size: int) -> tuple[Lines, list[_Pool]]:
    """The fitted lines of all data sets, and the drawings of each class."""
    sketches: list[Sketch] = []
    pools = []
    for dataset in datasets:
        split = dataset.data.split("train")
        for index, name in enumerate(dataset.data.classes):
            places = np.flatnonzero(split.classes == index)
            if len(places):
                pools.append(_Pool(dataset.weight, len(sketches) + places, names.index(name)))
        sketches += sketches_of(dataset.data, split, np.arange(len(split)))
    if len(names) < 2 or len({pool.label for pool in pools}) < len(names):
        raise InputError("a recogniser needs two classes or more, each with drawings to learn from")
    return fit_lines(Lines.of(sketches), size), pools


def distort(lines: Lines, rng: np.random.Generator, size: int) -> Lines:
    """Change drawings into what other people might have drawn.

    Each is turned by up to 12 degrees, slanted, made smaller and narrower, mirrored half the time, bent along
    waves and shifted as far as its picture has room; each of its points trembles.

    Args:
        lines: fitted, in pixels.
        rng: the source of randomness.
        size: the side of a picture in pixels.

    Returns:
        Lines in pixels.
    """
    n, middle = len(lines), (size - 1) / 2
    matrix = affine(
        rng.uniform(-12, 12, n),
        rng.uniform(-0.2, 0.2, n),
        rng.uniform(0.7, 1.05, n) * rng.choice((-1.0, 1.0), n),
        rng.uniform(0.7, 1.05, n),
    )
    owners = lines.owners
    turned = np.einsum("pij,pj->pi", matrix[owners], lines.points - middle)
    # A wave along each axis moves points along the other one.
    waves, phases = rng.uniform(0.5, 1.5, (n, 2)), rng.uniform(0, 2 * math.pi, (n, 2))
    angles = turned * (2 * math.pi / size) * waves[owners] + phases[owners]
    bends = rng.uniform(0, 0.045 * size, (n, 2))[owners] * np.sin(angles)
    turned = turned + bends[:, ::-1]
    shift = rng.uniform(-0.05 * size, 0.05 * size, (n, 2))
    tremble = rng.normal(0.0, 0.007 * size, lines.points.shape)
    return lines.with_points(turned + shift[owners] + tremble + middle)


def cut_beginnings(lines: Lines, rng: np.random.Generator) -> Lines:
    """Keep the first points of drawings: a random share of each, often up to the end of a stroke.

    Args:
        lines: of n drawings.
        rng: the source of randomness.

    Returns:
        Of each drawing at least two points, if it has two.
    """
    counts = np.diff(lines.bounds)
    shares, whole_strokes = rng.uniform(*_SHARES, len(lines)), rng.random(len(lines)) < _WHOLE_STROKES
    last = lines.bounds[:-1] + np.minimum(np.maximum((shares * counts).astype(np.int64), 2), counts)
    # Where a stroke begins, or the next drawing, at or behind each place.
    starts = np.append(np.flatnonzero(~lines.joined), len(lines.joined))
    ends = starts[np.searchsorted(starts, last)]
    kept = np.where(whole_strokes, ends, last) - lines.bounds[:-1]
    within = np.arange(len(lines.joined)) - lines.bounds[:-1][lines.owners] < kept[lines.owners]
    return Lines(lines.points[within], lines.joined[within], np.append(0, np.cumsum(kept)))


def measure_accuracy(recogniser: Recogniser, data: Dataset, name: str = "test") -> tuple[float, float, int]:
    """Measure how well a recogniser names the drawings of a split.

    Args:
        recogniser: with classes of the data set.
        data: the data set.
        name: of the split.

    Returns:
        The share named rightly, the mean of that share over the classes, and the number of drawings.

    Raises:
        InputError: a split without drawings of the recogniser's classes.
    """
    split = data.split(name)
    known = np.array([recogniser.index(each) for each in data.classes])
    wanted = known[split.classes]
    chosen = np.flatnonzero(wanted >= 0)
    if not len(chosen):
        raise InputError(f"the {name} split holds no drawings of a class that the recogniser knows")
    right = recogniser.look(sketches_of(data, split, chosen)).named == wanted[chosen]
    shares = [right[wanted[chosen] == c].mean() for c in np.unique(wanted[chosen])]
    return float(right.mean()), float(np.mean(shares)), len(chosen)


def describe_recogniser(
    datasets: Dataset | Sequence[WeightedDataset],
    recipe: RecogniserRecipe,
    version: str,
    test: tuple[float, float, int],
    *,
    known: Sequence[str] | None = None,
    views: int = 1,
) -> About:
    """The description of a recogniser.

    Args:
        datasets: those that it was trained on.
        recipe: of the training.
        version: of the weights.
        test: the result of `measure_accuracy`.
        known: the classes that it may name; all when None.
        views: over how many views of a drawing its outputs are averaged.
    """
    weighted = _as_weighted(datasets)
    names = _outputs(class_names(weighted), recipe)
    known = names if known is None else _outputs(known, recipe)
    parts = [
        f"{len(each.data.split('train'))} drawings of {len(each.data.classes)} classes, "
        f"fingerprint {each.data.manifest.fingerprint}"
        for each in weighted
    ]
    return About(
        classes=names,
        known=known,
        trained_on="Quick, Draw!: " + "; ".join(parts),
        notice=_NOTICE,
        test_accuracy=test[0],
        test_drawings=test[2],
        class_accuracy=test[1],
        seed=recipe.seed,
        version=version,
        network=recipe.network,
        views=views,
    )
