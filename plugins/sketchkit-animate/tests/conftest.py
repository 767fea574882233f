"""Sheets for the tests, and films taken apart again."""

import io
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from sketchkit import Sketch
from sketchkit.rendering import Ink, Picture

FACE = [
    [(0, 0), (60, -20), (100, 30), (90, 90), (30, 100), (-10, 50), (0, 0)],
    [(30, 30), (36, 34), (30, 38), (30, 30)],
    [(70, 32)],
    [(25, 65), (50, 80), (75, 62)],
]
HOUSE = [
    [(0, 100), (0, 40), (50, 0), (100, 40), (100, 100), (0, 100)],
    [(40, 100), (40, 60), (60, 60), (60, 100)],
]


@dataclass
class Shown:
    """A film as its reader sees it: frames [h, w, 3], the milliseconds of each, and what else it says."""

    frames: list[np.ndarray]
    times: list[float]
    info: dict[str, object]


@pytest.fixture
def sheet():
    """Two pictures, one of them in two colours."""
    eyes, rest = Sketch.from_polylines(FACE[:2]), Sketch.from_polylines(FACE[2:])
    return [
        Picture((Ink(eyes), Ink(rest, "#0072B2", width=3.0))),
        Picture((Ink(Sketch.from_polylines(HOUSE), "teal"),)),
    ]


@pytest.fixture
def taken_apart():
    """What reads an animated picture with Pillow, without a still that is no frame."""

    def read(content: bytes) -> Shown:
        frames, times = [], []
        with Image.open(io.BytesIO(content)) as image:
            for number in range(1 if image.info.get("default_image") else 0, image.n_frames):
                image.seek(number)
                frames.append(np.asarray(image.convert("RGB")))
                times.append(image.info["duration"])
            return Shown(frames, times, dict(image.info))

    return read


@pytest.fixture
def finished_png():
    """What sketchkit itself draws of the same sheet, [h, w, 3]."""

    def draw(pictures, layout, scale=1.0):
        from sketchkit.rendering import make_renderer

        png = make_renderer("png", {"scale": scale}).render(pictures, layout, {})
        with Image.open(io.BytesIO(png)) as image:
            return np.asarray(image.convert("RGB"))

    return draw
