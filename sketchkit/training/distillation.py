"""Drawings of a model that another model learns from: ended, simplified as the data are, of bounded length.

Published models draw points about twice as densely as the training data have them, and a model that learns
from such rows does not learn to end. So each drawing goes through the recipe of the data first.

Source: Hinton, Vinyals & Dean 2015, *Distilling the Knowledge in a Neural Network*. Departure: the pupil
learns from the teacher's drawings and not from its distributions, so that teachers of any kind serve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sketchkit.arguments import whole
from sketchkit.errors import InputError
from sketchkit.generate import sample
from sketchkit.geometry import quickdraw_simplify
from sketchkit.models import SketchModel
from sketchkit.sketch import Sketch

__all__ = ["distill"]

#: Drawings are drawn so many at once.
_BATCH = 512
#: A model is given up that has so many drawings for each one that is kept.
_PATIENCE = 20


def distill(
    model: SketchModel,
    n: int,
    temperature: float,
    *,
    class_name: str | None = None,
    seed: int = 0,
    max_points: int = 125,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Sketch]:
    """Draw n drawings to learn from.

    Args:
        model: the teacher; a conditional one draws from its prior.
        n: how many drawings, 1 or more.
        temperature: tau, above 0.
        class_name: the class, for a model that knows several.
        seed: 0..2^63 - 1; the same seed gives the same drawings, and the first of more are those of fewer.
        max_points: the most points of a drawing that is kept, after simplification.
        progress: called with (drawings kept, n).

    Returns:
        The first n drawings by index that the model ends and that fit, in Quick, Draw! pixels: 255 along the
        longer side, simplified with the tolerance 2.0. The label is the class; the key tells the
        seed, the temperature and the index.

    Raises:
        InputError: a number out of range, or a model whose drawings hardly ever end and fit.
    """
    n, kept = whole("n", n, 1), 0
    name = class_name or (model.card.classes[0] if len(model.card.classes) == 1 else None)
    label = name and name.replace(
        "_", " "
    )  # published files write `diving_board` for the data's `diving board`
    for first in range(0, _PATIENCE * max(n, _BATCH), _BATCH):
        drawn = sample(model, _BATCH, temperature, seed=seed, first=first, class_name=class_name)
        for index, sketch in enumerate(drawn, first):
            lines = quickdraw_simplify([line for line in sketch.to_polylines() if len(line) > 1])
            if not sketch.ended or not 2 <= sum(map(len, lines)) <= max_points:
                continue
            key = f"{model.card.name}-{seed}-{temperature:g}-{index}"
            yield Sketch.from_polylines(lines, ended=True, label=label, key=key)
            kept += 1
            if progress is not None:
                progress(kept, n)
            if kept == n:
                return
    raise InputError(
        f"{model.card.name}: only {kept} of {first + _BATCH} drawings at temperature {temperature:g} "
        f"end within {max_points} points, {n} are needed"
    )
