"""A server as people start it, and a browser that opens its page; a plugin of pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from canvas_browser import Open, Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser is."""
    pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    usual = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    found = os.environ.get("SKETCHKIT_CHROMIUM") or next(filter(None, usual), None)
    if not found:
        pytest.skip("no Chromium: install one, or name it in SKETCHKIT_CHROMIUM")
    return found


@pytest.fixture(scope="session")
def address(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a page whose server offers `doodle`, the same again as `other`, and `doodle-vae`."""
    folder = tmp_path_factory.mktemp("canvas")
    command = [sys.executable, "-m", "sketchkit"]
    settings = {**os.environ, "SKETCHKIT_DATA_DIR": str(folder / "data")}
    other = folder / "other.safetensors"
    subprocess.run(
        [*command, "models", "export", "doodle", "-o", other],
        env=settings,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    serve = ["canvas", "--no-open", "--port", "0", "--model", "doodle", "--model", str(other)]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [*command, *serve], env=settings, stdout=subprocess.PIPE, stderr=log, text=True
        ) as server,
    ):
        try:
            assert server.stdout
            said = server.stdout.readline().strip()
            assert said.startswith("http://"), f"{said}\n{(folder / 'log').read_text()}"
            yield said
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(15)
            server.kill()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Ends with the module: while it runs, nothing else in this thread may run an event loop."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("SKETCHKIT_SCREENSHOTS") or tmp_path / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def visit(browser: Browser, address: str, shots: Path) -> Iterator[Open]:
    """Opens a page as somebody new would have it; on the console, no page may complain."""
    visits: list[Visit] = []
    contexts = []

    def new(go: bool = True, **options: Any) -> Visit:
        contexts.append(browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options}))
        visits.append(Visit(contexts[-1].new_page(), shots))
        return visits[-1].go(address) if go else visits[-1]

    yield new
    for context in contexts:
        context.close()
    assert [problem for each in visits for problem in each.problems] == []
