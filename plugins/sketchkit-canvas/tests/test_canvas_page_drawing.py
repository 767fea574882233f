"""Drawing with the mouse in every mode, in a browser."""

from __future__ import annotations

import pytest
from canvas_browser import CAT, FACE, Open, Visit, circle

pytest_plugins = ["canvas_pages"]

#: How many pixels of a canvas have the network's colour, or nearly.
BLUE = """canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b, a] = data.slice(i, i + 4);
    if (a > 200 && Math.abs(r) + Math.abs(g - 114) + Math.abs(b - 178) < 30) found++;
  }
  return found;
}"""
#: Asks for an ending; how many points are seen, frame by frame, until it is drawn, each time with the time.
FRAMES = """() => new Promise(resolve => {
  const seen = [];
  const look = now => {
    const { finish } = window.sketchkitCanvas.state();
    if (finish.points !== seen.at(-1)?.[0]) seen.push([finish.points, now]);
    if (finish.complete) resolve(seen); else requestAnimationFrame(look);
  };
  document.getElementById('another').click();
  look(performance.now());
})"""


def blue(visit: Visit, selector: str) -> int:
    visit.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return int(visit.page.locator(selector).evaluate(BLUE))


def test_an_ending_is_drawn_when_the_pen_is_lifted_and_may_be_kept(visit: Open) -> None:
    page = visit()
    assert page.page.locator("#hint-a").is_visible()
    page.draw(FACE)
    ending = page.ending()
    assert ending["origin"]["model"] == "doodle" and len(page.marks()) == 3
    assert blue(page, "#paper-a") > 20
    assert not page.page.locator("#hint-a").is_visible()
    page.shot("finish")
    page.page.click("#keep")
    assert blue(page, "#paper-a") > 20
    marks = page.marks()
    assert [mark["by"] for mark in marks[:3]] == [None] * 3
    assert len(marks) > 3 and all(mark["by"]["seed"] == ending["origin"]["seed"] for mark in marks[3:])
    assert sum(len(mark["points"]) for mark in marks[3:]) == ending["points"]


def test_undo_and_redo_go_through_everything(visit: Open) -> None:
    page = visit()
    click = page.page.click
    page.draw(FACE)
    page.ending()
    click("#keep")
    whole = page.marks()
    click("#undo")
    assert page.marks() == whole[:3]
    click("#undo")
    assert page.marks() == whole[:2]
    page.page.keyboard.press("Control+Shift+z")
    click("#redo")
    assert page.marks() == whole and page.page.locator("#redo").is_disabled()
    click("#clear")
    assert page.marks() == [] and page.page.locator("#clear").is_disabled()
    page.page.keyboard.press("Control+z")
    assert page.marks() == whole
    page.page.keyboard.press("Control+z")
    page.draw([[(100, 100), (200, 120)]])
    assert page.page.locator("#redo").is_disabled()


def test_drawing_on_stops_the_ending(visit: Open) -> None:
    page = visit(reduced_motion="no-preference")
    page.draw(FACE[:1])
    page.put(FACE[1])
    stopped = page.state["finish"]
    assert stopped["points"] == 0 and not stopped["waiting"] and stopped["origin"] is None
    assert blue(page, "#paper-a") == 0
    page.page.mouse.up()
    page.ending()
    page.put(FACE[2])
    assert page.state["finish"]["points"] == 0 and blue(page, "#paper-a") == 0
    page.page.mouse.up()
    page.finished()


def test_an_ending_can_be_dropped_and_another_be_asked_for(visit: Open) -> None:
    page = visit()
    page.draw(FACE)
    first = page.finished()["origin"]
    page.page.click("#another")
    page.until("state.finish.origin.index === 1")
    assert page.finished()["origin"] == {**first, "index": 1}
    page.page.click("#drop")
    assert page.state["finish"]["origin"] is None and blue(page, "#paper-a") == 0
    assert page.page.locator("#keep").is_disabled()
    assert len(page.marks()) == 3
    page.page.click("#another")
    assert page.finished()["origin"]["index"] == 0


def test_an_empty_sheet_is_finished_from_nothing(visit: Open) -> None:
    page = visit()
    page.page.click("#another")
    assert page.finished()["points"] > 3
    page.page.click("#keep")
    assert page.marks() and all(mark["by"] for mark in page.marks())


def test_an_ending_comes_at_the_speed_of_a_hand(visit: Open) -> None:
    page = visit(reduced_motion="no-preference")
    frames = page.page.evaluate(FRAMES)
    points, times = [frame[0] for frame in frames], [frame[1] for frame in frames]
    assert points == sorted(points) and len(points) > 3
    seconds = (times[-1] - times[points.index(next(filter(None, points)))]) / 1000
    assert points[-1] / 120 * 0.7 - 0.1 <= seconds


def test_with_reduced_motion_an_ending_comes_at_once(visit: Open) -> None:
    page = visit(reduced_motion="reduce")
    frames = page.page.evaluate(FRAMES)
    assert [frame[0] for frame in frames] == [0, page.state["finish"]["points"]]


def test_nine_endings_come_with_every_stroke_and_one_is_taken_over(visit: Open) -> None:
    page = visit()
    # What is no face yet is gone on with.
    page.page.select_option("#label", "face")
    page.enter("nine")
    page.draw(FACE[:1])
    first = page.finished("nine")
    assert len(first["points"]) == 9
    page.draw(FACE[1:2])
    page.until(f"state.nine.origin.seed !== {first['origin']['seed']}")
    second = page.finished("nine")
    assert blue(page, "[data-testid=nine-4] canvas") > 5 or second["points"][4] < 3
    page.shot("nine")
    best, other = sorted(range(9), key=second["points"].__getitem__)[:-3:-1]
    page.page.click(f"[data-testid=nine-{best}]")
    taken = page.marks()[2:]
    assert sum(len(mark["points"]) for mark in taken) == second["points"][best]
    assert {mark["by"]["index"] for mark in taken} == {best}
    page.page.click(f"[data-testid=nine-{other}]")
    assert {mark["by"]["index"] for mark in page.marks()[2:]} == {other}
    page.page.click(f"[data-testid=nine-{other}]")
    assert len(page.marks()) == 2
    page.page.click("#more")
    page.until("state.nine.origin.index === 9")
    assert page.finished("nine")["origin"]["seed"] == second["origin"]["seed"]
    page.page.click("#clear")
    page.until("state.nine.origin === null")


def test_mimic_draws_the_drawing_again_at_nine_temperatures(visit: Open) -> None:
    page = visit()
    page.draw(FACE)
    page.enter("mimic")
    found = page.finished("mimic")
    assert found["origin"]["model"] == "doodle-vae" and min(found["points"]) > 3
    captions = page.page.locator("#mimic-grid figcaption").all_inner_texts()
    assert captions == [f"0.{i}" for i in range(1, 10)]
    assert blue(page, "[data-testid=mimic-0] canvas") > 5
    page.shot("mimic")
    page.draw([[(350, 480), (400, 500), (450, 480)]])
    page.until(f"state.mimic.origin.seed !== {found['origin']['seed']}")
    page.finished("mimic")


def test_morph_goes_from_one_sheet_to_the_other(visit: Open) -> None:
    page = visit()
    page.enter("morph")
    page.draw(FACE, "a")
    assert page.state["active"] == "a" and page.state["morph"]["points"] == []
    assert "B" in page.page.locator("#morph-note").inner_text()
    page.draw(CAT, "b")
    assert page.state["active"] == "b" and len(page.marks("a")) == len(page.marks("b")) == 3
    found = page.finished("morph")
    assert len(found["points"]) == 33 and min(found["points"]) > 3
    assert blue(page, "#morph-picture") > 20
    assert page.page.locator("#morph-row .cell").count() == 9
    page.page.click("[data-testid='morph-32']")
    assert page.state["morph"]["step"] == 32
    page.page.focus("#morph-slider")
    page.page.keyboard.press("Home")
    assert page.state["morph"]["step"] == 0
    page.shot("morph")
    page.page.click("#play")
    page.until("state.morph.step > 5")
    page.page.click("#play")
    # Undo, redo and clear are for the sheet that was drawn on last.
    page.page.click("#undo")
    assert len(page.marks("a")) == 3 and len(page.marks("b")) == 2
    page.until(f"state.morph.origin.seed !== {found['origin']['seed']}")
    page.finished("morph")


def test_the_heat_colours_each_stroke_and_says_its_value(visit: Open) -> None:
    page = visit()
    page.draw([*FACE, [(600, 600)]])
    page.page.click("#heat")
    page.until("state.heat.length === 4")
    state = page.state
    assert state["heat"][3] is None and state["colors"][3] is None
    assert all(state["colors"][:3]) and len(set(state["colors"][:3])) > 1
    page.page.click("#heat-scale summary")
    words = page.page.locator("#heat-values li").all_inner_texts()
    assert words[0] == f"Stroke 1: {state['heat'][0]:.2f}" and words[3] == "Stroke 4: not read"
    page.shot("heat")
    page.draw([[(350, 480), (400, 500), (450, 480)]])
    page.until("state.heat.length === 5")
    page.page.click("#heat")
    assert page.state["colors"] is None


def test_two_tabs_draw_at_once_and_each_has_its_own_drawing(visit: Open, address: str) -> None:
    one = visit()
    one.draw(FACE[:1])
    two = Visit(one.page.context.new_page()).go(address)
    # A new tab begins with what the last one had.
    two.page.click("#clear")
    two.draw(CAT)
    one.page.bring_to_front()
    one.draw(FACE[1:])
    one.finished()
    two.page.bring_to_front()
    two.finished()
    shapes = [[len(mark["points"]) for mark in each.marks()] for each in (one, two)]
    for each, shape in zip((one, two), shapes, strict=True):
        each.page.bring_to_front()
        each.page.reload()
        each.until("state.connection === 'ready'")
        assert [len(mark["points"]) for mark in each.marks()] == shape
    assert two.problems == []


@pytest.mark.parametrize("kind", ["touch", "pen"])
def test_a_finger_and_a_pen_draw(visit: Open, kind: str) -> None:
    page = visit(has_touch=True)
    session = page.page.context.new_cdp_session(page.page)
    x, y, scale = page.place()
    line = [(x + px * scale, y + py * scale) for px, py in circle(400, 400, 150)]
    for i, (px, py) in enumerate([*line, line[-1]]):
        last = i == len(line)
        if kind == "touch":
            touch = "touchEnd" if last else "touchMove" if i else "touchStart"
            session.send(
                "Input.dispatchTouchEvent",
                {"type": touch, "touchPoints": [] if last else [{"x": px, "y": py}]},
            )
        else:
            moved = "mouseReleased" if last else "mouseMoved" if i else "mousePressed"
            buttons = {"button": "left", "buttons": 0 if last else 1, "clickCount": 1}
            session.send(
                "Input.dispatchMouseEvent", {"type": moved, "x": px, "y": py, "pointerType": "pen", **buttons}
            )
    page.until("state.sheets.a.length === 1")
    assert len(page.marks()[0]["points"]) > 20
    page.finished()
    assert page.page.evaluate("scrollY") == 0
