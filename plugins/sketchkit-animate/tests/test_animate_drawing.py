"""Sheets that draw themselves, read again by Pillow."""

import io
import json
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageColor
from sketchkit_animate.drawing import PenApng, PenGif, PenWebp

from sketchkit import InputError, Sketch, options
from sketchkit.rendering import Ink, Layout, Picture
from sketchkit.testing import check_renderer

PENS = [PenGif, PenApng, PenWebp]
LAYOUT = Layout(cell=96)
SHORT = {"seconds": 1.0, "fps": 10, "hold": 0.5}

#: Of the options, in films of few frames.
ENDS = [
    *({"seconds": 0.1}, {"seconds": 120, "fps": 1}, {"hold": 0.0}, {"hold": 120, "fps": 1}),
    *({"order": "in-turn"}, {"scale": 0.1}, {"scale": 8.0}, {"loop": False}),
]
FASTEST = {PenGif: 50, PenApng: 60, PenWebp: 60}

pens = pytest.mark.parametrize("pen", PENS)


def darkness(frame):
    return 255 * 3 - frame.astype(int).sum(axis=2)


@pens
def test_it_keeps_what_every_renderer_promises(pen):
    # What it draws at the ends of its options, whose films are long otherwise, is seen below.
    check_renderer(pen(**SHORT))


def test_the_options_are_those_whose_ends_are_drawn():
    tried = {name for option in ENDS for name in option}
    for pen in PENS:
        assert {each.name for each in options.describe(pen)} == tried
        assert pen().fps <= FASTEST[pen]


@pytest.mark.parametrize(
    ("pen", "option"),
    [(pen, option) for pen in PENS for option in (*ENDS, {"fps": FASTEST[pen]})],
    ids=str,
)
def test_it_draws_at_the_ends_of_its_options(pen, option, sheet, taken_apart):
    film = taken_apart(pen(**{**SHORT, **option}).render(sheet, Layout(cell=24), {}))
    assert film.frames and all(time > 0 for time in film.times)


@pens
def test_the_last_frame_is_the_sheet_that_sketchkit_draws(pen, sheet, taken_apart, finished_png):
    last = taken_apart(pen(**SHORT).render(sheet, LAYOUT, {})).frames[-1]
    still = finished_png(sheet, LAYOUT)
    assert last.shape == still.shape
    assert np.abs(last.astype(int) - still).mean() < 0.5
    # The same mean over pixels with any ink: lines are where they belong, as dark as they should be.
    inked = (still < 250).any(axis=2)
    assert np.abs(last.astype(int) - still)[inked].mean() < 12


@pens
def test_frames_are_one_a_moment_and_the_last_one_is_held(pen, sheet, taken_apart):
    film = taken_apart(pen(**SHORT).render(sheet, LAYOUT, {}))
    assert len(film.frames) == 10
    assert film.times == [100] * 9 + [600]


@pens
@pytest.mark.parametrize("order", ["together", "in-turn"])
def test_frames_only_ever_add_ink(pen, order, sheet, taken_apart):
    # One colour only: where inks cross, a light one may lie over a dark one.
    black = [Picture(tuple(Ink(ink.sketch) for ink in picture.inks)) for picture in sheet]
    frames = taken_apart(pen(**SHORT, order=order).render(black, LAYOUT, {})).frames
    for before, after in pairwise(frames):
        assert (darkness(after) >= darkness(before)).all()
        assert (darkness(after) > darkness(before)).any()


@pens
def test_the_first_frame_shows_no_more_than_the_first_moment(pen, sheet, taken_apart):
    first, *_, last = taken_apart(pen(seconds=2.0, fps=20).render(sheet, LAYOUT, {})).frames
    assert 0 < darkness(first).sum() < 0.1 * darkness(last).sum()


@pens
def test_drawings_in_turn_wait_for_each_other(pen, sheet, taken_apart):
    frames = taken_apart(pen(**SHORT, order="in-turn").render(sheet, LAYOUT, {})).frames
    left, right = slice(0, 104), slice(108, None)
    begun = next(i for i, frame in enumerate(frames) if darkness(frame[:, right]).any())
    assert 3 < begun < 8
    assert (frames[begun][:, left] == frames[-1][:, left]).all()


@pens
def test_drawings_together_begin_at_once(pen, sheet, taken_apart):
    first = taken_apart(pen(**SHORT).render(sheet, LAYOUT, {})).frames[0]
    assert darkness(first[:, :104]).any() and darkness(first[:, 108:]).any()


@pens
def test_the_same_arguments_are_the_same_bytes(pen, sheet):
    assert pen(**SHORT).render(sheet, LAYOUT, {"a": 1}) == pen(**SHORT).render(sheet, LAYOUT, {"a": 1})


@pens
@pytest.mark.parametrize(
    "pictures", [[], [Picture(())], [Picture((Ink(Sketch.from_polylines([])),)), Picture(())]]
)
def test_an_empty_sheet_is_one_frame_of_paper(pen, pictures, taken_apart):
    film = taken_apart(pen(**SHORT).render(pictures, LAYOUT, {}))
    assert len(film.frames) == 1
    assert (film.frames[0] == 255).all()


@pens
def test_a_drawing_of_one_point_is_a_dot(pen, taken_apart, finished_png):
    dot = [Picture((Ink(Sketch.from_polylines([[(3, 4)]]), width=12.0),))]
    film = taken_apart(pen(**SHORT).render(dot, LAYOUT, {}))
    assert len(film.frames) == 1
    still = finished_png(dot, LAYOUT)
    assert darkness(film.frames[0]).sum() == pytest.approx(darkness(still).sum(), rel=0.02)


@pens
def test_words_are_on_every_frame(pen, sheet, taken_apart, finished_png):
    layout = Layout(cell=96, label=True, title="Two drawings", row_labels=("row",), column_labels=("a", "b"))
    named = [Picture(picture.inks, f"caption {i}") for i, picture in enumerate(sheet)]
    frames = taken_apart(pen(**SHORT).render(named, layout, {})).frames
    words = finished_png([Picture((), picture.caption) for picture in named], layout)
    dark = darkness(words) > 60
    assert dark.sum() > 100
    for frame in frames:
        assert np.abs(frame[dark].astype(int) - words[dark]).max() <= 8


@pens
def test_a_larger_scale_is_a_larger_sheet(pen, sheet, taken_apart, finished_png):
    last = taken_apart(pen(**SHORT, scale=2.5).render(sheet, LAYOUT, {})).frames[-1]
    still = finished_png(sheet, LAYOUT, 2.5)
    assert last.shape == still.shape
    assert np.abs(last.astype(int) - still).mean() < 0.8


@pens
def test_a_page_is_as_large_as_its_png(pen, sheet, taken_apart, finished_png):
    layout = Layout.on_page("105x148mm", label=True)
    named = [Picture(picture.inks, "words") for picture in sheet]
    last = taken_apart(pen(**SHORT).render(named, layout, {})).frames[-1]
    assert last.shape == finished_png(named, layout).shape


@pens
@pytest.mark.parametrize(("loop", "repeats"), [(True, 0), (False, 1)])
def test_it_begins_again_unless_it_shall_not(pen, loop, repeats, sheet, taken_apart):
    info = taken_apart(pen(**SHORT, loop=loop).render(sheet, LAYOUT, {})).info
    # A GIF that does not say how often it is shown is shown once.
    assert info.get("loop", 1) == repeats


@pens
def test_the_file_carries_its_provenance(pen, sheet):
    metadata = {"seed": 3, "what": "caf\u00e9", "values": np.arange(3), "long": "x" * 1000}
    with Image.open(io.BytesIO(pen(**SHORT).render(sheet, LAYOUT, metadata))) as image:
        said = {
            PenGif: lambda: image.info["comment"].decode(),
            PenApng: lambda: image.info["sketchkit"],
            PenWebp: lambda: image.getexif()[0x010E],
        }[pen]()
    assert json.loads(said) == {**metadata, "values": [0, 1, 2]}


@pens
def test_paper_and_inks_have_their_colours(pen, taken_apart):
    ink = Ink(Sketch.from_polylines([[(0, 0), (10, 0), (10, 10)]]), "crimson", width=9.0)
    last = taken_apart(pen(**SHORT).render([Picture((ink,))], Layout(background="#fe8"), {})).frames[-1]
    colors = {tuple(color) for color in last.reshape(-1, 3).tolist()}
    assert {ImageColor.getrgb("#fe8"), ImageColor.getrgb("crimson")} <= colors


def test_a_gif_of_many_colours_stays_near_them(taken_apart, finished_png):
    square = Sketch.from_polylines([[(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]])
    many = [Picture((Ink(square, f"#{i * 9:02x}{255 - i * 9:02x}{i * 70 % 256:02x}"),)) for i in range(28)]
    last = taken_apart(PenGif(**SHORT).render(many, Layout(cell=48), {})).frames[-1]
    assert np.abs(last.astype(int) - finished_png(many, Layout(cell=48))).mean() < 1.5


def test_a_reader_of_png_without_animation_shows_the_finished_sheet(sheet, taken_apart):
    content = PenApng(**SHORT).render(sheet, LAYOUT, {})
    with Image.open(io.BytesIO(content)) as image:
        assert image.info["default_image"]
        still = np.asarray(image.convert("RGB"))
    assert (still == taken_apart(content).frames[-1]).all()


@pens
def test_a_frame_of_more_than_a_minute_is_as_long_as_it_says(pen, taken_apart):
    film = taken_apart(pen(seconds=0.1, fps=10, hold=120).render([], Layout(cell=16), {}))
    assert film.times == [pytest.approx(120_100, abs=10)]


def test_times_that_are_no_whole_hundredths_add_up(sheet, taken_apart):
    film = taken_apart(PenGif(seconds=3.0, fps=30, hold=1.0).render(sheet, LAYOUT, {}))
    assert sum(film.times) == 4000


@pens
def test_a_sheet_without_paper_is_refused(pen, sheet):
    with pytest.raises(InputError, match="needs paper"):
        pen(**SHORT).render(sheet, Layout(background="none"), {})


@pens
def test_a_sheet_that_is_too_large_is_refused_before_it_is_drawn(pen, sheet):
    with pytest.raises(InputError, match="too large"):
        pen(**SHORT, scale=8).render(sheet, Layout(cell=1000), {})


@pens
def test_a_film_that_is_too_long_is_refused_before_it_is_drawn(pen, sheet):
    with pytest.raises(InputError, match="too long a film"):
        pen(seconds=120, fps=50).render(sheet, Layout(cell=1000), {})


@pens
def test_metadata_that_json_cannot_say_is_refused(pen, sheet):
    with pytest.raises(InputError, match="metadata"):
        pen(**SHORT).render(sheet, LAYOUT, {"loss": float("nan")})
