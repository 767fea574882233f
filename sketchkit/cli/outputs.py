"""Drawings as files: on one sheet or one by one, none overwritten unasked, each whole or not at all."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import typer

from sketchkit.cli.console import print_json, progress, tell_written, write_stdout
from sketchkit.cli.fields import check_fields, filled
from sketchkit.cli.kinds import STDOUT, Kind, kind_of
from sketchkit.cli.parameters import OutputOptions
from sketchkit.errors import InputError
from sketchkit.files import atomic_write, shown
from sketchkit.formats import write
from sketchkit.rendering import Layout, OwnPage, Picture, Renderer
from sketchkit.sketch import Sketch

__all__ = [
    "Destination",
    "Item",
    "check_paths",
    "rendered",
    "report",
    "send",
    "write_items",
]


@dataclass(frozen=True)
class Item:
    """One drawing to write.

    Args:
        stem: what its file is called, in a pattern.
        index: its number, in a pattern.
        sketch: what goes into a file of drawings.
        picture: what goes on a sheet; its metadata is the drawing's provenance.
        page: an SVG document of this drawing alone, where that is not just a sheet of one cell.
        source: the file it was made from, as the user wrote it.
        own_page: the page that the drawing has where it comes from.
    """

    stem: str
    index: int
    sketch: Sketch
    picture: Picture
    page: Callable[[], bytes] | None = None
    source: str | None = None
    own_page: OwnPage | None = None

    def layout(self, kind: Kind, layout: Layout) -> Layout:
        """How a kind of file sets out this drawing alone."""
        return replace(layout, own_page=self.own_page) if kind.true_size else layout


@dataclass(frozen=True)
class Destination:
    """Where outputs go.

    Args:
        pattern: a path, in which `{stem}` and `{index}` stand for a drawing; `-` is stdout.
        kind: of file.
        overwrite: whether files may exist already.
        quiet: whether a report on stdout says where the outputs are.
    """

    pattern: str
    kind: Kind
    overwrite: bool
    quiet: bool = False

    @classmethod
    def of(cls, chosen: OutputOptions, default: str, *, each: bool, json: bool = False) -> Destination:
        """From what the user wrote.

        Args:
            chosen: the options.
            default: a pattern without suffix, where the user names no output.
            each: whether each drawing gets a file.
            json: whether JSON goes to stdout.

        Raises:
            typer.BadParameter: a kind of file that nobody writes, JSON and a picture both on stdout, a
                `{field}` that stands for nothing, or `{index}` where several drawings share a file.
        """
        kind = kind_of(chosen.format, f"{default}.svg" if chosen.output is None else chosen.output)
        pattern = default + kind.suffix if chosen.output is None else chosen.output
        if pattern == STDOUT and json:
            raise typer.BadParameter("--json and the output cannot both go to stdout", param_hint="--output")
        if chosen.output is not None:
            check_fields(pattern)
        if "{index}" in pattern and not each:
            raise typer.BadParameter("{index} goes with --layout files only", param_hint="--output")
        return cls(pattern, kind, chosen.force, json)

    def path(self, stem: str, index: int = 0) -> str:
        """The file for one drawing."""
        return filled(self.pattern, stem, index)

    def check(self, paths: Sequence[str]) -> None:
        """Refuse, before any work is done, what could not be written in the end; see `check_paths`."""
        check_paths(paths, self.overwrite)

    def announce(self, paths: Sequence[str]) -> None:
        """Say on stderr what was written, unless a report on stdout does."""
        if not self.quiet:
            tell_written(paths)


def check_paths(paths: Sequence[str], overwrite: bool) -> None:
    """Refuse outputs that could not be written.

    Raises:
        InputError: two outputs of one name, a file that exists, a folder that is missing or read-only.
    """
    path, count = Counter(paths).most_common(1)[0]
    if count > 1:
        raise InputError(
            f"{shown(path)}: {count} outputs would have this name; "
            "{stem} and {index} in --output tell files and endings apart"
        )
    for path in paths:
        if path != STDOUT:
            _check_path(path, overwrite)


def _check_path(path: str, overwrite: bool) -> None:
    folder = os.path.dirname(os.path.realpath(path))
    if os.path.isdir(path):
        raise InputError(f"{shown(path)}: this is a folder")
    if os.path.isfile(path) and not overwrite:
        raise InputError(f"{shown(path)}: the file exists already; --force overwrites it")
    if os.path.exists(path) and not os.path.isfile(path):
        return  # a pipe or a device
    if not os.path.isdir(folder):
        raise InputError(f"{shown(path)}: there is no folder {shown(folder)}")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{shown(path)}: the folder {shown(folder)} cannot be written to")


def rendered(
    renderer: Renderer, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, Any]
) -> bytes:
    """What a renderer makes of pictures; a sheet may be large, so that something moves at a terminal."""
    with progress("Rendering"):
        return renderer.render(layout.with_curves(pictures), layout, metadata)


def send(content: bytes, path: str, overwrite: bool) -> None:
    """Bytes to a file, at once or not at all, or to stdout."""
    if path == STDOUT:
        write_stdout(content)
        return
    with atomic_write(path, overwrite=overwrite) as stream:
        stream.write(content)


def write_items(
    items: Sequence[Item],
    to: Destination,
    layout: Layout,
    provenance: Mapping[str, Any],
    *,
    each: bool,
    pictures: Sequence[Picture] | None = None,
) -> list[str]:
    """Write drawings.

    Args:
        items: one or more.
        to: where to.
        layout: of a sheet.
        provenance: of the whole run.
        each: a file each, else all in one.
        pictures: what the one sheet shows; the items' own when None.

    Returns:
        The file that each item is in.
    """
    if each:
        with progress("Writing") as told:
            return [
                _write_one(item, to, layout, partial(told, n, len(items))) for n, item in enumerate(items, 1)
            ]
    path = to.path(items[0].stem)
    if to.kind.renderer is None:
        _write_data(items, path, to)
    else:
        shown = pictures or [item.picture for item in items]
        on = items[0].layout(to.kind, layout) if len(shown) == 1 else layout
        content = rendered(to.kind.renderer(), shown, on, provenance)
        send(content, path, to.overwrite)
    return [path] * len(items)


def _write_one(item: Item, to: Destination, layout: Layout, done: Callable[[], None]) -> str:
    path = to.path(item.stem, item.index)
    if to.kind.renderer is None:
        _write_data([item], path, to)
    elif to.kind.plain_svg and item.page is not None:
        send(item.page(), path, to.overwrite)
    else:
        on = item.layout(to.kind, layout)
        content = to.kind.renderer().render(on.with_curves([item.picture]), on, item.picture.metadata)
        send(content, path, to.overwrite)
    done()
    return path


def _write_data(items: Sequence[Item], path: str, to: Destination) -> None:
    write([item.sketch for item in items], path, format=to.kind.format, overwrite=to.overwrite)


def report(items: Sequence[Item], paths: Sequence[str]) -> None:
    """Say on stdout, as JSON, what was drawn and which file it is in."""
    print_json(
        [
            {
                **({} if item.source is None else {"input": item.source, "drawing": item.stem}),
                "output": path,
                "points": len(item.sketch.without_end()),
                **item.picture.metadata,
            }
            for item, path in zip(items, paths, strict=True)
        ]
    )
