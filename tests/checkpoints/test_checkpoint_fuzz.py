"""Broken copies of good checkpoints: each loads or is refused in one line, and nothing else happens.

`SKETCHKIT_FUZZ=50000` asks for more of them.
"""

from __future__ import annotations

import json
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from checkpoint_parts import decoder, joined, native_bytes, split, vae

from sketchkit.checkpoints.arrays import METADATA_KEY, read_arrays, read_header
from sketchkit.checkpoints.load import load_model
from sketchkit.checkpoints.magenta import dump_magenta
from sketchkit.checkpoints.native import from_grid, to_grid
from sketchkit.errors import CheckpointError, PluginError, SketchkitError
from sketchkit.models import SketchModel

ROUNDS = int(os.environ.get("SKETCHKIT_FUZZ", "900"))
TOKENS = [
    b"null", b"true", b"-1", b"0", b"1e999", b"1e308", b"[]", b"{}", b'""', b"[[]]", b"18446744073709551615",
    b"NaN", b"\\ud800", b"\xff", b"'", b'"', b"\\", b",", b":", b"2", b"0.5", b"9" * 40, b'"gen"', b"\0",
]  # fmt: skip


def _mutated(content: bytes, head: int, chance: random.Random) -> bytes:
    """`content` with a few bytes changed, removed, repeated or replaced by tokens, mostly near its head."""
    out = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        reach = min(head, len(out)) if chance.random() < 0.8 else len(out)
        at = chance.randrange(reach + 1)
        length = chance.choice((1, 1, 2, 4, 16))
        match chance.randrange(8):
            case 0:
                out[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                out[at : at + length] = chance.choice(TOKENS)
            case 2:
                out[at:at] = chance.choice(TOKENS)
            case 3:
                del out[at : at + length]
            case 4:
                start = chance.randrange(len(out) + 1)
                out[at:at] = out[start : start + length * 8]
            case 5:
                out[at : at + length] = bytes([chance.choice((0, 255))]) * length
            case 6 if at < len(out):
                out[at] ^= 1 << chance.randrange(8)
            case _ if chance.random() < 0.1:
                del out[at:]
    return bytes(out)


def _reframed(content: bytes, chance: random.Random) -> bytes:
    """A safetensors file whose JSON is mutated while its length stays true, so that more of it is read."""
    if chance.random() < 0.2:
        return _mutated(content, 600, chance)
    header, data = split(content)
    if chance.random() < 0.5:
        text = header["__metadata__"][METADATA_KEY].encode()
        changed = _mutated(text, len(text), chance).decode(errors="ignore")
        header["__metadata__"][METADATA_KEY] = changed
        return joined(header, data)
    text = json.dumps(header).encode()
    changed_text = _mutated(text, len(text), chance)
    return struct.pack("<Q", len(changed_text)) + changed_text + data


def _survives(path: Path, content: bytes) -> bool:
    """Load it; whether it was good. Anything but a refusal in one line raises."""
    path.write_bytes(content)
    try:
        model = load_model(path, device="cpu")
    except SketchkitError as error:
        assert isinstance(error, CheckpointError | PluginError), type(error)
        assert str(error).isprintable()
        assert isinstance(error, PluginError) or str(error).startswith(f"{path}: ")
        return False
    _works(model)
    return True


def _works(model: SketchModel) -> None:
    z = [0.5] * getattr(model.architecture, "latent", 0) or None
    raw = model.raw_outputs([[0.1, -0.2, 1, 0, 0]], z=z)
    # Starts and weights of any size are allowed; what they make may saturate, but not be missing.
    assert raw.shape[0] == 2
    assert not torch.isnan(torch.as_tensor(raw)).any()
    assert model.card.scale_factor > 0


def _on_grid(model: SketchModel) -> SketchModel:
    model.load_state_dict({name: from_grid(to_grid(t)) for name, t in model.state_dict().items()})
    return model


def _run(path: Path, good: list[bytes], mutate: Callable[[bytes, random.Random], bytes]) -> None:
    chance = random.Random(20170411)
    loaded = 0
    for content in good:
        assert _survives(path, content)
    for number in range(ROUNDS // 3):
        loaded += _survives(path, mutate(good[number % len(good)], chance))
    # Some changes hit a weight or a name and leave a good file; far more do not.
    assert 0 < loaded < ROUNDS // 3


def test_a_broken_native_file_loads_or_is_refused(tmp_path: Path) -> None:
    models = (decoder(hidden=1, mixtures=1), _on_grid(decoder()), vae())
    good = [native_bytes(model, tmp_path) for model in models]
    _run(tmp_path / "fuzz.safetensors", good, _reframed)


@pytest.mark.parametrize("wrapper", [False, True], ids=["json", "js"])
def test_a_broken_magenta_file_loads_or_is_refused(wrapper: bool, tmp_path: Path) -> None:
    models = (decoder(hidden=1, mixtures=1), decoder(), vae())
    good = [dump_magenta(model, wrapper=wrapper) for model in models]
    path = tmp_path / ("fuzz.js" if wrapper else "fuzz.json")
    _run(path, good, lambda content, chance: _mutated(content, 400, chance))


@pytest.mark.parametrize("read", [read_header, read_arrays])
def test_readers_without_torch_are_as_careful(read: Callable[[Path], object], tmp_path: Path) -> None:
    chance = random.Random(5)
    good = native_bytes(decoder(hidden=1, mixtures=1), tmp_path)
    path = tmp_path / "fuzz.safetensors"
    for _ in range(ROUNDS // 10):
        path.write_bytes(_reframed(good, chance))
        try:
            read(path)
        except CheckpointError as error:
            assert str(error).startswith(f"{path}: ")
            assert str(error).isprintable()
        else:
            assert read_header(path).card.to_json()
