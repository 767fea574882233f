"""MP4 (H.264) by PyAV, which the extra `mp4` brings."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from sketchkit.errors import PluginError
from sketchkit_animate.canvas import Pixels
from sketchkit_animate.film import Film
from sketchkit_animate.timing import durations

__all__ = ["LONGEST_SIDE", "mp4", "needed"]

#: In pixels: what the usual decoders of H.264 take.
LONGEST_SIDE = 8192

_CODEC = "libx264"

# Two colours beside each other share a colour sample in this format, but every player shows it.
_PIXELS = "yuv420p"
# One thread: the same bytes on any number of cores. No tree of macroblocks: for it x264 looks at
# memory that it has not written, and some films of many were other bytes.
_ENCODER = {
    "crf": "16",
    "preset": "medium",
    "tune": "animation",
    "threads": "1",
    "x264-params": "no-mbtree=1",
}
_BT709 = 1


def needed() -> Any:
    """The module of PyAV.

    Raises:
        PluginError: it is not installed, or cannot write H.264.
    """
    try:
        av = importlib.import_module("av")
    except ImportError as error:
        raise PluginError(
            "MP4 needs PyAV: install it with `pip install 'sketchkit-animate[mp4]'`, or write WebP or GIF"
        ) from error
    if _CODEC not in av.codecs_available:
        raise PluginError(f"the PyAV installed here has no {_CODEC}, which writes MP4: install it from PyPI")
    return av


def mp4(film: Film, *, fps: int, words: str) -> bytes:
    """A film as the bytes of an MP4, which is ready to be played while it loads.

    Args:
        film: its frames.
        fps: moments a second, each of which is a frame of the file.
        words: for the comment; none where empty.

    Raises:
        PluginError: PyAV is not installed.
    """
    av = needed()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        # No versions and times of day in it: the same film is the same bytes by the same encoder.
        options = {"movflags": "faststart+use_metadata_tags", "fflags": "+bitexact"}
        with av.open(str(path), "w", format="mp4", options=options) as container:
            if words:
                container.metadata["comment"] = words
            _write(av, container, film, fps)
        return path.read_bytes()


def _write(av: Any, container: Any, film: Film, fps: int) -> None:
    stream = container.add_stream(_CODEC, rate=fps, options=dict(_ENCODER))
    stream.width, stream.height = (side + side % 2 for side in film.size)
    stream.pix_fmt = _PIXELS
    context = stream.codec_context
    context.flags |= av.codec.context.Flags.bitexact
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    moment = 0
    before, start = None, 0.0
    for frame in film.frames:
        if before is not None:
            moment = _repeat(container, stream, before, moment, durations([start], frame.start, fps)[0])
        before, start = _picture(av, frame.pixels), frame.start
    _repeat(container, stream, before, moment, durations([start], film.seconds, fps)[0])
    container.mux(stream.encode(None))


def _repeat(container: Any, stream: Any, picture: Any, moment: int, times: int) -> int:
    """Write a picture for so many moments; returns the next moment."""
    for now in range(moment, moment + times):
        picture.pts = now
        container.mux(stream.encode(picture))
    return moment + times


def _picture(av: Any, pixels: Pixels) -> Any:
    """A frame in the colours of video, its sides made even by its last row or column."""
    height, width = pixels.shape[:2]
    even = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    picture = av.VideoFrame.from_ndarray(even, format="rgb24")
    return picture.reformat(format=_PIXELS, dst_colorspace="ITU709", dst_color_range="MPEG")
