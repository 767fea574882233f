"""`complete` with a region or something to avoid: truncated draws first, then whole endings again."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.engine.choosers import SamplerChooser
from sketchkit.errors import InputError
from sketchkit.generate import Ending, complete
from sketchkit.generate.regions import Bounds
from sketchkit.generate.rejection import ATTEMPTS, CANDIDATES, NoEnding, RejectionChooser, Search
from sketchkit.models import DrawingModel, SketchModel
from sketchkit.noise import REDRAWING, Noise, uniforms
from sketchkit.sketch import Sketch
from sketchkit.units import Beginning

START = Sketch.from_polylines([[(100, 50), (140, 52), (150, 90)], [(120, 60), (125, 61), (131, 70)]])
TIGHT = (110.0, 50.0, 40.0, 40.0)
# Above, beside and across the pen's place, with room between them.
SHAPES = Sketch.from_polylines(
    [[(120, 40), (145, 40), (145, 60), (120, 60), (120, 40)], [(100, 80), (160, 85)]]
)
WHERE: dict[str, Any] = {"region": TIGHT, "avoid": SHAPES}


@pytest.fixture(scope="module")
def model(tiny_model: SketchModel) -> SketchModel:
    """One whose drawings go on for longer."""
    model = copy.deepcopy(tiny_model)
    with torch.no_grad():
        model.decoder.output.bias[:3] = torch.tensor([1.0, 0.3, -2.0])
    return model


def _complete(model: SketchModel, drawings: Any = START, n: int = 9, **values: Any) -> Any:
    return complete(model, drawings, n, **{"temperature": 1.0, "scale": 2.0, "exact": True, **values})


def _is_free(endings: list[Ending]) -> bool:
    bounds = Bounds(**WHERE)
    return all(bounds.allow_drawing(e.ending) and bounds.allow_drawing(e.sketch, len(START)) for e in endings)


@pytest.mark.parametrize("sampler", ["temperature", "top-k", "nucleus", "truncated"])
@pytest.mark.parametrize("exact", [False, True])
def test_with_every_sampler_added_ink_keeps_within_bounds(
    model: SketchModel, sampler: str, exact: bool
) -> None:
    free = _complete(model, sampler=sampler, exact=exact)
    kept = _complete(model, sampler=sampler, exact=exact, **WHERE)
    assert not _is_free(free)
    assert len(kept) == 9 and _is_free(kept)
    assert kept.attempts.redrawn >= sum(e.redrawn for e in kept) > 0
    assert any(len(e.ending) > 3 for e in kept)


def test_an_ending_that_keeps_within_bounds_by_itself_is_what_it_always_was(model: SketchModel) -> None:
    bounds = {"region": (90.0, 35.0, 80.0, 80.0)}
    free = _complete(model, n=64)
    kept = _complete(model, n=20, **bounds)
    same = [e for e in kept if e.redrawn == 0]
    assert same and len(same) < len(kept)
    assert same == [free[e.index] for e in same]
    fits = Bounds(**bounds).allow_drawing
    expected = [e.index for e in free if len(e.ending.without_end()) and fits(e.ending)]
    found = {e.index for e in kept}
    assert all(index in found for index in expected if index <= kept[-1].index)


def test_a_region_that_holds_everything_changes_nothing(model: SketchModel) -> None:
    free, kept = _complete(model), _complete(model, region=(-1e6, -1e6, 2e6, 2e6))
    assert [e for e in free if len(e.ending) > 1] == kept[: sum(len(e.ending) > 1 for e in free)]
    assert kept.attempts.redrawn == 0
    assert free.attempts is None


@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_the_batch_and_who_else_is_in_it_change_nothing(model: SketchModel, batch_size: int) -> None:
    alone = _complete(model, n=5, exact=False, **WHERE)
    other = Sketch.from_polylines([[(112, 80), (120, 70)]])
    together = _complete(model, [other, START], n=5, exact=False, batch_size=batch_size, **WHERE)[1]
    assert [e.index for e in together] == [e.index for e in alone]
    assert together.attempts == alone.attempts
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_allclose(a.sketch.stroke5, b.sketch.stroke5, atol=1e-3)


def test_exact_endings_within_bounds_are_equal_to_the_last_bit(model: SketchModel) -> None:
    few, many = _complete(model, n=3, **WHERE), _complete(model, [START, START], n=30, **WHERE)
    assert list(few) == many[0][:3] == many[1][:3]


def test_a_point_that_is_drawn_again_comes_from_the_models_density_within_bounds(model: SketchModel) -> None:
    values: dict[str, Any] = {"max_points": 1, "exact": False}
    right = (START.end_point[0], 0.0, 1e3, 1e3)
    free = [e for e in _complete(model, n=2000, **values) if Bounds(right).allow_drawing(e.ending)]
    kept = [e for e in _complete(model, n=1000, region=right, **values) if e.redrawn]
    assert len(kept) > 300
    for axis in (0, 1):
        mine, theirs = (
            np.sort([e.ending.points[0, axis] for e in group if len(e.ending.points)])
            for group in (kept, free)
        )
        places = np.concatenate([mine, theirs])
        gap = np.abs(
            np.searchsorted(mine, places, "right") / len(mine)
            - np.searchsorted(theirs, places, "right") / len(theirs)
        )
        # Kolmogorov and Smirnov: one in a thousand pairs of equal distributions differs by more.
        assert gap.max() < 1.95 * np.sqrt(1 / len(mine) + 1 / len(theirs))


def test_the_sampler_that_leaves_nothing_to_chance_cannot_be_turned(model: SketchModel) -> None:
    (free,) = _complete(model, n=1, sampler="greedy")
    x0, y0, x1, y1 = free.ending.bounds
    around = (x0 - 1, y0 - 1, x1 - x0 + 2, y1 - y0 + 2)
    assert list(_complete(model, n=1, sampler="greedy", region=around)) == [free]
    with pytest.raises(NoEnding, match="not one of 32 endings"):
        _complete(model, n=1, sampler="greedy", region=(x1 + 1, y0, 5, 5))


class _Straight:
    """A sampler whose first choice goes to the right, or ends the drawing if told to; the others go down."""

    def __init__(self) -> None:
        self.ends = False
        self.noise: list[Tensor] = []

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        self.noise.append(noise.uniforms)
        again = len(noise.uniforms) > len(INDEX)
        row = [0.0, 5.0, 1.0, 0.0, 0.0] if again else [9.0, 0.0, float(not self.ends), 0.0, float(self.ends)]
        return torch.tensor([row]).repeat(len(noise.uniforms), 1)


INDEX = np.array([4, 9])


def _fence(sampler: _Straight, walls: list[list[tuple[float, float]]]) -> Callable[[int], list[list[float]]]:
    """Choose the point of a step for two drawings whose pens begin, lifted, at (0, 0)."""
    begun = Beginning(np.array([[1.0, 1.0, 0.0, 1.0, 0.0]]), (0.0, 0.0), 1.0, False)
    bounds = Bounds(avoid=Sketch.from_polylines(walls))
    none = np.zeros(2, np.int64)
    chooser = SamplerChooser(sampler, cast(DrawingModel, SimpleNamespace(device="cpu")))
    fence = RejectionChooser(chooser, bounds, [begun], none, INDEX, seed=3, max_points=50)

    def chosen(step: int) -> list[list[float]]:
        noise, jobs = np.full((2, 4), 0.5, np.float32), np.arange(2)
        points, _ = fence.choose(torch.zeros(2, 9), noise, (), jobs, np.full(2, step))
        return [*points[:, :2].tolist(), fence.redrawn.tolist()]

    return chosen


def test_the_fence_sees_what_lies_under_a_pen_that_is_down() -> None:
    right, down = [9.0, 0.0], [0.0, 5.0]
    chosen = _fence(_Straight(), [[(5, -50), (5, 50)], [(14, -50), (14, 50)]])
    assert chosen(0) == [right, right, [0, 0]]  # lifted, it goes over the first wall
    assert chosen(1) == [down, down, [1, 1]]
    assert chosen(2) == [down, down, [2, 2]]


def test_the_fence_lets_a_drawing_end_and_looks_at_it_no_more() -> None:
    sampler = _Straight()
    chosen = _fence(sampler, [[(14, -50), (14, 50)], [(32, -50), (32, 50)]])
    assert chosen(0) == [[9.0, 0.0]] * 2 + [[0, 0]]
    sampler.ends = True  # with an offset that leads over a wall
    assert chosen(1) == [[9.0, 0.0]] * 2 + [[0, 0]]
    sampler.ends = False
    for step in (2, 3):  # the second of which would lead over the other
        assert chosen(step) == [[9.0, 0.0]] * 2 + [[0, 0]]


def test_points_that_are_drawn_again_have_noise_of_their_own() -> None:
    sampler = _Straight()
    chosen = _fence(sampler, [[(14, -50), (14, 50)]])
    for step in range(3):
        chosen(step)
    again = [noise.view(2, CANDIDATES - 1, 4) for noise in sampler.noise if len(noise) > 2]
    for step, found in enumerate(again, start=1):
        candidates = step + (torch.arange(1, CANDIDATES) << 20)
        assert torch.equal(found, uniforms(3, torch.from_numpy(INDEX)[:, None], candidates, REDRAWING))
    usual = uniforms(3, torch.from_numpy(INDEX)[:, None], torch.arange(50))
    every = torch.cat([usual.flatten(), *(noise.flatten() for noise in again)]).view(-1, 4)
    assert len(torch.unique(every, dim=0)) == len(every) == 2 * 50 + 2 * 2 * (CANDIDATES - 1)


def test_a_start_outside_the_region_is_reached_from_by_a_move(model: SketchModel) -> None:
    region = (133.0, 65.0, 60.0, 60.0)  # the pen stands left of it
    assert START.end_point[0] < region[0]
    kept = _complete(model, region=region)
    assert all(Bounds(region).allow_drawing(e.ending) for e in kept) and len(kept) == 9


@pytest.mark.parametrize(
    "drawing",
    [Sketch.from_polylines([[(0, 0), (30, 10)]], pen_down=True), Sketch.from_polylines([[(30, 10)]])],
)
def test_a_pen_that_is_down_outside_the_region_is_refused_at_once(
    model: SketchModel, drawing: Sketch
) -> None:
    with pytest.raises(NoEnding, match=r"begins with ink at \(30, 10\), which is out of bounds"):
        _complete(model, drawing, region=(100, 100, 50, 50))
    with pytest.raises(NoEnding, match=r"^drawing 1: every ending"):
        _complete(model, [START, drawing], region=(100, 40, 60, 60))
    assert len(_complete(model, drawing, region=(0, 0, 100, 100)))


def test_an_ending_without_ink_does_not_count(model: SketchModel) -> None:
    silent = copy.deepcopy(model)
    with torch.no_grad():
        silent.decoder.output.bias[2] = 1e3
    assert all(not len(e.ending.without_end()) for e in _complete(silent))
    with pytest.raises(NoEnding):
        _complete(silent, region=(0, 0, 1e3, 1e3))


def test_the_best_are_kept_among_those_within_bounds(model: SketchModel) -> None:
    kept, every = _complete(model, keep=3, **WHERE), _complete(model, **WHERE)
    assert 1 <= len(kept) <= 3 and kept.attempts == every.attempts
    assert all(e in every for e in kept)
    assert kept[0].nll_per_point == min(e.nll_per_point for e in every if e.finished == kept[0].finished)


def test_fewer_endings_than_were_asked_for_come_with_the_record_of_all_attempts(
    model: SketchModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sketchkit.generate.rejection.ATTEMPTS", 1)
    told: list[tuple[int, int]] = []
    kept = _complete(model, n=30, progress=lambda done, total: told.append((done, total)), **WHERE)
    assert 0 < len(kept) < 30
    assert (kept.attempts.asked, kept.attempts.tried, kept.attempts.satisfied) == (30, 30, len(kept))
    assert told == [(i + 1, 30) for i in range(len(kept))]


def test_no_endings_asked_for_are_none(model: SketchModel) -> None:
    assert _complete(model, n=0, region=TIGHT) == []


def test_a_clearance_alone_is_refused(model: SketchModel) -> None:
    with pytest.raises(InputError, match="a clearance needs a region or something to avoid"):
        _complete(model, clearance=1.0)


@dataclass(frozen=True)
class _Found:
    index: int


@given(good=st.sets(st.integers(0, 400)), asked=st.integers(1, 12))
def test_a_search_finds_the_first_that_satisfy_within_its_budget(good: set[int], asked: int) -> None:
    search = Search[_Found](asked)
    seen: list[int] = []
    while indices := search.next_round():
        seen += indices
        # In whatever order they are done.
        search.close_round([_Found(i) for i in reversed(indices) if i in good], [i % 3 for i in indices])
    found, record = search.result()
    within = sorted(index for index in good if index < asked * ATTEMPTS)
    assert [each.index for each in found] == within[:asked]
    assert seen == list(range(len(seen))) and len(seen) <= asked * ATTEMPTS
    tried = within[asked - 1] + 1 if len(within) >= asked else asked * ATTEMPTS
    assert (record.asked, record.tried, record.satisfied) == (asked, tried, len(found))
    assert record.redrawn == sum(i % 3 for i in range(tried))
