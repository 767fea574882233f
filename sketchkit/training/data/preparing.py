"""From drawings to a data set, in one pass and in memory that does not grow with them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from sketchkit.errors import FormatError, InputError
from sketchkit.files import shown
from sketchkit.formats.svg import LEFT_OUT, omissions
from sketchkit.sketch import Sketch
from sketchkit.training.data.dataset import Dataset
from sketchkit.training.data.folders import atomic_folder, check_free
from sketchkit.training.data.manifest import FILE_NAME, SPLITS, Manifest
from sketchkit.training.data.recipe import (
    Item,
    Recipe,
    Rows,
    digest,
    key_hash,
    rows_of,
    small_thresholds,
    split_of,
)
from sketchkit.training.data.report import write_plot
from sketchkit.training.data.seen import Seen
from sketchkit.training.data.sources import find_sources, items_of
from sketchkit.training.data.writer import ClassTable, ScaleFactor, Writer

__all__ = ["REASONS", "prepare", "prepare_sketches"]

Progress = Callable[[int, int], None]

#: Why a drawing is left out; a damaged file counts as one.
REASONS = (
    "empty",
    "too short",
    "too long",
    "duplicate",
    "not recognised",
    "over the limit",
    "reserved",
    "damaged",
)
#: Drawings, or rows, gathered before they are looked up and written together.
_BLOCK, _BLOCK_ROWS = 4096, 1 << 20
#: A set of no more drawings is shared out when all of it is known.
_SMALL = 200
#: Names of sources that a manifest keeps.
_MAX_SOURCES = 1000


def prepare(
    sources: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    recipe: Recipe | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Make a data set of files.

    Args:
        sources: ndjson, bin, npz or SVG files, or folders of them. A drawing's class is what its file says,
            else the name of the file, or of the folder for an SVG in a folder.
        out: the folder to make.
        recipe: how the drawings are prepared; `Recipe()` when None.
        overwrite: whether a data set of that name may be replaced.
        progress: called with (bytes read so far, bytes in all).

    Returns:
        The data set, opened.

    Raises:
        InputError: a source is missing, nothing is left to train on, or the data set cannot be written.
        FormatError: a source is damaged.
    """
    check_free(out, overwrite)
    walk = _Walk(sources, recipe or Recipe(), progress)
    return _made(walk.items(), walk, out, overwrite)


def prepare_sketches(
    sketches: Iterable[Sketch],
    out: str | os.PathLike[str],
    recipe: Recipe | None = None,
    *,
    name: str = "drawings",
    overwrite: bool = False,
) -> Dataset:
    """Make a data set of drawings that are at hand.

    Args:
        sketches: used once, one at a time. A drawing's class is its label.
        out: the folder to make.
        recipe: how the drawings are prepared; `Recipe()` when None.
        name: what the data set says they came from, and the class of drawings without a label.
        overwrite: whether a data set of that name may be replaced.

    Returns:
        The data set, opened.

    Raises:
        InputError: nothing is left to train on, or the data set cannot be written.
    """
    check_free(out, overwrite)
    walk = _Walk((), recipe or Recipe(), None)
    walk.name(name)
    items = (Item(each, each.label or name, "pixels", key=each.key) for each in sketches)
    return _made(items, walk, out, overwrite)


def _made(items: Iterator[Item], walk: _Walk, out: str | os.PathLike[str], overwrite: bool) -> Dataset:
    with atomic_folder(out, overwrite=overwrite) as folder:
        with Writer(folder) as writer:
            kitchen = _Kitchen(writer, walk.recipe, walk.dropped)
            for item in items:
                kitchen.take(item)
            manifest = kitchen.finish(walk)
        write_plot(manifest, folder)
        (folder / FILE_NAME).write_bytes(manifest.to_bytes())
    return Dataset.open(out, verify=False)


class _Walk:
    """The sources, one after the other, and what is known of them."""

    def __init__(
        self, paths: Sequence[str | os.PathLike[str]], recipe: Recipe, progress: Progress | None
    ) -> None:
        self.recipe = recipe
        self.dropped: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.names: list[str] = []
        self.count = 0
        self._paths, self._progress = paths, progress

    def name(self, name: str) -> None:
        """Note a source."""
        self.count += 1
        if len(self.names) < _MAX_SOURCES:
            self.names.append(name)

    def items(self) -> Iterator[Item]:
        """The drawings of all sources."""
        # Twice over the names: none is missing when the work begins, and it is known how much there is.
        total = sum(_size(source.path) for source in find_sources(self._paths))
        done = 0
        for source in find_sources(self._paths):
            self.name(source.path.name.encode("utf-8", "replace").decode())
            before = done
            try:
                yield from items_of(
                    source,
                    lambda at, before=before: self._report(before + at, total),  # type: ignore[misc]
                    left_out=self.left_out.update,
                    keep_background=self.recipe.keep_background,
                )
            except FormatError:
                if not self.recipe.skip_damaged:
                    raise
                self.dropped["damaged"] += 1
            done += _size(source.path)
            self._report(done, total)

    def _report(self, done: int, total: int) -> None:
        if self._progress is not None:
            self._progress(done, total)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"{shown(path)}: {(error.strerror or str(error)).lower()}") from error


class _Kitchen:
    """Drawings are sorted out, gathered into blocks, and written."""

    def __init__(self, writer: Writer, recipe: Recipe, dropped: Counter[str]) -> None:
        self._writer, self._recipe, self._dropped = writer, recipe, dropped
        self._classes, self._scale, self._seen = ClassTable(), ScaleFactor(), Seen()
        self._kept: Counter[str] = Counter()
        self._lengths = np.zeros(recipe.max_points + 1, np.int64)
        self._block: list[tuple[Item, Rows, int]] = []
        self._unshared: list[tuple[Item, Rows, int]] = []
        self._block_rows = self._read = 0

    def take(self, item: Item) -> None:
        """One drawing, which is kept for now or dropped for good."""
        self._read += 1
        recipe = self._recipe
        if recipe.recognized_only and item.recognized is False:
            self._dropped["not recognised"] += 1
            return
        if recipe.limit is not None and self._kept[item.label] >= recipe.limit:
            self._dropped["over the limit"] += 1  # before the work of simplifying it
            return
        rows = rows_of(item, recipe)
        reason = self._reason(len(rows) + 1)
        if reason is not None:
            self._dropped[reason] += 1
            return
        self._block.append((item, rows, digest(item.label, rows)))
        self._block_rows += len(rows)
        if len(self._block) == _BLOCK or self._block_rows >= _BLOCK_ROWS:
            self._flush()

    def finish(self, walk: _Walk) -> Manifest:
        """Write what is left and sum up.

        Raises:
            InputError: nothing is left to train on.
        """
        self._flush()
        self._share_out(small=True)
        if not self._scale.value > 0:
            what = omissions(walk.left_out)
            more = f"; strokes leave out {what}" if what else ""
            raise InputError(f"nothing to train on is left of {self._read} drawings{self._told()}{more}")
        classes, order = self._classes.sorted()
        longest = int(np.flatnonzero(self._lengths)[-1])
        return Manifest(
            classes=classes,
            scale_factor=self._scale.value,
            splits={name: self._writer.splits[name].finish(order) for name in SPLITS},
            length_counts=tuple(self._lengths[: longest + 1].tolist()),
            recipe=self._recipe.to_json(),
            sources=tuple(walk.names),
            n_sources=walk.count,
            read=self._read,
            dropped={why: self._dropped[why] for why in REASONS if self._dropped[why]},
            left_out={kind: walk.left_out[kind] for kind in LEFT_OUT if walk.left_out[kind]},
        )

    def _reason(self, points: int) -> str | None:
        if points < 2:
            return "empty"
        if points < self._recipe.min_points:
            return "too short"
        return "too long" if points > self._recipe.max_points else None

    def _flush(self) -> None:
        block, self._block, self._block_rows = self._block, [], 0
        if not block:
            return
        fresh = self._seen.add(np.array([known for *_, known in block], np.uint64))
        for (item, rows, known), new in zip(block, fresh.tolist(), strict=True):
            if not new:
                self._dropped["duplicate"] += 1
            elif self._recipe.limit is not None and self._kept[item.label] >= self._recipe.limit:
                self._dropped["over the limit"] += 1
            elif not self._recipe.takes(known):
                self._dropped["reserved"] += 1
            else:
                self._kept[item.label] += 1
                self._unshared.append((item, rows, known))
        if sum(self._kept.values()) > _SMALL:
            self._share_out(small=False)

    def _share_out(self, *, small: bool) -> None:
        """Write what is not written yet, each drawing into its split; of a small set that is all of it."""
        kept, self._unshared = self._unshared, []
        own = [None if self._recipe.resplit else item.split for item, *_ in kept]
        thresholds = self._recipe.thresholds
        if small and kept and not any(own):
            thresholds = small_thresholds([known for *_, known in kept], self._recipe)
        chosen: dict[str, list[tuple[Item, Rows]]] = {name: [] for name in SPLITS}
        for (item, rows, known), split in zip(kept, own, strict=True):
            chosen[split or split_of(known, thresholds)].append((item, rows))
        for name, drawings in chosen.items():
            self._write(name, drawings)

    def _write(self, split: str, drawings: list[tuple[Item, Rows]]) -> None:
        if not drawings:
            return
        rows = [rows for _, rows in drawings]
        self._writer.splits[split].append(
            rows,
            [self._classes.number(item.label) for item, _ in drawings],
            [key_hash(item.key) for item, _ in drawings],
        )
        lengths = np.array([len(each) + 1 for each in rows])
        self._lengths += np.bincount(lengths, minlength=len(self._lengths))
        if split == SPLITS[0]:
            self._scale.add(np.concatenate(rows)[:, :2])

    def _told(self) -> str:
        """Why drawings were left out, to be added to a sentence."""
        reasons = [f"{self._dropped[why]} {why}" for why in REASONS if self._dropped[why]]
        return f" ({', '.join(reasons)})" if reasons else ""
