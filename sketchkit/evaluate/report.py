"""The results of an evaluation, as a tree of values that becomes JSON; `markdown` makes a table of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sketchkit.evaluate.statistics import Figure

__all__ = [
    "TABLE_1",
    "ClassFigures",
    "Comparison",
    "Costs",
    "Likelihood",
    "Likeness",
    "Published",
    "ReconstructionFigures",
    "Report",
    "SampleFigures",
    "find_published",
]

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Costs:
    """Losses of held-out drawings; natural logarithms.

    Args:
        per_point: negative log-likelihood per row, end rows included, in model units: the sum over all
            drawings by the rows of them all.
        offset_per_point: the part of the offsets.
        pen_per_point: the part of the pen states.
        per_point_pixels: `per_point` with densities in pixels of the data set, which is independent of the
            model's scale factor.
        per_drawing: negative log-likelihood of a drawing, in model units.
        l_r: the paper's L_R, and its two parts.
        l_s: of the offsets.
        l_p: of the pen states.
    """

    per_point: Figure
    offset_per_point: Figure
    pen_per_point: Figure
    per_point_pixels: Figure
    per_drawing: Figure
    l_r: Figure | None = None
    l_s: Figure | None = None
    l_p: Figure | None = None


@dataclass(frozen=True)
class Published:
    """A row of the paper's table of losses.

    Args:
        l_r: L_R of the conditional models trained with w_KL = 1, 0.5 and 0.25.
        l_kl: their L_KL.
        decoder_l_r: L_R of the decoder-only model.

    Source: Ha & Eck 2017, table 1.
    """

    l_r: tuple[float, float, float]
    l_kl: tuple[float, float, float]
    decoder_l_r: float

    def line(self) -> str:
        """The row in a sentence, with the difference to this package's L_R."""
        losses, divergences = (" / ".join(f"{value:.2f}" for value in row) for row in (self.l_r, self.l_kl))
        return (
            f"Ha & Eck 2017, table 1, for these classes: L_R {losses} and L_KL {divergences} at w_KL 1 / 0.5 "
            f"/ 0.25, decoder-only L_R {self.decoder_l_r:.2f}; its L_R counts the pen of end rows and of the "
            "padding, which L_R here does not."
        )


#: By the classes of a data set, sorted.
TABLE_1: dict[tuple[str, ...], Published] = {
    ("cat",): Published((-0.98, -1.33, -1.46), (0.29, 0.70, 1.01), -0.57),
    ("pig",): Published((-1.14, -1.37, -1.52), (0.22, 0.49, 0.80), -0.82),
    ("cat", "pig"): Published((-1.02, -1.24, -1.50), (0.22, 0.49, 0.98), -0.75),
    ("crab", "face", "pig", "rabbit"): Published((-0.91, -1.04, -1.47), (0.22, 0.40, 1.17), -0.67),
    ("face",): Published((-1.13, -1.55, -1.90), (0.27, 0.71, 1.44), -0.73),
    ("firetruck",): Published((-1.24, -1.26, -1.78), (0.22, 0.24, 1.10), -0.90),
    ("garden",): Published((-0.79, -0.81, -0.99), (0.20, 0.25, 0.54), -0.62),
    ("owl",): Published((-0.93, -1.03, -1.29), (0.20, 0.34, 0.77), -0.66),
    ("mosquito",): Published((-0.67, -1.02, -1.41), (0.30, 0.66, 1.54), -0.34),
    ("yoga",): Published((-0.80, -1.07, -1.51), (0.24, 0.55, 1.33), -0.48),
}


def find_published(classes: Iterable[str]) -> Published | None:
    """The row of a data set's classes; None if the table lacks it."""
    return TABLE_1.get(tuple(sorted({name.lower() for name in classes})))


@dataclass(frozen=True)
class Likelihood:
    """Losses of held-out drawings under the model, and under a model that ignores their history.

    Args:
        drawings: how many.
        points: rows of them all, end rows included.
        nmax: Nmax, by which L_R divides.
        unknown: drawings whose class a model with classes lacks; they were scored without a class.
        model: of the model; of a conditional one, given z drawn from each drawing's posterior.
        mean_z: the same given the mean of the posterior; None for an unconditional model, as the next two.
        l_kl: the paper's L_KL.
        bound: an upper bound of the negative log-likelihood per point, from the drawn z and the KL
            divergence, to compare with an unconditional model.
        baseline: of the constant mixture, fitted to the training drawings.
        published: losses of the paper's models on these classes, if the paper has them.
    """

    drawings: int
    points: int
    nmax: int
    unknown: int
    model: Costs
    mean_z: Costs | None
    l_kl: Figure | None
    bound: Figure | None
    baseline: Costs
    published: Published | None = None


@dataclass(frozen=True)
class Comparison:
    """A figure of samples and the same figure of held-out drawings."""

    samples: Figure
    held_out: Figure


@dataclass(frozen=True)
class ClassFigures:
    """How often the drawings of a class are named rightly.

    Args:
        name: the class.
        samples: how many samples it has.
        ended: the share of them that the model ended.
        named: the share of them that is named rightly.
        held_out: how many held-out drawings it has.
        held_out_named: the share of those that is named rightly; None if there are 0.
    """

    name: str
    samples: int
    ended: float
    named: float
    held_out: int
    held_out_named: float | None


@dataclass(frozen=True)
class Likeness:
    """How far a set of drawings is from the reference half of the held-out ones.

    Args:
        drawings: the size of the set.
        length: the distance W1 of the numbers of points, in points.
        strokes: the distance W1 of the numbers of strokes.
        frechet: the Frechet distance of the features.
        precision: the share of the set that lies in the neighbourhoods of the reference.
        recall: the share of the reference that lies in the neighbourhoods of the set.
    """

    drawings: int
    length: Figure
    strokes: Figure
    frechet: Figure
    precision: Figure
    recall: Figure


@dataclass(frozen=True)
class SampleFigures:
    """How samples compare with held-out drawings.

    Args:
        temperature: tau.
        drawings: how many samples.
        ended: the share of them that the model ended within its greatest length.
        mean_length: in points, end rows excluded.
        median_length: likewise.
        mean_strokes: strokes of a drawing.
        median_strokes: likewise.
        named: the share that the recogniser names rightly; None if it lacks all their classes.
        nameable: samples of a class that the recogniser has.
        classes: the same by class, of the recogniser's classes that samples show, sorted by name.
        class_mean: the shares of samples and of held-out drawings that are named rightly, as a mean over the
            classes that both show; of samples alone where held-out drawings share none of their classes, and
            None without classes.
        reference: the size of the reference half of the held-out drawings.
        likeness: of samples, as many as the other half has at most; None with too few drawings.
        held_out: of as many drawings of the other half of the held-out ones.
    """

    temperature: float
    drawings: int
    ended: Figure
    mean_length: Comparison
    median_length: Comparison
    mean_strokes: Comparison
    median_strokes: Comparison
    named: Comparison | None
    nameable: int
    classes: tuple[ClassFigures, ...]
    class_mean: tuple[float, float | None] | None
    reference: int
    likeness: Likeness | None
    held_out: Likeness | None


@dataclass(frozen=True)
class ReconstructionFigures:
    """How near reconstructions are to their drawings.

    Args:
        temperature: tau.
        drawings: how many.
        ended: the share of reconstructions that the model ended within its greatest length.
        chamfer: the mean Chamfer distance from a drawing to its reconstruction, each fitted to a diagonal of
            1.
        chamfer_other: the same to another held-out drawing of the same class, chosen by chance; None if all
            classes have a single drawing.
        named: the share that the recogniser names as the class of the drawing; None if it lacks all of them.
        nameable: drawings of a class that the recogniser has.
    """

    temperature: float
    drawings: int
    ended: Figure
    chamfer: Figure
    chamfer_other: Figure | None
    named: Comparison | None
    nameable: int


@dataclass(frozen=True)
class Report:
    """The results of an evaluation.

    Args:
        model: the evaluated model, JSON values.
        data: the held-out drawings, JSON values.
        settings: seeds and choices, JSON values.
        versions: of the programs.
        recogniser: the judge of looks, JSON values; None without samples.
        likelihood: losses of the held-out drawings; None of a model that draws whole drawings.
        samples: an entry per temperature.
        reconstructions: an entry per temperature; empty for an unconditional model.
    """

    model: Mapping[str, Any]
    data: Mapping[str, Any]
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    recogniser: Mapping[str, Any] | None
    likelihood: Likelihood | None
    samples: tuple[SampleFigures, ...] = ()
    reconstructions: tuple[ReconstructionFigures, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values; a figure is an object of value, low and high."""
        return {"format": "sketchkit-evaluation", "version": FORMAT_VERSION, **dataclasses.asdict(self)}

    def to_markdown(self) -> str:
        """The report as Markdown."""
        from sketchkit.evaluate.markdown import markdown

        return markdown(self)

    def _repr_markdown_(self) -> str:
        """The report in a notebook."""
        return self.to_markdown()
