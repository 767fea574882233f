"""`sketchkit complete --region` and `--avoid`: where endings may go, and what is said of it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from conftest import BIRD, Sketchkit

import sketchkit as library
from sketchkit.generate import rejection
from sketchkit.generate.regions import Bounds
from sketchkit.rendering.palette import ENDING, INK, LIMIT

SVG = "{http://www.w3.org/2000/svg}"
INKSCAPE = "{http://www.inkscape.org/namespaces/inkscape}"
REGION = "40,40,110,90"
BOX = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300">
  <rect x="60" y="50" width="15" height="15" fill="none" stroke="#000"/>
  <path d="M 100 120 L 150 120" fill="none" stroke="#000"/>
</svg>
"""


@pytest.fixture
def box(home: Path) -> Path:
    path = home / "box.svg"
    path.write_text(BOX)
    return path


def strokes_in(svg: bytes) -> list[tuple[str | None, str | None]]:
    groups = ElementTree.fromstring(svg).iter(f"{SVG}g")
    return [(g.get("stroke"), g.get(f"{INKSCAPE}label")) for g in groups if g.get("stroke")]


def facts_in(svg: bytes) -> list[dict[str, Any]]:
    return [json.loads(each.text or "") for each in ElementTree.fromstring(svg).iter(f"{SVG}metadata")]


def test_endings_keep_within_bounds_and_the_record_says_what_it_took(
    sketchkit: Sketchkit, bird: Path, box: Path
) -> None:
    flags = ("--region", REGION, "--avoid", box, "--clearance", 1, "--layout", "files", "-n", 4)
    told = sketchkit("complete", bird, *flags, "--json").json
    assert len(told) == 4
    bounds, begun = Bounds((40, 40, 110, 90), library.read(box), 0.99), library.read(bird)
    for each in told:
        assert (each["region"], each["avoid"], each["clearance"]) == ([40, 40, 110, 90], str(box), 1)
        whole = library.read(each["output"])
        assert bounds.allow_drawing(whole, len(begun))
        assert facts_in(Path(each["output"]).read_bytes())[0]["redrawn"] == each["redrawn"]
    record = told[0]["attempts"]
    assert record["asked"] == record["satisfied"] == 4
    assert record["tried"] == told[-1]["index"] + 1
    assert record["redrawn"] >= sum(each["redrawn"] for each in told) > 0


def test_a_sheet_shows_the_bounds_under_the_drawing(sketchkit: Sketchkit, bird: Path, box: Path) -> None:
    told = sketchkit("complete", bird, "--region", REGION, "--avoid", box, "-n", 2, "-o", "out.svg", "--json")
    i, j = (each["index"] for each in told.json)
    below = [(LIMIT, "region"), (LIMIT, "avoid")]
    assert strokes_in(Path("out.svg").read_bytes()) == [
        *[*below, (INK, "drawing"), (ENDING, f"ending {i}")],
        *[*below, (INK, "drawing"), (ENDING, f"ending {j}")],
    ]


@pytest.mark.parametrize("layout", ["layers", "files"])
def test_what_is_drawn_on_shows_no_bounds(sketchkit: Sketchkit, bird: Path, layout: str) -> None:
    flags = ("--region", REGION, "--layout", layout, "-n", 1, "-o", "out.svg")
    assert sketchkit("complete", bird, *flags).code == 0
    assert LIMIT not in Path("out.svg").read_text()
    assert "region" in Path("out.svg").read_text()  # as a fact of the ending


def test_without_bounds_nothing_is_said_of_them(sketchkit: Sketchkit, bird: Path) -> None:
    (told,) = sketchkit("complete", bird, "-n", 1, "-o", "out.svg", "--json").json
    assert not {"region", "avoid", "clearance", "attempts", "redrawn"} & told.keys()


def test_a_shortfall_is_one_line_on_stderr(
    sketchkit: Sketchkit, bird: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejection, "ATTEMPTS", 1)
    Path("other.svg").write_text(BIRD)
    done = sketchkit(
        "complete", bird, "other.svg", "--region", "60,60,40,30", "-n", 9, "-o", "out.svg", "--json"
    )
    found = done.json[0]["attempts"]["satisfied"]
    assert done.code == 0 and 0 < found < 9
    line = f"{found} of 9 endings asked for: {found} of 9 attempts stayed within bounds"
    assert done.err == f"{bird}: {line}\nother.svg: {line}\n"
    assert len(done.json) == 2 * found


def test_a_row_that_falls_short_ends_in_empty_cells(
    sketchkit: Sketchkit, bird: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejection, "ATTEMPTS", 1)
    Path("other.svg").write_text(BIRD)
    flags = ("--region", "60,60,40,30", "-n", 9, "--cell", 100, "--gap", 0)
    assert sketchkit("complete", bird, "other.svg", *flags, "-o", "out.svg").code == 0
    root = ElementTree.parse("out.svg").getroot()
    assert (root.get("width"), root.get("height")) == ("900", "200")


def test_no_ending_within_bounds_is_bad_input(sketchkit: Sketchkit, bird: Path) -> None:
    done = sketchkit("complete", bird, "--region", "9000,9000,1,1", "-n", 2, "-o", "out.svg")
    assert done.code == 3
    assert done.err.startswith(f"sketchkit: {bird}: not one of 64 endings stayed within bounds: widen")
    assert done.err.count("\n") == 1
    assert not Path("out.svg").exists()


def test_of_a_file_of_many_the_drawing_without_an_ending_is_named(sketchkit: Sketchkit, bird: Path) -> None:
    begun = library.read(bird)
    library.write([begun, begun.transformed(1.0, (5000, 0))], "birds.ndjson")
    done = sketchkit("complete", "birds.ndjson", "--region", REGION, "-n", 1, "-o", "out.svg")
    assert done.code == 3
    assert done.err.startswith("sketchkit: birds-1: not one of 32 endings")


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--region", "1,2,3"), "'1,2,3' is not X,Y,W,H, such as 0,0,200,150"),
        (("--region", "1,2,3,x"), "'1,2,3,x' is not X,Y,W,H"),
        (("--region", "0,0,0,5"), "its width and height must be above 0"),
        (("--region", "0,0,nan,5"), "its width and height must be above 0"),
        (("--region", "0,0,5,5", "--clearance", "3"), "it leaves nothing of the region 0,0,5,5"),
        (("--clearance", "3"), "it goes with --region or --avoid"),
        (("--clearance", "-1"), "it must be 0 or more"),
        (("--avoid", "-"), "standard input holds the drawings: name a file"),
    ],
)
def test_bounds_that_are_none_are_wrong_usage(
    sketchkit: Sketchkit, bird: Path, flags: tuple[str, ...], reason: str
) -> None:
    done = sketchkit("complete", bird, *flags)
    assert done.code == 2
    assert reason in done.err and done.err.count("\n") == 1
    assert list(Path().iterdir()) == [Path(bird.name)]


def test_a_region_may_begin_at_negative_numbers(sketchkit: Sketchkit, bird: Path) -> None:
    flags = ("--region", "-1e3,-1000,4000,4000", "-n", 1, "-o", "out.svg", "--json")
    assert sketchkit("complete", bird, *flags).json[0]["region"] == [-1000, -1000, 4000, 4000]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.svg", "no such file"),
        ("two.ndjson", "holds several drawings, --avoid takes one"),
        ("empty.svg", "holds no drawing to avoid"),
        ("box.txt", "the suffix '.txt' is unknown"),
    ],
)
def test_a_file_to_avoid_that_is_no_drawing_is_bad_input(
    sketchkit: Sketchkit, bird: Path, name: str, reason: str
) -> None:
    library.write([library.read(bird)] * 2, "two.ndjson")
    Path("empty.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    done = sketchkit("complete", bird, "--avoid", name)
    assert done.code == 3
    assert done.err.startswith(f"sketchkit: {name}: {reason}")


def test_a_file_of_an_ending_of_any_index_is_kept_from_being_overwritten(
    sketchkit: Sketchkit, bird: Path
) -> None:
    Path("bird-31.svg").write_text("mine")
    refused = sketchkit("complete", bird, "--layout", "files", "-n", 1, "--region", REGION)
    assert (refused.code, Path("bird-31.svg").read_text()) == (3, "mine")
    assert list(Path().glob("bird-*")) == [Path("bird-31.svg")]


def test_the_command_line_and_the_library_try_as_often() -> None:
    from sketchkit.cli import complete

    assert complete._ATTEMPTS == rejection.ATTEMPTS
