"""What the commands say of an SVG file: what they leave out of it, and that paper is no ink."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Sketchkit

import sketchkit as library

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200">{}</svg>'
PAPER = '<rect width="200" height="200" fill="ivory"/>'
LINES = '<path d="M20 20L90 20L90 90M30 120l20 20l40 0" fill="none" stroke="black"/>'
TEXT = "<text>hello</text>"
SAID = "left out 1 text and 1 background shape (--keep-background keeps that)\n"


@pytest.fixture
def drawing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file that holds two strokes, a text and paper, in the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("a.svg").write_text(SVG.format(PAPER + LINES + TEXT))
    return "a.svg"


COMMANDS = {
    "render": ("render", "a.svg", "-o", "out.svg"),
    "render one of many": ("render", "a.svg#0", "-o", "out.svg"),
    "complete": ("complete", "a.svg", "-n", 1, "-o", "out.svg"),
    "layers": ("complete", "a.svg", "-n", 1, "--layout", "layers", "-o", "out.svg"),
    "infill": ("infill", "a.svg", "--number", "-o", "out.svg"),
    "score": ("score", "a.svg"),
    "avoid": ("complete", "bird.svg", "--avoid", "a.svg", "-n", 1, "-o", "out.svg"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_says_in_one_line_what_it_leaves_out(
    sketchkit: Sketchkit, bird: Path, drawing: str, command: tuple[object, ...]
) -> None:
    Path("bird.svg").write_bytes(bird.read_bytes())
    made = sketchkit(*command)
    assert made.code == 0, made.err
    assert made.err.count("left out") == 1
    assert f"a.svg: {SAID}" in made.err


def test_nothing_is_said_of_a_file_of_strokes_alone(sketchkit: Sketchkit, tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text(SVG.format(LINES))
    assert "left out" not in sketchkit("render", tmp_path / "a.svg", "-o", tmp_path / "out.svg").err


def test_standard_input_is_called_so(sketchkit: Sketchkit, tmp_path: Path) -> None:
    content = SVG.format(LINES + TEXT).encode()
    made = sketchkit("render", "-", "-o", tmp_path / "out.svg", stdin=content)
    assert "standard input: left out 1 text\n" in made.err


def test_paper_is_kept_where_that_is_asked_for(sketchkit: Sketchkit, drawing: str) -> None:
    rows = [sketchkit("score", drawing, *more, "--json").json for more in ((), ("--keep-background",))]
    strokes = [len(each[0]["strokes"]) for each in rows]
    assert strokes == [2, 3]
    made = sketchkit("render", drawing, "--keep-background", "-o", "out.svg")
    assert "a.svg: left out 1 text\n" in made.err


def test_layers_stand_in_a_document_that_keeps_its_paper(sketchkit: Sketchkit, drawing: str) -> None:
    assert sketchkit("complete", drawing, "-n", 1, "--layout", "layers", "-o", "out.svg").code == 0
    before, after = Path(drawing).read_text(), Path("out.svg").read_text()
    assert after.startswith(before.removesuffix("</svg>")) and after.count(PAPER) == 1


@pytest.mark.parametrize("background", ["white", "ivory", "lightblue", "black"])
def test_what_sample_writes_reads_back_without_its_paper(
    sketchkit: Sketchkit, tmp_path: Path, background: str
) -> None:
    plain, papered = tmp_path / "plain.svg", tmp_path / "papered.svg"
    for path, more in ((plain, ()), (papered, ("--background", background))):
        assert sketchkit("sample", "-n", 1, "--seed", 4, *more, "-o", path).code == 0
    strokes = [len(library.read(path).to_polylines()) for path in (plain, papered)]
    assert strokes[0] == strokes[1] > 0


@pytest.mark.parametrize("body", [TEXT, '<image href="data:,"/>'])
def test_a_file_without_strokes_is_refused_with_a_way_out(
    sketchkit: Sketchkit, tmp_path: Path, body: str
) -> None:
    (tmp_path / "a.svg").write_text(SVG.format(body))
    made = sketchkit("complete", tmp_path / "a.svg", "-o", tmp_path / "out.svg")
    assert made.code == 3 and made.err.count("\n") == 1
    assert "a.svg: holds only" in made.err and "Inkscape" in made.err
    assert not (tmp_path / "out.svg").exists()


def test_a_data_set_sums_up_what_its_files_leave_out(sketchkit: Sketchkit, tmp_path: Path) -> None:
    icons = tmp_path / "icons"
    icons.mkdir()
    for i in range(12):
        line = f'<path d="M20 20L{90 + i} 20L90 {90 + i}" stroke="black"/>'
        (icons / f"{i}.svg").write_text(SVG.format(PAPER + line + TEXT * (i % 3)))
    (icons / "text.svg").write_text(SVG.format(TEXT))
    made = sketchkit("data", "prepare", icons, "-o", tmp_path / "set", "--split", "1/0/0", "--json")
    assert made.code == 0, made.err
    assert made.json["left_out"] == {"text": 13, "background": 12}
    assert made.json["dropped"] == {"empty": 1} and made.json["drawings"] == 12
    told = sketchkit("data", "prepare", icons, "-o", tmp_path / "again", "--split", "1/0/0")
    assert told.err.count("strokes leave out 13 texts and 12 background shapes\n") == 1
    assert "leave out 13 texts" in sketchkit("data", "info", tmp_path / "again").out.decode()
    kept = sketchkit(
        "data", "prepare", icons, "-o", tmp_path / "kept", "--split", "1/0/0", "--keep-background", "--json"
    )
    assert kept.json["left_out"] == {"text": 13} and kept.json["recipe"]["keep_background"] is True


def test_a_data_set_of_text_alone_says_why_nothing_is_left(sketchkit: Sketchkit, tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text(SVG.format(TEXT))
    made = sketchkit("data", "prepare", tmp_path / "a.svg", "-o", tmp_path / "set")
    assert made.code == 3 and "(1 empty); strokes leave out 1 text" in made.err
    assert not (tmp_path / "set").exists()
