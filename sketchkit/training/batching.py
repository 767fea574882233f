"""Batches: which drawings an update learns from, their augmentation, and how they are laid out.

Batch k is a function of the data, the configuration and k. The drawings of an epoch are a permutation that is
computed, not stored; under `balance` alone memory grows with the data. Rows come packed (see
`sketchkit.models.cells.packed`), so that padding and length buckets fall away.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sketchkit.errors import InputError
from sketchkit.models import Packing, SketchModel
from sketchkit.models.losses import Batch
from sketchkit.training.chance import Purpose, generator, permute
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import Split
from sketchkit.training.data.dataset import pad_drawings

__all__ = ["Batches", "Order", "choose_points", "draw_offset_noise", "lay_out"]

Array = npt.NDArray[Any]
_SIXTEEN_BITS = 2**16
#: The first points of a line that are never left out.
_KEPT_FIRST = 3


class Order:
    """Which drawing stands at which place of an endless sequence of epochs.

    Args:
        classes: [n], the class of each drawing.
        seed: of the run.
        balance: 0 for every drawing once an epoch; 1 for all classes alike; in between, a class of n
            drawings is seen n^(1 - balance) times, in proportion.
    """

    def __init__(self, classes: npt.NDArray[np.integer[Any]], seed: int, balance: float = 0.0) -> None:
        self.seed = seed
        self.n = len(classes)
        self._members: Array | None = None
        if balance > 0 and self.n:
            counts = np.bincount(classes)
            self._members = np.argsort(classes, kind="stable")
            weights = np.where(counts > 0, counts.astype(np.float64) ** (1.0 - balance), 0.0)
            self._sizes = np.maximum(np.rint(weights * (self.n / weights.sum())).astype(np.int64), counts > 0)
            self._starts = np.cumsum(self._sizes) - self._sizes
            self._counts, self._firsts = counts, np.cumsum(counts) - counts
            self.epoch = int(self._sizes.sum())
        else:
            self.epoch = self.n  # how many drawings an epoch has

    def __call__(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The drawings at some places of the sequence, int64 [K]."""
        epochs, within = np.divmod(places, self.epoch)
        out = np.empty_like(places)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            slots = permute(within[here], self.epoch, self.seed, int(epoch))
            out[here] = slots if self._members is None else self._member(slots, int(epoch))
        return out

    def _member(self, slots: npt.NDArray[np.int64], epoch: int) -> npt.NDArray[np.int64]:
        """The drawing of a slot: a class goes on each epoch where it stopped in the one before."""
        assert self._members is not None
        # Classes without drawings share their start with the next one, which stands further right.
        group = np.searchsorted(self._starts, slots, "right") - 1
        turn = (slots - self._starts[group] + epoch * self._sizes[group]) % self._counts[group]
        return self._members[self._firsts[group] + turn]  # type: ignore[no-any-return]


class Batches:
    """The batches of a run, in this process's share.

    Args:
        split: the training drawings.
        config: of the run.
        model: that learns from them; its card and its sizes count, not its weights.
        nmax: Nmax.
        rank: which process this is.
        world: how many processes there are; each takes every so manieth drawing of a batch.
        pin: whether batches shall lie in memory that a CUDA device copies from.

    Raises:
        InputError: an empty split, or fewer drawings a batch than processes.
    """

    def __init__(
        self,
        split: Split,
        config: TrainConfig,
        model: SketchModel,
        nmax: int,
        rank: int = 0,
        world: int = 1,
        *,
        pin: bool = False,
    ) -> None:
        if not len(split):
            raise InputError(f"the data set has no drawings in {split.name}")
        if config.batch_size < world:
            raise InputError(f"a batch of {config.batch_size} drawings cannot be shared by {world} processes")
        self.split, self.config = split, config
        self.scale_factor, self.none = model.card.scale_factor, len(model.card.classes)
        self.noise_size = model.noise_size
        self.droppable, self.droppable_ink = model.droppable, model.droppable_ink
        self.nmax, self.rank, self.world, self.pin = nmax, rank, world, pin
        self.order = Order(split.classes, config.seed, config.balance)

    def batch(self, step: int) -> Batch:
        """The batch of an update, counted from 0."""
        config = self.config
        places = np.arange(self.rank, config.batch_size, self.world)
        chances = [generator(config.seed, Purpose.DRAWING, step, int(place)) for place in places]
        flat = self.split.flat(self.order(step * config.batch_size + places))
        offsets, lifts, inks, labels = flat
        stretch = np.stack([chance.uniform(-config.axis_scale, config.axis_scale, 2) for chance in chances])
        offsets = offsets * np.repeat((1.0 + stretch) / self.scale_factor, inks, axis=0)
        if config.point_drop > 0:
            uniform = np.concatenate([chance.random(n) for chance, n in zip(chances, inks, strict=True)])
            kept = choose_points(lifts, inks, uniform, config.point_drop)
            bounds = np.searchsorted(kept, np.concatenate(([0], np.cumsum(inks))))
            offsets, lifts, inks = np.add.reduceat(offsets, kept, axis=0), lifts[kept], np.diff(bounds)
        if config.classes:
            hidden = np.array([chance.random() for chance in chances]) < config.class_dropout
            labels = np.where(hidden, self.none, labels)
        batch = lay_out(offsets, lifts, inks, labels if config.classes else None, self.nmax, config.padding)
        whole = self._with_chance(batch, chances)
        return whole.pin() if self.pin else whole

    def from_step(self, step: int, stop: int) -> Generator[Batch]:
        """The batches of the updates step..stop - 1; the next is made while one is worked on."""
        with ThreadPoolExecutor(1, "sketchkit-batches") as pool:
            coming = pool.submit(self.batch, step) if step < stop else None
            for number in range(step, stop):
                assert coming is not None
                ready = coming
                coming = pool.submit(self.batch, number + 1) if number + 1 < stop else None
                yield ready.result()

    def _with_chance(self, batch: Batch, chances: list[np.random.Generator]) -> Batch:
        """The batch with noise, dropout masks and offset noise."""
        config, noise = self.config, None
        if self.noise_size:
            normals = [c.standard_normal(self.noise_size, dtype=np.float32) for c in chances]
            noise = torch.from_numpy(np.stack(normals))
        rate = config.recurrent_dropout or config.dropout  # no backend has both
        keep = _draw_mask(chances, batch.lengths, batch.packing, self.droppable, rate)
        ink_keep = _draw_mask(chances, batch.inks, batch.ink_packing, self.droppable_ink, rate)
        offset_noise = None
        if config.offset_noise > 0:
            most = config.offset_noise / self.scale_factor
            offset_noise = torch.from_numpy(
                draw_offset_noise(chances, batch.points.shape[1], batch.inks.numpy(), most)
            )
        return replace(
            batch,
            drawings=config.batch_size,
            noise=noise,
            offset_noise=offset_noise,
            keep=keep,
            ink_keep=ink_keep,
            keep_scale=1.0 / (1.0 - rate),
        )


def lay_out(
    offsets: Array, lifts: Array, inks: Array, labels: Array | None, nmax: int, padding: int = 0
) -> Batch:
    """Drawings as a batch.

    Args:
        offsets: [R, 2] in model units, drawing after drawing.
        lifts: bool [R], whether the pen lifts after each row.
        inks: int64 [B], the rows of each drawing without its end row, each 1 or more, R in all.
        labels: int64 [B], classes, or None.
        nmax: Nmax.
        padding: how many rows behind an end row are computed, the last of them counted for all that follow
            up to Nmax; -1 for all of them, as in the paper; 0 in evaluation.
    """
    whole = np.maximum(inks + 1, nmax)
    lengths = whole if padding < 0 else np.minimum(inks + 1 + padding, whole)
    points = pad_drawings(offsets, lifts, inks, int(lengths.max(initial=1)))
    last = np.where(lengths > inks + 1, whole - lengths + 1, 1)
    return Batch.of(
        torch.from_numpy(points),
        torch.from_numpy(lengths),
        torch.from_numpy(inks),
        nmax,
        None if labels is None else torch.from_numpy(labels),
        torch.from_numpy(last.astype(np.float32)),
    )


def _draw_mask(
    chances: list[np.random.Generator], lengths: torch.Tensor, packing: Packing, size: int, rate: float
) -> torch.Tensor | None:
    """Bool [N, size], packed: false where dropout drops; None without dropout."""
    if not (size and rate):
        return None
    mask = np.zeros((len(chances), packing.time, size), bool)
    threshold = round(rate * _SIXTEEN_BITS)
    for b, (chance, n) in enumerate(zip(chances, lengths.tolist(), strict=True)):
        bits = np.frombuffer(chance.bytes(2 * n * size), np.uint16)
        np.greater_equal(bits.reshape(n, size), threshold, out=mask[b, :n])
    return packing.pack(torch.from_numpy(mask))


def choose_points(
    lifts: npt.NDArray[np.bool_],
    lengths: npt.NDArray[np.int64],
    uniform: npt.NDArray[np.floating[Any]],
    share: float,
) -> npt.NDArray[np.int64]:
    """Which rows stay when some points inside lines are left out.

    The way past a row that goes is to be added to the row before: `np.add.reduceat(offsets, kept)`.

    Args:
        lifts: bool [R], whether the pen lifts after each row, drawing after drawing.
        lengths: [B], the rows of each drawing, each 1 or more, R in all.
        uniform: [R] numbers in 0..1; a row below `share` goes, if it may.
        share: the probability.

    Returns:
        int64 [K], the rows that stay, among them the first of every drawing and all at which the pen lifts.

    Source: the augmentation of the released sketch-rnn code: of a line's rows the first three and the last
        stay.
    """
    rows = np.arange(len(lifts))
    begins = np.concatenate(([True], lifts[:-1]))[: len(lifts)]
    begins[np.cumsum(lengths)[:-1]] = True
    within = rows - np.maximum.accumulate(np.where(begins, rows, 0))  # rows of the same line before each
    return np.flatnonzero(lifts | (within < _KEPT_FIRST) | (uniform >= share))


def draw_offset_noise(
    chances: Sequence[np.random.Generator], time: int, lengths: npt.NDArray[np.int64], most: float
) -> npt.NDArray[np.float32]:
    """How far the pen is from every point when it goes astray, more in one drawing than in another.

    Args:
        chances: of each of B drawings.
        time: T, how many rows they are laid out in.
        lengths: [B], the rows of each drawing, 1..T.
        most: the largest standard deviation of a coordinate; each drawing has one between 0 and this.

    Returns:
        float32 [B, T, 2], 0 behind each drawing, in the unit of `most`.

    Source: Laskey et al. 2017, "DART: noise injection for robust imitation learning": who learns only from
        flawless drawing never learns to make up for a flaw.
    """
    out = np.zeros((len(chances), time, 2), np.float32)
    for b, (chance, n) in enumerate(zip(chances, lengths.tolist(), strict=True)):
        out[b, :n] = chance.standard_normal((n, 2), dtype=np.float32) * np.float32(most * chance.random())
    return out
