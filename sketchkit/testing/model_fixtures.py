"""Small models with fixed weights, and their inputs, to try samplers, models and engines with."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sketchkit.card import ModelCard
from sketchkit.models import SketchModel, State
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeArchitecture, VaeModel
from sketchkit.noise import normals, uniforms
from sketchkit.testing.faults import Faults

__all__ = ["STEPS", "Inputs", "make_card", "make_engine_models", "make_inputs", "make_small_model"]

#: The rows of a drawing in `Inputs`.
STEPS = 9
_WEIGHT_STREAM, _INPUT_STREAM = 78, 79
#: Draw, lift, end: most drawings end.
_PEN_LOGITS = (1.0, 0.0, -0.8)


@dataclass(frozen=True)
class Inputs:
    """The inputs of a model.

    Args:
        rows: [B, T, 5] in model units.
        z: [B, Z]; None for an unconditional model.
        label: int64 [B], classes and the number that stands for "unknown"; None for a model without classes.
    """

    rows: Tensor
    z: Tensor | None
    label: Tensor | None

    def select(self, chosen: Tensor) -> Inputs:
        """The inputs of some of the rows."""
        z, label = (None if part is None else part[chosen] for part in (self.z, self.label))
        return Inputs(self.rows[chosen], z, label)

    def begin(self, model: SketchModel) -> State:
        """The model's initial state for these inputs."""
        return model.initial_state(len(self.rows), self.z, self.label)


def make_inputs(model: SketchModel, count: int, faults: Faults) -> Inputs:
    """Inputs of so many rows; requires a conditional model to tell the length of z."""
    index = torch.arange(count)
    rows = torch.zeros(count, STEPS, 5)
    rows[..., :2] = normals(1, index, 2 * STEPS, _INPUT_STREAM).view(count, STEPS, 2)
    lifted = uniforms(2, index[:, None], torch.arange(STEPS), _INPUT_STREAM)[..., 0] < 0.3
    rows[..., 2], rows[..., 3] = ~lifted, lifted
    z, label = None, None
    if model.conditional:
        size: Any = getattr(model.architecture, "latent", None)
        advice = "give its architecture the field latent, the length of z"
        problem = "it is conditional, but the length of z is unknown"
        faults.require(isinstance(size, int), "latent", f"{problem}: {advice}")
        z = normals(3, index, size, _INPUT_STREAM).to(model.device, model.dtype)
    if model.labelled:
        label = (index % (model.architecture.classes + 1)).to(model.device)
    return Inputs(rows.to(model.device, model.dtype), z, label)


def make_card(architecture: Any) -> ModelCard:
    """A card that fits an architecture."""
    classes = tuple(f"class {number}" for number in range(getattr(architecture, "classes", 0)))
    return ModelCard(name="a model under test", scale_factor=20.0, max_length=40, classes=classes)


@cache
def make_small_model() -> SketchModel:
    """A decoder-only model of 16 hidden numbers and 3 components."""
    model = _make(DecoderModel, DecoderArchitecture(hidden=16, mixtures=3), 0.6)
    model.get_parameter("decoder.output.bias")[:3] = torch.tensor(_PEN_LOGITS)
    return model


def make_engine_models(device: torch.device, few: bool = False) -> list[tuple[str, SketchModel]]:
    """Models for an engine to step, each with its name in a sentence.

    Args:
        device: of the models.
        few: whether only the plainest is made.
    """
    plain = DecoderArchitecture(hidden=19, mixtures=5)  # sizes that blocks of vectors do not divide
    placed = DecoderArchitecture(hidden=32, mixtures=3, classes=2, embedding=4, position=True)
    layernorm = DecoderArchitecture(hidden=16, mixtures=3, cell="layernorm-lstm")
    vae = VaeArchitecture(encoder_hidden=4, hidden=24, latent=6, mixtures=3)
    placed_vae = VaeArchitecture(
        encoder_hidden=4, hidden=17, latent=5, mixtures=4, classes=2, embedding=3, position=True
    )
    kinds: list[tuple[str, type[SketchModel], Any]] = [
        ("a decoder", DecoderModel, plain),
        ("a decoder with classes and position", DecoderModel, placed),
        ("a VAE", VaeModel, vae),
        ("a VAE with classes and position", VaeModel, placed_vae),
        ("a decoder whose cell is layernorm-lstm", DecoderModel, layernorm),
        ("a model of another backend", _Foreign, _Sizes()),
        ("a subclass of the decoder with a step of its own", _Mirrored, plain),
    ]
    models = [
        (name, _make_for_engine(cls, architecture).to(device))
        for name, cls, architecture in kinds[: 1 if few else None]
    ]
    types = [torch.bfloat16] if device.type == "mps" else [torch.bfloat16, torch.float64]
    for dtype in [] if few else types:
        name = f"a decoder with weights in {str(dtype).removeprefix('torch.')}"
        models.append((name, copy.deepcopy(models[0][1]).to(dtype)))
    return models


def _make_for_engine(cls: type[SketchModel], architecture: Any) -> SketchModel:
    # With small weights differences stay the same from step to step, whatever an engine's precision.
    model = _make(cls, architecture, 1.0 / math.sqrt(architecture.hidden))
    output = "outer" if cls is _Foreign else "decoder.output"
    model.get_parameter(f"{output}.weight").mul_(3.0)  # so that the state matters
    model.get_parameter(f"{output}.bias")[:3] = torch.tensor(_PEN_LOGITS)
    return model


def _make(cls: type[SketchModel], architecture: Any, size: float) -> SketchModel:
    """A model whose weights are fixed normal numbers times a size."""
    with torch.device("meta"):  # leaves torch's generator alone
        model = cls(architecture, make_card(architecture))
    model = model.to_empty(device="cpu").requires_grad_(False).eval()
    for number, (_, tensor) in enumerate(sorted(model.state_dict().items())):
        values = normals(number, torch.zeros(1, dtype=torch.int64), tensor.numel(), _WEIGHT_STREAM)
        tensor.copy_(values.view(tensor.shape) * size)
    return model


@dataclass(frozen=True)
class _Sizes:
    hidden: int = 12
    mixtures: int = 4


class _Foreign(SketchModel):
    """A model that shares only the interface with sketchkit's own."""

    backend: ClassVar[str] = "foreign"
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
    """A subclass of sketchkit's own decoder that steps differently."""

    backend: ClassVar[str] = "mirrored"

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        raw, state = super().step(rows, state)
        return raw.flip(-1), state
