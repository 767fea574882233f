"""The way of the lifted pen."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotter_machines import Machine, obey_gcode, obey_hpgl
from sketchkit_plotter import GcodeRenderer, HpglRenderer
from sketchkit_plotter.joining import joined, linked
from sketchkit_plotter.order import PORTION, Stroke, shortened, travel

import sketchkit
from sketchkit import Sketch
from sketchkit.rendering import Layout, Picture

coordinates = st.integers(-40, 40)
strokes = st.lists(
    st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=4).map(
        lambda points: np.array(points, np.int64)
    ),
    max_size=12,
)
tolerances = st.sampled_from([0.0, 1.0, 2.5, 10.0])


def unordered(some: list[Stroke]) -> list[bytes]:
    """The same for strokes in any order and direction."""
    return sorted(min(stroke.tobytes(), stroke[::-1].tobytes()) for stroke in some)


def random_strokes(count: int, seed: int = 0) -> list[Stroke]:
    points = np.random.default_rng(seed).integers(0, 11_000, (count, 2, 2))
    # Short strokes on a page of A4 in steps of HPGL.
    return [np.stack([start, start + step % 300]) for start, step in points]


def both(shown: list[Picture], layout: Layout) -> tuple[Machine, Machine]:
    """What a machine does with a sheet as drawn, and in the better order."""
    drawn, short = (
        obey_hpgl(HpglRenderer(order=order).render(shown, layout, {})) for order in ("drawn", "optimised")
    )
    return drawn, short


@given(strokes)
def test_the_order_loses_no_stroke_and_makes_none_up(given_strokes: list[Stroke]) -> None:
    assert unordered(shortened(given_strokes)) == unordered(given_strokes)


@given(st.lists(st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=4), max_size=12))
def test_the_better_order_is_never_the_longer_way(polylines: list[list[tuple[int, int]]]) -> None:
    drawn, short = both([Picture.of(Sketch.from_polylines(polylines))], Layout())
    assert short.travel <= drawn.travel + 1e-9


@given(strokes)
def test_no_part_of_the_way_is_worth_turning_round(given_strokes: list[Stroke]) -> None:
    out = shortened(given_strokes)
    best = travel(out)
    for first in range(len(out)):
        for last in range(first, len(out)):
            turned = [stroke[::-1] for stroke in out[first : last + 1]][::-1]
            assert travel([*out[:first], *turned, *out[last + 1 :]]) >= best - 1e-5


def test_a_row_of_strokes_in_disorder_is_drawn_from_end_to_end() -> None:
    row = [np.array([(10 * k, 0), (10 * k + 9, 0)], np.int64) for k in range(50)]
    mixed = [row[k][:: 1 if k % 3 else -1] for k in np.random.default_rng(1).permutation(50)]
    assert travel(shortened(mixed)) == pytest.approx(49 + 499)


@given(strokes, tolerances)
def test_joining_keeps_every_line_of_ink(given_strokes: list[Stroke], tolerance: float) -> None:
    for out in (joined(given_strokes, tolerance), linked(given_strokes, tolerance)):
        assert len(out) <= len(given_strokes)
        wanted, drawn = _steps(given_strokes), _steps(out)
        assert wanted <= drawn
        assert all(_length(step) <= tolerance for step in drawn - wanted)


@given(strokes, tolerances)
def test_no_two_ends_that_meet_are_left_apart(given_strokes: list[Stroke], tolerance: float) -> None:
    out = joined(given_strokes, tolerance)
    for k, stroke in enumerate(out):
        for other in out[k + 1 :]:
            ends = [(a, b) for a in (stroke[0], stroke[-1]) for b in (other[0], other[-1])]
            assert all(_length((tuple(a), tuple(b))) > tolerance for a, b in ends)


Step = tuple[tuple[int, ...], tuple[int, ...]]


def _steps(some: list[Stroke]) -> set[Step]:
    """The steps of strokes that go somewhere, in no direction."""
    out: set[Step] = set()
    for stroke in some:
        points = [tuple(map(int, point)) for point in stroke]
        for a, b in pairwise(points):
            if a != b:
                out.add((min(a, b), max(a, b)))
    return out


def _length(step: tuple[npt.ArrayLike, npt.ArrayLike]) -> float:
    return float(np.hypot(*(np.asarray(step[0]) - np.asarray(step[1]))))


def test_a_thousand_strokes_from_one_point_are_joined_at_once() -> None:
    rays = np.random.default_rng(2).integers(-900, 900, (1000, 2))
    star = [np.array([(0, 0), ray]) for ray in rays]
    begun = time.process_time()
    out = joined(star, 4.0)
    assert len(out) <= 500
    assert time.process_time() - begun < 5


def test_more_strokes_than_a_portion_are_all_there() -> None:
    some = random_strokes(PORTION + 200)
    out = shortened(some)
    assert unordered(out) == unordered(some)
    assert travel(out) < 0.1 * travel(some)


def test_thousands_of_strokes_take_seconds() -> None:
    some = random_strokes(2000)
    begun = time.process_time()
    short = shortened(some)
    # A second or less on a core of today.
    assert time.process_time() - begun < 20
    assert travel(short) < 0.05 * travel(some)


def test_on_a_real_sheet_most_of_the_way_is_saved(drawings: list[Path]) -> None:
    shown = [Picture.of(sketchkit.read(path)) for path in drawings]
    drawn, short = both(shown, Layout.on_page("A4"))
    assert short.travel < 0.6 * drawn.travel
    assert short.lifts <= drawn.lifts
    # Another machine, other steps, the same picture.
    gcode = obey_gcode(GcodeRenderer().render(shown, Layout.on_page("A4"), {}))
    assert gcode.travel == pytest.approx(short.travel, rel=0.05)
