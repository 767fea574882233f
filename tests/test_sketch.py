from __future__ import annotations

import copy
import math
import pickle

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

from sketchkit.batch import SketchBatch
from sketchkit.errors import InputError
from sketchkit.sketch import Sketch

# Quarters of a unit: binary fractions, as pixels and their halves are, whose sums are exact.
coordinates = st.integers(-40_000, 40_000).map(lambda n: n / 4)
points = st.tuples(coordinates, coordinates)
lines = hnp.arrays(np.float64, st.tuples(st.integers(1, 12), st.just(2)), elements=coordinates)
offsets = st.floats(-1e6, 1e6, width=32)


@st.composite
def sketches(draw, exact: bool = False) -> Sketch:
    """Any drawing: empty, dots, ended or not, pen down or up, with any origin."""
    n = draw(st.integers(0, 20))
    rows = np.zeros((n, 5), np.float32)
    rows[:, :2] = draw(hnp.arrays(np.float32, (n, 2), elements=coordinates if exact else offsets))
    lifts = draw(hnp.arrays(bool, n))
    rows[:, 2], rows[:, 3] = ~lifts, lifts
    if draw(st.booleans()):
        rows = np.concatenate([rows, np.array([[0, 0, 0, 0, 1]], np.float32)])
    label, key = draw(st.none() | st.text(max_size=5)), draw(st.none() | st.text(max_size=5))
    return Sketch(rows, origin=draw(points), label=label, key=key)


# --- round trips ------------------------------------------------------------------------------------


@given(sketches())
def test_stroke3_and_back_is_the_same_sketch(sketch):
    assert Sketch.from_stroke3(sketch.to_stroke3(), origin=sketch.origin, ended=sketch.ended) == sketch


@given(sketches(exact=True))
def test_polylines_and_back_is_the_same_sketch(sketch):
    back = Sketch.from_polylines(
        sketch.to_polylines(), origin=sketch.origin, ended=sketch.ended, pen_down=sketch.pen_down
    )
    assert back == sketch


@given(st.lists(lines, max_size=6), st.booleans(), st.booleans())
def test_lines_and_back_are_the_same_lines(drawing, ended, pen_down):
    sketch = Sketch.from_polylines(drawing, ended=ended, pen_down=pen_down)
    out = sketch.to_polylines()
    assert len(out) == len(drawing)
    assert all(np.array_equal(a, b) for a, b in zip(out, drawing, strict=True))
    assert sketch.ended == ended
    assert sketch.pen_down == (pen_down and bool(drawing))
    assert len(sketch) == sum(map(len, drawing)) + ended


@given(sketches())
def test_stroke5_makes_the_same_sketch(sketch):
    assert Sketch(sketch.stroke5, origin=sketch.origin) == sketch


def test_a_drawing_of_nothing():
    for empty in (Sketch([]), Sketch(np.zeros((0, 5))), Sketch.from_stroke3([]), Sketch.from_polylines([])):
        assert len(empty) == 0
        assert empty.to_polylines() == []
        assert empty.to_stroke3().shape == (0, 3)
        assert empty.bounds == (0, 0, 0, 0)
        assert (empty.n_strokes, empty.ink_length, empty.ended, empty.pen_down) == (0, 0.0, False, False)
        assert empty.end_point == empty.origin
        assert "0 strokes" in repr(empty)


def test_an_ended_drawing_of_nothing_has_one_row():
    sketch = Sketch.from_polylines([], ended=True, origin=(3, 4))
    assert len(sketch) == 1
    assert sketch.ended
    assert sketch.bounds == (3, 4, 3, 4)
    assert sketch.without_end() == Sketch([], origin=(3, 4))


def test_dots_are_strokes_of_one_point_without_ink():
    sketch = Sketch.from_polylines([[[1, 1]], [], [[5, 5]]])
    assert sketch.n_strokes == 2
    assert sketch.ink_length == 0.0
    assert [line.tolist() for line in sketch.to_polylines()] == [[[1, 1]], [[5, 5]]]


# --- what is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rows",
    [
        [[0, 0, 1, 0]],
        [0, 0, 1, 0, 0],
        [[[0, 0, 1, 0, 0]]],
        [[0, 0, 1, 1, 0]],
        [[0, 0, 0, 0, 0]],
        [[0, 0, 0.5, 0.5, 0]],
        [[0, 0, 2, -1, 0]],
        [[math.nan, 0, 1, 0, 0]],
        [[math.inf, 0, 1, 0, 0]],
        [[1e39, 0, 1, 0, 0]],
        [[0, 0, 0, 0, 1], [0, 0, 1, 0, 0]],
        [[0, 0, 0, 0, 1], [0, 0, 0, 0, 1]],
        [["a", 0, 1, 0, 0]],
        [[0, 0, 1, 0, 0], [0, 0]],
        None,
        "sketch",
        10**400,
    ],
)
def test_rows_that_are_no_drawing_are_refused(rows):
    with pytest.raises(InputError) as refused:
        Sketch(rows)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("lift", [0.5, 2, -1, math.nan])
def test_stroke3_needs_a_lift_of_0_or_1(lift):
    with pytest.raises(InputError):
        Sketch.from_stroke3([[1, 2, lift]])


@pytest.mark.parametrize("line", [[[1, 2, 3]], [1, 2], [[math.nan, 0]], [[0, math.inf]], [["x", "y"]]])
def test_lines_that_are_none_are_refused(line):
    with pytest.raises(InputError):
        Sketch.from_polylines([[[0, 0]], line])


def test_steps_beyond_float32_are_refused():
    with pytest.raises(InputError, match="too long"):
        Sketch.from_polylines([[[0, 0], [1e39, 0]]])


@pytest.mark.parametrize("origin", [(math.nan, 0), (0, math.inf)])
def test_the_origin_must_be_finite(origin):
    with pytest.raises(InputError):
        Sketch([], origin=origin)


# --- what it knows ----------------------------------------------------------------------------------


@given(st.lists(lines, min_size=1, max_size=6))
def test_bounds_strokes_and_ink_are_those_of_the_lines(drawing):
    sketch = Sketch.from_polylines(drawing, ended=True)
    every = np.concatenate(drawing)
    assert sketch.bounds == (*every.min(axis=0), *every.max(axis=0))
    assert sketch.n_strokes == len(drawing)
    ink = sum(float(np.hypot(*np.diff(line, axis=0).T).sum()) for line in drawing)
    assert math.isclose(sketch.ink_length, ink, rel_tol=1e-6, abs_tol=1e-9)
    assert sketch.origin == tuple(drawing[0][0])
    assert sketch.end_point == tuple(drawing[-1][-1])
    assert np.array_equal(sketch.points, every)


@given(sketches())
def test_an_end_row_changes_nothing_that_is_drawn(sketch):
    ended, opened = sketch.with_end(), sketch.without_end()
    assert ended.ended
    assert not opened.ended
    assert ended.without_end() == opened
    assert np.array_equal(ended.points, opened.points)
    assert ended.ink_length == opened.ink_length
    assert ended.pen_down == opened.pen_down
    assert (ended.label, ended.key) == (sketch.label, sketch.key)


def test_labelled_replaces_label_and_key_only():
    sketch = Sketch.from_polylines([[[1, 2], [3, 4]]], label="cat", key="7")
    other = sketch.labelled("dog")
    assert (other.label, other.key) == ("dog", None)
    assert other == sketch


# --- equality, copies, immutability -------------------------------------------------------------------


@given(sketches(), sketches())
def test_equal_sketches_hash_alike(a, b):
    assert (a == b) == (a.origin == b.origin and np.array_equal(a.stroke5, b.stroke5))
    assert hash(a) == hash(Sketch(a.stroke5, origin=a.origin))
    if a == b:
        assert hash(a) == hash(b)


def test_minus_zero_is_zero():
    plus, minus = Sketch([[0.0, 1, 1, 0, 0]]), Sketch([[-0.0, 1, 1, 0, 0]], origin=(-0.0, 0.0))
    assert plus == minus
    assert hash(plus) == hash(minus)


def test_a_sketch_equals_no_other_kind_of_thing():
    assert Sketch([]) != 0
    assert Sketch([]) != []


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
@given(sketch=sketches())
def test_copies_are_equal_and_as_immutable(clone, sketch):
    other = clone(sketch)
    assert other == sketch
    assert (other.label, other.key) == (sketch.label, sketch.key)
    assert not other.stroke5.flags.writeable


def test_a_sketch_cannot_be_changed():
    sketch = Sketch.from_polylines([[[0, 0], [1, 1]]])
    with pytest.raises(ValueError, match="read-only"):
        sketch.stroke5[0, 0] = 5
    with pytest.raises(AttributeError):
        sketch._label = "x"
    with pytest.raises(AttributeError):
        del sketch._stroke5


def test_the_array_it_was_made_of_stays_the_callers():
    rows = np.array([[1, 2, 1, 0, 0]], np.float32)
    sketch = Sketch(rows)
    rows[0, 0] = 99
    assert sketch.stroke5[0, 0] == 1
    assert rows.flags.writeable


@given(sketches())
def test_what_it_hands_out_is_the_callers_to_change(sketch):
    before = Sketch(sketch.stroke5, origin=sketch.origin)
    for array in (sketch.points, sketch.to_stroke3(), *sketch.to_polylines()):
        array[...] = 7
    assert sketch == before


# --- made into another --------------------------------------------------------------------------------


@given(sketches(exact=True), sketches(exact=True))
def test_joining_two_drawings_keeps_both_in_place(a, b):
    both = a + b
    assert np.array_equal(both.points, np.concatenate([a.points, b.points]))
    assert both.ended == b.ended
    assert both.origin == a.origin
    assert (both.label, both.key) == (a.label, a.key)
    assert len(both) == len(a.without_end()) + len(b)


def test_joining_after_a_lifted_pen_keeps_the_strokes_apart():
    a = Sketch.from_polylines([[[0, 0], [1, 0]]], ended=True)
    b = Sketch.from_polylines([[[5, 5], [6, 5]]])
    assert (a + b).n_strokes == 2
    assert (Sketch.from_polylines([[[0, 0], [1, 0]]], pen_down=True) + b).n_strokes == 1


def test_joining_something_else_is_a_type_error():
    with pytest.raises(TypeError):
        Sketch([]) + 1


@given(sketches(exact=True), st.sampled_from([0.5, 1.0, -2.0, 4.0]), points)
def test_transforming_moves_every_point(sketch, scale, shift):
    out = sketch.transformed(scale, shift)
    assert np.array_equal(out.points, sketch.points * scale + shift)
    assert np.array_equal(out.stroke5[:, 2:], sketch.stroke5[:, 2:])
    assert (out.label, out.key) == (sketch.label, sketch.key)


@pytest.mark.parametrize("scale", [math.nan, math.inf, 1e39])
def test_a_scale_that_leaves_float32_is_refused(scale):
    with pytest.raises(InputError):
        Sketch.from_polylines([[[1, 1], [2, 2]]]).transformed(scale)


# --- batches ------------------------------------------------------------------------------------------


@given(st.lists(sketches(), max_size=5), st.integers(0, 3))
def test_a_batch_holds_its_drawings_and_pads_with_end_rows(drawings, extra):
    longest = max((len(s.without_end()) for s in drawings), default=0)
    batch = SketchBatch.from_sketches(drawings, longest + extra)
    assert len(batch) == len(drawings)
    assert batch.stroke5.shape == (len(drawings), longest + extra, 5)
    for b, sketch in enumerate(drawings):
        ink = sketch.without_end().stroke5
        assert batch.lengths[b] == len(ink)
        assert np.array_equal(batch.stroke5[b, : len(ink)], ink)
        assert (batch.stroke5[b, len(ink) :] == [0, 0, 0, 0, 1]).all()
        assert np.array_equal(batch[b].without_end().stroke5, ink)
        assert batch[b].ended == (len(ink) < longest + extra)


def test_a_batch_is_one_longer_than_its_longest_drawing():
    drawings = [Sketch.from_polylines([[[0, 0]] * n]) for n in (1, 4, 2)]
    assert SketchBatch.from_sketches(drawings).stroke5.shape == (3, 5, 5)
    with pytest.raises(InputError, match="does not fit"):
        SketchBatch.from_sketches(drawings, 3)


@pytest.mark.parametrize(
    ("shape", "lengths"),
    [((2, 3, 4), [1, 1]), ((2, 3, 5), [1]), ((2, 5), [1, 1]), ((2, 3, 5), [1, 4]), ((1, 3, 5), [-1])],
)
def test_a_batch_refuses_shapes_that_do_not_fit(shape, lengths):
    with pytest.raises(InputError):
        SketchBatch(np.zeros(shape, np.float32), np.array(lengths))
