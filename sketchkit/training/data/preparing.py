"""From drawings to a data set, in one pass and in memory that grows by eight bytes a drawing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sketchkit.errors import FormatError, InputError
from sketchkit.files import explain_errors, is_url, shown
from sketchkit.formats.svg import LEFT_OUT, omissions
from sketchkit.remote import local_copy
from sketchkit.sketch import Sketch
from sketchkit.training.data.dataset import Dataset
from sketchkit.training.data.manifest import (
    FILE_NAME,
    MAX_CLASS_NAME,
    MAX_CLASSES,
    SPLITS,
    Manifest,
    atomic_folder,
)
from sketchkit.training.data.recipe import (
    Item,
    Recipe,
    Rows,
    choose_split,
    hash_drawing,
    hash_key,
    make_rows,
    small_thresholds,
)
from sketchkit.training.data.report import write_plot
from sketchkit.training.data.sources import find_sources, read_items
from sketchkit.training.data.writer import Deviation, SplitWriter

__all__ = ["REASONS", "HashSet", "prepare", "prepare_sketches"]

Progress = Callable[[int, int], None]
Place = str | os.PathLike[str]
UInt64 = npt.NDArray[np.uint64]

#: Why a drawing is left out; a damaged file counts as one.
REASONS = (
    *("empty", "too short", "too long", "duplicate"),
    *("not recognised", "over the limit", "reserved", "damaged"),
)
#: Drawings, or rows, gathered before they are looked up and written together.
_BLOCK, _BLOCK_ROWS = 4096, 1 << 20
#: Up to this size, a set is shared out when all of it is known.
_SMALL = 200
#: Names of sources that a manifest keeps.
_MAX_SOURCES = 1000


def prepare(
    sources: Sequence[Place],
    out: Place,
    recipe: Recipe | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Make a data set of files.

    Args:
        sources: ndjson, bin, npz or SVG files, or folders of them. A drawing's class is that of its file's
            entry, else the name of the file, or of the folder for an SVG in a folder.
        out: the folder to make.
        recipe: how the drawings are prepared; `Recipe()` when None.
        overwrite: whether a data set of that name may be replaced.
        progress: called with (bytes read so far, bytes in all).

    Returns:
        The data set, opened.

    Raises:
        InputError: a source is missing, all drawings are left out, or the data set cannot be written.
        FormatError: a source is damaged.
    """
    builder = _Builder(recipe or Recipe())
    items = builder.read_sources(sources, progress or (lambda done, total: None))
    return builder.build(items, out, overwrite)


def prepare_sketches(
    sketches: Iterable[Sketch],
    out: Place,
    recipe: Recipe | None = None,
    *,
    name: str = "drawings",
    overwrite: bool = False,
) -> Dataset:
    """Make a data set of drawings that are at hand; `prepare` says the rest.

    Args:
        sketches: used once, one at a time. A drawing's class is its label.
        out: the folder to make.
        recipe: how the drawings are prepared; `Recipe()` when None.
        name: of their source in the manifest, and the class of drawings without a label.
        overwrite: whether a data set of that name may be replaced.
    """
    builder = _Builder(recipe or Recipe())
    builder.note_source(name)
    items = (Item(each, each.label or name, "pixels", key=each.key) for each in sketches)
    return builder.build(items, out, overwrite)


class HashSet:
    """A growing set of 64-bit numbers, in eight bytes each, where a Python set takes ten times as much.

    The numbers lie in sorted runs, each at least twice as long as the next, so that a number is moved only a
    handful of times and there are few runs to look in.
    """

    def __init__(self) -> None:
        self._runs: list[UInt64] = []

    def __len__(self) -> int:
        return sum(map(len, self._runs))

    def add(self, numbers: UInt64) -> npt.NDArray[np.bool_]:
        """Add numbers.

        Args:
            numbers: uint64 [n].

        Returns:
            bool [n]: which of them are new; of equal ones among them, the first.
        """
        values, first = np.unique(numbers, return_index=True)
        known = np.zeros(len(values), bool)
        for run in self._runs:
            place = np.searchsorted(run, values)
            known |= run[np.minimum(place, len(run) - 1)] == values
        new = np.zeros(len(numbers), bool)
        new[first[~known]] = True
        if not known.all():
            self._runs.append(values[~known])
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            last, before = self._runs.pop(), self._runs.pop()
            self._runs.append(np.sort(np.concatenate([before, last]), kind="stable"))
        return new


class _Drawing(NamedTuple):
    item: Item
    rows: Rows
    hash: int


class _Builder:
    """Sorts drawings out, gathers them into blocks, and writes them into their splits."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._dropped, self._left_out, self._kept = Counter[str](), Counter[str](), Counter[str]()
        self._names: list[str] = []
        self._sources = self._read = self._block_rows = 0
        self._numbers: dict[str, int] = {}  # of classes, as they come
        self._scale, self._known = Deviation(), HashSet()
        self._lengths = np.zeros(recipe.max_points + 1, np.int64)
        self._block: list[_Drawing] = []
        self._unshared: list[_Drawing] = []
        self._splits: dict[str, SplitWriter] = {}

    def build(self, items: Iterable[Item], out: Place, overwrite: bool) -> Dataset:
        if is_url(out):
            raise InputError(f"{shown(out)}: a data set is a local folder")
        with atomic_folder(out, overwrite=overwrite) as folder:
            with ExitStack() as stack:
                self._splits = {name: SplitWriter(folder, name, stack) for name in SPLITS}
                for item in items:
                    self._add(item)
                manifest = self._finish()
            write_plot(manifest, folder)
            (folder / FILE_NAME).write_bytes(manifest.to_bytes())
        return Dataset.open(out, verify=False)

    def note_source(self, name: str) -> None:
        self._sources += 1
        if len(self._names) < _MAX_SOURCES:
            self._names.append(name)

    def read_sources(self, paths: Sequence[Place], progress: Progress) -> Iterator[Item]:
        """The drawings of all files."""
        # Twice over the names, so that all are there when the work begins, and the size of it is known.
        total, done = sum(_file_size(source.path) for source in find_sources(paths)), 0
        for source in find_sources(paths):
            self.note_source(os.path.basename(source.path).encode("utf-8", "replace").decode())
            try:
                yield from read_items(
                    source,
                    lambda bytes_read, before=done: progress(before + bytes_read, total),  # type: ignore[misc]
                    left_out=self._left_out.update,
                    keep_background=self._recipe.keep_background,
                )
            except FormatError:
                if not self._recipe.skip_damaged:
                    raise
                self._dropped["damaged"] += 1
            done += _file_size(source.path)
            progress(done, total)

    def _add(self, item: Item) -> None:
        self._read += 1
        if self._recipe.recognized_only and item.recognized is False:
            self._dropped["not recognised"] += 1
        elif self._is_full(item.label):  # before the work of simplifying it
            self._dropped["over the limit"] += 1
        else:
            rows = make_rows(item, self._recipe)
            fault = self._length_fault(len(rows) + 1)
            if fault:
                self._dropped[fault] += 1
                return
            self._block.append(_Drawing(item, rows, hash_drawing(item.label, rows)))
            self._block_rows += len(rows)
            if len(self._block) == _BLOCK or self._block_rows >= _BLOCK_ROWS:
                self._flush()

    def _is_full(self, label: str) -> bool:
        return self._recipe.limit is not None and self._kept[label] >= self._recipe.limit

    def _length_fault(self, points: int) -> str | None:
        if points < 2:
            return "empty"
        if points < self._recipe.min_points:
            return "too short"
        return "too long" if points > self._recipe.max_points else None

    def _flush(self) -> None:
        """Keep the drawings of the block that are new, and write them unless the set is still small."""
        block, self._block, self._block_rows = self._block, [], 0
        new = self._known.add(np.array([drawing.hash for drawing in block], np.uint64))
        for drawing, is_new in zip(block, new.tolist(), strict=True):
            label = drawing.item.label
            if not is_new:
                self._dropped["duplicate"] += 1
            elif self._is_full(label):
                self._dropped["over the limit"] += 1
            elif not self._recipe.includes(drawing.hash):
                self._dropped["reserved"] += 1
            else:
                self._kept[label] += 1
                self._unshared.append(drawing)
        if sum(self._kept.values()) > _SMALL:
            self._share_out(self._recipe.thresholds)

    def _share_out(self, thresholds: tuple[float, float]) -> None:
        """Write each drawing that waits into its split."""
        shares: dict[str, list[_Drawing]] = {name: [] for name in SPLITS}
        for drawing in self._unshared:
            shares[self._own_split(drawing) or choose_split(drawing.hash, thresholds)].append(drawing)
        self._unshared = []
        for name, drawings in shares.items():
            if drawings:
                self._write(name, drawings)

    def _own_split(self, drawing: _Drawing) -> str | None:
        return None if self._recipe.resplit else drawing.item.split

    def _write(self, split: str, drawings: list[_Drawing]) -> None:
        rows = [drawing.rows for drawing in drawings]
        labels = [self._number(drawing.item.label) for drawing in drawings]
        self._splits[split].append(rows, labels, [hash_key(drawing.item.key) for drawing in drawings])
        lengths = np.array([len(each) + 1 for each in rows])
        self._lengths += np.bincount(lengths, minlength=len(self._lengths))
        if split == SPLITS[0]:
            self._scale.add(np.concatenate(rows)[:, :2])

    def _number(self, label: str) -> int:
        known = len(self._numbers)
        if label not in self._numbers and (len(label) > MAX_CLASS_NAME or known == MAX_CLASSES):
            raise InputError(
                f"at most {MAX_CLASSES} classes, with names of at most {MAX_CLASS_NAME} characters"
            )
        return self._numbers.setdefault(label, known)

    def _finish(self) -> Manifest:
        """Write the rest and sum up."""
        self._flush()
        thresholds, rest = self._recipe.thresholds, self._unshared
        if rest and not any(map(self._own_split, rest)):  # a small set, all of it
            thresholds = small_thresholds([drawing.hash for drawing in rest], self._recipe)
        self._share_out(thresholds)
        dropped = {why: self._dropped[why] for why in REASONS if self._dropped[why]}
        if not self._scale.value > 0:
            reasons = ", ".join(f"{count} {why}" for why, count in dropped.items())
            omitted = omissions(self._left_out)
            raise InputError(
                f"nothing to train on is left of {self._read} drawings"
                + (f" ({reasons})" if reasons else "")
                + (f"; strokes leave out {omitted}" if omitted else "")
            )
        classes = sorted(self._numbers)
        order = [self._numbers[name] for name in classes]
        return Manifest(
            classes=tuple(classes),
            scale_factor=self._scale.value,
            splits={name: self._splits[name].finish(order) for name in SPLITS},
            length_counts=tuple(np.trim_zeros(self._lengths, "b").tolist()),
            recipe=self._recipe.to_json(),
            sources=tuple(self._names),
            n_sources=self._sources,
            read=self._read,
            dropped=dropped,
            left_out={kind: self._left_out[kind] for kind in LEFT_OUT if self._left_out[kind]},
        )


def _file_size(path: str | Path) -> int:
    with explain_errors(path):
        return os.path.getsize(local_copy(path) if is_url(path) else path)
