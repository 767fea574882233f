"""`sketchkit infill`: what was given and what was drawn, told apart; bytes that repeat."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Outcome, Sketchkit

import sketchkit as library
from sketchkit.rendering.palette import ENDING, INK
from sketchkit.sketch import Sketch

SVG = "{http://www.w3.org/2000/svg}"
INKSCAPE = "{http://www.inkscape.org/namespaces/inkscape}"
LINES = [[(0, 0), (200, 0), (200, 90)], [(50, 50), (60, 60)], [(10, 80), (90, 60), (120, 85)]]
QUICK = ("--particles", 20)


@pytest.fixture
def three(home: Path) -> Path:
    """A drawing of three strokes on a page of its own."""
    paths = "".join(
        f'<path fill="none" stroke="#000" d="M{" L".join(f"{x} {y}" for x, y in line)}"/>' for line in LINES
    )
    path = home / "three.svg"
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="90mm" viewBox="-10 -10 300 150">{paths}</svg>'
    )
    return path


def inks_in(svg: bytes) -> list[tuple[str | None, str | None]]:
    """(colour, name) of every ink of a document."""
    groups = ElementTree.fromstring(svg).iter(f"{SVG}g")
    return [(g.get("stroke"), g.get(f"{INKSCAPE}label")) for g in groups if g.get("stroke")]


def facts_in(svg: bytes) -> list[dict[str, Any]]:
    return [json.loads(each.text or "") for each in ElementTree.fromstring(svg).iter(f"{SVG}metadata")]


def test_a_grid_shows_what_was_given_and_what_was_drawn_in_two_colours(
    sketchkit: Sketchkit, three: Path
) -> None:
    assert sketchkit("infill", three, "--missing", "1:2", "-n", 3, *QUICK, "-o", "out.svg").code == 0
    svg = Path("out.svg").read_bytes()
    assert inks_in(svg) == [pair for i in range(3) for pair in ((INK, "drawing"), (ENDING, f"infill {i}"))]
    sheet, *cells = facts_in(svg)
    assert (sheet["gap"], sheet["particles"], sheet["model"], sheet["seed"]) == ("1:2", 20, "tiny", 0)
    assert [cell["index"] for cell in cells] == [0, 1, 2]
    assert all(cell["fits"] == (cell["gain"] >= 0) for cell in cells)


def test_the_share_of_attempts_that_fit_is_told_in_a_line(sketchkit: Sketchkit, three: Path) -> None:
    shown = sketchkit("infill", three, "--missing", "1:2", "-n", 2, *QUICK, "-o", "out.svg", "--json")
    facts = shown.json[0]
    (line,) = shown.err.splitlines()
    assert line.startswith(f"sketchkit: after {facts['fitting']} of {facts['attempts']} attempts (")
    assert f"({facts['fitting'] / facts['attempts']:.0%})" in line
    assert line.endswith(f"effective sample size {facts['effective']:.0f}")


def test_files_keep_the_page_and_place_of_the_document(sketchkit: Sketchkit, three: Path) -> None:
    done = sketchkit(
        "infill", three, "--missing", "1:2", "-n", 2, *QUICK, "--layout", "files", "-o", "{stem}-{index}.svg"
    )
    assert done.code == 0
    found = library.infill(library.load_model("tiny"), library.read(three), (1, 2), 2, particles=20)
    for one in found:
        svg = Path(f"three-{one.index}.svg").read_bytes()
        assert inks_in(svg) == [("#000000", "drawing"), (ENDING, f"infill {one.index}")]
        assert (
            ElementTree.fromstring(svg).get("viewBox", "").startswith("-10 -10 ")
            or one.sketch.bounds[0] < -10
        )
        lines = library.read(f"three-{one.index}.svg").to_polylines()
        # In a document what was given lies in one layer, below the other.
        np.testing.assert_allclose(lines[0], LINES[0], atol=1e-2)
        np.testing.assert_allclose(lines[1], LINES[2], atol=1e-2)


def test_data_keep_the_order_of_the_strokes(sketchkit: Sketchkit, three: Path) -> None:
    assert sketchkit("infill", three, "--missing", "1:2", "-n", 3, *QUICK, "-o", "out.npz").code == 0
    drawings = list(library.read_all("out.npz"))
    found = library.infill(library.load_model("tiny"), library.read(three), (1, 2), 3, particles=20)
    assert [each.n_strokes for each in drawings] == [one.sketch.n_strokes for one in found]


def test_the_same_seed_writes_the_same_bytes(sketchkit: Sketchkit, three: Path) -> None:
    for seed, name in ((1, "a.svg"), (1, "b.svg"), (2, "c.svg")):
        sketchkit("infill", three, "--missing", "1:2", "-n", 2, *QUICK, "--seed", seed, "-o", name)
    a, b, c = (Path(name).read_bytes() for name in ("a.svg", "b.svg", "c.svg"))
    assert a == b != c


def test_a_drawing_of_several_is_named_by_its_number(sketchkit: Sketchkit, home: Path) -> None:
    sketches = [Sketch.from_polylines([LINES[0]]), Sketch.from_polylines(LINES)]
    library.write(sketches, home / "two.ndjson")
    shown = sketchkit("infill", "two.ndjson#1", "--missing", "1:1", "-n", 1, *QUICK, "-o", "o.svg", "--json")
    assert shown.json[0]["drawing"] == "two-1"
    refused(
        sketchkit("infill", "two.ndjson", "--missing", "1:1", "-o", "p.svg"), 3, "two.ndjson", "2 drawings"
    )


def test_a_document_comes_through_a_pipe(sketchkit: Sketchkit, three: Path) -> None:
    piped = sketchkit("infill", "-", "--missing", "1:2", "-n", 1, *QUICK, "-o", "-", stdin=three.read_bytes())
    assert inks_in(piped.out) == [(INK, "drawing"), (ENDING, "infill 0")]


def test_every_stroke_is_shown_by_its_number(
    sketchkit: Sketchkit, three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKETCHKIT_MODEL", "no such model")  # none is needed
    assert sketchkit("infill", three, "--number", "-o", "numbers.svg").code == 0
    svg = Path("numbers.svg").read_bytes()
    assert inks_in(svg) == [pair for k in range(3) for pair in ((INK, "drawing"), (ENDING, f"stroke {k}"))]
    assert [each.text for each in ElementTree.fromstring(svg).iter(f"{SVG}text")] == ["0", "1", "2"]


def refused(outcome: Outcome, code: int, *words: str) -> None:
    assert (outcome.code, outcome.out) == (code, b"")
    assert len(outcome.err.splitlines()) == 1
    for word in words:
        assert word in outcome.err


@pytest.mark.parametrize(
    "gap", ["2", "a:b", "1:", ":1", "-1:2", "1:2:3", "1.5:2", "\u0661:2", "1:99999999999"]
)
def test_a_gap_that_is_not_written_so_is_wrong_usage(sketchkit: Sketchkit, three: Path, gap: str) -> None:
    refused(sketchkit("infill", three, f"--missing={gap}", "-o", "out.svg"), 2, "--missing", "I:J")


@pytest.mark.parametrize(
    ("gap", "words"), [("1:7", "has 3 strokes"), ("2:3", "nothing follows"), ("0:0", "no place")]
)
def test_a_gap_that_the_drawing_does_not_have_names_the_file(
    sketchkit: Sketchkit, three: Path, gap: str, words: str
) -> None:
    refused(sketchkit("infill", three, "--missing", gap, "-o", "out.svg"), 3, "three.svg: ", words)
    assert not Path("out.svg").exists()


def test_wrong_usage_is_told_in_a_line(sketchkit: Sketchkit, three: Path, doodle: Path) -> None:
    refused(sketchkit("infill", three, "-o", "out.svg"), 2, "--missing", "--number")
    refused(sketchkit("infill", three, "--missing", "1:2", "--number", "-o", "out.svg"), 2, "--number")
    refused(
        sketchkit("infill", three, "--missing", "1:2", "--particles", 0, "-o", "out.svg"), 2, "--particles"
    )
    refused(sketchkit("infill", three, "--missing", "1:2", "-t", -1, "-o", "out.svg"), 2, "temperature")
    both = ("--class", "cat", "--class", "pig")
    refused(sketchkit("infill", three, "--missing", "1:2", *both, "-o", "out.svg"), 2, "--class")
    refused(sketchkit("infill", three, "--missing", "1:2", "--class", "catt", "-o", "out.svg"), 3, "cat")
    refused(sketchkit("infill", "none.svg", "--missing", "1:2", "-o", "out.svg"), 3, "none.svg")
    Path("out.svg").write_text("mine")
    refused(sketchkit("infill", three, "--missing", "1:2", "-o", "out.svg"), 3, "out.svg", "--force")
    assert Path("out.svg").read_text() == "mine"


def test_the_help_fits_and_its_example_works(sketchkit: Sketchkit, bird: Path) -> None:
    lines = sketchkit("infill", "--help").out.decode().splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[-2] == "Example:"
    assert sketchkit(*lines[-1].split()[1:]).code == 0
    assert Path("infills.svg").exists()


def test_options_that_it_does_not_keep_are_not_there(sketchkit: Sketchkit) -> None:
    shown = sketchkit("infill", "--help").out.decode()
    assert "--batch-size" not in shown and "--deterministic" not in shown
    assert "--missing I:J" in shown
