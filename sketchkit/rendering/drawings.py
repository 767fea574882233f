"""`Drawings`: a list of drawings that shows itself as a sheet in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Protocol, SupportsIndex, TypeVar, overload, runtime_checkable

from sketchkit.rendering import render
from sketchkit.rendering.palette import PAPER
from sketchkit.rendering.picture import Picture
from sketchkit.sketch import Drawn, Sketch

__all__ = ["Drawings", "Pictured", "ShownAsSheet"]

#: A sheet in a notebook shows so many drawings at most.
MAX_SHOWN = 64
#: The side of its cells in pixels, for up to so many drawings.
_CELLS = ((1, 256.0), (4, 180.0), (25, 128.0), (MAX_SHOWN, 96.0))
_SMALLEST_CELL = 56.0

T = TypeVar("T", bound="Sketch | Drawn")


@runtime_checkable
class Pictured(Protocol):
    """A drawing that knows its picture, such as an ending, whose added strokes have a colour."""

    @property
    def picture(self) -> Picture:
        """The content of its cell on a sheet."""
        ...


class ShownAsSheet:
    """The part of a class that shows an object as a sheet of drawings in a notebook."""

    __slots__ = ()
    _max_shown: ClassVar[int] = MAX_SHOWN

    def _shown(self) -> Sequence[Any]:
        """The drawings or pictures on the sheet, row by row."""
        return [self]

    def _columns(self) -> int | None:
        """The columns of the sheet; nearly a square when None."""
        return None

    def _repr_svg_(self) -> str | None:
        """A sheet of the first drawings, on white paper; None without drawings."""
        shown = self._shown()
        pictures = [_picture(each) for each in shown[: self._max_shown]]
        if not pictures:
            return None
        n, columns = len(pictures), self._columns()
        return render(
            pictures,
            tile=None if columns is None else (columns, None),
            cell=next((cell for most, cell in _CELLS if n <= most), _SMALLEST_CELL),
            # One caption under all drawings tells nothing of each.
            label=len({picture.caption for picture in pictures}) > 1,
            background=PAPER,
            title=None if n == len(shown) else f"the first {n} of {len(shown):,}",
        ).decode()

    def _repr_html_(self) -> str | None:
        """The same sheet as an image."""
        from sketchkit.notebook import image_html

        svg, n = self._repr_svg_(), len(self._shown())
        return None if svg is None else image_html(svg, "a drawing" if n == 1 else f"{n:,} drawings")


class Drawings(ShownAsSheet, list[T]):
    """A list of drawings that a notebook shows as a sheet, the first 64 of them.

    Slices of it are shown, too. `Drawings(sketchkit.read_all("cats.ndjson"))` looks into a file.

    Args:
        drawings: sketches, endings or infills, which all have their own colours.
        columns: of the sheet; nearly a square when None.
    """

    def __init__(self, drawings: Iterable[T] = (), columns: int | None = None) -> None:
        super().__init__(drawings)
        self.columns = columns

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> T: ...
    @overload
    def __getitem__(self, index: slice, /) -> Drawings[T]: ...
    def __getitem__(self, index: SupportsIndex | slice, /) -> T | Drawings[T]:
        """A drawing, or some of them."""
        return (
            Drawings(super().__getitem__(index)) if isinstance(index, slice) else super().__getitem__(index)
        )

    def _shown(self) -> Sequence[T]:
        return self

    def _columns(self) -> int | None:
        return self.columns


def _picture(shown: Any) -> Picture:
    if isinstance(shown, Picture):
        return shown
    if isinstance(shown, Pictured):
        return shown.picture
    return Picture.of(shown if isinstance(shown, Sketch) else shown.sketch)
