"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA_VARIABLE = "SKETCHKIT_TEST_DATA"


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real drawings and models; the test skips where nobody has named it."""
    folder = os.environ.get(DATA_VARIABLE)
    if not folder:
        pytest.skip(f"{DATA_VARIABLE} does not name a folder of real drawings")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"{DATA_VARIABLE}={folder} is not a folder")
    return path
