"""New latent vectors, and ways that lead through the noise which the prior makes them of.

Between two latent vectors lie many that no drawing has. Between the noise of two drawings lies noise, and of
that a flow makes the latent vector of a drawing again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import torch

from sketchkit.counts import MAX_DRAWINGS, whole
from sketchkit.devices import one_thread
from sketchkit.errors import InputError
from sketchkit.latent.encoding import latent_size
from sketchkit.latent.paths import Method
from sketchkit.models import AnyClass, SketchModel
from sketchkit.models.prior import FlowPrior
from sketchkit.models.vae import VaeModel
from sketchkit.noise import LATENT, MAX_SEED, normals

__all__ = ["Z_TEMPERATURE", "Path", "check_z_temperature", "combine", "prior", "resolve_path", "way"]

Latents = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Labels = Sequence[AnyClass | None]
#: How a way leads: through the noise of the prior, along great circles or straight lines.
Path = Literal["prior", "slerp", "lerp"]
#: Points between stations: the stations [S, N] and a method to the points [n, N].
Between = Callable[[Float64, Method], Float64]

#: What a flow's noise is multiplied by, where a call does not say: a little less than it has learnt.
Z_TEMPERATURE = 0.7
_MAX_TEMPERATURE = 10.0
#: Vectors made together, to bound memory.
_AT_ONCE = 4_096


@one_thread()
def prior(
    model: SketchModel,
    n: int,
    seed: int = 0,
    first: int = 0,
    *,
    class_name: AnyClass | Labels | None = None,
    z_temperature: float | None = None,
    index: npt.NDArray[np.int64] | None = None,
    exact: bool = False,
) -> Latents:
    """New latent vectors: from the flow that the model has, or from N(0, I).

    Args:
        model: a conditional model.
        n: how many.
        seed: 0..2^63 - 1.
        first: the index of the first.
        class_name: what they show, or one a vector, for a model that knows classes.
        z_temperature: what the noise is multiplied by, 0..10; when None, 0.7 with a flow and 1 without.
        index: [n], the index of each; first, first + 1 and so on when None.
        exact: equal to the last bit whichever others come with a vector; slower.

    Returns:
        z [n, Z], float32. Each is a function of the seed, of its class and of its index, from a stream of
        the counter-based noise (`sketchkit.noise.LATENT`) that no point of a drawing is drawn with.

    Raises:
        InputError: a model without latent vectors, an unknown class, or a number out of range.

    Source: Ha & Eck 2017, section 3.2, for N(0, I); `sketchkit.models.prior` for the flow.
    """
    size, n, seed = latent_size(model), whole("n", n, 0, MAX_DRAWINGS), whole("seed", seed, 0, MAX_SEED)
    first = whole("first", first, 0, MAX_SEED - n)
    check_z_temperature(z_temperature)
    places = torch.arange(first, first + n) if index is None else torch.from_numpy(index)
    flow = isinstance(model, VaeModel) and model.prior is not None
    scale = (Z_TEMPERATURE if flow else 1.0) if z_temperature is None else z_temperature
    noise = normals(seed, places, size, LATENT) * scale
    if not flow:
        return noise.numpy()
    assert isinstance(model, VaeModel)
    label, noise = model.label_index(class_name), noise.to(model.device)
    classes = model.classes_of(n, label)
    out, at_once = np.zeros((n, size), np.float32), 1 if exact else _AT_ONCE
    for begin in range(0, n, at_once):
        some = slice(begin, begin + at_once)
        out[some] = model.latents_from(noise[some], classes[some]).cpu().numpy()
    return out


def check_z_temperature(value: float | None) -> None:
    """Refuse a temperature of z that is out of range.

    Raises:
        InputError: not a number of 0 to 10.
    """
    if value is None:
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= _MAX_TEMPERATURE:
        limit = f"a number from 0 to {_MAX_TEMPERATURE:g}"
        raise InputError(f"the temperature of z must be {limit}, got {value!r}")


def resolve_path(model: SketchModel, path: Path | None) -> Path:
    """How ways lead through a model's latent space.

    Args:
        model: a conditional model.
        path: as asked for; when None, `prior` for a model with a flow, else `slerp`.

    Raises:
        InputError: another name, or `prior` for a model without a flow.
    """
    flow = isinstance(model, VaeModel) and model.prior is not None
    if path is None:
        return "prior" if flow else "slerp"
    if path not in get_args(Path):
        raise InputError(f"the path must be prior, slerp or lerp, got {path!r}")
    if path == "prior" and not flow:
        raise InputError(f"the model {model.card.name!r} has no learnt prior: the path must be slerp or lerp")
    return path


@one_thread()
@torch.inference_mode()
def way(
    model: SketchModel,
    stations: npt.ArrayLike,
    labels: Sequence[str | None],
    between: Between,
    path: Path | None = None,
) -> tuple[Latents, list[str | None]]:
    """Points on a way between latent vectors, and what they show.

    Args:
        model: a conditional model.
        stations: [S, Z].
        labels: S classes; None for none.
        between: makes points of stations, such as `functools.partial(path, n=10)`.
        path: how the way leads; see `resolve_path`.

    Returns:
        z [n, Z], in which each station is itself, and n classes: that of the nearest station.

    Raises:
        InputError: see `resolve_path`.
    """
    given, method = np.asarray(stations, np.float64), resolve_path(model, path)
    nearest = between(np.eye(len(given)), "lerp").reshape(-1, len(given)).argmax(1)
    names = [labels[i] for i in nearest]
    if method != "prior":
        return between(given, method).reshape(-1, given.shape[1]).astype(np.float32), names
    vae, flow = _parts(model)
    here, there = (vae.classes_of(len(each), model.label_index(each)) for each in (labels, names))
    noise, rest = _noise_of(flow, given, here)
    moved = between(noise, "slerp").reshape(len(names), -1), between(rest, "lerp").reshape(len(names), -1)
    z = _z_of(flow, *moved, there)
    # The way back differs from the way there by the error of the steps: each station is itself again.
    missed = given - _z_of(flow, noise, rest, here)
    return (z + between(missed, "lerp").reshape(z.shape)).astype(np.float32), names


@one_thread()
@torch.inference_mode()
def combine(
    model: SketchModel,
    z: npt.ArrayLike,
    labels: Sequence[str | None],
    weights: Sequence[float],
    path: Path | None = None,
) -> Latents:
    """A sum of latent vectors, or of the noise that the prior makes them of.

    Args:
        model: a conditional model.
        z: [S, Z].
        labels: the class of each; that of the last is the sum's.
        weights: S numbers whose sum is 1.
        path: `prior` adds noise, and shortens the sum where it is longer than the summands are on average;
            slerp and lerp add z.

    Returns:
        [Z].
    """
    given, shares = np.asarray(z, np.float64), np.asarray(weights, np.float64)
    if resolve_path(model, path) != "prior":
        added: Latents = np.asarray(shares @ given, np.float32)
        return added
    vae, flow = _parts(model)
    classes = vae.classes_of(len(labels), model.label_index(labels))
    noise, rest = _noise_of(flow, given, classes)
    total = shares @ noise
    longest, length = np.linalg.norm(noise, axis=1).mean(), np.linalg.norm(total)
    total = total * min(1.0, longest / length) if length else total
    (made,) = _z_of(flow, total[None], (shares @ rest)[None], classes[-1:])
    out: Latents = made.astype(np.float32)
    return out


def _parts(model: SketchModel) -> tuple[VaeModel, FlowPrior]:
    """A model whose path may be `prior`, and its flow."""
    flow = model.flow if isinstance(model, VaeModel) else None
    assert isinstance(model, VaeModel)
    assert flow is not None
    return model, flow


def _noise_of(flow: FlowPrior, z: Float64, classes: torch.Tensor) -> tuple[Float64, Float64]:
    """The noise [n, K] that a flow makes latent vectors of, and what its axes leave of them [n, Z]."""
    x, rest = flow.coordinates(torch.from_numpy(z).float().to(classes.device))
    noise = flow.inverse(x, classes)
    return noise.cpu().double().numpy(), rest.cpu().double().numpy()


def _z_of(flow: FlowPrior, noise: Float64, rest: Float64, classes: torch.Tensor) -> Float64:
    """The latent vectors [n, Z] of noise, with what lies beside the axes."""
    made = flow.place(flow(torch.from_numpy(noise).float().to(classes.device), classes))
    out: Float64 = made.cpu().double().numpy() + rest
    return out
