"""Renderers of pictures one after another in one place and at one scale, like sketchkit's own `gif`."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

from sketchkit.options import option
from sketchkit.rendering import Layout, Picture, json_text
from sketchkit_animate import mp4, webp
from sketchkit_animate.film import Film, shown
from sketchkit_animate.stage import Stage

__all__ = ["Mp4", "Sequenced", "Webp", "alone", "together"]


@dataclass(frozen=True)
class Sequenced:
    """What all sequences share.

    Args:
        seconds: for which each picture is shown.
        pause: for which the last one is shown beyond that; the first one, too, where it goes back.
        back_and_forth: whether the pictures come back in reverse order.
    """

    one_by_one: ClassVar[bool] = True

    seconds: float = option(0.2, "Seconds a picture.", low=0.02, high=120)
    pause: float = option(0.8, "More seconds for the last picture.", low=0, high=120)
    back_and_forth: bool = option(False, "Whether the pictures come back in reverse order.")

    def order(self, count: int) -> list[int]:
        """The number of the picture that each frame shows."""
        there = list(range(count))
        return there + (there[-2:0:-1] if self.back_and_forth else [])

    def ends(self, order: Sequence[int]) -> list[float]:
        """Until when each frame is shown, in seconds."""
        turns = {0, max(order)} if self.back_and_forth else {max(order)}
        return list(accumulate(self.seconds + (self.pause if number in turns else 0.0) for number in order))


@dataclass(frozen=True)
class _Filmed(Sequenced, ABC):
    """What the sequences of pixels share; `scale` is how many pixels they have a pixel of the sheet."""

    longest: ClassVar[int]

    scale: float = option(1.0, "How many times larger than the sheet.", low=0.1, high=8)

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        """Draw pictures one after another, each alone on the sheet; see `sketchkit.rendering.Renderer`."""
        words = json_text(metadata) if metadata else ""
        each = list(pictures) or [Picture(())]
        order = self.order(len(each))
        ends = self.ends(order)
        stage = Stage.of(
            [together(each)],
            alone(layout),
            scale=self.scale,
            frames=self._frames(len(order), ends[-1]),
            longest=self.longest,
        )
        film = shown(stage, [each[number] for number in order], [0.0, *ends[:-1]], ends[-1])
        return self._encoded(film, words)

    def _frames(self, count: int, seconds: float) -> int:
        """How many frames the file has, of so many pictures in so many seconds."""
        return count

    @abstractmethod
    def _encoded(self, film: Film, words: str) -> bytes:
        """The film as a file, with the provenance in words."""


@dataclass(frozen=True)
class Webp(_Filmed):
    """Animated WebP, a picture a frame, without loss, its metadata in the EXIF description."""

    suffixes: ClassVar[tuple[str, ...]] = (".webp",)
    longest: ClassVar[int] = webp.LONGEST_SIDE

    loop: bool = option(True, "Whether it begins again.")

    def _encoded(self, film: Film, words: str) -> bytes:
        return webp.webp(film, loop=self.loop, words=words)


@dataclass(frozen=True)
class Mp4(_Filmed):
    """MP4 (H.264) of pictures one after another, its metadata in the comment; it needs the extra `mp4`.

    Args:
        fps: pictures of the file a second; times are rounded to them.

    Raises:
        PluginError: PyAV is not installed.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".mp4",)
    longest: ClassVar[int] = mp4.LONGEST_SIDE

    fps: int = option(25, "Pictures of the file a second.", low=1, high=60)

    def __post_init__(self) -> None:
        mp4.needed()  # before a model has worked for nothing

    def _frames(self, count: int, seconds: float) -> int:
        return max(count, round(seconds * self.fps))

    def _encoded(self, film: Film, words: str) -> bytes:
        return mp4.mp4(film, fps=self.fps, words=words)


def alone(layout: Layout) -> Layout:
    """The layout of a sheet that shows one picture at a time."""
    return dataclasses.replace(layout, tile=(1, 1), row_labels=(), column_labels=())


def together(pictures: Sequence[Picture]) -> Picture:
    """All inks of all pictures as one: its place has the scale and the centre of them all."""
    return Picture(tuple(ink for picture in pictures for ink in picture.inks))
