"""Renderers of sheets whose drawings draw themselves, in pen order and at the speed of a pen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from PIL import ImageColor

from sketchkit.options import option
from sketchkit.rendering import Layout, Picture, json_text
from sketchkit_animate import apng, gif, mp4, webp
from sketchkit_animate.film import Film, drawn, finished
from sketchkit_animate.stage import Stage

__all__ = ["PenApng", "PenGif", "PenMp4", "PenWebp"]

_TOGETHER, _IN_TURN = "together", "in-turn"


@dataclass(frozen=True)
class _Drawing(ABC):
    """What all formats share.

    Args:
        seconds: until the last drawing is finished.
        fps: pictures a second.
        hold: for how many seconds more the finished sheet is shown.
        order: whether all drawings are drawn at once, and at one speed, or one after another.
        scale: pixels of the film a pixel of the sheet.
    """

    longest: ClassVar[int]

    seconds: float = option(5.0, "Seconds until the last drawing is finished.", low=0.1, high=120)
    fps: int = option(25, "Pictures a second.", low=1, high=60)
    hold: float = option(2.0, "Seconds that the finished sheet is shown.", low=0, high=120)
    order: str = option(
        _TOGETHER, "All drawings at once, or one after another.", choices=(_TOGETHER, _IN_TURN)
    )
    scale: float = option(1.0, "How many times larger than the sheet.", low=0.1, high=8)

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        """Draw pictures on one sheet; see `sketchkit.rendering.Renderer`."""
        words = json_text(metadata) if metadata else ""
        count = max(1, round(self.seconds * self.fps))
        stage = Stage.of(pictures, layout, scale=self.scale, frames=self._frames(count), longest=self.longest)
        film = drawn(
            stage, pictures, together=self.order == _TOGETHER, count=count, fps=self.fps, hold=self.hold
        )
        return self._encoded(film, stage, pictures, words)

    def _frames(self, count: int) -> int:
        """How many frames the file has at most, of so many moments until all is drawn."""
        return count

    @abstractmethod
    def _encoded(self, film: Film, stage: Stage, pictures: Sequence[Picture], words: str) -> bytes:
        """The film as a file, with the provenance in words."""


@dataclass(frozen=True)
class _Looping(_Drawing):
    """What begins again; with the arguments of all."""

    loop: bool = option(True, "Whether it begins again.")


@dataclass(frozen=True)
class PenGif(_Looping):
    """GIF that draws itself, its metadata in the comment; up to 255 colours."""

    suffixes: ClassVar[tuple[str, ...]] = (".gif",)
    longest: ClassVar[int] = gif.LONGEST_SIDE

    # What browsers play as fast as it says; they slow down shorter frames.
    fps: int = option(25, "Pictures a second.", low=1, high=50)

    def _encoded(self, film: Film, stage: Stage, pictures: Sequence[Picture], words: str) -> bytes:
        inks = [ImageColor.getrgb(ink.color) for picture in pictures for ink in picture.inks]
        palette = gif.Palette(finished(stage, pictures), [stage.paper, *inks])
        return gif.gif(film, palette, loop=self.loop, words=words)


@dataclass(frozen=True)
class PenApng(_Looping):
    """Animated PNG that draws itself, its metadata in a text chunk; plain readers show it finished."""

    suffixes: ClassVar[tuple[str, ...]] = (".apng",)
    longest: ClassVar[int] = apng.LONGEST_SIDE

    def _encoded(self, film: Film, stage: Stage, pictures: Sequence[Picture], words: str) -> bytes:
        return apng.apng(film, finished(stage, pictures), loop=self.loop, words=words)


@dataclass(frozen=True)
class PenWebp(_Looping):
    """Animated WebP that draws itself, without loss, its metadata in the EXIF description."""

    suffixes: ClassVar[tuple[str, ...]] = (".webp",)
    longest: ClassVar[int] = webp.LONGEST_SIDE

    def _encoded(self, film: Film, stage: Stage, pictures: Sequence[Picture], words: str) -> bytes:
        return webp.webp(film, loop=self.loop, words=words)


@dataclass(frozen=True)
class PenMp4(_Drawing):
    """MP4 (H.264) that draws itself, its metadata in the comment; it needs the extra `mp4`.

    Raises:
        PluginError: PyAV is not installed.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".mp4",)
    longest: ClassVar[int] = mp4.LONGEST_SIDE

    def __post_init__(self) -> None:
        mp4.needed()  # before a model has worked for nothing

    def _frames(self, count: int) -> int:
        return count + round(self.hold * self.fps)

    def _encoded(self, film: Film, stage: Stage, pictures: Sequence[Picture], words: str) -> bytes:
        return mp4.mp4(film, fps=self.fps, words=words)
