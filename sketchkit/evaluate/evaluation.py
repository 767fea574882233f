"""A whole evaluation: score held-out drawings, draw samples and reconstructions, and compare."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from sketchkit._version import __version__
from sketchkit.arguments import old_attribute, renamed
from sketchkit.devices import one_thread
from sketchkit.errors import InputError
from sketchkit.evaluate.baseline import fit_constant
from sketchkit.evaluate.comparison import (
    Drawings,
    Reference,
    choose_labels,
    compare_reconstructions,
    compare_samples,
)
from sketchkit.evaluate.heldout import HeldOut, Scores, class_indices, score_drawings
from sketchkit.evaluate.recogniser import Recogniser, load_recogniser
from sketchkit.evaluate.report import (
    Costs,
    Likelihood,
    ReconstructionFigures,
    Report,
    SampleFigures,
    find_published,
)
from sketchkit.evaluate.statistics import Bootstrap
from sketchkit.generate import reconstruct, sample
from sketchkit.latent import resolve_z_temperature
from sketchkit.models import SketchModel
from sketchkit.sampling import make_sampler
from sketchkit.training.data import Dataset

__all__ = ["Choices", "Stage", "evaluate"]

#: Called with the name of a step; a context that yields a function of (done, in all).
Stage = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]


@dataclass(frozen=True)
class Choices:
    """What an evaluation measures, and how.

    Args:
        split: `train`, `valid` or `test`.
        class_name: only drawings of this class, and samples of it from a model with classes.
        limit: the most held-out drawings; all of them when None.
        samples: how many to draw at each temperature, and the most drawings to reconstruct; 0 for the
            likelihood alone.
        temperatures: tau, one or more.
        sampler: its name.
        options: its further options.
        seed: of all random choices, 0..2^63 - 1.
        resamples: of the bootstrap; 0 for figures without intervals.
        nmax: Nmax; the greatest length of the data set, without its end row, when None.

    Raises:
        InputError: a number out of range, or an unknown option of the sampler.
        PluginError: an unknown sampler.
    """

    split: str = "test"
    class_name: str | None = None
    limit: int | None = None
    samples: int = 1000
    temperatures: tuple[float, ...] = (0.25,)
    sampler: str = "temperature"
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    resamples: int = 1000
    nmax: int | None = None

    label = old_attribute("label", "class_name")

    def __post_init__(self) -> None:
        for name, low in (("limit", 1), ("samples", 0), ("seed", 0), ("resamples", 0), ("nmax", 1)):
            value = getattr(self, name)
            if value is not None and value < low:
                raise InputError(f"{name} must be {low} or more, got {value}")
        if self.samples and not self.temperatures:
            raise InputError("samples need a temperature")
        if "temperature" in self.options:
            raise InputError("the temperatures are given for themselves, not as an option of the sampler")
        for temperature in self.temperatures:
            make_sampler(self.sampler, temperature, self.options)


# A frozen dataclass takes its old keyword by this.
Choices.__init__ = renamed(label="class_name")(Choices.__init__)  # type: ignore[method-assign]


@contextmanager
def _silent(what: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


@one_thread()
def evaluate(
    model: SketchModel,
    data: Dataset,
    choices: Choices | None = None,
    *,
    recogniser: Recogniser | None = None,
    stage: Stage = _silent,
) -> Report:
    """Measure a model on held-out drawings.

    Args:
        model: a conditional one needs an encoder, and draws samples from the prior.
        data: the data set; the constant mixture is fitted to its train split.
        choices: what to measure; the defaults when None.
        recogniser: the judge of looks; the one that comes with the package when None.
        stage: called for each step, with its progress.

    Returns:
        The report. Equal arguments give equal reports on machines of a kind.

    Raises:
        InputError: a choice that does not fit the data or the model.
        PluginError: an unknown sampler.
        CheckpointError: an unreadable recogniser.
    """
    wanted = choices or Choices()
    if wanted.class_name is not None and model.labelled:
        model.label_index(wanted.class_name)
    held = HeldOut.choose(
        data, wanted.split, class_name=wanted.class_name, limit=wanted.limit, seed=wanted.seed
    )
    if wanted.class_name is not None:
        wanted = replace(wanted, class_name=held.labels[0])  # as the data set spells it
    bootstrap = Bootstrap(wanted.resamples, wanted.seed)
    judge = (recogniser or load_recogniser()) if wanted.samples else None
    likelihood = None if model.draws_wholes else _likelihood(model, held, wanted, bootstrap, stage)
    samples: list[SampleFigures] = []
    reconstructions: list[ReconstructionFigures] = []
    if judge is not None:
        comparable = _comparable(model, held)
        samples = _samples(model, comparable, judge, wanted, bootstrap, stage)
        if model.conditional:
            reconstructions = _reconstructions(model, comparable, judge, wanted, bootstrap, stage)
    return Report(
        **_facts(model, held, wanted),
        versions=_versions(),
        recogniser=None if judge is None else _recogniser_facts(judge),
        likelihood=likelihood,
        samples=tuple(samples),
        reconstructions=tuple(reconstructions),
    )


def _likelihood(
    model: SketchModel, held: HeldOut, wanted: Choices, bootstrap: Bootstrap, stage: Stage
) -> Likelihood:
    nmax = wanted.nmax or max(1, held.data.max_length - 1)  # the released code counts no end row
    scale = model.card.scale_factor
    with stage("Scoring") as advance:
        scores = score_drawings(model, held, nmax, seed=wanted.seed, progress=advance)
    mean_z = None
    if model.conditional:
        with stage("Scoring at the mean") as advance:
            mean_z = _costs(score_drawings(model, held, nmax, progress=advance), scale, bootstrap)
    with stage("Fitting the constant mixture") as advance:
        constant = fit_constant(held.data, scale, wanted.seed)
        advance(1, 1)
    offset, pen = constant.score(held)
    kl, l_kl = scores.kl, scores.l_kl
    classes = class_indices(model, held)
    return Likelihood(
        drawings=len(held),
        points=int(scores.rows.sum()),
        nmax=nmax,
        unknown=0 if classes is None else int((classes == len(model.card.classes)).sum()),
        model=_costs(scores, scale, bootstrap),
        mean_z=mean_z,
        l_kl=None if l_kl is None else bootstrap.mean(l_kl),
        bound=None if kl is None else bootstrap.ratio(scores.total + kl, scores.rows),
        baseline=_point_costs(replace(scores, offset=offset, pen=pen), scale, bootstrap),
        published=find_published(held.labels),
    )


def _costs(scores: Scores, scale: float, b: Bootstrap) -> Costs:
    l_r = b.mean(scores.l_s + scores.l_p)
    return replace(_point_costs(scores, scale, b), l_r=l_r, l_s=b.mean(scores.l_s), l_p=b.mean(scores.l_p))


def _point_costs(scores: Scores, scale: float, b: Bootstrap) -> Costs:
    """Costs without the paper's L_R."""
    return Costs(
        per_point=b.ratio(scores.total, scores.rows),
        offset_per_point=b.ratio(scores.offset, scores.rows),
        pen_per_point=b.ratio(scores.pen, scores.rows),
        per_point_pixels=b.ratio(scores.total + scores.inked * 2.0 * np.log(scale), scores.rows),
        per_drawing=b.mean(scores.total),
    )


def _comparable(model: SketchModel, held: HeldOut) -> HeldOut:
    """The held-out drawings of the model's classes; all of them if they share none, or it has no classes."""
    classes = class_indices(model, held)
    known = None if classes is None else classes < len(model.card.classes)
    return held if known is None or not known.any() else held.only(known)


def _samples(
    model: SketchModel, held: HeldOut, judge: Recogniser, wanted: Choices, bootstrap: Bootstrap, stage: Stage
) -> list[SampleFigures]:
    reference = Reference.of(Drawings.of(held.sketches(), judge), wanted.seed)
    labels = choose_labels(model, held, wanted.samples, wanted.seed)
    out = []
    for temperature in wanted.temperatures:
        options = _draw_options(wanted, temperature)
        with stage(f"Drawing at {temperature:g}") as advance:
            sketches = sample(model, wanted.samples, class_name=labels, progress=advance, **options)
        ended = [sketch.ended for sketch in sketches]
        drawings = Drawings.of(sketches, judge)
        out.append(compare_samples(drawings, ended, reference, temperature, bootstrap, judge.classes))
    return out


def _reconstructions(
    model: SketchModel, held: HeldOut, judge: Recogniser, wanted: Choices, bootstrap: Bootstrap, stage: Stage
) -> list[ReconstructionFigures]:
    places = np.random.default_rng(wanted.seed).permutation(len(held))[: wanted.samples]
    drawings = held.only(np.sort(places)).sketches()
    out = []
    for temperature in wanted.temperatures:
        options = _draw_options(wanted, temperature)
        with stage(f"Drawing again at {temperature:g}") as advance:
            again = reconstruct(model, drawings, prepared=True, progress=advance, **options)
        out.append(compare_reconstructions(drawings, again, judge, temperature, bootstrap))
    return out


def _draw_options(wanted: Choices, temperature: float) -> dict[str, Any]:
    return {
        "temperature": temperature,
        "sampler": wanted.sampler,
        "options": wanted.options,
        "seed": wanted.seed,
    }


def _facts(model: SketchModel, held: HeldOut, wanted: Choices) -> dict[str, dict[str, Any]]:
    """The model, data and settings of a report."""
    card, data = model.card, held.data
    z = {"z_temperature": resolve_z_temperature(model, None)} if model.conditional else {}
    return {
        "model": {
            "name": card.name,
            "backend": model.backend,
            "classes": list(card.classes),
            "told_classes": model.labelled,
            "scale_factor": card.scale_factor,
            "max_length": card.max_length,
            "dtype": str(model.dtype).removeprefix("torch."),
            "device": model.device.type,
            "weights": model.weights_checksum(),
        },
        "data": {
            "name": data.path.resolve().name,
            "fingerprint": data.manifest.fingerprint,
            "split": wanted.split,
            "class": wanted.class_name,
            "available": held.available,
            "drawings": len(held),
            "scale_factor": data.scale_factor,
        },
        "settings": {
            **z,
            "seed": wanted.seed,
            "samples": wanted.samples,
            "temperatures": list(wanted.temperatures),
            "sampler": wanted.sampler,
            "options": dict(wanted.options),
            "bootstrap": wanted.resamples,
            "limit": wanted.limit,
        },
    }


def _versions() -> dict[str, str]:
    return {
        "sketchkit": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
    }


def _recogniser_facts(judge: Recogniser) -> dict[str, Any]:
    about = judge.about
    return {
        "version": about.version,
        "checksum": judge.checksum,
        "classes": list(about.known),
        "test_accuracy": about.test_accuracy,
        "test_drawings": about.test_drawings,
        "trained_on": about.trained_on,
        "notice": about.notice,
    }
