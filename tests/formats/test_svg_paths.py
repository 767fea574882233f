"""Path data: every command, and what happens at an error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketchkit.formats.svg import read_svg


def draw(data: str) -> list[np.ndarray]:
    document = f'<svg viewBox="0 0 100 100"><path d="{data}"/></svg>'
    return read_svg(document.encode(), "f", tolerance=0.01).polylines


def lines(data: str) -> list[list[list[float]]]:
    return [np.round(line, 9).tolist() for line in draw(data)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("M1 2L3 4", [[[1, 2], [3, 4]]]),
        ("m1 2 3 4 5 6", [[[1, 2], [4, 6], [9, 12]]]),
        ("M1 2 3 4 5 6", [[[1, 2], [3, 4], [5, 6]]]),
        ("M1 2H5V7h-1v-2", [[[1, 2], [5, 2], [5, 7], [4, 7], [4, 5]]]),
        ("M1 2H5 6 7", [[[1, 2], [5, 2], [6, 2], [7, 2]]]),
        ("M0 0h4v4z", [[[0, 0], [4, 0], [4, 4], [0, 0]]]),
        ("M0 0h4v4L0 0Z", [[[0, 0], [4, 0], [4, 4], [0, 0]]]),
        ("M0 0h4v4zl1 1", [[[0, 0], [4, 0], [4, 4], [0, 0]], [[0, 0], [1, 1]]]),
        ("M2 2h4zm1 1h1", [[[2, 2], [6, 2], [2, 2]], [[3, 3], [4, 3]]]),
        ("M1.5.5-3e-2 4", [[[1.5, 0.5], [-0.03, 4]]]),
        ("M+1,-2\n\tL3,4", [[[1, -2], [3, 4]]]),
        ("M1e1.5L.5.5.5.25", [[[10, 0.5], [0.5, 0.5], [0.5, 0.25]]]),
    ],
)
def test_lines_are_read_in_every_spelling(data: str, expected: list[list[list[float]]]) -> None:
    assert lines(data) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("M0 0L1 1L2", [[[0, 0], [1, 1]]]),
        ("M0 0L1 1 2 2 3 X 9 9", [[[0, 0], [1, 1], [2, 2]]]),
        ("M0 0L1 1,,2 2", [[[0, 0], [1, 1]]]),
        ("M0 0L1 1,L2 2", [[[0, 0], [1, 1]]]),
        ("M0 0A0 0 0 0 0 1 1,L2 2", [[[0, 0], [1, 1]]]),
        ("M0 0L1 1 L", [[[0, 0], [1, 1]]]),
        ("M0 0L1 1z5 5L9 9", [[[0, 0], [1, 1], [0, 0]]]),
        ("M0 0L1 1A1 1 0 2 0 5 5", [[[0, 0], [1, 1]]]),
        ("M0 0L1 1L1e999 0L5 5", [[[0, 0], [1, 1]]]),
        ("M0 0L1 1L1e300 0L5 5", [[[0, 0], [1, 1]]]),
        ("L1 1", []),
        ("none", []),
        ("5 M0 0L1 1", []),
    ],
)
def test_a_path_is_drawn_up_to_its_first_error(data: str, expected: list[list[list[float]]]) -> None:
    assert lines(data) == expected


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("M0 0c1 2 3 4 5 6", "M0 0C1 2 3 4 5 6"),
        ("M9 8c1 2 3 4 5 6", "M9 8C10 10 12 12 14 14"),
        ("M0 0C1 2 3 4 5 6S9 9 8 1", "M0 0C1 2 3 4 5 6C7 8 9 9 8 1"),
        ("M0 0C1 2 3 4 5 6s4 3 3-5", "M0 0C1 2 3 4 5 6C7 8 9 9 8 1"),
        ("M5 6S9 9 8 1", "M5 6C5 6 9 9 8 1"),
        ("M0 0Q3 6 9 0", "M0 0C2 4 5 4 9 0"),
        ("M0 0q3 6 9 0t9 0", "M0 0Q3 6 9 0Q15-6 18 0"),
        ("M0 0Q3 6 9 0T18 0 27 0", "M0 0Q3 6 9 0Q15-6 18 0Q21 6 27 0"),
        ("M0 0Q3 6 9 0L9 9T3 3", "M0 0Q3 6 9 0L9 9L3 3"),
        ("M0 0C1 2 3 4 5 6T9 9", "M0 0C1 2 3 4 5 6L9 9"),
        ("M0 0a3 3 0 01 6 0", "M0 0A3 3 0 0 1 6 0"),
        ("M0 0a3 3 0 016 0 3 3 0 0 1-6 0", "M0 0A3,3,0,0,1,6,0A3 3 0 0 1 0 0"),
        ("M0 0a3 3 0 01.5.5", "M0 0A3 3 0 0 1 .5 .5"),
        ("M0 0A0 3 0 0 1 6 6", "M0 0L6 6"),
        ("M0 0A1 1 0 0 1 6 0", "M0 0A3 3 0 0 1 6 0"),
        ("M0 0A-3 3 0 0 1 6 0", "M0 0A3 3 0 0 1 6 0"),
    ],
)
def test_shorthands_are_the_curves_they_stand_for(short: str, long: str) -> None:
    (a,), (b,) = draw(short), draw(long)
    # A line written as a flat curve has the same place, but more points.
    assert a[0] == pytest.approx(b[0])
    assert a[-1] == pytest.approx(b[-1])
    if len(a) == len(b):
        assert np.allclose(a, b)
    else:
        assert np.allclose(a.min(axis=0), b.min(axis=0))


def test_a_cubic_stays_within_the_tolerance() -> None:
    (line,) = draw("M0 0C0 50 100 50 100 0")
    t = np.linspace(0, 1, 2001)[:, None]
    curve = 3 * (1 - t) ** 2 * t * (0, 50) + 3 * (1 - t) * t * t * (100, 50) + t**3 * (100, 0)
    start, step = line[:-1], np.diff(line, axis=0)
    share = ((curve[:, None] - start) * step).sum(axis=2) / (step**2).sum(axis=1)
    nearest = start + np.clip(share, 0, 1)[..., None] * step
    assert np.hypot(*(curve[:, None] - nearest).T).min(axis=0).max() <= 0.01


def test_an_arc_whose_radii_dwarf_its_ends_or_vanish_beside_them_is_a_straight_line() -> None:
    for end in ("1e-322", "1e-317", "1e-160", "1e-140"):
        assert [line[-1].tolist() for line in draw(f"M0 0A1e6 1e6 0 0 1 {end} 0L9 9")] == [[9, 9]]
    assert [line.tolist() for line in draw("M0 0A1e-320 1e-320 0 0 1 9 0")] == [[[0, 0], [9, 0]]]


@pytest.mark.parametrize("number", ["1e300", "-1e300"])
def test_an_arc_to_where_nothing_is_drawn_ends_the_path_before_it(number: str) -> None:
    assert [line.tolist() for line in draw(f"M0 0H5A1 1 0 0 1 {number} 9H7")] == [[[0, 0], [5, 0]]]


@pytest.mark.parametrize(
    ("large", "sweep", "top"), [(0, 0, False), (0, 1, True), (1, 0, False), (1, 1, True)]
)
def test_the_flags_of_an_arc_choose_one_of_four(large: int, sweep: int, top: bool) -> None:
    (line,) = draw(f"M40 50A20 20 0 {large} {sweep} 60 50")
    distance = math.sqrt(20**2 - 10**2)
    centre = 50 + distance * (1 if top != bool(large) else -1)
    assert np.allclose(np.hypot(*(line - (50, centre)).T), 20)
    assert (line[1:-1, 1] < 50).all() == top
    length = np.hypot(*np.diff(line, axis=0).T).sum()
    assert (length > 20 * math.pi) == bool(large)


def test_a_rotated_arc_lies_on_its_ellipse() -> None:
    (line,) = draw("M30 50A30 10 30 1 1 60 50")
    turned = line @ np.array([[math.cos(math.pi / 6), -math.sin(math.pi / 6)], [0.5, math.cos(math.pi / 6)]])
    a, b = turned[:, 0], turned[:, 1]
    # (a - p)^2 / 900 + (b - q)^2 / 100 = 1 for one centre (p, q): linear in a, b and 1 after expanding.
    system = np.stack([a, b, np.ones_like(a)], axis=1)
    _, residual, _, _ = np.linalg.lstsq(system, a**2 / 900 + b**2 / 100, rcond=None)
    assert residual < 1e-12


@pytest.mark.parametrize(
    "data", ["M0 0A1e-300 1e-300 0 0 1 5 5", "M0 0A1e12 1e-12 45 0 1 5 5", "M0 0A1 1 0 0 0 0 0"]
)
def test_extreme_arcs_end_where_they_should(data: str) -> None:
    for line in draw(data):
        assert np.isfinite(line).all()


Command = tuple[str, tuple[int, ...]]
number = st.integers(-50, 50)
commands = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("MmLl"), st.tuples(number, number)),
        st.tuples(st.sampled_from("HhVv"), st.tuples(number)),
        st.tuples(st.sampled_from("Zz"), st.just(())),
    ),
    max_size=12,
)


def expected(path: list[Command]) -> list[list[tuple[int, int]]]:
    """A second opinion, one plain step at a time."""
    x = y = 0
    home = (0, 0)
    strokes: list[list[tuple[int, int]]] = []
    fresh = True
    for letter, numbers in path:
        base = (x, y) if letter.islower() else (0, 0)
        if letter in "Zz":
            target = home
        elif letter in "Hh":
            target = (base[0] + numbers[0], y)
        elif letter in "Vv":
            target = (x, base[1] + numbers[0])
        else:
            target = (base[0] + numbers[0], base[1] + numbers[1])
        if letter in "Mm":
            home, fresh = target, True
        else:
            if fresh:
                strokes.append([(x, y)])
            if strokes[-1][-1] != target:
                strokes[-1].append(target)
            fresh = letter in "Zz"
        x, y = target
    return strokes


@given(commands, st.sampled_from([" ", ",", "\n", " , "]))
def test_any_path_of_lines_is_read_as_a_plain_reader_would(path: list[Command], separator: str) -> None:
    path = [("M", (0, 0)), *path]
    data = "".join(letter + separator.join(map(str, numbers)) for letter, numbers in path)
    assert [[tuple(point) for point in line.tolist()] for line in draw(data)] == expected(path)
