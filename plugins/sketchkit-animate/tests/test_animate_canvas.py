"""Lines on the canvas."""

import math

import numpy as np
import pytest
from PIL import Image, ImageColor
from sketchkit_animate.canvas import Canvas
from sketchkit_animate.pens import Pen, Piece, pieces_of

from sketchkit import InputError, Sketch
from sketchkit.rendering import Ink, Layout, Picture

WIGGLE = [(3.0, 9.0), (40.3, 12.2), (41.0, 50.7), (7.5, 49.1), (44.4, 21.0)]

# SVG 1.1, section 4.4, without the shades and tints of what is here.
WORDS = "aliceblue cyan darkslategrey fuchsia grey lightgoldenrodyellow magenta papayawhip yellowgreen teal"


def blank(size=(60, 60)):
    return Canvas(Image.new("RGB", size, "white"), 1.0, 2.0)


def piece(line, color="black", width=None, layer=0):
    return Piece(np.array(line, float), Ink(Sketch.from_polylines([line]), color, width=width), layer)


@pytest.mark.parametrize("moments", [2, 9, 200])
def test_a_line_drawn_in_pieces_is_the_line_drawn_at_once(moments):
    whole, slow = blank(), blank()
    whole.draw([piece(WIGGLE)])
    pen = Pen([piece(WIGGLE)], 60.0)
    for moment in range(moments):
        slow.draw(pen.until(pen.end * (moment + 1) / moments if moment + 1 < moments else math.inf))
    assert (whole.pixels == slow.pixels).mean() > 0.999
    assert np.abs(whole.pixels.astype(int) - slow.pixels).max() <= 16  # one level, by rounding


def test_a_line_is_as_much_ink_as_it_is_long_and_wide():
    canvas = blank()
    canvas.draw([piece([(10.2, 20.4), (50.7, 33.9)], width=3.0)])
    ink = (1 - canvas.pixels[..., 0] / 255).sum()
    assert ink == pytest.approx(math.hypot(40.5, 13.5) * 3.0 + math.pi * 1.5**2, rel=0.02)


def test_a_line_thinner_than_a_pixel_is_light():
    canvas = blank()
    canvas.draw([piece([(10, 30.5), (50, 30.5)], width=0.25)])
    assert 180 < canvas.pixels[30, 30, 0] < 200


def test_only_what_changes_is_told():
    canvas = blank()
    before = canvas.pixels.copy()
    told = canvas.draw([piece([(10, 10), (20, 10)])])
    assert told is not None
    (left, top, right, bottom), changed = told
    differs = (before != canvas.pixels).any(axis=2)
    assert differs.sum() == changed.sum()
    assert (differs[top:bottom, left:right] == changed).all()
    assert changed[0].any() and changed[-1].any() and changed[:, 0].any() and changed[:, -1].any()


def test_a_line_over_itself_changes_nothing():
    canvas = blank()
    canvas.draw([piece(WIGGLE)])
    assert canvas.draw([piece(WIGGLE)]) is None


def test_a_later_ink_lies_over_an_earlier_one():
    canvas = blank()
    canvas.draw([piece([(5, 30), (55, 30)], "red", 6.0)])
    canvas.draw([piece([(30, 5), (30, 55)], "blue", 6.0, layer=1)])
    assert canvas.pixels[30, 30].tolist() == [0, 0, 255]
    assert canvas.pixels[30, 10].tolist() == [255, 0, 0]


def test_a_line_beside_the_picture_is_not_drawn():
    assert blank().draw([piece([(-90, -90), (-80, -70)])]) is None
    assert blank().draw([piece([(90, 10), (190, 20)])]) is None


def test_a_line_that_leaves_the_picture_is_drawn_where_it_is_inside():
    canvas = blank()
    canvas.draw([piece([(-30, 30), (90, 30)])])
    assert (canvas.pixels[30] == 0).all()


@pytest.mark.parametrize("color", [*WORDS.split(), "#abc", "#A0b1C2"])
def test_colours_that_sketchkit_takes_are_known(color):
    picture = Picture((Ink(Sketch.from_polylines([[(0, 0), (9, 9)]]), color),))
    layout = Layout(background=color)
    assert pieces_of(picture, layout.arrange([picture]).places[0])[0].ink.color == color
    assert len(ImageColor.getrgb(color)) == 3


def test_a_colour_that_only_pillow_knows_never_comes_here():
    with pytest.raises(InputError):
        Ink(Sketch.from_polylines([[(0, 0)]]), "rgb(1,2,3)")
