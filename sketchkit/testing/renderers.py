"""The contract of renderers."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from sketchkit.errors import InputError
from sketchkit.rendering import Ink, Layout, Picture, Renderer
from sketchkit.testing.faults import Faults, check_pure, collect_faults, in_a_line, seed_generators
from sketchkit.testing.fixtures import DOT, EMPTY, FACE, ODD_WORDS, make_drawings
from sketchkit.testing.result import Subject, check_suffixes, make_plugin

__all__ = ["check_renderer"]

_ADVICE = "draw any pictures on any sheet, or refuse by InputError a sheet that the format cannot hold"


@dataclass(frozen=True)
class _Sheet:
    """The arguments of `render`; a plain sheet must be drawn by every renderer, others may be refused."""

    name: str
    pictures: list[Picture]
    layout: Layout = field(default_factory=Layout)
    metadata: dict[str, Any] = field(default_factory=dict)
    plain: bool = True


def check_renderer(plugin: Any, *, options_too: bool = True) -> None:
    """Try a renderer.

    Its suffixes can end a file's name; its options have defaults within their ranges and can be set to the
    ends of these. `render` returns bytes for zero, one and twelve pictures, and for drawings of many points,
    one point and zero points; the bytes depend on the arguments alone, neither on the clock nor on the global
    generators; the arguments stay unchanged. Captions and metadata may hold any text. Titles, labels, papers,
    tiles and backgrounds are drawn, or refused by `InputError`. Files for `.svg` are well-formed.

    Args:
        plugin: a name as registered, the class, or an object.
        options_too: whether a class is tried at the ends of its options' ranges, where it may refuse a sheet
            by `InputError`.

    Raises:
        CheckFailed: one line a fault.
        PluginError: an unknown or ambiguous name.
    """
    with seed_generators(0), collect_faults() as faults:
        _check(make_plugin("renderer", plugin, faults), faults, options_too)


def _check(subject: Subject, faults: Faults, options_too: bool) -> None:
    renderer = subject.made
    check_suffixes(subject.cls, faults)
    problem = f"a {type(renderer).__name__} lacks render"
    advice = "define render(pictures, layout, metadata) -> bytes"
    faults.require(callable(getattr(renderer, "render", None)), "a renderer", f"{problem}: {advice}")
    begun = time.monotonic()
    files = {}
    for sheet in _make_sheets():
        content = _render(renderer, sheet, faults)
        if content is not None:
            files[sheet.name] = content
            if ".svg" in getattr(subject.cls, "suffixes", ()):
                _check_svg(content, sheet, faults)
    sheets = {sheet.name: sheet for sheet in _make_sheets()}
    one = sheets["one picture"]
    if options_too:
        for situation, variant in subject.variants(faults):
            _render(variant, _Sheet(f"one picture {situation}", one.pictures, plain=False), faults)
    faults.stop_if_any()
    _check_same(renderer, sheets["twelve pictures"], faults)
    _check_later(renderer, one, files[one.name], begun, faults)


def _make_sheets() -> list[_Sheet]:
    one, dozen = [Picture.of(FACE)], [Picture.of(sketch) for sketch in make_drawings(12)]
    words = {"title": ODD_WORDS, "settings": {"seed": 1, "words": [ODD_WORDS, None, 0.5]}}
    both = Picture((Ink(FACE, "#ccc", "given", width=4.0), Ink(DOT, "red", ODD_WORDS)), ODD_WORDS, words)
    tiles = Layout(tile=(4, 3), scale="common", gap=0.0, margin=0.0)
    labels = Layout(
        tile=(4, 3), title=ODD_WORDS, row_labels=("a", ODD_WORDS, ""), column_labels=("1", "2", "3", "4")
    )
    return [
        _Sheet("no picture", []),
        _Sheet("one picture", one),
        _Sheet("a drawing of one point", [Picture.of(DOT)]),
        _Sheet("an empty drawing", [Picture.of(EMPTY)]),
        _Sheet("a picture without ink", [Picture(())]),
        _Sheet("twelve pictures", dozen, Layout(label=True)),
        _Sheet("two inks with odd words", [both], Layout(label=True), words),
        _Sheet("a tile of 4x3", dozen, tiles, plain=False),
        _Sheet("title and labels", dozen, labels, plain=False),
        _Sheet("a page of A4", dozen, Layout.on_page("A4", label=True), plain=False),
        _Sheet("transparent paper", one, Layout(background="none"), plain=False),
        _Sheet("coloured paper", one, Layout(background="#fed"), plain=False),
    ]


def _render(renderer: Renderer, sheet: _Sheet, faults: Faults) -> bytes | None:
    """The file of a sheet; None where it is refused or invalid."""

    def copy_arguments() -> Any:
        every = [sheet.metadata, *(picture.metadata for picture in sheet.pictures)]
        return list(sheet.pictures), copy.deepcopy(every)

    before = copy_arguments()
    with faults.during("any sheet", f"for {sheet.name}", _ADVICE):
        try:
            content: Any = renderer.render(sheet.pictures, sheet.layout, sheet.metadata)
        except InputError as error:
            if sheet.plain:
                raise
            if len(str(error).splitlines()) != 1:
                faults.add("refusals", f"it refuses by {str(error)!r}: give the reason in one line", error)
            return None
        if before != copy_arguments():
            faults.add("arguments unchanged", "it changes its pictures or metadata: work on copies")
        if isinstance(content, bytes) and content:
            return content
        given = "zero bytes" if isinstance(content, bytes) else f"a {type(content).__name__}"
        faults.add("bytes", f"render returns {given}: return the bytes of a whole file, blank if need be")
    return None


def _check_svg(content: bytes, sheet: _Sheet, faults: Faults) -> None:
    try:
        tag = ElementTree.fromstring(content).tag
    except ElementTree.ParseError as error:
        problem = f"its SVG of {sheet.name} is invalid XML ({in_a_line(error)})"
        faults.add("well-formed", f"{problem}: escape all text", error)
        return
    if tag != "{http://www.w3.org/2000/svg}svg":
        faults.add("well-formed", f"its SVG begins with <{tag}>: begin with <svg> in the namespace of SVG")


def _check_same(renderer: Renderer, sheet: _Sheet, faults: Faults) -> None:
    with faults.during("any sheet", f"for {sheet.name} the second time", _ADVICE):
        advice = "take numbers from a generator of your own with a seed"
        check_pure(
            lambda: renderer.render(sheet.pictures, sheet.layout, sheet.metadata), "bytes", advice, faults
        )


def _check_later(renderer: Renderer, sheet: _Sheet, before: bytes, begun: float, faults: Faults) -> None:
    """Compare with a file of two seconds ago: some formats store time in steps of two seconds."""
    time.sleep(max(0.0, 2.1 - (time.monotonic() - begun)))
    with faults.during("any sheet", f"for {sheet.name} later on", _ADVICE):
        if renderer.render(sheet.pictures, sheet.layout, sheet.metadata) != before:
            faults.add("the clock", "the bytes are others two seconds later: leave the time of day out")
