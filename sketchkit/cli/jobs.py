"""Jobs of `interpolate` and `grid`: the drawings that each leads between, and the files it is drawn to."""

from __future__ import annotations

import itertools
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import comb
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sketchkit.cli.groups import JobOptions, OutputOptions
from sketchkit.cli.inputs import Kept, read_one
from sketchkit.cli.options import UsageError
from sketchkit.cli.output_kind import STDOUT, kind_of
from sketchkit.cli.outputs import Destination, check_paths
from sketchkit.cli.resumable import RunFolder, checksum_of_json, exclusive_lock, shared_folder
from sketchkit.cli.sources import read_source
from sketchkit.errors import FormatError, InputError
from sketchkit.files import checksum_of, explain_errors, file_checksum, is_url, read_file, shown, utf8_text

if TYPE_CHECKING:
    from sketchkit.generate import Steps
    from sketchkit.rendering import Renderer
    from sketchkit.sketch import Sketch

__all__ = ["BulkOutput", "Jobs"]

_MAX_JOBS = 1_000_000
_MAX_LIST_BYTES = 1 << 28
_RANDOM = re.compile(r"random:([0-9]{1,18})")


@dataclass(frozen=True)
class Jobs:
    """The jobs of a run.

    Args:
        names: of the jobs, unique.
        members: keys of the drawings of a job, by its number; the same for the same drawing.
        drawing: the drawing of such a key.
        called: its name.
        where: a job in the words of an error, by its number.
        prepared: whether they are drawings of the training data's kind already.
        digest: of all that the drawings come from.
    """

    names: Sequence[str]
    members: Callable[[int], Sequence[Any]]
    drawing: Callable[[Any], Sketch]
    called: Callable[[Any], str]
    where: Callable[[int], str]
    prepared: bool
    digest: str

    def __iter__(self) -> Iterator[tuple[Sketch, ...]]:
        """The drawings of every job, in turn."""
        for number in range(len(self.names)):
            yield tuple(map(self.drawing, self.members(number)))

    def given(self, number: int) -> list[str]:
        """The names of the drawings of a job."""
        return list(map(self.called, self.members(number)))

    def check(self, steps: Steps, read: Callable[[Sketch], object], told: Callable[[int, int], None]) -> None:
        """Read every drawing once, so that a run does not fail after the half of it.

        Args:
            steps: of every row or grid.
            read: refuses a drawing that the model cannot read.
            told: is told of the jobs that are found fit, and of how many there are.

        Raises:
            InputError: the first job that cannot be drawn, where it stands, and why.
        """
        from sketchkit.generate.morphing import check_job

        fit: set[Any] = set()
        for number in range(len(self.names)):
            members = self.members(number)
            try:
                check_job(members, steps)
                for member in members:
                    if member not in fit:
                        self._check_drawing(member, read)
                        fit.add(member)
            except InputError as error:
                raise InputError(f"{self.where(number)}: {error}") from error
            told(number + 1, len(self.names))

    def _check_drawing(self, member: Any, read: Callable[[Sketch], object]) -> None:
        sketch = self.drawing(member)
        try:
            read(sketch)
        except InputError as error:
            raise InputError(f"{shown(self.called(member))}: {error}") from error

    @classmethod
    def of(cls, chosen: JobOptions, label: str | None, size: int, seed: int) -> Jobs:
        """The jobs that a user means.

        Args:
            chosen: exactly one of `jobs` and `pairs`.
            label: only drawings of this class.
            size: how many drawings a job of `pairs` has.
            seed: of the choices by chance.

        Raises:
            UsageError: options that do not go together.
            InputError: a file that cannot be read, or too few drawings.
        """
        if chosen.jobs is not None and chosen.pairs is not None:
            raise UsageError("--jobs and --pairs both say what to do: give one of them")
        if chosen.jobs is not None:
            return _listed(chosen.jobs, chosen)
        if chosen.source is None:
            raise UsageError("the drawings come --from DATA", "--pairs")
        return _chosen(chosen, label, size, seed)


# --- a list of jobs ---------------------------------------------------------------------------------------


def _listed(path: str, chosen: JobOptions) -> Jobs:
    """The jobs of a file; the drawings that they name lie where it lies, unless a path says otherwise."""
    data = _bytes_of(path)
    lines = [(n, line) for n, line in enumerate(data.splitlines(), 1) if line.strip()]
    jobs = [_job(line, f"{shown(path)}: line {n}") for n, line in lines]
    if not 0 < len(jobs) <= _MAX_JOBS:
        raise FormatError(f"{shown(path)}: holds {len(jobs)} jobs, where 1 to {_MAX_JOBS} are taken")
    first: dict[str, int] = {}
    for (n, _), (name, _) in zip(lines, jobs, strict=True):
        if first.setdefault(name, n) != n:
            raise FormatError(f"{shown(path)}: lines {first[name]} and {n}: two jobs are called {name!r}")
    folder, kept = os.path.dirname(path), Kept(chosen.keep_background)

    def drawing(reference: str) -> Sketch:
        return read_one(os.path.join(folder, reference), kept=kept).sketch

    files = sorted({os.path.join(folder, re.sub(r"#\d+$", "", each)) for _, them in jobs for each in them})
    if (url := next(filter(is_url, files), None)) is not None:
        raise FormatError(f"{shown(path)}: names {shown(url)}: the drawings of a list are local files")
    contents = [[file, _content(file)] for file in files]
    digest = checksum_of(data + json.dumps([*contents, *_kept_background(chosen)]).encode())
    return Jobs(
        list(first),
        lambda number: jobs[number][1],
        drawing,
        str,
        lambda number: f"{shown(path)}: line {lines[number][0]}: job {jobs[number][0]!r}",
        chosen.prepared,
        digest,
    )


def _kept_background(chosen: JobOptions) -> list[str]:
    """The part of the identity of drawings that an option adds."""
    return ["keep_background"] if chosen.keep_background else []


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
    with explain_errors(path, catch=(OSError, ValueError)):
        return utf8_text(read_file(path, _MAX_LIST_BYTES, pipes=True), shown(path))


def _content(file: str) -> str:
    """The checksum of a file; empty for a data set, which has a checksum of its own."""
    if is_url(file):
        return file_checksum(file)
    try:
        regular = stat.S_ISREG(os.stat(file).st_mode)
    except (OSError, ValueError):
        return ""
    return file_checksum(file) if regular else ""


# --- choices among many drawings --------------------------------------------------------------------------


def _chosen(chosen: JobOptions, label: str | None, size: int, seed: int) -> Jobs:
    """Jobs between drawings of a data set or a file."""
    assert chosen.source is not None and chosen.pairs is not None
    labels = [] if label is None else [label]
    there = read_source(
        chosen.source, chosen.split, labels, chosen.limit, seed, keep_background=chosen.keep_background
    )
    count = len(there.indices)
    if count < size:
        raise InputError(f"{shown(chosen.source)}: holds {count} such drawings, and {size} are needed")
    picks = _picks(chosen.pairs, count, size, seed)
    digits = len(str(len(picks) - 1))
    names = [f"{number:0{digits}}" for number in range(len(picks))]
    content = _content(chosen.source)
    words = [there.facts, content, chosen.pairs, size, seed, *_kept_background(chosen)]

    digest = checksum_of_json(words)

    def drawing(place: int) -> Sketch:
        (sketch,) = there.sketches([place])
        return sketch

    return Jobs(
        names,
        lambda number: picks[number].tolist(),
        drawing,
        lambda place: there.key(place) or f"{there.stem}#{there.indices[place]}",
        lambda number: f"{shown(str(chosen.source))}: job {names[number]!r}",
        chosen.prepared or there.prepared,
        digest,
    )


def _picks(pairs: str, count: int, size: int, seed: int) -> Any:
    """Which drawings each job has, int64 [jobs, size].

    Raises:
        UsageError: text besides `all` and `random:N`, or more jobs than a run takes.
    """
    by_chance = _RANDOM.fullmatch(pairs)
    if pairs != "all" and not by_chance:
        raise UsageError(f"{pairs!r} is neither all nor random:N", "--pairs")
    n = int(by_chance[1]) if by_chance else comb(count, size)
    if not 0 < n <= _MAX_JOBS:
        hint = "" if by_chance else ": --limit takes fewer drawings"
        raise UsageError(f"{n} jobs are no number that one run takes, 1 to {_MAX_JOBS}{hint}", "--pairs")
    if not by_chance:
        return np.array(list(itertools.combinations(range(count), size)), np.int64)
    # Each job by its own number, so that the first of many are those of few.
    return np.stack([_some(count, size, (seed, number)) for number in range(n)])


def _some(count: int, size: int, place: tuple[int, int]) -> Any:
    chance = np.random.Generator(np.random.Philox(np.random.SeedSequence(place)))
    return chance.choice(count, size, replace=False, shuffle=True).astype(np.int64)


# --- where their files go ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class BulkOutput:
    """Where the files of many jobs go, in one or several formats each; a killed run goes on.

    Args:
        destinations: one a format.
        overwrite: whether to begin anew over files of another run.
    """

    destinations: tuple[Destination, ...]
    overwrite: bool

    @classmethod
    def of(cls, chosen: OutputOptions) -> BulkOutput:
        """The output that a user means: a pattern, and formats with commas between them.

        Raises:
            UsageError: a pattern that gives all jobs one name, or an unknown kind of file.
        """
        if chosen.output is None or not re.search(r"\{(stem|index)\}", os.path.basename(chosen.output)):
            raise UsageError(
                "many files need a pattern such as 'grids/{stem}.svg': {stem} is a job's name, {index} its "
                "number",
                "--output",
            )
        names = [None] if chosen.format is None else [name.strip() for name in chosen.format.split(",")]
        return cls(tuple(_destination(chosen, name, several=len(names) > 1) for name in names), chosen.force)

    @property
    def folder(self) -> Path:
        """The folder of all files."""
        return Path(self.destinations[0].pattern).parent

    def renderers(self) -> list[Renderer]:
        """A renderer for each format."""
        return [each.kind.renderer() for each in self.destinations if each.kind.renderer is not None]

    def paths(self, name: str, number: int) -> list[str]:
        """The files of one job."""
        return [to.path(name, number) for to in self.destinations]

    def done(self, name: str, number: int) -> bool:
        """Whether all files of a job are there."""
        return all(map(os.path.exists, self.paths(name, number)))

    @contextmanager
    def open(self, names: Sequence[str], identity: Mapping[str, Any], *, shared: bool) -> Iterator[None]:
        """Hold the folder, and make sure that all files in it are of this very run; see `RunFolder.begin`.

        Args:
            names: of the jobs.
            identity: all that decides the content of the files, as JSON values.
            shared: whether other processes may do other jobs of the run meanwhile.

        Raises:
            InputError: another run is at work there, or the folder is missing.
        """
        paths = [file for number, name in enumerate(names) for file in self.paths(name, number)]
        if len(set(paths)) < len(paths):
            check_paths(paths, overwrite=True)  # which says what two jobs have in common
        check_paths(paths[:1], overwrite=True)
        folder, run = str(self.folder), RunFolder(str(self.folder), self.overwrite)

        def begin(alone: bool = True) -> None:
            run.begin(paths, len(names), identity, alone)

        if shared:
            with shared_folder(folder, begin):
                yield
        else:
            with exclusive_lock(folder, folder, folder=True):
                begin()
                yield

    def check_folder(self) -> None:
        """Refuse a folder that is missing."""
        if not self.folder.is_dir():
            pattern = shown(self.destinations[0].pattern)
            raise InputError(f"{pattern}: there is no folder {shown(self.folder)}")


def _destination(chosen: OutputOptions, name: str | None, *, several: bool) -> Destination:
    """The destination of one format: under the pattern, with a suffix of its own among several."""
    assert chosen.output is not None
    kind = kind_of(name, chosen.output)
    if chosen.output == STDOUT:
        raise UsageError("many files cannot go to stdout", "--output")
    if is_url(chosen.output):
        raise UsageError("many files go to a local folder", "--output")
    if re.search(r"\{(stem|index)\}", os.path.dirname(chosen.output)):
        raise UsageError("all files go to one folder: {stem} and {index} stand in their names", "--output")
    own = Path(chosen.output).suffix.lower() == kind.suffix
    pattern = chosen.output if own or not several else _bare(chosen.output) + kind.suffix
    to = Destination.of(OutputOptions(pattern, name, chosen.force), "{stem}", each=True)
    if to.kind.renderer is None:
        raise UsageError(f"a sheet is a picture, not {to.kind.suffix}", "--format")
    return to


def _bare(pattern: str) -> str:
    """A pattern without its suffix, if that is of a known kind of file."""
    suffix = Path(pattern).suffix
    with suppress(UsageError):
        if suffix:
            kind_of(None, pattern)
            return pattern.removesuffix(suffix)
    return pattern
