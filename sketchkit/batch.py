"""`SketchBatch`: many drawings in one padded array."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import final

import numpy as np
import numpy.typing as npt

from sketchkit.arguments import describe_value
from sketchkit.errors import InputError
from sketchkit.sketch import Float32, Sketch

__all__ = ["SketchBatch", "check_sketches", "checked_sketches"]


@final
class SketchBatch:
    """Many drawings in one array, padded with end rows.

    Args:
        stroke5: [B, T, 5] float32; row `lengths[b]` and all later ones of drawing b are (0, 0, 0, 0, 1).
        lengths: [B] int64, the ink rows of each drawing, 0..T.

    Raises:
        InputError: mismatched shapes.

    Source: Ha & Eck 2017, section 3.1 (padding to Nmax with (0, 0, 0, 0, 1)).
    """

    __slots__ = ("lengths", "stroke5")

    def __init__(self, stroke5: Float32, lengths: npt.NDArray[np.int64]) -> None:
        if stroke5.ndim != 3 or stroke5.shape[2] != 5 or lengths.shape != stroke5.shape[:1]:
            raise InputError(
                f"a batch needs stroke5 [B, T, 5] and lengths [B], got {stroke5.shape} and {lengths.shape}"
            )
        if len(lengths) and (lengths.min() < 0 or lengths.max() > stroke5.shape[1]):
            raise InputError(f"the lengths of a batch must lie in 0..{stroke5.shape[1]}")
        self.stroke5 = stroke5
        self.lengths = lengths

    @classmethod
    def from_sketches(cls, sketches: Sequence[Sketch], length: int | None = None) -> SketchBatch:
        """Pad drawings to one length.

        Args:
            sketches: B drawings; their end rows become padding, origins and labels are dropped.
            length: T; the longest drawing plus one end row when None.

        Returns:
            The batch [B, T, 5].

        Raises:
            InputError: a drawing with more ink rows than `length`.
        """
        inks = [s.without_end().stroke5 for s in sketches]
        lengths = np.array([len(rows) for rows in inks], np.int64)
        longest = int(lengths.max(initial=0))
        total = longest + 1 if length is None else length
        if longest > total:
            raise InputError(f"a drawing of {longest} points does not fit a batch of length {total}")
        out = np.zeros((len(inks), total, 5), np.float32)
        out[:, :, 4] = 1.0
        for b, rows in enumerate(inks):
            out[b, : len(rows)] = rows
        return cls(out, lengths)

    def __len__(self) -> int:
        """The number of drawings, B."""
        return len(self.lengths)

    def __getitem__(self, index: int) -> Sketch:
        """Drawing `index`, measured from (0, 0), with an end row if the batch has one for it."""
        n = int(self.lengths[index])
        return Sketch(self.stroke5[index, : n + 1])

    def __repr__(self) -> str:
        b, t, _ = self.stroke5.shape
        return f"<SketchBatch of {b}, padded to {t} rows, {int(self.lengths.sum())} points>"


def check_sketches(sketches: object, what: str) -> list[Sketch]:
    """Check that an argument holds several drawings, and return them.

    Args:
        sketches: an iterable of sketches.
        what: the beginning of the error.

    Raises:
        InputError: a single sketch, or another type.
    """
    single = isinstance(sketches, Sketch | str | bytes) or not isinstance(sketches, Iterable)
    several = [sketches] if single else list(sketches)  # type: ignore[call-overload]
    wrong = several if single else [each for each in several if not isinstance(each, Sketch)]
    if wrong:
        raise InputError(f"{what}, got {describe_value(wrong[0])}: sketchkit.read makes one of a file")
    return [each for each in several if isinstance(each, Sketch)]


checked_sketches = check_sketches  # the old name, until all callers have moved
