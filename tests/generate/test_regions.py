"""Where ink may go: rectangles, areas, walls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketchkit.errors import InputError
from sketchkit.generate.regions import Bounds
from sketchkit.sketch import Sketch

SQUARE = [(10, 10), (20, 10), (20, 20), (10, 20)]
CLOSED = Sketch.from_polylines([[*SQUARE, SQUARE[0]]])
WALL = Sketch.from_polylines([[(10, 0), (10, 30)]])

_number = st.integers(0, 40).map(float)
_point = st.tuples(_number, _number)
_lines = st.lists(st.lists(_point, min_size=1, max_size=6), min_size=1, max_size=4)


def _allows(bounds: Bounds, *line: tuple[float, float]) -> bool:
    return bounds.allow_drawing(Sketch.from_polylines([list(line)]))


def _along(start: Any, end: Any) -> np.ndarray:
    return np.linspace(np.asarray(start, float), np.asarray(end, float), 101)


@given(lines=_lines)
def test_ink_is_in_a_region_where_all_its_points_are(lines: list[list[tuple[float, float]]]) -> None:
    sketch = Sketch.from_polylines(lines)
    inside = bool(((sketch.points >= 5) & (sketch.points <= [35, 25])).all())
    assert Bounds((5, 5, 30, 20)).allow_drawing(sketch) == inside


@given(triangle=st.tuples(_point, _point, _point), start=_point, end=_point)
def test_a_line_is_clear_of_an_area_where_none_of_its_points_is_in_it(
    triangle: tuple[Any, ...], start: tuple[float, float], end: tuple[float, float]
) -> None:
    a, b, c = (np.array(corner) for corner in triangle)
    points = _along(start, end)
    sides = np.stack([_cross(v - u, points - u) for u, v in ((a, b), (b, c), (c, a))])
    strictly_inside = ((sides > 0).all(axis=0) | (sides < 0).all(axis=0)).any()
    if strictly_inside:
        assert not _allows(Bounds(avoid=[triangle]), start, end)
    far = np.linalg.norm(
        points[:, None] - np.concatenate([_along(a, b), _along(b, c), _along(c, a)]), axis=-1
    )
    if not strictly_inside and far.min() > 1.0:  # farther than what is between two samples
        assert _allows(Bounds(avoid=[triangle]), start, end)


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return u[0] * v[:, 1] - u[1] * v[:, 0]


def test_a_closed_outline_is_an_area_and_an_open_line_a_wall() -> None:
    assert not _allows(Bounds(avoid=CLOSED), (14, 14), (15, 15))
    assert not _allows(Bounds(avoid=CLOSED), (14, 14))  # a dot
    open_line = Sketch.from_polylines([SQUARE])
    assert _allows(Bounds(avoid=open_line), (14, 14), (15, 15))
    assert not _allows(Bounds(avoid=open_line), (15, 15), (15, 5))
    assert _allows(Bounds(avoid=open_line), (15, 15), (5, 15))  # where it is open


def test_a_gap_that_cannot_be_seen_leaves_an_outline_closed() -> None:
    nearly = Sketch.from_polylines([[*SQUARE, (10, 10.005)]])
    assert not _allows(Bounds(avoid=nearly), (14, 14), (15, 15))
    assert _allows(Bounds(avoid=Sketch.from_polylines([[*SQUARE, (10, 12)]])), (14, 14), (15, 15))


def test_a_move_passes_over_everything_but_may_not_end_in_it() -> None:
    for bounds in (Bounds((0, 0, 30, 9)), Bounds(avoid=CLOSED)):
        over = Sketch.from_polylines([[(5, 5), (6, 5)], [(25, 5), (26, 5)]], origin=(15, 50))
        assert bounds.allow_drawing(over)
        into = Sketch.from_polylines([[(5, 5), (6, 5)], [(15, 15)]])
        assert not bounds.allow_drawing(into)
    assert _allows(Bounds(avoid=WALL), (12, 5), (15, 5))
    assert not _allows(Bounds(avoid=WALL), (5, 5), (15, 5))


def test_only_a_pen_that_is_down_meets_what_lies_on_its_way() -> None:
    starts, ends = np.array([[5.0, 15.0]] * 2), np.array([[25.0, 15.0]] * 2)
    for bounds in (Bounds(avoid=CLOSED), Bounds(avoid=WALL), Bounds(avoid=CLOSED, clearance=2)):
        assert bounds.allows(starts, ends, np.array([True, False])).tolist() == [False, True]


def test_ink_without_length_is_a_dot() -> None:
    places = np.array([[15.0, 15.0], [10.0, 15.0], [5.0, 5.0]])  # inside, on the outline, and outside
    for bounds in (Bounds(avoid=CLOSED), Bounds(avoid=CLOSED, clearance=2)):
        for drawn in (True, False):
            assert bounds.allows(places, places, np.full(3, drawn)).tolist() == [False, False, True]
    near = np.array([[11.5, 15.0], [12.5, 15.0]])
    assert Bounds(avoid=WALL, clearance=2).allows(near, near, np.full(2, True)).tolist() == [False, True]


def test_touching_is_crossing_and_the_border_of_a_region_is_inside() -> None:
    assert not _allows(Bounds(avoid=WALL), (5, 5), (10, 5))
    assert not _allows(Bounds(avoid=CLOSED), (0, 10), (30, 10))
    assert _allows(Bounds((0, 0, 30, 30)), (0, 0), (30, 30))


def test_an_outline_that_crosses_itself_encloses_all_of_its_loops() -> None:
    eight = [(0, 0), (20, 20), (20, 0), (0, 20)]
    star = [(10, 0), (16, 19), (0, 7), (20, 7), (4, 19)]
    for polygon, places in ((eight, [(4, 10), (16, 10)]), (star, [(10, 10), (10, 3)])):
        for place in places:
            assert not _allows(Bounds(avoid=[polygon]), place)
    assert _allows(Bounds(avoid=[eight]), (10, 3))


def test_an_outline_without_an_inside_is_still_a_wall() -> None:
    flat = Sketch.from_polylines([[(10, 0), (10, 30), (10, 0)]])
    assert not _allows(Bounds(avoid=flat), (5, 5), (15, 5))
    assert _allows(Bounds(avoid=flat), (11, 5), (15, 5))


def test_an_outline_within_another_changes_nothing() -> None:
    ring = Sketch.from_polylines(
        [[(0, 0), (30, 0), (30, 30), (0, 30), (0, 0)], [(10, 10), (20, 10), (20, 20), (10, 10)]]
    )
    assert not _allows(Bounds(avoid=ring), (16, 12))


@pytest.mark.parametrize(
    "bounds",
    [Bounds((0, 0, 30, 30), clearance=2), Bounds(avoid=WALL.transformed(1.0, (-10, 0)), clearance=2)],
)
def test_a_clearance_keeps_its_distance(bounds: Bounds) -> None:
    assert _allows(bounds, (2.1, 5), (2.1, 20))
    assert not _allows(bounds, (1.9, 5), (1.9, 20))


def test_with_a_clearance_a_dot_is_a_disc() -> None:
    dot = Sketch.from_polylines([[(10, 10)]])
    assert not _allows(Bounds(avoid=dot, clearance=3), (8, 8), (8, 12))
    assert _allows(Bounds(avoid=dot, clearance=3), (8, 14), (12, 14))


def test_only_the_rows_from_the_first_on_are_looked_at() -> None:
    drawing = Sketch.from_polylines([[(50, 5), (51, 5)], [(5, 5), (6, 5)]])
    assert not Bounds((0, 0, 9, 9)).allow_drawing(drawing)
    assert Bounds((0, 0, 9, 9)).allow_drawing(drawing, 2)
    joined = Sketch.from_polylines([[(50, 5), (51, 5), (5, 5)]])
    assert not Bounds((0, 0, 9, 9)).allow_drawing(joined, 2)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "a clearance needs a region or something to avoid"),
        ({"region": (0, 0, 5)}, "a region is four numbers"),
        ({"region": "0,0,5,5"}, "a region is four numbers"),
        ({"region": (0, 0, float("nan"), 5)}, "a region is four numbers"),
        ({"region": (0, 0, 0, 5)}, "must be above 0, got 0 and 5"),
        ({"region": (0, 0, 5, 5), "clearance": 2.5}, "leaves nothing of a region of 5 by 5"),
        ({"region": (0, 0, 5, 5), "clearance": -1}, "the clearance must be 0 or more"),
        ({"avoid": Sketch(np.zeros((0, 5)))}, "the drawing to avoid is empty"),
        ({"avoid": []}, "the list of polygons to avoid is empty"),
        ({"avoid": [[(0, 0), (1, 1)]]}, r"n at least 3, got \[2, 2\]"),
        ({"avoid": [[(0, 0), (1, 1), (1, float("inf"))]]}, "not finite"),
        ({"avoid": [[(0, 0), (1, 1), "there"]]}, "must be an array of numbers"),
    ],
)
def test_what_is_no_bound_is_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        Bounds(**values)
