"""Whole numbers that callers give, as Python's own integers."""

from __future__ import annotations

import math
import operator
from typing import SupportsIndex

from sketchkit.errors import InputError

__all__ = ["MAX_DRAWINGS", "describe_value", "named", "whole"]

#: The most drawings of a call. All of them are in memory when it returns; since drawings are independent of
#: each other, several calls can draw more.
MAX_DRAWINGS = 1_000_000


def whole(name: str, value: SupportsIndex, low: float = -math.inf, high: float = math.inf) -> int:
    """Check a whole number and return it as Python's own integer.

    Args:
        name: of the argument, for the error.
        value: an integer, also of numpy or torch; booleans and floats such as 2.0 are refused.
        low: the least valid number.
        high: the greatest.

    Raises:
        InputError: another type, or a number out of range.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None:
        raise InputError(f"{name} must be a whole number, got {describe_value(value)}")
    if low <= number <= high:
        return number
    if high == math.inf:
        raise InputError(f"{name} must be {low} or more, got {number}")
    raise InputError(f"{name} must lie in {low}..{high}, got {number}")


def describe_value(value: object) -> str:
    """A value for an error message: itself if it is short, else its type."""
    if isinstance(value, bool | int | float | str | None):
        return repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:50]}..."
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


named = describe_value  # the old name, until all callers have moved
