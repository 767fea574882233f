"""Model backends."""

from __future__ import annotations

from typing import Any

from sketchkit import registry
from sketchkit.decoding import Decoding
from sketchkit.errors import PluginError
from sketchkit.models.base import (
    AnyClass,
    SketchModel,
    State,
    WholeDrawingModel,
    check_flags,
    check_model,
    check_one_class,
    check_sizes,
    is_one_class,
)
from sketchkit.models.cells.packed import Packing
from sketchkit.models.losses import EQUAL, Batch, Losses, Weights

__all__ = [
    "EQUAL",
    "AnyClass",
    "Batch",
    "Decoding",
    "Losses",
    "Packing",
    "SketchModel",
    "State",
    "Weights",
    "WholeDrawingModel",
    "backend",
    "check_flags",
    "check_model",
    "check_one_class",
    "check_sizes",
    "is_one_class",
]


def backend(name: str) -> type[SketchModel]:
    """The class of models registered under a name.

    Raises:
        PluginError: an unknown backend, or another type than a `SketchModel` class.
    """
    found: Any = registry.load("model", name)
    if not (isinstance(found, type) and issubclass(found, SketchModel)):
        raise PluginError(f"the model backend {name!r} is not a SketchModel class")
    return found
