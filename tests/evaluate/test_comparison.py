"""Samples and reconstructions beside held-out drawings, on sets whose answer is plain."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from evaluate_parts import CLASSES, held_out, small_data, small_model

from sketchkit.evaluate.comparison import (
    Drawings,
    Reference,
    choose_labels,
    compare_reconstructions,
    compare_samples,
    other_of_class,
)
from sketchkit.evaluate.heldout import HeldOut
from sketchkit.evaluate.recogniser import load_recogniser
from sketchkit.evaluate.report import SampleFigures
from sketchkit.evaluate.statistics import Bootstrap
from sketchkit.geometry import chamfer, unit_outline
from sketchkit.sketch import Sketch
from sketchkit.training.data import synth

B = Bootstrap(60)


def _drawings(n: int, seed: int = 0, classes: tuple[str, ...] = CLASSES) -> list[Sketch]:
    return list(synth(n, seed=seed, classes=classes))


def _looked(sketches: list[Sketch]) -> Drawings:
    return Drawings.of(sketches, load_recogniser())


def _compared(
    sampled: Drawings, ended: list[bool], reference: Reference, temperature: float
) -> SampleFigures:
    return compare_samples(sampled, ended, reference, temperature, B, load_recogniser().classes)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> HeldOut:
    return held_out(small_data(tmp_path_factory.mktemp("compared")))


# --- which classes --------------------------------------------------------------------------------------


def test_samples_show_the_classes_as_often_as_the_held_out_drawings(held: HeldOut) -> None:
    counts, model = Counter(held.labels), small_model("decoder", (*CLASSES, "pig"))
    for n in (1, 7, 100):
        labels = choose_labels(model, held, n, seed=1)
        assert len(labels) == n
        for name, count in Counter(labels).items():
            assert name is not None
            assert abs(count - n * counts[name] / len(held)) < 1
    assert labels != choose_labels(model, held, 100, seed=2)
    assert labels == choose_labels(model, held, 100, seed=1)
    # They are mixed, so that the first of them are like all.
    assert len(set(labels[:15])) == 3


def test_only_what_a_model_knows_is_asked_of_it(held: HeldOut) -> None:
    assert set(choose_labels(small_model("decoder", ("sun", "pig")), held, 9, 0)) == {"sun"}
    assert choose_labels(small_model("decoder", ("pig",)), held, 2, 0) == [None, None]
    assert choose_labels(small_model("decoder"), held, 2, 0) == [None, None]


# --- samples --------------------------------------------------------------------------------------------


def test_the_two_halves_are_all_drawings_once() -> None:
    looked = _looked(_drawings(31))
    reference = Reference.of(looked, seed=3)
    assert (len(reference.half), len(reference.others), len(reference.all)) == (15, 16, 31)
    together = np.concatenate([reference.half.seen.features, reference.others.seen.features])
    np.testing.assert_array_equal(np.sort(together, 0), np.sort(looked.seen.features, 0))


def test_held_out_drawings_that_pose_as_samples_are_as_good_as_held_out_drawings() -> None:
    sketches = _drawings(60)
    reference = Reference.of(_looked(sketches), seed=0)
    found = _compared(reference.others, [True] * 30, reference, 0.5)
    assert found.likeness == found.held_out
    assert found.ended.value == 1.0
    assert (found.drawings, found.reference, found.temperature) == (30, 30, 0.5)


def test_drawings_of_another_thing_are_told_from_the_held_out_ones() -> None:
    reference = Reference.of(_looked(_drawings(80, classes=("face",))), seed=0)
    faces, suns = (_looked(_drawings(40, 7, (name,))) for name in ("face", "sun"))
    good, bad = (_compared(some, [True] * 40, reference, 0.5) for some in (faces, suns))
    assert good.likeness is not None and bad.likeness is not None and bad.held_out is not None
    assert bad.likeness.frechet.value > 3 * good.likeness.frechet.value
    assert bad.likeness.frechet.value > 3 * bad.held_out.frechet.value
    assert bad.likeness.precision.value < 0.3 < good.likeness.precision.value
    assert bad.likeness.recall.value < 0.3 < good.likeness.recall.value


def test_lengths_and_strokes_are_counted_without_the_end() -> None:
    sketches = _drawings(12)
    found = _compared(
        _looked(sketches[:5]), [True, True, True, False, False], Reference.of(_looked(sketches), 0), 1.0
    )
    assert found.mean_length.samples.value == pytest.approx(np.mean([len(s.points) for s in sketches[:5]]))
    assert found.median_length.held_out.value == np.median([len(s.points) for s in sketches])
    assert found.mean_strokes.held_out.value == pytest.approx(np.mean([s.n_strokes for s in sketches]))
    assert found.ended.value == pytest.approx(0.6)
    assert found.likeness is not None
    assert found.likeness.drawings == 5


def test_what_the_recogniser_does_not_know_it_is_not_asked() -> None:
    known, unknown = _drawings(6, classes=("face",)), _drawings(6, classes=("cup",))
    looked = _looked(known + unknown)
    assert load_recogniser().index("cup") == -1
    found = _compared(looked, [True] * 12, Reference.of(looked, 0), 1.0)
    assert found.nameable == 6 and found.named is not None
    assert found.named.samples.value == np.mean(_looked(known).rightly_named)
    nothing = _compared(_looked(unknown), [True] * 6, Reference.of(_looked(unknown), 0), 1.0)
    assert nothing.nameable == 0 and nothing.named is None


def test_every_class_counts_alike_in_the_mean_over_the_classes() -> None:
    real = _drawings(20, classes=("face", "sun"))
    faces, suns = _drawings(30, 7, ("face",)), _drawings(3, 7, ("sun",))
    wrong = [sketch.labelled("sun") for sketch in _drawings(6, 9, ("car",))]
    ended = [True] * 33 + [False] * 6
    found = _compared(_looked(faces + suns + wrong), ended, Reference.of(_looked(real), 0), 0.5)
    face, sun = found.classes
    assert (face.name, face.samples, face.ended, face.held_out) == ("face", 30, 1.0, 10)
    assert (sun.name, sun.samples, sun.ended, sun.held_out) == ("sun", 9, pytest.approx(1 / 3), 10)
    assert sun.named < 0.5 < face.named
    assert found.class_mean is not None and found.named is not None
    ours, theirs = found.class_mean
    assert ours == pytest.approx((face.named + sun.named) / 2) and ours < found.named.samples.value
    assert face.held_out_named is not None and sun.held_out_named is not None
    assert theirs == pytest.approx((face.held_out_named + sun.held_out_named) / 2)
    none = _compared(
        _looked(faces), [True] * 30, Reference.of(_looked(_drawings(6, classes=("cup",))), 0), 1.0
    )
    assert none.class_mean == (none.classes[0].named, None)


def test_too_few_drawings_have_no_distances() -> None:
    looked = _looked(_drawings(6))
    found = _compared(looked, [True] * 6, Reference.of(looked, 0), 1.0)
    assert found.likeness is None and found.held_out is None
    assert found.mean_length.samples == found.mean_length.held_out


# --- reconstructions ------------------------------------------------------------------------------------


def test_an_outline_of_unit_size_does_not_know_where_and_how_large_the_drawing_was() -> None:
    for sketch in _drawings(3):
        points = unit_outline(sketch)
        extent = np.ptp(points, axis=0)
        assert 0.95 < np.hypot(*extent) <= 1.0  # the ends of lines are not among the points
        np.testing.assert_allclose(points.min(0) + points.max(0), 0.0, atol=0.02)
        moved = unit_outline(sketch.transformed(7.5, (300.0, -20.0)))
        assert chamfer(points, moved) < 1e-4
    assert unit_outline(Sketch.from_polylines([[(9, 9)]])).tolist() == [[0.0, 0.0]]
    assert unit_outline(Sketch.from_polylines([])).shape == (0, 2)


def test_the_other_drawing_is_of_the_same_class_and_never_the_same() -> None:
    labels = ["a", "b", "a", "c", "b", "a"]
    others = other_of_class(labels, seed=2)
    assert others[3] == -1
    for i, j in enumerate(others.tolist()):
        assert j == -1 or (i != j and labels[i] == labels[j])
    assert others.tolist() == other_of_class(labels, seed=2).tolist()


def test_a_perfect_memory_has_no_distance_and_a_stranger_has_some() -> None:
    sketches = _drawings(24)
    perfect = compare_reconstructions(sketches, sketches, load_recogniser(), 0.25, B)
    assert perfect.chamfer.value == 0.0
    assert perfect.chamfer_other is not None and perfect.chamfer_other.value > 0.01
    assert perfect.named is not None and perfect.named.samples == perfect.named.held_out
    assert (perfect.drawings, perfect.nameable, perfect.ended.value) == (24, 24, 1.0)
    turned = sketches[1:] + sketches[:1]  # each "reconstructed" as a drawing of another class
    wrong = compare_reconstructions(sketches, turned, load_recogniser(), 0.25, B)
    assert wrong.chamfer.value > perfect.chamfer_other.value
    assert wrong.named is not None and wrong.named.samples.value < 0.2


def test_drawings_without_another_of_their_class_have_nothing_beside_them(tmp_path: Path) -> None:
    lone = [_drawings(1, classes=(name,))[0] for name in ("cup", "boat")]
    found = compare_reconstructions(lone, lone, load_recogniser(), 0.25, B)
    assert found.chamfer_other is None and found.named is None and found.nameable == 0
