"""Drawings by rule, and the small tools behind data sets."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketchkit.errors import InputError
from sketchkit.training.data import SYNTH_CLASSES, synth
from sketchkit.training.data.fetch import crc32c
from sketchkit.training.data.preparing import HashSet
from sketchkit.training.data.strokes import Pen
from sketchkit.training.data.synthesis import synth_drawing

seeds = st.integers(0, 2**64 - 1)


@settings(deadline=None)
@given(st.sampled_from(SYNTH_CLASSES), seeds, seeds)
def test_every_drawing_is_finished_and_fills_255_pixels(name: str, seed: int, index: int) -> None:
    sketch = synth_drawing(name, seed, index)
    points = sketch.points
    assert np.array_equal(points, np.rint(points))
    # Simplified, a drawing may lose its outermost points, as the published ones do.
    assert (points.min(axis=0) >= 0).all()
    assert points.min(axis=0).max() <= 3
    assert 252 <= points.max() <= 255
    assert (sketch.ended, sketch.label, sketch.key) == (True, name, f"synth-{seed}-{index}")
    assert 2 < len(points) <= 200
    assert all(len(line) > 1 for line in sketch.to_polylines())


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.integers(0, 60), st.integers(1, 20))
def test_a_drawing_does_not_depend_on_how_many_are_drawn_or_where_one_begins(
    seed: int, first: int, n: int
) -> None:
    endless = list(itertools.islice(synth(seed=seed), first, first + n))
    assert list(synth(n, seed, first=first)) == endless
    assert [s.label for s in endless] == [
        SYNTH_CLASSES[i % len(SYNTH_CLASSES)] for i in range(first, first + n)
    ]


def test_there_are_at_least_ten_classes_and_no_two_drawings_alike() -> None:
    assert len(SYNTH_CLASSES) >= 10
    drawings = list(synth(30 * len(SYNTH_CLASSES)))
    assert len(set(drawings)) == len(drawings)


def test_another_seed_draws_all_differently() -> None:
    assert not any(a == b for a, b in zip(synth(40, 1), synth(40, 2), strict=True))


def test_only_the_classes_asked_for_are_drawn() -> None:
    assert [s.label for s in synth(4, classes=["sun", "cat"])] == ["sun", "cat", "sun", "cat"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: synth(1, classes=["hose"]), "did you mean 'house'"),
        (lambda: synth(1, classes=["qqq"]), "there are balloon, boat"),
        (lambda: synth(1, classes=[]), "no class to draw"),
        (lambda: synth(-1), "0 or more, got -1"),
        (lambda: Pen(-1, 0), "must lie in"),
        (lambda: Pen(0, 2**64), "must lie in"),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(call: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()  # type: ignore[operator]


def test_chance_is_fair() -> None:
    pen = Pen(5, 6)
    numbers = [pen.uniform(2, 4) for _ in range(4000)]
    assert min(numbers) >= 2
    assert max(numbers) < 4
    assert abs(np.mean(numbers) - 3) < 0.05
    counts = np.bincount([pen.integer(1, 3) for _ in range(3000)], minlength=4)
    assert counts[0] == 0
    assert counts[1:].min() > 850
    assert sorted(pen.permute(range(9))) == list(range(9))


@given(st.lists(st.lists(st.one_of(st.integers(0, 20), st.integers(0, 2**64 - 1)), max_size=30), max_size=12))
def test_a_number_is_new_only_the_first_time(blocks: list[list[int]]) -> None:
    seen, before = HashSet(), set[int]()
    for block in blocks:
        expected = []
        for number in block:
            expected.append(number not in before)
            before.add(number)
        assert seen.add(np.array(block, np.uint64)).tolist() == expected
        assert len(seen) == len(before)


def test_few_runs_hold_many_numbers() -> None:
    seen = HashSet()
    for i in range(300):
        seen.add(np.arange(i * 10, i * 10 + 10, dtype=np.uint64))
    assert len(seen) == 3000
    assert len(seen._runs) < 12


def test_the_checksum_is_the_published_one() -> None:
    assert crc32c([b"123456789"]) == 0xE3069283
    assert crc32c([]) == 0
    assert crc32c([bytes(32)]) == 0x8A9136AA


def crc32c_by_bit(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@settings(deadline=None, max_examples=30)
@given(st.binary(max_size=20_000), st.integers(1, 3000))
def test_the_checksum_is_the_same_by_the_bit_and_in_any_pieces(data: bytes, size: int) -> None:
    expected = crc32c_by_bit(data)
    assert crc32c([data]) == expected
    assert crc32c(data[i : i + size] for i in range(0, len(data), size)) == expected
