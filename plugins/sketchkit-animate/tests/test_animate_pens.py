"""Where the pen is when."""

import math

import numpy as np
import pytest
from sketchkit_animate.pens import LIFT_SHARE, Pen, Piece, pieces_of

from sketchkit import Sketch
from sketchkit.rendering import Ink, Layout, Picture

CELL = 100.0
LINES = [[(0, 0), (30, 0), (30, 40)], [(80, 80)], [(0, 90), (50, 90)]]


def pieces(lines=LINES):
    return [Piece(np.array(line, float), Ink(Sketch.from_polylines([line])), 0) for line in lines]


def length(drawn):
    return sum(np.hypot(*np.diff(piece.points, axis=0).T).sum() for piece in drawn)


def test_a_pen_draws_as_far_as_time_has_gone():
    pen = Pen(pieces(), CELL)
    assert length(pen.until(20.0)) == pytest.approx(20.0)
    assert length(pen.until(45.0)) == pytest.approx(25.0)


def test_a_piece_goes_on_where_the_last_one_ended():
    pen = Pen(pieces(), CELL)
    (first,), (second,) = pen.until(20.0), pen.until(45.0)
    assert first.points.tolist() == [[0, 0], [20, 0]]
    assert second.points.tolist() == [[20, 0], [30, 0], [30, 15]]


def test_nothing_is_drawn_while_the_pen_is_in_the_air():
    pen = Pen(pieces(), CELL)
    pen.until(70.0)
    assert pen.until(70.0 + LIFT_SHARE * CELL - 0.01) == []


@pytest.mark.parametrize("moments", [1, 2, 7, 100, 1000])
def test_all_pieces_together_are_the_drawing_however_many_there_are(moments):
    pen = Pen(pieces(), CELL)
    drawn = [pen.until(pen.end * (i + 1) / moments) for i in range(moments - 1)] + [pen.until(math.inf)]
    assert length(piece for some in drawn for piece in some) == pytest.approx(70 + 50)
    seen = {tuple(point) for some in drawn for piece in some for point in piece.points.tolist()}
    assert seen >= {point for line in LINES for point in line}


def test_nothing_is_left_after_the_end():
    pen = Pen(pieces(), CELL)
    pen.until(pen.end)
    assert pen.until(math.inf) == []


def test_a_dot_is_a_piece_of_one_point_and_takes_time():
    pen = Pen(pieces([[(5, 5)]]), CELL)
    assert pen.end > 0
    (dot,) = pen.until(0.0)
    assert dot.points.tolist() == [[5, 5]]


def test_a_point_that_stays_where_it_is_does_no_harm():
    pen = Pen(pieces([[(0, 0), (0, 0), (10, 0), (10, 0)]]), CELL)
    assert length(pen.until(4.0)) == pytest.approx(4)
    assert length(pen.until(math.inf)) == pytest.approx(6)


def test_a_pen_without_lines_ends_when_it_begins():
    pen = Pen([], CELL, start=3.0)
    assert pen.end == 3.0
    assert pen.until(math.inf) == []


def test_the_lines_of_several_inks_come_one_after_the_other_with_their_numbers():
    a, b = Sketch.from_polylines([[(0, 0), (10, 10)]]), Sketch.from_polylines([[(10, 10), (0, 10)], [(5, 5)]])
    picture = Picture((Ink(a, "red"), Ink(b, "blue")))
    place = Layout().arrange([picture]).places[0]
    assert [(piece.ink.color, piece.layer) for piece in pieces_of(picture, place)] == [
        ("red", 0),
        ("blue", 1),
        ("blue", 1),
    ]
