"""Model backends: what predicts the next point.

A `SketchModel` computes with torch; an `ArrayModel` draws on numpy alone. Names that need torch are imported
when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sketchkit import registry
from sketchkit.decoding import Decoding
from sketchkit.errors import PluginError
from sketchkit.lazy import lazy_names
from sketchkit.models.architectures import check_flags, check_sizes
from sketchkit.models.array_model import ArrayModel
from sketchkit.models.drawing_model import (
    AnyClass,
    Array,
    DrawingModel,
    check_model,
    check_one_class,
    is_one_class,
)
from sketchkit.models.lstm_weights import LSTMWeights
from sketchkit.models.numpy_lstm import NumpyLSTM

if TYPE_CHECKING:
    from sketchkit.models.base import SketchModel, State, WholeDrawingModel
    from sketchkit.models.cells.packed import Packing
    from sketchkit.models.losses import EQUAL, Batch, Losses, Weights

__all__ = [
    "EQUAL",
    "AnyClass",
    "Array",
    "ArrayModel",
    "Batch",
    "Decoding",
    "DrawingModel",
    "LSTMWeights",
    "Losses",
    "NumpyLSTM",
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

__getattr__ = lazy_names(
    __name__,
    {
        "sketchkit.models.base": "SketchModel State WholeDrawingModel",
        "sketchkit.models.cells.packed": "Packing",
        "sketchkit.models.losses": "EQUAL Batch Losses Weights",
    },
)


def backend(name: str) -> type[SketchModel]:
    """The class of models registered under a name.

    Raises:
        PluginError: an unknown backend, or an entry point that is not a `SketchModel` class.
    """
    from sketchkit.models.base import SketchModel

    found: Any = registry.load("model", name)
    if not (isinstance(found, type) and issubclass(found, SketchModel)):
        raise PluginError(f"the model backend {name!r} is not a SketchModel class")
    return found
