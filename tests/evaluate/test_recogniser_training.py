"""Training a recogniser: it learns, by the seed alone, from drawings that are never twice the same."""

from __future__ import annotations

import runpy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluate_parts import CLASSES, small_data

from sketchkit.critic.raster import SIZE, Lines, draw, fit_lines
from sketchkit.errors import InputError
from sketchkit.evaluate.flaws import add_flaws
from sketchkit.evaluate.heldout import sketches_of
from sketchkit.evaluate.recogniser import Recogniser, load_recogniser
from sketchkit.evaluate.recogniser_training import (
    RecogniserRecipe,
    WeightedDataset,
    describe_recogniser,
    distort,
    measure_accuracy,
    train_recogniser,
)
from sketchkit.training.data import Dataset, prepare_sketches, synth

SHORT = RecogniserRecipe(network="plain", steps=30, batch=24, average=0.9)
#: What is enough for each network to tell three shapes apart; the residual one needs more updates.
ENOUGH = (SHORT, replace(SHORT, network="residual", steps=50, batch=12, average=0.8))
SCRIPT = Path(__file__).parents[2] / "examples" / "train_recogniser.py"


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return small_data(tmp_path_factory.mktemp("school"), 240)


@pytest.mark.parametrize("recipe", ENOUGH, ids=lambda recipe: recipe.network)
def test_a_short_schooling_is_enough_for_three_shapes(shapes: Dataset, recipe: RecogniserRecipe) -> None:
    losses: list[float] = []
    net = train_recogniser(shapes, recipe, lambda done, total, loss: losses.append(loss))
    recogniser = Recogniser(net, describe_recogniser(shapes, recipe, "test", (0.0, 0.0, 0)))
    right, by_class, drawings = measure_accuracy(recogniser, shapes)
    assert drawings == len(shapes.split("test"))
    assert right > 0.85 and by_class > 0.85
    assert len(losses) == recipe.steps and losses[-1] < losses[0]


def test_drawings_with_flaws_are_classes_of_their_own(shapes: Dataset) -> None:
    recipe = replace(SHORT, flaws=True, steps=60)
    recogniser = Recogniser(
        train_recogniser(shapes, recipe), describe_recogniser(shapes, recipe, "test", (0.0, 0.0, 0))
    )
    names = (*sorted(CLASSES), *(f"flawed {name}" for name in sorted(CLASSES)))
    assert recogniser.about.classes == recogniser.about.known == names
    drawings = sketches_of(shapes, shapes.split("test"), np.arange(len(shapes.split("test"))))
    lines = Lines.of(drawings)
    with_flaws = draw(fit_lines(add_flaws(lines, np.random.default_rng(0)), 48))
    found = [
        recogniser.net(torch.from_numpy(each))[1].softmax(1)[:, 3:].sum(1)
        for each in (draw(fit_lines(lines)), with_flaws)
    ]
    assert found[1].mean() > found[0].mean() + 0.1


def test_the_seed_alone_decides(shapes: Dataset) -> None:
    def trained(seed: int) -> list[torch.Tensor]:
        net = train_recogniser(shapes, RecogniserRecipe(steps=2, batch=6, seed=seed))
        return list(net.state_dict().values())  # type: ignore[attr-defined]

    torch.manual_seed(0)
    first, before = trained(1), torch.get_rng_state()
    torch.manual_seed(99)
    again, other = trained(1), trained(2)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), before)


def test_who_alters_a_drawing_leaves_it_whole_and_in_the_picture() -> None:
    lines = fit_lines(Lines.of(list(synth(40, seed=6))))
    changed = distort(lines, np.random.default_rng(1), SIZE)
    assert changed.points.shape == lines.points.shape
    assert not np.allclose(changed.points, lines.points, atol=1.0)
    outside = (changed.points < -9) | (changed.points > SIZE + 8)
    assert not outside.any()
    # Trembling and all, as much ink is seen as before, give or take.
    before, after = draw(lines).sum((1, 2, 3)), draw(changed).sum((1, 2, 3))
    assert (np.abs(after / before - 1) < 0.35).all()
    same = distort(lines, np.random.default_rng(1), SIZE)
    np.testing.assert_array_equal(same.points, changed.points)


def test_the_learning_rate_rises_and_falls() -> None:
    recipe = RecogniserRecipe(steps=100, rate=1.0)
    rates = [recipe.learning_rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.2) and rates[5] == pytest.approx(1.0)
    assert rates[:5] == sorted(rates[:5]) and rates[5:] == sorted(rates[5:], reverse=True)
    assert rates[-1] < 0.01


def test_datasets_of_little_weight_are_seldom_taken_and_cannot_be_named(
    shapes: Dataset, tmp_path: Path
) -> None:
    others = prepare_sketches(synth(60, seed=3, classes=["cup", "sun"]), tmp_path / "others")
    datasets = [WeightedDataset(shapes), WeightedDataset(others, 0.01)]
    about = describe_recogniser(datasets, SHORT, "x", (0.0, 0.0, 0), known=CLASSES, views=3)
    assert about.classes == tuple(sorted({*CLASSES, "cup"})) and about.known == CLASSES
    recogniser = Recogniser(train_recogniser(datasets, SHORT), about)
    assert measure_accuracy(recogniser, shapes)[0] > 0.8
    cups = list(synth(9, seed=5, classes=["cup"]))
    assert {recogniser.classes[i] for i in recogniser.look(cups).named} <= set(CLASSES)


def test_one_class_is_nothing_to_tell_apart(tmp_path: Path) -> None:
    data = prepare_sketches(synth(20, classes=["sun"]), tmp_path / "suns")
    with pytest.raises(InputError, match="two classes or more"):
        train_recogniser(data, SHORT)
    with pytest.raises(InputError, match="invalid training of a recogniser"):
        RecogniserRecipe(steps=0)
    stranger = Recogniser(
        load_recogniser().net, describe_recogniser(small_data(tmp_path), SHORT, "x", (0.0, 0.0, 0))
    )
    with pytest.raises(InputError, match="no drawings of a class that the recogniser knows"):
        measure_accuracy(stranger, prepare_sketches(synth(40, classes=["cup"]), tmp_path / "cups"), "train")


def test_the_example_trains_measures_and_writes(
    shapes: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "own.safetensors"
    more = ["--steps", "3", "--seed", "4", "--version", "own", "--views", "2"]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), f"{shapes.path}=2", "-o", str(out), *more])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    said, progress = capsys.readouterr()
    about = load_recogniser(out).about
    assert about.classes == CLASSES and about.seed == 4 and about.version == "own"
    assert about.views == 2
    assert about.trained_on.endswith(shapes.manifest.fingerprint)
    assert said.startswith(f"{about.test_accuracy:.4f} of {about.test_drawings} test drawings")
    assert "3/3 steps" in progress
