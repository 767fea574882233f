"""`sketchkit merge`: the parts that several processes made, as one file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import Any, BinaryIO

from sketchkit.cli.help import Command, standalone_app
from sketchkit.cli.options import Force, UsageError, argument, option
from sketchkit.errors import FormatError, InputError
from sketchkit.files import explain_errors, open_file, shown

__all__ = ["EXAMPLE", "app", "merge"]

EXAMPLE = "sketchkit merge parts -o drawings.ndjson"

#: The most missing parts that are named.
_MOST_NAMES = 5
_BYTES_AT_ONCE = 1 << 20


def merge(
    *,
    folders: list[str] = argument(
        "FOLDERS", "What --shard filled: one folder, or several of one work, filled on several machines."
    ),
    output: str | None = option(
        None, "The file to write.", flags="--output -o", metavar="PATH", usual="none: only check the parts"
    ),
    force: Force = False,
) -> None:
    """Join parts to one file, and check them.

    Parts that are missing, there twice or cut off are refused.
    """
    from sketchkit.cli.console import progress, say, tell_written
    from sketchkit.cli.outputs import check_paths
    from sketchkit.cli.resumable import read_run

    runs = [read_run(folder) for folder in folders]
    for folder, run in zip(folders, runs, strict=True):
        if run != runs[0]:
            raise InputError(f"{shown(folder)}: holds other work than {shown(folders[0])}")
    run = runs[0]
    parts = _find_parts(folders, run)
    with progress("Checking") as report:
        for number, part in enumerate(parts, 1):
            _check_lines(part, number - 1, run)
            report(number, len(parts))
    if output is None:
        say(f"all {len(parts)} parts are there")
        return
    _check_suffix(output, parts[0])
    check_paths([output], force)
    _join(parts, output, overwrite=force)
    tell_written([output])


def _find_parts(folders: Sequence[str], run: dict[str, Any]) -> list[str]:
    """The files of all parts in their order.

    Raises:
        InputError: a part is missing, or in two folders.
    """
    from sketchkit.cli.parts import part_name

    suffix, count = os.path.splitext(run["pattern"][0])[1], -(-run["n"] // run["size"])
    found, missing = [], []
    for number in range(count):
        name = part_name(number, count, suffix)
        there = [path for folder in folders if os.path.isfile(path := os.path.join(folder, name))]
        if len(there) > 1:
            raise InputError(f"{shown(there[1])}: is in {shown(os.path.dirname(there[0]))} as well")
        found += there
        missing += [] if there else [name]
    if missing:
        names = ", ".join(missing[:_MOST_NAMES]) + (", ..." if len(missing) > _MOST_NAMES else "")
        raise InputError(
            f"{shown(folders[0])}: {len(missing)} of {count} parts are missing: {names}; the command that "
            "began the folder makes them"
        )
    return found


def _check_lines(part: str, number: int, run: dict[str, Any]) -> None:
    """Refuse a file of lines that has been cut off or added to."""
    if run["lines"] is None:
        return
    wanted = run["lines"] * (min((number + 1) * run["size"], run["n"]) - number * run["size"])
    with explain_errors(part), open_file(part) as stream:
        lines = sum(block.count(b"\n") for block in iter(lambda: stream.read(_BYTES_AT_ONCE), b""))
    if lines != wanted:
        raise FormatError(f"{shown(part)}: has {lines} lines, not {wanted}: remove it and make it again")


def _check_suffix(output: str, part: str) -> None:
    suffix = os.path.splitext(part)[1]
    if os.path.splitext(output)[1].lower() != suffix:
        raise UsageError(f"the parts are {suffix} files, and so is what is made of them", "--output")


def _join(parts: Sequence[str], output: str, *, overwrite: bool) -> None:
    """Write the parts one after the other, in constant memory where the format allows."""
    from sketchkit.files import atomic_write
    from sketchkit.formats import format_of, read_all, write

    suffix = os.path.splitext(output)[1].lower()
    if suffix in (".ndjson", ".jsonl"):
        with atomic_write(output, overwrite=overwrite) as stream:
            for part in parts:
                _copy(part, stream)
    elif suffix == ".npz" and _holds_latents(parts[0]):
        from sketchkit.latent import merge_latents

        merge_latents(parts, output, overwrite=overwrite)
    else:
        kind = format_of(parts[0])
        write(
            (sketch for part in parts for sketch in read_all(part, format=kind)), output, overwrite=overwrite
        )


def _copy(part: str, stream: BinaryIO) -> None:
    with explain_errors(part), open_file(part) as source:
        shutil.copyfileobj(source, stream, _BYTES_AT_ONCE)


def _holds_latents(part: str) -> bool:
    from sketchkit.latent import count_latents

    try:
        count_latents(part)
    except FormatError:
        return False
    return True


app = standalone_app(merge, Command, EXAMPLE)
