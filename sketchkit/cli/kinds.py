"""What kind of file a command writes: a picture, which a renderer draws, or data, which a format holds."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import typer

from sketchkit import registry
from sketchkit.errors import InputError, PluginError
from sketchkit.formats import format_for
from sketchkit.rendering import Renderer, renderer_for

__all__ = ["STDOUT", "Kind", "kind_of", "picture_renderer"]

STDOUT = "-"


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Args:
        suffix: with the dot.
        renderer: what draws it; None for a file of drawings.
        format: what holds the drawings; None for a picture.
    """

    suffix: str
    renderer: Callable[[], Renderer] | None
    format: str | None = None


def kind_of(name: str | None, path: str) -> Kind:
    """The kind of file that a user means.

    Args:
        name: of a renderer or a format, or a suffix; the suffix of `path` tells when None.
        path: the output; stdout is SVG unless the name says otherwise.

    Raises:
        typer.BadParameter: nobody writes such files.
    """
    suffix = _suffix(name, path)
    for builtin in (True, False):
        if any(registry.answering("renderer", suffix, builtin=builtin)):
            return Kind(suffix, renderer_for(suffix))
        if any(registry.answering("format", suffix, builtin=builtin)):
            return Kind(suffix, None, format_for(suffix))
    raise _unknown(suffix, name, ("renderer", "format"))


def picture_renderer(name: str | None, path: str) -> Renderer:
    """The renderer of the picture that a user means; see `kind_of`."""
    suffix = _suffix(name, path)
    with suppress(InputError):
        return renderer_for(suffix)()
    raise _unknown(suffix, name, ("renderer",))


def _suffix(name: str | None, path: str) -> str:
    if name is None:
        return ".svg" if path == STDOUT else Path(path).suffix.lower()
    for kind in ("renderer", "format"):
        if name in registry.names(kind) and (suffixes := _suffixes(kind, name)):
            return suffixes[0]
    return f".{name.lower().lstrip('.')}"


def _unknown(suffix: str, name: str | None, kinds: tuple[str, ...]) -> typer.BadParameter:
    known = sorted({s for kind in kinds for each in registry.names(kind) for s in _suffixes(kind, each)})
    near = difflib.get_close_matches(suffix, known, n=1)
    what = f"nothing writes {suffix} files" if suffix else "a name without a suffix needs --format"
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return typer.BadParameter(f"{what}: {hint}", param_hint="--output" if name is None else "--format")


def _suffixes(kind: str, name: str) -> tuple[str, ...]:
    """The suffixes of a plugin; none of one that does not load."""
    try:
        return registry.suffixes_of(registry.load(kind, name))
    except PluginError:
        return ()
