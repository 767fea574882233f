"""Whole numbers that callers give: counted in Python's own, whatever kind of number they come as."""

from __future__ import annotations

import math
import operator
from typing import SupportsIndex

from sketchkit.errors import InputError

__all__ = ["MAX_DRAWINGS", "named", "whole"]

#: Drawings that one call draws. All of them are in memory when it returns; a drawing does not depend on the
#: others, so that more of them are as well drawn by several calls.
MAX_DRAWINGS = 1_000_000


def whole(name: str, value: SupportsIndex, low: float = -math.inf, high: float = math.inf) -> int:
    """A whole number in Python's own.

    Args:
        name: what an error calls it.
        value: an integer, also of numpy or torch; a truth value and 2.0 are none.
        low: the least it may be.
        high: the most.

    Raises:
        InputError: something else, or a number out of range.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None:
        raise InputError(f"{name} must be a whole number, got {named(value)}")
    if low <= number <= high:
        return number
    if high == math.inf:
        raise InputError(f"{name} must be {low} or more, got {number}")
    raise InputError(f"{name} must lie in {low}..{high}, got {number}")


def named(value: object) -> str:
    """A value that an error speaks of: itself where it is short, else its type."""
    if isinstance(value, bool | int | float | str | None):
        return repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:50]}..."
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
