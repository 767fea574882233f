"""The decoding loop: many drawings at once, each in a slot that the next one takes over when it ends.

No row is computed for a drawing that has ended: its slot goes to a waiting drawing, and once nobody waits
the batch shrinks. On an accelerator the ends are looked at every few steps only, since each look waits for
the device; a drawing may then run that many steps past its end, which are thrown away.

How a step is computed is the stepper's business. A sampler that is nothing but a tempered draw leaves that to
the stepper, too, several points a call; for any other the stepper gives raw outputs, and the sampler chooses.

A drawing depends on its prompt, the seed and its own index alone. Matrix products of other shapes may round
differently, though, so that a drawing may differ in the last bits between batch sizes; `exact` computes
every product at one fixed shape, which makes drawings equal bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.engine.alone import drawn_alone, is_alone
from sketchkit.engine.plain import loss_of
from sketchkit.engine.resident import drawn_on_the_device
from sketchkit.engine.steppers import State
from sketchkit.engine.waiting import Waiting
from sketchkit.engine.work import ATTEMPT_SHIFT, Indices, Work
from sketchkit.engine.workers import drawn_by, workers_for
from sketchkit.noise import Noise, uniforms
from sketchkit.sampling import Draft, DrawRule, StepSampler, rule_of, stateful

__all__ = ["Chooser", "decode_steps"]

# So many steps a block: for those noise is made at once, a hundred small operations, and no call of a stepper
# makes more. Fewer where there are many slots, since much of it is thrown away when a drawing ends.
_STEPS, _FEW_SLOTS, _FEW_SLOTS_STEPS = 16, 16, 64
# How many steps pass at least between two looks at what has ended, and from what share on idle slots go: to
# move the others costs something, and what an accelerator has recorded is for one number of rows.
_PACE = {"cpu": (1, 1 / 8)}
_ACCELERATOR_PACE = (8, 1 / 2)


class Chooser(Protocol):
    """Chooses points in a sampler's stead, and knows whose they are."""

    def __call__(
        self, raw: Tensor, noise: Noise, memory: State, jobs: Indices, steps: Indices
    ) -> tuple[Tensor, State]:
        """Choose a point for every slot.

        Args:
            raw: [B, 6M + 3], the model's raw outputs.
            noise: B rows of uniform numbers.
            memory: what the sampler remembers of each slot's drawing.
            jobs: [B], the job in each slot, -1 where there is none.
            steps: [B], which point of its drawing it is; on an accelerator a slot may run on for some steps
                after its drawing is over.

        Returns:
            [B, 5] and the memory after, as a sampler does.
        """
        ...


def decode_steps(
    work: Work, sampler: StepSampler, *, score: bool = False, choose: Chooser | None = None
) -> Iterator[Draft]:
    """Draw until every job has ended or has as many rows as it may.

    Args:
        work: what to draw.
        sampler: chooses the points.
        score: whether to keep the negative log-likelihood.
        choose: chooses the points in the sampler's stead.

    Yields:
        The drawings as they end, in no particular order.
    """
    jobs, several = len(work.prompt_of), 1
    if not jobs:
        return
    # Whoever else chooses points may not be ready for threads, or for being recorded.
    rule = rule_of(sampler) if choose is None else None

    @torch.inference_mode()
    def drawn(waiting: Waiting) -> Iterator[Draft]:
        loop = _Loop(work, waiting, sampler, rule, score, choose)
        while loop.live and not waiting.stopped:
            loop.step()
            yield from loop.harvest()

    if rule is not None and not work.exact:
        if work.model.device.type == "cuda" and work.stepper.recordable:
            yield from drawn_on_the_device(work, rule, score)
            return
        if is_alone(work):
            yield drawn_alone(work, rule, score)
            return
        several = workers_for(jobs) if work.stepper.many_at_once else 1
    waiting = Waiting(jobs, several)
    yield from drawn(waiting) if several == 1 else drawn_by(several, drawn, waiting)


class _Loop:
    """The slots and what fills them. Tensors are indexed by slot first."""

    def __init__(
        self,
        work: Work,
        waiting: Waiting,
        sampler: StepSampler,
        rule: DrawRule | None,
        score: bool,
        choose: Chooser | None,
    ) -> None:
        self.work, self.waiting, self.sampler, self.choose = work, waiting, stateful(sampler), choose
        self.stepper = work.stepper
        self.rule = rule if self.stepper.most_steps > 0 else None
        device = self.device = work.model.device
        self.dtype = work.model.dtype
        slots = max(min(work.most_rows, waiting.share), work.least_rows)
        self.stride, self.idle_share = _PACE.get(device.type, _ACCELERATOR_PACE)
        self.tick = 0
        self.unseen = 0  # steps since the last look
        self.made = 0  # steps of the last call
        self.job: Indices = np.full(slots, -1, np.int64)
        self.age: Indices = np.zeros(slots, np.int64)
        self.block = _FEW_SLOTS_STEPS if slots <= _FEW_SLOTS else _STEPS
        ring = work.max_points + self.stride + self.block
        self.history = torch.zeros(ring, slots, 5, device=device)
        self.losses = torch.zeros(ring, slots, device=device) if score else None
        self.points = torch.zeros(self.block, slots, 5, device=device)  # of the last steps
        self.memory = self.sampler.initial_state(slots, device)
        self.noise = torch.zeros(slots, self.block, 4, device=device)
        self.noise_at = 0
        jobs = waiting.take(slots)
        self.job[: len(jobs)] = jobs
        prompt = self._tensor(work.prompt_of[np.maximum(self.job, 0)])
        self.rows, self.state = work.prompts.rows[prompt], work.entered(prompt)
        self._make_noise(np.arange(slots))

    @property
    def live(self) -> bool:
        return bool((self.job >= 0).any())

    def step(self) -> None:
        """One point further in every slot, or some."""
        if self.noise_at == self.block:
            self.noise_at = 0
            self._make_noise(np.arange(len(self.job)))
        losses = None if self.losses is None else self.losses.new_empty(self.block, len(self.job))
        self.made = made = self._chosen(losses) if self.rule is None else self._drawn(self.rule, losses)
        self._keep(self.history, self.points[:made])
        if self.losses is not None and losses is not None:
            self._keep(self.losses, losses[:made])
        # Not the very row: what is drawn next is written over it.
        self.rows = self.points[made - 1].to(self.dtype, copy=True)
        self.tick += made
        self.noise_at += made
        self.unseen += made
        self.age += made

    def _drawn(self, rule: DrawRule, losses: Tensor | None) -> int:
        """Some steps by the stepper alone; how many."""
        left = self.work.max_points - int(self.age[self.job >= 0].max())
        noise = self.noise[:, self.noise_at : self.noise_at + max(left, 1)]
        made, self.state = self.stepper.draw(self.rows.float(), self.state, noise, rule, self.points, losses)
        return made

    def _chosen(self, losses: Tensor | None) -> int:
        """One step, after which somebody else chooses the points."""
        raw, self.state = self.stepper.step(self.rows, self.state)
        density, noise = MixtureDensity(raw), Noise(self.noise[:, self.noise_at])
        if self.choose is None:
            points, self.memory = self.sampler.step(density, noise, self.memory)
        else:
            points, self.memory = self.choose(raw, noise, self.memory, self.job, self.age)
        self.points[0] = points
        if losses is not None:
            losses[0] = loss_of(density, points)
        return 1

    def _keep(self, ring: Tensor, made: Tensor) -> None:
        """Write steps into a ring [R, slots, ...], which they may go over the end of."""
        begin = self.tick % len(ring)
        first = min(len(made), len(ring) - begin)
        ring[begin : begin + first] = made[:first]
        if first < len(made):
            ring[: len(made) - first] = made[first:]

    def harvest(self) -> list[Draft]:
        """Take out what has ended, if it is time to look, and refill or shrink."""
        if self.unseen < self.stride or self._nothing_over():
            return []
        lengths = self._lengths_of_ended()
        done = np.flatnonzero((lengths > 0) & (self.job >= 0))
        out = self._taken(done, lengths[done]) if len(done) else []
        over = np.flatnonzero(lengths > 0)
        self.unseen = 0
        if len(over):
            self._fill(over)
            if not self.work.exact:
                self._shrink()
        return out

    def _nothing_over(self) -> bool:
        """Whether a look at the last points alone tells that no drawing is over."""
        if self.unseen > self.made or self.age.max() >= self.work.max_points:
            return False
        if bool((self.points[: self.unseen, :, 4] == 1.0).any()):
            return False
        self.unseen = 0
        return True

    def _lengths_of_ended(self) -> Indices:
        """How many rows each slot's drawing has if it is over, else 0."""
        ended = (
            self._since(self.history, self.tick - self.unseen)[..., 4].cpu().numpy() == 1.0
        )  # [unseen, slots]
        any_end = ended.any(axis=0)
        at_end = self.age - self.unseen + ended.argmax(axis=0) + 1
        length = np.where(any_end, at_end, self.age)
        over = any_end | (self.age >= self.work.max_points)
        return np.where(over, np.minimum(length, self.work.max_points), 0)

    def _taken(self, slots: Indices, lengths: Indices) -> list[Draft]:
        """The drawings in some slots, copied out of the ring in one go."""
        if len(slots) == 1:
            return [self._only(int(slots[0]), int(lengths[0]))]
        begin = self.tick - self.age[slots]
        ticks = np.concatenate([np.arange(b, b + n) for b, n in zip(begin, lengths, strict=True)])
        places, columns = self._places(ticks), self._tensor(np.repeat(slots, lengths))
        rows = self.history[places, columns].cpu().numpy()
        losses = None if self.losses is None else self.losses[places, columns].cpu().double().numpy()
        out = []
        for slot, stop, n in zip(slots, np.cumsum(lengths), lengths, strict=True):
            part = slice(stop - n, stop)
            mine = None if losses is None else losses[part]
            out.append(self.work.draft(int(self.job[slot]), rows[part], mine))
        return out

    def _only(self, slot: int, length: int) -> Draft:
        """The drawing in one slot."""
        begin = self.tick - int(self.age[slot])
        rows = self._since(self.history, begin)[:length, slot].cpu().numpy()
        losses = None
        if self.losses is not None:
            losses = self._since(self.losses, begin)[:length, slot].cpu().double().numpy()
        return self.work.draft(int(self.job[slot]), rows, losses)

    def _since(self, ring: Tensor, tick: int) -> Tensor:
        """What a ring holds from a step on; a view where it lies in one piece."""
        begin, end = tick % len(ring), self.tick % len(ring)
        if begin < end or not end:
            return ring[begin : end or len(ring)]
        return torch.cat((ring[begin:], ring[:end]))

    def _fill(self, slots: Indices) -> None:
        """Start waiting jobs in slots; those for which nobody waits become idle."""
        jobs = self.waiting.take(len(slots))
        n = len(jobs)
        taken, idle = slots[:n], slots[n:]
        self.job[taken] = jobs
        self.job[idle] = -1
        self.age[slots] = 0
        if not n:
            return
        where = self._tensor(taken)
        prompt = self._tensor(self.work.prompt_of[self.job[taken]])
        # Not in place: they may be the very tensor that the sampler gave us.
        self.rows = self.rows.index_copy(0, where, self.work.prompts.rows[prompt])
        for part, new in zip(self.state, self.work.entered(prompt), strict=True):
            part[where] = new
        fresh = self.sampler.initial_state(n, self.device)
        self.memory = tuple(
            part.index_copy(0, where, new) for part, new in zip(self.memory, fresh, strict=True)
        )
        self._make_noise(taken)

    def _shrink(self) -> None:
        """Let idle slots go, if there are many."""
        live, least = np.flatnonzero(self.job >= 0), self.work.least_rows
        if len(self.job) - max(len(live), least) < max(len(self.job) * self.idle_share, 1):
            return
        idle = np.flatnonzero(self.job < 0)
        slots = np.concatenate([live, idle[: max(least - len(live), 0)]])
        where = self._tensor(slots)
        self.job, self.age = self.job[slots], self.age[slots]
        self.rows, self.noise, self.history = self.rows[where], self.noise[where], self.history[:, where]
        self.points = self.points[:, where]
        self.state = tuple(part[where] for part in self.state)
        self.memory = tuple(part[where] for part in self.memory)
        if self.losses is not None:
            self.losses = self.losses[:, where]

    def _make_noise(self, slots: Indices) -> None:
        """Noise of some slots for the rest of the current block of steps."""
        jobs = self.job[slots]  # an idle slot's -1 means the last one, whose noise does no harm
        index = self.work.index_of[jobs]
        attempt = self.work.attempt_of[jobs] << ATTEMPT_SHIFT
        steps = (attempt + self.age[slots])[:, None] + np.arange(self.block - self.noise_at)
        values = uniforms(self.work.seed, self._tensor(index)[:, None], self._tensor(steps))
        if len(slots) == len(self.job):  # all of them, in order
            self.noise[:, self.noise_at :] = values
        else:
            self.noise[self._tensor(slots), self.noise_at :] = values

    def _places(self, ticks: Indices) -> Tensor:
        return self._tensor(ticks % len(self.history))

    def _tensor(self, values: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(values).to(self.device)
