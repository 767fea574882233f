"""Download Quick, Draw!'s official files: an interrupted download goes on, and damaged ones are deleted.

Source: the README of github.com/googlecreativelab/quickdraw-dataset.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from sketchkit.downloads import cause, response_from
from sketchkit.errors import FormatError, InputError
from sketchkit.files import explain_errors, open_file, open_handle, read_file, shown
from sketchkit.formats import read_all

if TYPE_CHECKING:
    from requests import Response

__all__ = ["BASE_URL", "crc32c", "fetch_quickdraw"]

BASE_URL = "https://storage.googleapis.com/quickdraw_dataset/full/simplified"
#: The largest published file has a twentieth of it.
MAX_BYTES = 4 << 30
_TIMEOUT_SECONDS = 30
#: How often an interrupted download is resumed at once.
_ATTEMPTS = 3
_CHUNK = 1 << 20
#: The most bytes of the note beside a partial download.
_MAX_NOTE_BYTES = 1 << 16
#: Bytes received at once: what is lost of them when the connection breaks.
_RECEIVED = 1 << 14
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 '_-]{0,99}")

Progress = Callable[[int, int], None]


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

    The part that has arrived of an interrupted download stays beside its place under a hidden name, and the
    next call goes on from there, if the file has not changed on the server.

    Args:
        name: of the class, such as "cat" or "power outlet".
        folder: for NAME.ndjson; made if need be.
        base_url: the folder to download from.
        overwrite: download the file again if it is there.
        redirect_hosts: hosts beside that of `base_url` that a redirect may lead to.
        progress: called with (bytes so far, bytes in all or 0).

    Returns:
        The file, and whether it was downloaded now.

    Raises:
        InputError: an invalid name, a missing file, a network that fails, or a full disk.
        FormatError: the file that arrived is damaged or empty.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot be the name of a class")
    target = folder / f"{name}.ndjson"
    if target.exists() and not overwrite:
        return target, False
    url = f"{base_url.rstrip('/')}/{quote(name)}.ndjson"
    with explain_errors(target):
        folder.mkdir(parents=True, exist_ok=True)
        _Download(url, target, redirect_hosts, progress or (lambda done, total: None)).run()
    return target, True


@dataclass(frozen=True)
class _Remote:
    """A file as its server describes it: its size (0 if untold), its version, and its checksums."""

    url: str
    size: int
    etag: str
    md5: str
    crc32c: str

    @classmethod
    def from_headers(cls, url: str, size: int, headers: Mapping[str, str]) -> _Remote:
        hashes = dict(part.strip().partition("=")[::2] for part in headers.get("x-goog-hash", "").split(","))
        if headers.get("x-goog-stored-content-encoding", "identity") != "identity":
            hashes = {}  # they are those of the packed file
        return cls(url, size, headers.get("etag", ""), hashes.get("md5", ""), hashes.get("crc32c", ""))


class _Download:
    """One file on its way: the part that has arrived, and a note about the whole file."""

    def __init__(self, url: str, target: Path, redirect_hosts: Collection[str], progress: Progress) -> None:
        self._url, self._target, self._progress = url, target, progress
        self._redirect_hosts = redirect_hosts
        self._remote = _Remote(url, 0, "", "", "")
        self._part = target.with_name(f".{target.name}.part")
        self._note = target.with_name(f".{target.name}.part.json")

    def run(self) -> None:
        """Download, check, and give the file its name."""
        for attempt in range(_ATTEMPTS):
            before = self._part_size()
            fault = self._receive()
            if fault is None:
                break
            if attempt == _ATTEMPTS - 1 or self._part_size() == before:
                raise InputError(
                    f"{self._url}: broke off after {self._part_size()} bytes ({fault}); "
                    "the same command goes on from there"
                )
        self._check()
        os.replace(self._part, self._target)
        self._note.unlink(missing_ok=True)

    def _part_size(self) -> int:
        try:
            return self._part.stat().st_size
        except FileNotFoundError:
            return 0

    def _receive(self) -> str | None:
        """Ask for the missing bytes and write them; returns the reason why some of them did not come."""
        import requests

        known, have = self._read_note(), self._part_size()
        if known is None or known.size < have:
            self._discard()
            known, have = None, 0
        elif known.size == have:
            self._remote = known
            return None
        # Of a file that is packed on the way, a part could not be asked for.
        headers = {"Accept-Encoding": "identity"}
        if known is not None and have:
            headers |= {"Range": f"bytes={have}-", "If-Range": known.etag}
        try:
            with response_from(self._url, _TIMEOUT_SECONDS, self._redirect_hosts, headers) as response:
                self._accept(response, have)
                return self._write_part(response)
        except (requests.RequestException, ValueError) as error:  # the latter from an invalid address
            if self._part_size():
                return cause(error)
            advice = ""
            if isinstance(error, requests.ConnectionError):
                advice = f"; a copy of the file from elsewhere goes to {shown(self._target)}"
            raise InputError(f"{self._url}: cannot be downloaded: {cause(error)}{advice}") from error

    def _accept(self, response: Response, have: int) -> None:
        """Check an answer and write the note about its file."""
        import orjson

        size = _content_length(response.headers)
        if response.status_code == 206:
            begins = f"bytes {have}-{have + size - 1}/{have + size}"
            if response.headers.get("content-range") != begins:
                self._discard()
                raise InputError(f"{self._url}: the server sends another part than it was asked for")
            size += have
        elif response.status_code == 200:
            self._discard()
        elif response.status_code == 404:
            raise InputError(f"{self._url}: the server answers 404: there is no class of this name")
        else:
            raise InputError(f"{self._url}: the server answers {response.status_code}")
        self._remote = _Remote.from_headers(self._url, size, response.headers)
        self._note.write_bytes(orjson.dumps(asdict(self._remote)))

    def _write_part(self, response: Response) -> str | None:
        done, size = self._part_size(), self._remote.size
        with open(self._part, "ab", opener=open_handle) as stream:
            for chunk in response.iter_content(_RECEIVED):
                done += len(chunk)
                if done > MAX_BYTES:
                    self._discard()
                    raise InputError(f"{self._url}: more than {MAX_BYTES} bytes")
                stream.write(chunk)
                stream.flush()
                self._progress(done, size)
        return f"{done} of {size} bytes came" if size and done != size else None

    def _check(self) -> None:
        try:
            self._check_sums()
            drawings = read_all(self._part, format="ndjson")
            if next(drawings, None) is None:
                raise FormatError("what the server sent holds no drawing")
            drawings.close()
        except FormatError as error:
            self._discard()
            fault = str(error).replace(shown(self._part), "what the server sent")
            raise FormatError(f"{self._url}: {fault}") from error

    def _check_sums(self) -> None:
        remote = self._remote
        if remote.md5:
            md5 = hashlib.md5(usedforsecurity=False)
            for piece in _read_pieces(self._part):
                md5.update(piece)
            _compare("md5", md5.digest(), remote.md5)
        elif remote.crc32c:
            _compare("crc32c", crc32c(_read_pieces(self._part)).to_bytes(4, "big"), remote.crc32c)

    def _read_note(self) -> _Remote | None:
        """The file that the part belongs to, if the download can go on with it."""
        import orjson

        try:
            remote = _Remote(**orjson.loads(read_file(self._note, _MAX_NOTE_BYTES)))
        except (OSError, FormatError, TypeError, ValueError):
            return None
        # Without a version, or with a weak one, the rest may be of another file.
        usable = remote.url == self._url and remote.size and remote.etag.startswith('"')
        return remote if usable else None

    def _discard(self) -> None:
        for path in (self._part, self._note):
            path.unlink(missing_ok=True)


def _content_length(headers: Mapping[str, str]) -> int:
    """How many bytes are to come; 0 where the header is missing, or counts packed bytes."""
    length = headers.get("content-length", "")
    packed = headers.get("content-encoding", "identity") != "identity"
    return int(length) if re.fullmatch(r"[0-9]{1,15}", length) and not packed else 0


def _read_pieces(path: Path) -> Iterator[bytes]:
    with open_file(path) as stream:
        while piece := stream.read(_CHUNK):
            yield piece


def _compare(kind: str, found: bytes, expected: str) -> None:
    have = base64.b64encode(found).decode()
    if have != expected:
        raise FormatError(f"damaged on the way: its {kind} is {have}, the server says {expected}")


UInt32 = npt.NDArray[np.uint32]

#: Polynomials over GF(2) of degree below 32: bit 31 is the coefficient of 1, bit 0 that of x^31.
_POLYNOMIAL, _ONE, _BYTE = np.uint32(0x82F63B78), 1 << 31, 1 << 23
#: Stretches of a piece side by side, a power of two.
_STRETCHES = 4096


def crc32c(pieces: Iterable[bytes]) -> int:
    """The CRC-32C of bytes, the checksum that Google's storage gives for every file.

    A register is updated byte by byte, which Python does slowly; here many stretches of a piece are updated
    side by side, and their registers joined in pairs. Joining works because the register is linear over
    GF(2): bytes that follow multiply it by a power of x.

    Args:
        pieces: the bytes; fastest in pieces of about a mebibyte.

    Returns:
        0..2^32 - 1.

    Source: Castagnoli, Braeuer & Herrmann 1993 (the polynomial); Mark Adler's `crc32_combine` (joining).
    """
    register = 0xFFFFFFFF
    for piece in pieces:
        advanced = _multiply(np.array([register], np.uint32), _power(len(piece)))
        register = int(advanced[0]) ^ _read_piece(piece)
    return register ^ 0xFFFFFFFF


def _read_piece(piece: bytes) -> int:
    """The register after a piece when it is 0 before: zeros in front of the piece leave it 0."""
    length = -(-len(piece) // _STRETCHES)
    padded = np.frombuffer(piece.rjust(_STRETCHES * length, b"\0"), np.uint8)
    registers = np.zeros(_STRETCHES, np.uint32)
    for column in np.ascontiguousarray(padded.reshape(_STRETCHES, length).T):
        registers = _table()[(registers ^ column) & 0xFF] ^ (registers >> 8)
    while len(registers) > 1:
        registers = _multiply(registers[0::2], _power(length)) ^ registers[1::2]
        length *= 2
    return int(registers[0])


def _multiply(registers: UInt32, factor: int) -> UInt32:
    """Products of polynomials."""
    out = np.zeros_like(registers)
    for bit in range(31, -1, -1):
        if factor >> bit & 1:
            out ^= registers
        registers = _times_x(registers)
    return out


def _times_x(registers: UInt32) -> UInt32:
    return np.where(registers & 1, (registers >> 1) ^ _POLYNOMIAL, registers >> 1)


@cache
def _power(length: int) -> int:
    """The factor of this number of zero bytes: x^(8 length), by squares."""
    if length < 2:
        return _BYTE if length else _ONE
    root = _power(length // 2)
    square = int(_multiply(np.array([root], np.uint32), root)[0])
    return int(_multiply(np.array([square], np.uint32), _power(length % 2))[0])


@cache
def _table() -> UInt32:
    """The register of each byte."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = _times_x(table)
    return table
