"""The logs of a run: `train.csv` and `valid.csv` in its folder, how they are read and rewound; TensorBoard.

A row is a record. The columns are the fields of the record, with a column for each term of the loss and for
each weight of one, so that the header tells the terms; it is written with the first row. Floats are written
so that they read back exactly, None as an empty field. Every row is in the file before the next step begins;
only the last row can be torn, and then its end of line is missing.
"""

from __future__ import annotations

import os
import re
import time
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sketchkit.errors import FormatError, InputError
from sketchkit.files import atomic_write, explain_errors, open_file, reason, shown
from sketchkit.training.records import EvaluationRecord, Record, StepRecord, flatten

__all__ = ["TRAIN_NAME", "VALID_NAME", "Columns", "CsvLog", "Log", "TensorBoardLog", "read_log"]

TRAIN_NAME, VALID_NAME = "train.csv", "valid.csv"
#: A row takes some 150 bytes.
MAX_LINE = 1000
#: More rows than a run makes in weeks; together they take 600 MB as columns.
MAX_ROWS = 5_000_000
_LARGEST = 2**63 - 1
#: The letters of numbers, `inf` and `nan`: float() alone would take `1_0`, spaces and foreign digits.
_LETTERS = b"0123456789+-.e,naif"


def _read_count(text: bytes) -> int:
    value = int(text)
    if not 0 <= value <= _LARGEST:
        raise ValueError(f"{value} is out of range")
    return value


def _read_truth(text: bytes) -> int:
    if text not in (b"0", b"1"):
        raise ValueError("neither 0 nor 1")
    return int(text)


def _read_term(text: bytes) -> float:
    return float(text) if text else float("nan")


_Reader = Callable[[bytes], float]
#: The columns of counts and of truths; all others are floats, and terms, weights and NLL may be empty.
_COUNTS, _TRUTHS = ("step", "points", "skipped", "drawings"), ("best",)
_DTYPES: Mapping[str, type[np.generic]] = {"q": np.int64, "b": np.bool_, "d": np.float64}


def _format(value: float | None) -> str:
    """A field as its column holds it; numbers of numpy and torch become Python's own first."""
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    return str(value) if isinstance(value, int) else repr(float(value))


@dataclass(frozen=True)
class Columns:
    """A log as columns: `columns["loss"]` is float64 [N]; counts are int64, truths bool.

    Args:
        values: by name.
        terms: the names of the terms of the loss that have a number in some row.
    """

    values: Mapping[str, NDArray[Any]]
    terms: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values["step"])

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name in self.values:
            return self.values[name]
        return np.full(len(self), np.nan)  # a term that this run has not

    @property
    def terms_with_weight(self) -> tuple[str, ...]:
        """The terms whose weight may change, such as `kl`; their weight is the column TERM_weight."""
        return tuple(name for name in self.terms if f"{name}_weight" in self.values)

    @property
    def has_kl(self) -> bool:
        """Whether the rows hold an L_KL."""
        return "kl" in self.terms


@dataclass(frozen=True)
class Log:
    """The logs of a run.

    Args:
        train: a row a step, in the order of the steps.
        valid: a row an evaluation.
    """

    train: Columns
    valid: Columns


@dataclass(frozen=True)
class _Kind:
    """One of the two files: the columns around the terms, and whether a step may have several rows."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    again: bool

    def names(self, header: bytes) -> list[str] | None:
        """The columns that a header names; None for the header of another file."""
        # The shorter name is that of older runs.
        names = header.decode("ascii", "replace").replace(",nll,", ",nll_per_point,").split(",")
        inner = names[len(self.first) : -len(self.last)]
        fits = (*self.first, *inner, *self.last) == tuple(names) and len(set(names)) == len(names)
        return names if fits and all(map(_NAME.fullmatch, inner)) else None

    @property
    def example(self) -> str:
        """The columns in words."""
        return ",".join((*self.first, "TERM...", *self.last))


_NAME = re.compile(r"[a-z][a-z0-9_]*")
_KINDS = {
    TRAIN_NAME: _Kind(
        ("step", "loss"), ("learning_rate", "gradient_norm", "points", "seconds", "skipped"), again=False
    ),
    VALID_NAME: _Kind(("step", "loss"), ("nll_per_point", "drawings", "best", "seconds"), again=True),
}


class _Table:
    """The columns of one file, and how its rows are read."""

    def __init__(self, kind: _Kind, names: Sequence[str]) -> None:
        self.kind, self.names = kind, list(names)
        inner = names[len(kind.first) : -len(kind.last)]
        self.terms = [name for name in inner if name.removesuffix("_weight") == name]
        optional = {*inner, "nll_per_point"}
        self.readers: list[_Reader] = [
            _read_count if name in _COUNTS else _read_truth if name in _TRUTHS
            else _read_term if name in optional else float
            for name in names
        ]  # fmt: skip
        self.codes = ["q" if name in _COUNTS else "b" if name in _TRUTHS else "d" for name in names]

    def parse(self, line: bytes, before: int) -> list[float]:
        """The numbers of a line that follows one of the step `before`; ValueError tells the fault."""
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
        if values[0] < before + (not self.kind.again) or values[0] < 1:
            raise ValueError(f"step {values[0]} after step {before}")
        return values


class CsvLog:
    """Writes `train.csv` and `valid.csv`, a row a record.

    Args:
        folder: of the run; it must not hold such files yet (`rewound` goes on with those of a run).

    Raises:
        InputError: the files exist, or cannot be written.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._open(Path(folder), "xb")

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
        names = {name: _rewind(Path(folder) / name, kind, step) for name, kind in _KINDS.items()}
        log = cls.__new__(cls)
        log._open(Path(folder), "ab")
        log._names |= {name: columns for name, columns in names.items() if columns}
        return log

    def step(self, record: StepRecord) -> None:
        """Write a row of `train.csv`."""
        self._write(TRAIN_NAME, record)

    def evaluation(self, record: EvaluationRecord) -> None:
        """Write a row of `valid.csv`."""
        self._write(VALID_NAME, record)

    def note(self, text: str) -> None:
        """Words have no column."""

    def close(self) -> None:
        """Close both files."""
        with ExitStack() as stack:
            for _, stream in self._files.values():
                stack.enter_context(closing(stream))

    def _open(self, folder: Path, mode: str) -> None:
        self._files: dict[str, tuple[Path, FileIO]] = {}
        self._names: dict[str, list[str]] = {}
        for name in _KINDS:
            path = folder / name
            try:
                # Unbuffered: a row is one write, so that it is there even after kill -9.
                self._files[name] = (path, FileIO(path, mode))
            except OSError as error:
                self.close()
                what = "the file exists already" if isinstance(error, FileExistsError) else reason(error)
                raise InputError(f"{shown(path)}: {what}") from error

    def _write(self, name: str, record: Record) -> None:
        values, line = flatten(record), ""
        if name not in self._names:
            self._names[name] = list(values)
            line = ",".join(values) + "\n"
        line += ",".join(_format(values.get(column)) for column in self._names[name]) + "\n"
        path, stream = self._files[name]
        rest = line.encode()
        with explain_errors(path):
            while rest:
                rest = rest[stream.write(rest) :]


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
    return Log(*(_read(place / name, kind) for name, kind in _KINDS.items()))


def _read(path: Path, kind: _Kind) -> Columns:
    table = _Table(kind, (*kind.first, *kind.last))
    columns: list[array[Any]] = []
    if path.exists() or path.name == TRAIN_NAME:
        with _open_log(path) as stream:
            table = _read_header(path, stream, kind) or table
            columns = [array(code) for code in table.codes]
            for _, values in _rows(path, stream, table):
                if len(columns[0]) == MAX_ROWS:
                    raise FormatError(f"{shown(path)}: more than {MAX_ROWS} rows")
                for column, value in zip(columns, values, strict=True):
                    column.append(value)
    columns = columns or [array(code) for code in table.codes]
    arrays: list[NDArray[Any]] = [np.array(column, _DTYPES[column.typecode]) for column in columns]
    found = dict(zip(table.names, arrays, strict=True))
    return Columns(found, tuple(name for name in table.terms if not bool(np.isnan(found[name]).all())))


def _read_header(path: Path, stream: BinaryIO, kind: _Kind) -> _Table | None:
    """The columns that the first line names; None where it was torn before a row was written."""
    line = stream.readline(MAX_LINE + 1)
    if line.endswith(b"\n") and (names := kind.names(line[:-1])) is not None:
        return _Table(kind, names)
    begin = ",".join((*kind.first, "")).encode()
    if not line.endswith(b"\n") and len(line) <= MAX_LINE and begin.startswith(line[: len(begin)]):
        return None
    raise FormatError(f"{shown(path)}, line 1: not the columns {kind.example}")


def _rows(path: Path, stream: BinaryIO, table: _Table) -> Iterator[tuple[bytes, list[float]]]:
    """The rows behind the header as they are and as numbers, without a last one that lacks its end."""
    before, number, line = 0, 1, b""
    while (line := stream.readline(MAX_LINE + 1)).endswith(b"\n"):
        number += 1
        try:
            values = table.parse(line[:-1], before)
        except ValueError as error:
            raise FormatError(f"{shown(path)}, line {number}: {error}") from None
        before = int(values[0])
        yield line, values
    # A power failure may leave zeros behind what had reached the disk.
    if len(line.rstrip(b"\0")) > MAX_LINE:
        raise FormatError(f"{shown(path)}, line {number + 1}: more than {MAX_LINE} bytes")


def _rewind(path: Path, kind: _Kind, step: int) -> list[str] | None:
    """Keep the rows up to a step, and give the columns that they have; None of a file without any."""
    if not path.exists():
        return None
    with _open_log(path) as old, atomic_write(path) as new:
        table = _read_header(path, old, kind)
        if table is None:
            return None
        kept = 0
        for line, values in _rows(path, old, table):
            if values[0] > step:
                break
            new.write(line if kept else ",".join(table.names).encode() + b"\n" + line)
            kept += 1
    return table.names if kept else None


def _open_log(path: Path) -> BinaryIO:
    with explain_errors(path):
        return open_file(path)


TENSORBOARD_NAME = "tensorboard"
HOW_TO_GET_IT = "TensorBoard's curves need tensorboardX: pip install 'sketchkit[tensorboard]'"
#: Events reach the disk at least so often, in seconds: a flush waits for the disk.
_FLUSH_EVERY = 10.0
#: Numbers of an evaluation that have no curve.
_UNDRAWN = {("valid", "drawings"), ("valid", "best"), ("valid", "seconds")}


def _group_of(name: str, group: str) -> str:
    if name == "learning_rate" or name.endswith("_weight"):
        return "schedule"
    return "progress" if name in ("points", "seconds") else group


class TensorBoardLog:
    """Writes a run's curves, event files in `tensorboard/` of its folder, for `tensorboard --logdir RUN`.

    Source: tensorboardX for the format of the files. Departure: its `SummaryWriter` hands events to a thread,
        which dies on a full disk and leaves the training waiting for it; here each event is written at once,
        and errors are said.

    Args:
        folder: of the run.
        step: the last step of a run that goes on; the curves of later steps are hidden.

    Raises:
        InputError: tensorboardX is not installed, or the files cannot be written.
    """

    def __init__(self, folder: str | os.PathLike[str], step: int | None = None) -> None:
        try:
            from tensorboardX.event_file_writer import EventsWriter
            from tensorboardX.proto import event_pb2, summary_pb2
            from tensorboardX.summary import text
        except ImportError:
            raise InputError(HOW_TO_GET_IT) from None
        self._event, self._summary, self._text = event_pb2.Event, summary_pb2.Summary, text
        self._folder = Path(folder) / TENSORBOARD_NAME
        self._step, self._flushed, self._closed = step or 0, time.monotonic(), False
        with explain_errors(self._folder):
            self._folder.mkdir(exist_ok=True)
            # Its name holds only seconds: a session must not overwrite one that began within the same.
            number = sum(1 for _ in self._folder.iterdir())
            self._writer = EventsWriter(str(self._folder.resolve() / "events"), f".{number:04d}")
        if step is not None:
            start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            self._write(step + 1, session_log=start)

    @classmethod
    def if_possible(
        cls, folder: str | os.PathLike[str], step: int | None, note: Callable[[str], None]
    ) -> TensorBoardLog | None:
        """The log, or None and a note where tensorboardX is missing, for a user who did not ask for it.

        Args:
            folder: of the run.
            step: the last step of a run that goes on.
            note: called with the note.

        Raises:
            InputError: the files cannot be written.
        """
        from importlib.util import find_spec

        if find_spec("tensorboardX") is None:
            note(HOW_TO_GET_IT)
            return None
        return cls(folder, step)

    def step(self, record: StepRecord) -> None:
        """Add a point to the curves of the training."""
        self._draw(record, "train")

    def evaluation(self, record: EvaluationRecord) -> None:
        """Add a point to the curves of the validation split."""
        self._draw(record, "valid")

    def note(self, text: str) -> None:
        """Put words beside the curves, at the step reached."""
        self._write(self._step, summary=self._text("notes", text))

    def close(self) -> None:
        """Close the file."""
        if not self._closed:
            self._closed = True
            self._attempt(self._writer.close)

    def _draw(self, record: Record, group: str) -> None:
        values = flatten(record)
        step = values.pop("step")
        points = [
            self._summary.Value(tag=f"{_group_of(name, group)}/{name}", simple_value=float(value))
            for name, value in values.items()
            if value is not None and (group, name) not in _UNDRAWN
        ]
        self._write(step, summary=self._summary(value=points))

    def _write(self, step: int, **what: Any) -> None:
        self._step = step
        event = self._event(step=step, wall_time=time.time(), **what)
        self._attempt(lambda: self._writer.write_event(event))
        if time.monotonic() - self._flushed >= _FLUSH_EVERY:
            self._flushed = time.monotonic()
            self._attempt(self._writer.flush)

    def _attempt(self, action: Callable[[], object]) -> None:
        with explain_errors(self._folder):
            action()
