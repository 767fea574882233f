"""Distances against closed forms, and against sets whose answer is plain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketchkit.errors import InputError
from sketchkit.evaluate import distances as module
from sketchkit.evaluate.distances import covered, frechet, frechet_gaussians, wasserstein

Array = np.ndarray


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
    assert covered(points, points.copy()).all()
    far = points + 1000.0
    assert not covered(points, far).any()
    assert not covered(far, points).any()


def test_who_draws_half_of_what_there_is_has_all_of_the_precision_and_half_of_the_recall() -> None:
    rng = np.random.default_rng(5)
    here, there = rng.normal(size=(40, 4)), rng.normal(size=(40, 4)) + 500.0
    real, samples = np.concatenate([here, there]), here + rng.normal(0, 1e-3, here.shape)
    assert covered(samples, real).all()
    assert covered(real, samples).mean() == pytest.approx(0.5)


def test_a_neighbourhood_reaches_to_the_kth_neighbour() -> None:
    by = np.array([[0.0], [1.0], [3.0], [10.0]])
    # With k = 1 they reach 1, 1, 2 and 7; with k = 2, 3, 2, 3 and 9.
    points = np.array([[-1.0], [-1.01], [5.0], [17.0], [17.01], [-3.0], [-3.01]])
    assert covered(points, by, 1).tolist() == [True, False, True, True, False, False, False]
    assert covered(points, by, 2).tolist() == [True, True, True, True, True, True, False]


def test_how_many_distances_fit_into_memory_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    points, by = rng.normal(size=(31, 3)), rng.normal(size=(29, 3))
    whole = covered(points, by)
    monkeypatch.setattr(module, "_AT_ONCE", 60)
    np.testing.assert_array_equal(covered(points, by), whole)
    assert 0 < whole.mean() < 1


def test_nobody_covers_nothing_and_too_few_have_no_neighbours() -> None:
    assert covered(np.zeros((0, 3)), np.zeros((4, 3))).shape == (0,)
    with pytest.raises(InputError, match="3 drawings do not have 3 neighbours each"):
        covered(np.zeros((5, 2)), np.zeros((3, 2)))


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
