"""What is on the paper when a machine has obeyed a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotter_machines import Machine, obey_gcode, obey_hpgl
from sketchkit_plotter import GcodeRenderer, HpglRenderer

import sketchkit
from sketchkit import InputError, Sketch
from sketchkit.rendering import Ink, Layout, OwnPage, Page, Picture, Place, Sheet, make_renderer

Polylines = list[npt.NDArray[np.float64]]

coordinates = st.integers(0, 60)
lines = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=6)
sketches = st.lists(lines, max_size=6).map(Sketch.from_polylines)
pictures = st.lists(sketches.map(Picture.of), max_size=4)
machines = st.sampled_from([("hpgl", obey_hpgl), ("gcode", obey_gcode)])
options = st.fixed_dictionaries(
    {},
    optional={
        "order": st.sampled_from(["drawn", "optimised"]),
        "join": st.sampled_from([0.0, 0.1, 1.0]),
        "origin": st.sampled_from(["lower-left", "upper-left", "centre"]),
        "y_axis": st.sampled_from(["up", "down"]),
    },
)
layouts = st.sampled_from(
    [Layout(), Layout(cell=40), Layout.on_page("A5"), Layout.on_page("100x60mm", margin=0)]
)

HOUSE = Sketch.from_polylines([[(0, 0), (0, 100), (100, 100)], [(50, 50)], [(100, 100), (100, 0), (0, 0)]])
#: Coarser than half a step of either machine.
STEP = 0.0126


def on_paper(shown: list[Picture], layout: Layout, settings: dict[str, Any]) -> Polylines:
    """The polylines of a layout in the millimetres of a machine."""
    sheet = layout.arrange(shown)
    size = np.array([sheet.width, sheet.height]) * 25.4 / 96
    corner = {"lower-left": (0, 1), "upper-left": (0, 0), "centre": (0.5, 0.5)}
    origin = size * corner[settings.get("origin", "lower-left")]
    axes = np.array([1, -1 if settings.get("y_axis", "up") == "up" else 1])
    return [
        (place.apply(line) * 25.4 / 96 - origin) * axes
        for picture, place in zip(shown, sheet.places, strict=True)
        for ink in picture.inks
        for line in ink.sketch.to_polylines()
    ]


def segments(polylines: Polylines) -> npt.NDArray[np.float64]:
    """[n, 4]; a dot is a segment without length."""
    parts = [np.hstack([line[:-1], line[1:]] if len(line) > 1 else [line, line]) for line in polylines]
    return np.concatenate(parts) if parts else np.zeros((0, 4))


def far(some: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Those segments [n, 4] that are none of the others, in either direction."""
    if not len(some) or not len(others):
        return some
    both = np.concatenate([others, others[:, [2, 3, 0, 1]]])
    apart = np.abs(some[:, None] - both[None]).max(axis=2).min(axis=1)
    return some[apart > STEP]


def lengths(some: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.hypot(*(some[:, :2] - some[:, 2:]).T)


@given(machines, pictures, layouts, options)
def test_a_machine_draws_the_lines_of_the_layout_and_no_others(
    kind: tuple[str, Callable[[bytes], Machine]],
    shown: list[Picture],
    layout: Layout,
    settings: dict[str, Any],
) -> None:
    content = make_renderer(kind[0], settings).render(shown, layout, {})
    machine = kind[1](content)
    wanted, drawn = segments(on_paper(shown, layout, settings)), segments(machine.polylines)
    missing = far(wanted, drawn)
    # What a step swallows is a dot, or part of what goes on from there.
    assert (lengths(missing) <= 2 * STEP).all()
    ink = drawn.reshape(-1, 2)
    for point in missing.reshape(-1, 2):
        assert np.abs(ink - point).max(axis=1).min() <= STEP
    # What nobody drew joins two ends that nearly meet.
    assert (lengths(far(drawn, wanted)) <= settings.get("join", 0.1) + 1e-9).all()
    assert machine.lifts == len(machine.lines) <= len(on_paper(shown, layout, settings))
    assert abs(lengths(drawn).sum() - lengths(wanted).sum()) <= 0.1 + len(wanted) * (
        4 * STEP + settings.get("join", 0.1)
    )


@given(machines, pictures, layouts, options)
def test_the_pen_is_up_before_and_after_and_ends_at_home(
    kind: tuple[str, Callable[[bytes], Machine]],
    shown: list[Picture],
    layout: Layout,
    settings: dict[str, Any],
) -> None:
    # The machines of these tests refuse to move before the pen was lifted for the first time.
    machine = kind[1](make_renderer(kind[0], settings).render(shown, layout, {}))
    assert machine.down is False
    assert machine.finished
    assert machine.at == (0.0, 0.0)


@given(machines, pictures, layouts)
def test_every_move_of_the_pen_stays_on_the_paper(
    kind: tuple[str, Callable[[bytes], Machine]], shown: list[Picture], layout: Layout
) -> None:
    machine = kind[1](make_renderer(kind[0]).render(shown, layout, {}))
    sheet = layout.arrange(shown)
    size = np.array([sheet.width, sheet.height]) * 25.4 / 96
    for line in machine.polylines:
        assert (line >= 0).all() and (line <= size).all()


@given(machines, pictures, layouts, options)
def test_the_same_sheet_is_the_same_bytes(
    kind: tuple[str, Callable[[bytes], Machine]],
    shown: list[Picture],
    layout: Layout,
    settings: dict[str, Any],
) -> None:
    first, second = (make_renderer(kind[0], settings).render(shown, layout, {"a": 1}) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", ["hpgl", "gcode"])
def test_a_page_has_its_true_size(name: str) -> None:
    obey = obey_hpgl if name == "hpgl" else obey_gcode
    box = Sketch.from_polylines([[(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]])
    content = sketchkit.render(box, page="100x100mm", margin=0, stroke=0.001, renderer=name)
    (line,) = obey(content).polylines
    # Of a cell 6 % on each side stay empty.
    np.testing.assert_allclose(line.min(axis=0), 6.0, atol=0.02)
    np.testing.assert_allclose(line.max(axis=0), 94.0, atol=0.02)


def test_a_sheet_on_no_page_is_as_large_as_one_says() -> None:
    layout = Layout(cell=100, margin=0)
    small, large = (
        obey_gcode(GcodeRenderer(mm_per_px=size).render([Picture.of(HOUSE)], layout, {})).polylines
        for size in (0.1, 0.3)
    )
    for a, b in zip(small, large, strict=True):
        np.testing.assert_allclose(3 * a, b, atol=0.03)


def test_a_page_and_a_size_of_pixels_contradict_each_other() -> None:
    with pytest.raises(InputError, match="a page of 210x297 mm has its true size"):
        HpglRenderer(mm_per_px=0.3).render([], Layout.on_page("A4"), {})


def test_the_upper_edge_of_a_drawing_is_up() -> None:
    flag = Sketch.from_polylines([[(0, 0), (0, 10)], [(0, 0), (5, 0)]])  # y grows downwards in a drawing
    machine = obey_gcode(GcodeRenderer(order="drawn").render([Picture.of(flag)], Layout(), {}))
    pole, cloth = machine.polylines
    assert pole[0, 1] > pole[1, 1]
    assert cloth[0, 1] == cloth[1, 1] == pole[0, 1]


def test_ends_that_meet_are_drawn_without_lifting_the_pen() -> None:
    machine = obey_hpgl(HpglRenderer().render([Picture.of(HOUSE)], Layout(), {}))
    assert len(machine.lines) == 2  # the walls in one, and the dot
    apart = obey_hpgl(HpglRenderer(join=0).render([Picture.of(_gap(0.5))], Layout.on_page("A4"), {}))
    assert len(apart.lines) == 2


def _gap(share: float) -> Sketch:
    return Sketch.from_polylines([[(0, 0), (0, 100)], [(share, 100), (100, 100)]])


def test_a_gap_wider_than_the_tolerance_stays_a_gap() -> None:
    page = Layout.on_page("100x100mm", margin=0)  # 0.88 mm are a hundredth of the drawing
    for join, strokes in ((0.8, 2), (0.9, 1)):
        machine = obey_hpgl(HpglRenderer(join=join).render([Picture.of(_gap(1))], page, {}))
        assert len(machine.lines) == strokes


def test_drawn_order_is_the_order_and_direction_of_the_drawing() -> None:
    shown = [Picture.of(HOUSE), Picture.of(_gap(5))]
    machine = obey_gcode(GcodeRenderer(order="drawn", join=0).render(shown, Layout(), {}))
    wanted = on_paper(shown, Layout(), {})
    drawn = [np.array(line) for line in machine.lines]
    assert len(drawn) == len(wanted)
    for a, b in zip(drawn, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=STEP)


@pytest.mark.parametrize("name", ["hpgl", "gcode"])
def test_an_empty_sheet_is_a_file_that_draws_nothing(name: str) -> None:
    machine = (obey_hpgl if name == "hpgl" else obey_gcode)(sketchkit.render([], renderer=name))
    assert machine.lines == [] and machine.finished


def test_each_colour_has_its_pen_where_there_are_several() -> None:
    shown = [
        Picture((Ink(_gap(9), "#222"), Ink(HOUSE, "#0072B2"))),
        Picture((Ink(HOUSE, "#222222"),)),
    ]
    content = HpglRenderer(pens=2, pen=3).render(shown, Layout(), {})
    machine = obey_hpgl(content)
    assert machine.pens == sorted(machine.pens) and set(machine.pens) == {3, 4}
    blue = [line for line, pen in zip(machine.polylines, machine.pens, strict=True) if pen == 4]
    wanted = on_paper(shown, Layout(), {})[2:5]
    assert not len(far(segments(wanted), segments(blue)))
    assert not len(far(segments(blue), segments(wanted)))


def test_gcode_waits_for_the_next_pen_at_home_with_the_pen_lifted() -> None:
    shown = [Picture((Ink(_gap(9), "black"), Ink(HOUSE, "red")))]
    text = GcodeRenderer(pens=2).render(shown, Layout(), {}).decode()
    assert "G0 X0 Y0 F5000\n; pen 2: red\nM0\nG0 X" in text
    assert obey_gcode(text.encode()).pens[-1] == 1
    own = GcodeRenderer(pens=2, change="G4 P9 | M0").render(shown, Layout(), {}).decode()
    assert "; pen 2: red\nG4 P9\nM0\nG0 X" in own
    assert set(obey_gcode(GcodeRenderer().render(shown, Layout(), {})).pens) == {0}


def test_more_colours_than_pens_are_refused() -> None:
    shown = [Picture((Ink(HOUSE, "black"), Ink(HOUSE, "red"), Ink(HOUSE, "blue")))]
    with pytest.raises(InputError, match="3 colours are too many for 2 pens"):
        GcodeRenderer(pens=2).render(shown, Layout(), {})


class _Moved(Layout):
    """A layout of somebody else's that sets its pictures elsewhere."""

    place: Place

    def arrange(self, pictures: Any) -> Sheet:
        return Sheet(100.0, 100.0, (self.place,) * len(pictures), 0.0)


@pytest.mark.parametrize(
    ("corner", "scale", "what"),
    [((60, 0), 1.0, "is not on the sheet"), ((0, 0), 1e308, "is not on the sheet"), ((0, 0), np.nan, "nan")],
)
@pytest.mark.parametrize("kind", [HpglRenderer, GcodeRenderer])
def test_what_is_not_a_place_on_the_sheet_is_refused(
    kind: type[HpglRenderer] | type[GcodeRenderer], corner: tuple[float, float], scale: float, what: str
) -> None:
    layout = _Moved()
    object.__setattr__(layout, "place", Place(corner, 100.0, scale, (50.0, 50.0)))
    with pytest.raises(InputError, match=rf"cell 1: a point at .*{what}"):
        kind().render([Picture.of(HOUSE)], layout, {})


def test_a_sheet_larger_than_any_plotter_is_refused() -> None:
    with pytest.raises(InputError, match="too large: at most 100000 mm a side"):
        HpglRenderer().render([], Layout.on_page(Page(100.0, 2e5)), {})


@pytest.mark.parametrize(("name", "obey"), [("hpgl", obey_hpgl), ("gcode", obey_gcode)])
def test_a_drawing_on_its_own_page_is_as_large_as_there(name: str, obey: Callable[[bytes], Machine]) -> None:
    layout = Layout(own_page=OwnPage(210.0, 297.0, left=0.0, top=0.0, unit=1.0))
    box = Sketch.from_polylines([[(51, 62), (159, 62), (159, 170)]])
    (drawn,) = obey(make_renderer(name, {"order": "drawn"}).render([Picture.of(box)], layout, {})).polylines
    np.testing.assert_allclose(drawn, [(51, 235), (159, 235), (159, 127)], atol=STEP)


def test_what_leaves_its_own_page_ends_at_the_edge() -> None:
    layout = Layout(own_page=OwnPage(100.0, 50.0, left=0.0, top=0.0, unit=1.0))
    shown = [
        [(-20, 10), (20, 10), (20, 60), (40, 60), (40, 10)],
        [(30, 90)],
        [(-5, -5), (-9, 60)],
        [(-10, 20), (110, 40)],
        [(5, 5), (95, 45)],
    ]
    picture = Picture.of(Sketch.from_polylines(shown))
    drawn = obey_gcode(
        GcodeRenderer(order="drawn", y_axis="down", origin="upper-left").render([picture], layout, {})
    )
    wanted = [
        [(0, 10), (20, 10), (20, 50)],
        [(40, 50), (40, 10)],
        [(0, 21.67), (100, 38.33)],
        [(5, 5), (95, 45)],
    ]
    assert len(drawn.polylines) == len(wanted)
    for line, expected in zip(drawn.polylines, wanted, strict=True):
        np.testing.assert_allclose(line, expected, atol=STEP)


@given(sketches)
def test_nothing_that_leaves_its_own_page_is_drawn_elsewhere(sketch: Sketch) -> None:
    layout = Layout(own_page=OwnPage(20.0, 20.0, left=20.0, top=20.0, unit=1.0))
    machine = obey_gcode(GcodeRenderer(order="drawn", join=0.0).render([Picture.of(sketch)], layout, {}))
    for line in machine.polylines:
        assert line.min() >= 0 and line.max() <= 20
