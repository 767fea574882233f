"""Work on any number of drawings, part by part: into one file, or into a folder that processes share.

A part is a fixed number of drawings, and is done by itself, so that its bytes are the same whichever process
makes them. In a folder each part is a file, which is there whole or not at all; a record says which work the
folder is for (`sketchkit.cli.resumable`). A shard is a share of the parts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sketchkit import remote
from sketchkit.cli.console import progress, say, tell_written, write_stdout
from sketchkit.cli.groups import OutputOptions
from sketchkit.cli.options import UsageError
from sketchkit.cli.output_kind import STDOUT, Kind, kind_of
from sketchkit.cli.outputs import Page, check_paths, is_folder
from sketchkit.cli.resumable import RunFolder, checksum_of_json, shared_folder, write_blocks
from sketchkit.errors import InputError
from sketchkit.files import (
    atomic_write,
    explain_errors,
    file_names,
    is_url,
    join_path,
    shown,
)

__all__ = [
    "FolderWork",
    "Parts",
    "PartsOutput",
    "Shard",
    "Work",
    "collect_work",
    "find_parts",
    "hand_over",
    "is_pipe",
    "part_name",
    "streamed",
]

Progress = Callable[[int, int], None]

#: The most missing parts that are named.
_MOST_NAMES = 5


@dataclass(frozen=True)
class Shard:
    """A share of the parts of a work.

    Args:
        index: of the share, from 0.
        count: of all shares.
    """

    index: int = 0
    count: int = 1

    @classmethod
    def parse(cls, text: str | None) -> Shard:
        """`2/4`: the second of four shares.

        Raises:
            UsageError: other text.
        """
        if text is None:
            return cls()
        found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise UsageError(f"{text!r} is not I/N with I from 1 to N, such as 1/4", "--shard")
        return cls(int(found[1]) - 1, int(found[2]))

    def __str__(self) -> str:
        """Which of several shares it is, in the words of a message."""
        return f" of shard {self.index + 1}/{self.count}" if self.count > 1 else ""

    def of(self, n: int) -> range:
        """The share of n things, which are numbered from 0."""
        return range(self.index * n // self.count, (self.index + 1) * n // self.count)


@dataclass(frozen=True)
class Parts:
    """How many things there are, and how they are divided.

    Args:
        n: things.
        size: the things of a part; the last may have fewer.
    """

    n: int
    size: int

    def __len__(self) -> int:
        """How many parts."""
        return -(-self.n // self.size)

    def __getitem__(self, number: int) -> range:
        """The things of a part."""
        return range(number * self.size, min((number + 1) * self.size, self.n))


def part_name(number: int, count: int, suffix: str) -> str:
    """The name of the file of a part of so many."""
    return f"{number:0{len(str(count - 1))}}{suffix}"


def find_parts(folders: Sequence[str], run: dict[str, Any]) -> list[str]:
    """The files of all parts in their order.

    Args:
        folders: that hold the parts of one work.
        run: what their records say.

    Raises:
        InputError: a part is missing, or in two folders.
    """
    suffix, count = os.path.splitext(run["pattern"][0])[1], -(-run["n"] // run["size"])
    inside = [(folder, file_names(folder)) for folder in folders]
    found, missing = [], []
    for number in range(count):
        name = part_name(number, count, suffix)
        there = [join_path(folder, name) for folder, names in inside if name in names]
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


class FolderWork(Protocol):
    """Work in numbered pieces, each of them one or several files, with which processes fill one folder.

    Each process makes the work of the same command line, and makes some of the pieces.
    """

    @property
    def pieces(self) -> str:
        """What the pieces are, in the words of a message."""

    @property
    def doing(self) -> str:
        """The words beside a progress bar."""

    @property
    def record(self) -> Mapping[str, Any]:
        """All that decides the bytes of the files, as JSON values."""

    def __len__(self) -> int:
        """How many pieces."""

    def name(self, number: int) -> str:
        """The name of a piece: of its file, or of its job."""

    def find_missing(self, folder: str, numbers: Iterable[int]) -> list[int]:
        """Those of some pieces whose files are not all there."""

    def open_folder(self, folder: str, *, overwrite: bool = False) -> AbstractContextManager[None]:
        """Hold the folder, beside other processes that do the same work; see `Work.open_folder`."""

    def write_parts(self, folder: str, numbers: Sequence[int], report: Progress) -> Iterator[int]:
        """Write some pieces, and yield the number of each that is written; see `Work.write_parts`."""


@dataclass(frozen=True)
class Work:
    """Work that is done part by part.

    Args:
        parts: what there is to do: drawings that are read, or that are drawn from nothing.
        suffix: of the files of parts.
        identity: all that decides their bytes, as JSON values.
        make: makes the bytes of some parts in turn, given the things of each part, in rising order, and a
            function that it calls with (steps done, steps in all) of the part at hand.
        lines: the lines that each thing has in a file of lines; None in other files.
        doing: the words beside a progress bar.
        pieces: the word for its parts.
    """

    parts: Parts
    suffix: str
    identity: Mapping[str, Any]
    make: Callable[[Iterable[range], Progress], Iterator[bytes]]
    lines: int | None = None
    doing: str = field(default="Drawing", compare=False)
    pieces: str = field(default="parts", compare=False)

    def __len__(self) -> int:
        """How many parts."""
        return len(self.parts)

    @property
    def record(self) -> dict[str, Any]:
        """The identity, and how the work is divided."""
        about = {
            "pattern": ["{index}" + self.suffix],
            "n": self.parts.n,
            "size": self.parts.size,
            "lines": self.lines,
        }
        return {**self.identity, **about}

    def name(self, number: int) -> str:
        """The name of the file of a part."""
        return part_name(number, len(self.parts), self.suffix)

    def write_file(self, path: str, *, overwrite: bool) -> None:
        """Write all parts into one file, one after the other; a file of lines goes on after a stop.

        Raises:
            InputError: the file cannot be written.
        """
        with progress(self.doing) as report:
            if path == STDOUT:
                for content in self._make(range(len(self.parts)), report):
                    write_stdout(content)
            elif len(self.parts) > 1 and self.lines and not (is_pipe(path) or is_url(path)):
                self._write_resumably(path, report, overwrite=overwrite)
            else:
                with atomic_write(path, overwrite=overwrite) as stream:
                    stream.writelines(self._make(range(len(self.parts)), report))

    def _write_resumably(self, path: str, report: Progress, *, overwrite: bool) -> None:
        lines, n, size = self.lines or 1, self.parts.n, self.parts.size

        def make_blocks(done: int) -> Iterator[tuple[bytes, int]]:
            numbers = range(-(-done // (lines * size)), len(self.parts))
            for number, content in zip(numbers, self._make(numbers, report), strict=True):
                yield content, lines * len(self.parts[number])

        name = os.path.basename(os.path.realpath(path))
        identity = {**self.identity, "n": n, "size": size, "file": name}
        write_blocks(
            path,
            checksum_of_json(identity),
            n * lines,
            size * lines,
            make_blocks,
            overwrite=overwrite,
            check=lambda: check_paths([path], overwrite),  # another run may just have come to its end
        )

    def write_folder(self, folder: str, shard: Shard, *, overwrite: bool) -> None:
        """Write a share of the parts, a file each; those that are there already stay.

        Args:
            folder: is made where it is missing.
            shard: the share.
            overwrite: whether to begin anew over the parts of other work.

        Raises:
            InputError: a folder that holds other work, or cannot be written to.
        """
        numbers = shard.of(len(self))
        with self.open_folder(folder, overwrite=overwrite), progress(self.doing) as report:
            missing = self.find_missing(folder, numbers)
            for _ in self.write_parts(folder, missing, report):
                pass
        there = len(numbers) - len(missing)
        say(
            f"{shown(folder)}: wrote {len(missing)} of {len(numbers)} parts{shard}"
            + (f"; {there} were there already" if there else "")
        )

    @contextmanager
    def open_folder(self, folder: str, *, overwrite: bool = False) -> Iterator[None]:
        """Hold a folder, which other processes that do the same work may hold as well.

        Raises:
            InputError: see `write_folder`.
        """
        _make_folder(folder)
        names, record = [join_path(folder, self.name(number)) for number in range(len(self))], self.record
        run = RunFolder(_name_folder(folder), overwrite)
        with shared_folder(folder, lambda alone: run.begin(names, len(names), record, alone)):
            yield

    def find_missing(self, folder: str, numbers: Iterable[int]) -> list[int]:
        """Those of some parts that a folder lacks."""
        inside = file_names(folder)
        return [each for each in numbers if self.name(each) not in inside]

    def write_parts(self, folder: str, numbers: Sequence[int], report: Progress) -> Iterator[int]:
        """Write some parts, and yield the number of each that is written.

        Args:
            folder: is held.
            numbers: of the parts, rising.
            report: see `Work`.
        """
        for number, content in zip(numbers, self._make(numbers, report), strict=True):
            with atomic_write(join_path(folder, self.name(number))) as stream:
                stream.write(content)
            yield number

    def _make(self, numbers: Sequence[int], report: Progress) -> Iterator[bytes]:
        """The bytes of some parts; tells of the things that are done, and of about how many these have."""
        done, total = 0, min(len(numbers) * self.parts.size, self.parts.n)
        made = self.make(
            map(self.parts.__getitem__, numbers),
            lambda at, of: report(done + len(part) * at // max(1, of), total),
        )
        for part in map(self.parts.__getitem__, numbers):
            yield next(made)
            done += len(part)
            report(done, total)


_COLLECTED: ContextVar[list[tuple[str, FolderWork]] | None] = ContextVar("work", default=None)


@contextmanager
def collect_work() -> Iterator[list[tuple[str, FolderWork]]]:
    """Let commands within hand over their work and its folder, and not do it."""
    found: list[tuple[str, FolderWork]] = []
    token = _COLLECTED.set(found)
    try:
        yield found
    finally:
        _COLLECTED.reset(token)


def hand_over(folder: str, work: FolderWork) -> bool:
    """Hand over work and its folder within `collect_work`; false elsewhere, where it is to be done."""
    collected = _COLLECTED.get()
    if collected is None:
        return False
    collected.append((folder, work))
    return True


@dataclass(frozen=True)
class PartsOutput:
    """Where the parts of a work go.

    Args:
        path: a file, `-` for stdout, or a folder.
        kind: of the files.
        shard: the share of the work to do; None for a file.
        overwrite: whether files may exist already.
    """

    path: str
    kind: Kind
    shard: Shard | None
    overwrite: bool

    @classmethod
    def of_drawings(cls, output: OutputOptions, shard: str | None, *, json: bool) -> PartsOutput | None:
        """A folder of drawings, if the user means one: in a data format, or shared, as collected work is.

        Raises:
            UsageError: see `of`; or pictures, or a report.
        """
        shared = shard is not None or _COLLECTED.get() is not None
        if not shared and (output.format is None or not is_folder(output.output)):
            if is_folder(output.output) and not Path(str(output.output)).suffix:
                raise UsageError("a folder needs --format, such as --format ndjson", "--output")
            return None
        kind = kind_of(output.format or "ndjson", STDOUT)
        if kind.renderer is not None:
            raise UsageError("a folder takes drawings in parts, as ndjson, and no pictures", "--format")
        if json:
            raise UsageError("a folder has no report: leave it out", "--json")
        return cls.of(output.output, kind, shard, overwrite=output.force)

    @classmethod
    def of(cls, path: str | None, kind: Kind, shard: str | None, *, overwrite: bool) -> PartsOutput:
        """The output that a user means, of a command that writes one kind of file.

        Raises:
            UsageError: a shard whose output is no folder, or beside --force.
        """
        if not is_folder(path):
            if shard is not None:
                raise UsageError("goes with a folder as output, such as -o parts/", "--shard")
            return cls(str(path), kind, None, overwrite)
        if shard is not None and overwrite:
            raise UsageError("would remove what other shards have done: empty the folder yourself", "--force")
        return cls(str(path), kind, Shard.parse(shard), overwrite)

    def do(self, work: Work) -> None:
        """Do the work, and say so on stderr; within `collect_work` it is only handed over."""
        if self.shard is None:
            work.write_file(self.path, overwrite=self.overwrite)
            tell_written([self.path])
        elif not hand_over(self.path, work):
            work.write_folder(self.path, self.shard, overwrite=self.overwrite)


def streamed(page: Page, stem: str) -> PartsOutput | None:
    """The file of a page to which drawings go one after another: ndjson that is not packed."""
    if page.each or page.to.kind.format != "ndjson" or page.to.pattern.lower().endswith(".gz"):
        return None
    return PartsOutput(page.to.path(stem), page.to.kind, None, page.to.overwrite)


def _name_folder(folder: str) -> str:
    """A folder as errors and records name it."""
    return folder if is_url(folder) else str(Path(folder))


def _make_folder(folder: str) -> None:
    if is_url(folder):
        remote.check_writable(folder)  # a store has no folders to make
        return
    parent = Path(folder).parent
    if not parent.is_dir():
        raise InputError(f"{shown(folder)}: there is no folder {shown(parent)}")
    if os.path.lexists(Path(folder)) and not os.path.isdir(folder):
        raise InputError(f"{shown(folder)}: there is something else of this name, and no folder")
    with explain_errors(folder):
        Path(folder).mkdir(exist_ok=True)


def is_pipe(path: str) -> bool:
    """Whether an output is a pipe or a device, which is written to as it is."""
    return os.path.exists(path) and not os.path.isfile(path)
