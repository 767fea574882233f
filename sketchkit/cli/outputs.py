"""Drawings as files: on one sheet or one by one, each whole or not at all, existing files kept."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sketchkit import remote
from sketchkit.cli.console import print_json, progress, tell_written, write_stdout
from sketchkit.cli.groups import OutputOptions, SheetOptions, check_fields, fill_fields
from sketchkit.cli.inapplicable import check_sheet
from sketchkit.cli.options import UsageError
from sketchkit.cli.output_kind import STDOUT, Kind, kind_of
from sketchkit.cli.records import current_call
from sketchkit.errors import InputError
from sketchkit.files import atomic_write, is_file, is_url, shown
from sketchkit.formats import write
from sketchkit.rendering import Ink, Layout, OwnPage, Picture, Renderer
from sketchkit.rendering.palette import INK
from sketchkit.sketch import Sketch

__all__ = ["Destination", "Item", "Page", "check_paths", "is_folder", "render_pictures", "send"]


@dataclass(frozen=True)
class Item:
    """One drawing to write.

    Args:
        stem: `{stem}` in the name of its file.
        index: `{index}` in the name of its file.
        sketch: the drawing, for files of drawings.
        picture: the drawing, for a sheet; its metadata is the drawing's provenance.
        page: makes an SVG document of this drawing alone, where that differs from a sheet of one cell; it
            takes the record of the command.
        source: the file it was made from, as the user wrote it.
        own_page: the page that the drawing has in that file.
    """

    stem: str
    index: int
    sketch: Sketch
    picture: Picture
    page: Callable[[Mapping[str, Any]], bytes] | None = None
    source: str | None = None
    own_page: OwnPage | None = None

    @classmethod
    def of(
        cls,
        stem: str,
        index: int,
        sketch: Sketch,
        caption: str,
        facts: Mapping[str, Any],
        *,
        color: str = INK,
        source: str | None = None,
    ) -> Item:
        """An item of a drawing in one curved ink, whose facts say as well whether it is finished."""
        facts = {**facts, "finished": sketch.ended}
        picture = Picture((Ink(sketch, color, curved=True),), caption, facts)
        return cls(stem, index, sketch, picture, source=source)

    def layout(self, kind: Kind, layout: Layout) -> Layout:
        """The layout of this drawing alone in a kind of file."""
        return replace(layout, own_page=self.own_page) if kind.true_size else layout


@dataclass(frozen=True)
class Destination:
    """Where outputs go.

    Args:
        pattern: a path, in which `{stem}` and `{index}` stand for a drawing; `-` is stdout.
        kind: of file.
        overwrite: whether files may exist already.
        format: as the user names it with `--format`, or else the suffix.
    """

    pattern: str
    kind: Kind
    overwrite: bool
    format: str

    @classmethod
    def of(cls, chosen: OutputOptions, default: str, *, each: bool, json: bool = False) -> Destination:
        """The destination that a user means.

        Args:
            chosen: the options.
            default: a pattern without suffix, for an output that is left open.
            each: whether each drawing gets a file.
            json: whether JSON goes to stdout.

        Raises:
            UsageError: an unknown kind of file, JSON and a picture both on stdout, an unknown
                `{field}`, or `{index}` where several drawings share a file.
        """
        kind = kind_of(chosen.format, f"{default}.svg" if chosen.output is None else chosen.output)
        pattern = default + kind.suffix if chosen.output is None else chosen.output
        if pattern == STDOUT and json:
            raise UsageError("--json and the output cannot both go to stdout", "--output")
        if chosen.output is not None:
            check_fields(pattern)
        if "{index}" in pattern and not each:
            raise UsageError("{index} goes with --layout files only", "--output")
        return cls(pattern, kind, chosen.force, (chosen.format or kind.suffix).lstrip("."))

    def path(self, stem: str, index: int = 0) -> str:
        """The file for one drawing."""
        return fill_fields(self.pattern, stem, index)

    def check(self, paths: Sequence[str]) -> None:
        """Refuse outputs that cannot be written; see `check_paths`."""
        check_paths(paths, self.overwrite)


@dataclass(frozen=True)
class Page:
    """Where the drawings of a command go: on one sheet, or to a file each; and a report, if asked for.

    Args:
        to: the files.
        sheet: the options of the sheet.
        each: whether each drawing gets a file.
        json: whether a report goes to stdout as JSON, in place of a line on stderr.
    """

    to: Destination
    sheet: SheetOptions
    each: bool = False
    json: bool = False

    @classmethod
    def of(
        cls,
        output: OutputOptions,
        sheet: SheetOptions,
        default: str,
        *,
        each: bool = False,
        json: bool = False,
        own_page: bool = False,
    ) -> Page:
        """The page that a user means.

        Args:
            output: the options.
            sheet: the options of the sheet.
            default: the name of the output without suffix, a pattern.
            each: whether each drawing gets a file.
            json: whether a report goes to stdout.
            own_page: whether an SVG file shows a drawing on the page that it has already.

        Raises:
            UsageError: see `Destination.of`; or an option of the sheet without an effect.
        """
        to = Destination.of(output, default, each=each, json=json)
        check_sheet(sheet, to.kind, each=each, own_page=own_page)
        return cls(to, sheet, each, json)

    def plan(
        self, stem: str, count: int, columns: int | None = None, indices: Sequence[int] | None = None
    ) -> Layout:
        """Lay out so many pictures, before the model draws, and refuse outputs that cannot be written.

        Args:
            stem: of the outputs.
            count: of pictures.
            columns: of a sheet without `--tile`.
            indices: of the drawings; 0 to `count` when None.

        Raises:
            UsageError: see `SheetOptions.layout`.
            InputError: see `check_paths`.
        """
        layout = self.sheet.layout(1) if self.each else self.sheet.layout(count, columns)
        numbers = (range(count) if indices is None else indices) if self.each else (0,)
        self.to.check([self.to.path(stem, index) for index in numbers])
        return layout

    def write(
        self,
        items: Sequence[Item],
        layout: Layout,
        provenance: Mapping[str, Any],
        pictures: Sequence[Picture] | None = None,
    ) -> None:
        """Write drawings, and say so; see `save`."""
        self.tell(items, self.save(items, layout, provenance, pictures))

    def save(
        self,
        items: Sequence[Item],
        layout: Layout,
        provenance: Mapping[str, Any],
        pictures: Sequence[Picture] | None = None,
    ) -> list[str]:
        """Write drawings.

        Args:
            items: one or more.
            layout: of a sheet.
            provenance: of the whole run.
            pictures: the pictures of the one sheet; the items' own when None.

        Returns:
            The file that each item is in.
        """
        if not self.each:
            return [self._write_all(items, layout, provenance, pictures)] * len(items)
        paths = []
        with progress("Writing") as report:
            for done, item in enumerate(items, 1):
                paths.append(self._write_one(item, layout))
                report(done, len(items))
        return paths

    def tell(self, items: Sequence[Item], paths: Sequence[str]) -> None:
        """Say which files were written: on stderr, or on stdout as JSON together with what was drawn."""
        call = current_call()
        if call is not None and call.again is not None:
            return
        if not self.json:
            tell_written(paths)
            return
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

    def record(self, stem: str, index: int = 0) -> dict[str, Any]:
        """The record of the command for the file of a drawing, as metadata."""
        call = current_call()
        if call is None:
            return {}
        pattern = "{stem}-{index}" if self.each else "{stem}"
        return call.metadata(self.to.format, pattern, fill_fields(pattern, stem, index))

    def _write_all(
        self,
        items: Sequence[Item],
        layout: Layout,
        provenance: Mapping[str, Any],
        pictures: Sequence[Picture] | None,
    ) -> str:
        path, kind = self.to.path(items[0].stem), self.to.kind
        if kind.renderer is None:
            self._write_data(items, path, provenance)
            return path
        pictures = pictures or [item.picture for item in items]
        on = items[0].layout(kind, layout) if len(pictures) == 1 else layout
        facts = {**provenance, **self.record(items[0].stem)}
        send(render_pictures(kind.renderer(), pictures, on, facts), path, self.to.overwrite)
        return path

    def _write_one(self, item: Item, layout: Layout) -> str:
        path, kind = self.to.path(item.stem, item.index), self.to.kind
        if kind.renderer is None:
            self._write_data([item], path, item.picture.metadata)
        elif kind.plain_svg and item.page is not None:
            send(item.page(self.record(item.stem, item.index)), path, self.to.overwrite)
        else:
            on = item.layout(kind, layout)
            facts = {**item.picture.metadata, **self.record(item.stem, item.index)}
            content = kind.renderer().render(on.with_curves([item.picture]), on, facts)
            send(content, path, self.to.overwrite)
        return path

    def _write_data(self, items: Sequence[Item], path: str, metadata: Mapping[str, Any]) -> None:
        sketches, to = [item.sketch for item in items], self.to
        write(sketches, path, format=to.kind.format, overwrite=to.overwrite, metadata=metadata)


def is_folder(path: str | None) -> bool:
    """Whether an output is a folder: there is one, or the path ends in a slash."""
    return path is not None and path != STDOUT and (path.endswith(("/", os.sep)) or os.path.isdir(path))


def check_paths(paths: Sequence[str], overwrite: bool) -> None:
    """Refuse outputs that cannot be written.

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
    if is_url(path):
        remote.check_writable(path)
        if not overwrite and is_file(path):
            raise InputError(f"{shown(path)}: the file exists already; --force overwrites it")
        return
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


def render_pictures(
    renderer: Renderer, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, Any]
) -> bytes:
    """The file that a renderer makes of pictures, with something that moves at a terminal."""
    with progress("Rendering"):
        return renderer.render(layout.with_curves(pictures), layout, metadata)


def send(content: bytes, path: str, overwrite: bool) -> None:
    """Bytes to a file, at once or not at all, or to stdout."""
    if path == STDOUT:
        write_stdout(content)
        return
    with atomic_write(path, overwrite=overwrite) as stream:
        stream.write(content)
