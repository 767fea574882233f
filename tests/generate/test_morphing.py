"""Drawings between drawings."""

from __future__ import annotations

import numpy as np
import pytest

import sketchkit as sk
from sketchkit.errors import InputError
from sketchkit.generate import morphing, morphs
from sketchkit.latent import encode
from sketchkit.models import SketchModel
from sketchkit.models.vae import VaeModel
from sketchkit.sketch import Sketch
from sketchkit.training.data import synth


@pytest.fixture(scope="module")
def drawings() -> list[Sketch]:
    return [sketch.labelled(None) for sketch in synth(12, seed=3)]


def _alike(a: Sketch, b: Sketch) -> bool:
    """Whether two drawings differ by no more than the rounding of products with other neighbours."""
    return a.stroke5.shape == b.stroke5.shape and bool(np.allclose(a.stroke5, b.stroke5, atol=1e-3))


def test_a_way_begins_and_ends_with_reconstructions(tiny_vae: VaeModel, drawings: list[Sketch]) -> None:
    way = sk.interpolate(tiny_vae, drawings[:2], 5)
    assert len(way) == 5
    mu, _ = encode(tiny_vae, drawings[:2])
    ends = sk.sample(tiny_vae, 2, 0.1, z=mu, index=[0, 0])
    assert all(map(_alike, [way[0], way[-1]], ends))
    assert len({sketch.stroke5.tobytes() for sketch in way}) == 5


def test_all_of_a_way_meet_the_same_chance(tiny_vae: VaeModel, drawings: list[Sketch]) -> None:
    way = sk.interpolate(tiny_vae, [drawings[0], drawings[0]], 4, 1.0)
    assert all(np.array_equal(sketch.stroke5, way[0].stroke5) for sketch in way)
    z = np.repeat(encode(tiny_vae, drawings[:1])[0], 4, axis=0)
    by_chance = sk.sample(tiny_vae, 4, 1.0, z=z)
    assert len({sketch.stroke5.tobytes() for sketch in by_chance}) > 1


def test_a_way_may_pass_by_others(tiny_vae: VaeModel, drawings: list[Sketch]) -> None:
    way = sk.interpolate(tiny_vae, drawings[:3], 5, path="lerp")
    between = sk.interpolate(tiny_vae, [drawings[1], drawings[2]], 3, path="lerp")
    assert all(map(_alike, way[2:], between))


def test_all_that_are_passed_by_are_seen(tiny_vae: VaeModel, drawings: list[Sketch]) -> None:
    way = sk.interpolate(tiny_vae, drawings[:3], 4, path="lerp")
    again = sk.sample(tiny_vae, 3, 0.1, z=sk.encode(tiny_vae, drawings[:3])[0], index=np.zeros(3, np.int64))
    assert all(map(_alike, [way[0], way[2], way[3]], again))


def test_a_grid_has_its_corners_in_the_corners(tiny_vae: VaeModel, drawings: list[Sketch]) -> None:
    made = sk.grid(tiny_vae, drawings[:4], (3, 5))
    assert len(made) == 15
    ends = [sk.interpolate(tiny_vae, [each, each], 2)[0] for each in drawings[:4]]
    assert all(map(_alike, [made[0], made[2], made[12], made[14]], ends))


def test_an_analogy_of_a_drawing_with_itself_is_the_third(tiny_vae: VaeModel, drawings: list[Sketch]) -> None:
    a, _, c = drawings[:3]
    assert _alike(sk.analogy(tiny_vae, a, a, c), sk.interpolate(tiny_vae, [c, c], 2)[0])
    assert _alike(sk.analogy(tiny_vae, a, c, c), sk.interpolate(tiny_vae, [a, a], 2)[0])


def test_a_way_shows_the_class_of_the_nearest_drawing(tiny_vae: VaeModel, drawings: list[Sketch]) -> None:
    cats = [sketch.labelled("cat") for sketch in drawings[:2]]
    suns = [sketch.labelled("sun") for sketch in drawings[:2]]
    unknown = [sketch.labelled("zebra") for sketch in drawings[:2]]
    mixed = sk.interpolate(tiny_vae, [cats[0], suns[1]], 4)
    assert [sketch.label for sketch in mixed] == ["cat", "cat", "sun", "sun"]
    assert [sketch.label for sketch in sk.interpolate(tiny_vae, unknown, 3)] == [None] * 3
    assert sk.interpolate(tiny_vae, cats, 3) != sk.interpolate(tiny_vae, suns, 3)
    assert sk.interpolate(tiny_vae, suns, 3, class_name="cat") == sk.interpolate(tiny_vae, cats, 3)
    assert [sketch.label for sketch in sk.interpolate(tiny_vae, cats, 3)] == ["cat"] * 3


@pytest.mark.parametrize("at_once", [1, 20, 1000])
def test_many_jobs_draw_what_each_draws_alone(
    tiny_vae: VaeModel, drawings: list[Sketch], monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    jobs = [drawings[i : i + 4] for i in range(8)]
    monkeypatch.setattr(morphing, "DRAWINGS_AT_ONCE", at_once)
    many = list(morphs(tiny_vae, iter(jobs), (2, 2), exact=True))
    assert [morph.number for morph in many] == list(range(8))
    monkeypatch.undo()
    for morph, again in zip(many, morphs(tiny_vae, jobs, (2, 2), exact=True), strict=True):
        assert morph.sketches == again.sketches
        np.testing.assert_array_equal(morph.z, again.z)
        assert morph.given == tuple(jobs[morph.number])


def test_what_is_done_is_left_out_and_changes_nothing(tiny_vae: VaeModel, drawings: list[Sketch]) -> None:
    jobs = [drawings[i : i + 2] for i in range(10)]
    whole = {m.number: m.sketches for m in morphs(tiny_vae, jobs, 3)}
    rest = {m.number: m.sketches for m in morphs(tiny_vae, jobs, 3, done=lambda number: number % 3 > 0)}
    assert sorted(rest) == [0, 3, 6, 9]
    assert all(whole[number] == rest[number] for number in rest)


def test_jobs_are_taken_a_block_at_a_time(
    tiny_vae: VaeModel, drawings: list[Sketch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(morphing, "DRAWINGS_AT_ONCE", 6)
    taken = 0

    def jobs():  # type: ignore[no-untyped-def]
        nonlocal taken
        for i in range(9):
            taken += 1
            yield drawings[i : i + 2]

    loop = morphs(tiny_vae, jobs(), 3)
    next(loop)
    assert taken == 2
    list(loop)
    assert taken == 9


@pytest.mark.parametrize(
    ("count", "steps", "words"),
    [
        (1, 3, "two drawings or more"),
        (3, (2, 2), "four corners"),
        (2, 1, "2 points or more"),
        (4, 3, "a way past 4 drawings has 4 points or more, got 3"),
        (4, (1, 3), "2 columns"),
    ],
)
def test_what_makes_no_way_is_refused(
    tiny_vae: VaeModel, drawings: list[Sketch], count: int, steps: int | tuple[int, int], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        list(morphs(tiny_vae, [drawings[:count]], steps))


def test_a_grid_has_columns_and_rows(tiny_vae: VaeModel, drawings: list[Sketch]) -> None:
    for steps in (3, (3,), (3, 2, 1)):
        with pytest.raises(InputError, match="columns, rows"):
            sk.grid(tiny_vae, drawings[:4], steps)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^columns must be a whole number, got 2.0$"):
        sk.grid(tiny_vae, drawings[:4], (2.0, 2))  # type: ignore[arg-type]
    assert len(sk.interpolate(tiny_vae, drawings[:2], np.int64(3))) == 3  # type: ignore[arg-type]


def test_no_more_drawings_than_one_call_draws_lie_between_others(
    tiny_vae: VaeModel, drawings: list[Sketch]
) -> None:
    for bad, complaint in ((2.5, "^n must be a whole number, got 2.5$"), (10**9, "^1000000000 drawings are")):
        with pytest.raises(InputError, match=complaint):
            sk.interpolate(tiny_vae, drawings[:2], bad)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^4000000 drawings are more than one call draws, 1000000$"):
        sk.grid(tiny_vae, drawings[:4], (2000, 2000))


def test_each_job_meets_the_chance_of_its_number(tiny_vae: VaeModel, drawings: list[Sketch]) -> None:
    first, second = morphs(tiny_vae, [drawings[:2], drawings[:2]], 2, 1.0)
    np.testing.assert_array_equal(first.z, second.z)
    assert first.sketches != second.sketches
    again = sk.sample(tiny_vae, 2, 1.0, z=second.z, index=[1, 1])
    assert all(map(_alike, second.sketches, again))


def test_a_chosen_index_means_the_same_drawing_as_in_a_run_of_many(tiny_vae: VaeModel) -> None:
    chosen = sk.sample(tiny_vae, 2, 1.0, seed=3, index=[7, 5])
    many = sk.sample(tiny_vae, 8, 1.0, seed=3)
    assert all(map(_alike, chosen, [many[7], many[5]]))
    assert [sketch.key for sketch in chosen] == ["3-7", "3-5"]


def test_a_model_without_an_encoder_is_refused(tiny_model: SketchModel, drawings: list[Sketch]) -> None:
    with pytest.raises(InputError, match="no encoder"):
        sk.interpolate(tiny_model, drawings[:2])


@pytest.mark.parametrize("index", [[0], [0, -1], [0.5, 1.0], [[0, 1]]])
def test_indices_must_be_whole_numbers_one_a_drawing(tiny_vae: VaeModel, index: list[float]) -> None:
    with pytest.raises(InputError, match="index"):
        sk.sample(tiny_vae, 2, index=index)
