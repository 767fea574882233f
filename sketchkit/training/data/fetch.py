"""Download Quick, Draw!'s official files: broken off, it goes on where it stopped; damaged, it is not kept.

Source: the README of github.com/googlecreativelab/quickdraw-dataset.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sketchkit.downloads import cause, response_from
from sketchkit.errors import FormatError, InputError
from sketchkit.files import open_file, open_handle, read_file, reason, shown
from sketchkit.formats import read_all
from sketchkit.training.data.crc32c import crc32c

__all__ = ["BASE_URL", "fetch_quickdraw"]

BASE_URL = "https://storage.googleapis.com/quickdraw_dataset/full/simplified"
#: The largest published file has a twentieth of it.
MAX_BYTES = 4 << 30
_TIMEOUT_SECONDS = 30
#: How often a download that breaks off is taken up again at once.
_ATTEMPTS = 3
_CHUNK = 1 << 20
#: Of what is remembered of a download.
_MAX_NOTE_BYTES = 1 << 16
#: Bytes received at once: what is lost of them when the connection breaks.
_RECEIVED = 1 << 14
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 '_-]{0,99}")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Remote:
    """What a server says of a file: its size (0 if it does not say), its version, and its checksums."""

    url: str
    size: int
    etag: str
    md5: str
    crc32c: str

    @classmethod
    def of(cls, url: str, size: int, headers: Mapping[str, str]) -> _Remote:
        hashes = dict(part.strip().partition("=")[::2] for part in headers.get("x-goog-hash", "").split(","))
        if headers.get("x-goog-stored-content-encoding", "identity") != "identity":
            hashes = {}  # they are those of the packed file
        return cls(url, size, headers.get("etag", ""), hashes.get("md5", ""), hashes.get("crc32c", ""))


def fetch_quickdraw(
    name: str,
    folder: Path,
    *,
    base_url: str = BASE_URL,
    overwrite: bool = False,
    redirect_hosts: Collection[str] = (),
    progress: Progress | None = None,
) -> tuple[Path, bool]:
    """Download the simplified drawings of one class.

    What has arrived of a download that breaks off stays beside its place under a name that begins with a dot,
    and the next call goes on from there, if the file has not changed on the server.

    Args:
        name: of the class, such as "cat" or "power outlet".
        folder: where NAME.ndjson shall lie; made if need be.
        base_url: the folder to download from.
        overwrite: download it anew if it is there.
        redirect_hosts: hosts beside that of `base_url` that a redirect may lead to.
        progress: called with (bytes so far, bytes in all or 0).

    Returns:
        The file, and whether it was downloaded now.

    Raises:
        InputError: a name that is none, no such file there, no network, no room.
        FormatError: what arrived is damaged or holds no drawings.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot be the name of a class")
    target = folder / f"{name}.ndjson"
    if target.exists() and not overwrite:
        return target, False
    url = f"{base_url.rstrip('/')}/{quote(name)}.ndjson"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _Download(url, target, redirect_hosts, progress or (lambda done, total: None)).run()
    except OSError as error:
        raise InputError(f"{shown(target)}: {reason(error)}") from error
    return target, True


class _Download:
    """One file on its way: the part that has arrived, and a note of what it is a part of."""

    def __init__(self, url: str, target: Path, redirect_hosts: Collection[str], progress: Progress) -> None:
        self._url, self._target, self._progress = url, target, progress
        self._redirect_hosts = redirect_hosts
        self._part = target.with_name(f".{target.name}.part")
        self._note = target.with_name(f".{target.name}.part.json")

    def run(self) -> None:
        """Download, check, and give the file its name."""
        for attempt in range(_ATTEMPTS):
            before = self._arrived()
            broken = self._receive()
            if broken is None:
                break
            if attempt == _ATTEMPTS - 1 or self._arrived() == before:
                raise InputError(
                    f"{self._url}: broke off after {self._arrived()} bytes ({broken}); "
                    "the same command goes on from there"
                )
        self._check()
        os.replace(self._part, self._target)
        self._note.unlink(missing_ok=True)

    def _arrived(self) -> int:
        try:
            return self._part.stat().st_size
        except FileNotFoundError:
            return 0

    def _receive(self) -> str | None:
        """Ask for what is missing and write it down; the reason why not all of it came."""
        import requests

        known, have = self._remembered(), self._arrived()
        if known is None or known.size < have:
            self._forget()
            known, have = None, 0
        elif known.size == have:
            return None
        # Packed on the way, a part of it could not be asked for.
        headers = {"Accept-Encoding": "identity"}
        if known is not None and have:
            headers |= {"Range": f"bytes={have}-", "If-Range": known.etag}
        try:
            with response_from(self._url, _TIMEOUT_SECONDS, self._redirect_hosts, headers) as response:
                remote = self._begun(response, have)
                return self._written(response, remote)
        except (requests.RequestException, ValueError) as error:  # the latter from an address that is none
            if self._arrived():
                return cause(error)
            advice = ""
            if isinstance(error, requests.ConnectionError):
                advice = f"; a copy of the file from elsewhere goes to {shown(self._target)}"
            raise InputError(f"{self._url}: cannot be downloaded: {cause(error)}{advice}") from error

    def _begun(self, response: Any, have: int) -> _Remote:
        """What the server is sending, and where it begins."""
        size = _size(response.headers)
        if response.status_code == 206:
            begins = f"bytes {have}-{have + size - 1}/{have + size}"
            if response.headers.get("content-range") != begins:
                self._forget()
                raise InputError(f"{self._url}: the server sends another part than it was asked for")
            size += have
        elif response.status_code == 200:
            self._forget()
        elif response.status_code == 404:
            raise InputError(f"{self._url}: the server answers 404: there is no class of this name")
        else:
            raise InputError(f"{self._url}: the server answers {response.status_code}")
        remote = _Remote.of(self._url, size, response.headers)
        self._remember(remote)
        return remote

    def _written(self, response: Any, remote: _Remote) -> str | None:
        done = self._arrived()
        with open(self._part, "ab", opener=open_handle) as stream:
            for chunk in response.iter_content(_RECEIVED):
                done += len(chunk)
                if done > MAX_BYTES:
                    self._forget()
                    raise InputError(f"{self._url}: more than {MAX_BYTES} bytes")
                stream.write(chunk)
                stream.flush()
                self._progress(done, remote.size)
        if remote.size and done != remote.size:
            return f"{done} of {remote.size} bytes came"
        return None

    # --- what is remembered ---------------------------------------------------------------------------

    def _remembered(self) -> _Remote | None:
        """What the part is a part of, if it can be gone on with."""
        import orjson

        try:
            remote = _Remote(**orjson.loads(read_file(self._note, _MAX_NOTE_BYTES)))
        except (OSError, FormatError, TypeError, ValueError):
            return None
        # Without a version, or with a weak one, nobody knows whether the rest is of the same file.
        usable = remote.url == self._url and remote.size and remote.etag.startswith('"')
        return remote if usable else None

    def _remember(self, remote: _Remote) -> None:
        import orjson

        self._note.write_bytes(orjson.dumps(asdict(remote)))

    def _forget(self) -> None:
        for path in (self._part, self._note):
            path.unlink(missing_ok=True)

    # --- what is checked ------------------------------------------------------------------------------

    def _check(self) -> None:
        try:
            self._check_sums()
            drawings = read_all(self._part, format="ndjson")
            if next(drawings, None) is None:
                raise FormatError("what the server sent holds no drawing")
            drawings.close()
        except FormatError as error:
            self._forget()
            what = str(error).replace(shown(self._part), "what the server sent")
            raise FormatError(f"{self._url}: {what}") from error

    def _check_sums(self) -> None:
        import orjson

        remote = _Remote(**orjson.loads(read_file(self._note, _MAX_NOTE_BYTES)))
        if remote.md5:
            md5 = hashlib.md5(usedforsecurity=False)
            for piece in _pieces(self._part):
                md5.update(piece)
            _compare("md5", md5.digest(), remote.md5)
        elif remote.crc32c:
            _compare("crc32c", crc32c(_pieces(self._part)).to_bytes(4, "big"), remote.crc32c)


def _size(headers: Mapping[str, str]) -> int:
    """How many bytes are to come; 0 where that is not said, or said of their packed form."""
    said = headers.get("content-length", "")
    packed = headers.get("content-encoding", "identity") != "identity"
    return int(said) if re.fullmatch(r"[0-9]{1,15}", said) and not packed else 0


def _pieces(path: Path) -> Iterator[bytes]:
    with open_file(path) as stream:
        while piece := stream.read(_CHUNK):
            yield piece


def _compare(kind: str, found: bytes, expected: str) -> None:
    have = base64.b64encode(found).decode()
    if have != expected:
        raise FormatError(f"damaged on the way: its {kind} is {have}, the server says {expected}")
