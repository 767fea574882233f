"""Whole drawings: from the start token, from a latent vector, or as reconstructions of given drawings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.arguments import renamed, whole
from sketchkit.batch import check_sketches
from sketchkit.engine import Prompts, decode, find_exact_width, read_prompts
from sketchkit.errors import InputError
from sketchkit.generate.checks import Progress, check_counts
from sketchkit.latent.encoding import check_z, encode_rows, read_wholes
from sketchkit.models import AnyClass, DrawingModel, check_model, is_one_class
from sketchkit.noise import MAX_SEED
from sketchkit.rendering.drawings import Drawings
from sketchkit.sampling import AnySampler, Draft, make_sampler
from sketchkit.sampling.temperature import Temperature
from sketchkit.sketch import Sketch
from sketchkit.threads import one_thread
from sketchkit.units import from_rows

__all__ = ["make_prompts", "reconstruct", "sample"]

Labels = Sequence[AnyClass | None]
_NOTHING = np.zeros((0, 5))
#: The default number of drawings.
_USUAL = 16
#: The default number of drawings that a model of whole drawings draws together.
_WHOLES_AT_ONCE = 64


@renamed(label="class_name")
@one_thread()
def sample(
    model: DrawingModel,
    n: int | None = None,
    temperature: float = 0.4,
    sampler: str | AnySampler = "temperature",
    seed: int | None = 0,
    batch_size: int | None = None,
    *,
    z: npt.ArrayLike | None = None,
    z_temperature: float | None = None,
    class_name: AnyClass | Labels | None = None,
    options: Mapping[str, Any] | None = None,
    first: int = 0,
    index: npt.ArrayLike | None = None,
    max_points: int | None = None,
    exact: bool = False,
    progress: Progress | None = None,
) -> Drawings[Sketch]:
    """Draw new drawings, from the start token alone or from latent vectors.

    Args:
        model: any; a conditional one draws from z.
        n: how many drawings, at most a million; by default the number of z, labels or indices, and 16 where
            all of these are missing.
        temperature: tau, 0 to 100; 1 is the model itself, less is tidier, 0 is greedy.
        sampler: a name, or a sampler that is already made.
        seed: 0..2^63 - 1; drawing i of a seed is independent of n, the batch size and the order. `None`
            means a fresh seed. The key of each drawing is SEED-INDEX.
        batch_size: the most drawings at once, 4 at the least; by default a number that suits the device.
        z: [n, Z], a latent vector a drawing, for a conditional model; by default from the model's prior,
            each a function of the seed, the class and the drawing's index (`sketchkit.latent.prior`).
        z_temperature: factor of the noise of that prior, 0 to 10; by default 0.5 for a learnt prior and 1
            for N(0, I).
        class_name: one of the model's classes, or one for each of the n drawings, for a model that knows
            classes; `None`, also among others, leaves the class to the model.
        options: the sampler's further options by name.
        first: the index of the first drawing.
        index: [n], the index of each drawing; by default first, first + 1 and so on. Drawings of one index
            share their random numbers, so that they differ by z and label alone.
        max_points: the most points of the model in a drawing; by default the model's own limit.
        exact: results equal to the last bit for all n and batch sizes; slower.
        progress: called after every drawing that ends.

    Returns:
        n sketches in Quick, Draw! pixels, from (0, 0); `ended` says whether the model ended them.

    Raises:
        InputError: a number out of range, a z or labels that do not fit, an option the sampler does not have.
        PluginError: an unknown sampler.

    Source: Ha & Eck 2017, sections 3.2 and 3.3.
    """
    usual = _USUAL if n is None else n
    count, seed, batch_size, max_points = check_counts(model, usual, seed, batch_size, max_points)
    latents = None if z is None else check_z(model, z, None if n is None else count)
    n = count if n is not None else _count_drawings(latents, class_name, index)
    first = whole("first", first, 0, MAX_SEED - n)
    if first and index is not None:
        raise InputError("first and index both say which drawings: give one of them")
    _check_z_temperature(model, z_temperature, z is not None)
    chosen = make_sampler(sampler, temperature, options)
    labels = _spread_classes(model, class_name, n)
    if not n:
        return Drawings()
    places = first + np.arange(n, dtype=np.int64) if index is None else _check_indices(index, n)
    if model.draws_wholes:
        tau = _find_temperature(model, sampler, temperature, options)
        rows = _draw_wholes(model, labels, places, tau, seed, batch_size, max_points, progress)
        return _as_sketches(model, rows, labels, places, seed)
    if latents is None and model.conditional:
        from sketchkit.latent.flows import prior

        latents = prior(
            model, n, seed, class_name=labels, z_temperature=z_temperature, index=places, exact=exact
        )
    prompts, prompt_of = make_prompts(model, labels, latents, exact)
    loop = decode(
        model,
        chosen,
        prompts,
        prompt_of,
        places,
        seed=seed,
        max_points=max_points,
        width=batch_size,
        exact=exact,
    )
    rows = [drawn.rows for drawn in _collect_drafts(loop, n, progress)]
    return _as_sketches(model, rows, labels, places, seed)


@renamed(label="class_name")
@one_thread()
def reconstruct(
    model: DrawingModel,
    sketches: Sequence[Sketch],
    temperature: float = 0.25,
    sampler: str | AnySampler = "temperature",
    seed: int | None = 0,
    batch_size: int | None = None,
    *,
    n: int = 1,
    class_name: AnyClass | Labels | None = None,
    prepared: bool = False,
    options: Mapping[str, Any] | None = None,
    max_points: int | None = None,
    exact: bool = False,
    progress: Progress | None = None,
) -> Drawings[Sketch]:
    """Draw drawings again, from the mean of the latent vector that a conditional model encodes them as.

    Args:
        model: a conditional VAE.
        sketches: the drawings, whole, in any units and place.
        temperature: tau, 0 to 100; 1 is the model itself, less is tidier, 0 is greedy.
        sampler: a name, or a sampler that is already made.
        seed: 0..2^63 - 1; reconstruction k of a drawing is independent of the other drawings. `None` means a
            fresh seed; keys then are KEY-SEED-K, where KEY is that of the drawing, or its number.
        batch_size: the most drawings at once, 4 at the least; by default a number that suits the device.
        n: how many reconstructions a drawing gets.
        class_name: one of the model's classes or one a drawing, for a model that knows classes; by default
            each drawing's own label, where the model knows it.
        prepared: whether they are drawings of the training data's kind already; see `sketchkit.encode`.
        options: the sampler's further options by name.
        max_points: the most points of the model in a drawing; by default the model's own limit.
        exact: results equal to the last bit beside any other drawings; slower.
        progress: called after every drawing that ends.

    Returns:
        n reconstructions of the first drawing, then n of the second, and so on; each is in the units of its
        drawing and begins where that begins. `ended` says whether the model ended it.

    Raises:
        InputError: a number out of range, a model without an encoder, a drawing without a line.
        PluginError: an unknown sampler.

    Source: Ha & Eck 2017, section 4. Departure: z is the mean of the posterior, not a draw
        from it, so that two reconstructions differ by the decoder alone.
    """
    check_model(model)
    several = check_sketches(sketches, "reconstruct takes a list of sketches")
    fresh = seed is None
    n, seed, batch_size, max_points = check_counts(model, n, seed, batch_size, max_points, len(several))
    chosen = make_sampler(sampler, temperature, options)
    labels = (
        [model.known_label(sketch.label) for sketch in several]
        if class_name is None
        else _spread_classes(model, class_name, len(several))
    )
    if not (several and n):
        return Drawings()
    wholes = read_wholes(model, several, prepared=prepared)
    mu, _ = encode_rows(model, [whole.rows for whole in wholes], exact=exact)
    prompts, prompt_of = make_prompts(model, labels, mu, exact)
    subjects = zip(prompts.subjects, wholes, strict=True)
    prompts = replace(prompts, subjects=tuple(replace(each, original=whole.rows) for each, whole in subjects))
    loop = decode(
        model,
        chosen,
        prompts,
        np.repeat(prompt_of, n),
        np.tile(np.arange(n), len(several)),
        seed=seed,
        max_points=max_points,
        width=batch_size,
        exact=exact,
    )
    out: Drawings[Sketch] = Drawings()
    for job, drawn in enumerate(_collect_drafts(loop, n * len(several), progress)):
        place, k = divmod(job, n)
        given, whole = several[place], wholes[place]
        shown = given.label if class_name is None else labels[place]
        key = f"{given.key or place}-{seed}-{k}" if fresh else given.key
        out.append(from_rows(drawn.rows, whole.factor, whole.place, joined=True, label=shown, key=key))
    return out


def _check_z_temperature(model: DrawingModel, z_temperature: float | None, has_z: bool) -> None:
    """Refuse a temperature of z that is out of range, or of a model or call without a prior of z."""
    if z_temperature is not None or model.conditional:
        from sketchkit.latent.flows import resolve_z_temperature

        resolve_z_temperature(model, z_temperature)
    if z_temperature is not None and (has_z or not model.conditional):
        what = "a z that is given" if model.conditional else f"the model {model.card.name!r}, which has no z"
        raise InputError(f"z_temperature is of a z that the prior gives, not of {what}")


def _find_temperature(
    model: DrawingModel, sampler: str | AnySampler, temperature: float, options: Mapping[str, Any] | None
) -> float:
    """The temperature for a model of whole drawings; refuse samplers and options that it ignores."""
    if sampler == "temperature" and not options:
        return temperature
    if isinstance(sampler, Temperature) and sampler == Temperature(sampler.temperature):
        return sampler.temperature
    raise InputError(
        f"the model {model.card.name!r} draws whole drawings: it takes no sampler"
        " but temperature, and no options of one"
    )


def _draw_wholes(
    model: Any,
    labels: Sequence[str | None],
    index: npt.NDArray[np.int64],
    temperature: float,
    seed: int,
    batch_size: int | None,
    max_points: int,
    progress: Progress | None,
) -> list[npt.NDArray[np.float32]]:
    """The rows of each drawing, of a model that draws whole drawings itself."""
    out: list[npt.NDArray[np.float32]] = []
    import torch

    from sketchkit.devices import own_numbers

    together = batch_size or _WHOLES_AT_ONCE
    with own_numbers(), torch.inference_mode():
        for begin in range(0, len(index), together):
            part = slice(begin, begin + together)
            label = model.label_index(labels[part])
            places = index[part]
            out += model.draw(places, seed=seed, label=label, temperature=temperature, max_points=max_points)
            if progress is not None:
                progress(len(out), len(index))
    return out


def _as_sketches(
    model: DrawingModel,
    rows: Sequence[npt.NDArray[Any]],
    labels: Sequence[str | None],
    index: npt.NDArray[np.int64],
    seed: int | None,
) -> Drawings[Sketch]:
    only = model.card.classes[0] if len(model.card.classes) == 1 else None
    factor = 1.0 / model.card.scale_factor
    return Drawings(
        from_rows(
            each, factor, (0.0, 0.0), joined=True, label=only or labels[job], key=f"{seed}-{index[job]}"
        )
        for job, each in enumerate(rows)
    )


def make_prompts(
    model: DrawingModel, labels: Sequence[str | None], z: npt.NDArray[np.float32] | None, exact: bool
) -> tuple[Prompts, npt.NDArray[np.int64]]:
    """The prompts of whole drawings: one a drawing, or one a class where there is no z.

    Args:
        model: any.
        labels: [n], the class of each drawing.
        z: [n, Z], its latent vector, for a conditional model.
        exact: whether products have a fixed number of rows.

    Returns:
        The prompts, and int64 [n], the prompt of each drawing.
    """
    names = sorted(set(labels), key=str) if z is None else list(labels)
    prompts = read_prompts(
        model,
        [_NOTHING] * len(names),
        z=z,
        exact_width=find_exact_width(model) if exact else None,
        label=model.class_indices(names),
    )
    places = {name: place for place, name in enumerate(names)}
    which = [places[name] for name in labels] if z is None else range(len(labels))
    return prompts, np.array(which, np.int64)


def _count_drawings(
    latents: npt.NDArray[np.float32] | None, label: AnyClass | Labels | None, index: Any
) -> int:
    """The number of drawings where the caller leaves it open."""
    if latents is not None:
        return len(latents)
    if label is not None and not is_one_class(label):
        return len(label)
    return _USUAL if index is None else np.size(index)


def _spread_classes(model: DrawingModel, label: AnyClass | Labels | None, n: int) -> list[str | None]:
    """A class a drawing, each by the model's own name.

    Raises:
        InputError: another number of classes than drawings, or a class unknown to the model.
    """
    given = [label] * n if label is None or is_one_class(label) else list(label)
    if len(given) != n:
        raise InputError(f"{n} drawings need as many classes, or one for them all, got {len(given)}")
    names = {each: None if each is None else model.class_called(each) for each in set(given)}
    return [names[each] for each in given]


def _check_indices(index: npt.ArrayLike, n: int) -> npt.NDArray[np.int64]:
    """The caller's indices as int64 [n].

    Raises:
        InputError: another number of indices, or an index that is not whole or out of range.
    """
    chosen = np.asarray(index)
    if chosen.shape != (n,) or chosen.dtype.kind not in "iu":
        raise InputError(f"the index must be {n} whole numbers, got {chosen.dtype} {list(chosen.shape)}")
    if not all(0 <= int(each) <= MAX_SEED for each in (chosen.min(), chosen.max())):
        raise InputError(f"an index must lie in 0..{MAX_SEED}")
    return chosen.astype(np.int64)


def _collect_drafts(loop: Iterator[Draft], total: int, progress: Progress | None) -> list[Draft]:
    """All drawings, by job."""
    out: dict[int, Draft] = {}
    for drawn in loop:
        out[drawn.job] = drawn
        if progress is not None:
            progress(len(out), total)
    return [out[job] for job in range(total)]
