"""Many files in one run that may be killed at any moment: a rerun writes what is missing, and nothing twice.

Every file is written whole or not at all. A small record beside the files says which run they are of, so that
files of different runs are never mixed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from sketchkit.cli.kinds import STDOUT, Kind, kind_of
from sketchkit.cli.locks import lock, lockable
from sketchkit.cli.outputs import Destination, check_paths
from sketchkit.cli.parameters import OutputOptions
from sketchkit.errors import InputError
from sketchkit.files import atomic_write, checksum_of, is_temporary, read_file, reason, shown

__all__ = ["RECORD", "BulkOutput"]

#: The record's name, in the folder of the files.
RECORD = "sketchkit-run.json"
_FORMAT = "sketchkit-bulk"
_TAKEN = "another run is writing into this folder: wait for its end or choose another"
_NO_LOCK = "start no second run in it"
_MAX_RECORD_BYTES = 1 << 20


@dataclass(frozen=True)
class BulkOutput:
    """Where the files of many jobs go, in one or several formats each.

    Args:
        destinations: one a format.
        overwrite: whether to begin anew where there are files of another run.
    """

    destinations: tuple[Destination, ...]
    overwrite: bool

    @classmethod
    def of(cls, chosen: OutputOptions) -> BulkOutput:
        """From what the user wrote: a pattern, and formats with commas between them.

        Raises:
            typer.BadParameter: no pattern, one that would give all jobs one name, or a kind of file nobody
            writes.
        """
        if chosen.output is None or not re.search(r"\{(stem|index)\}", os.path.basename(chosen.output)):
            raise typer.BadParameter(
                "many files need a pattern such as 'grids/{stem}.svg': {stem} is a job's name, {index} its "
                "number",
                param_hint="--output",
            )
        names = [None] if chosen.format is None else [name.strip() for name in chosen.format.split(",")]
        return cls(tuple(_destination(chosen, name, several=len(names) > 1) for name in names), chosen.force)

    @property
    def folder(self) -> Path:
        """Where the files go."""
        return Path(self.destinations[0].pattern).parent

    def paths(self, name: str, number: int) -> list[str]:
        """The files of one job."""
        return [to.path(name, number) for to in self.destinations]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runs out of the folder, which is locked itself, so that no file of a lock is left.

        The lock ends with the process, however that ends.

        Raises:
            InputError: another run is at work there, or there is no such folder.
        """
        if not lockable(str(self.folder), "folders", _NO_LOCK):
            yield
            return
        try:
            handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            what = "there is no folder" if isinstance(error, FileNotFoundError | NotADirectoryError) else ""
            raise InputError(
                f"{shown(self.destinations[0].pattern)}: {what or reason(error)} {shown(self.folder)}"
            ) from error
        try:
            lock(handle, str(self.folder), _TAKEN, _NO_LOCK)
            yield
        finally:
            os.close(handle)

    def begin(self, names: Sequence[str], identity: Mapping[str, Any]) -> None:
        """Make sure that what is there already is of this very run.

        Args:
            names: of the jobs.
            identity: everything that decides what the files hold, as JSON values.

        Raises:
            InputError: files or a record of another run, two jobs of one file, or a folder that cannot be
                written.
        """
        paths = [file for number, name in enumerate(names) for file in self.paths(name, number)]
        files = checksum_of("\0".join(paths).encode("utf-8", "surrogateescape"))
        record = {"format": _FORMAT, "version": 1, "run": dict(identity), "jobs": len(names), "files": files}
        content = (
            json.dumps({**record, "checksum": _checksum(record)}, indent=2, sort_keys=True).encode() + b"\n"
        )
        path = self.folder / RECORD
        self._check(paths)
        there = _record_of(path)
        if there == content and not self.overwrite:
            self._sweep()
            return
        if there is not None and self._left_nothing(there):
            there = None
        if there is not None and not self.overwrite:
            raise InputError(f"{shown(path)}: the folder holds files of another run; --force replaces them")
        if there is not None and _files_of(there) != files:
            raise InputError(
                f"{shown(path)}: the folder holds files of another run, which has other names: choose "
                "another folder"
            )
        found = set(os.listdir(self.folder))
        present = [file for file in paths if os.path.basename(file) in found]
        if present and not self.overwrite:
            raise InputError(f"{shown(present[0])}: the file exists already; --force overwrites it")
        # The old files first: none of them may be taken for one of this run when it goes on after it was
        # killed.
        for file in present:
            try:
                with suppress(FileNotFoundError):
                    os.unlink(file)
            except OSError as error:
                raise InputError(f"{shown(file)}: {reason(error)}") from error
        self._sweep()
        with atomic_write(path) as stream:
            stream.write(content)

    def done(self, name: str, number: int) -> bool:
        """Whether all files of a job are there."""
        return all(map(os.path.exists, self.paths(name, number)))

    def _check(self, paths: Sequence[str]) -> None:
        """Refuse two outputs of one name, and a folder that cannot be written; asked once for all."""
        if len(set(paths)) < len(paths):
            check_paths(paths, overwrite=True)
        check_paths(paths[:1], overwrite=True)

    def _left_nothing(self, record: bytes) -> bool:
        """Whether a run left its record and nothing else: it failed or was killed before its first file."""
        patterns = _patterns_of(record)
        return patterns is not None and not any(
            pattern.fullmatch(name) for name in os.listdir(self.folder) for pattern in patterns
        )

    def _sweep(self) -> None:
        """Remove what a run that was killed was writing."""
        with suppress(OSError):
            for entry in os.scandir(self.folder):
                if is_temporary(entry.name) and entry.is_file(follow_symlinks=False):
                    os.unlink(entry.path)


def _destination(chosen: OutputOptions, name: str | None, *, several: bool) -> Destination:
    """Where files of one format go: under the pattern, with its own suffix where there are several."""
    assert chosen.output is not None
    kind: Kind = kind_of(name, chosen.output)
    if chosen.output == STDOUT:
        raise typer.BadParameter("many files cannot go to stdout", param_hint="--output")
    if re.search(r"\{(stem|index)\}", os.path.dirname(chosen.output)):
        raise typer.BadParameter(
            "all files go to one folder: {stem} and {index} stand in their names", param_hint="--output"
        )
    own = Path(chosen.output).suffix.lower() == kind.suffix
    pattern = chosen.output if own or not several else _bare(chosen.output) + kind.suffix
    to = Destination.of(OutputOptions(pattern, name, chosen.force), "{stem}", each=True)
    if to.kind.renderer is None:
        raise typer.BadParameter(f"a sheet is a picture, not {to.kind.suffix}", param_hint="--format")
    return to


def _bare(pattern: str) -> str:
    """A pattern without its suffix, if that says what kind of file it is."""
    suffix = Path(pattern).suffix
    with suppress(typer.BadParameter):
        if suffix:
            kind_of(None, pattern)
            return pattern.removesuffix(suffix)
    return pattern


def _files_of(record: bytes) -> object:
    """The checksum of the names of the files of another run."""
    try:
        return json.loads(record)["files"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _patterns_of(record: bytes) -> list[re.Pattern[str]] | None:
    """What the files of another run are called, in that folder; None of what is no record of ours."""
    try:
        found = json.loads(record)
        checksum = found.pop("checksum")
        patterns = [os.path.basename(pattern) for pattern in found["run"]["pattern"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if checksum != _checksum(found):
        return None
    fields = {r"\{stem\}": ".+", r"\{index\}": "[0-9]+"}
    return [
        re.compile(
            re.sub(r"\\\{(?:stem|index)\\\}", lambda field: fields[field[0]], re.escape(pattern)), re.S
        )
        for pattern in patterns
    ]


def _checksum(record: Mapping[str, Any]) -> str:
    return checksum_of(json.dumps(record, sort_keys=True).encode())


def _record_of(path: Path) -> bytes | None:
    """A record that is there; None where there is none."""
    try:
        return read_file(path, _MAX_RECORD_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{shown(path)}: {reason(error)}") from error
