from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cairosvg
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sketchkit.rendering import Ink, Picture, make_renderer, render
from sketchkit.sketch import Sketch

SVG = "{http://www.w3.org/2000/svg}"

coordinates = st.integers(0, 255)
lines = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=6)
drawings = st.lists(lines, max_size=5).map(Sketch.from_polylines)

HOUSE = Sketch.from_polylines([[(0, 0), (0, 100), (100, 100)], [(50, 50)], [(100, 100), (100, 0), (0, 0)]])


@dataclass(frozen=True)
class Stroke:
    """What a browser does with one path: when it shows, and from when to when it is drawn (shares)."""

    data: str
    shown: float
    begin: float
    end: float
    seconds: set[str]

    @property
    def length(self) -> float:
        steps = self.data.partition("l")[2].split()
        return float(np.hypot(*np.array(steps, np.float64).reshape(-1, 2).T).sum()) if steps else 0.0


def cells(content: bytes) -> list[list[Stroke]]:
    root = ElementTree.fromstring(content)
    groups = [group for group in root.findall(f"{SVG}g") if (group.get("id") or "").startswith("cell-")]
    return [[stroke(path) for path in group.iter(f"{SVG}path")] for group in groups]


def stroke(path: ElementTree.Element) -> Stroke:
    moves = {move.get("attributeName"): move for move in path.findall(f"{SVG}animate")}
    shown = float(moves["visibility"].attrib["keyTimes"].split(";")[1]) if "visibility" in moves else 0.0
    times = [shown] * 4
    if "stroke-dasharray" in moves:
        assert path.get("pathLength") == "1"
        assert moves["stroke-dasharray"].get("values") == "0 2;0 2;1.01 2;1.01 2"
        times = [float(word) for word in moves["stroke-dasharray"].attrib["keyTimes"].split(";")]
    return Stroke(
        path.attrib["d"], shown, times[1], times[2], {move.attrib["dur"] for move in moves.values()}
    )


def drawn(pictures: Any, **options: Any) -> bytes:
    return render(pictures, renderer=make_renderer("animated-svg", options), cell=100)


def pixels(svg: bytes) -> np.ndarray[Any, np.dtype[np.int64]]:
    with Image.open(io.BytesIO(cairosvg.svg2png(bytestring=svg, background_color="white"))) as image:
        return np.asarray(image.convert("L")).astype(np.int64)


@given(st.lists(drawings, max_size=3))
def test_lines_are_drawn_one_after_another_at_one_speed(shown: list[Sketch]) -> None:
    found = cells(drawn(shown, seconds=4, pause=1))
    speeds = []
    for cell, sketch in zip(found, shown, strict=True):
        assert len(cell) == sketch.n_strokes
        for before, after in pairwise(cell):
            assert 0 <= before.begin <= before.end < after.begin
        for each in cell:
            assert each.shown == each.begin
            assert each.end <= 0.8 + 1e-6
        # Short ones take a little longer, so that they are seen.
        speeds += [each.length / (each.end - each.begin) for each in cell if each.length > 5]
    assert speeds == pytest.approx([max(speeds, default=0.0)] * len(speeds), rel=1e-2)


def test_the_longest_drawing_takes_the_seconds_and_the_others_end_before() -> None:
    short = Sketch.from_polylines([[(0, 0), (10, 10)]])
    long, brief = cells(drawn([HOUSE, short], seconds=4, pause=1))
    assert long[-1].end == pytest.approx(0.8)
    assert brief[-1].end < 0.4
    assert {seconds for each in (*long, *brief) for seconds in each.seconds} == {"5s"}


def test_inks_of_a_picture_follow_each_other() -> None:
    [cell] = cells(drawn(Picture((Ink(HOUSE), Ink(HOUSE, "#0072B2"), Ink(Sketch([]))))))
    assert len(cell) == 6
    assert [each.begin for each in cell] == sorted(each.begin for each in cell)


def test_a_drawing_that_does_not_begin_again_has_no_pause() -> None:
    content = drawn(HOUSE, seconds=4, loop=False)
    assert b"indefinite" not in content and b'fill="freeze"' in content
    [cell] = cells(content)
    assert cell[-1].end == pytest.approx(1)
    assert {seconds for each in cell for seconds in each.seconds} == {"4s"}


@given(st.lists(drawings, max_size=2))
def test_the_strokes_together_are_the_still_drawing(shown: list[Sketch]) -> None:
    still = ElementTree.fromstring(render(shown, cell=100))
    moving = ["".join(each.data for each in cell) for cell in cells(drawn(shown))]
    assert [data for data in moving if data] == [path.get("d") for path in still.iter(f"{SVG}path")]


def test_what_knows_no_animation_shows_the_finished_drawing() -> None:
    content = drawn([HOUSE])
    root = ElementTree.fromstring(content)
    for path in root.iter(f"{SVG}path"):
        path.attrib.pop("pathLength", None)
        for move in path.findall(f"{SVG}animate"):
            path.remove(move)
    finished = pixels(ElementTree.tostring(root))
    assert (finished < 128).sum() > 300
    np.testing.assert_array_equal(pixels(content), finished)


def test_nothing_outside_an_animation_hides_a_line() -> None:
    for path in ElementTree.fromstring(drawn([HOUSE])).iter(f"{SVG}path"):
        assert set(path.attrib) <= {"d", "pathLength"}


@pytest.mark.parametrize("nothing", [[], [Sketch([])]])
def test_a_sheet_without_lines_is_the_still_one(nothing: list[Sketch]) -> None:
    assert drawn(nothing) == render(nothing, cell=100)
