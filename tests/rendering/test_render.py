from __future__ import annotations

import builtins
import io
import json
import struct
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from sketchkit import registry
from sketchkit.errors import InputError, PluginError, PluginWarning
from sketchkit.generate import Ending, Endings
from sketchkit.rendering import Area, Ink, Layout, Picture, Renderer, render, renderer_for
from sketchkit.rendering.animation import ApngRenderer, GifRenderer
from sketchkit.rendering.cairo import PdfRenderer, PngRenderer
from sketchkit.rendering.palette import ENDING, INK, SERIES
from sketchkit.rendering.svg import SvgRenderer
from sketchkit.sketch import Sketch

SVG = "{http://www.w3.org/2000/svg}"
LABEL = "{http://www.inkscape.org/namespaces/inkscape}label"
HOSTILE = "<script>alert('1')</script> ]]> & \" \x00\x1b \ud800 \ufffe"

SQUARE = Sketch.from_polylines([[(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]], label="square")
DOT = Sketch.from_polylines([[(5, 5)]], label="dot")
EMPTY = Sketch.from_polylines([])
FINISHED = Picture(
    (Ink(SQUARE, name="yours"), Ink(DOT, ENDING, "ending 1", width=6)),
    "finished",
    {"seed": 3, "name": HOSTILE},
)


def pixels(png: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """[H, W, 4]."""
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGBA"))


def dark(png: bytes) -> int:
    return int((pixels(png)[..., :3].max(axis=2) < 100).sum())


# --- what is shown ----------------------------------------------------------------------------------------


def test_of_an_ending_the_whole_drawing_is_shown() -> None:
    endings = Endings([Ending(SQUARE, DOT, 1.0, 0, index, 1.0, True) for index in range(2)])
    assert render(endings) == render([SQUARE, SQUARE])
    assert render(endings[0]) == render(SQUARE)
    assert render([DOT, endings[0], FINISHED]) == render([DOT, SQUARE, FINISHED])


@pytest.mark.parametrize(
    ("drawings", "complaint"),
    [
        (["cat.svg"], "^a cell of a sheet shows one drawing, not a str$"),
        ([[SQUARE]], "^a cell of a sheet shows one drawing, not a list: give one list of them all$"),
        ("cat.svg", "^a sheet shows drawings, not a str$"),
        (None, "^a sheet shows drawings, not a NoneType$"),
    ],
)
def test_what_is_no_drawing_is_not_shown(drawings: Any, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        render(drawings)


@pytest.mark.parametrize("name", ["row_labels", "column_labels"])
def test_a_string_is_no_list_of_labels(name: str) -> None:
    values: dict[str, Any] = {name: "ab"}
    with pytest.raises(InputError, match=f"^{name} must be a list of words, got one: 'ab'$"):
        render([SQUARE, SQUARE], **values)


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_areas_are_left_to_renderers_that_shade(kind: str) -> None:
    filled = Picture((Ink(SQUARE),), "square", areas=(Area(SQUARE, "red"), Area(DOT, None)))
    assert filled.with_curves("on").areas == filled.areas
    assert render(filled, renderer=kind) == render(SQUARE, renderer=kind)


def test_an_area_has_a_colour_that_svg_knows() -> None:
    assert Area(SQUARE).color == INK and Area(SQUARE, None).color is None
    with pytest.raises(InputError, match="did you mean red"):
        Area(SQUARE, "redd")


# --- SVG ----------------------------------------------------------------------------------------------


def test_each_ink_is_a_named_group_in_its_own_colour() -> None:
    root = ElementTree.fromstring(render([FINISHED, SQUARE], label=True))
    cells = root.findall(f"{SVG}g")
    assert [cell.get(LABEL) for cell in cells] == ["finished", "square"]
    inks = [
        (ink.get(LABEL), ink.get("stroke"), ink.get("stroke-width")) for ink in cells[0].findall(f"{SVG}g")
    ]
    assert inks == [("yours", INK, "2"), ("ending 1", ENDING, "6")]
    assert json.loads(cells[0].findtext(f"{SVG}metadata") or "") == {"seed": 3, "name": HOSTILE}
    assert [text.text for text in root.iter(f"{SVG}text")] == ["finished", "square"]


def test_ids_are_unique() -> None:
    root = ElementTree.fromstring(render([FINISHED] * 3))
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids)) == 9


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_hostile_captions_stay_captions(kind: str) -> None:
    picture = Picture((Ink(SQUARE, name=HOSTILE),), HOSTILE, {HOSTILE: HOSTILE})
    content = render(picture, renderer=kind, label=True, metadata={HOSTILE: HOSTILE}, cell=600)
    if kind == "svg":
        root = ElementTree.fromstring(content)
        names = ("svg", "title", "metadata", "g", "path", "text")
        assert {element.tag for element in root.iter()} == {f"{SVG}{name}" for name in names}


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_a_sheet_is_the_same_bytes_twice(kind: str) -> None:
    first, second = (render([FINISHED, DOT], renderer=kind, label=True, metadata={"a": 1}) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_nothing_to_show_is_a_sheet_of_one_empty_cell(kind: str) -> None:
    assert render([], renderer=kind)
    assert render([EMPTY], renderer=kind, label=True)


def test_a_sheet_of_no_drawings_is_blank_paper() -> None:
    png = render([], renderer="png")
    assert pixels(png).shape == (144, 144, 4)
    assert (pixels(png) == 255).all()


def test_words_are_written_only_where_asked_for() -> None:
    assert b"<text" not in render(SQUARE)
    assert b"<text" in render(SQUARE, label=True)
    assert b"<text" not in render(EMPTY, label=True)


def test_lines_are_as_wide_whatever_the_scale_of_the_drawing() -> None:
    shown = [SQUARE, SQUARE.transformed(1e6), SQUARE.transformed(1e-6)]
    paths = [path.get("d") for path in ElementTree.fromstring(render(shown, tile=(1, 3))).iter(f"{SVG}path")]
    assert [path.split("l")[1] for path in paths if path] == ["110.64 0 0 110.64 -110.64 0 0 -110.64"] * 3


def test_accents_are_colours_of_their_own() -> None:
    assert len({INK, *SERIES}) == len(SERIES) + 1


def test_the_title_and_the_labels_of_rows_and_columns_are_written_once_each() -> None:
    content = render(
        [SQUARE] * 4, title="all <four>", row_labels=["up", "down"], column_labels=["left", "right"]
    )
    root = ElementTree.fromstring(content)
    assert [text.text for text in root.iter(f"{SVG}text")] == ["all <four>", "left", "right", "up", "down"]
    assert root.findtext(f"{SVG}title") == "all <four>"


# --- PNG and PDF --------------------------------------------------------------------------------------


def test_a_png_has_the_size_that_the_layout_says() -> None:
    png = render([SQUARE] * 3, renderer="png", tile=(3, 1), cell=50, gap=5, margin=10)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", png[16:24]) == (180, 70)
    double = render([SQUARE] * 3, renderer=PngRenderer(scale=2), tile=(3, 1), cell=50, gap=5, margin=10)
    assert struct.unpack(">II", double[16:24]) == (360, 140)


def test_a_png_is_on_white_paper_unless_told_otherwise() -> None:
    assert (pixels(render(DOT, renderer="png"))[0, 0] == 255).all()
    assert pixels(render(DOT, renderer="png", background="none"))[0, 0, 3] == 0
    assert pixels(render(DOT, renderer="png", background="#0000ff"))[0, 0].tolist() == [0, 0, 255, 255]


def test_dots_can_be_seen() -> None:
    assert dark(render(DOT, renderer="png", stroke=6)) > 15
    assert dark(render(EMPTY, renderer="png", stroke=6)) == 0


def test_a_stroke_that_goes_nowhere_can_be_seen() -> None:
    assert dark(render(Sketch.from_polylines([[(5, 5), (5, 5)]]), renderer="png", stroke=6)) > 15


def test_nothing_is_drawn_on_the_margin() -> None:
    wide = "W" * 100
    shown = [Picture((Ink(sketch),), wide) for sketch in (SQUARE, DOT, SQUARE, SQUARE)]
    image = pixels(render(shown, renderer="png", label=True, stroke=8, margin=8, gap=8))
    inside = image[8:-8, 8:-8]
    assert (inside < 255).any()
    image = image.copy()
    image[8:-8, 8:-8] = 255
    assert (image == 255).all()


def test_a_png_carries_its_metadata() -> None:
    with Image.open(io.BytesIO(render(SQUARE, renderer="png", metadata={"caption": HOSTILE}))) as image:
        image.load()
        assert json.loads(image.text["sketchkit"]) == {"caption": HOSTILE}  # type: ignore[attr-defined]


def test_a_pdf_carries_its_metadata_and_no_time() -> None:
    pdf = render(SQUARE, renderer="pdf", metadata={"seed": 7})
    assert pdf.startswith(b"%PDF-") and b"CreationDate" not in pdf
    assert b'/Subject ({"seed": 7})' in pdf


@pytest.mark.parametrize(
    ("kind", "cell"), [("png", 40_000), ("png", 20_000), ("png", 0.3), ("pdf", 20_000), ("png", 1e300)]
)
def test_a_page_that_the_format_cannot_hold_is_refused(kind: str, cell: float) -> None:
    with pytest.raises(InputError, match=r"too large|empty"):
        render(SQUARE, renderer=kind, cell=cell, margin=0, stroke=0.1)


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf")])
def test_a_png_without_scale_is_refused(scale: float) -> None:
    with pytest.raises(InputError, match="scale"):
        PngRenderer(scale=scale)
    with pytest.raises(InputError, match="dpi"):
        PngRenderer(dpi=scale)


@pytest.mark.parametrize("kind", [PngRenderer, PdfRenderer])
def test_a_missing_cairo_library_says_how_to_install_it(
    kind: type[Renderer], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_import = builtins.__import__

    def without_cairo(name: str, *rest: Any) -> ModuleType:
        if name == "cairosvg":
            raise OSError('no library called "cairo-2" was found\ncannot load library')
        return plain_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_cairo)
    with pytest.raises(PluginError, match=r"apt-get install libcairo2.*brew install cairo") as caught:
        kind().render([], Layout(), {})
    assert "\n" not in str(caught.value)


def test_a_missing_cairosvg_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    with pytest.raises(PluginError, match="CairoSVG"):
        PngRenderer().render([], Layout(), {})


# --- choosing a renderer and writing a file -----------------------------------------------------------


def test_the_suffix_of_the_target_chooses_the_renderer(tmp_path: Path) -> None:
    render(SQUARE, tmp_path / "sheet.PDF")
    assert (tmp_path / "sheet.PDF").read_bytes() == render(SQUARE, renderer="pdf")
    assert (tmp_path / "sheet.PDF").read_bytes().startswith(b"%PDF-")


def test_bytes_are_handed_out_only_where_there_is_no_file(tmp_path: Path) -> None:
    told = [render(SQUARE, target, renderer="svg") for target in (None, tmp_path / "sheet.svg")]  # type: ignore[call-overload]
    assert told == [(tmp_path / "sheet.svg").read_bytes(), None]


def test_a_renderer_that_is_named_wins_over_the_suffix(tmp_path: Path) -> None:
    render(SQUARE, str(tmp_path / "sheet.png"), renderer="svg")
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"<?xml")


def test_a_file_that_exists_is_kept_where_it_must_be(tmp_path: Path) -> None:
    render(SQUARE, tmp_path / "sheet.svg")
    before = (tmp_path / "sheet.svg").read_bytes()
    with pytest.raises(InputError, match="exists"):
        render(DOT, tmp_path / "sheet.svg", overwrite=False)
    assert (tmp_path / "sheet.svg").read_bytes() == before


def test_no_file_is_written_when_drawing_fails(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        render([SQUARE] * 2, tmp_path / "sheet.svg", tile=(1, 1))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", ["sheet.bmp", "sheet"])
def test_a_suffix_that_nobody_writes_names_those_that_somebody_does(target: str) -> None:
    with pytest.raises(InputError, match=r"nothing renders .*\.svg"):
        render(SQUARE, target)


class Mute:
    suffixes = None


class Failing:
    suffixes = (".odd",)

    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        raise KeyError("nothing")


class Choosy(Failing):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        raise InputError("no squares")


class Wordy(Failing):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> Any:
        return "words"


class Unmakeable(Failing):
    def __init__(self) -> None:
        raise ValueError("not today\nnor tomorrow")


def _install(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    """Add renderers of other distributions."""
    own = registry._plugins("renderer", True)
    strangers = tuple(
        registry.Plugin(
            "renderer",
            name,
            f"{name}-plugin",
            EntryPoint(name, value if ":" in value else f"{__name__}:{value}", "sketchkit.renderers"),
        )
        for name, value in values.items()
    )
    monkeypatch.setattr(registry, "_plugins", lambda kind, allowed: own + strangers)


class Loud:
    suffixes: ClassVar[tuple[str, ...]] = (".txt", ".svg")

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        return b"loud"


def test_a_plugin_renders_its_own_suffixes_and_a_broken_one_hurts_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _install(monkeypatch, broken="no_such_module:X", loud="Loud", mute="Mute")
    assert render([SQUARE], renderer="loud") == b"loud"
    with pytest.warns(PluginWarning, match="the renderer broken-plugin:broken cannot be loaded"):
        assert renderer_for(".txt")().render([], Layout(), {}) == b"loud"
    assert renderer_for(".svg") is SvgRenderer
    with pytest.raises(
        InputError, match=r"nothing renders \.jpg: there are \.apng, \.gif, \.pdf, \.png, \.svg, \.txt"
    ):
        renderer_for(".jpg")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Failing", "failed: KeyError: 'nothing'"),
        ("Unmakeable", "failed: ValueError: not today"),
        ("Wordy", "drew a str, not the bytes of a file"),
    ],
)
def test_a_stranger_who_fails_is_named(monkeypatch: pytest.MonkeyPatch, name: str, reason: str) -> None:
    _install(monkeypatch, odd=name)
    with pytest.raises(PluginError) as failed:
        render([SQUARE], renderer="odd")
    assert str(failed.value) == f"the renderer odd-plugin:odd {reason}"


def test_a_stranger_may_refuse_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch, odd="Choosy")
    with pytest.raises(InputError, match=r"^no squares$"):
        render([SQUARE], renderer="odd")


@pytest.mark.parametrize("kind", [SvgRenderer, PngRenderer, PdfRenderer, GifRenderer, ApngRenderer])
def test_our_renderers_are_renderers(kind: type[Renderer]) -> None:
    assert isinstance(kind(), Renderer)
    assert renderer_for(kind.suffixes[0]) is kind
