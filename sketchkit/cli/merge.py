"""`sketchkit merge`: the parts that several processes made, as one file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from sketchkit.cli.help import Command, standalone_app
from sketchkit.cli.options import Force, UsageError, argument, option
from sketchkit.errors import FormatError, InputError
from sketchkit.files import atomic_write, explain_errors, open_file, shown, standard_output

__all__ = ["EXAMPLE", "app", "merge"]

EXAMPLE = "sketchkit merge parts -o drawings.ndjson"

_BYTES_AT_ONCE = 1 << 20
#: Files that are their lines one after another, and nothing else.
_OF_LINES = (".ndjson", ".jsonl")
#: Scores that are handed to a format at a time.
_SCORES_AT_ONCE = 1024


def merge(
    *,
    folders: list[str] = argument(
        "FOLDERS", "Folders of parts: one, or several of one work, filled on several machines."
    ),
    output: str | None = option(
        None,
        "The file to write, of the parts' kind or of another that holds the same, such as .parquet; - is "
        "stdout, for files of lines.",
        flags="--output -o",
        metavar="PATH",
        usual="none: only check the parts",
    ),
    force: Force = False,
) -> None:
    """Join parts into one file, and check them.

    Parts that are missing, there twice or cut off are refused.
    """
    from sketchkit.cli.console import progress, say, tell_written
    from sketchkit.cli.parts import find_parts
    from sketchkit.cli.resumable import read_run

    if len(set(map(os.path.realpath, folders))) < len(folders):
        raise UsageError("a folder is given twice", "FOLDERS")
    runs = [read_run(folder) for folder in folders]
    for folder, run in zip(folders, runs, strict=True):
        if run != runs[0]:
            raise InputError(f"{shown(folder)}: holds other work than {shown(folders[0])}")
    run = runs[0]
    parts = find_parts(folders, run)
    if output is not None:
        _check_output(output, parts, overwrite=force)
    with progress("Checking") as report:
        for number, part in enumerate(parts, 1):
            _check_lines(part, number - 1, run)
            report(number, len(parts))
    if output is None:
        say(f"all {len(parts)} parts are there")
        return
    _join(parts, output, run.get("provenance", {}), overwrite=force)
    tell_written([output])


def _check_lines(part: str, number: int, run: dict[str, Any]) -> None:
    """Refuse a file of lines that has been cut off or added to."""
    if run["lines"] is None:
        return
    wanted = run["lines"] * (min((number + 1) * run["size"], run["n"]) - number * run["size"])
    lines = sum(block.count(b"\n") for block in _read_blocks(part))
    if lines != wanted:
        raise FormatError(f"{shown(part)}: has {lines} lines, not {wanted}: remove it and make it again")


def _check_output(output: str, parts: Sequence[str], *, overwrite: bool) -> None:
    """Refuse stdout for other files than lines, one of the parts, and a file that cannot be written."""
    from sketchkit.cli.output_kind import STDOUT
    from sketchkit.cli.outputs import check_paths

    suffix = os.path.splitext(parts[0])[1]
    if output == STDOUT and suffix in _OF_LINES:
        return
    if output == STDOUT:
        raise UsageError(f"the parts are {suffix} files: give the name of such a file", "--output")
    if os.path.realpath(output) in map(os.path.realpath, parts):
        raise InputError(f"{shown(output)}: is one of the parts: choose another name")
    check_paths([output], overwrite)


def _join(parts: Sequence[str], output: str, provenance: dict[str, Any], *, overwrite: bool) -> None:
    """Write the parts one after the other, in constant memory where the format allows."""
    from sketchkit.cli.output_kind import STDOUT
    from sketchkit.formats.files import write_table

    suffix, kind = os.path.splitext(output)[1].lower(), os.path.splitext(parts[0])[1]
    if kind in _OF_LINES and (output == STDOUT or suffix == kind):
        with _open_to_write(output, overwrite=overwrite) as stream:
            for part in parts:
                stream.writelines(_read_blocks(part))
    elif kind == ".jsonl":
        write_table("scores", _read_scores(parts), output, overwrite=overwrite, metadata=provenance)
    elif kind == ".npz" and _holds_latents(parts[0]):
        from sketchkit.latent import merge_latents, read_latents

        if suffix == kind:
            merge_latents(parts, output, overwrite=overwrite)
        else:
            latents = map(read_latents, parts)
            write_table("latents", latents, output, overwrite=overwrite, metadata=provenance)
    else:
        _join_drawings(parts, output, provenance, overwrite=overwrite)


def _join_drawings(parts: Sequence[str], output: str, provenance: dict[str, Any], *, overwrite: bool) -> None:
    """Write the drawings of all parts into a file of a data format."""
    from sketchkit.cli.output_kind import kind_of
    from sketchkit.formats import format_of, read_all, write

    if kind_of(None, output).renderer is not None:
        raise UsageError("merge draws no pictures: `sketchkit render` does", "--output")
    kind = format_of(parts[0])
    sketches = (sketch for part in parts for sketch in read_all(part, format=kind))
    write(sketches, output, overwrite=overwrite, metadata=provenance)


def _read_scores(parts: Sequence[str]) -> Iterator[list[Any]]:
    """The scores of all parts, some at a time."""
    import itertools

    import orjson

    for part in parts:
        with explain_errors(part), open_file(part) as stream:
            while lines := list(itertools.islice(stream, _SCORES_AT_ONCE)):
                try:
                    yield list(map(orjson.loads, lines))
                except orjson.JSONDecodeError as error:
                    raise FormatError(f"{shown(part)}: a line is not JSON: {error.msg}") from None


@contextmanager
def _open_to_write(output: str, *, overwrite: bool) -> Iterator[BinaryIO]:
    from sketchkit.cli.console import explain_stdout
    from sketchkit.cli.output_kind import STDOUT

    if output != STDOUT:
        with atomic_write(output, overwrite=overwrite) as stream:
            yield stream
        return
    with explain_stdout():
        stream = standard_output()
        yield stream
        stream.flush()


def _read_blocks(part: str) -> Iterator[bytes]:
    with explain_errors(part), open_file(part) as stream:
        yield from iter(lambda: stream.read(_BYTES_AT_ONCE), b"")


def _holds_latents(part: str) -> bool:
    from sketchkit.latent import count_latents

    try:
        count_latents(part)
    except FormatError:
        return False
    return True


app = standalone_app(merge, Command, EXAMPLE)
