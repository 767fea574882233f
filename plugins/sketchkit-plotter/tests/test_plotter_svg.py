"""SVG in layers: what a plotter's program reads in it."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest
from plotter_machines import obey_gcode
from sketchkit_plotter import GcodeRenderer, PlotterSvgRenderer

import sketchkit
from sketchkit import InputError, Sketch
from sketchkit.rendering import Ink, Layout, OwnPage, Picture, make_renderer

SVG, LABEL = "{http://www.w3.org/2000/svg}", "{http://www.inkscape.org/namespaces/inkscape}label"
MODE = LABEL.replace("label", "groupmode")

HOUSE = Sketch.from_polylines([[(0, 0), (0, 100), (100, 100)], [(50, 50)], [(100, 100), (100, 0), (0, 0)]])
ROOF = Sketch.from_polylines([[(0, 0), (50, -40), (100, 0)]])
TWO = Picture((Ink(HOUSE), Ink(ROOF, "#f00", own_width=4.0)), "house")


def read(content: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(content)


def draw(layout: Layout | None = None, **options: Any) -> ElementTree.Element:
    return read(PlotterSvgRenderer(**options).render([TWO], layout or Layout.on_page("A4"), {"a": 1}))


def layers(root: ElementTree.Element) -> list[ElementTree.Element]:
    return root.findall(f"{SVG}g")


def names(root: ElementTree.Element) -> list[str]:
    return [layer.get(LABEL, "") for layer in layers(root)]


def lines(layer: ElementTree.Element) -> list[npt.NDArray[np.float64]]:
    """The strokes of a layer: each path is a move and relative lines."""
    found = []
    for path in layer.findall(f"{SVG}path"):
        data = path.get("d", "")
        assert re.fullmatch(r"M[-\d. ]+l[-\d. ]+", data), data
        numbers = np.array(re.findall(r"-?[\d.]+", data), np.float64).reshape(-1, 2)
        found.append(np.cumsum(numbers, axis=0))
    return found


def test_a_pen_is_a_layer_whose_name_begins_with_its_number() -> None:
    root = draw()
    assert names(root) == ["1-#222222", "2-red"]
    assert all(layer.get(MODE) == "layer" for layer in layers(root))
    assert [layer.get("stroke") for layer in layers(root)] == ["#222222", "#ff0000"]
    (one,) = layers(draw(colors="*=1"))
    assert (one.get(LABEL), one.get("stroke")) == ("1-#222222, red", "#222222")
    assert names(draw(pens=1)) == ["1-#222222, red"]
    assert names(draw(colors="red=3+*=7")) == ["3-red", "7-#222222"]


def test_names_say_speed_and_pause_as_axidraw_reads_them() -> None:
    assert names(draw(speed=40, pause=True)) == ["1+S40-#222222", "!2+S40-red"]
    # An integer, its codes right behind it; a pause is said in front.
    assert all(re.match(r"!?\d{1,3}(\+S\d{1,3})?-", name) for name in names(draw(speed=100, pause=True)))
    with pytest.raises(InputError, match="'speed'"):
        PlotterSvgRenderer(speed=101)


def test_a_page_is_in_millimetres() -> None:
    root = draw()
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("210mm", "297mm", "0 0 210 297")
    own = draw(Layout(own_page=OwnPage(120.0, 200.0, left=-10.0, top=-60.0, unit=1.0)), order="drawn", join=0)
    assert own.get("width") == "120mm"
    house, roof = layers(own)
    np.testing.assert_allclose(lines(house)[0], [(10, 60), (10, 160), (110, 160)])
    np.testing.assert_allclose(lines(roof)[0], [(10, 60), (60, 20), (110, 60)])
    assert [layer.get("stroke-width") for layer in (house, roof)] == ["0.5291667", "4"]


def test_a_dot_has_a_length_that_axidraw_draws() -> None:
    layout = Layout(own_page=OwnPage(120.0, 120.0, left=0.0, top=0.0, unit=1.0))
    (dot,) = [line for line in lines(layers(draw(layout))[0]) if len(line) == 2]
    np.testing.assert_allclose(dot, [(50, 50), (50.1, 50)])


def test_strokes_are_those_of_the_machines_in_the_same_order() -> None:
    layout = Layout.on_page("A4", title="House")
    machine = obey_gcode(GcodeRenderer(pens=2, origin="upper-left", y_axis="down").render([TWO], layout, {}))
    drawn = [line for layer in layers(draw(layout)) for line in lines(layer)]
    wanted = [
        line if len(line) > 1 else np.array([line[0], line[0] + (0.1, 0)]) for line in machine.polylines
    ]
    assert len(drawn) == len(wanted)
    for a, b in zip(drawn, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)


def test_an_axis_of_a_machine_is_no_option() -> None:
    with pytest.raises(InputError, match="has no option 'y_axis'"):
        make_renderer("plotter-svg", {"y_axis": "down"})


def test_it_is_asked_for_by_name_and_reads_as_a_drawing() -> None:
    assert b"pen-1" not in sketchkit.render(HOUSE)
    content = sketchkit.render(HOUSE, page="A5", renderer="plotter-svg", metadata={"seed": 3})
    assert b'{"seed": 3}' in content
    back = Sketch.from_svg(content)
    assert back.n_strokes == 2
    assert back.ink_length == pytest.approx(400 * max(back.bounds[2] - back.bounds[0], 1) / 100, rel=0.01)
