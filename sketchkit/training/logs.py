"""The logs of a run: `train.csv` and `valid.csv` in its folder, and how they are read and rewound.

A row is a record, a column one of its fields. Floats are written so that they read back exactly, None as
nothing. Every row is in the file before the next step begins; only the last row can be torn, and then its end
of line is missing.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, fields
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sketchkit.errors import FormatError, InputError
from sketchkit.files import atomic_write, open_file, reason, shown
from sketchkit.training.records import EvaluationRecord, StepRecord
from sketchkit.training.tensorboard import TensorBoardLog

__all__ = ["TRAIN_NAME", "VALID_NAME", "Columns", "CsvLog", "Log", "TensorBoardLog", "read_log"]

TRAIN_NAME, VALID_NAME = "train.csv", "valid.csv"
#: A row takes some 150 bytes.
MAX_LINE = 1000
#: More rows than a run makes in weeks; together they take 600 MB as columns.
MAX_ROWS = 5_000_000
_LARGEST = 2**63 - 1
#: All that numbers, `inf` and `nan` are made of: float() alone would take `1_0`, spaces and foreign digits.
_LETTERS = b"0123456789+-.e,naif"

Record = StepRecord | EvaluationRecord


def _count(text: bytes) -> int:
    value = int(text)
    if not 0 <= value <= _LARGEST:
        raise ValueError(f"{value} is out of range")
    return value


def _truth(text: bytes) -> int:
    if text not in (b"0", b"1"):
        raise ValueError("neither 0 nor 1")
    return int(text)


#: How a field of each type is read, and the type of number of its column.
_READERS: Mapping[str, tuple[Callable[[bytes], float], str]] = {
    "int": (_count, "q"),
    "bool": (_truth, "b"),
    "float": (float, "d"),
    "float | None": (lambda text: float(text) if text else float("nan"), "d"),
}
_DTYPES: Mapping[str, type[np.generic]] = {"q": np.int64, "b": np.bool_, "d": np.float64}


def _written(value: float | None) -> str:
    """A field as its column holds it; numbers of numpy and torch become Python's own first."""
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    return str(value) if isinstance(value, int) else repr(float(value))


@dataclass(frozen=True)
class Columns:
    """A log as columns: `columns["loss"]` is float64 [N]; counts are int64, truths bool."""

    values: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.values["step"])

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.values[name]

    @property
    def has_kl(self) -> bool:
        """Whether the rows hold an L_KL; its column is all NaN otherwise."""
        return len(self) > 0 and not bool(np.isnan(self.values["kl"]).all())


@dataclass(frozen=True)
class Log:
    """The logs of a run.

    Args:
        train: a row a step, in the order of the steps.
        valid: a row an evaluation.
    """

    train: Columns
    valid: Columns


class _Table:
    """One of the two files: its columns, and what its rows may be."""

    def __init__(self, record: type[Record], *, again: bool) -> None:
        """Take a record's fields as columns; `again` says whether a step may have several rows."""
        self.names = [field.name for field in fields(record)]
        self.readers = [_READERS[str(field.type)][0] for field in fields(record)]
        self.codes = [_READERS[str(field.type)][1] for field in fields(record)]
        self.header = (",".join(self.names) + "\n").encode()
        self.again = again

    def row(self, record: Record) -> bytes:
        return (",".join(_written(getattr(record, name)) for name in self.names) + "\n").encode()

    def parsed(self, line: bytes, before: int) -> list[float]:
        """The numbers of a line that follows one of the step `before`; ValueError says what is wrong."""
        if line.translate(None, _LETTERS):
            raise ValueError("not a row of numbers")
        texts = line.split(b",")
        if len(texts) != len(self.names):
            raise ValueError(f"{len(texts)} fields instead of {len(self.names)}")
        values = []
        for name, read, text in zip(self.names, self.readers, texts, strict=True):
            try:
                values.append(read(text))
            except ValueError:
                raise ValueError(f"{text.decode()[:40]!r} is no {name}") from None
        if values[0] < before + (not self.again) or values[0] < 1:
            raise ValueError(f"step {values[0]} after step {before}")
        return values


_TABLES = {TRAIN_NAME: _Table(StepRecord, again=False), VALID_NAME: _Table(EvaluationRecord, again=True)}


class CsvLog:
    """Writes `train.csv` and `valid.csv`, a row a record.

    Args:
        folder: of the run; it must not hold such files yet (`rewound` goes on with those of a run).

    Raises:
        InputError: the files exist, or cannot be written.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._files: dict[str, tuple[Path, FileIO]] = {}
        self._open(Path(folder), "xb")
        for name, table in _TABLES.items():
            self._write(name, table.header)

    @classmethod
    def rewound(cls, folder: str | os.PathLike[str], step: int) -> CsvLog:
        """Go on after a step: rows of later steps are dropped, and a last row that was torn.

        Args:
            folder: of the run; a file that is missing begins anew.
            step: the last step whose rows stay. What stays is the same to the last byte.

        Raises:
            InputError: a file cannot be written.
            FormatError: a file that is no such log; it is left as it was.
        """
        for name, table in _TABLES.items():
            _rewind(Path(folder) / name, table, step)
        log = cls.__new__(cls)
        log._files = {}
        log._open(Path(folder), "ab")
        return log

    def step(self, record: StepRecord) -> None:
        """Write a row of `train.csv`."""
        self._write(TRAIN_NAME, _TABLES[TRAIN_NAME].row(record))

    def evaluation(self, record: EvaluationRecord) -> None:
        """Write a row of `valid.csv`."""
        self._write(VALID_NAME, _TABLES[VALID_NAME].row(record))

    def note(self, text: str) -> None:
        """Words have no column."""

    def close(self) -> None:
        """Close both files."""
        with ExitStack() as stack:
            for _, stream in self._files.values():
                stack.enter_context(closing(stream))

    def _open(self, folder: Path, mode: str) -> None:
        for name in _TABLES:
            path = folder / name
            try:
                # Unbuffered: a row is one write, so that it is there even after kill -9.
                self._files[name] = (path, FileIO(path, mode))
            except OSError as error:
                self.close()
                what = "the file exists already" if isinstance(error, FileExistsError) else reason(error)
                raise InputError(f"{shown(path)}: {what}") from error

    def _write(self, name: str, line: bytes) -> None:
        path, stream = self._files[name]
        try:
            while line:
                line = line[stream.write(line) :]
        except OSError as error:
            raise InputError(f"{shown(path)}: {reason(error)}") from error


def read_log(folder: str | os.PathLike[str]) -> Log:
    """Read the logs of a run, also of one that is going on: a last row without its end is not counted.

    Args:
        folder: of the run. Without a `valid.csv` there were no evaluations.

    Raises:
        InputError: no run there, or its files cannot be read.
        FormatError: a damaged file; the line says which row and why.
    """
    place = Path(folder)
    if not (place / TRAIN_NAME).is_file():
        what = f"no run: it holds no {TRAIN_NAME}" if place.is_dir() else "no such folder"
        raise InputError(f"{shown(place)}: {what}")
    return Log(*(_read(place / name, table) for name, table in _TABLES.items()))


def _read(path: Path, table: _Table) -> Columns:
    columns: list[array[Any]] = [array(code) for code in table.codes]
    if path.exists() or path.name == TRAIN_NAME:
        with _opened(path) as stream:
            for _, values in _rows(path, stream, table):
                if len(columns[0]) == MAX_ROWS:
                    raise FormatError(f"{shown(path)}: more than {MAX_ROWS} rows")
                for column, value in zip(columns, values, strict=True):
                    column.append(value)
    arrays: list[NDArray[Any]] = [np.array(column, _DTYPES[column.typecode]) for column in columns]
    return Columns(dict(zip(table.names, arrays, strict=True)))


def _rows(path: Path, stream: BinaryIO, table: _Table) -> Iterator[tuple[bytes, list[float]]]:
    """The rows of a file as they are and as numbers, without a last one that lacks its end."""
    line = stream.readline(len(table.header) + 1)
    if line.replace(b",nll,", b",nll_per_point,") != table.header:  # the shorter name is that of older runs
        if table.header.startswith(line):
            return  # torn before anything was in it
        raise FormatError(f"{shown(path)}, line 1: not the columns {','.join(table.names)}")
    before, number = 0, 1
    while (line := stream.readline(MAX_LINE + 1)).endswith(b"\n"):
        number += 1
        try:
            values = table.parsed(line[:-1], before)
        except ValueError as error:
            raise FormatError(f"{shown(path)}, line {number}: {error}") from None
        before = int(values[0])
        yield line, values
    # A power failure may leave zeros behind what had reached the disk.
    if len(line.rstrip(b"\0")) > MAX_LINE:
        raise FormatError(f"{shown(path)}, line {number + 1}: more than {MAX_LINE} bytes")


def _rewind(path: Path, table: _Table, step: int) -> None:
    if not path.exists():
        with atomic_write(path) as new:
            new.write(table.header)
        return
    with _opened(path) as old, atomic_write(path) as new:
        new.write(table.header)
        for line, values in _rows(path, old, table):
            if values[0] > step:
                break
            new.write(line)


def _opened(path: Path) -> BinaryIO:
    try:
        return open_file(path)
    except OSError as error:
        raise InputError(f"{shown(path)}: {reason(error)}") from error
