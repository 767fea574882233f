"""A small data set, small configurations, and the paper's densities, for the tests of training."""

from __future__ import annotations

import math
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sketchkit.models import SketchModel
from sketchkit.training.backends import build
from sketchkit.training.batching import Batches
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import Dataset, Recipe, prepare_sketches, synth
from sketchkit.training.trainer import card_of

SMALL: dict[str, Any] = {
    "hidden": 8,
    "encoder_hidden": 4,
    "latent": 3,
    "mixtures": 2,
    "embedding": 3,
    "batch_size": 10,
    "classes": True,
}
#: How many drawings of each class the small data set is made of.
DRAWN = {"face": 24, "star": 20, "sun": 10}
_made: dict[str, Dataset] = {}


def shapes(factory: pytest.TempPathFactory) -> Dataset:
    """Faces, stars and suns, train and valid; made once, whoever asks."""
    if "shapes" not in _made:
        drawn = chain.from_iterable(synth(n, seed=3, classes=[name]) for name, n in DRAWN.items())
        recipe = Recipe(splits=(3, 1, 0))
        _made["shapes"] = prepare_sketches(drawn, factory.mktemp("shapes") / "shapes", recipe)
    return _made["shapes"]


def small(**changes: Any) -> TrainConfig:
    """The small configuration, changed."""
    return TrainConfig.made(None, SMALL, changes)


def model_of(data: Dataset, config: TrainConfig) -> SketchModel:
    """A fresh model for a data set."""
    return build(config, card_of(data, "small", data.max_length))


def batches_of(data: Dataset, config: TrainConfig, nmax: int | None = None, **more: Any) -> Batches:
    """The batches of a run on a data set."""
    given = data.max_length if nmax is None else nmax
    return Batches(data.split("train"), config, model_of(data, config), given, **more)


def softmax(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The probabilities that logits stand for."""
    weights = np.exp(x - x.max())
    return np.asarray(weights / weights.sum())


def density(raw: npt.NDArray[Any], dx: float, dy: float) -> float:
    """Equations 3 to 5 of the paper for one point: raw [6M + 3] and an offset."""
    mixtures = (len(raw) - 3) // 6
    pi = softmax(raw[3 : 3 + mixtures])
    mu_x, mu_y, log_sx, log_sy, a = raw[3 + mixtures :].reshape(5, mixtures)
    sx, sy, rho = np.exp(log_sx), np.exp(log_sy), np.tanh(a)
    zx, zy = (dx - mu_x) / sx, (dy - mu_y) / sy
    form = (zx**2 + zy**2 - 2 * rho * zx * zy) / (1 - rho**2)
    return float((pi * np.exp(-form / 2) / (2 * math.pi * sx * sy * np.sqrt(1 - rho**2))).sum())
