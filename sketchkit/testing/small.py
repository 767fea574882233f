"""A small model with weights of our own choice, to try samplers with."""

from __future__ import annotations

from functools import cache

import torch

from sketchkit.card import ModelCard
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.noise import normals

__all__ = ["fill", "small_model"]

_STREAM = 78


@cache
def small_model() -> SketchModel:
    """A decoder-only model of 16 hidden numbers and 3 components, most of whose drawings end."""
    card = ModelCard(name="small", scale_factor=20.0, max_length=40)
    with torch.device("meta"):  # nothing is drawn from torch's generator
        model = DecoderModel(DecoderArchitecture(hidden=16, mixtures=3), card)
    model = model.to_empty(device="cpu").requires_grad_(False).eval()
    fill(model, 0.6)
    model.decoder.output.bias[:3] = torch.tensor([1.0, 0.0, -0.8])  # draw, lift, end
    return model


def fill(model: torch.nn.Module, size: float) -> None:
    """Give a model weights, normal numbers times `size`, the same every time."""
    for number, (_, tensor) in enumerate(sorted(model.state_dict().items())):
        values = normals(number, torch.zeros(1, dtype=torch.int64), tensor.numel(), _STREAM)
        tensor.copy_(values.view(tensor.shape) * size)
