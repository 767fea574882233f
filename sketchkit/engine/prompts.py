"""Prompts: what has been drawn already, read by the model once and continued many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sketchkit.engine.recurrent import LSTMWeights
from sketchkit.models import SketchModel
from sketchkit.models.base import State
from sketchkit.sampling import Subject

__all__ = ["LEAST_ROWS", "Prompts", "filled", "read_prompts"]

#: Products of fewer rows than this take other kernels, which add up in another order; a drawing would then
#: depend on how many are drawn beside it. From here on, rows come out the same at any number of them with
#: the CPU libraries that torch is built with, though nobody promises it.
LEAST_ROWS = 4

Rows = npt.NDArray[np.floating[Any]]

_CHUNK = 256


@dataclass(frozen=True)
class Prompts:
    """The model's state after some beginnings.

    Args:
        rows: [P, 5], the row each continuation reads first, in model units.
        state: tuple of [P, ...] tensors, the state before that row.
        subjects: [P], what the drawings are to become.
    """

    rows: Tensor
    state: State
    subjects: tuple[Subject, ...] = ()

    def __len__(self) -> int:
        """The number of prompts, P."""
        return len(self.rows)


@torch.inference_mode()
def read_prompts(
    model: SketchModel,
    beginnings: Sequence[Rows],
    z: Tensor | None = None,
    exact_width: int | None = None,
    label: Tensor | None = None,
) -> Prompts:
    """Run beginnings through the model.

    Args:
        model: any backend's.
        beginnings: P arrays [n, 5] in model units, n may be 0.
        z: [P, Z] for a conditional model.
        exact_width: compute every product with exactly this many rows.
        label: int64 [P], the class of each, or [1], that of them all, for a model that knows classes.

    Returns:
        The prompts, in order.
    """
    subjects = tuple(map(Subject, beginnings, _classes(model, label, len(beginnings))))
    width = exact_width or min(_CHUNK, max(len(beginnings), 1))
    if len(beginnings) <= width:
        return replace(_read(model, beginnings, z, exact_width, label), subjects=subjects)
    parts = []
    for begin in range(0, len(beginnings), width):
        chunk = slice(begin, begin + width)
        latent = None if z is None else z[chunk]
        mine = label if label is None or len(label) == 1 else label[chunk]
        parts.append(_read(model, beginnings[chunk], latent, exact_width, mine))
    rows = torch.cat([part.rows for part in parts])
    state = tuple(torch.cat(tensors) for tensors in zip(*(part.state for part in parts), strict=True))
    return Prompts(rows, state, subjects)


def _classes(model: SketchModel, label: Tensor | None, count: int) -> list[tuple[str, ...]]:
    """The class that a model is told for each beginning, or all that it knows."""
    known = model.card.classes
    if label is None:
        return [known] * count
    indices = label.tolist() if len(label) == count else label.tolist() * count
    return [(known[index],) if index < len(known) else known for index in indices]


def _read(
    model: SketchModel,
    beginnings: Sequence[Rows],
    z: Tensor | None,
    exact_width: int | None,
    label: Tensor | None,
) -> Prompts:
    """One chunk; a beginning that is over keeps its state while longer ones go on."""
    count = len(beginnings)
    if count == 1 and exact_width is None and LSTMWeights.fits(model):
        return _read_alone(model, beginnings[0], z, label)
    batch = exact_width or max(count, LEAST_ROWS)
    lengths = np.zeros(batch, np.int64)
    lengths[:count] = [len(b) for b in beginnings]
    inputs = np.zeros((batch, int(lengths.max(initial=0)) + 1, 5))
    for b, rows in enumerate(beginnings):
        inputs[b, 1 : len(rows) + 1] = rows
    tokens = torch.from_numpy(inputs).to(model.dtype).to(model.device)
    tokens[:, 0] = model.start_rows(batch)
    latent, known = (None if given is None else filled(given, batch) for given in (z, label))
    state = model.initial_state(batch, latent, known)
    remaining = torch.from_numpy(lengths).to(model.device)
    for t in range(tokens.shape[1] - 1):
        _, new = model.step(tokens[:, t], state)
        going = remaining > t
        state = tuple(
            torch.where(going.view(-1, *[1] * (old.dim() - 1)), fresh, old)
            for old, fresh in zip(state, new, strict=True)
        )
    last = tokens[torch.arange(batch, device=model.device), remaining]
    return Prompts(last[:count], tuple(part[:count] for part in state))


def _read_alone(model: SketchModel, rows: Rows, z: Tensor | None, label: Tensor | None) -> Prompts:
    """One beginning, all of it at once."""
    state = model.initial_state(1, z, label)
    if not len(rows):
        return Prompts(model.start_rows(1), state)
    tokens = torch.cat((model.start_rows(1), model.rows_of(rows)))
    _, state = model(tokens[None, :-1], state)
    return Prompts(tokens[-1:], state)


def filled(values: Tensor, least: int) -> Tensor:
    """At least so many rows: the first stands in for those that are missing, and zeros where there is none.

    Args:
        values: [B, ...].
        least: how many.
    """
    missing = least - len(values)
    if missing <= 0:
        return values
    first = values[:1] if len(values) else values.new_zeros(1, *values.shape[1:])
    return torch.cat((values, first.expand(missing, *values.shape[1:])))
