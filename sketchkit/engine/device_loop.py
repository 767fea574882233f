"""The decoding loop of a CUDA device: noise, points, ends and refill stay there, several steps a replay.

A recording of some steps is played again and again; it draws, files every point under its drawing, finds out
which drawings are over and starts waiting ones in their slots. The host launches it and glances, one replay
late, at how many drawings are done, so that the device never waits. Finished drawings are copied out block by
block, by a thread of their own, while others turn them into sketches.

Everything here but the recording itself works on any device and gives the drawings of the usual loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.engine.arrays import State, take_rows
from sketchkit.engine.decoder import (
    ATTEMPT_SHIFT,
    default_width,
    make_draft,
    prepare_rows,
    run_threads,
)
from sketchkit.engine.engine_selection import Cache, stepper_of
from sketchkit.engine.prompts import LEAST_ROWS, JobQueue, Requests
from sketchkit.engine.steppers import Stepper
from sketchkit.models import DrawingModel
from sketchkit.noise import Noise, key_of, round_keys, uniforms_of_key
from sketchkit.sampling import Draft
from sketchkit.tempering import DrawRule

__all__ = ["CapturedGraph", "DeviceLoop", "Shape", "decode_on_device"]

#: How many steps a replay makes; a drawing runs past its end by fewer.
_STEPS = 8
#: How many drawings one block holds room for.
_BLOCK = 16_384
#: Room is made for powers of two, this one at the least, so that recordings fit again.
_LEAST_ROOM = 16
#: The attribute by which a model caches its loops, and how many: each holds memory of the device.
_CACHE, _MOST_CACHED = "_loops", 4

_Loop: TypeAlias = "tuple[DeviceLoop, Callable[[], None]]"


@dataclass(frozen=True)
class Shape:
    """What a recording is good for.

    Args:
        slots: B, how many drawings are at work at once.
        jobs: J, the room for drawings.
        prompts: P, the room for beginnings.
        max_points: the most rows a drawing gets.
        rule: how points are drawn.
        score: whether the negative log-likelihood is kept.
    """

    slots: int
    jobs: int
    prompts: int
    max_points: int
    rule: DrawRule
    score: bool

    @classmethod
    def of(cls, requests: Requests, width: int, prompts: int, rule: DrawRule, score: bool) -> Shape:
        """The smallest that some requests fit, with as many beginnings."""
        jobs = _room(len(requests))
        return cls(min(width, jobs), jobs, _room(prompts), requests.max_points, rule, score)


class DeviceLoop:
    """All that a decoding loop touches, on the device, at places that stay.

    Args:
        stepper: of the model; the recordable kind.
        shape: how much of everything there is.
        rows: [1, 5], a first row, for its number type and device.
        state: a stepper's state of one row, likewise.
    """

    def __init__(self, stepper: Stepper, shape: Shape, rows: Tensor, state: State) -> None:
        self.stepper, self.shape = stepper, shape
        slots, jobs, device = shape.slots, shape.jobs, rows.device
        whole = partial(torch.zeros, dtype=torch.int64, device=device)
        self.keys = whole(10, 2)
        self.total, self.waiting, self.finished = (whole(()) for _ in range(3))
        # Behind the last drawing stands one that is nobody's: idle slots belong to it.
        self.prompt_of, self.index_of, self.attempt_of = (whole(jobs + 1) for _ in range(3))
        self.first_rows = rows.new_zeros(shape.prompts, 5)
        self.first_state = tuple(part.new_zeros(shape.prompts, *part.shape[1:]) for part in state)
        self.job, self.age = (whole(slots) for _ in range(2))
        self.steps = torch.arange(_STEPS, device=device)
        self.rows = rows.new_zeros(slots, 5)
        self.state = tuple(part.new_zeros(slots, *part.shape[1:]) for part in state)
        room = shape.max_points + _STEPS
        self.points = torch.zeros(jobs + 1, room, 5, device=device)
        self.losses = torch.zeros(jobs + 1, room if shape.score else 0, device=device)
        self.lengths = whole(jobs + 1)

    def begin(self, requests: Requests, rows: Tensor, state: State) -> None:
        """Lay out requests and start in every slot; their prompts are `rows` and the stepper's `state`."""
        jobs, slots, nobody = len(requests), self.shape.slots, self.shape.jobs
        self.keys.copy_(round_keys(key_of(requests.seed), self.keys.device))
        for place, given in (
            (self.prompt_of, requests.prompt_of),
            (self.index_of, requests.index_of),
            (self.attempt_of, requests.attempt_of),
        ):
            place[:jobs].copy_(torch.from_numpy(np.ascontiguousarray(given)))
        self.first_rows[: len(rows)] = rows
        for place, part in zip(self.first_state, state, strict=True):
            place[: len(part)] = part
        self.total.fill_(jobs)
        self.waiting.fill_(min(slots, jobs))
        self.finished.zero_()
        self.lengths.zero_()
        self.age.zero_()
        first = torch.arange(slots, device=self.job.device)
        self.job.copy_(torch.where(first < jobs, first, nobody))
        prompt = self.prompt_of[self.job]
        self.rows.copy_(self.first_rows[prompt])
        for place, part in zip(self.state, self.first_state, strict=True):
            place.copy_(part[prompt])

    def advance(self) -> None:
        """Some steps in every slot, then refill: what is recorded."""
        index, attempt = self.index_of[self.job], self.attempt_of[self.job] << ATTEMPT_SHIFT
        steps = (attempt + self.age)[:, None] + self.steps
        uniforms = uniforms_of_key(self.keys, index[:, None], steps)  # [B, STEPS, 4]
        rows, state, chosen = self.rows, self.state, []
        for k in range(_STEPS):
            raw, state = self.stepper.step(rows, state)
            density = MixtureDensity(raw)
            points = density.draw_by_rule(Noise(uniforms[:, k]), self.shape.rule).float()
            self.points[self.job, self.age + k] = points
            if self.shape.score:
                self.losses[self.job, self.age + k] = density.losses(points).float()
            chosen.append(points[:, 4] == 1.0)
            rows = points.to(self.rows.dtype)
        self._refill(torch.stack(chosen), rows, state)

    def _refill(self, ended: Tensor, rows: Tensor, state: State) -> None:
        """Note the lengths of drawings that are over, and start waiting ones in their slots.

        Args:
            ended: bool [STEPS, B], whether a point was an end.
            rows: [B, 5], the last points.
            state: after them.
        """
        nobody, most = self.shape.jobs, self.shape.max_points
        any_end = ended.any(0)
        length = torch.where(any_end, self.age + ended.int().argmax(0) + 1, self.age + _STEPS)
        over = any_end | (length >= most)
        self.lengths[torch.where(over, self.job, nobody)] = length.clamp(max=most)
        self.finished.add_((over & (self.job != nobody)).sum())
        taken = self.waiting + over.cumsum(0) - 1
        job = torch.where(over, torch.where(taken < self.total, taken, nobody), self.job)
        self.waiting.copy_(torch.minimum(self.waiting + over.sum(), self.total))
        prompt, fresh = self.prompt_of[job], over[:, None]
        self.rows.copy_(torch.where(fresh, self.first_rows[prompt], rows))
        for place, first, part in zip(self.state, self.first_state, state, strict=True):
            place.copy_(torch.where(over.view(-1, *[1] * (part.dim() - 1)), first[prompt], part))
        self.age.copy_(torch.where(over, 0, self.age + _STEPS))
        self.job.copy_(job)

    def drafts(self, requests: Requests, first: int) -> Iterator[Draft]:
        """The drawings of all requests, numbered from `first`."""
        jobs = len(requests)
        lengths = self.lengths[:jobs].cpu().numpy()
        counts = torch.arange(self.points.shape[1], device=self.points.device) < self.lengths[:jobs, None]
        rows = self.points[:jobs][counts].cpu().numpy()
        losses = self.losses[:jobs][counts].cpu().double().numpy() if self.shape.score else None
        stop = 0
        for job, length in enumerate(lengths.tolist()):
            part, stop = slice(stop, stop + length), stop + length
            nll = float("nan") if losses is None else float(losses[part].sum())
            yield make_draft(first + job, rows[part], nll, int(requests.attempt_of[job]))


class CapturedGraph:
    """Work on a CUDA device, recorded once and played as often as is wanted.

    Args:
        body: no number of it goes to the host or comes from it, and it works at places that stay.
    """

    def __init__(self, body: Callable[[], None]) -> None:
        # What libraries set up at their first call must not become part of the recording.
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(2):
                body()
        torch.cuda.current_stream().wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            body()

    def __call__(self) -> None:
        """Start a replay; does not wait for it."""
        self._graph.replay()


def decode_on_device(
    model: DrawingModel,
    requests: Requests,
    rule: DrawRule,
    score: bool,
    width: int | None = None,
    block: int = _BLOCK,
) -> Iterator[Draft]:
    """Draw everything on the device itself.

    Args:
        model: one whose stepper can be captured.
        requests: what to draw.
        rule: how points are drawn.
        score: whether drafts carry their negative log-likelihood.
        width: the most drawings at once; one that suits the device when None.
        block: how many drawings to hold room for.

    Yields:
        The drawings, block by block.
    """
    queue = JobQueue()
    queue.put(requests)
    slots = max(width or default_width(model), LEAST_ROWS)

    @torch.inference_mode()
    def loop() -> Iterator[Draft]:
        while not queue.stopped and (portions := queue.take(block)):
            for numbers, part in portions:
                yield from _draw_block(model, part, int(numbers[0]), slots, rule, score)

    yield from run_threads(1, loop, queue)


def _draw_block(
    model: DrawingModel, requests: Requests, first: int, slots: int, rule: DrawRule, score: bool
) -> Iterator[Draft]:
    """Draw one block, whose drawings are numbered from `first`."""
    stepper = stepper_of(model)
    used, prompt_of = np.unique(requests.prompt_of, return_inverse=True)
    requests = replace(requests, prompt_of=prompt_of.astype(np.int64))
    rows = take_rows(requests.prompts.rows, used)
    state = prepare_rows(stepper, requests.prompts, used, LEAST_ROWS, slots)
    shape = Shape.of(requests, slots, len(used), rule, score)
    with _borrow_loop(model, shape, requests, rows, state) as (loop, play):
        loop.begin(requests, rows, state)
        glances: deque[Callable[[], int]] = deque()
        while len(glances) < 2 or glances.popleft()() < len(requests):
            play()
            glances.append(_glance(loop.finished))
        drafts = list(loop.drafts(requests, first))
    yield from drafts


@contextmanager
def _borrow_loop(
    model: DrawingModel, shape: Shape, requests: Requests, rows: Tensor, state: State
) -> Iterator[_Loop]:
    """A loop of a shape, for one user at a time; the model caches it for the next one."""
    cache: Cache[tuple[Stepper, Shape], _Loop] = model.__dict__.setdefault(_CACHE, Cache())
    key = (stepper_of(model), shape)
    found = cache.pop(key, None)
    if found is None:
        loop = DeviceLoop(key[0], shape, rows[:1], tuple(part[:1] for part in state))
        loop.begin(requests, rows, state)
        found = (loop, loop.advance if model.on_cpu else CapturedGraph(loop.advance))
    yield found
    cache[key] = found
    while len(cache) > _MOST_CACHED:
        cache.pop(next(iter(cache)))


def _glance(count: Tensor) -> Callable[[], int]:
    """A number on the device as it is now, for somebody who asks later and waits only then."""
    if count.device.type != "cuda":
        now = int(count)
        return lambda: now
    here = torch.empty((), dtype=count.dtype, pin_memory=True)
    here.copy_(count, non_blocking=True)
    copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
    copied.record()

    def later() -> int:
        copied.synchronize()
        return int(here)

    return later


def _room(size: int) -> int:
    """The next power of two."""
    return max(_LEAST_ROOM, 1 << (size - 1).bit_length())
