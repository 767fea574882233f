"""HTTP and WebSocket as uvicorn speaks them, with the patience of the door.

uvicorn waits for the rest of a request, and for somebody who does not read, as long as it takes. Here each
connection says since when it owes something, and the door ends those that owe it too long. A socket is also
fed in small pieces, so that a flood of tiny frames is noticed after some hundreds of them.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.protocol import Event

from sketchkit_canvas.bucket import Bucket
from sketchkit_canvas.door import Door, Key, key_of
from sketchkit_canvas.limits import Limits
from sketchkit_canvas.replies import raw_reply

__all__ = ["HttpProtocol", "SocketProtocol"]

#: Bytes that a socket is fed at once.
_PIECE = 4096
#: Frames that one message may come in.
_MOST_FRAMES = 256
#: Seconds that the other end has to answer when a socket is closed.
_FAREWELL = 2.0
_BUSY = raw_reply(503, "too many connections: try again in a moment")
_LATE = raw_reply(408, "the request took too long to arrive")
_BAD = raw_reply(400, "this is no request of HTTP")


class _Guest(asyncio.Protocol):
    """What the door is told by either kind; comes before uvicorn's protocol among the bases."""

    door: Door
    key: Key = ()
    owes: float | None = None
    stuck: float | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        super().connection_lost(exc)
        self.door.leave(self.key, self)  # type: ignore[arg-type] # it is one with uvicorn's part

    def pause_writing(self) -> None:
        """What is sent is not read."""
        super().pause_writing()
        self.stuck = asyncio.get_running_loop().time()

    def resume_writing(self) -> None:
        """It is read again."""
        super().resume_writing()
        self.stuck = None


class HttpProtocol(_Guest, H11Protocol):
    """HTTP/1.1: a request, its body included, arrives in time or not at all.

    Args:
        door: that lets connections in.
        given: what uvicorn hands to a protocol.
    """

    def __init__(self, *, door: Door, **given: Any) -> None:
        super().__init__(**given)
        self.door = door

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody knocks."""
        super().connection_made(transport)
        self.key, self.owes = key_of(transport), self.loop.time()
        if not self.door.admit(self.key, self):
            transport.write(_BUSY)
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Some bytes have come; what is begun has to go on."""
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self.owes = None
        elif self.owes is None:
            self.owes = self.loop.time()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request."""
        self.transport.write(_BAD)
        self.transport.close()

    def too_slow(self) -> None:
        """Answer a request that does not arrive."""
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            self.transport.write(_LATE)
        self.transport.close()


class SocketProtocol(_Guest, WebSocketsSansIOProtocol):
    """WebSocket: a message that has begun arrives in time, and frames are not too many.

    Args:
        door: that has let the connection in.
        limits: how many frames.
        given: what uvicorn hands to a protocol.
    """

    def __init__(self, *, door: Door, limits: Limits, **given: Any) -> None:
        super().__init__(**given)
        self.door = door
        self.close_timeout = _FAREWELL
        self._frames = Bucket(limits.frames, 5 * limits.frames)
        self._unread = 0  # bytes of a frame that is not complete
        self._open = 0  # frames of a message that is not complete
        self._too_many = False
        # There is one place through which frames of every kind come.
        self.conn.events_received = self._received  # type: ignore[method-assign]

    @property
    def busy(self) -> bool:
        """A socket waits for nothing before it has shown the token."""
        return False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A request of HTTP has become a socket."""
        super().connection_made(transport)
        self.key = key_of(transport)
        self.door.become(self.key, self)

    def data_received(self, data: bytes) -> None:
        """Some bytes have come; what is begun has to go on."""
        if not self.handshake_initiated:  # the request itself, whole
            super().data_received(data)
            return
        for start in range(0, len(data), _PIECE):
            if self.transport.is_closing():
                return
            piece = data[start : start + _PIECE]
            self._unread += len(piece)
            super().data_received(piece)
            if self._too_many and not self.transport.is_closing():
                self._end("too many frames")
        if not (self._unread or self._open):
            self.owes = None
        elif self.owes is None:
            self.owes = self.loop.time()

    async def send(self, message: Any) -> None:
        """Send what the application says; a refusal that is complete ends the handshake, too."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True

    def shutdown(self) -> None:
        """Say that the server ends."""
        if self.handshake_complete and not self.close_sent:
            self.stop_keepalive()
            self.queue.put_nowait({"type": "websocket.disconnect", "code": 1001})
            with suppress(InvalidState):
                self.conn.send_close(1001, "the server is ending")
                self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self.transport.close()
        else:
            super().shutdown()

    def too_slow(self) -> None:
        """End a socket whose message does not arrive."""
        self._end("the message took too long to arrive")

    def _received(self) -> list[Event]:
        """What the parser has read; its frames are counted on the way."""
        events = type(self.conn).events_received(self.conn)
        for event in events:
            if isinstance(event, Frame):
                self._count(event)
        return events

    def _count(self, frame: Frame) -> None:
        self._unread -= _size(frame)
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._open = 0 if frame.fin else self._open + 1
        self._too_many |= not self._frames.take() or self._open > _MOST_FRAMES

    def _end(self, reason: str) -> None:
        self.conn.fail(1008, reason)
        self.handle_parser_exception()


def _size(frame: Frame) -> int:
    """The bytes that a frame of a client took: two, perhaps a longer length, the mask, the data."""
    length = len(frame.data)
    return length + (6 if length < 126 else 8 if length < 65536 else 14)
