"""How long people who draw on the page of `sketchkit canvas` wait for a chunk of 8 points, and its memory.

    python benchmarks/canvas.py [--clients 10 25 50] [--minutes 1 1 10] [--idle 200] [--model doodle]

Needs the package sketchkit-canvas, and Linux for the memory. The server runs as `sketchkit canvas` does, in a
process of its own; the clients are websockets of this process, over loopback. A client draws a stroke of an
example in one to three seconds, lifts the pen, asks for one ending or, as often, for nine, and draws on,
which gives up what is not there yet. Idle sockets are open all the time: half of them have said hello and
nothing else, a quarter sends the head of a request a letter a second, a quarter asks for endings but reads
one message in half a minute.

For each number of clients: points, p50 and p99 of the wait for a chunk (since the request for the first of a
drawing, else since the one before), and the ratio of p50 to that of a client alone, which is taken first. Of
every request that is not given up all points must come, in order, and one in a hundred is drawn again by
`sketchkit.complete`: anything else ends the run. Memory is the resident size of the server's process, in the
end against that after a minute.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

import sketchkit

EXAMPLES = Path(__file__).parent.parent / "examples" / "drawings"
#: Seconds of a stroke, of a client alone, and until memory counts.
STROKE, ALONE, WARM = (1.0, 3.0), 15.0, 60.0
#: Seconds between two that come, so that not all are strangers to the server at once.
APART = 0.02
#: One in so many endings is drawn again.
CHECKED = 100


@dataclass
class Server:
    """A running server."""

    address: str
    token: str
    process: subprocess.Popen[str]

    def megabytes(self) -> float:
        """Its resident size."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmRSS:")[1].split()[0]) / 1e3


@dataclass
class Tally:
    """What clients met."""

    waits: list[float] = field(default_factory=list)
    first_waits: list[float] = field(default_factory=list)
    points: int = 0
    requests: int = 0
    given_up: int = 0
    busy: int = 0
    checked: int = 0
    again: list[tuple[dict[str, Any], dict[int, list[list[float]]]]] = field(default_factory=list)


@dataclass
class Ending:
    """One drawing of a request, as it comes."""

    since: float
    points: list[list[float]] = field(default_factory=list)
    over: bool = False


@contextmanager
def serving(model: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "sketchkit", "canvas", "--no-open", "--port", "0", "--model", model]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if "#token=" in line)
            address, _, token = line.split()[-1].partition("/#token=")
            yield Server(address, token, process)
        finally:
            process.terminate()
            process.wait(30)


@asynccontextmanager
async def client_of(server: Server, max_queue: int | None = None) -> AsyncIterator[ClientConnection]:
    url = server.address.replace("http", "ws") + "/socket"
    origin = Origin(server.address)
    async with connect(url, origin=origin, open_timeout=60, max_queue=max_queue) as socket:
        await socket.send(json.dumps({"type": "hello", "token": server.token}))
        ready = json.loads(await socket.recv())
        if ready["type"] != "ready":
            raise AssertionError(f"the server answered {ready}")
        yield socket


async def draws(server: Server, model: str, number: int, until: float, tally: Tally) -> None:
    """One client, who draws stroke by stroke and has the model go on whenever the pen is lifted."""
    chance = random.Random(number)
    drawings = examples()
    ids = 0
    await asyncio.sleep(number * APART)
    async with client_of(server) as socket:
        await asyncio.sleep(chance.uniform(*STROKE))
        while time.monotonic() < until:
            strokes = chance.choice(drawings)
            for count in range(1, len(strokes) + 1):
                if time.monotonic() >= until:
                    return
                ids += 1
                ask = {
                    "type": "draw",
                    "id": ids,
                    "mode": "finish",
                    "model": model,
                    "label": None,
                    "temperature": 0.4,
                    "seed": chance.randrange(2**32),
                    "first": 0,
                    "n": chance.choice((1, 9)),
                    "drawing": strokes[:count],
                }
                await asked(socket, ask, chance.uniform(*STROKE), tally)


async def asked(socket: ClientConnection, ask: dict[str, Any], seconds: float, tally: Tally) -> None:
    """Ask, and take what comes until it is all there or the next stroke is drawn."""
    begun = time.monotonic()
    await socket.send(json.dumps(ask))
    tally.requests += 1
    endings = {k: Ending(begun) for k in range(ask["n"])}
    done = False
    while not done:
        left = begun + seconds - time.monotonic()
        try:
            message = json.loads(await asyncio.wait_for(socket.recv(), max(left, 0.001)))
        except TimeoutError:
            break
        done = taken(message, ask, endings, tally)
    if not done:
        tally.given_up += 1
        await socket.send(json.dumps({"type": "cancel", "id": ask["id"]}))
        while json.loads(await socket.recv()) != {"type": "cancelled", "id": ask["id"]}:
            pass
    elif tally.requests % CHECKED == 0:
        tally.again.append((ask, {k: ending.points for k, ending in endings.items()}))
    await asyncio.sleep(max(0.0, begun + seconds - time.monotonic()))


def taken(message: dict[str, Any], ask: dict[str, Any], endings: dict[int, Ending], tally: Tally) -> bool:
    """Take one message; whether it is the last of the request."""
    if message["type"] == "error" and message["code"] == "busy":
        tally.busy += 1
        return True
    if message.get("id") != ask["id"]:
        raise AssertionError(f"{message} came while {ask['id']} was wanted")
    if message["type"] == "done":
        missing = [k for k, ending in endings.items() if not ending.over]
        if missing or message["count"] != ask["n"]:
            raise AssertionError(f"endings {missing} are missing of {ask['id']}")
        return True
    ending = endings[message["k"]]
    if ending.over:
        raise AssertionError(f"{message} came after the end")
    if message["type"] == "over":
        ending.over = True
        if message["count"] != len(ending.points):
            raise AssertionError(f"{len(ending.points)} points came of {message['count']}")
        return False
    if message["type"] != "points" or message["first"] != len(ending.points):
        raise AssertionError(f"{message} came after {len(ending.points)} points")
    now = time.monotonic()
    (tally.waits if ending.points else tally.first_waits).append(now - ending.since)
    ending.since = now
    ending.points += message["points"]
    tally.points += len(message["points"])
    return False


async def idles(server: Server, number: int, model: str) -> None:
    """A socket that costs the server something and gives it nothing to do, or nothing that is taken."""
    kind = number % 4
    await asyncio.sleep(number * APART)
    while True:
        with suppress(Exception):  # the server may end it, in many ways
            if kind < 2:
                async with client_of(server) as socket:
                    await socket.wait_closed()
            elif kind == 2:
                await trickles(server)
            else:
                await dawdles(server, model)
        await asyncio.sleep(1.0)


async def trickles(server: Server) -> None:
    """Send the head of a request, a letter a second, until the server has had enough."""
    host, _, port = server.address.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for letter in "GET / HTTP/1.1\r\nX-Slow: " + "x" * 1000:
            writer.write(letter.encode("ascii"))
            await writer.drain()
            if reader.at_eof():
                return
            await asyncio.sleep(1.0)
    finally:
        writer.close()


async def dawdles(server: Server, model: str) -> None:
    """Ask for one ending after another and read a message every half minute."""
    async with client_of(server, max_queue=1) as socket:
        for number in range(10_000):
            ask = {"type": "draw", "id": number, "mode": "finish", "model": model, "label": None}
            ask |= {"temperature": 0.4, "seed": 1, "first": 0, "n": 1, "drawing": []}
            await socket.send(json.dumps(ask))
            await asyncio.sleep(30.0)
            await socket.recv()


async def loaded(server: Server, model: str, clients: int, seconds: float, idle: int) -> tuple[Tally, float]:
    """So many clients for so long; what they met, and by what share memory grew."""
    sleepers = [asyncio.create_task(idles(server, n, model)) for n in range(idle)]
    await asyncio.sleep((idle + 1) * APART)
    tally, until = Tally(), time.monotonic() + seconds
    work = asyncio.gather(*(draws(server, model, n, until, tally) for n in range(clients)))
    await asyncio.sleep(min(WARM, seconds / 2))
    before = server.megabytes()
    await work
    after = server.megabytes()
    for sleeper in sleepers:
        sleeper.cancel()
    await asyncio.gather(*sleepers, return_exceptions=True)
    return tally, after / before - 1.0


def examples() -> list[list[list[list[float]]]]:
    """Strokes of the example drawings, on the page's paper of 800 x 800."""
    out = []
    for path in sorted(EXAMPLES.glob("*.svg")):
        sketch = sketchkit.read(path)
        x0, y0, x1, y1 = sketch.bounds
        scale = 500.0 / max(x1 - x0, y1 - y0)
        lines = [(line - (x0, y0)) * scale + 150.0 for line in sketch.to_polylines()]
        out.append([line.round(1).tolist() for line in lines if len(line) > 1])
    return out


def check(model: str, tally: Tally) -> None:
    """Draw some requests again, without the server."""
    loaded_model = sketchkit.load_model(model)
    for ask, found in tally.again:
        begun = sketchkit.Sketch.from_polylines(ask["drawing"])
        for ending in sketchkit.complete(loaded_model, begun, ask["n"], ask["temperature"], ask["seed"]):
            want = np.concatenate([np.zeros((0, 2)), *ending.ending.without_end().to_polylines()])
            mine = np.array(found[ending.index]).reshape(-1, 3)[:, :2]
            if want.shape != mine.shape or np.abs(want - mine).max(initial=0.0) > 0.05:
                raise AssertionError(f"ending {ending.index} of {ask} is another one")
            tally.checked += 1


def report(clients: int, tally: Tally, growth: float, alone: float | None) -> float:
    """Print a line; the median of all waits in milliseconds."""
    every = 1e3 * np.array(tally.waits + tally.first_waits)
    first, later = (1e3 * np.array(values) for values in (tally.first_waits, tally.waits))
    middle, high = np.percentile(every, [50, 99])
    against = "" if alone is None else f", {middle / alone:.1f} times that of one"
    print(
        f"{clients} clients: {tally.points:,} points of {tally.requests:,} requests, {tally.given_up:,} "
        f"given up, {tally.busy} refused; a chunk p50 {middle:.0f} ms{against}, p99 {high:.0f} ms (the first "
        f"of a drawing {np.percentile(first, 99):.0f}, others {np.percentile(later, 99):.0f}); memory "
        f"{100 * growth:+.1f} %; 0 lost, {tally.checked} endings drawn again",
        flush=True,
    )
    return float(middle)


async def run(arguments: argparse.Namespace) -> None:
    with serving(arguments.model) as server:
        tally, growth = await loaded(server, arguments.model, 1, ALONE, 0)
        alone = report(1, tally, growth, None)
        for clients, minutes in zip(arguments.clients, arguments.minutes, strict=True):
            tally, growth = await loaded(server, arguments.model, clients, 60.0 * minutes, arguments.idle)
            check(arguments.model, tally)
            report(clients, tally, growth, alone)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clients", nargs="+", type=int, default=[10, 25, 50])
    parser.add_argument("--minutes", nargs="+", type=float, default=[1.0, 1.0, 10.0])
    parser.add_argument("--idle", type=int, default=200)
    parser.add_argument("--model", default="doodle")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
