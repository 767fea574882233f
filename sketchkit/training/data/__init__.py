"""Data sets for training: made from drawings of any format, kept on disk, read without torch."""

from sketchkit.training.data.dataset import Dataset, Split
from sketchkit.training.data.manifest import SPLITS, Manifest
from sketchkit.training.data.preparing import prepare, prepare_sketches
from sketchkit.training.data.recipe import Recipe
from sketchkit.training.data.synthesis import SYNTH_CLASSES, synth

__all__ = [
    "SPLITS",
    "SYNTH_CLASSES",
    "Dataset",
    "Manifest",
    "Recipe",
    "Split",
    "prepare",
    "prepare_sketches",
    "synth",
]
