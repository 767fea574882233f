"""The held-out drawings of an evaluation, and their losses under teacher forcing.

A model reads all true points before the predicted one. All losses are kept per drawing, so that intervals can
come from resampling drawings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sketchkit.arguments import find_name, hint, renamed
from sketchkit.density import MixtureDensity
from sketchkit.devices import one_thread
from sketchkit.errors import InputError
from sketchkit.files import display_path
from sketchkit.models import SketchModel
from sketchkit.models.losses import kl_loss, reconstruction_losses
from sketchkit.noise import POSTERIOR, normals
from sketchkit.sketch import Sketch
from sketchkit.training.data import Dataset, Split
from sketchkit.units import chunks, from_rows

__all__ = ["HeldOut", "Scores", "class_indices", "score_drawings", "sketches_of"]

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HeldOut:
    """A selection of the drawings of a data set.

    Args:
        data: the data set.
        split: the split with the drawings.
        indices: [n], their places in the split, ascending; n is at least 1.
        available: how many there were to choose from.
    """

    data: Dataset
    split: Split
    indices: Int64
    available: int

    @classmethod
    @renamed(label="class_name")
    def choose(
        cls,
        data: Dataset,
        split: str = "test",
        *,
        class_name: str | None = None,
        limit: int | None = None,
        seed: int = 0,
    ) -> HeldOut:
        """Choose drawings.

        Args:
            data: the data set.
            split: `train`, `valid` or `test`.
            class_name: only drawings of this class.
            limit: the most drawings; chosen at random, since a split may be sorted.
            seed: of the choice.

        Raises:
            InputError: an unknown split or class, or an empty selection.
        """
        there = data.split(split)
        indices = np.arange(len(there))
        if class_name is not None:
            if (found := find_name(class_name, data.classes)) is None:
                advice = hint(class_name, data.classes)
                raise InputError(f"{display_path(data.path)}: holds no class {class_name!r}: {advice}")
            class_name = found
            indices = np.flatnonzero(there.classes == data.classes.index(class_name))
        if not len(indices):
            what = "no drawings" if class_name is None else f"no drawings of {class_name!r}"
            raise InputError(
                f"{display_path(data.path)}: the {split} split holds {what}{_other_splits(data, class_name)}"
            )
        available = len(indices)
        if limit is not None and limit < available:
            indices = np.sort(np.random.default_rng(seed).permutation(indices)[: max(limit, 1)])
        return cls(data, there, indices, available)

    def only(self, places: npt.NDArray[Any]) -> HeldOut:
        """Select drawings by their places among these, in ascending order, or by a mask [n]."""
        return replace(self, indices=self.indices[places])

    def __len__(self) -> int:
        """The number of drawings, n."""
        return len(self.indices)

    @property
    def labels(self) -> list[str]:
        """The class of each drawing."""
        return [self.data.classes[c] for c in self.split.classes[self.indices]]

    @property
    def lengths(self) -> Int64:
        """The rows of each drawing, its end row included, int64 [n]."""
        return self.split.lengths[self.indices]

    def sketches(self) -> list[Sketch]:
        """The drawings themselves."""
        return sketches_of(self.data, self.split, self.indices)


def sketches_of(data: Dataset, split: Split, indices: Int64) -> list[Sketch]:
    """Drawings of a data set in pixels, from (0, 0), with their end rows and labels.

    Args:
        data: the data set.
        split: of it.
        indices: places of drawings in the split.
    """
    return [
        from_rows(split.drawing(int(i)), 1.0, (0.0, 0.0), joined=True, label=data.classes[split.classes[i]])
        for i in indices
    ]


def _other_splits(data: Dataset, label: str | None) -> str:
    """The splits that hold drawings, as the rest of a sentence."""
    counts = {
        name: info.drawings if label is None else info.per_class[data.classes.index(label)]
        for name, info in data.manifest.splits.items()
    }
    return "".join(f", {name} holds {count}" for name, count in counts.items() if count)


#: Called with (drawings done, drawings in all).
Progress = Callable[[int, int], None]
Float64 = npt.NDArray[np.float64]

#: Rows that are scored at once, padding included, to bound memory.
_ROWS_AT_ONCE = 16_384


@runtime_checkable
class _Encoder(Protocol):
    def encode_batch(self, rows: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]: ...


@dataclass(frozen=True)
class Scores:
    """Losses of n drawings; natural logarithms, model units, float64 [n].

    Args:
        rows: int64, the rows of each, its end row included, over which a loss per point is a mean.
        inked: int64, the rows whose offset counts: all but the end row.
        offset: the sum of -log p of the offsets.
        pen: the sum of -log p of the pen states, that of the end row included.
        l_s: the paper's L_s of the drawing alone.
        l_p: its L_p, without the end row.
        l_kl: its L_KL; None for a model without latent vectors.
        kl: the Kullback-Leibler divergence itself, a sum over the latent dimensions; likewise.
    """

    rows: Int64
    inked: Int64
    offset: Float64
    pen: Float64
    l_s: Float64
    l_p: Float64
    l_kl: Float64 | None = None
    kl: Float64 | None = None

    @property
    def total(self) -> Float64:
        """The negative log-likelihood of each drawing, [n]."""
        return self.offset + self.pen


@one_thread()
@torch.inference_mode()
def score_drawings(
    model: SketchModel,
    held: HeldOut,
    nmax: int,
    *,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Scores:
    """Score drawings under teacher forcing, from the model's own start token and in its own units.

    Args:
        model: to score with; a conditional one needs an encoder.
        held: n drawings. A model with classes gets the class of each, or the absence of one if it lacks it.
        nmax: Nmax, the length by which the paper divides.
        seed: of the draws of z from each drawing's posterior, which are independent of the other drawings;
            None takes the mean.
        progress: called after each batch.

    Returns:
        The losses in the order of `held`.

    Raises:
        InputError: a conditional model without an encoder, or an Nmax below 1.

    Source: Ha & Eck 2017, equations 3 to 10. The encoder reads the rows before the end row.
    """
    if nmax < 1:
        raise InputError(f"Nmax must be 1 or more, got {nmax}")
    columns = np.zeros((6, len(held)))
    divergences = np.zeros((2, len(held)))
    labels = class_indices(model, held)
    done = 0
    for chunk in chunks(held.lengths.tolist(), _ROWS_AT_ONCE):
        places = np.array(chunk)
        points, lengths = _points(model, held, places)
        z = None
        if model.conditional:
            mu, log_variance = _posterior(model, points)
            divergences[0, places] = [
                float(kl_loss(m[None], s[None])) for m, s in zip(mu, log_variance, strict=True)
            ]
            divergences[1, places] = divergences[0, places] * mu.shape[1]
            z = mu if seed is None else _draw_z(mu, log_variance, seed, held.indices[places])
        label = None if labels is None else torch.from_numpy(labels[places]).to(model.device)
        state = model.initial_state(len(places), z, label)
        inputs = torch.cat((model.start_rows(len(places))[:, None], points[:, :-1].to(model.dtype)), 1)
        raw, _ = model(inputs, state)
        columns[:, places] = _losses(raw, points, lengths, nmax)
        done += len(places)
        if progress is not None:
            progress(done, len(held))
    rows, inked = columns[:2].astype(np.int64)
    l_kl, kl = divergences if model.conditional else (None, None)
    offset, pen, l_s, l_p = columns[2:]
    return Scores(rows, inked, offset, pen, l_s, l_p, l_kl, kl)


def class_indices(model: SketchModel, held: HeldOut) -> Int64 | None:
    """The class of each drawing among the model's own, by name; the number of classes if it lacks the class.

    Returns:
        int64 [n]; None for a model without classes.
    """
    if not model.labelled:
        return None
    known = {name: i for i, name in enumerate(model.card.classes)}
    return np.array([known.get(label, len(known)) for label in held.labels], np.int64)


def _points(model: SketchModel, held: HeldOut, places: Int64) -> tuple[Tensor, Int64]:
    """Rows [B, T, 5] in model units, float32 or the model's better type, and their lengths [B]."""
    pixels, lengths, _ = held.split.gather(held.indices[places])
    rows = pixels.astype(np.float64)
    rows[..., :2] /= model.card.scale_factor
    wide = torch.promote_types(model.dtype, torch.float32)
    return torch.from_numpy(rows).to(wide).to(model.device), lengths


def _posterior(model: SketchModel, points: Tensor) -> tuple[Tensor, Tensor]:
    """The posterior, mean and log variance [B, Z], float32 or better."""
    if not isinstance(model, _Encoder):
        raise InputError(
            f"the model {model.card.name!r} is conditional but has no encoder: nothing to evaluate"
        )
    inked = (points[..., 4] == 0).sum(1).clamp(min=1)
    mu, log_variance = model.encode_batch(points.to(model.dtype), inked)
    wide = torch.promote_types(mu.dtype, torch.float32)
    return mu.to(wide), log_variance.to(wide)


def _draw_z(mu: Tensor, log_variance: Tensor, seed: int, index: Int64) -> Tensor:
    """A vector z of each posterior, a function of the seed and the drawing's place in its split."""
    noise = normals(seed, torch.from_numpy(index).to(mu.device), mu.shape[1], POSTERIOR)
    return mu + (log_variance / 2).exp() * noise.to(mu.dtype)


def _losses(raw: Tensor, points: Tensor, lengths: Int64, nmax: int) -> Float64:
    """The first six columns of `Scores` for a batch, [6, B]."""
    offset, pen = MixtureDensity(raw).log_prob(points)
    counted = (
        torch.arange(points.shape[1], device=points.device)
        < torch.from_numpy(lengths).to(points.device)[:, None]
    )
    inked = counted & (points[..., 4] == 0)
    out = np.zeros((6, len(lengths)))
    out[0], out[1] = lengths, inked.sum(1).cpu().numpy()
    for row, values, mask in ((2, offset, inked), (3, pen, counted)):
        out[row] = -torch.where(mask, values, 0.0).cpu().double().sum(1).numpy()
    for b, length in enumerate(lengths):
        loss = reconstruction_losses(raw[b, :length], points[b, :length], 1, nmax, evaluating=True)
        out[4:, b] = float(loss["offset"]), float(loss["pen"])
    return out
