"""Sockets that do not behave, and those beside them that do."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
from canvas_client import FACE, Client, Drawn, Served, everything, serving
from sketchkit_canvas.limits import Limits
from sketchkit_canvas.server import Canvas
from test_canvas_server_guard import status, upgrade
from websockets.exceptions import ConnectionClosed

#: What a request of `busy_drawing` is answered by.
ASKED = {"mode": "finish", "drawing": FACE, "n": 3, "seed": 9}


def frame(content: bytes, opcode: int = 1, fin: bool = True, length: int | None = None) -> bytes:
    """A frame of a client, masked by zeros; it may claim to be longer than it is."""
    first, size = opcode | (0x80 if fin else 0), len(content) if length is None else length
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size)
    return head + b"\0\0\0\0" + content


@contextmanager
def raw_socket(served: Served, hello: bool = True, small: bool = False) -> Iterator[socket.socket]:
    """A socket whose frames are written by hand."""
    with socket.socket() as connection:
        if small:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(600)
        connection.connect(("127.0.0.1", served.port))
        connection.sendall(upgrade(served))
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(1)
        assert status(answer) == 101
        if hello:
            connection.sendall(frame(json.dumps({"type": "hello", "token": served.token}).encode()))
            assert connection.recv(4)
        yield connection


def end_of(connection: socket.socket) -> tuple[int, str]:
    """The code and the reason of the last frame, by which the server closes."""
    content = everything(connection)
    for at in range(len(content) - 1, -1, -1):
        if content[at] == 0x88 and at + 2 + content[at + 1] == len(content):
            return struct.unpack("!H", content[at + 2 : at + 4])[0], content[at + 4 :].decode()
    return 1006, ""


def closed(client: Client) -> tuple[int, str]:
    """How the server closes a client's socket."""
    try:
        while True:
            client.hear()
    except ConnectionClosed as error:
        assert error.rcvd is not None
        return error.rcvd.code, error.rcvd.reason


@contextmanager
def busy_drawing(served: Served) -> Iterator[list[list[Drawn]]]:
    """Somebody who draws beside whatever the block does, again and again; all that was drawn."""
    out: list[list[Drawn]] = []
    begun, stop = threading.Event(), threading.Event()

    def draw() -> None:
        with served.client() as client:
            while not stop.is_set():
                out.append(client.draw(**ASKED))
                begun.set()

    thread = threading.Thread(target=draw)
    thread.start()
    assert begun.wait(600)
    count = len(out)
    try:
        yield out
    finally:
        stop.set()
        thread.join(600)
    assert len(out) > count, "nothing was drawn beside it"
    points = [[each.points for each in several] for several in out]
    assert all(each == points[0] for each in points), "what was drawn beside it was not the same each time"


def left_alone(served: Served) -> None:
    """Wait until nobody is connected."""
    until = time.monotonic() + 600
    while served.clients:
        assert time.monotonic() < until
        time.sleep(0.02)


# --- the hello ----------------------------------------------------------------------------------------


def test_the_hello_is_answered_by_the_models(served: Served) -> None:
    with served.client() as client:
        ready = client.ready
    assert ready["version"] == "0.1.0" and ready["model"] == "doodle"
    models = {each["name"]: each for each in ready["models"]}
    assert {"doodle", "doodle-vae"} <= set(models)
    assert not models["doodle"]["conditional"] and models["doodle-vae"]["conditional"]
    assert "face" in models["doodle"]["classes"] and models["doodle"]["description"]


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "é" * 43, "x" * 200])
def test_a_wrong_token_is_turned_away(served: Served, token: str) -> None:
    with served.client(hello=False) as client:
        client.say({"type": "hello", "token": token})
        assert closed(client) == (4401, "wrong token")


@pytest.mark.parametrize(
    "message", ["", "hello", b"hello", {"type": "ping"}, {"type": "hello"}, {"type": "hello", "token": 1}]
)
def test_whatever_else_comes_first_is_turned_away(served: Served, message: object) -> None:
    with served.client(hello=False) as client:
        client.say(message)
        assert closed(client)[0] == 1008


def test_a_hello_is_waited_for_only_so_long(hasty: Served) -> None:
    with raw_socket(hasty, hello=False) as silent, raw_socket(hasty, hello=False) as slow:
        slow.sendall(frame(b'{"type": "hel', length=100))
        assert end_of(silent) == (1008, "no hello")
        assert end_of(slow)[0] == 1008


def test_one_who_has_said_hello_may_be_silent() -> None:
    with serving(Limits(patience=1.0)) as served, served.client() as client:
        with raw_socket(served, hello=False) as silent:
            assert end_of(silent) == (1008, "no hello")  # so long has the client been silent, too
        assert client.draw(mode="finish", drawing=FACE)[0].over


# --- messages -----------------------------------------------------------------------------------------


def test_a_message_that_makes_no_sense_is_answered_by_an_error(served: Served) -> None:
    messages = ["", "{", "[]", "null", b"\0\1", '{"type": NaN}', {"type": "sing", "id": 3}, "[" * 9000]
    with served.client() as client:
        for message in messages:
            client.say(message)
            said = client.hear()
            assert (said["type"], said["code"]) == ("error", "invalid") and said["message"]
            assert said["id"] == (3 if isinstance(message, dict) else None)
        assert client.draw(mode="finish", drawing=FACE)[0].over


def test_twenty_of_them_are_enough(served: Served) -> None:
    with served.client() as client:
        for _ in range(20):
            client.say("nonsense")
        assert closed(client) == (1008, "too many messages that make no sense")


def test_a_second_hello_is_a_mistake(served: Served) -> None:
    with served.client() as client:
        client.say({"type": "hello", "token": served.token})
        assert client.hear()["code"] == "invalid"


def test_a_message_of_the_greatest_length_is_read_and_no_longer_one(served: Served) -> None:
    long = json.dumps({"type": "ping"}).encode()
    with served.client() as client:
        client.say((long + b" " * (256 * 1024 - len(long))).decode())
        assert client.hear() == {"type": "pong"}
        client.say((long + b" " * (256 * 1024 - len(long) + 1)).decode())
        assert closed(client)[0] == 1009


def test_too_many_messages_end_a_connection(served: Served) -> None:
    with served.client() as client:
        with suppress(ConnectionClosed):
            for _ in range(300):
                client.say({"type": "ping"})
        assert closed(client) == (1008, "too many messages")


# --- frames -------------------------------------------------------------------------------------------


def test_a_message_in_pieces_is_read(served: Served) -> None:
    with raw_socket(served) as connection:
        connection.sendall(frame(b'{"type":', fin=False) + frame(b"x", 9) + frame(b'"ping"}', opcode=0))
        content = b""
        while b"pong" not in content:
            content += connection.recv(4096)


@pytest.mark.parametrize(
    "content, reason",
    [
        (frame(b"x", length=200_000), "took too long"),
        (frame(b"{", fin=False), "took too long"),
        (b"\x81", "took too long"),
        (b"\x81\xfe\x00", "took too long"),
    ],
)
def test_a_message_that_does_not_arrive_ends_a_connection(hasty: Served, content: bytes, reason: str) -> None:
    with raw_socket(hasty) as connection:
        connection.sendall(content)
        code, words = end_of(connection)
    assert code == 1008 and reason in words


FLOODS = [
    frame(b"", 9) * 5000,
    frame(b"", 10) * 5000,
    frame(b"{}") * 5000,
    frame(b"", fin=False) + frame(b"", 0, fin=False) * 5000,
    frame(b"", fin=False) + frame(b"", 9) * 5000,
]


@pytest.mark.parametrize("hello", [True, False])
def test_a_flood_of_frames_ends_a_connection(served: Served, hello: bool) -> None:
    with busy_drawing(served):
        for content in FLOODS:
            with raw_socket(served, hello) as connection:
                try:
                    connection.sendall(content)
                except OSError:
                    continue
                assert end_of(connection)[0] in (1008, 1006)


@pytest.mark.parametrize(
    "content",
    [
        b"\x81\x05hello",  # without a mask
        frame(b"x", opcode=3),
        frame(b"x", opcode=0),
        frame(b"\xff\xfe"),
        frame(b"x" * 126, opcode=9),
        frame(b"x", length=2**40),
        b"\xf1" + frame(b"x")[1:],
        bytes(range(256)) * 8,
    ],
)
@pytest.mark.parametrize("hello", [True, False])
def test_what_is_no_frame_ends_a_connection(served: Served, content: bytes, hello: bool) -> None:
    with raw_socket(served, hello) as connection:
        connection.sendall(content)
        code, _ = end_of(connection)
        assert code in (1002, 1006, 1007, 1008, 1009)
    with served.client() as client:
        assert client.draw(mode="finish", drawing=FACE[1:2])[0].over


# --- those who do not read, or are not there ------------------------------------------------------------


def narrow(canvas: Canvas) -> None:
    """Let the system hold little of what is sent."""
    canvas._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)


def test_one_who_does_not_read_is_dropped() -> None:
    limits = Limits(patience=1.0)
    with (
        serving(limits, before=narrow) as served,
        busy_drawing(served),
        raw_socket(served, small=True) as connection,
    ):
        asked = {"type": "draw", "mode": "finish", "model": "doodle", "temperature": 1, "seed": 1, "first": 0}
        with pytest.raises(OSError):
            for id in range(10_000):
                message = {**asked, "id": id, "n": 16, "drawing": FACE}
                connection.sendall(frame(json.dumps(message).encode()))
                time.sleep(0.03)
        assert any(event.get("why") == "does not read" for event in served.events)


def test_what_waits_for_one_who_reads_slowly_is_bounded() -> None:
    with (
        serving(Limits(outgoing=20_000), before=narrow) as served,
        raw_socket(served, small=True) as connection,
    ):
        asked = {"type": "draw", "mode": "finish", "model": "doodle", "temperature": 1, "seed": 1, "first": 0}
        with suppress(OSError):
            for id in range(10_000):
                message = {**asked, "id": id, "n": 16, "drawing": FACE}
                connection.sendall(frame(json.dumps(message).encode()))
                time.sleep(0.05)
                if any(event["event"] == "closed" for event in served.events):
                    break
        assert any(event.get("code") == 1013 for event in served.events)


def test_one_who_is_not_there_any_more_is_noticed() -> None:
    with serving(Limits(ping=0.5)) as served:
        with raw_socket(served) as connection:  # which answers no ping
            assert end_of(connection)[0] in (1011, 1006)
        left_alone(served)


def test_what_was_asked_for_is_given_up_with_the_connection(served: Served) -> None:
    for _ in range(5):
        with raw_socket(served) as connection:
            asked = {"type": "draw", "mode": "finish", "model": "doodle", "temperature": 1, "seed": 1}
            message = {**asked, "id": 1, "n": 16, "first": 0, "drawing": FACE}
            connection.sendall(frame(json.dumps(message).encode()))
    left_alone(served)
    with served.client() as client:
        assert client.draw(mode="finish", drawing=FACE)[0].over


# --- many ---------------------------------------------------------------------------------------------


def knock(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", served.port), 600)


def test_connections_are_bounded_and_those_who_draw_go_on() -> None:
    with (
        serving(Limits(connections=12, strangers=6, grace=60)) as served,
        busy_drawing(served),
        ExitStack() as stack,
    ):
        while not served.events:
            time.sleep(0.01)
        idle = [stack.enter_context(knock(served)) for _ in range(6)]
        refused = [everything(stack.enter_context(knock(served))) for _ in range(5)]
        assert [status(each) for each in refused] == [503] * 5
        for each in idle:
            each.close()
        while (answer := served.get("/version").status) == 503:  # until it has noticed
            time.sleep(0.02)
        assert answer == 200


def test_who_has_waited_longest_makes_room() -> None:
    with serving(Limits(strangers=6, grace=0.2)) as served, ExitStack() as stack:
        idle = [stack.enter_context(knock(served)) for _ in range(6)]
        while served.get("/version").status == 503:  # until the grace of those six is over
            time.sleep(0.02)
        with served.client() as client:
            assert client.draw(mode="finish", drawing=FACE)[0].over
        assert everything(idle[0]) == b""
        assert served.get("/version").status == 200


def test_those_who_draw_are_no_strangers() -> None:
    with serving(Limits(strangers=2, grace=60)) as served, ExitStack() as stack:
        clients = [stack.enter_context(served.client()) for _ in range(6)]
        for client in clients:
            assert client.draw(mode="finish", drawing=FACE)[0].over


def test_quick_connections_disturb_nobody(served: Served) -> None:
    chance = random.Random(1)
    sayings: list[Callable[[], bytes]] = [
        lambda: b"",
        lambda: b"GET / HT",
        lambda: f"GET /version HTTP/1.1\r\nHost: {served.host}\r\n\r\n".encode(),
        lambda: upgrade(served),
        lambda: upgrade(served, origin="null"),
        lambda: upgrade(served) + frame(b"nonsense"),
        lambda: bytes(chance.randrange(256) for _ in range(100)),
    ]
    with busy_drawing(served) as drawn:
        number, enough = 0, len(drawn) + 5
        while number < 500 or len(drawn) < enough:
            with knock(served) as connection:
                connection.sendall(sayings[number % len(sayings)]())
            number += 1
    left_alone(served)
    assert not [event for event in served.events if event["level"] == "error"]


def test_events_never_hold_the_token(served: Served) -> None:
    served.get("/version")
    assert served.events and served.token not in served.written.getvalue()
