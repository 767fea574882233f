from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sketchkit.errors import InputError
from sketchkit.rendering import Ink, Picture, make_renderer, render
from sketchkit.sketch import Sketch

DOT_AND_LINES = [Sketch.from_polylines([[(0, 0)], [(10, 10), (10 + 5 * i, 10)]]) for i in range(4)]


def frames(content: bytes) -> list[tuple[np.ndarray[Any, np.dtype[np.uint8]], float]]:
    """([H, W, 3], milliseconds) of each frame."""
    with Image.open(io.BytesIO(content)) as image:
        out = []
        for i in range(getattr(image, "n_frames", 1)):
            image.seek(i)
            out.append((np.asarray(image.convert("RGB")), float(image.info.get("duration", 0))))
        return out


def animated(kind: str, drawings: Any = DOT_AND_LINES, cell: float = 60, **options: Any) -> bytes:
    return render(drawings, renderer=make_renderer(kind, options), cell=cell, metadata={"seed": 7})


@pytest.mark.parametrize("kind", ["gif", "apng"])
def test_each_picture_is_a_frame_of_its_own(kind: str) -> None:
    content = animated(kind)
    shown = frames(content)
    assert [image.shape for image, _ in shown] == [(76, 76, 3)] * 4
    dark = [int((image.max(axis=2) < 128).sum()) for image, _ in shown]
    assert dark == sorted(dark) and len(set(dark)) == 4
    assert content == animated(kind)


@pytest.mark.parametrize("kind", ["gif", "apng"])
def test_what_does_not_change_stays_where_it_is(kind: str) -> None:
    shown = [image for image, _ in frames(animated(kind))]
    for image in shown:
        # The dot, upper left; the lines begin in one place, further down, and grow to the right.
        np.testing.assert_array_equal(image[:30, :30], shown[0][:30, :30])
    assert (shown[0][:30, :30].max(axis=2) < 128).any()


@pytest.mark.parametrize("kind", ["gif", "apng"])
def test_paper_is_white_and_inks_keep_their_colours(kind: str) -> None:
    picture = Picture((Ink(DOT_AND_LINES[3], "#d55e00", width=6),))
    [(image, _)] = frames(animated(kind, picture))
    assert image[0, 0].tolist() == [255, 255, 255]
    assert (image == np.array([0xD5, 0x5E, 0x00])).all(axis=2).sum() > 50


@pytest.mark.parametrize("kind", ["gif", "apng"])
def test_frames_take_the_time_that_they_are_told(kind: str) -> None:
    assert [ms for _, ms in frames(animated(kind, seconds=0.1, pause=0.5))] == [100, 100, 100, 600]


@pytest.mark.parametrize("kind", ["gif", "apng"])
def test_pictures_come_back_without_doubling_the_ends(kind: str) -> None:
    shown = frames(animated(kind, seconds=0.1, pause=0.5, back_and_forth=True))
    assert [ms for _, ms in shown] == [600, 100, 100, 600, 100, 100]
    for there, back in ((1, 5), (2, 4)):
        np.testing.assert_array_equal(shown[there][0], shown[back][0])


@pytest.mark.parametrize("loop", [True, False])
def test_an_animation_begins_again_only_where_it_may(loop: bool) -> None:
    with Image.open(io.BytesIO(animated("gif", loop=loop))) as gif:
        assert gif.info.get("loop") == (0 if loop else None)
    with Image.open(io.BytesIO(animated("apng", loop=loop))) as apng:
        assert apng.info["loop"] == (0 if loop else 1)


def test_an_animation_carries_its_metadata() -> None:
    with Image.open(io.BytesIO(animated("gif"))) as gif:
        assert json.loads(gif.info["comment"]) == {"seed": 7}
    with Image.open(io.BytesIO(animated("apng"))) as apng:
        assert json.loads(apng.info["sketchkit"]) == {"seed": 7}


def test_long_metadata_is_not_cut() -> None:
    facts = {"words": "long " * 500}
    with Image.open(io.BytesIO(render(DOT_AND_LINES, renderer="gif", metadata=facts))) as gif:
        assert json.loads(gif.info["comment"]) == facts


@pytest.mark.parametrize("kind", ["gif", "apng"])
def test_nothing_to_show_is_one_empty_frame(kind: str) -> None:
    [(image, _)] = frames(render([], renderer=kind, cell=20))
    assert (image == 255).all()


def test_a_sheet_of_several_cells_is_shown_as_one() -> None:
    tiled = render(DOT_AND_LINES, renderer="gif", tile=(2, 2), cell=60, row_labels=["a", "b"])
    assert [image.shape for image, _ in frames(tiled)] == [(76, 76, 3)] * 4


@pytest.mark.parametrize("kind", ["gif", "apng"])
def test_an_animation_needs_paper_and_a_size_that_memory_holds(kind: str) -> None:
    with pytest.raises(InputError, match="paper"):
        render(DOT_AND_LINES, renderer=kind, background="none")
    with pytest.raises(InputError, match="4 frames of 9016x9016 pixels are too large"):
        render(DOT_AND_LINES, renderer=kind, cell=9000)


@pytest.mark.parametrize(
    ("name", "values"), [("gif", {"seconds": 400, "pause": 400}), ("apng", {"seconds": 65.537})]
)
def test_times_that_a_file_cannot_say_are_refused(name: str, values: dict[str, Any]) -> None:
    sketches = [Sketch.from_polylines([[(0, 0), (k, 9)]]) for k in (3, 5)]
    with pytest.raises(InputError, match="cannot be shown for"):
        render(sketches, renderer=make_renderer(name, values))
