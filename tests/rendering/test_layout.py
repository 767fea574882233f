from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketchkit.errors import InputError
from sketchkit.rendering.frame import fit_words
from sketchkit.rendering.layout import Layout
from sketchkit.rendering.page import OwnPage
from sketchkit.rendering.picture import Ink, Picture
from sketchkit.sketch import Sketch

coordinates = st.floats(-(2.0**100), 2.0**100, width=32)
drawings = st.lists(st.tuples(coordinates, coordinates), max_size=6)
pictures = st.lists(drawings.map(lambda line: Picture.of(Sketch.from_polylines([line]))), max_size=12)
layouts = st.builds(
    Layout,
    cell=st.floats(20, 500),
    gap=st.floats(0, 50),
    margin=st.floats(0, 50),
    label=st.booleans(),
    stroke=st.floats(0.1, 10),
    scale=st.sampled_from(["fit", "common"]),
)


def line(width: float, height: float) -> Picture:
    return Picture.of(Sketch.from_polylines([[(0, 0), (width, height)]]))


@given(pictures, layouts)
def test_no_line_leaves_its_cell_nor_a_cell_the_page(shown: list[Picture], layout: Layout) -> None:
    sheet = layout.arrange(shown)
    room = layout.stroke / 2 - 1e-6 * layout.cell
    for picture, place in zip(shown, sheet.places, strict=True):
        x, y = place.corner
        assert layout.margin <= x and x + place.cell <= sheet.width - layout.margin + 1e-6
        assert layout.margin <= y and y + place.cell <= sheet.height - layout.margin + 1e-6
        points = place.apply(picture.inks[0].sketch.points)
        assert (points >= np.array(place.corner) + room).all()
        assert (points <= np.array(place.corner) + place.cell - room).all()


@given(st.integers(0, 500))
def test_a_sheet_without_a_tile_is_nearly_square(count: int) -> None:
    sheet = Layout(cell=10, gap=0, margin=0, stroke=1).arrange([Picture(())] * count)
    columns, rows = sheet.width / 10, sheet.height / 10
    assert columns * rows >= max(count, 1)
    assert 0 <= columns - rows <= 1
    assert (rows - 1) * columns < max(count, 1)


def test_cells_fill_row_by_row() -> None:
    sheet = Layout((3, None), cell=10, gap=2, margin=5, stroke=1).arrange([Picture(())] * 4)
    assert [place.corner for place in sheet.places] == [(5, 5), (17, 5), (29, 5), (5, 17)]
    assert (sheet.width, sheet.height) == (44, 32)


def test_a_tile_too_small_says_both_numbers() -> None:
    with pytest.raises(InputError, match=r"7 pictures do not fit a tile of 3x2, which has 6 cells"):
        Layout((3, 2)).arrange([Picture(())] * 7)


def test_a_larger_tile_keeps_its_size() -> None:
    sheet = Layout((5, 2), cell=10, gap=0, margin=0, stroke=1).arrange([line(1, 1)])
    assert (sheet.width, sheet.height) == (50, 20)


def test_fitting_keeps_the_aspect_ratio_and_the_middle() -> None:
    [place] = Layout(cell=100, stroke=2, margin=0).arrange([line(200, 50)]).places
    points = place.apply(np.array([[0.0, 0], [200, 50]]))
    assert (points.mean(axis=0) == 50).all()
    assert np.ptp(points, axis=0) == pytest.approx([86, 21.5])


def test_a_common_scale_lets_sizes_compare() -> None:
    shown = [line(10, 0), line(0, 40), Picture.of(Sketch.from_polylines([[(3, 3)]]))]
    scales = {place.scale for place in Layout(scale="common").arrange(shown).places}
    assert len(scales) == 1
    assert len({place.scale for place in Layout(scale="fit").arrange(shown).places}) == 3


def test_inks_of_one_picture_share_one_transform() -> None:
    first, second = (Sketch.from_polylines([[(x, 0), (x + 1, 0)]]) for x in (0, 9))
    [place] = Layout(cell=100, stroke=2, margin=0).arrange([Picture((Ink(first), Ink(second)))]).places
    assert place.centre == (5, 0)
    assert place.scale == pytest.approx(8.6)


@pytest.mark.parametrize(
    "bad",
    [
        {"cell": 0},
        {"cell": math.nan},
        {"cell": math.inf},
        {"gap": -1},
        {"margin": math.inf},
        {"stroke": 0},
        {"tile": (0, 3)},
        {"tile": (3, 0)},
        {"scale": "stretch"},
        {"background": "url(#a)"},
        {"background": "nonsense"},
        {"background": "rebeccapurple"},
        {"background": "#12345"},
        {"background": 3},
    ],
)
def test_lengths_that_make_no_page_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(InputError):
        Layout(**bad)  # type: ignore[arg-type]


def test_a_line_wider_than_its_cell_is_refused() -> None:
    with pytest.raises(InputError, match="does not fit a cell"):
        Layout(cell=10, stroke=2).arrange([Picture((Ink(Sketch([]), width=50),))])


@pytest.mark.parametrize("width", [0, -1, math.nan, math.inf])
def test_an_ink_without_width_is_refused(width: float) -> None:
    with pytest.raises(InputError, match="width"):
        Ink(Sketch([]), width=width)


@given(st.text(max_size=200), st.floats(10, 300))
def test_a_caption_is_one_line_that_begins_like_the_words(words: str, width: float) -> None:
    line = fit_words(words, width, 10)
    whole = " ".join(words.split())
    assert line == whole or (line.endswith("\u2026") and whole.startswith(line[:-1]))
    assert len(line) <= len(whole) + 1


def test_a_caption_that_fits_stays_whole() -> None:
    assert fit_words("a cat\nin the   sun", 120, 12) == "a cat in the sun"
    assert fit_words("temperature 0.4, seed 12345", 120, 12).startswith("temperature 0")


# --- words ---------------------------------------------------------------------------------------------

labels = (st.just([]) | st.lists(st.text(max_size=30), min_size=4, max_size=4)).map(tuple)


@given(st.integers(0, 16), labels, labels, st.none() | st.text(max_size=40), st.booleans())
def test_labels_stand_beside_the_cells_and_not_on_them(
    count: int, rows: tuple[str, ...], columns: tuple[str, ...], title: str | None, captions: bool
) -> None:
    layout = Layout((4, 4), 60, 5, captions, 1, 7, title=title, row_labels=rows, column_labels=columns)
    sheet = layout.arrange([Picture(())] * count)
    grid_left = min((place.corner[0] for place in sheet.places), default=sheet.width)
    grid_top = min((place.corner[1] for place in sheet.places), default=sheet.height)
    for line in sheet.words:
        x, y = line.at
        assert layout.margin <= y <= sheet.height - layout.margin
        if line.anchor == "end":
            assert layout.margin < x < grid_left
        else:
            assert y < grid_top
            assert layout.margin <= x <= sheet.width - layout.margin


def test_a_row_has_its_label_at_its_height_and_a_column_above_its_middle() -> None:
    sheet = Layout((2, 2), 100, row_labels=("a", "b"), column_labels=("c", "")).arrange([Picture(())] * 4)
    found = {line.text: line.at for line in sheet.words}
    assert set(found) == {"a", "b", "c"}
    assert found["c"][0] == sheet.places[0].middle[0]
    # A third of a letter of seven pixels below the middle, so that the letter's own middle stands there.
    below = [found[name][1] - sheet.places[i].middle[1] for name, i in (("a", 0), ("b", 2))]
    assert below == pytest.approx([2.45, 2.45])


def test_labels_tell_how_many_rows_or_columns_there_are() -> None:
    for layout, grid in ((Layout(column_labels=("a", "b")), (2, 3)), (Layout(row_labels=("a", "b")), (3, 2))):
        places = layout.arrange([Picture(())] * 6).places
        assert (
            len({place.corner[0] for place in places}),
            len({place.corner[1] for place in places}),
        ) == grid


@pytest.mark.parametrize("kind", ["row", "column"])
@pytest.mark.parametrize(("count", "what"), [(3, "many"), (1, "few")])
def test_more_or_fewer_labels_than_rows_or_columns_are_refused(kind: str, count: int, what: str) -> None:
    bad: dict[str, Any] = {f"{kind}_labels": ("a",) * count}
    with pytest.raises(InputError, match=f"^{count} {kind} labels are too {what} for 2 {kind}s$"):
        Layout((2, 2), **bad).arrange([Picture(())])


@pytest.mark.parametrize("kind", ["row", "column"])
def test_more_labels_than_drawings_make_no_sheet_by_themselves(kind: str) -> None:
    bad: dict[str, Any] = {f"{kind}_labels": ("a", "b", "c")}
    with pytest.raises(InputError, match=f"^3 {kind} labels are too many for 2 drawings$"):
        Layout(**bad).arrange([Picture(())] * 2)


@pytest.mark.parametrize("bad", [2, "22", (2.5, None), (2, 2.0), (2,), (None, None)])
def test_a_tile_is_two_whole_numbers(bad: Any) -> None:
    with pytest.raises(InputError, match=r"^(a tile is|the (columns|rows) of a tile must be)"):
        Layout(bad)


def test_a_sheet_without_words_is_as_it_was() -> None:
    assert Layout((1, 1), 100, margin=5).arrange([line(1, 1)]).words == ()
    sheet = Layout((1, 1), 100, margin=5, row_labels=("",), column_labels=("",)).arrange([line(1, 1)])
    assert (sheet.width, sheet.height, sheet.words) == (110, 110, ())


def test_a_picture_on_its_own_page_keeps_its_place_and_size() -> None:
    own = OwnPage(200.0, 100.0, left=-5.0, top=2.0, unit=10.0)
    sheet = Layout(stroke=1.0, own_page=own).arrange([line(3, 4)])
    assert sheet.page is not None and (sheet.page.width, sheet.page.height) == (200.0, 100.0)
    points = np.array([[-5.0, 2.0], [15.0, 12.0], [0.0, 2.0]])
    np.testing.assert_allclose(
        sheet.places[0].apply(points) * 25.4 / 96, [[0, 0], [200, 100], [50, 0]], atol=1e-9
    )


def test_a_line_that_has_its_own_width_grows_with_its_drawing() -> None:
    sketch = Sketch.from_polylines([[(0, 0), (90, 0)]])
    thick, thin = Ink(sketch, own_width=10.0), Ink(sketch, own_width=1e-6)
    layout = Layout(cell=100.0, stroke=2.0)
    place = layout.arrange([Picture((thick,))]).places[0]
    assert place.scale == pytest.approx(0.88)  # a line 100 long with its ends, in 88 pixels
    assert thick.pen(place.scale, layout.stroke).width == pytest.approx(8.8)
    assert thin.pen(place.scale, layout.stroke).width == 1.0  # half a usual line, so that it is seen
    assert Ink(sketch, width=3.0).pen(7.0, 2.0).width == 3.0 and Ink(sketch).pen(7.0, 2.0).width == 2.0
