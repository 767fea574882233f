"""The loop that lies on the device as a whole: the drawings of the usual one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sketchkit.engine.decode import decode_steps
from sketchkit.engine.prompts import read_prompts
from sketchkit.engine.resident import drawn_on_the_device
from sketchkit.engine.work import Work
from sketchkit.models import SketchModel
from sketchkit.models.vae import VaeModel
from sketchkit.sampling import Draft
from sketchkit.sampling.truncated import Truncated

SAMPLER = Truncated(temperature=0.9, r=3.0)


def _work(model: SketchModel, jobs: int, width: int | None = None, max_points: int = 30) -> Work:
    """Drawings from three beginnings, in any order, some of a second attempt."""
    beginnings = [np.zeros((0, 5)), np.array([[1.0, 0.5, 1, 0, 0]]), np.array([[0.2, -0.5, 0, 1, 0]] * 4)]
    z = None
    if model.conditional:
        z = torch.randn(3, model.architecture.latent, generator=torch.Generator().manual_seed(1))
    prompts = read_prompts(model, beginnings, z=z)
    which = np.arange(jobs) * 7 % 3
    attempt = np.arange(jobs) % 2
    return Work(model, prompts, which, np.arange(jobs) + 5, attempt, 2**40 + 3, max_points, width, False)


def _by_job(drafts: list[Draft]) -> dict[int, Draft]:
    out = {draft.job: draft for draft in drafts}
    assert len(out) == len(drafts)
    return out


def _assert_same(found: list[Draft], wanted: list[Draft]) -> None:
    mine, theirs = _by_job(found), _by_job(wanted)
    assert mine.keys() == theirs.keys()
    for job, draft in theirs.items():
        assert np.array_equal(mine[job].rows[:, 2:], draft.rows[:, 2:]), job
        assert np.allclose(mine[job].rows, draft.rows, atol=1e-4), job
        assert mine[job].nll == pytest.approx(draft.nll, rel=1e-4, abs=1e-3, nan_ok=True)
        assert mine[job].attempt == draft.attempt


@pytest.mark.parametrize(
    ("jobs", "width", "block"), [(1, None, 64), (9, 4, 64), (70, 16, 64), (100, None, 32)]
)
@pytest.mark.parametrize("score", [False, True])
def test_it_draws_what_the_usual_loop_draws(
    tiny_model: SketchModel, jobs: int, width: int | None, block: int, score: bool
) -> None:
    work = _work(tiny_model, jobs, width)
    usual = list(decode_steps(work, SAMPLER, score=score))
    _assert_same(list(drawn_on_the_device(work, SAMPLER.draw_rule(), score, block)), usual)


def test_it_draws_from_latent_vectors(tiny_vae: VaeModel) -> None:
    work = _work(tiny_vae, 40, 8)
    usual = list(decode_steps(work, SAMPLER, score=True))
    _assert_same(list(drawn_on_the_device(work, SAMPLER.draw_rule(), True)), usual)


@pytest.mark.parametrize("max_points", [1, 7, 8, 9])
def test_endless_drawings_are_cut_where_they_should(tiny_model: SketchModel, max_points: int) -> None:
    work = _work(tiny_model, 20, 5, max_points)
    usual = list(decode_steps(work, SAMPLER))
    assert any(not draft.ended for draft in usual)
    _assert_same(list(drawn_on_the_device(work, SAMPLER.draw_rule(), False)), usual)


def test_a_loop_that_is_kept_draws_the_next_work_as_a_new_one_would(tiny_model: SketchModel) -> None:
    first, second = _work(tiny_model, 20), replace(_work(tiny_model, 17), seed=9)
    rule = SAMPLER.draw_rule()
    list(drawn_on_the_device(first, rule, False))
    _assert_same(list(drawn_on_the_device(second, rule, False)), list(decode_steps(second, SAMPLER)))


def test_two_at_once_do_not_meet(tiny_model: SketchModel) -> None:
    work, rule = _work(tiny_model, 30, 4), SAMPLER.draw_rule()
    one, other = (drawn_on_the_device(replace(work, seed=seed), rule, False, 8) for seed in (1, 2))
    pairs = list(zip(one, other, strict=True))
    for k, seed in enumerate((1, 2)):
        usual = list(decode_steps(replace(work, seed=seed), SAMPLER))
        _assert_same([pair[k] for pair in pairs], usual)


@pytest.mark.gpu
def test_recorded_on_a_device_it_draws_what_the_cpu_draws(tiny_model: SketchModel) -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    import copy

    here = _work(tiny_model, 500)
    there = _work(copy.deepcopy(tiny_model).to("cuda"), 500)
    usual, found = _by_job(list(decode_steps(here, SAMPLER))), _by_job(list(decode_steps(there, SAMPLER)))
    same = [np.array_equal(found[job].rows[:, 2:], draft.rows[:, 2:]) for job, draft in usual.items()]
    assert np.mean(same) >= 0.99
