"""What an evaluation found, as a tree of values that becomes JSON; `markdown` makes a table of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sketchkit.evaluate.bootstrap import Figure
from sketchkit.evaluate.markdown import markdown
from sketchkit.evaluate.published import Published
from sketchkit.evaluate.reconstructions import ReconstructionFigures
from sketchkit.evaluate.samples import SampleFigures

__all__ = ["Costs", "Likelihood", "Report"]

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Costs:
    """What held-out drawings cost; natural logarithms.

    Args:
        per_point: negative log-likelihood a row, the end row among them, in model units: the sum over all
            drawings by the rows of them all.
        offset_per_point: the part of the offsets.
        pen_per_point: the part of the pen states.
        per_point_pixels: the same as `per_point` with densities in pixels of the data set, which does not
            depend on the model's scale factor.
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
class Likelihood:
    """What held-out drawings cost the model, and what they cost somebody who cannot read.

    Args:
        drawings: how many.
        points: rows of them all, end rows among them.
        nmax: Nmax, by which L_R divides.
        unknown: how many are of a class that the model does not know, though it knows classes; they were
            scored as of none.
        model: of the model; of a conditional one, given z drawn from each drawing's posterior.
        mean_z: the same given the mean of the posterior; None of a model without latent vectors.
        l_kl: the paper's L_KL; None likewise.
        bound: an upper bound of the negative log-likelihood a point, from z as drawn and the KL divergence:
            what can be compared with an unconditional model; None likewise.
        baseline: of the constant mixture, fitted to the training drawings.
        published: what the paper's models cost on these classes; None where it does not say.
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
class Report:
    """Everything that an evaluation found.

    Args:
        model: what was evaluated, JSON values.
        data: what it was held against, JSON values.
        settings: seeds and choices, JSON values.
        versions: of the programs.
        recogniser: what judged the looks, JSON values; None where nothing was drawn.
        likelihood: what the held-out drawings cost; None for a model that draws whole drawings.
        samples: one for each temperature.
        reconstructions: one for each temperature; none of an unconditional model.
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
        """The report as Markdown, for eyes."""
        return markdown(self)
