"""Points left out, against the released code's rule followed line by line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketchkit.training.batching import choose_points

Row = tuple[int, int, bool]

rows = st.tuples(st.integers(-50, 50), st.integers(-50, 50), st.sampled_from([False, False, False, True]))
drawings = st.lists(st.lists(rows, min_size=1, max_size=14), min_size=1, max_size=5)
#: Numbers of chance; sixteenths, so that some are exactly the share.
uniforms = st.integers(0, 15).map(lambda x: x / 16)


def slowly(drawing: list[Row], chance: list[float], share: float) -> list[Row]:
    """One drawing, row after row: what a dropped one moved is added to the last that stayed."""
    out: list[Row] = []
    inside = 0  # rows of this line before the row at hand, its first one not counted
    lifted = True
    for (dx, dy, lift), number in zip(drawing, chance, strict=True):
        inside = 0 if lift or lifted else inside + 1
        if not lift and not lifted and inside > 2 and number < share:
            x, y, before = out[-1]
            out[-1] = (x + dx, y + dy, before)
        else:
            out.append((dx, dy, lift))
            lifted = lift
    return out


def quickly(several: list[list[Row]], chance: list[float], share: float) -> list[list[Row]]:
    """All drawings at once, as batches do it."""
    flat = np.array([row for drawing in several for row in drawing])
    lengths = np.array([len(drawing) for drawing in several])
    lifts = flat[:, 2] != 0
    kept = choose_points(lifts, lengths, np.array(chance), share)
    offsets = np.add.reduceat(flat[:, :2], kept, axis=0)
    which = np.repeat(np.arange(len(several)), lengths)[kept]
    out: list[list[Row]] = [[] for _ in several]
    for (dx, dy), lift, b in zip(offsets.tolist(), lifts[kept].tolist(), which.tolist(), strict=True):
        out[b].append((dx, dy, lift))
    return out


@given(several=drawings, share=uniforms | st.just(1.0), data=st.data())
def test_the_rows_that_stay_are_the_released_codes(
    several: list[list[Row]], share: float, data: st.DataObject
) -> None:
    total = sum(map(len, several))
    chance = data.draw(st.lists(uniforms, min_size=total, max_size=total))
    parts = np.split(np.array(chance), np.cumsum([len(d) for d in several])[:-1])
    expected = [slowly(d, part.tolist(), share) for d, part in zip(several, parts, strict=True)]
    assert quickly(several, chance, share) == expected


@given(several=drawings, data=st.data())
def test_lifts_beginnings_and_the_whole_way_stay(several: list[list[Row]], data: st.DataObject) -> None:
    total = sum(map(len, several))
    chance = data.draw(st.lists(uniforms, min_size=total, max_size=total))
    for before, after in zip(several, quickly(several, chance, 0.5), strict=True):
        assert sum(lift for *_, lift in after) == sum(lift for *_, lift in before)
        assert after[0][2] == before[0][2]
        for axis in (0, 1):
            assert sum(row[axis] for row in after) == sum(row[axis] for row in before)
        # Where the pen lifts, it is where it was.
        assert lifted_at(after) == lifted_at(before)


def lifted_at(drawing: list[Row]) -> list[tuple[int, int]]:
    places = np.cumsum([row[:2] for row in drawing], axis=0)
    return [tuple(place) for place, row in zip(places.tolist(), drawing, strict=True) if row[2]]


@pytest.mark.parametrize(("share", "left"), [(0.0, 12), (1.0, 4 + 4)])
def test_at_the_most_the_first_three_and_the_last_of_a_line_are_left(share: float, left: int) -> None:
    line: list[Row] = [(i, 1, i in (6, 11)) for i in range(12)]  # a line of seven rows, and one of five
    assert len(quickly([line], [0.0] * 12, share)[0]) == left
    line = [(1, 1, i == 2) for i in range(3)]
    assert quickly([line, line], [0.0] * 6, 1.0) == [line, line]


def test_about_as_many_go_as_the_share_says() -> None:
    n = 100_000
    lifts = np.zeros(n, bool)
    uniform = np.random.default_rng(0).random(n)
    kept = choose_points(lifts, np.array([n]), uniform, 0.1)
    assert abs(1 - len(kept) / n - 0.1) < 4 * np.sqrt(0.09 / n)
