"""Hostile and damaged documents: each is refused in one line, or read."""

from __future__ import annotations

import io
import os
import random
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from sketchkit.errors import FormatError
from sketchkit.formats.svg import SvgFormat, limits, outline, read_svg, values

# `SKETCHKIT_FUZZ=200000` asks for more mutations.
ROUNDS = int(os.environ.get("SKETCHKIT_FUZZ", "1000"))
XMLNS = 'xmlns="http://www.w3.org/2000/svg"'


def document(body: str, before: str = "") -> bytes:
    return f'{before}<svg {XMLNS} viewBox="0 0 100 100">{body}</svg>'.encode()


def refusal(data: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        read_svg(data, "bad.svg")
    message = str(caught.value)
    assert message.startswith("bad.svg: ")
    assert message.isprintable()
    assert len(message) < 200
    return message


@pytest.fixture
def lower(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits of a tenth: beside one document that passes the real limit, small ones show who else counts."""
    for name in ("MAX_POINTS", "MAX_SELECTOR_STEPS"):
        monkeypatch.setattr(limits, name, getattr(limits, name) // 10)


# --- not a document ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b" \n\t", b"\xff\xfe"])
def test_an_empty_file_is_refused(data: bytes) -> None:
    assert "empty" in refusal(data) or "not well-formed" in refusal(data)


@pytest.mark.parametrize(
    "data",
    [b"<svg", b"<svg><g></svg>", b"hello", b"<svg/><svg/>", b"<svg>&nothing;</svg>", b"<svg a='1' a='2'/>"],
)
def test_malformed_xml_is_refused_with_its_line(data: bytes) -> None:
    assert re.search("not well-formed XML: .*line 1", refusal(data))


def test_another_root_is_refused_and_shown_short() -> None:
    assert "root element is 'html'" in refusal(b"<html/>")
    assert "not SVG" in refusal(b'<svg xmlns="http://example.org"/>')
    assert "..." in refusal(b"<" + b"x" * 1000 + b"/>")


def test_a_compressed_file_is_told_apart() -> None:
    assert "not SVG but a gzip file: unpack it with gunzip first" in refusal(b"\x1f\x8b\x08\x00")


@pytest.mark.parametrize("encoding", ["shift_jis", "nonsense", "utf-7", "rot13", "utf-16", "utf-32"])
def test_an_encoding_that_cannot_be_read_is_refused(encoding: str) -> None:
    refusal(f'<?xml version="1.0" encoding="{encoding}"?><svg/>'.encode())


def test_bytes_that_are_not_in_their_encoding_are_refused() -> None:
    assert "line 1" in refusal(b"<svg>\xff</svg>")


# --- entities ---------------------------------------------------------------------------------------------


def doctype(*entities: str) -> str:
    return f"<!DOCTYPE svg [{''.join(f'<!ENTITY {entity}>' for entity in entities)}]>"


def test_a_billion_laughs_are_refused() -> None:
    chain = [f'l{i + 1} "{f"&l{i};" * 10}"' for i in range(9)]
    assert "made of other entities" in refusal(document("&l9;", doctype('l0 "lol"', *chain)))


def test_one_long_entity_used_often_is_refused() -> None:
    data = document("&a;" * 10_000, doctype(f'a "{"x" * 1000}"'))
    assert f"more than {limits.MAX_ENTITY_TEXT:,}" in refusal(data)


def test_many_entities_are_refused() -> None:
    many = [f'e{i} "x"' for i in range(limits.MAX_ENTITIES + 1)]
    assert f"more than {limits.MAX_ENTITIES:,} entities" in refusal(document("", doctype(*many)))


@pytest.mark.parametrize(
    "entity", ['x SYSTEM "secret.txt"', '% x SYSTEM "a.dtd"', 'x PUBLIC "p" "http://e.org/"']
)
def test_an_entity_outside_the_file_is_refused(entity: str) -> None:
    assert "outside the file" in refusal(document("&x;", doctype(entity)))


def test_defaults_of_a_document_type_are_not_repeated_into_every_element() -> None:
    before = f'<!DOCTYPE svg [<!ATTLIST g d CDATA "{"x" * 1_000_000}">]>'
    assert read_svg(document("<g/>" * 20_000, before), "f").polylines == []


# --- limits -----------------------------------------------------------------------------------------------


def test_a_large_file_is_refused_after_one_byte_too_many() -> None:
    class Endless(io.RawIOBase):
        read_so_far = 0

        def read(self, size: int = -1) -> bytes:
            assert size > 0
            self.read_so_far += size
            return b" " * size

    stream = Endless()
    with pytest.raises(FormatError, match=f"more than {limits.MAX_BYTES:,} bytes"):
        list(SvgFormat().read(stream, "f"))  # type: ignore[arg-type]
    assert stream.read_so_far == limits.MAX_BYTES + 1


def test_deep_nesting_is_refused() -> None:
    deepest = limits.MAX_DEPTH - 2
    path = '<path d="M0 0L1 1"/>'
    assert len(read_svg(document("<g>" * deepest + path + "</g>" * deepest), "f").polylines) == 1
    assert f"nested more than {limits.MAX_DEPTH} deep" in refusal(document("<g>" * 100_000))


def test_nesting_by_use_is_refused() -> None:
    links = "".join(f'<g id="a{i + 1}"><g><use href="#a{i}"/></g></g>' for i in range(60))
    data = document(f'<defs><path id="a0" d="M0 0L1 1"/>{links}</defs><use href="#a60"/>')
    assert f"nested more than {limits.MAX_DEPTH} deep by use" in refusal(data)


@pytest.mark.parametrize("uses", [1, 60])
def test_elements_are_nested_as_deep_as_the_limit_and_no_deeper(uses: int) -> None:
    links = "".join(f'<g id="a{i + 1}"><use href="#a{i}"/></g>' for i in range(uses))
    defs = f'<defs><path id="a0" d="M0 0L1 1"/>{links}</defs>'
    spare = limits.MAX_DEPTH - 3 - 2 * uses  # besides the root, the outermost use and the path
    for groups in (spare, spare + 1):
        data = document(defs + "<g>" * groups + f'<use href="#a{uses}"/>' + "</g>" * groups)
        if groups == spare:
            assert len(read_svg(data, "f").polylines) == 1
        else:
            assert f"nested more than {limits.MAX_DEPTH} deep by use" in refusal(data)


@pytest.mark.parametrize(("depth", "lines"), [(16, 0), (17, 1)])
def test_rules_are_read_sixteen_deep_in_one_another(depth: int, lines: int) -> None:
    css = "g{" + "&amp;{" * (depth - 1) + "display:none" + "}" * depth
    body = f'<style>{css}</style><g><path d="M0 0L1 1"/></g>'
    assert len(read_svg(document(body), "f").polylines) == lines


def test_too_many_elements_are_refused() -> None:
    assert f"more than {limits.MAX_ELEMENTS:,} elements" in refusal(document("<g/>" * limits.MAX_ELEMENTS))


def test_too_many_attributes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_ATTRIBUTES", 100)
    attributes = " ".join(f'a{i}=""' for i in range(100))
    assert "more than 100 attributes" in refusal(document(f"<g {attributes}/>"))


def test_uses_that_double_again_and_again_are_refused() -> None:
    links = "".join(f'<g id="a{i + 1}"><use href="#a{i}"/><use href="#a{i}"/></g>' for i in range(40))
    data = document(f'<defs><path id="a0" d="M0 0L1 1"/>{links}</defs><use href="#a40"/>')
    assert f"more than {limits.MAX_USES:,} expanded use elements" in refusal(data)


@pytest.mark.parametrize("group", ["g", "switch"])
def test_a_large_group_used_often_is_refused(group: str) -> None:
    children = '<g requiredExtensions="x"/>' * 5_000
    data = document(f'<defs><{group} id="a">{children}</{group}></defs>' + '<use href="#a"/>' * 200)
    assert f"more than {limits.MAX_EXPANDED:,} elements, with every use expanded" in refusal(data)


def test_too_many_points_are_refused() -> None:
    lines = '<path d="M0 0l' + "1 1 " * 1_000_001 + '"/>'
    assert "more than 1,000,000 " in refusal(document(lines))


@pytest.mark.usefixtures("lower")
@pytest.mark.parametrize(
    "body",
    [
        '<path d="M0 0' + "z" * 100_001 + '"/>',
        '<path d="' + "M0 0" * 100_001 + '"/>',
        '<polyline points="' + "1 1 " * 100_001 + '"/>',
        '<defs><path id="a" d="M0 0' + "h1" * 1000 + '"/></defs>' + '<use href="#a"/>' * 101,
    ],
    ids=["closes", "moves", "polyline", "uses"],
)
def test_points_of_every_kind_are_counted(body: str) -> None:
    assert "more than 100,000 " in refusal(document(body))


def test_a_tolerance_too_fine_for_the_limit_is_refused_before_it_costs_memory() -> None:
    with pytest.raises(FormatError, match=f"more than {limits.MAX_POINTS:,} points"):
        read_svg(document('<circle r="50"/>'), "f", tolerance=1e-300)


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of Python are run: a measure of work that no other program disturbs."""
    count = 0

    def trace(*event: object) -> object:
        nonlocal count
        count += event[1] == "line"
        return trace

    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(None)
    return count


@pytest.mark.parametrize("text", ["1", "0.{}", " ", ", ", "1e{}", "1 ", "-", "1,2 "])
def test_twice_as_long_numbers_and_gaps_take_at_most_twice_the_work(text: str) -> None:
    def work(length: int) -> int:
        long = text.format("9" * length) if "{}" in text else text * length
        shape = f'<path d="M0 0L{long} 3"/><rect transform="scale({long})" width="{long}"/>'
        return lines_run(lambda: read_svg(document(shape), "f"))

    assert work(20_000) <= 2.1 * work(10_000)


@pytest.mark.parametrize("module", [outline, values])
def test_no_pattern_of_numbers_tries_a_text_twice(module: ModuleType) -> None:
    """All repetitions are possessive, so that what the regular expressions do is linear, too."""
    patterns = [each.pattern for each in vars(module).values() if isinstance(each, re.Pattern)]
    ours = [each for each in patterns if values.NUMBER in each]
    assert ours
    for pattern in ours:
        without_sets = re.sub(r"\\.|\[[^\]]*\]", "", pattern)
        assert not re.search(r"(?<![*+?}])[*+](?!\+)|,\}(?!\+)", without_sets)


# --- style sheets -------------------------------------------------------------------------------------------


def test_too_much_css_is_refused() -> None:
    css = " " * (limits.MAX_CSS_CHARACTERS + 1)
    assert f"more than {limits.MAX_CSS_CHARACTERS:,} characters of CSS" in refusal(
        document(f"<style>{css}</style>")
    )
    assert "characters of CSS" in refusal(document(f'<path style="{css}"/>'))


def test_too_many_selectors_are_refused() -> None:
    css = ".a{fill:red}" * (limits.MAX_SELECTORS + 1)
    assert f"more than {limits.MAX_SELECTORS:,} CSS selectors" in refusal(document(f"<style>{css}</style>"))


@pytest.mark.parametrize(
    ("css", "body"),
    [
        ("*{fill:red}" * 1000, "<g/>" * 3000),
        ("x a a a a a a g{fill:red}" * 2, "<a>" * 100 + "<g/>" * 100 + "</a>" * 100),
    ],
    ids=["rules", "ancestors"],
)
def test_selectors_that_take_long_to_match_are_refused(css: str, body: str) -> None:
    data = document(f"<style>{css}</style>{body}")
    assert "more than 2,000,000 steps of matching selectors" in refusal(data)


@pytest.mark.usefixtures("lower")
@pytest.mark.parametrize(
    ("css", "body"),
    [
        ("g ~ g ~ g ~ path{fill:red}", "<g/>" * 950 + '<path d="M0 0h1"/>' * 950),
        ('[d*="1 1 1 2"]{fill:red}' * 1000, f'<path d="M{"1 " * 120_000}"/>'),
    ],
    ids=["siblings", "attributes"],
)
def test_siblings_and_long_attributes_are_counted(css: str, body: str) -> None:
    data = document(f"<style>{css}</style>{body}")
    assert "more than 200,000 steps of matching selectors" in refusal(data)


def test_a_block_of_many_declarations_costs_no_more_than_one_of_few() -> None:
    css = ".a{" + "fill:red;" * 50_000 + "}"
    data = document(f"<style>{css}</style>" + '<g class="a"/>' * 20_000)
    assert read_svg(data, "f").polylines == []


def sheet(css: str, body: str = '<path d="M0 0L1 1"/>') -> bytes:
    return document(f"<style><![CDATA[{css}]]></style>{body}")


def test_variables_that_double_again_and_again_are_refused() -> None:
    doubled = "".join(f"--a{i + 1}: var(--a{i}) var(--a{i});" for i in range(30))
    data = sheet(f":root {{ --a0: red red red; {doubled} }} path {{ fill: var(--a30) }}")
    assert f"more than {limits.MAX_VARIABLE_CHARACTERS:,} characters of CSS variables" in refusal(data)


def test_variables_of_variables_are_refused_where_they_would_not_end() -> None:
    def chain(links: int) -> bytes:
        linked = "".join(f"--a{i + 1}: var(--a{i});" for i in range(links))
        return sheet(f":root {{ --a0: red; {linked} }} path {{ fill: var(--a{links}) }}")

    assert len(read_svg(chain(40), "f").polylines) == 1
    assert "CSS variables nested more than" in refusal(chain(5_000))
    circle = sheet(":root { --a: var(--b) var(--b); --b: var(--a) var(--a) } path { fill: var(--a, red) }")
    assert len(read_svg(circle, "f").polylines) == 1


def test_a_long_text_with_variables_on_many_elements_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_VARIABLE_CHARACTERS", 100_000)
    css = "* { --a: red } path { fill: " + "var(--a)" * 500 + " }"
    assert "characters of CSS variables" in refusal(sheet(css, '<path d="M0 0h1"/>' * 1_000))


def test_custom_properties_on_too_many_elements_are_refused() -> None:
    css = "* {" + "".join(f"--a{i}: b;" for i in range(20_000)) + "}"
    data = sheet(css, "<g/>" * 1_000)
    assert f"more than {limits.MAX_VARIABLES:,} custom properties of elements" in refusal(data)


@pytest.mark.parametrize(
    "value",
    ["a" * 100_000, "color-mix(in srgb, red, " * 20 + "red" + ")" * 20, "calc(" * 100_000],
    ids=["word", "colours", "calc"],
)
def test_long_values_that_are_used_again_and_again_are_refused(value: str) -> None:
    links = "".join(f'<g id="a{i + 1}">' + f'<use href="#a{i}"/>' * 10 + "</g>" for i in range(3))
    body = f'<defs><path id="a0" d="M0 0h1" fill="{value}"/>{links}</defs>' + '<use href="#a3"/>' * 9
    assert f"more than {limits.MAX_VALUE_CHARACTERS:,} characters of CSS values" in refusal(document(body))


def test_pseudo_classes_that_take_long_are_refused() -> None:
    css = "".join(f"a:nth-child({i} of .b) {{ fill: red }}" for i in range(1_000))
    assert "more than 2,000,000 steps of matching selectors" in refusal(sheet(css, "<a/>" * 3_000))


@pytest.mark.usefixtures("lower")
@pytest.mark.parametrize(
    ("css", "body"),
    [
        ("g:has(rect) { fill: none }", "<g>" * 100 + '<path d="M0 0h1"/>' * 3_000 + "</g>" * 100),
        (":lang(en) { fill: red }" * 100, "<g>" * 100 + "<g/>" * 3_000 + "</g>" * 100),
    ],
    ids=["has", "lang"],
)
def test_pseudo_classes_are_counted_by_what_they_look_at(css: str, body: str) -> None:
    assert "more than 200,000 steps of matching selectors" in refusal(sheet(css, body))


def test_siblings_are_counted_once_for_all_of_them() -> None:
    css = "path:nth-of-type(2n), path:nth-last-of-type(3n), :nth-child(5n of path) { fill: none }"
    assert len(read_svg(sheet(css, '<path d="M0 0h1"/>' * 3_000), "f").polylines) == 3_000 - 2_200


@pytest.mark.parametrize(
    "css",
    [
        "g {" * 100 + "fill: none" + "}" * 100,
        "&& {" * 15 + "fill: none" + "}" * 15,
        "g, path {" * 15 + "fill: none" + "}" * 15,
        ":is(" * 100 + "path" + ")" * 100 + "{ fill: none }",
        ":has(" * 8 + "path" + ")" * 8 + "{ fill: none }",
        ":is(path, " * 8 + "path" + ")" * 8 + "{ fill: none }",
        "path" + " path" * 47 + "{ fill: none }",
        ":is(.a" + " > .a" * 22 + ") { fill: none }",
        "@layer " + ".".join("a" * 20_000) + "; @layer " + ", ".join("a" * 20_000) + ";",
        "@media " + "not " * 20_000 + "{ path { fill: none } }",
        "@media " + "(" * 100 + "hover" + ")" * 100 + "{ path { fill: none } }",
        "@supports " + "(" * 100 + "fill: red" + ")" * 100 + "{ path { fill: none } }",
        "@supports (d: path('M0 0" + "h1" * 100_000 + "')) { path { fill: none } }",
        "@media screen {" * 100 + "path { fill: none }" + "}" * 100,
        "@scope (g) {" * 50 + "path { fill: none }" + "}" * 50,
    ],
)
def test_rules_and_conditions_inside_one_another_are_read_or_passed_over(css: str) -> None:
    assert len(read_svg(sheet(css), "f").polylines) in (0, 1)


def test_a_long_media_attribute_is_refused() -> None:
    media = "a, " * limits.MAX_CSS_CHARACTERS
    assert "characters of CSS" in refusal(document(f'<style media="{media}">a {{ b: c }}</style>'))


def test_path_data_in_a_sheet_counts_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_POINTS", 10_000)
    css = "path { d: path('M0 0" + "h1" * 1_000 + "') }"
    assert "path segments" in refusal(sheet(css, "<path/>" * 100))


@pytest.mark.parametrize("bracket", ["(", "[", "{", "f("])
def test_css_nested_deep_is_refused(bracket: str) -> None:
    nested = bracket * 100_000
    assert "CSS nested" in refusal(document(f"<style>.a{{fill:{nested}</style>"))
    assert "CSS nested" in refusal(document(f'<path d="M0 0h1" style="fill:{nested}"/>'))


@pytest.mark.parametrize(
    "selector",
    [
        "a:not(b:not(c))",
        ":has(g",
        "*|*",
        "[*|x]",
        "a::before",
        "a >",
        "> a",
        "",
        "a" + " a" * 500,
        ":",
        "a:b:",
        "'s'",
    ],
)
def test_selectors_that_are_not_understood_are_passed_over(selector: str) -> None:
    css = f"{selector} {{fill:none}}".replace(">", "&gt;")
    data = document(f'<style>{css}</style><a><path d="M0 0L1 1"/></a>')
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_svg(data, "f").polylines) in (0, 1)


# --- damage -----------------------------------------------------------------------------------------------

SEED = 20240117
WHOLE = document(
    "<style>.a > path, #b { fill: none; stroke: rgb(1 2 3 / .5) } @media x { y { z: 1 } }"
    ":root { --c: color-mix(in srgb, red, var(--d, blue)) } @supports (r: 1px) { g {"
    " rect:nth-child(2 of :is(*)) { fill: var(--c); width: calc(1em + min(2px, 3%)) } } }"
    " @layer a { ellipse:has(+ g) { rx: 4px } }</style>"
    '<g class="a" transform="translate(1 2) rotate(30 5 5) skewX(4)" style="opacity: 50%">'
    '<path id="p" d="M1 2c1 2 3 4 5 6s7 8 9 1q1 2 3 4t5-6a1 2 30 015.5.5zm1e1-2H4v7"/>'
    '<rect width="50%" height="3mm" rx="1em"/><ellipse rx="3" ry="4" fill="url(#q) red"/></g>'
    '<symbol id="s" viewBox="0 0 10 10" preserveAspectRatio="xMinYMax slice">'
    '<polygon points="1 2,3 4 5 6" style="transform: scale(2)"/></symbol>'
    '<use href="#s" x="3" width="20"/><use href="#p"/><switch><line x2="5" systemLanguage="en"/></switch>'
    '<svg x="1" width="50" viewBox="0 0 5 5" transform-origin="top 5px"><circle r="3"/></svg>',
    '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE svg [<!ENTITY e "http://example.org">]>\n',
)
PIECES = [
    b"1e309",
    b"-1e308",
    b"nan",
    b"inf",
    b"1e-320",
    b"0",
    b"%",
    b"&e;",
    b"<",
    b">",
    b'"',
    b"\0",
    b"\xff",
    b"(" * 9,
]


def mutated(data: bytes, random_: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(random_.randint(1, 4)):
        at = random_.randrange(len(damaged) + 1)
        kind = random_.randrange(5)
        if kind == 0:
            damaged[at : at + 1] = bytes([random_.randrange(256)])
        elif kind == 1:
            del damaged[at : at + random_.randint(1, 30)]
        elif kind == 2:
            damaged[at:at] = random_.choice(PIECES)
        elif kind == 3:
            start = random_.randrange(len(damaged) + 1)
            damaged[at:at] = damaged[start : start + 40]
        else:
            number = random_.choice([*re.finditer(rb"[0-9.]+", damaged), None])
            if number:
                damaged[number.start() : number.end()] = random_.choice(PIECES[:6])
    return bytes(damaged[: random_.randrange(len(damaged))] if random_.random() < 0.05 else damaged)


def survives(data: bytes) -> bool:
    """Whether a document is read; anything but a refusal in one line is an error."""
    try:
        list(SvgFormat().read(io.BytesIO(data), "bad.svg"))
    except FormatError as error:
        assert str(error).startswith("bad.svg: ")
        assert "\n" not in str(error)
        return False
    return True


def test_damaged_bytes_are_refused_in_one_line_or_read() -> None:
    random_ = random.Random(SEED)
    assert survives(WHOLE)
    outcomes = [survives(mutated(WHOLE, random_)) for _ in range(ROUNDS)]
    assert 0.05 < sum(outcomes) / ROUNDS < 0.95


@pytest.mark.data
def test_damaged_drawings_are_refused_in_one_line_or_read(data: Path) -> None:
    random_ = random.Random(SEED)
    files = sorted((data / "svg" / "resvg").glob("*.svg"))
    outcomes = [survives(mutated(file.read_bytes(), random_)) for file in files]
    assert any(outcomes)
    assert not all(outcomes)
