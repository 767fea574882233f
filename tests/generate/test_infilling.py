"""What is drawn between given strokes: the filter's arithmetic, and drawings that keep what was given."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import sketchkit as sk
from sketchkit.card import ModelCard
from sketchkit.density import MixtureDensity
from sketchkit.engine import read_prompts
from sketchkit.errors import InputError
from sketchkit.generate import Infilling, infill, particles
from sketchkit.generate.infilling import split_at
from sketchkit.generate.particles import ParticleFilter, Suffix, effective_size, log_sum, shares, systematic
from sketchkit.geometry import magenta_strokes
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeModel
from sketchkit.noise import Noise
from sketchkit.sampling import StepSampler, make_sampler
from sketchkit.sketch import Sketch

# 255 wide, so that one of its units is a pixel of the training data, and without a point to simplify away.
LINES = [
    [(0, 0), (255, 0), (255, 200)],
    [(40, 40), (60, 60)],
    [(30, 30)],
    [(150, 40), (170, 80), (190, 40)],
    [(20, 160), (230, 180)],
]
DRAWING = Sketch.from_polylines(LINES)
WEIGHTS = st.lists(st.floats(-30, 30) | st.just(-math.inf), min_size=1, max_size=40).filter(
    lambda logs: max(logs) > -math.inf
)


def _same(a: list[Infilling], b: list[Infilling]) -> bool:
    return [one.sketch for one in a] == [one.sketch for one in b] and [one.weight for one in a] == [
        one.weight for one in b
    ]


# --- the arithmetic -----------------------------------------------------------------------------------


@given(logs=WEIGHTS, start=st.floats(1e-6, 1 - 1e-6))
def test_a_particle_comes_as_often_as_its_share_rounded_down_or_up(logs: list[float], start: float) -> None:
    share = shares(np.array(logs))
    counts = np.bincount(systematic(share, start), minlength=len(logs))
    assert counts.sum() == len(logs)
    assert (np.abs(counts - len(logs) * share) < 1 + 1e-6).all()
    assert not counts[np.isneginf(logs)].any()


@given(logs=WEIGHTS)
def test_the_effective_size_lies_between_one_and_all_that_have_weight(logs: list[float]) -> None:
    size = effective_size(np.array(logs))
    assert 1 - 1e-9 <= size <= np.isfinite(logs).sum() + 1e-9
    assert effective_size(np.zeros(7)) == pytest.approx(7)


@given(logs=WEIGHTS, shift=st.floats(-500, 500))
def test_weights_of_any_size_have_a_sum(logs: list[float], shift: float) -> None:
    expected = math.log(math.fsum(math.exp(each) for each in logs)) + shift
    assert log_sum(np.array(logs) + shift) == pytest.approx(expected, abs=1e-6)


def _evidence(model: SketchModel, count: int, seed: int) -> float:
    """The likelihood of two strokes after infills of one to three strokes, by the particles, as a factor."""
    lines = [np.array([(0, 0), (30, 0)], float), np.array([(5, 20), (25, 22)], float)]
    rows = magenta_strokes([lines[0], *lines])[1:]
    rows[:, :2] /= model.card.scale_factor
    swarm = ParticleFilter(
        model,
        make_sampler("temperature", 1.0),
        read_prompts(model, [magenta_strokes([[(0, 0), (20, 20)]])[:-1]]),
        Suffix(rows, np.array([0.3, -0.2]), opens=False),
        count,
        seed,
        40,
    )
    for _ in range(3):
        if not swarm.advance():
            break
    logs = np.array([attempt.log_weight for attempt in swarm.attempts])
    return math.exp(log_sum(logs) - math.log(count))


def test_resampling_and_looking_ahead_change_nothing_on_average(
    tiny_model: SketchModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(particles, "LOOK_AHEAD", 0.0)
    monkeypatch.setattr(particles, "LEAST_EFFECTIVE", 0.0)
    blind = _evidence(tiny_model, 5_000, seed=1)
    monkeypatch.setattr(particles, "LEAST_EFFECTIVE", 1.1)  # at every stroke
    for look_ahead in (0.25, 1.0):
        monkeypatch.setattr(particles, "LOOK_AHEAD", look_ahead)
        several = [_evidence(tiny_model, 60, seed=seed) for seed in range(40)]
        error = np.std(several) / math.sqrt(len(several))
        assert abs(np.mean(several) - blind) < 4 * error + 0.05 * blind
        assert error < 0.1 * blind


class _Lifts:
    """A sampler that lifts the pen at every n-th point."""

    def __init__(self, n: int) -> None:
        self._n, self._points = n, 0

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        self._points += 1
        pen = [0.0, 1.0, 0.0] if self._points % self._n == 0 else [1.0, 0.0, 0.0]
        return torch.tensor([[0.1, 0.1, *pen]]).repeat(len(noise.uniforms), 1)


def _swarm(model: SketchModel, sampler: StepSampler, count: int, max_points: int) -> ParticleFilter:
    rest = Suffix(magenta_strokes([[(0, 0), (1, 0)]]), np.array([0.3, -0.2]), opens=False)
    beginning = read_prompts(model, [magenta_strokes([[(0, 0), (2, 2)]])[:-1]])
    return ParticleFilter(model, sampler, beginning, rest, count, 0, max_points)


@pytest.mark.parametrize(("max_points", "strokes"), [(6, 0), (7, 1), (13, 1), (14, 2)])
def test_a_particle_is_given_up_at_so_many_rows_and_no_earlier(
    tiny_model: SketchModel, max_points: int, strokes: int
) -> None:
    swarm = _swarm(tiny_model, _Lifts(7), 2, max_points)
    for _ in range(strokes):
        assert swarm.advance()
    assert strokes == 2 or not swarm.advance()
    assert [len(attempt.rows) for attempt in swarm.attempts] == [7, 7, 14, 14][: 2 * strokes]


@pytest.mark.parametrize(
    ("shares", "resampled"), [((0.6, 0.4, 0.0, 0.0), True), ((0.54, 0.44, 0.01, 0.01), False)]
)
def test_particles_are_resampled_once_less_than_half_of_them_tell_something(
    tiny_model: SketchModel, shares: tuple[float, ...], resampled: bool
) -> None:
    swarm = _swarm(tiny_model, make_sampler("temperature", 1.0), 4, 300)
    assert swarm.advance()
    before = swarm.drawn
    with np.errstate(divide="ignore"):
        swarm.log_weight = np.log(shares)
    swarm.advance()
    parents = [
        [k for k, rows in enumerate(before) if np.array_equal(rows, mine[: len(rows)])]
        for mine in swarm.drawn
    ]
    assert parents == ([[0], [0], [1], [1]] if resampled else [[0], [1], [2], [3]])


# --- the drawings -------------------------------------------------------------------------------------


def test_what_is_given_stays_and_the_infill_lies_between(tiny_model: SketchModel) -> None:
    for one in infill(tiny_model, DRAWING, (1, 3), 5, particles=40, temperature=1.0):
        drawn = one.part.to_polylines()
        lines = one.sketch.to_polylines()
        assert len(lines) == 1 + len(drawn) + 2
        for kept, line in zip([lines[0], *lines[-2:]], [LINES[0], *LINES[3:]], strict=True):
            np.testing.assert_allclose(kept, line, atol=1e-3)
        for mine, line in zip(lines[1:-2], drawn, strict=True):
            np.testing.assert_allclose(mine, line, atol=1e-3)
        assert 1 <= len(drawn) <= 4


def test_the_best_come_first_and_differ(tiny_model: SketchModel) -> None:
    found = infill(tiny_model, DRAWING, (1, 3), 8, particles=60, temperature=1.0)
    assert [one.index for one in found] == list(range(8))
    assert [one.rest for one in found] == sorted((one.rest for one in found), reverse=True)
    assert len({one.part for one in found}) == 8
    assert all(0 < one.weight < 1 for one in found)
    fewer = infill(tiny_model, DRAWING, (1, 3), 3, particles=60, temperature=1.0)
    assert _same(fewer, found[:3])


def _log_likelihood(model: SketchModel, sketch: Sketch) -> float:
    """Of a drawing in pixels of the training data, read as it stands."""
    rows = torch.from_numpy(sketch.stroke5[1:].copy())
    rows[:, :2] /= model.card.scale_factor
    return -float(model.score(rows[None], torch.tensor([len(rows)])))


def test_the_rest_is_as_likely_as_the_model_says(tiny_model: SketchModel) -> None:
    before, _, after = split_at(DRAWING, (2, 3))
    empty = _log_likelihood(tiny_model, (before + after).with_end()) - _log_likelihood(tiny_model, before)
    found = infill(tiny_model, DRAWING, (2, 3), 6, particles=30, temperature=1.0)
    for one in found:
        whole = _log_likelihood(tiny_model, one.sketch.with_end())
        assert one.rest == pytest.approx(whole - _log_likelihood(tiny_model, before + one.part), abs=1e-2)
        assert one.gain == pytest.approx(one.rest - empty, abs=1e-2)
        assert one.fits == (one.gain >= 0)
    assert len(found) == 6


def test_the_same_seed_draws_the_same_and_another_does_not(tiny_model: SketchModel) -> None:
    first, again, other = (
        infill(tiny_model, DRAWING, (1, 2), 4, particles=30, seed=seed) for seed in (3, 3, 4)
    )
    assert _same(first, again)
    assert not _same(first, other)


def test_the_attempts_are_counted(tiny_model: SketchModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sketchkit.generate.ending._ALIKE", -1.0)
    everybody = infill(tiny_model, DRAWING, (1, 2), 30, particles=30, temperature=1.0, max_strokes=1)
    (search,) = {one.search for one in everybody}
    assert 1 <= search.attempts == len(everybody) <= 30
    assert search.fitting == sum(one.fits for one in everybody)
    assert search.share == search.fitting / search.attempts
    assert sum(one.weight for one in everybody) == pytest.approx(1.0)
    assert search.effective == pytest.approx(1 / sum(one.weight**2 for one in everybody))
    assert search.evidence == pytest.approx(math.log(sum(math.exp(one.rest) for one in everybody) / 30))
    assert all(one.part.n_strokes == 1 for one in everybody)


def test_an_empty_gap_is_filled_between_its_strokes(tiny_model: SketchModel) -> None:
    for one in infill(tiny_model, DRAWING, (3, 3), 3, particles=20):
        assert one.sketch.n_strokes == DRAWING.n_strokes + one.part.n_strokes
        np.testing.assert_allclose(one.sketch.to_polylines()[-2], LINES[3], atol=1e-3)


def test_an_infill_at_the_beginning_begins_where_the_drawing_did(tiny_model: SketchModel) -> None:
    for one in infill(tiny_model, DRAWING, (0, 1), 3, particles=20):
        np.testing.assert_allclose(one.sketch.to_polylines()[0][0], LINES[0][0])
        np.testing.assert_allclose(one.sketch.to_polylines()[-1], LINES[4], atol=1e-3)
        assert math.isfinite(one.gain)


def test_neither_size_nor_place_of_the_drawing_matters(tiny_model: SketchModel) -> None:
    moved = DRAWING.transformed(0.5, (300.0, -20.0))
    here = infill(tiny_model, DRAWING, (1, 2), 3, particles=20)
    there = infill(tiny_model, moved, (1, 2), 3, particles=20)
    for a, b in zip(here, there, strict=True):
        np.testing.assert_allclose(a.part.points * 0.5 + (300.0, -20.0), b.part.points, atol=0.05)
        assert b.scale == pytest.approx(2 * a.scale)


def test_a_finished_drawing_stays_finished_and_keeps_its_label(tiny_model: SketchModel) -> None:
    named = DRAWING.with_end().labelled("scribble", "7")
    one = infill(tiny_model, named, (1, 2), 1, particles=20)[0]
    assert (one.sketch.ended, one.sketch.label, one.sketch.key) == (True, "scribble", "7")
    assert not infill(tiny_model, DRAWING, (1, 2), 1, particles=20)[0].sketch.ended


def test_progress_is_told_of_every_stroke(tiny_model: SketchModel) -> None:
    seen: list[tuple[int, int]] = []
    infill(
        tiny_model,
        DRAWING,
        (1, 2),
        particles=40,
        max_strokes=3,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_missing_eye_is_drawn_between_outline_and_mouth() -> None:
    turn = np.linspace(0, 2 * np.pi, 16)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    face = [128 + 127 * circle, (80, 90) + 14 * circle[:9], (128, 150) + 60 * circle[:8]]
    model = sk.load_model("doodle")
    found = infill(model, Sketch.from_polylines(face), (2, 2), 4, particles=64, class_name="face")
    assert found[0].gain > 3
    middles = [one.part.points.mean(axis=0) for one in found]
    assert all(np.hypot(*(middle - 128)) < 127 for middle in middles)
    assert np.mean([middle[0] for middle in middles]) > 90


# --- what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        ((1, 9), "the gap 1:9 is not there: the drawing has 5 strokes"),
        ((3, 2), "the gap 3:2 is not there"),
        ((-1, 2), "the gap -1:2 is not there"),
        ((1, 5), "nothing follows the gap 1:5"),
        ((0, 0), "the gap 0:0 has no place"),
        ((1.5, 2), "two whole numbers"),
        ((1, 2, 3), "two whole numbers"),
        ("1:2", "two whole numbers"),
    ],
)
def test_a_gap_that_is_none_is_refused(tiny_model: SketchModel, gap: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        infill(tiny_model, DRAWING, gap)  # type: ignore[arg-type]


def test_dots_alone_do_not_follow_a_gap(tiny_model: SketchModel) -> None:
    with pytest.raises(InputError, match="nothing follows"):
        infill(tiny_model, Sketch.from_polylines([*LINES[:2], [(3, 3)]]), (1, 2))


@pytest.mark.parametrize(
    "settings",
    [
        {"n": 0},
        {"n": 1.5},
        {"particles": 1.5},
        {"max_strokes": 1.5},
        {"particles": 0},
        {"particles": 100_000},
        {"max_strokes": 0},
        {"max_points": 0},
        {"seed": -1},
        {"temperature": 0.0},
        {"class_name": "cat"},
        {"sampler": "greedy", "options": {"k": 1}},
    ],
)
def test_numbers_out_of_range_are_refused(tiny_model: SketchModel, settings: dict) -> None:
    with pytest.raises(InputError):
        infill(tiny_model, DRAWING, (1, 2), **settings)


def test_a_conditional_model_is_refused(tiny_vae: VaeModel) -> None:
    with pytest.raises(InputError, match="conditional"):
        infill(tiny_vae, DRAWING, (1, 2))


def test_a_model_that_always_ends_fills_nothing() -> None:
    model = DecoderModel(DecoderArchitecture(hidden=8, mixtures=2), ModelCard("mute", scale_factor=20.0))
    with torch.no_grad():
        model.decoder.output.bias[:3] = torch.tensor([0.0, 0.0, 60.0])
    with pytest.raises(InputError, match="not one of 16 particles"):
        infill(model, DRAWING, (1, 2), particles=16)


def test_a_file_name_is_no_drawing(tiny_model: SketchModel) -> None:
    with pytest.raises(InputError, match="takes a sketch"):
        infill(tiny_model, "cat.svg", (1, 2))  # type: ignore[arg-type]


@given(gap=st.tuples(st.integers(0, 4), st.integers(1, 4)).filter(lambda gap: gap[0] <= gap[1]))
def test_a_drawing_splits_into_what_it_was(gap: tuple[int, int]) -> None:
    parts = split_at(DRAWING, gap)
    lines = [line for part in parts for line in part.to_polylines()]
    assert [part.n_strokes for part in parts] == [gap[0], gap[1] - gap[0], 5 - gap[1]]
    for mine, line in zip(lines, LINES, strict=True):
        np.testing.assert_allclose(mine, line)
