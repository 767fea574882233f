"""Class, model, temperature and seed; what survives a reload, a lost connection and a wrong token."""

from __future__ import annotations

import re
from typing import Any

from canvas_browser import CAT, FACE, Open, Visit

pytest_plugins = ["canvas_pages"]


def asked(visit: Visit, mode: str, before: int) -> dict[str, Any]:
    """What is drawn by, after something has made the page ask again."""
    visit.until(f"state.sent > {before}")
    return dict(visit.finished(mode)["origin"])


def test_class_model_and_temperature_change_in_the_middle_of_a_drawing(visit: Open) -> None:
    page = visit()
    page.draw(FACE[:2])
    page.finished()
    sent = page.state["sent"]
    page.page.select_option("#label", "face")
    assert asked(page, "finish", sent)["label"] == "face"
    sent = page.state["sent"]
    page.page.select_option("#model", "other")
    assert asked(page, "finish", sent)["model"] == "other"
    sent = page.state["sent"]
    page.page.focus("#temperature")
    page.page.keyboard.press("Home")
    page.until(f"state.sent > {sent} && state.finish.origin.temperature === 0.05")
    page.draw(FACE[2:])
    origin = page.finished()["origin"]
    assert (origin["label"], origin["model"], origin["temperature"]) == ("face", "other", 0.05)
    assert len(page.marks()) == 3


def test_a_change_while_the_pen_is_down_counts_when_it_is_lifted(visit: Open) -> None:
    page = visit()
    page.draw(FACE[:1])
    page.put(FACE[1])
    sent = page.state["sent"]
    page.page.select_option("#label", "pig")
    assert page.state["sent"] == sent and page.state["finish"]["origin"] is None
    page.page.mouse.up()
    assert asked(page, "finish", sent)["label"] == "pig"


def test_a_change_redraws_every_other_mode_too(visit: Open) -> None:
    page = visit()
    page.draw(FACE[:1])
    for mode in ("nine", "mimic"):
        page.enter(mode)
        page.finished(mode)
        sent = page.state["sent"]
        page.page.select_option("#label", "sun" if mode == "nine" else "face")
        assert asked(page, mode, sent)["label"] == ("sun" if mode == "nine" else "face")
    page.enter("morph")
    page.draw(CAT[:1], "b")
    page.finished("morph")
    sent = page.state["sent"]
    page.page.select_option("#label", "pig")
    assert asked(page, "morph", sent)["label"] == "pig"
    assert page.page.locator("#model option").all_inner_texts() == ["doodle-vae"]


def test_a_pinned_seed_draws_the_same_again_and_others_are_new(visit: Open) -> None:
    page = visit()
    # A circle alone is never the whole of a face.
    page.page.select_option("#label", "face")
    page.draw(FACE[:1])
    first = page.finished()
    page.page.fill("#seed", "41")
    page.page.press("#seed", "Enter")
    page.until("state.finish.origin?.seed === 41")
    page.finished()
    assert page.page.is_checked("#pin")
    page.page.click("#keep")
    one = page.marks()[1:]
    page.page.click("#undo")
    page.page.click("#another")
    assert page.finished()["origin"]["seed"] == 41
    page.page.click("#keep")
    assert page.marks()[1:] == one
    page.page.click("#undo")
    page.page.click("#reroll")
    page.until("state.finish.origin && state.finish.origin.seed !== 41")
    rolled = page.finished()["origin"]["seed"]
    assert page.page.input_value("#seed") == str(rolled) and page.page.is_checked("#pin")
    page.page.uncheck("#pin")
    page.page.click("#drop")
    page.page.click("#another")
    assert len({page.finished()["origin"]["seed"], rolled, first["origin"]["seed"]}) == 3


def test_a_seed_that_is_none_is_not_taken(visit: Open) -> None:
    page = visit()
    seed = page.page.input_value("#seed")
    for text in ("-3", "1.5", ""):
        page.page.fill("#seed", text)
        page.page.press("#seed", "Tab")
        assert page.page.input_value("#seed") == seed
    assert not page.page.is_checked("#pin")


def test_the_drawing_the_settings_and_the_mode_survive_a_reload(visit: Open, address: str) -> None:
    page = visit()
    page.page.select_option("#label", "face")
    page.page.fill("#seed", "7")
    page.page.press("#seed", "Enter")
    page.draw(FACE)
    page.ending()
    page.page.click("#keep")
    page.page.click("#theme")
    page.enter("morph")
    page.draw(CAT[:1], "b")
    page.finished("morph")
    page.enter("nine")
    page.finished("nine")
    before = page.state
    page.page.reload()
    page.until("state.connection === 'ready' && state.mode === 'nine'")
    after = page.state
    assert after["choices"] == before["choices"]
    for side in ("a", "b"):
        one, two = ([[m["by"], len(m["points"])] for m in s["sheets"][side]] for s in (before, after))
        assert one == two and one
    assert page.page.get_attribute("html", "data-theme") == "dark"
    page.finished("nine")
    # Without the token in its address, the tab still knows it.
    page.go(address.split("#")[0])
    assert len(page.marks("b")) == 1


def test_a_store_that_holds_something_else_does_no_harm(visit: Open, address: str) -> None:
    page = visit()
    for text in ("{", "[]", '{"sheets":{"a":[{"points":[[1,"x"]],"by":null}]},"mode":"x"}', '{"choices":3}'):
        page.page.evaluate(
            "text => addEventListener('pagehide', () => sessionStorage.setItem('sketchkit-canvas/1', text))",
            text,
        )
        page.page.reload()
        page.until("state.connection === 'ready'")
        assert page.state["mode"] == "finish" and page.marks() == []


def test_a_lost_connection_is_told_and_what_was_asked_is_asked_again(visit: Open, address: str) -> None:
    page = visit(go=False)
    routes: list[Any] = []
    silent = [True]
    drawn = re.compile('"type":"(points|over|done)"')

    def through(route: Any) -> None:
        """To the server, whose answers to a drawing are held back while it is silent."""
        server = route.connect_to_server()
        routes.append(route)
        server.on_message(lambda said: None if silent[0] and drawn.search(said) else route.send(said))

    page.page.route_web_socket("**/socket", through)
    page.go(address)
    page.draw(FACE[:1])
    page.until("state.finish.waiting")
    routes[-1].close(code=1011, reason="for a test")
    page.until("state.connection === 'lost'")
    page.says("lost")
    silent[0] = False
    page.until("state.connection === 'ready'")
    page.finished()
    assert len(routes) == 2 and len(page.marks()) == 1


def test_a_wrong_token_is_told(visit: Open, address: str) -> None:
    page = visit(go=False)
    page.page.goto(address[:-3] + "AAA")
    page.until("state.connection === 'refused'")
    page.says("address")
    page.draw(FACE)
    assert len(page.marks()) == 3
