"""What must hold of a renderer."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from sketchkit.errors import InputError
from sketchkit.rendering import Ink, Layout, Picture, Renderer
from sketchkit.testing.chance import chance, check_pure
from sketchkit.testing.faults import Faults, in_a_line
from sketchkit.testing.samples import DOT, EMPTY, FACE, ODD_WORDS, many
from sketchkit.testing.taking import Taken, check_suffixes, taken, variants

__all__ = ["check_renderer"]

_ADVICE = "draw any pictures on any sheet, or refuse a sheet by InputError that the format cannot hold"


@dataclass(frozen=True)
class _Trial:
    """Pictures on a sheet.

    Args:
        told: what they are, in words.
        pictures: what the cells show.
        layout: how they are set out.
        metadata: of the sheet.
        plain: whether every renderer must draw them.
    """

    told: str
    pictures: list[Picture]
    layout: Layout = field(default_factory=Layout)
    metadata: dict[str, Any] = field(default_factory=dict)
    plain: bool = True


def check_renderer(plugin: Any, *, options_too: bool = True) -> None:
    """Try a renderer.

    Its suffixes are such as a file's name can end in; its options have defaults within their ranges and can
    be set to the ends of these. `render` gives bytes, of no, one and twelve pictures, of drawings with many
    points, one and none; the same bytes for the same arguments, today and tomorrow, whatever the global
    generators hold; it writes to none of its arguments. Captions and metadata may hold any text. Titles,
    labels, papers, tiles and backgrounds it draws or refuses by `InputError`. What it writes for `.svg` is
    well-formed.

    Args:
        plugin: a name as registered, the class, or an object that is made.
        options_too: whether a class is tried at the ends of its options' ranges, too; there it may refuse a
            sheet by `InputError`.

    Raises:
        CheckFailed: one line a fault.
        PluginError: no plugin of that name, or several.
    """
    faults = Faults()
    with chance(0):  # which puts back what the renderer draws from
        found = taken("renderer", plugin, faults)
        if found is not None:
            _check(found, faults, options_too)
    faults.close()


def _check(found: Taken, faults: Faults, options_too: bool) -> None:
    check_suffixes(found.cls, faults)
    if not callable(getattr(found.made, "render", None)):
        kind = type(found.made).__name__
        advice = "give it render(pictures, layout, metadata) -> bytes"
        faults.add("a renderer", f"an object of the type {kind} has no render: {advice}")
        return
    begun = time.monotonic()
    drawn = {}
    for trial in _trials():
        content = _rendered(found.made, trial, faults)
        if content is not None:
            drawn[trial.told] = content
            _check_document(content, trial, found.cls, faults)
    trials = {trial.told: trial for trial in _trials()}
    if options_too and not found.given:
        for shown, variant in variants(found.cls, faults):
            trial = trials["one picture"]
            _rendered(variant, _Trial(f"one picture with {shown}", trial.pictures, plain=False), faults)
    if not len(faults):
        _check_same(found.made, trials["twelve pictures"], faults)
        _check_later(found.made, trials["one picture"], drawn["one picture"], begun, faults)


def _trials() -> Iterator[_Trial]:
    """Sheets to draw, made anew."""
    one, dozen = [Picture.of(FACE)], [Picture.of(sketch) for sketch in many(12)]
    words = {"title": ODD_WORDS, "settings": {"seed": 1, "words": [ODD_WORDS, None, 0.5]}}
    both = Picture((Ink(FACE, "#ccc", "given", width=4.0), Ink(DOT, "red", ODD_WORDS)), ODD_WORDS, words)
    yield _Trial("no picture", [])
    yield _Trial("one picture", one)
    yield _Trial("a drawing of one point", [Picture.of(DOT)])
    yield _Trial("an empty drawing", [Picture.of(EMPTY)])
    yield _Trial("a picture without ink", [Picture(())])
    yield _Trial("twelve pictures", dozen, Layout(label=True))
    yield _Trial("two inks with odd words", [both], Layout(label=True), words)
    yield _Trial(
        "a tile of 4x3", dozen, Layout(tile=(4, 3), scale="common", gap=0.0, margin=0.0), plain=False
    )
    labels = Layout(
        tile=(4, 3), title=ODD_WORDS, row_labels=("a", ODD_WORDS, ""), column_labels=("1", "2", "3", "4")
    )
    yield _Trial("title and labels", dozen, labels, plain=False)
    yield _Trial("a page of A4", dozen, Layout.on_page("A4", label=True), plain=False)
    yield _Trial("transparent paper", one, Layout(background="none"), plain=False)
    yield _Trial("coloured paper", one, Layout(background="#fed"), plain=False)


def _rendered(renderer: Renderer, trial: _Trial, faults: Faults) -> bytes | None:
    """The bytes of a sheet, if that is what it gives."""
    before = (
        list(trial.pictures),
        copy.deepcopy(trial.metadata),
        copy.deepcopy([p.metadata for p in trial.pictures]),
    )
    content: Any = None
    with faults.during("any sheet", f"for {trial.told}", _ADVICE):
        try:
            content = renderer.render(trial.pictures, trial.layout, trial.metadata)
        except InputError as error:
            if not trial.plain:
                _check_refusal(error, trial, faults)
                return None
            raise
    if faults.broken("any sheet"):
        return None
    if before != (trial.pictures, trial.metadata, [p.metadata for p in trial.pictures]):
        faults.add(
            "arguments unchanged", "it changes its pictures or metadata: work on copies, as of dict(metadata)"
        )
    if not isinstance(content, bytes):
        kind = type(content).__name__
        faults.add("bytes", f"render gives a {kind} for {trial.told}: return bytes, the whole file")
        return None
    if not content:
        faults.add(
            "bytes", f"render gives no bytes for {trial.told}: return a whole file, of empty paper if need be"
        )
        return None
    return content


def _check_refusal(error: InputError, trial: _Trial, faults: Faults) -> None:
    if len(str(error).splitlines()) != 1:
        advice = "say in one line what cannot be drawn and what can"
        faults.add("refusals", f"it refuses {trial.told} by {str(error)!r}: {advice}", error)


def _check_document(content: bytes, trial: _Trial, cls: Any, faults: Faults) -> None:
    if ".svg" not in getattr(cls, "suffixes", ()):
        return
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        advice = "mark up every text that it writes"
        faults.add("well-formed", f"its SVG of {trial.told} is no XML ({in_a_line(error)}): {advice}", error)
        return
    if root.tag != "{http://www.w3.org/2000/svg}svg":
        faults.add(
            "well-formed", f"its SVG begins with <{root.tag}>: begin with <svg> in the namespace of SVG"
        )


def _check_same(renderer: Renderer, trial: _Trial, faults: Faults) -> None:
    def run() -> bytes:
        return renderer.render(trial.pictures, trial.layout, trial.metadata)

    with faults.during("any sheet", f"for {trial.told} the second time", _ADVICE):
        check_pure(run, "bytes", "take numbers from a generator of your own with a seed", faults)


def _check_later(renderer: Renderer, trial: _Trial, before: bytes, begun: float, faults: Faults) -> None:
    """The same bytes once the clock has gone on, by two seconds for formats that count no finer."""
    time.sleep(max(0.0, 2.1 - (time.monotonic() - begun)))
    with faults.during("any sheet", f"for {trial.told} later on", _ADVICE):
        if renderer.render(trial.pictures, trial.layout, trial.metadata) != before:
            faults.add(
                "the clock", "the same sheet gives other bytes two seconds later: leave the time of day out"
            )
