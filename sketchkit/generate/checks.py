"""Checks of the numbers that all drawing functions share."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sketchkit.arguments import MAX_DRAWINGS, whole
from sketchkit.card import MAX_LENGTH
from sketchkit.errors import InputError
from sketchkit.models import DrawingModel, check_model
from sketchkit.noise import MAX_SEED

__all__ = ["Counts", "Progress", "check_counts", "check_unconditional", "resolve_seed"]

#: Called with (drawings finished, drawings in all).
Progress = Callable[[int, int], None]


#: A fresh seed has so many bits: few enough to be written down.
_FRESH_BITS = 32


class Counts(NamedTuple):
    """The numbers of a call, in Python's own.

    Args:
        n: how many drawings, of each one given where there are any.
        seed: 0..2^63 - 1.
        batch_size: the most at once; `None` for a number that suits the device.
        max_points: of a drawing; by default the model's own limit.
    """

    n: int
    seed: int
    batch_size: int | None
    max_points: int


def check_counts(
    model: DrawingModel,
    n: int,
    seed: int | None,
    batch_size: int | None,
    max_points: int | None,
    given: int = 1,
) -> Counts:
    """Check the model and the numbers of a call, and resolve the seed and the limit of points.

    Args:
        model: any.
        n: how many drawings.
        seed: as in `Counts`; `None` for a fresh seed.
        batch_size: as in `Counts`.
        max_points: `None` for the model's own limit.
        given: the number of given drawings, each of which gets n.

    Raises:
        InputError: an object that is not a model, a number that is not whole or out of range.
    """
    check_model(model)
    count = whole("n", n, 0, MAX_DRAWINGS)
    if count * given > MAX_DRAWINGS:
        raise InputError(f"{count} times {given} drawings are more than one call draws, {MAX_DRAWINGS}")
    return Counts(
        count,
        resolve_seed(seed),
        None if batch_size is None else whole("batch_size", batch_size, 1, MAX_SEED),
        model.card.max_length if max_points is None else whole("max_points", max_points, 1, MAX_LENGTH),
    )


def resolve_seed(seed: int | None) -> int:
    """The seed to use, 0..2^63 - 1: a fresh seed from the system's random source for `None`.

    Raises:
        InputError: a seed that is not a whole number, or is out of range.
    """
    if seed is None:
        import secrets

        return secrets.randbits(_FRESH_BITS)
    return whole("seed", seed, 0, MAX_SEED)


def check_unconditional(model: DrawingModel, purpose: str) -> None:
    """Refuse a model that draws whole drawings only.

    Args:
        model: any.
        purpose: the intended use, such as "go on with a beginning".

    Raises:
        InputError: a conditional model.
    """
    if model.conditional:
        raise InputError(
            f"the model {model.card.name!r} is conditional: it draws whole drawings from a latent vector and "
            f"cannot {purpose}; a decoder-only model can"
        )
