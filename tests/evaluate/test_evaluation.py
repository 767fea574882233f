"""Whole evaluations of small models: what a report holds, and that it hangs together."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from evaluate_parts import CLASSES, held_out, small_data, small_model

from sketchkit.card import ModelCard
from sketchkit.errors import InputError, PluginError
from sketchkit.evaluate import Choices, Figure, Report, evaluate, load_recogniser
from sketchkit.evaluate.heldout import score_drawings
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.training.data import Dataset

QUICK = Choices(samples=24, resamples=40, temperatures=(0.4,), seed=3)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return small_data(tmp_path_factory.mktemp("evaluation"))


@pytest.fixture(scope="module")
def told(shapes: Dataset) -> Report:
    """A decoder that is told the class."""
    return evaluate(small_model("decoder", CLASSES), shapes, QUICK)


@pytest.fixture(scope="module")
def remembered(shapes: Dataset) -> Report:
    """A conditional VAE."""
    return evaluate(small_model("vae"), shapes, replace(QUICK, temperatures=(0.3, 0.8)))


def _figures(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if set(value) == {"value", "low", "high"}:
            yield value
        else:
            for each in value.values():
                yield from _figures(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _figures(each)


@pytest.mark.parametrize("name", ["told", "remembered"])
def test_a_report_is_json_and_every_figure_lies_in_its_interval(
    name: str, request: pytest.FixtureRequest
) -> None:
    report: Report = request.getfixturevalue(name)
    values = json.loads(json.dumps(report.to_json(), allow_nan=False))
    figures = list(_figures(values))
    assert len(figures) > 30
    for figure in figures:
        assert figure["low"] <= figure["value"] + 1e-9 and figure["value"] <= figure["high"] + 1e-9
    assert values["format"] == "sketchkit-evaluation" and values["version"] == 1


def test_a_report_says_what_was_measured_and_with_what(told: Report, shapes: Dataset) -> None:
    assert told.model["name"] == "small decoder" and told.model["classes"] == list(CLASSES)
    assert told.data["fingerprint"] == shapes.manifest.fingerprint
    assert told.data["split"] == "test" and told.data["name"] == "shapes"
    assert told.data["drawings"] == told.data["available"] == len(shapes.split("test"))
    assert told.settings == {
        "seed": 3,
        "samples": 24,
        "temperatures": [0.4],
        "sampler": "temperature",
        "options": {},
        "bootstrap": 40,
        "limit": None,
    }
    assert told.recogniser is not None
    assert told.recogniser["checksum"] == load_recogniser().checksum
    assert {"sketchkit", "torch", "numpy", "python"} <= set(told.versions)


def test_equal_arguments_give_equal_reports_and_the_weights_are_known_by_their_checksum(
    told: Report, shapes: Dataset
) -> None:
    model = small_model("decoder", CLASSES)
    assert evaluate(model, shapes, QUICK) == told
    model.decoder.output.bias[0] += 0.5  # type: ignore[union-attr, operator]
    other = evaluate(model, shapes, replace(QUICK, samples=0))
    assert other.model["weights"] != told.model["weights"]
    assert other.likelihood.model != told.likelihood.model


def test_the_parts_of_a_likelihood_add_up(told: Report, shapes: Dataset) -> None:
    found = told.likelihood
    held = held_out(shapes)
    scores = score_drawings(small_model("decoder", CLASSES), held, shapes.max_length - 1)
    assert (found.drawings, found.points) == (len(held), int(held.lengths.sum()))
    assert found.nmax == shapes.max_length - 1  # the end row does not count
    assert found.published is None
    costs = found.model
    assert costs.per_point.value == pytest.approx(scores.total.sum() / held.lengths.sum())
    assert costs.per_point.value == pytest.approx(costs.offset_per_point.value + costs.pen_per_point.value)
    assert costs.per_drawing.value == pytest.approx(scores.total.mean())
    assert costs.l_r is not None and costs.l_s is not None and costs.l_p is not None
    assert costs.l_r.value == pytest.approx(costs.l_s.value + costs.l_p.value)
    inked = found.points - found.drawings
    shift = inked / found.points * 2 * math.log(25.0)
    assert costs.per_point_pixels.value == pytest.approx(costs.per_point.value + shift)
    assert found.baseline.per_point_pixels.value == pytest.approx(found.baseline.per_point.value + shift)
    assert found.mean_z is None and found.l_kl is None and found.bound is None
    assert told.reconstructions == ()


def test_a_constant_mixture_is_better_than_random_weights(told: Report) -> None:
    assert told.likelihood.baseline.per_point.value < told.likelihood.model.per_point.value


def test_a_conditional_model_has_a_divergence_a_bound_and_reconstructions(
    remembered: Report, shapes: Dataset
) -> None:
    found = remembered.likelihood
    assert found.mean_z is not None and found.l_kl is not None and found.bound is not None
    # Five latent dimensions: the bound adds five times L_KL a drawing.
    more = 5 * found.l_kl.value * found.drawings / found.points
    assert found.bound.value == pytest.approx(found.model.per_point.value + more)
    assert found.mean_z.per_point != found.model.per_point
    assert [each.temperature for each in remembered.samples] == [0.3, 0.8]
    assert [each.temperature for each in remembered.reconstructions] == [0.3, 0.8]
    assert remembered.reconstructions[0].drawings == min(24, len(shapes.split("test")))
    assert remembered.reconstructions[0].chamfer != remembered.reconstructions[1].chamfer


def test_nmax_divides_the_papers_loss_and_nothing_else(told: Report, shapes: Dataset) -> None:
    halved = evaluate(
        small_model("decoder", CLASSES), shapes, replace(QUICK, samples=0, nmax=2 * (shapes.max_length - 1))
    )
    ours, theirs = halved.likelihood.model, told.likelihood.model
    assert ours.l_r is not None and theirs.l_r is not None
    assert ours.l_r.value == pytest.approx(theirs.l_r.value / 2)
    assert ours.per_point == theirs.per_point


def test_without_samples_only_the_likelihood_is_measured(shapes: Dataset) -> None:
    report = evaluate(small_model("vae"), shapes, replace(QUICK, samples=0, resamples=0))
    assert report.samples == report.reconstructions == () and report.recogniser is None
    assert report.likelihood.model.per_point.low is None
    assert "Nothing was drawn." in report.to_markdown()


def test_drawings_of_unknown_classes_are_counted_and_not_compared(shapes: Dataset) -> None:
    model = small_model("decoder", ("sun", "pig"))
    report = evaluate(model, shapes, QUICK)
    suns = shapes.manifest.splits["test"].per_class[CLASSES.index("sun")]
    assert report.likelihood.unknown == len(shapes.split("test")) - suns
    assert report.samples[0].reference == suns // 2
    assert report.samples[0].nameable == 24
    assert "are of no class that the model knows" in report.to_markdown()


def test_one_class_can_be_measured_alone(shapes: Dataset) -> None:
    report = evaluate(small_model("decoder", CLASSES), shapes, replace(QUICK, class_name="sun", limit=5))
    assert report.data["class"] == "sun" and report.data["drawings"] == 5
    assert report.data["available"] == shapes.manifest.splits["test"].per_class[CLASSES.index("sun")]
    assert report.samples[0].nameable == 24
    # Two drawings against two are too few.
    assert report.samples[0].likeness is None


def test_a_model_that_always_ends_at_once_is_seen_through(shapes: Dataset) -> None:
    torch.manual_seed(0)
    card = ModelCard("hasty", scale_factor=25.0, max_length=60)
    model = DecoderModel(DecoderArchitecture(4, 2), card).requires_grad_(False).eval()
    model.decoder.output.bias[:3] = torch.tensor([-20.0, -20.0, 20.0])
    found = evaluate(model, shapes, QUICK).samples[0]
    assert found.ended.value == 1.0
    assert found.mean_length.samples.value == 1.0 < found.mean_length.held_out.value
    assert found.likeness is not None and found.held_out is not None
    assert found.likeness.frechet.value > found.held_out.frechet.value
    assert found.likeness.recall.value == 0.0
    # An unconditional model of no class cannot be expected to draw anything in particular.
    assert found.nameable == 0 and found.named is None


def test_every_stage_is_told(shapes: Dataset) -> None:
    seen: dict[str, list[tuple[int, int]]] = {}

    @contextmanager
    def stage(what: str) -> Iterator[Any]:
        seen[what] = []
        yield lambda done, total: seen[what].append((done, total))

    evaluate(small_model("vae"), shapes, QUICK, stage=stage)
    assert list(seen) == [
        "Scoring",
        "Scoring at the mean",
        "Fitting the constant mixture",
        "Drawing at 0.4",
        "Drawing again at 0.4",
    ]
    assert all(told[-1][0] == told[-1][1] for told in seen.values())


def test_evaluating_leaves_the_callers_threads_and_chance_alone(shapes: Dataset) -> None:
    torch.manual_seed(4)
    np.random.seed(4)
    before, numbers = torch.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[union-attr, index]
    evaluate(small_model_of_the_callers(), shapes, QUICK)
    assert torch.get_num_threads() == 1
    assert torch.equal(torch.get_rng_state(), before)
    assert np.random.get_state()[1].tolist() == numbers  # type: ignore[union-attr, index]


def small_model_of_the_callers() -> DecoderModel:
    with torch.random.fork_rng():
        model = small_model("decoder", CLASSES)
    assert isinstance(model, DecoderModel)
    return model


# --- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"samples": -1}, "samples must be 0 or more, got -1"),
        ({"limit": 0}, "limit must be 1 or more, got 0"),
        ({"resamples": -1}, "resamples must be 0 or more"),
        ({"nmax": 0}, "nmax must be 1 or more"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"temperatures": ()}, "samples need a temperature"),
        ({"temperatures": (0.5, -1.0)}, "temperature"),
        ({"options": {"temperature": 0.3}}, "not as an option of the sampler"),
        ({"options": {"k": 3}}, "has no option 'k'"),
    ],
)
def test_choices_that_make_no_sense_are_refused(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        Choices(**wrong)


def test_what_does_not_fit_the_data_or_the_model_is_refused(shapes: Dataset) -> None:
    with pytest.raises(InputError, match="does not draw 'sun'"):
        evaluate(small_model("decoder", ("pig",)), shapes, Choices(class_name="sun"))
    with pytest.raises(InputError, match="holds no class 'pig'"):
        evaluate(small_model("decoder"), shapes, Choices(class_name="pig"))
    with pytest.raises(PluginError, match="nobody"):
        Choices(sampler="nobody")


# --- Markdown -------------------------------------------------------------------------------------------


def test_markdown_has_a_table_for_everything(remembered: Report, told: Report) -> None:
    text = remembered.to_markdown()
    assert remembered._repr_markdown_() == text
    for words in (
        "# small vae on shapes",
        "| NLL per point ",
        "| L_R, pen (L_p)",
        "| L_KL ",
        "constant mixture",
        "## Samples at temperature 0.3",
        "## Samples at temperature 0.8",
        "| Frechet distance",
        "| precision",
        "## Reconstructions at temperature 0.8",
        "| Chamfer distance to the drawing",
        "Trained on the Quick, Draw! dataset",
    ):
        assert words in text, words
    assert text.endswith(".\n")
    assert "| named rightly (24 samples)" in told.to_markdown()
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 5
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_strangers_names_do_not_mark_up_the_document(shapes: Dataset) -> None:
    model = small_model("decoder").with_card(name="a|b\n# *c* <script>")
    heading = evaluate(model, shapes, replace(QUICK, samples=0)).to_markdown().splitlines()[0]
    assert heading == "# a\\|b\N{REPLACEMENT CHARACTER}\\# \\*c\\* \\<script\\> on shapes"


def test_figures_are_written_as_exactly_as_they_are_large() -> None:
    from sketchkit.evaluate.markdown import _number, _share

    assert _number(Figure(0.81234, 0.79, 0.83)) == "0.812 [0.790, 0.830]"
    assert _number(Figure(1234.56)) == "1235"
    assert _number(Figure(-12.345, -13, -11.5)) == "-12.35 [-13.00, -11.50]"
    assert _number(Figure(0.012345), 4) == "0.0123"
    assert _number(None) == "-"
    assert _share(Figure(0.5, 0.25, 1.0)) == "50.0 % [25.0, 100.0]"


def test_the_path_of_a_data_set_may_be_relative(shapes: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shapes.path)
    here = Dataset.open(Path("."))
    assert evaluate(small_model("decoder"), here, replace(QUICK, samples=0)).data["name"] == "shapes"
