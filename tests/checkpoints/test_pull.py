"""Downloads, from a server on this machine: what arrives is stored, what fails leaves nothing behind."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from checkpoint_parts import decoder, same_weights, vae

from sketchkit.checkpoints import pull, store
from sketchkit.checkpoints.load import load_model
from sketchkit.checkpoints.magenta import dump_magenta, parse_magenta
from sketchkit.checkpoints.pull import CLASSES, pull_model
from sketchkit.errors import CheckpointError, InputError

Answer = Callable[[BaseHTTPRequestHandler], None]


def whole(content: bytes, status: int = 200, **headers: str) -> Answer:
    """Answer with all of it."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(content)

    return answer


class Server:
    """Answers by path, and a record of what was asked for."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.released = threading.Event()
        self.url = ""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version: ClassVar[str] = "HTTP/1.0"

        def do_GET(self) -> None:
            state.asked.append(self.path)
            state.answers.get(self.path, whole(b"nothing here", 404))(self)

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    state.url = f"http://127.0.0.1:{httpd.server_address[1]}/models"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        state.released.set()
        httpd.shutdown()
        thread.join()
        httpd.server_close()


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, and no connection to anywhere but this machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: tuple[str, int]) -> None:
        assert address[0] == "127.0.0.1", f"a connection to {address}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_a_model_is_downloaded_and_stored(server: Server, models_folder: Path, scratch: Path) -> None:
    content = dump_magenta(decoder(seed=3))
    server.answers["/models/bird.gen.json"] = whole(content)
    seen: list[tuple[int, int]] = []
    pulled = pull_model("bird", base_url=server.url, progress=lambda done, total: seen.append((done, total)))
    assert pulled == ("bird", models_folder / "bird.safetensors")
    assert same_weights(load_model("bird", device="cpu"), parse_magenta(content, load_model("bird").dtype))
    assert server.asked == ["/models/bird.gen.json"]
    assert seen[-1] == (len(content), len(content))
    assert list(scratch.iterdir()) == []


def test_a_conditional_model_gets_a_name_of_its_own(server: Server) -> None:
    server.answers["/models/bird.vae.json"] = whole(dump_magenta(vae()))
    assert pull_model("bird", kind="vae", base_url=server.url + "/")[0] == "bird-vae"
    assert load_model("bird-vae", device="cpu").conditional


def test_a_redirect_on_the_same_server_is_followed(server: Server) -> None:
    server.answers["/models/bird.gen.json"] = whole(b"", 301, Location="/moved/bird.json")
    server.answers["/moved/bird.json"] = whole(dump_magenta(decoder()))
    assert pull_model("bird", base_url=server.url)[0] == "bird"


def test_a_name_with_a_space_is_quoted(server: Server) -> None:
    server.answers["/models/flying%20pig.gen.json"] = whole(dump_magenta(decoder()))
    assert pull_model("flying pig", base_url=server.url)[0] == "flying pig"
    assert server.asked == ["/models/flying%20pig.gen.json"]


def test_a_model_can_be_stored_under_another_name(server: Server) -> None:
    server.answers["/models/bird.gen.json"] = whole(dump_magenta(decoder()))
    assert pull_model("bird", base_url=server.url, store_as="my bird")[0] == "my bird"
    assert store.names() == ["my bird"]


def test_a_compressed_answer_is_unpacked(server: Server) -> None:
    packed = gzip.compress(dump_magenta(decoder()))
    server.answers["/models/bird.gen.json"] = whole(packed, Content_Encoding="gzip")
    pull_model("bird", base_url=server.url)
    assert store.names() == ["bird"]


def test_a_taken_name_is_refused_before_anything_is_downloaded(server: Server) -> None:
    server.answers["/models/bird.gen.json"] = whole(dump_magenta(decoder(seed=1)))
    pull_model("bird", base_url=server.url)
    server.answers["/models/bird.gen.json"] = whole(dump_magenta(decoder(seed=2)))
    before = load_model("bird", device="cpu")
    with pytest.raises(InputError, match="'bird' is stored already"):
        pull_model("bird", base_url=server.url)
    assert len(server.asked) == 1
    assert same_weights(load_model("bird", device="cpu"), before)
    pull_model("bird", base_url=server.url, overwrite=True)
    assert not same_weights(load_model("bird", device="cpu"), before)


@pytest.mark.parametrize(
    ("name", "kind", "store_as"),
    [
        ("", "gen", None),
        ("../bird", "gen", None),
        ("a/b", "gen", None),
        ("bird?x=1", "gen", None),
        ("bird#x", "gen", None),
        ("bird.gen", "gen", None),
        ("http://elsewhere", "gen", None),
        ("bird", "exe", None),
        ("bird", "", None),
        ("bird", "gen", "../escape"),
        ("bird ", "gen", None),
    ],
)
def test_a_name_that_is_none_is_refused_before_anything_is_asked(
    server: Server, name: str, kind: str, store_as: str | None
) -> None:
    with pytest.raises(InputError):
        pull_model(name, kind=kind, base_url=server.url, store_as=store_as)
    assert server.asked == []


def test_every_published_class_has_a_name_that_can_be_pulled_and_stored() -> None:
    assert len(CLASSES) == len(set(CLASSES)) > 100
    for name in CLASSES:
        assert pull._NAME.fullmatch(name)
        assert store.path_of(f"{name}-vae")


# --- what fails ---------------------------------------------------------------------------------------


def _cut(request: BaseHTTPRequestHandler) -> None:
    """Promise more than is sent, and hang up."""
    content = dump_magenta(decoder())
    request.send_response(200)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content[:-100])


def _silent(server: Server) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "5000")
        request.end_headers()
        request.wfile.write(b"[" * 100)
        request.wfile.flush()
        server.released.wait(600)

    return answer


def _closed(request: BaseHTTPRequestHandler) -> None:
    request.connection.shutdown(socket.SHUT_RDWR)


def _endless(server: Server) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            while not server.released.is_set():
                request.wfile.write(b" " * 4096)
        except OSError:
            return

    return answer


def _failures(server: Server) -> dict[str, tuple[Answer, str]]:
    good = dump_magenta(decoder())
    return {
        "missing": (whole(b"<html>no</html>", 404), "the server answers 404"),
        "forbidden": (whole(b"", 403), "the server answers 403"),
        "broken": (whole(b"", 500), "the server answers 500"),
        "empty": (whole(b""), "not JSON"),
        "page": (whole(b"<html>hello</html>"), "not JSON"),
        "json": (whole(b'{"a": 1}'), "not a Magenta model"),
        "half": (whole(good[: len(good) // 2]), "not JSON"),
        "pickle": (whole(b"\x80\x04\x95\x00cposix\nsystem\n"), "not JSON"),
        "cut": (_cut, "cannot be downloaded"),
        "closed": (_closed, "cannot be downloaded"),
        "silent": (_silent(server), "cannot be downloaded"),
        "endless": (_endless(server), "the limit for a Magenta file"),
        "large": (whole(b" " * 40_000 + good), "the limit for a Magenta file"),
        "bomb": (
            whole(gzip.compress(b" " * 5_000_000), Content_Encoding="gzip"),
            "the limit for a Magenta file",
        ),
        "junk": (whole(b"no gzip at all", Content_Encoding="gzip"), "cannot be downloaded"),
        "elsewhere": (
            whole(b"", 302, Location="http://127.0.0.2/bird.gen.json"),
            "redirects to http://127.0.0.2/bird.gen.json, which is another server: --redirect-host 127.0.0.2",
        ),
        "circle": (whole(b"", 302, Location="/models/bird.gen.json"), "cannot be downloaded"),
    }


@pytest.mark.parametrize("failure", sorted(_failures(Server())))
def test_a_download_that_fails_leaves_nothing_behind(
    server: Server, models_folder: Path, scratch: Path, failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sketchkit.checkpoints.magenta.MAX_BYTES", 30_000)
    if failure == "silent":  # a busy machine may be slow to answer the others
        monkeypatch.setattr(pull, "_TIMEOUT_SECONDS", 0.3)
    server.answers["/models/bird.gen.json"], reason = _failures(server)[failure]
    with pytest.raises(CheckpointError) as refused:
        pull_model("bird", base_url=server.url)
    message = str(refused.value)
    assert reason in message
    assert "\n" not in message
    assert message.startswith(f"{server.url}/bird.gen.json: ")
    assert str(scratch) not in message
    assert not models_folder.exists()
    assert list(scratch.iterdir()) == []


def test_a_failed_download_leaves_the_model_that_was_there(server: Server) -> None:
    server.answers["/models/bird.gen.json"] = whole(dump_magenta(decoder(seed=1)))
    pull_model("bird", base_url=server.url)
    before = load_model("bird", device="cpu")
    server.answers["/models/bird.gen.json"] = whole(b"[]")
    with pytest.raises(CheckpointError):
        pull_model("bird", base_url=server.url, overwrite=True)
    assert same_weights(load_model("bird", device="cpu"), before)


def test_no_server_is_an_error_in_one_line(models_folder: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(CheckpointError) as refused:
        pull_model("bird", base_url=url)
    advice = "`sketchkit models import bird.gen.json --name bird` takes a copy of the file"
    assert str(refused.value).startswith(f"{url}/bird.gen.json: cannot be downloaded: ")
    assert str(refused.value).endswith(f"Connection refused; {advice}")
    for base in (url, "ftp://127.0.0.1", "file:///etc", "nonsense", ""):
        with pytest.raises(CheckpointError, match="cannot be downloaded") as refused:
            pull_model("bird", base_url=base)
        assert "\n" not in str(refused.value)
    assert not models_folder.exists()


def test_an_interrupt_leaves_nothing_behind(server: Server, models_folder: Path, scratch: Path) -> None:
    server.answers["/models/bird.gen.json"] = whole(dump_magenta(decoder()))

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull_model("bird", base_url=server.url, progress=stop)
    assert not models_folder.exists()
    assert list(scratch.iterdir()) == []
