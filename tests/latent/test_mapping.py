"""Two dimensions for a map: the axes of most variance, and UMAP."""

from __future__ import annotations

import sys
import warnings
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketchkit.errors import InputError, PluginError
from sketchkit.latent import check_by, principal_axes, umap_coordinates

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(2, 9)


def _cloud(seed: int, size: int, n: int = 30) -> np.ndarray:
    """Vectors that vary by another amount in each direction, none of which is an axis of their space."""
    chance = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(chance.normal(size=(size, size)))
    return chance.normal(size=(n, size)) * 2.0 ** -np.arange(size) @ turn + chance.normal(size=size)


@given(seeds, sizes)
def test_the_axes_are_those_of_the_covariance(seed: int, size: int) -> None:
    z = _cloud(seed, size)
    found = principal_axes(z)
    values, vectors = np.linalg.eigh(np.cov(z.T))
    np.testing.assert_allclose(found.share, values[::-1][:2] / values.sum(), atol=1e-12)
    np.testing.assert_allclose(found.axes @ found.axes.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(np.abs(found.axes @ vectors[:, ::-1][:, :2]), np.eye(2), atol=1e-5)
    np.testing.assert_allclose(found.mean, z.mean(0), atol=1e-12)
    np.testing.assert_allclose(found.project(z).var(0) / z.var(0).sum(), found.share, atol=1e-12)


@given(seeds, sizes)
def test_a_place_is_where_its_vector_is_projected_to(seed: int, size: int) -> None:
    axes = principal_axes(_cloud(seed, size))
    places = np.random.default_rng(seed).normal(size=(3, 4, 2))
    assert axes.place(places).shape == (3, 4, size)
    np.testing.assert_allclose(axes.project(axes.place(places)), places, atol=1e-12)
    np.testing.assert_array_equal(axes.place([0.0, 0.0]), axes.mean)


@given(seeds, sizes)
def test_a_map_changes_sides_neither_with_the_order_nor_with_the_sign(seed: int, size: int) -> None:
    z = _cloud(seed, size)
    axes = principal_axes(z)
    assert (axes.axes[np.arange(2), np.abs(axes.axes).argmax(1)] > 0).all()
    np.testing.assert_allclose(principal_axes(z[::-1]).axes, axes.axes, atol=1e-6)
    np.testing.assert_allclose(principal_axes(-z).axes, axes.axes, atol=1e-6)
    np.testing.assert_array_equal(principal_axes(z).axes, axes.axes)


def test_vectors_of_a_plane_are_told_by_two_numbers_each() -> None:
    z = principal_axes(_cloud(1, 7)).place(np.random.default_rng(2).normal(size=(20, 2)))
    axes = principal_axes(z)
    assert axes.share.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(axes.place(axes.project(z)), z, atol=1e-12)


def test_what_has_no_axes_is_refused() -> None:
    line = np.outer(np.arange(5.0), np.ones(4))
    for z, directions in ((line, 1), (np.ones((5, 4)), 0), (np.eye(4)[:2], 1), (np.eye(4)[:1], 0)):
        with pytest.raises(
            InputError, match=f"{len(z)} drawings vary in too few directions, {directions}, to span 2 axes"
        ):
            principal_axes(z)
    assert principal_axes(line, 1).share.tolist() == [1.0]
    for empty in (np.zeros((0, 4)), np.zeros((3, 0)), np.zeros(4)):
        with pytest.raises(InputError, match="a map is made of latent vectors"):
            principal_axes(empty)
    with pytest.raises(InputError, match="not finite"):
        principal_axes([[1.0, 2.0], [np.nan, 0.0], [3.0, 1.0]])
    axes = principal_axes(_cloud(1, 5))
    with pytest.raises(InputError, match=r"coordinates must have the shape \[..., 2\], got \[3\]"):
        axes.place(np.zeros(3))
    with pytest.raises(InputError, match=r"latent vectors must have the shape \[..., 5\], got \[1, 4\]"):
        axes.project(np.zeros((1, 4)))


# --- UMAP -----------------------------------------------------------------------------------------------


def test_umap_that_is_missing_is_told_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    for refused in (lambda: check_by("umap"), lambda: umap_coordinates(np.zeros((20, 3)))):
        with pytest.raises(PluginError, match=r"UMAP is not installed: `pip install 'sketchkit\[umap\]'`"):
            refused()
    check_by("pca")
    with pytest.raises(InputError, match="a map is made by pca or umap, got 'tsne'"):
        check_by("tsne")


def test_umap_needs_more_drawings_than_a_neighbourhood_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", ModuleType("umap"))
    with pytest.raises(InputError, match="UMAP needs more than 15 drawings, got 15"):
        umap_coordinates(np.zeros((15, 3)))


def test_umap_keeps_neighbours_together_and_the_same_seed_finds_the_same() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)  # of what it could use besides
        pytest.importorskip("umap")
    z = np.concatenate([_cloud(1, 6), _cloud(1, 6) + 50.0])
    places = umap_coordinates(z, seed=2**40 + 3)
    assert places.shape == (60, 2)
    np.testing.assert_array_equal(umap_coordinates(z, seed=2**40 + 3), places)
    assert not np.array_equal(umap_coordinates(z, seed=4), places)
    middles = places[:30].mean(0), places[30:].mean(0)
    nearer = [np.linalg.norm(places - middle, axis=1) for middle in middles]
    assert ((nearer[0] > nearer[1]) == (np.arange(60) >= 30)).all()
