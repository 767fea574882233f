"""Drawing with a model: `sample` from nothing, `complete` what somebody has begun."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np

from sketchkit.card import MAX_LENGTH
from sketchkit.devices import one_thread
from sketchkit.engine import EXACT_WIDTH, Drawn, decode, read_prompts
from sketchkit.errors import InputError
from sketchkit.geometry import resample
from sketchkit.models import SketchModel
from sketchkit.noise import MAX_SEED
from sketchkit.sampling import Sampler, make_sampler
from sketchkit.sketch import Float64, Sketch
from sketchkit.units import Beginning, best_scales, from_rows, read_beginning

__all__ = ["Ending", "complete", "sample"]

#: Called with (drawings finished, drawings in all).
Progress = Callable[[int, int], None]

# Endings count as alike if their ink lies closer than this share of the drawing's diagonal, on average.
_ALIKE = 0.02
_OUTLINE_POINTS = 64


@dataclass(frozen=True)
class Ending:
    """One way to go on with a drawing.

    Args:
        sketch: the whole drawing, what was given and what was added, in its own units and place.
        ending: what was added alone, in the same units and place.
        nll: negative log-likelihood of the ending under the model itself (temperature 1), natural logarithm,
            in model units, a point: over all that the model drew, the end row among them.
        seed: the seed it was drawn with.
        index: which of the drawings of that seed it is.
        scale: pixels of the training data in a drawing unit, as the model saw it.
        finished: whether the model ended the drawing; else it was cut at the greatest length.
    """

    sketch: Sketch
    ending: Sketch
    nll: float
    seed: int
    index: int
    scale: float
    finished: bool


@one_thread()
def sample(
    model: SketchModel,
    n: int = 16,
    temperature: float = 0.4,
    sampler: str | Sampler = "temperature",
    seed: int = 0,
    batch_size: int | None = None,
    *,
    label: str | None = None,
    options: Mapping[str, Any] | None = None,
    first: int = 0,
    max_points: int | None = None,
    exact: bool = False,
    progress: Progress | None = None,
) -> list[Sketch]:
    """Draw from nothing.

    Args:
        model: an unconditional model.
        n: how many drawings.
        temperature: tau, above 0; towards 0 the likeliest, 1 the model itself.
        sampler: a name, or a sampler that is already made.
        seed: 0..2^63 - 1; drawing i of a seed is the same whatever n, the batch size and the order.
        batch_size: the most drawings at once, 4 at the least; what suits the device when None.
        label: what to draw, one of the model's classes, for a model that knows classes.
        options: the sampler's further options by name.
        first: the index of the first drawing.
        max_points: after how many points of the model an endless drawing is cut; the model's own when None.
        exact: equal to the last bit whatever n and the batch size; slower.
        progress: told of every drawing that ends.

    Returns:
        n sketches in Quick, Draw! pixels, from (0, 0); `ended` says whether the model ended them.

    Raises:
        InputError: a number out of range, a conditional model, an option the sampler does not have.
        PluginError: an unknown sampler.

    Source: Ha & Eck 2017, section 3.3.
    """
    _check_counts(model, n, seed, first, batch_size, max_points)
    chosen = make_sampler(sampler, temperature, options)
    prompts = read_prompts(
        model,
        [np.zeros((0, 5))],
        exact_width=EXACT_WIDTH if exact else None,
        label=model.label_index(label),
    )
    index = first + np.arange(n, dtype=np.int64)
    shown = model.card.classes[0] if len(model.card.classes) == 1 else label
    factor = 1.0 / model.card.scale_factor
    out: dict[int, Sketch] = {}
    for drawn in decode(
        model,
        chosen,
        prompts,
        np.zeros(n, np.int64),
        index,
        seed=seed,
        max_points=max_points or model.card.max_length,
        width=batch_size,
        exact=exact,
    ):
        key = f"{seed}-{index[drawn.job]}"
        out[drawn.job] = from_rows(drawn.rows, factor, (0.0, 0.0), joined=True, label=shown, key=key)
        if progress is not None:
            progress(len(out), n)
    return [out[job] for job in range(n)]


@overload
def complete(
    model: SketchModel,
    drawings: Sketch,
    n: int = ...,
    temperature: float = ...,
    seed: int = ...,
    keep: int | None = ...,
    scale: float | Literal["auto"] = ...,
    *,
    label: str | None = ...,
    sampler: str | Sampler = ...,
    options: Mapping[str, Any] | None = ...,
    batch_size: int | None = ...,
    max_points: int | None = ...,
    exact: bool = ...,
    progress: Progress | None = ...,
) -> list[Ending]: ...


@overload
def complete(
    model: SketchModel,
    drawings: Sequence[Sketch],
    n: int = ...,
    temperature: float = ...,
    seed: int = ...,
    keep: int | None = ...,
    scale: float | Literal["auto"] = ...,
    *,
    label: str | None = ...,
    sampler: str | Sampler = ...,
    options: Mapping[str, Any] | None = ...,
    batch_size: int | None = ...,
    max_points: int | None = ...,
    exact: bool = ...,
    progress: Progress | None = ...,
) -> list[list[Ending]]: ...


@one_thread()
def complete(
    model: SketchModel,
    drawings: Sketch | Sequence[Sketch],
    n: int = 9,
    temperature: float = 0.4,
    seed: int = 0,
    keep: int | None = None,
    scale: float | Literal["auto"] = "auto",
    *,
    label: str | None = None,
    sampler: str | Sampler = "temperature",
    options: Mapping[str, Any] | None = None,
    batch_size: int | None = None,
    max_points: int | None = None,
    exact: bool = False,
    progress: Progress | None = None,
) -> list[Ending] | list[list[Ending]]:
    """Finish drawings, each in several ways, in the place where they stand.

    Args:
        model: an unconditional model.
        drawings: one or many; an end row is taken off, and the last stroke counts as finished unless the
            sketch says that its pen is down.
        n: how many endings each.
        temperature: tau, above 0; towards 0 the likeliest, 1 the model itself.
        seed: 0..2^63 - 1; ending i of a drawing is the same whatever n and whichever others come with it.
        keep: draw n, but return only the best that differ, this many at the most: those that the model
            ended come first, then the lowest `nll`; an ending that all but covers a better one goes.
        scale: pixels of the training data in a drawing unit; "auto" takes the likeliest of a ladder.
        label: what they shall become, one of the model's classes, for a model that knows classes.
        sampler: a name, or a sampler that is already made.
        options: the sampler's further options by name.
        batch_size: the most drawings at once, 4 at the least; what suits the device when None.
        max_points: after how many points an ending is cut that does not end; the model's own when None.
        exact: equal to the last bit whatever n and the batch size; slower.
        progress: told of every ending that is done.

    Returns:
        For each drawing its endings, in the order of their index, or from the best with `keep`; a single
        drawing gives a single list.

    Raises:
        InputError: a number out of range, a conditional model, an option the sampler does not have.
        PluginError: an unknown sampler.

    Source: Ha & Eck 2017, section 3.3 and figure 6. Departure: before it is read, a drawing is simplified as
        the training data were, at its scale.
    """
    _check_counts(model, n, seed, 0, batch_size, max_points)
    if keep is not None and keep < 1:
        raise InputError(f"keep must be 1 or more, got {keep}")
    several = [drawings] if isinstance(drawings, Sketch) else list(drawings)
    if not all(isinstance(drawing, Sketch) for drawing in several):
        raise InputError("complete takes sketches: sketchkit.read makes one of a file")
    begun = [drawing.without_end() for drawing in several]
    if not begun:
        return []
    scales = best_scales(model, begun, label) if scale == "auto" else [_number(scale)] * len(begun)
    beginnings = [read_beginning(d, s, model.card) for d, s in zip(begun, scales, strict=True)]
    prompts = read_prompts(
        model,
        [b.rows for b in beginnings],
        exact_width=EXACT_WIDTH if exact else None,
        label=model.label_index(label),
    )
    out: list[list[Ending]] = [[] for _ in begun]
    loop = decode(
        model,
        make_sampler(sampler, temperature, options),
        prompts,
        np.repeat(np.arange(len(begun)), n),
        np.tile(np.arange(n), len(begun)),
        seed=seed,
        max_points=max_points or model.card.max_length,
        width=batch_size,
        exact=exact,
        score=True,
    )
    for done, drawn in enumerate(loop, start=1):
        which, index = divmod(drawn.job, n)
        ending = _ending(begun[which], beginnings[which], scales[which], drawn, seed, index)
        out[which].append(ending)
        if progress is not None:
            progress(done, len(begun) * n)
    chosen = [_best(endings, keep) for endings in out]
    return chosen[0] if isinstance(drawings, Sketch) else chosen


def _ending(
    drawing: Sketch, beginning: Beginning, scale: float, drawn: Drawn, seed: int, index: int
) -> Ending:
    ending = from_rows(
        drawn.rows,
        beginning.factor,
        beginning.anchor,
        joined=beginning.pen_down or not len(beginning.rows),
        label=drawing.label,
        key=drawing.key,
    )
    nll = drawn.nll / len(drawn.rows)
    return Ending(drawing + ending, ending, nll, seed, index, scale, ending.ended)


def _best(endings: list[Ending], keep: int | None) -> list[Ending]:
    """All by index, or the best that differ."""
    if keep is None:
        return sorted(endings, key=lambda e: e.index)
    kept: list[Ending] = []
    outlines: list[Float64] = []
    for ending in sorted(endings, key=lambda e: (not e.finished, e.nll, e.index)):
        outline = _outline(ending.ending)
        x0, y0, x1, y1 = ending.sketch.bounds
        limit = _ALIKE * math.hypot(x1 - x0, y1 - y0)
        if all(_chamfer(outline, other) > limit for other in outlines):
            kept.append(ending)
            outlines.append(outline)
        if len(kept) == keep:
            break
    return kept


def _outline(sketch: Sketch) -> Float64:
    """About `_OUTLINE_POINTS` points spread evenly over the ink, [P, 2]."""
    lines = sketch.to_polylines()
    spacing = sketch.ink_length / _OUTLINE_POINTS
    if spacing == 0.0:
        return np.concatenate(lines) if lines else np.zeros((0, 2))
    return np.concatenate([resample(line, spacing) for line in lines])


def _chamfer(a: Float64, b: Float64) -> float:
    """The mean distance from a point of either to the nearest of the other; infinite if just one is empty."""
    if not len(a) or not len(b):
        return 0.0 if len(a) == len(b) else math.inf
    distances = np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1])
    return float((distances.min(axis=1).mean() + distances.min(axis=0).mean()) / 2.0)


def _number(scale: object) -> float:
    if isinstance(scale, int | float):
        return float(scale)
    raise InputError(f"the scale must be a number or 'auto', got {scale!r}")


def _check_counts(
    model: SketchModel, n: int, seed: int, first: int, batch_size: int | None, max_points: int | None
) -> None:
    if not isinstance(model, SketchModel):
        raise InputError("a model is needed, not its name: sketchkit.load_model loads one")
    if model.conditional:
        raise InputError(
            f"the model {model.card.name!r} is conditional: it draws from a latent vector z only"
        )
    for name, value, low, high in (
        ("n", n, 0, MAX_SEED),
        ("seed", seed, 0, MAX_SEED),
        ("first", first, 0, MAX_SEED - n),
        ("batch_size", 1 if batch_size is None else batch_size, 1, MAX_SEED),
        ("max_points", 1 if max_points is None else max_points, 1, MAX_LENGTH),
    ):
        if not low <= value <= high:
            raise InputError(f"{name} must lie in {low}..{high}, got {value}")
