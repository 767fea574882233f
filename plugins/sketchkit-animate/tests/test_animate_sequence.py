"""Pictures one after another, as WebP."""

import numpy as np
import pytest
from sketchkit_animate.sequence import Webp

from sketchkit import InputError
from sketchkit.rendering import Layout, Picture, make_renderer
from sketchkit.testing import check_renderer

LAYOUT = Layout(cell=96)


def test_it_keeps_what_every_renderer_promises():
    check_renderer(Webp)


@pytest.mark.parametrize("options", [{}, {"back_and_forth": True}, {"seconds": 0.5, "pause": 0.0}])
def test_it_shows_what_the_gif_of_sketchkit_shows_for_as_long(options, sheet, taken_apart):
    three = [*sheet, Picture(sheet[0].inks[:1])]
    ours = taken_apart(Webp(**options).render(three, LAYOUT, {}))
    theirs = taken_apart(make_renderer("gif", options).render(three, LAYOUT, {}))
    assert ours.times == theirs.times
    for mine, other in zip(ours.frames, theirs.frames, strict=True):
        assert np.abs(mine.astype(int) - other).mean() < 0.5


def test_each_picture_has_its_own_caption(sheet, taken_apart, finished_png):
    named = [Picture(picture.inks, f"number {i}") for i, picture in enumerate(sheet)]
    layout = Layout(cell=96, label=True, title="Both", tile=(1, 1))
    frames = taken_apart(Webp().render(named, layout, {})).frames
    words = [finished_png([Picture((), picture.caption)], layout) for picture in named]
    below = 8 + 18 + 96
    assert (words[0][below:] != words[1][below:]).any()
    for frame, word in zip(frames, words, strict=True):
        assert (frame[below:] == word[below:]).all()


def test_equal_pictures_in_a_row_are_one_frame(sheet, taken_apart):
    film = taken_apart(Webp(seconds=0.5, pause=0).render([sheet[0], sheet[0], sheet[1]], LAYOUT, {}))
    assert film.times == [1000, 500]


def test_no_pictures_are_one_frame_of_paper(taken_apart):
    film = taken_apart(Webp().render([], LAYOUT, {}))
    assert len(film.frames) == 1
    assert (film.frames[0] == 255).all()


def test_the_same_arguments_are_the_same_bytes(sheet):
    assert Webp().render(sheet, LAYOUT, {}) == Webp().render(sheet, LAYOUT, {})


def test_too_many_pictures_are_refused(sheet):
    with pytest.raises(InputError, match="too long a film"):
        Webp().render(sheet * 10_000, Layout(cell=1000), {})
