"""A server as people start it, and a browser that opens its page; a plugin of pytest."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from canvas_browser import Open, Visit
from canvas_client import assert_no_bugs, serving

import sketchkit

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
#: What is chosen in a page where a test is not about that.
QUICK = {"tries": 1, "part": 0.5}
#: What a tab begins with that has nothing yet.
BEGIN = """text => {
  const name = 'sketchkit-canvas/1';
  if (location.protocol === 'http:' && !sessionStorage.getItem(name) && !localStorage.getItem(name))
    sessionStorage.setItem(name, text);
}"""


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
    other = tmp_path_factory.mktemp("canvas") / "other.safetensors"
    sketchkit.load_model("doodle").save(other)
    with serving(models=["doodle", str(other)]) as served:
        yield served.url
    assert_no_bugs(served)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One for all pages; while it runs, nothing else in this thread may run an event loop."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Open]:
    """Opens a page as somebody new would have it; on the console, no page may complain.

    Endings come at once and are the first of one try, as large as is said, unless a test asks for others.
    """
    visits: list[Visit] = []
    contexts = []

    def new(go: bool = True, choices: dict[str, Any] | None = QUICK, **options: Any) -> Visit:
        usual = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"}
        contexts.append(browser.new_context(**{**usual, **options}))
        if choices:
            contexts[-1].add_init_script(f"({BEGIN})({json.dumps(json.dumps({'choices': choices}))})")
        visits.append(Visit(contexts[-1].new_page()))
        return visits[-1].go(address) if go else visits[-1]

    yield new
    for context in contexts:
        context.close()
    assert [problem for each in visits for problem in each.problems] == []
