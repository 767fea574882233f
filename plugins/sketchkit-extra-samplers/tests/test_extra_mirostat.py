"""Mirostat: what it leaves out, and how its feedback finds the surprise that is asked for."""

from __future__ import annotations

import math

import pytest
import torch
from extra_densities import chance, components, telling
from sketchkit_extra_samplers import Mirostat

import sketchkit
from sketchkit.density import MixtureDensity
from sketchkit.sampling import Sampler, make_sampler

CPU = torch.device("cpu")
WEIGHTS, PENS = [0.4, 0.2, 0.15, 0.1, 0.08, 0.05, 0.02], [0.8, 0.15, 0.05]


def told(component: int, pen: int) -> float:
    """The surprise of a choice from `telling(WEIGHTS, PENS)`."""
    return -math.log(PENS[pen]) - (0.0 if pen == 2 else math.log(WEIGHTS[component]))


def choices(points: torch.Tensor) -> list[tuple[int, int]]:
    return list(zip(components(points), points[:, 2:].argmax(-1).tolist(), strict=True))


def test_where_nothing_surprises_too_much_it_draws_what_temperature_draws() -> None:
    torch.manual_seed(2)
    density = MixtureDensity(torch.randn(300, 6 * 5 + 3))
    sampler, wanted = Mirostat(tau=20.0, temperature=0.8), make_sampler("temperature", 0.8)
    assert isinstance(wanted, Sampler)
    points, _ = sampler.step(density, chance(300), sampler.initial_state(300, CPU))
    assert torch.equal(points, wanted(density, chance(300)))


@pytest.mark.parametrize("mu", [1.2, 2.0, 2.5, 3.0, 9.0])
def test_all_that_surprises_no_more_than_mu_is_drawn_and_nothing_else(mu: float) -> None:
    rows = 20_000
    sampler = Mirostat(temperature=1.0)
    points, _ = sampler.step(telling(WEIGHTS, PENS, rows), chance(rows), (torch.full((rows,), mu),))
    wanted = {(c, p) for c in range(len(WEIGHTS)) for p in range(3) if told(c, p) <= mu}
    assert set(choices(points)) == wanted


def test_what_is_left_is_drawn_in_proportion() -> None:
    rows, mu = 40_000, 3.0
    sampler = Mirostat(temperature=1.0)
    points, _ = sampler.step(telling(WEIGHTS, PENS, rows), chance(rows), (torch.full((rows,), mu),))
    found = choices(points)
    kept = [(c, p) for c in range(len(WEIGHTS)) for p in range(3) if told(c, p) <= mu]
    whole = sum(WEIGHTS[c] * PENS[p] for c, p in kept)
    for c, p in kept:
        assert found.count((c, p)) / rows == pytest.approx(WEIGHTS[c] * PENS[p] / whole, abs=0.01)


def test_the_likeliest_choice_is_never_left_out() -> None:
    sampler = Mirostat(tau=0.0)
    points, _ = sampler.step(telling(WEIGHTS, PENS, 50), chance(50), sampler.initial_state(50, CPU))
    assert set(choices(points)) == {(0, 0)}


def test_mu_begins_at_twice_tau_and_moves_by_the_difference() -> None:
    sampler = Mirostat(tau=1.5, rate=0.25, temperature=1.0)
    before = sampler.initial_state(100, CPU)
    points, (after,) = sampler.step(telling(WEIGHTS, PENS, 100), chance(100), before)
    assert before[0].tolist() == [3.0] * 100
    wanted = [3.0 - 0.25 * (told(c, p) - 1.5) for c, p in choices(points)]
    assert after.tolist() == pytest.approx(wanted, abs=1e-5)
    assert len(set(after.tolist())) > 2


@pytest.mark.parametrize("tau", [1.3, 1.6, 1.9])
def test_the_mean_surprise_comes_to_what_was_asked_for(tau: float) -> None:
    rows, steps = 8, 600
    sampler, density = Mirostat(tau=tau, temperature=1.0), telling(WEIGHTS, PENS, rows)
    state, surprises = sampler.initial_state(rows, CPU), []
    for step in range(steps):
        points, state = sampler.step(density, chance(rows, step), state)
        surprises += [told(c, p) for c, p in choices(points)]
    assert sum(surprises) / len(surprises) == pytest.approx(tau, abs=0.05)


def test_mu_does_not_fall_below_0() -> None:
    sampler = Mirostat(tau=0.0, rate=1.0)
    state = sampler.initial_state(4, CPU)
    for step in range(20):
        _, state = sampler.step(telling([0.5, 0.5], PENS, 4), chance(4, step), state)
    assert state[0].tolist() == [0.0] * 4


def test_a_drawing_keeps_its_memory_when_it_changes_its_place() -> None:
    model = sketchkit.load_model("doodle")
    sampler = Mirostat(tau=1.2)
    few = sketchkit.sample(model, 9, sampler=sampler, batch_size=4, max_points=40, exact=True)
    assert few == sketchkit.sample(model, 24, sampler=sampler, max_points=40, exact=True)[:9]
    assert few != sketchkit.sample(model, 9, sampler=Mirostat(tau=1.2, rate=0.0), max_points=40, exact=True)
