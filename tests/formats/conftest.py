"""What the tests of formats share: a browser, whose picture of a document is the measure of what is read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Milliseconds that a busy machine may take for anything.
PATIENCE = 600_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; the test skips where it or Playwright is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    usual = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    found = os.environ.get("SKETCHKIT_CHROMIUM") or next(filter(None, usual), None)
    if not found:
        pytest.skip("no Chromium: install one, or name it in SKETCHKIT_CHROMIUM")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu"], timeout=PATIENCE
        )
        yield launched
        launched.close()
