"""What is read of a document, and where it lies, beside what Chromium paints."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sketchkit.formats.svg import read_svg

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: Left, top, right, bottom of what is painted, in pixels; None where nothing is.
Painted = Callable[[str], tuple[float, ...] | None]

SIZE = 400
ATTRIBUTES = (
    f'width="{SIZE}" height="{SIZE}" viewBox="0 0 {SIZE} {SIZE}" xmlns="http://www.w3.org/2000/svg"'
    ' xmlns:xlink="http://www.w3.org/1999/xlink"'
)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A window of the browser."""
    page = browser.new_page(viewport={"width": SIZE, "height": SIZE})
    page.set_default_timeout(600_000)
    yield page
    page.close()


@pytest.fixture
def painted(page: Page) -> Painted:
    image = pytest.importorskip("PIL.Image")

    def box(svg: str) -> tuple[float, ...] | None:
        page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{svg}")
        pixels = np.array(image.open(io.BytesIO(page.screenshot())).convert("L")) < 128
        y, x = np.nonzero(pixels)
        return (x.min(), y.min(), x.max() + 1, y.max() + 1) if len(x) else None

    return box


def read(svg: str) -> tuple[float, ...] | None:
    """The same of what is read: the box of all strokes, as far as it is in the window."""
    lines = read_svg(svg.encode(), "x.svg").polylines
    if not lines:
        return None
    points = np.concatenate(lines)
    x0, y0, x1, y1 = np.clip([*points.min(axis=0), *points.max(axis=0)], 0, SIZE)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


RECTANGLE = '<rect x="100" y="120" width="60" height="20" {}/>'
FILL = "transform-box: fill-box; transform-origin: 20% 70%;"
ATTRIBUTE = [
    "translate(20,30)",
    "translate(20,30)scale(.5) , skewX(20)",
    "rotate(30 130 130)",
    "rotate(45 10)",
    "translate(20,30) foo(3)",
    "translate(20,30",
    "translate(20,30),",
    "undefined",
    "translate(20px,30px)",
    "Translate(20,30)",
    "scaleX(.5)",
    "translate(1e39)",
]
STYLE = [
    "transform: translate3d(90px, 60px, 10px)",
    "transform: perspective(100px) rotateX(45deg)",
    "transform: perspective(100px) translate(0, 100px) rotateX(45deg) translateZ(50px)",
    "transform: rotate3d(1, 1, 0, 45deg)",
    "transform: matrix3d(1,0,0,.01, 0,1,0,0, 0,0,1,0, 80,60,0,2)",
    "transform: scale3d(.5, .5, 9)",
    "transform: rotateX(90deg)",
    "transform: translate(20mm, 1em)",
    "transform: translate(calc(10% + 5px), calc(2 * (3px + 1em)))",
    "transform: rotate(10)",
    "transform: translate(20, 30)",
    "transform: translate(20px) foo(3)",
    "transform: skew(20deg, 10deg)",
    "transform: rotate(atan2(1, 2)) translate(round(13px, 5px), abs(-10px))",
    "transform: rotate(90deg); transform-origin: center",
    "transform: rotate(90deg); transform-origin: calc(50% - 20px) 130px",
    "transform: rotateX(60deg); transform-origin: 130px 130px 50px",
    "transform: rotate(30deg); transform-origin: bottom right",
    "rotate: 1 1 0 60deg; transform-origin: 130px 130px",
    "rotate: 90deg; rotate: 0; transform-origin: 130px 130px",
    "scale: 50% 2 3",
    "translate: 10% 10% 5px",
    "translate: 10px 20px; rotate: 10deg; scale: .5; transform: skewX(9deg); transform-origin: 99px 9px",
    f"{FILL} transform: rotate(30deg)",
    f"{FILL} transform: translate(50%, 100%) scale(2)",
    "transform-box: border-box; transform: scale(.5)",
    "transform-box: foo; transform: rotate(10deg)",
    "transform: perspective(100px); will-change: transform",
    "-webkit-transform: rotate(30deg); -webkit-transform-origin: 130px 130px",
    "-webkit-transform: rotate(30deg); transform: foo",
    "transform: rotate(30deg); -webkit-transform: none",
    "-moz-transform: rotate(30deg); -ms-transform: rotate(30deg); -o-transform: rotate(30deg)",
]
GROUP = f'<g style="{FILL} transform: rotate(30deg)">{RECTANGLE.format("")}{{}}</g>'
BODIES = [
    GROUP.format('<rect x="20" y="20" width="60" height="20" fill="none" visibility="hidden"/>'),
    GROUP.format('<rect x="20" y="20" width="60" height="20" display="none"/>'),
    GROUP.format('<g transform="rotate(45 200 200)"><circle cx="200" cy="200" r="90"/></g>'),
    GROUP.format('<path d="M100 100C100 0 200 0 200 100A50 30 20 0 1 120 140z"/>'),
    GROUP.format('<svg x="90" y="90" width="50" height="50" viewBox="0 0 5 5"><path d="M1 1h2v2"/></svg>'),
    GROUP.format('<defs><path d="M1 1h2v2"/></defs>'),
    f'<defs><g id="é">{RECTANGLE.format("")}</g></defs><use href="#%C3%A9" y="50" style="{FILL} scale: .5"/>',
    f'<symbol id="s" viewBox="0 0 9 9"><path d="M1 1h2v3"/></symbol>'
    f'<use href="#s" x="99" y="99" width="90" height="90" style="{FILL} scale: .5"/>',
    '<path d="M100 120h60v20h-60z" style="transform: inherit"/>',
    '<g style="transform: translate(20px, 30px)">' + RECTANGLE.format('style="transform: inherit"') + "</g>",
]


def bodies() -> list[str]:
    attributes = [RECTANGLE.format(f'transform="{text}"') for text in ATTRIBUTE]
    styles = ['<g font-size="20">' + RECTANGLE.format(f'style="{text}"') + "</g>" for text in STYLE]
    origin = RECTANGLE.format('transform="rotate(90)" transform-origin="130 130"')
    return [*attributes, *styles, origin, *BODIES]


@pytest.mark.parametrize("body", bodies())
def test_shapes_lie_where_the_browser_paints_them(painted: Painted, body: str) -> None:
    svg = f"<svg {ATTRIBUTES}>{body}</svg>"
    expected = painted(svg)
    assert read(svg) == (None if expected is None else pytest.approx(expected, abs=1.01))


STROKED = [
    '<path d="M100 120h60v20h-60z" {}/>',
    '<polygon points="100,120 160,120 130,160" {}/>',
    '<polyline points="100,120 160,120 130,160" stroke-linecap="square" {}/>',
    '<path d="M100 120h60l-40 20" stroke-linejoin="round" stroke-linecap="round" {}/>',
    '<path d="M100 120h60l-50 9" stroke-miterlimit="2" {}/>',
    '<circle cx="130" cy="130" r="30" {}/>',
]


@pytest.mark.parametrize("shape", STROKED)
def test_the_box_of_a_stroke_is_that_of_its_paint(painted: Painted, shape: str) -> None:
    pen = 'fill="none" stroke="black" stroke-width="20"'
    moved = f'{pen} style="transform-box: stroke-box; transform: translate(50%, 100%)"'
    svgs = [f"<svg {ATTRIBUTES}>{shape.format(more)}</svg>" for more in (pen, moved)]
    (still, there), (before, after) = map(painted, svgs), map(read, svgs)
    assert still and there and before and after
    assert np.subtract(after, before) == pytest.approx(np.subtract(there, still), abs=1.01)


PAPERS = [
    '<rect width="100%" height="100%" fill="white"/>',
    '<rect width="400" height="400" fill="#fff" stroke="transparent"/>',
    '<path d="M50 50h300v300h-300z" fill="white"/>',
    '<rect width="400" height="400" fill="ivory"/>',
]


@pytest.mark.parametrize("paper", PAPERS)
def test_paper_is_not_seen_either(painted: Painted, paper: str) -> None:
    svg = f'<svg {ATTRIBUTES}>{paper}<path d="M100 120h60v20h-60z"/></svg>'
    assert read(svg) == painted(svg) == (100, 120, 160, 140)
