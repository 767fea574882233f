"""Files that are damaged or something else altogether, for readers to refuse."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from sketchkit.errors import FormatError
from sketchkit.sketch import Sketch
from sketchkit.testing.faults import Faults, in_a_line
from sketchkit.testing.streams import Endless, pipe

__all__ = ["check_broken"]

#: Not a name that an error would hold by chance.
_NAME = "folder/the file.xyz"
#: More drawings than any file of this size holds.
_MOST = 20_000
_CUTS, _DAMAGES = 24, 40

_GARBAGE = {
    "an empty file": b"",
    "zeros": bytes(64),
    "bytes of 255": b"\xff" * 64,
    "text": b"hello, world\n" * 3,
    "a text of one character": b"1",
    "JSON": b'{"drawing": [[[1, 2], "x"], 3]}\n[]\nnull\n',
    "deeply nested JSON": b"[" * 5000,
    "numbers that are too large": b"1e999 1e999\n99999999999999999999999999 -1\nnan inf\n",
    "half of an SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0 L",
    "the beginning of a zip": b"PK\x03\x04" + bytes(30),
    "text of another encoding": "dr\u00e4wing".encode("utf-16"),
}


def check_broken(format: Any, files: list[bytes], faults: Faults) -> None:
    """Whatever a file holds, a reader gives drawings or FormatError.

    Args:
        format: to try.
        files: that it reads, to be cut short and damaged; none where nobody has any.
        faults: where to note what is wrong.
    """
    for told, content in _GARBAGE.items():
        _check(format, told, content, faults)
    for content in files:
        for told, damaged in itertools.chain(_cut(content), _damaged(content)):
            if faults.broken("ends"):
                return  # each of the others would take as long
            _check(format, told, damaged, faults)


def _check(format: Any, told: str, content: bytes, faults: Faults) -> None:
    advice = f'raise FormatError(f"{{name}}: ...") for whatever cannot be read, as of {told}'
    # A pipe, since it knows who reads on after its end.
    stream = pipe(content)
    try:
        drawings = list(itertools.islice(format.read(stream, _NAME), _MOST))
    except FormatError as error:
        _check_message(str(error), told, faults)
    except KeyboardInterrupt:
        raise
    except Endless as error:
        faults.add("ends", f"it reads on after the end of {told}: stop where read gives nothing", error)
    except BaseException as error:
        faults.add("refuses", f"it raises {in_a_line(error)} for {told}: {advice}", error)
    else:
        _check_drawings(drawings, told, faults)


def _check_drawings(drawings: list[Any], told: str, faults: Faults) -> None:
    if len(drawings) == _MOST:
        faults.add("ends", f"it yields {_MOST} drawings and more for {told}: stop at the end of the stream")
    elif not all(isinstance(drawing, Sketch) for drawing in drawings):
        faults.add(
            "sketches", f"it yields something else than sketches for {told}: yield sketchkit.Sketch objects"
        )


def _check_message(message: str, told: str, faults: Faults) -> None:
    lines = message.splitlines()
    if not message.startswith(f"{_NAME}: ") or len(message) < len(_NAME) + 4:
        advice = "begin with the name that read is given, a colon, and say what is wrong"
        faults.add("names the file", f"the FormatError for {told} says {message!r}: {advice}")
    elif len(lines) != 1:
        faults.add("one line", f"the FormatError for {told} has {len(lines)} lines: say it in one")


def _cut(content: bytes) -> Iterator[tuple[str, bytes]]:
    """A file cut short in many places, the last byte among them."""
    for end in sorted({*np.linspace(0, len(content) - 1, _CUTS, dtype=int).tolist()}):
        yield f"a file cut short after {end} of {len(content)} bytes", content[:end]


def _damaged(content: bytes) -> Iterator[tuple[str, bytes]]:
    """A file with other bytes in some places, the same every time."""
    random = np.random.default_rng(len(content))
    for _ in range(_DAMAGES):
        damaged, place = bytearray(content), int(random.integers(len(content)))
        count = int(random.integers(1, 5))
        damaged[place : place + count] = random.bytes(min(count, len(content) - place))
        yield f"a file of {len(content)} bytes with other bytes at {place}", bytes(damaged)
