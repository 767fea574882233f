"""Everything that the hand can draw, by class."""

from __future__ import annotations

from collections.abc import Callable

from sketchkit.training.data import living, objects
from sketchkit.training.data.hand import Hand, Line

__all__ = ["THINGS"]

#: Sorted; a function of a hand that returns its strokes.
THINGS: dict[str, Callable[[Hand], list[Line]]] = {
    name: getattr(room, name)
    for name, room in sorted([(n, living) for n in living.__all__] + [(n, objects) for n in objects.__all__])
}
