"""The field's figures on held-out data: likelihood, calibration, and the looks of a model's drawings."""

from sketchkit.evaluate.evaluation import Choices, evaluate
from sketchkit.evaluate.recogniser import Recogniser, load_recogniser
from sketchkit.evaluate.report import Report
from sketchkit.evaluate.statistics import Figure

__all__ = ["Choices", "Figure", "Recogniser", "Report", "evaluate", "load_recogniser"]
