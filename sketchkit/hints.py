"""Hints for unknown names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

__all__ = ["find_name", "hint", "meant"]

#: Names that an error lists.
_MOST = 40


def find_name(name: str, known: Sequence[str]) -> str | None:
    """The known name that equals a name, or else the only one that differs in capitals alone."""
    if name in known:
        return name
    folded = " ".join(name.casefold().split())
    same = [each for each in known if each.casefold() == folded]
    return same[0] if len(same) == 1 else None


meant = find_name  # the old name, until all callers have moved


def hint(name: str, known: Sequence[str], listed: str = "there are") -> str:
    """Advice on an unknown name: the nearest of the known names, in any case of letters, or else all of them.

    Args:
        name: the unknown name.
        known: the known names.
        listed: the words before the list.
    """
    lowered = {each.lower(): each for each in reversed(known)}
    near = difflib.get_close_matches(name.lower(), list(lowered), n=1)
    if near:
        return f"did you mean {lowered[near[0]]!r}?"
    more = f" and {len(known) - _MOST} more" if len(known) > _MOST else ""
    return f"{listed} {', '.join(known[:_MOST])}{more}"
