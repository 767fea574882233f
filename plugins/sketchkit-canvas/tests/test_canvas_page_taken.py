"""What a drawing is taken for, and how endings are drawn: tries, part and curves, in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from canvas_browser import FACE, Line, Open, Visit, circle

pytest_plugins = ["canvas_pages"]

CIRCLE: list[Line] = [circle(400, 400, 200)]
SQUARE: list[Line] = [[(200, 200), (600, 230), (560, 600), (180, 560), (200, 200)]]
Sent = Callable[[], dict[str, Any]]


def listen(visit: Visit, address: str) -> Sent:
    """Go to a page; the last request that it has sent."""
    said: list[dict[str, Any]] = []

    def keep(payload: str | bytes) -> None:
        message = json.loads(payload)
        if message["type"] == "draw":
            said.append(message)

    visit.page.on("websocket", lambda socket: socket.on("framesent", keep))
    visit.go(address)
    return lambda: said[-1]


def test_a_circle_is_taken_for_something_and_a_click_chooses_something_else(visit: Open) -> None:
    page = visit()
    group = page.page.get_by_role("group", name="Taken for")
    assert not group.is_visible()
    page.draw(CIRCLE)
    page.finished()
    group.wait_for()
    buttons = group.get_by_role("button")
    assert re.fullmatch(r"face\s?\d\d %", buttons.nth(0).inner_text()) and 2 <= buttons.count() <= 5
    assert buttons.nth(0).get_attribute("aria-current") == "true"
    page.says(r"Ending 1 \(face\) is drawn")
    page.shot("taken")
    name = str(buttons.nth(1).get_attribute("data-label"))
    before = page.state
    buttons.nth(1).click()
    page.until(f"state.finish.origin?.label === '{name}'")
    found = page.finished()
    assert found["label"] == name and found["taken"] is None and not group.is_visible()
    assert page.page.input_value("#label") == name and page.state["sent"] == before["sent"] + 1
    assert page.page.evaluate("document.activeElement.id") == "another"
    page.ending()
    page.page.click("#keep")
    assert {mark["by"]["label"] for mark in page.marks()[1:]} == {name}
    page.page.click("#undo")
    page.page.select_option("#label", "")
    group.wait_for()


def test_what_is_kept_says_as_what_it_was_drawn(visit: Open) -> None:
    page = visit(choices=None)
    page.draw(CIRCLE)
    found = page.ending()
    page.page.click("#another")
    page.until(f"state.finish.origin.index > {found['origin']['index']}")
    found = page.ending()
    assert found["origin"]["label"] is None and found["label"] == "face"
    page.page.click("#keep")
    by = page.marks()[1]["by"]
    assert by == {**found["origin"], "label": "face"}
    assert (by["tries"], by["part"], by["curves"]) == (6, None, True)
    assert not page.page.locator("#finish-taken").is_visible()
    page.page.click("#clear")
    assert page.state["finish"]["taken"] is None


def test_the_guess_is_reached_by_keyboard_and_gone_with_what_was_drawn(visit: Open) -> None:
    page = visit()
    page.draw(CIRCLE)
    page.finished()
    page.page.focus("#drop")
    page.page.keyboard.press("Tab")
    assert page.page.evaluate("document.activeElement.dataset.label") == "face"
    page.page.keyboard.press("Enter")
    page.until("state.finish.origin?.label === 'face'")
    page.finished()
    page.page.select_option("#label", "")
    page.page.locator("#finish-taken").wait_for()
    page.page.click("#undo")
    assert not page.page.locator("#finish-taken").is_visible()
    # Of nothing, nothing is guessed.
    page.page.click("#another")
    page.finished()
    assert page.state["finish"]["taken"] is None and page.state["finish"]["points"] > 3


def test_nine_endings_say_as_what_they_are_drawn(visit: Open) -> None:
    page = visit()
    page.enter("nine")
    page.draw(SQUARE)
    found = page.finished("nine")
    assert len(set(found["labels"])) > 1 and found["taken"]["unlike"] >= 0.5
    group = page.page.get_by_role("group", name="Unlike all that doodle draws; nearest:")
    assert group.is_visible()
    for k, label in enumerate(found["labels"]):
        cell = page.page.locator(f"[data-testid=nine-{k}]")
        assert f"Ending {k + 1}, {label}: " in str(cell.get_attribute("aria-label"))
        assert cell.inner_text() == label
    page.shot("nine-taken")
    best = max(range(9), key=found["points"].__getitem__)
    page.page.click(f"[data-testid=nine-{best}]")
    by = page.marks()[1]["by"]
    assert (by["label"], by["index"]) == (found["labels"][best], best)
    assert group.is_visible()
    page.page.click("#undo")
    page.until("state.nine.taken === null")
    page.draw(SQUARE)
    page.finished("nine")
    group = page.page.locator("#nine-taken")
    last = group.get_by_role("button").nth(1)
    name = str(last.get_attribute("data-label"))
    last.click()
    page.until(f"state.nine.origin?.label === '{name}'")
    found = page.finished("nine")
    assert set(found["labels"]) == {name} and not group.is_visible()
    assert page.page.locator("#nine-grid .kind").count() == 0


def test_tries_part_and_curves_are_sent_and_survive_a_reload(visit: Open, address: str) -> None:
    page = visit(go=False, choices=None)
    sent = listen(page, address)
    page.draw(CIRCLE)
    page.finished()
    usual = {"tries": 6, "part": None, "curves": True, "guess": True, "n": 1}
    assert {name: sent()[name] for name in usual} == usual
    page.page.select_option("#tries", "2")
    page.until("state.finish.origin?.tries === 2")
    page.page.uncheck("#curves")
    page.until("state.finish.origin?.curves === false")
    page.page.uncheck("#part-auto")
    page.until("state.finish.origin?.part === 0.5")
    page.page.focus("#part")
    page.page.keyboard.press("Home")
    page.until("state.finish.origin?.part === 0.1")
    assert page.page.inner_text("#part-value") == "10 %"
    page.page.keyboard.press("ArrowRight")
    page.until("state.finish.origin?.part === 0.15")
    page.page.select_option("#label", "face")
    page.until("state.finish.origin?.label === 'face'")
    page.finished()
    chosen = {"tries": 2, "part": 0.15, "curves": False}
    assert {name: sent()[name] for name in chosen} == chosen and sent()["guess"] is False
    page.page.reload()
    page.until("state.connection === 'ready'")
    assert {name: page.state["choices"][name] for name in chosen} == chosen
    assert page.page.input_value("#tries") == "2" and page.page.input_value("#part") == "0.15"
    assert not page.page.is_checked("#curves") and not page.page.is_checked("#part-auto")
    page.enter("nine")
    page.finished("nine")
    assert {name: sent()[name] for name in chosen} == chosen and sent()["n"] == 9
    # Whole drawings are no endings.
    page.enter("mimic")
    page.finished("mimic")
    assert not {*chosen, "guess"} & {*sent(), *page.state["mimic"]["origin"]}
    assert not page.page.locator("#tries").is_visible() and not page.page.locator("#part").is_visible()
    page.enter("finish")
    page.page.check("#part-auto")
    assert page.state["choices"]["part"] is None and page.page.input_value("#part") == "0.15"


@pytest.mark.parametrize("wrong", [{"tries": 3, "part": "x", "curves": True}, {"tries": None, "part": None}])
def test_choices_that_are_none_are_left_out(visit: Open, wrong: dict[str, Any]) -> None:
    page = visit()
    page.page.evaluate(
        "text => addEventListener('pagehide', () => sessionStorage.setItem('sketchkit-canvas/1', text))",
        json.dumps({"choices": wrong}),
    )
    page.page.reload()
    page.until("state.connection === 'ready'")
    choices = page.state["choices"]
    assert (choices["tries"], choices["part"], choices["curves"]) == (6, None, True)


def test_a_file_says_how_its_ending_was_drawn(visit: Open) -> None:
    page = visit()
    page.page.select_option("#tries", "4")
    page.draw(FACE[:1])
    page.ending()
    page.page.click("#keep")
    with page.page.expect_download() as download:
        page.page.click("#save-svg")
    page.says("Saved as face-")
    content = Path(download.value.path()).read_text(encoding="utf-8")
    for words in ('"tries": 4', '"curves": true', '"class": "face"'):
        assert words.replace(" ", "") in content.replace("&quot;", '"').replace(" ", "")
