"""Showing drawings: pictures set out on a sheet and written as SVG, PNG, PDF, GIF or by a plugin."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, overload

from sketchkit import options, registry
from sketchkit.errors import InputError, PluginError
from sketchkit.files import atomic_write, check_path
from sketchkit.guard import Guarded
from sketchkit.rendering.base import Renderer
from sketchkit.rendering.layout import Layout, Place, Sheet
from sketchkit.rendering.page import OwnPage, Page
from sketchkit.rendering.picture import Area, Curves, Ink, Picture
from sketchkit.sketch import Drawn, Sketch
from sketchkit.svgdoc import json_text

__all__ = [
    "Area",
    "Curves",
    "Ink",
    "Layout",
    "OwnPage",
    "Page",
    "Picture",
    "Place",
    "Renderer",
    "Sheet",
    "json_text",
    "make_renderer",
    "render",
    "renderer_for",
    "renderers",
]

#: The content of a cell.
Shown = Sketch | Drawn | Picture


@overload
def render(
    drawings: Shown | Iterable[Shown],
    target: None = ...,
    *,
    tile: tuple[int, int | None] | None = ...,
    cell: float | None = ...,
    gap: float | None = ...,
    label: bool = ...,
    stroke: float | None = ...,
    margin: float | None = ...,
    background: str | None = ...,
    scale: Literal["fit", "common"] = ...,
    title: str | None = ...,
    row_labels: Sequence[str] = ...,
    column_labels: Sequence[str] = ...,
    page: str | Page | None = ...,
    curves: Curves = ...,
    renderer: str | Renderer | None = ...,
    metadata: Mapping[str, object] | None = ...,
    overwrite: bool = ...,
) -> bytes: ...


@overload
def render(
    drawings: Shown | Iterable[Shown],
    target: str | os.PathLike[str],
    *,
    tile: tuple[int, int | None] | None = ...,
    cell: float | None = ...,
    gap: float | None = ...,
    label: bool = ...,
    stroke: float | None = ...,
    margin: float | None = ...,
    background: str | None = ...,
    scale: Literal["fit", "common"] = ...,
    title: str | None = ...,
    row_labels: Sequence[str] = ...,
    column_labels: Sequence[str] = ...,
    page: str | Page | None = ...,
    curves: Curves = ...,
    renderer: str | Renderer | None = ...,
    metadata: Mapping[str, object] | None = ...,
    overwrite: bool = ...,
) -> None: ...


def render(
    drawings: Shown | Iterable[Shown],
    target: str | os.PathLike[str] | None = None,
    *,
    tile: tuple[int, int | None] | None = None,
    cell: float | None = None,
    gap: float | None = None,
    label: bool = False,
    stroke: float | None = None,
    margin: float | None = None,
    background: str | None = None,
    scale: Literal["fit", "common"] = "fit",
    title: str | None = None,
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    page: str | Page | None = None,
    curves: Curves = "auto",
    renderer: str | Renderer | None = None,
    metadata: Mapping[str, object] | None = None,
    overwrite: bool = True,
) -> bytes | None:
    """Draw sketches or pictures on one sheet.

    Args:
        drawings: one or many, row by row; of an ending or an infill the whole drawing is shown.
        target: the file to write, as a whole; the bytes are returned when `None`.
        tile: (columns, rows); as many rows as it takes when rows is `None`; by the labels or nearly a square
            when tile is.
        cell: the side of a cell in pixels, 128 when `None`; on a page it follows from the page.
        gap: between two cells, in pixels, or millimetres on a page, as all lengths; 8 px or 3 mm when `None`.
        label: whether captions are written.
        stroke: the width of lines, at every scale of a drawing; 2 px or 0.4 mm when `None`.
        margin: around the whole, words included; 8 px or 10 mm when `None`.
        background: the colour of the paper, `#rgb`, `#rrggbb` or a name of SVG's, `none` for transparent;
            the renderer's default when `None`.
        scale: "fit" fills each cell, "common" shows all drawings at one scale.
        title: a line above the sheet.
        row_labels: the names of all rows, from the top, or ().
        column_labels: the names of all columns, from the left, or ().
        page: the paper, such as "A4", "Letter-landscape" or "210x297mm"; as large as the grid when `None`.
        curves: "auto" draws smooth curves where a picture's ink asks for them, as ink drawn by a model does;
            "on" everywhere, "off" nowhere.
        renderer: its name or the renderer itself; chosen by the suffix of the target when `None`, SVG
            without a target.
        metadata: provenance, which the file carries.
        overwrite: whether a file that exists may be replaced.

    Returns:
        The bytes of the file, or `None` with a target.

    Raises:
        InputError: a value that is not a drawing, invalid lengths, more drawings than cells, more or fewer
            labels than rows or columns, an unknown colour or suffix.
        PluginError: a renderer that is unknown or cannot work here.
    """
    if target is not None and isinstance(drawings, str | os.PathLike):
        raise InputError("render takes drawings, then a path: sketchkit.render(drawings, path)")
    if target is not None:
        check_path(target)
    layout = Layout.on_page(
        page,
        cell=cell,
        gap=gap,
        stroke=stroke,
        margin=margin,
        tile=tile,
        label=label,
        background=background,
        scale=scale,
        title=title,
        row_labels=_labels("row_labels", row_labels),
        column_labels=_labels("column_labels", column_labels),
        curves=curves,
    )
    chosen = _choose_renderer(renderer, target)
    pictures = layout.with_curves(_picture(each) for each in _list_shown(drawings))
    content = chosen.render(pictures, layout, metadata or {})
    if target is None:
        return content
    with atomic_write(target, overwrite=overwrite) as stream:
        stream.write(content)
    return None


def renderers() -> list[str]:
    """The names of all installed renderers, sorted, without importing them."""
    return registry.names("renderer")


def make_renderer(name: str, values: Mapping[str, Any] | None = None) -> Renderer:
    """A renderer by name, with its options.

    Args:
        name: of the renderer; see `renderers`.
        values: options by name; strings are read as the option's type.

    Returns:
        The renderer; that of a plugin in a wrapper whose errors name the plugin.

    Raises:
        PluginError: it is unknown, or cannot be loaded or made.
        InputError: an option it does not have, or a value out of range.
    """

    def create(made_by: Any) -> Renderer:
        made: Renderer = options.create(made_by, f"renderer {name!r}", values or {})
        return made

    return registry.make("renderer", name, create, _GuardedRenderer)


def renderer_for(suffix: str) -> Callable[[], Renderer]:
    """The factory of the renderer that writes files of a suffix.

    Args:
        suffix: with the dot, in any case.

    Returns:
        The built-in one, else the first by name; a renderer that cannot be loaded is passed over.

    Raises:
        InputError: an unknown suffix.
    """
    for builtin in (True, False):
        for name in registry.plugins_for_suffix("renderer", suffix.lower(), builtin=builtin):
            return _find_maker(name)
    known = ", ".join(_list_suffixes())
    raise InputError(f"nothing renders {suffix or 'a file without a suffix'}: there are {known}")


class _GuardedRenderer(Guarded[Renderer]):
    # Asked of the class, before a renderer is made.
    suffixes: ClassVar[tuple[str, ...]] = ()

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        """Draw pictures on one sheet; see `Renderer`."""
        return self._call(self.__wrapped__.render, pictures, layout, metadata, find_problem=_find_problem)


def _find_problem(content: object) -> str | None:
    return None if isinstance(content, bytes) else f"drew a {type(content).__name__}, not the bytes of a file"


def _labels(name: str, labels: Sequence[str]) -> tuple[str, ...]:
    if isinstance(labels, str):
        raise InputError(f"{name} must be a list of words, got one: {labels!r}")
    return tuple(labels)


def _list_shown(drawings: Shown | Iterable[Shown]) -> Iterable[Shown]:
    if isinstance(drawings, Sketch | Picture | Drawn):
        return [drawings]
    if isinstance(drawings, str | bytes) or not isinstance(drawings, Iterable):
        raise InputError(f"a sheet shows drawings, not a {type(drawings).__name__}")
    return drawings


def _picture(shown: Shown) -> Picture:
    if isinstance(shown, Picture):
        return shown
    sketch = shown if isinstance(shown, Sketch) else getattr(shown, "sketch", None)
    if not isinstance(sketch, Sketch):
        kind = type(shown).__name__
        hint = ": give one list of them all" if isinstance(shown, list) else ""
        raise InputError(f"a cell of a sheet shows one drawing, not a {kind}{hint}")
    return Picture.of(sketch)


def _find_maker(name: str) -> Callable[[], Renderer]:
    """The class of a renderer, or for a plugin's the function that wraps it."""
    made: Callable[[], Renderer] = registry.load("renderer", name)
    return made if registry.find("renderer", name).builtin else partial(make_renderer, name)


def _list_suffixes() -> list[str]:
    found: set[str] = set()
    for name in renderers():
        try:
            found.update(registry.suffixes_of(registry.load("renderer", name)))
        except PluginError:
            continue
    return sorted(found)


def _choose_renderer(renderer: str | Renderer | None, target: str | os.PathLike[str] | None) -> Renderer:
    if isinstance(renderer, str):
        return make_renderer(renderer)
    if renderer is not None:
        return renderer
    return renderer_for(".svg" if target is None else Path(target).suffix)()
