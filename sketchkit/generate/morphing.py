"""Drawings between drawings: rows that lead from one to another, grids between four, and analogies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from sketchkit.arguments import MAX_DRAWINGS, renamed, whole
from sketchkit.batch import check_sketches
from sketchkit.errors import InputError
from sketchkit.generate.checks import Progress, resolve_seed
from sketchkit.generate.drawing import sample
from sketchkit.latent import Method, Path, check_z, combine, encode, latent_path, surface
from sketchkit.latent import path as row
from sketchkit.models import AnyClass, DrawingModel, check_model, check_one_class
from sketchkit.rendering.drawings import Drawings
from sketchkit.sampling import AnySampler
from sketchkit.sketch import Sketch

__all__ = [
    "DrawingSettings",
    "Morph",
    "Steps",
    "analogy",
    "check_job",
    "decode",
    "grid",
    "interpolate",
    "morphs",
]

#: Of what leads between drawings, low: each differs from its neighbours by z alone.
TEMPERATURE = 0.1
#: Drawings that are in memory at once when there are many jobs.
DRAWINGS_AT_ONCE = 2_000

#: A number of drawings in a row, or (columns, rows) of a grid.
Steps = int | tuple[int, int]


class DrawingSettings(TypedDict, total=False):
    """How drawings are decoded; see `sketchkit.sample`, whose arguments these are."""

    sampler: str | AnySampler
    seed: int | None
    batch_size: int | None
    options: Mapping[str, Any] | None
    max_points: int | None
    exact: bool
    progress: Progress | None


@dataclass(frozen=True)
class Morph:
    """A row of drawings, or a grid, that leads between given drawings.

    Args:
        number: the number of the job, from 0.
        given: the drawings that it leads between.
        z: [n, Z], where the drawings lie.
        sketches: n, a grid's row by row; in Quick, Draw! pixels, from (0, 0).
    """

    number: int
    given: tuple[Sketch, ...]
    z: npt.NDArray[np.float32]
    sketches: tuple[Sketch, ...]


def decode(
    model: DrawingModel,
    z: npt.ArrayLike,
    temperature: float = TEMPERATURE,
    *,
    class_name: AnyClass | Sequence[AnyClass | None] | None = None,
    first: int = 0,
    **settings: Unpack[DrawingSettings],
) -> Drawings[Sketch]:
    """Draw from latent vectors.

    Args:
        model: a conditional VAE.
        z: [n, Z], such as the means of `sketchkit.encode`.
        temperature: tau, 0 to 100.
        class_name: the class of all of them, or one for each, for a model that knows classes.
        first: the index of the first drawing.
        settings: see `sketchkit.sample`.

    Returns:
        n sketches in Quick, Draw! pixels, from (0, 0); drawing i has the random numbers of index first + i.

    Raises:
        InputError: a model without latent vectors, a z of another shape, a number out of range.
        PluginError: an unknown sampler.

    Source: Ha & Eck 2017, section 3.2.
    """
    check_model(model)
    vectors = check_z(model, z, None)
    return sample(model, temperature=temperature, z=vectors, class_name=class_name, first=first, **settings)


@renamed(method="path", label="class_name")
def interpolate(
    model: DrawingModel,
    drawings: Sequence[Sketch],
    n: int = 10,
    temperature: float = TEMPERATURE,
    *,
    path: Path | None = None,
    class_name: AnyClass | None = None,
    prepared: bool = False,
    **settings: Unpack[DrawingSettings],
) -> Drawings[Sketch]:
    """Drawings on the way from one drawing to another.

    Args:
        model: a conditional VAE.
        drawings: two, or more to pass by, whole and in any units.
        n: how many drawings, the reconstructions of the given ones among them; at least as many as those.
        temperature: tau, 0 to 100.
        path: prior leads through the noise that the model's prior draws from, slerp along great circles, lerp
            along straight lines; by default prior where the model has learnt one, else slerp.
        class_name: the class that all of them show, for a model that knows classes; by default the label of
            the nearest given drawing.
        prepared: whether they are drawings of the training data's kind already; see `sketchkit.encode`.
        settings: see `sketchkit.sample`.

    Returns:
        n sketches in Quick, Draw! pixels, from (0, 0); all share their random numbers.

    Raises:
        InputError: a model without an encoder, fewer drawings or steps, an unknown path.
        PluginError: an unknown sampler.

    Source: Ha & Eck 2017, section 4.
    """
    check_model(model)
    n = whole("n", n)
    jobs = morphs(
        model, [drawings], n, temperature, path=path, class_name=class_name, prepared=prepared, **settings
    )
    return Drawings(next(jobs).sketches, columns=min(n, 10))


@renamed(method="path", label="class_name")
def grid(
    model: DrawingModel,
    corners: Sequence[Sketch],
    steps: tuple[int, int] = (7, 7),
    temperature: float = TEMPERATURE,
    *,
    path: Path | None = None,
    class_name: AnyClass | None = None,
    prepared: bool = False,
    **settings: Unpack[DrawingSettings],
) -> Drawings[Sketch]:
    """Drawings between four: down the left and the right edge, and across from edge to edge.

    Args:
        model: a conditional VAE.
        corners: upper left, upper right, lower left, lower right.
        steps: (columns, rows), each at least 2.
        temperature: tau, 0 to 100.
        path: prior leads through the noise that the model's prior draws from, slerp along great circles, lerp
            along straight lines; by default prior where the model has learnt one, else slerp.
        class_name: the class that all of them show, for a model that knows classes; by default the label of
            the nearest corner.
        prepared: whether they are drawings of the training data's kind already; see `sketchkit.encode`.
        settings: see `sketchkit.sample`.

    Returns:
        columns x rows sketches, row by row, in Quick, Draw! pixels, from (0, 0); all share their random
        numbers.

    Raises:
        InputError: a model without an encoder, another number of corners, fewer steps, an unknown path.
        PluginError: an unknown sampler.

    Source: Ha & Eck 2017, section 4.
    """
    check_model(model)
    if not isinstance(steps, Sequence) or isinstance(steps, str) or len(steps) != 2:
        raise InputError(f"the steps of a grid are (columns, rows), got {steps!r}")
    jobs = morphs(
        model, [corners], steps, temperature, path=path, class_name=class_name, prepared=prepared, **settings
    )
    return Drawings(next(jobs).sketches, columns=steps[0])


@renamed(label="class_name")
def analogy(
    model: DrawingModel,
    a: Sketch,
    b: Sketch,
    c: Sketch,
    temperature: float = TEMPERATURE,
    *,
    path: Path | None = None,
    class_name: AnyClass | None = None,
    prepared: bool = False,
    **settings: Unpack[DrawingSettings],
) -> Sketch:
    """The difference of two drawings, added to a third: a - b + c.

    Args:
        model: a conditional VAE.
        a: a drawing, whole and in any units.
        b: another.
        c: a third.
        temperature: tau, 0 to 100.
        path: prior adds and subtracts the noise that the model's prior makes the drawings of, slerp and lerp
            their latent vectors; by default prior where the model has learnt one.
        class_name: its class, for a model that knows classes; by default the label of c, where the model
            knows it.
        prepared: whether they are drawings of the training data's kind already; see `sketchkit.encode`.
        settings: see `sketchkit.sample`.

    Returns:
        A sketch in Quick, Draw! pixels, from (0, 0).

    Raises:
        InputError: a model without an encoder, a drawing without a line.
        PluginError: an unknown sampler.

    Source: Ha & Eck 2017, section 4.
    """
    check_one_class(class_name)
    mu, _ = encode(model, [a, b, c], prepared=prepared, exact=settings.get("exact", False))
    labels = [model.known_label(each.label) for each in (a, b, c)]
    shown = labels[-1] if class_name is None else model.class_called(class_name)
    z = combine(model, mu, labels, (1.0, -1.0, 1.0), path, shown)
    return sample(model, 1, temperature, z=z[None], class_name=shown, **settings)[0]


@renamed(method="path", label="class_name")
def morphs(
    model: DrawingModel,
    jobs: Iterable[Sequence[Sketch]],
    steps: Steps,
    temperature: float = TEMPERATURE,
    *,
    path: Path | None = None,
    class_name: AnyClass | None = None,
    prepared: bool = False,
    done: Callable[[int], bool] | None = None,
    **settings: Unpack[DrawingSettings],
) -> Iterator[Morph]:
    """Many rows or grids, some thousand drawings at a time, so that memory does not grow with the jobs.

    Args:
        model: a conditional VAE.
        jobs: for each the drawings it leads between: two or more for a row, four for a grid.
        steps: how many drawings a row has, or (columns, rows) of a grid.
        temperature: tau, 0 to 100.
        path: prior leads through the noise that the model's prior draws from, slerp along great circles, lerp
            along straight lines; by default prior where the model has learnt one, else slerp.
        class_name: the class that all of them show, for a model that knows classes; by default the label of
            the nearest of the job's drawings.
        prepared: whether they are drawings of the training data's kind already; see `sketchkit.encode`.
        done: called with the number of each job; true for a job that is done already and is skipped.
        settings: see `sketchkit.sample`; `progress` counts the drawings of the current jobs.

    Yields:
        The remaining jobs, in order. A job's drawings are a function of the job, its number and the settings
        alone.

    Raises:
        InputError: a model without an encoder, another number of drawings or steps, an unknown path.
        PluginError: an unknown sampler.
    """
    check_model(model)
    check_one_class(class_name)
    steps, settings["seed"] = _check_steps(steps), resolve_seed(settings.get("seed", 0))
    size = steps if isinstance(steps, int) else steps[0] * steps[1]
    if size > MAX_DRAWINGS:
        raise InputError(f"{size} drawings are more than one call draws, {MAX_DRAWINGS}")
    numbered = enumerate(tuple(check_sketches(job, "a list of sketches is needed")) for job in jobs)
    while block := list(islice(numbered, max(1, DRAWINGS_AT_ONCE // max(1, size)))):
        wanted = [place for place, (number, _) in enumerate(block) if done is None or not done(number)]
        if not wanted:
            continue
        # The whole block, skipped jobs included: the rounding of products depends on the batch.
        name = None if class_name is None else model.class_called(class_name)
        exact = settings.get("exact", False)
        paths = _find_paths(model, [given for _, given in block], steps, path, prepared, exact, name)
        z = np.concatenate([paths[place][0] for place in wanted])
        labels = [each for place in wanted for each in paths[place][1]]
        sketches = sample(
            model,
            len(z),
            temperature,
            z=z,
            class_name=labels,
            index=np.repeat([block[place][0] for place in wanted], size),
            **settings,
        )
        for k, place in enumerate(wanted):
            mine = tuple(sketches[k * size : (k + 1) * size])
            yield Morph(*block[place], paths[place][0], mine)


def _find_paths(
    model: DrawingModel,
    jobs: Sequence[tuple[Sketch, ...]],
    steps: Steps,
    path: Path | None,
    prepared: bool,
    exact: bool,
    class_name: str | None,
) -> list[tuple[npt.NDArray[np.float32], list[str | None]]]:
    """The latent vectors of each job's drawings, [n, Z] each, and their classes."""
    for job in jobs:
        check_job(job, steps)
    mu, _ = encode(model, [sketch for job in jobs for sketch in job], prepared=prepared, exact=exact)
    stops = np.cumsum([len(job) for job in jobs])
    stations = np.split(mu, stops[:-1])

    def between(given: npt.NDArray[np.float64], method: Method) -> npt.NDArray[np.float64]:
        return row(given, steps, method) if isinstance(steps, int) else surface(given, steps, method)

    return [
        latent_path(model, z, [model.known_label(each.label) for each in job], between, path, class_name)
        for z, job in zip(stations, jobs, strict=True)
    ]


def _check_steps(steps: Steps) -> Steps:
    """The same as Python's own whole numbers.

    Raises:
        InputError: other numbers.
    """
    if not isinstance(steps, tuple | list):
        return whole("steps", steps)
    if len(steps) != 2:
        raise InputError(f"steps are one or two whole numbers, got {steps!r}")
    return whole("columns", steps[0]), whole("rows", steps[1])


def check_job(job: Sequence[Any], steps: Steps) -> None:
    """Refuse a job whose number of drawings does not fit the steps, before its drawings are read.

    Args:
        job: its drawings, or placeholders for them.
        steps: how many drawings a row has, or (columns, rows) of a grid.

    Raises:
        InputError: too few drawings, or more than there are steps: each of a row is seen in it.
    """
    if isinstance(steps, int) and len(job) < 2:
        raise InputError(f"a row leads between two drawings or more, got {len(job)}")
    if isinstance(steps, int) and len(job) > steps:
        raise InputError(f"a way past {len(job)} drawings has {len(job)} points or more, got {steps}")
    if not isinstance(steps, int) and len(job) != 4:
        raise InputError(f"a grid has a drawing in each of its four corners, got {len(job)}")
