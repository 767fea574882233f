"""The decoding loop: drawings of one model and sampler that join and leave a batch at any step.

Each drawing has a row, which the next request takes over when the drawing ends; once the queue is empty the
batch shrinks. How a step is computed is the stepper's business. A sampler that is a tempered draw leaves the
choice of points to the stepper, too, several points a call; for any other sampler the stepper gives raw
outputs, and the sampler chooses.

A drawing depends on its prompt, its seed, its index and the attempt. Matrix products of other shapes may
round differently, though, so that a drawing may differ in the last bits between batch sizes; `exact`
computes every product at one fixed shape, which makes drawings equal bit for bit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sketchkit.engine.arrays import (
    State,
    concatenate,
    inference,
    pad_rows,
    put_rows,
    replace_rows,
    take_rows,
    to_numpy,
)
from sketchkit.engine.choosers import PointChooser, make_chooser, point_losses
from sketchkit.engine.engine_selection import stepper_of
from sketchkit.engine.numpy_engine import NumpyStepper
from sketchkit.engine.prompts import LEAST_ROWS, Indices, JobQueue, Prompts, Requests
from sketchkit.engine.steppers import Stepper
from sketchkit.models import Array, ArrayModel, DrawingModel, LSTMWeights
from sketchkit.noise import uniform_array
from sketchkit.sampling import Draft, StepSampler, rule_of
from sketchkit.threads import spare_threads

__all__ = [
    "ATTEMPTS",
    "ATTEMPT_SHIFT",
    "EXACT_WIDTH",
    "Decoder",
    "decode_steps",
    "default_width",
    "find_exact_width",
    "make_draft",
    "prepare_rows",
    "run_threads",
]

Float32 = npt.NDArray[np.float32]

#: The number of an attempt stands above the step in one number of the counter; a drawing has fewer steps.
ATTEMPT_SHIFT = 20
#: So many attempts at one drawing have noise of their own: the counter has 32 bits.
ATTEMPTS = 1 << (32 - ATTEMPT_SHIFT)
#: The fixed number of rows of every product of torch under `exact`.
EXACT_WIDTH = 16
# Noise is made for a block of steps at once, and no call of a stepper makes more. The block is shorter where
# there are many rows, since much of it is thrown away when a drawing ends.
_BLOCK, _FEW_ROWS, _BLOCK_OF_FEW = 16, 16, 64
# Idle rows leave the batch from this share on: moving the other rows costs something.
_IDLE_SHARE = 1 / 8
# A loop of fewer drawings than this is as fast without a second thread.
_LEAST_EACH = 32


def default_width(model: DrawingModel) -> int:
    """How many rows suit the device that a model lies on."""
    return 128 if model.on_cpu else 4096


def find_exact_width(model: DrawingModel) -> int:
    """The fixed number of rows of every product of a model under `exact`.

    A row of numpy's products depends on its place among the rows, so that each is computed alone.

    Raises:
        DeviceError: no engine can step the model as its `decoding` says.
        PluginError: an engine that is unknown or fails.
    """
    return 1 if isinstance(stepper_of(model), NumpyStepper) else EXACT_WIDTH


def prepare_rows(stepper: Stepper, prompts: Prompts, which: Indices, least: int, most: int) -> State:
    """The stepper's state of some prompts, in products of `least` to `most` rows."""
    states = []
    for begin in range(0, max(len(which), 1), most):
        part = which[begin : begin + most]
        given = tuple(pad_rows(take_rows(each, part), least) for each in prompts.state)
        states.append(tuple(each[: len(part)] for each in stepper.prepare_state(given)))
    return tuple(concatenate(parts) for parts in zip(*states, strict=True))


class Decoder:
    """Drawings of one model by one sampler, a row each.

    Args:
        model: any backend's.
        sampler: chooses the points.
        queue: where requests come from.
        width: the most rows.
        least: the fewest rows of a product; idle rows fill it up.
        exact: whether every product has `width` rows.
        score: whether drafts carry their negative log-likelihood.
        choose: chooses the points instead of the sampler.
        max_steps: the most points that a step adds to a drawing.
        stepper: of the model, where the caller has it already.

    Attributes:
        latest: the numbers [n] of the drawings that the last step advanced, and the last point of each,
            [n, 5].

    Raises:
        DeviceError: no engine can step the model as its `decoding` says.
        PluginError: an engine that is unknown or fails.
    """

    def __init__(
        self,
        model: DrawingModel,
        sampler: StepSampler,
        queue: JobQueue,
        *,
        width: int | None = None,
        least: int | None = None,
        exact: bool = False,
        score: bool = False,
        choose: PointChooser | None = None,
        max_steps: int = _BLOCK_OF_FEW,
        stepper: Stepper | None = None,
    ) -> None:
        self.model, self.sampler, self.queue, self._on_cpu = model, sampler, queue, model.on_cpu
        self.stepper = stepper or stepper_of(model)
        self._rule = rule_of(sampler) if choose is None and self.stepper.max_steps > 0 else None
        self._chooser = None if self._rule else (choose or make_chooser(sampler, model))
        self._least = least or (1 if self.stepper.batch_invariant else LEAST_ROWS)
        self._width = max(width or default_width(model), self._least)
        self._exact, self._score, self._max_steps = exact, score, max_steps
        self.latest: tuple[Indices, Float32] = (np.zeros(0, np.int64), np.zeros((0, 5), np.float32))
        self._live = 0
        empty = np.zeros(0, np.int64)
        self._job, self._age, self._limit = empty, empty, empty
        self._seed, self._index, self._attempt = empty, empty, empty
        self._block = self._at = 0
        self._noise = np.zeros((0, 0, 4), np.float32)  # [B, block, 4]
        self._history = np.zeros((0, 0, 5), np.float32)  # [B, R, 5]
        self._losses = np.zeros((0, 0), np.float32)  # [B, R]
        self._points = np.zeros((0, 0, 5), np.float32)  # [block, B, 5]
        self._rows: Array = None  # [B, 5], read next
        self._state: State = ()
        self._memory: State = ()

    @property
    def live(self) -> int:
        """How many drawings have a row."""
        return self._live

    def step(self) -> list[Draft]:
        """Begin what waits, draw one point more of every drawing, or some; the drawings that are over."""
        with inference(self.model):
            self._admit()
            if not self._live:
                self.latest = (self._job[:0], self._history[:0, 0])
                return []
            if self._at == self._block:
                self._block = _BLOCK_OF_FEW if len(self._job) <= _FEW_ROWS else _BLOCK
                self._at = 0
                self._noise = np.empty((len(self._job), self._block, 4), np.float32)
                self._points = np.empty((self._block, len(self._job), 5), np.float32)
                self._make_noise(np.arange(len(self._job)))
            return self._collect(*self._advance())

    def drop(self, jobs: set[int]) -> None:
        """Give up drawings by their numbers."""
        rows = np.array([row for row, job in enumerate(self._job.tolist()) if job in jobs], np.int64)
        self._free(rows)

    # --- drawings that come and go ------------------------------------------------------------------------

    def _admit(self) -> None:
        """Begin drawings that wait, as many as there is room for."""
        portions = self.queue.take(self._width - self._live) if self.queue else []
        if not portions:
            self._shrink()
            return
        new = sum(len(jobs) for jobs, _ in portions)
        free = np.flatnonzero(self._job < 0)
        if new > len(free):
            self._resize(np.arange(len(self._job)), self._live + new)
            free = np.flatnonzero(self._job < 0)
        for jobs, requests in portions:
            mine, free = free[: len(jobs)], free[len(jobs) :]
            self._begin(mine, jobs, requests)

    def _begin(self, rows: Indices, jobs: Indices, requests: Requests) -> None:
        """Start drawings in some rows."""
        self._live += len(rows)
        self._job[rows], self._age[rows], self._limit[rows] = jobs, 0, requests.max_points
        self._seed[rows], self._index[rows] = requests.seed, requests.index_of
        self._attempt[rows] = requests.attempt_of
        room = requests.max_points + self._max_steps - self._history.shape[1]
        if room > 0:
            self._history = _widen(self._history, room)
            self._losses = _widen(self._losses, room if self._score else 0)
        prompts, which = requests.prompts, requests.prompt_of
        first = take_rows(prompts.rows, which)
        state = prepare_rows(self.stepper, prompts, which, self._least, self._width)
        memory = () if self._chooser is None else self._chooser.initial_memory(len(rows))
        if self._rows is None:
            fill = len(self._job)
            self._rows = pad_rows(first, fill)
            self._state, self._memory = (tuple(pad_rows(p, fill) for p in parts) for parts in (state, memory))
        else:
            # Not in place: these may be the very arrays that a sampler returned.
            self._rows = replace_rows(self._rows, rows, first)
            pairs = zip(self._memory, memory, strict=True)
            self._memory = tuple(replace_rows(part, rows, new) for part, new in pairs)
            for part, new in zip(self._state, state, strict=True):
                put_rows(part, rows, new)
        if self._at < self._block:
            self._make_noise(rows)

    def _resize(self, keep: Indices, least: int) -> None:
        """Keep some rows, and add idle ones up to `least`, or so many as a product needs."""
        size = self._width if self._exact else max(least, self._least, len(keep))
        idle = size - len(keep)
        for name in ("_job", "_age", "_seed", "_index", "_attempt", "_limit"):
            fill = np.full(idle, -1 if name == "_job" else 0, np.int64)
            setattr(self, name, np.concatenate([getattr(self, name)[keep], fill]))
        self._history, self._losses, self._noise = (
            np.concatenate([part[keep], np.zeros((idle, *part.shape[1:]), np.float32)])
            for part in (self._history, self._losses, self._noise)
        )
        self._points = np.empty((self._block, size, 5), np.float32)
        if self._rows is None:
            return
        # An idle row is computed like any other: it gets numbers that do no harm.
        places = np.concatenate([keep, np.zeros(idle, np.int64)])
        self._rows = take_rows(self._rows, places)
        self._state = tuple(take_rows(part, places) for part in self._state)
        self._memory = tuple(take_rows(part, places) for part in self._memory)

    def _shrink(self) -> None:
        """Let idle rows go, if there are many."""
        rows = len(self._job)
        if self._exact or rows - max(self._live, self._least) < max(rows * _IDLE_SHARE, 1):
            return
        live = np.flatnonzero(self._job >= 0)
        idle = np.flatnonzero(self._job < 0)
        self._resize(np.concatenate([live, idle[: max(self._least - len(live), 0)]]), 0)

    def _free(self, rows: Indices) -> None:
        self._live -= len(rows)
        self._job[rows] = -1

    # --- one step -----------------------------------------------------------------------------------------

    def _advance(self) -> tuple[int, Float32 | None]:
        """Some points in every row: how many, and their losses [steps, B]."""
        if self._rule is None:
            return 1, self._choose()
        steps = min(self._block - self._at, self._max_steps)
        if steps > 1:
            steps = min(steps, int((self._limit - self._age)[self._job >= 0].min()))
        losses = np.empty((steps, len(self._job)), np.float32) if self._score else None
        noise = self._noise[:, self._at : self._at + steps]
        uniforms, points, costs = map(self._wrap, (noise, self._points, losses))
        rows = self._rows if isinstance(self._rows, np.ndarray) else self._rows.float()
        made, self._state = self.stepper.draw(rows, self._state, uniforms, self._rule, points, costs)
        if not self._on_cpu:
            self._points[:made] = to_numpy(points[:made])
            losses = None if costs is None else to_numpy(costs)
        self._rows = self.model.to_own(self._points[made - 1].copy())
        return made, None if losses is None else losses[:made]

    def _choose(self) -> Float32 | None:
        """One point in every row, chosen from raw outputs."""
        assert self._chooser is not None
        raw, self._state = self.stepper.step(self._rows, self._state)
        points, self._memory = self._chooser.choose(
            raw, self._noise[:, self._at], self._memory, self._job, self._age
        )
        self._points[0] = to_numpy(points)
        self._rows = self.model.to_own(self._points[0].copy())
        return to_numpy(point_losses(raw, points)).astype(np.float32)[None] if self._score else None

    def _collect(self, made: int, losses: Float32 | None) -> list[Draft]:
        """File points under their drawings; those that are over."""
        points = self._points[:made]
        rows = np.arange(len(self._job))[:, None]
        columns = self._age[:, None] + np.arange(made)
        self._history[rows, columns] = points.swapaxes(0, 1)
        if losses is not None:
            self._losses[rows, columns] = losses.T
        going = self._job >= 0
        self.latest = (self._job[going], points[-1][going])
        begin = self._age
        self._age = np.where(going, begin + made, 0)
        self._at += made
        over = going & (self._age >= self._limit)
        ended = points[..., 4] == 1.0
        if not over.any() and not ended.any():
            return []
        any_end = ended.any(0)
        length = np.where(any_end, begin + ended.argmax(0) + 1, self._age)
        done = np.flatnonzero(going & (any_end | over))
        drafts = [self._draft(row, min(int(length[row]), int(self._limit[row]))) for row in done.tolist()]
        self._free(done)
        return drafts

    def _draft(self, row: int, length: int) -> Draft:
        nll = float(self._losses[row, :length].astype(np.float64).sum()) if self._score else float("nan")
        return make_draft(int(self._job[row]), self._history[row, :length], nll, int(self._attempt[row]))

    def _make_noise(self, rows: Indices) -> None:
        """Noise of some rows for the rest of the current block of steps."""
        first = (self._attempt[rows] << ATTEMPT_SHIFT) + self._age[rows]
        steps = first[:, None] + np.arange(self._block - self._at)
        seeds = self._seed[rows]
        for seed in sorted(set(seeds.tolist())):
            mine = seeds == seed
            made = uniform_array(seed, self._index[rows[mine], None], steps[mine])
            self._noise[rows[mine], self._at :] = made

    def _wrap(self, values: npt.NDArray[Any] | None) -> Any:
        """An array as the model's kind: of a tensor on the CPU the very memory."""
        if values is None or isinstance(self.model, ArrayModel):
            return values
        import torch

        tensor = torch.from_numpy(values)
        return tensor if self._on_cpu else tensor.to(self.model.device)


def _widen(values: Float32, room: int) -> Float32:
    """Values [B, R, ...] with so many columns of zeros behind them."""
    zeros = np.zeros((len(values), room, *values.shape[2:]), np.float32)
    return np.concatenate([values, zeros], axis=1) if values.size else zeros


def make_draft(job: int, rows: Float32, nll: float, attempt: int) -> Draft:
    """A drawing that is over; its rows [n, 5] are copied."""
    mine = rows.copy()
    if mine[-1, 4] == 1.0:
        mine[-1, :2] = 0.0  # the offset of an end row is untrained
    return Draft(job, mine, nll, attempt)


# --- everything at once -------------------------------------------------------------------------------------

_Loop: TypeAlias = Callable[[], Iterator[Draft]]


def decode_steps(
    model: DrawingModel,
    sampler: StepSampler,
    requests: Requests,
    *,
    width: int | None = None,
    exact: bool = False,
    score: bool = False,
    choose: PointChooser | None = None,
) -> Iterator[Draft]:
    """Draw until every drawing has ended or has as many rows as it may.

    Args:
        model: any backend's.
        sampler: chooses the points.
        requests: what to draw.
        width: see `sketchkit.engine.decode`, as for what follows.
        exact: whether every product has one fixed shape.
        score: whether drafts carry their negative log-likelihood.
        choose: chooses the points instead of the sampler.

    Yields:
        The drawings as they end, in no particular order; their `job` is the place among the requests.
    """
    if not len(requests):
        return
    stepper, threads = stepper_of(model), 1
    rule = rule_of(sampler) if choose is None else None
    if rule is not None and not exact:
        if not model.on_cpu and stepper.graph_capturable:
            from sketchkit.engine.device_loop import decode_on_device

            yield from decode_on_device(model, requests, rule, score, width)
            return
        threads = max(1, min(spare_threads(), len(requests) // _LEAST_EACH)) if stepper.thread_safe else 1
    narrow = stepper.batch_invariant or (len(requests) == 1 and LSTMWeights.fits(model))
    least = find_exact_width(model) if exact else 1 if narrow else LEAST_ROWS
    most = least if exact else max(width or default_width(model), least)
    most = max(min(most, -(-len(requests) // threads)), least)
    queue = JobQueue()
    queue.put(requests)

    def loop() -> Iterator[Draft]:
        decoder = Decoder(
            model,
            sampler,
            queue,
            width=most,
            least=least,
            exact=exact,
            score=score,
            choose=choose,
            stepper=stepper,
        )
        while (queue or decoder.live) and not queue.stopped:
            yield from decoder.step()

    yield from loop() if threads == 1 else run_threads(threads, loop, queue)


def run_threads(threads: int, loop: _Loop, queue: JobQueue) -> Iterator[Draft]:
    """Several loops at once that share a queue; each computes on one thread.

    Args:
        threads: how many.
        loop: draws until the queue is empty.
        queue: what they share.

    Yields:
        Drawings, as they end.

    Raises:
        BaseException: whatever a loop raises; the others stop at their next step.
    """
    done: SimpleQueue[Draft | BaseException | None] = SimpleQueue()

    def work() -> None:
        try:
            for draft in loop():
                done.put(draft)
        except BaseException as error:  # it is raised in the thread that waits
            done.put(error)
        else:
            done.put(None)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        while True:
            found = done.get()
            if isinstance(found, BaseException):
                raise found
            if found is None:
                threads -= 1
                if not threads:
                    return
            else:
                yield found
    finally:
        queue.stop()
        for worker in workers:
            worker.join()
