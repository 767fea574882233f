"""Provenance as comments that no machine can take for a command."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence

__all__ = ["comments"]

# The longest comment, in letters: some controllers take no longer lines.
_LENGTH = 70

# Everything else is a danger somewhere: brackets and semicolons begin and end comments, quotes end strings of
# HPGL, a percent sign ends a program, and controllers such as grbl obey !, ? and ~ wherever they come.
_UNSAFE = re.compile(r"[^A-Za-z0-9 .,:_+=#/-]")


def comments(metadata: Mapping[str, object]) -> list[str]:
    """A mapping as short lines of harmless ASCII.

    Args:
        metadata: anything; a mapping in it becomes names with dots, a list words with commas.

    Returns:
        `name: value` each, wrapped at 70 letters; what might be read as a command has become an underscore.
    """
    lines = (_UNSAFE.sub("_", f"{name}: {value}") for name, value in _flat(metadata, ""))
    return [part for line in lines for part in textwrap.wrap(line, _LENGTH)]


def _flat(metadata: Mapping[str, object], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in metadata.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
            yield f"{prefix}{name}", ", ".join(map(str, value))
        else:
            yield f"{prefix}{name}", str(value)
