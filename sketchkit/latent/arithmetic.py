"""Arithmetic on latent vectors: the mean of a class, and one thing with what another has over a third."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sketchkit.errors import InputError

__all__ = ["analogy", "class_means"]

Float64 = npt.NDArray[np.float64]


def analogy(a: npt.ArrayLike, b: npt.ArrayLike, c: npt.ArrayLike) -> Float64:
    """What a has over b, given to c: a - b + c.

    Args:
        a: [..., Z].
        b: [..., Z].
        c: [..., Z].

    Returns:
        [..., Z].

    Raises:
        InputError: shapes that do not go together.

    Source: Ha & Eck 2017, section 4: a pig's body, by a whole cat, a cat's head and a pig's
        head.
    """
    first, less, more = (np.asarray(each, np.float64) for each in (a, b, c))
    try:
        return first - less + more
    except ValueError:
        what = ", ".join(str(list(each.shape)) for each in (first, less, more))
        raise InputError(f"vectors of the shapes {what} cannot be added") from None


def class_means(z: npt.ArrayLike, labels: Sequence[str | None]) -> dict[str, Float64]:
    """The mean of the latent vectors of each class.

    Args:
        z: [n, Z].
        labels: n names; drawings without one are left out.

    Returns:
        Means [Z] by name, sorted by name.

    Raises:
        InputError: not as many names as vectors.
    """
    vectors = np.asarray(z, np.float64)
    if vectors.ndim != 2 or len(vectors) != len(labels):
        raise InputError(f"{len(labels)} labels do not fit latent vectors of the shape {list(vectors.shape)}")
    names = np.array(["" if label is None else label for label in labels], object)
    return {
        name: vectors[names == name].mean(0) for name in sorted({each for each in labels if each is not None})
    }
