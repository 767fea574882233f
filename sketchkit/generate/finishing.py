"""Endings of drawings that were begun, in their own units and place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from sketchkit.arguments import renamed, whole
from sketchkit.batch import check_sketches
from sketchkit.engine import Prompts, decode, find_exact_width, read_prompts
from sketchkit.engine.choosers import make_chooser
from sketchkit.errors import InputError
from sketchkit.generate.checks import Progress, check_counts, check_unconditional
from sketchkit.generate.ending import Ending, Endings, find_different
from sketchkit.generate.guess import AUTO, Guesses, find_scales_by_looks, guess_classes, share_classes
from sketchkit.generate.regions import Avoided, Bounds, Region
from sketchkit.generate.rejection import (
    NoEnding,
    RejectionChooser,
    Search,
    begins_with_ink,
    check_beginnings,
    is_within,
)
from sketchkit.models import AnyClass, DrawingModel, check_model, check_one_class
from sketchkit.noise import MAX_SEED
from sketchkit.sampling import AnySampler, Draft, make_sampler, stepwise
from sketchkit.sketch import Sketch
from sketchkit.threads import one_thread
from sketchkit.units import WHOLE, Beginning, best_scales, extent_of, from_rows, read_beginning

__all__ = ["Ending", "Endings", "complete", "find_scales"]

Int64 = npt.NDArray[np.int64]


@overload
def complete(
    model: DrawingModel,
    drawings: Sketch,
    n: int = ...,
    temperature: float = ...,
    seed: int | None = ...,
    keep: int | None = ...,
    scale: float | Literal["auto"] = ...,
    *,
    first: int = ...,
    part: float | None = ...,
    class_name: AnyClass | None = ...,
    sampler: str | AnySampler = ...,
    options: Mapping[str, Any] | None = ...,
    batch_size: int | None = ...,
    max_points: int | None = ...,
    exact: bool = ...,
    region: Region | None = ...,
    avoid: Avoided | None = ...,
    clearance: float = ...,
    progress: Progress | None = ...,
) -> Endings: ...


@overload
def complete(
    model: DrawingModel,
    drawings: Sequence[Sketch],
    n: int = ...,
    temperature: float = ...,
    seed: int | None = ...,
    keep: int | None = ...,
    scale: float | Literal["auto"] = ...,
    *,
    first: int = ...,
    part: float | None = ...,
    class_name: AnyClass | None = ...,
    sampler: str | AnySampler = ...,
    options: Mapping[str, Any] | None = ...,
    batch_size: int | None = ...,
    max_points: int | None = ...,
    exact: bool = ...,
    region: Region | None = ...,
    avoid: Avoided | None = ...,
    clearance: float = ...,
    progress: Progress | None = ...,
) -> list[Endings]: ...


@renamed(label="class_name")
@one_thread()
def complete(
    model: DrawingModel,
    drawings: Sketch | Sequence[Sketch],
    n: int = 9,
    temperature: float = 0.4,
    seed: int | None = 0,
    keep: int | None = None,
    scale: float | Literal["auto"] = "auto",
    *,
    first: int = 0,
    part: float | None = None,
    class_name: AnyClass | None = None,
    sampler: str | AnySampler = "temperature",
    options: Mapping[str, Any] | None = None,
    batch_size: int | None = None,
    max_points: int | None = None,
    exact: bool = False,
    region: Region | None = None,
    avoid: Avoided | None = None,
    clearance: float = 0.0,
    progress: Progress | None = None,
) -> Endings | list[Endings]:
    """Finish drawings, each in several ways, in the place where they stand.

    Args:
        model: an unconditional model.
        drawings: one or many; an end row is removed, and the last stroke counts as finished unless the
            sketch says that its pen is down.
        n: how many endings each; a million in all at the most.
        temperature: tau, 0 to 100; 1 is the model itself, less is tidier, 0 is greedy.
        seed: 0..2^63 - 1; ending i of a drawing is independent of n and of the other drawings. `None` means
            a fresh seed, recorded in each ending.
        keep: draw n, but return only the best that differ, this many at the most: those that the model
            ended come first, then the lowest `nll_per_point`; an ending that nearly covers a better one is
            left out.
        scale: pixels of the training data in a drawing unit; "auto" takes the likeliest of a ladder, or
            one at which the beginning is a half or a quarter of the whole, where endings then look better.
        first: the index of the first ending; 0 within bounds.
        part: the share of the longer side of the finished drawing that is there, above 0 up to 1; it sets
            the scale.
        class_name: one of the model's classes, for a model that knows classes; "auto" guesses, and shares the
            endings out among the likely classes of a drawing (within bounds all are of the likeliest);
            `None` leaves the class to the model.
        sampler: a name, or a sampler that is already made.
        options: the sampler's further options by name.
        batch_size: the most drawings at once, 4 at the least; by default a number that suits the device.
        max_points: the most points of an ending; by default the model's own limit.
        exact: results equal to the last bit for all n and batch sizes; slower.
        region: x, y, width and height of a rectangle, in drawing units, that holds all the ink that is added.
        avoid: a drawing, or a list of polygons, that added ink stays outside of; see `Bounds`.
        clearance: how far added ink stays from both, in drawing units; its own width does not count.
        progress: called after every ending.

    Returns:
        For each drawing its endings, in the order of their index, or from the best with `keep`; a single
        drawing gives a single list. With `region` or `avoid` they are the first n that keep within bounds, or
        fewer if 32 n attempts are not enough, and the list has the record of these `attempts`. Where the
        class was guessed, it has the `guesses`.

    Raises:
        InputError: a number out of range, a conditional model, an option the sampler does not have, an
            invalid region, or an invalid drawing or polygon to avoid.
        NoEnding: an InputError, too: all tried endings of a drawing leave the bounds.
        PluginError: an unknown sampler.

    Source: Ha & Eck 2017, sections 3.3 and 4. Departure: before it is read, a drawing is simplified as
        the training data were, at its scale.
    """
    check_model(model)
    several = check_sketches(
        [drawings] if isinstance(drawings, Sketch) else drawings, "complete takes sketches"
    )
    n, seed, batch_size, max_points = check_counts(model, n, seed, batch_size, max_points, len(several))
    check_unconditional(model, "go on with a beginning")
    check_one_class(class_name)
    keep = None if keep is None else whole("keep", keep, 1)
    bounds = None if region is None and avoid is None and not clearance else Bounds(region, avoid, clearance)
    first = whole("first", first, 0, 0 if bounds else MAX_SEED - n)
    begun = [drawing.without_end() for drawing in several]
    if not begun:
        return []
    guesses = guess_classes(model, begun) if class_name == AUTO else [Guesses()] * len(begun)
    # Within bounds endings are searched for, and all are of one class.
    plans = _plan_classes(model, class_name, guesses, first, first + max(n, 1) if bounds is None else 1)
    pairs = [(d, name) for d, plan in enumerate(plans) for name in dict.fromkeys(plan)]
    read = _read_beginnings(
        model,
        [begun[d] for d, _ in pairs],
        [name for _, name in pairs],
        scale,
        part,
        bounds if n else None,
        exact,
    )
    chosen = make_sampler(sampler, temperature, options)
    inputs = _Inputs(model, chosen, read, seed, max_points, batch_size, exact)
    if bounds is None:
        out = _draw_freely(inputs, _place_endings(pairs, plans, n), first, progress)
    else:
        out = _search_within(inputs, n, bounds, progress)
    endings = [
        Endings(_select(each, keep), each.attempts, guess) for each, guess in zip(out, guesses, strict=True)
    ]
    return endings[0] if isinstance(drawings, Sketch) else endings


def _plan_classes(
    model: DrawingModel, class_name: AnyClass | None, guesses: Sequence[Guesses], first: int, count: int
) -> list[Sequence[str | None]]:
    """The classes of the endings `first` to `count` - 1 of each drawing; a single class stands for all."""
    name = None if class_name in (None, AUTO) else model.class_called(class_name)
    return [share_classes(each, count)[first:] if each else [name] for each in guesses]


def _place_endings(
    pairs: Sequence[tuple[int, str | None]], plans: Sequence[Sequence[str | None]], n: int
) -> Int64:
    """For each of n endings of each drawing the place of its drawing and class among the pairs, [P, n]."""
    places = {pair: place for place, pair in enumerate(pairs)}
    which = [[places[d, plan[i % len(plan)]] for i in range(n)] for d, plan in enumerate(plans)]
    return np.array(which, np.int64).reshape(len(plans), n)


@dataclass(frozen=True)
class _Beginnings:
    """Beginnings as a model has read them; a drawing with endings of several classes counts several times."""

    begun: Sequence[Sketch]
    rows: Sequence[Beginning]
    scales: Sequence[float]
    classes: Sequence[str | None]
    prompts: Prompts


def _read_beginnings(
    model: DrawingModel,
    begun: Sequence[Sketch],
    classes: Sequence[str | None],
    scale: float | Literal["auto"],
    part: float | None,
    bounds: Bounds | None,
    exact: bool,
) -> _Beginnings:
    """Read beginnings, each with its class, at their scales.

    Raises:
        InputError: an invalid scale or part.
        NoEnding: the pen of a drawing is down out of bounds.
    """
    width, labels = find_exact_width(model) if exact else None, model.class_indices(classes)

    def read(scales: Sequence[float]) -> _Beginnings:
        rows = [read_beginning(d, s, model.card) for d, s in zip(begun, scales, strict=True)]
        if bounds is not None:
            check_beginnings(bounds, rows)
        prompts = read_prompts(model, [each.rows for each in rows], exact_width=width, label=labels)
        return _Beginnings(begun, rows, scales, classes, prompts)

    if part is not None:
        return read(_scales_from_part(begun, part, scale))
    likeliest = read(_find_scales_by_class(model, begun, scale, classes))
    if scale != "auto":
        return likeliest
    scales = find_scales_by_looks(model, begun, likeliest.scales, classes, likeliest.prompts)
    return likeliest if scales == likeliest.scales else read(scales)


@dataclass(frozen=True)
class _Inputs:
    """The inputs of the decoder."""

    model: DrawingModel
    sampler: AnySampler
    read: _Beginnings
    seed: int
    max_points: int
    batch_size: int | None
    exact: bool


def _draw_freely(inputs: _Inputs, which: Int64, first: int, progress: Progress | None) -> list[Endings]:
    """Endings first, first + 1 and so on of every drawing.

    Args:
        inputs: of the decoder.
        which: [P, n], the place of the drawing and class of each ending in the lists of inputs.
        first: the index of the first ending of each drawing.
        progress: called after every ending.
    """
    count, n = which.shape
    out = [Endings() for _ in range(count)]
    index = np.tile(first + np.arange(n), count)
    for done, (job, ending) in enumerate(_draw(inputs, which.ravel(), index), start=1):
        out[job // n].append(ending)
        if progress is not None:
            progress(done, count * n)
    return out


def _search_within(inputs: _Inputs, n: int, bounds: Bounds, progress: Progress | None) -> list[Endings]:
    """The first n endings of every drawing that keep within bounds, or as many as the budget finds.

    Raises:
        NoEnding: all tried endings of a drawing leave the bounds.
    """
    searches = [Search[Ending](n) for _ in inputs.read.begun]
    done, total = 0, n * len(searches)
    while any(rounds := [search.next_round() for search in searches]):
        which = np.repeat(np.arange(len(rounds)), [len(each) for each in rounds])
        index = np.concatenate([np.arange(each.start, each.stop) for each in rounds])
        chooser = _make_rejection_chooser(inputs, bounds, which, index)
        found: list[list[Ending]] = [[] for _ in rounds]
        for job, ending in _draw(inputs, which, index, chooser):
            drawing = int(which[job])
            begun, beginning = inputs.read.begun[drawing], inputs.read.rows[drawing]
            if chooser.broken[job] or not is_within(bounds, ending.ending, ending.sketch, begun, beginning):
                continue
            found[drawing].append(ending)
            done += 1
            if progress is not None:
                progress(min(done, total), total)
        for drawing, search in enumerate(searches):
            search.close_round(found[drawing], chooser.redrawn[which == drawing].tolist())
    return [_collect_endings(search, drawing, len(searches)) for drawing, search in enumerate(searches)]


def _draw(
    inputs: _Inputs, which: Int64, index: Int64, chooser: RejectionChooser | None = None
) -> Iterator[tuple[int, Ending]]:
    """Endings `index` of the drawings `which`, as they are done, each with its place in these arrays."""
    loop = decode(
        inputs.model,
        inputs.sampler,
        inputs.read.prompts,
        which,
        index,
        seed=inputs.seed,
        max_points=inputs.max_points,
        width=inputs.batch_size,
        exact=inputs.exact,
        score=True,
        choose=chooser,
    )
    for draft in loop:
        redrawn = 0 if chooser is None else int(chooser.redrawn[draft.job])
        yield draft.job, _make_ending(inputs, int(which[draft.job]), int(index[draft.job]), draft, redrawn)


def _make_rejection_chooser(inputs: _Inputs, bounds: Bounds, which: Int64, index: Int64) -> RejectionChooser:
    return RejectionChooser(
        make_chooser(stepwise(inputs.sampler, "within bounds"), inputs.model),
        bounds,
        inputs.read.rows,
        which,
        index,
        seed=inputs.seed,
        max_points=inputs.max_points,
    )


def _make_ending(inputs: _Inputs, which: int, index: int, draft: Draft, redrawn: int) -> Ending:
    read = inputs.read
    begun, beginning = read.begun[which], read.rows[which]
    ending = from_rows(
        draft.rows,
        beginning.factor,
        beginning.anchor,
        joined=begins_with_ink(beginning),
        label=begun.label,
        key=begun.key,
    )
    nll, scale, name = draft.nll / len(draft.rows), read.scales[which], read.classes[which]
    return Ending(begun + ending, ending, nll, inputs.seed, index, scale, ending.ended, redrawn, name)


def _collect_endings(search: Search[Ending], drawing: int, count: int) -> Endings:
    endings, attempts = search.result()
    if attempts.asked and not endings:
        why = (
            f"not one of {attempts.tried} endings stayed within bounds: widen the region, avoid less, or try "
            "another class, seed, scale or a higher temperature"
        )
        raise NoEnding(drawing, why, count > 1)
    return Endings(endings, attempts)


def _find_scales_by_class(
    model: DrawingModel,
    begun: Sequence[Sketch],
    scale: float | Literal["auto"],
    classes: Sequence[str | None],
) -> list[float]:
    """`find_scales` of beginnings each of which has its class."""
    out = [0.0] * len(begun)
    for name in dict.fromkeys(classes):
        places = [i for i, each in enumerate(classes) if each == name]
        for i, found in zip(places, find_scales(model, [begun[i] for i in places], scale, name), strict=True):
            out[i] = found
    return out


def _scales_from_part(begun: Sequence[Sketch], part: float, scale: float | Literal["auto"]) -> list[float]:
    """The scales at which beginnings are a part of a whole training drawing; 1 for one without extent.

    Raises:
        InputError: a part that is not a share, or a scale beside it.
    """
    if scale != "auto":
        raise InputError("part and scale both say how large a drawing is: give one of them")
    if not isinstance(part, int | float) or isinstance(part, bool) or not 0 < part <= 1:
        raise InputError(f"the part that is there must be above 0, 1 at the most, got {part!r}")
    sides = map(extent_of, begun)
    return [part * WHOLE / side if side else 1.0 for side in sides]


def find_scales(
    model: DrawingModel, begun: Sequence[Sketch], scale: float | Literal["auto"], label: AnyClass | None
) -> list[float]:
    """How many pixels of the training data each beginning's drawing unit is.

    Args:
        model: an unconditional model.
        begun: the beginnings.
        scale: the same for all of them, or "auto" for the likeliest of each.
        label: their class, for a model that knows classes.

    Raises:
        InputError: a scale that is neither a number nor "auto".
    """
    return best_scales(model, begun, label) if scale == "auto" else [_check_number(scale)] * len(begun)


def _select(endings: list[Ending], keep: int | None) -> list[Ending]:
    """All endings by index, or the best `keep` that differ."""
    if keep is None:
        return sorted(endings, key=lambda e: e.index)
    ranked = sorted(endings, key=lambda e: e.rank)
    different = find_different((each.ending, each.sketch) for each in ranked)
    return [ranked[place] for place, _, _ in islice(different, keep)]


def _check_number(scale: object) -> float:
    if isinstance(scale, int | float | np.integer | np.floating) and not isinstance(scale, bool):
        return float(scale)
    raise InputError(f"the scale must be a number or 'auto', got {scale!r}")
