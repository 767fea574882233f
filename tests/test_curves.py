"""Smooth curves along polylines: near them, through their ends, round where a hand is round."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sketchkit
from sketchkit import Sketch, svgdoc
from sketchkit.curves import TOLERANCE, fit_curves, fit_drawings, flatten_curves
from sketchkit.rendering import Ink, Layout, Picture

LINES = st.lists(
    st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), min_size=1, max_size=30),
    min_size=1,
    max_size=4,
).map(lambda lines: [np.array(line, float) for line in lines])


def away(points: np.ndarray, line: np.ndarray) -> float:
    """The farthest that points [n, 2] are from a polyline [m, 2]."""
    start, step = line[:-1], np.diff(line, axis=0)
    off = points[:, None] - start
    share = np.clip((off * step).sum(2) / np.maximum((step * step).sum(1), 1e-300), 0, 1)
    return float(np.linalg.norm(off - share[..., None] * step, axis=2).min(1).max())


def turns(line: np.ndarray) -> np.ndarray:
    """By how many degrees a polyline turns at its inner points."""
    steps = np.diff(line, axis=0)
    angles = np.arctan2(steps[:, 1], steps[:, 0])
    return np.abs(np.degrees((np.diff(angles) + np.pi) % (2 * np.pi) - np.pi))


def circle(points: int, radius: float = 100.0) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, points + 1)
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


@given(LINES)
def test_curves_stay_near_their_lines_and_join(lines: list[np.ndarray]) -> None:
    extent = float(np.ptp(np.concatenate(lines), axis=0).max())
    for line, curves in zip(lines, fit_curves(lines), strict=True):
        if not len(curves):
            assert (line == line[0]).all()
            continue
        assert (curves[0, 0] == line[0]).all() and (curves[-1, 3] == line[-1]).all()
        assert (curves[1:, 0] == curves[:-1, 3]).all()
        drawn = flatten_curves(curves, 1e-4 * extent)
        assert away(drawn, line) <= 0.015 * extent
        assert away(line, drawn) <= 0.015 * extent


@given(LINES)
def test_corners_above_sixty_degrees_are_points_of_the_curves(lines: list[np.ndarray]) -> None:
    for line, curves in zip(lines, fit_curves(lines), strict=True):
        line = line[np.append(True, np.any(np.diff(line, axis=0) != 0, axis=1))]
        ends = {tuple(curve[3]) for curve in curves}
        assert {tuple(point) for point in line[1:-1][turns(line) > 60.001]} <= ends


@given(st.lists(LINES, max_size=4))
def test_curves_of_several_drawings_are_those_of_each(drawings: list[list[np.ndarray]]) -> None:
    for lines, found in zip(drawings, fit_drawings(drawings), strict=True):
        for mine, alone in zip(found, fit_curves(lines), strict=True):
            np.testing.assert_array_equal(mine, alone)


def test_a_circle_of_chords_becomes_round() -> None:
    [curves] = fit_curves([circle(14)])
    drawn = flatten_curves(curves, 0.05)
    assert np.ptp(np.hypot(*drawn.T)) < 3.2
    assert turns(drawn).max() < 8 < turns(circle(14)).min()
    assert len(curves) <= 4
    ways = np.diff(curves, axis=1)
    before, after = ways[:, 2], np.roll(ways[:, 0], -1, axis=0)
    cosine = (before * after).sum(1) / np.linalg.norm(before, axis=1) / np.linalg.norm(after, axis=1)
    assert cosine == pytest.approx(1.0, abs=1e-9)  # also where it closes


def test_a_square_keeps_its_sides() -> None:
    square = np.array([[0, 0], [100, 0], [100, 100], [0, 100], [0, 0]], float)
    assert svgdoc.curves_data(fit_curves([square]), 1) == "M0 0l100 0 0 100 -100 0 0 -100"


def test_path_data_holds_the_curves() -> None:
    curves = fit_curves([circle(16), np.array([[7.0, 7.0]])])
    data = svgdoc.curves_data([curves[0], np.array([[7.0, 7.0]])], 3)
    start, *commands, dot = re.split("[Mcl]", data)[1:]
    assert dot == "7 7h0" and start == "100 0"
    steps = np.array(" ".join(commands).split(), float).reshape(-1, 3, 2)
    ends = np.array([100.0, 0.0]) + np.cumsum(steps[:, 2], axis=0)
    assert ends == pytest.approx(curves[0][:, 3], abs=1e-3)
    assert steps[:, 0] == pytest.approx(curves[0][:, 1] - curves[0][:, 0], abs=2e-3)


def test_only_what_a_model_drew_is_curved_unless_all_or_none_is_asked_for() -> None:
    given_, added = Sketch.from_polylines([circle(12)]), Sketch.from_polylines([circle(12, 50.0)])
    picture = Picture((Ink(given_), Ink(added, curved=True)))
    counts = {
        curves: sketchkit.render(picture, curves=curves).decode().count("c") for curves in ("on", "off")
    }
    for curves, expected in (("auto", [False, True]), ("on", [True, True]), ("off", [False, False])):
        [shown] = Layout(curves=curves).with_curves([picture])
        assert [ink.curved for ink in shown.inks] == expected
    assert counts["on"] > counts["off"]
    assert sketchkit.render(picture) != sketchkit.render(picture, curves="off")


def test_renderers_of_straight_lines_get_points_along_the_curve() -> None:
    ink = Ink(Sketch.from_polylines([circle(14), [[3.0, 3.0]]]), curved=True)
    line, dot = ink.polylines()
    assert len(line) > 24 and turns(line).max() < 8
    assert dot.tolist() == [[3.0, 3.0]]


@pytest.mark.parametrize("curves", ["auto", "off"])
def test_a_picture_of_curves_is_hardly_larger(curves: str) -> None:
    model = sketchkit.load_model("doodle", device="cpu")
    drawn = sketchkit.sample(model, 9, 0.25, class_name=list(model.card.classes[::5]), seed=2)
    sizes = {
        each: len(sketchkit.render([Picture((Ink(s, curved=True),)) for s in drawn], curves=each))
        for each in ("auto", "off")
    }
    assert sizes["auto"] <= 1.3 * sizes["off"]


def test_no_line_no_curve() -> None:
    assert fit_curves([]) == []
    assert [each.shape for each in fit_curves([np.zeros((0, 2)), np.ones((3, 2))])] == [(0, 4, 2)] * 2
    assert flatten_curves(np.zeros((0, 4, 2)), 1.0).shape == (0, 2)
    assert 0 < TOLERANCE <= 0.015


def test_layers_are_written_as_curves_when_asked() -> None:
    layer = svgdoc.Layer(Sketch.from_polylines([circle(12)]), "a", svgdoc.Pen("#123456", 2.0), curved=True)
    data = svgdoc.write_layers([layer]).decode()
    assert "c" in data.split(' d="')[1].split('"')[0]
    back = Sketch.from_svg(data)
    assert turns(back.points).max() < 15 < turns(circle(12)).min()
