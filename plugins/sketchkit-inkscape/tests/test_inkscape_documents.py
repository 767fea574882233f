"""What the extensions hand to sketchkit, and where they put what it draws."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from inkscape_parts import INKSCAPE, SVG, Extensions, Ran

from sketchkit import Sketch

#: A page in millimetres: a begun drawing in layers and groups that are moved and scaled, a clone of what is
#: hidden, a locked layer, text.
DOCUMENT = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"
 xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd"
 width="210mm" height="297mm" viewBox="0 0 210 297" id="root" style="fill:none;stroke:#222222">
<sodipodi:namedview id="view" inkscape:current-layer="{current}">{pages}</sodipodi:namedview>
<defs id="defs"/>
<g id="hidden" inkscape:groupmode="layer" style="display:none">
  <path id="original" d="M 0,0 H 4 V 4" style="stroke:#00ff00;stroke-width:1"/>
  <path id="secret" d="M 90,90 H 94"/></g>
<g id="sheet" inkscape:groupmode="layer" transform="translate(10, 20)">
  <g id="layer" inkscape:groupmode="layer" transform="scale(2)">
    <g id="begun" transform="translate(1, 1)">
      <path id="line" d="M 0,0 H 10" style="stroke:#a02c2c;stroke-width:0.5;stroke-linecap:round"/>
      <use id="clone" xlink:href="#original" x="1" transform="translate(2, 5)"/>
      <text id="note" x="3" y="3">note</text></g>
    <path id="beside" d="M 50,50 H 60 V 70"/></g>
  <g id="locked" inkscape:groupmode="layer" sodipodi:insensitive="true">
    <path id="fence" d="M 0,100 H 30"/></g>
</g>
<rect id="box" x="100" y="200" width="40" height="60" style="stroke:#0000aa;stroke-width:3"/>
</svg>"""
#: Its strokes, in millimetres.
LINE, CLONE = [(12, 22), (32, 22)], [(18, 32), (26, 32), (26, 40)]
BESIDE, FENCE, BOX = [(110, 120), (130, 120), (130, 160)], [(10, 120), (40, 120)], [(100, 200), (140, 260)]

STYLE = 'fill="none" stroke="#a02c2c" stroke-width="1" stroke-linecap="round" stroke-linejoin="round"'
HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 210 297">'
_CAR = '<metadata>{"class": "car"}</metadata>'
ENDINGS = (
    f'{HEAD}<g {STYLE} style="display:none">{_CAR}<path d="M 20,30 L 25,40"/></g>'
    f'<g {STYLE}>{_CAR}<path d="M 20,30 L 35,45"/></g></svg>'
)


def sheet(count: int) -> str:
    """So many cells with a drawing each, 20 wide and 10 high."""
    cells = (
        f'<g><metadata>{{"class": "pig"}}</metadata><g {STYLE}><path d="M {30 * i},0 h 20 v 10"/></g></g>'
        for i in range(count)
    )
    return f"{HEAD}{''.join(cells)}</svg>"


def document(current: str = "layer", pages: str = "") -> str:
    return DOCUMENT.format(current=current, pages=pages)


def strokes_of(path: Path) -> list[list[tuple[float, float]]]:
    """The strokes that sketchkit reads of a document."""
    found = Sketch.from_svg(path.read_text(encoding="utf-8")).to_polylines()
    return [[(round(float(x), 3), round(float(y), 3)) for x, y in line] for line in found]


def same_strokes(path: Path, expected: list[list[tuple[float, float]]]) -> bool:
    found = sorted((min(line), max(line)) for line in strokes_of(path))
    return np.allclose(found, sorted((min(line), max(line)) for line in expected), atol=0.01)


def element(ran: Ran, id: str) -> ElementTree.Element:
    (found,) = (each for each in ran.root.iter() if each.get("id") == id)
    return found


def placed(ran: Ran) -> list[tuple[ElementTree.Element, Sketch]]:
    """The groups with paths that were added, and their strokes where they stand on the page."""
    root = ran.root
    parents = {child: parent for parent in root.iter() for child in parent}
    found = []
    for group in root.iter(f"{SVG}g"):
        paths = [each for each in group if each.tag == f"{SVG}path"]
        if group.get("id") or not paths:
            continue
        text, outer = (
            "".join(f'<path fill="none" stroke="red" d="{path.get("d")}"/>' for path in paths),
            group,
        )
        while outer is not root:
            text, outer = f'<g transform="{outer.get("transform", "")}">{text}</g>', parents[outer]
        found.append((group, Sketch.from_svg(f"{HEAD}{text}</svg>")))
    return found


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--id=begun"], [LINE, CLONE]),
        (["--id=clone"], [CLONE]),
        (["--id=line", "--id=fence"], [LINE, FENCE]),
        (["--where=layer"], [LINE, CLONE, BESIDE]),
        (["--where=page", "--id=line"], [LINE, CLONE, BESIDE, FENCE, BOX]),
        ([], [LINE, CLONE, BESIDE, FENCE, BOX]),
    ],
)
def test_sketchkit_sees_what_is_meant_where_it_stands(
    extensions: Extensions, options: list[str], expected: list[list[tuple[float, float]]]
) -> None:
    extensions.answer(ENDINGS)
    assert extensions.run("finish", document(), *options).code == 0
    assert same_strokes(extensions.folder / "seen.svg", expected)


def test_of_several_pages_that_of_the_selection_is_finished(extensions: Extensions) -> None:
    extensions.answer(ENDINGS)
    pages = "".join(f'<inkscape:page id="p{y}" x="0" y="{y}" width="210" height="145"/>' for y in (0, 150))
    assert extensions.run("finish", document(pages=pages), "--where=page", "--id=box").message == ""
    assert same_strokes(extensions.folder / "seen.svg", [BOX])
    extensions.run("finish", document(pages=pages), "--where=page")
    assert same_strokes(extensions.folder / "seen.svg", [LINE, CLONE, BESIDE, FENCE])


def test_a_selection_that_is_hidden_is_sent_as_such(extensions: Extensions) -> None:
    extensions.answer(ENDINGS)
    extensions.run("finish", document(), "--id=secret")
    text = (extensions.folder / "seen.svg").read_text(encoding="utf-8")
    assert "display:none" in text and 'id="secret"' in text and 'id="line"' not in text


def test_endings_are_layers_right_above_that_of_the_drawing(extensions: Extensions) -> None:
    extensions.answer(ENDINGS, said="standard input: left out 1 text\nstandard input: taken for car (99%)\n")
    ran = extensions.run("finish", document(), "--id=line", "--number=2")
    above = list(element(ran, "sheet"))
    assert [each.get("id") for each in above] == ["layer", None, None, "locked"]
    names = [each.get(f"{INKSCAPE}label") for each in above[1:3]]
    assert names == ["car, ending 1", "car, ending 2, without 1 text"]
    assert [each.get("style") for each in above[1:3]] == ["display:none", "display:inline"]
    assert all(each.get(f"{INKSCAPE}groupmode") == "layer" for each in above[1:3])
    found = [sketch.points[:, :2].tolist() for _, sketch in placed(ran)]
    assert np.allclose(found, [[[20, 30], [25, 40]], [[20, 30], [35, 45]]], atol=0.01)


def test_endings_have_the_ink_of_the_drawing_whatever_they_could_inherit(extensions: Extensions) -> None:
    extensions.answer(ENDINGS)
    ran = extensions.run("finish", document(), "--id=line")
    (style, _) = (
        path.get("style")
        for path in element(ran, "sheet").iterfind(f"{SVG}g/{SVG}path")
        if not path.get("id")
    )
    found = dict(each.split(":") for each in str(style).split(";"))
    assert (
        found["stroke"] == "#a02c2c" and found["stroke-width"] == "1" and found["stroke-dasharray"] == "none"
    )


@pytest.mark.parametrize("id", ["box", "locked"])
def test_without_a_layer_endings_come_above_the_shape(extensions: Extensions, id: str) -> None:
    extensions.answer(ENDINGS)
    ran = extensions.run("finish", document(), f"--id={id}")
    home = ran.root if id == "box" else element(ran, "sheet")
    below = [each.get("id") for each in home].index(id)
    assert [each.get("id") for each in home][below + 1 :] == [None, None]


def test_the_rest_of_the_document_stays_as_it_was(extensions: Extensions) -> None:
    extensions.answer(ENDINGS)
    ran = extensions.run("finish", document(), "--id=begun")
    root = ran.root
    for parent in list(root.iter()):
        for child in [each for each in parent if each.tag == f"{SVG}g" and each.get("id") is None]:
            parent.remove(child)
    before = ElementTree.fromstring(document())
    assert [(each.tag, each.attrib) for each in root.iter()] == [
        (each.tag, each.attrib) for each in before.iter()
    ]


def test_endings_that_add_nothing_say_so(extensions: Extensions) -> None:
    label = f'xmlns:i="{INKSCAPE[1:-1]}" i:label="ending 2 (adds nothing)"'
    empty = f"<g {STYLE} {label}/>"
    extensions.answer(ENDINGS.replace("</svg>", f"{empty}</svg>"))
    ran = extensions.run("finish", document(), "--id=box")
    names = [each.get(f"{INKSCAPE}label") for each in ran.root][-3:]
    assert names == ["car, ending 1", "car, ending 2", "ending 3, adds nothing"]
    extensions.answer(f"{HEAD}{empty}</svg>")
    ran = extensions.run("finish", document())
    assert ran.code != 0 and ran.message.startswith("The model takes the drawing for finished.")


def test_finish_passes_its_parameters_on(extensions: Extensions) -> None:
    extensions.answer(ENDINGS)
    given = ["--number=3", "--class_name=pig", "--temperature=0.7", "--seed=5", "--tries=2", "--ink=contrast"]
    extensions.run("finish", document(), *given, "--model=mine", "--other=ox")
    words = " ".join(extensions.words)
    for part in (
        "-n 3",
        "--class ox",
        "--temperature 0.7",
        "--seed 5",
        "--tries 2",
        "--ink contrast",
        "--model mine",
    ):
        assert part in words
    extensions.run("finish", document(), *given)
    assert "--class pig" in " ".join(extensions.words) and "--model" not in extensions.words


def box(sketch: Sketch) -> list[float]:
    return [round(float(value), 2) for value in sketch.bounds]


def test_a_drawing_comes_into_the_middle_of_the_page(extensions: Extensions) -> None:
    extensions.answer(sheet(1))
    ran = extensions.run("draw", document(), "--size=20", "--class_name=pig")
    ((group, sketch),) = placed(ran)
    assert box(sketch) == [84.0, 138.0, 126.0, 159.0]  # 42 wide, a fifth of 210
    assert group.get(f"{INKSCAPE}label") == "pig" and group in list(element(ran, "layer"))
    assert "--class pig" in " ".join(extensions.words)


def test_drawings_fill_the_box_of_what_is_selected_in_its_stroke(extensions: Extensions) -> None:
    extensions.answer(sheet(2))
    ran = extensions.run("draw", document(), "--id=box", "--number=2")
    (first, left), (_, right) = placed(ran)
    assert box(left) == [101.0, 225.5, 119.0, 234.5] and box(right) == [121.0, 225.5, 139.0, 234.5]
    style = str(first.find(f"{SVG}path").get("style"))  # type: ignore[union-attr]
    assert "stroke:#0000aa" in style and "stroke-width:3" in style


def test_a_locked_or_hidden_layer_is_not_drawn_on(extensions: Extensions) -> None:
    extensions.answer(sheet(1))
    for current in ("locked", "hidden"):
        ran = extensions.run("draw", document(current))
        names = [each.get(f"{INKSCAPE}label") for each in ran.root.iter(f"{SVG}g")]
        assert "sketchkit" in names
        assert len(list(element(ran, current))) == len(
            list(ElementTree.fromstring(document()).find(f".//*[@id='{current}']"))
        )  # type: ignore[arg-type]


def test_a_page_without_a_view_box_is_measured_by_its_size(extensions: Extensions) -> None:
    extensions.answer(sheet(1))
    ran = extensions.run(
        "draw", '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="200"/>', "--size=50"
    )
    assert box(placed(ran)[0][1]) == [150.0, 75.0, 250.0, 125.0]


def test_drawings_between_lie_on_the_way_and_change_in_size_and_stroke(extensions: Extensions) -> None:
    extensions.answer(sheet(5))
    ran = extensions.run("between", document(), "--id=line", "--id=box", "--number=3", "--result=groups")
    assert extensions.words[3:5] == ["-n", "5"]
    assert same_strokes(extensions.folder / "seen-0.svg", [LINE])
    assert same_strokes(extensions.folder / "seen-1.svg", [BOX])
    found = placed(ran)
    middles = [
        [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0] for x0, y0, x1, y1 in (box(sketch) for _, sketch in found)
    ]
    assert np.allclose(middles, [[46.5, 74, 30], [71, 126, 40], [95.5, 178, 50]], atol=0.02)
    style = str(found[1][0].find(f"{SVG}path").get("style"))  # type: ignore[union-attr]
    assert "stroke-width:2;" in f"{style};" and re.search("stroke:#50166b|stroke:#50176b", style)


def test_drawings_between_may_be_layers(extensions: Extensions) -> None:
    extensions.answer(sheet(4))
    ran = extensions.run("between", document(), "--id=line", "--id=beside", "--number=2", "--result=layers")
    above = list(element(ran, "sheet"))[1:3]
    assert [each.get(f"{INKSCAPE}groupmode") for each in above] == ["layer", "layer"]
    assert [each.get(f"{INKSCAPE}label") for each in above] == ["1 of 2 between", "2 of 2 between"]


@pytest.mark.parametrize(
    "options", [[], ["--id=line"], ["--id=line", "--id=note"], ["--id=line", "--id=box", "--id=fence"]]
)
def test_between_wants_two_drawings(extensions: Extensions, options: list[str]) -> None:
    ran = extensions.run("between", document(), *options)
    assert ran.code != 0 and ran.message.strip() == "Select two drawings: two groups, or two paths."


@pytest.mark.parametrize(
    ("code", "said", "message"),
    [
        (
            3,
            "standard input: left out 1 text\nsketchkit: standard input: has no strokes",
            "sketchkit cannot use this drawing: has no strokes",
        ),
        (2, "sketchkit: Invalid value", "sketchkit does not accept these settings: Invalid value"),
        (4, "", "a plugin of sketchkit does not work"),
        (5, "sketchkit: no model named 'x'", "sketchkit cannot use this model: no model named 'x'"),
        (1, "Traceback:\nValueError: y", "sketchkit failed unexpectedly (1): ValueError: y"),
    ],
)
def test_an_error_is_a_message_and_the_document_stays(
    extensions: Extensions, code: int, said: str, message: str
) -> None:
    extensions.answer("broken", said=said, code=code)
    ran = extensions.run("finish", document())
    assert ran.code != 0 and ran.written == b""
    assert ran.message.strip() == message


def test_messages_and_names_are_in_the_users_language(extensions: Extensions) -> None:
    extensions.answer(ENDINGS)
    ran = extensions.run("finish", document(), LANGUAGE="de")
    assert [each.get(f"{INKSCAPE}label") for each in ran.root][-2:] == ["Auto, Ende 1", "Auto, Ende 2"]
    assert "두 그림을 선택하십시오" in extensions.run("between", document(), LANGUAGE="ko").message
