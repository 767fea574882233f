"""A store of its own for every test: nobody's real models are ever touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from sketchkit.checkpoints import store


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's store lies; it does not exist yet, nor does the folder of sketchkit's own models."""
    monkeypatch.setenv("SKETCHKIT_DATA_DIR", str(tmp_path / "data dir"))
    monkeypatch.setattr(store, "bundled_folder", lambda: tmp_path / "bundled")
    return tmp_path / "data dir" / "models"
