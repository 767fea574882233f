"""Files by their URLs, from servers on this machine: what is read, written, refused, and kept secret."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace

import pytest
from remote_parts import Bucket, WebServer

import sketchkit as sk
from sketchkit.errors import InputError
from sketchkit.files import atomic_write, open_file, shown
from sketchkit.remote import accept, copies, is_url, local_copy, stores, watch
from sketchkit.testing.fixtures import FACE

SECRETS = ("hunter2", "c0ffee")


def ndjson(count: int) -> bytes:
    """So many drawings."""
    line = json.dumps({"word": "face", "drawing": [[[0, 10, 20], [0, 15, 5]]]}).encode() + b"\n"
    return line * count


def read_count(url: str) -> int:
    return len(list(sk.read_all(url)))


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["s3://bucket/x.svg", "HTTPS://host/x", "gs://b/x", "hf://a/b/c", "zip://x"])
def test_a_scheme_makes_a_url(name: str) -> None:
    assert is_url(name)


@pytest.mark.parametrize(
    "name",
    ["a:b.svg", "C://x.svg", "c:\\x.svg", "./s3://b/x.svg", "simplecache::s3://b/x", "x/s3://b", "s3:/b", ""],
)
def test_any_other_name_is_a_local_path(name: str) -> None:
    assert not is_url(name)
    assert not is_url(Path("s3://bucket/x.svg"))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://ann:hunter2@host/x.svg", "https://host/x.svg"),
        ("https://host/x.ndjson?X-Amz-Signature=c0ffee#3", "https://host/x.ndjson#3"),
        ("https://hunter2@host/a@b.svg?c0ffee", "https://host/a@b.svg"),
        ("hf://ann/cats@main/x.svg", "hf://ann/cats@main/x.svg"),
        ("s3://bucket/what?.svg", "s3://bucket/what?.svg"),
    ],
)
def test_a_name_is_the_url_without_its_secrets(url: str, name: str) -> None:
    assert accept(url) == accept(name) == shown(url) == name


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("file:///etc/passwd", "file:// is unknown: there are https://"),
        ("zip://x.svg::https://host/x.zip", "zip:// is unknown"),
        ("http://example.org/x.svg", "not encrypted"),
        ("http://127.0.0.1.example.org/x.svg", "not encrypted"),
        ("https:///x.svg", "names no server"),
        ("https://[/x.svg", "no valid URL"),
        ("https://host/x\n.svg", "no control characters"),
        ("s3://AKID:hunter2@bucket/x.svg", "s3://bucket/x.svg: keys belong in the environment"),
    ],
)
def test_other_urls_are_refused_before_anything_is_asked(url: str, words: str) -> None:
    for use in (sk.read, local_copy, lambda place: sk.write(FACE, place)):
        with pytest.raises(InputError) as refused:
            use(url)
        assert words in str(refused.value)
        assert "hunter2" not in str(refused.value)


def test_a_name_stands_for_one_url_in_a_command(web: WebServer) -> None:
    web.files["/x.ndjson"] = ndjson(1)
    for query in ("a=1", "a=2"):  # a renewed signature
        assert read_count(f"{web.url}/x.ndjson?{query}") == 1
    with watch(lambda line: None):
        accept(f"{web.url}/x.ndjson?a=3")
        with pytest.raises(InputError, match="stands for two URLs"):
            accept(f"{web.url}/x.ndjson?a=4")
    assert web.asked == ["/x.ndjson?a=1", "/x.ndjson?a=2"]


def test_a_chain_of_file_systems_is_the_key_of_an_object(bucket: Bucket) -> None:
    with pytest.raises(InputError, match="no such file"):
        local_copy("s3://bucket/x.svg::file:///etc/passwd")


def test_nothing_is_imported_for_local_files(tmp_path: Path) -> None:
    code = (
        "import sys, sketchkit, sketchkit.cli.main; from sketchkit.cli.main import run\n"
        "sketchkit.write(sketchkit.Sketch.from_polylines([[(0, 0), (5, 5)]]), 'a.ndjson')\n"
        "sketchkit.read('a.ndjson'); run(['render', 'a.ndjson', '-o', 'a.svg'])\n"
        "heavy = {'fsspec', 's3fs', 'aiohttp', 'requests', 'asyncio', 'sketchkit.remote.copies'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


# --- web servers ------------------------------------------------------------------------------------------


def test_drawings_of_a_web_server_are_read_like_local_ones(web: WebServer) -> None:
    web.files = {
        "/x.ndjson": ndjson(3),
        "/x.ndjson.gz": gzip.compress(ndjson(2)),
        "/f.svg": FACE.to_svg().encode(),
    }
    assert read_count(f"{web.url}/x.ndjson") == sk.formats.count_drawings(f"{web.url}/x.ndjson") == 3
    assert sk.read(f"{web.url}/x.ndjson#2").label == "face"
    assert read_count(f"{web.url}/x.ndjson.gz") == 2
    assert len(sk.read(f"{web.url}/f.svg"))


def test_a_copy_is_used_until_the_file_is_replaced(web: WebServer) -> None:
    web.files["/x.ndjson"] = ndjson(1)
    first = local_copy(f"{web.url}/x.ndjson")
    made = os.stat(first).st_ino
    assert local_copy(f"{web.url}/x.ndjson") == first
    assert os.stat(first).st_ino == made
    web.files["/x.ndjson"] = ndjson(2)
    assert read_count(f"{web.url}/x.ndjson") == 2
    assert Path(first).read_bytes() == ndjson(1)  # another process may be reading it


def test_a_command_works_with_one_version(web: WebServer) -> None:
    web.files["/x.ndjson"] = ndjson(1)
    with watch(lambda line: None):
        assert read_count(f"{web.url}/x.ndjson") == 1
        web.files["/x.ndjson"] = ndjson(2)
        assert read_count(f"{web.url}/x.ndjson") == 1
        assert len(web.asked) == 1
    assert read_count(f"{web.url}/x.ndjson") == 2


def test_a_file_without_a_version_is_always_fetched(web: WebServer) -> None:
    contents = [ndjson(1), ndjson(2)]

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(contents.pop(0))

    web.files["/x.ndjson"] = answer
    assert [read_count(f"{web.url}/x.ndjson") for _ in range(2)] == [1, 2]


def _status(code: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()

    return answer


def _cut(request: BaseHTTPRequestHandler) -> None:
    """Promise more than is sent, and hang up."""
    request.send_response(200)
    request.send_header("Content-Length", "5000")
    request.send_header("ETag", '"a"')
    request.end_headers()
    request.wfile.write(ndjson(1))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_cut, "cannot be read"),
        (_status(404), "no such file"),
        (_status(403), "no permission"),
        (_status(500), "the server answers 500"),
        (_status(302, Location="file:///etc/passwd"), "which is no web address"),
        (_status(302, Location="http://127.0.0.1:1/x?c0ffee"), "another server: give its address itself"),
        (
            _status(302, Location="https://ann:hunter2@example.org/x?c0ffee"),
            "redirects to https://example.org/x,",
        ),
        (_status(302, Location="/x.ndjson"), "redirects more than"),
        (_status(200, Content_Length=str(1 << 60), ETag='"a"'), "more than the disk"),
    ],
)
def test_what_fails_is_one_line_without_secrets_and_leaves_nothing(
    web: WebServer, cache: Path, answer: Callable[[BaseHTTPRequestHandler], None], words: str
) -> None:
    web.files["/x.ndjson"] = answer
    url = f"{web.url.replace('//', '//ann:hunter2@')}/x.ndjson?sig=c0ffee"
    with pytest.raises(InputError) as refused:
        sk.read(url)
    assert str(refused.value).startswith(f"{web.url}/x.ndjson: ")
    assert words in str(refused.value)
    assert not any(secret in "".join(traceback.format_exception(refused.value)) for secret in SECRETS)
    assert files_in(cache) == []


def test_a_signature_reaches_the_server_and_no_file_of_ours(web: WebServer, cache: Path) -> None:
    web.files["/x.ndjson"] = ndjson(1)
    assert read_count(f"{web.url.replace('//', '//ann:hunter2@')}/x.ndjson?sig=c0ffee") == 1
    assert web.asked == ["/x.ndjson?sig=c0ffee"]
    assert "Authorization" in web.headers[0]
    assert not any(secret in str(path) for path in cache.rglob("*") for secret in SECRETS)


def test_an_endless_file_ends_where_the_disk_is_full(
    web: WebServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(b" " * (1 << 20))

    web.files["/x.ndjson"] = answer
    usage = SimpleNamespace(free=copies._SPARE_BYTES + (4 << 20))
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)
    with pytest.raises(InputError, match=f"has more than {4 << 20} bytes"):
        sk.read(f"{web.url}/x.ndjson")
    assert files_in(cache) == []


def test_a_transfer_that_takes_long_is_told_of(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    web.files["/x.ndjson"] = ndjson(1)
    monkeypatch.setattr(copies, "_FIRST_LINE", -1.0)
    lines: list[str] = []
    with watch(lines.append):
        sk.read(f"{web.url}/x.ndjson")
    assert lines == [f"fetching {web.url}/x.ndjson: 0 MB of 0 MB"]


def test_old_copies_go_when_a_new_one_comes(web: WebServer, cache: Path) -> None:
    web.files["/x.ndjson"] = ndjson(1)
    old = local_copy(f"{web.url}/x.ndjson")
    os.utime(old, (0, 0))
    web.files["/x.ndjson"] = ndjson(2)
    new = local_copy(f"{web.url}/x.ndjson")
    assert files_in(cache) == [Path(new)]


def test_the_cache_is_for_its_user_alone(web: WebServer, cache: Path) -> None:
    web.files["/x.ndjson"] = ndjson(1)
    local_copy(f"{web.url}/x.ndjson")
    assert (cache / "remote").stat().st_mode & 0o077 == 0


def test_what_cannot_be_written_is_said(web: WebServer) -> None:
    for url, words in (
        (f"{web.url}/x.ndjson", "s3:// and gs:// can"),
        ("hf://ann/cats/x.ndjson", "`hf upload`"),
    ):
        with pytest.raises(InputError) as refused:
            sk.write(FACE, url)
        assert words in str(refused.value)
    assert web.asked == []


# --- repositories of the Hub ------------------------------------------------------------------------------

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    """The routes of the Hugging Face Hub, with one set of drawings."""
    monkeypatch.setenv("HF_ENDPOINT", web.url)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    facts = {"sha": COMMIT, "siblings": [{"rfilename": "README.md"}, {"rfilename": "cats/x.ndjson"}]}
    web.files = {
        "/api/datasets/ann/cats/revision/main": json.dumps(facts).encode(),
        f"/datasets/ann/cats/resolve/{COMMIT}/cats/x.ndjson": ndjson(3),
    }
    return web


def test_a_repository_is_read_at_a_commit(hub: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hunter2")
    assert read_count("hf://datasets/ann/cats/cats/x.ndjson") == 3
    assert hub.asked[-1] == f"/datasets/ann/cats/resolve/{COMMIT}/cats/x.ndjson"
    assert [each.get("Authorization") for each in hub.headers] == ["Bearer hunter2"] * 2


@pytest.mark.parametrize(
    ("url", "answer", "words"),
    [
        ("hf://datasets/ann/dogs/x.ndjson", None, "no such file"),
        ("hf://datasets/ann/cats/y.ndjson", None, "no such file"),
        ("hf://ann", None, "is not hf://OWNER/NAME"),
        ("hf://datasets/ann/cats/../../x.ndjson", None, "is not hf://OWNER/NAME"),
        ("hf://datasets/ann/cats/x.ndjson", b"<html>", "no description"),
        ("hf://datasets/ann/cats/x.ndjson", b'{"sha": "../../evil"}', "names no commit"),
        ("hf://datasets/ann/cats", None, "holds no .safetensors"),
    ],
)
def test_what_a_repository_lacks_is_one_line(
    hub: WebServer, url: str, answer: bytes | None, words: str
) -> None:
    if answer is not None:
        hub.files["/api/datasets/ann/cats/revision/main"] = answer
    with pytest.raises(InputError) as refused:
        local_copy(url)
    assert str(refused.value).startswith(f"{url}: ")
    assert words in str(refused.value)


# --- object stores ----------------------------------------------------------------------------------------


def test_drawings_go_to_a_store_and_come_back(bucket: Bucket, tmp_path: Path) -> None:
    sk.write([FACE, FACE], "s3://bucket/deep/x.ndjson.gz")
    sk.write([FACE, FACE], tmp_path / "x.ndjson.gz")
    assert bucket.get("deep/x.ndjson.gz") == (tmp_path / "x.ndjson.gz").read_bytes()
    assert read_count("s3://bucket/deep/x.ndjson.gz") == 2
    sk.render([FACE], "s3://bucket/x.png")
    assert bucket.get("x.png").startswith(b"\x89PNG")


def test_a_replaced_object_is_fetched_anew(bucket: Bucket) -> None:
    url = bucket.put("x.ndjson", ndjson(1))
    assert read_count(url) == 1
    bucket.put("x.ndjson", ndjson(2))
    assert read_count(url) == 2


def test_an_object_that_is_replaced_while_it_is_read_is_refused(
    bucket: Bucket, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, callback = bucket.put("x.ndjson", ndjson(1)), stores._callback

    def replace(report: object) -> object:
        bucket.put("x.ndjson", ndjson(2)[:-1] + b" ")
        return callback(lambda done, total: None)

    monkeypatch.setattr(stores, "_callback", replace)
    with pytest.raises(InputError, match="changed while it was read"):
        sk.read(url)
    assert files_in(cache) == []


def test_an_existing_object_is_kept_unless_it_may_be_replaced(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = bucket.put("x.ndjson", b"mine")
    with pytest.raises(InputError, match="exists already"):
        sk.write(FACE, url, overwrite=False)
    monkeypatch.setattr(copies, "exists", lambda name: False)  # it came a moment later
    with pytest.raises(InputError, match="exists already"):
        sk.write(FACE, url, overwrite=False)
    assert bucket.get("x.ndjson") == b"mine"
    sk.write(FACE, url)
    assert bucket.get("x.ndjson") != b"mine"


def test_what_fails_while_it_is_written_leaves_nothing(bucket: Bucket, cache: Path) -> None:
    with pytest.raises(RuntimeError), atomic_write("s3://bucket/x.ndjson") as stream:
        stream.write(b"half")
        raise RuntimeError
    assert (bucket.list_keys(), files_in(cache)) == ([], [])


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://bucket", "this is a folder"),
        ("s3://bucket/none.ndjson", "no such file"),
        ("s3://nobucket/none.ndjson", "no such file or bucket"),
        ("s3://bucket/folder", "this is a folder"),
    ],
)
def test_what_a_store_lacks_is_one_line(bucket: Bucket, url: str, words: str) -> None:
    bucket.put("folder/x.ndjson", ndjson(1))
    with pytest.raises(InputError, match=words) as refused:
        open_file(url)
    assert str(refused.value).startswith(f"{url}: ")


def test_a_missing_bucket_is_said_where_it_is_written_to(bucket: Bucket) -> None:
    with pytest.raises(InputError, match="no such bucket"):
        sk.write(FACE, "s3://nobucket/x.ndjson")


def test_without_permission_nothing_is_read_or_written(
    bucket: Bucket, store_server: str, cache: Path
) -> None:
    import requests

    url = bucket.put("x.ndjson", ndjson(1))
    requests.post(f"{store_server}/moto-api/reset-auth", data=b"0", timeout=60).raise_for_status()
    try:
        for use in (sk.read, lambda place: sk.write(FACE, place)):
            with pytest.raises(InputError, match="no permission") as refused:
                use(url)
            assert "key-that-stays-secret" not in str(refused.value)
    finally:
        requests.post(f"{store_server}/moto-api/reset-auth", data=b"Infinity", timeout=60)
    assert files_in(cache) == []


def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(InputError) as refused:
        sk.read("gs://bucket/x.ndjson")
    assert str(refused.value) == ("gs://bucket/x.ndjson: reading it needs gcsfs: pip install 'sketchkit[gs]'")
    with pytest.raises(InputError, match="writing it needs gcsfs"):
        sk.write(FACE, "gs://bucket/x.ndjson")


# --- what files say ---------------------------------------------------------------------------------------


def test_a_url_within_a_file_is_never_fetched(web: WebServer, tmp_path: Path) -> None:
    link = f"{web.url}/secret.svg"
    drawings = tmp_path / "x.svg"
    drawings.write_text(
        f'<?xml version="1.0"?><?xml-stylesheet href="{link}"?><!DOCTYPE svg SYSTEM "{link}">'
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
        f'<style>@import url("{link}"); path {{ marker: url("{link}#m") }}</style>'
        f'<image href="{link}"/><use xlink:href="{link}#a"/><path stroke="black" d="M 0 0 L 9 9"/></svg>'
    )
    assert len(sk.read(str(drawings)).to_polylines()) == 1
    (tmp_path / "x.ndjson").write_text(
        json.dumps({"word": link, "key_id": link, "drawing": [[[0, 9], [0, 9]]]})
    )
    assert sk.read(str(tmp_path / "x.ndjson")).label == link
    assert web.asked == []
