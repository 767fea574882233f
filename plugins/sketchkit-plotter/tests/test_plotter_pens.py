"""Which pen draws which colour, and how files say that another is wanted."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from plotter_machines import obey_gcode, obey_hpgl
from sketchkit_plotter import GcodeRenderer, HpglRenderer
from sketchkit_plotter.pens import color_name, long_color

from sketchkit import InputError, Sketch
from sketchkit.rendering import Ink, Layout, Picture


def bar(x: float) -> Sketch:
    return Sketch.from_polylines([[(x, 0), (x, 9)]])


#: Bars from left to right; the second and the last are one colour.
COLORS = ("#222", "#06c", "red", "#0066CC")
FOUR = Picture(tuple(Ink(bar(10 * i), color) for i, color in enumerate(COLORS)))


def pens_from_left(**options: Any) -> list[int]:
    machine = obey_hpgl(HpglRenderer(**options).render([FOUR], Layout(), {}))
    order = np.argsort([line[0, 0] for line in machine.polylines])
    return [machine.pens[i] for i in order]


def test_pens_are_numbered_as_their_colours_come() -> None:
    assert pens_from_left() == [1, 1, 1, 1]
    assert pens_from_left(pens=3) == [1, 2, 3, 2]
    assert pens_from_left(pens=3, pen=4) == [4, 5, 6, 5]


@pytest.mark.parametrize(
    ("colors", "pens"),
    [
        ("#222=1+#06c=2+red=3", [1, 2, 3, 2]),
        ("red=1+#0066CC=5+#222222=2", [2, 5, 1, 5]),
        ("#f00=1+*=2", [2, 2, 1, 2]),
        ("#222=1+blue=9+red=1+*=3", [1, 3, 1, 3]),
    ],
)
def test_pens_are_those_that_the_user_names(colors: str, pens: list[int]) -> None:
    assert pens_from_left(colors=colors) == pens
    changed = obey_hpgl(HpglRenderer(colors=colors).render([FOUR], Layout(), {})).pens
    assert changed == sorted(changed)  # each pen is taken once


def test_a_colour_without_a_pen_is_refused() -> None:
    with pytest.raises(InputError, match=re.escape("colors has no pen for #0066cc: add #0066cc=1, or *=1")):
        pens_from_left(colors="#222=1+red=2")
    with pytest.raises(InputError, match="colors has the numbers of the pens: leave out pen"):
        HpglRenderer(colors="black=1", pen=2)
    with pytest.raises(InputError, match="3 colours are too many for 2 pens"):
        pens_from_left(pens=2)


def test_gcode_says_which_pen_it_waits_for() -> None:
    change = "(MSG, pen {pen} {color}) | M0 Pen {pen} {color}"
    text = GcodeRenderer(colors="red=7+*=2", change=change).render([FOUR], Layout(), {}).decode()
    wait = "; pen 7: red\n(MSG, pen 7 red)\nM0 Pen 7 red\n"
    assert text.count(wait) == 1 and text.count("M0") == 1
    assert "; pen 2: #222222\n; pen 2: #0066cc\nG0 X" in text
    tools = GcodeRenderer(pens=3, change="T{pen} M6").render([FOUR], Layout(), {}).decode()
    assert re.findall("T. M6", tools) == ["T2 M6", "T3 M6"]


def test_one_pen_never_waits() -> None:
    machine = obey_gcode(GcodeRenderer().render([FOUR], Layout(), {}))
    assert machine.pen == 0 and len(machine.lines) == 4


def test_every_colour_of_an_ink_has_a_long_form() -> None:
    from sketchkit.svgdoc.strings import color_names

    for name in color_names():
        assert re.fullmatch("#[0-9a-f]{6}", long_color(name))
        assert long_color(color_name(long_color(name))) == long_color(name)


def test_a_colour_has_one_spelling_and_a_name_where_there_is_one() -> None:
    assert {long_color(color) for color in ("#06C", "#0066cc")} == {"#0066cc"}
    assert long_color("Teal") == "#008080" and color_name("#008080") == "teal"
    assert long_color("grey") == long_color("gray") and color_name(long_color("grey")) == "gray"
    assert color_name("#0066cc") == "#0066cc"
