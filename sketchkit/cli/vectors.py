"""Latent vectors in files, and drawings made of them part by part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sketchkit.cli.outputs import Item, is_folder
from sketchkit.cli.parts import Parts, Progress, Work, find_parts
from sketchkit.cli.resumable import RECORD, checksum_of_json, read_run
from sketchkit.cli.runner import POINTS, Run
from sketchkit.errors import InputError
from sketchkit.files import file_checksum, file_names, join_path, shown
from sketchkit.latent import Latents, count_latents, read_latents

if TYPE_CHECKING:
    from sketchkit.cli.output_kind import Kind
    from sketchkit.models import DrawingModel
    from sketchkit.sketch import Sketch

__all__ = ["VectorFiles", "decode_in_parts", "items_of"]

#: The drawings of a part.
_VECTORS_OF_PART = 4096


@dataclass(frozen=True)
class Vectors:
    """Some latent vectors.

    Args:
        z: [n, Z].
        latents: the vectors of the file that they are from.
        names: n pairs, which drawing of the file each is of, and which of its draws; None for its mean.
        file: its name.
    """

    z: Any
    latents: Latents
    names: list[tuple[int, int | None]]
    file: str


@dataclass(frozen=True)
class VectorFiles:
    """The latent vectors of a file, or of the parts of a folder, which are read when they are needed.

    Args:
        files: in order.
        counts: of the vectors of each.
        means: whether the means are taken also where there are draws.
    """

    files: tuple[str, ...]
    counts: tuple[int, ...]
    means: bool

    @classmethod
    def of(cls, path: str, *, means: bool) -> VectorFiles:
        """The vectors that a user means.

        Raises:
            InputError: a file that cannot be read, or without a vector; a folder without parts, or in which
                parts are missing.
        """
        files = _find_files(path) if is_folder(path) else (path,)
        if not files:
            raise InputError(f"{shown(path)}: the folder holds no .npz file")
        counts = [count_latents(file) for file in files]
        vectors = tuple(n * (1 if means else draws or 1) for n, draws in counts)
        if not sum(vectors):
            raise InputError(f"{shown(path)}: holds no latent vector")
        return cls(files, vectors, means)

    def __len__(self) -> int:
        """How many vectors there are."""
        return sum(self.counts)

    def read(self, parts: Iterable[range]) -> Iterator[tuple[range, list[Vectors]]]:
        """One part after another, and its vectors by file."""
        kept: dict[str, Latents] = {}
        for part in parts:
            first, found = 0, []
            for file, count in zip(self.files, self.counts, strict=True):
                here = range(max(part.start - first, 0), min(part.stop - first, count))
                if here:
                    if file not in kept:
                        kept = {file: read_latents(file)}
                    found.append(self._some(kept[file], here, file))
                first += count
            yield part, found

    def _some(self, latents: Latents, here: range, file: str) -> Vectors:
        if latents.draws is None or self.means:
            return Vectors(latents.mu[here.start : here.stop], latents, [(i, None) for i in here], file)
        _, draws, size = latents.draws.shape
        z = latents.draws.reshape(-1, size)[here.start : here.stop]
        return Vectors(z, latents, [divmod(i, draws) for i in here], file)


def _find_files(folder: str) -> tuple[str, ...]:
    """The parts of the record of a folder, in order; without a record all .npz files."""
    names = file_names(folder)
    if RECORD not in names:
        return tuple(join_path(folder, name) for name in sorted(names) if name.endswith(".npz"))
    return tuple(find_parts([folder], read_run(folder)))


def decode_in_parts(run: Run, vectors: VectorFiles, kind: Kind) -> Work:
    """The work of drawing latent vectors."""
    from sketchkit.cli.streaming import NDJSON, content_of, identify

    model = run.load(len(vectors) * POINTS)

    def make(parts: Iterable[range], report: Progress) -> Iterator[bytes]:
        for part, found in vectors.read(parts):
            drawn = _draw(run, model, found, part.start, report)
            yield content_of((sketch for sketch, _, _ in drawn), kind, run.provenance)

    identity = {
        **identify(run, model),
        "means": vectors.means,
        "inputs": checksum_of_json([file_checksum(file) for file in vectors.files]),
        "format": kind.name,
    }
    parts = Parts(len(vectors), _VECTORS_OF_PART)
    return Work(parts, kind.suffix, identity, make, 1 if kind.format == NDJSON else None)


def items_of(run: Run, vectors: VectorFiles, stem: str) -> list[Item]:
    """The drawings of all vectors, for a sheet or a file each."""
    model = run.load(len(vectors) * POINTS)
    [(_, found)] = vectors.read([range(len(vectors))])
    items = []
    for index, (sketch, source, number) in enumerate(_draw(run, model, found, 0, None)):
        key = sketch.key or ""
        facts = {**run.provenance, "index": index, "drawing": key, "finished": sketch.ended}
        if number is not None:
            facts["draw"] = number
        caption = key if number is None else f"{key} {number}"
        items.append(Item.of(stem, index, sketch, caption, facts, source=source))
    return items


def _draw(
    run: Run, model: DrawingModel, found: list[Vectors], first: int, report: Progress | None
) -> Iterator[tuple[Sketch, str, int | None]]:
    """The drawings of some vectors, each with its source and the number of its draw."""
    from sketchkit.generate import decode

    for each in found:
        _check_model(model, each)
    names = [(each.latents, *name) for each in found for name in each.names]
    labels = [run.class_of(0) or model.known_label(latents.labels[which]) for latents, which, _ in names]
    z = np.concatenate([each.z for each in found])
    sketches = run.draw(decode, model, z, class_name=labels, first=first, progress=report)
    for sketch, (latents, which, number) in zip(sketches, names, strict=True):
        yield sketch.labelled(sketch.label, latents.keys[which]), latents.sources[which], number


def _check_model(model: DrawingModel, vectors: Vectors) -> None:
    """Refuse vectors of another model, which would decode to other drawings."""
    about = vectors.latents.about
    made_by = about.get("weights")
    if isinstance(made_by, str) and made_by != model.weights_checksum():
        raise InputError(
            f"{shown(vectors.file)}: the vectors are of other weights (model {about.get('model')!r}) than "
            f"{model.card.name!r} has: --model takes the model that encoded them"
        )
