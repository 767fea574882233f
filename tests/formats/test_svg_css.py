"""CSS in SVG is read as browsers read it: each small drawing has the ink that Chromium gives it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from css_drawings import DRAWINGS, Box

from sketchkit.formats.svg import read_svg
from sketchkit.formats.svg.colours import BLACK, parse_colour

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def document(body: str) -> str:
    return f'<svg {NAMESPACES} width="200" height="200" viewBox="0 0 200 200">{body}</svg>'


def read_box(body: str) -> Box:
    """The pixels that the strokes of a drawing touch, as far as they are on the page."""
    lines = read_svg(document(body).encode(), "drawing.svg").polylines
    if not lines:
        return None
    points = np.clip(np.concatenate(lines), 0, 200)
    left, top = np.floor(points.min(axis=0) + 0.3)
    right, bottom = np.ceil(points.max(axis=0) - 0.3)
    return (int(left), int(top), int(right), int(bottom)) if left < right and top < bottom else None


@pytest.mark.parametrize("text", ["#08f", "#0088ff", "#0088FF", " #08F ", "#08ff", "#0088ffff"])
def test_digits_name_the_colour_that_their_numbers_do(text: str) -> None:
    assert parse_colour(text, BLACK) == parse_colour("rgb(0, 136, 255)", BLACK)


@pytest.mark.parametrize("text", ["#08", "#08fff", "#08g", "08f", "#0088f", "#٣٣٣"])
def test_other_digits_name_no_colour(text: str) -> None:
    assert parse_colour(text, BLACK) is None


def agree(found: Box, wanted: Box) -> bool:
    """Whether two boxes are the same but for a pixel that is half covered."""
    if found is None or wanted is None:
        return found is wanted
    return all(abs(a - b) <= 1 for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize(("body", "box"), DRAWINGS, ids=[body for body, _ in DRAWINGS])
def test_css_leaves_the_ink_that_a_browser_paints(body: str, box: Box) -> None:
    assert agree(read_box(body), box), f"{read_box(body)} instead of {box}"


# --- what depends on the size of a page -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "length", "width"),
    [
        ('viewBox="0 0 200 100"', "10vw", 20),
        ('viewBox="0 0 200 100"', "10VH", 10),
        ('viewBox="0 0 200 100"', "10vmin", 10),
        ('viewBox="0 0 200 100"', "10dvmax", 20),
        ('width="400" height="300" viewBox="0 0 200 100"', "10vw", 40),
        ('viewBox="0 0 200 100" font-size="20"', "2rem", 40),
        ('viewBox="0 0 200 100" style="font-size: large"', "2rem", 36),
        ('viewBox="0 0 200 100"', "calc(10% + 1em / 2)", 28),
        ('viewBox="0 0 200 100"', "4ch", 32),
    ],
)
def test_relative_units_refer_to_the_page_and_its_font(page: str, length: str, width: float) -> None:
    body = f'<svg {NAMESPACES} {page}><g font-size="16"><rect width="{length}" height="1"/></g></svg>'
    (line,) = read_svg(body.encode(), "drawing.svg").polylines
    assert np.ptp(line, axis=0)[0] == pytest.approx(width)


def test_an_em_of_the_stroke_is_that_of_the_shape() -> None:
    line = '<path d="M0 0h9" fill="none" stroke="red" font-size="30" stroke-width=".5em"/>'
    assert read_svg(document(line).encode(), "drawing.svg").pen_width == 15


# --- a browser ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A window of the browser, as large as media queries take it to be."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(600_000)
    yield page
    page.close()


#: Side of a drawing, and how many stand beside and below each other in the window.
SIDE, COLUMNS, ROWS = 200, 6, 3
SHEET = f"""<!doctype html><style>
body {{ margin: 0; display: grid; grid-template-columns: repeat({COLUMNS}, {SIDE}px) }}
div {{ width: {SIDE}px; height: {SIDE}px; overflow: hidden }}
iframe {{ border: 0; width: 1280px; height: 720px }}
</style>"""


def painted_boxes(page: Page, bodies: Sequence[str], folder: Path) -> list[Box]:
    """What is painted of each of some drawings, whose documents fill windows of their own in one page."""
    image = pytest.importorskip("PIL.Image")
    for number, body in enumerate(bodies):
        (folder / f"{number}.svg").write_text(document(body), "utf-8")
    frames = "".join(f'<div><iframe src="{number}.svg"></iframe></div>' for number in range(len(bodies)))
    (folder / "sheet.html").write_text(SHEET + frames, "utf-8")
    page.goto((folder / "sheet.html").as_uri())
    shot = np.asarray(image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    ink = shot.sum(axis=2, dtype=int) < 3 * 255 - 24
    corners = [(SIDE * (k // COLUMNS), SIDE * (k % COLUMNS)) for k in range(len(bodies))]
    return [box_of(ink[top : top + SIDE, left : left + SIDE]) for top, left in corners]


def box_of(ink: np.ndarray) -> Box:
    rows, columns = np.nonzero(ink.any(axis=1))[0], np.nonzero(ink.any(axis=0))[0]
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def test_chromium_paints_what_is_written_beside_each_drawing(page: Page, tmp_path: Path) -> None:
    # Not every Chromium that distributions have knows the youngest of the colour functions.
    page.goto("about:blank")
    knows_alpha = page.evaluate("() => CSS.supports('color', 'alpha(from red / .5)')")
    drawings = [(body, box) for body, box in DRAWINGS if knows_alpha or "alpha(from" not in body]
    wrong = []
    for some in batched(drawings, COLUMNS * ROWS):
        found = painted_boxes(page, [body for body, _ in some], tmp_path)
        wrong += [
            f"{body}: Chromium paints {painted} instead of {box}"
            for (body, box), painted in zip(some, found, strict=True)
            if not agree(painted, box)
        ]
    assert not wrong, "\n".join(wrong)


def batched(drawings: list[tuple[str, Box]], count: int) -> Iterator[list[tuple[str, Box]]]:
    for first in range(0, len(drawings), count):
        yield drawings[first : first + count]
