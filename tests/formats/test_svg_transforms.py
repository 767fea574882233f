"""Where transforms put a shape: the attribute's and those of CSS, as browsers have them."""

from __future__ import annotations

import numpy as np
import pytest

from sketchkit.errors import FormatError
from sketchkit.formats.svg import read_svg

NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
#: Where the rectangle is that every transform of these tests moves: left, top, right, bottom.
PLACE = [100, 120, 160, 140]

Box = list[float]


def boxes(body: str, view_box: str = "0 0 400 400") -> list[Box]:
    document = read_svg(f'<svg {NAMESPACES} viewBox="{view_box}">{body}</svg>'.encode(), "drawing.svg")
    return [[*line.min(axis=0).round(3), *line.max(axis=0).round(3)] for line in document.polylines]


def box(attributes: str, around: str = "{}", view_box: str = "0 0 400 400") -> Box | None:
    rectangle = f'<rect x="100" y="120" width="60" height="20" {attributes}/>'
    found = boxes(around.format(rectangle), view_box)
    return found[0] if found else None


def styled(style: str) -> Box | None:
    return box(f'style="{style}"', '<g font-size="20">{}</g>')


def moved(x: float, y: float = 0.0) -> Box:
    return [PLACE[0] + x, PLACE[1] + y, PLACE[2] + x, PLACE[3] + y]


# --- the attribute --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("translate(20,30)", moved(20, 30)),
        ("translate (20-5)", moved(20, -5)),
        (" translate(2e1 3e1)\n", moved(20, 30)),
        ("translate(20,30)scale(.5)", [70, 90, 100, 100]),
        ("translate(20,30) , scale(.5)", [70, 90, 100, 100]),
        ("none", PLACE),
        ("", PLACE),
    ],
)
def test_a_list_of_functions_moves_an_element(text: str, expected: Box) -> None:
    assert box(f'transform="{text}"') == pytest.approx(expected)


UNREADABLE = [
    "rotate(45 10)",
    "translate(20,30) foo(3)",
    "translate(20,30",
    "undefined",
    "translate(20,30),",
    "translate(20,30),,scale(2)",
    ",translate(20,30)",
    "translate(20,30);",
    "translate(20px,30px)",
    "rotate(10deg)",
    "translate(10%)",
    "Translate(20,30)",
    "SCALE(2)",
    "skewx(20)",
    "translateX(20)",
    "scale3d(2,2,1)",
    "matrix(1 0 0 1 20)",
    "matrix(1 0 0 1 20 30 4)",
    "translate()",
    "translate(20,,30)",
    "translate(20 30) 5",
    "translate(1e39)",
    "scale(1e400)",
    "translate(calc(20))",
    "7",
    "translate(1)" * 1001,
]


@pytest.mark.parametrize("text", UNREADABLE)
def test_an_attribute_with_an_error_anywhere_does_not_count(text: str) -> None:
    assert box(f'transform="{text}"') == PLACE
    assert boxes(f'<g transform="{text}"><path d="M1 2h3"/></g><path d="M5 6h7"/>') == [
        [1, 2, 4, 2],
        [5, 6, 12, 6],
    ]


def test_each_attribute_that_does_not_count_is_counted_once() -> None:
    use = '<defs><path id="p" transform="foo" d="M0 0h1"/></defs><use href="#p"/><use href="#p" x="3"/>'
    document = read_svg(f'<svg {NAMESPACES}>{use}<g transform="x"/></svg>'.encode(), "f")
    assert document.left_out == {"transform": 2}
    assert document.omissions == "2 transforms that cannot be read"


def test_what_lies_outside_the_limits_is_left_out_and_told() -> None:
    document = read_svg(
        f'<svg {NAMESPACES}><path transform="translate(1e13)" d="M0 0h1"/></svg>'.encode(), "f"
    )
    assert document.polylines == [] and document.left_out == {"out of range": 1}


# --- CSS ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("functions", "expected"),
    [
        ("translate3d(90px, 60px, 10px)", moved(90, 60)),
        ("translateZ(10px)", PLACE),
        ("scale3d(.5, .5, 9)", [50, 60, 80, 70]),
        ("scaleZ(3)", PLACE),
        ("scaleZ(0)", PLACE),
        ("rotateX(60deg)", [100, 60, 160, 70]),
        ("rotateY(60deg)", [50, 120, 80, 140]),
        ("rotateX(60deg) rotateX(-60deg)", PLACE),
        ("rotateX(90deg)", None),
        ("rotateZ(180deg)", [-160, -140, -100, -120]),
        ("rotate3d(0, 0, -2, 180deg)", [-160, -140, -100, -120]),
        ("rotate3d(1, 0, 0, 60deg)", [100, 60, 160, 70]),
        ("rotate3d(0, 0, 0, 60deg)", PLACE),
        ("matrix3d(1,0,0,0, 0,1,0,0, 0,0,1,0, 80,60,0,1)", moved(80, 60)),
        ("matrix3d(1,0,0,.01, 0,1,0,0, 0,0,1,0, 80,60,0,2)", moved(80, 60)),
        ("perspective(100px)", PLACE),
        ("perspective(none) translate(20px)", moved(20)),
        ("perspective(100px) translateZ(50px)", PLACE),
        ("perspective(100px) rotateX(60deg)", [100, 60, 160, 70]),
        ("translate(20mm, 10mm)", moved(75.591, 37.795)),
        ("translate(1in, 12pt)", moved(96, 16)),
        ("translate(2pc, 1cm)", moved(32, 37.795)),
        ("translate(2em, 1rem)", moved(40, 16)),
        ("translate(10%, 20%)", moved(40, 80)),
        ("translate(calc(10% + 5px), calc(2 * (3px + 1em)))", moved(45, 46)),
        ("translate(min(10px, 5px), clamp(0px, 50px, 20px))", moved(5, 20)),
        ("translate(0, 30px)", moved(0, 30)),
        ("scale(50%, calc(1 / 2))", [50, 60, 80, 70]),
        ("rotate(0.5turn)", [-160, -140, -100, -120]),
        ("rotate(200grad)", [-160, -140, -100, -120]),
        ("rotate(calc(90deg * 2))", [-160, -140, -100, -120]),
        ("rotate(atan2(0, -1))", [-160, -140, -100, -120]),
        ("rotate(0) translate(20px)", moved(20)),
        ("TRANSLATE(20PX, 30Px)", moved(20, 30)),
        ("translatex(20px) translateY(-10px)", moved(20, -10)),
        ("skew(45deg)", [220, 120, 300, 140]),
        ("matrix(1, 0, 0, 1, 20, 30)", moved(20, 30)),
        ("none", PLACE),
        ("NONE", PLACE),
    ],
)
def test_functions_of_css_are_seen_from_the_front(functions: str, expected: Box | None) -> None:
    found = styled(f"transform: {functions}; will-change: transform")
    assert found == (None if expected is None else pytest.approx(expected, abs=0.01))


@pytest.mark.parametrize(
    "functions",
    [
        "foo(3)",
        "translate(20px) foo(3)",
        "translate(20, 30)",
        "translate(20px 30px)",
        "translate(20px), scale(2)",
        "translate (20px)",
        "translate()",
        "translate3d(1px, 1px, 1%)",
        "rotate(10)",
        "rotate(10deg, 5px, 6px)",
        "matrix(1 0 0 1 20 30)",
        "matrix3d(1, 0, 0)",
        "translate(calc(10px + 5))",
        "translate(5)",
        "perspective(-1px)",
        "20px",
        "",
    ],
)
def test_a_declaration_that_is_not_valid_leaves_what_was_declared_before(functions: str) -> None:
    assert styled(f"transform: translate(7px); transform: {functions}") == moved(7)
    assert box(f'transform="translate(5 6)" style="transform: {functions}"') == moved(5, 6)


def test_css_comes_before_the_attribute() -> None:
    assert box('transform="translate(5 6)" style="transform: none"') == PLACE
    assert box('transform="translate(5 6)" style="transform: initial"') == PLACE
    assert box('transform="translate(5 6)" style="transform: revert-layer"') == moved(5, 6)
    around = '<g style="transform: translate(20px, 30px)">{}</g>'
    assert box('style="transform: inherit"', around) == moved(40, 60)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("130px 130px", [120, 100, 140, 160]),
        ("calc(50% - 70px) 130px", [120, 100, 140, 160]),
        ("130px 130px 50px", [120, 100, 140, 160]),
        ("center", [260, 100, 280, 160]),
        ("CENTER center", [260, 100, 280, 160]),
        ("right bottom", [660, 100, 680, 160]),
        ("bottom right", [660, 100, 680, 160]),
        ("bottom", [460, 300, 480, 360]),
        ("10px", [70, 290, 90, 350]),
        ("left 10px", [-130, 110, -110, 170]),
        ("130 130", [-140, 100, -120, 160]),
        ("top 50px", [-140, 100, -120, 160]),
        ("50px left", [-140, 100, -120, 160]),
        ("top top", [-140, 100, -120, 160]),
        ("1px 2px 3%", [-140, 100, -120, 160]),
    ],
)
def test_an_origin_is_the_point_that_stays(origin: str, expected: Box) -> None:
    assert styled(f"transform: rotate(90deg); transform-origin: {origin}") == pytest.approx(expected)


def test_an_origin_goes_for_the_attribute_too_and_may_be_one_itself() -> None:
    assert box('transform="rotate(90)" transform-origin="130 130"') == [120, 100, 140, 160]
    assert box('transform="rotate(90)" style="transform-origin: 130px 130px"') == [120, 100, 140, 160]


def test_an_origin_may_lie_behind_the_page() -> None:
    assert styled("transform: rotateX(60deg); transform-origin: 130px 130px 50px") == pytest.approx(
        [100, 168.301, 160, 178.301], abs=0.01
    )


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("rotate: 180deg", [-160, -140, -100, -120]),
        ("rotate: z 180deg", [-160, -140, -100, -120]),
        ("rotate: 180deg 0 0 1", [-160, -140, -100, -120]),
        ("rotate: x 60deg", [100, 60, 160, 70]),
        ("rotate: 90", PLACE),
        ("rotate: none", PLACE),
        ("rotate: 9deg 9deg", PLACE),
        ("scale: 2", [200, 240, 320, 280]),
        ("scale: 50% 2 3", [50, 240, 80, 280]),
        ("scale: 2, 3", PLACE),
        ("translate: 20px", moved(20)),
        ("translate: 10% calc(1px + 1em) 50px", moved(40, 21)),
        ("translate: 20", PLACE),
        ("translate: 20px; translate: foo", moved(20)),
        ("translate: 10px 20px; scale: .5; transform: translate(50px, 5px)", [85, 82.5, 115, 92.5]),
        ("transform: scale(2); translate: 10px; rotate: 180deg", [-310, -280, -190, -240]),
        ("scale: .5; transform-origin: 100px 120px", [100, 120, 130, 130]),
    ],
)
def test_single_properties_move_before_the_transform(style: str, expected: Box) -> None:
    assert styled(style) == pytest.approx(expected)


def test_a_single_property_goes_with_the_attribute() -> None:
    assert box('transform="translate(50 0)" style="scale: 2"') == [300, 240, 420, 280]


# --- boxes ----------------------------------------------------------------------------------------------

HALF = "transform-box: fill-box; transform: scale(.5)"


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("transform-box: fill-box; transform-origin: center; transform: rotate(90deg)", [120, 100, 140, 160]),
        ("transform-box: content-box; transform-origin: 50% 50%; transform: scale(.5)", [115, 125, 145, 135]),
        (HALF, [100, 120, 130, 130]),
        (f"{HALF}; transform-origin: 10px 10px", [105, 125, 135, 135]),
        (f"{HALF}; transform-origin: right bottom", [130, 130, 160, 140]),
        ("transform-box: fill-box; translate: 50% 100%", moved(30, 20)),
        ("transform-box: view-box; transform: translate(50%)", moved(200)),
        ("transform-box: foo; transform: translate(50%)", moved(200)),
        ("transform-box: border-box; stroke-width: 20; stroke: red; scale: .5", [95, 115, 125, 125]),
        ("transform-box: stroke-box; stroke-width: 20; scale: .5", [100, 120, 130, 130]),
    ],
)
def test_a_box_is_what_origins_and_percentages_refer_to(style: str, expected: Box) -> None:
    assert styled(style) == pytest.approx(expected)


def test_the_view_box_is_taken_by_its_size_wherever_it_lies() -> None:
    style = "transform: scale(.5); transform-origin: center"
    assert box(f'style="{style}"', view_box="-100 -100 400 400") == [150, 160, 180, 170]


@pytest.mark.parametrize(
    ("shape", "corner"),
    [
        ('<circle cx="130" cy="130" r="30" stroke-width="20" stroke="red"/>', (90, 90)),
        ('<path d="M100 120h60v20h-60z" stroke-width="20" stroke="red"/>', (90, 110)),
        ('<path d="M100 120h60v20h-60z" stroke-width="20" stroke="red" stroke-linejoin="round"/>', (90, 110)),
        ('<line x1="100" y1="120" x2="160" y2="120" stroke-width="20" stroke="red"/>', (100, 110)),
        (
            '<path d="M100 120h60" stroke-width="20" stroke="red" stroke-linecap="square"/>',
            (90, 110),
        ),
        ('<polygon points="100,120 160,120 130,160" stroke-width="20" stroke="red"/>', (80, 110)),
        (
            '<path d="M100 120h60l-30 40z" stroke-width="20" stroke="red" stroke-miterlimit="1"/>',
            (92, 110),
        ),
    ],
)
def test_the_box_of_a_stroke_has_its_ends_and_corners(shape: str, corner: tuple[float, float]) -> None:
    (plain,) = boxes(shape)
    style = 'style="transform-box: stroke-box; transform: scale(.5)"'
    (found,) = boxes(f"<g {style}>{shape}</g>")
    x, y = corner
    assert found[:2] == pytest.approx([(plain[0] + x) / 2, (plain[1] + y) / 2], abs=0.02)


FIRST = '<rect x="100" y="120" width="60" height="20"/>'


@pytest.mark.parametrize(
    ("more", "corner"),
    [
        ("", (100, 120)),
        ('<rect x="20" y="20" width="60" height="20" fill="none"/>', (20, 20)),
        ('<rect x="20" y="20" width="60" height="20" visibility="hidden"/>', (20, 20)),
        ('<rect x="20" y="20" width="60" height="20" opacity="0"/>', (20, 20)),
        ('<rect x="20" y="20" width="60" height="20" display="none"/>', (100, 120)),
        ('<rect x="20" y="20" width="0" height="20"/>', (100, 120)),
        ('<defs><rect x="20" y="20" width="60" height="20"/></defs>', (100, 120)),
        ('<image x="20" y="20" width="60" height="20" href="a.png"/>', (20, 20)),
        ('<g transform="rotate(45 200 200)"><circle cx="200" cy="200" r="100"/></g>', (58.579, 58.579)),
        ('<svg x="50" y="60" width="50" height="50" viewBox="0 0 5 5"><path d="M1 1h2v2"/></svg>', (60, 70)),
        (f'<g style="{HALF}"><rect x="20" y="20" width="60" height="20"/></g>', (20, 20)),
    ],
)
def test_the_box_of_a_group_is_around_all_that_is_laid_out_in_it(
    more: str, corner: tuple[float, float]
) -> None:
    found = boxes(f'<g style="{HALF}">{FIRST}{more}</g>')[0]
    x, y = corner
    assert found[:2] == pytest.approx([(100 + x) / 2, (120 + y) / 2], abs=0.02)


def test_the_box_of_a_use_is_that_of_what_it_shows() -> None:
    defs = f'<defs><g id="r">{FIRST}</g></defs>'
    turned = "transform-box: fill-box; transform-origin: center; transform: rotate(90deg)"
    assert boxes(f'{defs}<use href="#r" x="40" y="50" style="{turned}"/>') == [[70, 140, 90, 200]]
    assert boxes(f'{defs}<g style="{turned}"><use href="#r" x="40" y="50"/></g>') == [[160, 150, 180, 210]]


def test_boxes_within_boxes_stay_cheap() -> None:
    deep = "".join(f'<g style="{HALF}">{FIRST}' for _ in range(120)) + "</g>" * 120
    (first, *rest) = boxes(deep)
    assert first == [100, 120, 130, 130] and len(rest) == 119
    wide = f'<g style="{HALF}">' * 100 + FIRST * 1000 + "</g>" * 100
    assert len(boxes(wide)) == 1000


def test_functions_are_counted_for_each_element() -> None:
    sheet = "<style>path { transform: " + "translate(1px) " * 60 + "}</style>"
    with pytest.raises(FormatError, match="more than 200,000 functions of CSS"):
        boxes(sheet + '<path d="M0 0h1"/>' * 4_000)


def test_a_value_may_be_nested_as_deep_as_it_likes() -> None:
    deep = "(" * 5000 + "1px" + ")" * 5000
    assert box(f'transform="rotate(90)" transform-origin="calc{deep} 0"') == [-140, 100, -120, 160]


# --- references -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("ü", 'href="#%C3%BC"'),
        ("ü", 'xlink:href="#%c3%bc"'),
        ("ü", 'href="#ü"'),
        ("ü", 'href="#%FC"'),
        ("日本", 'href="#%E6%97%A5%E6%9C%AC"'),
        ("a b", 'href="#a%20b"'),
        ("a b", 'href="#a b"'),
        ("a+b", 'href="#a+b"'),
        ("r", 'href=" #r "'),
        ("r", 'href="#%72"'),
        ("%zz", 'href="#%zz"'),
        ("a%20b", 'href="#a%2520b"'),
        ("r", 'href="#r" xlink:href="#other"'),
    ],
)
def test_a_reference_is_percent_decoded(name: str, reference: str) -> None:
    assert boxes(f'<defs><path id="{name}" d="M1 2h3"/></defs><use {reference}/>') == [[1, 2, 4, 2]]
    target = reference.partition('href="')[2].partition('"')[0].strip()
    gradient = f'<linearGradient id="{name}"/><path fill="url(\'{target}\')" d="M1 2h3"/>'
    assert boxes(gradient) == [[1, 2, 4, 2]]


def test_a_line_break_in_a_reference_does_not_count() -> None:
    assert boxes('<defs><path id="ab" d="M1 2h3"/></defs><use href="#a&#10;b"/>') == [[1, 2, 4, 2]]


@pytest.mark.parametrize("reference", ["# r", "#R", "#r?x", "", "r", "#%2", "#%00", "#r%"])
def test_a_reference_to_nothing_shows_nothing(reference: str) -> None:
    assert boxes(f'<defs><path id="r" d="M1 2h3"/></defs><use href="{reference}" xlink:href="#r"/>') == []


def test_the_points_of_a_moved_curve_are_the_moved_points_of_the_curve() -> None:
    d = "M100 100 C 100 0 200 0 200 100 A 50 30 20 0 1 120 140"
    plain = read_svg(f'<svg {NAMESPACES}><path d="{d}"/></svg>'.encode(), "f", tolerance=0.1)
    style = "transform: translate(30px, 5mm)"
    moved = read_svg(f'<svg {NAMESPACES}><path d="{d}" style="{style}"/></svg>'.encode(), "f", tolerance=0.1)
    assert np.allclose(plain.polylines[0] + (30, 5 * 96 / 25.4), moved.polylines[0])


@pytest.mark.parametrize("width", ["1e-160", "1e-310", "5e-324"])
def test_the_box_of_a_stroke_of_hardly_any_width_is_that_of_its_line(width: str) -> None:
    style = 'style="transform-box: stroke-box; transform-origin: 100% 100%; transform: scale(2)"'
    path = f'<path d="M9 0H50V40" fill="none" stroke="red" stroke-width="{width}" {style}/>'
    assert boxes(path) == [[-32, -40, 50, 40]]
