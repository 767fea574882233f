from __future__ import annotations

import io
import json
import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sketchkit import svgdoc
from sketchkit.errors import InputError
from sketchkit.sketch import Sketch
from sketchkit.svgdoc import Layer, Pen, insert_layers, path_data, sketch_svg, write_drawings

SVG = "{http://www.w3.org/2000/svg}"
LABEL = "{http://www.inkscape.org/namespaces/inkscape}label"
GROUP_MODE = "{http://www.inkscape.org/namespaces/inkscape}groupmode"
HOSTILE = "<script>alert('1')</script> ]]> & \" \x00\x1b\x7f \ud800 \ufffe \U0001f600 \n\t%s"

Lines = list[npt.NDArray[np.float64]]

coordinates = st.floats(-1000, 1000, width=32)
polylines = st.lists(st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=8), max_size=5)
scales = st.sampled_from([1e-12, 1e-3, 1.0, 1e6, 1e30])


def written(*sketches: Sketch, **options: object) -> bytes:
    stream = io.BytesIO()
    write_drawings(sketches, stream, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def read_path(data: str) -> Lines:
    """The polylines of path data in the few commands that sketchkit writes."""
    lines = []
    for subpath in filter(None, data.split("M")):
        start, command, steps = re.split("([lh])", subpath)
        points = np.array(start.split(), np.float64)[None]
        if command == "l":
            offsets = np.array(steps.split(), np.float64).reshape(-1, 2)
            points = np.cumsum(np.concatenate([points, offsets]), axis=0)
        lines.append(points)
    return lines


def read_groups(document: bytes) -> list[tuple[str | None, Lines]]:
    root = ElementTree.fromstring(document)
    return [
        (
            group.get(LABEL),
            [line for path in group.iter(f"{SVG}path") for line in read_path(path.attrib["d"])],
        )
        for group in root.iter(f"{SVG}g")
    ]


def extent(lines: Lines) -> float:
    return float(np.ptp(np.concatenate(lines), axis=0).max())


# --- path data ----------------------------------------------------------------------------------------


@given(polylines, scales, st.floats(-10, 10))
def test_written_drawings_come_back_within_a_hundred_thousandth_of_their_extent(
    lines: list[list[tuple[float, float]]], scale: float, shift: float
) -> None:
    sketch = Sketch.from_polylines([(np.array(line) + shift) * scale for line in lines])
    expected = sketch.to_polylines()
    [(_, found)] = read_groups(written(sketch))
    assert [len(line) for line in found] == [len(line) for line in expected]
    for ours, theirs in zip(found, expected, strict=True):
        # A drawing without extent is as exact as its place; the last digits of a float64 are never promised.
        tolerance = 1e-5 * extent(expected) or 1e-5 * float(np.abs(theirs).max())
        tolerance = max(tolerance, 1e-50)  # below the smallest step of float32, numbers are cut off
        np.testing.assert_allclose(ours, theirs, rtol=1e-14, atol=tolerance)


@given(polylines, scales)
def test_path_data_holds_plain_numbers_only(lines: list[list[tuple[float, float]]], scale: float) -> None:
    data = svgdoc.sketch_data(Sketch.from_polylines([np.array(line) * scale for line in lines]))
    word = r"-?(0|[1-9]\d*)(\.\d*[1-9])?"
    assert re.fullmatch(rf"(M{word} {word}(h0|l{word}( {word})*))*", data)
    assert not re.search(r"-0(?![\d.])", data)


def test_whole_coordinates_are_written_as_whole_numbers() -> None:
    lines = [np.array([[10.0, 20], [30, 0], [30, -5]]), np.array([[7.0, 7]])]
    assert path_data(lines, 3) == "M10 20l20 -20 0 -5M7 7h0"


def test_rounding_errors_do_not_grow_along_a_stroke() -> None:
    line = np.full((10_000, 2), 0.0049).cumsum(axis=0)
    [back] = read_path(path_data([line], 2))
    assert np.abs(back - line).max() < 0.00501


@pytest.mark.parametrize("place", [0.0, 1.0, 1e6, 1e12, 1e20, 1e300])
def test_a_small_drawing_far_away_is_as_exact_as_float64_lets_it(place: float) -> None:
    lines = [np.array([[place, place], [place + 1e-3, place]])]
    back = read_path(path_data(lines, svgdoc.decimals_for(lines)))
    np.testing.assert_allclose(back[0], lines[0], rtol=1e-14, atol=1e-8)


@given(st.lists(polylines, max_size=4), st.integers(0, 6))
def test_many_paths_at_once_are_the_same_as_one_by_one(
    drawings: list[list[list[tuple[float, float]]]], decimals: int
) -> None:
    sketches = [Sketch.from_polylines(lines) for lines in drawings]
    starts = [
        np.cumsum([0, *(len(line) for line in sketch.to_polylines()[:-1])])[: len(sketch)]
        for sketch in sketches
    ]
    expected = [path_data(sketch.to_polylines(), decimals) for sketch in sketches]
    assert svgdoc.paths_data([sketch.points for sketch in sketches], starts, decimals) == expected


def test_nothing_is_drawn_for_no_polylines() -> None:
    assert path_data([], 2) == ""
    assert path_data([np.zeros((0, 2))], 2) == ""
    assert svgdoc.decimals_for([]) == 0


# --- documents ----------------------------------------------------------------------------------------


@given(st.text(), st.text(), st.text(max_size=5))
def test_whatever_is_written_is_read_back_as_it_was(words: str, label: str, id: str) -> None:
    shown = svgdoc.text(words, (0, 0), 10, "red")
    root = svgdoc.document((10, 10), title=words)
    root.add(svgdoc.group(id=svgdoc.clean(id), label=label, children=[shown]))
    group = ElementTree.fromstring(svgdoc.to_bytes(root)).find(f"{SVG}g")
    assert group is not None
    # XML itself turns every end of a line into a line feed, but not in what is escaped in an attribute.
    assert group.findtext(f"{SVG}text") == svgdoc.clean(words).replace("\r\n", "\n").replace("\r", "\n")
    assert (group.get(LABEL) or "", group.get("id") or "") == (svgdoc.clean(label), svgdoc.clean(id))


def test_each_drawing_has_a_group_under_its_label_at_its_own_place() -> None:
    cat = Sketch.from_polylines([[(0, 0), (10, 10)]], label="cat")
    dog = Sketch.from_polylines([[(100, 50), (110, 60)]], label="dog & <bone>")
    empty = Sketch.from_polylines([])
    groups = read_groups(written(cat, dog, empty))
    assert [label for label, _ in groups] == ["cat", "dog & <bone>", None]
    assert [[line.tolist() for line in lines] for _, lines in groups] == [
        [[[0, 0], [10, 10]]],
        [[[100, 50], [110, 60]]],
        [],
    ]


@given(st.lists(polylines, max_size=3), scales)
def test_the_page_holds_every_point_with_room_for_the_pen(
    drawings: list[list[list[tuple[float, float]]]], scale: float
) -> None:
    sketches = [Sketch.from_polylines([np.array(line) * scale for line in lines]) for lines in drawings]
    root = ElementTree.fromstring(written(*sketches))
    x, y, width, height = map(float, root.attrib["viewBox"].split())
    assert 0 < width < math.inf and 0 < height < math.inf
    assert 0 < float(root.attrib["width"]) <= 4096 and 0 < float(root.attrib["height"]) <= 4096
    for sketch, group in zip(sketches, root.iter(f"{SVG}g"), strict=True):
        x0, y0, x1, y1 = sketch.bounds
        pen = float(group.attrib["stroke-width"]) / 2
        if len(sketch):
            slack = 1e-12 * max(map(abs, (x0, y0, x1, y1)))  # numbers are written with some 15 digits
            assert x <= x0 - pen + slack and y <= y0 - pen + slack
            assert x1 + pen <= x + width + slack and y1 + pen <= y + height + slack


@pytest.mark.parametrize("count", [0, 1, 3])
def test_documents_without_ink_are_documents_all_the_same(count: int) -> None:
    document = written(*[Sketch.from_polylines([])] * count)
    assert read_groups(document) == [(None, [])] * count


def test_drawings_too_far_apart_are_refused() -> None:
    far = [Sketch([[0, 0, 0, 1, 0]], origin=(x, 0.0)) for x in (-1.7e308, 1.7e308)]
    with pytest.raises(InputError, match="too far apart"):
        written(*far)


def test_the_pen_is_round() -> None:
    root = ElementTree.fromstring(written(Sketch.from_polylines([[(0, 0), (256, 0)]])))
    group = root.find(f"{SVG}g")
    assert group is not None
    assert group.attrib["stroke-linecap"] == group.attrib["stroke-linejoin"] == "round"
    assert (group.attrib["fill"], group.attrib["stroke-width"]) == ("none", "2")


def test_the_same_drawings_are_the_same_bytes_in_every_process() -> None:
    code = (
        "import sys\n"
        "from sketchkit.sketch import Sketch\n"
        "from sketchkit.svgdoc import write_drawings\n"
        "sketch = Sketch.from_polylines([[(0, 0), (1, 2)]], label='cat')\n"
        "write_drawings([sketch], sys.stdout.buffer, title='t', metadata={'seed': 1, 'a': [2]})\n"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)
    ]
    sketch = Sketch.from_polylines([[(0, 0), (1, 2)]], label="cat")
    assert runs == [written(sketch, title="t", metadata={"seed": 1, "a": [2]})] * 2


def test_a_notebook_shows_a_drawing_in_the_size_asked_for() -> None:
    text = sketch_svg(Sketch.from_polylines([[(0, 0), (1000, 500)]], label=HOSTILE), size=100)
    root = ElementTree.fromstring(text)
    assert text.startswith("<svg") and " id=" not in text
    assert float(root.attrib["width"]) == 100 > float(root.attrib["height"])


def test_importing_the_writer_imports_nothing_heavy() -> None:
    code = (
        "import sys, sketchkit.svgdoc, sketchkit.rendering.svg, sketchkit.rendering.cairo\n"
        "print([name for name in ('torch', 'shapely', 'cairosvg', 'cairocffi') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert found.stdout.strip() == "[]"


def test_svgwrite_still_checks_the_drawings_of_others() -> None:
    code = (
        "import sys, sketchkit as sk; sk.Sketch.from_polylines([[(0, 0), (5, 5)]]).to_svg()\n"
        "import svgwrite; assert 'svgwrite.validator2' not in sys.modules\n"
        "try:\n    svgwrite.Drawing()['colour'] = 'red'\n"
        "except ValueError as error:\n    print(error)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert "Invalid attribute 'colour'" in found.stdout


# --- strings ------------------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_any_label_makes_a_document_that_says_it(label: str) -> None:
    sketch = Sketch.from_polylines([[(0, 0), (1, 1)]], label=label)
    [(found, lines)] = read_groups(written(sketch))
    assert len(lines) == 1
    assert found == (svgdoc.clean(label) or None)


def test_hostile_words_stay_words() -> None:
    sketch = Sketch.from_polylines([[(0, 0), (1, 1)]], label=HOSTILE)
    document = written(sketch, title=HOSTILE, metadata={HOSTILE: HOSTILE})
    root = ElementTree.fromstring(document)
    assert {element.tag for element in root.iter()} == {
        f"{SVG}{n}" for n in ("svg", "title", "metadata", "g", "path")
    }
    assert json.loads(root.findtext(f"{SVG}metadata") or "") == {HOSTILE: HOSTILE}
    assert svgdoc.clean(HOSTILE) == root.findtext(f"{SVG}title")


def test_metadata_may_hold_numpy_numbers_and_paths() -> None:
    text = svgdoc.json_text({"n": np.int64(3), "a": np.zeros(2), "p": Path("a/b"), "t": (1,)})
    assert json.loads(text) == {"n": 3, "a": [0, 0], "p": str(Path("a/b")), "t": [1]}


@pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}, object()])
def test_metadata_that_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="JSON"):
        svgdoc.json_text({"value": value})


@pytest.mark.parametrize(
    "color", ["url(#a)", "red;}", "", "#12", "rgb(1,2,3)", 'red"', "red\n", "nonsense", "none", "transparent"]
)
def test_a_colour_that_is_more_than_a_colour_is_refused(color: str) -> None:
    with pytest.raises(InputError, match="colour"):
        svgdoc.Pen(color, 1)


@pytest.mark.parametrize("width", [0, -1, math.nan, math.inf])
def test_a_pen_without_width_is_refused(width: float) -> None:
    with pytest.raises(InputError, match="width"):
        svgdoc.Pen("red", width)


# --- layers -------------------------------------------------------------------------------------------

LINE = Sketch.from_polylines([[(1, 2), (3, 4)]])
LAYERS = [
    Layer(LINE, "ending 1", Pen("#0072B2", 2.0), metadata={"seed": 1}),
    Layer(LINE, HOSTILE, Pen("#D55E00", 2.0)),
    Layer(Sketch.from_polylines([]), "ending 1", Pen("red", 2.0)),
]
PLAIN = (
    '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"  x = "9"><g/>\r\n</svg>\n<!-- </svg> -->'
)
PREFIXED = '<!DOCTYPE s:svg>\n<s:svg xmlns:s="http://www.w3.org/2000/svg" d="a>b/"\n/> \n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "ascii", "utf-16", "utf-16-be"])
def test_a_document_keeps_every_byte_around_its_new_layers(encoding: str) -> None:
    document = PLAIN.replace("<g/>", "<g id='caf\xe9'/>" if encoding != "ascii" else "<g/>").encode(encoding)
    if encoding == "utf-16-be":
        document = b"\xfe\xff" + document
    if encoding == "latin-1":
        document = document.replace(b'"1.0"', b'"1.0" encoding="latin-1"')
    at = document.index("</svg>".encode(_order(document) if "16" in encoding else "ascii"))
    whole = insert_layers(document, at, False, "utf-16" if "16" in encoding else encoding, LAYERS)
    assert whole.startswith(document[:at]) and whole.endswith(document[at:])
    root = ElementTree.fromstring(whole)
    layers = [group for group in root if group.get(GROUP_MODE) == "layer"]
    assert [layer.get(LABEL) for layer in layers] == ["ending 1", svgdoc.clean(HOSTILE), "ending 1"]
    assert [path.get("d") for path in root.iter(f"{SVG}path")] == ["M1 2l2 2"] * 2
    assert json.loads(layers[0].findtext(f"{SVG}metadata") or "") == {"seed": 1}


@pytest.mark.parametrize("behind", [0, 2])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_self_closing_root_is_opened_and_nothing_else_changes(behind: int, encoding: str) -> None:
    document = PREFIXED.encode(encoding)
    at = PREFIXED.rindex("/>") + behind
    whole = insert_layers(document, len(PREFIXED[:at].encode(encoding)), True, encoding, LAYERS)
    text = whole.decode(encoding)
    assert text.startswith(PREFIXED[: PREFIXED.rindex("/>")] + ">\n<g ")
    assert text.endswith(">\n</s:svg> \n")
    assert len(ElementTree.fromstring(text)) == len(LAYERS)


def test_ids_of_layers_are_free_in_the_document_and_among_each_other() -> None:
    once = insert_layers(PLAIN.encode(), PLAIN.index("</svg>"), False, "utf-8", LAYERS)
    twice = insert_layers(once, once.index(b"</svg>"), False, "utf-8", LAYERS)
    ids = [element.attrib["id"] for element in ElementTree.fromstring(twice) if "id" in element.attrib]
    assert len(ids) == len(set(ids)) == 2 * len(LAYERS)
    assert ids[0] == "sketchkit-ending-1"


def test_layers_are_all_shown_or_only_the_first() -> None:
    def displays(visible: str | int) -> list[bool]:
        whole = insert_layers(
            PLAIN.encode(),
            PLAIN.index("</svg>"),
            False,
            "utf-8",
            LAYERS,
            visible=visible,  # type: ignore[arg-type]
        )
        layers = list(ElementTree.fromstring(whole))[1:]
        return [layer.attrib["style"] == "display:inline" for layer in layers]

    assert displays("all") == [True, True, True]
    assert displays("first") == [True, False, False]
    assert displays(2) == [False, False, True]


def test_a_layer_keeps_its_look_whatever_the_document_styles() -> None:
    cairosvg = pytest.importorskip("cairosvg")
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" stroke-opacity="0.1" '
        'stroke-dasharray="0 9"><style>path { stroke: none; fill: red; stroke-width: 0 }</style>'
    )
    line = Sketch.from_polylines([[(0, 20), (40, 20)]])
    layer = Layer(line, "ending", Pen("#0000ff", 10))
    whole = insert_layers((head + "</svg>").encode(), len(head), False, "utf-8", [layer])
    with Image.open(io.BytesIO(cairosvg.svg2png(whole))) as image:
        assert image.convert("RGBA").getpixel((20, 20)) == (0, 0, 255, 255)


def test_no_layers_leave_the_document_as_it_was() -> None:
    assert insert_layers(PLAIN.encode(), PLAIN.index("</svg>"), False, "utf-8", []) == PLAIN.encode()


@pytest.mark.parametrize(
    ("at", "self_closing"), [(-1, False), (0, True), (3, False), (10**6, False), (5, True)]
)
def test_a_place_that_is_not_the_end_of_the_root_is_refused(at: int, self_closing: bool) -> None:
    with pytest.raises(InputError, match="not the end"):
        insert_layers(PLAIN.encode(), at, self_closing, "utf-8", LAYERS)


def test_an_encoding_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InputError, match="encoding"):
        insert_layers(PLAIN.encode(), 0, False, "klingon", LAYERS)


def _order(document: bytes) -> str:
    return "utf-16-be" if document.startswith(b"\xfe\xff") else "utf-16-le"
