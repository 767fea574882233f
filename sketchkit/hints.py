"""What may have been meant by a name that nothing has."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

__all__ = ["hint", "meant"]

#: Names that an error lists.
_MOST = 40


def meant(name: str, known: Sequence[str]) -> str | None:
    """The known name that a name stands for: itself, or else the only one that differs in capitals alone."""
    if name in known:
        return name
    folded = " ".join(name.casefold().split())
    same = [each for each in known if each.casefold() == folded]
    return same[0] if len(same) == 1 else None


def hint(name: str, known: Sequence[str], listed: str = "there are") -> str:
    """The nearest of the known names, whether in capitals or not, or else all of them.

    Args:
        name: what somebody wrote.
        known: what there is.
        listed: what goes before the list.
    """
    lowered = {each.lower(): each for each in reversed(known)}
    near = difflib.get_close_matches(name.lower(), list(lowered), n=1)
    if near:
        return f"did you mean {lowered[near[0]]!r}?"
    more = f" and {len(known) - _MOST} more" if len(known) > _MOST else ""
    return f"{listed} {', '.join(known[:_MOST])}{more}"
