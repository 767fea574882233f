"""Showing drawings: pictures set out on a sheet and written as SVG, PNG, PDF or what a plugin brings."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from sketchkit import registry
from sketchkit.errors import InputError, PluginError
from sketchkit.files import atomic_write
from sketchkit.rendering.base import Renderer
from sketchkit.rendering.layout import Layout, Place, Sheet
from sketchkit.rendering.picture import Ink, Picture
from sketchkit.sketch import Sketch

__all__ = ["Ink", "Layout", "Picture", "Place", "Renderer", "Sheet", "render", "renderer_for", "renderers"]


def render(
    drawings: Sketch | Picture | Iterable[Sketch | Picture],
    target: str | os.PathLike[str] | None = None,
    *,
    tile: tuple[int, int | None] | None = None,
    cell: float = 128,
    gap: float = 8,
    label: bool = False,
    stroke: float = 2.0,
    margin: float = 8,
    background: str | None = None,
    scale: Literal["fit", "common"] = "fit",
    renderer: str | Renderer | None = None,
    metadata: Mapping[str, object] | None = None,
    overwrite: bool = True,
) -> bytes:
    """Draw sketches or pictures on one sheet.

    Args:
        drawings: one or many, row by row.
        target: the file to write, at once or not at all; none is written when None.
        tile: (columns, rows); as many rows as it takes when rows is None, nearly a square when tile is.
        cell: the side of a cell in pixels, as all lengths here.
        gap: between two cells.
        label: whether captions are written.
        stroke: the width of lines, whatever the scale of a drawing.
        margin: around the whole grid.
        background: the colour of the paper, "none" for transparent; what suits the renderer when None.
        scale: "fit" fills each cell, "common" shows all drawings at one scale.
        renderer: its name or the renderer itself; chosen by the suffix of the target when None, SVG where
            there is no target either.
        metadata: provenance, which the file carries.
        overwrite: whether a file that exists may be replaced.

    Returns:
        The bytes of the file.

    Raises:
        InputError: lengths that make no sheet, more drawings than cells, a suffix nobody writes.
        PluginError: a renderer that is unknown or cannot work here.
    """
    layout = Layout(tile, cell, gap, label, stroke, margin, background, scale)
    chosen = _chosen(renderer, target)
    several = [drawings] if isinstance(drawings, Sketch | Picture) else drawings
    pictures = [Picture.of(each) if isinstance(each, Sketch) else each for each in several]
    content = chosen.render(pictures, layout, metadata or {})
    if target is not None:
        with atomic_write(target, overwrite=overwrite) as stream:
            stream.write(content)
    return content


def renderers() -> list[str]:
    """The names of all installed renderers, sorted; nothing is imported."""
    return registry.names("renderer")


def renderer_for(suffix: str) -> type[Any]:
    """The class of the renderer that writes files of a suffix.

    Args:
        suffix: with the dot, in any case.

    Returns:
        Our own where we have one, else the first by name; a renderer that cannot be loaded is passed over.

    Raises:
        InputError: nobody writes such files.
    """
    wanted = suffix.lower()
    known: list[str] = []
    for kind in _loadable(wanted):
        suffixes = getattr(kind, "suffixes", ())
        if wanted in suffixes:
            return kind
        known += suffixes
    raise InputError(f"nothing renders {suffix or 'a file without a suffix'}: there are {', '.join(known)}")


def _loadable(suffix: str) -> Iterable[type[Any]]:
    """The renderers, the one called like the suffix first: usually no other is imported."""
    names = registry.names("renderer")
    for name in sorted(names, key=lambda name: (f".{name}" != suffix, ":" in name, name)):
        try:
            yield registry.load("renderer", name)
        except PluginError:
            continue


def _chosen(renderer: str | Renderer | None, target: str | os.PathLike[str] | None) -> Renderer:
    if isinstance(renderer, str):
        made: Renderer = registry.load("renderer", renderer)()
        return made
    if renderer is not None:
        return renderer
    return renderer_for(".svg" if target is None else Path(target).suffix)()  # type: ignore[no-any-return]
