"""What waits to be sent to a client, and the task that sends it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

__all__ = ["Outbox"]


class Outbox:
    """Messages in order. Nobody who puts one in waits; what a client does not read is bounded here.

    Args:
        most: bytes that may wait.
        overflow: called once when they are more: the client is to be dropped.
    """

    def __init__(self, most: int, overflow: Callable[[], None]) -> None:
        self._most, self._overflow = most, overflow
        self._messages: deque[str] = deque()
        self._size = 0
        self._come = asyncio.Event()
        self._closed = False

    def put(self, message: dict[str, Any]) -> None:
        """Let a message go out after those before it."""
        if self._closed:
            return
        text = orjson.dumps(message).decode()
        self._messages.append(text)
        self._size += len(text)
        self._come.set()
        if self._size > self._most:
            self.close()
            self._overflow()

    def close(self) -> None:
        """Take no more messages, and forget those that wait."""
        self._closed = True
        self._messages.clear()
        self._size = 0

    async def send_all(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send what comes, until cancelled."""
        while True:
            await self._come.wait()
            self._come.clear()
            while self._messages:
                text = self._messages.popleft()
                self._size -= len(text)
                await send(text)
