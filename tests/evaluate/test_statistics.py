"""Intervals and distances against closed forms, and against sets whose answer is plain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketchkit.errors import InputError
from sketchkit.evaluate import statistics as module
from sketchkit.evaluate.statistics import (
    Bootstrap,
    Figure,
    frechet,
    frechet_gaussians,
    is_covered,
    wasserstein,
)

Array = np.ndarray


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


def _rotation(n: int) -> Array:
    return np.linalg.qr(np.random.default_rng(2).normal(size=(n, n)))[0]


# --- Frechet --------------------------------------------------------------------------------------------


def test_the_frechet_distance_of_normal_distributions_with_common_axes_is_the_closed_form() -> None:
    rng = np.random.default_rng(0)
    a, b, m, n = rng.uniform(0.1, 4.0, (4, 7))
    turn = _rotation(7)
    expected = np.square(m - n).sum() + np.square(np.sqrt(a) - np.sqrt(b)).sum()
    ours = frechet_gaussians(turn @ m, turn @ np.diag(a) @ turn.T, turn @ n, turn @ np.diag(b) @ turn.T)
    assert ours == pytest.approx(expected, rel=1e-10)


def test_the_frechet_distance_in_two_dimensions_is_the_closed_form() -> None:
    # The trace of the root of a 2 x 2 matrix P is sqrt(tr P + 2 sqrt(det P)).
    a, b = np.array([[2.0, 0.7], [0.7, 1.0]]), np.array([[0.5, -0.2], [-0.2, 3.0]])
    root = np.sqrt(np.trace(a @ b) + 2 * np.sqrt(np.linalg.det(a @ b)))
    expected = 1.0 + 4.0 + np.trace(a) + np.trace(b) - 2 * root
    assert frechet_gaussians(np.zeros(2), a, np.array([1.0, 2.0]), b) == pytest.approx(expected, rel=1e-10)


def test_the_frechet_distance_of_sets_is_that_of_their_fits() -> None:
    points = np.random.default_rng(1).normal(size=(60, 5)) @ _rotation(5)
    assert frechet(points, points) == pytest.approx(0.0, abs=1e-10)
    assert frechet(points, points + 3.0) == pytest.approx(5 * 9.0)
    # Twice as large: (2 - 1)^2 of the variance, and of the mean.
    grown = np.trace(np.cov(points.T)) + np.square(points.mean(0)).sum()
    assert frechet(points, 2 * points) == pytest.approx(grown)
    assert frechet(2 * points, points) == pytest.approx(grown)


def test_fewer_drawings_than_features_have_a_frechet_distance_too() -> None:
    points = np.random.default_rng(1).normal(size=(4, 30))
    assert frechet(points, points + 1.0) == pytest.approx(30.0)
    with pytest.raises(InputError, match="two drawings or more"):
        frechet(points[:1], points)
    with pytest.raises(InputError, match="two drawings or more"):
        frechet(points, points[:1])


# --- precision and recall -------------------------------------------------------------------------------


def test_equal_sets_cover_each_other_whole_and_distant_ones_not_at_all() -> None:
    points = np.random.default_rng(3).normal(size=(50, 8))
    assert is_covered(points, points.copy()).all()
    far = points + 1000.0
    assert not is_covered(points, far).any()
    assert not is_covered(far, points).any()


def test_who_draws_half_of_what_there_is_has_all_of_the_precision_and_half_of_the_recall() -> None:
    rng = np.random.default_rng(5)
    here, there = rng.normal(size=(40, 4)), rng.normal(size=(40, 4)) + 500.0
    real, samples = np.concatenate([here, there]), here + rng.normal(0, 1e-3, here.shape)
    assert is_covered(samples, real).all()
    assert is_covered(real, samples).mean() == pytest.approx(0.5)


def test_a_neighbourhood_reaches_to_the_kth_neighbour() -> None:
    by = np.array([[0.0], [1.0], [3.0], [10.0]])
    # With k = 1 they reach 1, 1, 2 and 7; with k = 2, 3, 2, 3 and 9.
    points = np.array([[-1.0], [-1.01], [5.0], [17.0], [17.01], [-3.0], [-3.01]])
    assert is_covered(points, by, 1).tolist() == [True, False, True, True, False, False, False]
    assert is_covered(points, by, 2).tolist() == [True, True, True, True, True, True, False]


def test_how_many_distances_fit_into_memory_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    points, by = rng.normal(size=(31, 3)), rng.normal(size=(29, 3))
    whole = is_covered(points, by)
    monkeypatch.setattr(module, "_AT_ONCE", 60)
    np.testing.assert_array_equal(is_covered(points, by), whole)
    assert 0 < whole.mean() < 1


def test_nobody_covers_nothing_and_too_few_have_no_neighbours() -> None:
    assert is_covered(np.zeros((0, 3)), np.zeros((4, 3))).shape == (0,)
    with pytest.raises(InputError, match="3 drawings do not have 3 neighbours each"):
        is_covered(np.zeros((5, 2)), np.zeros((3, 2)))


# --- Wasserstein ----------------------------------------------------------------------------------------

numbers = st.lists(st.integers(-50, 50), min_size=1, max_size=12)


@given(numbers, st.integers(1, 4), st.integers(1, 4))
def test_how_often_every_number_of_a_set_is_repeated_does_not_matter(
    values: list[int], often: int, other: int
) -> None:
    there = [3 * value + 1 for value in values]
    assert wasserstein(values * often, there * other) == pytest.approx(wasserstein(values, there))


def test_the_larger_of_two_sets_counts_no_more_than_the_smaller() -> None:
    assert wasserstein([0], [0, 0, 3]) == wasserstein([0, 0, 3], [0]) == pytest.approx(1.0)
    assert wasserstein([1, 5], [1, 1, 1, 5]) == pytest.approx(1.0)


@given(numbers, st.integers(-9, 9))
def test_moving_all_numbers_costs_the_way(values: list[int], way: int) -> None:
    assert wasserstein(values, [value + way for value in values]) == pytest.approx(abs(way))


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(*[st.lists(st.integers(-9, 9), min_size=n, max_size=n)] * 2)
    )
)
def test_equally_many_numbers_are_moved_in_order(pair: tuple[list[int], list[int]]) -> None:
    a, b = (np.sort(side) for side in pair)
    assert wasserstein(*pair) == pytest.approx(np.abs(a - b).mean())


@given(numbers, numbers)
def test_how_often_all_numbers_are_told_makes_no_difference(a: list[int], b: list[int]) -> None:
    assert wasserstein(a * 3, b) == pytest.approx(wasserstein(a, b))
    assert wasserstein(b, a) == pytest.approx(wasserstein(a, b))
