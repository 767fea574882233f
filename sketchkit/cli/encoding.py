"""The input of `encode`: drawings of files, or of one data set, some thousand in memory at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sketchkit.cli.groups import InputOptions
from sketchkit.cli.options import InputFormat, KeepBackground, UsageError, argument, option
from sketchkit.errors import InputError

if TYPE_CHECKING:
    from sketchkit.cli.inputs import Input
    from sketchkit.models import DrawingModel
    from sketchkit.sketch import Sketch

__all__ = ["EncodeOptions", "Encoded", "Given"]

#: Drawings of a data set that are in memory at once.
_DRAWINGS_AT_ONCE = 2_048
#: Of drawings that are left out, so many are named.
_MOST_NAMES = 5


@dataclass(frozen=True)
class EncodeOptions:
    """Which drawings."""

    files: list[str] = argument(
        "FILES",
        "Drawings: SVG, ndjson, bin, npz; FILE#K is one of many; - reads stdin. Or one data set: its folder, "
        "or the name of a stored one.",
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
class Encoded:
    """The posteriors of drawings, and their labels.

    Args:
        mu: float32 [n, Z].
        sigma: float32 [n, Z].
        labels: n names, empty where unknown.
    """

    mu: Any
    sigma: Any
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Given:
    """Drawings to encode.

    Args:
        keys: n identifiers.
        sources: n names of files or of the data set, as the user wrote them.
        prepared: whether they are of the training data's kind.
        facts: where they are from, as JSON values; of a data set.
        blocks: makes them, some at a time; each bears the name that an error calls it by as its key.
    """

    keys: tuple[str, ...]
    sources: tuple[str, ...]
    prepared: bool
    blocks: Callable[[], Iterator[list[Sketch]]]
    facts: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many drawings, n."""
        return len(self.keys)

    @classmethod
    def of(cls, chosen: EncodeOptions, seed: int, *, prepared: bool) -> Given:
        """The drawings that the user means.

        Raises:
            UsageError: a data set beside other things, or an option without an effect on
                these.
            InputError: a file or a data set that cannot be read, or dots alone.
        """
        sets = [name for name in chosen.files if _is_data_set(name)]
        if not sets:
            if chosen.split is not None:
                raise UsageError("goes with a data set only", "--split")
            return cls._of_files(chosen, prepared=prepared)
        if len(chosen.files) > 1:
            raise UsageError("give files, or one data set and nothing else", "FILES")
        if chosen.input_format is not None:
            raise UsageError("goes with files only", "--input-format")
        if chosen.keep_background:
            raise UsageError("goes with files only", "--keep-background")
        return cls._of_data_set(sets[0], chosen, seed)

    @classmethod
    def _of_files(cls, chosen: EncodeOptions, *, prepared: bool) -> Given:
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
        lined = _with_lines(drawings)
        # What the library refuses it calls by its key.
        sketches = [each.sketch.labelled(each.sketch.label, each.called) for each in lined]
        return cls(
            tuple(each.sketch.key or each.stem for each in lined),
            tuple(each.source for each in lined),
            prepared,
            lambda: iter([sketches]),
        )

    @classmethod
    def _of_data_set(cls, name: str, chosen: EncodeOptions, seed: int) -> Given:
        from sketchkit.cli.sources import read_source

        source = read_source(name, chosen.split or "valid", chosen.classes or [], chosen.limit, seed)
        n = len(source.indices)
        called = [f"{source.stem}#{index}" for index in source.indices]

        def blocks() -> Iterator[list[Sketch]]:
            for first in range(0, n, _DRAWINGS_AT_ONCE):
                places = range(first, min(first + _DRAWINGS_AT_ONCE, n))
                sketches = zip(places, source.sketches(places), strict=True)
                yield [sketch.labelled(sketch.label, called[place]) for place, sketch in sketches]

        keys = tuple(key or own for key, own in zip(source.keys, called, strict=True))
        return cls(keys, (name,) * n, source.prepared, blocks, source.facts)

    def encode(self, model: DrawingModel) -> Encoded:
        """Where they lie."""
        import numpy as np

        from sketchkit.cli.console import progress
        from sketchkit.latent import encode as encode_some

        parts, labels = [], list[str]()
        with progress("Encoding") as told:
            for sketches in self.blocks():
                done, here = len(labels), len(sketches)

                def so_far(steps: int, total: int, done: int = done, here: int = here) -> None:
                    told(total * done + steps * here, total * len(self))

                parts.append(encode_some(model, sketches, prepared=self.prepared, progress=so_far))
                labels += [sketch.label or "" for sketch in sketches]
        mu, sigma = (np.concatenate(each) for each in zip(*parts, strict=True))
        return Encoded(mu, sigma, tuple(labels))


def _is_data_set(name: str) -> bool:
    """Whether a word means a data set: a folder, or a name without a file, of a stored set or bare."""
    from sketchkit.training.data.manifest import data_folder, list_datasets

    path = Path(name)
    if name == "-" or "\0" in name or path.is_file():
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

    lined = [each for each in drawings if any(len(line) > 1 for line in each.sketch.to_polylines())]
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
