"""The server as a whole: where it listens, what it says to the terminal, and how it ends."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import uvicorn

from sketchkit import InputError
from sketchkit_canvas.access import Access, Opening, address_of, checked_name, is_loopback
from sketchkit_canvas.app import make_app
from sketchkit_canvas.door import Door
from sketchkit_canvas.limits import Limits
from sketchkit_canvas.logs import Log
from sketchkit_canvas.protocols import HttpProtocol, SocketProtocol
from sketchkit_canvas.room import Room
from sketchkit_canvas.shelf import Shelf, sources_of

__all__ = ["Canvas", "Settings", "run"]

#: Connections that asyncio takes in one go, and those that the system holds until it does.
_AT_ONCE, _QUEUED = 64, 1024
#: Seconds that a thread may keep the interpreter from the others. Drawing and preparing give it back at every
#: product, and with the usual 5 ms they would wait longer to get it again than they compute.
_TURN = 0.0002
#: Files that may be open: connections, and what else there is.
_FILES = 2048
#: Addresses that stand for all of a machine's own, and one by which it reaches itself then.
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True)
class Settings:
    """What a user decides.

    Args:
        models: names or files; the first is the one to begin with. sketchkit's own when empty.
        host: to listen at.
        port: 0 for any that is free.
        open: whether to open the page.
        allow_hosts: names by which the server is known besides.
        limits: see `Limits`.
    """

    models: Sequence[str] = ()
    host: str = "127.0.0.1"
    port: int = 0
    open: bool = False
    allow_hosts: Sequence[str] = ()
    limits: Limits = field(default_factory=Limits)


class Canvas:
    """A server that is ready to serve: it listens, and the model to begin with is loaded.

    Args:
        settings: what a user decides.
        log: where events go.

    Raises:
        InputError: an address that cannot be listened at, or a name that is none.
        CheckpointError: a model that cannot be loaded.
    """

    def __init__(self, settings: Settings, log: Log) -> None:
        self.settings, self.log = settings, log
        names = list(map(checked_name, settings.allow_hosts))
        self._shelf = Shelf(sources_of(settings.models), settings.limits.models)
        for name in list(self._shelf.sources)[: max(len(settings.models), 1)]:
            self._shelf.model(name)
        self._listener = _listen(settings.host, settings.port)
        self._bound: str
        self.port: int
        self._bound, self.port = self._listener.getsockname()[:2]
        self.access = Access.at(settings.host, self.port, names)
        self._opening = Opening()
        self._server: _Server | None = None

    @property
    def address(self) -> str:
        """Where the page is, without the token."""
        own = _ANY.get(self._bound, self.settings.host)
        return f"http://{address_of(own, self.port)}"

    @property
    def url(self) -> str:
        """The page's address with the token."""
        return f"{self.address}/#token={self.access.token}"

    @property
    def exposed(self) -> bool:
        """Whether others than this machine reach it."""
        return not is_loopback(self._bound)

    def open_page(self) -> None:
        """Open the page in a browser, if there is one."""
        if sys.platform.startswith("linux") and not (os.environ.keys() & {"DISPLAY", "WAYLAND_DISPLAY"}):
            return  # a browser for terminals would take ours
        address = f"{self.address}/open/{self._opening.word}"
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    async def serve(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop` is called or a signal comes.

        Args:
            ready: called when connections are taken.
        """
        limits, log = self.settings.limits, self.log
        door = Door(limits, log)
        room = Room(self._shelf, limits, log)
        app = make_app(room, self.access, self._opening, door, limits, log)
        watch = asyncio.create_task(door.watch())
        self._server = _Server(_config(app, door, limits), room, limits.drain, self._listener, ready)
        try:
            with log.of_libraries():
                await self._server.serve(sockets=[self._listener])
        finally:
            watch.cancel()
            await room.close()
            self._listener.close()

    def stop(self) -> None:
        """Let `serve` come to its end; may be called from any thread."""
        if self._server is not None:
            self._server.should_exit = True


class _Server(uvicorn.Server):
    """uvicorn, which lets drawings be finished before it ends."""

    def __init__(
        self,
        config: uvicorn.Config,
        room: Room,
        drain: float,
        listener: socket.socket,
        ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._room, self._drain, self._listener, self._ready = room, drain, listener, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._listener.listen(_QUEUED)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        self._room.end()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain):
                while self._room.unfinished and not self.force_exit:
                    await asyncio.sleep(0.02)
        await super().shutdown(sockets=sockets)


def run(settings: Settings, log: Log) -> None:
    """Serve, and tell the terminal where; ends by KeyboardInterrupt, as any command that is interrupted.

    Raises:
        InputError: see `Canvas`.
        CheckpointError: see `Canvas`.
    """
    canvas = Canvas(settings, log)
    _allow_files()
    sys.setswitchinterval(_TURN)

    def ready() -> None:
        print(canvas.url, flush=True)
        if canvas.exposed:
            _warn(canvas)
        log.info("serving", address=canvas.address)
        if settings.open:
            canvas.open_page()

    asyncio.run(canvas.serve(ready))


def _warn(canvas: Canvas) -> None:
    print(
        f"warning: {canvas.settings.host or 'it'} is reached from other machines, and nothing is encrypted: "
        "whoever reads the network reads the token and may draw here",
        file=sys.stderr,
    )


def _config(app: Any, door: Door, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        lifespan="off",
        # uvicorn calls these to make a protocol, though it asks for classes.
        http=partial(HttpProtocol, door=door),  # type: ignore[arg-type]
        ws=partial(SocketProtocol, door=door, limits=limits),  # type: ignore[arg-type]
        h11_max_incomplete_event_size=limits.headers,
        ws_max_size=limits.message,
        ws_ping_interval=limits.ping,
        ws_ping_timeout=limits.ping,
        ws_per_message_deflate=False,  # a small message could be a large one
        backlog=_AT_ONCE,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # anybody could write them
        server_header=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=2,
    )


def _listen(host: str, port: int) -> socket.socket:
    """A socket that is bound.

    Raises:
        InputError: it cannot be.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=_QUEUED)
    except (OSError, UnicodeError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot listen at {address_of(host, port)}: {reason}") from error


def _allow_files() -> None:
    """Let as many files be open as connections may, where the system counts fewer at first."""
    try:
        import resource
    except ImportError:  # there is no such count
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
