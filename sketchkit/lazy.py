"""Names of a package that are imported when they are first used, so that the package itself costs little."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package.

    Args:
        package: its name.
        homes: by module the names that it defines for the package, with spaces between them; `ours=theirs`
            where the names differ.
    """
    pairs = ((word.partition("="), module) for module, words in homes.items() for word in words.split())
    places = {ours: (module, theirs or ours) for (ours, _, theirs), module in pairs}

    def find(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, attribute = places[name]
        value = getattr(import_module(module), attribute)
        setattr(sys.modules[package], name, value)
        return value

    return find
