"""Pictures of lines whose pixels can be said beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketchkit.critic.raster import MARGIN, SIZE, Lines, draw, fit_lines
from sketchkit.errors import InputError
from sketchkit.sketch import Sketch
from sketchkit.training.data import synth

Array = np.ndarray


def raster(sketches: list[Sketch], size: int = SIZE) -> Array:
    """Drawings as pictures, wherever they stood and however large they were."""
    return draw(fit_lines(Lines.of(sketches), size), size)


def _picture(*lines: list[tuple[float, float]]) -> Array:
    """Lines that are in pixels already, [48, 48]."""
    picture: Array = draw(Lines.of([Sketch.from_polylines(lines)]))[0, 0]
    return picture


def test_a_line_through_the_middles_of_pixels_fills_them_and_no_others() -> None:
    picture = _picture([(10, 20), (30, 20)])
    assert (picture[20, 10:31] == 1.0).all()
    picture[20, 9:32] = 0.0
    assert picture.sum() == 0.0


def test_a_line_between_two_rows_of_pixels_is_shared_by_them() -> None:
    picture = _picture([(10, 20.5), (30, 20.5)])
    np.testing.assert_allclose(picture[20:22, 12:29], 0.75)
    assert picture[[19, 22]].sum() == 0.0
    # A quarter of the way: three quarters of a line's ink on one side, a quarter on the other.
    picture = _picture([(20.25, 10), (20.25, 30)])
    np.testing.assert_allclose(picture[12:29, 20], 1.0)
    np.testing.assert_allclose(picture[12:29, 21], 0.375)


def test_a_slanting_line_is_spread_as_by_very_small_steps() -> None:
    begin, end = np.array([5.3, 8.1]), np.array([40.2, 33.7])
    expected, pieces = np.zeros((SIZE, SIZE)), 20_000
    for share in (np.arange(pieces) + 0.5) / pieces:
        (x, y) = begin + share * (end - begin)
        i, j, u, v = int(x), int(y), x % 1, y % 1
        for dx, dy, part in (
            (0, 0, (1 - u) * (1 - v)),
            (1, 0, u * (1 - v)),
            (0, 1, (1 - u) * v),
            (1, 1, u * v),
        ):
            expected[j + dy, i + dx] += 1.5 * part * np.hypot(*(end - begin)) / pieces
    picture = _picture([tuple(begin), tuple(end)])
    middle = np.abs(picture - np.minimum(expected, 1.0))[12:30, 10:35]
    assert middle.max() < 0.06


def test_a_dot_is_a_dot_also_where_it_is_the_same_point_twice() -> None:
    once, twice = _picture([(7, 9)]), _picture([(7, 9), (7, 9)])
    assert once[9, 7] == 1.0 and once.sum() == 1.0
    np.testing.assert_array_equal(once, twice)


def test_a_pixel_holds_no_more_than_1() -> None:
    once = _picture([(10, 10), (20, 10)])
    np.testing.assert_array_equal(_picture([(10, 10), (20, 10)], [(20, 10), (10, 10)]), once)


def test_how_a_line_is_drawn_is_not_seen() -> None:
    line = [(5.0, 5.0), (40.0, 17.5), (22.0, 41.0)]
    picture = _picture(line)
    np.testing.assert_allclose(_picture(line[::-1]), picture, atol=1e-6)
    denser = [(5.0, 5.0), (12.0, 7.5), (40.0, 17.5), (31.0, 29.25), (22.0, 41.0)]
    np.testing.assert_allclose(_picture(denser), picture, atol=0.15)
    assert abs(float(_picture(denser).sum()) - float(picture.sum())) < 0.5


@given(st.floats(0.01, 100.0), st.floats(-500, 500), st.floats(-500, 500))
def test_where_a_drawing_stands_and_how_large_it_is_makes_no_difference(
    scale: float, x: float, y: float
) -> None:
    drawing = next(iter(synth(1, seed=3, classes=["face"])))
    moved = drawing.transformed(scale, (x, y))
    np.testing.assert_allclose(raster([moved]), raster([drawing]), atol=2e-3)


def test_the_longer_side_reaches_from_margin_to_margin_and_the_shorter_is_in_the_middle() -> None:
    lines = fit_lines(
        Lines.of([Sketch.from_polylines([[(0, 0), (100, 40)]]), Sketch.from_polylines([[(5, 5)]])])
    )
    far = SIZE - 1 - MARGIN
    np.testing.assert_allclose(lines.points[0], (MARGIN, 23.5 - 0.4 * 43 / 2))
    np.testing.assert_allclose(lines.points[1], (far, 23.5 + 0.4 * 43 / 2))
    np.testing.assert_allclose(lines.points[2], (23.5, 23.5))


def test_a_picture_does_not_depend_on_its_neighbours() -> None:
    drawings = [*synth(300, seed=1), Sketch.from_polylines([])]
    together = raster(drawings)
    assert together.shape == (301, 1, SIZE, SIZE) and together.dtype == np.float32
    assert together.min() >= 0.0 and together.max() <= 1.0
    assert together[300].sum() == 0.0
    for i in (0, 17, 255, 256, 299):
        np.testing.assert_array_equal(raster([drawings[i]])[0], together[i])
    assert raster([]).shape == (0, 1, SIZE, SIZE)


def test_some_of_the_lines_are_the_lines_of_some() -> None:
    drawings = [*synth(6, seed=2), Sketch.from_polylines([])]
    some = Lines.of(drawings).take([3, 6, 0, 3])
    expected = Lines.of([drawings[i] for i in (3, 6, 0, 3)])
    for ours, theirs in zip(
        (some.points, some.joined, some.bounds),
        (expected.points, expected.joined, expected.bounds),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_what_leaves_the_picture_is_drawn_on_its_border() -> None:
    picture = _picture([(-20, 24), (70, 24)])
    assert (picture[24] == 1.0).all()


def test_a_picture_without_room_is_refused() -> None:
    with pytest.raises(InputError, match="6 pixels or more a side, got 5"):
        raster([Sketch.from_polylines([[(0, 0), (1, 1)]])], 5)
