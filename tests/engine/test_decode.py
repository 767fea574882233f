"""The decoding loop: a drawing is what its prompt, seed and index make it, whoever else is in the batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sketchkit.density import MixtureDensity
from sketchkit.engine import decode, read_prompts
from sketchkit.models import SketchModel
from sketchkit.noise import Noise, uniforms
from sketchkit.sampling import Draft, make_sampler

EMPTY = np.zeros((0, 5))


def _draw(
    model: SketchModel,
    indices: list[int],
    *,
    beginnings: list[np.ndarray] | None = None,
    prompt_of: list[int] | None = None,
    seed: int = 1,
    max_points: int = 40,
    width: int | None = None,
    exact: bool = False,
    score: bool = False,
) -> dict[int, Draft]:
    """Drawings by job."""
    prompts = read_prompts(model, beginnings or [EMPTY], exact_width=16 if exact else None)
    return {
        drawn.job: drawn
        for drawn in decode(
            model,
            make_sampler("temperature", 1.0),
            prompts,
            np.array(prompt_of or [0] * len(indices), np.int64),
            np.array(indices, np.int64),
            seed=seed,
            max_points=max_points,
            width=width,
            exact=exact,
            score=score,
        )
    }


def _by_hand(model: SketchModel, index: int, seed: int = 1, max_points: int = 40) -> np.ndarray:
    """One drawing, one point at a time, without the loop."""
    sampler, state, rows = make_sampler("temperature", 1.0), model.initial_state(1), model.start_rows(1)
    out = []
    with torch.inference_mode():
        for step in range(max_points):
            raw, state = model.step(rows, state)
            noise = uniforms(seed, torch.tensor([index]), torch.tensor([step]))
            rows = sampler(MixtureDensity(raw), Noise(noise))
            out.append(rows[0].numpy().copy())
            if rows[0, 4] == 1:
                out[-1][:2] = 0
                break
    return np.stack(out)


def test_every_job_comes_out_once(tiny_model: SketchModel) -> None:
    assert sorted(_draw(tiny_model, list(range(57)), width=5)) == list(range(57))


def test_no_jobs_give_no_drawings(tiny_model: SketchModel) -> None:
    assert _draw(tiny_model, []) == {}


def test_a_drawing_is_what_a_plain_loop_draws(tiny_model: SketchModel) -> None:
    drawn = _draw(tiny_model, list(range(30)), width=7)
    for index in range(30):
        np.testing.assert_allclose(drawn[index].rows, _by_hand(tiny_model, index), atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(list(range(20))), width=st.integers(1, 30))
def test_order_and_width_change_no_drawing(tiny_model: SketchModel, order: list[int], width: int) -> None:
    usual, other = _draw(tiny_model, list(range(20))), _draw(tiny_model, order, width=width)
    for job, index in enumerate(order):
        np.testing.assert_array_equal(other[job].rows[:, 2:], usual[index].rows[:, 2:])
        np.testing.assert_allclose(other[job].rows, usual[index].rows, atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(indices=st.lists(st.integers(0, 2**40), min_size=1, max_size=40))
def test_exact_drawings_are_equal_to_the_last_bit(tiny_model: SketchModel, indices: list[int]) -> None:
    alone = {i: _draw(tiny_model, [i], exact=True)[0].rows for i in set(indices[:3])}
    together = _draw(tiny_model, indices, exact=True)
    for job, index in enumerate(indices):
        if index in alone:
            np.testing.assert_array_equal(together[job].rows, alone[index])


def test_other_seeds_and_indices_draw_otherwise(tiny_model: SketchModel) -> None:
    first = _draw(tiny_model, [0, 1])
    assert not np.array_equal(first[0].rows, first[1].rows)
    assert not np.array_equal(first[0].rows, _draw(tiny_model, [0], seed=2)[0].rows)


def test_a_drawing_ends_at_its_end_row_or_is_cut(tiny_model: SketchModel) -> None:
    drawn = _draw(tiny_model, list(range(200)), max_points=12)
    ended = [d for d in drawn.values() if d.rows[-1, 4] == 1]
    cut = [d for d in drawn.values() if d.rows[-1, 4] == 0]
    assert ended and cut
    assert all((d.rows[-1] == [0, 0, 0, 0, 1]).all() and (d.rows[:-1, 4] == 0).all() for d in ended)
    assert all(len(d.rows) == 12 for d in cut)
    whole = _draw(tiny_model, list(range(200)))
    for job, d in drawn.items():
        np.testing.assert_allclose(d.rows[:, :2], whole[job].rows[: len(d.rows), :2], atol=1e-5)


def test_a_single_point_is_drawn_where_no_more_are_allowed(tiny_model: SketchModel) -> None:
    drawn = _draw(tiny_model, list(range(9)), max_points=1, width=2)
    assert {len(d.rows) for d in drawn.values()} == {1}


def test_the_score_is_that_of_the_model_itself(tiny_model: SketchModel) -> None:
    for drawn in _draw(tiny_model, list(range(20)), width=6, score=True).values():
        rows = torch.from_numpy(drawn.rows)[None]
        expected = tiny_model.score(rows, torch.tensor([len(drawn.rows)]))
        assert drawn.nll == pytest.approx(float(expected[0]), abs=1e-3)


def test_nobody_asked_for_the_score(tiny_model: SketchModel) -> None:
    assert np.isnan(_draw(tiny_model, [0])[0].nll)


def _beginnings() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    out = []
    for n in (4, 0, 1, 17, 4):
        rows = np.zeros((n, 5))
        rows[:, :2] = rng.normal(size=(n, 2))
        rows[:, 2] = 1
        out.append(rows)
    return out


@pytest.mark.parametrize("exact_width", [None, 16, 3])
def test_prompts_are_read_as_if_each_were_alone(tiny_model: SketchModel, exact_width: int | None) -> None:
    beginnings = _beginnings()
    together = read_prompts(tiny_model, beginnings, exact_width=exact_width)
    assert len(together) == 5
    with torch.inference_mode():
        for i, rows in enumerate(beginnings):
            state, inputs = tiny_model.initial_state(1), tiny_model.start_rows(1)
            for row in rows:
                _, state = tiny_model.step(inputs, state)
                inputs = torch.from_numpy(row).float()[None]
            torch.testing.assert_close(together.rows[i : i + 1], inputs)
            for ours, theirs in zip(together.state, state, strict=True):
                torch.testing.assert_close(ours[i : i + 1], theirs, rtol=0, atol=1e-6)


def test_jobs_continue_their_own_prompt(tiny_model: SketchModel) -> None:
    beginnings = _beginnings()
    mixed = _draw(tiny_model, [3, 3, 3, 3, 3], beginnings=beginnings, prompt_of=[0, 1, 2, 3, 4], width=2)
    for job, rows in enumerate(beginnings):
        alone = _draw(tiny_model, [3], beginnings=[rows])[0]
        np.testing.assert_allclose(mixed[job].rows, alone.rows, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_number_types_draw_too(tiny_model: SketchModel, dtype: torch.dtype) -> None:
    import copy

    other = copy.deepcopy(tiny_model).to(dtype)
    drawn = _draw(other, list(range(12)), width=5, score=True)
    assert len(drawn) == 12
    assert all(np.isfinite(d.rows).all() and np.isfinite(d.nll) for d in drawn.values())


@pytest.mark.gpu
def test_an_accelerator_draws_what_the_cpu_draws(tiny_model: SketchModel) -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    import copy

    there = copy.deepcopy(tiny_model).to("cuda")
    ours, theirs = _draw(tiny_model, list(range(300))), _draw(there, list(range(300)))
    same = [np.array_equal(ours[i].rows[:, 2:], theirs[i].rows[:, 2:]) for i in range(300)]
    assert np.mean(same) >= 0.99
