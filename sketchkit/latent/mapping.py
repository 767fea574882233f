"""Two dimensions for a map of latent vectors: the axes along which they vary most, or UMAP's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from sketchkit.arguments import whole
from sketchkit.errors import InputError, PluginError
from sketchkit.noise import MAX_SEED
from sketchkit.threads import one_thread

__all__ = ["Axes", "By", "check_by", "principal_axes", "umap_coordinates"]

#: How a map is made.
By = Literal["pca", "umap"]
Float64 = npt.NDArray[np.float64]

#: UMAP's neighbourhoods, as many as its authors take.
_NEIGHBOURS = 15


@dataclass(frozen=True, eq=False)
class Axes:
    """Directions in a latent space, and their origin.

    Args:
        mean: [Z], the origin.
        axes: [K, Z], orthonormal, by falling variance.
        share: [K], the share of the whole variance along each, 0..1.
    """

    mean: Float64
    axes: Float64
    share: Float64

    def project(self, z: npt.ArrayLike) -> Float64:
        """The coordinates of latent vectors along the axes.

        Args:
            z: [..., Z].

        Returns:
            Coordinates [..., K], in the units of z.

        Raises:
            InputError: another shape.
        """
        coordinates: Float64 = (_check(z, len(self.mean), "latent vectors") - self.mean) @ self.axes.T
        return coordinates

    def place(self, coordinates: npt.ArrayLike) -> Float64:
        """The latent vectors at places on the axes: mean + a * axis 1 + b * axis 2 and so on.

        Args:
            coordinates: [..., K].

        Returns:
            Latent vectors [..., Z], which `project` takes to the same coordinates.

        Raises:
            InputError: another shape.
        """
        z: Float64 = self.mean + _check(coordinates, len(self.axes), "coordinates") @ self.axes
        return z


@one_thread()
def principal_axes(z: npt.ArrayLike, n: int = 2) -> Axes:
    """The directions in which latent vectors vary most.

    Args:
        z: [N, Z].
        n: how many axes, K.

    Returns:
        The axes. The largest component of each is positive, so that the sides of a map are stable.

    Raises:
        InputError: another shape, an infinite number or NaN, or vectors that vary in fewer directions.

    Source: Pearson 1901, "On lines and planes of closest fit to systems of points in space", by the singular
        values of the centred vectors, all of them and in float64.
    """
    n, vectors = whole("n", n, 1), _vectors(z)
    mean = vectors.mean(0)
    _, sizes, directions = np.linalg.svd(vectors - mean, full_matrices=False)
    # Sizes below the rounding of the largest are noise.
    smallest = float(sizes[0]) * max(vectors.shape) * np.finfo(np.float64).eps
    varied = int((sizes > smallest).sum())
    if n > varied:
        raise InputError(f"{len(vectors)} drawings vary in too few directions, {varied}, to span {n} axes")
    axes = directions[:n]
    signs = np.sign(axes[np.arange(n), np.abs(axes).argmax(1)])
    variances = sizes**2
    return Axes(mean, axes * signs[:, None], variances[:n] / variances.sum())


def check_by(by: str) -> None:
    """Check the method of a map, before any work is done.

    Raises:
        InputError: an unknown method.
        PluginError: UMAP is not installed.
    """
    if by not in get_args(By):
        raise InputError(f"a map is made by pca or umap, got {by!r}")
    if by == "umap":
        _umap()


def umap_coordinates(z: npt.ArrayLike, seed: int = 0) -> Float64:
    """A map on which neighbours in the latent space stay neighbours; ignore its distances and directions.

    Args:
        z: [N, Z], N above 15.
        seed: of UMAP, 0..2^63 - 1.

    Returns:
        Coordinates [N, 2], which cannot be mapped back to latent vectors.

    Raises:
        InputError: another shape, an infinite number or NaN, or too few vectors.
        PluginError: UMAP is not installed.

    Source: McInnes, Healy & Melville 2018, "UMAP: Uniform Manifold Approximation and Projection for Dimension
        Reduction", by the authors' own umap-learn, whose defaults these are.
    """
    seed = whole("seed", seed, 0, MAX_SEED)
    umap, vectors = _umap(), _vectors(z)
    if len(vectors) <= _NEIGHBOURS:
        raise InputError(f"UMAP needs more than {_NEIGHBOURS} drawings, got {len(vectors)}")
    # One job: on several the result would depend on their order.
    mapper = umap.UMAP(n_neighbors=_NEIGHBOURS, random_state=seed % 2**32, n_jobs=1)
    return np.asarray(mapper.fit_transform(vectors), np.float64)


def _umap() -> Any:
    try:
        import umap
    except ImportError as error:
        raise PluginError(
            "UMAP is not installed: `pip install 'sketchkit[umap]'` brings it, and pca needs nothing"
        ) from error
    return umap


def _vectors(z: npt.ArrayLike) -> Float64:
    """Latent vectors [N, Z] as float64, N and Z at least 1."""
    try:
        vectors = np.asarray(z, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"latent vectors are numbers [N, Z]: {error}") from error
    if vectors.ndim != 2 or not vectors.size:
        raise InputError(f"a map is made of latent vectors [N, Z], got the shape {list(vectors.shape)}")
    if not np.isfinite(vectors).all():
        raise InputError("a latent vector holds a number that is not finite")
    return vectors


def _check(values: npt.ArrayLike, size: int, what: str) -> Float64:
    numbers = np.asarray(values, np.float64)
    if not numbers.ndim or numbers.shape[-1] != size:
        raise InputError(f"{what} must have the shape [..., {size}], got {list(numbers.shape)}")
    return numbers
