"""`Sketch`: one drawing as a sequence of pen moves.

One row is one point. Row i says how the pen came to that point (the offset from the point before it, or
from `origin` for row 0) and its state there: it stays down (p1), it lifts (p2), or the drawing ends (p3).
So the row before a point says whether the way *to* it leaves ink, and the first row only places the pen. The
last row may be an end row; its offset leaves no ink.

Offsets are float32, positions are float64 sums of them: a sketch turned into polylines and back is the same
sketch wherever each offset is larger than 1e-8 of its distance from the origin, and integer or binary
fractional coordinates (pixels, quarters) survive the other way round too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Protocol, final, runtime_checkable

import numpy as np
import numpy.typing as npt

from sketchkit.errors import InputError

__all__ = ["Drawn", "Sketch"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]


@final
class Sketch:
    """An immutable drawing in stroke-5.

    Args:
        stroke5: [N, 5] rows (dx, dy, p1, p2, p3); offsets in drawing units, y pointing down, the pen
            state one-hot, at most one end row and that the last.
        origin: (x, y) on the page from which row 0 is measured, in drawing units.
        label: its class, where the file has one ("cat").
        key: the drawing's own identifier, where the file has one.

    Raises:
        InputError: a wrong shape, an infinite number or NaN, a pen state other than one-hot, an end row
            before the last row.

    An end row keeps its offset, which leaves no ink but counts in comparisons.

    Source: Ha & Eck 2017, section 3.1. Departure: the paper pads every sketch with end rows to Nmax; here a
        drawing carries at most one, and `SketchBatch` pads.
    """

    __slots__ = ("_key", "_label", "_origin", "_stroke5")

    _stroke5: Float32
    _origin: tuple[float, float]
    _label: str | None
    _key: str | None

    def __init__(
        self,
        stroke5: npt.ArrayLike,
        *,
        origin: tuple[float, float] = (0.0, 0.0),
        label: str | None = None,
        key: str | None = None,
    ) -> None:
        rows = _check_stroke5(stroke5)
        place = _check_origin(origin)
        rows = _freeze(rows)
        for name, value in (("_stroke5", rows), ("_origin", place), ("_label", label), ("_key", key)):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a Sketch is immutable: cannot set {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Sketch is immutable: cannot delete {name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (np.array(self._stroke5), self._origin, self._label, self._key))

    # --- made from ------------------------------------------------------------------------------------

    @classmethod
    def from_stroke3(
        cls,
        stroke3: npt.ArrayLike,
        *,
        origin: tuple[float, float] = (0.0, 0.0),
        ended: bool = False,
        label: str | None = None,
        key: str | None = None,
    ) -> Sketch:
        """Make a sketch from stroke-3 rows (dx, dy, lift), of which row 0 is the first point.

        Published npz files leave that point out; `sketchkit.read` puts it back.

        Args:
            stroke3: [N, 3], offsets in drawing units, the third column 1 where the pen lifts after the point.
            origin: (x, y) from which row 0 is measured.
            ended: whether to add an end row; stroke-3 itself lacks the end of a drawing.
            label: its class.
            key: its identifier.

        Returns:
            A sketch of N rows, N + 1 with the end row.

        Raises:
            InputError: a shape other than [N, 3], or a third column with values beside 0 and 1.
        """
        rows = _as_float(stroke3, 3, "stroke-3")
        lift = rows[:, 2]
        if not ((lift == 0.0) | (lift == 1.0)).all():
            raise InputError("the third column of stroke-3 must be 0 (stay down) or 1 (lift)")
        out = np.zeros((len(rows) + ended, 5), np.float32)
        out[: len(rows), :2] = rows[:, :2]
        out[: len(rows), 2] = 1.0 - lift
        out[: len(rows), 3] = lift
        if ended:
            out[-1, 4] = 1.0
        return cls(out, origin=origin, label=label, key=key)

    @classmethod
    def from_polylines(
        cls,
        polylines: Iterable[npt.ArrayLike],
        *,
        origin: tuple[float, float] | None = None,
        ended: bool = False,
        pen_down: bool = False,
        label: str | None = None,
        key: str | None = None,
    ) -> Sketch:
        """Make a sketch from absolute polylines, one a stroke, in pen order.

        Args:
            polylines: arrays [n, 2] of (x, y) in drawing units; one point is a dot, empty ones are skipped.
            origin: (x, y) from which row 0 is measured; the first point itself when None.
            ended: whether to add an end row.
            pen_down: leave the pen on the paper after the last point.
            label: its class.
            key: its identifier.

        Returns:
            A sketch with one row a point (and the end row).

        Raises:
            InputError: a polyline of another shape, or with an infinite number or NaN.
        """
        lines = [line for line in (_as_float(p, 2, "a polyline", np.float64) for p in polylines) if len(line)]
        if not lines:
            place = (0.0, 0.0) if origin is None else origin
            return cls(np.zeros((0, 5)) if not ended else _END_ROW, origin=place, label=label, key=key)
        points = np.concatenate(lines)
        place = (float(points[0, 0]), float(points[0, 1])) if origin is None else origin
        rows = np.zeros((len(points) + ended, 5), np.float32)
        rows[: len(points), :2] = _offsets(points, place)
        rows[: len(points), 2] = 1.0
        last = np.cumsum([len(line) for line in lines]) - 1
        if pen_down:
            last = last[:-1]
        rows[last, 2:4] = (0.0, 1.0)
        if ended:
            rows[-1, 4] = 1.0
        return cls(rows, origin=place, label=label, key=key)

    @classmethod
    def from_svg(
        cls, svg: str | bytes, *, tolerance: float | None = None, keep_background: bool = False
    ) -> Sketch:
        """Make a sketch from the pen strokes of an SVG document.

        Args:
            svg: the document itself (`sketchkit.read` takes file names).
            tolerance: how far a polyline may be from its curve, in user units; by its size when None.
            keep_background: make strokes of the paper under the drawing, too.

        Returns:
            A sketch in the user units of the document's root.

        Raises:
            FormatError: another format, damaged, above a limit of the importer, or text and images only.
        """
        # Only the two notebook conveniences reach up to the rooms that read and write SVG.
        from sketchkit.formats.svg import read_svg, svg_bytes

        if not isinstance(svg, str | bytes):
            raise InputError(f"the text of an SVG document is needed, got a {type(svg).__name__}")
        data = svg_bytes(svg, "the SVG text") if isinstance(svg, str) else svg
        name = "the SVG text"
        return read_svg(data, name, tolerance=tolerance, keep_background=keep_background).sketch(name)

    # --- turned into ----------------------------------------------------------------------------------

    @property
    def stroke5(self) -> Float32:
        """The rows, float32 [N, 5], read-only."""
        return self._stroke5

    def to_stroke3(self) -> Float32:
        """The ink rows as stroke-3, float32 [N, 3] (dx, dy, lift); an end row is left out."""
        return self._ink_rows[:, [0, 1, 3]]

    def to_polylines(self) -> list[Float64]:
        """The strokes as absolute polylines, float64 [n, 2] each, in drawing units on the page."""
        rows = self._ink_rows
        if not len(rows):
            return []
        lifts = np.flatnonzero(rows[:, 3]) + 1
        return [line for line in np.split(self.points, lifts) if len(line)]

    def to_svg(self, size: float = 256) -> str:
        """The drawing as a small standalone SVG.

        Args:
            size: the longer side in pixels; its coordinates stay drawing units.
        """
        from sketchkit.svgdoc import sketch_svg

        return sketch_svg(self, size)

    def _repr_svg_(self) -> str:
        """The drawing in a notebook."""
        return self.to_svg()

    def _repr_html_(self) -> str:
        """The same drawing as an image."""
        from sketchkit.notebook import image_html

        return image_html(self.to_svg(), self.label or "a drawing")

    # --- what it knows --------------------------------------------------------------------------------

    @property
    def origin(self) -> tuple[float, float]:
        """(x, y) on the page from which row 0 is measured."""
        return self._origin

    @property
    def label(self) -> str | None:
        """The class of the drawing, where its file has one."""
        return self._label

    @property
    def key(self) -> str | None:
        """The drawing's identifier, where its file has one."""
        return self._key

    @property
    def ended(self) -> bool:
        """Whether the last row is an end row, which marks the drawing as finished."""
        return len(self._stroke5) > 0 and bool(self._stroke5[-1, 4] == 1.0)

    @property
    def pen_down(self) -> bool:
        """Whether the pen still touches the paper after the last point."""
        rows = self._ink_rows
        return len(rows) > 0 and bool(rows[-1, 2] == 1.0)

    @property
    def points(self) -> Float64:
        """Absolute position of every point, float64 [N, 2], without the end row."""
        return np.cumsum(self._ink_rows[:, :2], axis=0, dtype=np.float64) + self._origin

    @property
    def end_point(self) -> tuple[float, float]:
        """Where the pen stands after the last point; the origin of an empty drawing."""
        points = self.points
        return (float(points[-1, 0]), float(points[-1, 1])) if len(points) else self._origin

    @property
    def n_strokes(self) -> int:
        """How many strokes, dots included."""
        rows = self._ink_rows
        return int(rows[:, 3].sum()) + self.pen_down

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(x_min, y_min, x_max, y_max) of the points; the origin twice for an empty drawing."""
        points = self.points
        if not len(points):
            return (*self._origin, *self._origin)
        low, high = points.min(axis=0), points.max(axis=0)
        return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))

    @property
    def ink_length(self) -> float:
        """How far the pen travels on the paper, in drawing units."""
        rows = self._ink_rows
        drawn = rows[:-1, 2] == 1.0
        return float(np.hypot(*rows[1:, :2].T.astype(np.float64))[drawn].sum())

    def __len__(self) -> int:
        """The number of rows, N."""
        return len(self._stroke5)

    # --- made into another ----------------------------------------------------------------------------

    def with_end(self) -> Sketch:
        """The same drawing, finished: with an end row."""
        if self.ended:
            return self
        return self._with_rows(np.concatenate([self._stroke5, _END_ROW]))

    def without_end(self) -> Sketch:
        """The same drawing without its end row: something that can be continued."""
        return self._with_rows(self._ink_rows) if self.ended else self

    def labelled(self, label: str | None, key: str | None = None) -> Sketch:
        """The same drawing under another label and key."""
        return Sketch(self._stroke5, origin=self._origin, label=label, key=key)

    def transformed(self, scale: float, shift: tuple[float, float] = (0.0, 0.0)) -> Sketch:
        """The drawing with every point p moved to `scale * p + shift`.

        Args:
            scale: factor, the same on both axes.
            shift: (x, y) in the new drawing units.

        Returns:
            A sketch of the same rows; the offsets are multiplied in float32.

        Raises:
            InputError: a scale that is infinite, NaN or too large for float32.
        """
        rows = np.array(self._stroke5)
        with np.errstate(over="ignore", invalid="ignore"):
            rows[:, :2] *= np.float32(scale)
        origin = (self._origin[0] * scale + shift[0], self._origin[1] * scale + shift[1])
        return Sketch(rows, origin=origin, label=self._label, key=self._key)

    def __add__(self, other: Sketch) -> Sketch:
        """This drawing continued by another; both keep their place on the page.

        This drawing's end row goes; its label and key stay. If its pen is down, ink joins the two.
        """
        if not isinstance(other, Sketch):
            return NotImplemented
        tail = np.array(other._stroke5)
        if len(tail) and not tail[0, 4]:
            end = self.end_point
            with np.errstate(over="ignore"):  # what is too far for float32 is refused with the rows
                tail[0, 0] = other._origin[0] - end[0] + float(tail[0, 0])
                tail[0, 1] = other._origin[1] - end[1] + float(tail[0, 1])
        return self._with_rows(np.concatenate([self._ink_rows, tail]))

    # --- compared and shown ---------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        """Equal rows from an equal origin; label and key are ignored."""
        if not isinstance(other, Sketch):
            return NotImplemented
        return self._origin == other._origin and np.array_equal(self._stroke5, other._stroke5)

    def __hash__(self) -> int:
        # Adding 0.0 makes -0.0 hash as the 0.0 it equals.
        return hash((self._origin, (self._stroke5 + np.float32(0.0)).tobytes()))

    def __repr__(self) -> str:
        x0, y0, x1, y1 = self.bounds
        what = "" if self._label is None else f"{self._label!r}: "
        state = "ended" if self.ended else "open"
        size = f"{x1 - x0:g}x{y1 - y0:g} at ({x0:g}, {y0:g})"
        return f"<Sketch {what}{self.n_strokes} strokes, {len(self._ink_rows)} points, {size}, {state}>"

    @property
    def _ink_rows(self) -> Float32:
        return self._stroke5[:-1] if self.ended else self._stroke5

    def _with_rows(self, rows: Float32) -> Sketch:
        return Sketch(rows, origin=self._origin, label=self._label, key=self._key)


_END_ROW: Float32 = np.array([[0, 0, 0, 0, 1]], np.float32)


def _rebuild(rows: Float32, origin: tuple[float, float], label: str | None, key: str | None) -> Sketch:
    return Sketch(rows, origin=origin, label=label, key=key)


def _freeze(rows: Float32) -> Float32:
    """Rows that stay read-only: numpy refuses to make a view of bytes writable."""
    return np.frombuffer(rows.tobytes(), np.float32).reshape(rows.shape)


def _check_origin(origin: tuple[float, float]) -> tuple[float, float]:
    try:
        x, y = (float(value) for value in origin)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"the origin of a sketch must be two numbers (x, y), got {origin!r}") from error
    if not (math.isfinite(x) and math.isfinite(y)):
        raise InputError(f"the origin of a sketch must be finite, got {(x, y)}")
    return (x, y)


def _as_float(values: npt.ArrayLike, columns: int, what: str, dtype: npt.DTypeLike = np.float32) -> Any:
    """A float array [N, columns], copied; `what` names it in the error."""
    try:
        with np.errstate(over="ignore"):
            array = np.array(values, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{what} must be an array of numbers [N, {columns}]: {error}") from error
    if array.size == 0 and (array.ndim == 1 or array.shape[-1:] in ((0,), (columns,))):
        array = array.reshape(0, columns)
    if array.ndim != 2 or array.shape[1] != columns:
        raise InputError(f"{what} must have the shape [N, {columns}], got {list(array.shape)}")
    if not np.isfinite(array).all():
        raise InputError(f"{what} holds a number that is not finite (as {np.dtype(dtype).name})")
    return array


def _check_stroke5(stroke5: npt.ArrayLike) -> Float32:
    rows: Float32 = _as_float(stroke5, 5, "stroke-5")
    pens = rows[:, 2:]
    if not (((pens == 0.0) | (pens == 1.0)).all() and (pens.sum(axis=1) == 1.0).all()):
        raise InputError("every pen state (p1, p2, p3) must be one-hot")
    ends = np.flatnonzero(pens[:, 2])
    if len(ends) > 1:
        raise InputError(f"a sketch has at most one end row, got {len(ends)}: strip the padding first")
    if len(ends) == 1 and ends[0] != len(rows) - 1:
        raise InputError(f"the end row must be the last, but row {ends[0]} of {len(rows)} ends the drawing")
    return rows


def _offsets(points: Float64, origin: tuple[float, float]) -> Float32:
    """Offsets [N, 2] between float64 positions: float32 offsets come back from their own running sum."""
    steps = np.diff(points, axis=0, prepend=np.array([origin], np.float64))
    if not (np.abs(steps) < np.finfo(np.float32).max).all():
        raise InputError("a polyline makes a step too long for float32")
    return steps.astype(np.float32)


@runtime_checkable
class Drawn(Protocol):
    """The result of a model for a drawing, such as an ending or an infill."""

    @property
    def sketch(self) -> Sketch:
        """The whole drawing."""
        ...
