"""The parts of the server, each alone."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from functools import partial
from typing import Any

import pytest
from sketchkit_canvas.access import Access, Opening, is_loopback
from sketchkit_canvas.bucket import Bucket
from sketchkit_canvas.logs import Log
from sketchkit_canvas.outbox import Outbox
from sketchkit_canvas.server import Canvas, Settings
from sketchkit_canvas.shelf import Shelf, sources_of
from sketchkit_canvas.turns import Job, Turns

import sketchkit


def test_a_bucket_fills_at_its_rate() -> None:
    now = 0.0
    bucket = Bucket(2, 3, clock=lambda: now)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    now = 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]
    now = 100.0
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


def test_a_token_is_long_and_new_each_time() -> None:
    one, other = Access.at("127.0.0.1", 80), Access.at("127.0.0.1", 80)
    assert len(one.token) == 43 and one.token != other.token
    assert one.fits(one.token) and not one.fits(other.token) and not one.fits("")
    assert one.token not in repr(one)


def test_browsers_leave_out_the_usual_port() -> None:
    access = Access.at("127.0.0.1", 80, ["sketch.local"])
    assert access.knows("127.0.0.1") and access.knows("sketch.local") and access.knows("sketch.local:80")
    assert not Access.at("127.0.0.1", 8000).knows("127.0.0.1")


def test_an_opening_does_not_stay_open() -> None:
    opening = Opening(seconds=-1)
    assert not opening.take(opening.word)


def test_loopback_is_told_from_the_rest() -> None:
    assert is_loopback("127.0.0.1") and is_loopback("127.8.8.8") and is_loopback("::1")
    assert not is_loopback("0.0.0.0") and not is_loopback("::") and not is_loopback("192.168.1.5")
    assert not is_loopback("fe80::1%eth0")


# --- turns --------------------------------------------------------------------------------------------


def test_clients_take_turns_whatever_each_has_asked_for() -> None:
    order: list[str] = []

    async def main() -> None:
        turns = Turns(100)
        for client, names in (("a", "a1 a2 a3 a4"), ("b", "b1"), ("c", "c1 c2")):
            for name in names.split():
                assert turns.put(client, Job(partial(str, name), order.append, fail))
        await until(turns, lambda: len(order) == 7)

    asyncio.run(main())
    assert order == ["a1", "b1", "c1", "a2", "c2", "a3", "a4"]


def test_what_is_dropped_is_told_to_nobody_whether_it_waits_or_is_done() -> None:
    told: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        go_on.wait(600)
        return "slow"

    async def main() -> None:
        turns = Turns(100)
        first, waits, last = (
            Job(work, told.append, fail) for work in (slow, lambda: "waits", lambda: "last")
        )
        for job in (first, waits, last):
            turns.put("a", job)
        worker = asyncio.create_task(turns.run())
        await asyncio.to_thread(begun.wait, 10)
        turns.drop("a", first)
        turns.drop("a", waits)
        assert turns.waiting == 1
        go_on.set()
        while not told:
            await asyncio.sleep(0.01)
        worker.cancel()
        turns.close()

    asyncio.run(main())
    assert told == ["last"]


def test_only_so_many_wait() -> None:
    async def main() -> None:
        turns = Turns(2)
        jobs = [Job(lambda: None, fail, fail) for _ in range(4)]
        assert [turns.put(n, job) for n, job in enumerate(jobs)] == [True, True, False, False]
        turns.drop(0, jobs[0])
        assert turns.put(3, jobs[3]) and not turns.put(2, jobs[2])
        turns.close()

    asyncio.run(main())


def test_a_job_that_fails_stops_no_other() -> None:
    told: list[object] = []

    def broken() -> None:
        raise ValueError("no")

    async def main() -> None:
        turns = Turns(10)
        turns.put("a", Job(broken, fail, told.append))
        turns.put("a", Job(lambda: "fine", lambda result: broken(), told.append))
        turns.put("a", Job(lambda: "fine", told.append, fail))
        await until(turns, lambda: len(told) == 3)

    asyncio.run(main())
    assert [type(each) for each in told] == [ValueError, ValueError, str]


def fail(result: object) -> None:
    raise AssertionError(result)


async def until(turns: Turns, done: Any) -> None:
    worker = asyncio.create_task(turns.run())
    async with asyncio.timeout(10):
        while not done():
            await asyncio.sleep(0.01)
    worker.cancel()
    turns.close()


# --- what is sent -------------------------------------------------------------------------------------


def test_messages_go_out_in_order() -> None:
    sent: list[str] = []

    async def send(text: str) -> None:
        sent.append(text)

    async def main() -> None:
        outbox = Outbox(1000, lambda: fail("overflow"))
        task = asyncio.create_task(outbox.send_all(send))
        for n in range(50):
            outbox.put({"n": n})
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(main())
    assert sent == [f'{{"n":{n}}}' for n in range(50)]


def test_too_much_that_nobody_reads_is_noticed_once() -> None:
    overflows: list[int] = []

    async def main() -> None:
        outbox = Outbox(100, lambda: overflows.append(1))
        for n in range(50):
            outbox.put({"n": n})

    asyncio.run(main())
    assert overflows == [1]


# --- events -------------------------------------------------------------------------------------------


def test_events_are_lines_of_words_or_of_json() -> None:
    words, objects = io.StringIO(), io.StringIO()
    for log in (Log(False, words), Log(True, objects)):
        log.debug("quiet", n=1)
        log.info("joined", client=1)
        log.warning("odd", why="a\nb\x1b[31m", name="\udcff")
        log.error("broken", ValueError("no"))
    plain = words.getvalue().splitlines()
    assert [line[9:] for line in plain] == [
        "joined: client 1",
        "warning: odd: why a\ufffdb\ufffd[31m, name \ufffd",
        "error: broken: error ValueError: no",
    ]
    events = [json.loads(line) for line in objects.getvalue().splitlines()]
    assert [(each["level"], each["event"]) for each in events] == [
        ("debug", "quiet"),
        ("info", "joined"),
        ("warning", "odd"),
        ("error", "broken"),
    ]
    assert "Traceback" not in words.getvalue() and "ValueError: no" in events[-1]["traceback"]


def test_an_event_that_happens_all_the_time_fills_no_disk() -> None:
    stream = io.StringIO()
    log = Log(True, stream)
    for _ in range(10_000):
        log.warning("refused")
    log.warning("another")
    assert 20 <= len(stream.getvalue().splitlines()) < 40


def test_nobody_who_reads_the_events_is_no_trouble() -> None:
    stream = io.StringIO()
    stream.close()
    Log(True, stream).info("joined")


# --- models -------------------------------------------------------------------------------------------


def test_models_of_the_store_are_offered_behind_the_chosen_ones() -> None:
    assert list(sources_of(()))[:1] == ["doodle"]
    assert list(sources_of(["doodle-vae"]))[:2] == ["doodle-vae", "doodle"]
    assert sources_of(["folder/cat.gen.json"])["cat"] == "folder/cat.gen.json"


def test_the_last_few_models_are_kept() -> None:
    shelf = Shelf({name: "doodle" for name in "abc"}, most=2)
    a = shelf.model("a")
    shelf.model("b")
    assert shelf.model("a") is a
    shelf.model("c")
    assert shelf.model("a") is a and len(shelf._models) == 2
    assert [each["name"] for each in shelf.told()] == ["a", "b", "c"]
    with pytest.raises(sketchkit.InputError, match="no model named 'd'"):
        shelf.model("d")


def test_a_damaged_model_is_passed_over_and_a_chosen_one_is_an_error(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "broken.safetensors").write_bytes(b"nothing")
    monkeypatch.setenv("SKETCHKIT_DATA_DIR", str(tmp_path))
    with pytest.raises(sketchkit.CheckpointError, match="broken"):
        Canvas(Settings(models=["broken"]), Log(stream=io.StringIO()))
    from canvas_client import serving

    with serving() as served, served.client() as client:
        names = ["doodle", "doodle-1", "doodle-more", "doodle-vae"]
        assert [each["name"] for each in client.ready["models"]] == names
        id = client.ask(mode="finish", drawing=[], model="broken")
        said = client.hear()
        assert (said["id"], said["code"]) == (id, "model")
