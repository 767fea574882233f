"""Beam search: what it finds, beside all that there is to be found."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sketchkit_extra_samplers import Beam
from torch import Tensor

import sketchkit
from sketchkit.density import MixtureDensity
from sketchkit.noise import Noise, uniforms
from sketchkit.sampling import Draft, DrawingSampler, StepSampler

Indices = npt.NDArray[np.int64]
State = tuple[Tensor, ...]
MIXTURES = 2
SIZE = 6 * MIXTURES + 3


@dataclass
class Toy:
    """A context with a model so small that all its drawings can be looked at."""

    seed: int
    jobs: int = 2
    max_points: int = 4

    def __post_init__(self) -> None:
        values = uniforms(self.seed, torch.arange(SIZE), torch.arange(2)[:, None]).double() * 6.0 - 3.0
        self.weights = values  # [2, SIZE, 4]
        self.widest = 0
        self.followed: dict[tuple[int, tuple[int, ...]], tuple[float, float, list[Tensor], State]] = {}

    def begin(self, jobs: Indices) -> tuple[Tensor, State]:
        return torch.zeros(len(jobs), 5), (torch.from_numpy(jobs)[:, None] * 0.3 + torch.zeros(1, SIZE),)

    def advance(self, rows: Tensor, state: State) -> tuple[MixtureDensity, State]:
        self.widest = max(self.widest, len(rows))
        (before,) = state
        seen = rows[:, 0:1] * self.weights[0, :, 0] + rows[:, 1:2] * self.weights[0, :, 1]
        seen = seen + rows[:, 2:3] * self.weights[0, :, 2] + self.weights[1, :, 0]
        after = torch.tanh(before * self.weights[0, :, 3] + seen).float()
        return MixtureDensity(after * self.weights[1, :, 1].float()), (after,)

    def noise(self, jobs: Indices, attempts: Indices, steps: Indices) -> Noise:
        index, step = torch.from_numpy(jobs), torch.from_numpy(attempts * 1_000 + steps)
        return Noise(uniforms(self.seed, index, step))

    def drafts(self, sampler: StepSampler, jobs: Indices, attempts: Indices) -> Iterator[Draft]:
        raise NotImplementedError("a search draws no drafts")

    def walk(self, job: int, choices: tuple[int, ...]) -> tuple[float, float, Tensor]:
        """Log-probability of choices, NLL and rows; choice 2 M is the end."""
        score, nll, rows, _ = self._follow(job, choices)
        return score, nll, torch.cat(rows)

    def _follow(self, job: int, choices: tuple[int, ...]) -> tuple[float, float, list[Tensor], State]:
        """The same, and the state after it; many ways have their beginning in common."""
        if (job, choices) not in self.followed:
            self.followed[job, choices] = self._choose(job, choices[:-1], choices[-1])
        return self.followed[job, choices]

    def _choose(
        self, job: int, before: tuple[int, ...], choice: int
    ) -> tuple[float, float, list[Tensor], State]:
        row, state = self.begin(np.array([job]))
        score, nll, rows = 0.0, 0.0, []
        if before:
            score, nll, rows, state = self._follow(job, before)
            row = rows[-1]
        density, state = self.advance(row, state)
        pen, component = divmod(choice, MIXTURES)
        score += float(density.pen_logits.log_softmax(-1)[0, pen])
        row = density.point(torch.tensor([component]), torch.zeros(1, 2), torch.tensor([pen]))
        offset, told = density.log_prob(row)
        nll -= float(told) + (float(offset) if pen < 2 else 0.0)
        if pen < 2:
            score += float(density.component_logits.log_softmax(-1)[0, component])
        else:
            row[:, :2] = 0.0
        return score, nll, [*rows, row], state


def finished(longest: int) -> Iterator[tuple[int, ...]]:
    """The choices of every drawing that ends within so many rows."""
    for length in range(longest):
        for way in itertools.product(range(2 * MIXTURES), repeat=length):
            yield (*way, 2 * MIXTURES)


def alike(rows: npt.NDArray[np.float32], others: npt.NDArray[np.float32]) -> bool:
    return rows.shape == others.shape and np.allclose(rows, others, atol=1e-5)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.5, 1.0, 2.0]))
def test_wide_enough_it_finds_the_best_of_all_drawings_that_end(seed: int, alpha: float) -> None:
    toy = Toy(seed)
    for draft in Beam(width=1_024, alpha=alpha, spread=0.0).draw(toy):
        found = {way: toy.walk(draft.job, way) for way in finished(toy.max_points)}
        best = max(score / len(way) ** alpha for way, (score, _, _) in found.items())
        mine = [way for way, (_, _, rows) in found.items() if alike(rows.numpy(), draft.rows)]
        assert draft.ended and len(mine) == 1
        score, nll, _ = found[mine[0]]
        assert score / len(mine[0]) ** alpha == pytest.approx(best, abs=1e-4)
        assert draft.nll == pytest.approx(nll, rel=1e-4, abs=1e-3)


def likeliest(toy: Toy, job: int) -> tuple[int, ...]:
    """The likeliest choice after each other, up to the end."""
    chosen: tuple[int, ...] = ()
    while len(chosen) < toy.max_points and 2 * MIXTURES not in chosen:
        ways = [(*chosen, way) for way in range(2 * MIXTURES + 1)]
        chosen = max(ways, key=lambda way: toy.walk(job, way)[0])
    return chosen


@given(st.integers(0, 10_000))
def test_of_width_1_it_takes_the_likeliest_choice_at_each_point(seed: int) -> None:
    toy = Toy(seed, max_points=6)
    for draft in Beam(width=1, spread=0.0).draw(toy):
        _, nll, rows = toy.walk(draft.job, likeliest(toy, draft.job))
        assert alike(rows.numpy(), draft.rows)
        assert draft.nll == pytest.approx(nll, rel=1e-4, abs=1e-3)


def test_drawings_are_followed_a_thousand_hypotheses_at_a_time_however_many_there_are() -> None:
    toy = Toy(5, jobs=600, max_points=8)
    drafts = list(Beam(width=16).draw(toy))
    assert sorted(draft.job for draft in drafts) == list(range(600))
    assert 512 < toy.widest <= 1_024


@pytest.mark.parametrize("options", [{}, {"width": 1}, {"width": 9, "alpha": 0.0}, {"spread": 3.0}])
def test_a_drawing_has_at_most_as_many_rows_as_it_may(options: dict[str, float]) -> None:
    for longest in (1, 2, 7):
        for draft in Beam(**options).draw(Toy(7, jobs=9, max_points=longest)):  # type: ignore[arg-type]
            assert 1 <= len(draft.rows) <= longest


def test_it_is_a_sampler_of_whole_drawings() -> None:
    assert isinstance(Beam(), DrawingSampler)


def test_without_noise_every_drawing_is_the_same_and_with_it_every_one_is_another() -> None:
    model = sketchkit.load_model("doodle")
    still = sketchkit.sample(model, 3, class_name="sun", sampler=Beam(spread=0.0), max_points=30)
    moved = sketchkit.sample(model, 3, class_name="sun", sampler=Beam(spread=0.6), max_points=30)
    assert len({sketch.stroke5.tobytes() for sketch in still}) == 1
    assert len({sketch.stroke5.tobytes() for sketch in moved}) == 3


def test_a_drawing_depends_neither_on_its_number_nor_on_the_batch() -> None:
    model = sketchkit.load_model("doodle")
    sampler = Beam(width=400)  # two drawings at a time
    all_five = sketchkit.sample(model, 5, sampler=sampler, max_points=6, exact=True)
    last = sketchkit.sample(model, 1, sampler=sampler, max_points=6, first=4, batch_size=4, exact=True)
    assert last == all_five[4:]
