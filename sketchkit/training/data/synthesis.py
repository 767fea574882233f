"""An endless set of drawings with classes, made by rule and by chance: free of rights, and of downloads."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from sketchkit.arguments import find_name, hint
from sketchkit.errors import InputError
from sketchkit.geometry import fit, simplify
from sketchkit.sketch import Sketch
from sketchkit.training.data.strokes import Pen
from sketchkit.training.data.subjects import SUBJECTS

__all__ = ["SYNTH_CLASSES", "synth", "synth_drawing"]

#: The classes, sorted.
SYNTH_CLASSES: tuple[str, ...] = tuple(SUBJECTS)

#: As in the published data: the longer side in pixels, and the tolerance by which lines are simplified.
_SIZE, _TOLERANCE = 255.0, 2.0


def synth(
    n: int | None = None, seed: int = 0, classes: Sequence[str] | None = None, *, first: int = 0
) -> Iterator[Sketch]:
    """Draw simple things, the classes by turns.

    Args:
        n: how many; without end when None.
        seed: 0..2^64 - 1.
        classes: some of `SYNTH_CLASSES`; all of them when None.
        first: the index of the first drawing. Drawing i is a function of the seed, the classes and i.

    Yields:
        Finished drawings in whole pixels 0..255, with label and key.

    Raises:
        InputError: an unknown class, or a number out of range.
    """
    chosen = SYNTH_CLASSES if classes is None else tuple(map(_find_class, classes))
    if not chosen:
        raise InputError("no class to draw")
    if n is not None and n < 0:
        raise InputError(f"the number of drawings must be 0 or more, got {n}")
    indices = itertools.count(first) if n is None else range(first, first + n)
    return (synth_drawing(chosen[i % len(chosen)], seed, i) for i in indices)


def synth_drawing(name: str, seed: int, index: int) -> Sketch:
    """Draw one thing, as a function of class, seed and index alone; see `synth`."""
    name = _find_class(name)
    strokes = SUBJECTS[name](Pen(seed, index))
    lines = [np.rint(line) for line in simplify(fit(strokes, _SIZE), _TOLERANCE)]
    return Sketch.from_polylines(lines, ended=True, label=name, key=f"synth-{seed}-{index}")


def _find_class(name: str) -> str:
    if (found := find_name(name, SYNTH_CLASSES)) is None:
        raise InputError(f"{name!r} is not a class of synth: {hint(name, SYNTH_CLASSES)}")
    return found
