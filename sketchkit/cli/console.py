"""The output of the command line: results on stdout, all else on stderr."""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sketchkit.errors import InputError
from sketchkit.files import is_url, reason, standard_output

__all__ = [
    "explain_stdout",
    "json_bytes",
    "json_line",
    "plain",
    "print_json",
    "print_table",
    "progress",
    "say",
    "say_columns",
    "tell_written",
    "write_stdout",
]

#: Words of plugins and files are cut at this length.
_MAX_TEXT = 500


def plain(text: object) -> str:
    """Text that is harmless in a terminal: one line, every control or invisible character replaced."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text)[:_MAX_TEXT])


def say(text: str) -> None:
    """One line on stderr; a stderr that fails leaves the exit code alone."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # a full device, a reader that has gone, a closed stream
            print(plain(text), file=sys.stderr, flush=True)


def say_columns(names: Sequence[str]) -> None:
    """Names on stderr in columns as wide as the terminal, to be read downwards."""
    wide = max(map(len, names), default=0) + 2
    rows = math.ceil(len(names) / max(1, (shutil.get_terminal_size().columns - 2) // wide))
    for row in range(rows):
        say("  " + "".join(f"{name:<{wide}}" for name in names[row::rows]).rstrip())


def tell_written(paths: Sequence[str]) -> None:
    """Say on one line of stderr which files were written, but for stdout, pipes and devices."""
    files = [path for path in dict.fromkeys(paths) if path != "-" and (is_url(path) or os.path.isfile(path))]
    if len(files) > 2:
        say(f"wrote {len(files)} files, {files[0]} to {files[-1]}")
    elif files:
        say(f"wrote {' and '.join(files)}")


def write_stdout(content: bytes) -> None:
    """Bytes on stdout as they are, behind printed text.

    Raises:
        InputError: the disk is full.
        BrokenPipeError: the reader has gone.
    """
    stream = standard_output()
    with explain_stdout():
        sys.stdout.flush()
        stream.write(content)
        stream.flush()


@contextmanager
def explain_stdout() -> Iterator[None]:
    """Turn errors about standard output into one line, but for a reader that has gone."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(f"standard output: {reason(error)}") from error


def print_json(value: Any) -> None:
    """A value as indented JSON on stdout, in ASCII, which is safe for parsers and terminals."""
    write_stdout(json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """A value as `print_json` prints it."""
    import json

    return json.dumps(_sayable(value), indent=2, allow_nan=False).encode("ascii") + b"\n"


def json_line(value: Any) -> bytes:
    """A value as JSON on a line of its own, in ASCII."""
    import json

    return json.dumps(_sayable(value), allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def _sayable(value: Any) -> Any:
    """A value that strict parsers take: without halves of surrogate pairs, NaN and infinity."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if not value.isascii() else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_sayable(str(key)): _sayable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_sayable(each) for each in value]
    return value


def print_table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Rows in aligned columns on stdout, for eyes and for `awk` alike."""
    lines = [tuple(map(plain, row)) for row in (header, *rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, only where that is a terminal.

    Args:
        what: the words beside the bar.

    Yields:
        A function that takes (done, in all or 0).
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(plain(what), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)
