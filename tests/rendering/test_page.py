from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sketchkit.errors import InputError
from sketchkit.rendering import Layout, Page, Picture, render
from sketchkit.rendering.cairo import PngRenderer
from sketchkit.rendering.page import MILLIMETRE
from sketchkit.sketch import Sketch

SQUARE = Sketch.from_polylines([[(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]], label="square")

words = st.text(st.characters(codec="ascii", min_codepoint=32), max_size=20)
papers = st.builds(
    lambda page, **rest: Layout.on_page(page, **rest),
    st.sampled_from(["A3", "A4", "A5-landscape", "Letter", "legal-LANDSCAPE", "210x100mm"]),
    margin=st.floats(0, 30),
    gap=st.floats(0, 3),
    stroke=st.floats(0.1, 0.3),
    label=st.booleans(),
    title=st.none() | words,
)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("A3", (297, 420)),
        ("a4", (210, 297)),
        ("A5-landscape", (210, 148)),
        ("Letter", (215.9, 279.4)),
        ("LEGAL-LANDSCAPE", (355.6, 215.9)),
        ("210x297mm", (210, 297)),
        ("90.5x50MM", (90.5, 50)),
    ],
)
def test_a_page_is_known_by_its_name_or_its_measures(name: str, size: tuple[float, float]) -> None:
    page = Page.named(name)
    assert (page.width, page.height) == size


@pytest.mark.parametrize(
    "name", ["", "A6", "A4-portrait", "-landscape", "210x297", "210mm", "0x10mm", "-1x5mm", "nanxinfmm"]
)
def test_a_page_that_nobody_knows_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="page"):
        Page.named(name)


@given(st.integers(0, 60), papers)
def test_a_page_is_filled_within_its_margin(count: int, layout: Layout) -> None:
    sheet = layout.arrange([Picture(())] * count)
    assert layout.page is not None
    assert (sheet.width, sheet.height) == (layout.page.width * MILLIMETRE, layout.page.height * MILLIMETRE)
    for place in sheet.places:
        for corner, side in zip(place.corner, (sheet.width, sheet.height), strict=True):
            assert layout.margin - 1e-6 <= corner and corner + place.cell <= side - layout.margin + 1e-6


@given(st.integers(1, 60), papers)
def test_no_other_grid_has_larger_cells(count: int, layout: Layout) -> None:
    [cell] = {place.cell for place in layout.arrange([Picture(())] * count).places}
    for columns in range(1, count + 1):
        try:
            other = Layout(**{**vars(layout), "tile": (columns, None)}).arrange([Picture(())] * count)
        except InputError:  # so many columns leave no room for a line
            continue
        assert other.places[0].cell <= cell + 1e-9


def test_the_grid_is_in_the_middle_of_its_page() -> None:
    sheet = Layout.on_page("A4", tile=(2, 2), margin=20).arrange([Picture(())] * 4)
    first, last = sheet.places[0], sheet.places[-1]
    for axis, side in enumerate((sheet.width, sheet.height)):
        assert first.corner[axis] == pytest.approx(side - last.corner[axis] - last.cell)
    assert first.corner[0] == pytest.approx(20 * MILLIMETRE)
    assert first.cell == pytest.approx((210 - 40 - 3) / 2 * MILLIMETRE)


def test_lengths_on_a_page_are_millimetres() -> None:
    root = ElementTree.fromstring(render([SQUARE], page="100x100mm", margin=10, stroke=2))
    assert (root.get("width"), root.get("height")) == ("100mm", "100mm")
    unit = float((root.get("viewBox") or "").split()[2]) / 100
    [data] = [path.get("d") or "" for path in root.iter("{http://www.w3.org/2000/svg}path")]
    # A cell of 80 mm, 6 % of it free on each side, and a line of 2 mm around the points.
    assert float(data.split("l")[1].split()[0]) / unit == pytest.approx(80 * 0.88 - 2, abs=0.01)
    widths = [g.get("stroke-width") for g in root.iter("{http://www.w3.org/2000/svg}g") if g.get("stroke")]
    assert [float(width or 0) / unit for width in widths] == [pytest.approx(2)]


def test_a_pdf_of_a_page_has_its_size_in_points() -> None:
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", render(SQUARE, renderer="pdf", page="A4"))
    assert box is not None
    assert [float(side) for side in box.groups()] == pytest.approx(
        [210 / 25.4 * 72, 297 / 25.4 * 72], abs=1e-3
    )


@pytest.mark.parametrize("dpi", [96, 300])
def test_a_png_of_a_page_has_its_pixels_and_says_how_large_they_are(dpi: float) -> None:
    with Image.open(io.BytesIO(render(SQUARE, renderer=PngRenderer(dpi=dpi), page="A5"))) as image:
        assert np.array(image.size) == pytest.approx([148 / 25.4 * dpi, 210 / 25.4 * dpi], abs=1)
        assert image.info["dpi"] == pytest.approx((dpi, dpi), abs=0.1)


def test_a_png_without_a_page_is_of_no_size() -> None:
    with Image.open(io.BytesIO(render(SQUARE, renderer="png"))) as image:
        assert "dpi" not in image.info


@pytest.mark.parametrize(
    "bad",
    [
        {"margin": 105},
        {"margin": -1},
        {"gap": float("inf")},
        {"stroke": 0},
        {"cell": 50},
        {"tile": (1000, 1), "stroke": 0.01},
        {"stroke": 180},
    ],
)
def test_what_no_page_holds_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(InputError):
        Layout.on_page("A4", **bad).arrange([Picture(())])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("page", "count"), [("1000x50mm", 1), ("400x25mm", 1), ("2000x50mm", 3), ("50x1000mm", 1)]
)
def test_a_page_may_be_as_long_as_it_likes(page: str, count: int) -> None:
    layout = Layout.on_page(page, margin=5)
    assert len(layout.arrange([Picture(())] * count).places) == count


def test_a_png_of_endless_size_is_refused() -> None:
    with pytest.raises(InputError, match="too large"):
        render([Picture(())], renderer=PngRenderer(scale=1e200, dpi=1e200))
