"""A tiny model in a store of its own, a drawing begun, and two ways to run a command line."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from sketchkit.card import ModelCard
from sketchkit.checkpoints import store as library_store
from sketchkit.cli.main import run
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel

BIRD = """<?xml version="1.0" encoding="UTF-8"?>
<!-- by hand -->
<svg xmlns="http://www.w3.org/2000/svg" width="120mm" viewBox="0 0 400 300">
  <path fill="none" stroke="#222" d="M 146 112 C 160 98 160 70 142 60 C 120 50 96 60 90 82"/>
  <path fill="none" stroke="#222" d="M 92 76 L 54 92 L 89 98"/>
</svg>
"""


@dataclass
class Outcome:
    """What a command line left behind."""

    code: int
    out: bytes
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Sketchkit = Callable[..., Outcome]


def without_record(content: bytes) -> bytes:
    """A file but for the record of its command line, from which `rerun` draws it again."""
    return re.sub(rb', "rerun": \{.*?\}\}', b"}", content)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that holds one model, `tiny`, with random weights."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "models").mkdir()
    torch.manual_seed(1)
    card = ModelCard("tiny", scale_factor=40.0, max_length=20, classes=("bird",))
    model = DecoderModel(DecoderArchitecture(hidden=16, mixtures=3), card)
    # Else it might end at once: the third number is the logit of the end.
    model.decoder.output.bias.data[2] -= 3.0
    model.save(folder / "models" / "tiny.safetensors")
    return folder


@pytest.fixture(autouse=True)
def home(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and no settings but that `tiny` is the model."""
    for name in [name for name in os.environ if name.startswith("SKETCHKIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SKETCHKIT_DATA_DIR", str(store))
    monkeypatch.setenv("SKETCHKIT_MODEL", "tiny")
    monkeypatch.setenv("SKETCHKIT_TRIES", "1")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(autouse=True)
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the models that come with sketchkit, empty."""
    folder = tmp_path / "bundled"
    folder.mkdir()
    monkeypatch.setattr(library_store, "bundled_folder", lambda: folder)
    return folder


@pytest.fixture
def own_store(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the store, for a test that changes it; the folder of its models."""
    models = tmp_path / "own" / "models"
    models.mkdir(parents=True)
    (models / "tiny.safetensors").write_bytes((store / "models" / "tiny.safetensors").read_bytes())
    monkeypatch.setenv("SKETCHKIT_DATA_DIR", str(models.parent))
    return models


@pytest.fixture
def doodle(bundled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A default model of two classes in the place where sketchkit's own lies, and nobody names another."""
    monkeypatch.delenv("SKETCHKIT_MODEL")
    torch.manual_seed(2)
    card = ModelCard("doodle", scale_factor=40.0, max_length=20, classes=("cat", "pig"))
    model = DecoderModel(DecoderArchitecture(hidden=8, mixtures=2, classes=2, embedding=4), card)
    model.decoder.output.bias.data[2] -= 3.0
    model.embedding.table.weight.data.mul_(4.0)
    path = bundled / "doodle.safetensors"
    model.save(path)
    return path


@pytest.fixture
def bird(home: Path) -> Path:
    path = home / "bird.svg"
    path.write_text(BIRD)
    return path


@pytest.fixture
def sketchkit(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Sketchkit:
    """Run a command line in this process."""

    def call(*args: object, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run([str(arg) for arg in args])
        captured = capfdbinary.readouterr()
        return Outcome(code, captured.out, captured.err.decode())

    return call


@pytest.fixture
def shell() -> Sketchkit:
    """Run a command line in a process of its own; arguments may be bytes."""

    def call(*args: str | bytes, stdin: bytes = b"", env: dict[str, str] | None = None) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "sketchkit", *args],
            input=stdin,
            capture_output=True,
            env={**os.environ, **(env or {})},
            timeout=600,
        )
        return Outcome(done.returncode, done.stdout, done.stderr.decode())

    return call
