"""How examples are chosen, and where the project's own drawings are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# As in sketchkit's own tests: on a server the examples are always the same, and no machine is too slow.
settings.register_profile("usual", deadline=None, max_examples=30)
settings.register_profile("ci", deadline=None, max_examples=30, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "usual")

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def starts() -> Path:
    """The folder of the project's examples."""
    assert (ROOT / "examples" / "face-start.svg").exists()
    return ROOT / "examples"
