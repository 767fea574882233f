"""Arithmetic on latent vectors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sketchkit.errors import InputError
from sketchkit.latent import analogy, class_means, encoding, posterior
from sketchkit.noise import POSTERIOR, normals


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
    for bad, complaint in ((0, "1 or more, got 0"), (1.5, "a whole number, got 1.5")):
        with pytest.raises(InputError, match=f"^draws must be {complaint}$"):
            posterior(np.zeros((3, 4)), np.ones((3, 4)), bad)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^seed must be a whole number"):
        posterior(np.zeros((3, 4)), np.ones((3, 4)), 2, seed=1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(("n", "draws", "size"), [(5, 7, 6), (3, 4, 128), (9, 1, 5), (2, 33, 3)])
@pytest.mark.parametrize("at_once", [16, 100, 1_000])
def test_draws_made_in_pieces_are_the_same(
    n: int, draws: int, size: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    mu = np.random.default_rng(1).normal(size=(n, size)).astype(np.float32)
    whole = posterior(mu, abs(mu), draws, seed=3)
    noise = normals(3, torch.arange(n), draws * size, POSTERIOR).numpy().reshape(n, draws, size)
    np.testing.assert_array_equal(whole, mu[:, None] + abs(mu)[:, None] * noise)
    monkeypatch.setattr(encoding, "_NUMBERS_AT_ONCE", at_once)
    np.testing.assert_array_equal(posterior(mu, abs(mu), draws, seed=3), whole)


def test_more_draws_than_any_memory_holds_are_refused() -> None:
    vectors = np.broadcast_to(np.float32(0), (1_000_000, 128))
    with pytest.raises(
        InputError, match=r"^1000000000000 draws of each of 1000000 drawings, .* GB, are more"
    ):
        posterior(vectors, vectors, 10**12)
