"""The addresses of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import TypeVar

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

import sketchkit
from sketchkit_canvas.access import Access, Opening
from sketchkit_canvas.door import Door
from sketchkit_canvas.exports import FORMATS, Export, export
from sketchkit_canvas.guard import Guard
from sketchkit_canvas.imports import import_svg
from sketchkit_canvas.limits import Limits
from sketchkit_canvas.logs import Log
from sketchkit_canvas.replies import error_body
from sketchkit_canvas.room import Room
from sketchkit_canvas.talk import talk
from sketchkit_canvas.version import VERSION

__all__ = ["make_app"]

T = TypeVar("T")

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def make_app(room: Room, access: Access, opening: Opening, door: Door, limits: Limits, log: Log) -> ASGIApp:
    """All addresses, with the guard before them.

    Args:
        room: where is drawn.
        access: who may ask.
        opening: leads to the page once.
        door: is told who has shown the token.
        limits: how much may be asked.
        log: where events go.
    """
    bench = _Bench(limits.files)

    async def socket(websocket: WebSocket) -> None:
        await talk(websocket, room, access, door, limits, log)

    async def lead(request: Request) -> Response:
        if not opening.take(request.path_params["word"]):
            raise HTTPException(404, "this address was good once: open the one that the command has printed")
        return Response(status_code=303, headers={"location": f"/#token={access.token}"})

    routes = [
        Route("/", _page),
        Route("/page/{name}", _file),
        Route("/version", _version),
        Route("/favicon.ico", _nothing),
        Route("/open/{word}", lead),
        Route("/import", bench.take_in, methods=["POST"]),
        Route("/export", bench.hand_out, methods=["POST"]),
        WebSocketRoute("/socket", socket),
    ]
    app = Starlette(routes=routes, exception_handlers=_HANDLERS)
    app.router.redirect_slashes = False
    return Guard(app, access, limits, log)


class _Bench:
    """Files are read and written here, one at a time, in a thread of their own.

    Args:
        most: how many may be under way.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._under_way = 0
        self._thread = ThreadPoolExecutor(1, "sketchkit-canvas-files")

    async def take_in(self, request: Request) -> Response:
        name = "".join(c for c in request.headers.get("x-name", "") if c.isprintable())[:100] or "the file"
        content = await request.body()
        found = await self._do(lambda: import_svg(content, name))
        return _json(found)

    async def hand_out(self, request: Request) -> Response:
        format = request.query_params.get("format", "svg")
        if format not in FORMATS:
            raise HTTPException(400, f"the format must be one of {', '.join(FORMATS)}")
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise HTTPException(415, "an export is application/json")
        content = await request.body()
        made = await self._do(lambda: export(Export.read(content), format))
        headers = {"content-disposition": f'attachment; filename="{made.name}"'}
        return Response(made.content, media_type=made.media_type, headers=headers)

    async def _do(self, work: Callable[[], T]) -> T:
        if self._under_way >= self._most:
            raise HTTPException(503, "too many files at once: try again")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sketchkit.SketchkitError as error:
            raise HTTPException(400, " ".join(str(error).split())[:500]) from error
        finally:
            self._under_way -= 1


async def _page(request: Request) -> Response:
    return _from_package("index.html")


async def _file(request: Request) -> Response:
    return _from_package(request.path_params["name"])


def _from_package(name: str) -> Response:
    folder = files("sketchkit_canvas") / "page"
    # What is asked for is only compared: it is never part of a path.
    for each in folder.iterdir():
        suffix = each.name[each.name.rfind(".") :]
        if each.name == name and suffix in _TYPES:
            return Response(each.read_bytes(), media_type=_TYPES[suffix])
    raise HTTPException(404, "there is nothing here")


async def _version(request: Request) -> Response:
    return _json({"name": "sketchkit-canvas", "version": VERSION, "sketchkit": sketchkit.__version__})


async def _nothing(request: Request) -> Response:
    return Response(status_code=204)


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return Response(error_body(error.detail), error.status_code, error.headers, "application/json")


async def _failed(request: Request, error: Exception) -> Response:
    return Response(error_body(f"internal error: {type(error).__name__}"), 500, None, "application/json")


async def _gone(request: Request, error: Exception) -> Response:
    return Response(error_body("the request did not arrive"), 400, None, "application/json")


#: What becomes of what is raised. Nobody reads the answer to one who has gone.
_HANDLERS = {HTTPException: _told, ClientDisconnect: _gone, Exception: _failed}


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
