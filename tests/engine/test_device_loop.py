"""The loop that lies on the device as a whole: the drawings of the usual one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sketchkit.engine import Requests, read_prompts
from sketchkit.engine.decoder import decode_steps
from sketchkit.engine.device_loop import decode_on_device
from sketchkit.models import SketchModel
from sketchkit.models.vae import VaeModel
from sketchkit.sampling import Draft
from sketchkit.sampling.truncated import Truncated

SAMPLER = Truncated(temperature=0.9, r=3.0)


def _requests(model: SketchModel, jobs: int, max_points: int = 30) -> Requests:
    """Drawings from three beginnings, in any order, some of a second attempt."""
    beginnings = [np.zeros((0, 5)), np.array([[1.0, 0.5, 1, 0, 0]]), np.array([[0.2, -0.5, 0, 1, 0]] * 4)]
    z = None
    if model.conditional:
        size = (3, model.architecture.latent)
        z = torch.randn(*size, generator=torch.Generator().manual_seed(1)).numpy()
    prompts = read_prompts(model, beginnings, z=z)
    which = np.arange(jobs) * 7 % 3
    attempt = np.arange(jobs) % 2
    return Requests(prompts, which, np.arange(jobs) + 5, attempt, 2**40 + 3, max_points)


def _draw(
    model: SketchModel, requests: Requests, width: int | None = None, score: bool = False
) -> list[Draft]:
    """By the usual loop."""
    return list(decode_steps(model, SAMPLER, requests, width=width, score=score))


def _draw_there(
    model: SketchModel, requests: Requests, width: int | None = None, score: bool = False, block: int = 999
) -> list[Draft]:
    """By the loop of the device."""
    return list(decode_on_device(model, requests, SAMPLER.draw_rule(), score, width, block))


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
    requests = _requests(tiny_model, jobs)
    found = _draw_there(tiny_model, requests, width, score, block)
    _assert_same(found, _draw(tiny_model, requests, width, score))


def test_it_draws_from_latent_vectors(tiny_vae: VaeModel) -> None:
    requests = _requests(tiny_vae, 40)
    _assert_same(_draw_there(tiny_vae, requests, 8, True), _draw(tiny_vae, requests, 8, True))


@pytest.mark.parametrize("max_points", [1, 7, 8, 9])
def test_endless_drawings_are_cut_where_they_should(tiny_model: SketchModel, max_points: int) -> None:
    requests = _requests(tiny_model, 20, max_points)
    usual = _draw(tiny_model, requests, 5)
    assert any(not draft.ended for draft in usual)
    _assert_same(_draw_there(tiny_model, requests, 5), usual)


def test_a_cached_loop_draws_the_next_requests_as_a_new_one_would(tiny_model: SketchModel) -> None:
    first, second = _requests(tiny_model, 20), replace(_requests(tiny_model, 17), seed=9)
    _draw_there(tiny_model, first)
    _assert_same(_draw_there(tiny_model, second), _draw(tiny_model, second))


def test_two_at_once_do_not_meet(tiny_model: SketchModel) -> None:
    requests, rule = _requests(tiny_model, 30), SAMPLER.draw_rule()
    one, other = (
        decode_on_device(tiny_model, replace(requests, seed=seed), rule, False, 4, 8) for seed in (1, 2)
    )
    pairs = list(zip(one, other, strict=True))
    for k, seed in enumerate((1, 2)):
        _assert_same([pair[k] for pair in pairs], _draw(tiny_model, replace(requests, seed=seed), 4))


@pytest.mark.gpu
def test_captured_on_a_device_it_draws_what_the_cpu_draws(tiny_model: SketchModel) -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    import copy

    there = copy.deepcopy(tiny_model).to("cuda")
    usual = _by_job(_draw(tiny_model, _requests(tiny_model, 500)))
    found = _by_job(_draw(there, _requests(there, 500)))
    same = [np.array_equal(found[job].rows[:, 2:], draft.rows[:, 2:]) for job, draft in usual.items()]
    assert np.mean(same) >= 0.99
