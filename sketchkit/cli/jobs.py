"""Jobs of `interpolate` and `grid`: which drawings each of them leads between, read when its turn comes."""

from __future__ import annotations

import itertools
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from sketchkit.cli.inputs import Kept, read_one
from sketchkit.cli.job_options import JobOptions
from sketchkit.cli.sources import read_source
from sketchkit.errors import FormatError, InputError
from sketchkit.files import checksum_of, reason, shown

if TYPE_CHECKING:
    from sketchkit.sketch import Sketch

__all__ = ["Jobs"]

_MAX_JOBS = 1_000_000
_MAX_LIST_BYTES = 1 << 28
_RANDOM = re.compile(r"random:([0-9]{1,9})")


@dataclass(frozen=True)
class Jobs:
    """What a run has to do.

    Args:
        names: of the jobs, unique.
        drawings: the drawings of a job, by its number.
        given: what these drawings are called, by its number.
        prepared: whether they are drawings of the training data's kind already.
        digest: of all that the drawings come from.
    """

    names: Sequence[str]
    drawings: Callable[[int], tuple[Sketch, ...]]
    given: Callable[[int], list[str]]
    prepared: bool
    digest: str

    def __iter__(self) -> Iterator[tuple[Sketch, ...]]:
        """The drawings of every job, in turn.

        Raises:
            InputError: one that cannot be read, or is without a line; names the job.
        """
        for number, name in enumerate(self.names):
            drawings = self.drawings(number)
            for sketch, called in zip(drawings, self.given(number), strict=True):
                if not any(len(line) > 1 for line in sketch.to_polylines()):
                    raise InputError(f"job {name!r}: {shown(called)}: holds no drawing with a line")
            yield drawings

    @classmethod
    def of(cls, chosen: JobOptions, label: str | None, size: int, seed: int) -> Jobs:
        """The jobs that a user means.

        Args:
            chosen: exactly one of `jobs` and `pairs`.
            label: only drawings of this class.
            size: how many drawings a job of `pairs` has.
            seed: of the choices by chance.

        Raises:
            typer.BadParameter: options that do not go together.
            InputError: a file that cannot be read, or too few drawings.
        """
        if chosen.jobs is not None and chosen.pairs is not None:
            raise typer.BadParameter("--jobs and --pairs both say what to do: give one of them")
        if chosen.jobs is not None:
            return _listed(chosen.jobs, prepared=chosen.prepared)
        if chosen.source is None:
            raise typer.BadParameter("the drawings come --from DATA", param_hint="--pairs")
        return _chosen(chosen, label, size, seed)


# --- a list of jobs ---------------------------------------------------------------------------------------


def _listed(path: str, *, prepared: bool) -> Jobs:
    """The jobs of a file; the drawings that they name lie where it lies, unless a path says otherwise."""
    data = _bytes_of(path)
    jobs = [
        _job(line, f"{shown(path)}: line {n}") for n, line in enumerate(data.splitlines(), 1) if line.strip()
    ]
    if not 0 < len(jobs) <= _MAX_JOBS:
        raise FormatError(f"{shown(path)}: holds {len(jobs)} jobs, where 1 to {_MAX_JOBS} are taken")
    names = [name for name, _ in jobs]
    if len(set(names)) < len(names):
        twice = next(
            name for name, again in zip(sorted(names), sorted(names)[1:], strict=False) if name == again
        )
        raise FormatError(f"{shown(path)}: two jobs are called {twice!r}")
    folder, kept = os.path.dirname(path), Kept()

    def drawings(number: int) -> tuple[Sketch, ...]:
        return tuple(read_one(os.path.join(folder, each), kept=kept).sketch for each in jobs[number][1])

    files = sorted({os.path.join(folder, re.sub(r"#\d+$", "", each)) for _, them in jobs for each in them})
    states = [[file, *_state(file)] for file in files]
    digest = checksum_of(data + json.dumps(states).encode())
    return Jobs(names, drawings, lambda number: list(jobs[number][1]), prepared, digest)


def _job(line: bytes, where: str) -> tuple[str, tuple[str, ...]]:
    """The name of a job, and the drawings that it names."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{where}: no JSON: {' '.join(str(error).split())}") from error
    name = value.get("name") if isinstance(value, dict) else None
    drawings = value.get("drawings") if isinstance(value, dict) else None
    if not isinstance(name, str) or not re.fullmatch(r"[^/\\\0.][^/\\\0]{0,150}", name):
        raise FormatError(f"{where}: a job needs a name that can be a file's")
    if not isinstance(drawings, list) or not all(isinstance(each, str) for each in drawings):
        raise FormatError(f"{where}: a job needs a list of drawings")
    if any("\0" in each for each in drawings):
        raise FormatError(f"{where}: the name of a drawing cannot be a file's")
    return name, tuple(drawings)


def _bytes_of(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            data = stream.read(_MAX_LIST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(path)}: {reason(error)}") from error
    if len(data) > _MAX_LIST_BYTES:
        raise FormatError(f"{shown(path)}: more than {_MAX_LIST_BYTES} bytes")
    return data


def _state(file: str) -> tuple[int, int]:
    """What changes when a file does: its size and when it was written; zeros for what is no file."""
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return 0, 0
    return (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else (0, 0)


# --- choices among many drawings --------------------------------------------------------------------------


def _chosen(chosen: JobOptions, label: str | None, size: int, seed: int) -> Jobs:
    """Jobs between drawings of a data set or a file."""
    assert chosen.source is not None and chosen.pairs is not None
    there = read_source(chosen.source, chosen.split, [] if label is None else [label], chosen.limit, seed)
    count = len(there.indices)
    if count < size:
        raise InputError(f"{shown(chosen.source)}: holds {count} such drawings, and {size} are needed")
    picks = _picks(chosen.pairs, count, size, seed)
    digits = len(str(len(picks) - 1))
    names = [f"{number:0{digits}}" for number in range(len(picks))]
    state = _state(chosen.source)
    words = [there.facts, state, chosen.pairs, size, seed]

    def drawings(number: int) -> tuple[Sketch, ...]:
        return tuple(there.sketches(picks[number].tolist()))

    digest = checksum_of(json.dumps(words, sort_keys=True).encode())

    def given(number: int) -> list[str]:
        places = picks[number].tolist()
        return [there.keys[place] or f"{there.stem}#{there.indices[place]}" for place in places]

    return Jobs(names, drawings, given, chosen.prepared or there.prepared, digest)


def _picks(pairs: str, count: int, size: int, seed: int) -> Any:
    """Which drawings each job has, int64 [jobs, size].

    Raises:
        typer.BadParameter: neither `all` nor `random:N`, or more jobs than one run takes.
    """
    by_chance = _RANDOM.fullmatch(pairs)
    if pairs != "all" and not by_chance:
        raise typer.BadParameter(f"{pairs!r} is neither all nor random:N", param_hint="--pairs")
    n = int(by_chance[1]) if by_chance else comb(count, size)
    if not 0 < n <= _MAX_JOBS:
        raise typer.BadParameter(
            f"{n} jobs are no number that one run takes, 1 to {_MAX_JOBS}: --limit takes fewer drawings",
            param_hint="--pairs",
        )
    if not by_chance:
        return np.array(list(itertools.combinations(range(count), size)), np.int64)
    # Each job by its own number, so that the first of many are those of few.
    return np.stack([_some(count, size, (seed, number)) for number in range(n)])


def _some(count: int, size: int, place: tuple[int, int]) -> Any:
    chance = np.random.Generator(np.random.Philox(np.random.SeedSequence(place)))
    return chance.choice(count, size, replace=False, shuffle=True).astype(np.int64)
