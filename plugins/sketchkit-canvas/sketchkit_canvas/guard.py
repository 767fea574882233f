"""What stands before every request: the names of the server, the page's own origin, the token, the size."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sketchkit_canvas.access import Access
from sketchkit_canvas.limits import Limits
from sketchkit_canvas.logs import Log
from sketchkit_canvas.replies import error_body

__all__ = ["Guard"]

#: How much of a body that nobody wants is read before it is refused, so that the refusal is read, and for
#: how many seconds.
_SWALLOWED, _SWALLOWING = 4 * 1024 * 1024, 1.0


class Guard:
    """ASGI around ASGI: refuses what is not the page's, bounds bodies, and adds the headers of safety.

    Args:
        app: what is guarded.
        access: the names and the token.
        limits: of the body.
        log: where events go.
    """

    def __init__(self, app: ASGIApp, access: Access, limits: Limits, log: Log) -> None:
        self._app, self._access, self._limits, self._log = app, access, limits, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        refusal = self._refusal(scope)
        if refusal is not None:
            place = "/".join(scope["path"].split("/")[:2])  # what follows may be a word that opens the page
            self._log.warning("refused", status=refusal[0], why=refusal[1], path=place[:100])
        if scope["type"] == "websocket":
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await _refuse_socket(send, *refusal)
            return
        host = "" if refusal is not None else _all(scope, b"host")[0]
        answer = _Answer(host, _has_body(scope), receive, send, self._limits.body)
        if refusal is None:
            await self._app(scope, answer.receive, answer.send)
        else:
            await answer.refuse(*refusal)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """The status and the words of what speaks against a request; None where nothing does."""
        hosts, origins = (_all(scope, name) for name in (b"host", b"origin"))
        if len(hosts) != 1 or not self._access.knows(hosts[0]):
            return 421, "this server is not known under that name: --allow-host adds one"
        if scope["type"] == "http" and scope["method"] != "POST":
            return None
        if origins != [f"http://{hosts[0]}"]:
            return 403, "only the page itself may ask this"
        if scope["type"] == "websocket":
            return None  # the token is its first message
        given = _all(scope, b"authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme != "Bearer" or not self._access.fits(token):
            return 401, "wrong token: open the address that the command has printed"
        sizes = _all(scope, b"content-length")
        if sizes and int(sizes[0]) > self._limits.body:  # h11 has seen that it is a number
            return 413, f"more than {self._limits.body:,} bytes"
        return None


class _Answer:
    """One request and its answer: counts the body as it comes, and closes behind one that is not read."""

    def __init__(self, host: str, more: bool, receive: Receive, send: Send, most: int) -> None:
        self._headers, self._receive, self._send, self._most = _headers(host), receive, send, most
        self._more, self._read = more, 0

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._read += len(message["body"])
            self._more = message["more_body"]
            if self._read > self._most:
                await self._swallow()
                raise HTTPException(413, f"more than {self._most:,} bytes")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            closing = [(b"connection", b"close")] if self._more else []
            message = {**message, "headers": [*message["headers"], *self._headers, *closing]}
        await self._send(message)

    async def refuse(self, status: int, words: str) -> None:
        await self._swallow()
        body = error_body(words)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    async def _swallow(self) -> None:
        """Read what is on the way: an answer before the end of a request may not be heard."""
        read = 0
        try:
            async with asyncio.timeout(_SWALLOWING):
                while self._more and read < _SWALLOWED:
                    message = await self._receive()
                    read += len(message.get("body", b""))
                    self._more = message.get("more_body", False)
        except TimeoutError:
            pass


async def _refuse_socket(send: Send, status: int, words: str) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": error_body(words)})


def _headers(host: str) -> list[tuple[bytes, bytes]]:
    """What every answer says, under one of the names of the server or, where it is a refusal, under none."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob: data:",
        "connect-src": f"'self' ws://{host}" if host else "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    headers = {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
    }
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


def _all(scope: Scope, name: bytes) -> list[str]:
    """The values of a header, once for every time that it is there."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _has_body(scope: Scope) -> bool:
    return bool(_all(scope, b"transfer-encoding")) or _all(scope, b"content-length") not in ([], ["0"])
