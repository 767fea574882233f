"""Options without an effect beside others: they are refused before any work is done."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from pathlib import Path

import typer

from sketchkit.cli.groups import SheetOptions
from sketchkit.cli.options import UsageError
from sketchkit.cli.output_kind import Kind, has_trait
from sketchkit.files import is_url
from sketchkit.rendering import Renderer

__all__ = ["check_frames", "check_sheet", "check_split", "refuse_given", "refuse_sheet"]

#: The options of a sheet that say how its drawings stand to each other.
_OF_SEVERAL = frozenset({"tile", "scale_mode"})
_ALL = frozenset(option.name for option in fields(SheetOptions))


def check_sheet(sheet: SheetOptions, kind: Kind, *, each: bool = False, own_page: bool = False) -> None:
    """Refuse options of a sheet for other outputs.

    Args:
        sheet: the options.
        kind: of the output.
        each: whether each drawing gets a file.
        own_page: whether an SVG file shows a drawing on the page that it has already.

    Raises:
        UsageError: the first of them.
    """
    if kind.renderer is None:
        refuse_sheet(sheet, f"{kind.suffix} files hold drawings, not a sheet")
    else:
        check_frames(sheet, kind.renderer())
    if each:
        refuse_sheet(sheet, "each file holds one drawing", _ALL - {"scale_mode"})
    if own_page and kind.plain_svg:
        refuse_sheet(sheet, "the drawing stays on its own page, which is no sheet", {"stroke", "curves"})


def check_frames(sheet: SheetOptions, *renderers: Renderer) -> None:
    """Refuse options without an effect on animations, which show one drawing after another at one scale.

    Raises:
        UsageError: a tile, or one scale for all drawings, where all renderers make animations.
    """
    if all(has_trait(renderer, "one_by_one") for renderer in renderers):
        refuse_sheet(
            sheet, "an animation shows one drawing after another, all at one scale", _ALL - _OF_SEVERAL
        )


def check_split(context: typer.Context, source: str | None) -> None:
    """Refuse `--split` without a data set, also beside a file of drawings.

    Raises:
        UsageError: it was given.
    """
    if source is None or is_url(source) or Path(source).is_file():
        refuse_given(context, {"split"}, "goes with a data set only")


def refuse_given(context: typer.Context, names: Collection[str], why: str) -> None:
    """Refuse options that stand on the command line, also with their default values.

    Args:
        context: of the command.
        names: of its parameters.
        why: the reason.

    Raises:
        UsageError: the first of them.
    """
    for parameter in context.command.params:
        name = str(parameter.name)
        source = context.get_parameter_source(name) if name in names else None
        if source is not None and source.name == "COMMANDLINE":
            raise UsageError(why, parameter.opts[0])


def refuse_sheet(sheet: SheetOptions, why: str, but: Collection[str] = ()) -> None:
    """Refuse options of a sheet.

    Args:
        sheet: the options.
        why: the reason.
        but: the names of options that are accepted all the same.

    Raises:
        UsageError: the first of them.
    """
    for option in fields(sheet):
        if option.name not in but and getattr(sheet, option.name) != option.default:
            raise UsageError(why, f"--{option.name.replace('_', '-')}")
