"""Who is let in: names, origin, token, sizes."""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from collections.abc import Iterator

import pytest
from canvas_client import Served, everything, serving

import sketchkit
from sketchkit import InputError

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0L9 9" stroke="black"/></svg>'


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:100]
    return int(answer[9:12])


def words(answer: bytes) -> str:
    """The error of a raw answer."""
    said = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    assert isinstance(said, str) and len(said.splitlines()) == 1
    return said


def upgrade(served: Served, host: str | None = None, origin: str | None = "") -> bytes:
    """The request of a socket; the server's own origin where it is empty."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = ["GET /socket HTTP/1.1", f"Host: {host or served.host}", "Connection: Upgrade"]
    lines += ["Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
    if origin is not None:
        lines.append(f"Origin: {origin or served.origin}")
    return "\r\n".join([*lines, "", ""]).encode()


def post(served: Served, *more: str, body: bytes = b"") -> bytes:
    usual = [f"Host: {served.host}", f"Origin: {served.origin}", f"Authorization: Bearer {served.token}"]
    return "\r\n".join(["POST /import HTTP/1.1", *usual, *more, "", ""]).encode() + body


# --- what is there ------------------------------------------------------------------------------------


def test_the_version_is_told_to_anybody(served: Served) -> None:
    answer = served.get("/version")
    assert answer.status == 200
    assert answer.json["name"] == "sketchkit-canvas" and answer.json["sketchkit"] == sketchkit.__version__
    assert answer.json["version"] == "0.1.0"


def test_the_page_and_its_files_are_there_with_a_strict_policy(served: Served) -> None:
    page = served.get("/")
    assert page.status == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    for name, kind in (("style.css", "text/css"), ("main.js", "text/javascript")):
        answer = served.get(f"/page/{name}")
        assert answer.status == 200 and answer.headers["content-type"].startswith(kind)
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert f"connect-src 'self' ws://{served.host};" in policy and "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert not [name for name in page.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "path",
    [
        "/page/",
        "/page/none.js",
        "/page/..%2fcommand.py",
        "/page/%2e%2e/server.py",
        "/page/%2fetc%2fpasswd",
        "/page/a%00b",
        "/secrets",
        "/socket",
        "/page/style.css/",
    ],
)
def test_nothing_else_is_there(served: Served, path: str) -> None:
    answer = served.get(path)
    assert answer.status == 404 and answer.error
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("method, path", [("PUT", "/"), ("GET", "/import"), ("OPTIONS", "/export")])
def test_other_methods_are_refused(served: Served, method: str, path: str) -> None:
    answer = served.request(method, path, headers={"Origin": "http://evil.example"})
    assert answer.status == 405 and answer.error
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_there_is_no_favicon(served: Served) -> None:
    assert served.get("/favicon.ico").status == 204


def test_the_opening_word_is_good_once() -> None:
    with serving() as served:
        word = served.canvas._opening.word
        assert served.get("/open/" + "x" * 43).status == 404
        first = served.get(f"/open/{word}")
        assert first.status == 303 and first.headers["location"] == f"/#token={served.token}"
        assert served.get(f"/open/{word}").status == 404


# --- names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LocalHost", "[::1]"])
def test_names_of_this_machine_are_known(served: Served, name: str) -> None:
    assert served.get("/version", Host=f"{name}:{served.port}").status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1", "localhost:1", "evil.example:{port}", "127.0.0.1:{port}.evil.example", " "],
)
def test_other_names_are_not(served: Served, host: str) -> None:
    host = host.format(port=served.port)
    for content in (
        f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(),
        f"POST /import HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n\r\n".encode(),
        upgrade(served, host=host, origin=f"http://{host}"),
    ):
        answer = served.raw(content + b"") if b"Upgrade" in content else served.raw(closing(content))
        assert status(answer) == 421 and words(answer)


def closing(content: bytes) -> bytes:
    return content.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


def test_two_names_at_once_and_none_are_refused(served: Served) -> None:
    twice = f"GET / HTTP/1.1\r\nHost: {served.host}\r\nHost: evil.example\r\n\r\n".encode()
    none = b"GET / HTTP/1.0\r\n\r\n"
    assert status(served.raw(closing(twice))) in (400, 421)
    assert status(served.raw(none)) == 421


def test_a_name_can_be_allowed() -> None:
    with serving(allow_hosts=["sketch.local", "proxy.example:8000"]) as served:
        assert served.get("/version", Host=f"sketch.local:{served.port}").status == 200
        assert served.get("/version", Host="proxy.example:8000").status == 200
        assert served.get("/version", Host="sketch.local").status == 421


@pytest.mark.parametrize("name", ["", "a b", "x/y", "http://x", "*", "x\r\ny"])
def test_what_is_no_name_cannot(name: str) -> None:
    with pytest.raises(InputError, match="--allow-host"), serving(allow_hosts=[name]):
        pass


# --- origin and token ---------------------------------------------------------------------------------


def origins(served: Served) -> Iterator[str | None]:
    yield from (None, "null", "http://evil.example", f"https://{served.host}", f"{served.origin}/")
    yield from (f"http://localhost:{served.port}", f"http://127.0.0.1:{served.port}0", "http://127.0.0.1")
    yield f"{served.origin}.evil.example"


def test_only_the_pages_own_origin_may_post(served: Served) -> None:
    for origin in origins(served):
        answer = served.post("/import", SVG, Origin=origin or "")
        assert answer.status == 403 and answer.error
    assert served.post("/import", SVG).status == 200


def test_only_the_pages_own_origin_may_open_a_socket(served: Served) -> None:
    for origin in origins(served):
        answer = served.raw(upgrade(served, origin=origin))
        assert status(answer) == 403 and words(answer)


@pytest.mark.parametrize("path", ["/import", "/export?format=svg"])
def test_a_post_needs_the_token(served: Served, path: str) -> None:
    wrong = ["", "Bearer ", "Bearer x", "Basic abc", served.token[:-1], "Bearer " + "é" * 43]
    for given in wrong:
        answer = served.post(path, b"{}", Authorization=given)
        assert answer.status == 401 and answer.error
        assert served.token not in str(answer)


def test_the_token_is_in_no_answer(served: Served) -> None:
    for path in ("/", "/version", "/page/main.js", "/nothing"):
        assert served.token.encode() not in served.get(path).body


# --- sizes --------------------------------------------------------------------------------------------


def test_a_long_body_is_refused_by_its_length(served: Served) -> None:
    answer = served.raw(post(served, "Content-Length: 1048577"), timeout=600)
    assert status(answer) == 413 and "1,048,576" in words(answer)


def test_a_long_body_is_refused_as_it_comes(served: Served) -> None:
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    with socket.create_connection(("127.0.0.1", served.port), 600) as connection:
        connection.sendall(post(served, "Transfer-Encoding: chunked"))
        for _ in range(18):
            connection.sendall(piece)
        answer = everything(connection)
    assert status(answer) == 413 and words(answer)


def test_a_body_of_the_greatest_length_is_read(served: Served) -> None:
    body = SVG + b" " * (1024 * 1024 - len(SVG))
    assert served.post("/import", body).status == 200
    chunks = b"".join(b"10000\r\n" + body[i : i + 65536] + b"\r\n" for i in range(0, len(body), 65536))
    content = post(served, "Transfer-Encoding: chunked", "Connection: close", body=chunks + b"0\r\n\r\n")
    assert status(served.raw(content)) == 200


def test_a_lying_length_is_refused(served: Served) -> None:
    for more in (["Content-Length: 5", "Content-Length: 6"], ["Content-Length: -1"], ["Content-Length: x"]):
        answer = served.raw(post(served, *more, body=b"12345"))
        assert status(answer) == 400 and words(answer)


def test_long_headers_are_refused(served: Served) -> None:
    for content in (
        b"GET /" + b"a" * 20_000,
        f"GET / HTTP/1.1\r\nHost: {served.host}\r\nX: ".encode() + b"b" * 20_000,
        b"\0\1\2 nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ):
        answer = served.raw(content)
        assert status(answer) == 400 and words(answer)


# --- time ---------------------------------------------------------------------------------------------


def test_a_request_that_does_not_arrive_is_given_up(hasty: Served) -> None:
    head = f"GET / HTTP/1.1\r\nHost: {hasty.host}".encode()
    body = post(hasty, "Content-Length: 100", body=b"12345")
    for content in (b"", b"G", head, body):
        began = time.monotonic()
        answer = hasty.raw(content)
        assert status(answer) == 408 and words(answer)
        assert time.monotonic() - began > 0.5


def test_a_request_that_drips_is_given_up(hasty: Served) -> None:
    with socket.create_connection(("127.0.0.1", hasty.port), 600) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {hasty.host}\r\n".encode())
        with pytest.raises(OSError):
            for _ in range(6000):
                connection.sendall(b"x: y\r\n")
                time.sleep(0.1)


def test_a_body_that_nobody_wants_drips_no_longer(hasty: Served) -> None:
    head = f"GET /version HTTP/1.1\r\nHost: {hasty.host}\r\nContent-Length: 100000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", hasty.port), 600) as connection:
        connection.sendall(head.encode())
        with pytest.raises(OSError):
            for _ in range(6000):
                connection.sendall(b"x")
                time.sleep(0.1)


def test_one_who_goes_in_the_middle_of_a_body_is_no_trouble(served: Served) -> None:
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", served.port), 600) as connection:
            connection.sendall(post(served, "Content-Length: 100", body=b"12345"))
            time.sleep(0.05)
    assert served.get("/version").status == 200


def test_a_body_that_comes_slowly_is_read_in_time(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), 600) as connection:
        connection.sendall(post(served, f"Content-Length: {len(SVG)}", "Connection: close"))
        for start in range(0, len(SVG), 30):
            time.sleep(0.05)
            connection.sendall(SVG[start : start + 30])
        assert status(everything(connection)) == 200
