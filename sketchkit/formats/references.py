"""`FILE#K`: one drawing of a file that holds many."""

from __future__ import annotations

import os

from sketchkit.errors import InputError
from sketchkit.files import shown

__all__ = ["parted"]

#: Digits of the number of a drawing; no file holds a million million.
_MOST_DIGITS = 12


def parted(reference: str) -> tuple[str, int | None]:
    """The file that is meant, and which of its drawings.

    Args:
        reference: a file, or FILE#K for its drawing K, counted from 0. A file that is really called so goes
            first.

    Returns:
        The file, and K where one is named.

    Raises:
        InputError: the file is there, but what follows it is no number of a drawing.
    """
    file, mark, number = reference.rpartition("#")
    if not (mark and file) or os.path.exists(reference):
        return reference, None
    if number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS:
        return file, int(number)
    if file != "-" and not os.path.isfile(file):
        return reference, None
    raise InputError(
        f"{shown(reference)}: drawings are numbered from 0: {shown(file)}#0 is the first of them, and "
        f"{shown(number)} is no such number"
    )
