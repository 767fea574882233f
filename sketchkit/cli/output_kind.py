"""The kinds of files that commands write: pictures by renderers, and drawings in data formats."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from sketchkit import registry
from sketchkit.cli.groups import as_usage
from sketchkit.cli.options import UsageError
from sketchkit.errors import PluginError
from sketchkit.formats import format_for
from sketchkit.formats.streams import suffix_of
from sketchkit.options import parse_pairs
from sketchkit.rendering import Renderer, make_renderer

__all__ = ["STDOUT", "Kind", "has_trait", "kind_of", "picture_renderer"]

STDOUT = "-"


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Args:
        suffix: with the dot.
        renderer: makes the renderer; None for a file of drawings.
        format: the name of the data format; None for a picture.
        name: of the renderer or the format.
    """

    suffix: str
    renderer: Callable[[], Renderer] | None
    format: str | None = None
    name: str = ""

    @property
    def true_size(self) -> bool:
        """Whether a drawing from a document keeps its page and its size."""
        return self.renderer is not None and has_trait(registry.load("renderer", self.name), "true_size")

    @property
    def plain_svg(self) -> bool:
        """Whether this is our own SVG, in which a drawing may keep its place."""
        return self.renderer is not None and self.name == "svg"


def has_trait(renderer: object, name: str) -> bool:
    """Whether an attribute of a renderer or of its class is true, also of a wrapped plugin."""
    return bool(getattr(getattr(renderer, "__wrapped__", renderer), name, False))


def kind_of(name: str | None, path: str) -> Kind:
    """The kind of file that a user means.

    Args:
        name: of a renderer, with options as in `gif:seconds=0.5:loop=no`, of a format, or a suffix; the
            suffix of `path` tells when None.
        path: the output; stdout is SVG unless the name says otherwise.

    Raises:
        UsageError: an unknown kind of file, or an option that the renderer lacks.
    """
    return _kind(name, path, ("renderer", "format"))


def picture_renderer(name: str | None, path: str) -> Renderer:
    """The renderer of the picture that a user means; see `kind_of`."""
    kind = _kind(name, path, ("renderer",))
    assert kind.renderer is not None
    return kind.renderer()


def _kind(name: str | None, path: str, kinds: tuple[str, ...]) -> Kind:
    """The kind of file that a user means, written by plugins of some kinds."""
    asked, values = _parse(name)
    if asked is not None and "," in asked:
        raise UsageError(
            f"{asked!r} are several: only interpolate and grid write more than one, with --jobs or --pairs",
            "--format",
        )
    if asked and registry.known("renderer", asked) and (suffixes := _suffixes("renderer", asked)):
        return _picture_kind(suffixes[0], asked, values)
    suffix = _suffix(asked, path)
    if asked and suffix.endswith(".gz"):
        raise UsageError(
            "an output whose name ends in .gz is compressed: give the format of what it holds", "--format"
        )
    for builtin in (True, False):
        for renderer in registry.plugins_for_suffix("renderer", suffix, builtin=builtin):
            return _picture_kind(suffix, renderer, values)
        formats = registry.plugins_for_suffix("format", suffix, builtin=builtin) if "format" in kinds else ()
        for format in formats:
            if values:
                raise UsageError(f"{format} has no options", "--format")
            return Kind(suffix, None, format_for(suffix), format)
    raise _unknown(suffix, asked, kinds)


def _picture_kind(suffix: str, renderer: str, values: Mapping[str, str]) -> Kind:
    """A kind of picture, whose options are checked before anything is drawn."""
    if values:
        with as_usage("--format"):
            make_renderer(renderer, values)
    return Kind(suffix, partial(make_renderer, renderer, values), name=renderer)


def _parse(name: str | None) -> tuple[str | None, dict[str, str]]:
    """A name without the options behind it, and those."""
    if name is None:
        return None, {}
    asked, *pairs = name.split(":")
    full = f"{asked}:{pairs[0]}" if pairs else ""
    if any(registry.known(kind, full) for kind in ("renderer", "format")):
        asked = full
        del pairs[0]
    with as_usage("--format"):
        return asked, parse_pairs(pairs)


def _suffix(name: str | None, path: str) -> str:
    if name is None:
        return ".svg" if path == STDOUT else suffix_of(path).lower()
    if registry.known("format", name) and (suffixes := _suffixes("format", name)):
        return suffixes[0]
    return f".{name.lower().lstrip('.')}"


def _unknown(suffix: str, name: str | None, kinds: tuple[str, ...]) -> UsageError:
    known = sorted({s for kind in kinds for each in registry.names(kind) for s in _suffixes(kind, each)})
    near = difflib.get_close_matches(suffix, known, n=1)
    what = f"nothing writes {suffix} files" if suffix else "a name without a suffix needs --format"
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return UsageError(f"{what}: {hint}", "--output" if name is None else "--format")


def _suffixes(kind: str, name: str) -> tuple[str, ...]:
    """The suffixes of a plugin; empty for a plugin that fails to load."""
    try:
        return registry.suffixes_of(registry.load(kind, name))
    except PluginError:
        return ()
