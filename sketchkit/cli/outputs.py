"""Endings as files: one sheet, layers in the user's own document, or a file each."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sketchkit.cli.inputs import Input
from sketchkit.errors import InputError
from sketchkit.files import atomic_write
from sketchkit.formats import format_for, write
from sketchkit.generate import Ending
from sketchkit.render import Ink, Layout, Picture, renderer_for
from sketchkit.render.palette import ENDING, INK
from sketchkit.sketch import Sketch
from sketchkit.svgdoc import Layer, insert_layers, write_layers

__all__ = ["STDOUT", "Destination", "Result", "endings_picture", "send", "write_endings"]

STDOUT = "-"
LAYOUTS = ("grid", "layers", "files")

# The pen of a layer is this share of the drawing's extent, in drawing units.
_PEN_SHARE = 1 / 100


@dataclass(frozen=True)
class Result:
    """A drawing, its endings, and what each of them is made with."""

    given: Input
    endings: Sequence[Ending]
    provenance: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Destination:
    """Where outputs go.

    Args:
        pattern: a path, in which `{stem}` and `{index}` stand for a drawing and an ending; `-` is stdout.
        suffix: what kind of file it is, with the dot.
        overwrite: whether files may exist already.
    """

    pattern: str
    suffix: str
    overwrite: bool

    @classmethod
    def of(cls, output: str | None, default: str, format: str | None, overwrite: bool) -> Destination:
        """From what the user wrote, or a default name; `format` wins over the suffix."""
        pattern = output or default
        if format is not None:
            suffix = f".{format.lower().lstrip('.')}"
        else:
            suffix = Path(pattern).suffix.lower() if pattern != STDOUT else ".svg"
        if output is None and format is not None:
            pattern = str(Path(pattern).with_suffix(suffix))
        return cls(pattern, suffix, overwrite)

    def path(self, stem: str = "", index: object = "") -> str:
        """The file for one drawing and ending."""
        return self.pattern.replace("{stem}", stem).replace("{index}", str(index))

    def check(self, paths: Sequence[str]) -> None:
        """Refuse, before any work is done, what could not be written in the end.

        Raises:
            InputError: two outputs of one name, or a file that exists.
        """
        for path in paths:
            if paths.count(path) > 1:
                fields = "{stem} and {index}"
                raise InputError(f"{path}: several outputs would have this name; put {fields} into it")
            if path != STDOUT and not self.overwrite and Path(path).exists():
                raise InputError(f"{path}: the file exists already; --force overwrites it")

    @property
    def holds_data(self) -> bool:
        """Whether it is a file of drawings rather than a picture."""
        try:
            renderer_for(self.suffix)
        except InputError:
            format_for(self.suffix)  # says which suffixes there are
            return True
        return False


def send(content: bytes, path: str, overwrite: bool) -> None:
    """Bytes to a file, at once or not at all, or to stdout."""
    if path == STDOUT:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    with atomic_write(path, overwrite=overwrite) as stream:
        stream.write(content)


def endings_picture(given: Input, ending: Ending, provenance: Mapping[str, Any]) -> Picture:
    """What the user drew and what the model added, told apart by colour and group."""
    caption = f"{given.stem} {ending.index}: {ending.nll:.2f}"
    inks = (Ink(given.sketch, INK, "drawing"), Ink(ending.ending, ENDING, f"ending {ending.index}"))
    return Picture(inks, caption=caption, metadata=provenance)


def write_endings(
    results: Sequence[Result],
    layout_name: str,
    destination: Destination,
    layout: Layout,
    metadata: Mapping[str, Any],
) -> list[list[str]]:
    """Write all endings of all drawings.

    Args:
        results: the drawings.
        layout_name: `grid`, `layers` or `files`.
        destination: where to.
        layout: of a sheet.
        metadata: provenance of the whole run.

    Returns:
        For each drawing the file that each of its endings is in.
    """
    if destination.holds_data and layout_name != "files":
        return _write_data(results, destination)
    if layout_name == "layers":
        return [_write_layers(result, destination) for result in results]
    if layout_name == "files":
        return [_write_files(result, destination, layout, metadata) for result in results]
    return _write_grid(results, destination, layout, metadata)


def _write_data(results: Sequence[Result], destination: Destination) -> list[list[str]]:
    path = destination.path()
    sketches = [ending.sketch for result in results for ending in result.endings]
    _write_sketches(sketches, path, destination)
    return [[path] * len(result.endings) for result in results]


def _write_grid(
    results: Sequence[Result], destination: Destination, layout: Layout, metadata: Mapping[str, Any]
) -> list[list[str]]:
    path = destination.path()
    pictures = [
        endings_picture(r.given, e, p) for r in results for e, p in zip(r.endings, r.provenance, strict=True)
    ]
    renderer = renderer_for(destination.suffix)()
    send(renderer.render(pictures, layout, metadata), path, destination.overwrite)
    return [[path] * len(result.endings) for result in results]


def _write_layers(result: Result, destination: Destination) -> list[str]:
    if result.given.document is None:
        raise InputError(f"{result.given.source}: layers can only be added to an SVG file")
    data, document = result.given.document
    width = _pen(result.given.sketch)
    layers = [
        Layer(ending.ending, f"ending {ending.index}", ENDING, width, provenance)
        for ending, provenance in zip(result.endings, result.provenance, strict=True)
    ]
    content = insert_layers(
        data, document.insert_at, document.self_closing, document.encoding, layers, visible="first"
    )
    path = destination.path(result.given.stem)
    send(content, path, destination.overwrite)
    return [path] * len(result.endings)


def _write_files(
    result: Result, destination: Destination, layout: Layout, metadata: Mapping[str, Any]
) -> list[str]:
    paths = []
    for ending, provenance in zip(result.endings, result.provenance, strict=True):
        path = destination.path(result.given.stem, ending.index)
        if destination.holds_data:
            _write_sketches([ending.sketch], path, destination)
        elif destination.suffix == ".svg":
            send(_in_place(result.given, ending, {**metadata, **provenance}), path, destination.overwrite)
        else:
            picture = endings_picture(result.given, ending, provenance)
            content = renderer_for(destination.suffix)().render([picture], layout, {**metadata, **provenance})
            send(content, path, destination.overwrite)
        paths.append(path)
    return paths


def _in_place(given: Input, ending: Ending, metadata: Mapping[str, Any]) -> bytes:
    """An SVG in the drawing's own units and place, in two layers."""
    width = _pen(given.sketch)
    layers = [
        Layer(given.sketch, "drawing", INK, width),
        Layer(ending.ending, f"ending {ending.index}", ENDING, width),
    ]
    view_box = None if given.document is None else given.document[1].view_box
    return write_layers(layers, view_box=view_box, metadata=metadata)


def _write_sketches(sketches: Sequence[Sketch], path: str, destination: Destination) -> None:
    kind = format_for(destination.suffix)
    if path == STDOUT:
        write(sketches, STDOUT, format=kind)
    else:
        write(sketches, path, format=kind, overwrite=destination.overwrite)


def _pen(sketch: Sketch) -> float:
    x0, y0, x1, y1 = sketch.bounds
    return max(x1 - x0, y1 - y0) * _PEN_SHARE or 1.0
