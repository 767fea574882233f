"""The field's figures on held-out data: likelihood, calibration, and the looks of what a model draws."""

from sketchkit.evaluate.bootstrap import Figure
from sketchkit.evaluate.choices import Choices
from sketchkit.evaluate.evaluation import evaluate
from sketchkit.evaluate.recogniser import Recogniser, load_recogniser
from sketchkit.evaluate.report import Report

__all__ = ["Choices", "Figure", "Recogniser", "Report", "evaluate", "load_recogniser"]
