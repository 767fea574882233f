"""`{stem}` and `{index}` in the names of outputs."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import typer

__all__ = ["FIELDS", "check_fields", "filled", "no_fields", "one_file"]

FIELDS = ("{stem}", "{index}")
_FIELD = re.compile("|".join(map(re.escape, FIELDS)))


def filled(pattern: str, stem: str, index: int = 0) -> str:
    """A pattern with its fields filled in."""
    values = dict(zip(FIELDS, (stem, str(index)), strict=True))
    # In one pass: a stem may itself hold braces.
    return _FIELD.sub(lambda field: values[field[0]], pattern)


def one_file(path: str, stem: str, option: str = "--output") -> str:
    """The name of a single file, in which `{stem}` may stand for what it is made of.

    Args:
        path: as the user wrote it.
        stem: of the first input.
        option: that names the file.

    Raises:
        typer.BadParameter: another `{field}`, which stands for nothing.
    """
    check_fields(path, FIELDS[:1], option)
    return filled(path, stem)


def check_fields(pattern: str, known: Sequence[str] = FIELDS, option: str = "--output") -> None:
    """Refuse a `{field}` that stands for nothing.

    Raises:
        typer.BadParameter: the first of them.
    """
    for field in re.findall(r"\{[^{}]*\}", pattern):
        if field not in known:
            there = f"there {'is' if len(known) == 1 else 'are'} {' and '.join(known)}"
            raise typer.BadParameter(f"{field} stands for nothing: {there}", param_hint=option)


def no_fields(path: str | os.PathLike[str] | None, option: str) -> None:
    """Refuse `{stem}` and `{index}` in a name in which they stand for nothing.

    Raises:
        typer.BadParameter: the first of them.
    """
    if path is not None and (found := _FIELD.search(os.fspath(path))):
        raise typer.BadParameter(f"{found[0]} stands for nothing here", param_hint=option)
