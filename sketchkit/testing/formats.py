"""What must hold of a file format."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from sketchkit.errors import FormatError
from sketchkit.sketch import Sketch
from sketchkit.testing.broken import check_broken
from sketchkit.testing.chance import chance, check_pure
from sketchkit.testing.faults import Faults
from sketchkit.testing.likeness import Measure, unlikeness
from sketchkit.testing.samples import DOT, EMPTY, FACE, ODD_WORDS, many
from sketchkit.testing.streams import File, Sink, pipe
from sketchkit.testing.taking import Taken, check_suffixes, taken, variants

__all__ = ["check_format"]

_NAME = "the-file.xyz"
#: More drawings than are in any file that is tried.
_MOST = 1_000
_WRITING = "write any drawings, or refuse by FormatError what the format cannot hold"
_READING = "read what write wrote"


class _Source(Exception):
    """What goes wrong with drawings on their way into a file, which is not the format's fault."""


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

    Its suffixes are such as a file's name can end in; its options have defaults within their ranges and can
    be set to the ends of these. What is written is read back as the same drawings: strokes, points and dots.
    A format may hold one drawing a file, refuse others by `FormatError`, or be for reading alone and refuse
    all. Streams are read and written without seeking and left open, and drawings that fail on their way into
    a file fail as they do. Nothing, garbage, and a file that is cut short or damaged give drawings or
    `FormatError`, one line that begins with the name: no other exception, and no reading on after the end.

    Args:
        plugin: a name as registered, the class, or an object that is made.
        tolerance: how far points may be off, as a share of the drawing's longer side.
        in_place: whether place and size on the page must come back, too.
        same_points: whether all points must come back; false for formats that store curves.
        examples: files to try the reader with, for a format that does not write.
        options_too: whether a class is tried at the ends of its options' ranges, too.

    Raises:
        CheckFailed: one line a fault.
        PluginError: no plugin of that name, or several.
    """
    faults = Faults()
    with chance(0):  # which puts back what the format draws from
        found = taken("format", plugin, faults)
        if found is not None:
            measure = Measure(tolerance, in_place, same_points)
            _check(found, measure, list(examples), faults, options_too)
    faults.close()


def _check(found: Taken, measure: Measure, examples: list[bytes], faults: Faults, options_too: bool) -> None:
    check_suffixes(found.cls, faults)
    if not _has_methods(found.made, faults):
        return
    trial = _Trial(found.made, measure, faults)
    written = trial.round_trips()
    trial.check_reading([*written, *examples])
    if options_too and not found.given:
        for shown, variant in variants(found.cls, faults):
            _Trial(variant, measure, faults, f" with {shown}").round_trip("one drawing", [FACE])


def _has_methods(format: Any, faults: Faults) -> bool:
    for name, arguments in (("read", "(stream, name)"), ("write", "(sketches, stream)")):
        if not callable(getattr(format, name, None)):
            kind = f"an object of the type {type(format).__name__}"
            more = "; one that cannot write raises FormatError" if name == "write" else ""
            faults.add("a format", f"{kind} has no {name}: give it {name}{arguments}{more}")
            return False
    return True


class _Trial:
    """A format under test."""

    def __init__(self, format: Any, measure: Measure, faults: Faults, where: str = "") -> None:
        self.format, self.measure, self.faults, self.where = format, measure, faults, where

    def round_trips(self) -> list[bytes]:
        """Write and read drawings of all sorts; the files that came of it."""
        odd = FACE.labelled(ODD_WORDS, ODD_WORDS)
        trials = {
            "one drawing": [FACE],
            "twelve drawings": many(12),
            "a drawing of one point": [DOT],
            "an empty drawing": [EMPTY],
            "no drawing": [],
            "a drawing with odd words": [odd],
            "a dot among drawings": [FACE, DOT, FACE],
        }
        files = [self.round_trip(told, sketches) for told, sketches in trials.items()]
        if files[0] is not None and not len(self.faults):
            self._check_writing()
        return [content for content in files if content]

    def round_trip(self, told: str, sketches: list[Sketch]) -> bytes | None:
        """Write drawings and read them back; the file, None where it refuses them."""
        told += self.where
        content = self._written(told, sketches)
        if content is None:
            return None
        back: list[Sketch] = []
        with self.faults.during("reads what it wrote", f"when it reads back {told}", _READING):
            back = self._read(File(content))
            if sketches and (any(map(len, sketches)) or back):
                self._compare(told, sketches, back)
        return content

    def check_reading(self, files: list[bytes]) -> None:
        """Read files from pipes, and damaged ones."""
        for content in files[:2]:
            self._check_pipe(content)
        check_broken(self.format, files, self.faults)

    def _compare(self, told: str, sketches: list[Sketch], back: list[Sketch]) -> None:
        wanted = sketches
        if len(back) != len(sketches) and len(back) != 1:
            wanted = [sketch for sketch in sketches if len(sketch.without_end())]
        problem = unlikeness(wanted, back, self.measure)
        if problem is not None:
            advice = "write all that makes a drawing, and read it alike"
            self.faults.add("the same drawings", f"of {told} {problem}: {advice}")

    def _written(self, told: str, sketches: list[Sketch]) -> bytes | None:
        """What it writes; None where it refuses, or fails."""
        stream, source = io.BytesIO(), iter(sketches)
        with self.faults.during("writes", f"when it writes {told}", _WRITING):
            try:
                self.format.write(source, stream)
            except FormatError as error:
                if len(str(error).splitlines()) != 1:
                    advice = "say in one line what cannot be written"
                    self.faults.add("refusals", f"it refuses {told} by {str(error)!r}: {advice}", error)
                return None
            if stream.closed:
                self.faults.add("left open", "write closes its stream: leave that to whoever opened it")
                return None
            if next(source, None) is not None:
                self.faults.add(
                    "all of them", f"of {told} it leaves drawings unread: write all, or raise FormatError"
                )
            return stream.getvalue()
        return None

    def _check_writing(self) -> None:
        """Into a pipe, the same each time, and not past an error of the drawings' own."""
        sink = Sink()
        with self.faults.during(
            "writes to pipes", "when it writes to a stream that cannot seek", "only write"
        ):
            self.format.write(iter([FACE]), sink)
            self._compare("one drawing through a pipe", [FACE], self._read(File(sink.content)))
        with self.faults.during("writes", "when it writes one drawing again", _WRITING):
            check_pure(
                lambda: self._written("one drawing", [FACE]), "bytes", "use no chance at all", self.faults
            )
        self._check_source()

    def _check_source(self) -> None:
        mine = _Source("of the drawings")

        def failing() -> Iterator[Sketch]:
            yield FACE
            raise mine

        advice = "let errors of the iterable of drawings pass"
        try:
            self.format.write(failing(), io.BytesIO())
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if error is not mine:
                self.faults.add(
                    "errors pass", f"it turns an error of the drawings into {type(error).__name__}: {advice}"
                )
        else:
            self.faults.add("errors pass", f"it swallows an error of the drawings: {advice}")

    def _check_pipe(self, content: bytes) -> None:
        with self.faults.during("reads pipes", "when it reads a stream that cannot seek", "only read"):
            through, straight = self._read(pipe(content)), self._read(File(content))
            if through != straight:
                advice = "read until read(n) gives nothing"
                self.faults.add("reads pipes", f"a pipe gives other drawings than a file: {advice}")

    def _read(self, stream: BinaryIO) -> list[Sketch]:
        """The drawings of a stream."""
        drawings = list(itertools.islice(self.format.read(stream, _NAME), _MOST))
        if stream.closed:
            self.faults.add("left open", "read closes its stream: leave that to whoever opened it")
        for drawing in drawings:
            if not isinstance(drawing, Sketch):
                kind = type(drawing).__name__
                raise TypeError(f"read yields a {kind}, not sketchkit.Sketch objects")
        return drawings
