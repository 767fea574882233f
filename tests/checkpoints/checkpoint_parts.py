"""Small models, and checkpoint files put together by hand from their parts."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sketchkit.card import ModelCard
from sketchkit.checkpoints import store
from sketchkit.checkpoints.load import import_model, load_model
from sketchkit.checkpoints.magenta import dump_magenta
from sketchkit.checkpoints.native import save_model
from sketchkit.errors import CheckpointError
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeArchitecture, VaeModel

CARD = ModelCard(
    name="tiny",
    scale_factor=12.5,
    max_length=30,
    start=(0.0, 0.0, 1.0, 0.0, 0.0),
    classes=("cat", "dog"),
    licence="CC0-1.0",
    provenance={"made": "here", "seeds": [1, 2]},
)


def decoder(seed: int = 0, hidden: int = 3, mixtures: int = 2, card: ModelCard = CARD) -> DecoderModel:
    """A decoder-only model with fresh weights."""
    torch.manual_seed(seed)
    model = DecoderModel(DecoderArchitecture(hidden=hidden, mixtures=mixtures), card)
    return model.requires_grad_(False).eval()


def vae(seed: int = 0, card: ModelCard = CARD, **sizes: Any) -> VaeModel:
    """A conditional VAE with fresh weights."""
    torch.manual_seed(seed)
    chosen = {"encoder_hidden": 2, "hidden": 3, "latent": 2, "mixtures": 1, **sizes}
    return VaeModel(VaeArchitecture(**chosen), card).requires_grad_(False).eval()


def same_weights(one: SketchModel, other: SketchModel) -> bool:
    """Whether two models hold the same numbers, bit for bit."""
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


# --- safetensors --------------------------------------------------------------------------------------


def native_bytes(model: SketchModel, folder: Path) -> bytes:
    """A native checkpoint as bytes."""
    path = folder / "parts.safetensors"
    save_model(model, path)
    content = path.read_bytes()
    path.unlink()
    return content


def split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The header of a safetensors file as JSON values, and the bytes behind it."""
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def joined(header: Any, data: bytes) -> bytes:
    """A safetensors file from its parts; bytes are taken as they are."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


# --- Magenta ------------------------------------------------------------------------------------------


def magenta_parts(model: SketchModel | None = None) -> list[Any]:
    """`[header, shapes, blobs]` of a model."""
    parts: list[Any] = json.loads(dump_magenta(decoder() if model is None else model))
    return parts


def blob(values: Any) -> str:
    """Base64 of 16-bit integers."""
    return base64.b64encode(np.asarray(values, "<i2").tobytes()).decode()


# --- refusals ------------------------------------------------------------------------------------------


def is_refused(path: Path, content: bytes, reason: str, error: type[Exception] = CheckpointError) -> None:
    """Assert that a file can neither be loaded nor imported, for that reason, told in one line."""
    path.write_bytes(content)
    for attempt in (lambda: load_model(path, device="cpu"), lambda: import_model(path, "stored")):
        with pytest.raises(error) as refused:
            attempt()
        message = str(refused.value)
        assert reason in message
        assert message.isprintable()
        assert len(message) < 1000
        if error is CheckpointError:
            assert message.startswith(f"{path}: ")
    assert store.names() == []
