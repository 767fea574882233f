"""Samples of a model against held-out drawings: how long they are, and what they look like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sketchkit.evaluate.bootstrap import Bootstrap, Figure
from sketchkit.evaluate.distances import NEIGHBOURS, covered, frechet, wasserstein
from sketchkit.evaluate.heldout import HeldOut
from sketchkit.evaluate.recogniser import Recogniser, Seen
from sketchkit.models import SketchModel
from sketchkit.sketch import Sketch

__all__ = [
    "Beside",
    "ClassFigures",
    "Drawings",
    "Likeness",
    "Reference",
    "SampleFigures",
    "compare",
    "wanted_labels",
]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

#: A Frechet distance is resampled so often at most: each time takes a few milliseconds.
_FRECHET_RESAMPLES = 200


@dataclass(frozen=True)
class Beside:
    """A figure of samples and the same figure of held-out drawings."""

    samples: Figure
    held_out: Figure


@dataclass(frozen=True)
class ClassFigures:
    """How often the drawings of one class are named rightly.

    Args:
        name: the class.
        samples: how many samples there are of it.
        ended: the share of them that the model ended.
        named: the share of them that is named rightly.
        held_out: how many held-out drawings there are of it.
        held_out_named: the share of those; None where there are none.
    """

    name: str
    samples: int
    ended: float
    named: float
    held_out: int
    held_out_named: float | None


@dataclass(frozen=True)
class Likeness:
    """How far one set of drawings is from the reference half of the held-out ones.

    Args:
        drawings: how many, on the one side; on the other is the reference half.
        length: the distance W1 of their numbers of points, in points.
        strokes: the distance W1 of their numbers of strokes.
        frechet: the Frechet distance of their features.
        precision: the share of them that lie where the reference does.
        recall: the share of the reference that lies where they do.
    """

    drawings: int
    length: Figure
    strokes: Figure
    frechet: Figure
    precision: Figure
    recall: Figure


@dataclass(frozen=True)
class SampleFigures:
    """How samples compare.

    Args:
        temperature: tau.
        drawings: how many samples.
        ended: the share of them that the model ended within its greatest length.
        mean_length: in points, end rows not counted.
        median_length: likewise.
        mean_strokes: strokes of a drawing.
        median_strokes: likewise.
        named: the share that the recogniser names as what it should be; None where it knows none of that.
        nameable: how many samples are of a class that it knows.
        classes: the same class by class, of classes that it knows and samples show, sorted by name.
        class_mean: the shares of samples and of held-out drawings that are named rightly, every class that
            both show counting alike; of samples alone where no class has held-out drawings, None where there
            is no class.
        reference: how many held-out drawings the following are measured against.
        likeness: of as many samples as there are other held-out drawings at most; None where there are too
            few to compare.
        held_out: of as many held-out drawings, which are not in the reference.
    """

    temperature: float
    drawings: int
    ended: Figure
    mean_length: Beside
    median_length: Beside
    mean_strokes: Beside
    median_strokes: Beside
    named: Beside | None
    nameable: int
    classes: tuple[ClassFigures, ...]
    class_mean: tuple[float, float | None] | None
    reference: int
    likeness: Likeness | None
    held_out: Likeness | None


@dataclass(frozen=True)
class Drawings:
    """What is compared of some drawings.

    Args:
        lengths: [n], points of each, its end row not counted.
        strokes: [n], strokes of each.
        seen: their features, and what they are named.
        wanted: int64 [n], the class each should be named as; -1 for one that the recogniser does not know.
    """

    lengths: Float64
    strokes: Float64
    seen: Seen
    wanted: Int64

    @classmethod
    def of(cls, sketches: Sequence[Sketch], recogniser: Recogniser) -> Drawings:
        """Look at drawings; their labels say what they should be."""
        return cls(
            np.array([len(sketch.without_end()) for sketch in sketches], np.float64),
            np.array([sketch.n_strokes for sketch in sketches], np.float64),
            recogniser.look(sketches),
            np.array([recogniser.index(sketch.label) for sketch in sketches], np.int64),
        )

    def __len__(self) -> int:
        """How many, n."""
        return len(self.lengths)

    def take(self, indices: Int64) -> Drawings:
        """Some of them."""
        return Drawings(
            self.lengths[indices], self.strokes[indices], self.seen.take(indices), self.wanted[indices]
        )

    @property
    def rightly_named(self) -> npt.NDArray[np.bool_]:
        """Of those that should be something the recogniser knows, which it names so."""
        known = self.wanted >= 0
        out: npt.NDArray[np.bool_] = self.seen.named[known] == self.wanted[known]
        return out


@dataclass(frozen=True)
class Reference:
    """Held-out drawings in two halves: what samples are measured against, and what they are measured beside.

    Args:
        all: of them.
        half: the reference half.
        others: the rest.
    """

    all: Drawings
    half: Drawings
    others: Drawings

    @classmethod
    def of(cls, drawings: Drawings, seed: int) -> Reference:
        """Part drawings by chance."""
        order = np.random.default_rng(seed).permutation(len(drawings))
        middle = len(order) // 2
        return cls(drawings, drawings.take(order[:middle]), drawings.take(order[middle:]))


def wanted_labels(model: SketchModel, held: HeldOut, n: int, seed: int) -> list[str | None]:
    """What n samples shall show: the classes of the held-out drawings, as often as they are there.

    Args:
        model: a model; one that cannot be told is told nothing.
        held: the drawings; those of classes that the model does not know do not count.
        n: how many samples.
        seed: of the order.

    Returns:
        n names, or as many None.
    """
    known = set(model.card.classes) if model.labelled else set()
    names, counts = np.unique([label for label in held.labels if label in known], return_counts=True)
    if not len(names):
        return [None] * n
    exact = n * counts / counts.sum()
    shares = np.floor(exact).astype(np.int64)
    # The largest remainders get what rounding down has left over.
    rest = np.argsort(shares - exact, kind="stable")[: n - int(shares.sum())]
    shares[rest] += 1
    return [str(name) for name in np.random.default_rng(seed).permutation(np.repeat(names, shares))]


def compare(
    sampled: Drawings,
    ended: Sequence[bool],
    reference: Reference,
    temperature: float,
    bootstrap: Bootstrap,
    names: Sequence[str],
) -> SampleFigures:
    """Measure samples against held-out drawings, and other held-out drawings against the same.

    Args:
        sampled: n samples, in an order that does not matter; n at least 1.
        ended: [n], whether the model ended them.
        reference: the held-out drawings.
        temperature: that they were drawn with.
        bootstrap: for the intervals.
        names: of the classes that drawings can be named.
    """
    b = bootstrap
    samples, real = sampled.lengths, reference.all.lengths
    strokes, real_strokes = sampled.strokes, reference.all.strokes
    right, real_right = sampled.rightly_named, reference.all.rightly_named
    # Sets of equal size on both sides: all these distances depend on it.
    n, classes = min(len(sampled), len(reference.others)), _by_class(sampled, ended, reference.all, names)
    enough = n > NEIGHBOURS and len(reference.half) > NEIGHBOURS
    first = np.arange(n)
    return SampleFigures(
        temperature=temperature,
        drawings=len(sampled),
        ended=b.mean(ended),
        mean_length=Beside(b.mean(samples), b.mean(real)),
        median_length=Beside(b.median(samples), b.median(real)),
        mean_strokes=Beside(b.mean(strokes), b.mean(real_strokes)),
        median_strokes=Beside(b.median(strokes), b.median(real_strokes)),
        named=Beside(b.mean(right), b.mean(real_right)) if len(right) and len(real_right) else None,
        nameable=len(right),
        classes=classes,
        class_mean=_class_mean(classes),
        reference=len(reference.half),
        likeness=_likeness(sampled.take(first), reference.half, b) if enough else None,
        held_out=_likeness(reference.others.take(first), reference.half, b) if enough else None,
    )


def _by_class(
    sampled: Drawings, ended: Sequence[bool], held_out: Drawings, names: Sequence[str]
) -> tuple[ClassFigures, ...]:
    out = []
    for c in np.unique(sampled.wanted[sampled.wanted >= 0]):
        ours, theirs = (each.seen.named[each.wanted == c] == c for each in (sampled, held_out))
        out.append(
            ClassFigures(
                name=names[c],
                samples=len(ours),
                ended=float(np.asarray(ended)[sampled.wanted == c].mean()),
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
        precision=bootstrap.mean(covered(ours, theirs)),
        recall=bootstrap.mean(covered(theirs, ours)),
    )
