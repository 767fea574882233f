"""New latent vectors, and paths through the noise from which the prior makes them.

Latent vectors between two drawings are often those of scrawls. A point between the noise of both is closer
to the most typical drawing than either, and the prior turns it into the latent vector of a drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from sketchkit.arguments import MAX_DRAWINGS, whole
from sketchkit.engine import EXACT_WIDTH
from sketchkit.engine.arrays import call, pad_rows
from sketchkit.errors import InputError
from sketchkit.latent.encoding import latent_size
from sketchkit.latent.paths import Method
from sketchkit.models import AnyClass, ArrayModel, DrawingModel, is_one_class
from sketchkit.models.drawing_model import LatentModel
from sketchkit.models.flow import Flow
from sketchkit.noise import LATENT, MAX_SEED, normal_array
from sketchkit.threads import one_thread

__all__ = [
    "Z_TEMPERATURE",
    "Path",
    "combine",
    "flow_of",
    "latent_path",
    "noise_of",
    "prior",
    "resolve_path",
    "resolve_z_temperature",
    "typical",
    "z_of",
]

Latents = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Labels = Sequence[AnyClass | None]
#: The course of a path: through the noise of the prior, along great circles or straight lines.
Path = Literal["prior", "slerp", "lerp"]
#: Points between stations: the stations [S, N] and a method to the points [..., N].
Between = Callable[[Float64, Method], Float64]

#: The default factor of a flow's noise: below 1, as in training, more of the samples are drawings.
Z_TEMPERATURE = 0.5
_MAX_TEMPERATURE = 10.0
#: Vectors computed together, to bound memory, and the fewest: products of fewer rows round differently.
_AT_ONCE, _FEWEST = 4_096, 4


@one_thread()
def prior(
    model: DrawingModel,
    n: int,
    seed: int = 0,
    first: int = 0,
    *,
    class_name: AnyClass | Labels | None = None,
    z_temperature: float | None = None,
    index: npt.NDArray[np.int64] | None = None,
    exact: bool = False,
) -> Latents:
    """Draw latent vectors from the model's flow, or from N(0, I).

    Args:
        model: a conditional model.
        n: how many.
        seed: 0..2^63 - 1.
        first: the index of the first.
        class_name: the class of all, or n classes, for a model with classes.
        z_temperature: the factor of the noise, 0..10; when None, 0.5 with a flow and 1 without.
        index: [n], the index of each; first, first + 1 and so on when None.
        exact: equal to the last bit, independently of the other vectors; slower.

    Returns:
        z [n, Z], float32. Each is a function of the seed, of its class and of its index, from a separate
        stream of the counter-based noise (`sketchkit.noise.LATENT`).

    Raises:
        InputError: a model without latent vectors, an unknown class, or a number out of range.

    Source: Ha & Eck 2017, section 3.2, for N(0, I); `sketchkit.models.prior` for the flow.
    """
    size, n, seed = latent_size(model), whole("n", n, 0, MAX_DRAWINGS), whole("seed", seed, 0, MAX_SEED)
    first, scale = whole("first", first, 0, MAX_SEED - n), resolve_z_temperature(model, z_temperature)
    if class_name is not None and not is_one_class(class_name) and len(class_name) != n:
        raise InputError(f"{n} latent vectors need as many classes, or one for all, got {len(class_name)}")
    classes = _classes(model, n, class_name)
    places = np.arange(first, first + n) if index is None else index
    noise = normal_array(seed, places, size, LATENT) * np.float32(scale)
    if (flow := flow_of(model)) is None:
        return noise
    return _in_portions(model, flow.latents, noise[:, : flow.axes], classes, exact=exact)


def _has_flow(model: DrawingModel) -> bool:
    return flow_of(model) is not None


def _flow_on(model: DrawingModel, path: Path | None) -> Flow | None:
    """The flow of a path through noise; None for a path through the latent vectors themselves."""
    return flow_of(model) if resolve_path(model, path) == "prior" else None


def flow_of(model: DrawingModel) -> Flow | None:
    """The learnt prior of a model, in float32; None for N(0, I)."""
    return model.flow if isinstance(model, LatentModel) else None


def resolve_z_temperature(model: DrawingModel, value: float | None) -> float:
    """The factor of the noise of a model's prior.

    Args:
        model: a conditional model.
        value: the wanted factor; when None, 0.5 for a model with a flow and 1 for another.

    Raises:
        InputError: another value than a number of 0 to 10.
    """
    if value is None:
        return Z_TEMPERATURE if _has_flow(model) else 1.0
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= _MAX_TEMPERATURE:
        limit = f"a number from 0 to {_MAX_TEMPERATURE:g}"
        raise InputError(f"the temperature of z must be {limit}, got {value!r}")
    return value


def resolve_path(model: DrawingModel, path: Path | None) -> Path:
    """The course of paths through a model's latent space.

    Args:
        model: a conditional model.
        path: the wanted course; when None, `prior` for a model with a flow, else `slerp`.

    Raises:
        InputError: another name, or `prior` for a model without a flow.
    """
    if path is None:
        return "prior" if _has_flow(model) else "slerp"
    if path not in get_args(Path):
        raise InputError(f"the path must be prior, slerp or lerp, got {path!r}")
    if path == "prior" and not _has_flow(model):
        raise InputError(f"the model {model.card.name!r} has no learnt prior: the path must be slerp or lerp")
    return path


@one_thread()
def latent_path(
    model: DrawingModel,
    stations: npt.ArrayLike,
    labels: Sequence[str | None],
    between: Between,
    path: Path | None = None,
    class_name: str | None = None,
) -> tuple[Latents, list[str | None]]:
    """Points on a path between latent vectors, and their classes.

    Args:
        model: a conditional model.
        stations: [S, Z].
        labels: the classes of the S drawings, or None.
        between: makes points of stations by a method, such as `lambda s, method: path(s, 10, method)`.
        path: see `resolve_path`.
        class_name: the class of all points; when None, each has the class of the nearest station.

    Returns:
        z [n, Z] and n classes. Stations of their own class stay as they are.

    Raises:
        InputError: see `resolve_path`.
    """
    given, flow = np.asarray(stations, np.float64), _flow_on(model, path)
    shares = between(np.eye(len(given)), "lerp").reshape(-1, len(given))
    names = [labels[i] if class_name is None else class_name for i in shares.argmax(1)]
    if flow is None:
        method: Method = "lerp" if path == "lerp" else "slerp"
        return between(given, method).reshape(-1, given.shape[1]).astype(np.float32), names
    known = [class_name if label is None else label for label in labels]
    here, there = (_classes(model, len(each), each) for each in (known, names))
    noise, rest = noise_of(model, flow, given, here)
    # Inverting the flow and applying it again leaves the error of its steps, which is added back.
    missed = given - z_of(model, flow, noise, rest, here)
    noise, rest, missed = (between(each, "lerp").reshape(len(names), -1) for each in (noise, rest, missed))
    if len(set(known)) > 1:
        # A path between classes leads past the typical drawings of both: in the middle with as little noise
        # as new drawings have, though these are plainer. A great circle stays as far from them as both ends,
        # and shows fewer drawings.
        amid = (1.0 - np.square(shares).sum(1)) / (1.0 - 1.0 / len(given))
        length = (1.0 - (1.0 - Z_TEMPERATURE) * amid)[:, None]
        noise, rest, missed = length * noise, length * rest, length * missed
    return (z_of(model, flow, noise, rest, there) + missed).astype(np.float32), names


@one_thread()
def combine(
    model: DrawingModel,
    z: npt.ArrayLike,
    labels: Sequence[str | None],
    weights: Sequence[float],
    path: Path | None = None,
    class_name: str | None = None,
) -> Latents:
    """A weighted sum of latent vectors, or of their noise under the prior.

    Args:
        model: a conditional model.
        z: [S, Z].
        labels: the classes of the S drawings, or None.
        weights: S numbers whose sum is 1.
        path: `prior` adds noise, and shortens a sum that is longer than the mean of the summands; slerp and
            lerp add z.
        class_name: the class of the sum; the last of the labels when None.

    Returns:
        [Z].

    Raises:
        InputError: see `resolve_path`.
    """
    given, shares = np.asarray(z, np.float64), np.asarray(weights, np.float64)
    if (flow := _flow_on(model, path)) is None:
        added: Latents = np.asarray(shares @ given, np.float32)
        return added
    known = [class_name if label is None else label for label in labels]
    noise, rest = noise_of(model, flow, given, _classes(model, len(known), known))
    total, mean = shares @ noise, np.linalg.norm(noise, axis=1).mean()
    length = np.linalg.norm(total)
    total = total * min(1.0, mean / length) if length else total
    wanted = labels[-1] if class_name is None else class_name
    made = z_of(model, flow, total[None], (shares @ rest)[None], _classes(model, 1, wanted))
    out: Latents = made[0].astype(np.float32)
    return out


@one_thread()
def typical(
    model: DrawingModel,
    z: npt.ArrayLike,
    labels: Sequence[str | None],
    groups: Sequence[npt.NDArray[np.int64]],
    shown: Sequence[str | None],
    path: Path | None = None,
) -> Latents:
    """The typical vectors of groups of drawings: the mean of their noise, or of their latent vectors.

    Args:
        model: a conditional model.
        z: [n, Z].
        labels: the classes of the n drawings, or None.
        groups: G lists of places 0..n - 1, each with a place or more.
        shown: the classes of the G means.
        path: `prior` takes the mean of the noise; slerp and lerp of z.

    Returns:
        [G, Z].

    Raises:
        InputError: see `resolve_path`.
    """
    given = np.asarray(z, np.float64)
    if (flow := _flow_on(model, path)) is None:
        return np.stack([given[each].mean(0) for each in groups]).astype(np.float32)
    noise, rest = noise_of(model, flow, given, _classes(model, len(labels), labels))
    noise, rest = (np.stack([values[each].mean(0) for each in groups]) for values in (noise, rest))
    return z_of(model, flow, noise, rest, _classes(model, len(shown), shown)).astype(np.float32)


def noise_of(model: DrawingModel, flow: Flow, z: Float64, classes: Int64) -> tuple[Float64, Float64]:
    """The noise [n, K] of latent vectors [n, Z] under a model's flow, and their rest beside its axes."""
    x, rest = call(model, flow.coordinates, z.astype(np.float32))
    return _in_portions(model, flow.inverse, x, classes).astype(np.float64), rest.astype(np.float64)


def z_of(model: DrawingModel, flow: Flow, noise: Float64, rest: Float64, classes: Int64) -> Float64:
    """The latent vectors [n, Z] that a model's flow makes of noise [n, K], plus the rest beside its axes."""
    made = _in_portions(model, flow.latents, noise.astype(np.float32), classes)
    out: Float64 = made.astype(np.float64) + rest
    return out


def _in_portions(
    model: DrawingModel,
    function: Callable[[Any, Any], Any],
    rows: npt.NDArray[np.float32],
    classes: Int64,
    *,
    exact: bool = False,
) -> npt.NDArray[np.float32]:
    """A function of a model's flow, of rows [n, K] and their classes [n], some thousand at a time.

    If exact, a row's last bits are independent of the others: all products have one shape. Those of numpy
    depend on the place of a row, too, so that it computes row by row.
    """
    width = 1 if isinstance(model, ArrayModel) else EXACT_WIDTH
    at_once, fewest = (width, width) if exact else (_AT_ONCE, _FEWEST)
    # An empty portion gives the shape of the result if n is 0.
    parts = [call(model, function, np.zeros((1, rows.shape[1]), np.float32), np.zeros(1, np.int64))[:0]]
    for begin in range(0, len(rows), at_once):
        some, shown = (each[begin : begin + at_once] for each in (rows, classes))
        parts.append(call(model, function, pad_rows(some, fewest), pad_rows(shown, fewest))[: len(some)])
    return np.concatenate(parts)


def _classes(model: DrawingModel, n: int, label: AnyClass | Labels | None) -> Int64:
    """The classes for a flow by their names, int64 [n]; the last class stands for the absence of one."""
    indices = model.class_indices(label)
    if indices is None:
        return np.full(n, getattr(model.architecture, "classes", 0))
    return np.resize(indices, n)
