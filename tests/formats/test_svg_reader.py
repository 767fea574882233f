"""What an SVG document draws, and where it lands."""

from __future__ import annotations

import io
import math
import subprocess
import sys

import numpy as np
import pytest

from sketchkit.errors import FormatError, InputError
from sketchkit.formats.base import Format
from sketchkit.formats.svg import SvgDocument, SvgFormat, read_svg
from sketchkit.sketch import Sketch

NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def read(body: str, attributes: str = 'viewBox="0 0 100 100"', tolerance: float | None = None) -> SvgDocument:
    return read_svg(
        f"<svg {NAMESPACES} {attributes}>{body}</svg>".encode(), "drawing.svg", tolerance=tolerance
    )


def lines(body: str, attributes: str = 'viewBox="0 0 100 100"') -> list[list[list[float]]]:
    return [np.round(line, 9).tolist() for line in read(body, attributes).polylines]


def box(line: np.ndarray) -> list[float]:
    return [*line.min(axis=0).round(6).tolist(), *line.max(axis=0).round(6).tolist()]


def boxes(body: str, attributes: str = 'viewBox="0 0 100 100"') -> list[list[float]]:
    return [box(line) for line in read(body, attributes).polylines]


# --- shapes -------------------------------------------------------------------------------------------


def test_basic_shapes_become_polylines() -> None:
    assert lines('<line x1="1" y1="2" x2="3" y2="4" stroke="red"/>') == [[[1, 2], [3, 4]]]
    assert lines('<polyline points="1,2 3,4 5 6"/>') == [[[1, 2], [3, 4], [5, 6]]]
    assert lines('<polygon points="1,2 3,4 5 6"/>') == [[[1, 2], [3, 4], [5, 6], [1, 2]]]
    assert lines('<rect x="1" y="2" width="3" height="4"/>') == [[[1, 2], [4, 2], [4, 6], [1, 6], [1, 2]]]


def test_a_circle_keeps_its_radius_within_the_tolerance() -> None:
    (line,) = read('<circle cx="50" cy="40" r="30"/>', tolerance=0.01).polylines
    middles = (line[1:] + line[:-1]) / 2
    assert np.allclose(np.hypot(*(line - (50, 40)).T), 30)
    assert (30 - np.hypot(*(middles - (50, 40)).T) <= 0.01).all()
    assert len(line) < 200
    assert (line[0] == line[-1]).all()


def test_the_tolerance_is_measured_after_transforms() -> None:
    small = read('<circle r="1"/>', tolerance=0.1).polylines[0]
    large = read('<circle r="1" transform="scale(1000)"/>', tolerance=0.1).polylines[0]
    assert len(large) > 10 * len(small)


def test_radii_of_a_rectangle_copy_each_other_and_stop_at_half_a_side() -> None:
    same = lines('<rect width="40" height="20" rx="4" ry="4"/>')
    assert lines('<rect width="40" height="20" rx="4"/>') == same
    assert lines('<rect width="40" height="20" ry="4"/>') == same
    (capsule,) = read('<rect width="40" height="20" rx="100"/>').polylines
    assert box(capsule) == [0, 0, 40, 20]
    assert capsule[0].tolist() == [20, 0]


def test_shapes_without_an_area_and_lists_of_one_point_draw_nothing() -> None:
    nothing = '<rect width="0" height="4"/><circle r="-1"/><ellipse rx="0" ry="2"/><polyline points="1 2"/>'
    assert lines(nothing + '<polygon points="1"/><path d="M 3 4"/><path/>') == []


def test_dots_and_tiny_lines_survive() -> None:
    assert lines('<path d="M12 17h.01"/>') == [[[12, 17], [12.01, 17]]]
    assert lines('<path d="M3 4z"/>') == [[[3, 4]]]
    assert lines('<path d="M3 4l0 0"/>') == [[[3, 4]]]


@pytest.mark.parametrize(
    ("length", "pixels"),
    [("10", 10), ("10px", 10), ("3pt", 4), ("1pc", 16), ("25.4mm", 96), ("2.54cm", 96), ("1in", 96)],
)
def test_absolute_units_are_counted_at_96_dots_an_inch(length: str, pixels: float) -> None:
    assert boxes(f'<rect width="{length}" height="1"/>') == [[0, 0, pixels, 1]]


def test_relative_units_refer_to_the_font_and_the_viewport() -> None:
    assert boxes('<g font-size="10"><rect width="2em" height="2ex"/></g>') == [[0, 0, 20, 10]]
    assert boxes('<rect width="50%" height="50%"/>', 'viewBox="0 0 40 60"') == [[0, 0, 20, 30]]
    diagonal = math.hypot(40, 60) / math.sqrt(2)
    assert boxes('<circle r="100%"/>', 'viewBox="0 0 40 60"')[0][2] == pytest.approx(diagonal)


# --- transforms and structure ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("transform", "end"),
    [
        ("translate(5)", [6, 0]),
        ("translate(5 7)", [6, 7]),
        ("scale(2)", [2, 0]),
        ("scale(2, 3) translate(1 1)", [4, 3]),
        ("rotate(90)", [0, 1]),
        ("rotate(90 10 10)", [20, 1]),
        ("matrix(1 2 3 4 5 6)", [6, 8]),
        ("skewY(45)", [1, 1]),
        ("translate(1,2)rotate(90)", [1, 3]),
        ("none", [1, 0]),
    ],
)
def test_the_functions_of_a_transform_apply_from_the_right(transform: str, end: list[float]) -> None:
    assert lines(f'<path d="M99 0M0 0L1 0" transform="{transform}"/>')[0][1] == end


def test_nested_transforms_multiply() -> None:
    body = '<g transform="translate(10 0)"><g transform="scale(2)"><path d="M0 0L1 1"/></g></g>'
    assert lines(body) == [[[10, 0], [12, 2]]]


def test_a_css_transform_has_units_and_an_origin() -> None:
    path = '<path d="M0 0L1 0" style="transform: translate(5px, 3px) rotate(0.25turn)"/>'
    assert lines(path) == [[[5, 3], [5, 4]]]
    path = '<path d="M0 0L10 0" transform="rotate(180)" transform-origin="center"/>'
    assert lines(path) == [[[100, 100], [90, 100]]]


def test_scales_that_multiply_beyond_all_numbers_draw_nothing() -> None:
    path = '<path d="M0 0L1 1"/>'
    for _ in range(30):
        path = f'<g transform="scale(1e11)">{path}</g>'
    assert lines(path) == []


@pytest.mark.parametrize(
    ("media", "counts"),
    [
        ("", True),
        ("all", True),
        ("Screen", True),
        ("print, screen", True),
        ("only screen", True),
        ("print", False),
        ("speech", False),
        ("not screen", False),
        ("screen and (width: 1px)", False),
    ],
)
def test_a_style_sheet_counts_where_it_is_for_a_screen(media: str, counts: bool) -> None:
    body = f'<style media="{media}">path {{ display: none }}</style><path d="M0 0L1 1"/>'
    assert lines(body) == ([] if counts else [[[0, 0], [1, 1]]])


@pytest.mark.parametrize("encoding", ["UTF-16", "ISO-8859-1", "Shift_JIS", "nonsense", "utf-8"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_text_is_past_its_encoding_whatever_its_declaration_says(encoding: str, mark: str) -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><!-- \u00e9 --><path d="M0 0L1 1"/></svg>'
    for declared in (f'encoding="{encoding}"', f"encoding = '{encoding}' standalone='yes'"):
        assert Sketch.from_svg(f'{mark}<?xml version="1.0" {declared}?>{svg}') == Sketch.from_svg(svg)


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(FormatError, match="the SVG text: character 5 is half of a surrogate pair"):
        Sketch.from_svg("<svg/>"[:5] + "\ud800")


@pytest.mark.parametrize("encoding", ["Shift_JIS", "GB18030", "EUC-JP"])
def test_an_encoding_that_cannot_be_read_is_told_in_one_clear_line(encoding: str) -> None:
    document = f'<?xml version="1.0" encoding="{encoding}"?><svg xmlns="http://www.w3.org/2000/svg"/>'
    with pytest.raises(FormatError, match=r"^x\.svg: its text encoding cannot be read .*: save it as UTF-8$"):
        read_svg(document.encode(encoding), "x.svg")


def test_a_transform_that_leaves_no_area_draws_nothing() -> None:
    assert lines('<g transform="scale(0)"><path d="M0 0L1 0"/></g>') == []


def test_the_size_and_transform_of_the_root_do_not_move_its_content() -> None:
    attributes = 'viewBox="10 20 30 40" width="300" height="100" transform="scale(2)" x="5"'
    assert lines('<path d="M10 20L40 60"/>', attributes) == [[[10, 20], [40, 60]]]
    assert read("", attributes).view_box == (10, 20, 30, 40)


def test_the_page_is_the_size_where_there_is_no_view_box() -> None:
    assert read("", 'width="25.4mm" height="20"').view_box == (0, 0, 96, 20)
    assert read("", 'width="100%" height="100%"').view_box is None
    assert read("", 'viewBox="0 0 0 5"').view_box is None


def test_a_nested_svg_is_a_viewport_of_its_own() -> None:
    body = (
        '<svg x="10" y="20" width="50" height="50" viewBox="0 0 10 5"><rect width="100%" height="5"/></svg>'
    )
    assert boxes(body) == [[10, 32.5, 60, 57.5]]
    stretched = body.replace("viewBox", 'preserveAspectRatio="none" viewBox')
    assert boxes(stretched) == [[10, 20, 60, 70]]
    sliced = body.replace("viewBox", 'preserveAspectRatio="xMinYMax slice" viewBox')
    assert boxes(sliced) == [[10, 20, 110, 70]]
    assert boxes('<svg width="0"><rect width="5" height="5"/></svg>') == []


def test_a_use_moves_what_it_refers_to_and_hands_on_its_style() -> None:
    defs = '<defs><path id="p" d="M0 0L1 1" fill="inherit" transform="scale(2)"/></defs>'
    assert lines(f'{defs}<use href="#p" x="5" y="6"/>') == [[[5, 6], [7, 8]]]
    assert lines(f'{defs}<use xlink:href="#p" transform="scale(10)" x="1"/>') == [[[10, 0], [30, 20]]]
    assert lines(f'{defs}<use href="#p" fill="none"/>') == []


def test_a_use_of_a_symbol_is_scaled_into_its_view_box() -> None:
    body = '<symbol id="s" viewBox="0 0 10 10"><rect width="10" height="10"/></symbol>'
    assert boxes(body) == []
    assert boxes(f'{body}<use href="#s" x="5" y="5" width="20" height="20"/>') == [[5, 5, 25, 25]]
    assert boxes(f'{body}<use href="#s"/>') == [[0, 0, 100, 100]]


def test_a_use_that_leads_nowhere_or_to_itself_draws_nothing() -> None:
    assert lines('<use href="#missing"/><use/><use href="other.svg#p"/>') == []
    assert lines('<use id="u" href="#u"/>') == []
    assert lines('<g id="g"><path d="M0 0L1 1"/><use href="#g"/></g>') == [[[0, 0], [1, 1]]]
    cycle = '<defs><g id="a"><path d="M0 0L1 1"/><use href="#b"/></g><g id="b"><use href="#a"/></g></defs>'
    assert lines(f'{cycle}<use href="#a"/>') == [[[0, 0], [1, 1]]]


def test_a_switch_draws_its_first_child_that_fits() -> None:
    body = (
        '<switch><title/><foreignObject/><path d="M9 9h1" requiredExtensions="http://example.org"/>'
        '<path d="M8 8h1" systemLanguage="xx"/><path d="M0 0L1 1" systemLanguage="en-GB"/>'
        '<path d="M7 7h1"/></switch>'
    )
    assert lines(body) == [[[0, 0], [1, 1]]]


@pytest.mark.parametrize(
    "name",
    ["defs", "clipPath", "mask", "pattern", "marker", "symbol", "text", "foreignObject", "filter", "foo"],
)
def test_content_that_is_not_drawn_in_place_is_passed_over(name: str) -> None:
    assert lines(f'<{name}><path d="M0 0L1 1"/></{name}>') == []


def test_elements_of_other_namespaces_are_passed_over() -> None:
    assert lines('<path xmlns="http://example.org" d="M0 0L1 1"/>') == []


def test_a_document_that_forgot_its_namespace_is_believed() -> None:
    document = read_svg(b'<svg viewBox="0 0 9 9"><path d="M0 0L1 1"/></svg>', "f")
    assert len(document.polylines) == 1


def test_shapes_too_large_to_draw_are_counted_and_left_out() -> None:
    document = read(
        '<g transform="scale(1e11)"><path d="M0 0L100 1"/></g><path d="M0 0L1e999 4"/><path d="M1 1h1"/>'
    )
    assert [line.tolist() for line in document.polylines] == [[[1, 1], [2, 1]]]
    assert document.skipped == 1


# --- what can be seen -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "drawn"),
    [
        ("", True),
        ('fill="none"', False),
        ('fill="none" stroke="#123"', True),
        ('fill="none" stroke="nonsense"', False),
        ('fill="transparent"', False),
        ('fill="rgba(1, 2, 3, 0)"', False),
        ('fill="none" stroke="currentColor"', True),
        ('fill="none" stroke="red" stroke-width="0"', False),
        ('fill="url(#missing)"', False),
        ('fill="url(#missing) red"', True),
        ('fill="url(#gradient)"', True),
        ('fill-opacity="0"', False),
        ('opacity="0"', False),
        ('opacity="0%"', False),
        ('display="none"', False),
        ('visibility="hidden"', False),
        ('visibility="collapse"', False),
        ('style="display: none"', False),
        ('fill="none" style="fill: red"', True),
        ('style="fill: none !important; fill: red"', False),
    ],
)
def test_a_shape_is_drawn_if_it_is_visible_and_painted(attributes: str, drawn: bool) -> None:
    body = f'<linearGradient id="gradient"/><path d="M0 0L1 1" {attributes}/>'
    assert bool(lines(body)) is drawn


def test_paint_and_visibility_are_inherited_but_display_wins() -> None:
    path = '<path d="M0 0L1 1"/>'
    assert lines(f'<g fill="none">{path}</g>') == []
    assert lines(f'<g fill="none"><g stroke="red">{path}</g></g>') != []
    assert lines('<g visibility="hidden"><path visibility="visible" d="M0 0L1 1"/></g>') != []
    assert lines('<g display="none"><path display="inline" d="M0 0L1 1"/></g>') == []


@pytest.mark.parametrize(
    ("sheet", "drawn"),
    [
        ("path { fill: none }", False),
        (".c { fill: none }", False),
        ("#i { fill: none }", False),
        ("g path { fill: none }", False),
        ("g > path { fill: none }", False),
        ("svg > path { fill: none }", True),
        ("rect ~ path { fill: none }", False),
        ("rect + path { fill: none }", False),
        ("path:first-child { fill: none }", True),
        ("[id=i] { fill: none }", False),
        ("[class$=c] { fill: none }", False),
        ("* { fill: none } .c { fill: red }", True),
        ("#i { fill: none } .c { fill: red } path { fill: red }", False),
        (".c { fill: none !important } #i { fill: red }", False),
        ("circle, .c { fill: none }", False),
        ("path:hover { fill: none }", True),
        (":nonsense(, .c { fill: none", True),
        ("/* path */ .c /* */ { /* fill: red */ fill: none }", False),
        ("@media print { path { fill: none } }", True),
        ("@import url(http://example.org/a.css); path { fill: none }", False),
        ("<![CDATA[path { fill: none }]]>", False),
    ],
)
def test_style_sheets_apply_by_specificity(sheet: str, drawn: bool) -> None:
    sheet = sheet if sheet.startswith("<") else sheet.replace(">", "&gt;")
    body = f'<style>{sheet}</style><g><rect display="none"/><path id="i" class="b c" d="M0 0L1 1"/></g>'
    assert bool(lines(body)) is drawn


def test_attributes_yield_to_sheets_and_sheets_to_the_style_attribute() -> None:
    sheet = "<style>path { fill: none }</style>"
    assert lines(f'{sheet}<path fill="red" d="M0 0L1 1"/>') == []
    assert lines(f'{sheet}<path style="fill: red" d="M0 0L1 1"/>') != []
    loud = "<style>path { fill: none !important }</style>"
    assert lines(f'{loud}<path style="fill: red" d="M0 0L1 1"/>') == []
    assert lines(f'{loud}<path style="fill: red !important" d="M0 0L1 1"/>') != []


# --- the document's bytes and the format ------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_the_end_of_the_root_is_found_in_any_encoding(encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{declared}"?>\n<!-- é -->\n'
    text += '<svg viewBox="0 0 9 9"><desc>é</desc></svg >\n'
    data = text.encode(encoding)
    document = read_svg(data, "f")
    assert not document.self_closing
    assert data[document.insert_at :].decode(document.encoding) == "</svg >\n"
    inserted = data[: document.insert_at] + '<path d="M1 1h1"/>'.encode(document.encoding)
    assert len(read_svg(inserted + data[document.insert_at :], "f").polylines) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_root_that_closes_itself_says_so(encoding: str) -> None:
    data = '<svg:svg xmlns:svg="http://www.w3.org/2000/svg" />\n'.encode(encoding)
    document = read_svg(data, "f")
    assert document.self_closing
    assert data[document.insert_at :].decode(document.encoding) == "/>\n"
    assert document.prefix == "svg:"


def test_small_entities_are_expanded() -> None:
    entity = (
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://example.org/svg11.dtd" [<!ENTITY ns "%s">]>'
    )
    text = entity % "http://www.w3.org/2000/svg" + '<svg xmlns="&ns;"><path d="M0 0L1 1"/></svg>'
    assert len(read_svg(text.encode(), "f").polylines) == 1


def test_the_format_yields_one_open_sketch() -> None:
    drawing = SvgFormat()
    assert isinstance(drawing, Format)
    (sketch,) = drawing.read(io.BytesIO(f'<svg {NAMESPACES}><path d="M1 2L3 4M5 6z"/></svg>'.encode()), "f")
    assert [line.tolist() for line in sketch.to_polylines()] == [[[1, 2], [3, 4]], [[5, 6]]]
    assert (sketch.ended, sketch.key, sketch.label) == (False, None, None)


def test_the_format_hands_its_tolerance_on() -> None:
    data = f'<svg {NAMESPACES}><circle r="50"/></svg>'.encode()
    (coarse,), (fine,) = (SvgFormat(tolerance=t).read(io.BytesIO(data), "f") for t in (5.0, 0.05))
    assert len(coarse.points) < len(fine.points)


@pytest.mark.parametrize("tolerance", [0.0, -1.0, math.nan, math.inf])
def test_a_tolerance_must_be_a_positive_number(tolerance: float) -> None:
    with pytest.raises(InputError, match="tolerance"):
        read("", tolerance=tolerance)


def test_importing_the_reader_imports_neither_torch_nor_shapely() -> None:
    code = (
        "import sys, sketchkit.formats.svg as svg; list(svg.SvgFormat().read(open(0, 'rb'), 'f'));"
        "print(sorted({'torch', 'shapely', 'tinycss2'} & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", code], input=b"<svg/>", capture_output=True, check=True)
    assert result.stdout.strip() == b"[]"


# --- the pen ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "width"),
    [
        ('<path d="M0 0h9" stroke="red" stroke-width="3"/>', 3.0),
        ('<g stroke="red" transform="scale(2)"><path d="M0 0h9"/></g>', 2.0),
        ('<path d="M0 0h9" stroke="red"/>' * 2 + '<path d="M0 0h9" stroke="red" stroke-width="9"/>', 1.0),
        ('<path d="M0 0h9"/>', None),
        ('<path d="M0 0h9" fill="red" stroke="red" stroke-opacity="0"/>', None),
    ],
)
def test_the_width_of_the_pen_is_the_median_of_what_is_stroked(body: str, width: float | None) -> None:
    data = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">{body}</svg>'.encode()
    assert read_svg(data, "x.svg").pen_width == (None if width is None else pytest.approx(width))


def test_every_stroke_knows_what_it_is_drawn_with() -> None:
    document = read(
        '<g stroke="#c03020" stroke-width="2" transform="scale(3)">'
        '<path d="M0 0h9M0 5h9" stroke-linecap="round"/>'
        '<path d="M0 9h9" stroke="rgb(0 0 255 / 50%)" stroke-linejoin="bevel" stroke-width="1"/></g>'
        '<path d="M0 90h9v9z" fill="teal"/><path d="M0 0h3" stroke="white"/>'
        '<path d="M0 1h3" stroke="url(#g)"/><linearGradient id="g"/>',
        'viewBox="0 0 100 100"',
    )
    red = ("#c03020", 6.0, "round", "miter")
    blue = ("#8080ff", 3.0, "butt", "bevel")
    assert [tuple(each) for each in document.drawn_with] == [
        red,
        red,
        blue,
        ("#008080", None, "butt", "miter"),
        (None, 1.0, "butt", "miter"),
        (None, 1.0, "butt", "miter"),
    ]
    assert len(document.polylines) == 6


def test_what_is_filled_is_known_with_its_holes_and_what_it_hides() -> None:
    document = read(
        '<rect width="100" height="100" fill="ivory"/>'  # paper
        '<path d="M0 0h9v9h-9zM3 3v3h3v-3z" fill="teal" stroke="red"/>'
        '<circle r="2" fill="white"/><path d="M0 0h9" fill="none" stroke="red"/>'
        '<path d="M0 0h9v9z" fill="#f00" fill-opacity=".5" style="fill-rule:evenodd"/>'
        '<g fill-rule="evenodd"><path d="M0 0h9v9z" fill="url(#g)"/></g><linearGradient id="g"/>',
        'viewBox="0 0 100 100"',
    )
    assert [(len(each.rings), *each[1:]) for each in document.filled] == [
        (2, "#008080", True, True, False),
        (1, None, False, True, False),
        (1, "#ff8080", True, False, True),
        (1, None, True, True, True),
    ]
    np.testing.assert_array_equal(document.filled[0].rings[1][:2], [(3, 3), (3, 6)])


def test_the_usual_pen_is_what_most_strokes_have() -> None:
    lines = '<path d="M0 0h9" stroke="red" stroke-width="4" stroke-linecap="round"/>' * 3
    other = '<path d="M0 0h9" stroke="blue" stroke-width="1" stroke-linejoin="round"/>'
    pen = read(lines + other).usual_pen
    assert pen == ("#ff0000", 4.0, "round", "miter")
    assert read('<rect width="9" height="9" fill="red"/>').usual_pen is None


@pytest.mark.parametrize(
    ("attributes", "page"),
    [
        ('width="210mm" height="297mm" viewBox="0 0 210 297"', (210, 297, 0, 0, 1)),
        ('width="100mm" viewBox="10 20 200 100"', (100, 50, 10, 20, 0.5)),
        ('width="96" height="192"', (25.4, 50.8, 0, 0, 25.4 / 96)),
        ('viewBox="0 0 96 96"', (25.4, 25.4, 0, 0, 25.4 / 96)),
        ('width="100%" height="2in" viewBox="0 0 100 50"', (101.6, 50.8, 0, 0, 1.016)),
        # A square view box in the middle of a page twice as wide.
        ('width="200mm" height="100mm" viewBox="0 0 10 10"', (200, 100, -5, 0, 10)),
    ],
)
def test_a_document_says_how_large_it_is_on_paper(attributes: str, page: tuple[float, ...]) -> None:
    assert read("", attributes).true_page == pytest.approx(page)


def test_a_document_without_a_page_has_no_size_on_paper() -> None:
    assert read('<path d="M0 0h9" stroke="red"/>', "").true_page is None
