"""What the strokes of a document leave out of it is counted, and told in one line."""

from __future__ import annotations

import io

import pytest

import sketchkit
from sketchkit.errors import FormatError
from sketchkit.formats.svg import SvgDocument, read_svg
from sketchkit.sketch import Sketch

LINE = '<path d="M1 2h3" fill="none" stroke="black"/>'
IMAGE = '<image id="i" href="a.png" width="9" height="9"/>'
FRAME = '<rect width="9" height="9"'
ARROW = '<marker id="a"><path d="M0 0h1v1z"/></marker>'
GIANT = '<g transform="scale(1e38)">'
HTML = '<foreignObject width="9" height="9"><p xmlns="http://www.w3.org/1999/xhtml">hi</p></foreignObject>'


def document(body: str) -> bytes:
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {names} viewBox="0 0 90 90">{body}</svg>'.encode()


def read(body: str) -> SvgDocument:
    return read_svg(document(body), "drawing.svg")


@pytest.mark.parametrize(
    ("body", "left_out"),
    [
        ("", {}),
        ("<text>a</text>", {"text": 1}),
        ("<text>a</text><g><text><tspan> b </tspan></text></g>", {"text": 2}),
        ("<text><tspan/>after</text>", {"text": 1}),
        (IMAGE, {"image": 1}),
        (IMAGE.replace("href", "xlink:href"), {"image": 1}),
        (HTML, {"foreignObject": 1}),
        ('<foreignObject><img xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>', {"foreignObject": 1}),
        (f"<switch>{HTML}<text>a</text></switch>", {"text": 1}),
        (f"<switch>{HTML}</switch>", {"foreignObject": 1}),
        (f"<switch>{LINE}<text>a</text></switch>", {}),
        ('<defs><text id="t">a</text></defs><use href="#t"/><use href="#t" x="9"/>', {"text": 2}),
        ('<use href="other.svg#p"/>', {"use": 1}),
        (
            '<g style="transform-box: fill-box; scale: 2"><use href="a.svg#p"/><path d="M0 0h1"/></g>',
            {"use": 1},
        ),
        (f'{ARROW}<path d="M1 1h9" marker-end="url(#a)"/>', {"marker": 1}),
        (f'{ARROW}<path d="M1 1h9v9" style="MARKER-MID: URL(#%61)"/>', {"marker": 1}),
        (
            f'{ARROW}<g style="marker: url(&quot;#a&quot;)"><path d="M1 1h9"/><rect width="9"/></g>',
            {"marker": 1},
        ),
        ('<use xlink:href="https://example.org/a.svg#p"/>', {"use": 1}),
        ('<g transform="scale(1e11)"><path d="M0 0h9M0 0h90M0 0v90"/></g>', {"out of range": 2}),
        ('<path d="M0 0H1e13"/><rect x="-1e13" width="9" height="9"/>', {"out of range": 2}),
        ('<path d="M0 0h1H10000000000000"/><polyline points="0 0 1 1 9E20 0"/>', {"out of range": 2}),
        (f'{GIANT * 9}<path d="M0 0h1"/>{"</g>" * 9}', {"out of range": 1}),
        (f'<g transform="rotate(1 2)">{LINE}</g>', {"transform": 1}),
        ('<rect width="90" height="90" fill="white"/>', {"background": 1}),
    ],
)
def test_what_belongs_to_the_picture_and_is_no_stroke_is_counted(body: str, left_out: dict[str, int]) -> None:
    assert read(LINE + body).left_out == left_out
    assert len(read(LINE + body).polylines) >= 1


@pytest.mark.parametrize(
    "body",
    [
        "<text/>",
        "<text> \n </text>",
        '<text display="none">a</text>',
        '<g style="visibility: hidden"><text>a</text></g>',
        '<text opacity="0">a</text>',
        "<defs><text>a</text></defs>",
        "<title>a</title><desc>b</desc><metadata>c</metadata>",
        "<image/>",
        "<foreignObject/>",
        f'<text requiredExtensions="http://example.org">a</text>{LINE}',
        '<use href="#missing"/>',
        f'{ARROW}<path d="M1 1h9" marker-mid="url(#a)"/><path d="M1 1h9" marker-end="url(#b)"/>',
        f'{ARROW}<rect width="9" height="9" marker-end="url(#a)"/><path d="M1 1h9" marker-end="none"/>',
        "<use/>",
        *(f'<g transform="{word}">{LINE}</g>' for word in ("none", "inherit", "unset", "revert-layer")),
        '<clipPath id="c"><text>a</text></clipPath>',
        '<path d="M0 0h1" transform="scale(0)"/>',
        '<path d="M0 0h1H1e999"/><path d="M0 0h1.00000000000001H1e-20"/><rect width="1e99"/>',
        '<style>path { transform: foo }</style><text xmlns="http://example.org">a</text>',
    ],
)
def test_what_no_browser_shows_is_not_counted(body: str) -> None:
    assert read(LINE + body).left_out == {}


def test_the_counts_are_told_in_words() -> None:
    body = f"<text>a</text><text>b</text>{IMAGE}{HTML}"
    assert read(LINE + body).omissions == "2 texts, 1 image and 1 piece of HTML"
    assert read(LINE + "<text>a</text>" * 1200).omissions == "1,200 texts"
    assert read(LINE).omissions == ""


def test_the_counts_are_public() -> None:
    found: sketchkit.SvgDocument = sketchkit.read_svg(document(f"{LINE}<text>a</text>"), "x.svg")
    assert dict(found.left_out) == {"text": 1}
    assert found.skipped == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<text>a</text>", ["holds only text", "Object to Path"]),
        (IMAGE, ["holds only an image", "Trace Bitmap"]),
        (f"<text>a</text>{IMAGE}", ["text and an image", "Object to Path", "Trace Bitmap"]),
        (HTML, ["holds only HTML", "SVG text or paths"]),
        ('<rect width="90" height="90" fill="white"/><text>a</text>', ["holds only text"]),
        (f'<pattern id="p">{IMAGE}</pattern><g fill="url(#p)">{FRAME}/></g>', ["only an image"]),
        (
            f'{FRAME} fill="url(#p)"/><defs><pattern id="p"><use href="#i"/></pattern>{IMAGE}</defs>',
            ["image"],
        ),
    ],
)
def test_a_document_without_strokes_is_refused_with_a_way_out(body: str, words: list[str]) -> None:
    for read_it in (lambda data: sketchkit.read(io.BytesIO(data), format="svg"), Sketch.from_svg):
        with pytest.raises(FormatError) as error:
            read_it(document(body))
        assert all(word in str(error.value) for word in words) and "\n" not in str(error.value)


def test_the_frame_of_an_image_is_a_stroke_where_it_has_a_pen_or_a_form_of_its_own() -> None:
    for shape in (f'{FRAME} stroke="black"', '<circle r="9"'):
        found = read(f'<pattern id="p">{IMAGE}</pattern>{shape} fill="url(#p)"/>')
        assert len(found.polylines) == 1 and found.left_out == {}


def test_an_empty_document_is_an_empty_drawing() -> None:
    for body in ("", "<g/>", "<text/>", '<path d="M0 0h1" display="none"/>'):
        assert Sketch.from_svg(document(body)).to_polylines() == []
