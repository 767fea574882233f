"""What is opened to be read: files, and pipes where these may stand for one, without waiting or end."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sketchkit import files, read_all
from sketchkit.errors import FormatError
from sketchkit.files import open_file, read_file, reason
from sketchkit.formats import streams

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


@pytest.fixture
def strange(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """What is no file, by what it is."""
    places = {name: tmp_path / name.replace(" ", "-") for name in ("pipe", "socket", "device", "folder")}
    os.mkfifo(places["pipe"])
    places["device"].symlink_to("/dev/zero")
    places["folder"].mkdir()
    with socket.socket(socket.AF_UNIX) as bound:
        here = os.getcwd()
        os.chdir(tmp_path)  # the path of a socket must be short
        try:
            bound.bind("socket")
        finally:
            os.chdir(here)
        yield places


@pytest.mark.parametrize("pipes", [False, True])
@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "folder"])
def test_what_is_no_file_is_refused_at_once(strange: dict[str, Path], kind: str, pipes: bool) -> None:
    with pytest.raises(OSError) as refused:
        open_file(strange[kind], pipes=pipes)
    without_writer = pipes and kind == "pipe"
    assert reason(refused.value) == (
        "nothing was written to this pipe" if without_writer else f"this is a {kind}, not a file"
    )
    assert refused.value.filename == str(strange[kind])


def test_a_name_that_becomes_a_pipe_before_it_is_opened_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    path.touch()
    as_it_was = os.stat(path)
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(files.os, "stat", lambda _: as_it_was)
    with pytest.raises(OSError, match="this is a pipe, not a file"):
        open_file(path)


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"1234")
    assert read_file(path, 4) == b"1234"
    with pytest.raises(FormatError, match=r"x: more than 3 bytes$"):
        read_file(path, 3)
    (tmp_path / "empty").touch()
    assert read_file(tmp_path / "empty", 4) == b""


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="this system has no /dev/fd")
def test_a_pipe_is_read_to_its_end_however_slowly_it_is_written() -> None:
    reading, writing = os.pipe()
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(read_file(f"/dev/fd/{reading}", 4, pipes=True)))
    reader.start()
    for piece in (b"12", b"34"):
        reader.join(0.05)  # it is waiting for more
        os.write(writing, piece)
    os.close(writing)
    reader.join()
    os.close(reading)
    assert found == [b"1234"]


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="this system has no /dev/fd")
def test_drawings_come_out_of_a_pipe_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    line = b'{"drawing": [[[0, 9], [0, 5]]]}\n'
    monkeypatch.setattr(streams, "MAX_PIPE_BYTES", 3 * len(line))
    for count in (3, 4):
        reading, writing = os.pipe()
        os.write(writing, count * line)
        os.close(writing)
        drawings = read_all(f"/dev/fd/{reading}", format="ndjson")
        if count == 3:
            assert len(list(drawings)) == 3
        else:
            with pytest.raises(FormatError, match=rf"/dev/fd/{reading}: more than {3 * len(line)} bytes"):
                list(drawings)
        os.close(reading)


def test_a_folder_and_a_missing_file_are_told_as_ever(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        open_file(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "x")
    with pytest.raises(ValueError, match="null"):
        open_file("a\0b")
