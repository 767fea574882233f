"""The sheet before anything is drawn on it, and what is too large to be a film."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageColor

from sketchkit.errors import InputError
from sketchkit.rendering import Layout, Picture, Place, make_renderer
from sketchkit_animate.canvas import Canvas

__all__ = ["MOST_FILM_PIXELS", "MOST_PIXELS", "Stage"]

#: The most pixels of a frame: with what is kept beside them, some hundred megabytes.
MOST_PIXELS = 2**24

#: The most pixels of all frames of a film: some minutes of work.
MOST_FILM_PIXELS = 2**33

_PAPER = "#FFFFFF"


@dataclass(frozen=True)
class Stage:
    """A sheet whose size has been found fit for a film.

    Args:
        layout: how the pictures are set out.
        places: one a picture, in pixels of the sheet.
        size: width and height in pixels of the film.
        scale: pixels of the film a pixel of the sheet.
    """

    layout: Layout
    places: tuple[Place, ...]
    size: tuple[int, int]
    scale: float

    @classmethod
    def of(
        cls, pictures: Sequence[Picture], layout: Layout, *, scale: float, frames: int, longest: int
    ) -> Stage:
        """The stage for so many frames.

        Args:
            pictures: what the sheet shows.
            layout: how they are set out.
            scale: pixels of the film a pixel of the sheet.
            frames: of the film.
            longest: the longest side that its format knows, in pixels.

        Raises:
            InputError: a sheet without paper, of a size that makes no film, or too many frames of it.
        """
        if layout.background == "none":
            raise InputError("an animation needs paper: choose a background that is a colour")
        sheet = layout.arrange(pictures)
        width, height = round(sheet.width * scale), round(sheet.height * scale)
        if min(width, height) < 1:
            raise InputError(f"a film of {width}x{height} pixels is empty: use larger cells")
        if max(width, height) > longest or width * height > MOST_PIXELS:
            raise InputError(
                f"a film of {width}x{height} pixels is too large (at most {longest} a side and "
                f"{MOST_PIXELS} in all): use smaller cells or a smaller scale"
            )
        if width * height * frames > MOST_FILM_PIXELS:
            raise InputError(
                f"{frames} frames of {width}x{height} pixels are too long a film (at most "
                f"{MOST_FILM_PIXELS} pixels in all): use smaller cells or fewer frames"
            )
        return cls(layout, sheet.places, (width, height), scale)

    @property
    def paper(self) -> tuple[int, ...]:
        """The colour of the sheet, red, green and blue from 0 to 255."""
        return ImageColor.getrgb(self.layout.background or _PAPER)[:3]

    def canvas(self, pictures: Sequence[Picture]) -> Canvas:
        """The sheet with the words of pictures, but none of their lines.

        Raises:
            PluginError: there are words, and nothing is installed that writes them.
        """
        return Canvas(self._base(pictures), self.scale, self.layout.stroke)

    def _base(self, pictures: Sequence[Picture]) -> Image.Image:
        layout = self.layout
        captions = layout.label and any(picture.caption for picture in pictures)
        if not (captions or layout.title or layout.row_labels or layout.column_labels):
            return Image.new("RGB", self.size, self.paper)
        # Words are sketchkit's own: its PNG of the same sheet, whose drawings are left out.
        empty = [Picture((), picture.caption) for picture in pictures]
        on_paper = dataclasses.replace(layout, background=layout.background or _PAPER)
        png = make_renderer("png", {"scale": self.scale}).render(empty, on_paper, {})
        with Image.open(io.BytesIO(png)) as image:
            return image.convert("RGB")
