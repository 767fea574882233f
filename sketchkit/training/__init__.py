"""Training: data sets, losses, the loop and its records.

`sketchkit.training.data` and the parts of a command line (`config`, `runs`, `logs`, `doctor`) load
without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sketchkit.training.config import TrainConfig
    from sketchkit.training.trainer import train

__all__ = ["TrainConfig", "train"]

_HOMES = {"TrainConfig": "sketchkit.training.config", "train": "sketchkit.training.trainer"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sketchkit.training' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
