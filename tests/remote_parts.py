"""A web server and an object store on this machine, for tests of remote files."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Bucket", "WebServer", "serve_store", "serve_web"]


@dataclass
class WebServer:
    """Files by path, or what answers a request; what was asked for, and with which headers."""

    url: str = ""
    files: dict[str, bytes | Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        self.headers.append(dict(request.headers))
        found = self.files.get(request.path.partition("?")[0])
        if callable(found):
            found(request)
            return
        request.send_response(404 if found is None else 200)
        request.send_header("Content-Length", str(len(found or b"")))
        if found is not None:
            request.send_header("ETag", f'"{sha256(found).hexdigest()}"')
        request.end_headers()
        request.wfile.write(found or b"")


@contextmanager
def serve_web() -> Iterator[WebServer]:
    server = WebServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                server.answer(self)
            except (BrokenPipeError, ConnectionResetError):  # the client has seen enough
                return

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    server.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


@contextmanager
def serve_store() -> Iterator[str]:
    """The address of an object store that speaks S3."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@dataclass(frozen=True)
class Bucket:
    """`s3://bucket`, from its owner's side."""

    client: Any

    def put(self, key: str, content: bytes) -> str:
        self.client.put_object(Bucket="bucket", Key=key, Body=content)
        return f"s3://bucket/{key}"

    def get(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket="bucket", Key=key)["Body"].read()
        return content

    def list_keys(self) -> list[str]:
        return [each["Key"] for each in self.client.list_objects_v2(Bucket="bucket").get("Contents", [])]
