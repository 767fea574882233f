"""What the command line says, and where: results on stdout, everything else on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["plain", "print_json", "print_table", "progress", "say"]

#: Words of strangers are cut at this length.
_MAX_TEXT = 500


def plain(text: object) -> str:
    """Text that is harmless in a terminal: one line, every control or invisible character replaced."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text)[:_MAX_TEXT])


def say(text: str) -> None:
    """One line on stderr."""
    print(plain(text), file=sys.stderr)


def print_json(value: Any) -> None:
    """A value as indented JSON on stdout."""
    import orjson

    sys.stdout.flush()
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.flush()


def print_table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Rows in aligned columns on stdout, for eyes and for `awk` alike."""
    lines = [tuple(map(plain, row)) for row in (header, *rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@contextmanager
def progress(what: str, unit: str = "") -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, only where that is a terminal.

    Yields:
        A function that takes (done, in all or 0).
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(plain(f"{what} {unit}".strip()), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)
