"""Old names that keep working for one minor version, with a DeprecationWarning."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from sketchkit.errors import InputError

__all__ = ["old_attribute", "old_function", "renamed"]

P = ParamSpec("P")
R = TypeVar("R")


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
