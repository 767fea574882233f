"""What both ways of drawing check before they draw."""

from __future__ import annotations

from collections.abc import Callable

from sketchkit.card import MAX_LENGTH
from sketchkit.errors import InputError
from sketchkit.models import SketchModel
from sketchkit.noise import MAX_SEED

__all__ = ["Progress", "check_counts"]

#: Called with (drawings finished, drawings in all).
Progress = Callable[[int, int], None]


def check_counts(
    model: SketchModel, n: int, seed: int, first: int, batch_size: int | None, max_points: int | None
) -> None:
    """Refuse what is no model, and numbers out of range.

    Raises:
        InputError: the first of them.
    """
    if not isinstance(model, SketchModel):
        raise InputError("a model is needed, not its name: sketchkit.load_model loads one")
    for name, value, low, high in (
        ("n", n, 0, MAX_SEED),
        ("seed", seed, 0, MAX_SEED),
        ("first", first, 0, MAX_SEED - n),
        ("batch_size", 1 if batch_size is None else batch_size, 1, MAX_SEED),
        ("max_points", 1 if max_points is None else max_points, 1, MAX_LENGTH),
    ):
        if not low <= value <= high:
            raise InputError(f"{name} must lie in {low}..{high}, got {value}")
