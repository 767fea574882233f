"""How the recogniser is trained: few drawings a class, each seen a little differently every time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from sketchkit.errors import InputError
from sketchkit.evaluate.heldout import sketches_of
from sketchkit.evaluate.raster import SIZE, Lines, draw, fitted
from sketchkit.evaluate.recogniser import About, Recogniser, SketchNet
from sketchkit.training.data import Dataset

__all__ = ["Schooling", "altered", "described", "measured", "train_recogniser"]

#: Called with (steps done, steps in all, the loss of late).
Progress = Callable[[int, int, float], None]

_NOTICE = "Trained on the Quick, Draw! dataset, made available by Google under CC BY 4.0"
#: The loss that is told is a mean over about so many steps.
_MEMORY = 0.98


@dataclass(frozen=True)
class Schooling:
    """The recipe.

    Args:
        steps: how many batches.
        batch: drawings in each; every class is drawn alike often, however many drawings it has.
        rate: the highest learning rate; it rises over the first tenth and falls as a cosine.
        decay: of the weights (AdamW).
        smoothing: of the labels.
        seed: of everything that chance decides.

    Raises:
        InputError: a number out of range.
    """

    steps: int = 4500
    batch: int = 128
    rate: float = 4e-3
    decay: float = 0.05
    smoothing: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.steps >= 1 and self.batch >= 2 and self.rate > 0 and 0 <= self.smoothing < 1):
            raise InputError(f"no recogniser is trained so: {self}")

    def learning_rate(self, step: int) -> float:
        """The rate of a step, counted from 0."""
        warm = max(self.steps // 10, 1)
        if step < warm:
            return self.rate * (step + 1) / warm
        return self.rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(self.steps - warm, 1)))


def train_recogniser(
    data: Dataset, schooling: Schooling | None = None, progress: Progress | None = None
) -> SketchNet:
    """Train a recogniser on the train split of a data set.

    Args:
        data: of two classes or more.
        schooling: the recipe; the shipped one's when None.
        progress: told of every step.

    Returns:
        A network without batch normalisation, in full precision. The same data, recipe and machine give the
        same.

    Raises:
        InputError: fewer than two classes, or one without drawings.
    """
    recipe = schooling or Schooling()
    split = data.split("train")
    places = [np.flatnonzero(split.classes == c) for c in range(len(data.classes))]
    if len(places) < 2 or not all(map(len, places)):
        raise InputError("a recogniser needs two classes or more, each with drawings to learn from")
    rng = np.random.default_rng(recipe.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        net = SketchNet(len(data.classes), normalised=True).train()
    lines = fitted(Lines.of(sketches_of(data, split, np.arange(len(split)))))
    optimiser = torch.optim.AdamW(net.parameters(), recipe.rate, weight_decay=recipe.decay)
    criterion = nn.CrossEntropyLoss(label_smoothing=recipe.smoothing)
    late = 0.0
    for step in range(recipe.steps):
        labels = rng.integers(0, len(places), recipe.batch)
        chosen = np.array([places[label][rng.integers(len(places[label]))] for label in labels])
        pictures = torch.from_numpy(draw(altered(lines.take(chosen), rng)))
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate(step)
        _, logits = net(pictures)
        loss = criterion(logits, torch.from_numpy(labels))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        late = float(loss.detach()) if not step else _MEMORY * late + (1 - _MEMORY) * float(loss.detach())
        if progress is not None:
            progress(step + 1, recipe.steps, late)
    return net.eval().folded()


def altered(lines: Lines, rng: np.random.Generator) -> Lines:
    """Drawings as somebody else might have drawn them.

    Each is turned by up to 10 degrees, slanted, made smaller and narrower, mirrored half the time and shifted
    as far as its picture has room; each of its points trembles.

    Args:
        lines: fitted, in pixels.
        rng: what chance is taken from.

    Returns:
        Lines in pixels.
    """
    n, middle = len(lines), (SIZE - 1) / 2
    turn = rng.uniform(-10, 10, n) * (math.pi / 180)
    slant = rng.uniform(-0.15, 0.15, n)
    wide, high = rng.uniform(0.8, 1.03, (2, n))
    wide = wide * rng.choice((-1.0, 1.0), n)
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.stack([wide * cos, high * (slant * cos - sin), wide * sin, high * (slant * sin + cos)], 1)
    owners = lines.owners
    turned = np.einsum("pij,pj->pi", matrix.reshape(-1, 2, 2)[owners], lines.points - middle)
    shift = rng.uniform(-2.5, 2.5, (n, 2))
    tremble = rng.normal(0.0, 0.35, lines.points.shape)
    return lines.moved(turned + shift[owners] + tremble + middle)


def measured(recogniser: Recogniser, data: Dataset, name: str = "test") -> tuple[float, float, int]:
    """How well it names the drawings of a split.

    Args:
        recogniser: that knows the classes of the data set.
        data: the data set.
        name: of the split.

    Returns:
        The share named rightly, the mean of that share over the classes, and how many drawings.

    Raises:
        InputError: no drawings there of a class that it knows.
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


def described(data: Dataset, seed: int, version: str, test: tuple[float, float, int]) -> About:
    """What a recogniser of a data set says of itself; `test` is what `measured` gave."""
    drawings = len(data.split("train"))
    words = f"{drawings} drawings of {len(data.classes)} classes of Quick, Draw!, fingerprint "
    return About(
        classes=data.classes,
        trained_on=words + data.manifest.fingerprint,
        notice=_NOTICE,
        test_accuracy=test[0],
        test_drawings=test[2],
        class_accuracy=test[1],
        seed=seed,
        version=version,
    )
