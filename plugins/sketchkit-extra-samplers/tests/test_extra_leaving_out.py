"""Samplers that leave components out: which ones, and in what proportion the rest is drawn."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from extra_densities import chance, components, telling
from hypothesis import assume, given
from hypothesis import strategies as st
from sketchkit_extra_samplers import MinP, Typical

from sketchkit.density import MixtureDensity
from sketchkit.errors import InputError
from sketchkit.sampling import Sampler, make_sampler

PENS = [0.6, 0.3, 0.1]
WEIGHTS = st.lists(st.floats(0.02, 1.0), min_size=1, max_size=6).map(lambda w: [x / sum(w) for x in w])


def drawn(sampler: Sampler, weights: list[float], rows: int = 2_000) -> set[int]:
    return set(components(sampler(telling(weights, PENS, rows), chance(rows))))


@pytest.mark.parametrize("rule", ["paper", "tensorflow", "javascript"])
@pytest.mark.parametrize(("kind", "p"), [(Typical, 1.0), (MinP, 0.0)])
def test_where_nothing_is_left_out_they_draw_what_temperature_draws(
    kind: type[Typical] | type[MinP], p: float, rule: str
) -> None:
    torch.manual_seed(1)
    density = MixtureDensity(torch.randn(200, 6 * 5 + 3))
    wanted = make_sampler("temperature", values={"temperature": 0.7, "rule": rule})
    assert isinstance(wanted, Sampler)
    mine = kind(temperature=0.7, rule=rule, p=p)
    assert torch.equal(mine(density, chance(200)), wanted(density, chance(200)))


@given(WEIGHTS, st.floats(0.0, 1.0))
def test_min_p_draws_all_that_weigh_p_times_the_heaviest_and_nothing_else(
    weights: list[float], p: float
) -> None:
    assume(all(abs(w - p * max(weights)) > 1e-6 or w == max(weights) for w in weights))
    wanted = {k for k, w in enumerate(weights) if w >= p * max(weights)}
    assert drawn(MinP(temperature=1.0, p=p), weights) == wanted


def test_min_p_of_1_leaves_the_heaviest_alone() -> None:
    assert drawn(MinP(p=1.0), [0.2, 0.5, 0.3]) == {1}


def test_min_p_keeps_more_where_the_model_is_less_sure() -> None:
    assert drawn(MinP(temperature=1.0, p=0.5), [0.9, 0.05, 0.05]) == {0}
    assert drawn(MinP(temperature=1.0, p=0.5), [0.4, 0.3, 0.3]) == {0, 1, 2}


def test_min_p_judges_weights_at_the_temperature() -> None:
    weights = [0.6, 0.4]
    assert drawn(MinP(temperature=1.0, rule="paper", p=0.5), weights) == {0, 1}
    assert drawn(MinP(temperature=0.3, rule="paper", p=0.5), weights) == {0}


def nearest_to_the_entropy(weights: list[float], p: float) -> set[int]:
    """As the paper words it, one after the other."""
    entropy = -sum(w * math.log(w) for w in weights)
    order = sorted(range(len(weights)), key=lambda k: abs(-math.log(weights[k]) - entropy))
    kept = {order[0]}
    for k in order[1:]:
        if sum(weights[j] for j in kept) >= p:
            break
        kept.add(k)
    return kept


@given(WEIGHTS, st.floats(0.0, 0.99))
def test_typical_draws_what_the_paper_keeps_and_nothing_else(weights: list[float], p: float) -> None:
    entropy = -sum(w * math.log(w) for w in weights)
    told = sorted(abs(-math.log(w) - entropy) for w in weights)
    assume(all(after - before > 1e-4 for before, after in itertools.pairwise(told)))
    wanted = nearest_to_the_entropy(weights, p)
    beside = (nearest_to_the_entropy(weights, max(p + shift, 0.0)) for shift in (-1e-4, 1e-4))
    assume(all(each == wanted for each in beside))
    assert drawn(Typical(temperature=1.0, p=p), weights) == wanted


def test_typical_may_leave_the_heaviest_out() -> None:
    weights = [0.3, *[0.07] * 10]
    assert 0 not in drawn(Typical(temperature=1.0, p=0.6), weights)


def test_of_equally_typical_components_the_first_stay() -> None:
    assert drawn(Typical(temperature=1.0, p=0.5), [0.25] * 4) == {0, 1}


@pytest.mark.parametrize("sampler", [Typical(temperature=1.0, p=0.5), MinP(temperature=1.0, p=0.3)])
def test_what_stays_is_drawn_in_proportion_and_the_pen_is_left_whole(sampler: Sampler) -> None:
    rows = 20_000
    points = sampler(telling([0.48, 0.32, 0.1, 0.1], PENS, rows), chance(rows))
    shares = torch.bincount(torch.tensor(components(points)), minlength=4) / rows
    whole = sum(share > 0 for share in shares.tolist())
    assert whole == 2
    assert shares[0] / shares[1] == pytest.approx(1.5, rel=0.05)
    assert points[:, 2:].mean(0).tolist() == pytest.approx(PENS, abs=0.015)


@pytest.mark.parametrize("name", ["typical", "min-p"])
def test_a_share_beyond_1_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"'p' of sampler .* must be 0..1, got 1.5"):
        make_sampler(f"sketchkit-extra-samplers:{name}", values={"p": "1.5"})
