"""One socket, from its hello to its end."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.utils import ClientDisconnected

from sketchkit_canvas.access import Access
from sketchkit_canvas.bucket import Bucket
from sketchkit_canvas.door import Door
from sketchkit_canvas.limits import Limits
from sketchkit_canvas.logs import Log
from sketchkit_canvas.messages import Cancel, Hello, Message, MessageError, Ping, parse
from sketchkit_canvas.outbox import Outbox
from sketchkit_canvas.room import Client, Room
from sketchkit_canvas.version import VERSION

__all__ = ["talk"]

_WRONG_TOKEN = 4401
_POLICY = 1008
_TRY_LATER = 1013


class _Closing(Exception):
    """The socket is to be closed.

    Args:
        code: of WebSocket, or one of our own.
        reason: in a few words.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


async def talk(socket: WebSocket, room: Room, access: Access, door: Door, limits: Limits, log: Log) -> None:
    """Serve a socket.

    Args:
        socket: not accepted yet; its request has been looked at.
        room: that it joins once it has shown the token.
        access: with the token.
        door: that is told of it.
        limits: how much it may say.
        log: where events go.

    Raises:
        ClientDisconnected: the other end has gone.
    """
    try:
        await socket.accept()
        await _hear_hello(socket, access, limits)
        door.trust(tuple(socket.scope["client"] or ()))
        await _Conversation(socket, room, limits, log).run()
    except _Closing as closing:
        log.warning("closed", code=closing.code, why=closing.reason)
        with suppress(WebSocketDisconnect, RuntimeError):
            await socket.close(closing.code, closing.reason)
    except WebSocketDisconnect:
        raise ClientDisconnected from None  # which uvicorn takes for an ordinary end, even before the accept


async def _hear_hello(socket: WebSocket, access: Access, limits: Limits) -> None:
    try:
        async with asyncio.timeout(limits.patience):
            text = await _text(socket)
    except TimeoutError:
        raise _Closing(_POLICY, "no hello") from None
    try:
        message = parse(text)
    except MessageError:
        raise _Closing(_POLICY, "the first message is a hello") from None
    if not isinstance(message, Hello):
        raise _Closing(_POLICY, "the first message is a hello")
    if not access.fits(message.token):
        raise _Closing(_WRONG_TOKEN, "wrong token")


class _Conversation:
    """What is said once the token is known."""

    def __init__(self, socket: WebSocket, room: Room, limits: Limits, log: Log) -> None:
        self._socket, self._room, self._limits, self._log = socket, room, limits, log
        self._overflowing = asyncio.Event()
        self._outbox = Outbox(limits.outgoing, self._overflowing.set)
        self._rate = Bucket(limits.rate, limits.burst)
        self._mistakes = 0

    async def run(self) -> None:
        """Until one of both ends it."""
        room = self._room
        models = await room.offers()
        client = room.join(self._outbox.put)
        ready = {"type": "ready", "version": VERSION, "models": models, "model": room.shelf.default}
        self._outbox.put(ready)
        works = (self._listen(client), self._outbox.send_all(self._send), self._overflowing.wait())
        tasks = [asyncio.create_task(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            room.leave(client)
            self._outbox.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()
        raise _Closing(_TRY_LATER, "what was asked for is not read")

    async def _listen(self, client: Client) -> None:
        while True:
            text = await _text(self._socket)
            if not self._rate.take():
                raise _Closing(_POLICY, "too many messages")
            try:
                self._obey(client, parse(text))
            except MessageError as error:
                self._mistaken(client, error)
            except Exception as error:  # a bug, which is no reason to end the connection
                self._log.error("message failed", error, client=client.number)
                client.refuse(None, "internal", f"internal error: {type(error).__name__}")

    def _mistaken(self, client: Client, error: MessageError) -> None:
        client.refuse(None if error.id in client.open else error.id, "invalid", str(error))
        self._mistakes += 1
        if self._mistakes >= self._limits.mistakes:
            raise _Closing(_POLICY, "too many messages that make no sense") from None

    async def _send(self, text: str) -> None:
        try:
            await self._socket.send_text(text)
        except RuntimeError:  # by which uvicorn says that it has closed the socket itself
            raise WebSocketDisconnect(1006) from None

    def _obey(self, client: Client, message: Message) -> None:
        match message:
            case Ping():
                self._outbox.put({"type": "pong"})
            case Cancel(id=id):
                self._room.cancel(client, id)
            case Hello():
                raise MessageError("a hello has been said already")
            case asked:
                self._room.ask(client, asked)


async def _text(socket: WebSocket) -> str | bytes:
    """The next message, whole.

    Raises:
        WebSocketDisconnect: there is none.
    """
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code") or 1005)
    text = message.get("text")
    # Bytes are no message, whatever they say: not even in UTF-8.
    return b"" if text is None else str(text)
