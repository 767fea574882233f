"""Paper is no ink: what lies under a drawing, or cannot be told from what it lies on."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

import sketchkit
from sketchkit.formats.svg import SvgDocument, read_svg
from sketchkit.sketch import Sketch

PAGE = 'viewBox="0 0 200 200"'
BLACK = '<path d="M20 20L90 20L90 90" fill="none" stroke="black"/>'
TEXT = '<text x="50" y="90">a</text>'
WHITE = '<path d="M20 20L90 20L90 90" fill="none" stroke="white"/>'


def read(body: str, attributes: str = PAGE, *, keep_background: bool = False) -> SvgDocument:
    content = f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{body}</svg>'.encode()
    return read_svg(content, "drawing.svg", keep_background=keep_background)


def sheet(fill: str, more: str = "") -> str:
    return f'<rect width="200" height="200" fill="{fill}" {more}/>'


PAPERS = [
    *map(sheet, ("white", "#FFF", "#fefefe", "ivory", "#f5f5dc", "rgb(255, 255, 255)", "hsl(0 0% 100%)")),
    *map(sheet, ("teal", "black", "#121212", "url(#gradient)", "light-dark(white, black)")),
    sheet("black", 'fill-opacity=".03"'),
    sheet("white", 'stroke="transparent"'),
    sheet("white", 'stroke="black" stroke-width="0"'),
    sheet("white", 'stroke="white"'),
    '<rect width="100%" height="100%" style="stroke: none; fill: #FFFFFF;"/>',
    '<path d="M 0 200 L 200 200 L 200 0 L 0 0 z" style="fill: #ffffff"/>',
    '<polyline points="0,0 200,0 200,200 0,200" fill="white"/>',
    '<rect x="-50" y="-50" width="400" height="400" fill="white"/>',
    '<rect x="4" y="4" width="192" height="192" fill="ivory"/>',
    '<rect width="200" height="200" rx="40" fill="white"/>',
    '<g transform="translate(4 196)"><polygon fill="white" points="-4,4 -4,-196 196,-196 196,4"/></g>',
    '<g color="white"><rect width="200" height="200" fill="currentColor"/></g>',
    '<style>.bg { fill: white }</style><rect class="bg" width="200" height="200"/>',
    '<defs><rect id="r" width="200" height="200" fill="white"/></defs><use href="#r"/>',
    f'<g clip-path="url(#c)">{sheet("white")}</g>',
]


@pytest.mark.parametrize("paper", PAPERS)
def test_what_covers_the_page_without_a_stroke_is_paper(paper: str) -> None:
    body = f'<linearGradient id="gradient"/>{paper}'
    for ink in (BLACK, WHITE + BLACK):
        document = read(body + ink)
        assert [line[0].tolist() for line in document.polylines] == [[20, 20]] * ink.count("<path")
        assert document.left_out == {"background": 1}
        assert document.pen_width == 1
        assert len(read(body + ink, keep_background=True).polylines) == 1 + ink.count("<path")
        assert read(body + ink, keep_background=True).left_out == {}


INK = [
    sheet("white", 'stroke="black"'),
    sheet("teal", 'stroke="black"'),
    '<rect width="200" height="200" rx="60" fill="teal"/>',
    '<circle cx="100" cy="100" r="100" fill="teal"/>',
    '<rect width="100" height="200" fill="#eee"/>',
    '<rect x="20" y="20" width="160" height="160" fill="teal"/>',
    '<path d="M0 0h200v200h-200z m5 5v190h190v-190z" fill="teal"/>',
    f'<g clip-path="url(#c)">{sheet("teal")}</g>',
    sheet("teal", 'mask="url(#m)"'),
]


@pytest.mark.parametrize("shape", INK)
def test_other_shapes_are_ink(shape: str) -> None:
    document = read(shape + BLACK)
    assert document.left_out == {} and len(document.polylines) == 1 + shape.count("z m") + 1


def test_paper_is_looked_for_under_the_drawing() -> None:
    assert len(read(BLACK + sheet("teal")).polylines) == 2
    assert len(read(BLACK + sheet("ivory")).polylines) == 1
    assert len(read(sheet("white") + sheet("teal") + WHITE).polylines) == 1
    assert len(read('<rect y="50" width="200" height="200" fill="teal"/>' + BLACK).polylines) == 2


@pytest.mark.parametrize("attributes", ["", 'width="200" height="200"', 'width="100%"'])
def test_a_page_that_is_not_known_is_as_large_as_the_drawing(attributes: str) -> None:
    for fill in ("white", "teal"):
        assert len(read(sheet(fill) + BLACK, attributes).polylines) == 1


def test_a_shape_in_the_colour_of_the_paper_shows_only_on_something_else() -> None:
    outline = '<path d="M40 40h120v120h-120z" {}/>'
    hidden, seen = outline.format('fill="white"'), outline.format('fill="none" stroke="black"')
    assert len(read(hidden + seen).polylines) == 1
    assert len(read(BLACK + hidden + seen).polylines) == 2
    assert len(read(outline.format("") + '<circle cx="100" cy="100" r="9" fill="white"/>').polylines) == 2
    for body in (BLACK + outline.format('fill="white" stroke="#fff"'), outline.format('fill="white"') + TEXT):
        assert len(read(body).polylines) == body.count(BLACK)
    white = TEXT.replace(">", ' fill="white">', 1)
    assert len(read(outline.format('fill="white"') + white).polylines) == 1
    eye = '<circle cx="100" cy="100" r="9" fill="#123"/>'
    assert len(read(sheet("#123") + outline.format('fill="red"') + eye).polylines) == 2
    assert len(read(sheet("#123") + eye + WHITE).polylines) == 1
    assert len(read('<rect width="100" height="99" fill="white"/>' + BLACK).polylines) == 1


def test_the_ground_of_the_document_is_its_paper() -> None:
    body = '<circle cx="100" cy="100" r="9" fill="white"/>' + BLACK
    assert len(read(body).polylines) == 1
    assert len(read(body, f'{PAGE} style="background: #111"').polylines) == 2
    assert (
        len(read(body.replace('"white"', '"#111"'), f'{PAGE} style="background-color: #111"').polylines) == 1
    )


def test_a_drawing_in_white_alone_is_one_for_dark_paper() -> None:
    glyph = '<circle cx="50" cy="50" r="30" fill="white"/>'
    assert len(read(glyph * 2).polylines) == 2
    assert len(read(glyph + WHITE).polylines) == 2
    assert len(read(sheet("#123") + glyph).polylines) == 1
    assert len(read(sheet("white") + glyph).polylines) == 1


def test_a_rectangle_alone_is_a_drawing_unless_it_is_white() -> None:
    assert len(read(sheet("red")).polylines) == 1
    for beside in (TEXT, TEXT.replace(">", ' fill="white">', 1), '<image href="a.png"/>'):
        for colour in ("red", "black", "white"):
            assert read(sheet(colour) + beside).polylines == []
    document = read(sheet("white"))
    assert document.polylines == [] and document.left_out == {"background": 1}


def test_every_way_to_read_a_drawing_can_keep_the_paper() -> None:
    content = f'<svg xmlns="http://www.w3.org/2000/svg" {PAGE}>{sheet("white")}{BLACK}</svg>'
    stream = io.BytesIO(content.encode())
    assert len(sketchkit.read(stream, format="svg").to_polylines()) == 1
    stream.seek(0)
    assert len(sketchkit.read(stream, format="svg", keep_background=True).to_polylines()) == 2
    assert len(Sketch.from_svg(content).to_polylines()) == 1
    assert len(Sketch.from_svg(content, keep_background=True).to_polylines()) == 2


@pytest.mark.parametrize("background", ["white", "ivory", "lightblue", "black", "#fed", "none", None])
def test_our_own_pictures_read_back_as_their_strokes(background: str | None, tmp_path: Path) -> None:
    lines = [np.array([[0, 0], [90, 30.0]]), np.array([[5, 60], [40, 80], [70, 66.0]])]
    sketch = Sketch.from_polylines(lines)
    sketchkit.render([sketch, sketch], tmp_path / "w.svg", background=background)
    document = read_svg((tmp_path / "w.svg").read_bytes(), "w.svg")
    assert [len(line) for line in document.polylines] == [2, 3, 2, 3]
    assert document.left_out == ({} if background in ("none", None) else {"background": 1})


def test_paper_is_found_in_linear_time() -> None:
    many = '<rect x="1" y="1" width="5" height="5" fill="white"/>' * 20_000
    document = read(sheet("white") * 1000 + many + BLACK)
    assert len(document.polylines) == 1 and document.left_out == {"background": 21_000}


def test_shapes_outside_the_limits_do_not_stand_in_the_way() -> None:
    far = '<path d="M0 0H1e999" transform="translate(1e13)"/>'
    document = read(far + sheet("white") + far + BLACK)
    assert len(document.polylines) == 1 and document.left_out["background"] == 1


def test_white_paper_on_a_ground_of_unknown_colour_hides_what_is_white() -> None:
    patch = '<rect x="20" y="20" width="9" height="9" fill="white"/>'
    assert len(read(sheet("Canvas") + sheet("white") + patch + BLACK).polylines) == 1
