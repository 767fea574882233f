"""Samplers with memory, and of whole drawings: a drawing is still a function of its seed and index."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint

import numpy as np
import pytest
import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.engine import decode, read_prompts, stepper_of
from sketchkit.errors import InputError, PluginError
from sketchkit.generate import complete, infill, sample
from sketchkit.models import SketchModel
from sketchkit.noise import Noise
from sketchkit.registry import Plugin
from sketchkit.sampling import (
    AnySampler,
    Draft,
    DraftingContext,
    DrawingSampler,
    StatefulSampler,
    make_sampler,
)
from sketchkit.sampling.guarded import guard_sampler
from sketchkit.sketch import Sketch

EMPTY = np.zeros((0, 5))


def _draw(model: SketchModel, sampler: AnySampler, indices: list[int], **more: object) -> dict[int, Draft]:
    settings = {"seed": 1, "max_points": 30, **more}
    prompts = read_prompts(model, [EMPTY], exact_width=16 if more.get("exact") else None)
    which, index = np.zeros(len(indices), np.int64), np.array(indices, np.int64)
    return {d.job: d for d in decode(model, sampler, prompts, which, index, **settings)}  # type: ignore[arg-type]


@dataclass(frozen=True)
class Tired:
    """Ends a drawing after `patience` points, which it counts itself."""

    patience: int = 5

    def initial_state(self, rows: int, device: torch.device) -> tuple[Tensor, ...]:
        return (torch.zeros(rows, dtype=torch.int64, device=device),)

    def step(
        self, density: MixtureDensity, noise: Noise, state: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        points = density.draw(noise)
        count = state[0] + 1
        pens = points.new_tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])[(count >= self.patience).long()]
        return torch.cat((points[:, :2], pens), 1), (count,)


def test_a_memory_begins_anew_with_each_drawing_that_takes_a_slot(tiny_model: SketchModel) -> None:
    assert isinstance(Tired(), StatefulSampler)
    drawn = _draw(tiny_model, Tired(), list(range(23)), width=4)
    assert {len(each.rows) for each in drawn.values()} == {5}
    assert all(each.ended for each in drawn.values())


@dataclass(frozen=True)
class Uneven(Tired):
    """Ends a drawing at a length of its own, so that slots empty and shrink at different times."""

    def initial_state(self, rows: int, device: torch.device) -> tuple[Tensor, ...]:
        return (*super().initial_state(rows, device), torch.zeros(rows, device=device))

    def step(
        self, density: MixtureDensity, noise: Noise, state: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        points = density.draw(noise)
        count, walked = state[0] + 1, state[1] + points[:, :2].abs().sum(-1)
        over = (walked > 15.0) | (count >= 25)
        pens = points.new_tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])[over.long()]
        return torch.cat((points[:, :2], pens), 1), (count, walked)


@pytest.mark.parametrize("width", [4, 9, 64])
def test_a_memory_follows_its_drawing_through_every_slot(tiny_model: SketchModel, width: int) -> None:
    alone = [_draw(tiny_model, Uneven(), [i])[0].rows for i in range(40)]
    assert len({len(rows) for rows in alone}) > 5
    drawn = _draw(tiny_model, Uneven(), list(range(40)), width=width)
    for job, rows in enumerate(alone):
        assert len(drawn[job].rows) == len(rows)
        np.testing.assert_allclose(drawn[job].rows, rows, atol=1e-5)


def test_a_memory_is_kept_within_bounds_and_in_a_gap(tiny_model: SketchModel) -> None:
    begun = Sketch.from_polylines([[(0, 0), (10, 0), (10, 10)]])
    freely = complete(tiny_model, begun, 6, sampler=Uneven(), scale=1.0)
    wide = complete(tiny_model, begun, 6, sampler=Uneven(), scale=1.0, region=(-1e4, -1e4, 2e4, 2e4))
    assert [e.sketch for e in freely] == [e.sketch for e in wide]
    tight = complete(tiny_model, begun, 6, sampler=Uneven(), scale=1.0, region=(-30, -30, 60, 60))
    assert any(e.redrawn for e in tight)


class Retracing:
    """Remembers whose row it is and what it chose last; some lift the pen at every third point, others later.

    What the model has just read must be the very points that were chosen before, row by row.
    """

    def __init__(self, model: SketchModel, monkeypatch: pytest.MonkeyPatch) -> None:
        self.owners: list[list[int]] = []  # whose rows came, step by step
        stepper = stepper_of(model)
        own = stepper.step

        def watched(rows: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
            self.read = rows
            return own(rows, state)

        monkeypatch.setattr(stepper, "step", watched)

    def initial_state(self, rows: int, device: torch.device) -> tuple[Tensor, ...]:
        self.owners = []
        return torch.arange(rows), torch.zeros(rows, dtype=torch.int64), torch.zeros(rows, 5)

    def step(
        self, density: MixtureDensity, noise: Noise, state: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        owner, count, last = state
        if self.owners:  # all particles begin at once
            assert torch.equal(self.read, last), "a memory has left its drawing"
        self.owners.append(owner.tolist())
        pens = torch.eye(3)[((count + 1) % (3 + owner % 3) == 0).long()]
        points = torch.cat((density.draw(noise)[:, :2], pens), 1)
        return points, (owner, count + 1, points)


def test_a_memory_goes_with_its_particle_into_a_gap(
    tiny_model: SketchModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing = Sketch.from_polylines(
        [[(0, 0), (10, 0), (10, 10)], [(3, 3), (5, 5)], [(40, 40), (60, 45), (50, 80)]]
    )
    sampler = Retracing(tiny_model, monkeypatch)
    filled = infill(tiny_model, drawing, (1, 2), 5, 32, sampler=sampler, max_strokes=6)
    # The likely have taken the places of others, and some went on while others had come to a stroke's end.
    assert any(len(set(rows)) < len(rows) for rows in sampler.owners)
    assert len({len(rows) for rows in sampler.owners}) > 1
    lengths = [{len(line) for line in each.part.to_polylines()} for each in filled]
    assert all(len(each) == 1 for each in lengths) and set.union(*lengths) == {3, 4, 5}
    assert any(each.part.n_strokes > 1 for each in filled)
    again = infill(tiny_model, drawing, (1, 2), 5, 32, sampler=sampler, max_strokes=6)
    assert [e.sketch for e in again] == [e.sketch for e in filled]


# --- whole drawings ---------------------------------------------------------------------------------------


NAMES = ("best-of", "mbr", "restarts")


@pytest.mark.parametrize("name", NAMES)
def test_a_drawing_depends_on_neither_company_nor_width(tiny_model: SketchModel, name: str) -> None:
    sampler = make_sampler(name, 1.0, {"n": 4})
    assert isinstance(sampler, DrawingSampler)
    usual = _draw(tiny_model, sampler, list(range(12)))
    other = _draw(tiny_model, sampler, [7, 3, 11], width=4)
    for job, index in enumerate((7, 3, 11)):
        np.testing.assert_allclose(other[job].rows, usual[index].rows, atol=1e-5)
        assert other[job].attempt == usual[index].attempt


@pytest.mark.parametrize("name", NAMES)
def test_one_draft_is_what_is_drawn_without(tiny_model: SketchModel, name: str) -> None:
    plain = _draw(tiny_model, make_sampler("temperature", 1.0), list(range(8)))
    drafted = _draw(tiny_model, make_sampler(name, 1.0, {"n": 1}), list(range(8)))
    for job, draft in plain.items():
        np.testing.assert_array_equal(drafted[job].rows, draft.rows)


def _drafts(model: SketchModel, index: int, n: int) -> list[Draft]:
    """All drafts of one drawing, as a sampler that keeps them sees them."""
    seen: list[Draft] = []

    class Looking:
        def draw(self, context: DraftingContext) -> Iterator[Draft]:
            found = context.drafts(
                make_sampler("temperature", 1.0),
                np.zeros(n, np.int64),
                np.arange(n),  # type: ignore[arg-type]
            )
            seen.extend(sorted(found, key=lambda each: each.attempt))
            yield seen[0]

    _draw(model, Looking(), [index])
    return seen


def test_drafts_differ_and_tell_their_likelihood(tiny_model: SketchModel) -> None:
    drafts = _drafts(tiny_model, 3, 6)
    assert [draft.attempt for draft in drafts] == list(range(6))
    assert all(not np.array_equal(a.rows, b.rows) for a, b in itertools.pairwise(drafts))
    rows = torch.from_numpy(drafts[0].rows)[None]
    wanted = tiny_model.score(rows, torch.tensor([len(drafts[0].rows)]))
    assert drafts[0].nll == pytest.approx(float(wanted[0]), rel=1e-4)


def test_best_of_takes_the_likeliest_that_has_ended(tiny_model: SketchModel) -> None:
    sampler = make_sampler("best-of", 1.0, {"n": 6})
    for index in range(10):
        drafts = _drafts(tiny_model, index, 6)
        whole = [d for d in drafts if d.ended] or drafts
        chosen = _draw(tiny_model, sampler, [index])[0]
        assert chosen.attempt == min(whole, key=lambda d: d.nll / len(d.rows)).attempt


def test_the_least_risk_is_in_the_middle() -> None:
    def line(x: float) -> Draft:
        return Draft(0, np.array([[x, 0, 1, 0, 0], [0, 9, 1, 0, 0], [0, 0, 0, 0, 1]], np.float32), 1.0)

    sampler = make_sampler("mbr")
    chosen = sampler.choose([line(0), line(10), line(12), line(40)])  # type: ignore[union-attr]
    assert chosen.rows[0, 0] == 10
    cut = Draft(0, line(10).rows[:-1], 1.0)
    assert sampler.choose([cut, cut, line(50)]).rows[0, 0] == 50  # type: ignore[union-attr]


def test_restarts_end_more_drawings_and_take_the_first_that_does(tiny_model: SketchModel) -> None:
    count = 60
    once = _draw(tiny_model, make_sampler("temperature", 1.0), list(range(count)), max_points=12)
    again = _draw(tiny_model, make_sampler("restarts", 1.0, {"n": 8}), list(range(count)), max_points=12)
    assert sum(d.ended for d in once.values()) < sum(d.ended for d in again.values())
    for job, draft in once.items():
        if draft.ended:
            np.testing.assert_allclose(again[job].rows, draft.rows, atol=1e-5)
        elif again[job].ended:
            before = _drafts(tiny_model, job, 8)[: again[job].attempt]
            assert not any(len(d.rows) <= 12 and d.ended for d in before)


def test_a_limit_that_nothing_meets_gives_the_best_of_all(tiny_model: SketchModel) -> None:
    strict = _draw(tiny_model, make_sampler("restarts", 1.0, {"n": 5, "limit": -100}), [0, 1, 2])
    best = _draw(tiny_model, make_sampler("best-of", 1.0, {"n": 5}), [0, 1, 2])
    assert {job: d.attempt for job, d in strict.items()} == {job: d.attempt for job, d in best.items()}


@pytest.mark.parametrize("name", NAMES)
def test_whole_drawings_are_exact_where_that_is_asked_for(tiny_model: SketchModel, name: str) -> None:
    sampler = make_sampler(name, 1.0, {"n": 3})
    usual = _draw(tiny_model, sampler, list(range(9)), exact=True)
    alone = _draw(tiny_model, sampler, [5], exact=True)
    np.testing.assert_array_equal(alone[0].rows, usual[5].rows)


def test_a_sampler_of_whole_drawings_serves_every_way_of_drawing(tiny_model: SketchModel) -> None:
    begun = Sketch.from_polylines([[(0, 0), (10, 0), (10, 10)]])
    endings = complete(tiny_model, begun, 3, sampler="best-of", options={"n": 3}, scale=1.0)
    assert len(endings) == 3 and all(np.isfinite(e.nll_per_point) for e in endings)
    assert len(sample(tiny_model, 4, sampler="mbr", options={"n": 3})) == 4


def test_where_every_point_counts_it_is_refused(tiny_model: SketchModel) -> None:
    begun = Sketch.from_polylines([[(0, 0), (10, 0), (10, 10)], [(3, 3), (5, 5)]])
    with pytest.raises(InputError, match="looks at whole drawings cannot draw within bounds"):
        complete(tiny_model, begun, 3, sampler="best-of", scale=1.0, region=(-50, -50, 100, 100))
    with pytest.raises(InputError, match="looks at whole drawings cannot draw into a gap"):
        infill(tiny_model, begun, (0, 1), sampler="best-of")
    with pytest.raises(InputError, match="looks at whole drawings cannot draw drafts"):
        sample(tiny_model, 2, sampler="best-of", options={"by": "mbr"})


@dataclass
class Wrong:
    """Draws what nobody asked for."""

    jobs: tuple[int, ...]

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        for job in self.jobs:
            yield Draft(job, np.zeros((1, 5), np.float32), 0.0)


@pytest.mark.parametrize(("jobs", "words"), [((0, 0), "twice"), ((0,), "drew 1 of 2"), ((), "drew 0 of 2")])
def test_a_sampler_that_forgets_a_drawing_is_told(
    tiny_model: SketchModel, jobs: tuple[int, ...], words: str
) -> None:
    with pytest.raises(PluginError, match=words):
        _draw(tiny_model, Wrong(jobs), [0, 1])


def test_a_studio_lets_a_sampler_search_for_itself(tiny_model: SketchModel) -> None:
    """Point by point through the context comes to what the loop draws."""
    hand = make_sampler("temperature", 1.0)

    class Stepping:
        def draw(self, context: DraftingContext) -> Iterator[Draft]:
            jobs = np.arange(context.jobs)
            rows, state = context.begin(jobs)
            out = []
            for step in range(context.max_points):
                density, state = context.advance(rows, state)
                rows = hand(density, context.noise(jobs, jobs * 0, jobs * 0 + step))  # type: ignore[operator]
                out.append(rows.numpy().copy())
            for job in jobs.tolist():
                mine = np.stack([points[job] for points in out])
                ends = np.flatnonzero(mine[:, 4] == 1)
                stop = int(ends[0]) + 1 if len(ends) else len(mine)
                mine = mine[:stop]
                if len(ends):
                    mine[-1, :2] = 0
                yield Draft(job, mine, 0.0)

    usual = _draw(tiny_model, hand, list(range(7)))
    stepped = _draw(tiny_model, Stepping(), list(range(7)))
    for job, draft in usual.items():
        np.testing.assert_allclose(stepped[job].rows, draft.rows, atol=1e-5)


@dataclass
class Asking:
    """Asks the context for something, and draws nothing."""

    ask: Callable[[DraftingContext], object]

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        self.ask(context)
        yield from ()


HAND = make_sampler("temperature", 1.0)
BOTH = np.array([0, 1])


@pytest.mark.parametrize(
    ("ask", "found"),
    [
        (lambda context: list(context.drafts(HAND, BOTH, BOTH[:1])), "2 jobs, 1 attempts"),
        (lambda context: list(context.drafts(HAND, BOTH[:1], BOTH)), "1 jobs, 2 attempts"),
        (lambda context: context.noise(BOTH, BOTH[:1], BOTH), "2 jobs, 1 attempts, 2 steps"),
        (lambda context: context.noise(BOTH, BOTH, BOTH[:1]), "2 jobs, 2 attempts, 1 steps"),
        (lambda context: context.noise(BOTH[:0], BOTH[:1], BOTH[:1]), "0 jobs, 1 attempts, 1 steps"),
    ],
)
def test_a_studio_refuses_numbers_that_do_not_go_together(
    tiny_model: SketchModel, ask: Callable[[DraftingContext], object], found: str
) -> None:
    with pytest.raises(InputError, match=f"go together, one of each a row, got {found}$"):
        _draw(tiny_model, Asking(ask), [0, 1])


@pytest.mark.parametrize("stranger", [False, True])
def test_a_studio_draws_no_drafts_with_a_sampler_of_whole_drawings(
    tiny_model: SketchModel, stranger: bool
) -> None:
    hand = make_sampler("best-of", 1.0, {"n": 2})
    if stranger:
        entry = EntryPoint("best", "sketchkit.sampling.best_of:BestOf", "sketchkit.samplers")
        hand = guard_sampler(Plugin("sampler", "best", "best-plugin", entry), hand)
    asking = Asking(lambda context: list(context.drafts(hand, BOTH, BOTH)))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="looks at whole drawings cannot draw drafts"):
        _draw(tiny_model, asking, [0, 1])


@pytest.mark.parametrize("bad", [[-1], [99], [[0]], [0.5]])
def test_a_studio_refuses_what_is_no_job(tiny_model: SketchModel, bad: list[object]) -> None:
    with pytest.raises(InputError, match="a job"):
        _draw(tiny_model, Asking(lambda context: context.begin(np.array(bad))), [0])
