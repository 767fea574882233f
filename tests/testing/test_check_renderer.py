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
from checking import rules_of

from sketchkit import registry
from sketchkit.errors import InputError, PluginError
from sketchkit.options import option
from sketchkit.testing import CheckFailed, check_renderer


@pytest.mark.parametrize("name", [p.full_name for p in registry.all_plugins("renderer") if p.builtin])
def test_every_renderer_of_ours_passes(name: str) -> None:
    check_renderer(name, options_too=name.endswith("svg"))


@pytest.fixture(autouse=True)
def _clock(request: pytest.FixtureRequest) -> None:
    """Only our own renderers, which may read the system's clock, are looked at two seconds later."""
    if request.function is not test_every_renderer_of_ours_passes:
        request.getfixturevalue("no_wait")


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
    ("renderer", "rule"),
    [
        (_RefusesPlain, "any sheet"),
        (_RefusesAtLength, "refusals"),
        (
            _FailsOnPages,
            "any sheet",
        ),
        (_NeedsPictures, "any sheet"),
        (_NeedsPoints, "any sheet"),
        (_NeedsTwoPoints, "any sheet"),
        (_NeedsInk, "any sheet"),
        (_PlainWords, "any sheet"),
        (_PaintsOver, "any sheet"),
        (_Missing, "any sheet"),
    ],
)
def test_a_sheet_that_is_not_drawn_is_told(renderer: Any, rule: str) -> None:
    assert rules_of(check_renderer, renderer)[0] == rule


def test_an_error_about_the_installation_is_the_fault() -> None:
    with pytest.raises(CheckFailed, match="it cannot be tried: this needs a pen: `pip install pen`"):
        check_renderer(_Missing)


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
    assert rules_of(check_renderer, renderer)[0] == "arguments unchanged"


class _Text(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> Any:
        return super().render(pictures, layout, metadata).decode()


class _Nothing(Lines):
    def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
        return super().render(pictures, layout, metadata) if pictures else b""


@pytest.mark.parametrize(
    ("renderer", "rule"),
    [
        (_Text, "bytes"),
        (_Nothing, "bytes"),
    ],
)
def test_what_is_no_file_is_told(renderer: Any, rule: str) -> None:
    assert rules_of(check_renderer, renderer) == (rule,)


def _with(more: Callable[[], Any]) -> Any:
    class Signed(Lines):
        def render(self, pictures: Any, layout: Any, metadata: Any) -> bytes:
            return super().render(pictures, layout, metadata) + repr(more()).encode()

    return Signed


@pytest.mark.parametrize(
    ("renderer", "rule"),
    [
        (_with(np.random.random), "generators untouched"),
        (_with(lambda: np.random.default_rng().random()), "same again"),
        (_with(time.monotonic_ns), "same again"),
        (_with(lambda: int(time.time())), "the clock"),
        (_with(lambda: int(time.time()) // 2), "the clock"),
        (_with(itertools.count().__next__), "same again"),
    ],
)
def test_a_file_that_is_another_each_time_is_told(renderer: Any, rule: str) -> None:
    assert rules_of(check_renderer, renderer)[0] == rule


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
    ("renderer", "rule"),
    [
        (_svg(str), "well-formed"),
        (_svg(escape, "<svg>"), "well-formed"),
    ],
)
def test_svg_that_nobody_can_read_is_told(renderer: Any, rule: str) -> None:
    assert rules_of(check_renderer, renderer) == (rule,)


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
    ("renderer", "rule"),
    [
        (
            _NoMethods,
            "a renderer",
        ),
        (_BreaksAtItsEnd, "any sheet"),
    ],
)
def test_what_is_wrong_with_a_class_or_its_options_is_told(renderer: Any, rule: str) -> None:
    assert rules_of(check_renderer, renderer) == (rule,)


@pytest.mark.parametrize(
    "suffixes",
    [(), ".lines", [".lines"], (".LINES",), ("lines",), (".",), (".tar.xz",), (".a/b",), (".lines", 3)],
)
def test_suffixes_that_cannot_end_a_file_name_are_faults(suffixes: Any) -> None:
    renderer = type("Renderer", (Lines,), {"suffixes": suffixes})
    assert rules_of(check_renderer, renderer) == ("suffixes",)
