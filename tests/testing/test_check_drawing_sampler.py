"""The check of samplers of whole drawings: each rule, broken by a sampler of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from checking import rules_of

from sketchkit.sampling import Draft, DraftingContext
from sketchkit.sampling.temperature import Temperature
from sketchkit.testing import check_sampler

HAND = Temperature(0.8)


class Shortest:
    """Takes the shortest of three drafts."""

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        jobs, n = np.arange(context.jobs), 3
        drafts = list(context.drafts(HAND, np.repeat(jobs, n), np.tile(np.arange(n), len(jobs))))
        for job in jobs.tolist():
            yield min((d for d in drafts if d.job == job), key=lambda d: (len(d.rows), d.attempt))


class ByHand:
    """Draws point by point from the density, with noise of the context, and does not know the likelihood."""

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        for job in range(context.jobs):
            which = np.array([job])
            row, state = context.begin(which)
            rows = []
            while len(rows) < context.max_points:
                density, state = context.advance(row, state)
                row = HAND(density, context.noise(which, np.array([0]), np.array([len(rows)])))
                rows.append(row[0].numpy().copy())
                if rows[-1][4]:
                    rows[-1][:2] = 0.0
                    break
            yield Draft(job, np.stack(rows), float("nan"))


@pytest.mark.parametrize("sampler", [Shortest, ByHand, Shortest()])
def test_samplers_of_whole_drawings_pass(sampler: Any) -> None:
    check_sampler(sampler)


def _spoilt(change: Callable[[Draft], Any]) -> Any:
    class Spoilt(Shortest):
        def draw(self, context: DraftingContext) -> Iterator[Any]:
            yield from map(change, super().draw(context))

    return Spoilt


def _with_rows(change: Callable[[Any], Any]) -> Any:
    return _spoilt(lambda draft: dataclasses.replace(draft, rows=change(draft.rows.copy())))


def _soft(rows: Any) -> Any:
    rows[0, 2:] = (0.5, 0.5, 0.0)
    return rows


def _endless(rows: Any) -> Any:
    rows[0, 1] = np.inf
    return rows


def _end_early(rows: Any) -> Any:
    rows[0] = (0, 0, 0, 0, 1)
    return np.concatenate((rows, rows[:1])) if len(rows) < 2 else rows


def _end_away(rows: Any) -> Any:
    if rows[-1, 4]:
        rows[-1, 0] = 3.0
    return rows


@pytest.mark.parametrize(
    ("sampler", "rule"),
    [
        (_spoilt(lambda draft: draft.rows), "a draft"),
        (
            _spoilt(lambda draft: dataclasses.replace(draft, job=7)),
            "the job",
        ),
        (
            _spoilt(lambda draft: dataclasses.replace(draft, job=np.int64(0))),
            "the job",
        ),
        (_with_rows(lambda rows: rows.astype(np.float64)), "rows"),
        (
            _with_rows(lambda rows: rows.tolist()),
            "rows",
        ),
        (_with_rows(lambda rows: rows[:, :3]), "rows"),
        (
            _with_rows(lambda rows: rows[:0]),
            "length",
        ),
        (
            _with_rows(lambda rows: np.tile(rows, (25, 1))),
            "length",
        ),
        (_with_rows(_soft), "rows"),
        (_with_rows(_endless), "rows"),
        (_with_rows(_end_early), "ends"),
        (_with_rows(_end_away), "ends"),
        (
            _spoilt(lambda draft: dataclasses.replace(draft, attempt=4096)),
            "attempt",
        ),
        (
            _spoilt(lambda draft: dataclasses.replace(draft, nll=draft.nll + 1.0)),
            "likelihood",
        ),
        (_spoilt(lambda draft: dataclasses.replace(draft, nll=None)), "likelihood"),
    ],
)
def test_a_draft_that_is_none_is_told(sampler: Any, rule: str) -> None:
    assert rules_of(check_sampler, sampler) == (rule,)


class _Twice(Shortest):
    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        for draft in super().draw(context):
            yield draft
            if draft.job == 2:
                yield draft


class _Skips(Shortest):
    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        return (draft for draft in super().draw(context) if draft.job != 2)


class _NeverStops(Shortest):
    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        while True:
            yield from super().draw(context)


@pytest.mark.parametrize("sampler", [_Twice, _Skips, _NeverStops])
def test_each_drawing_is_drawn_once(sampler: Any) -> None:
    assert rules_of(check_sampler, sampler) == ("once each",)


class _Fails:
    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        raise LookupError("nothing to be found")


class _OutOfRange:
    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        return context.drafts(HAND, np.arange(context.jobs), np.full(context.jobs, 5000))


@pytest.mark.parametrize("sampler", [_Fails, _OutOfRange])
def test_exceptions_are_faults(sampler: Any) -> None:
    assert rules_of(check_sampler, sampler) == ("drafts",)


class _ByChance(Shortest):
    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        attempt = np.random.randint(4000, size=context.jobs)
        return context.drafts(HAND, np.arange(context.jobs), attempt)


def test_chance_of_its_own_is_told() -> None:
    assert rules_of(check_sampler, _ByChance)[0] == "generators untouched"


class _FirstToCome:
    """Takes of each job whichever draft comes first."""

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        jobs, seen = np.arange(context.jobs), set()
        for draft in context.drafts(HAND, np.repeat(jobs, 2), np.tile([0, 1], len(jobs))):
            if draft.job not in seen:
                seen.add(draft.job)
                yield draft


class _ByNumber:
    """Draws jobs of odd numbers with other noise."""

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        jobs = np.arange(context.jobs)
        return context.drafts(HAND, jobs, jobs % 2)


class _ByCompany:
    """Draws with other noise where there are few jobs."""

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        jobs = np.arange(context.jobs)
        return context.drafts(HAND, jobs, np.full(len(jobs), int(len(jobs) < 5)))


class _Unlike:
    """Draws nothing twice, so that of equal jobs each gets another attempt."""

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        seen: set[bytes] = set()
        for job in range(context.jobs):
            for attempt in range(50):
                (draft,) = context.drafts(HAND, np.array([job]), np.array([attempt]))
                if draft.rows.tobytes() not in seen:
                    break
            seen.add(draft.rows.tobytes())
            yield draft


@pytest.mark.parametrize(
    ("sampler", "rule"),
    [
        (_FirstToCome, "alone: the order of its drafts"),
        (_ByNumber, "alone: the order of the jobs"),
        (_ByCompany, "alone: the number of other jobs"),
        (_Unlike, "alone: equal jobs beside it"),
    ],
)
def test_a_drawing_that_depends_on_its_company_is_told(sampler: Any, rule: str) -> None:
    assert rule in rules_of(check_sampler, sampler)


class _NeedsOne(Shortest):
    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        if not context.jobs:
            raise ValueError("at least one job")
        return super().draw(context)


class _AlwaysSome(Shortest):
    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        if context.jobs:
            return super().draw(context)
        return iter([Draft(0, np.array([[0, 0, 0, 0, 1]], np.float32), 0.0)])


def test_nothing_is_drawn_where_nothing_is_asked_for() -> None:
    assert rules_of(check_sampler, _NeedsOne) == ("no jobs",)
    assert rules_of(check_sampler, _AlwaysSome) == ("no jobs",)
