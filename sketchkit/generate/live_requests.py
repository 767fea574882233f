"""Requests to a `LiveDecoder`: endings and drawings ready to begin, equal to those of the usual calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sketchkit.arguments import renamed, whole
from sketchkit.engine import Prompts, Requests, read_prompts
from sketchkit.errors import InputError
from sketchkit.generate.checks import check_counts, check_unconditional
from sketchkit.generate.drawing import make_prompts
from sketchkit.generate.finishing import find_scales
from sketchkit.generate.rejection import begins_with_ink
from sketchkit.latent.encoding import check_z, encode_rows, read_wholes
from sketchkit.models import AnyClass, DrawingModel, check_one_class
from sketchkit.noise import MAX_SEED
from sketchkit.sampling import AnySampler, StepSampler, make_sampler, stepwise
from sketchkit.sketch import Sketch
from sketchkit.threads import one_thread
from sketchkit.units import read_beginning

__all__ = ["LiveDrawing", "live_drawings", "live_endings", "live_reconstructions"]


@dataclass(frozen=True, eq=False)
class LiveDrawing:
    """One drawing, or one ending, that is ready to begin, as `live_endings` and `live_drawings` make them.

    Args:
        model: draws it.
        sampler: chooses its points.
        start: where it begins, one request.
        max_points: the most points it may have.
        factor: model units in a drawing unit.
        anchor: (x, y) where the pen stands, in drawing units.
        joined: whether ink leads from there to the first point.
    """

    model: DrawingModel
    sampler: StepSampler
    start: Requests
    max_points: int
    factor: float
    anchor: tuple[float, float]
    joined: bool


@renamed(label="class_name")
@one_thread()
def live_endings(
    model: DrawingModel,
    drawing: Sketch,
    n: int = 9,
    temperature: float = 0.4,
    seed: int | None = 0,
    *,
    first: int = 0,
    scale: float | Literal["auto"] = "auto",
    class_name: AnyClass | None = None,
    sampler: str | AnySampler = "temperature",
    options: Mapping[str, Any] | None = None,
    max_points: int | None = None,
) -> list[LiveDrawing]:
    """Endings of a drawing, the same that `sketchkit.complete` makes.

    Args:
        model: an unconditional model.
        drawing: the beginning; an end row is removed.
        n: how many endings.
        temperature: tau, 0 to 100.
        seed: 0..2^63 - 1; `None` means a fresh one.
        first: the index of the first ending.
        scale: pixels of the training data in a drawing unit; "auto" takes the likeliest of a ladder.
        class_name: its class, for a model that knows classes.
        sampler: the name of a sampler that chooses point by point, or such a sampler itself.
        options: the sampler's further options by name.
        max_points: the most points of an ending; by default the model's own limit.

    Returns:
        Endings first, first + 1 and so on, in the units and the place of the drawing. The model has read the
        drawing, which takes some milliseconds; the endings are still to be drawn.

    Raises:
        InputError: a number out of range, a conditional model, a sampler that looks at whole drawings.
        PluginError: an unknown sampler.
    """
    n, seed, _, max_points = check_counts(model, n, seed, None, max_points)
    first = whole("first", first, 0, MAX_SEED - n)
    check_unconditional(model, "go on with a beginning")
    check_one_class(class_name)
    if not isinstance(drawing, Sketch):
        raise InputError("live_endings takes a sketch: sketchkit.read reads a sketch from a file")
    chosen = stepwise(make_sampler(sampler, temperature, options), "point by point")
    begun = drawing.without_end()
    beginning = read_beginning(begun, find_scales(model, [begun], scale, class_name)[0], model.card)
    prompts = read_prompts(model, [beginning.rows], label=model.class_indices(class_name))
    start = [_make_request(prompts, 0, seed, first + k, max_points) for k in range(n)]
    joined = begins_with_ink(beginning)
    return [
        LiveDrawing(model, chosen, each, max_points, beginning.factor, beginning.anchor, joined)
        for each in start
    ]


@renamed(label="class_name")
@one_thread()
def live_drawings(
    model: DrawingModel,
    n: int | None = None,
    temperature: float | Sequence[float] = 0.4,
    seed: int | None = 0,
    *,
    z: npt.ArrayLike | None = None,
    class_name: AnyClass | None = None,
    index: Sequence[int] | None = None,
    place: tuple[float, float] = (0.0, 0.0),
    scale: float = 1.0,
    sampler: str = "temperature",
    options: Mapping[str, Any] | None = None,
    max_points: int | None = None,
) -> list[LiveDrawing]:
    """Whole drawings, the same that `sketchkit.sample` makes, at a place and of a size of your choice.

    Args:
        model: any.
        n: how many drawings; by default as many as z has rows, or 1.
        temperature: tau, 0 to 100, of all or one each.
        seed: 0..2^63 - 1; `None` means a fresh one.
        z: [n, Z] for a conditional model; by default from its prior.
        class_name: their class, for a model that knows classes.
        index: the index of each drawing; by default 0, 1 and so on.
        place: (x, y) where they begin, in drawing units.
        scale: pixels of the training data in a drawing unit.
        sampler: the name of a sampler that chooses point by point.
        options: the sampler's further options by name.
        max_points: the most points of a drawing; by default the model's own limit.

    Returns:
        n drawings, all still to be drawn.

    Raises:
        InputError: a number out of range, a z that does not fit, a sampler that looks at whole drawings.
        PluginError: an unknown sampler.
    """
    latents = None if z is None else check_z(model, z, n)
    usual = 1 if latents is None else len(latents)
    n, seed, _, max_points = check_counts(model, usual if n is None else n, seed, None, max_points)
    if not scale > 0:
        raise InputError(f"the scale must be above 0, got {scale:g}")
    places = range(n) if index is None else [whole("index", each, 0, MAX_SEED) for each in index]
    if len(places) != n:
        raise InputError(f"{n} drawings need as many indices, got {len(places)}")
    if latents is None and model.conditional:
        from sketchkit.latent.flows import prior

        latents = prior(model, n, seed, class_name=class_name, index=np.array(places, np.int64))
    samplers = _make_samplers(sampler, temperature, options, n)
    name = None if class_name is None else model.class_called(class_name)
    prompts, prompt_of = make_prompts(model, [name] * n, latents, False)
    factor = scale / model.card.scale_factor
    return [
        LiveDrawing(
            model,
            chosen,
            _make_request(prompts, int(prompt), seed, at, max_points),
            max_points,
            factor,
            place,
            True,
        )
        for chosen, prompt, at in zip(samplers, prompt_of, places, strict=True)
    ]


@renamed(label="class_name")
@one_thread()
def live_reconstructions(
    model: DrawingModel,
    drawing: Sketch,
    temperature: float | Sequence[float] = 0.25,
    seed: int | None = 0,
    *,
    class_name: AnyClass | None = None,
    sampler: str = "temperature",
    options: Mapping[str, Any] | None = None,
    max_points: int | None = None,
) -> list[LiveDrawing]:
    """A drawing drawn again, the same that `sketchkit.reconstruct` makes, once for each temperature.

    Args:
        model: a conditional VAE.
        drawing: whole, in any units and place.
        temperature: tau, 0 to 100, one or several.
        seed: 0..2^63 - 1, `None` for a fresh one; all share their random numbers.
        class_name: its class; by default its own label, where the model knows it.
        sampler: the name of a sampler that chooses point by point.
        options: the sampler's further options by name.
        max_points: the most points of a drawing; by default the model's own limit.

    Returns:
        A drawing for each temperature, in the units of the given one, from where that begins.

    Raises:
        InputError: a number out of range, a model without an encoder, a drawing without a line.
        PluginError: an unknown sampler.
    """
    _, seed, _, max_points = check_counts(model, 1, seed, None, max_points)
    n = 1 if isinstance(temperature, int | float) else len(temperature)
    samplers = _make_samplers(sampler, temperature, options, n)
    given = read_wholes(model, [drawing])[0]
    mu, _ = encode_rows(model, [given.rows])
    name = model.known_label(drawing.label) if class_name is None else model.class_called(class_name)
    prompts, _ = make_prompts(model, [name], mu, False)
    start = _make_request(prompts, 0, seed, 0, max_points)
    return [LiveDrawing(model, each, start, max_points, given.factor, given.place, True) for each in samplers]


def _make_request(prompts: Prompts, prompt: int, seed: int, index: int, max_points: int) -> Requests:
    which, first = np.array([prompt]), np.zeros(1, np.int64)
    return Requests(prompts, which, np.array([index]), first, seed, max_points)


def _make_samplers(
    sampler: str, temperature: float | Sequence[float], options: Mapping[str, Any] | None, n: int
) -> list[StepSampler]:
    """A sampler for each of n drawings.

    Raises:
        InputError: another number of temperatures than drawings, or a sampler of whole drawings.
    """
    several = [temperature] * n if isinstance(temperature, int | float) else list(temperature)
    if len(several) != n:
        raise InputError(f"{n} drawings need as many temperatures, or one for all, got {len(several)}")
    return [stepwise(make_sampler(sampler, each, options), "point by point") for each in several]
