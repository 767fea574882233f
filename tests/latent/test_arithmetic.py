"""Arithmetic on latent vectors."""

from __future__ import annotations

import numpy as np
import pytest

from sketchkit.errors import InputError
from sketchkit.latent import analogy, class_means, posterior


def test_an_analogy_adds_what_one_has_over_the_other() -> None:
    np.testing.assert_array_equal(analogy([5.0, 1.0], [2.0, 1.0], [10.0, 4.0]), [13.0, 4.0])
    with pytest.raises(InputError, match="cannot be added"):
        analogy([1.0, 2.0], [1.0, 2.0, 3.0], [1.0, 2.0])


def test_a_class_has_the_mean_of_its_drawings() -> None:
    means = class_means([[1.0, 2.0], [3.0, 4.0], [7.0, 7.0], [0.0, 0.0]], ["pig", "pig", "cat", None])
    assert list(means) == ["cat", "pig"]
    np.testing.assert_array_equal(means["pig"], [2.0, 3.0])
    with pytest.raises(InputError, match="1 labels do not fit"):
        class_means([[1.0], [2.0]], ["cat"])


def test_draws_spread_around_the_mean_as_sigma_says() -> None:
    mu, sigma = np.array([[3.0, -1.0]], np.float32), np.array([[0.5, 2.0]], np.float32)
    z = posterior(mu, sigma, 4_000, seed=1)
    assert z.shape == (1, 4_000, 2)
    np.testing.assert_allclose(z[0].mean(0), mu[0], atol=4 * 2.0 / np.sqrt(4_000))
    np.testing.assert_allclose(z[0].std(0), sigma[0], rtol=0.05)


def test_a_draw_depends_on_its_drawing_and_its_number_alone() -> None:
    mu, sigma = np.zeros((3, 4), np.float32), np.ones((3, 4), np.float32)
    many, few = posterior(mu, sigma, 5), posterior(mu[:2], sigma[:2], 2)
    np.testing.assert_array_equal(many[:2, :2], few)
    assert len(np.unique(many.round(5))) == many.size
    assert not np.array_equal(many, posterior(mu, sigma, 5, seed=1))


@pytest.mark.parametrize("shape", [(3, 5), (4,)])
def test_draws_need_means_and_spreads_that_go_together(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="of one shape"):
        posterior(np.zeros((3, 4)), np.ones(shape), 2)
    with pytest.raises(InputError, match="number of 1 or more"):
        posterior(np.zeros((3, 4)), np.ones((3, 4)), 0)
