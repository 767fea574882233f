"""The constant mixture: what it is fitted to comes out again, and its scores are plain sums."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from evaluate_parts import held_out, small_data

from sketchkit.evaluate.baseline import Mixture, fit_constant, fit_mixture, pen_chances


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


COVARIANCE = np.array([[2.0, 0.9], [0.9, 0.8]])


def test_one_component_is_the_normal_distribution_of_its_points() -> None:
    points = _rng().multivariate_normal([1.0, -2.0], COVARIANCE, 4000)
    mixture = fit_mixture(points, 1, _rng())
    np.testing.assert_allclose(mixture.means[0], points.mean(0), atol=1e-10)
    np.testing.assert_allclose(mixture.covariances[0], np.cov(points.T, bias=True), atol=1e-6)
    assert mixture.weights.tolist() == [1.0]


def test_a_known_normal_distribution_costs_its_entropy_whatever_the_number_of_components() -> None:
    points = _rng(1).multivariate_normal([0.5, 0.0], COVARIANCE, 40_000)
    fresh = _rng(2).multivariate_normal([0.5, 0.0], COVARIANCE, 40_000)
    entropy = 0.5 * math.log((2 * math.pi * math.e) ** 2 * np.linalg.det(COVARIANCE))
    for components in (1, 5):
        mixture = fit_mixture(points, components, _rng())
        assert -mixture.log_density(fresh).mean() == pytest.approx(entropy, abs=0.02)


def test_two_heaps_are_told_apart() -> None:
    rng = _rng(3)
    heaps = np.concatenate([rng.normal(0, 0.1, (3000, 2)), rng.normal(4, 0.3, (1000, 2))])
    mixture = fit_mixture(heaps, 2, _rng())
    order = np.argsort(mixture.means[:, 0])
    np.testing.assert_allclose(mixture.weights[order], [0.75, 0.25], atol=1e-6)
    np.testing.assert_allclose(mixture.means[order], [[0, 0], [4, 4]], atol=0.05)
    np.testing.assert_allclose(mixture.covariances[order][:, 0, 0], [0.01, 0.09], rtol=0.15)


def _slow_density(mixture: Mixture, point: np.ndarray) -> float:
    out = 0.0
    for weight, mean, covariance in zip(mixture.weights, mixture.means, mixture.covariances, strict=True):
        way = point - mean
        form = way @ np.linalg.solve(covariance, way)
        out += weight * math.exp(-form / 2) / (2 * math.pi * math.sqrt(np.linalg.det(covariance)))
    return out


def test_the_density_is_the_sum_of_its_components_and_integrates_to_1() -> None:
    mixture = fit_mixture(_rng(4).standard_t(5, (2000, 2)), 4, _rng())
    points = _rng(5).normal(size=(50, 2)) * 2
    expected = [math.log(_slow_density(mixture, point)) for point in points]
    np.testing.assert_allclose(mixture.log_density(points), expected, atol=1e-9)
    side = np.linspace(-60, 60, 1201)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    assert np.exp(mixture.log_density(grid)).sum() * 0.01 == pytest.approx(1.0, abs=1e-3)


def test_more_components_cost_the_points_less() -> None:
    points = _rng(6).standard_cauchy((3000, 2)).clip(-30, 30)
    costs = [-fit_mixture(points, m, _rng()).log_density(points).mean() for m in (1, 3, 10)]
    assert costs[0] > costs[1] > costs[2]


def test_rounded_points_on_one_line_do_not_become_infinitely_likely() -> None:
    points = np.round(_rng(7).normal(0, 5, (3000, 2)))
    points[:1500, 1] = 0.0
    mixture = fit_mixture(points, 8, _rng(), floor=1 / 12)
    assert np.linalg.eigvalsh(mixture.covariances).min() >= 1 / 12 - 1e-9
    assert np.isfinite(mixture.log_density(points)).all()


def test_fewer_points_than_components_are_no_trouble() -> None:
    mixture = fit_mixture(np.array([[0.0, 1.0], [2.0, 1.0]]), 20, _rng(), floor=0.1)
    assert len(mixture.weights) == 2
    assert np.isfinite(mixture.log_density(np.zeros((1, 2)))).all()


def test_pens_are_as_likely_as_they_were_often_and_nothing_is_impossible() -> None:
    chances = pen_chances(np.array([[97.0, 0, 0], [60, 30, 7], [0, 0, 0]]))
    np.testing.assert_allclose(chances.sum(1), 1.0)
    np.testing.assert_allclose(chances, [[0.98, 0.01, 0.01], [0.61, 0.31, 0.08], [1 / 3] * 3])


# --- of a data set --------------------------------------------------------------------------------------


def test_a_drawings_cost_is_the_sum_over_its_points(tmp_path: Path) -> None:
    data = small_data(tmp_path)
    held, constant = held_out(data), fit_constant(data, 20.0)
    offset, pen = constant.score(held)
    for i in range(0, len(held), 3):
        before, expected_offset, expected_pen = 0, 0.0, 0.0
        for row in held.split.drawing(int(held.indices[i])):
            state = int(row[2:].argmax())
            expected_pen -= constant.log_pens[before, state]
            if state < 2:
                expected_offset -= math.log(_slow_density(constant.mixture, row[:2] / 20.0))
            before = state + 1
        assert offset[i] == pytest.approx(expected_offset, rel=1e-7)
        assert pen[i] == pytest.approx(expected_pen, rel=1e-9)


def test_the_same_data_and_seed_give_the_same_fit(tmp_path: Path) -> None:
    data = small_data(tmp_path)
    first, second = fit_constant(data, 20.0, 3), fit_constant(data, 20.0, 3)
    np.testing.assert_array_equal(first.mixture.means, second.mixture.means)
    np.testing.assert_array_equal(first.log_pens, second.log_pens)


def test_in_pixels_the_cost_does_not_depend_on_the_scale_factor(tmp_path: Path) -> None:
    data = small_data(tmp_path)
    held = held_out(data)
    costs = []
    for scale in (10.0, 40.0):
        constant = fit_constant(data, scale)
        offset, _ = constant.score(held)
        costs.append(offset + (held.lengths - 1) * 2 * math.log(scale))
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-6)


def test_a_first_point_that_never_lifts_is_learnt(tmp_path: Path) -> None:
    data = small_data(tmp_path)
    constant = fit_constant(data, 20.0)
    chances = np.exp(constant.log_pens)
    np.testing.assert_allclose(chances.sum(1), 1.0)
    # Nobody ends a drawing without lifting the pen.
    assert chances[1, 2] < 0.01 < chances[2, 2]
