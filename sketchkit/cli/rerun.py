"""`sketchkit rerun`: draw a file again from its own record."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import typer

from sketchkit import registry
from sketchkit.cli.help import Command, standalone_app
from sketchkit.cli.options import Force, UsageError, argument, option
from sketchkit.cli.records import MAX_BYTES, Record, checksum_input, draw_again, read_record
from sketchkit.errors import InputError
from sketchkit.files import read_file, shown
from sketchkit.remote import forbid
from sketchkit.settings import SETTING_VARIABLES

__all__ = ["EXAMPLE", "app", "rerun"]

EXAMPLE = "sketchkit rerun endings.svg -o again.svg"


def rerun(
    *,
    file: str = argument("FILE", "SVG, PNG, PDF, GIF or APNG, written by a command that draws."),
    output: str | None = option(
        None,
        "Where to, or - for stdout.",
        flags="--output -o",
        metavar="PATH",
        usual="FILE itself, with --force",
    ),
    force: Force = False,
) -> None:
    """Draw a file again from its own record, byte for byte.

    The record has the options, arguments and settings of the command that wrote the file. Its inputs and its
    model have to be in their places, unchanged.
    """
    from sketchkit.cli.console import say, tell_written
    from sketchkit.cli.outputs import check_paths, send

    record, target = read_record(file), file if output is None else output
    suffix = Path(file).suffix.lower()
    if target != "-" and Path(target).suffix.lower() != suffix:
        raise UsageError(f"the file is drawn again as what it is, {suffix}", "--output")
    check_paths([target], force)
    _check_inputs(file, record)
    with tempfile.TemporaryDirectory(prefix="sketchkit-") as folder:
        why = f"the record of {shown(file)} names it, and rerun fetches nothing that a file names"
        with _use_settings(record.settings), draw_again(record), forbid(why):
            _run(file, record, os.path.join(folder, f"{record.pattern}.drawn"))
        content = Path(folder, f"{record.name}.drawn").read_bytes()
    if content != read_file(file, MAX_BYTES):
        say(f"{shown(file)}: drawn by another version or on another machine, and not the same byte for byte")
    send(content, target, force)
    tell_written([target])


def _check_inputs(file: str, record: Record) -> None:
    """Refuse a record whose inputs are missing or have changed."""
    if "-" in record.arguments:
        raise InputError(f"{shown(file)}: was drawn from standard input, which is gone")
    for word, checksum in record.inputs.items():
        found = checksum_input(word)
        if not found:
            raise InputError(f"{shown(file)}: was drawn from {shown(word)}, which is not there")
        if found != checksum:
            raise InputError(f"{shown(file)}: was drawn from {shown(word)}, which has changed since")


@contextmanager
def _use_settings(settings: Mapping[str, str]) -> Iterator[None]:
    """Put recorded settings in place of the user's."""
    before = {name: os.environ.pop(name) for name in SETTING_VARIABLES if name in os.environ}
    os.environ.update({name: value for name, value in settings.items() if name in SETTING_VARIABLES})
    try:
        yield
    finally:
        for name in SETTING_VARIABLES:
            os.environ.pop(name, None)
        os.environ.update(before)


def _run(file: str, record: Record, output: str) -> None:
    """Run the recorded command.

    Raises:
        InputError: an unknown command or option.
    """
    from sketchkit.cli.commands import load_command

    name = record.command
    if not registry.known("command", name) or not registry.find("command", name).builtin:
        raise InputError(f"{shown(file)}: was drawn by {name!r}, an unknown command")
    command = load_command(registry.find("command", name), name)
    words = [*record.options, f"--format={record.format}", f"--output={output}", "--", *record.arguments]
    try:
        command.main(words, prog_name=f"sketchkit {name}", standalone_mode=False)
    except typer.TyperException as error:
        raise InputError(
            f"{shown(file)}: `sketchkit {name}` refuses its record: {error.format_message()}"
        ) from error


app = standalone_app(rerun, Command, EXAMPLE)
