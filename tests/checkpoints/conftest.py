"""A store of its own for every test: nobody's real models are ever touched."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's store lies; it does not exist yet."""
    monkeypatch.setenv("SKETCHKIT_DATA_DIR", str(tmp_path / "data dir"))
    return tmp_path / "data dir" / "models"
