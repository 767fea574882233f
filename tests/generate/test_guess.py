"""What beginnings are taken for, and endings as the classes that were guessed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import sketchkit
from sketchkit import Sketch
from sketchkit.card import ModelCard
from sketchkit.errors import InputError
from sketchkit.evaluate import load_recogniser
from sketchkit.generate import Guess, guess_classes
from sketchkit.generate.guess import share_classes
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.training.data import synth

GUESSES = [Guess("face", 0.6), Guess("sun", 0.3), Guess("apple", 0.08), Guess("car", 0.02)]


@pytest.fixture(scope="module")
def doodle() -> SketchModel:
    return sketchkit.load_model("doodle", device="cpu")


def begun(name: str, seed: int) -> Sketch:
    [drawing] = synth(1, seed=seed, classes=[name])
    lines = drawing.to_polylines()
    return Sketch.from_polylines(lines[: max(1, len(lines) - 1)])


def test_endings_are_share_classes_by_chance_and_do_not_depend_on_their_number() -> None:
    many = share_classes(GUESSES, 300)
    assert Counter(many)["face"] == pytest.approx(200, abs=3) and Counter(many)["sun"] == pytest.approx(
        100, abs=3
    )
    for n in (1, 2, 9):
        assert share_classes(GUESSES, n) == many[:n]
    assert many[0] == "face" and "sun" in many[:9]
    assert share_classes([Guess("a", 0.05)] * 20, 2) == ["a", "a"]
    assert share_classes(GUESSES, 0) == []


def test_beginnings_of_known_things_are_known(doodle: SketchModel) -> None:
    names = ["face", "sun", "car"] * 3
    found = guess_classes(doodle, [begun(name, seed) for seed, name in enumerate(names)])
    for each in found:
        assert sum(guess.chance for guess in each) == pytest.approx(1.0)
        assert [g.chance for g in each] == sorted((g.chance for g in each), reverse=True)
        assert len({g.class_name for g in each}) == len(each) and each[0].class_name in doodle.card.classes
    right = sum(name in [g.class_name for g in each[:3]] for name, each in zip(names, found, strict=True))
    assert right >= 7


def test_a_guess_depends_on_neither_place_size_nor_neighbours(doodle: SketchModel) -> None:
    face, car = begun("face", 1), begun("car", 2)
    both = guess_classes(doodle, [face, car])
    [alone] = guess_classes(doodle, [face.transformed(0.25, (40.0, -7.0))])
    assert [g.class_name for g in alone[:3]] == [g.class_name for g in both[0][:3]]
    assert alone[0].chance == pytest.approx(both[0][0].chance, abs=0.02)


def test_endings_are_of_the_guessed_classes(doodle: SketchModel) -> None:
    face, car = begun("face", 1), begun("car", 2)
    several = sketchkit.complete(doodle, [face, car], 6, 0.3, class_name="auto")
    for endings in several:
        assert [e.class_name for e in endings] == share_classes(endings.guesses, 6)
        assert [e.index for e in endings] == list(range(6))
    told = sketchkit.complete(doodle, face, 6, 0.3, class_name=several[0][0].class_name)
    assert told.guesses == ()
    same = [e for e in several[0] if e.class_name == several[0][0].class_name]
    for ending in same:
        assert told[ending.index].nll_per_point == pytest.approx(ending.nll_per_point, rel=1e-3)
        assert told[ending.index].scale == ending.scale
    assert sketchkit.complete(doodle, face, 0, class_name="auto") == []
    [inside] = sketchkit.complete(doodle, face, 1, class_name="auto", region=(-400, -400, 1200, 1200))
    assert inside.class_name == several[0].guesses[0].class_name


def test_endings_begin_at_any_index(doodle: SketchModel) -> None:
    face = begun("face", 1)
    five = sketchkit.complete(doodle, face, 5, class_name="auto", exact=True)
    later = sketchkit.complete(doodle, face, 2, class_name="auto", exact=True, first=3)
    assert [each.index for each in later] == [3, 4]
    for one, other in zip(later, five[3:], strict=True):
        assert one.class_name == other.class_name and (one.sketch.stroke5 == other.sketch.stroke5).all()
    with pytest.raises(InputError, match="first"):
        sketchkit.complete(doodle, face, 2, first=1, region=(-400, -400, 1200, 1200))


def beginnings() -> dict[str, Sketch]:
    folder = Path(__file__).parents[2] / "examples" / "beginnings"
    return {path.stem.replace("-", " "): sketchkit.read(path) for path in sorted(folder.glob("*.svg"))}


def test_beginnings_by_hand_are_taken_for_what_they_are(doodle: SketchModel) -> None:
    drawn = beginnings()
    found = dict(zip(drawn, guess_classes(doodle, list(drawn.values())), strict=True))
    known = drawn.keys() & set(doodle.card.classes)
    assert len(known) == 12 and len(drawn) == 20
    assert sum(found[name][0].class_name == name for name in known) >= 11
    doubtful, unlike = (
        {name for name, guesses in found.items() if guesses.unlike is not None and guesses.unlike > least}
        for least in (0.25, 0.5)
    )
    assert len(doubtful & known) <= 1 and len(doubtful - known) >= 6
    assert not unlike & known and len(unlike) >= 4
    others = {name: [each.class_name for each in guesses.others] for name, guesses in found.items()}
    assert all(not {*names} & {*doodle.card.classes} for names in others.values())
    assert sum(name in others[name][:2] for name in ("cat", "fish", "flower", "house", "tree")) >= 4


def test_of_a_model_of_new_classes_nothing_is_said_to_be_unlike() -> None:
    classes = ("face", "zeppelin", "sun")
    card = ModelCard(name="new", scale_factor=30.0, max_length=50, classes=classes)
    model = DecoderModel(DecoderArchitecture(hidden=16, mixtures=2, classes=3, embedding=4), card)
    [guesses] = guess_classes(model, [begun("face", 1)])
    assert guesses.unlike is None and {each.class_name for each in guesses} == set(classes)
    assert sum(each.chance for each in guesses) == pytest.approx(1.0)


def test_dots_alone_are_finished_as_something(doodle: SketchModel) -> None:
    dots = Sketch.from_polylines([[[3.0, 3.0]], [[9.0, 3.0]]])
    assert len(sketchkit.complete(doodle, dots, 2, class_name="auto", max_points=20)) == 2


def test_a_model_without_classes_guesses_none(tiny_model: SketchModel) -> None:
    with pytest.raises(InputError, match="told no classes"):
        guess_classes(tiny_model, [begun("face", 1)])


def test_a_wheel_is_a_part_of_a_car_and_a_face_is_a_whole_face(doodle: SketchModel) -> None:
    angles = np.linspace(0, 2 * np.pi, 40)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    wheel = Sketch.from_polylines([80 + 26 * ring])
    face = Sketch.from_polylines([100 + 80 * ring, np.array([72, 80]) + 8 * ring])
    for drawing, name, low, high in ((wheel, "car", 0.1, 0.5), (face, "face", 0.7, 1.4)):
        [ending] = sketchkit.complete(doodle, drawing, 1, class_name=name)
        x0, _, x1, _ = drawing.bounds
        assert low < ending.scale * (x1 - x0) / 255 < high


def test_the_part_that_is_there_says_the_scale(doodle: SketchModel) -> None:
    square = Sketch.from_polylines([[(0, 0), (50, 0), (50, 40), (0, 40), (0, 0)]])
    [ending] = sketchkit.complete(doodle, square, 1, class_name="suitcase", part=0.5)
    assert ending.scale == pytest.approx(0.5 * 255 / 50)
    for part in (0, 1.5, "half", True, float("nan")):
        with pytest.raises(InputError, match="part"):
            sketchkit.complete(doodle, square, 1, part=part)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="both say"):
        sketchkit.complete(doodle, square, 1, scale=1.0, part=0.5)


def test_parts_by_hand_end_as_wholes(doodle: SketchModel) -> None:
    meant = {
        "car-wheel": "car",
        "rabbit-ear": "rabbit",
        "cup-handle": "coffee cup",
        "butterfly-wing": "butterfly",
        "face-eye": "face",
        "ice-cream-cone": "ice cream",
        "palm-leaf": "palm tree",
        "candle-flame": "candle",
        "bicycle-wheel": "bicycle",
        "sheep-leg": "sheep",
    }
    folder, judge = Path(__file__).parents[2] / "examples" / "beginnings" / "parts", load_recogniser()
    wholes = 0
    for part, name in meant.items():
        endings = sketchkit.complete(
            doodle, sketchkit.read(folder / f"{part}.svg"), 6, class_name=name, sampler="critic"
        )
        wholes += int((judge.look([each.sketch for each in endings]).named == judge.index(name)).sum() >= 4)
    assert wholes >= 7
