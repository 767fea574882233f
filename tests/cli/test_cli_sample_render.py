"""`sketchkit sample` and `sketchkit render`."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from conftest import Sketchkit

import sketchkit as library

SVG = "{http://www.w3.org/2000/svg}"


def test_sample_draws_a_sheet_named_like_the_model(sketchkit: Sketchkit) -> None:
    assert sketchkit("sample", "--model", "tiny", "-n", 4, "--layout", "grid").code == 0
    found = ElementTree.parse("tiny.svg").getroot().iter(f"{SVG}metadata")
    facts = [json.loads(each.text or "") for each in found]
    assert [each.get("index") for each in facts] == [None, 0, 1, 2, 3]


def test_sample_goes_on_where_it_left_off(sketchkit: Sketchkit) -> None:
    sketchkit("sample", "-n", 4, "--exact", "-o", "all.ndjson")
    sketchkit("sample", "-n", 2, "--first", 2, "--exact", "-o", "rest.ndjson")
    assert list(library.read_all("all.ndjson"))[2:] == list(library.read_all("rest.ndjson"))


def test_sample_writes_a_file_each(sketchkit: Sketchkit) -> None:
    told = sketchkit("sample", "-n", 2, "--first", 7, "--layout", "files", "--json").json
    assert [each["output"] for each in told] == ["tiny-7.svg", "tiny-8.svg"]
    assert [each["index"] for each in told] == [7, 8]
    assert all(Path(each["output"]).exists() for each in told)


def test_sample_writes_to_stdout(sketchkit: Sketchkit) -> None:
    made = sketchkit("sample", "-n", 1, "-o", "-")
    assert made.out.startswith(b"<?xml")


def test_a_model_may_be_a_file(sketchkit: Sketchkit, store: Path) -> None:
    told = sketchkit("sample", "-m", store / "models" / "tiny.safetensors", "-n", 1, "--json").json
    assert (told[0]["model"], told[0]["output"]) == ("tiny.safetensors", "tiny.svg")


@pytest.mark.parametrize(("suffix", "mark"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_render_draws_every_kind_of_picture(
    sketchkit: Sketchkit, bird: Path, suffix: str, mark: bytes
) -> None:
    assert sketchkit("render", bird, bird, "-o", f"out.{suffix}").code == 0
    assert Path(f"out.{suffix}").read_bytes().startswith(mark)


def test_render_lays_out_as_it_is_told(sketchkit: Sketchkit, bird: Path) -> None:
    flags = ("--tile", "3x2", "--cell", 50, "--gap", 4, "--label", "--stroke", 5)
    assert sketchkit("render", bird, "-o", "out.svg", *flags).code == 0
    root = ElementTree.parse("out.svg").getroot()
    assert root.get("width") == str(3 * 50 + 4 * 4)
    assert [each.text for each in root.iter(f"{SVG}text")] == ["bird"]
    assert {g.get("stroke-width") for g in root.iter(f"{SVG}g")} == {None, "5"}


def test_render_reads_stdin_and_writes_stdout(sketchkit: Sketchkit, bird: Path) -> None:
    piped = sketchkit("render", "-", "-o", "-", stdin=bird.read_bytes())
    assert (piped.code, piped.err) == (0, "")
    assert piped.out.startswith(b"<?xml")


def test_render_draws_pictures_only(sketchkit: Sketchkit, bird: Path) -> None:
    refused = sketchkit("render", bird, "-o", "out.ndjson")
    assert refused.code == 2
    assert "nothing writes .ndjson files: there are .pdf, .png, .svg" in refused.err


def test_render_shows_the_captions_of_strangers_harmlessly(sketchkit: Sketchkit) -> None:
    entry = {"word": "\x1b[31m\u202e<b>&", "drawing": [[[0, 9], [0, 9]]], "recognized": True}
    Path("words.ndjson").write_text(json.dumps(entry))
    assert sketchkit("render", "words.ndjson", "--label", "--cell", 500, "-o", "out.svg").code == 0
    assert b"\x1b" not in Path("out.svg").read_bytes()
    (words,) = ElementTree.parse("out.svg").getroot().iter(f"{SVG}text")
    assert words.text == "\N{REPLACEMENT CHARACTER}[31m\u202e<b>&"
