"""The page for everybody: by keyboard, on a narrow screen, in light and dark, read aloud; and its files."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from canvas_browser import CAT, FACE, Open, Visit

import sketchkit

pytest_plugins = ["canvas_pages"]

DRAWING = Path(__file__).parents[3] / "examples" / "car-start.svg"
MODES = ("finish", "nine", "mimic", "morph")
DROP = """([text, name]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([text], name, { type: 'image/svg+xml' }));
  for (const type of ['dragover', 'drop']) {
    const how = { dataTransfer: transfer, bubbles: true, cancelable: true };
    document.body.dispatchEvent(new DragEvent(type, how));
  }
}"""
SQUARE = (
    '<svg xmlns="http://www.w3.org/2000/svg"><path d="M10 10h20v10h-20z" stroke="black" fill="none"/></svg>'
)


def press(visit: Visit, *keys: str) -> None:
    for key in keys:
        visit.page.keyboard.press(key)


def focused(visit: Visit) -> str:
    return str(visit.page.evaluate("document.activeElement.id"))


def test_everything_is_done_by_keyboard(visit: Open) -> None:
    page = visit()
    press(page, "Tab", "Enter")
    assert focused(page) == "paper-a"
    press(page, "ArrowLeft", "ArrowUp", " ", *["ArrowRight"] * 4, *["ArrowDown"] * 3, "Shift+ArrowLeft", " ")
    (mark,) = page.marks()
    assert mark["points"][0] == [380, 380] and mark["points"][-1] == [455, 440] and len(mark["points"]) == 9
    page.page.locator("#whisper", has_text="Pen up").wait_for(state="attached")
    page.finished()
    page.shot("keyboard")
    press(page, " ", "ArrowDown", "Escape")
    assert len(page.marks()) == 1, "a stroke that was dropped"
    press(page, "n")
    page.ending()
    press(page, "k")
    kept = len(page.marks())
    assert kept > 1
    press(page, "u")
    assert len(page.marks()) == 1
    press(page, "r")
    assert len(page.marks()) == kept
    press(page, "u", "2")
    points = page.finished("nine")["points"]
    most = max(range(9), key=points.__getitem__)
    page.page.focus("[data-testid=nine-0]")
    press(page, *["ArrowRight"] * (most % 3), *["ArrowDown"] * (most // 3), "Enter")
    assert page.state["nine"]["chosen"] == most and len(page.marks()) > 1
    press(page, "c")
    assert page.marks() == []


def test_tabs_and_dialogs_answer_to_their_keys(visit: Open) -> None:
    page = visit()
    page.page.focus("#tab-finish")
    press(page, "ArrowLeft")
    assert page.state["mode"] == "morph" and focused(page) == "tab-morph"
    press(page, "Home", "?")
    assert page.state["mode"] == "finish" and page.page.locator("#help").is_visible()
    page.page.uncheck("#letters")
    press(page, "Escape")
    assert not page.page.locator("#help").is_visible()
    press(page, "2", "t")
    assert page.state["mode"] == "finish", "letters are no commands any more"
    press(page, "?")
    page.page.check("#letters")
    page.page.click("#help-close")
    page.page.focus("#seed")
    press(page, "2")
    assert page.state["mode"] == "finish", "who types a number means it"
    page.page.focus("#theme")
    press(page, "2")
    assert page.state["mode"] == "nine"


@pytest.mark.parametrize("width", [360, 820])
def test_nothing_is_cut_off_on_a_narrow_screen(visit: Open, width: int) -> None:
    page = visit(viewport={"width": width, "height": 740 if width == 360 else 1180}, device_scale_factor=2)
    page.draw(FACE[:1])
    page.finished()
    for mode in MODES:
        page.enter(mode)
        if mode == "morph":
            page.page.click("#pick-b")
            page.draw(CAT[:1], "b")
        page.finished(mode) if mode != "finish" else page.page.click("#another")
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.page.locator(f"#tab-{mode}").bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= width
        page.shot(f"narrow-{width}-{mode}")
    page.page.click("#help-open")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit: Open, scheme: str) -> None:
    page = visit(color_scheme=scheme)
    page.load_axe()
    found = page.serious("empty")
    page.draw(FACE[:1])
    page.finished()
    page.page.click("#heat")
    page.until("state.heat.length === 1")
    page.page.click("#heat-scale summary")
    for mode in MODES:
        page.enter(mode)
        if mode == "morph":
            page.draw(CAT[:1], "b")
        if mode == "finish":
            page.page.click("#another")
        page.finished(mode)
        found += page.serious(mode)
        page.shot(f"{scheme}-{mode}")
    page.page.click("#help-open")
    found += page.serious("help")
    page.shot(f"{scheme}-help")
    assert found == []


def test_light_and_dark_can_be_chosen(visit: Open) -> None:
    page = visit(color_scheme="dark")
    color = "getComputedStyle(document.body).backgroundColor"
    dark = page.page.evaluate(color)
    page.page.click("#theme")
    light = page.page.evaluate(color)
    assert light != dark
    page.page.reload()
    page.until("state.connection === 'ready'")
    assert page.page.evaluate(color) == light
    page.page.click("#theme")
    assert page.page.evaluate(color) == dark


def test_an_svg_file_is_brought_in_and_fitted(visit: Open) -> None:
    page = visit()
    page.draw(CAT)
    page.page.set_input_files("#file", DRAWING)
    page.says("car-start.svg is on the sheet")
    points = [point for mark in page.marks() for point in mark["points"]]
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    assert max(max(xs) - min(xs), max(ys) - min(ys)) == pytest.approx(560, abs=1)
    assert max(xs) + min(xs) == pytest.approx(800, abs=1) and max(ys) + min(ys) == pytest.approx(800, abs=1)
    page.finished()
    page.page.click("#undo")
    assert len(page.marks()) == 3
    page.page.evaluate(DROP, [SQUARE, "größe.svg"])
    page.says("größe.svg is on the sheet")
    (mark,) = page.marks()
    assert mark["points"][0] == pytest.approx([120, 260], abs=1)
    page.finished()


def test_a_file_that_is_none_is_refused_in_words(visit: Open) -> None:
    page = visit()
    page.draw(CAT)
    page.page.evaluate(DROP, ["<svg", "broken.svg"])
    page.says("broken.svg was not brought in")
    assert len(page.marks()) == 3
    page.page.evaluate(DROP, ["x" * (1024 * 1024 + 1), "large.svg"])
    page.says("larger than 1 MiB")
    # The browser itself tells of the first one, which the server has refused.
    assert [text for text in page.problems if "400" not in text] == []
    page.problems.clear()


def saved(visit: Visit, button: str) -> tuple[str, bytes]:
    with visit.page.expect_download() as download:
        visit.page.click(button)
    visit.says("Saved as")
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_a_drawing_is_saved_with_what_it_was_drawn_by(visit: Open) -> None:
    page = visit()
    page.draw(FACE)
    page.finished()  # or the page might say so right after it has said that it saved
    name, content = saved(page, "#save-svg")
    assert (
        name == "drawing.svg" and len(sketchkit.read(io.BytesIO(content), format="svg").to_polylines()) == 3
    )
    page.page.fill("#seed", "271828")
    page.page.press("#seed", "Enter")
    page.until("state.finish.origin?.seed === 271828")
    page.ending()
    page.page.click("#keep")
    name, content = saved(page, "#save-svg")
    assert name.endswith(".svg") and b"271828" in content and b"doodle" in content
    assert len(sketchkit.read(io.BytesIO(content), format="svg").to_polylines()) == len(page.marks())
    name, content = saved(page, "#save-png")
    assert name.endswith(".png") and content.startswith(b"\x89PNG") and b"271828" in content


def test_sheets_of_nine_and_rows_are_saved(visit: Open) -> None:
    page = visit()
    page.draw(FACE[:1])
    for mode in ("nine", "mimic"):
        page.enter(mode)
        page.finished(mode)
        assert saved(page, f"#{mode}-svg")[1].count(b"<svg") == 1
        assert saved(page, f"#{mode}-png")[1].startswith(b"\x89PNG")
    page.enter("morph")
    page.draw(CAT[:1], "b")
    page.finished("morph")
    assert saved(page, "#morph-gif")[1].startswith(b"GIF89a")
    assert saved(page, "#morph-svg")[1].count(b"<animate") >= 33
