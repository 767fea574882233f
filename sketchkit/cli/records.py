"""The record in a file of the command that wrote it, from which `sketchkit rerun` draws the file again."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from sketchkit.errors import FormatError, InputError
from sketchkit.files import explain_errors, file_checksum, read_file, shown

__all__ = [
    "MAX_BYTES",
    "Call",
    "Record",
    "begin_call",
    "checksum_input",
    "current_call",
    "draw_again",
    "read_record",
]

#: The key of the record in the metadata of a file.
_KEY = "rerun"
#: Options that say where and how results are told, and leave the drawing as it is.
_UNRECORDED = ("output", "format", "force", "json", "outliers", "heatmap")
#: The most bytes of a file with a record.
MAX_BYTES = 1 << 28
#: Of larger inputs the size stands for the content.
_MOST_CHECKED = 1 << 24


@dataclass(frozen=True)
class Record:
    """A command line, with all that it takes from elsewhere.

    Args:
        command: its name.
        options: its options, but for the output.
        arguments: its arguments.
        settings: variables of the environment that stand for the settings that the options leave open.
        inputs: the checksums of the files that options and arguments name.
        weights: the checksum of the model's file; empty without a model.
        format: of the file, as `--format` takes it.
        pattern: of names that tell the files of the command apart.
        name: of this file among them.
    """

    command: str
    options: list[str]
    arguments: list[str]
    settings: dict[str, str]
    inputs: dict[str, str]
    weights: str
    format: str
    pattern: str
    name: str


@dataclass
class Call:
    """The command that runs.

    Args:
        name: of the command.
        options: its options, but for the output.
        arguments: its arguments.
        settings: variables of the environment for the settings that the options leave open.
        weights: the checksum of the model's file, once it is loaded.
        again: the record of a file that is drawn again.
    """

    name: str
    options: list[str]
    arguments: list[str]
    settings: dict[str, str] = field(default_factory=dict)
    weights: str = ""
    again: Record | None = None

    def check_weights(self, weights: str, model: str) -> None:
        """Take note of the weights of a model.

        Raises:
            InputError: a file is drawn again with a model whose weights have changed.
        """
        if self.again is not None and weights != self.again.weights:
            raise InputError(f"the weights of the model {model!r} have changed since the file was drawn")
        self.weights = weights

    def metadata(self, format: str, pattern: str, name: str) -> dict[str, Any]:
        """The record for a file; the arguments are as in `Record`."""
        words = [word.partition("=")[2] or word for word in self.options] + self.arguments
        inputs = {word: found for word in words if (found := checksum_input(word))}
        how = (self.name, self.options, self.arguments, self.settings, inputs, self.weights)
        return {_KEY: dataclasses.asdict(Record(*how, format, pattern, name))}


def checksum_input(word: str) -> str:
    """The checksum of the file that a word of a command line names; empty of other words."""
    path = word.partition("#")[0]
    with suppress(OSError, ValueError, InputError):
        if os.path.isfile(path):
            size = os.path.getsize(path)
            return file_checksum(path) if size <= _MOST_CHECKED else f"{size} bytes"
    return ""


_CALL: ContextVar[Call | None] = ContextVar("call", default=None)
_AGAIN: ContextVar[Record | None] = ContextVar("again", default=None)


def current_call() -> Call | None:
    """The command that runs."""
    return _CALL.get()


@contextmanager
def begin_call(context: Any) -> Iterator[None]:
    """Let a command know its own command line, from its context."""
    options, arguments = _words_of(context)
    token = _CALL.set(Call(str(context.command.name), options, arguments, again=_AGAIN.get()))
    try:
        yield
    finally:
        _CALL.reset(token)


@contextmanager
def draw_again(record: Record) -> Iterator[None]:
    """Let the command within know that it draws a file again."""
    token = _AGAIN.set(record)
    try:
        yield
    finally:
        _AGAIN.reset(token)


def _words_of(context: Any) -> tuple[list[str], list[str]]:
    """The options of a command line by their long names, and its arguments."""
    options: list[str] = []
    arguments: list[str] = []
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name)
        if source is None or source.name != "COMMANDLINE" or parameter.name in _UNRECORDED:
            continue
        value = context.params.get(parameter.name)
        values = [str(each) for each in (value if isinstance(value, list | tuple) else [value])]
        name = max(parameter.opts, key=len)
        if parameter.param_type_name == "argument":
            arguments += values
        elif isinstance(value, bool):
            options += [name] if value else []
        elif name.startswith("--"):
            options += [f"{name}={each}" for each in values]
        else:
            options += [word for each in values for word in (name, each)]
    return options, arguments


def read_record(path: str) -> Record:
    """The record in a file.

    Args:
        path: SVG, PNG, PDF, GIF or APNG.

    Raises:
        InputError: the file cannot be read.
        FormatError: the record is missing or damaged.
    """
    with explain_errors(path, catch=(OSError, ValueError)):
        data = read_file(path, MAX_BYTES)
    found = [value[_KEY] for value in _read_metadata(data) if isinstance(value, dict) and _KEY in value]
    if not found:
        raise FormatError(
            f"{shown(path)}: has no record of its command, as SVG, PNG, PDF, GIF and APNG files of commands "
            "that draw have"
        )
    # A layer in a document that has a record of its own stands behind that.
    record = found[-1]
    if not _is_record(record):
        raise FormatError(f"{shown(path)}: its record is damaged, or of another version")
    return Record(**record)


def _is_record(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {each.name for each in dataclasses.fields(Record)}:
        return False
    lists = all(isinstance(value[name], list) for name in ("options", "arguments"))
    mappings = all(isinstance(value[name], dict) for name in ("settings", "inputs"))
    if not (lists and mappings):
        return False
    texts = [value[name] for name in ("command", "weights", "format", "pattern", "name")]
    texts += [*value["options"], *value["arguments"], *value["settings"].values(), *value["inputs"].values()]
    if not all(isinstance(each, str) for each in texts):
        return False
    return (
        value["pattern"] in ("{stem}", "{stem}-{index}") and os.path.basename(value["name"]) == value["name"]
    )


def _read_metadata(data: bytes) -> Iterator[Any]:
    for text in _read_texts(data):
        with suppress(ValueError, RecursionError):
            yield json.loads(text)


def _read_texts(data: bytes) -> Iterator[str]:
    import html

    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        for found in re.findall(rb"<metadata[^>]*>(.*?)</metadata>", data, re.S):
            yield html.unescape(found.decode("utf-8", "replace"))
        return
    if data.startswith(b"%PDF-"):
        yield from _read_subjects(data)
        return
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "GIF")) as image:
            texts = [image.info.get("sketchkit"), image.info.get("comment")]
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return
    for text in texts:
        yield text.decode("ascii", "replace") if isinstance(text, bytes) else text or ""


def _read_subjects(data: bytes) -> Iterator[str]:
    """The subject of a PDF document as cairo writes it, which may be in a compressed part."""
    parts = [data]
    for stream in re.findall(rb"/ObjStm.*?stream\r?\n(.*?)endstream", data, re.S):
        with suppress(zlib.error):
            parts.append(zlib.decompressobj().decompress(stream, MAX_BYTES))
    for part in parts:
        # Text with a parenthesis or a backslash in it is written as UTF-16.
        for plain, wide in re.findall(rb"/Subject (?:\(([^()\\]*)\)|<FEFF((?:[0-9A-F]{4})*)>)", part):
            yield plain.decode("ascii", "replace")
            yield bytes.fromhex(wide.decode()).decode("utf-16-be", "replace")
