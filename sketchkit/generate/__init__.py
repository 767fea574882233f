"""Drawing with a model: `sample` and `reconstruct` whole drawings, `complete` what somebody has begun."""

from sketchkit.generate.drawing import reconstruct, sample
from sketchkit.generate.finishing import Ending, complete

__all__ = ["Ending", "complete", "reconstruct", "sample"]
