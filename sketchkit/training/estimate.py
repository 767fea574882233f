"""The size, work and time of a training, before it begins."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sketchkit.devices import resolve_device
from sketchkit.errors import InputError
from sketchkit.files import shown
from sketchkit.models import SketchModel
from sketchkit.models.decoder import RecurrentModel
from sketchkit.training.backends import build, resolve_config
from sketchkit.training.batching import Batches
from sketchkit.training.checkpointing import TrainState
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import Dataset
from sketchkit.training.objective import Objective
from sketchkit.training.processes import keep_memory
from sketchkit.training.trainer import card_of, threads_set

__all__ = ["Estimate", "estimate"]

#: Updates that are tried, the first of them only to warm up.
_TRIED = 4


@dataclass(frozen=True)
class Estimate:
    """The size, work and time of a training.

    Args:
        parameters: how many numbers are learnt.
        checkpoint_bytes: of one checkpoint; two are kept.
        points_a_step: useful points of an update, on average.
        flop_a_step: floating-point operations of the products of an update, forward and backward.
        steps: updates in all.
        epochs: how often the data are seen.
        seconds_a_step: as measured on a few updates here and now, loading included.
        seconds: of all updates, evaluations left aside.
    """

    parameters: int
    checkpoint_bytes: int
    points_a_step: float
    flop_a_step: float
    steps: int
    epochs: float
    seconds_a_step: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The record in words."""
        rate = self.points_a_step / self.seconds_a_step
        return [
            f"parameters: {self.parameters:,}",
            f"a checkpoint: {self.checkpoint_bytes / 1e6:.1f} MB, two are kept",
            f"a step: {self.points_a_step:,.0f} points, {self.flop_a_step / 1e9:.1f} GFLOP, "
            f"{self.seconds_a_step:.3g} s ({rate:,.0f} points/s)",
            f"{self.steps:,} steps: {self.epochs:.3g} epochs, {_time(self.seconds)}",
        ]


def estimate(
    data: Dataset, config: TrainConfig, *, device: str = "auto", threads: int | None = None
) -> Estimate:
    """Try a few updates, without writing a file, and extrapolate.

    Args:
        data: the drawings.
        config: how.
        device: `auto` or one of torch's.
        threads: of the CPU; torch's own number when None.

    Raises:
        InputError: a data set without drawings to learn from.
    """
    train = data.split("train")
    if not len(train):
        raise InputError(f"{shown(data.path)}: the data set has no drawings to train on")
    config = resolve_config(config)
    place, nmax = resolve_device(device), config.nmax or data.max_length
    model = build(config, card_of(data, "estimate", nmax)).to(place).train()
    state, objective = TrainState(model, config), Objective(model, config.precision)
    batches = Batches(train, config, model, nmax)
    keep_memory()
    seconds = []
    with threads_set(threads or torch.get_num_threads()):
        for step in range(_TRIED):
            begun = time.perf_counter()
            _update(objective, state, batches, step, config)
            seconds.append(time.perf_counter() - begun)
    points = float(np.mean(train.lengths)) * config.batch_size
    each = float(np.median(seconds[1:]))
    kept = state.tensors().values()
    return Estimate(
        parameters=sum(p.numel() for p in model.parameters()),
        checkpoint_bytes=sum(t.numel() * t.element_size() for t in kept),
        points_a_step=points,
        flop_a_step=_flop(model, points, config.batch_size),
        steps=config.steps,
        epochs=config.steps * config.batch_size / batches.order.epoch,
        seconds_a_step=each,
        seconds=each * config.steps,
    )


def _update(
    objective: Objective, state: TrainState, batches: Batches, step: int, config: TrainConfig
) -> None:
    terms = objective(batches.batch(step).to(state.model.device), {})
    loss: Tensor = torch.stack(list(terms.values())).sum()
    state.optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    float(state.gradient_norm())
    state.update(config.learning_rate_at(step), config.clip)


def _flop(model: SketchModel, points: float, drawings: int) -> float:
    """Every weight matrix is used three times, forward and for both gradients, for each of its rows.

    The weights of z and of a class are used once a drawing, the rest once a point. Products beside the
    weights, such as those of attention, are left out.
    """
    total = 0.0
    looked_up = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    ours = model if isinstance(model, RecurrentModel) else None
    for name, parameter in model.named_parameters():
        # Classes are looked up, and the gates of a layer norm multiply each number alone.
        if parameter.dim() < 2 or id(parameter) in looked_up or (ours and ".gate_" in name):
            continue
        whole, once_a_drawing = parameter.numel(), 0
        if ours and name.startswith(("mu.", "presig.", "initial.")):
            once_a_drawing = whole
        elif ours and name.endswith("weight_x") and name.startswith("decoder."):
            once_a_drawing = parameter.shape[0] * ours.decoder.context_size
        total += 6.0 * ((whole - once_a_drawing) * points + once_a_drawing * drawings)
    return total


def _time(seconds: float) -> str:
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"
