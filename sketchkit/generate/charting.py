"""The atlas: a map of the latent space, drawn by the model itself, on which drawings have their places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, Unpack

import numpy as np
import numpy.typing as npt

from sketchkit.arguments import describe_value, old_attribute, whole
from sketchkit.errors import InputError
from sketchkit.generate.checks import Progress, resolve_seed
from sketchkit.generate.drawing import sample
from sketchkit.generate.morphing import TEMPERATURE, DrawingSettings
from sketchkit.generate.scoring import score
from sketchkit.latent import (
    Axes,
    By,
    Path,
    check_by,
    encode,
    principal_axes,
    resolve_path,
    typical,
    umap_coordinates,
)
from sketchkit.models import DrawingModel, check_model
from sketchkit.rendering import Ink, Picture
from sketchkit.rendering.drawings import ShownAsSheet
from sketchkit.rendering.palette import INK, PAPER
from sketchkit.sketch import Sketch

__all__ = ["Atlas", "Located", "atlas", "locate"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

#: Drawings that are in memory at once.
_DRAWINGS_AT_ONCE = 2_048
#: The map reaches over the middle of the drawings, so that a few far away do not squeeze all others together.
_QUANTILES = (0.02, 0.98)
#: Most places a side: a larger map is unreadable.
MOST_STEPS = 100
#: So many drawings nearest to a place decide what it shows; more where several are equally near.
_NEIGHBOURS = 15
#: How much of the ink is left where no drawing is near.
_FAINTEST = 0.18


@dataclass(frozen=True, eq=False)
class Located:
    """Where n drawings lie in a latent space.

    Args:
        z: float32 [n, Z], the mean of each posterior.
        nll_per_point: float64 [n], the negative log-likelihood per point of each drawing given its own z, as
            `sketchkit.score` has it: natural logarithms, model units, the end row counted as a point.
        labels: n names; `None` for a drawing without a label.
    """

    z: npt.NDArray[np.float32]
    nll_per_point: Float64
    labels: tuple[str | None, ...]

    nll = old_attribute("nll", "nll_per_point")

    def __len__(self) -> int:
        """How many, n."""
        return len(self.z)

    def outliers(self, n: int) -> list[int]:
        """The n drawings that the model finds hardest to draw again, the hardest first, by their numbers.

        Raises:
            InputError: n is not a whole number of 0 or more.
        """
        return np.argsort(-self.nll_per_point, kind="stable")[: whole("n", n, 0)].tolist()  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class Atlas(ShownAsSheet):
    """A map of P = columns * rows places, row by row from the upper left.

    Args:
        by: the method, pca or umap.
        steps: (columns, rows).
        axes: the principal axes that span the map; `None` for UMAP.
        coordinates: [n, 2], positions of the drawings: to the right, and up.
        grid: [P, 2], positions of the places.
        z: float32 [P, Z], the latent vectors drawn at the places.
        density: [P], how many drawings are near, relative to the most crowded place, 0..1.
        sketches: P, drawn by the model; the label is the class given to the model, if any.
    """

    by: By
    steps: tuple[int, int]
    axes: Axes | None
    coordinates: Float64
    grid: Float64
    z: npt.NDArray[np.float32]
    density: Float64
    sketches: tuple[Sketch, ...]
    _max_shown: ClassVar[int] = 400

    def pictures(self) -> list[Picture]:
        """The places as pictures on a sheet of `steps`: the fewer drawings are near, the lighter."""
        return [
            Picture(
                (Ink(sketch, _shade(float(density)), curved=True),),
                sketch.label,
                {"coordinates": place.tolist()},
            )
            for sketch, density, place in zip(self.sketches, self.density, self.grid, strict=True)
        ]

    def _shown(self) -> list[Picture]:
        return self.pictures()

    def _columns(self) -> int:
        return self.steps[0]


def locate(
    model: DrawingModel,
    sketches: Iterable[Sketch],
    *,
    prepared: bool = False,
    progress: Progress | None = None,
) -> Located:
    """Where drawings lie in a model's latent space, and how well it can draw them again from there.

    Args:
        model: a conditional VAE; one that knows classes gets the label of each drawing, where it is known.
        sketches: n finished drawings, in any units; read some thousand at a time, so that a long generator
            takes only the memory of the latent vectors.
        prepared: whether they are drawings of the training data's kind already; see `sketchkit.encode`.
        progress: called with (drawings done, 0): the total is unknown.

    Raises:
        InputError: a model without an encoder, a drawing without a line.
    """
    check_model(model)
    if isinstance(sketches, Sketch | str) or not isinstance(sketches, Iterable):
        raise InputError(f"locate takes a list of sketches, got {describe_value(sketches)}")
    z, nll, labels = [encode(model, [])[0]], [np.zeros(0)], list[str | None]()
    for several in _batches(sketches, _DRAWINGS_AT_ONCE):
        scores = score(model, several, prepared=prepared)
        z.append(np.stack([each.z for each in scores if each.z is not None]))
        nll.append(np.array([each.nll_per_point for each in scores]))
        labels += [sketch.label for sketch in several]
        if progress is not None:
            progress(len(labels), 0)
    return Located(np.concatenate(z), np.concatenate(nll), tuple(labels))


def atlas(
    model: DrawingModel,
    located: Located,
    steps: tuple[int, int] = (12, 16),
    by: By = "pca",
    temperature: float = TEMPERATURE,
    *,
    path: Path | None = None,
    **settings: Unpack[DrawingSettings],
) -> Atlas:
    """Draw a map of where drawings lie.

    By PCA, the map is the plane through the mean of all drawings along the two directions in which they vary
    most. Where the model has learnt a prior, each place shows the mean of the 15 nearest drawings in the
    prior's noise, restricted to their most frequent class. For other models, a place of PCA is decoded from
    its own coordinates, and a place of UMAP from the mean z of the 15 nearest drawings. A model that knows
    classes draws the most frequent class of the 15 nearest.

    Args:
        model: the model that the drawings were located with.
        located: three drawings at least, for UMAP 16.
        steps: (columns, rows), 2 to 100 each; along each axis they reach over the central 96 % of the
            drawings.
        by: pca, or umap where umap-learn is installed.
        temperature: tau, 0 to 100; low, so that places differ by their z alone.
        path: prior, or slerp or lerp as for models without a prior; by default prior where there is one.
        settings: see `sketchkit.sample`; the seed is that of UMAP's chance, too.

    Raises:
        InputError: a number out of range, too few drawings, or drawings that do not differ.
        PluginError: UMAP is not installed, or an unknown sampler.
    """
    check_by(by)
    check_model(model)
    if not isinstance(located, Located):
        what = describe_value(located)
        raise InputError(f"an atlas is of located drawings, got {what}: sketchkit.locate locates them")
    if not isinstance(steps, tuple | list) or len(steps) != 2:
        raise InputError(f"the steps of an atlas are (columns, rows), got {steps!r}")
    steps = (whole("columns", steps[0]), whole("rows", steps[1]))
    if not all(2 <= n <= MOST_STEPS for n in steps):
        raise InputError(f"an atlas has 2 to {MOST_STEPS} columns and rows, got {steps[0]}x{steps[1]}")
    axes = principal_axes(located.z) if by == "pca" else None
    seed = settings["seed"] = resolve_seed(settings.get("seed", 0))
    coordinates = umap_coordinates(located.z, seed) if axes is None else axes.project(located.z)
    grid, step = _grid(coordinates, steps)
    near = [_near(coordinates, place, step) for place in grid]
    density = np.array([crowd for crowd, _ in near])
    labels = [_find_class(model, located.labels, nearest) for _, nearest in near]
    path = resolve_path(model, path)
    if path == "prior" or axes is None:
        known = [model.known_label(each) for each in located.labels]
        groups = [nearest for _, nearest in near]
        if path == "prior":
            pairs = zip(groups, labels, strict=True)
            groups = [each if name is None else _select_class(known, each, name) for each, name in pairs]
        z = typical(model, located.z, known, groups, labels, path)
    else:
        z = axes.place(grid).astype(np.float32)
    # All places meet the same chance.
    index = np.zeros(len(grid), np.int64)
    sketches = sample(model, len(grid), temperature, z=z, class_name=labels, index=index, **settings)
    return Atlas(by, steps, axes, coordinates, grid, z, density / density.max(), tuple(sketches))


def _batches(sketches: Iterable[Sketch], size: int) -> Iterator[list[Sketch]]:
    rest = iter(sketches)
    while batch := list(islice(rest, size)):
        yield batch


def _grid(coordinates: Float64, steps: tuple[int, int]) -> tuple[Float64, Float64]:
    """The places [P, 2] of a map, row by row, the highest first, and how far they are apart [2]."""
    low, high = np.quantile(coordinates, _QUANTILES, axis=0)
    if (high <= low).any():  # nearly all drawings are alike
        low, high = coordinates.min(0), coordinates.max(0)
    columns, rows = steps
    right, up = np.meshgrid(np.linspace(low[0], high[0], columns), np.linspace(high[1], low[1], rows))
    return np.stack([right.ravel(), up.ravel()], 1), (high - low) / (np.array(steps) - 1)


def _near(coordinates: Float64, place: Float64, step: Float64) -> tuple[float, Int64]:
    """How many drawings are near a place, and which are the nearest.

    Distances are counted in steps, to agree with distances on the sheet: a drawing one step away counts for
    0.61, two steps for 0.14, three for 0.01 (a normal distribution).
    """
    squares = (((coordinates - place) / step) ** 2).sum(1)
    last = min(_NEIGHBOURS, len(squares)) - 1
    farthest = np.partition(squares, last)[last]
    return float(np.exp(-squares / 2).sum()), np.flatnonzero(squares <= farthest)


def _find_class(model: DrawingModel, labels: Sequence[str | None], nearest: Int64) -> str | None:
    """The most frequent label among the nearest that the model knows; on a tie the first by name."""
    known = set(model.card.classes if model.labelled else ())
    names = sorted(name for i in nearest if (name := labels[i]) is not None and name in known)
    return max(dict.fromkeys(names), key=names.count, default=None)


def _select_class(labels: Sequence[str | None], places: Int64, name: str) -> Int64:
    return np.array([i for i in places if labels[i] == name], np.int64)


def _shade(density: float) -> str:
    """The ink of a place: the root keeps the slopes of the crowd from fading as fast as they empty."""
    part = _FAINTEST + (1.0 - _FAINTEST) * density**0.5
    channels = zip(bytes.fromhex(INK[1:]), bytes.fromhex(PAPER[1:]), strict=True)
    return "#" + bytes(round(paper + part * (ink - paper)) for ink, paper in channels).hex()
