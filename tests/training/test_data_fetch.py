"""Downloads, from a server on this machine: resumed, checked, whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import http.server
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from data_parts import ndjson, walk

from sketchkit.errors import FormatError, InputError, SketchkitError
from sketchkit.training.data.fetch import crc32c, fetch_quickdraw


class Bucket:
    """Files by name, how the server behaves, and what it was asked for."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[str | None] = []
        self.etag = '"one"'
        self.hashes = (
            f"crc32c={b64(crc32c([content]).to_bytes(4, 'big'))},md5={b64(hashlib.md5(content).digest())}"
        )
        #: The connection is cut after so many bytes of an answer, once for each entry.
        self.cuts: list[int] = []
        self.ranges = True
        self.status = 200
        self.lies = False
        self.headers: dict[str, str] = {}
        self.url = ""


def b64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    bucket: Bucket

    def do_GET(self) -> None:
        bucket, content, status = self.bucket, self.bucket.content, self.bucket.status
        self.bucket.asked.append(self.headers.get("Range"))
        if self.path != "/simplified/power%20outlet.ndjson":
            status, content = 404, b"no such thing"
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        begin = 0
        if wanted and bucket.ranges and self.headers.get("If-Range") == bucket.etag:
            begin, status = int(wanted[1]), 206
        self.send_response(status)
        if status == 206:
            first = begin + bucket.lies
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        for name, value in {"ETag": bucket.etag, "x-goog-hash": bucket.hashes, **bucket.headers}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        cut = bucket.cuts.pop(0) if bucket.cuts else len(content)
        self.wfile.write(content[begin : begin + cut])

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("published") / "x.ndjson"
    return ndjson(path, [walk(i, label="power outlet") for i in range(200)]).read_bytes()


@pytest.fixture
def bucket(content: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("sketchkit.training.data.fetch._RECEIVED", 500)
    made = Bucket(content)
    handler = type("Serving", (Handler,), {"bucket": made})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/simplified"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(bucket: Bucket, folder: Path, **more: object) -> tuple[Path, bool]:
    return fetch_quickdraw("power outlet", folder, base_url=bucket.url, **more)  # type: ignore[arg-type]


def test_a_file_is_downloaded_once(bucket: Bucket, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    folder = tmp_path / "new" / "folder"
    path, fresh = fetch(bucket, folder, progress=lambda done, total: seen.append((done, total)))
    assert (path, fresh) == (folder / "power outlet.ndjson", True)
    assert path.read_bytes() == bucket.content
    assert seen[-1] == (len(bucket.content), len(bucket.content))
    assert [p.name for p in folder.iterdir()] == ["power outlet.ndjson"]
    assert fetch(bucket, folder) == (path, False)
    assert len(bucket.asked) == 1
    assert fetch(bucket, folder, overwrite=True) == (path, True)
    assert len(bucket.asked) == 2


def test_a_broken_connection_is_taken_up_again_at_once(bucket: Bucket, tmp_path: Path) -> None:
    bucket.cuts = [3000, 2000]
    path, _ = fetch(bucket, tmp_path)
    assert path.read_bytes() == bucket.content
    assert bucket.asked == [None, "bytes=3000-", "bytes=5000-"]


def test_what_has_arrived_is_gone_on_with_the_next_time(bucket: Bucket, tmp_path: Path) -> None:
    bucket.cuts = [1000, 1000, 1000]
    with pytest.raises(
        InputError, match=r"broke off after 3000 bytes .* the same command goes on from there"
    ):
        fetch(bucket, tmp_path)
    assert all(path.name.startswith(".") for path in tmp_path.iterdir())
    path, _ = fetch(bucket, tmp_path)
    assert bucket.asked[-1] == "bytes=3000-"
    assert path.read_bytes() == bucket.content
    assert list(tmp_path.iterdir()) == [path]


def test_an_interruption_is_gone_on_with_the_next_time(bucket: Bucket, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(bucket, tmp_path, progress=interrupt)
    assert not (tmp_path / "power outlet.ndjson").exists()
    assert fetch(bucket, tmp_path)[0].read_bytes() == bucket.content
    assert bucket.asked == [None, "bytes=500-"]


@pytest.mark.parametrize("how", ["another file", "no ranges", "no version", "a weak version", "lost note"])
def test_what_cannot_be_gone_on_with_begins_anew(bucket: Bucket, tmp_path: Path, how: str) -> None:
    bucket.etag = {"no version": "", "a weak version": 'W/"one"'}.get(how, bucket.etag)
    bucket.ranges = how != "no ranges"
    (tmp_path / ".power outlet.ndjson.part").write_bytes(b"rubbish")
    bucket.cuts = [2000, 0, 0]
    with pytest.raises(SketchkitError):
        fetch(bucket, tmp_path)
    bucket.cuts = []
    if how == "another file":
        bucket.etag = '"two"'
    if how == "lost note":
        (tmp_path / ".power outlet.ndjson.part.json").write_text("{")
    assert fetch(bucket, tmp_path)[0].read_bytes() == bucket.content


def test_a_server_that_sends_another_part_is_not_believed(bucket: Bucket, tmp_path: Path) -> None:
    bucket.cuts, bucket.lies = [2000], True
    with pytest.raises(InputError, match="another part than it was asked for"):
        fetch(bucket, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["md5", "crc32c"])
def test_a_damaged_download_is_not_kept(bucket: Bucket, tmp_path: Path, kind: str) -> None:
    hashes = dict(part.partition("=")[::2] for part in bucket.hashes.split(","))
    bucket.hashes = f"{kind}={hashes[kind]}"
    whole, bucket.content = bucket.content, bucket.content.replace(b"1", b"2", 1)
    with pytest.raises(FormatError, match=f"outlet.ndjson: damaged on the way: its {kind} is"):
        fetch(bucket, tmp_path)
    assert list(tmp_path.iterdir()) == []
    bucket.content = whole
    assert fetch(bucket, tmp_path)[0].read_bytes() == whole


def test_the_checksums_of_a_packed_file_are_not_those_of_what_arrives(bucket: Bucket, tmp_path: Path) -> None:
    bucket.hashes = "md5=AAAA"
    bucket.headers = {"x-goog-stored-content-encoding": "gzip"}
    assert fetch(bucket, tmp_path)[1]


@pytest.mark.parametrize("content", [b"<html>please log in</html>", b""])
def test_what_holds_no_drawings_is_not_kept(bucket: Bucket, tmp_path: Path, content: bytes) -> None:
    bucket.content, bucket.hashes = content, ""
    with pytest.raises(FormatError, match="what the server sent") as told:
        fetch(bucket, tmp_path)
    assert str(tmp_path) not in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_a_class_that_is_not_there_is_named(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"owl\.ndjson: the server answers 404: there is no class"):
        fetch_quickdraw("owl", tmp_path, base_url=bucket.url)
    bucket.status = 503
    with pytest.raises(InputError, match="the server answers 503"):
        fetch(bucket, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_more_than_the_limit_is_not_kept(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sketchkit.training.data.fetch.MAX_BYTES", 1000)
    with pytest.raises(InputError, match="more than 1000 bytes"):
        fetch(bucket, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "../cat", "a/b", ".cat", "x" * 200, "a\nb"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be the name of a class"):
        fetch_quickdraw(name, tmp_path, base_url="http://127.0.0.1:1")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://[", "file:///etc"])
def test_an_address_where_nobody_answers_is_one_line(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match="cannot be downloaded") as told:
        fetch_quickdraw("cat", tmp_path, base_url=url)
    assert "\n" not in str(told.value)


def test_only_this_machine_was_asked(bucket: Bucket) -> None:
    assert socket.gethostbyname(bucket.url.split("/")[2].split(":")[0]) == "127.0.0.1"


def test_a_redirect_to_another_server_is_refused_and_told(bucket: Bucket, tmp_path: Path) -> None:
    bucket.status, bucket.headers["Location"] = 302, "http://127.0.0.2/cat.ndjson"
    with pytest.raises(InputError, match=r"power%20outlet.ndjson: cannot be downloaded: .* another server"):
        fetch(bucket, tmp_path)
    assert len(bucket.asked) == 1 and list(tmp_path.iterdir()) == []


def test_without_a_server_the_place_for_a_copy_is_told(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(InputError) as refused:
        fetch_quickdraw("cat", tmp_path, base_url=url)
    assert str(refused.value).startswith(f"{url}/cat.ndjson: cannot be downloaded: ")
    place = tmp_path / "cat.ndjson"
    assert str(refused.value).endswith(f"; a copy of the file from elsewhere goes to {place}")
    ndjson(place, [walk(1, label="cat")])
    assert fetch_quickdraw("cat", tmp_path, base_url=url) == (place, False)
