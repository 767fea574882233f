"""The page to send in a browser: opened as a file, drawn on, read aloud, and without a request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from canvas_browser import FACE, Open, Visit
from sketchkit_canvas.single_page import WebExporter

import sketchkit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

pytest_plugins = ["canvas_pages"]

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a file that somebody was sent."""
    page = tmp_path_factory.mktemp("sent") / "drawing.html"
    page.write_bytes(WebExporter().export(sketchkit.load_model("doodle", device="cpu")))
    return page.as_uri()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Open]:
    """Opens the file without a network; it may ask for nothing but itself, and not complain."""
    visits: list[Visit] = []
    contexts: list[BrowserContext] = []
    asked: list[str] = []

    def new(**options: Any) -> Visit:
        usual = {"viewport": {"width": 1280, "height": 800}, "offline": True}
        contexts.append(browser.new_context(**{**usual, **options}))
        contexts[-1].on("request", lambda request: asked.append(request.url))
        visits.append(Visit(contexts[-1].new_page()))
        return visits[-1].go(address)

    yield new
    for context in contexts:
        context.close()
    assert [problem for each in visits for problem in each.problems] == []
    assert {url for url in asked if not url.startswith("blob:")} == {address}


def test_drawing_by_mouse_gets_an_ending_that_can_be_kept_and_saved(visit: Open, tmp_path: Path) -> None:
    page = visit()
    seed = int(page.page.input_value("#seed"))
    page.draw(FACE)
    found = page.ending()
    page.shot("web-finish")
    assert found["taken"]["guesses"][0][0] == "face" and found["origin"]["seed"] >= 1 and seed >= 1
    page.page.click("#keep")
    assert len(page.marks()) > len(FACE)
    with page.page.expect_download() as saving:
        page.page.click("#save-svg")
    svg = ElementTree.fromstring(Path(saving.value.path()).read_bytes())
    paths = svg.findall(f".//{SVG}path")
    assert len(paths) == len(page.marks()) and {path.get("stroke") for path in paths} == {
        "#1d2330",
        "#0072b2",
    }
    said = svg.find(f"{SVG}metadata")
    assert said is not None and json.loads(said.text or "")["seed"] == found["origin"]["seed"]
    drawn = tmp_path / "again.svg"
    saving.value.save_as(drawn)
    assert len(sketchkit.read(drawn).to_polylines()) == len(paths)
    with page.page.expect_download() as saving:
        page.page.click("#save-png")
    assert Path(saving.value.path()).read_bytes().startswith(b"\x89PNG")


def test_nine_endings_come_by_touch_on_a_phone_and_one_is_taken_over(visit: Open) -> None:
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, color_scheme="dark")
    page.page.tap("#tab-nine")
    x, y, scale = page.place()
    touch = page.page.context.new_cdp_session(page.page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": x + px * scale, "y": y + py * scale} for px, py in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    for line in FACE:
        send("touchStart", line[0])
        for point in line[1:]:
            send("touchMove", point)
        send("touchEnd")
    found = page.finished("nine")
    assert len(page.marks()) == len(FACE) and sum(points > 1 for points in found["points"]) >= 5
    most = max(range(9), key=found["points"].__getitem__)
    page.page.tap(f"[data-testid=nine-{most}]")
    assert page.state["nine"]["chosen"] == most and len(page.marks()) > len(FACE)
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 390
    page.shot("web-nine-phone")


def test_a_seed_that_is_pinned_draws_the_same_and_survives_with_the_drawing(visit: Open) -> None:
    page = visit()
    page.page.select_option("#tries", "1")
    page.page.fill("#seed", "42")
    page.page.press("#seed", "Enter")
    page.draw(FACE[:1])
    first = page.finished()
    page.page.click("#drop")
    page.page.click("#another")
    again = page.finished()
    assert (again["points"], again["origin"]) == (first["points"], first["origin"])
    page.page.reload()
    page.until("state.connection === 'ready'")
    assert len(page.marks()) == 1 and page.page.input_value("#seed") == "42"


def test_it_is_drawn_on_by_keyboard_and_said_aloud(visit: Open) -> None:
    page = visit()
    for key in ("Tab", "Enter", " ", *["ArrowRight"] * 5, *["ArrowDown"] * 5, *["ArrowLeft"] * 5, " "):
        page.page.keyboard.press(key)
    page.says("Ending 1.* is drawn|nothing to add")
    assert len(page.marks()) == 1
    page.page.keyboard.press("2")
    page.finished("nine")
    page.says("Nine endings are drawn")
    assert "stroke" in (page.page.get_attribute("[data-testid=nine-0]", "aria-label") or "")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit: Open, scheme: str) -> None:
    page = visit(color_scheme=scheme)
    page.load_axe()
    page.draw(FACE)
    found: list[str] = []
    for mode in ("finish", "nine", "help"):
        if mode == "help":
            page.page.click("#help-open")
        else:
            page.enter(mode)
            page.finished(mode) if mode == "nine" else page.page.click("#another")
        found += page.serious(mode)
        page.shot(f"web-{scheme}-{mode}")
    assert found == []


def test_the_page_can_reach_nothing(visit: Open) -> None:
    page = visit()
    page.problems.clear()
    reached = page.page.evaluate(
        "fetch('https://example.org/').then(() => 'reached', (problem) => problem.constructor.name)"
    )
    assert reached == "TypeError"
    assert any("Content Security Policy" in problem for problem in page.problems)
    page.problems.clear()


def test_the_page_says_what_the_browser_lacks(browser: Browser, address: str) -> None:
    context = browser.new_context(offline=True)
    context.add_init_script("window.Worker = class { constructor() { throw new Error('no workers'); } }")
    page = context.new_page()
    page.goto(address)
    page.locator("#status", has_text="This browser cannot draw: no workers").wait_for()
    context.close()
