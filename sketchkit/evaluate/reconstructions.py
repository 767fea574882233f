"""Drawings and what a conditional model makes of them again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sketchkit.evaluate.bootstrap import Bootstrap, Figure
from sketchkit.evaluate.recogniser import Recogniser
from sketchkit.evaluate.samples import Beside
from sketchkit.geometry import chamfer, outline
from sketchkit.sketch import Float64, Sketch

__all__ = ["ReconstructionFigures", "compare_pairs", "unit_outline"]


@dataclass(frozen=True)
class ReconstructionFigures:
    """How near reconstructions are to their drawings.

    Args:
        temperature: tau.
        drawings: how many.
        ended: the share of them that the model ended within its greatest length.
        chamfer: the mean Chamfer distance from a drawing to its reconstruction, each fitted to a diagonal of
            1.
        chamfer_other: the same to another held-out drawing of the same class, chosen by chance; None where no
            class has two.
        named: the share that the recogniser names as what the drawing is, beside the same of the drawings;
            None where it knows none of them.
        nameable: how many are of a class that it knows.
    """

    temperature: float
    drawings: int
    ended: Figure
    chamfer: Figure
    chamfer_other: Figure | None
    named: Beside | None
    nameable: int


def compare_pairs(
    drawings: Sequence[Sketch],
    again: Sequence[Sketch],
    recogniser: Recogniser,
    temperature: float,
    bootstrap: Bootstrap,
) -> ReconstructionFigures:
    """Measure reconstructions.

    Args:
        drawings: n drawings with their labels, n at least 1.
        again: the reconstruction of each.
        recogniser: that names both.
        temperature: that they were drawn with.
        bootstrap: for the intervals; its seed chooses the other drawings.
    """
    outlines = [unit_outline(sketch) for sketch in drawings]
    near = [chamfer(a, unit_outline(sketch)) for a, sketch in zip(outlines, again, strict=True)]
    others = other_of_class([sketch.label for sketch in drawings], bootstrap.seed)
    far = [chamfer(a, outlines[j]) for a, j in zip(outlines, others, strict=True) if j >= 0]
    wanted = np.array([recogniser.index(sketch.label) for sketch in drawings])
    known = wanted >= 0
    real, drawn = (recogniser.look(some).named[known] == wanted[known] for some in (drawings, again))
    return ReconstructionFigures(
        temperature=temperature,
        drawings=len(drawings),
        ended=bootstrap.mean([sketch.ended for sketch in again]),
        chamfer=bootstrap.mean(near),
        chamfer_other=bootstrap.mean(far) if far else None,
        named=Beside(bootstrap.mean(drawn), bootstrap.mean(real)) if known.any() else None,
        nameable=int(known.sum()),
    )


def unit_outline(sketch: Sketch) -> Float64:
    """Points spread evenly over the ink of a drawing, moved to the middle (0, 0) and a diagonal of 1.

    Args:
        sketch: in drawing units; one without extent is only moved.

    Returns:
        [P, 2].
    """
    points = outline(sketch)
    if not len(points):
        return points
    x0, y0, x1, y1 = sketch.bounds
    diagonal = math.hypot(x1 - x0, y1 - y0)
    out: Float64 = (points - ((x0 + x1) / 2, (y0 + y1) / 2)) / (diagonal or 1.0)
    return out


def other_of_class(labels: Sequence[str | None], seed: int) -> npt.NDArray[np.int64]:
    """For each drawing another one of its class, int64 [n]; -1 for the only one of its class."""
    rng = np.random.default_rng(seed)
    out = np.full(len(labels), -1, np.int64)
    names = np.array([str(label) for label in labels])
    for name in np.unique(names):
        places = rng.permutation(np.flatnonzero(names == name))
        if len(places) > 1:
            out[places] = np.roll(places, 1)
    return out
