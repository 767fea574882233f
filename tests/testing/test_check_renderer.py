"""The check of renderers: each rule, broken by a renderer of its own."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar
from xml.sax.saxutils import escape

import numpy as np
import pytest
from checking import fault_of, faults_of

from sketchkit import registry
from sketchkit.errors import InputError, PluginError
from sketchkit.options import option
from sketchkit.testing import check_renderer


@pytest.mark.parametrize("name", [p.full_name for p in registry.all_plugins("renderer") if p.builtin])
def test_every_renderer_of_ours_passes(name: str) -> None:
    check_renderer(name, options_too=name.endswith("svg"))


@dataclass(frozen=True)
class Lines:
    """Says in text where each point is."""

    suffixes: ClassVar[tuple[str, ...]] = (".lines",)

    digits: int = option(2, "digits after the point", low=0, high=6)

    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        sheet = layout.arrange(pictures)
        out = [json.dumps(dict(metadata), sort_keys=True), f"{sheet.width} {sheet.height}"]
        for picture, place in zip(pictures, sheet.places, strict=True):
            for ink in picture.inks:
                out.append(str(place.apply(ink.sketch.points).round(self.digits).tolist()))
        return "\n".join(out).encode()


def test_a_renderer_that_somebody_else_wrote_passes() -> None:
    check_renderer(Lines)


class _Refuses(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        if layout.title or layout.page or layout.background == "none" or layout.tile:
            raise InputError("only plain sheets are drawn: leave out labels and papers")
        return super().render(pictures, layout, metadata)


def test_a_sheet_that_the_format_cannot_hold_may_be_refused() -> None:
    check_renderer(_Refuses())


class _RefusesPlain(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        if len(pictures) > 1:
            raise InputError("one picture a file")
        return super().render(pictures, layout, metadata)


class _RefusesAtLength(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        if layout.page:
            raise InputError("no pages\nat all")
        return super().render(pictures, layout, metadata)


class _FailsOnPages(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        if layout.page:
            raise NotImplementedError
        return super().render(pictures, layout, metadata)


class _NeedsPictures(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        return super().render([pictures[0], *pictures[1:]], layout, metadata)


class _NeedsPoints(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        [ink.sketch.points[0] for picture in pictures for ink in picture.inks]
        return super().render(pictures, layout, metadata)


class _NeedsTwoPoints(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        for ink in itertools.chain(*(picture.inks for picture in pictures)):
            for line in ink.sketch.to_polylines():
                line[1]
        return super().render(pictures, layout, metadata)


class _NeedsInk(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        [picture.inks[0] for picture in pictures]
        return super().render(pictures, layout, metadata)


class _PlainWords(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        json.dumps(dict(metadata), ensure_ascii=False).encode("latin-1")
        return super().render(pictures, layout, metadata)


class _PaintsOver(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        for picture in pictures:
            for ink in picture.inks:
                ink.sketch.stroke5[:, :2] *= 2.0
        return super().render(pictures, layout, metadata)


class _Missing(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        raise PluginError("this needs a pen: `pip install pen` gets one")


@pytest.mark.parametrize(
    ("renderer", "words"),
    [
        (_RefusesPlain, "it raises InputError: one picture a file for twelve pictures: draw any pictures"),
        (_RefusesAtLength, r"it refuses a page of A4 by 'no pages\nat all': say in one line"),
        (
            _FailsOnPages,
            "it raises NotImplementedError for a page of A4: draw any pictures on any ",
        ),
        (_NeedsPictures, "it raises IndexError: list index out of range for no picture: draw any"),
        (_NeedsPoints, "for an empty drawing: draw any"),
        (_NeedsTwoPoints, "IndexError: index 1 is out of bounds for axis 0 with size 1 for one picture"),
        (_NeedsInk, "for a picture without ink: draw any"),
        (_PlainWords, "UnicodeEncodeError: 'latin-1' codec"),
        (_PaintsOver, "read-only"),
        (_Missing, "it cannot be tried: this needs a pen: `pip install pen` gets one"),
    ],
)
def test_a_sheet_that_is_not_drawn_is_told(renderer: Any, words: str) -> None:
    fault = faults_of(check_renderer, renderer)[0]
    assert words.replace(r"\n", "\\n") in fault, fault


class _Pops(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        out = super().render(pictures, layout, metadata)
        del pictures[:]
        return out


class _Signs(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        out = super().render(pictures, layout, metadata)
        metadata["made by"] = "me"
        return out


class _SignsDeep(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        for picture in pictures:
            if picture.metadata:
                picture.metadata["settings"]["words"].pop()
        return super().render(pictures, layout, metadata)


@pytest.mark.parametrize("renderer", [_Pops, _Signs, _SignsDeep])
def test_a_renderer_that_changes_its_arguments_is_told(renderer: Any) -> None:
    assert "it changes its pictures or metadata: work on copies" in faults_of(check_renderer, renderer)[0]


class _Text(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> Any:
        return super().render(pictures, layout, metadata).decode()


class _Nothing(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        return super().render(pictures, layout, metadata) if pictures else b""


@pytest.mark.parametrize(
    ("renderer", "words"),
    [
        (_Text, "render gives a str for no picture: return bytes, the whole file"),
        (_Nothing, "render gives no bytes for no picture: return a whole file"),
    ],
)
def test_what_is_no_file_is_told(renderer: Any, words: str) -> None:
    assert words in fault_of(check_renderer, renderer)


def _with(more: Callable[[], Any]) -> Any:
    class Signed(Lines):
        def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
            return super().render(pictures, layout, metadata) + repr(more()).encode()

    return Signed


@pytest.mark.parametrize(
    ("renderer", "words"),
    [
        (_with(np.random.random), "it draws from the global generator of numpy.random: take numbers from"),
        (_with(lambda: np.random.default_rng().random()), "equal arguments give other bytes the second time"),
        (_with(time.monotonic_ns), "look at no clock"),
        (_with(lambda: int(time.time())), "other bytes two seconds later: leave the time of day out"),
        (_with(lambda: int(time.time()) // 2), "other bytes two seconds later: leave the time of day out"),
        (_with(itertools.count().__next__), "remember nothing between calls"),
    ],
)
def test_a_file_that_is_another_each_time_is_told(renderer: Any, words: str) -> None:
    assert words in faults_of(check_renderer, renderer)[0]


def _svg(words: Callable[[str], str], begin: str = '<svg xmlns="http://www.w3.org/2000/svg">') -> Any:
    class Svg(Lines):
        suffixes: ClassVar[tuple[str, ...]] = (".svg",)

        def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
            layout.arrange(pictures)
            captions = "".join(words(picture.caption or "") for picture in pictures)
            end = begin[:4] + ">"
            return f"{begin}{captions}</{end[1:]}".encode()

    return Svg


@pytest.mark.parametrize(
    ("renderer", "words"),
    [
        (_svg(str), "its SVG of two inks with odd words is no XML (ParseError: "),
        (_svg(escape, "<svg>"), "its SVG begins with <svg>: begin with <svg> in the namespace of SVG"),
    ],
)
def test_svg_that_nobody_can_read_is_told(renderer: Any, words: str) -> None:
    assert words in fault_of(check_renderer, renderer)


def test_svg_whose_words_are_marked_up_passes() -> None:
    check_renderer(_svg(escape))


class _NoMethods:
    suffixes: ClassVar[tuple[str, ...]] = (".x",)


class _BreaksAtItsEnd(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        if self.digits == 6:
            raise ZeroDivisionError("six")
        return super().render(pictures, layout, metadata)


@pytest.mark.parametrize(
    ("renderer", "words"),
    [
        (
            _NoMethods,
            "an object of the type _NoMethods has no render: give it render(pictures, layout, ",
        ),
        (_BreaksAtItsEnd, "ZeroDivisionError: six for one picture with digits=6: draw any"),
    ],
)
def test_what_is_wrong_with_a_class_or_its_options_is_told(renderer: Any, words: str) -> None:
    assert words in fault_of(check_renderer, renderer)


@pytest.mark.parametrize(
    ("suffixes", "words"),
    [
        ((), "its suffixes are (): name them in a tuple of the class"),
        (".lines", "its suffixes are '.lines': name them in a tuple"),
        ([".lines"], "its suffixes are ['.lines']: name them in a tuple"),
        ((".LINES",), "'.LINES' is no suffix that a file's name is told by: write it in lower case with one"),
        (("lines",), "'lines' is no suffix"),
        ((".",), "'.' is no suffix"),
        ((".tar.xz",), "'.tar.xz' is no suffix"),
        ((".a/b",), "'.a/b' is no suffix"),
        ((".lines", 3), "3 is no suffix"),
    ],
)
def test_suffixes_that_no_file_is_told_by_are_told(suffixes: Any, words: str) -> None:
    renderer = type("Renderer", (Lines,), {"suffixes": suffixes})
    assert words in fault_of(check_renderer, renderer)
