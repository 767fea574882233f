"""What the options do to a file, and what is refused."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotter_machines import obey_gcode, obey_hpgl
from sketchkit_plotter import GcodeRenderer, HpglRenderer

from sketchkit import InputError, Sketch
from sketchkit.rendering import Layout, Picture, make_renderer

TWO = Picture.of(Sketch.from_polylines([[(0, 0), (9, 0)], [(0, 9), (9, 9), (5, 5)]], label="two"))


def gcode(**options: Any) -> str:
    return GcodeRenderer(**options).render([TWO], Layout(), {}).decode()


def test_the_pen_goes_up_and_down_by_heights() -> None:
    text = gcode(up_z=5, down_z=-0.25, z_feed=300)
    machine = obey_gcode(text.encode(), heights=(5.0, -0.25))
    assert len(machine.lines) == 2
    assert "G0 Z5 F300" in text and "G1 Z-0.25 F300" in text


def test_the_pen_goes_up_and_down_by_commands_of_a_servo() -> None:
    text = gcode(up="M5 | G4 P0.1", down="M3 S90 | G4 P0.2")
    machine = obey_gcode(text.encode(), ("M5", "G4 P0.1"), ("M3 S90", "G4 P0.2"))
    assert len(machine.lines) == 2
    assert "Z" not in text


def test_feeds_are_said_for_lines_and_for_ways() -> None:
    lines = gcode(feed=1234.5, travel_feed=4321).splitlines()
    assert all(line.endswith(" F4321") for line in lines if line.startswith("G0 X"))
    after = [b for a, b in pairwise(lines) if a.startswith("G1 Z")]
    assert len(after) == 2 and all(line.endswith(" F1234.5") for line in after)


def test_the_end_of_a_program_is_ones_own() -> None:
    assert gcode().endswith("G0 X0 Y0 F5000\nM2\n")
    assert gcode(end="").endswith("G0 X0 Y0 F5000\n")
    assert gcode(end="M84 | M30").endswith("M84\nM30\n")


def test_hpgl_says_pen_and_velocity() -> None:
    text = HpglRenderer(pen=2, velocity=15).render([TWO], Layout(), {}).decode()
    assert text.startswith("IN;PA;PU;\nSP2;VS15;\nPU")
    assert text.endswith("PU0,0;\nSP0;\n")
    assert "VS" not in HpglRenderer().render([TWO], Layout(), {}).decode()


def test_no_command_of_hpgl_is_long() -> None:
    circle = Sketch.from_polylines([[(np.cos(t), np.sin(t)) for t in np.linspace(0, 6, 777)]])
    text = HpglRenderer().render([Picture.of(circle)], Layout.on_page("A3"), {}).decode()
    assert max(map(len, text.split(";"))) < 700
    (line,) = obey_hpgl(text.encode()).polylines
    assert len(line) == 777


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"up": "M5"}, "up and down go together"),
        ({"up": "M5", "down": "M5"}, "never lifted"),
        ({"up_z": 1, "down_z": 1}, "never lifted"),
        ({"up": "M5 ; G0 X9", "down": "M3"}, "up must be commands"),
        ({"up": "M5\nG0 X9", "down": "M3"}, "up must be commands"),
        ({"up": "M5", "down": "(M3)"}, "down must be commands"),
        ({"up": "", "down": ""}, "up must be commands"),
        ({"change": "!"}, "change must be commands"),
        ({"change": " "}, "change must be commands"),
        ({"end": "% "}, "end must be commands"),
        ({"change": "M0 (pen)"}, "change must be commands"),
        ({"change": "M0 {color} ; G0 X9"}, "change must be commands"),
        ({"end": "M2 {pen}"}, "end must be commands"),
        ({"feed": 0}, "'feed'"),
        ({"feed": float("nan")}, "'feed'"),
        ({"join": -1}, "'join'"),
        ({"mm_per_px": float("inf")}, "'mm_per_px'"),
        ({"order": "random"}, "'order'"),
        ({"origin": "middle"}, "'origin'"),
        ({"pens": 0}, "'pens'"),
        ({"colors": ""}, "colors are written"),
        ({"colors": "black"}, "colors are written"),
        ({"colors": "black=0"}, "colors are written"),
        ({"colors": "black=65"}, "colors are written"),
        ({"colors": "black=" + 5000 * "9"}, "colors are written"),
        ({"colors": "blakc=1"}, "did you mean black"),
        ({"colors": "black=1+#000=2"}, "colors names #000 twice"),
        ({"colors": "black=3", "pens": 2}, "colors names pen 3, but there are 2 pens"),
        ({"hatch": 0}, "'hatch'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=what):
        GcodeRenderer(**options)
    with pytest.raises(InputError, match=what):
        make_renderer("gcode", options)


def test_coloured_paper_is_refused() -> None:
    with pytest.raises(InputError, match="does not colour its paper"):
        HpglRenderer().render([TWO], Layout(background="ivory"), {})
    assert HpglRenderer().render([TWO], Layout(background="none"), {})


def test_provenance_is_in_the_comments() -> None:
    inputs = ["a.svg", "b.svg"]
    metadata = {"generator": "sketchkit", "model": {"name": "face", "scale": 1.5}, "inputs": inputs}
    wanted = ["generator: sketchkit", "model.name: face", "model.scale: 1.5", "inputs: a.svg, b.svg"]
    page = "page 210x297 mm, origin lower-left, y up"
    content = GcodeRenderer().render([TWO], Layout.on_page("A4"), metadata)
    assert obey_gcode(content).comments[:5] == [*wanted, page]
    hpgl = HpglRenderer(comments=True).render([TWO], Layout.on_page("A4"), metadata)
    assert obey_hpgl(hpgl).comments == [*wanted, page]
    assert b"CO" not in HpglRenderer().render([TWO], Layout.on_page("A4"), metadata)


names = st.text(max_size=30)
values = st.recursive(
    names | st.integers() | st.floats() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(names, values, max_size=4))
def test_no_provenance_moves_the_pen(metadata: dict[str, Any]) -> None:
    for kind in (GcodeRenderer(), HpglRenderer(comments=True)):
        plain, said = (kind.render([TWO], Layout(), each) for each in ({}, metadata))
        mark = "; " if isinstance(kind, GcodeRenderer) else "CO "
        commands = [
            [line for line in content.decode("ascii").split("\n") if not line.startswith(mark)]
            for content in (plain, said)
        ]
        assert commands[0] == commands[1]
        remarks = [line for line in said.decode("ascii").split("\n") if line.startswith(mark)]
        # Some controllers obey these wherever they are, or end the comment there.
        assert not any(set(line[2:].strip(' CO";')) & set("!?~%()[]{}\"';\r\x18") for line in remarks)
        assert all(len(line) < 80 for line in remarks)


def test_a_comment_cannot_be_ended_from_within() -> None:
    metadata = {"prompt": 'x"; PD0,0;\nG1 X999 (Y) ! ~ ?'}
    text = GcodeRenderer().render([TWO], Layout(), metadata).decode()
    assert text.startswith("; prompt: x__ PD0,0__G1 X999 _Y_ _ _ _\n")
