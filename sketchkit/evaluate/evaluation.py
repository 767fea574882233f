"""A whole evaluation: score held-out drawings, draw samples, draw drawings again, and compare."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from sketchkit._version import __version__
from sketchkit.devices import one_thread
from sketchkit.evaluate.baseline import ConstantMixture, fit_constant
from sketchkit.evaluate.bootstrap import Bootstrap
from sketchkit.evaluate.choices import Choices
from sketchkit.evaluate.heldout import HeldOut
from sketchkit.evaluate.likelihood import Scores, class_indices, score_drawings
from sketchkit.evaluate.published import published_of
from sketchkit.evaluate.recogniser import Recogniser, load_recogniser
from sketchkit.evaluate.reconstructions import ReconstructionFigures, compare_pairs
from sketchkit.evaluate.report import Costs, Likelihood, Report
from sketchkit.evaluate.samples import Drawings, Reference, SampleFigures, compare, wanted_labels
from sketchkit.generate import reconstruct, sample
from sketchkit.latent import resolve_z_temperature
from sketchkit.models import SketchModel
from sketchkit.training.data import Dataset

__all__ = ["Stage", "evaluate"]

#: Called with what begins; a context that yields what takes (done, in all).
Stage = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]


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
    """Hold a model against drawings that it has not seen.

    Args:
        model: any; a conditional one needs an encoder, and draws samples from the prior.
        data: the data set; its train split is what the constant mixture is fitted to.
        choices: what to measure; the defaults when None.
        recogniser: that judges looks; the one that comes with the package when None.
        stage: told what is being done, and how far it is.

    Returns:
        The report. Equal arguments give equal reports on one kind of machine.

    Raises:
        InputError: a choice that does not fit the data or the model.
        PluginError: an unknown sampler.
        CheckpointError: a recogniser that cannot be read.
    """
    wanted = choices or Choices()
    if wanted.class_name is not None and model.labelled:
        model.label_index(wanted.class_name)
    held = HeldOut.choose(
        data, wanted.split, class_name=wanted.class_name, limit=wanted.limit, seed=wanted.seed
    )
    if wanted.class_name is not None:
        wanted = replace(wanted, class_name=held.labels[0])  # as the data set calls it
    bootstrap = Bootstrap(wanted.resamples, wanted.seed)
    judge = (recogniser or load_recogniser()) if wanted.samples else None
    likelihood = None if model.draws_wholes else _likelihood(model, held, wanted, bootstrap, stage)
    samples: list[SampleFigures] = []
    again: list[ReconstructionFigures] = []
    if judge is not None:
        comparable = _comparable(model, held)
        samples = _samples(model, comparable, judge, wanted, bootstrap, stage)
        if model.conditional:
            again = _reconstructions(model, comparable, judge, wanted, bootstrap, stage)
    return Report(
        model=_described(model),
        data=_held_out(held, wanted),
        settings=_settings(model, wanted),
        versions=_versions(),
        recogniser=None if judge is None else _judge(judge),
        likelihood=likelihood,
        samples=tuple(samples),
        reconstructions=tuple(again),
    )


# --- likelihood -----------------------------------------------------------------------------------------


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
        baseline=_constant_costs(constant, held, scores, bootstrap),
        published=published_of(held.labels),
    )


def _costs(scores: Scores, scale: float, b: Bootstrap) -> Costs:
    return Costs(
        per_point=b.ratio(scores.total, scores.rows),
        offset_per_point=b.ratio(scores.offset, scores.rows),
        pen_per_point=b.ratio(scores.pen, scores.rows),
        per_point_pixels=b.ratio(scores.total + scores.inked * 2.0 * np.log(scale), scores.rows),
        per_drawing=b.mean(scores.total),
        l_r=b.mean(scores.l_s + scores.l_p),
        l_s=b.mean(scores.l_s),
        l_p=b.mean(scores.l_p),
    )


def _constant_costs(constant: ConstantMixture, held: HeldOut, scores: Scores, b: Bootstrap) -> Costs:
    offset, pen = constant.score(held)
    in_pixels = offset + pen + scores.inked * 2.0 * np.log(constant.scale_factor)
    return Costs(
        per_point=b.ratio(offset + pen, scores.rows),
        offset_per_point=b.ratio(offset, scores.rows),
        pen_per_point=b.ratio(pen, scores.rows),
        per_point_pixels=b.ratio(in_pixels, scores.rows),
        per_drawing=b.mean(offset + pen),
    )


# --- what is drawn --------------------------------------------------------------------------------------


def _comparable(model: SketchModel, held: HeldOut) -> HeldOut:
    """The held-out drawings of classes that a model can be told to draw, where it can be told at all."""
    classes = class_indices(model, held)
    known = None if classes is None else classes < len(model.card.classes)
    if known is None or not known.any():
        return held
    return held.only(known)


def _samples(
    model: SketchModel, held: HeldOut, judge: Recogniser, wanted: Choices, bootstrap: Bootstrap, stage: Stage
) -> list[SampleFigures]:
    reference = Reference.of(Drawings.of(held.sketches(), judge), wanted.seed)
    labels = wanted_labels(model, held, wanted.samples, wanted.seed)
    out = []
    for temperature in wanted.temperatures:
        with stage(f"Drawing at {temperature:g}") as advance:
            sketches = sample(
                model, wanted.samples, class_name=labels, progress=advance, **_drawing(wanted, temperature)
            )
        ended = [sketch.ended for sketch in sketches]
        out.append(
            compare(Drawings.of(sketches, judge), ended, reference, temperature, bootstrap, judge.classes)
        )
    return out


def _reconstructions(
    model: SketchModel, held: HeldOut, judge: Recogniser, wanted: Choices, bootstrap: Bootstrap, stage: Stage
) -> list[ReconstructionFigures]:
    places = np.random.default_rng(wanted.seed).permutation(len(held))[: wanted.samples]
    drawings = held.only(np.sort(places)).sketches()
    out = []
    for temperature in wanted.temperatures:
        with stage(f"Drawing again at {temperature:g}") as advance:
            again = reconstruct(
                model, drawings, prepared=True, progress=advance, **_drawing(wanted, temperature)
            )
        out.append(compare_pairs(drawings, again, judge, temperature, bootstrap))
    return out


def _drawing(wanted: Choices, temperature: float) -> dict[str, Any]:
    return {
        "temperature": temperature,
        "sampler": wanted.sampler,
        "options": wanted.options,
        "seed": wanted.seed,
    }


# --- what is said of it all -----------------------------------------------------------------------------


def _described(model: SketchModel) -> dict[str, Any]:
    card = model.card
    return {
        "name": card.name,
        "backend": model.backend,
        "classes": list(card.classes),
        "told_classes": model.labelled,
        "scale_factor": card.scale_factor,
        "max_length": card.max_length,
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": model.device.type,
        "weights": model.weights_checksum(),
    }


def _held_out(held: HeldOut, wanted: Choices) -> dict[str, Any]:
    return {
        "name": held.data.path.resolve().name,
        "fingerprint": held.data.manifest.fingerprint,
        "split": wanted.split,
        "class": wanted.class_name,
        "available": held.available,
        "drawings": len(held),
        "scale_factor": held.data.scale_factor,
    }


def _settings(model: SketchModel, wanted: Choices) -> dict[str, Any]:
    z = {"z_temperature": resolve_z_temperature(model, None)} if model.conditional else {}
    return {
        **z,
        "seed": wanted.seed,
        "samples": wanted.samples,
        "temperatures": list(wanted.temperatures),
        "sampler": wanted.sampler,
        "options": dict(wanted.options),
        "bootstrap": wanted.resamples,
        "limit": wanted.limit,
    }


def _versions() -> dict[str, str]:
    return {
        "sketchkit": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
    }


def _judge(recogniser: Recogniser) -> dict[str, Any]:
    about = recogniser.about
    return {
        "version": about.version,
        "checksum": recogniser.checksum,
        "classes": list(about.known),
        "test_accuracy": about.test_accuracy,
        "test_drawings": about.test_drawings,
        "trained_on": about.trained_on,
        "notice": about.notice,
    }
