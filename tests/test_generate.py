"""`sample` and `complete`: drawings in the user's own units and place."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sketchkit as sk
from sketchkit.card import ModelCard
from sketchkit.density import MixtureDensity
from sketchkit.errors import InputError
from sketchkit.generate import Ending, complete, reconstruct, sample
from sketchkit.latent import encode, prior
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeModel
from sketchkit.noise import Noise, uniforms
from sketchkit.rendering.palette import ENDING, INK
from sketchkit.sampling import make_sampler
from sketchkit.sketch import Sketch
from sketchkit.training.data import synth
from sketchkit.units import MAX_READ, best_scales, read_beginning

START = Sketch.from_polylines([[(100, 50), (140, 52), (150, 90)], [(120, 60), (125, 61), (131, 70)]])


def _same(a: list[Ending], b: list[Ending]) -> bool:
    return all(
        x.index == y.index and np.allclose(x.sketch.points, y.sketch.points, atol=1e-3)
        for x, y in zip(a, b, strict=True)
    )


# --- sample -------------------------------------------------------------------------------------------


def test_samples_begin_at_the_origin_with_the_pen_down(tiny_model: SketchModel) -> None:
    drawings = sample(tiny_model, 12, temperature=1.0)
    assert len(drawings) == 12
    for drawing in drawings:
        assert drawing.origin == (0.0, 0.0)
        np.testing.assert_array_equal(drawing.stroke5[0], [0, 0, 1, 0, 0])
        assert drawing.label == "scribble"
        assert drawing.ended or len(drawing) == tiny_model.card.max_length + 1


def test_a_sample_does_not_depend_on_how_many_there_are_or_on_the_batch(tiny_model: SketchModel) -> None:
    many = sample(tiny_model, 40, seed=4, temperature=1.0)
    for batch_size in (1, 7, 64):
        few = sample(tiny_model, 5, seed=4, temperature=1.0, batch_size=batch_size)
        for a, b in zip(few, many, strict=False):
            np.testing.assert_allclose(a.stroke5, b.stroke5, atol=1e-3)
    later = sample(tiny_model, 3, seed=4, temperature=1.0, first=20)
    for a, b in zip(later, many[20:], strict=False):
        np.testing.assert_allclose(a.stroke5, b.stroke5, atol=1e-3)
        assert a.key == b.key


def test_samples_are_in_pixels_of_the_training_data(tiny_model: SketchModel) -> None:
    import copy

    doubled = copy.copy(tiny_model)
    doubled.card = ModelCard(scale_factor=40.0, max_length=40)
    for a, b in zip(sample(tiny_model, 4), sample(doubled, 4), strict=True):
        np.testing.assert_allclose(2 * a.points, b.points, atol=1e-3)


def test_no_samples_are_an_empty_list(tiny_model: SketchModel) -> None:
    assert sample(tiny_model, 0) == []


def test_greedy_samples_are_all_alike(tiny_model: SketchModel) -> None:
    first, second = sample(tiny_model, 2, sampler="greedy", seed=1)
    np.testing.assert_allclose(first.stroke5, second.stroke5, atol=1e-4)


def test_progress_is_told_of_every_drawing(tiny_model: SketchModel) -> None:
    seen: list[tuple[int, int]] = []
    sample(tiny_model, 9, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 9) for i in range(1, 10)]


def test_the_number_of_threads_is_left_as_it_was(tiny_model: SketchModel) -> None:
    torch.set_num_threads(2)
    try:
        sample(tiny_model, 1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


# --- complete -----------------------------------------------------------------------------------------


def test_an_ending_goes_on_where_the_drawing_stands(tiny_model: SketchModel) -> None:
    for ending in complete(tiny_model, START, 9, temperature=1.0):
        assert ending.ending.origin == START.end_point
        assert ending.sketch.origin == START.origin
        np.testing.assert_array_equal(ending.sketch.stroke5[: len(START)], START.stroke5)
        np.testing.assert_allclose(ending.sketch.points[len(START) :], ending.ending.points, atol=1e-3)
        assert ending.finished == ending.sketch.ended
        assert np.isfinite(ending.nll_per_point)


def test_one_drawing_gives_a_list_and_several_give_a_list_of_lists(tiny_model: SketchModel) -> None:
    one = complete(tiny_model, START, 3)
    several = complete(tiny_model, [START, START], 3)
    assert [e.index for e in one] == [0, 1, 2]
    assert _same(several[0], one) and _same(several[1], one)
    assert complete(tiny_model, [], 3) == []


def test_an_ending_does_not_depend_on_its_neighbours(tiny_model: SketchModel) -> None:
    other = Sketch.from_polylines([[(0, 0), (3, 80)]])
    alone = complete(tiny_model, START, 4, seed=9)
    assert _same(complete(tiny_model, [other, START], 7, seed=9)[1][:4], alone)
    assert _same(complete(tiny_model, START, 4, seed=9, batch_size=1), alone)
    exact = complete(tiny_model, START, 2, seed=9, exact=True)
    more = complete(tiny_model, [other, START], 20, seed=9, exact=True)[1][:2]
    assert [e.sketch for e in exact] == [e.sketch for e in more]


def test_the_drawings_own_units_make_no_difference(tiny_model: SketchModel) -> None:
    small = START.transformed(0.01, (5.0, -3.0))
    for a, b in zip(complete(tiny_model, START, 4), complete(tiny_model, small, 4), strict=True):
        np.testing.assert_allclose(a.sketch.points * 0.01 + (5.0, -3.0), b.sketch.points, atol=1e-4)
        assert b.scale == pytest.approx(100 * a.scale)
        assert a.nll_per_point == pytest.approx(b.nll_per_point, abs=1e-3)


def test_a_given_scale_is_taken(tiny_model: SketchModel) -> None:
    endings = complete(tiny_model, START, 2, scale=3.5)
    assert {e.scale for e in endings} == {3.5}
    for scale in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="the scale must lie in"):
            complete(tiny_model, START, 1, scale=scale)


def test_a_pen_that_is_down_goes_on_drawing(tiny_model: SketchModel) -> None:
    open_start = Sketch.from_polylines([[(0, 0), (30, 10), (60, 0)]], pen_down=True)
    ending = complete(tiny_model, open_start, 1, seed=3)[0]
    np.testing.assert_array_equal(ending.ending.points[0], open_start.end_point)
    assert ending.ending.stroke5[0, 2] == 1.0
    assert ending.sketch.n_strokes == ending.ending.n_strokes


def test_an_end_row_is_taken_off_first(tiny_model: SketchModel) -> None:
    assert _same(complete(tiny_model, START.with_end(), 3), complete(tiny_model, START, 3))


@pytest.mark.parametrize(
    ("start", "place"),
    [
        (Sketch.from_polylines([]), (0.0, 0.0)),
        (Sketch.from_polylines([[(7, 8)]]), (7.0, 8.0)),
        (Sketch.from_polylines([[(7, 8)], [(9, 9)]]), (9.0, 9.0)),
        (Sketch.from_polylines([[(5, 5), (5, 5)]]), (5.0, 5.0)),
    ],
    ids=["nothing", "a dot", "two dots", "a stroke without length"],
)
def test_next_to_nothing_is_completed_from_where_it_stands(
    tiny_model: SketchModel, start: Sketch, place: tuple[float, float]
) -> None:
    for ending in complete(tiny_model, start, 3):
        assert ending.ending.origin == place
        assert len(ending.ending) >= 1


def test_a_dot_at_the_end_does_not_move_the_model(tiny_model: SketchModel) -> None:
    dotted = START + Sketch.from_polylines([[(300, 300)]])
    for ending in complete(tiny_model, dotted, 2):
        assert ending.ending.origin == START.end_point
        np.testing.assert_allclose(ending.sketch.points[len(dotted) :], ending.ending.points, atol=1e-3)


def test_keep_returns_the_best_that_differ(tiny_model: SketchModel) -> None:
    every = complete(tiny_model, START, 20, temperature=1.0)
    kept = complete(tiny_model, START, 20, temperature=1.0, keep=5)
    assert len(kept) == 5
    ranked = sorted(every, key=lambda e: (not e.finished, e.nll_per_point))
    assert kept[0].index == ranked[0].index
    order = [ranked.index(next(e for e in ranked if e.index == k.index)) for k in kept]
    assert order == sorted(order)


def test_endings_that_are_alike_are_kept_once(tiny_model: SketchModel) -> None:
    assert len(complete(tiny_model, START, 6, keep=3, sampler="greedy")) == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"n": -1}, "n must lie in 0.."),
        ({"seed": -1}, "seed must lie in 0.."),
        ({"seed": 2**63}, "seed must lie in 0.."),
        ({"batch_size": 0}, "batch_size must lie in 1.."),
        ({"max_points": 0}, "max_points must lie in 1..100000"),
        ({"max_points": 10**12}, "max_points must lie in 1..100000"),
        ({"scale": "foo"}, "the scale must be a number or 'auto'"),
        ({"keep": 0}, "keep must be 1 or more"),
        ({"n": 2.5}, "^n must be a whole number, got 2.5$"),
        ({"n": "3"}, "^n must be a whole number, got '3'$"),
        ({"n": True}, "^n must be a whole number, got True$"),
        ({"n": [2]}, "^n must be a whole number, got a list$"),
        ({"n": 10**12}, r"^n must lie in 0..1000000, got 10{12}$"),
        ({"seed": 1.5}, "^seed must be a whole number"),
        ({"keep": 2.5}, "^keep must be a whole number"),
        ({"batch_size": 8.0}, "^batch_size must be a whole number"),
        ({"max_points": 8.0}, "^max_points must be a whole number"),
        ({"temperature": -1e-9}, "'temperature' of sampler 'temperature' must be 0..100"),
        ({"temperature": float("nan")}, "must be 0..100"),
        ({"options": {"k": 1}}, "has no option 'k'"),
    ],
)
def test_numbers_out_of_range_are_refused(
    tiny_model: SketchModel, arguments: dict[str, object], complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        complete(tiny_model, START, **arguments)


@pytest.mark.parametrize("number", [np.int32, np.int64, np.uint8, torch.tensor])
def test_whole_numbers_of_any_kind_draw_the_same(tiny_model: SketchModel, number: Any) -> None:
    plain = complete(tiny_model, START, 3, seed=5, keep=2)
    assert _same(complete(tiny_model, START, number(3), seed=number(5), keep=number(2)), plain)
    drawings = sample(tiny_model, number(2), seed=number(5), first=number(1), max_points=number(9))
    assert drawings == sample(tiny_model, 2, seed=5, first=1, max_points=9)


@pytest.mark.parametrize("name", ["n", "seed", "first", "batch_size", "max_points"])
def test_what_is_no_whole_number_is_refused_by_name(tiny_model: SketchModel, name: str) -> None:
    values: dict[str, Any] = {"n": 2, name: 1.5}
    with pytest.raises(InputError, match=f"^{name} must be a whole number, got 1.5$"):
        sample(tiny_model, **values)


def test_more_endings_of_all_drawings_than_one_call_draws_are_refused_at_once(
    tiny_model: SketchModel,
) -> None:
    with pytest.raises(InputError, match=r"^400000 times 3 drawings are more than one call draws, 1000000$"):
        complete(tiny_model, [START] * 3, 400_000)


# --- conditional models ---------------------------------------------------------------------------------


def _all_close(some: list[Sketch], others: list[Sketch]) -> bool:
    return all(
        a.stroke5.shape == b.stroke5.shape and np.allclose(a.stroke5, b.stroke5, atol=1e-3)
        for a, b in zip(some, others, strict=True)
    )


def test_a_beginning_is_nothing_for_a_conditional_model(tiny_vae: VaeModel) -> None:
    with pytest.raises(InputError, match=r"'dreamer' is conditional: .* a decoder-only model can"):
        complete(tiny_vae, START, 1)


def test_there_are_as_many_drawings_as_latent_vectors(tiny_vae: VaeModel) -> None:
    z = np.random.default_rng(1).normal(size=(3, 6))
    assert sample(tiny_vae, z=z) == sample(tiny_vae, 3, z=z)
    assert len(sample(tiny_vae, class_name=["sun", "cat"])) == 2
    assert len(sample(tiny_vae, index=[4, 7, 9, 1])) == 4
    assert len(sample(tiny_vae)) == 16
    assert sample(tiny_vae, z=np.zeros((0, 6))) == []


@pytest.mark.parametrize(
    ("n", "shape", "complaint"),
    [
        (2, (3, 6), r"^z must have the shape \[2, 6\], got \[3, 6\]$"),
        (None, (3, 5), r"^z must have the shape \[n, 6\], got \[3, 5\]$"),
        (None, (6,), r"^z must have the shape \[n, 6\], got \[6\]$"),
        (2.0, (2, 6), "^n must be a whole number, got 2.0$"),
    ],
)
def test_latent_vectors_that_do_not_fit_are_refused(
    tiny_vae: VaeModel, n: Any, shape: tuple[int, ...], complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        sample(tiny_vae, n, z=np.zeros(shape))


@pytest.mark.parametrize("label", [None, "sun"])
def test_a_conditional_model_draws_what_a_plain_loop_draws_from_z(
    tiny_vae: VaeModel, label: str | None
) -> None:
    z = np.random.default_rng(1).normal(size=(6, 6))
    drawings = sample(tiny_vae, 6, 1.0, seed=3, z=z, class_name=label)
    sampler = make_sampler("temperature", 1.0)
    for i, drawing in enumerate(drawings):
        latent = torch.from_numpy(z[i : i + 1]).float()
        state = tiny_vae.initial_state(1, latent, tiny_vae.label_index(label))
        rows = tiny_vae.start_rows(1)
        for step in range(len(drawing) - 1):
            raw, state = tiny_vae.step(rows, state)
            rows = sampler(MixtureDensity(raw), Noise(uniforms(3, torch.tensor([i]), torch.tensor([step]))))
            wanted = rows[0].numpy() * [20, 20, 1, 1, 1]
            wanted[:2] *= rows[0, 4].item() == 0
            np.testing.assert_allclose(drawing.stroke5[step + 1], wanted, atol=1e-3)


def test_without_z_it_comes_from_the_prior(tiny_vae: VaeModel) -> None:
    drawn = sample(tiny_vae, 9, 1.0, seed=4)
    assert _all_close(drawn, sample(tiny_vae, 9, 1.0, seed=4, z=prior(tiny_vae, 9, seed=4)))
    assert not _all_close(drawn, sample(tiny_vae, 9, 1.0, seed=4, z=np.zeros((9, 6))))


def test_a_drawing_from_the_prior_depends_on_its_seed_and_index_alone(tiny_vae: VaeModel) -> None:
    many = sample(tiny_vae, 40, 1.0, seed=4)
    assert _all_close(sample(tiny_vae, 5, 1.0, seed=4, batch_size=1), many[:5])
    assert _all_close(sample(tiny_vae, 3, 1.0, seed=4, first=20), many[20:23])
    exact = sample(tiny_vae, 21, 1.0, seed=4, exact=True)
    later = sample(tiny_vae, 2, 1.0, seed=4, first=19, batch_size=1, exact=True)
    assert exact[19:] == later


def test_a_z_that_does_not_fit_is_refused(tiny_vae: VaeModel, tiny_model: SketchModel) -> None:
    with pytest.raises(InputError, match=r"z must have the shape \[3, 6\], got \[2, 6\]"):
        sample(tiny_vae, 3, z=np.zeros((2, 6)))
    with pytest.raises(InputError, match="'tiny' is unconditional: it has no latent vector z"):
        sample(tiny_model, 3, z=np.zeros((3, 6)))


def test_no_drawings_are_none(tiny_vae: VaeModel, tiny_model: SketchModel) -> None:
    assert sample(tiny_vae, 0) == sample(tiny_model, 0) == []
    assert reconstruct(tiny_vae, []) == reconstruct(tiny_vae, [START], n=0) == []


# --- reconstruct ----------------------------------------------------------------------------------------


def test_a_reconstruction_is_drawn_from_the_mean_in_the_place_of_its_drawing(tiny_vae: VaeModel) -> None:
    mu, _ = encode(tiny_vae, [START])
    (drawn,) = sample(tiny_vae, 1, 0.25, seed=2, z=mu, max_points=20)
    (again,) = reconstruct(tiny_vae, [START], seed=2, max_points=20)
    size = 50.0 / 255.0  # the longer side of START, in which the model sees 255 pixels
    assert again.origin == (100.0, 50.0)
    np.testing.assert_allclose(again.points, drawn.points * size + (100.0, 50.0), atol=1e-3)
    np.testing.assert_array_equal(again.stroke5[:, 2:], drawn.stroke5[:, 2:])


def test_reconstructions_follow_their_drawings_wherever_those_lie(tiny_vae: VaeModel) -> None:
    moved = START.transformed(30.0, (-7.0, 900.0))
    for a, b in zip(reconstruct(tiny_vae, [START], n=4), reconstruct(tiny_vae, [moved], n=4), strict=True):
        np.testing.assert_allclose(a.points * 30.0 + (-7.0, 900.0), b.points, atol=0.2)


def test_a_reconstruction_does_not_depend_on_its_neighbours(tiny_vae: VaeModel) -> None:
    others = list(synth(5, seed=1))
    alone = reconstruct(tiny_vae, [START], 1.0, n=3, seed=8)
    among = reconstruct(tiny_vae, [*others, START], 1.0, n=3, seed=8, batch_size=4)
    assert len(among) == 18
    assert _all_close(among[15:], alone)
    exact = reconstruct(tiny_vae, [*others, START], 1.0, n=2, seed=8, exact=True)[10:]
    assert exact == reconstruct(tiny_vae, [START], 1.0, n=2, seed=8, exact=True)


def test_a_drawings_own_label_counts_where_the_model_knows_it(tiny_vae: VaeModel) -> None:
    cat, sun, dog = (START.labelled(name) for name in ("cat", "sun", "dog"))
    own = reconstruct(tiny_vae, [cat, sun, dog], 1.0)
    assert [drawing.label for drawing in own] == ["cat", "sun", "dog"]
    given = reconstruct(tiny_vae, [START] * 3, 1.0, class_name=["cat", "sun", None])
    assert _all_close(own, given)
    assert not _all_close(own[:1], own[1:2])
    as_cats = reconstruct(tiny_vae, [cat, sun, dog], 1.0, class_name="cat")
    assert {drawing.label for drawing in as_cats} == {"cat"}
    assert _all_close(as_cats, own[:1] * 3)


def test_only_a_model_with_an_encoder_reconstructs(tiny_model: SketchModel, tiny_vae: VaeModel) -> None:
    with pytest.raises(InputError, match="has no encoder"):
        reconstruct(tiny_model, [START])
    with pytest.raises(InputError, match="without a line cannot be encoded"):
        reconstruct(tiny_vae, [Sketch.from_polylines([[(1, 1)]])])


# --- the published models -------------------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize(
    ("temperature", "share", "length"), [(0.25, 0.86, 103.0), (0.65, 0.93, 97.5), (1.0, 0.95, 90.2)]
)
def test_birds_end_as_often_and_as_late_as_the_official_code_has_them(
    data: object, temperature: float, share: float, length: float
) -> None:
    """The published statistics of 400 drawings (zeros start, JavaScript rule), within three deviations."""
    model = sk.load_model(f"{data}/magenta/bird.gen.json")
    drawings = sample(model, 400, temperature, options={"rule": "javascript"}, seed=1)
    ended = np.array([d.ended for d in drawings])
    rows = np.array([len(d) - 1 for d in drawings])  # without the start token's point
    share_error = np.sqrt(2 * share * (1 - share) / 400)
    assert abs(ended.mean() - share) < 3 * share_error
    assert abs(rows.mean() - length) < 3 * np.hypot(1.0, rows.std() / np.sqrt(400))


# --- classes --------------------------------------------------------------------------------------------


def test_a_label_says_what_is_drawn() -> None:
    torch.manual_seed(2)
    card = ModelCard(name="zoo", classes=("cat", "pig"), scale_factor=20.0, max_length=30)
    model = (
        DecoderModel(DecoderArchitecture(12, 3, classes=2, embedding=4), card).requires_grad_(False).eval()
    )
    with torch.no_grad():
        model.embedding.table.weight.mul_(5)
    cats, pigs = sample(model, 4, class_name="cat"), sample(model, 4, class_name="pig")
    assert {c.label for c in cats} == {"cat"}
    assert [c.stroke5.tolist() for c in cats] != [p.stroke5.tolist() for p in pigs]
    endings = [complete(model, START, 9, class_name=label) for label in ("cat", "pig", None)]
    assert len({b"".join(e.ending.stroke5.tobytes() for e in some) for some in endings}) == 3
    with pytest.raises(InputError, match="does not draw 'dog'"):
        sample(model, 1, class_name="dog")
    with pytest.raises(InputError, match="does not draw ''"):
        sample(model, 1, class_name="")


@pytest.mark.parametrize("kind", ["decoder", "vae"])
def test_one_run_draws_many_classes_as_if_each_were_alone(kind: str, tiny_vae: VaeModel) -> None:
    model: SketchModel = tiny_vae
    if kind == "decoder":
        torch.manual_seed(2)
        sizes = DecoderArchitecture(12, 3, classes=2, embedding=4)
        model = DecoderModel(sizes, tiny_vae.card).requires_grad_(False).eval()
    labels = ["sun", None, "cat", "sun", "cat", None, "sun"]
    mixed = sample(model, 7, 1.0, class_name=labels, seed=6)
    alone = {label: sample(model, 7, 1.0, class_name=label, seed=6) for label in set(labels)}
    assert [drawing.label for drawing in mixed] == labels
    assert _all_close(mixed, [alone[label][i] for i, label in enumerate(labels)])
    exact = sample(model, 7, 1.0, class_name=labels, seed=6, exact=True)
    assert exact[3:] == sample(model, 4, 1.0, class_name=labels[3:], seed=6, first=3, exact=True)


def test_a_class_is_known_in_any_case_and_by_its_index(tiny_vae: VaeModel) -> None:
    wanted = sample(tiny_vae, 2, class_name="sun")
    for same in ("SUN", " Sun ", 1, np.int64(1), ["sun", "SUN"], [1, "Sun"]):
        drawings = sample(tiny_vae, 2, class_name=same)  # type: ignore[arg-type]
        assert drawings == wanted
        assert {drawing.label for drawing in drawings} == {"sun"}
    (again,) = reconstruct(tiny_vae, [START], class_name="CAT")
    assert (again.label, again) == ("cat", reconstruct(tiny_vae, [START], class_name=0)[0])
    (scored,) = sk.score(tiny_vae, [START], class_name=0)
    assert scored.class_name == "cat"
    assert list(sk.sample_stream(tiny_vae, 2, class_name=1)) == wanted


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (2, "the model 'dreamer' has no class 2: there are 0 to 1"),
        (-1, "has no class -1"),
        (1.0, r"the index of a class must be a whole number, got 1\.0"),
        (True, "the index of a class must be a whole number, got True"),
        ("snu", "does not draw 'snu': did you mean 'sun'?"),
    ],
)
def test_what_is_no_class_is_refused(tiny_vae: VaeModel, label: Any, words: str) -> None:
    for draw in (sample, sk.sample_stream):
        with pytest.raises(InputError, match=words):
            draw(tiny_vae, 2, class_name=label)


def test_a_model_without_classes_takes_none_by_index(tiny_model: SketchModel) -> None:
    with pytest.raises(InputError, match="'tiny' cannot be told what to draw: it knows no classes"):
        sample(tiny_model, 2, class_name=0)


def test_labels_must_be_as_many_as_the_drawings(tiny_vae: VaeModel, tiny_model: SketchModel) -> None:
    with pytest.raises(InputError, match="3 drawings need as many classes, or one for them all, got 2"):
        sample(tiny_vae, 3, class_name=["cat", "sun"])
    with pytest.raises(InputError, match="does not draw 'sum': did you mean 'sun'"):
        sample(tiny_vae, 2, class_name=["cat", "sum"])
    with pytest.raises(InputError, match="cannot be told what to draw"):
        sample(tiny_model, 2, class_name=["cat", None])
    assert len(sample(tiny_model, 2, class_name=[None, None])) == 2


# --- long drawings, and honest numbers --------------------------------------------------------------------


def test_a_very_long_drawing_is_read_from_its_end(
    tiny_model: SketchModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    long = Sketch.from_polylines([np.cumsum(rng.normal(size=(6000, 2)) * 30, axis=0)])
    beginning = read_beginning(long, 1.0, tiny_model.card)
    assert len(beginning.rows) == MAX_READ
    assert beginning.anchor == long.end_point
    monkeypatch.setattr("sketchkit.units.MAX_READ", 50)
    shorter = read_beginning(long, 1.0, tiny_model.card)
    np.testing.assert_array_equal(shorter.rows, beginning.rows[-50:])
    assert len(complete(tiny_model, long, 2)) == 2


def test_beginnings_are_scored_in_pieces_as_they_are_at_once(
    tiny_model: SketchModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawings = [START, START.transformed(2.0), Sketch.from_polylines([[(0, 0), (9, 9)]])]
    whole = best_scales(tiny_model, drawings)
    monkeypatch.setattr("sketchkit.units._ROWS_AT_ONCE", 5)
    assert best_scales(tiny_model, drawings) == pytest.approx(whole)


@pytest.mark.parametrize("pen_down", [False, True])
def test_the_nll_is_a_mean_over_all_that_the_model_drew(tiny_model: SketchModel, pen_down: bool) -> None:
    start = Sketch.from_polylines([[(0, 0), (40, 10), (80, 0)]], pen_down=pen_down)
    beginning = read_beginning(start, 1.0, tiny_model.card)
    for ending in complete(tiny_model, start, 4, scale=1.0):
        rows = ending.ending.stroke5[pen_down:].astype(np.float64)
        rows[:, :2] *= beginning.factor
        raw = torch.from_numpy(tiny_model.raw_outputs(np.concatenate([beginning.rows, rows[:-1]])))
        offset, pen = MixtureDensity(raw[len(beginning.rows) :]).log_prob(torch.from_numpy(rows))
        total = -(torch.where(torch.from_numpy(rows[:, 4]) == 1, 0.0, offset) + pen).mean()
        assert ending.nll_per_point == pytest.approx(float(total), abs=1e-3)


def test_endings_are_written_whole_alone_in_lists_and_in_lists_of_lists(
    tiny_model: SketchModel, tmp_path: Path
) -> None:
    endings = complete(tiny_model, START, 3)
    for given, wanted in (
        (endings, [each.sketch for each in endings]),
        (endings[1], [endings[1].sketch]),
        ([endings, START, endings[:1]], [*(each.sketch for each in endings), START, endings[0].sketch]),
        (iter(endings), [each.sketch for each in endings]),
    ):
        sk.write(given, tmp_path / "e.ndjson")
        assert [each.n_strokes for each in sk.read_all(tmp_path / "e.ndjson")] == [
            each.n_strokes for each in wanted
        ]
    sk.write(endings[0], tmp_path / "one.svg")
    assert sk.read(tmp_path / "one.svg").n_strokes == endings[0].sketch.n_strokes


def test_a_notebook_shows_endings_in_their_own_colour(tiny_model: SketchModel) -> None:
    endings = complete(tiny_model, START, 3, temperature=1.0)
    root = ElementTree.fromstring(endings._repr_svg_())
    strokes = [each.get("stroke") for each in root.iter() if each.get("stroke")]
    assert strokes.count(INK) == strokes.count(ENDING) == 3
    one = ElementTree.fromstring(endings[0]._repr_svg_())
    assert [each.get("stroke") for each in one.iter() if each.get("stroke")] == ["none", INK, ENDING]
    assert complete(tiny_model, START, 0)._repr_svg_() is complete(tiny_model, START, 0)._repr_html_() is None


def test_decode_draws_what_encode_wrote(tiny_vae: VaeModel) -> None:
    mu, _ = encode(tiny_vae, [START, START])
    drawings = sk.decode(tiny_vae, mu, seed=3, class_name=["cat", "sun"])
    assert drawings == sample(tiny_vae, 2, 0.1, z=mu, seed=3, class_name=["cat", "sun"])
    assert [each.label for each in drawings] == ["cat", "sun"]
    with pytest.raises(InputError, match=r"z must have the shape \[n, 6\], got \[6\]"):
        sk.decode(tiny_vae, mu[0])


def test_decode_needs_a_model_with_latent_vectors(tiny_model: SketchModel) -> None:
    with pytest.raises(InputError, match="'tiny' is unconditional"):
        sk.decode(tiny_model, np.zeros((1, 6)))


def test_names_are_no_models_and_files_are_no_drawings(tiny_model: SketchModel) -> None:
    with pytest.raises(InputError, match="a model is needed, not its name"):
        sample("bird")
    with pytest.raises(InputError, match="complete takes sketches"):
        complete(tiny_model, ["bird.svg"])
