"""A server in a thread, a client of its sockets, and raw HTTP, as the tests need them."""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sketchkit_canvas.limits import Limits
from sketchkit_canvas.logs import Log
from sketchkit_canvas.server import Canvas, Settings
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from sketchkit import Sketch

Line = list[list[float]]

#: What somebody has drawn: most of a face.
FACE: list[Line] = [
    [
        [300, 200],
        [420, 180],
        [520, 260],
        [540, 400],
        [460, 520],
        [340, 540],
        [240, 450],
        [230, 320],
        [300, 200],
    ],
    [[330, 310], [345, 300], [360, 312]],
    [[430, 300], [446, 292], [460, 305]],
]


@dataclass
class Served:
    """A server that serves."""

    canvas: Canvas
    written: io.StringIO

    @property
    def port(self) -> int:
        return self.canvas.port

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def origin(self) -> str:
        return f"http://{self.host}"

    @property
    def token(self) -> str:
        return self.canvas.access.token

    @property
    def url(self) -> str:
        return self.canvas.url

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in self.written.getvalue().splitlines()]

    @property
    def clients(self) -> int:
        """How many draw at the moment; what is logged of them may be left out."""
        assert self.canvas._server is not None
        return len(self.canvas._server._room._clients)

    def client(self, **given: Any) -> Client:
        return Client(self, **given)

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, body: bytes, **headers: str) -> Answer:
        """A request as the page makes it; headers may be replaced, or left out by an empty value."""
        usual = {"Origin": self.origin, "Authorization": f"Bearer {self.token}"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", path, body, {**usual, **given})

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            given = {name: value for name, value in (headers or {}).items() if value}
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def raw(self, content: bytes, timeout: float = 600.0) -> bytes:
        """Send bytes; everything that comes until the connection is closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as connection:
            connection.sendall(content)
            return everything(connection)


@dataclass(frozen=True)
class Answer:
    """An answer of HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        assert self.headers["content-type"] == "application/json"
        words = self.json["error"]
        assert isinstance(words, str) and len(words.splitlines()) == 1
        return words


@dataclass
class Drawn:
    """What has come of one drawing."""

    points: list[list[float]] = field(default_factory=list)
    over: dict[str, Any] | None = None


class Client:
    """A page, as the server sees it."""

    def __init__(self, served: Served, hello: bool = True, **given: Any) -> None:
        # A client that is not entered is another kind of thing from one version of websockets to the next.
        self._opened = connect(
            f"ws://{served.host}/socket",
            origin=Origin(served.origin),
            compression=None,
            max_size=None,
            max_queue=None,
            proxy=None,
            **given,
        )
        self.socket: ClientConnection = self._opened.__enter__()
        self.ready: dict[str, Any] = {}
        self.last = 0
        if hello:
            self.say({"type": "hello", "token": served.token})
            self.ready = self.hear()
            assert self.ready["type"] == "ready"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: Any) -> None:
        self._opened.__exit__(*error)

    def say(self, message: object) -> None:
        self.socket.send(message if isinstance(message, str | bytes) else json.dumps(message))

    def hear(self, timeout: float = 600.0) -> dict[str, Any]:
        said = json.loads(self.socket.recv(timeout))
        assert isinstance(said, dict)
        return said

    def ask(self, **message: Any) -> int:
        """Send a request under a new number."""
        self.last += 1
        usual = {"type": "draw", "model": "doodle", "label": None, "seed": 1, "temperature": 0.4}
        if message.get("mode") == "finish":
            usual |= {"first": 0, "n": 1}
        self.say({**usual, **message, "id": self.last})
        return self.last

    def drawn(self, id: int, n: int = 1) -> list[Drawn]:
        """All drawings of a request; what is sent of them must be in order and without a gap."""
        out = [Drawn() for _ in range(n)]
        while True:
            said = self.hear()
            assert said.get("id") == id, said
            if said["type"] == "done":
                assert said["count"] == n and all(each.over for each in out)
                return out
            take(out[said["k"]], said)

    def draw(self, **message: Any) -> list[Drawn]:
        """Ask, and wait for all of it."""
        return self.drawn(self.ask(**message), message.get("n", len(message.get("temperatures", [0]))))


def take(drawing: Drawn, said: dict[str, Any]) -> None:
    """Add what a message tells of a drawing."""
    assert drawing.over is None
    if said["type"] == "over":
        assert said["count"] == len(drawing.points)
        drawing.over = said
        return
    assert said["type"] == "points" and said["first"] == len(drawing.points)
    assert 1 <= len(said["points"]) <= 8
    drawing.points += said["points"]


def polylines(drawn: Drawn) -> list[npt.NDArray[np.float64]]:
    """The strokes of what has been streamed: a new one begins where no ink leads."""
    points = np.array(drawn.points).reshape(-1, 3)
    return [line for line in np.split(points[:, :2], np.flatnonzero(points[:, 2] == 0)) if len(line)]


def check(drawn: Drawn, expected: Sketch, factor: float = 1.0) -> None:
    """What has been streamed is a drawing of the library's."""
    wanted = expected.to_polylines()
    lines = polylines(drawn)
    assert [len(line) for line in lines] == [len(line) for line in wanted]
    for line, other in zip(lines, wanted, strict=True):
        np.testing.assert_allclose(line, other * factor, atol=0.02)
    assert drawn.over is not None and drawn.over["finished"] == expected.ended


def silence(client: Client) -> None:
    """Nothing comes but the answer to a ping."""
    client.say({"type": "ping"})
    assert client.hear() == {"type": "pong"}


def everything(connection: socket.socket) -> bytes:
    """What comes until the other end closes."""
    out = b""
    try:
        while piece := connection.recv(65536):
            out += piece
    except ConnectionResetError:
        pass
    return out


@contextmanager
def serving(
    limits: Limits | None = None, before: Callable[[Canvas], None] = lambda canvas: None, **settings: Any
) -> Iterator[Served]:
    """A server in a thread, for as long as the block takes."""
    written = io.StringIO()
    given = {"limits": limits or Limits(), **settings}
    canvas = Canvas(Settings(**given), Log(as_json=True, stream=written))
    before(canvas)
    ready = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(canvas.serve(ready.set)))
    thread.start()
    try:
        assert ready.wait(600)
        yield Served(canvas, written)
    finally:
        canvas.stop()
        thread.join(600)
        assert not thread.is_alive()


def assert_no_bugs(found: Served) -> None:
    """Whatever was done to a server, it met nothing that it did not expect."""
    assert [event for event in found.events if event["level"] == "error"] == []
    assert [event for event in found.events if event["event"] == "asyncio"] == []
