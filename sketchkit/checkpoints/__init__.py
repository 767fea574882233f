"""Checkpoints: the native format, Magenta's JSON in and out, and the store of models.

torch is imported by `load`, `native`, `magenta` and `pull`; `arrays` and `store` read files without it.
"""

from typing import TYPE_CHECKING

from sketchkit.checkpoints.arrays import NativeHeader, read_arrays, read_header
from sketchkit.lazy import lazy_names

if TYPE_CHECKING:
    from sketchkit.checkpoints.exporters import Exporter, make_exporter

__all__ = ["Exporter", "NativeHeader", "make_exporter", "read_arrays", "read_header"]

__getattr__ = lazy_names(__name__, {"sketchkit.checkpoints.exporters": "Exporter make_exporter"})
