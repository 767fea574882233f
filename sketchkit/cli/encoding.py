"""The input of `encode`: drawings of files, or of one data set, part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sketchkit.cli.groups import InputOptions
from sketchkit.cli.options import InputFormat, KeepBackground, UsageError, argument, option
from sketchkit.errors import InputError
from sketchkit.files import is_url

if TYPE_CHECKING:
    from sketchkit.cli.inputs import Input
    from sketchkit.sketch import Sketch

__all__ = ["DRAWINGS_OF_PART", "Block", "EncodeOptions", "Given"]

#: Drawings that are encoded together, and are in a part of a folder.
DRAWINGS_OF_PART = 4096
#: Of drawings that are left out, so many are named.
_MOST_NAMES = 5


@dataclass(frozen=True)
class EncodeOptions:
    """Which drawings."""

    files: list[str] = argument(
        "FILES",
        "Drawings: SVG, ndjson, bin, npz, or their URLs; FILE#K is one of many; - reads stdin. Or one data "
        "set: its folder, or the name of a stored one.",
    )
    input_format: InputFormat = None
    keep_background: KeepBackground = False
    classes: list[str] | None = option(
        None, "Only drawings of this class; again for more.", flags="--class", metavar="NAME", usual="all"
    )
    split: Literal["train", "valid", "test"] | None = option(
        None, "Which drawings of a data set.", usual="valid"
    )
    limit: int | None = option(
        None,
        "Only the first so many drawings of each file, or so many of a data set, chosen by chance.",
        metavar="N",
        low=1,
        usual="all",
    )


@dataclass(frozen=True)
class Block:
    """Some drawings to encode.

    Args:
        sketches: n, each of which bears the name that an error calls it by as its key.
        keys: n identifiers.
        sources: n names of files or of the data set, as the user wrote them.
        numbers: n, which of all drawings each is, from 0.
    """

    sketches: Sequence[Sketch]
    keys: tuple[str, ...]
    sources: tuple[str, ...]
    numbers: Sequence[int]

    @classmethod
    def of(cls, drawings: Iterable[tuple[int, Input]]) -> Block:
        """The drawings of files with their numbers."""
        pairs = list(drawings)
        return cls(
            [each.sketch.labelled(each.sketch.label, each.called) for _, each in pairs],
            tuple(each.sketch.key or each.stem for _, each in pairs),
            tuple(each.source for _, each in pairs),
            [number for number, _ in pairs],
        )


@dataclass(frozen=True)
class Given:
    """Drawings to encode.

    Args:
        n: how many; among those of files may be some that cannot be encoded.
        prepared: whether they are of the training data's kind.
        blocks: reads the drawings of some parts in turn; those that cannot be encoded are left out.
        content: says what the drawings are, as JSON values.
        facts: where they are from, as JSON values; of a data set.
    """

    n: int
    prepared: bool
    blocks: Callable[[Iterable[range]], Iterator[Block]]
    content: Callable[[], Any]
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, chosen: EncodeOptions, seed: int, *, prepared: bool, in_parts: bool = False) -> Given:
        """The drawings that the user means.

        Args:
            chosen: the options.
            seed: of a choice by chance.
            prepared: as in `Given`, for files.
            in_parts: whether files are read when their drawings are needed, and not now.

        Raises:
            UsageError: a data set beside other things, or an option without an effect on
                these.
            InputError: a file or a data set that cannot be read, or dots alone.
        """
        sets = [name for name in chosen.files if _is_data_set(name)]
        if not sets:
            if chosen.split is not None:
                raise UsageError("goes with a data set only", "--split")
            return cls._of_parts(chosen, prepared) if in_parts else cls._of_files(chosen, prepared)
        if len(chosen.files) > 1:
            raise UsageError("give files, or one data set and nothing else", "FILES")
        if chosen.input_format is not None:
            raise UsageError("goes with files only", "--input-format")
        if chosen.keep_background:
            raise UsageError("goes with files only", "--keep-background")
        return cls._of_data_set(sets[0], chosen, seed)

    @classmethod
    def _of_files(cls, chosen: EncodeOptions, prepared: bool) -> Given:
        from sketchkit.cli.inputs import read_inputs

        wanted, limit = chosen.classes or [], chosen.limit
        drawings = [
            each
            for file in _group(chosen.files, apart=bool(wanted))
            for each in _of_classes(
                read_inputs(
                    InputOptions(file, chosen.input_format, None if wanted else limit, chosen.keep_background)
                ),
                wanted,
                limit,
            )
        ]
        lined = set(map(id, _with_lines(drawings)))

        def read(part: range) -> Block:
            # As in a folder: the last bits of a vector depend on the drawings that are encoded with it.
            pairs = zip(part, drawings[part.start : part.stop], strict=True)
            return Block.of((number, each) for number, each in pairs if id(each) in lined)

        return cls(len(drawings), prepared, partial(map, read), lambda: None)

    @classmethod
    def _of_parts(cls, chosen: EncodeOptions, prepared: bool) -> Given:
        from sketchkit.cli.inputs import DrawingFiles, has_line

        if chosen.classes:
            raise UsageError("goes with one file as output, or with a data set", "--class")
        files = DrawingFiles.count(
            InputOptions(chosen.files, chosen.input_format, chosen.limit, chosen.keep_background)
        )

        def blocks(parts: Iterable[range]) -> Iterator[Block]:
            for part, drawings in files.read(parts):
                pairs = zip(part, drawings, strict=True)
                yield Block.of((number, each) for number, each in pairs if has_line(each.sketch))

        return cls(len(files), prepared, blocks, files.digest)

    @classmethod
    def _of_data_set(cls, name: str, chosen: EncodeOptions, seed: int) -> Given:
        from sketchkit.cli.sources import read_source

        source = read_source(name, chosen.split or "valid", chosen.classes or [], chosen.limit, seed)

        def blocks(parts: Iterable[range]) -> Iterator[Block]:
            for part in parts:
                called = [f"{source.stem}#{source.indices[place]}" for place in part]
                sketches = [
                    sketch.labelled(sketch.label, own)
                    for own, sketch in zip(called, source.sketches(part), strict=True)
                ]
                keys = [source.key(place) or own for place, own in zip(part, called, strict=True)]
                yield Block(sketches, tuple(keys), (name,) * len(part), part)

        content = {**source.facts, "source": name}
        return cls(len(source.indices), source.prepared, blocks, lambda: content, source.facts)


def _is_data_set(name: str) -> bool:
    """Whether a word means a data set: a folder, or a name without a file, of a stored set or bare."""
    from sketchkit.training.data.manifest import data_folder, list_datasets

    path = Path(name)
    if name == "-" or is_url(name) or "\0" in name or path.is_file():
        return False
    if path.is_dir() or path.exists():
        return path.is_dir()
    return name in {each.name for each in list_datasets(data_folder())} or not (path.suffix or "#" in name)


def _group(files: Sequence[str], *, apart: bool) -> list[list[str]]:
    """All files together, or each by itself where drawings are chosen."""
    return [[file] for file in files] if apart else [list(files)]


def _of_classes(drawings: Sequence[Input], classes: Sequence[str], limit: int | None) -> Sequence[Input]:
    """The first drawings of a file that are of some classes; all without a class."""
    if not classes:
        return drawings
    from sketchkit.cli.inputs import classes_shown

    wanted = classes_shown(drawings[0].source, [each.sketch.label for each in drawings], classes)
    return [each for each in drawings if each.sketch.label in wanted][:limit]


def _with_lines(drawings: Sequence[Input]) -> list[Input]:
    """The drawings that have a line, as an encoder takes them.

    Raises:
        InputError: all are dots.
    """
    from sketchkit.cli.console import say
    from sketchkit.cli.inputs import has_line

    lined = [each for each in drawings if has_line(each.sketch)]
    kept = set(map(id, lined))
    left = [each.called for each in drawings if id(each) not in kept]
    names = ", ".join(left[:_MOST_NAMES]) + (", ..." if len(left) > _MOST_NAMES else "")
    if not lined:
        raise InputError(
            f"{names}: " + ("no drawing has a line" if len(left) > 1 else "the drawing has no line")
        )
    if left:
        say(f"left out {len(left)} of {len(drawings)} drawings, which have no line: {names}")
    return lined
