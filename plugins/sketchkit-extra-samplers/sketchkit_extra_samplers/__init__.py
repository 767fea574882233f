"""Samplers beside those that come with sketchkit: three that leave components out, and a search."""

from sketchkit_extra_samplers.beam import Beam
from sketchkit_extra_samplers.min_p import MinP
from sketchkit_extra_samplers.mirostat import Mirostat
from sketchkit_extra_samplers.typical import Typical

__all__ = ["Beam", "MinP", "Mirostat", "Typical"]
