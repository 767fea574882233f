"""Real drawings: all are read, and what is read covers the ink of the original."""

from __future__ import annotations

import io
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sketchkit.errors import FormatError
from sketchkit.formats.svg import SvgDocument, read_svg

pytestmark = pytest.mark.data

_watched: list[str] | None = None
_hooked = False


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _watched is not None and event.startswith(("open", "socket", "subprocess", "urllib", "os.")):
        _watched.append(f"{event} {arguments!r}")


@contextmanager
def watched() -> Iterator[list[str]]:
    """Gather what is opened meanwhile; an audit hook cannot be taken away, so there is one that sleeps."""
    global _watched, _hooked
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked = True
    events: list[str] = []
    _watched = events
    try:
        yield events
    finally:
        _watched = None


@dataclass(frozen=True)
class Reading:
    """What reading all drawings gave.

    Args:
        events: what was opened meanwhile.
        refused: the reasons of the files that are refused.
        left_out: by file, how many things of each kind its strokes leave out.
    """

    events: list[str]
    refused: list[str]
    left_out: dict[Path, dict[str, int]]


@pytest.fixture(scope="module")
def reading(data: Path) -> Reading:
    files = sorted((data / "svg").rglob("*.svg"))
    assert len(files) > 2000
    contents = {file: file.read_bytes() for file in files}
    # The modules and codecs that reading imports.
    read_all({file: contents[file] for file in files[::10]})
    read_all({file: content for file, content in contents.items() if has_an_encoding(content)})
    with watched() as events:
        refused, left_out = read_all(contents)
    return Reading(events, refused, left_out)


def test_every_drawing_is_read_or_refused_and_nothing_else_is_opened(reading: Reading) -> None:
    assert reading.events == []
    assert len(reading.refused) < 20
    assert not any("\n" in message for message in reading.refused)


def has_an_encoding(content: bytes) -> bool:
    """Whether a file says that it is in another encoding than UTF-8."""
    declaration = content[:200].lower().partition(b"?>")[0]
    return b"encoding=" in declaration and b"utf-8" not in declaration


def read_all(contents: dict[Path, bytes]) -> tuple[list[str], dict[Path, dict[str, int]]]:
    refused, left_out = [], {}
    for file, content in contents.items():
        try:
            document = read_svg(content, file.name)
        except FormatError as error:
            refused.append(str(error))
            continue
        assert content[document.insert_at :].startswith((b"</", b"/>"))
        assert all(np.isfinite(line).all() and len(line) for line in document.polylines)
        left_out[file] = dict(document.left_out)
    return refused, left_out


#: What the strokes leave out, in all files together: things of each kind, and files in which there are any.
LEFT_OUT = {
    "lucide": {},
    "resvg": {"text": (268, 212), "image": (44, 37), "use": (1, 1), "transform": (1, 1), "marker": (34, 34)},
}


@pytest.mark.parametrize("collection", LEFT_OUT)
def test_what_is_left_out_of_real_drawings_is_counted(reading: Reading, data: Path, collection: str) -> None:
    things, files = Counter[str](), Counter[str]()
    for file, left_out in reading.left_out.items():
        if file.parent == data / "svg" / collection:
            things.update(left_out)
            files.update(left_out.keys())
    assert {kind: (things[kind], files[kind]) for kind in things} == LEFT_OUT[collection]


def test_icons_cover_the_ink_of_the_original(data: Path) -> None:
    files = sorted((data / "svg" / "lucide").glob("*.svg"))
    assert len(files) > 1000
    shares = []
    for file in files[::3]:
        text = file.read_text("utf-8")
        original = ink(text.replace("currentColor", "black"))
        again = ink(redrawn(read_svg(text.encode(), file.name)))
        shares.append((original & again).sum() / (original | again).sum())
    assert np.mean(shares) >= 0.98
    assert np.min(shares) >= 0.9


def redrawn(document: SvgDocument) -> str:
    assert document.view_box is not None
    view_box = " ".join(map(repr, document.view_box))
    lines = "".join(f'<polyline points="{points(line)}"/>' for line in document.polylines)
    style = 'fill="none" stroke="black" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view_box}" {style}>{lines}</svg>'


def points(line: np.ndarray) -> str:
    dot_drawn = np.concatenate([line, line[-1:]])  # a polyline of one point would leave no ink
    return " ".join(f"{x:.5f},{y:.5f}" for x, y in dot_drawn)


def ink(svg: str) -> np.ndarray:
    resvg = pytest.importorskip("resvg_py")
    image = pytest.importorskip("PIL.Image")
    png = resvg.svg_to_bytes(svg_string=svg, width=128, height=128, skip_system_fonts=True)
    pixels: np.ndarray = np.array(image.open(io.BytesIO(bytes(png))).convert("RGBA"))[..., 3] > 127
    return pixels
