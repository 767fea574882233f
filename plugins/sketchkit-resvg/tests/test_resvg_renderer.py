"""PNG by resvg beside sketchkit's own."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sketchkit_resvg import fonts
from sketchkit_resvg.renderer import ResvgRenderer

from sketchkit import InputError, PluginError, Sketch
from sketchkit.rendering import Ink, Layout, Picture, make_renderer
from sketchkit.testing import check_renderer

FACE = Sketch.from_polylines(
    [[(0, 0), (60, -20), (100, 30), (90, 90), (30, 100), (-10, 50), (0, 0)], [(30, 30)], [(25, 65), (75, 62)]]
)
SHEET = [Picture((Ink(FACE),), "one"), Picture((Ink(FACE, "#0072B2", width=4.0),), "two")]


def opened(png):
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB")).astype(int), dict(image.info)


def drawn(layout, metadata=None, **options):
    return opened(ResvgRenderer(**options).render(SHEET, layout, metadata or {}))


def own(layout, **options):
    return opened(make_renderer("png", options).render(SHEET, layout, {}))[0]


def test_it_keeps_what_every_renderer_promises():
    # The largest scale alone would be a sheet of 200 million pixels, which it refuses.
    check_renderer(ResvgRenderer)


@pytest.mark.parametrize("options", [{}, {"scale": 2.0}, {"scale": 1.5, "dpi": 192.0}])
def test_it_draws_what_sketchkit_draws(options):
    layout = Layout(cell=100)
    ours, theirs = drawn(layout, **options)[0], own(layout, **options)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).mean() < 0.5
    assert (ours < 128).any()


@pytest.mark.parametrize("background", ["#fe8", "navy"])
def test_paper_has_its_colour(background):
    layout = Layout(cell=100, background=background)
    assert (drawn(layout)[0][0, 0] == own(layout)[0, 0]).all()


def test_what_is_transparent_stays_so():
    png = ResvgRenderer().render(SHEET, Layout(background="none"), {})
    with Image.open(io.BytesIO(png)) as image:
        assert image.getchannel("A").getextrema() == (0, 255)


def test_a_page_has_its_size_and_says_it():
    layout = Layout.on_page("A5")
    ours, info = drawn(layout, dpi=192.0)
    theirs = own(layout, dpi=192.0)
    assert np.abs(np.array(ours.shape) - theirs.shape).max() <= 1
    assert info["dpi"] == pytest.approx((192, 192), rel=1e-3)


def test_the_file_carries_its_provenance():
    metadata = {"seed": 3, "what": "caf\u00e9", "values": np.arange(3)}
    assert json.loads(drawn(Layout(), metadata)[1]["sketchkit"]) == {**metadata, "values": [0, 1, 2]}


def test_words_are_written_as_sketchkit_writes_them():
    layout = Layout(cell=100, label=True, title="Faces", row_labels=("row",), column_labels=("a", "b"))
    ours, theirs = drawn(layout)[0], own(layout)
    blank = drawn(Layout(cell=100, label=True))[0]
    assert ours.shape == theirs.shape != blank.shape
    title = np.s_[8:22]
    assert (ours[title] < 128).any()
    # Which font each of them finds is the system's affair, but the same words are about as much ink.
    assert 0.5 < (255 - ours[title]).sum() / (255 - theirs[title]).sum() < 2.0


def test_a_font_can_be_given_as_a_file(tmp_path):
    ttf = _any_font(tmp_path)
    layout = Layout(cell=100, title="Faces")
    named = drawn(layout, font=str(ttf))[0]
    assert (named[8:22] < 128).any()


def test_a_font_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="no font 'No Such Family' is installed"):
        drawn(Layout(title="x"), font="No Such Family")
    with pytest.raises(InputError, match=r"nowhere\.ttf: no font can be read"):
        drawn(Layout(), font="nowhere.ttf")


def test_words_without_any_font_are_refused_and_drawings_without_words_are_not(monkeypatch):
    monkeypatch.setattr(fonts, "USUAL", ("No Such Family",))
    fonts._usual.cache_clear()
    try:
        with pytest.raises(PluginError, match="resvg finds no font"):
            drawn(Layout(title="x"))
        assert (drawn(Layout())[0] < 128).any()
    finally:
        fonts._usual.cache_clear()


def test_a_sheet_that_is_too_large_is_refused_before_resvg_can_end_the_process():
    with pytest.raises(InputError, match="too large"):
        drawn(Layout(cell=5000), scale=3.0)
    with pytest.raises(InputError, match="is empty"):
        drawn(Layout(cell=20), scale=0.01)


def test_it_works_where_cairo_is_missing():
    script = """
import sys
from pathlib import Path
sys.modules["cairosvg"] = None
from sketchkit import Sketch, PluginError
from sketchkit.rendering import Ink, Layout, Picture, make_renderer
from sketchkit_resvg.renderer import ResvgRenderer
one = [Picture((Ink(Sketch.from_polylines([[(0, 0), (9, 9)]])),))]
try:
    make_renderer("png").render(one, Layout(), {})
except PluginError:
    sys.stdout.buffer.write(ResvgRenderer().render(one, Layout(), {}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert opened(done.stdout)[0].shape == (144, 144, 3)


def _any_font(folder):
    """A copy of a font that is installed here, under a name that no system knows."""
    from PIL import ImageFont

    for name in ("DejaVuSerif.ttf", "DejaVuSans.ttf", "LiberationSans-Regular.ttf", "Arial.ttf", "arial.ttf"):
        try:
            path = ImageFont.truetype(name).path
        except OSError:
            continue
        copy = folder / "font.ttf"
        copy.write_bytes(Path(path).read_bytes())
        return copy
    pytest.skip("no font is installed here")
