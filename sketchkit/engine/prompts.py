"""Prompts, the requests that continue them, and the queue in which requests wait for a row of a batch.

A prompt is the state of a model after a beginning, read once and continued many times.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.engine.arrays import State, concatenate, inference, pad_rows, select_rows, take_rows
from sketchkit.models import Array, ArrayModel, DrawingModel, LSTMWeights
from sketchkit.sampling import Subject

__all__ = ["LEAST_ROWS", "Indices", "JobQueue", "Prompts", "Requests", "read_prompts"]

#: Products of fewer rows than this take other kernels, which add up in another order; a drawing would then
#: depend on how many are drawn beside it. From here on, rows come out the same at any number of them with
#: the CPU libraries that torch is built with, though this is observed and undocumented.
LEAST_ROWS = 4

Rows = npt.NDArray[np.floating[Any]]
Int64 = npt.NDArray[np.int64]

_CHUNK = 256


@dataclass(frozen=True, eq=False)
class Prompts:
    """The model's state after some beginnings.

    Args:
        rows: [P, 5], the row each continuation reads first, in model units.
        state: tuple of [P, ...] arrays, the state before that row.
        subjects: [P], what the drawings are to become.
    """

    rows: Array
    state: State
    subjects: tuple[Subject, ...] = ()

    def __len__(self) -> int:
        """The number of prompts, P."""
        return len(self.rows)

    def take(self, which: Indices) -> Prompts:
        """Some of them, in any order and number."""
        state = tuple(take_rows(part, which) for part in self.state)
        subjects = tuple(self.subjects[i] for i in which.tolist()) if self.subjects else ()
        return Prompts(take_rows(self.rows, which), state, subjects)


def read_prompts(
    model: DrawingModel,
    beginnings: Sequence[Rows],
    z: npt.NDArray[np.float32] | None = None,
    exact_width: int | None = None,
    label: Int64 | None = None,
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
    count = len(beginnings)
    pairs = zip(beginnings, _classes(model, label, count), strict=True)
    subjects = tuple(Subject(rows, classes, model.card.scale_factor) for rows, classes in pairs)
    width = exact_width or min(_CHUNK, max(count, 1))
    parts = []
    with inference(model):
        for begin in range(0, max(count, 1), width):
            chunk = slice(begin, begin + width)
            latent = None if z is None else z[chunk]
            mine = label if label is None or len(label) == 1 else label[chunk]
            parts.append(_read(model, beginnings[chunk], latent, exact_width, mine))
        rows = concatenate([part.rows for part in parts])
        state = tuple(concatenate(each) for each in zip(*(part.state for part in parts), strict=True))
    return Prompts(rows, state, subjects)


def _classes(model: DrawingModel, label: Int64 | None, count: int) -> list[tuple[str, ...]]:
    """The class of each beginning as a tuple of one name, or all classes of the model."""
    known = model.card.classes
    if label is None:
        return [known] * count
    indices = label.tolist() if len(label) == count else label.tolist() * count
    return [(known[index],) if index < len(known) else known for index in indices]


def _read(
    model: DrawingModel,
    beginnings: Sequence[Rows],
    z: npt.NDArray[np.float32] | None,
    exact_width: int | None,
    label: Int64 | None,
) -> Prompts:
    """One chunk; a beginning that is over keeps its state while longer ones go on."""
    count = len(beginnings)
    batch = count if count == 1 and exact_width is None and LSTMWeights.fits(model) else LEAST_ROWS
    batch = exact_width or max(count, batch)
    latent, known = (None if given is None else model.to_own(pad_rows(given, batch)) for given in (z, label))
    state = model.initial_state(batch, latent, known)
    if batch == 1:
        return _read_one(model, beginnings[0], state)
    lengths = np.zeros(batch, np.int64)
    lengths[:count] = [len(b) for b in beginnings]
    tokens = np.zeros((batch, int(lengths.max(initial=0)), 5))
    for b, rows in enumerate(beginnings):
        tokens[b, : len(rows)] = rows
    read = [model.start_rows(batch), *(model.to_own(tokens[:, t]) for t in range(tokens.shape[1]))]
    last = read[0]
    for t, rows in enumerate(read[:-1]):
        _, new = model.step(rows, state)
        going = lengths > t
        state = tuple(select_rows(going, fresh, old) for old, fresh in zip(state, new, strict=True))
        last = select_rows(going, read[t + 1], last)
    kept = np.arange(count)
    return Prompts(take_rows(last, kept), tuple(take_rows(part, kept) for part in state))


def _read_one(model: Any, rows: Rows, state: State) -> Prompts:
    """One beginning, all of it in one call."""
    first = model.start_rows(1)
    if not len(rows):
        return Prompts(first, state)
    if isinstance(model, ArrayModel):
        read = np.concatenate((first, model.to_own(rows)))
        return Prompts(read[-1:], model.read(read[None, :-1], state))
    tokens = concatenate((first, model.rows_of(rows)))
    _, state = model(tokens[None, :-1], state)
    return Prompts(tokens[-1:], state)


Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Requests:
    """Drawings that are asked for, J of them.

    Args:
        prompts: the states that drawings start from.
        prompt_of: int64 [J], which prompt each drawing continues.
        index_of: int64 [J], the sketch index of each drawing's noise.
        attempt_of: int64 [J], the attempt that the noise belongs to, 0 for the first.
        seed: 0..2^63 - 1.
        max_points: the most rows a drawing gets, an end row included.
    """

    prompts: Prompts
    prompt_of: Indices
    index_of: Indices
    attempt_of: Indices
    seed: int
    max_points: int

    def __len__(self) -> int:
        """The number of drawings, J."""
        return len(self.prompt_of)

    def take(self, rows: Indices | slice) -> Requests:
        """Some of them, in any order and number; a slice shares memory."""
        prompt, index, attempt = (part[rows] for part in (self.prompt_of, self.index_of, self.attempt_of))
        return replace(self, prompt_of=prompt, index_of=index, attempt_of=attempt)


class JobQueue:
    """Requests that wait, numbered in the order of their arrival; several loops may take from it."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Requests]] = deque()
        self._lock, self._next = threading.Lock(), 0
        self.stopped = False

    def put(self, requests: Requests) -> range:
        """Add requests; their numbers."""
        with self._lock:
            numbers = range(self._next, self._next + len(requests))
            self._next = numbers.stop
            if len(requests):
                self._waiting.append((numbers.start, requests))
        return numbers

    def take(self, most: int) -> list[tuple[Indices, Requests]]:
        """The next requests, `most` of them at the most, in portions with their numbers."""
        out = []
        with self._lock:
            while self._waiting and most > 0:
                number, requests = self._waiting.popleft()
                n = min(most, len(requests))
                out.append((np.arange(number, number + n), requests.take(slice(n))))
                if n < len(requests):
                    self._waiting.appendleft((number + n, requests.take(slice(n, None))))
                most -= n
        return out

    def __bool__(self) -> bool:
        """Whether requests wait."""
        return bool(self._waiting)

    def stop(self) -> None:
        """Let every loop end at its next step."""
        self.stopped = True
