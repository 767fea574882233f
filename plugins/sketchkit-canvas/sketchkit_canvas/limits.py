"""What the server gives to those who connect to it, and for how long it waits for them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """All bounds in one place.

    Args:
        headers: bytes of a request before its body.
        body: bytes of the body of a request.
        message: bytes of a message of a socket.
        patience: seconds in which a request, a message that has begun, or the hello of a socket must be
            complete, and after which somebody who does not read what is sent is dropped.
        connections: open at once, of any kind.
        strangers: of these, how many have not shown the token.
        grace: seconds that a stranger has before a newcomer may take its place.
        requests: of a client that are not over.
        drawings: in these requests.
        preparing: requests of all clients that wait to be prepared.
        threads: in which they are prepared.
        files: drawings being imported or exported, of all clients.
        rate: messages a second of a client, on average.
        burst: messages of a client at once.
        frames: WebSocket frames of any kind a second, on average; five times as many at once.
        mistakes: messages of a connection that make no sense, before it is closed.
        outgoing: bytes that wait for a client.
        ping: seconds after which a silent socket is asked whether it is there, and as many to answer.
        drain: seconds that drawings have to be finished when the server ends.
        models: that are kept in memory.
    """

    headers: int = 16 * 1024
    body: int = 1024 * 1024
    message: int = 256 * 1024
    patience: float = 10.0
    connections: int = 512
    strangers: int = 128
    grace: float = 1.0
    requests: int = 4
    drawings: int = 40
    preparing: int = 256
    threads: int = 2
    files: int = 8
    rate: float = 60.0
    burst: int = 120
    frames: float = 120.0
    mistakes: int = 20
    outgoing: int = 8 * 1024 * 1024
    ping: float = 20.0
    drain: float = 3.0
    models: int = 4
