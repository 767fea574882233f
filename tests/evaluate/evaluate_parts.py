"""Small data sets and models for the tests of evaluation."""

from __future__ import annotations

from pathlib import Path

import torch

from sketchkit.card import ModelCard
from sketchkit.evaluate.heldout import HeldOut
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeArchitecture, VaeModel
from sketchkit.training.data import Dataset, Recipe, prepare_sketches, synth

CLASSES = ("car", "face", "sun")


def small_data(folder: Path, n: int = 90, splits: tuple[float, float, float] = (60, 10, 30)) -> Dataset:
    """Cars, faces and suns of our own making."""
    return prepare_sketches(synth(n, seed=5, classes=CLASSES), folder / "shapes", Recipe(splits=splits))


def small_model(kind: str, classes: tuple[str, ...] = ()) -> SketchModel:
    """A model with random weights in float64: `decoder`, `hyper` or `vae`; it can be told its classes."""
    torch.manual_seed(3)
    card = ModelCard(name=f"small {kind}", scale_factor=25.0, max_length=60, classes=classes)
    if kind == "vae":
        sizes = VaeArchitecture(4, 6, 5, 3, classes=len(classes), embedding=4)
        model: SketchModel = VaeModel(sizes, card)
    else:
        cell = "hyper-lstm" if kind == "hyper" else "lstm"
        model = DecoderModel(DecoderArchitecture(6, 3, cell, classes=len(classes), embedding=4), card)
    return model.double().requires_grad_(False).eval()


def held_out(data: Dataset) -> HeldOut:
    """All test drawings."""
    return HeldOut.choose(data)
