"""The connections that are open, and which of them has been waited for long enough.

A connection begins as a stranger. It stays one until a socket has shown the token. Strangers are few, and the
longest waiting of them goes when another comes, so that nobody keeps the page out by knocking.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from sketchkit_canvas.limits import Limits
from sketchkit_canvas.logs import Log

__all__ = ["Door", "Guest", "Key", "key_of"]

#: The address of the other end, of which no two connections have the same.
Key: TypeAlias = tuple[Any, ...]


class Guest(Protocol):
    """A connection, as the door sees it."""

    transport: asyncio.Transport

    @property
    def busy(self) -> bool:
        """Whether it has asked for something and waits for the answer."""
        ...

    @property
    def owes(self) -> float | None:
        """Since when the rest of what it has begun to say is waited for, by the clock of the loop."""
        ...

    @property
    def stuck(self) -> float | None:
        """Since when it does not read what is sent, likewise."""
        ...

    def too_slow(self) -> None:
        """End the connection: the rest has not come."""
        ...


@dataclass
class _Entry:
    guest: Guest
    since: float
    trusted: bool = False
    closing: float | None = None


class Door:
    """Who is in.

    Args:
        limits: how many, and how patient the server is.
        log: where events go.
    """

    def __init__(self, limits: Limits, log: Log) -> None:
        self._limits, self._log = limits, log
        self._entries: dict[Key, _Entry] = {}  # in the order they came
        self._strangers = 0

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._entries)

    @property
    def strangers(self) -> int:
        """How many of them have not shown the token."""
        return self._strangers

    def admit(self, key: Key, guest: Guest) -> bool:
        """Let somebody in, or not."""
        full = len(self._entries) >= self._limits.connections or self._strangers >= self._limits.strangers
        if full and not self._make_room():
            self._log.warning("refused", why="too many connections", open=len(self._entries))
            return False
        self._entries[key] = _Entry(guest, _now())
        self._strangers += 1
        return True

    def become(self, key: Key, guest: Guest) -> None:
        """The connection is another kind of guest from now on."""
        if key in self._entries:
            self._entries[key].guest = guest

    def trust(self, key: Key) -> None:
        """It has shown the token."""
        entry = self._entries.get(key)
        if entry is not None and not entry.trusted:
            entry.trusted = True
            self._strangers -= 1

    def leave(self, key: Key, guest: Guest) -> None:
        """The connection is closed."""
        entry = self._entries.get(key)
        if entry is not None and entry.guest is guest:
            self._remove(key)

    async def watch(self) -> None:
        """Look now and then who is too slow, until cancelled."""
        while True:
            await asyncio.sleep(min(1.0, self._limits.patience / 4))
            for key, entry in list(self._entries.items()):
                self._look(key, entry, _now() - self._limits.patience)

    def _look(self, key: Key, entry: _Entry, before: float) -> None:
        guest = entry.guest
        if guest.transport.is_closing():
            # What is still to be sent is waited for, but not for ever.
            entry.closing = entry.closing or _now()
        if any(since is not None and since < before for since in (guest.stuck, entry.closing)):
            self._log.warning("dropped", why="does not read", client=_shown(key))
            guest.transport.abort()
        elif guest.owes is not None and guest.owes < before and entry.closing is None:
            self._log.warning("dropped", why="too slow", client=_shown(key))
            guest.too_slow()

    def _make_room(self) -> bool:
        """Send away the stranger that has been here longest, if it has had its time and is served nothing."""
        for key, entry in self._entries.items():
            if entry.since > _now() - self._limits.grace:
                return False  # and all behind it are younger
            if not entry.trusted and not entry.guest.busy:
                self._log.warning("dropped", why="others wait", client=_shown(key))
                entry.guest.transport.abort()
                self._remove(key)
                return True
        return False

    def _remove(self, key: Key) -> None:
        entry = self._entries.pop(key)
        self._strangers -= not entry.trusted


def key_of(transport: asyncio.BaseTransport) -> Key:
    """The key of a connection."""
    peer = transport.get_extra_info("peername")
    return tuple(peer[:2]) if peer else (id(transport),)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _shown(key: Key) -> str:
    return ":".join(map(str, key))
