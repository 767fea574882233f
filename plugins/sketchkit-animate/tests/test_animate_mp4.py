"""MP4, read again by PyAV; without it all of them skip but the one that has it missing."""

import io
import json
import sys
from itertools import pairwise

import numpy as np
import pytest
from sketchkit_animate.drawing import PenMp4
from sketchkit_animate.sequence import Mp4

from sketchkit import InputError, PluginError
from sketchkit.rendering import Layout, Picture
from sketchkit.testing import check_renderer

LAYOUT = Layout(cell=95)  # so that the height of a sheet is odd
SHORT = {"seconds": 1.0, "fps": 10, "hold": 0.5}
ENDS = [
    *({"seconds": 0.1}, {"seconds": 120, "fps": 1}, {"fps": 60}, {"hold": 0.0}, {"hold": 120, "fps": 1}),
    *({"order": "in-turn"}, {"scale": 0.1}, {"scale": 8.0}),
]


@pytest.fixture
def film():
    """What reads a film: its frames [h, w, 3], its frame rate and its metadata."""
    av = pytest.importorskip("av")

    def read(content):
        with av.open(io.BytesIO(content)) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
            return frames, container.streams.video[0].average_rate, dict(container.metadata)

    return read


@pytest.mark.parametrize("kind, short", [(PenMp4, SHORT), (Mp4, {"seconds": 0.2, "pause": 0.0, "fps": 10})])
def test_it_keeps_what_every_renderer_promises(kind, short):
    pytest.importorskip("av")
    check_renderer(kind(**short))


@pytest.mark.parametrize("option", ENDS, ids=str)
def test_it_draws_at_the_ends_of_its_options(option, film, sheet):
    frames, rate, _ = film(PenMp4(**{**SHORT, **option}).render(sheet, Layout(cell=24), {}))
    assert frames and rate == option.get("fps", SHORT["fps"])


@pytest.mark.parametrize(
    "option",
    [
        *({"seconds": 0.02}, {"seconds": 120, "fps": 1}, {"pause": 0.0}, {"pause": 120, "fps": 1}),
        *({"back_and_forth": True}, {"fps": 60}, {"scale": 0.1}, {"scale": 8.0}),
    ],
    ids=str,
)
def test_pictures_follow_each_other_at_the_ends_of_the_options(option, film, sheet):
    renderer = Mp4(**{"seconds": 0.2, "pause": 0.2, "fps": 10, **option})
    frames, rate, _ = film(renderer.render(sheet, Layout(cell=24), {}))
    assert frames and rate == renderer.fps


def test_there_is_a_frame_for_every_moment(film, sheet):
    frames, rate, _ = film(PenMp4(**SHORT).render(sheet, LAYOUT, {}))
    assert len(frames) == 15
    assert rate == 10


def test_the_last_frames_are_the_sheet_that_sketchkit_draws(film, sheet, finished_png):
    frames, _, _ = film(PenMp4(**SHORT).render(sheet, LAYOUT, {}))
    still = finished_png(sheet, LAYOUT).astype(int)
    height, width = still.shape[:2]
    assert height % 2 == 1
    assert frames[0].shape == (height + 1, width + width % 2, 3)
    for frame in frames[-5:]:
        assert np.abs(frame[:height, :width] - still).mean() < 2.5
    assert np.abs(frames[-1][height:].astype(int) - 255).max() < 12  # the row that makes it even is paper


def test_ink_is_only_added(film, sheet):
    frames, _, _ = film(PenMp4(**SHORT).render(sheet, LAYOUT, {}))
    ink = [(255 - frame.astype(int)).sum() for frame in frames[:10]]
    assert ink == sorted(ink)
    assert ink[0] < 0.3 * ink[-1]


def test_pictures_follow_each_other_in_their_time(film, sheet):
    frames, _, _ = film(Mp4(seconds=0.4, pause=0.2, fps=20).render(sheet, LAYOUT, {}))
    assert len(frames) == 8 + 12
    steps = [np.abs(a.astype(int) - b).mean() for a, b in pairwise(frames)]
    assert int(np.argmax(steps)) == 7


def test_the_same_arguments_are_the_same_bytes(sheet):
    pytest.importorskip("av")
    assert PenMp4(**SHORT).render(sheet, LAYOUT, {"a": 1}) == PenMp4(**SHORT).render(sheet, LAYOUT, {"a": 1})


@pytest.mark.parametrize("renderer", [PenMp4, Mp4])
def test_an_empty_sheet_is_a_film_of_paper(renderer, film):
    frames, _, _ = film(renderer(seconds=0.2).render([], LAYOUT, {}))
    assert frames
    assert min(int(frame.min()) for frame in frames) > 250


def test_the_file_carries_its_provenance(film, sheet):
    _, _, metadata = film(PenMp4(**SHORT).render(sheet, LAYOUT, {"what": "caf\u00e9 = 'x'; y\\n", "seed": 3}))
    assert json.loads(metadata["comment"]) == {"what": "caf\u00e9 = 'x'; y\\n", "seed": 3}


def test_held_frames_count_when_a_film_is_too_long(sheet):
    pytest.importorskip("av")
    with pytest.raises(InputError, match="6000 frames"):
        PenMp4(seconds=120, hold=120).render([Picture(())], Layout(cell=1200), {})


@pytest.mark.parametrize("renderer", [PenMp4, Mp4])
def test_without_pyav_the_extra_is_named_before_anything_is_drawn(renderer, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(PluginError, match=r"pip install 'sketchkit-animate\[mp4\]'"):
        renderer()
