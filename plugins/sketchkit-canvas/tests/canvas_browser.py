"""A page that is open in a browser, and a hand that draws on it."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

Line = list[tuple[float, float]]
Open = Callable[..., "Visit"]

#: Of the paper, in its own units.
SHEET = 800
AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"
#: Milliseconds that a slow machine may take for anything.
PATIENCE = 600_000


def circle(x: float, y: float, radius: float, points: int = 32) -> Line:
    angles = [2 * math.pi * i / points for i in range(points + 1)]
    return [(x + radius * math.sin(angle), y - radius * math.cos(angle)) for angle in angles]


FACE: list[Line] = [circle(400, 400, 200), circle(330, 340, 24, 12), circle(470, 340, 24, 12)]
CAT: list[Line] = [
    circle(400, 500, 180),
    [(250, 380), (270, 250), (340, 330)],
    [(550, 380), (530, 250), (460, 330)],
]


class Visit:
    """A page that is open, and what can be done with it.

    Args:
        page: where the canvas is, or will be.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.set_default_timeout(PATIENCE)
        # What the content security policy forbids is said on the console, too.
        page.on("console", lambda said: self.problems.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def go(self, address: str) -> Visit:
        self.page.goto(address)
        self.until("state.connection === 'ready'")
        return self

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.page.evaluate("window.sketchkitCanvas.state()"))

    def until(self, condition: str) -> None:
        """Wait for what is said in JavaScript of `state`, what `window.sketchkitCanvas` tells."""
        found = f"() => {{ const state = window.sketchkitCanvas.state(); return {condition}; }}"
        # A tab in the background has no frames to wait for.
        self.page.wait_for_function(found, timeout=PATIENCE, polling=50)

    def marks(self, side: str = "a") -> list[dict[str, Any]]:
        return list(self.state["sheets"][side])

    def draw(self, lines: list[Line], side: str = "a") -> None:
        for line in lines:
            self.put(line, side)
            self.page.mouse.up()

    def put(self, line: Line, side: str = "a") -> None:
        """Draw, and leave the pen down."""
        x, y, scale = self.place(side)
        mouse = self.page.mouse
        mouse.move(x + line[0][0] * scale, y + line[0][1] * scale)
        mouse.down()
        for to in line[1:]:
            mouse.move(x + to[0] * scale, y + to[1] * scale)

    def place(self, side: str = "a") -> tuple[float, float, float]:
        """Where the paper's corner is in the window, and how many pixels a unit of it has."""
        self.page.locator(f"#paper-{side}").scroll_into_view_if_needed()
        box = self.page.locator(f"#paper-{side}").bounding_box()
        assert box
        return box["x"], box["y"], box["width"] / SHEET

    def enter(self, mode: str) -> None:
        self.page.click(f"#tab-{mode}")

    def finished(self, mode: str = "finish") -> dict[str, Any]:
        """Wait until everything that was asked for in a mode is drawn."""
        self.until(f"state.{mode}?.complete && !state.{mode}.waiting")
        found = dict(self.state[mode])
        assert found["misplaced"] == 0
        return found

    def ending(self) -> dict[str, Any]:
        """Wait for an ending, and ask for others while the network has nothing to add."""
        while (found := self.finished())["points"] < 2:
            self.page.click("#another")
            self.until(f"state.finish.origin.index > {found['origin']['index']}")
        return found

    def says(self, words: str) -> None:
        """Wait until the line at the foot of the page says so."""
        self.page.locator("#status", has_text=re.compile(words)).wait_for()

    def load_axe(self) -> None:
        """Load axe; as the page's policy forbids scripts from elsewhere, it is given to the debugger."""
        if not AXE.exists():
            pytest.skip("no axe-core: run npm ci in the package's folder")
        self.page.evaluate(AXE.read_text(encoding="utf-8"))

    def serious(self, where: str) -> list[str]:
        """What axe finds serious or critical."""
        result: dict[str, Any] = self.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        return [
            f"{where}: {each['id']} {[node['target'] for node in each['nodes']]}"
            for each in result["violations"]
            if each["impact"] in ("serious", "critical")
        ]

    def shot(self, name: str) -> None:
        """Leave a picture of the page in the folder that SKETCHKIT_SCREENSHOTS names, if any."""
        if folder := os.environ.get("SKETCHKIT_SCREENSHOTS"):
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
