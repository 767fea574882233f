"""Arguments: whole numbers, hints for unknown names, and old names that work for one minor version."""

from __future__ import annotations

import functools
import math
import operator
import warnings
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, SupportsIndex, TypeVar

from sketchkit.errors import InputError

__all__ = [
    "MAX_DRAWINGS",
    "describe_value",
    "find_name",
    "hint",
    "old_attribute",
    "old_function",
    "renamed",
    "whole",
]

P = ParamSpec("P")
R = TypeVar("R")

#: The most drawings of a call. All of them are in memory when it returns; since drawings are independent of
#: each other, several calls can draw more.
MAX_DRAWINGS = 1_000_000
#: Names that an error lists.
_MOST_NAMES = 40


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


def find_name(name: str, known: Sequence[str]) -> str | None:
    """The known name that equals a name, or else the only one that differs in capitals alone."""
    if name in known:
        return name
    folded = " ".join(name.casefold().split())
    same = [each for each in known if each.casefold() == folded]
    return same[0] if len(same) == 1 else None


def hint(name: str, known: Sequence[str], listed: str = "there are") -> str:
    """Advice on an unknown name: the nearest of the known names, in any case of letters, or else all of them.

    Args:
        name: the unknown name.
        known: the known names.
        listed: the words before the list.
    """
    import difflib

    lowered = {each.lower(): each for each in reversed(known)}
    near = difflib.get_close_matches(name.lower(), list(lowered), n=1)
    if near:
        return f"did you mean {lowered[near[0]]!r}?"
    more = f" and {len(known) - _MOST_NAMES} more" if len(known) > _MOST_NAMES else ""
    return f"{listed} {', '.join(known[:_MOST_NAMES])}{more}"


# --- old names ---------------------------------------------------------------------------------------------


def old_attribute(old: str, new: str) -> Any:
    """Make a property that reads an attribute by its old name.

    Args:
        old: the old name.
        new: the new name.
    """

    def read(self: object) -> Any:
        _warn(f"{type(self).__name__}.{old} is called {new} now")
        return getattr(self, new)

    return property(read, doc=f"The old name of `{new}`.")


def old_function(old: str, function: Callable[P, R]) -> Callable[P, R]:
    """Make a function that can be called by its old name, too.

    Args:
        old: the old name.
        function: by its new name.
    """

    @functools.wraps(function)
    def call(*args: P.args, **given: P.kwargs) -> R:
        _warn(f"{old} is called {function.__name__} now")
        return function(*args, **given)

    return call


def renamed(**names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take keywords by their old names.

    Args:
        names: the new keyword by each old one.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        name = getattr(function, "__qualname__", "the function").removesuffix(".__init__")

        @functools.wraps(function)
        def call(*args: P.args, **given: P.kwargs) -> R:
            for old in names.keys() & given.keys():
                new = names[old]
                if new in given:
                    raise InputError(f"{name} takes {new}, which was called {old}: give one of them")
                _warn(f"the argument {old} of {name} is called {new} now")
                given[new] = given.pop(old)
            return function(*args, **given)

        return call

    return decorate


def _warn(message: str) -> None:
    warnings.warn(f"{message}; the old name will go", DeprecationWarning, stacklevel=3)
