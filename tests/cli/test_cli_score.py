"""`sketchkit score`: a table, everything as JSON, and the user's strokes in the colours of their costs."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from conftest import Outcome, Sketchkit

import sketchkit as library
from sketchkit.rendering.palette import HEAT, INK, heat_color
from sketchkit.sketch import Sketch

SVG = "{http://www.w3.org/2000/svg}"
INKSCAPE = "{http://www.inkscape.org/namespaces/inkscape}"
REAL = Path(library.__file__).with_name("bundled") / "doodle.safetensors"
LINES = [[(0, 0), (200, 0), (200, 90)], [(50, 50)], [(10, 80), (90, 60), (120, 85)]]


@pytest.fixture
def pair(home: Path) -> Path:
    """Two drawings in one file, the second with a dot."""
    drawings = [Sketch.from_polylines(LINES[:1]), Sketch.from_polylines([*LINES])]
    library.write(drawings, home / "pair.ndjson")
    return home / "pair.ndjson"


def strokes_in(path: str) -> list[tuple[str | None, str | None]]:
    """(colour, name) of every ink of a sheet."""
    groups = ElementTree.parse(path).getroot().iter(f"{SVG}g")
    return [(g.get("stroke"), g.get(f"{INKSCAPE}label")) for g in groups if g.get("stroke")]


def test_the_table_has_a_line_for_each_drawing(sketchkit: Sketchkit, pair: Path, bird: Path) -> None:
    shown = sketchkit("score", bird, pair)
    assert (shown.code, shown.err) == (0, "")
    header, *lines = shown.out.decode().splitlines()
    assert header.split("  ")[0] == "drawing" and "NLL a point" in header
    assert [line.split()[0] for line in lines] == ["bird", "pair-0", "pair-1"]
    drawings = [library.read(bird), *library.read_all(pair)]
    for line, score in zip(lines, library.score(library.load_model("tiny"), drawings), strict=True):
        name, points, strokes, nll, dearest, *_ = line.split()
        assert (int(points), int(strokes)) == (len(score.points), score.n_strokes)
        assert float(nll) == pytest.approx(score.nll_per_point, abs=1e-3)
        assert int(dearest) == score.dearest, name


def test_json_says_everything(sketchkit: Sketchkit, pair: Path) -> None:
    one, two = sketchkit("score", pair, "--json").json
    for facts in (one, two):
        rows = facts["rows"]
        assert facts["points"] == len(rows)
        assert facts["nll"] == pytest.approx(sum(row["offset"] + row["pen"] for row in rows))
        assert facts["nll"] == pytest.approx(facts["nll_offset"] + facts["nll_pen"])
        strokes = sum(stroke["nll"] for stroke in facts["strokes"])
        assert facts["nll"] == pytest.approx(strokes + facts["nll_end"])
        assert rows[-1]["stroke"] is None
    assert [stroke["points"] for stroke in two["strokes"]] == [2, 0, 3]
    assert two["strokes"][1]["nll_per_point"] is None
    assert "kl" not in one


def test_a_heat_sheet_shows_the_users_own_strokes_on_one_scale(sketchkit: Sketchkit, pair: Path) -> None:
    assert sketchkit("score", pair, "--heatmap", "heat.svg").code == 0
    facts = sketchkit("score", pair, "--json").json
    costs = [stroke["nll_per_point"] for each in facts for stroke in each["strokes"]]
    low, high = (choose(cost for cost in costs if cost is not None) for choose in (min, max))
    expected = [INK if c is None else heat_color((c - low) / (high - low)) for c in costs]
    drawn = [color for color, name in strokes_in("heat.svg") if name and name.startswith("stroke")]
    assert drawn == expected
    assert {HEAT[0], HEAT[-1]} <= set(drawn)
    words = [each.text for each in ElementTree.parse("heat.svg").getroot().iter(f"{SVG}text")]
    assert words[-1] == f"{low:.2f} to {high:.2f} a point"
    assert words[0] == f"{facts[0]['nll_per_point']:.2f}: pair-0"


def test_a_heat_sheet_carries_the_costs(sketchkit: Sketchkit, bird: Path) -> None:
    sketchkit("score", bird, "--heatmap", "heat.svg")
    texts = [each.text or "" for each in ElementTree.parse("heat.svg").getroot().iter(f"{SVG}metadata")]
    sheet, cell = (json.loads(text) for text in texts)
    assert sheet["model"] == "tiny"
    assert len(cell["strokes"]) == 2


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_the_suffix_decides_what_is_written(sketchkit: Sketchkit, bird: Path, suffix: str) -> None:
    assert sketchkit("score", bird, "--heatmap", f"heat.{suffix}").code == 0
    assert Path(f"heat.{suffix}").read_bytes()[:4] == {"png": b"\x89PNG", "pdf": b"%PDF"}[suffix]


def test_a_sheet_on_stdout_stands_there_alone(sketchkit: Sketchkit, bird: Path) -> None:
    shown = sketchkit("score", bird, "--heatmap", "-")
    assert ElementTree.fromstring(shown.out).tag == f"{SVG}svg"


def test_one_stroke_alone_has_a_colour_too(sketchkit: Sketchkit, home: Path) -> None:
    library.write([Sketch.from_polylines(LINES[:1])], home / "one.ndjson")
    assert sketchkit("score", "one.ndjson", "--heatmap", "one.svg").code == 0
    assert strokes_in("one.svg")[0][0] == HEAT[0]


def test_a_class_is_told(sketchkit: Sketchkit, bird: Path, doodle: Path) -> None:
    cat, pig = (sketchkit("score", bird, "--class", name, "--json").json[0] for name in ("cat", "pig"))
    assert (cat["class"], pig["class"]) == ("cat", "pig")
    assert cat["nll"] != pig["nll"]


def test_the_class_is_guessed_where_the_file_does_not_say_it(sketchkit: Sketchkit, home: Path) -> None:
    angles = [2 * math.pi * k / 24 for k in range(25)]
    sun = [[(9 * math.cos(a), 9 * math.sin(a)) for a in angles]]
    sun += [[(x * math.cos(a), x * math.sin(a)) for x in (11, 15)] for a in angles[::3]]
    library.write(Sketch.from_polylines(sun), "sun.ndjson")
    shown = sketchkit("score", "sun.ndjson", "--model", REAL, "--json")
    assert shown.code == 0 and shown.json[0]["class"] == "sun" == next(iter(shown.json[0]["guesses"]))
    assert "sun.ndjson: taken for sun" in shown.err and "--class chooses" in shown.err
    told = sketchkit("score", "sun.ndjson", "--model", REAL, "--class", "sun", "--json")
    assert "taken for" not in told.err and told.json[0]["nll"] == shown.json[0]["nll"]
    library.write(Sketch.from_polylines(sun, label="face"), "said.ndjson")
    for words, name in (((), "face"), (("--class", "any"), None)):
        said = sketchkit("score", "said.ndjson", "--model", REAL, "--json", *words)
        assert "taken for" not in said.err and said.json[0]["class"] == name and "guesses" not in said.json[0]


def test_of_many_guesses_few_are_told(sketchkit: Sketchkit, home: Path) -> None:
    library.write([Sketch.from_polylines(LINES[:1])] * 12, "many.ndjson")
    lines = sketchkit("score", "many.ndjson", "--model", REAL).err.splitlines()
    assert lines[-1] == "the classes of 3 more were guessed; --class chooses" and len(lines) == 10


def refused(outcome: Outcome, code: int, *words: str) -> None:
    assert (outcome.code, outcome.out) == (code, b"")
    assert len(outcome.err.splitlines()) == 1
    for word in words:
        assert word in outcome.err


def test_a_drawing_of_dots_is_named(sketchkit: Sketchkit, home: Path) -> None:
    drawings = [Sketch.from_polylines(LINES[:1]), Sketch.from_polylines([[(3, 3)]])]
    library.write(drawings, home / "dots.ndjson")
    refused(sketchkit("score", "dots.ndjson", "--heatmap", "heat.svg"), 3, "dots.ndjson#1", "without a line")
    assert not Path("heat.svg").exists()


def test_a_drawing_that_is_too_long_is_named(sketchkit: Sketchkit, home: Path) -> None:
    line = [(x % 256, x * 7 % 256) for x in range(5000)]
    library.write([Sketch.from_polylines([line])], home / "long.ndjson")
    refused(sketchkit("score", "long.ndjson", "--prepared"), 3, "long.ndjson: ", "points")


def test_wrong_usage_is_told_in_a_line(sketchkit: Sketchkit, bird: Path) -> None:
    refused(sketchkit("score", bird, "--heatmap", "-", "--json"), 2, "--heatmap")
    refused(sketchkit("score", bird, "--heatmap", "heat.bmp"), 2, ".bmp")
    refused(sketchkit("score", bird, "--class", "cat"), 3, "knows no classes")
    refused(sketchkit("score", "none.svg"), 3, "none.svg")
    Path("heat.svg").write_text("mine")
    refused(sketchkit("score", bird, "--heatmap", "heat.svg"), 3, "heat.svg", "--force")
    assert Path("heat.svg").read_text() == "mine"
    assert sketchkit("score", bird, "--heatmap", "heat.svg", "--force").code == 0


def test_the_help_fits_and_its_example_works(sketchkit: Sketchkit, bird: Path) -> None:
    lines = sketchkit("score", "--help").out.decode().splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[-2] == "Example:"
    library.write([library.read(bird)] * 3, "cat.ndjson")
    assert sketchkit(*lines[-1].split()[1:]).code == 0
    assert Path("heat.png").exists()
