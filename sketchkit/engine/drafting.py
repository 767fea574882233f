"""Drawing with any sampler: point by point in the loop, or as a sampler of whole drawings wants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sketchkit.engine.arrays import (
    State,
    as_tensor,
    concatenate,
    inference,
    pad_rows,
    take_rows,
    to_numpy,
)
from sketchkit.engine.choosers import PointChooser
from sketchkit.engine.decoder import (
    ATTEMPT_SHIFT,
    ATTEMPTS,
    decode_steps,
    default_width,
    find_exact_width,
    prepare_rows,
)
from sketchkit.engine.engine_selection import stepper_of
from sketchkit.engine.prompts import LEAST_ROWS, Indices, Prompts, Requests
from sketchkit.errors import InputError, PluginError
from sketchkit.models import Array, ArrayModel, DrawingModel
from sketchkit.noise import Noise, uniform_array
from sketchkit.sampling import AnySampler, Draft, DrawingSampler, StepSampler, Subject, stepwise
from sketchkit.sampling.guarded import name_sampler

if TYPE_CHECKING:
    from torch import Tensor

    from sketchkit.density import MixtureDensity

__all__ = ["DecoderContext", "decode"]


def decode(
    model: DrawingModel,
    sampler: AnySampler,
    prompts: Prompts,
    prompt_of: Indices,
    index_of: Indices,
    *,
    seed: int,
    max_points: int,
    width: int | None = None,
    exact: bool = False,
    score: bool = False,
    choose: PointChooser | None = None,
) -> Iterator[Draft]:
    """Draw until every job has ended or has `max_points` rows.

    Args:
        model: any backend's.
        sampler: of any kind.
        prompts: the states that drawings start from.
        prompt_of: [J], which prompt each job continues.
        index_of: [J], the sketch index of each job's noise.
        seed: 0..2^63 - 1.
        max_points: the most rows a drawing gets, an end row included.
        width: the most rows of a product; one that suits the device when None.
        exact: equal bits whatever the width, order and number of jobs; slower.
        score: whether to keep the negative log-likelihood.
        choose: chooses the points instead of a sampler that goes point by point. Drafts cannot be chosen
            so: a rule that holds for these, too, is a sampler that wraps another one.

    Yields:
        The drawings as they end, in no particular order.

    Raises:
        InputError: `choose` beside a sampler that looks at whole drawings.
        PluginError: a sampler that does not draw what it is asked for.
    """
    requests = Requests(prompts, prompt_of, index_of, np.zeros_like(index_of), seed, max_points)
    if not isinstance(sampler, DrawingSampler):
        yield from decode_steps(
            model, sampler, requests, width=width, exact=exact, score=score, choose=choose
        )
    elif choose is not None:
        stepwise(sampler, "point by point")  # raises
    else:
        context = DecoderContext(model, requests, width, exact)
        yield from _each_once(sampler.draw(context), context.jobs, name_sampler(sampler))


def _each_once(drafts: Iterator[Draft], jobs: int, sampler: str) -> Iterator[Draft]:
    """Drafts of which there must be one a job; `sampler` is what an error calls the one that draws them."""
    missing = set(range(jobs))
    for draft in drafts:
        if draft.job not in missing:
            raise PluginError(f"{sampler} drew drawing {draft.job} twice")
        missing.remove(draft.job)
        yield draft
    if missing:
        raise PluginError(f"{sampler} drew {jobs - len(missing)} of {jobs} drawings")


@dataclass(frozen=True, eq=False)
class DecoderContext:
    """The `DraftingContext` of the engine; see `sketchkit.sampling.DraftingContext`.

    Args:
        model: draws.
        requests: what is asked for.
        width: the most rows of a product; one that suits the device when None.
        exact: whether every product has one fixed shape.
    """

    model: DrawingModel
    requests: Requests
    width: int | None = None
    exact: bool = False

    @property
    def jobs(self) -> int:
        """How many drawings are asked for."""
        return len(self.requests)

    @property
    def max_points(self) -> int:
        """The most rows a drawing gets, an end row included."""
        return self.requests.max_points

    def subject(self, job: int) -> Subject:
        """What one of the drawings is to become."""
        return self.requests.prompts.subjects[int(self.requests.prompt_of[job])]

    def drafts(self, sampler: StepSampler, jobs: Indices, attempts: Indices) -> Iterator[Draft]:
        """Draw each draft to its end; see `DraftingContext`.

        Raises:
            InputError: numbers out of range or of different lengths, or a sampler of whole drawings.
        """
        step_sampler = stepwise(sampler, "drafts")
        mine, attempts = _whole(jobs, self.jobs, "a job"), _whole(attempts, ATTEMPTS, "an attempt")
        _one_each(jobs=mine, attempts=attempts)
        asked = replace(self.requests.take(mine), attempt_of=attempts)
        for draft in decode_steps(
            self.model, step_sampler, asked, width=self.width, exact=self.exact, score=True
        ):
            yield Draft(int(mine[draft.job]), draft.rows, draft.nll, draft.attempt)

    def begin(self, jobs: Indices) -> tuple[Tensor, State]:
        """Where drawings begin; see `DraftingContext`."""
        which = self.requests.prompt_of[_whole(jobs, self.jobs, "a job")]
        least, most = self._rows_of_product
        with inference(self.model):
            state = prepare_rows(stepper_of(self.model), self.requests.prompts, which, least, most)
            return as_tensor(take_rows(self.requests.prompts.rows, which)), tuple(map(as_tensor, state))

    def advance(self, rows: Tensor, state: State) -> tuple[MixtureDensity, State]:
        """One point further; see `DraftingContext`. In chunks, each of as many rows as suit the device."""
        from sketchkit.density import MixtureDensity

        (least, size), stepper = self._rows_of_product, stepper_of(self.model)
        read: Array = rows
        if isinstance(self.model, ArrayModel):
            read, state = to_numpy(rows), tuple(map(to_numpy, state))
        else:
            read = rows.to(self.model.dtype)
        raws, states = [], []
        with inference(self.model):
            for begin in range(0, max(len(read), 1), size):
                chunk = slice(begin, begin + size)
                mine = read[chunk]
                inner = tuple(pad_rows(part[chunk], least) for part in state)
                raw, after = stepper.step(pad_rows(mine, least), inner)
                raws.append(raw[: len(mine)])
                states.append(tuple(part[: len(mine)] for part in after))
            joined = tuple(as_tensor(concatenate(parts)) for parts in zip(*states, strict=True))
            return MixtureDensity(as_tensor(concatenate(raws))), joined

    def noise(self, jobs: Indices, attempts: Indices, steps: Indices) -> Noise:
        """The uniform numbers of points; see `DraftingContext`.

        Raises:
            InputError: numbers out of range or of different lengths.
        """
        mine, attempts = _whole(jobs, self.jobs, "a job"), _whole(attempts, ATTEMPTS, "an attempt")
        steps = _whole(steps, 1 << ATTEMPT_SHIFT, "a step")
        _one_each(jobs=mine, attempts=attempts, steps=steps)
        step = (attempts << ATTEMPT_SHIFT) + steps
        uniforms = uniform_array(self.requests.seed, self.requests.index_of[mine], step)
        return Noise(as_tensor(uniforms).to(self.model.device))

    @property
    def _rows_of_product(self) -> tuple[int, int]:
        """The fewest and the most rows of a product."""
        if self.exact:
            width = find_exact_width(self.model)
            return width, width
        least = 1 if stepper_of(self.model).batch_invariant else LEAST_ROWS
        return least, max(self.width or default_width(self.model), least)


def _whole(values: Indices, limit: int, what: str) -> Indices:
    """Whole numbers that lie below a limit.

    Raises:
        InputError: one that does not.
    """
    found = np.asarray(values)
    if found.ndim != 1 or (len(found) and (found.dtype.kind not in "iu" or found.min() < 0)):
        raise InputError(f"{what} is a whole number from 0, in an array [D], got {found!r}")
    if len(found) and found.max() >= limit:
        raise InputError(f"{what} must lie below {limit}, got {found.max()}")
    return found.astype(np.int64)


def _one_each(**arrays: Indices) -> None:
    """Arrays that go together, row by row.

    Raises:
        InputError: one is longer than another.
    """
    if len({len(values) for values in arrays.values()}) > 1:
        found = ", ".join(f"{len(values)} {name}" for name, values in arrays.items())
        raise InputError(f"{' and '.join(arrays)} go together, one of each a row, got {found}")
