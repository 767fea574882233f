"""Encoding drawings: the posterior of the latent vector z of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from sketchkit.arguments import old_function, whole
from sketchkit.batch import check_sketches
from sketchkit.engine.arrays import inference, to_numpy
from sketchkit.errors import InputError
from sketchkit.models import DrawingModel, check_model
from sketchkit.models.drawing_model import LatentModel
from sketchkit.noise import MAX_SEED, POSTERIOR, normal_array
from sketchkit.sketch import Sketch
from sketchkit.threads import one_thread
from sketchkit.units import Rows, Whole, chunks, padded_rows, read_whole

__all__ = ["check_z", "checked_z", "encode", "encode_rows", "latent_size", "posterior", "read_wholes"]

#: Rows that are encoded at once, padding included, to bound memory.
_ROWS_AT_ONCE = 16_384
#: Numbers of noise that are drawn at once.
_NUMBERS_AT_ONCE = 1 << 20

Latents = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]


def encode(
    model: DrawingModel,
    sketches: Sequence[Sketch],
    *,
    prepared: bool = False,
    exact: bool = False,
    progress: Progress | None = None,
) -> tuple[Latents, Latents]:
    """Encode drawings: the posterior of each in a model's latent space.

    Args:
        model: a conditional VAE.
        sketches: n finished drawings, in drawing units; end rows and dots are left out.
        prepared: whether they are in the pixels of the training data and simplified already, and read as they
            stand; else each is made to fill 255 pixels and simplified as Quick, Draw! does.
        exact: equal to the last bit, independently of the other drawings; slower.
        progress: called with (steps done, steps in all); reading a drawing is a step, encoding it another.

    Returns:
        mu [n, Z] and sigma [n, Z], float32.

    Raises:
        InputError: a model without an encoder, or a drawing without a line or with too many points.

    Source: Ha & Eck 2017, equations 1 and 2. As in the released training code, the encoder reads all rows but
        the end row.
    """
    encoder = _encoder(model)
    report = progress or (lambda done, total: None)
    wholes = read_wholes(model, sketches, prepared=prepared, progress=lambda done, n: report(done, 2 * n))
    rows = [whole.rows for whole in wholes]
    return encode_rows(encoder, rows, exact=exact, progress=lambda done, n: report(n + done, 2 * n))


def read_wholes(
    model: DrawingModel,
    sketches: Sequence[Sketch],
    *,
    prepared: bool = False,
    progress: Progress | None = None,
) -> list[Whole]:
    """Translate drawings for an encoder; see `sketchkit.units.read_whole`.

    Args:
        model: to encode them.
        sketches: n finished drawings.
        prepared: see `encode`.
        progress: called with (drawings read, n).

    Raises:
        InputError: an argument other than a list of sketches, or a drawing that cannot be encoded, by name.
    """
    out = []
    several = check_sketches(sketches, "a list of sketches is needed")
    for number, sketch in enumerate(several):
        try:
            out.append(read_whole(sketch, model.card, prepared=prepared))
        except InputError as error:
            raise InputError(f"{sketch.key or f'drawing {number}'}: {error}") from error
        if progress is not None:
            progress(number + 1, len(several))
    return out


@one_thread()
def encode_rows(
    model: DrawingModel, drawings: Sequence[Rows], *, exact: bool = False, progress: Progress | None = None
) -> tuple[Latents, Latents]:
    """Encode drawings that are rows already.

    Args:
        model: a conditional VAE.
        drawings: n arrays [N, 5] in model units, N at least 1, without end rows.
        exact: encode each by itself, so that its last bits are independent of the others.
        progress: called with (drawings encoded, n).

    Returns:
        mu [n, Z] and sigma [n, Z], float32.

    Raises:
        InputError: a model without an encoder, or a drawing without rows.
    """
    encoder = _encoder(model)
    if not all(len(rows) for rows in drawings):
        raise InputError("a drawing without rows cannot be encoded")
    mu = np.zeros((len(drawings), encoder.architecture.latent), np.float32)
    sigma = np.zeros_like(mu)
    done = 0
    for chunk in chunks([len(rows) for rows in drawings], 1 if exact else _ROWS_AT_ONCE):
        padded, lengths = padded_rows([drawings[i] for i in chunk])
        with inference(encoder):
            mean, log_variance = encoder.encode_batch(encoder.to_own(padded), encoder.to_own(lengths))
            half = log_variance / 2
            mu[chunk] = to_numpy(mean)
            sigma[chunk] = np.exp(half) if isinstance(half, np.ndarray) else to_numpy(half.exp())
        done += len(chunk)
        if progress is not None:
            progress(done, len(drawings))
    return mu, sigma


@one_thread()
def posterior(
    mu: npt.ArrayLike,
    sigma: npt.ArrayLike,
    draws: int,
    seed: int = 0,
    *,
    index: Sequence[int] | None = None,
) -> npt.NDArray[np.float32]:
    """Draw latent vectors from the posteriors of drawings.

    Args:
        mu: [n, Z].
        sigma: [n, Z].
        draws: D per drawing.
        seed: 0..2^63 - 1.
        index: [n], the index of each drawing; by default 0, 1 and so on.

    Returns:
        z [n, D, Z], float32; draw d of a drawing is a function of the seed, of the drawing's index and of d
        alone.

    Raises:
        InputError: shapes that do not go together, a number out of range, or more than memory holds.

    Source: Ha & Eck 2017, equation 2.
    """
    draws, seed = whole("draws", draws, 1), whole("seed", seed, 0, MAX_SEED)
    mean, spread = np.asarray(mu, np.float32), np.asarray(sigma, np.float32)
    if mean.ndim != 2 or spread.shape != mean.shape:
        shapes = f"{list(mean.shape)} and {list(spread.shape)}"
        raise InputError(f"draws from posteriors need mu and sigma of one shape [n, Z], got {shapes}")
    n, size = mean.shape
    places = np.arange(n) if index is None else np.asarray(index, np.int64)
    if places.shape != (n,):
        raise InputError(f"{n} drawings need as many indices, got the shape {list(places.shape)}")
    try:
        out = np.empty((n, draws, size), np.float32)
    except (MemoryError, ValueError):
        what = f"{draws} draws of each of {n} drawings, {4 * n * draws * size / 1e9:.1f} GB"
        raise InputError(f"{what}, are more than memory holds") from None
    # Drawing noise takes tens of bytes per number, so it is drawn in pieces: of four draws, or a multiple of
    # them, since a step of the noise has four numbers.
    at_once = min(draws, max(4, _NUMBERS_AT_ONCE // max(1, size) // 4 * 4))
    drawings = max(1, _NUMBERS_AT_ONCE // max(1, at_once * size))
    for first, begin in product(range(0, n, drawings), range(0, draws, at_once)):
        here, count = slice(first, first + drawings), min(at_once, draws - begin)
        noise = normal_array(seed, places[here], count * size, POSTERIOR, begin * size // 4)
        mine = noise.reshape(-1, count, size)
        out[here, begin : begin + count] = mean[here, None] + spread[here, None] * mine
    return out


def latent_size(model: DrawingModel) -> int:
    """The length of a model's latent vectors, Z.

    Raises:
        InputError: a model without latent vectors.
    """
    size = getattr(model.architecture, "latent", None) if model.conditional else None
    if not isinstance(size, int):
        raise InputError(f"the model {model.card.name!r} is unconditional: it has no latent vector z")
    return size


def check_z(model: DrawingModel, z: npt.ArrayLike, n: int | None) -> Latents:
    """Check latent vectors and return them as an array of the shape that a model wants.

    Args:
        model: a conditional model.
        z: n vectors.
        n: the required number of vectors; arbitrary when None.

    Returns:
        [n, Z], float32.

    Raises:
        InputError: a model without latent vectors, another shape, or values other than finite numbers.
    """
    size = latent_size(model)
    try:
        with np.errstate(over="ignore"):  # too large for float32: infinite, and refused as such
            values = np.asarray(z, np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"z must be an array of numbers: {error}") from error
    if values.ndim != 2 or values.shape != (len(values) if n is None else n, size):
        wanted = "n" if n is None else n
        raise InputError(f"z must have the shape [{wanted}, {size}], got {list(values.shape)}")
    if not np.isfinite(values).all():
        raise InputError("z holds a number that is not finite")
    return values


checked_z = old_function("checked_z", check_z)


def _encoder(model: DrawingModel) -> LatentModel:
    check_model(model)
    if isinstance(model, LatentModel):
        return model
    raise InputError(f"the model {model.card.name!r} has no encoder: only a conditional VAE has one")
