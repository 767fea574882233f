"""All who draw at a time: what each of them has asked for, and what comes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any

from sketchkit import CheckpointError, DeviceError, PluginError, SketchkitError
from sketchkit.generate import LiveDrawing, LivePoints
from sketchkit_canvas.at_once import AtOnce, on_the_wire
from sketchkit_canvas.decoding import Decoding
from sketchkit_canvas.limits import Limits
from sketchkit_canvas.logs import Log
from sketchkit_canvas.messages import Finish, Mimic, Morph, Request, Score
from sketchkit_canvas.preparing import Prepared, prepare
from sketchkit_canvas.shelf import Shelf
from sketchkit_canvas.turns import Job, Turns

__all__ = ["Client", "Room"]

Put = Callable[[dict[str, Any]], None]
_MODES = {Finish: "finish", Mimic: "mimic", Morph: "morph", Score: "score"}


@dataclass(eq=False)
class _Open:
    """A request that is not over."""

    client: Client
    asked: Request
    job: Job | None = None
    number: int | None = None  # that the decoder knows it by
    left: int = 0  # drawings that are not over
    points: int = 0
    since: float = field(default_factory=time.monotonic)


@dataclass(eq=False)
class Client:
    """Somebody who draws.

    Args:
        number: tells clients apart, in turns and in the log.
        put: takes what is to be said to it.
        open: its requests that are not over, by its own numbers for them.
    """

    number: int
    put: Put
    open: dict[int, _Open] = field(default_factory=dict)

    def refuse(self, id: int | None, code: str, message: str) -> None:
        """Tell it of an error; with an id, that request is over."""
        self.put({"type": "error", "id": id, "code": code, "message": " ".join(message.split())[:500]})


class Room:
    """Takes requests, and hands out the points. All methods are called in the loop.

    Args:
        shelf: the models.
        limits: how much a client may ask for.
        log: where events go.
    """

    def __init__(self, shelf: Shelf, limits: Limits, log: Log) -> None:
        self.shelf, self._limits, self._log = shelf, limits, log
        self._numbers = count(1)
        self._clients: dict[int, Client] = {}
        self._live: dict[int, _Open] = {}  # by the decoder's numbers
        self._ending = False
        self._turns = Turns(limits.preparing, limits.threads)
        self._decoding = Decoding(self._deliver, self._lost)
        self._worker = asyncio.create_task(self._turns.run())
        self._surveyed = asyncio.Event()
        self._warm_up()
        self._survey(iter([name for name in shelf.sources if name not in shelf.offers]))

    @property
    def unfinished(self) -> int:
        """How many requests are not over."""
        return sum(len(client.open) for client in self._clients.values())

    async def offers(self) -> list[dict[str, Any]]:
        """What there is to tell of the models: of all, or of those that are known after a while."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._surveyed.wait(), self._limits.patience / 2)
        return self.shelf.told()

    def join(self, put: Put) -> Client:
        """Somebody has come."""
        client = Client(next(self._numbers), put)
        self._clients[client.number] = client
        self._log.info("joined", client=client.number, clients=len(self._clients))
        return client

    def leave(self, client: Client) -> None:
        """Somebody has gone: what was asked for is given up."""
        for opened in list(client.open.values()):
            self._forget(opened)
        if self._clients.pop(client.number, None) is not None:
            self._log.info("left", client=client.number, clients=len(self._clients))

    def ask(self, client: Client, asked: Request) -> None:
        """Take a request, or refuse it."""
        refusal = self._refusal(client, asked)
        if refusal is not None:
            client.refuse(asked.id if asked.id not in client.open else None, *refusal)
            return
        opened = _Open(client, asked)
        job = Job(partial(self._prepared, asked), partial(self._begin, opened), partial(self._fail, opened))
        if not self._turns.put(client.number, job):
            client.refuse(asked.id, "busy", "too many ask at once: try again")
            return
        opened.job = job
        client.open[asked.id] = opened

    def cancel(self, client: Client, id: int) -> None:
        """Give up a request, if it is not over."""
        opened = client.open.get(id)
        if opened is not None:
            self._forget(opened)
        client.put({"type": "cancelled", "id": id})

    def end(self) -> None:
        """Take no more requests."""
        self._ending = True

    async def close(self) -> None:
        """Give up everything."""
        self.end()
        self._turns.close()
        self._worker.cancel()
        await asyncio.to_thread(self._decoding.close)

    def _refusal(self, client: Client, asked: Request) -> tuple[str, str] | None:
        """The code and the words of what speaks against a request."""
        if asked.id in client.open:
            return "invalid", f"the request {asked.id} is not over: choose another number"
        if self._ending:
            return "busy", "the server is ending"
        if len(client.open) >= self._limits.requests:
            return "busy", f"{self._limits.requests} requests are not over: cancel one, or wait"
        if asked.n + sum(each.asked.n for each in client.open.values()) > self._limits.drawings:
            return "busy", f"more than {self._limits.drawings} drawings at once: cancel some, or wait"
        if asked.model not in self.shelf.sources:
            return "invalid", f"no model named {asked.model[:60]!r} is offered here"
        return None

    # --- prepared in threads ----------------------------------------------------------------------------

    def _prepared(self, asked: Request) -> Prepared:
        return prepare(self.shelf.model(asked.model), asked)

    def _warm_up(self) -> None:
        """Draw once for nobody: what is made when it is first needed shall keep nobody waiting."""
        name = self.shelf.default
        if name is None:
            return

        def begin(prepared: Any) -> None:
            self._decoding.add(prepared, None)

        def failed(error: Exception) -> None:
            self._log.warning("model does not draw", model=name, why=str(error))

        asked = Finish(0, name, None, temperature=0.4, seed=0, first=0, n=1, drawing=())
        self._turns.put(None, Job(partial(self._prepared, asked), begin, failed))
        # A conditional model has no endings, of which the first job says nothing.
        chosen = replace(asked, drawing=(((0.0, 0.0), (100.0, 50.0)),), tries=2, guess=True)
        self._turns.put(None, Job(partial(self._prepared, chosen), lambda drawn: None, lambda error: None))

    def _survey(self, names: Iterator[str]) -> None:
        """Look at one model after another, in turns with what clients ask for."""
        name = next(names, None)
        if name is None:
            self._surveyed.set()
            return

        def failed(error: Exception) -> None:
            self._log.warning("model passed over", model=name, why=str(error))
            self._survey(names)

        job = Job(partial(self.shelf.model, name), lambda model: self._survey(names), failed)
        if not self._turns.put(None, job):
            self._surveyed.set()

    def _begin(self, opened: _Open, prepared: Prepared) -> None:
        opened.job = None
        if isinstance(prepared, dict):
            opened.client.put(prepared)
            self._forget(opened)
            self._told(opened)
        elif isinstance(prepared, AtOnce):
            self._hand_over(opened, prepared)
        else:
            self._live_on(opened, prepared)

    def _live_on(self, opened: _Open, prepared: list[LiveDrawing]) -> None:
        opened.number = self._decoding.add(prepared, opened.client.number)
        opened.left = len(prepared)
        self._live[opened.number] = opened

    def _hand_over(self, opened: _Open, prepared: AtOnce) -> None:
        """All of a request that has been drawn."""
        for message in prepared.messages(opened.asked.id):
            opened.client.put(message)
        opened.points = sum(len(each.points) for each in prepared.drawings)
        self._forget(opened)
        self._told(opened)

    # --- what the decoder tells -------------------------------------------------------------------------

    def _deliver(self, told: list[LivePoints]) -> None:
        for each in told:
            opened = self._live.get(each.request)
            if opened is None:  # given up in the meantime
                continue
            if each.error is not None:
                self._fail(opened, each.error)
            else:
                self._hand_on(opened, each)

    def _hand_on(self, opened: _Open, told: LivePoints) -> None:
        put, which = opened.client.put, {"id": opened.asked.id, "k": told.drawing}
        points = on_the_wire(told.points)
        if points:
            put({"type": "points", **which, "first": told.first, "points": points})
            opened.points += len(points)
        if told.over:
            put({"type": "over", **which, "count": told.first + len(points), "finished": told.finished})
            opened.left -= 1
        if told.over and not opened.left:
            put({"type": "done", "id": opened.asked.id, "count": opened.asked.n})
            self._forget(opened)
            self._told(opened)

    def _fail(self, opened: _Open, error: Exception) -> None:
        self._forget(opened)
        code, words = _blame(error)
        if code == "internal":
            self._log.error("request failed", error, client=opened.client.number, id=opened.asked.id)
        opened.client.refuse(opened.asked.id, code, words)

    def _lost(self, error: Exception) -> None:
        """The decoder has failed: whatever it drew is over."""
        self._log.error("decoder failed", error)
        for opened in list(self._live.values()):
            self._forget(opened)
            opened.client.refuse(opened.asked.id, "internal", "the drawing was lost: ask again")

    def _forget(self, opened: _Open) -> None:
        """Wherever a request is, it is there no more."""
        if opened.job is not None:
            self._turns.drop(opened.client.number, opened.job)
        if opened.number is not None:
            self._live.pop(opened.number, None)
            self._decoding.cancel(opened.number)
        opened.client.open.pop(opened.asked.id, None)

    def _told(self, opened: _Open) -> None:
        self._log.debug(
            "answered",
            client=opened.client.number,
            id=opened.asked.id,
            mode=_MODES[type(opened.asked)],
            model=opened.asked.model,
            drawings=opened.asked.n,
            points=opened.points,
            seconds=round(time.monotonic() - opened.since, 3),
        )


def _blame(error: Exception) -> tuple[str, str]:
    """The code of an error, and what is said of it."""
    if isinstance(error, CheckpointError | DeviceError | PluginError):
        return "model", str(error)
    if isinstance(error, SketchkitError):
        return "invalid", str(error)
    return "internal", f"internal error: {type(error).__name__}"
