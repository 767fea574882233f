"""Strokes whose ends meet, made one: the pen need not be lifted between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from sketchkit_plotter.order import Stroke

__all__ = ["joined", "linked", "without_repeats"]


def without_repeats(points: Stroke) -> Stroke:
    """The points [n, 2] without those that are where the one before them is; a dot stays one point."""
    moved = np.any(np.diff(points, axis=0) != 0, axis=1)
    kept: Stroke = points[np.concatenate([[True], moved])]
    return kept


def linked(strokes: Iterable[Stroke], tolerance: float) -> list[Stroke]:
    """The strokes, one after another, with each that begins where the last one ended made part of it.

    Args:
        strokes: in their order and direction.
        tolerance: how far apart a beginning and an end may be, in steps.
    """
    parts: list[list[Stroke]] = []
    for stroke in strokes:
        if parts and _squared(parts[-1][-1][-1], stroke[0]) <= tolerance**2:
            parts[-1].append(stroke)
        else:
            parts.append([stroke])
    return [without_repeats(np.concatenate(part)) for part in parts]


def joined(strokes: Sequence[Stroke], tolerance: float) -> list[Stroke]:
    """The strokes with all that meet at their ends made one, some of them reversed for that.

    Each end meets one other at most, the nearest that is free when its turn comes. Of n strokes this takes
    about n steps, more where very many ends lie within the tolerance but not at one point.

    Args:
        strokes: in the order they were drawn in.
        tolerance: how far apart two ends may be, in steps.

    Returns:
        As many strokes or fewer, in the order of the first that each was made of.
    """
    free = _FreeEnds(strokes, tolerance)
    out = []
    for number, stroke in enumerate(strokes):
        if free.take(number):
            after = list(_grown(stroke[-1], free))
            before = [part[::-1] for part in _grown(stroke[0], free)][::-1]
            out.append(without_repeats(np.concatenate([*before, stroke, *after])))
    return out


def _grown(end: Stroke, free: _FreeEnds) -> Iterator[Stroke]:
    """One stroke after another that goes on where the last one ended."""
    while (stroke := free.next(end)) is not None:
        yield stroke
        end = stroke[-1]


class _FreeEnds:
    """The ends of strokes that are in no chain yet, by where they are."""

    def __init__(self, strokes: Sequence[Stroke], tolerance: float) -> None:
        self._strokes = strokes
        self._limit = tolerance**2
        # Whatever is within the tolerance of a point is in its own square or one of the eight around it.
        self._side = int(tolerance) + 1
        self._free = dict.fromkeys(range(len(strokes)))
        self._squares: dict[tuple[int, int], dict[int, None]] = {}
        for end in range(2 * len(strokes)):
            self._squares.setdefault(self._square(self._point(end)), {})[end] = None

    def take(self, number: int) -> bool:
        """Take a stroke out; whether it was still free."""
        if number not in self._free:
            return False
        del self._free[number]
        for end in (2 * number, 2 * number + 1):
            del self._squares[self._square(self._point(end))][end]
        return True

    def next(self, point: Stroke) -> Stroke | None:
        """The stroke whose free end is nearest to a point, from that end on, taken; None if none is near."""
        end = min(self._near(point), default=None)
        if end is None:
            return None
        stroke = self._strokes[end[1] // 2]
        self.take(end[1] // 2)
        return stroke[::-1] if end[1] % 2 else stroke

    def _near(self, point: Stroke) -> Iterator[tuple[int, int]]:
        """(Squared distance, end) within the tolerance; nothing more after one at the very point."""
        column, row = self._square(point)
        for dx, dy in _AROUND:
            for end in self._squares.get((column + dx, row + dy), ()):
                distance = _squared(self._point(end), point)
                if distance <= self._limit:
                    yield distance, end
                if distance == 0:
                    return

    def _point(self, end: int) -> Stroke:
        point: Stroke = self._strokes[end // 2][-(end % 2)]
        return point

    def _square(self, point: Stroke) -> tuple[int, int]:
        return int(point[0]) // self._side, int(point[1]) // self._side


# The square of the point itself comes first: what lies at the very point is there.
_AROUND = sorted(((x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)), key=lambda at: at != (0, 0))


def _squared(a: Stroke, b: Stroke) -> int:
    return int((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2)
