"""The check of formats: each rule, broken by a format of its own."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, ClassVar

import numpy as np
import pytest
from checking import rules_of

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
        assert rules_of(check_format, name, in_place=True)[0] == "the same drawings"


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
    assert rules_of(check_format, Strict, examples=[b"7"]) == ("reads pipes",)


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
    ("format", "rule"),
    [
        (_Mirrored, "the same drawings"),
        (_Joined, "the same drawings"),
        (_WithoutDots, "the same drawings"),
        (_Thinned, "the same drawings"),
        (_Coarse, "the same drawings"),
        (_FirstOnly, "the same drawings"),
    ],
)
def test_a_drawing_that_comes_back_as_another_is_told(format: Any, rule: str) -> None:
    assert rules_of(check_format, format)[0] == rule


def test_a_format_that_stores_curves_may_have_other_points_on_them() -> None:
    check_format(_Dense, same_points=False)
    assert rules_of(check_format, _Dense)[0] == "the same drawings"
    assert rules_of(check_format, _Coarse, same_points=False)[0] == "the same drawings"


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
    ("format", "rule"),
    [
        (
            _Needy,
            "writes",
        ),
        (_Seeks, "writes to pipes"),
        (_SeeksToRead, "reads pipes"),
        (_OnePiece, "reads pipes"),
        (_Closes, "left open"),
        (_ClosesWritten, "left open"),
        (_Once, "all of them"),
        (_Wordy, "refusals"),
        (_Dated, "same again"),
        (_Labels, "writes"),
        (_Swallows, "errors pass"),
        (_Renames, "errors pass"),
    ],
)
def test_streams_are_used_as_pipes_and_left_open(format: Any, rule: str) -> None:
    assert rule in rules_of(check_format, format)


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
    ("format", "rule"),
    [
        (_Bare, "refuses"),
        (
            _Nameless,
            "names the file",
        ),
        (_Terse, "names the file"),
        (_LongWinded, "one line"),
        (_Waits, "ends"),
        (
            _Lists,
            "sketches",
        ),
        (
            _NeverASketch,
            "reads what it wrote",
        ),
    ],
)
def test_broken_files_are_refused_by_name(format: Any, rule: str) -> None:
    assert rule in rules_of(check_format, format)


def test_a_reader_that_never_stops_is_told() -> None:
    assert "ends" in rules_of(check_format, _Repeats)


class _Truncates(Lined):
    """Refuses what is no JSON, but trips over a file that is cut short."""

    def read(self, stream: BinaryIO, name: str) -> Iterator[Any]:
        data = stream.read()
        if data.startswith(b"[[[") and data[3:4] != b"[" and not data.endswith(b"\n"):
            raise EOFError("where is the rest?")
        return super().read(io.BytesIO(data), name)


def test_a_file_that_is_cut_short_is_told_of() -> None:
    assert rules_of(check_format, _Truncates) == ("refuses",)


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
    assert rules_of(check_format, _Checksum)[0] == "refuses"


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
    assert rules_of(check_format, _ReadsAlone) == ("a format",)
    assert rules_of(check_format, set) == ("suffixes", "a format")
