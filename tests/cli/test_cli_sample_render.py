"""`sketchkit sample` and `sketchkit render`."""

from __future__ import annotations

import json
import re
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


@pytest.mark.parametrize("n", [1, 5])
def test_temperature_0_is_the_greedy_sampler_and_recorded(sketchkit: Sketchkit, n: int) -> None:
    cold = sketchkit("sample", "-n", n, "-t", 0, "-o", "cold.ndjson", "--json").json
    greedy = sketchkit("sample", "-n", n, "--sampler", "greedy", "-o", "greedy.ndjson", "--json").json
    assert {(each["sampler"], each["temperature"]) for each in cold} == {("temperature", 0.0)}
    assert [each["points"] for each in cold] == [each["points"] for each in greedy]
    assert Path("cold.ndjson").read_bytes() == Path("greedy.ndjson").read_bytes()


def test_sample_goes_on_where_it_left_off(sketchkit: Sketchkit) -> None:
    sketchkit("sample", "-n", 4, "--deterministic", "-o", "all.ndjson")
    sketchkit("sample", "-n", 2, "--first", 2, "--deterministic", "-o", "rest.ndjson")
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


@pytest.mark.parametrize(
    ("suffix", "mark"),
    [
        ("svg", b"<?xml"),
        ("png", b"\x89PNG"),
        ("pdf", b"%PDF"),
        ("gif", b"GIF89a"),
        ("apng", b"\x89PNG"),
    ],
)
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


def test_render_fills_a_page_within_its_margin(sketchkit: Sketchkit, bird: Path) -> None:
    flags = ("--page", "A5-landscape", "--margin", 20, "--gap", 5, "--stroke", 1, "--title", "Birds")
    assert sketchkit("render", bird, bird, "-o", "out.svg", *flags).code == 0
    root = ElementTree.parse("out.svg").getroot()
    assert (root.get("width"), root.get("height")) == ("210mm", "148mm")
    # Two cells side by side and the gap between them are as wide as the page lets them be.
    wide = float((root.get("viewBox") or "").split()[2]) / 210
    (left, right) = [path.get("d") or "" for path in root.iter(f"{SVG}path")]
    apart = float(right.split()[0][1:]) - float(left.split()[0][1:])
    assert apart / wide == pytest.approx((210 - 2 * 20 - 5) / 2 + 5, abs=0.01)
    assert {g.get("stroke-width") for g in root.iter(f"{SVG}g")} == {None, "3.779528"}
    assert [each.text for each in root.iter(f"{SVG}text")] == ["Birds"]


def test_the_margin_is_the_gap_where_nobody_says_otherwise(sketchkit: Sketchkit, bird: Path) -> None:
    widths = []
    for flags in ((), ("--gap", 20), ("--margin", 20)):
        sketchkit("render", bird, "-o", "out.svg", "--force", *flags)
        widths.append(ElementTree.parse("out.svg").getroot().get("width"))
    assert widths == ["176", "200", "200"]


def test_one_scale_for_all_keeps_sizes_comparable(sketchkit: Sketchkit) -> None:
    drawings = [{"word": "line", "drawing": [[[0, x], [0, 0]]], "recognized": True} for x in (50, 100)]
    Path("two.ndjson").write_text("\n".join(map(json.dumps, drawings)))
    extents = []
    for sizes in ("fit", "common"):
        sketchkit("render", "two.ndjson", "-o", "out.svg", "--force", "--scale-mode", sizes)
        data = [p.get("d") or "" for p in ElementTree.parse("out.svg").getroot().iter(f"{SVG}path")]
        extents.append([float(d.split("l")[1].split()[0]) for d in data])
    assert extents[0][0] == extents[0][1] == extents[1][1] == pytest.approx(2 * extents[1][0], abs=0.02)


def test_a_renderer_is_chosen_by_its_name_with_its_options(sketchkit: Sketchkit, bird: Path) -> None:
    chosen = "animated-svg:seconds=3:loop=no"
    assert sketchkit("render", bird, "-o", "out.svg", "--format", chosen).code == 0
    assert {a.get("dur") for a in ElementTree.parse("out.svg").getroot().iter(f"{SVG}animate")} == {"3s"}
    assert sketchkit("render", bird, "-o", "out.png", "--format", "png:dpi=192", "--cell", 100).code == 0
    assert Path("out.png").read_bytes()[16:20] == (2 * 116).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        (
            "gif:second=1",
            "renderer 'gif' has no option 'second': it has seconds, pause, back_and_forth, loop",
        ),
        ("gif:seconds=0", "option 'seconds' of renderer 'gif' must be 0.02..600, got 0"),
        ("gif:seconds", "an option is written name=value, got 'seconds'"),
        ("svg:scale=2", "renderer 'svg' has no option 'scale': it has none"),
        ("ndjson:scale=2", "nothing writes .ndjson files: there are .apng, .gif, .pdf, .png, .svg"),
    ],
)
def test_what_a_renderer_does_not_take_is_said_in_one_line(
    sketchkit: Sketchkit, bird: Path, chosen: str, reason: str
) -> None:
    refused = sketchkit("render", bird, "-o", "out.svg", "--format", chosen)
    assert refused.code == 2
    assert f"Invalid value for --format: {reason} (see" in refused.err
    assert not Path("out.svg").exists()


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--page", "B4"), "no page is called 'B4'"),
        (("--page", "A4", "--cell", 20), "give a page or the size of a cell"),
        (("--page", "A4", "--margin", 200), "a margin of 200 mm leaves nothing of a page of 210x297 mm"),
        (("--page", "A4", "--stroke", 190), "a line 190 mm wide does not fit a cell of 190 mm"),
    ],
)
def test_a_page_that_makes_no_sheet_is_an_error_of_usage(
    sketchkit: Sketchkit, bird: Path, flags: tuple[object, ...], reason: str
) -> None:
    refused = sketchkit("render", bird, "-o", "out.svg", *flags)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert reason in refused.err


def test_files_of_animated_drawings_are_animated(sketchkit: Sketchkit) -> None:
    made = sketchkit("sample", "-n", 2, "--layout", "files", "--format", "animated-svg")
    assert made.code == 0
    assert all(b"<animate" in Path(f"tiny-{index}.svg").read_bytes() for index in (0, 1))


def test_render_help_lists_the_renderers_and_their_options(sketchkit: Sketchkit) -> None:
    told = sketchkit("render", "--help").out.decode()
    assert "animated-svg: loop\n    seconds=5.0  Seconds until the last drawing is finished." in told
    assert "svg: no options" in told


def test_render_reads_stdin_and_writes_stdout(sketchkit: Sketchkit, bird: Path) -> None:
    piped = sketchkit("render", "-", "-o", "-", stdin=bird.read_bytes())
    assert (piped.code, piped.err) == (0, "")
    assert piped.out.startswith(b"<?xml")


def test_render_draws_pictures_only(sketchkit: Sketchkit, bird: Path) -> None:
    refused = sketchkit("render", bird, "-o", "out.ndjson")
    assert refused.code == 2
    assert "nothing writes .ndjson files: there are .apng, .gif, .pdf, .png, .svg" in refused.err


def test_render_shows_the_captions_of_strangers_harmlessly(sketchkit: Sketchkit) -> None:
    entry = {"word": "\x1b[31m\u202e<b>&", "drawing": [[[0, 9], [0, 9]]], "recognized": True}
    Path("words.ndjson").write_text(json.dumps(entry))
    assert sketchkit("render", "words.ndjson", "--label", "--cell", 500, "-o", "out.svg").code == 0
    assert b"\x1b" not in Path("out.svg").read_bytes()
    (words,) = ElementTree.parse("out.svg").getroot().iter(f"{SVG}text")
    assert words.text == "\N{REPLACEMENT CHARACTER}[31m\u202e<b>&"


def test_a_file_of_any_name_is_what_the_user_says_it_is(sketchkit: Sketchkit, bird: Path) -> None:
    library.write([library.read(bird)] * 2, "two.ndjson")
    Path("plain").write_bytes(Path("two.ndjson").read_bytes())
    Path("misleading.ndjson").write_bytes(bird.read_bytes())
    refused = sketchkit("render", "plain", "-o", "out.svg")
    assert refused.code == 3 and "plain: a name without a suffix" in refused.err
    assert "--input-format says what such a file holds" in refused.err
    for file, format, like in (
        ("plain", "ndjson", "two.ndjson"),
        ("plain#1", "ndjson", "two.ndjson#1"),
        ("misleading.ndjson", "svg", "bird.svg"),
    ):
        assert sketchkit("score", file, "--input-format", format).code == 0, file
        made = sketchkit("render", file, "--input-format", format, "-o", "-").out
        assert re.findall(rb' d="[^"]*"', made) == re.findall(
            rb' d="[^"]*"', sketchkit("render", like, "-o", "-").out
        )
    assert sketchkit("complete", "plain", "--input-format", "ndjson", "-n", 1, "-o", "out.svg").code == 0
    told = sketchkit("infill", "misleading.ndjson", "--input-format", "svg", "--number", "-o", "strokes.svg")
    assert told.code == 0, told.err


HAND = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="100mm" viewBox="0 0 200 200">'
    '<g fill="none" stroke-width="6"><path d="M20 20H180" stroke="#c03020" stroke-linecap="square"/>'
    '<path d="M20 180H180" stroke="#c03020" stroke-linecap="square"/>'
    '<path d="M20 90H180" stroke="blue"/></g></svg>'
)


def test_render_keeps_the_colours_and_widths_of_a_document(sketchkit: Sketchkit, home: Path) -> None:
    (home / "hand.svg").write_text(HAND)
    assert sketchkit("render", "hand.svg", "-o", "o.svg", "--cell", 100).code == 0
    pens = [
        (g.get("stroke"), float(g.get("stroke-width", 0)), g.get("stroke-linecap"))
        for g in ElementTree.parse("o.svg").iter("{http://www.w3.org/2000/svg}g")
        if g.get("stroke")
    ]
    scale = 88 / 166
    assert pens == [
        ("#c03020", pytest.approx(6 * scale, abs=0.01), "square"),
        ("#0000ff", pytest.approx(6 * scale, abs=0.01), "butt"),
    ]
    assert sketchkit("render", "hand.svg", "-o", "o.svg", "--stroke", 3, "-f").code == 0
    assert 'stroke-width="3"' in Path("o.svg").read_text() and "#c03020" in Path("o.svg").read_text()


def test_render_tells_renderers_what_a_document_fills(
    sketchkit: Sketchkit, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "filled.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" stroke="black">'
        '<path d="M10 10h50v50h-50zM20 20h20v20h-20z" fill="teal" fill-rule="evenodd"/>'
        '<circle cx="30" cy="30" r="5" fill="white"/><linearGradient id="g"/>'
        '<path d="M70 70h20v20z" fill="url(#g)" fill-opacity=".5"/></svg>'
    )
    shown = []

    def render(self: object, pictures: object, *others: object) -> bytes:
        shown.append(pictures)
        return b"<svg/>"

    monkeypatch.setattr("sketchkit.rendering.svg.SvgRenderer.render", render)
    assert sketchkit("render", "filled.svg", "-o", "o.svg").code == 0
    ((picture,),) = shown
    found = [(area.color, area.opaque, area.even_odd, area.rings.n_strokes) for area in picture.areas]
    assert found == [("#008080", True, True, 2), (None, True, False, 1), ("#222222", False, False, 1)]
