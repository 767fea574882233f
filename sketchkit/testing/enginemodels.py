"""Small models with weights of our own choice, to try engines with."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sketchkit.card import ModelCard
from sketchkit.models import SketchModel, State
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeArchitecture, VaeModel
from sketchkit.testing.small import fill

__all__ = ["engine_models"]

#: Of a size that nobody's blocks divide.
_PLAIN = DecoderArchitecture(hidden=19, mixtures=5)
_PLACED = DecoderArchitecture(hidden=32, mixtures=3, classes=2, embedding=4, position=True)
_LAYERNORM = DecoderArchitecture(hidden=16, mixtures=3, cell="layernorm-lstm")
_VAE = VaeArchitecture(encoder_hidden=4, hidden=24, latent=6, mixtures=3)
_PLACED_VAE = VaeArchitecture(
    encoder_hidden=4, hidden=17, latent=5, mixtures=4, classes=2, embedding=3, position=True
)


@dataclass(frozen=True)
class _Sizes:
    """Of the stranger's model."""

    hidden: int = 12
    mixtures: int = 4


class _Stranger(SketchModel):
    """A model that has nothing in common with sketchkit's own but what every model has."""

    backend: ClassVar[str] = "stranger"
    architecture_type: ClassVar[type] = _Sizes

    def __init__(self, architecture: _Sizes, card: ModelCard) -> None:
        super().__init__(architecture, card)
        self.inner = nn.Linear(5 + architecture.hidden, architecture.hidden)
        self.outer = nn.Linear(architecture.hidden, 6 * architecture.mixtures + 3)

    def initial_state(self, batch: int, z: Tensor | None = None, label: Tensor | None = None) -> State:
        self._check_given(z, label)
        return (self.outer.weight.new_zeros(batch, self.architecture.hidden),)

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        hidden = torch.tanh(self.inner(torch.cat((rows, state[0]), -1)))
        return self.outer(hidden), (hidden,)


class _Mirrored(DecoderModel):
    """Of sketchkit's own kind, to look at; but it steps as none of them does."""

    backend: ClassVar[str] = "mirrored"

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        raw, state = super().step(rows, state)
        return raw.flip(-1), state


def engine_models(device: torch.device, few: bool = False) -> list[tuple[str, SketchModel]]:
    """Models to step, each with what it is called in a sentence; the same every time.

    Args:
        device: where they shall lie.
        few: whether the plainest alone is enough.
    """
    plain = _made(DecoderModel, _PLAIN, device)
    return [("a decoder", plain), *([] if few else _others(plain, device))]


def _others(plain: SketchModel, device: torch.device) -> list[tuple[str, SketchModel]]:
    """All but the plainest model."""
    models = [
        ("a decoder with classes and position", _made(DecoderModel, _PLACED, device)),
        ("a VAE", _made(VaeModel, _VAE, device)),
        ("a VAE with classes and position", _made(VaeModel, _PLACED_VAE, device)),
        ("a decoder whose cell is layernorm-lstm", _made(DecoderModel, _LAYERNORM, device)),
        ("a model of another backend", _made(_Stranger, _Sizes(), device)),
        ("a subclass of the decoder with a step of its own", _made(_Mirrored, _PLAIN, device)),
        ("a decoder with weights in bfloat16", copy.deepcopy(plain).to(torch.bfloat16)),
    ]
    if device.type != "mps":  # which has no such numbers
        models.append(("a decoder with weights in float64", copy.deepcopy(plain).to(torch.float64)))
    return models


def _made(cls: type[SketchModel], architecture: Any, device: torch.device) -> SketchModel:
    classes = tuple(f"class {number}" for number in range(getattr(architecture, "classes", 0)))
    card = ModelCard(name="a model under test", scale_factor=20.0, max_length=40, classes=classes)
    with torch.device("meta"):  # nothing is drawn from torch's generator
        model = cls(architecture, card)
    model = model.to_empty(device="cpu").requires_grad_(False).eval()
    # So small that differences do not grow from step to step, whatever numbers an engine computes in.
    fill(model, 1.0 / math.sqrt(architecture.hidden))
    output = model.get_submodule("outer" if cls is _Stranger else "decoder.output")
    assert isinstance(output, nn.Linear)
    output.weight.mul_(3.0)  # that the state tells
    output.bias[:3] = torch.tensor([1.0, 0.0, -0.8])  # draw, lift, end
    return model.to(device)
