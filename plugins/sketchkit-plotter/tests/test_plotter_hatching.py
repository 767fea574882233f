"""Filled shapes shaded by lines."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from plotter_machines import obey_gcode
from sketchkit_plotter import GcodeRenderer

from sketchkit import InputError, Sketch
from sketchkit.rendering import Area, Layout, OwnPage, Picture

#: A page on which a drawing unit is a millimetre.
PAGE = Layout(own_page=OwnPage(200.0, 100.0, left=0.0, top=0.0, unit=1.0))

Ring = Sequence[tuple[float, float]]
coordinates = st.tuples(st.integers(5, 95), st.integers(5, 95))
rings = st.lists(st.lists(coordinates, min_size=3, max_size=8), min_size=1, max_size=3)


def square(left: float, top: float, side: float) -> list[tuple[float, float]]:
    return [(left, top), (left + side, top), (left + side, top + side), (left, top + side)]


def area(*rings: Ring, color: str | None = "black", **options: Any) -> Area:
    return Area(Sketch.from_polylines(rings), color, **options)


def hatch(*areas: Area, layout: Layout = PAGE, **options: Any) -> list[npt.NDArray[np.float64]]:
    """The lines of the hatching of areas, in millimetres from the upper left corner."""
    settings = {"hatch": 1.0, "origin": "upper-left", "y_axis": "down", "join": 0.0, **options}
    content = GcodeRenderer(**settings).render([Picture((), areas=areas)], layout, {})
    return obey_gcode(content).polylines


def length(lines: Sequence[npt.NDArray[np.float64]]) -> float:
    return float(sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in lines))


def inside(shape: Sequence[Ring], x: float, y: float, even_odd: bool) -> bool:
    """Whether a point is inside, by the angles under which it sees the outlines."""
    turns = 0.0
    for ring in shape:
        points = np.array([*ring, ring[0]]) - (x, y)
        angles = np.diff(np.arctan2(points[:, 1], points[:, 0]))
        turns += float(((angles + np.pi) % (2 * np.pi) - np.pi).sum())
    around = round(turns / (2 * np.pi))
    return around % 2 == 1 if even_odd else around != 0


@given(rings, st.booleans(), st.sampled_from([-30.0, 0.0, 45.0, 90.0]))
def test_lines_are_where_a_browser_fills(shape: list[Ring], even_odd: bool, angle: float) -> None:
    lines = hatch(area(*shape, even_odd=even_odd), hatch=2.0, hatch_angle=angle)
    edges = shapely.MultiLineString([[*ring, ring[0]] for ring in shape])
    for line in lines:
        for share in (0.25, 0.5, 0.8):
            x, y = line[0] + share * (line[-1] - line[0])
            if edges.distance(shapely.Point(x, y)) > 0.05:
                assert inside(shape, x, y, even_odd)


@given(rings, st.sampled_from([0.0, 20.0, 135.0]))
@example([[(5, 6), (7, 5), (5, 5), (5, 6), (7, 5), (5, 5)]], 0.0)
def test_the_length_of_the_lines_is_the_area_by_their_distance(shape: list[Ring], angle: float) -> None:
    ring = shape[0]
    triangles = [shapely.Polygon([ring[0], *pair]) for pair in pairwise(ring[1:])]
    # By the even-odd rule: what an odd number of them covers.
    whole = reduce(shapely.symmetric_difference, triangles, shapely.Polygon())
    lines = hatch(area(*shape[:1], even_odd=True), hatch=0.5, hatch_angle=angle)
    assert length(lines) * 0.5 == pytest.approx(whole.area, abs=0.02 * whole.length + 1.0)


def test_lines_have_their_distance_and_angle() -> None:
    level = hatch(area(square(10, 10, 30)), hatch=2.5, hatch_angle=0)
    rows = sorted(line[0, 1] for line in level)
    assert len(rows) == 12
    np.testing.assert_allclose(np.diff(rows), 2.5, atol=0.02)
    assert all(line[0, 1] == line[1, 1] for line in level)
    for line in hatch(area(square(10, 10, 30)), hatch_angle=30):
        (dx, dy) = line[-1] - line[0]
        # Upwards to the right: y grows downwards here.
        assert np.hypot(dx, dy) < 3 or np.degrees(np.arctan2(-dy, dx)) % 180 == pytest.approx(30, abs=1)


def test_other_lines_cross_them() -> None:
    once, twice = (hatch(area(square(10, 10, 30)), hatch_cross=cross) for cross in (False, True))
    assert length(twice) == pytest.approx(2 * length(once), rel=0.05)
    assert len(twice) == pytest.approx(2 * len(once), abs=2)


def test_holes_stay_white_by_either_rule() -> None:
    outer, hole = square(10, 10, 40), square(20, 20, 20)
    ring = length(hatch(area(outer, hole[::-1])))
    assert ring == pytest.approx(40 * 40 - 20 * 20, rel=0.02)
    assert length(hatch(area(outer, hole))) == pytest.approx(40 * 40, rel=0.02)
    assert length(hatch(area(outer, hole, even_odd=True))) == pytest.approx(ring, rel=0.01)


def test_what_lies_over_an_area_hides_it() -> None:
    below, above = square(10, 10, 40), square(30, 10, 40)
    both = hatch(area(below), area(above, color="red"))
    assert length(both) == pytest.approx(60 * 40, rel=0.02)
    white = hatch(area(below), area(square(20, 20, 20), color=None))
    assert length(white) == pytest.approx(40 * 40 - 20 * 20, rel=0.02)
    glass = hatch(area(below), area(above, opaque=False))
    assert length(glass) == pytest.approx(2 * 40 * 40, rel=0.02)


def test_areas_have_the_pens_of_their_colours() -> None:
    areas = (area(square(10, 10, 20), color="#06c"), area(square(40, 10, 20), color="red"))
    content = GcodeRenderer(hatch=1.0, pens=2).render([Picture((), areas=areas)], PAGE, {})
    machine = obey_gcode(content)
    assert [line[0, 0] > 35 for line in machine.polylines] == [bool(pen) for pen in machine.pens]
    assert b"; pen 2: red\n" in content


@pytest.mark.parametrize(("color", "share"), [("black", 1.0), ("#06c", 1.0), ("grey", 0.5), ("#eee", 1 / 6)])
def test_light_colours_get_fewer_lines_by_their_tone(color: str, share: float) -> None:
    shape = area(square(10, 10, 60), color=color)
    plain, toned = (hatch(shape, hatch=0.5, hatch_tone=tone) for tone in (False, True))
    assert length(toned) == pytest.approx(share * length(plain), rel=0.05)


def test_nothing_is_hatched_unless_asked_for() -> None:
    assert hatch(area(square(10, 10, 30)), hatch=None) == []


def test_hatching_ends_at_the_edge_of_the_page() -> None:
    lines = np.concatenate(hatch(area(square(-50, -50, 500))))
    assert lines.min() >= 0 and lines[:, 0].max() <= 200 and lines[:, 1].max() <= 100
    assert length(hatch(area(square(-50, -50, 500)))) == pytest.approx(200 * 100, rel=0.02)


def test_open_and_flat_shapes_are_filled_as_a_browser_fills_them() -> None:
    assert length(hatch(area([(10, 10), (40, 10), (40, 40)]))) == pytest.approx(450, rel=0.05)
    assert hatch(area([(10, 10), (40, 10)], [(5, 5)])) == []
    assert hatch(area([(10, 10), (40, 10), (10, 10)])) == []


def test_far_away_is_nothing_to_hatch() -> None:
    assert hatch(area(square(1e12, 1e12, 1e12))) == []
    assert length(hatch(area(square(-1e9, -1e9, 2e9)), hatch_angle=0)) == pytest.approx(200 * 100, rel=0.02)


def test_hatching_without_end_is_refused() -> None:
    comb = [(x / 50, 100.0 * (x % 2)) for x in range(4000)]
    with pytest.raises(InputError, match=r"hatching a shape takes 5,\d+,\d+ ends .* take a larger hatch"):
        hatch(area(comb), hatch=0.05)


def test_what_is_no_place_is_refused() -> None:
    place = OwnPage(100.0, 100.0, left=0.0, top=0.0, unit=1e300)
    with pytest.raises(InputError, match="no place on a sheet"):
        hatch(area(square(0, 0, 1e30)), layout=Layout(own_page=place))
