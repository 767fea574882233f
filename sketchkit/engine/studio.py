"""Drawing with any sampler: point by point in the loop, or as a sampler of whole drawings wants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.engine.decode import Chooser, decode_steps
from sketchkit.engine.prompts import Prompts, filled
from sketchkit.engine.work import ATTEMPT_SHIFT, ATTEMPTS, Indices, Work
from sketchkit.errors import InputError, PluginError
from sketchkit.models import SketchModel
from sketchkit.models.base import State
from sketchkit.noise import Noise, uniforms
from sketchkit.sampling import AnySampler, Draft, DrawingSampler, StepSampler, Subject, stepwise
from sketchkit.sampling.strange import called

__all__ = ["Easel", "decode"]


def decode(
    model: SketchModel,
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
    choose: Chooser | None = None,
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
        width: the most slots; one that suits the device when None.
        exact: equal bits whatever the width, order and number of jobs; slower.
        score: whether to keep the negative log-likelihood.
        choose: chooses the points in the stead of a sampler that goes point by point.

    Yields:
        The drawings as they end, in no particular order.

    Raises:
        InputError: `choose` beside a sampler that looks at whole drawings.
        PluginError: a sampler that does not draw what it is asked for.
    """
    first = np.zeros_like(index_of)
    work = Work(model, prompts, prompt_of, index_of, first, seed, max_points, width, exact)
    if isinstance(sampler, DrawingSampler) and choose is None:
        easel = Easel(work)
        yield from _each_once(sampler.draw(easel), easel.jobs, called(sampler))
        return
    yield from decode_steps(work, stepwise(sampler, "point by point"), score=score, choose=choose)


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


@dataclass(frozen=True)
class Easel:
    """The studio of the engine; see `sketchkit.sampling.Studio`.

    Args:
        work: what is asked for.
    """

    work: Work

    @property
    def jobs(self) -> int:
        """How many drawings are asked for."""
        return len(self.work.prompt_of)

    @property
    def max_points(self) -> int:
        """The most rows a drawing gets, an end row included."""
        return self.work.max_points

    def subject(self, job: int) -> Subject:
        """What one of the drawings is to become."""
        return self.work.prompts.subjects[int(self.work.prompt_of[job])]

    def drafts(self, sampler: StepSampler, jobs: Indices, attempts: Indices) -> Iterator[Draft]:
        """Draw each draft to its end; see `Studio`.

        Raises:
            InputError: numbers out of range or of different lengths, or a sampler of whole drawings.
        """
        hand = stepwise(sampler, "drafts")
        mine, attempts = _whole(jobs, self.jobs, "a job"), _whole(attempts, ATTEMPTS, "an attempt")
        _one_each(jobs=mine, attempts=attempts)
        work = replace(self.work.part(mine), attempt_of=attempts)
        for draft in decode_steps(work, hand, score=True):
            yield Draft(int(mine[draft.job]), draft.rows, draft.nll, draft.attempt)

    @torch.inference_mode()
    def begin(self, jobs: Indices) -> tuple[Tensor, State]:
        """Where drawings begin; see `Studio`."""
        mine = _whole(jobs, self.jobs, "a job")
        prompt = torch.from_numpy(self.work.prompt_of[mine]).to(self.work.model.device)
        return self.work.prompts.rows[prompt], self.work.entered(prompt)

    @torch.inference_mode()
    def advance(self, rows: Tensor, state: State) -> tuple[MixtureDensity, State]:
        """One point further; see `Studio`. In chunks, each of as many rows as suit the device."""
        size, least, rows = self.work.most_rows, self.work.least_rows, rows.to(self.work.model.dtype)
        raws, states = [], []
        for begin in range(0, max(len(rows), 1), size):
            chunk = slice(begin, begin + size)
            mine = rows[chunk]
            inner = tuple(filled(part[chunk], least) for part in state)
            raw, after = self.work.stepper.step(filled(mine, least), inner)
            raws.append(raw[: len(mine)])
            states.append(tuple(part[: len(mine)] for part in after))
        joined = tuple(torch.cat(parts) for parts in zip(*states, strict=True))
        return MixtureDensity(torch.cat(raws)), joined

    def noise(self, jobs: Indices, attempts: Indices, steps: Indices) -> Noise:
        """The uniform numbers of points; see `Studio`.

        Raises:
            InputError: numbers out of range or of different lengths.
        """
        mine, attempts = _whole(jobs, self.jobs, "a job"), _whole(attempts, ATTEMPTS, "an attempt")
        steps = _whole(steps, 1 << ATTEMPT_SHIFT, "a step")
        _one_each(jobs=mine, attempts=attempts, steps=steps)
        index = torch.from_numpy(self.work.index_of[mine]).to(self.work.model.device)
        step = (attempts << ATTEMPT_SHIFT) + steps
        return Noise(uniforms(self.work.seed, index, torch.from_numpy(step).to(self.work.model.device)))


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
