"""A worker: a process that has the work of the driver's command line, and makes some of its parts."""

from __future__ import annotations

import io
import json
import os
import pickle
import platform
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from typing import Any

from sketchkit.cli.parts import FolderWork
from sketchkit.cli.resumable import RECORD
from sketchkit.errors import DeviceError, InputError
from sketchkit.files import is_url, join_path, read_file, shown
from sketchkit.remote import forget

__all__ = ["MOST_RECORD_BYTES", "SETTINGS", "Assignment", "Outcome", "Worker", "normalize"]

MOST_RECORD_BYTES = 1 << 20
#: The most letters of a value in an error.
_MOST_LETTERS = 80
#: How variables of the environment begin that decide what a command does.
SETTINGS = "SKETCHKIT_"


@dataclass(frozen=True)
class Assignment:
    """What a worker is to do, and where.

    Args:
        name: of the command.
        words: its command line.
        place: the working folder of the driver.
        settings: variables of the driver's environment.
        folder: of the parts, as an absolute path.
        token: the name of a file in it, that exists for this run; empty for a URL, which all machines see.
        record: the bytes of the folder's record.
        run: all that decides the bytes of the parts, as JSON values.
    """

    name: str
    words: tuple[str, ...]
    place: str
    settings: Mapping[str, str]
    folder: str
    token: str
    record: bytes
    run: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of a call.

    Args:
        host: the machine of the worker.
        seconds: the time that it took.
        said: the lines that the work wrote to stderr.
        error: what it raised, if anything.
    """

    host: str
    seconds: float
    said: tuple[str, ...]
    error: Exception | None = None


class Worker:
    """Does parts of the work of an assignment; each call returns an `Outcome`, and raises nothing."""

    def __init__(self, assignment: Assignment) -> None:
        self._given = assignment
        self._work: FolderWork | None = None

    def begin(self) -> Outcome:
        """Load the work, model and all, and make sure that it is the driver's."""
        return _attempt(self._begin)

    def write(self, numbers: Sequence[int]) -> Outcome:
        """Write some parts."""
        return _attempt(lambda: self._write(numbers))

    def _begin(self) -> None:
        from sketchkit_ray.gathering import gathering_command

        given, host = self._given, platform.node()
        os.environ["OMP_NUM_THREADS"] = "1"
        for name in [each for each in os.environ if each.startswith(SETTINGS)]:
            del os.environ[name]
        os.environ.update(given.settings)
        if given.token and not os.path.exists(os.path.join(given.folder, given.token)):
            raise InputError(
                f"{shown(given.folder)}: the worker on {host} does not see this folder: it has to lie where "
                "all machines of the cluster see it"
            )
        os.chdir(given.place)
        command = gathering_command(given.name)
        found = command.main(
            list(given.words), prog_name=f"sketchkit ray {given.name}", standalone_mode=False
        )
        self._work = found.work
        _check_same(found.work, given.run, host)

    def _write(self, numbers: Sequence[int]) -> None:
        assert self._work is not None
        folder = self._given.folder
        # The driver may be gone, and a new one may have other work for the folder.
        path = join_path(folder, RECORD)
        if is_url(path):
            forget(path)
        if read_file(path, MOST_RECORD_BYTES) != self._given.record:
            raise InputError(f"{shown(folder)}: another run is writing into this folder: choose another")
        for _ in self._work.write_parts(folder, numbers, lambda done, total: None):
            pass


def normalize(record: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values as they are when they have been written and read."""
    found: dict[str, Any] = json.loads(json.dumps(record))
    return found


def _check_same(work: FolderWork, run: Mapping[str, Any], host: str) -> None:
    """Refuse work whose parts would have other bytes than the driver's."""
    mine = normalize(work.record)
    for key in sorted({*mine, *run}):
        if mine.get(key) != run.get(key):
            here, there = (_shorten(each.get(key)) for each in (run, mine))
            raise InputError(
                f"the worker on {host} would make other parts: {key} is {there} there, and {here} here"
            )


def _shorten(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _MOST_LETTERS else text[:_MOST_LETTERS] + "..."


def _attempt(do: Callable[[], None]) -> Outcome:
    """Do something; keep what it says on stderr, and what it raises."""
    begun, said, error = time.monotonic(), io.StringIO(), None
    with redirect_stderr(said):
        try:
            do()
        except Exception as raised:
            error = _sendable(raised)
    lines = tuple(said.getvalue().splitlines())
    return Outcome(platform.node(), time.monotonic() - begun, lines, error)


def _sendable(error: Exception) -> Exception:
    """An error that another process can raise as it is, with the traceback as a note."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return DeviceError("out of memory: fewer --workers or a smaller --batch-size take less")
    error.add_note("".join(traceback.format_exception(error)))
    error.__cause__ = error.__context__ = None
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever a third party's error cannot do
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
