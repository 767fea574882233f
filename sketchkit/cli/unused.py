"""Options of sheets that a command would pass over in silence: they are refused before any work is done."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields

import typer

from sketchkit.cli.outputs import Destination
from sketchkit.cli.parameters import SheetOptions

__all__ = ["check_sheet", "refuse_sheet"]


def check_sheet(sheet: SheetOptions, to: Destination, *, own_page: bool = False) -> None:
    """Refuse options of a sheet where what is written has none.

    Args:
        sheet: the options.
        to: where outputs go.
        own_page: whether an SVG file shows a drawing on the page that it has already.

    Raises:
        typer.BadParameter: the first of them.
    """
    if to.kind.renderer is None:
        refuse_sheet(sheet, f"{to.kind.suffix} files hold drawings, not a sheet")
    if own_page and to.kind.plain_svg:
        refuse_sheet(sheet, "the drawing stays on its own page, which is no sheet", {"stroke"})


def refuse_sheet(sheet: SheetOptions, why: str, but: Collection[str] = ()) -> None:
    """Refuse options of a sheet.

    Args:
        sheet: the options.
        why: nothing would come of them.
        but: the names of those that are taken all the same.

    Raises:
        typer.BadParameter: the first of them.
    """
    for option in fields(sheet):
        if option.name not in but and getattr(sheet, option.name) != option.default:
            raise typer.BadParameter(why, param_hint=f"--{option.name}")
