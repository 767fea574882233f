from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from sketchkit import geometry
from sketchkit.errors import InputError
from sketchkit.geometry import (
    chamfer,
    fit,
    line_to_stroke,
    magenta_simplify,
    magenta_strokes,
    outline,
    quickdraw_simplify,
    resample,
    scale_factor,
    simplify,
    thin,
)
from sketchkit.sketch import Sketch

coordinates = st.integers(-4000, 4000).map(lambda n: n / 4)
lines = hnp.arrays(np.float64, st.tuples(st.integers(1, 40), st.just(2)), elements=coordinates)
drawings = st.lists(lines, min_size=1, max_size=6)


def distance_to_segment(point: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    length = float((b - a) @ (b - a))
    u = 0.0 if length == 0.0 else min(1.0, max(0.0, float((point - a) @ (b - a)) / length))
    return float(np.hypot(*(point - a - u * (b - a))))


def is_subsequence(short: np.ndarray, long: np.ndarray) -> bool:
    rows = iter(map(tuple, long))
    return all(any(row == tuple(wanted) for row in rows) for wanted in short)


@given(drawings, st.sampled_from([0.0, 0.5, 2.0, 30.0]))
def test_simplify_keeps_ends_and_order_and_stays_within_the_tolerance(drawing, tolerance):
    for line, out in zip(drawing, simplify(drawing, tolerance), strict=True):
        assert is_subsequence(out, line)
        assert np.array_equal(out[[0, -1]], line[[0, -1]])
        for point in line:
            near = min(distance_to_segment(point, a, b) for a, b in itertools.pairwise([*out, out[-1]]))
            assert near <= tolerance + 1e-9


@given(drawings)
def test_simplify_of_many_lines_is_simplify_of_each(drawing):
    together = simplify(drawing, 2.0)
    for line, out in zip(drawing, together, strict=True):
        assert np.array_equal(simplify([line], 2.0)[0], out)


def test_simplify_passes_what_has_nothing_to_leave_out():
    out = simplify([[], [[1, 2]], [[1, 2], [1, 2]], [[1, 2], [1, 2], [1, 2]]], 5.0)
    assert [line.tolist() for line in out] == [[], [[1, 2]], [[1, 2], [1, 2]], [[1, 2], [1, 2]]]
    assert simplify([], 2.0) == []


def test_simplify_measures_to_the_segment_not_to_the_infinite_line():
    beyond = [[0, 0], [10, 0], [5, 0]]
    assert simplify([beyond], 2.0)[0].tolist() == beyond


def test_simplify_copies():
    line = np.array([[0.0, 0.0], [1.0, 1.0]])
    out = simplify([line], 1.0)[0]
    out[0, 0] = 9.0
    assert line[0, 0] == 0.0


def shrinking_zigzag(n: int) -> np.ndarray:
    """The line on which every split takes off one point: as deep as it is long."""
    i = np.arange(n)
    return np.stack([i * 1.0, (n - i) * np.where(i % 2, 1.0, -1.0)], axis=1)


def test_simplify_survives_the_deepest_of_long_lines():
    # Given to GEOS whole, this line overflows the stack and ends the process: hence another process. A
    # thread has less stack than the main program.
    code = (
        "import sys, threading; sys.path.insert(0, sys.argv[1])\n"
        "from test_geometry import shrinking_zigzag\nfrom sketchkit.geometry import simplify\n"
        "threading.stack_size(256 * 1024)\n"
        "work = threading.Thread(target=lambda: print(len(simplify([shrinking_zigzag(100_000)], 0.1)[0])))\n"
        "work.start(); work.join()"
    )
    run = subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent)], capture_output=True)
    assert (run.returncode, run.stdout.strip()) == (0, b"100000")


def test_simplify_in_pieces_keeps_the_joints_and_drops_the_rest():
    n = 3 * geometry.LONGEST_PIECE
    line = np.stack([np.arange(n) * 1.0, np.zeros(n)], axis=1)
    out = simplify([line], 1.0)[0]
    assert np.array_equal(out[[0, -1]], line[[0, -1]])
    assert 2 <= len(out) <= 5
    assert is_subsequence(out, line)


NOT_LINES = [[[0.0, math.nan]], [[0.0, math.inf]], [[1, 2, 3]], [1, 2, 3], [["a", "b"]], [[1e200, 0]]]


@pytest.mark.parametrize("bad", NOT_LINES)
@pytest.mark.parametrize(
    "function",
    [
        lambda line: simplify([line], 1.0),
        resample,
        lambda line: fit([line]),
        lambda line: quickdraw_simplify([line]),
        thin,
        lambda line: magenta_simplify([line]),
        lambda line: magenta_strokes([line]),
        lambda line: line_to_stroke(line, (0, 0)),
    ],
)
def test_every_function_refuses_what_is_no_line(function, bad):
    with pytest.raises(InputError):
        function(bad)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_tolerances_and_sizes_are_checked(value):
    line = [[0.0, 0.0], [1.0, 0.0]]
    for call in (simplify, fit, magenta_simplify):
        with pytest.raises(InputError):
            call([line], value)
    for call in (thin, resample):
        with pytest.raises(InputError):
            call(line, value)


@given(lines, st.sampled_from([0.3, 1.0, 7.5]))
def test_resample_walks_at_even_steps_between_the_same_ends(line, spacing):
    out = resample(line, spacing)
    assert np.allclose(out[0], line[0])
    assert np.allclose(out[-1], line[-1])
    steps = np.hypot(*np.diff(out, axis=0).T)
    assert (steps <= spacing * (1 + 1e-9)).all()
    length = np.hypot(*np.diff(line, axis=0).T).sum()
    assert len(out) == (math.ceil(round(length / spacing, 9)) + 1 if length else 1) or math.isclose(
        length / spacing, round(length / spacing)
    )


def test_a_size_and_a_spacing_of_0_are_refused():
    line = [[0.0, 0.0], [1.0, 0.0]]
    for call in (lambda: fit([line], 0.0), lambda: resample(line, 0.0)):
        with pytest.raises(InputError, match="must be above 0"):
            call()


def test_resample_of_a_straight_line():
    assert resample([[0, 0], [0.6, 0.8]], 0.5).tolist() == [[0, 0], [0.3, 0.4], [0.6, 0.8]]
    assert resample([[0, 0], [2.5, 0]], 1.0)[:, 0].tolist() == [0, 1, 2, 2.5]
    assert resample([[3, 4], [3, 4]], 1.0).tolist() == [[3, 4]]


def test_resample_refuses_absurdly_many_points_and_none():
    with pytest.raises(InputError, match="too many"):
        resample([[0, 0], [1e9, 0]], 1e-3)
    with pytest.raises(InputError, match="empty"):
        resample([], 1.0)


@given(drawings, st.sampled_from([1.0, 255.0, 0.1]))
def test_fit_fills_the_size_exactly_and_keeps_the_proportions(drawing, size):
    before, after = np.concatenate(drawing), np.concatenate(fit(drawing, size))
    assert (after.min(axis=0) == 0.0).all()
    extent = np.ptp(before, axis=0)
    assert after.max() == (size if extent.max() else 0.0)
    if extent.max():
        assert np.allclose(np.ptp(after, axis=0), extent / extent.max() * size)


def test_fit_of_nothing_is_nothing():
    assert fit([]) == []
    assert [len(line) for line in fit([[]])] == [0]


@settings(max_examples=40)
@given(drawings)
def test_quickdraw_simplify_gives_integers_in_the_box(drawing):
    out = quickdraw_simplify(drawing)
    assert len(out) == len(drawing)
    for line in out:
        assert line.dtype == np.int64
        assert len(line) >= 2
        assert line.min() >= 0
        assert line.max() <= 255


def test_quickdraw_simplify_doubles_dots_and_drops_empty_strokes():
    out = quickdraw_simplify([[[0, 0], [510, 510]], [], [[255, 255]]])
    assert [line.tolist() for line in out] == [[[0, 0], [255, 255]], [[128, 128], [128, 128]]]


def test_quickdraw_simplify_drops_a_point_at_exactly_the_tolerance():
    wide = [[0, 100], [255, 100]]
    assert quickdraw_simplify([wide, [[0, 0], [0, 2], [10, 2], [10, 0]]])[1].tolist() == [[0, 0], [10, 0]]
    assert len(quickdraw_simplify([wide, [[0, 0], [0, 3], [10, 3], [10, 0]]])[1]) == 4


@pytest.mark.data
def test_quickdraw_simplify_equals_the_published_pairs(data):
    def drawing(line: str) -> list[np.ndarray]:
        return [np.array(stroke[:2], np.float64).T for stroke in json.loads(line)["drawing"]]

    folder = data / "quickdraw-raw"
    raw = (folder / "raw.ndjson").read_text().splitlines()
    official = (folder / "simplified.ndjson").read_text().splitlines()
    identical = strokes = 0
    for number, (before, after) in enumerate(zip(raw, official, strict=True)):
        ours, theirs = quickdraw_simplify(drawing(before)), drawing(after)
        assert len(ours) == len(theirs), number
        for a, b in zip(ours, theirs, strict=True):
            strokes += 1
            identical += np.array_equal(a, b)
            assert np.array_equal(a[[0, -1]], b[[0, -1]]), number
            assert abs(len(a) - len(b)) <= max(2, 0.1 * len(b)), number
    assert strokes == 4941
    assert identical >= 0.98 * strokes


@given(lines, st.sampled_from([0.0, 2.0, 50.0]))
def test_thin_keeps_both_ends_and_no_two_close_points_but_the_last(line, distance):
    out = thin(line, distance)
    assert is_subsequence(out, line)
    assert np.array_equal(out[[0, -1]], line[[0, -1]])
    steps = np.hypot(*np.diff(out, axis=0).T)
    assert (steps[:-1] >= distance - 1e-9).all()


def test_thin_keeps_a_point_at_exactly_the_distance():
    assert thin([[0, 0], [2, 0], [3.9, 0], [4, 0]], 2.0).tolist() == [[0, 0], [2, 0], [4, 0]]
    assert thin([], 2.0).shape == (0, 2)


def same(ours, theirs) -> bool:
    pairs = zip(ours, theirs, strict=True)
    return all(np.array_equal(a, np.array(b, np.float64).reshape(-1, a.shape[-1])) for a, b in pairs)


@pytest.mark.data
def test_magenta_lines_equal_both_official_libraries(data):
    golden = json.loads((data / "magenta" / "golden" / "lines.json").read_text())
    assert same(magenta_simplify(golden["lines"], golden["tolerance"]), golden["simplified"])
    for tolerance, simplified in golden["simplified_tol"].items():
        assert same(magenta_simplify(golden["lines"], float(tolerance)), simplified), tolerance
    assert np.array_equal(magenta_strokes(golden["simplified"]), np.array(golden["strokes"]))
    one = golden["line_to_stroke"]
    assert np.array_equal(line_to_stroke(one["line"], one["last_point"]), np.array(one["out"]))


@given(drawings)
def test_magenta_strokes_are_the_drawing_seen_from_its_first_point(drawing):
    rows = magenta_strokes(drawing)
    kept = [line for line in drawing if len(line) > 1]
    assert np.array_equal(rows[-1], [0, 0, 0, 0, 1])
    assert (rows[:, 2:].sum(axis=1) == 1.0).all()
    assert rows[:, 3].sum() == len(kept)
    if kept:
        points = np.concatenate(kept)
        assert np.array_equal(np.cumsum(rows[:-1, :2], axis=0) + points[0], points[1:])


def test_magenta_strokes_without_a_line_are_an_end_row():
    assert magenta_strokes([[[1, 2]], []]).tolist() == [[0, 0, 0, 0, 1]]


@given(st.lists(drawings, min_size=1, max_size=5))
def test_scale_factor_is_the_standard_deviation_of_all_offsets_but_the_first(many):
    sketches = [Sketch.from_polylines(drawing, ended=True) for drawing in many]
    offsets = np.concatenate([s.without_end().stroke5[1:, :2].ravel() for s in sketches]).astype(np.float64)
    if offsets.size and offsets.std() > 0:
        assert math.isclose(scale_factor(iter(sketches)), float(offsets.std()), rel_tol=1e-12)
    else:
        with pytest.raises(InputError):
            scale_factor(iter(sketches))


def test_scale_factor_does_not_cancel_far_from_zero():
    steps = np.tile([[1e4, 1e4], [1e4 + 1, 1e4 + 1]], (500, 1))
    rows = np.concatenate([np.zeros((1, 2)), steps])
    sketch = Sketch.from_stroke3(np.concatenate([rows, np.zeros((len(rows), 1))], axis=1))
    assert math.isclose(scale_factor([sketch] * 20), 0.5, rel_tol=1e-9)


def test_scale_factor_needs_something_to_measure():
    with pytest.raises(InputError):
        scale_factor([])
    with pytest.raises(InputError):
        scale_factor([Sketch.from_polylines([[[1, 1]]])])


def test_importing_geometry_and_formats_loads_neither_torch_nor_shapely():
    code = (
        "import sys, sketchkit.geometry\n"
        "from sketchkit.formats import files, npz, quickdraw\n"
        "print([m for m in ('torch', 'shapely') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert run.stdout.strip() == b"[]"


def test_an_outline_is_spread_evenly_and_a_chamfer_distance_is_a_mean_way() -> None:
    points = outline(Sketch.from_polylines([[(0, 0), (32, 0)], [(0, 8), (32, 8)]]), 64)
    assert len(points) == 64
    for y in (0, 8):
        assert points[points[:, 1] == y, 0].tolist() == [n + 0.5 for n in range(32)]
    assert chamfer(np.array([[0.0, 0.0], [4.0, 0.0]]), np.array([[0.0, 3.0]])) == pytest.approx(
        (4.0 + 3.0) / 2
    )
    assert chamfer(np.zeros((0, 2)), points) == np.inf
    assert chamfer(points, points) == chamfer(np.zeros((0, 2)), np.zeros((0, 2))) == 0.0


def test_specks_beside_a_line_have_as_much_of_an_outline_as_of_the_ink() -> None:
    line, specks = [(0, 0), (90, 0)], [[(x, 50), (x + 0.5, 50)] for x in range(20)]
    points = outline(Sketch.from_polylines([line, *specks]))
    assert len(points) == 64
    assert np.sum(points[:, 1] == 50) == pytest.approx(64 * 10 / 100, abs=1)
    before, dotted = outline(Sketch.from_polylines([line])), [line, *([(x, 50)] for x in range(20))]
    np.testing.assert_array_equal(outline(Sketch.from_polylines(dotted)), before)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=1, max_size=5),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 80),
)
def test_an_outline_does_not_know_where_the_pen_was_lifted(
    drawn: list[list[tuple[float, float]]], count: int
) -> None:
    """A line that is drawn in two goes has the points that it has in one."""
    halves = [half for line in drawn for half in (line[: len(line) // 2 + 1], line[len(line) // 2 :])]
    whole, parts = (outline(Sketch.from_polylines(lines), count) for lines in (drawn, halves))
    ink = Sketch.from_polylines(drawn).ink_length
    assert ink == 0 or len(whole) == len(parts) == count
    if ink > 0:
        np.testing.assert_allclose(whole, parts, atol=1e-3 * max(1.0, ink))


def test_the_outline_of_dots_is_the_dots() -> None:
    assert outline(Sketch.from_polylines([[(1, 2)], [(3, 4)]])).tolist() == [[1, 2], [3, 4]]
    assert outline(Sketch.from_polylines([])).shape == (0, 2)


def test_a_lone_dot_is_fitted_to_the_corner() -> None:
    """It has no extent to be scaled by."""
    (dot,) = fit([[(7.0, -3.0)]], 255.0)
    assert dot.tolist() == [[0.0, 0.0]]
    twice = fit([[(7.0, -3.0)], [(7.0, -3.0), (7.0, -3.0)]])
    assert [line.tolist() for line in twice] == [[[0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]
