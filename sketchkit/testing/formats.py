"""The contract of file formats: drawings come back, and invalid files are refused."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from sketchkit.errors import FormatError
from sketchkit.sketch import Sketch
from sketchkit.testing.faults import Faults, check_pure, collect_faults, in_a_line, seed_generators
from sketchkit.testing.fixtures import (
    DOT,
    EMPTY,
    FACE,
    GARBAGE,
    ODD_WORDS,
    ReadsOn,
    Sink,
    damage,
    make_drawings,
    open_file,
    open_pipe,
)
from sketchkit.testing.result import Subject, check_suffixes, make_plugin

__all__ = ["check_format"]

Float64 = npt.NDArray[np.float64]

#: Unlikely to stand in an error by chance.
_NAME = "folder/the file.xyz"
#: More drawings than a file of the trials holds.
_MOST = 20_000
_WRITING = "write any drawings, or refuse by FormatError those that the format cannot hold"
_READING = "read the files of write"
_CLOSED = "leave the stream open for its owner"


class _SourceError(Exception):
    """An error of the iterable of drawings, which `write` must let pass."""


@dataclass(frozen=True)
class _Tolerance:
    """How similar a drawing must be that comes back from a file.

    Args:
        distance: the largest distance of points, as a share of the drawing's longer side.
        in_place: whether place and size must be the same.
        same_points: whether each point must come back; else the lines must pass by it.
    """

    distance: float
    in_place: bool
    same_points: bool


def check_format(
    plugin: Any,
    *,
    tolerance: float = 0.01,
    in_place: bool = False,
    same_points: bool = True,
    examples: Iterable[bytes] = (),
    options_too: bool = True,
) -> None:
    """Try a format.

    Its suffixes can end a file's name; its options have defaults within their ranges and can be set to the
    ends of these. Drawings that are written are read back: strokes, points and dots. A format may hold one
    drawing a file, refuse others by `FormatError`, or be for reading alone and refuse all. Streams are used
    without seeking and left open; an exception from the iterable of drawings passes through. Garbage, and
    files that are empty, cut short or damaged give drawings or `FormatError` with one line that begins with
    the name; reading stops at the end of the stream.

    Args:
        plugin: a name as registered, the class, or an object.
        tolerance: the largest distance of points, as a share of the drawing's longer side.
        in_place: whether place and size on the page must come back, too.
        same_points: whether all points must come back; false for formats that store curves.
        examples: files to try the reader with, for a format that cannot write.
        options_too: whether a class is tried at the ends of its options' ranges, too.

    Raises:
        CheckFailed: one line a fault.
        PluginError: an unknown or ambiguous name.
    """
    with seed_generators(0), collect_faults() as faults:
        subject = make_plugin("format", plugin, faults)
        trial = _Trial(subject.made, _Tolerance(tolerance, in_place, same_points), faults)
        _check(subject, trial, list(examples), options_too)


def _check(subject: Subject, trial: _Trial, examples: list[bytes], options_too: bool) -> None:
    check_suffixes(subject.cls, trial.faults)
    for name, arguments in (("read", "(stream, name)"), ("write", "(sketches, stream)")):
        fault = f"a {type(subject.made).__name__} lacks {name}: define {name}{arguments}"
        trial.faults.require(callable(getattr(subject.made, name, None)), "a format", fault)
    files = [*trial.write_and_read(), *examples]
    for content in files[:2]:
        trial.check_pipe(content)
    for situation, content in GARBAGE.items():
        trial.check_invalid(situation, content)
    for situation, content in itertools.chain.from_iterable(map(damage, files)):
        if "ends" in trial.faults:
            break  # the others would take as long
        trial.check_invalid(situation, content)
    if options_too:
        for situation, variant in subject.variants(trial.faults):
            with trial.faults.within(situation):
                _Trial(variant, trial.tolerance, trial.faults).round_trip("one drawing", [FACE])


class _Trial:
    """A format under test."""

    def __init__(self, format: Any, tolerance: _Tolerance, faults: Faults) -> None:
        self.format, self.tolerance, self.faults = format, tolerance, faults

    def write_and_read(self) -> list[bytes]:
        """Try drawings of all sorts; returns the files."""
        trials = {
            "one drawing": [FACE],
            "twelve drawings": make_drawings(12),
            "a drawing of one point": [DOT],
            "an empty drawing": [EMPTY],
            "no drawing": [],
            "a drawing with odd words": [FACE.labelled(ODD_WORDS, ODD_WORDS)],
            "a dot among drawings": [FACE, DOT, FACE],
        }
        files = [self.round_trip(name, sketches) for name, sketches in trials.items()]
        if files[0] is not None and not len(self.faults):
            self._check_writing()
        return [content for content in files if content]

    def round_trip(self, name: str, sketches: list[Sketch]) -> bytes | None:
        """Write drawings and read them back; returns the file, None where they are refused."""
        content = self._write(name, sketches)
        if content is not None:
            with self.faults.during("reads what it wrote", f"when it reads back {name}", _READING):
                back = self._read(open_file(content))
                if sketches and (any(map(len, sketches)) or back):
                    self._compare(sketches, back)
        return content

    def check_pipe(self, content: bytes) -> None:
        """Read a file from a pipe."""
        with self.faults.during("reads pipes", "when it reads a stream that cannot seek", "only read"):
            if self._read(open_pipe(content)) != self._read(open_file(content)):
                advice = "read until read(n) returns zero bytes"
                self.faults.add("reads pipes", f"a pipe gives other drawings than a file: {advice}")

    def check_invalid(self, situation: str, content: bytes) -> None:
        """Read a file of any content: drawings or `FormatError`."""
        faults = self.faults
        with faults.within(f"for {situation}"):
            try:  # a pipe counts the reads after its end
                drawings = list(itertools.islice(self.format.read(open_pipe(content), _NAME), _MOST))
            except FormatError as error:
                self._check_message(str(error))
            except KeyboardInterrupt:
                raise
            except ReadsOn as error:
                faults.add("ends", "it reads on after the end: stop where read returns zero bytes", error)
            except BaseException as error:  # plugins raise exceptions of all kinds
                advice = 'raise FormatError(f"{name}: ...") for every invalid file'
                faults.add("refuses", f"it raises {in_a_line(error)}: {advice}", error)
            else:
                if len(drawings) == _MOST:
                    faults.add("ends", f"it yields {_MOST} drawings and more: stop at the end of the stream")
                elif not all(isinstance(drawing, Sketch) for drawing in drawings):
                    faults.add("sketches", "it yields other objects: yield sketchkit.Sketch objects")

    def _check_message(self, message: str) -> None:
        lines = len(message.splitlines())
        if not message.startswith(f"{_NAME}: ") or len(message) < len(_NAME) + 4:
            advice = "begin with the name that read is given and a colon"
            self.faults.add("names the file", f"its FormatError says {message!r}: {advice}")
        elif lines != 1:
            self.faults.add("one line", f"its FormatError has {lines} lines: shorten it to one")

    def _compare(self, sketches: list[Sketch], back: list[Sketch]) -> None:
        wanted = sketches
        if len(back) != len(sketches) and len(back) != 1:
            wanted = [sketch for sketch in sketches if len(sketch.without_end())]
        problem = _describe_difference(wanted, back, self.tolerance)
        if problem is not None:
            self.faults.add("the same drawings", f"{problem}: write all of a drawing, and read it alike")

    def _write(self, name: str, sketches: list[Sketch]) -> bytes | None:
        """The file of some drawings; None where they are refused, or writing fails."""
        stream, source = io.BytesIO(), iter(sketches)
        with self.faults.during("writes", f"when it writes {name}", _WRITING):
            try:
                self.format.write(source, stream)
            except FormatError as error:
                if len(str(error).splitlines()) != 1:
                    fault = f"it refuses by {str(error)!r}: give the reason in one line"
                    self.faults.add("refusals", fault, error)
                return None
            if stream.closed:
                self.faults.add("left open", f"write closes its stream: {_CLOSED}")
                return None
            if next(source, None) is not None:
                self.faults.add("all of them", "it leaves drawings unread: write all, or raise FormatError")
            return stream.getvalue()
        return None

    def _check_writing(self) -> None:
        sink = Sink()
        situation = "when it writes to a stream that cannot seek"
        with self.faults.during("writes to pipes", situation, "only write"):
            self.format.write(iter([FACE]), sink)
            self._compare([FACE], self._read(open_file(sink.content)))
        with self.faults.during("writes", "when it writes one drawing again", _WRITING):
            check_pure(lambda: self._write("one drawing", [FACE]), "bytes", "use no chance", self.faults)
        self._check_errors_pass()

    def _check_errors_pass(self) -> None:
        own = _SourceError("of the drawings")

        def fail() -> Iterator[Sketch]:
            yield FACE
            raise own

        problem = "it swallows an error of the drawings"
        try:
            self.format.write(fail(), io.BytesIO())
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # plugins raise exceptions of all kinds
            if error is own:
                return
            problem = f"it turns an error of the drawings into {type(error).__name__}"
        self.faults.add("errors pass", f"{problem}: let errors of the iterable of drawings pass")

    def _read(self, stream: BinaryIO) -> list[Sketch]:
        drawings = list(itertools.islice(self.format.read(stream, _NAME), _MOST))
        if stream.closed:
            self.faults.add("left open", f"read closes its stream: {_CLOSED}")
        for drawing in drawings:
            if not isinstance(drawing, Sketch):
                raise TypeError(f"read yields a {type(drawing).__name__}, not sketchkit.Sketch objects")
        return drawings


def _describe_difference(given: list[Sketch], back: list[Sketch], tolerance: _Tolerance) -> str | None:
    """The first difference of drawings from those of a file, as a clause; None where they are alike.

    Args:
        given: that were written.
        back: that were read; a single drawing that joins them all is accepted.
        tolerance: how similar they must be.
    """
    if len(back) == 1 and len(given) > 1:
        given = [Sketch.from_polylines([line for sketch in given for line in sketch.to_polylines()])]
    if len(back) != len(given):
        return f"{len(given)} drawings come back as {len(back)}"
    for number, (sketch, other) in enumerate(zip(given, back, strict=True)):
        difference = _compare_lines(sketch.to_polylines(), other.to_polylines(), tolerance)
        if difference is not None:
            return f"{f'drawing {number}' if len(given) > 1 else 'it'} comes back {difference}"
    return None


def _compare_lines(given: list[Float64], back: list[Float64], tolerance: _Tolerance) -> str | None:
    if len(back) != len(given):
        return f"with {len(back)} strokes instead of {len(given)}"
    if not given:
        return None
    size = _measure(given)
    if not tolerance.in_place:
        given, back = _normalise(given), _normalise(back)
        size = min(size, 1.0)
    for number, (line, other) in enumerate(zip(given, back, strict=True)):
        if tolerance.same_points and len(line) != len(other):
            return f"with {len(other)} points in stroke {number} instead of {len(line)}"
        off = np.abs(line - other).max() if tolerance.same_points else _measure_distance(line, other)
        off /= size or 1.0
        if off > tolerance.distance:
            return f"with stroke {number} off by {off:.3%} of its size, more than {tolerance.distance:.3%}"
    return None


def _measure(lines: list[Float64]) -> float:
    """The longer side of the bounds."""
    return float(np.ptp(np.concatenate(lines), axis=0).max())


def _normalise(lines: list[Float64]) -> list[Float64]:
    """Lines moved to (0, 0) and scaled to a longer side of 1; a single place keeps its size."""
    corner, size = np.concatenate(lines).min(axis=0), _measure(lines) or 1.0
    return [(line - corner) / size for line in lines]


def _measure_distance(points: Float64, line: Float64) -> float:
    """The distance of the farthest of some points from a polyline."""
    import shapely

    path = shapely.LineString(line) if len(line) > 1 else shapely.Point(line[0])
    return float(shapely.distance(shapely.points(points), path).max())
