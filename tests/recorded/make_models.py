"""Make the models in `inputs/` anew, with random weights: only needed where a model's format changes.

The files are kept, because the numbers that torch draws for a seed may change with its version.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import safe_open

from sketchkit import ModelCard, SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeArchitecture, VaeModel

INPUTS = Path(__file__).parent / "inputs"
CLASSES = ("face", "sun")


def decoder(name: str, seed: int, *, classes: bool = True, **sizes: object) -> SketchModel:
    """A decoder whose drawings end after some ten points."""
    torch.manual_seed(seed)
    known = CLASSES if classes else ("face",)
    card = ModelCard(name, scale_factor=20.0, max_length=40, classes=known, licence="CC0-1.0")
    told = {"classes": 2, "embedding": 3} if classes else {}
    model = DecoderModel(DecoderArchitecture(**{"hidden": 12, "mixtures": 3, **told, **sizes}), card)
    with torch.no_grad():
        model.decoder.output.bias[:3] = torch.tensor([1.0, 0.0, -2.5])  # draw, lift, end
        if classes:
            model.embedding.table.weight.mul_(4.0)
    return model


def vae(name: str, seed: int) -> SketchModel:
    """A conditional VAE that minds its latent vector and its class."""
    torch.manual_seed(seed)
    card = ModelCard(name, scale_factor=20.0, max_length=30, classes=CLASSES, licence="CC0-1.0")
    sizes = VaeArchitecture(encoder_hidden=6, hidden=10, latent=5, mixtures=3, classes=2, embedding=3)
    model = VaeModel(sizes, card)
    with torch.no_grad():
        for weight in (model.mu.weight, model.initial.weight, model.embedding.table.weight):
            weight.mul_(4.0)
        model.decoder.output.bias[:3] = torch.tensor([1.0, 0.0, -2.0])
    return model


def main() -> None:
    """Write every model."""
    made = [
        decoder("tiny", 7),
        decoder("plain", 8, classes=False, position=True),
        decoder("layernorm", 9, cell="layernorm-lstm"),
        vae("dreamer", 11),
    ]
    for model in made:
        model.requires_grad_(False).eval().save(INPUTS / f"{model.card.name}.safetensors")
    outline(decoder("hyper", 10, cell="hyper-lstm", classes=False, hidden=8))


def outline(model: SketchModel) -> None:
    """Write all of a model but its weights, which are many: numpy draws those when the net is used."""
    path = INPUTS / f"{model.card.name}.safetensors"
    model.requires_grad_(False).eval().save(path)
    with safe_open(path, "numpy") as file:
        shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
        text = json.dumps({"metadata": file.metadata(), "shapes": shapes}, indent=1)
    path.unlink()
    path.with_suffix(".outline.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
