"""New latent vectors, and paths through the noise from which the prior makes them.

Latent vectors between two drawings are often those of scrawls. A point between the noise of both is closer
to the most typical drawing than either, and the prior turns it into the latent vector of a drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sketchkit.arguments import MAX_DRAWINGS, whole
from sketchkit.devices import one_thread
from sketchkit.engine import EXACT_WIDTH
from sketchkit.errors import InputError
from sketchkit.latent.encoding import latent_size
from sketchkit.latent.paths import Method
from sketchkit.models import AnyClass, DrawingModel, is_one_class
from sketchkit.models.prior import FlowPrior
from sketchkit.models.vae import VaeModel
from sketchkit.noise import LATENT, MAX_SEED, normals

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
    label = _label(model, class_name)
    places = torch.arange(first, first + n) if index is None else torch.from_numpy(index)
    noise = normals(seed, places, size, LATENT) * scale
    if (flow := flow_of(model)) is None:
        return noise.numpy()
    classes = _classes(model, n, label)
    return _in_portions(flow.latents, noise[:, : flow.axes], classes, exact=exact).numpy()


def _has_flow(model: DrawingModel) -> bool:
    return isinstance(model, VaeModel) and model.prior is not None


def _flow_on(model: DrawingModel, path: Path | None) -> FlowPrior | None:
    """The flow of a path through noise; None for a path through the latent vectors themselves."""
    return flow_of(model) if resolve_path(model, path) == "prior" else None


def flow_of(model: DrawingModel) -> FlowPrior | None:
    """The learnt prior of a model, in float32; None for N(0, I)."""
    return model.flow if isinstance(model, VaeModel) else None


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
    here, there = (_classes(model, len(each), _label(model, each)) for each in (known, names))
    noise, rest = noise_of(flow, given, here)
    # Inverting the flow and applying it again leaves the error of its steps, which is added back.
    missed = given - z_of(flow, noise, rest, here)
    noise, rest, missed = (between(each, "lerp").reshape(len(names), -1) for each in (noise, rest, missed))
    if len(set(known)) > 1:
        # A path between classes leads past the typical drawings of both: in the middle with as little noise
        # as new drawings have, though these are plainer. A great circle stays as far from them as both ends,
        # and shows fewer drawings.
        amid = (1.0 - np.square(shares).sum(1)) / (1.0 - 1.0 / len(given))
        length = (1.0 - (1.0 - Z_TEMPERATURE) * amid)[:, None]
        noise, rest, missed = length * noise, length * rest, length * missed
    return (z_of(flow, noise, rest, there) + missed).astype(np.float32), names


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
    noise, rest = noise_of(flow, given, _classes(model, len(known), _label(model, known)))
    total, mean = shares @ noise, np.linalg.norm(noise, axis=1).mean()
    length = np.linalg.norm(total)
    total = total * min(1.0, mean / length) if length else total
    wanted = labels[-1] if class_name is None else class_name
    made = z_of(flow, total[None], (shares @ rest)[None], _classes(model, 1, _label(model, wanted)))
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
    noise, rest = noise_of(flow, given, _classes(model, len(labels), _label(model, labels)))
    noise, rest = (np.stack([values[each].mean(0) for each in groups]) for values in (noise, rest))
    return z_of(flow, noise, rest, _classes(model, len(shown), _label(model, shown))).astype(np.float32)


def noise_of(flow: FlowPrior, z: Float64, classes: Tensor) -> tuple[Float64, Float64]:
    """The noise [n, K] of latent vectors [n, Z] under a flow, and their rest [n, Z] beside its axes."""
    x, rest = (each.detach() for each in flow.coordinates(torch.from_numpy(z).float().to(classes.device)))
    noise = _in_portions(flow.inverse, x, classes)
    return noise.double().numpy(), rest.cpu().double().numpy()


def z_of(flow: FlowPrior, noise: Float64, rest: Float64, classes: Tensor) -> Float64:
    """The latent vectors [n, Z] that a flow makes of noise [n, K], plus the rest [n, Z] beside its axes."""
    made = _in_portions(flow.latents, torch.from_numpy(noise).float(), classes)
    out: Float64 = made.double().numpy() + rest
    return out


@torch.inference_mode()
def _in_portions(
    function: Callable[[Tensor, Tensor], Tensor], rows: Tensor, classes: Tensor, *, exact: bool = False
) -> Tensor:
    """A function of rows [n, K] and their classes [n], some thousand at a time; on the CPU.

    If exact, all products have one shape, so that a row's last bits are independent of the others.
    """
    at_once, fewest = (EXACT_WIDTH, EXACT_WIDTH) if exact else (_AT_ONCE, _FEWEST)
    # An empty portion gives the shape of the result if n is 0.
    parts = [function(rows.new_zeros(1, rows.shape[1]).to(classes.device), classes.new_zeros(1))[:0].cpu()]
    for begin in range(0, len(rows), at_once):
        some, shown = (each[begin : begin + at_once].to(classes.device) for each in (rows, classes))
        missing = max(0, fewest - len(some))
        padded = torch.cat((some, some.new_zeros(missing, some.shape[1])))
        parts.append(function(padded, torch.cat((shown, shown[:1].expand(missing))))[: len(some)].cpu())
    return torch.cat(parts)


def _label(model: DrawingModel, label: AnyClass | Labels | None) -> Tensor | None:
    """Classes by their names, as a tensor on the CPU; see `DrawingModel.class_indices`."""
    indices = model.class_indices(label)
    return None if indices is None else torch.from_numpy(indices)


def _classes(model: DrawingModel, n: int, label: Tensor | None) -> Tensor:
    """The classes for a flow, int64 [n]; the last class stands for the absence of one."""
    assert isinstance(model, VaeModel)
    none = torch.tensor([model.architecture.classes])
    return (none if label is None else label).to(model.device).expand(n)
