"""Pictures one after another in one place, as GIF and as animated PNG.

All frames have one scale and one centre, so that unchanged parts stay in place.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sketchkit.errors import InputError
from sketchkit.options import option
from sketchkit.rendering.cairo import MOST_PIXELS, draw_png
from sketchkit.rendering.layout import Layout, Sheet
from sketchkit.rendering.picture import Picture
from sketchkit.svgdoc import json_text

#: In seconds: browsers slow down shorter frames.
SHORTEST = 0.02

#: In seconds, of both formats.
LONGEST = 600.0


@dataclass(frozen=True)
class _Animation:
    """The base of both formats: the frames, and the time for which each of them is shown.

    Args:
        seconds: for which each picture is shown.
        pause: for which the last one is shown beyond that; the first one, too, where it goes back.
        back_and_forth: whether the pictures come back in reverse order.
        loop: whether it begins again.
    """

    one_by_one: ClassVar[bool] = True

    seconds: float = option(0.2, "Seconds a picture.", low=SHORTEST, high=LONGEST)
    pause: float = option(0.8, "More seconds for the last picture.", low=0.0, high=LONGEST)
    back_and_forth: bool = option(False, "Whether the pictures come back in reverse order.")
    loop: bool = option(True, "Whether it begins again.")

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        """Draw pictures one after another, each alone on the sheet; see `sketchkit.rendering.Renderer`."""
        shown = list(pictures) or [Picture(())]
        still, sheet = _stage(shown, layout)
        order = self._order(len(shown))
        if sheet.width * sheet.height * len(order) > MOST_PIXELS:
            raise InputError(
                f"{len(order)} frames of {sheet.width:.0f}x{sheet.height:.0f} pixels are too large an "
                f"animation (at most {MOST_PIXELS} pixels in all): use a smaller cell or fewer drawings"
            )
        frames = [self._frame(draw_png(sheet, [picture], still, 1.0)) for picture in shown]
        times = [round(1000 * seconds) for seconds in self._times(order)]
        stream = io.BytesIO()
        try:
            self._save(stream, [frames[i] for i in order], times, json_text(metadata) if metadata else "")
        except (OverflowError, ValueError) as error:  # equal frames in a row are shown as one, for their sum
            raise InputError(
                f"a picture cannot be shown for {max(times) / 1000:g} seconds or more in such a file"
            ) from error
        return stream.getvalue()

    def _order(self, count: int) -> list[int]:
        """The number of the picture in each frame."""
        there = list(range(count))
        return there + (there[-2:0:-1] if self.back_and_forth else [])

    def _times(self, order: Sequence[int]) -> Iterator[float]:
        """How long each frame is shown, in seconds."""
        ends = {0, max(order)} if self.back_and_forth else {max(order)}
        for number in order:
            yield self.seconds + (self.pause if number in ends else 0.0)

    def _frame(self, png: bytes) -> Any:
        """Convert a picture to the format's own."""
        raise NotImplementedError

    def _save(self, stream: io.BytesIO, frames: Sequence[Any], times: Sequence[int], words: str) -> None:
        """Write frames, each for so many milliseconds, with the provenance in words."""
        raise NotImplementedError


@dataclass(frozen=True)
class GifRenderer(_Animation):
    """Animated GIF, a picture a frame, its metadata in the comment."""

    suffixes: ClassVar[tuple[str, ...]] = (".gif",)

    def _frame(self, png: bytes) -> Any:
        # Few inks on one paper have far fewer than 256 colours, which makes dithering needless.
        return _open_png(png).quantize(256, dither=0)

    def _save(self, stream: io.BytesIO, frames: Sequence[Any], times: Sequence[int], words: str) -> None:
        more: dict[str, Any] = {"loop": 0} if self.loop else {}
        if words:
            more["comment"] = words.encode("ascii")
        first, *rest = frames
        first.save(
            stream, "GIF", save_all=True, append_images=rest, duration=list(times), optimize=False, **more
        )


@dataclass(frozen=True)
class ApngRenderer(_Animation):
    """Animated PNG, a picture a frame, its metadata in a text chunk; readers of PNG show the first frame."""

    suffixes: ClassVar[tuple[str, ...]] = (".apng",)

    def _frame(self, png: bytes) -> Any:
        return _open_png(png)

    def _save(self, stream: io.BytesIO, frames: Sequence[Any], times: Sequence[int], words: str) -> None:
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        if words:
            info.add_text("sketchkit", words)
        first, *rest = frames
        first.save(
            stream,
            "PNG",
            save_all=True,
            append_images=rest,
            duration=list(times),
            loop=0 if self.loop else 1,
            pnginfo=info,
        )


def _stage(pictures: Sequence[Picture], layout: Layout) -> tuple[Layout, Sheet]:
    """The layout of one frame, and the place at which every picture stands in its turn.

    Raises:
        InputError: a layout without paper, or a picture that does not fit it.
    """
    if layout.background == "none":
        raise InputError("an animation needs paper: choose a background that is a colour")
    still = dataclasses.replace(layout, tile=(1, 1), row_labels=(), column_labels=())
    # All inks of all pictures as one picture: its place is the scale and the centre of them all.
    together = Picture(tuple(ink for picture in pictures for ink in picture.inks))
    return still, still.arrange([together])


def _open_png(png: bytes) -> Any:
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        return image.convert("RGB")
