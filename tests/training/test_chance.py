"""Chance as a function: the same place has the same numbers; a permutation is one, whatever its size."""

from __future__ import annotations

import tracemalloc
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketchkit.training.chance import Purpose, generator, permute

SEEDS = st.integers(0, 2**63 - 1)


def whole(n: int, seed: int, epoch: int) -> np.ndarray:
    return permute(np.arange(n), n, seed, epoch)


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_it_is_a_permutation_for_every_number_of_drawings(seed: int) -> None:
    for n, epoch in product(range(1, 201), (0, 1, 7)):
        assert np.array_equal(np.sort(whole(n, seed, epoch)), np.arange(n)), (n, epoch)


@given(n=st.integers(1, 5000), seed=SEEDS, epoch=st.integers(0, 10**6), data=st.data())
def test_a_place_can_be_asked_for_by_itself(n: int, seed: int, epoch: int, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, n - 1), max_size=8))
    found = permute(np.array(places, np.int64), n, seed, epoch)
    assert found.dtype == np.int64
    assert np.array_equal(found, whole(n, seed, epoch)[places])


def test_another_epoch_and_another_seed_have_another_order() -> None:
    orders = [whole(50, seed, epoch).tobytes() for seed, epoch in product((0, 1, 5), range(40))]
    assert len(set(orders)) == len(orders)


def test_every_drawing_comes_to_every_place_equally_often() -> None:
    n, epochs = 60, 1500
    met = np.zeros((n, n))
    for epoch in range(epochs):
        met[np.arange(n), whole(n, 4, epoch)] += 1
    expected, freedom = epochs / n, (n - 1) ** 2
    chi = float(((met - expected) ** 2 / expected).sum())
    assert abs(chi - freedom) < 4 * np.sqrt(2 * freedom)


def test_neighbours_and_epochs_know_nothing_of_each_other() -> None:
    n, epochs = 500, 200
    orders = np.stack([whole(n, 11, epoch) for epoch in range(epochs)]).astype(float)
    limit = 4 / np.sqrt(n * epochs)
    for a, b in (
        (orders[:, 1:], orders[:, :-1]),  # places side by side
        (orders[1:], orders[:-1]),  # the same place in the next epoch
        (orders, np.broadcast_to(np.arange(n, dtype=float), orders.shape)),
    ):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < limit
    stay = (orders[1:] == orders[:-1]).sum(axis=1)  # of a random permutation one place stays, on average
    assert abs(stay.mean() - 1) < 4 / np.sqrt(epochs)


@pytest.mark.parametrize("n", [10**12, 2**40, 2**40 + 1, 2**62])
def test_memory_does_not_grow_with_the_number_of_drawings(n: int) -> None:
    places = np.concatenate((np.arange(5000), np.arange(n - 5000, n)))
    tracemalloc.start()
    found = permute(places, n, 3, 0)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4e6
    assert len(np.unique(found)) == len(places)
    assert found.min() >= 0 and found.max() < n
    shares = np.histogram(found / n, 10, (0, 1))[0] / len(places)
    assert np.abs(shares - 0.1).max() < 4 * np.sqrt(0.09 / len(places))


def test_the_same_place_has_the_same_numbers() -> None:
    for seed, purpose in product((0, 7, 2**63 - 1), Purpose):
        first, again = (generator(seed, purpose, 5, 3).random(9) for _ in range(2))
        assert np.array_equal(first, again)


def test_other_places_have_numbers_of_their_own() -> None:
    purposes = (Purpose.DRAWING, Purpose.EVALUATION)
    steps = (0, 1, 2, 3, 255, 256, 10**6, 2**32 - 1)
    places = list(product((0, 1, 2, 2**31), purposes, steps, steps))
    numbers = np.stack([generator(*place).random(4) for place in places])
    assert len(np.unique(numbers)) == numbers.size
    assert abs(numbers.mean() - 0.5) < 4 / np.sqrt(12 * numbers.size)
    centred = numbers - numbers.mean(axis=0)
    along = (centred[1:] * centred[:-1]).mean() * 12  # from a place to the next one
    assert abs(along) < 4 / np.sqrt(numbers.size)


@given(seed=st.integers(0, 2**32 - 1), step=st.integers(0, 2**32 - 1), place=st.integers(0, 2**32 - 1))
def test_every_purpose_has_numbers_of_its_own(seed: int, step: int, place: int) -> None:
    first = {int(generator(seed, purpose, step, place).integers(2**63)) for purpose in Purpose}
    assert len(first) == len(Purpose)


def test_no_global_generator_is_touched() -> None:
    before = np.random.get_state()
    generator(1, Purpose.ORDER, 2).random(10)
    whole(100, 1, 2)
    after = np.random.get_state()
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
