"""The names of colours, each shown by two readers of SVG that know nothing of each other."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image

from sketchkit import svgdoc
from sketchkit.errors import InputError
from sketchkit.rendering import Ink, render
from sketchkit.sketch import Sketch
from sketchkit.svgdoc.strings import check_color, color_names

LINE = Sketch.from_polylines([[(1, 2), (3, 4)]])


def first_pixel(png: bytes) -> tuple[int, ...]:
    with Image.open(io.BytesIO(png)) as image:
        found = image.convert("RGBA").getpixel((0, 0))
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize("change", [str.lower, str.upper])
def test_every_name_is_the_same_colour_to_every_reader(change: Callable[[str], str]) -> None:
    cairosvg, resvg = pytest.importorskip("cairosvg"), pytest.importorskip("resvg_py")
    assert len(color_names()) == 147
    for name in sorted(color_names()):
        page = svgdoc.document((1, 1), background=change(name))
        svg = svgdoc.to_text(page)
        one = first_pixel(cairosvg.svg2png(bytestring=svg.encode()))
        assert one == first_pixel(bytes(resvg.svg_to_bytes(svg_string=svg))), name
        assert one[3] == 255 and (one[:3] != (0, 0, 0) or name == "black"), name


@pytest.mark.parametrize("color", ["#fff", "#FFFFFF", "White"])
def test_white_can_be_said_in_several_ways(color: str) -> None:
    assert first_pixel(render(LINE, renderer="png", background=color)) == (255, 255, 255, 255)


def test_none_is_for_paper_alone() -> None:
    assert check_color("none", none=True) == "none"
    with pytest.raises(InputError, match="colour"):
        Ink(LINE, "none")


def test_a_word_that_is_no_colour_is_named_with_the_nearest_that_is_one() -> None:
    with pytest.raises(InputError, match=r"got 'ivori'; did you mean ivory\?"):
        render(LINE, background="ivori")
    with pytest.raises(InputError, match=r"got 'nonsense'$"):
        render(LINE, background="nonsense")
