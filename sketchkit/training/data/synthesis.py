"""An endless labelled set of simple things, drawn by rule and by chance: free of rights, and of downloads."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from sketchkit.errors import InputError
from sketchkit.geometry import fit, simplify
from sketchkit.hints import hint, meant
from sketchkit.sketch import Sketch
from sketchkit.training.data.hand import Hand
from sketchkit.training.data.things import THINGS

__all__ = ["SYNTH_CLASSES", "synth", "synth_drawing"]

#: What can be drawn, sorted.
SYNTH_CLASSES: tuple[str, ...] = tuple(THINGS)

#: As in the published data: a drawing fills so many pixels, and its lines are within so many of the hand's.
_SIZE, _TOLERANCE = 255.0, 2.0


def synth(
    n: int | None = None, seed: int = 0, classes: Sequence[str] | None = None, *, first: int = 0
) -> Iterator[Sketch]:
    """Draw simple things, the classes by turns.

    Args:
        n: how many; without end when None.
        seed: another one draws all of them differently, 0..2^64 - 1.
        classes: what to draw, some of `SYNTH_CLASSES`; all of them when None.
        first: the index of the first drawing. Drawing i is a function of the seed, the classes and i.

    Yields:
        Finished drawings in whole pixels 0..255, with label and key.

    Raises:
        InputError: an unknown class, or a number out of range.
    """
    chosen = _checked(SYNTH_CLASSES if classes is None else classes)
    if n is not None and n < 0:
        raise InputError(f"the number of drawings must be 0 or more, got {n}")
    indices = itertools.count(first) if n is None else range(first, first + n)
    return (synth_drawing(chosen[i % len(chosen)], seed, i) for i in indices)


def synth_drawing(name: str, seed: int, index: int) -> Sketch:
    """One drawing, a function of its arguments alone.

    Args:
        name: one of `SYNTH_CLASSES`.
        seed: 0..2^64 - 1.
        index: 0..2^64 - 1.

    Returns:
        A finished drawing in whole pixels 0..255, with label and key.

    Raises:
        InputError: an unknown class, or a number out of range.
    """
    (name,) = _checked((name,))
    strokes = THINGS[name](Hand(seed, index))
    lines = [np.rint(line) for line in simplify(fit(strokes, _SIZE), _TOLERANCE)]
    return Sketch.from_polylines(lines, ended=True, label=name, key=f"synth-{seed}-{index}")


def _checked(classes: Sequence[str]) -> tuple[str, ...]:
    if not classes:
        raise InputError("no class to draw")
    return tuple(map(_class_called, classes))


def _class_called(name: str) -> str:
    if (found := meant(name, SYNTH_CLASSES)) is None:
        raise InputError(f"the hand does not draw {name!r}: {hint(name, SYNTH_CLASSES)}")
    return found
