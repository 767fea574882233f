"""Training: data sets, losses, the loop and what it leaves behind.

`sketchkit.training.data` and what a command line needs beforehand (`config`, `runs`, `logs`, `doctor`) load
no torch.
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
