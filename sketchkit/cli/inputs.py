"""Files of the command line as drawings, each with a name to call its outputs by."""

from __future__ import annotations

import itertools
import os
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace

from sketchkit.arguments import MAX_DRAWINGS, find_name, hint
from sketchkit.cli.console import say
from sketchkit.cli.groups import InputOptions
from sketchkit.cli.options import UsageError
from sketchkit.errors import FormatError, InputError
from sketchkit.files import file_checksum, open_file, reason, shown, standard_input
from sketchkit.formats import count_drawings, format_of, read, read_all, split_reference
from sketchkit.formats.streams import stem_of
from sketchkit.formats.svg import SvgDocument, omissions, read_svg
from sketchkit.formats.svg.limits import MAX_BYTES
from sketchkit.sketch import Sketch

__all__ = [
    "DrawingFiles",
    "Input",
    "Kept",
    "check_lines",
    "classes_shown",
    "find_pipe",
    "has_line",
    "read_drawings",
    "read_inputs",
    "read_one",
    "stem_of_file",
]

STDIN = "-"


@dataclass(frozen=True)
class Input:
    """One drawing to work on.

    Args:
        sketch: the drawing.
        source: the file as the user wrote it.
        stem: of the names of outputs made from it.
        document: for SVG, its bytes and its parts; kept for commands that add to it.
        number: which of the drawings of its file it is, from 0, where the file has several.
    """

    sketch: Sketch
    source: str
    stem: str
    document: tuple[bytes, SvgDocument] | None = field(default=None, repr=False)
    number: int | None = None

    @property
    def called(self) -> str:
        """The drawing in the words of an error: its file, and of several in a file which, as FILE#K."""
        return _called(self.source) + ("" if self.number is None else f"#{self.number}")


def read_inputs(chosen: InputOptions, keep_documents: bool = False) -> list[Input]:
    """Read every drawing of every file.

    Args:
        chosen: the files; `-` is standard input.
        keep_documents: keep the bytes of SVG documents.

    Raises:
        UsageError: standard input given twice: it can only be read once.
        InputError: a file that is missing, unreadable, or without a drawing.
    """
    if chosen.files.count(STDIN) > 1:
        raise UsageError("standard input (-) is given more than once", "FILES")
    return [each for file in chosen.files for each in _drawings(file, chosen, keep_documents=keep_documents)]


def read_drawings(
    file: str, kind: str | None = None, *, keep_background: bool = False
) -> Generator[Sketch, None, None]:
    """Read the drawings of a file one at a time, and say on stderr which parts of SVG are left out.

    Args:
        file: its name; `-` is standard input.
        kind: the name of its format; None where its suffix tells.
        keep_background: make strokes of paper, too.

    Raises:
        InputError: a file that is missing or unreadable.
    """
    kind = kind or format_of(file)
    if kind == "svg":
        yield _with_document(file, "", keep_background=keep_background).sketch
    else:
        yield from read_all(file, format=kind)


def read_one(
    reference: str,
    input_format: str | None = None,
    kept: Kept | None = None,
    *,
    keep_background: bool = False,
) -> Input:
    """Read one drawing.

    Args:
        reference: a file that holds one drawing, or FILE#K for drawing K of a file, counted from 0; `-` is
            standard input.
        input_format: of the file; None where its suffix tells, or it is SVG on standard input.
        kept: files that have been read already, to read each only once.
        keep_background: make strokes of the paper in an SVG file, too; `kept` has its own.

    Raises:
        InputError: a file that is missing or unreadable, an unknown drawing in it, or several drawings
            without a number.
    """
    file, number = split_reference(reference)
    kind = _kind_of(file, input_format)
    stem = stem_of_file(file)
    if number is not None and kept is None and kind != "svg":
        sketch = read(reference, format=kind)  # no more of a long file than it takes
        _check_any(reference, [sketch])
        return Input(sketch, reference, f"{stem}-{number}")
    sketches = (kept or Kept(keep_background)).sketches(file, kind)
    if number is None and len(sketches) > 1:
        raise InputError(
            f"{_called(file)}: holds {len(sketches)} drawings: {shown(file)}#0 means the first of them"
        )
    if number is None:
        return Input(sketches[0], file, stem)
    if number >= len(sketches):
        raise InputError(f"{_called(file)}: holds no drawing {number}, only 0 to {len(sketches) - 1}")
    return Input(sketches[number], reference, f"{stem}-{number}")


def find_pipe(files: Iterable[str]) -> str | None:
    """The first of some files that can only be read once: standard input, a pipe or a terminal."""
    for file in (split_reference(each)[0] for each in files):
        if file == STDIN or (os.path.exists(file) and not os.path.isfile(file) and not os.path.isdir(file)):
            return file
    return None


def check_lines(drawings: Iterable[Input], fault: str) -> None:
    """Refuse drawings without a line.

    Raises:
        InputError: the name of the first such drawing, and the fault.
    """
    for each in drawings:
        if not has_line(each.sketch):
            raise InputError(f"{each.called}: {fault}")


def has_line(sketch: Sketch) -> bool:
    """Whether a drawing has a line; dots alone are read by no model."""
    return any(len(line) > 1 for line in sketch.to_polylines())


def stem_of_file(reference: str) -> str:
    """The stem of outputs that are made from a whole file."""
    file, _ = split_reference(reference)
    return "stdin" if file == STDIN else stem_of(file)


def classes_shown(file: str, labels: Iterable[str | None], wanted: Iterable[str]) -> list[str]:
    """The classes that a user means, as the drawings of a file call them.

    Args:
        file: as the user wrote it.
        labels: the classes of its drawings.
        wanted: names of classes, in capitals or not.

    Raises:
        InputError: a class without a drawing.
    """
    known, found = sorted({label for label in labels if label is not None}), []
    for name in wanted:
        if (label := find_name(name, known)) is None:
            what = hint(name, known) if known else "its drawings do not say what they show"
            raise InputError(f"{shown(file)}: holds no drawing of {name!r}: {what}")
        found.append(label)
    return found


@dataclass(frozen=True)
class DrawingFiles:
    """The drawings of files in their order, which are read when they are needed.

    Args:
        chosen: the files.
        counts: how many drawings each of them has.
    """

    chosen: InputOptions
    counts: tuple[int, ...]

    @classmethod
    def count(cls, chosen: InputOptions) -> DrawingFiles:
        """Count the drawings of files.

        Raises:
            UsageError: standard input or a pipe, which can only be read once.
            InputError: a file that is missing, unreadable, or without a drawing.
        """
        if (file := find_pipe(chosen.files)) is not None:
            what = "standard input (-)" if file == STDIN else shown(file)
            raise UsageError(f"{what} cannot be read in parts: give a file", "FILES")
        return cls(chosen, tuple(_count(file, chosen) for file in chosen.files))

    def __len__(self) -> int:
        """How many drawings there are."""
        return sum(self.counts)

    def digest(self) -> str:
        """A checksum of all that decides the drawings, and of the names that outputs give them."""
        from sketchkit.cli.resumable import checksum_of_json

        chosen = self.chosen
        return checksum_of_json(
            {
                "files": chosen.files,
                "checksums": [file_checksum(split_reference(file)[0]) for file in chosen.files],
                "input_format": chosen.input_format,
                "keep_background": chosen.keep_background,
            }
        )

    def read(self, parts: Iterable[range]) -> Iterator[tuple[range, list[Input]]]:
        """Read the drawings of one part after another.

        Args:
            parts: the numbers of their drawings, rising.

        Yields:
            Each part, and its drawings.

        Raises:
            InputError: a file that has changed since its drawings were counted, or is damaged.
        """
        drawings, place = self._read_from(0), 0
        for numbers in parts:
            if numbers.start != place:
                drawings = self._read_from(numbers.start)
            found = list(itertools.islice(drawings, len(numbers)))
            if len(found) < len(numbers):
                raise InputError(f"{', '.join(map(_called, self.chosen.files))}: changed while it was read")
            yield numbers, found
            place = numbers.stop

    def _read_from(self, first: int) -> Iterator[Input]:
        for file, count in zip(self.chosen.files, self.counts, strict=True):
            if first < count:
                yield from self._read_file(file, count, first)
            first = max(0, first - count)

    def _read_file(self, file: str, count: int, first: int) -> Iterator[Input]:
        if count == 1:
            yield from _drawings(file, self.chosen, keep_documents=False)
            return
        drawings = read_all(file, format=_chosen_kind(file, self.chosen.input_format), first=first)
        stem, digits = stem_of_file(file), len(str(count - 1))
        for number, sketch in enumerate(itertools.islice(drawings, count - first), first):
            yield Input(sketch, file, f"{stem}-{number:0{digits}}", number=number)


def _count(file: str, chosen: InputOptions) -> int:
    if split_reference(file)[1] is not None:
        return 1
    kind = _chosen_kind(file, chosen.input_format)
    count = 1 if kind == "svg" else count_drawings(file, format=kind)
    if not count:
        raise InputError(f"{_called(file)}: holds no drawing")
    return min(count, chosen.limit or count)


class Kept:
    """The drawings of the files that were read last.

    Args:
        keep_background: make strokes of the paper in SVG files, too.
        most: how many files.
    """

    def __init__(self, keep_background: bool = False, most: int = 16) -> None:
        self._keep_background = keep_background
        self._most = most
        self._files: dict[str, list[Sketch]] = {}

    def sketches(self, file: str, kind: str) -> list[Sketch]:
        """All drawings of a file.

        Raises:
            InputError: see `read_inputs`.
        """
        if file not in self._files:
            drawings = read_drawings(file, kind, keep_background=self._keep_background)
            sketches = _taken(file, drawings, None)
            while len(self._files) >= self._most:
                del self._files[next(iter(self._files))]
            self._files[file] = sketches
        return self._files[file]


def _drawings(file: str, chosen: InputOptions, *, keep_documents: bool) -> list[Input]:
    if split_reference(file)[1] is not None:
        return [read_one(file, chosen.input_format, keep_background=chosen.keep_background)]
    kind = _chosen_kind(file, chosen.input_format)
    stem = stem_of_file(file)
    if kind == "svg":
        given = _with_document(file, stem, keep_background=chosen.keep_background)
        _check_any(file, [given.sketch])
        return [given if keep_documents else replace(given, document=None)]
    drawings = read_all(file, format=kind)
    sketches = _taken(file, drawings, chosen.limit)
    if len(sketches) == 1:
        return [Input(sketches[0], file, stem)]
    digits = len(str(len(sketches) - 1))
    return [Input(sketch, file, f"{stem}-{i:0{digits}}", number=i) for i, sketch in enumerate(sketches)]


def _kind_of(file: str, chosen: str | None) -> str:
    return chosen or ("svg" if file == STDIN else format_of(file))


def _chosen_kind(file: str, chosen: str | None) -> str:
    """The format of a file, for a command that has --input-format."""
    try:
        return _kind_of(file, chosen)
    except FormatError as error:
        raise FormatError(f"{error}; --input-format says what such a file holds") from None


def _taken(file: str, drawings: Generator[Sketch, None, None], limit: int | None) -> list[Sketch]:
    """The drawings of a file, or the first of them.

    Raises:
        InputError: the file is empty, or has more drawings than fit into memory.
    """
    sketches = list(itertools.islice(drawings, limit or MAX_DRAWINGS + 1))
    drawings.close()
    if len(sketches) > MAX_DRAWINGS:
        raise InputError(f"{_called(file)}: holds more than {MAX_DRAWINGS:,} drawings")
    _check_any(file, sketches)
    return sketches


def _check_any(file: str, sketches: list[Sketch]) -> None:
    if not any(len(sketch.without_end()) for sketch in sketches):
        raise InputError(f"{_called(file)}: holds no drawing")


def _with_document(file: str, stem: str, *, keep_background: bool) -> Input:
    """The drawing of an SVG file; says which parts are left out."""
    data = _bytes_of(file)
    document = read_svg(data, _called(file), keep_background=keep_background)
    sketch = document.sketch(_called(file))
    if document.left_out:
        hint = " (--keep-background keeps that)" if "background" in document.left_out else ""
        say(f"{_called(file)}: left out {omissions(document.left_out)}{hint}")
    return Input(sketch, file, stem, (data, document))


def _bytes_of(file: str) -> bytes:
    """A whole document, or one byte more than it may have."""
    try:
        if file == STDIN:
            return standard_input().read(MAX_BYTES + 1)
        with open_file(file, pipes=True) as stream:
            return stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{_called(file)}: no such file") from None
    except OSError as error:
        what = "this is a folder" if isinstance(error, IsADirectoryError) else reason(error)
        raise InputError(f"{_called(file)}: {what}") from error


def _called(file: str) -> str:
    return "standard input" if file == STDIN else shown(file)
