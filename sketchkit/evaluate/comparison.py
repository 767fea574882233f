"""Samples and reconstructions compared with held-out drawings: their lengths and their looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sketchkit.evaluate.heldout import HeldOut
from sketchkit.evaluate.recogniser import Recogniser, Seen
from sketchkit.evaluate.report import (
    ClassFigures,
    Comparison,
    Likeness,
    ReconstructionFigures,
    SampleFigures,
)
from sketchkit.evaluate.statistics import NEIGHBOURS, Bootstrap, frechet, is_covered, wasserstein
from sketchkit.geometry import chamfer, unit_outline
from sketchkit.models import SketchModel
from sketchkit.sketch import Sketch

__all__ = [
    "Drawings",
    "Reference",
    "choose_labels",
    "compare_reconstructions",
    "compare_samples",
    "other_of_class",
]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

#: The most resamples of a Frechet distance, each of which takes a few milliseconds.
_FRECHET_RESAMPLES = 200


@dataclass(frozen=True)
class Drawings:
    """The compared properties of n drawings.

    Args:
        lengths: [n], points of each, its end row excluded.
        strokes: [n], strokes of each.
        seen: their features and recognised classes.
        wanted: int64 [n], the class of each among the recogniser's; -1 if it lacks the class.
    """

    lengths: Float64
    strokes: Float64
    seen: Seen
    wanted: Int64

    @classmethod
    def of(cls, sketches: Sequence[Sketch], recogniser: Recogniser) -> Drawings:
        """Look at drawings, whose labels are the wanted classes."""
        return cls(
            np.array([len(sketch.without_end()) for sketch in sketches], np.float64),
            np.array([sketch.n_strokes for sketch in sketches], np.float64),
            recogniser.look(sketches),
            np.array([recogniser.index(sketch.label) for sketch in sketches], np.int64),
        )

    def __len__(self) -> int:
        """The number of drawings, n."""
        return len(self.lengths)

    def take(self, indices: Int64) -> Drawings:
        """Select drawings by their places."""
        return Drawings(
            self.lengths[indices], self.strokes[indices], self.seen.take(indices), self.wanted[indices]
        )

    @property
    def rightly_named(self) -> npt.NDArray[np.bool_]:
        """Of the drawings of the recogniser's classes, whether each is named rightly."""
        known = self.wanted >= 0
        out: npt.NDArray[np.bool_] = self.seen.named[known] == self.wanted[known]
        return out


@dataclass(frozen=True)
class Reference:
    """Held-out drawings in two halves.

    Args:
        all: of them.
        half: the reference, against which samples are measured.
        others: the rest, which is measured against the reference in the same way.
    """

    all: Drawings
    half: Drawings
    others: Drawings

    @classmethod
    def of(cls, drawings: Drawings, seed: int) -> Reference:
        """Divide drawings at random."""
        order = np.random.default_rng(seed).permutation(len(drawings))
        middle = len(order) // 2
        return cls(drawings, drawings.take(order[:middle]), drawings.take(order[middle:]))


def choose_labels(model: SketchModel, held: HeldOut, n: int, seed: int) -> list[str | None]:
    """The classes that n samples shall show: those of the held-out drawings, in the same proportions.

    Args:
        model: a model; one without classes gets None for every sample.
        held: the drawings; those of classes that the model lacks are left out.
        n: how many samples.
        seed: of the order.

    Returns:
        n names or None.
    """
    known = set(model.card.classes) if model.labelled else set()
    names, counts = np.unique([label for label in held.labels if label in known], return_counts=True)
    if not len(names):
        return [None] * n
    exact = n * counts / counts.sum()
    shares = np.floor(exact).astype(np.int64)
    # The largest remainders get the samples that rounding down has left over.
    rest = np.argsort(shares - exact, kind="stable")[: n - int(shares.sum())]
    shares[rest] += 1
    return [str(name) for name in np.random.default_rng(seed).permutation(np.repeat(names, shares))]


def compare_samples(
    samples: Drawings,
    ended: Sequence[bool],
    reference: Reference,
    temperature: float,
    bootstrap: Bootstrap,
    names: Sequence[str],
) -> SampleFigures:
    """Measure samples against held-out drawings, and other held-out drawings against the same.

    Args:
        samples: n at least 1, in any order.
        ended: [n], whether the model ended each.
        reference: the held-out drawings.
        temperature: of the samples.
        bootstrap: for the intervals.
        names: of the recogniser's classes.
    """
    b, real = bootstrap, reference.all
    right, real_right = samples.rightly_named, real.rightly_named
    # Sets of equal size on both sides, since all these distances depend on it.
    n, classes = min(len(samples), len(reference.others)), _by_class(samples, ended, real, names)
    enough = n > NEIGHBOURS and len(reference.half) > NEIGHBOURS
    first = np.arange(n)
    return SampleFigures(
        temperature=temperature,
        drawings=len(samples),
        ended=b.mean(ended),
        mean_length=Comparison(b.mean(samples.lengths), b.mean(real.lengths)),
        median_length=Comparison(b.median(samples.lengths), b.median(real.lengths)),
        mean_strokes=Comparison(b.mean(samples.strokes), b.mean(real.strokes)),
        median_strokes=Comparison(b.median(samples.strokes), b.median(real.strokes)),
        named=Comparison(b.mean(right), b.mean(real_right)) if len(right) and len(real_right) else None,
        nameable=len(right),
        classes=classes,
        class_mean=_class_mean(classes),
        reference=len(reference.half),
        likeness=_likeness(samples.take(first), reference.half, b) if enough else None,
        held_out=_likeness(reference.others.take(first), reference.half, b) if enough else None,
    )


def _by_class(
    samples: Drawings, ended: Sequence[bool], held_out: Drawings, names: Sequence[str]
) -> tuple[ClassFigures, ...]:
    out = []
    for c in np.unique(samples.wanted[samples.wanted >= 0]):
        ours, theirs = (each.seen.named[each.wanted == c] == c for each in (samples, held_out))
        out.append(
            ClassFigures(
                name=names[c],
                samples=len(ours),
                ended=float(np.asarray(ended)[samples.wanted == c].mean()),
                named=float(ours.mean()),
                held_out=len(theirs),
                held_out_named=float(theirs.mean()) if len(theirs) else None,
            )
        )
    return tuple(out)


def _class_mean(classes: Sequence[ClassFigures]) -> tuple[float, float | None] | None:
    both = [each for each in classes if each.held_out_named is not None]
    if not classes:
        return None
    ours = float(np.mean([each.named for each in both or classes]))
    return ours, float(np.mean([each.held_out_named for each in both])) if both else None


def _likeness(drawings: Drawings, half: Drawings, bootstrap: Bootstrap) -> Likeness:
    ours, theirs = drawings.seen.features, half.seen.features
    return Likeness(
        drawings=len(drawings),
        length=bootstrap.distance(wasserstein, drawings.lengths, half.lengths),
        strokes=bootstrap.distance(wasserstein, drawings.strokes, half.strokes),
        frechet=bootstrap.distance(frechet, ours, theirs, _FRECHET_RESAMPLES),
        precision=bootstrap.mean(is_covered(ours, theirs)),
        recall=bootstrap.mean(is_covered(theirs, ours)),
    )


def compare_reconstructions(
    drawings: Sequence[Sketch],
    reconstructions: Sequence[Sketch],
    recogniser: Recogniser,
    temperature: float,
    bootstrap: Bootstrap,
) -> ReconstructionFigures:
    """Measure reconstructions against their drawings.

    Args:
        drawings: n drawings with their labels, n at least 1.
        reconstructions: of each.
        recogniser: names both.
        temperature: of the reconstructions.
        bootstrap: for the intervals; its seed chooses the other drawings.
    """
    outlines = [unit_outline(sketch) for sketch in drawings]
    near = [chamfer(a, unit_outline(sketch)) for a, sketch in zip(outlines, reconstructions, strict=True)]
    others = other_of_class([sketch.label for sketch in drawings], bootstrap.seed)
    far = [chamfer(a, outlines[j]) for a, j in zip(outlines, others, strict=True) if j >= 0]
    wanted = np.array([recogniser.index(sketch.label) for sketch in drawings])
    known = wanted >= 0
    real, drawn = (recogniser.look(s).named[known] == wanted[known] for s in (drawings, reconstructions))
    return ReconstructionFigures(
        temperature=temperature,
        drawings=len(drawings),
        ended=bootstrap.mean([sketch.ended for sketch in reconstructions]),
        chamfer=bootstrap.mean(near),
        chamfer_other=bootstrap.mean(far) if far else None,
        named=Comparison(bootstrap.mean(drawn), bootstrap.mean(real)) if known.any() else None,
        nameable=int(known.sum()),
    )


def other_of_class(labels: Sequence[str | None], seed: int) -> Int64:
    """For each drawing another one of its class, int64 [n]; -1 for the only one of its class."""
    rng = np.random.default_rng(seed)
    out = np.full(len(labels), -1, np.int64)
    names = np.array([str(label) for label in labels])
    for name in np.unique(names):
        places = rng.permutation(np.flatnonzero(names == name))
        if len(places) > 1:
            out[places] = np.roll(places, 1)
    return out
