"""The check of formats: each rule, broken by a format of its own."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, ClassVar

import numpy as np
import pytest
from checking import fault_of, faults_of

from sketchkit import registry
from sketchkit.errors import FormatError, InputError
from sketchkit.sketch import Sketch
from sketchkit.testing import check_format


@pytest.mark.parametrize("name", [p.full_name for p in registry.all_plugins("format") if p.builtin])
def test_every_format_of_ours_passes(name: str) -> None:
    check_format(name)


@pytest.mark.parametrize(("name", "kept"), [("ndjson", True), ("svg", True), ("quickdraw-bin", False)])
def test_place_and_size_must_come_back_where_somebody_says_so(name: str, kept: bool) -> None:
    if kept:
        check_format(name, in_place=True, tolerance=1e-4, options_too=False)
    else:
        assert "of its size where 1 % may be: write all" in faults_of(check_format, name, in_place=True)[0]


class Lined:
    """A drawing a line, as JSON."""

    suffixes: ClassVar[tuple[str, ...]] = (".lined",)

    def read(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        for number, line in enumerate(stream, start=1):
            try:
                yield self.sketch(json.loads(line))
            except (ValueError, TypeError, RecursionError, InputError) as error:
                raise FormatError(f"{name}: line {number} is no drawing: {type(error).__name__}") from error

    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        for sketch in sketches:
            stream.write(json.dumps(self.lines(sketch)).encode() + b"\n")

    def sketch(self, lines: Any) -> Any:
        return Sketch.from_polylines(lines)

    def lines(self, sketch: Sketch) -> Any:
        return [line.tolist() for line in sketch.to_polylines()]


def test_a_format_that_somebody_else_wrote_passes() -> None:
    check_format(Lined, in_place=True)
    check_format(Lined())


class _ForReading(Lined):
    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        raise FormatError("such files are only read")


class _ByHand(Lined):
    """Reads with every method that a stream has."""

    def read(self, stream: Any, name: str) -> Iterator[Any]:
        first, buffer = stream.read1(3) + stream.readline(), bytearray(5)
        count = stream.readinto(buffer)
        rest = b"".join(stream.readlines())
        return super().read(io.BytesIO(first + bytes(buffer[:count]) + rest), name)


class _OneAFile(Lined):
    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        several = list(sketches)
        if len(several) != 1 or not len(several[0]):
            raise FormatError("such a file holds one drawing")
        super().write(several, stream)


class _AllInOne(Lined):
    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        lines = [line for sketch in sketches for line in self.lines(sketch)]
        stream.write(json.dumps(lines).encode())


class _LeavesOutEmptyOnes(Lined):
    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        super().write((sketch for sketch in sketches if len(sketch)), stream)


@pytest.mark.parametrize("format", [_ForReading, _ByHand, _OneAFile, _AllInOne, _LeavesOutEmptyOnes])
def test_a_format_may_hold_less_than_others(format: Any) -> None:
    check_format(format)


def test_a_format_for_reading_is_tried_with_examples() -> None:
    class Strict(_ForReading):
        def sketch(self, lines: Any) -> Any:
            assert lines != 7
            return super().sketch(lines)

    check_format(Strict, examples=[b"[[[1, 2], [3, 4]]]\n"])
    fault = fault_of(check_format, Strict, examples=[b"7"])
    assert "AssertionError" in fault and "when it reads a stream that cannot seek" in fault


class _Mirrored(Lined):
    def lines(self, sketch: Sketch) -> Any:
        return [line[:, ::-1].tolist() for line in sketch.to_polylines()]


class _Joined(Lined):
    def lines(self, sketch: Sketch) -> Any:
        lines = sketch.to_polylines()
        return [np.concatenate(lines).tolist()] if lines else []


class _WithoutDots(Lined):
    def lines(self, sketch: Sketch) -> Any:
        return [line for line in super().lines(sketch) if len(line) > 1]


class _Thinned(Lined):
    def lines(self, sketch: Sketch) -> Any:
        return [[*line[:-1:2], line[-1]] for line in super().lines(sketch)]


class _Dense(Lined):
    def lines(self, sketch: Sketch) -> Any:
        out = []
        for line in sketch.to_polylines():
            middles = (line[1:] + line[:-1]) / 2
            dense = np.insert(line, np.arange(1, len(line)), middles, axis=0)
            out.append(dense.tolist())
        return out


class _Coarse(Lined):
    def lines(self, sketch: Sketch) -> Any:
        return [(line / 8).round().tolist() for line in sketch.to_polylines()]


class _FirstOnly(Lined):
    def read(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        yield from [*super().read(stream, name)][:2]


@pytest.mark.parametrize(
    ("format", "words"),
    [
        (_Mirrored, "of one drawing it comes back with stroke 0 off by"),
        (_Joined, "of one drawing it comes back with 1 strokes instead of 4: write all that makes"),
        (_WithoutDots, "of one drawing it comes back with 3 strokes instead of 4: write all that"),
        (_Thinned, "of one drawing it comes back with 13 points in stroke 0 instead of 25: write"),
        (_Coarse, "% of its size where 1 % may be: write all that makes a drawing, and read it alike"),
        (_FirstOnly, "of twelve drawings 12 drawings come back as 2: write all that makes"),
    ],
)
def test_a_drawing_that_comes_back_as_another_is_told(format: Any, words: str) -> None:
    fault = faults_of(check_format, format)[0]
    assert words in fault, fault


def test_a_format_that_stores_curves_may_have_other_points_on_them() -> None:
    check_format(_Dense, same_points=False)
    assert "with 49 points in stroke 0 instead of 25" in faults_of(check_format, _Dense)[0]
    fault = faults_of(check_format, _Coarse, same_points=False)[0]
    assert "of its size where 1 % may be" in fault


class _Needy(Lined):
    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        first, *rest = sketches
        super().write([first, *rest], stream)


class _Seeks(Lined):
    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        stream.seek(0)
        super().write(sketches, stream)


class _SeeksToRead(Lined):
    def read(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        if not isinstance(stream, io.BytesIO):
            stream.seek(0)
        return super().read(stream, name)


class _OnePiece(Lined):
    def read(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        whole, end, _ = stream.read1().rpartition(b"\n")  # type: ignore[attr-defined]
        return super().read(io.BytesIO(whole + end), name)


class _Closes(Lined):
    def read(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        with stream:
            yield from super().read(stream, name)


class _ClosesWritten(Lined):
    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        super().write(sketches, stream)
        stream.close()


class _Once(Lined):
    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        for sketch in sketches:
            super().write([sketch], stream)
            return


class _Wordy(Lined):
    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        several = list(sketches)
        if len(several) > 1:
            raise FormatError("one\ndrawing")
        super().write(several, stream)


class _Dated(Lined):
    def __init__(self) -> None:
        self.files = 0

    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        super().write(sketches, stream)
        self.files += 1
        stream.write(b" " * self.files + b"\n" * 0)

    def read(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        return super().read(io.BytesIO(stream.read().rstrip(b" ")), name)


class _Labels(Lined):
    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        for sketch in sketches:
            (sketch.label or "").encode("ascii")
            super().write([sketch], stream)


class _Swallows(Lined):
    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        try:
            super().write(sketches, stream)
        except Exception:
            stream.flush()


class _Renames(Lined):
    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        try:
            super().write(sketches, stream)
        except Exception as error:
            raise FormatError("something went wrong") from error


@pytest.mark.parametrize(
    ("format", "words"),
    [
        (
            _Needy,
            "ValueError: not enough values to unpack (expected at least 1, got 0) when it writes no draw",
        ),
        (_Seeks, "when it writes to a stream that cannot seek: only write"),
        (_SeeksToRead, "when it reads a stream that cannot seek: only read"),
        (_OnePiece, "a pipe gives other drawings than a file: read until"),
        (_Closes, "read closes its stream: leave that to whoever opened it"),
        (_ClosesWritten, "write closes its stream: leave that to whoever opened it"),
        (_Once, "of twelve drawings it leaves drawings unread: write all, or raise FormatError"),
        (_Wordy, r"it refuses twelve drawings by 'one\ndrawing': say in one line"),
        (_Dated, "equal arguments give other bytes the second time"),
        (_Labels, "UnicodeEncodeError: 'ascii' codec"),
        (_Swallows, "it swallows an error of the drawings: let errors of the iterable of drawings pass"),
        (_Renames, "it turns an error of the drawings into FormatError: let errors"),
    ],
)
def test_streams_are_used_as_pipes_and_left_open(format: Any, words: str) -> None:
    assert any(words in fault for fault in faults_of(check_format, format)), words


class _Bare(Lined):
    """Lets errors of Python's own pass."""

    def read(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        return (self.sketch(json.loads(line)) for line in stream)


class _Nameless(Lined):
    def read(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        return super().read(stream, "the file")


class _Terse(Lined):
    def read(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        try:
            yield from super().read(stream, name)
        except FormatError:
            raise FormatError(f"{name}: ") from None


class _LongWinded(Lined):
    def read(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        try:
            yield from super().read(stream, name)
        except FormatError as error:
            raise FormatError(f"{error}\nin short: no") from None


class _Waits(Lined):
    def read(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        data = b""
        while not data.endswith(b"\n"):
            data += stream.read(16)
        return super().read(io.BytesIO(data), name)


class _Repeats(Lined):
    def read(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        drawings = list(super().read(stream, name))
        while drawings:
            yield from drawings


class _Lists(Lined):
    def sketch(self, lines: Any) -> Any:
        return super().sketch(lines) if lines != 1 else lines


class _NeverASketch(Lined):
    def sketch(self, lines: Any) -> Any:
        return lines


@pytest.mark.parametrize(
    ("format", "words"),
    [
        (_Bare, 'for zeros: raise FormatError(f"{name}: ...") for whatever cannot be read, as of zeros'),
        (
            _Nameless,
            "the FormatError for zeros says 'the file: line 1 is no drawing: JSONDecodeError': begin",
        ),
        (_Terse, "says 'folder/the file.xyz: ': begin with the name that read is given"),
        (_LongWinded, "the FormatError for zeros has 2 lines: say it in one"),
        (_Waits, "it reads on after the end of an empty file: stop where read gives nothing"),
        (
            _Lists,
            "it yields something else than sketches for a text of one character: yield",
        ),
        (
            _NeverASketch,
            "TypeError: read yields a list, not sketchkit.Sketch objects when it reads back one",
        ),
    ],
)
def test_broken_files_are_refused_by_name(format: Any, words: str) -> None:
    faults = faults_of(check_format, format)
    assert any(words in fault for fault in faults), faults


def test_a_reader_that_never_stops_is_told() -> None:
    faults = faults_of(check_format, _Repeats)
    assert any("and more for" in fault and "stop at the end of the stream" in fault for fault in faults), (
        faults
    )


class _Truncates(Lined):
    """Refuses what is no JSON, but trips over a file that is cut short."""

    def read(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        data = stream.read()
        if data.startswith(b"[[[") and data[3:4] != b"[" and not data.endswith(b"\n"):
            raise EOFError("where is the rest?")
        return super().read(io.BytesIO(data), name)


def test_a_file_that_is_cut_short_is_told_of() -> None:
    fault = fault_of(check_format, _Truncates)
    assert fault.startswith("it raises EOFError: where is the rest? for a file cut short after ")


class _Checksum(Lined):
    """Trips over a file that is damaged."""

    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        inner = io.BytesIO()
        super().write(sketches, inner)
        stream.write(b"%d\n" % sum(inner.getvalue()) + inner.getvalue())

    def read(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        first, _, rest = stream.read().partition(b"\n")
        if first.isdigit() and rest and first != b"%d" % sum(rest) and rest.endswith(b"\n"):
            raise ArithmeticError("sums differ")
        return super().read(io.BytesIO(rest if first.isdigit() else first), name)


def test_a_file_that_is_damaged_is_told_of() -> None:
    fault = faults_of(check_format, _Checksum)[0]
    assert (
        fault.startswith("it raises ArithmeticError: sums differ for a file of ")
        and "other bytes at" in fault
    )


class _InterruptedByZeros(Lined):
    def read(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        data = stream.read()
        if data and not any(data):
            raise KeyboardInterrupt
        return super().read(io.BytesIO(data), name)


class _InterruptedByDrawings(Lined):
    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        try:
            super().write(sketches, stream)
        except Exception:
            raise KeyboardInterrupt from None


@pytest.mark.parametrize("format", [_InterruptedByZeros, _InterruptedByDrawings])
def test_ctrl_c_passes(format: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        check_format(format)


class _ReadsAlone:
    suffixes: ClassVar[tuple[str, ...]] = (".x",)

    def read(self, stream: BinaryIO, name: str) -> Iterator[Sketch]:
        return iter(())


def test_a_format_without_a_method_or_suffixes_is_told() -> None:
    assert (
        "_ReadsAlone has no write: give it write(sketches, stream); one that cannot write raises Format"
        in (fault_of(check_format, _ReadsAlone))
    )
    assert "an object of the type set has no read" in faults_of(check_format, set)[1]
    assert "its suffixes are None" in faults_of(check_format, set)[0]
