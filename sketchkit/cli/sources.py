"""Drawings of a data set or of a file, by their numbers, for commands that look at very many of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sketchkit.cli.console import say
from sketchkit.cli.inputs import classes_shown, read_drawings
from sketchkit.errors import InputError
from sketchkit.files import is_url, shown
from sketchkit.sketch import Sketch

if TYPE_CHECKING:
    from sketchkit.training.data import Dataset

__all__ = ["Source", "read_source", "stem_of"]


@dataclass(frozen=True)
class Source:
    """Some drawings.

    Args:
        stem: of the names of outputs.
        indices: [n], the number of each in its split or file.
        key: makes the identifier of a drawing, by its place among these n; None where it is unknown.
        prepared: whether they are of the training data's kind.
        facts: where they are from, as JSON values.
        sketches: makes some of them, by their places among these n.
    """

    stem: str
    indices: Sequence[int]
    key: Callable[[int], str | None]
    prepared: bool
    facts: dict[str, Any]
    sketches: Callable[[Iterable[int]], Iterable[Sketch]]


def stem_of(name: str) -> str:
    """The stem of outputs of a data set or a file."""
    return Path(name).resolve().name.split(".")[0]


def read_source(
    name: str,
    split: str,
    classes: Sequence[str],
    limit: int | None,
    seed: int,
    *,
    keep_background: bool = False,
) -> Source:
    """Choose drawings of a data set, which are read when they are needed, or of a file, which is read now.

    Args:
        name: a data set's folder, the name of a stored one, or a file of drawings.
        split: `train`, `valid` or `test`, of a data set.
        classes: only these, if any.
        limit: the most drawings, chosen by chance.
        seed: of that chance.
        keep_background: make strokes of the paper in an SVG file, too.

    Raises:
        InputError: an unknown name or class, or a source without drawings.
        FormatError: a file that is damaged.
    """
    if is_url(name) or (os.path.exists(name) and not os.path.isdir(name)):
        return _from_file(name, classes, limit, seed, keep_background=keep_background)
    from sketchkit.training.data import Dataset
    from sketchkit.training.data.manifest import find

    return _from_data(Dataset.open(find(name), verify=False), stem_of(name), split, classes, limit, seed)


def _from_file(
    path: str, classes: Sequence[str], limit: int | None, seed: int, *, keep_background: bool
) -> Source:
    """The drawings of a file that have a line."""
    everything = list(read_drawings(path, keep_background=keep_background))
    classes = classes_shown(path, [sketch.label for sketch in everything], classes)
    wanted = [i for i, sketch in enumerate(everything) if not classes or sketch.label in classes]
    lined = [i for i in wanted if any(len(line) > 1 for line in everything[i].to_polylines())]
    if not lined:
        raise InputError(f"{shown(path)}: holds no drawing with a line")
    if len(lined) < len(wanted):
        say(f"{path}: left out {len(wanted) - len(lined)} of {len(wanted)} drawings, which have no line")
    indices = _by_chance(lined, limit, seed)
    facts = {"name": Path(path).name, "classes": list(classes) or None, "drawings": len(indices)}
    return Source(
        stem_of(path),
        indices,
        lambda place: everything[indices[place]].key,
        False,
        facts,
        lambda places: (everything[indices[place]] for place in places),
    )


def _from_data(
    data: Dataset, stem: str, split: str, classes: Sequence[str], limit: int | None, seed: int
) -> Source:
    from sketchkit.evaluate.heldout import HeldOut, sketches_of

    names: Sequence[str | None] = classes or [None]
    parts = [HeldOut.choose(data, split, class_name=name) for name in names]
    everything = np.unique(np.concatenate([part.indices for part in parts])).tolist()
    chosen = replace(parts[0], indices=np.array(_by_chance(everything, limit, seed), np.int64))
    facts = {
        "name": stem,
        "fingerprint": data.manifest.fingerprint,
        "split": split,
        "classes": [part.labels[0] for part in parts] if classes else None,
        "drawings": len(chosen),
    }
    indices, there = chosen.indices.tolist(), chosen.split
    return Source(
        stem,
        indices,
        lambda place: f"{int(key):016x}" if (key := there.keys[indices[place]]) else None,
        True,
        facts,
        lambda places: (sketches_of(data, there, np.array([indices[i]]))[0] for i in places),
    )


def _by_chance(indices: list[int], limit: int | None, seed: int) -> list[int]:
    if limit is None or limit >= len(indices):
        return indices
    chosen = np.random.default_rng(seed).permutation(indices)[:limit]
    return np.sort(chosen).tolist()  # type: ignore[no-any-return]
