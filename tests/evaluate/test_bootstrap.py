"""Intervals against the formulas of textbooks."""

from __future__ import annotations

import numpy as np
import pytest

from sketchkit.errors import InputError
from sketchkit.evaluate import bootstrap as module
from sketchkit.evaluate.bootstrap import Bootstrap, Figure
from sketchkit.evaluate.distances import wasserstein


def _width(figure: Figure) -> float:
    assert figure.low is not None and figure.high is not None
    assert figure.low <= figure.value <= figure.high
    return figure.high - figure.low


def test_the_interval_of_a_mean_is_that_of_the_normal_formula() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 1500)
    figure = Bootstrap(4000, seed=2).mean(values)
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert figure.value == pytest.approx(values.mean())
    assert figure.low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert figure.high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_the_interval_of_a_ratio_is_that_of_the_delta_method() -> None:
    rng = np.random.default_rng(4)
    points = rng.integers(5, 90, 1200)
    losses = points * rng.normal(0.8, 0.3, 1200)
    figure = Bootstrap(4000, seed=1).ratio(losses, points)
    ratio = losses.sum() / points.sum()
    error = np.sqrt(np.square(losses - ratio * points).sum()) / points.sum()
    assert figure.value == pytest.approx(ratio)
    assert _width(figure) == pytest.approx(2 * 1.96 * error, rel=0.06)


def test_points_of_one_drawing_hang_together() -> None:
    # Ten drawings of a hundred points each that all cost the same are ten observations, not a thousand.
    costs = np.random.default_rng(0).normal(size=10)
    together = Bootstrap(2000).ratio(costs * 100, np.full(10, 100))
    apart = Bootstrap(2000).mean(np.repeat(costs, 100))
    assert _width(together) > 5 * _width(apart)


def test_the_median_of_many_numbers_is_surer_than_that_of_few() -> None:
    rng = np.random.default_rng(6)
    few, many = rng.exponential(size=50), rng.exponential(size=5000)
    assert Bootstrap(500).median(few).value == np.median(few)
    # The asymptotic error of a median is 1 / (2 f sqrt n), and f is 1/2 there.
    assert _width(Bootstrap(500).median(many)) == pytest.approx(2 * 1.96 / np.sqrt(5000), rel=0.2)
    assert _width(Bootstrap(500).median(few)) > 4 * _width(Bootstrap(500).median(many))


def test_equal_seeds_resample_alike_and_figures_of_the_same_drawings_move_together() -> None:
    values = np.random.default_rng(3).normal(size=80)
    figure, twice = Bootstrap(300, 7).mean(values), Bootstrap(300, 7).mean(2 * values + 1)
    assert figure == Bootstrap(300, 7).mean(values)
    assert (twice.low, twice.high) == pytest.approx((2 * figure.low + 1, 2 * figure.high + 1))  # type: ignore[operator]
    assert figure != Bootstrap(300, 8).mean(values)


def test_how_many_resamples_fit_into_memory_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).normal(size=101)
    whole = Bootstrap(200).mean(values)
    monkeypatch.setattr(module, "_AT_ONCE", 7 * 101)
    assert Bootstrap(200).mean(values) == whole


def test_a_distance_lies_in_its_interval_though_resamples_lie_further_apart() -> None:
    rng = np.random.default_rng(9)
    same, other = rng.normal(size=400), rng.normal(size=400)
    near = Bootstrap(300).distance(wasserstein, same, other)
    assert near.value == wasserstein(same, other)
    assert _width(near) > 0
    assert near.low is not None and near.low >= 0
    # Far apart, the distance is a difference of means, whose error is known.
    far = Bootstrap(600).distance(wasserstein, same, other + 10)
    assert _width(far) == pytest.approx(2 * 1.96 * np.sqrt(2 / 400), rel=0.15)


def test_a_slow_distance_is_resampled_less_often() -> None:
    calls = []

    def counted(a: np.ndarray, b: np.ndarray) -> float:
        calls.append(1)
        return float(a.mean() - b.mean())

    Bootstrap(1000).distance(counted, np.arange(9.0), np.arange(5.0), most=20)
    assert len(calls) == 21


def test_no_resamples_give_no_interval() -> None:
    assert Bootstrap(0).mean([1.0, 2.0]) == Figure(1.5)
    assert Bootstrap(0).distance(wasserstein, np.zeros(2), np.ones(2)) == Figure(1.0)


@pytest.mark.parametrize("numbers", [(-1, 0), (10, -1)])
def test_numbers_below_0_are_refused(numbers: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="0 or more"):
        Bootstrap(*numbers)
