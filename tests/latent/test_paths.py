"""Paths through the latent space, and arithmetic on latent vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sketchkit.errors import InputError
from sketchkit.latent import analogy, class_means, lerp, path, slerp, surface
from sketchkit.latent.paths import between

VECTORS = arrays(np.float64, 5, elements=st.floats(-9, 9, allow_nan=False).map(lambda x: round(x, 3)))
SHARES = st.floats(0, 1)


@pytest.mark.parametrize("method", ["slerp", "lerp"])
@given(a=VECTORS, b=VECTORS)
def test_a_way_begins_and_ends_where_it_shall(method: str, a: np.ndarray, b: np.ndarray) -> None:
    way = between(method, a, b, [0.0, 1.0])  # type: ignore[arg-type]
    assert (way == np.stack([a, b])).all()


@given(a=VECTORS, b=VECTORS, t=SHARES)
def test_the_length_goes_evenly_along_a_great_circle(a: np.ndarray, b: np.ndarray, t: float) -> None:
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    cosine = a @ b / max(lengths[0] * lengths[1], 1e-300)
    if min(lengths) == 0 or abs(cosine) > 1 - 1e-6:
        return
    assert np.linalg.norm(slerp(a, b, t)) == pytest.approx((1 - t) * lengths[0] + t * lengths[1], rel=1e-6)


@given(a=VECTORS, b=VECTORS, t=SHARES)
def test_a_way_back_is_the_way_there(a: np.ndarray, b: np.ndarray, t: float) -> None:
    np.testing.assert_allclose(slerp(a, b, t), slerp(b, a, 1 - t), atol=1e-6)


def test_each_way_has_its_name() -> None:
    a, b = [2.0, 0.0], [0.0, 4.0]
    np.testing.assert_allclose(between("lerp", a, b, 0.5), [1.0, 2.0])
    np.testing.assert_allclose(between("slerp", a, b, 0.5), [3 / np.sqrt(2), 3 / np.sqrt(2)])
    assert (between("slerp", a, b, 0.5) == slerp(a, b, 0.5)).all()


def test_the_direction_turns_evenly() -> None:
    way = slerp([1.0, 0.0], [0.0, 1.0], np.linspace(0, 1, 10))
    np.testing.assert_allclose(np.degrees(np.arctan2(way[:, 1], way[:, 0])), np.arange(10) * 10.0)


@pytest.mark.parametrize("b", [[3.0, 0.0], [-3.0, 0.0], [0.0, 0.0], [2.0, 1e-9]])
def test_where_no_great_circle_leads_the_way_is_straight(b: list[float]) -> None:
    a = [2.0, 0.0]
    np.testing.assert_allclose(slerp(a, b, [0.25, 0.5]), lerp(a, b, [0.25, 0.5]), atol=1e-8)


def test_vectors_near_each_other_keep_their_digits() -> None:
    a = np.array([1.0, 0.0])
    b = np.array([np.cos(1e-5), np.sin(1e-5)])
    np.testing.assert_allclose(slerp(a, b, 0.5), [1.0, 0.5e-5], rtol=1e-9)


@pytest.mark.parametrize("method", ["slerp", "lerp"])
@pytest.mark.parametrize("exponent", [1018, 500, -500, -1000])
@given(a=VECTORS, b=VECTORS, t=SHARES)
def test_a_way_is_the_same_at_every_scale_to_the_last_bit(
    method: Any, exponent: int, a: np.ndarray, b: np.ndarray, t: float
) -> None:
    way = between(method, np.ldexp(a, exponent), np.ldexp(b, exponent), t)
    assert (way == np.ldexp(between(method, a, b, t), exponent)).all()


def test_ends_of_very_different_lengths_still_turn() -> None:
    way = slerp([1e300, 0.0], [0.0, 1e-300], [0.25, 0.5])
    np.testing.assert_allclose(way[1], np.array([1.0, 1.0]) * 1e300 / 2**1.5, rtol=1e-12)
    assert np.degrees(np.arctan2(way[0, 1], way[0, 0])) == pytest.approx(22.5)
    half = lerp([-1.7e308], [1.7e308], [0.25, 0.5, 0.75])
    np.testing.assert_allclose(half.ravel(), [-0.85e308, 0.0, 0.85e308], rtol=1e-12)
    with pytest.raises(InputError, match="too large"):
        slerp([1.7e308, 1.7e308], [1.7e308, -1.7e308], 0.5)


@pytest.mark.parametrize("method", ["slerp", "lerp"])
def test_a_way_passes_its_stations(method: str) -> None:
    stations = np.random.default_rng(1).normal(size=(4, 6))
    way = path(stations, 10, method)  # type: ignore[arg-type]
    assert way.shape == (10, 6)
    assert (way[::3] == stations).all()


@given(st.integers(2, 7), st.integers(0, 30), st.sampled_from(["slerp", "lerp"]))
def test_every_station_is_a_point_of_the_way_whatever_the_numbers(count: int, more: int, method: str) -> None:
    stations = np.random.default_rng(count).normal(size=(count, 6))
    way = path(stations, count + more, method)  # type: ignore[arg-type]
    assert way.shape == (count + more, 6)
    found = [np.flatnonzero((way == station).all(axis=1)) for station in stations]
    assert [len(each) for each in found] == [1] * count
    places = np.concatenate(found)
    assert places[0] == 0 and places[-1] == count + more - 1
    assert np.ptp(np.diff(places)) <= 1


def test_points_between_two_stations_are_at_even_distances() -> None:
    assert path([[0.0], [3.0], [7.0]], 8, "lerp").ravel().tolist() == [
        0,
        0.75,
        1.5,
        2.25,
        3,
        *(pytest.approx(3 + 4 * k / 3) for k in (1, 2)),
        7,
    ]


def test_a_surface_has_its_corners_in_the_corners() -> None:
    corners = np.random.default_rng(2).normal(size=(3, 4, 6))
    made = surface(corners, (5, 7))
    assert made.shape == (3, 7, 5, 6)
    for place, (row, column) in enumerate([(0, 0), (0, -1), (-1, 0), (-1, -1)]):
        np.testing.assert_allclose(made[:, row, column], corners[:, place], atol=1e-12)


def test_the_edges_of_a_surface_are_ways_between_its_corners() -> None:
    corners = np.random.default_rng(3).normal(size=(4, 6))
    made = surface(corners, (4, 5))
    np.testing.assert_allclose(made[0], path(corners[:2], 4), atol=1e-12)
    np.testing.assert_allclose(made[:, 0], path(corners[::2], 5), atol=1e-12)
    np.testing.assert_allclose(made[2], path([made[2, 0], made[2, -1]], 4), atol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: path([[1.0, 2.0]], 3), "two stations or more"),
        (lambda: path([[1.0], [2.0]], 1), "2 points or more"),
        (lambda: path([[1.0], [2.0], [3.0]], 2), "a way past 3 stations has 3 points or more, got 2"),
        (lambda: surface(np.zeros((3, 2)), (2, 2)), "four corners"),
        (lambda: surface(np.zeros((4, 2)), (2, 1)), "2 columns and 2 rows"),
        (lambda: between("nurbs", [1.0], [2.0], 0.5), "slerp or lerp"),  # type: ignore[arg-type]
        (lambda: slerp([1.0, 2.0], [1.0], 0.5), "cannot lead"),
        (lambda: slerp(1.0, [1.0], 0.5), "cannot lead"),
        (lambda: slerp([1.0], 1.0, 0.5), "cannot lead"),
        (lambda: slerp([1.0, np.nan], [1.0, 2.0], 0.5), "not finite"),
        (lambda: slerp(np.ones((2, 3)), np.ones((3, 3)), 0.5), "do not go together"),
        (lambda: lerp("ab", [1.0], 0.5), "between numbers"),
    ],
)
def test_what_is_no_way_is_refused(call: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()  # type: ignore[operator]


# --- arithmetic ---------------------------------------------------------------------------------------


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
