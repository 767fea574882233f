"""Batches: which drawings an update learns from, what chance does to them, and how they are laid out.

Batch k is a function of the data, the configuration and k. The drawings of an epoch are a permutation that is
computed, not stored; nothing here grows with the data but, under `balance`, a list of the drawings of each
class. Rows come packed (see `sketchkit.models.cells.packed`), so no length buckets are needed: not one row is
padding but those that shall count.
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sketchkit.errors import InputError
from sketchkit.models import Packing
from sketchkit.models.vae import VaeModel
from sketchkit.training.augment import kept_points, strayed
from sketchkit.training.backends import backend_of
from sketchkit.training.chance import Purpose, generator, permuted
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import Split
from sketchkit.training.data.dataset import pad_drawings
from sketchkit.training.objective import Batch

__all__ = ["Batches", "Order", "lay_out"]

Array = npt.NDArray[Any]
_SIXTEEN_BITS = 2**16


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
            slots = permuted(within[here], self.epoch, self.seed, int(epoch))
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
        scale_factor: pixels in a model unit.
        nmax: Nmax.
        none: the index that stands for no class.
        rank: which process this is.
        world: how many processes there are; each takes every so manieth drawing of a batch.
        droppable: how many numbers of a row dropout may drop; the decoder's units when None.
        pin: whether batches shall lie in memory that a CUDA device copies from.

    Raises:
        InputError: there is nothing to learn from, or less of it than processes.
    """

    def __init__(
        self,
        split: Split,
        config: TrainConfig,
        scale_factor: float,
        nmax: int,
        none: int,
        rank: int = 0,
        world: int = 1,
        *,
        droppable: int | None = None,
        pin: bool = False,
    ) -> None:
        if not len(split):
            raise InputError(f"the data set has no drawings in {split.name}")
        if config.batch_size < world:
            raise InputError(f"a batch of {config.batch_size} drawings cannot be shared by {world} processes")
        self.split, self.config = split, config
        self.scale_factor, self.nmax, self.none = scale_factor, nmax, none
        self.rank, self.world, self.pin = rank, world, pin
        self.droppable = config.hidden if droppable is None else droppable
        self.encodes = issubclass(backend_of(config), VaeModel)
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
            kept = kept_points(lifts, inks, uniform, config.point_drop)
            bounds = np.searchsorted(kept, np.concatenate(([0], np.cumsum(inks))))
            offsets, lifts, inks = np.add.reduceat(offsets, kept, axis=0), lifts[kept], np.diff(bounds)
        if config.classes:
            hidden = np.array([chance.random() for chance in chances]) < config.class_dropout
            labels = np.where(hidden, self.none, labels)
        batch = lay_out(offsets, lifts, inks, labels if config.classes else None, self.nmax, config.padding)
        whole = self._with_chance(batch, chances)
        return whole.pinned() if self.pin else whole

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
        """What a drawing's own chance decides beyond its rows: z, and what dropout drops."""
        config, vae = self.config, self.encodes
        noise = stray = keep = ink_keep = None
        if vae:
            normals = [c.standard_normal(config.latent, dtype=np.float32) for c in chances]
            noise = torch.from_numpy(np.stack(normals))
        rate = config.recurrent_dropout or config.dropout  # no backend has both
        if rate > 0:
            keep = _kept(chances, batch.lengths, batch.packing, self.droppable, rate)
            if vae:
                ink_keep = _kept(chances, batch.inks, batch.ink_packing, 2 * config.encoder_hidden, rate)
        if config.stray > 0:
            most = config.stray / self.scale_factor
            stray = torch.from_numpy(strayed(chances, batch.points.shape[1], batch.inks.numpy(), most))
        return replace(
            batch,
            drawings=config.batch_size,
            noise=noise,
            stray=stray,
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
        labels: int64 [B], classes; None for none.
        nmax: Nmax.
        padding: how many rows behind an end row are computed, the last of them counted for all that follow
            up to Nmax; -1 for all of them, as in the paper; 0 for none, as in evaluation.
    """
    whole = np.maximum(inks + 1, nmax)
    lengths = whole if padding < 0 else np.minimum(inks + 1 + padding, whole)
    points = pad_drawings(offsets, lifts, inks, int(lengths.max(initial=1)))
    last = np.where(lengths > inks + 1, whole - lengths + 1, 1)
    return Batch.of(
        torch.from_numpy(points),
        torch.from_numpy(lengths),
        torch.from_numpy(inks),
        None if labels is None else torch.from_numpy(labels),
        torch.from_numpy(last.astype(np.float32)),
    )


def _kept(
    chances: list[np.random.Generator], lengths: torch.Tensor, packing: Packing, size: int, rate: float
) -> torch.Tensor:
    """Bool [N, size], packed: false where dropout drops."""
    mask = np.zeros((len(chances), packing.time, size), bool)
    threshold = round(rate * _SIXTEEN_BITS)
    for b, (chance, n) in enumerate(zip(chances, lengths.tolist(), strict=True)):
        bits = np.frombuffer(chance.bytes(2 * n * size), np.uint16)
        np.greater_equal(bits.reshape(n, size), threshold, out=mask[b, :n])
    return packing.pack(torch.from_numpy(mask))
