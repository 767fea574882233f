"""The check of samplers of whole drawings: each rule, broken by a sampler of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from checking import fault_of, faults_of

from sketchkit.sampling import Draft, Studio
from sketchkit.sampling.temperature import Temperature
from sketchkit.testing import check_sampler

HAND = Temperature(0.8)


class Shortest:
    """Takes the shortest of three drafts."""

    def draw(self, studio: Studio) -> Iterator[Draft]:
        jobs, n = np.arange(studio.jobs), 3
        drafts = list(studio.drafts(HAND, np.repeat(jobs, n), np.tile(np.arange(n), len(jobs))))
        for job in jobs.tolist():
            yield min((d for d in drafts if d.job == job), key=lambda d: (len(d.rows), d.attempt))


class ByHand:
    """Draws point by point from the density, with noise of the studio, and does not know the likelihood."""

    def draw(self, studio: Studio) -> Iterator[Draft]:
        for job in range(studio.jobs):
            which = np.array([job])
            row, state = studio.begin(which)
            rows = []
            while len(rows) < studio.max_points:
                density, state = studio.advance(row, state)
                row = HAND(density, studio.noise(which, np.array([0]), np.array([len(rows)])))
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
        def draw(self, studio: Studio) -> Iterator[Any]:
            yield from map(change, super().draw(studio))

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
    ("sampler", "words"),
    [
        (_spoilt(lambda draft: draft.rows), "draw yields a ndarray: yield sketchkit.sampling.Draft objects"),
        (
            _spoilt(lambda draft: dataclasses.replace(draft, job=7)),
            "a draft is of the job 7: number it from 0 to studio.jobs - 1",
        ),
        (
            _spoilt(lambda draft: dataclasses.replace(draft, job=np.int64(0))),
            "a draft is of the job",
        ),
        (_with_rows(lambda rows: rows.astype(np.float64)), "the rows of job 0 are float64 ["),
        (
            _with_rows(lambda rows: rows.tolist()),
            "rows of job 0 are a list: make them a float32 array [n, 5]",
        ),
        (_with_rows(lambda rows: rows[:, :3]), "the rows of job 0 are float32 ["),
        (
            _with_rows(lambda rows: rows[:0]),
            "job 0 has 0 rows where studio.max_points is 24: draw at ",
        ),
        (
            _with_rows(lambda rows: np.tile(rows, (25, 1))),
            "where studio.max_points is 24: draw at least 1",
        ),
        (_with_rows(_soft), "row 0 of job 0 is ("),
        (_with_rows(_endless), "inf, 1.0, 0.0, 0.0): make offsets finite and pen states one-hot"),
        (_with_rows(_end_early), "of job 0 ends the drawing: leave out what follows the end row"),
        (_with_rows(_end_away), "(3.0, 0.0, 0.0, 0.0, 1.0): end with (0, 0, 0, 0, 1)"),
        (
            _spoilt(lambda draft: dataclasses.replace(draft, attempt=4096)),
            "the attempt of job 0 is 4096: number attempts from 0 to 4095",
        ),
        (
            _spoilt(lambda draft: dataclasses.replace(draft, nll=draft.nll + 1.0)),
            "where the model itself says",
        ),
        (_spoilt(lambda draft: dataclasses.replace(draft, nll=None)), "the nll of job 0 is None where"),
    ],
)
def test_a_draft_that_is_none_is_told(sampler: Any, words: str) -> None:
    fault = fault_of(check_sampler, sampler)
    assert words in fault, fault


class _Twice(Shortest):
    def draw(self, studio: Studio) -> Iterator[Draft]:
        for draft in super().draw(studio):
            yield draft
            if draft.job == 2:
                yield draft


class _Skips(Shortest):
    def draw(self, studio: Studio) -> Iterator[Draft]:
        return (draft for draft in super().draw(studio) if draft.job != 2)


class _NeverStops(Shortest):
    def draw(self, studio: Studio) -> Iterator[Draft]:
        while True:
            yield from super().draw(studio)


@pytest.mark.parametrize(("sampler", "times"), [(_Twice, "2"), (_Skips, "0"), (_NeverStops, "7")])
def test_each_drawing_is_drawn_once(sampler: Any, times: str) -> None:
    assert f" is drawn {times} times: yield one draft for each job" in fault_of(check_sampler, sampler)


class _Fails:
    def draw(self, studio: Studio) -> Iterator[Draft]:
        raise LookupError("nothing to be found")


class _OutOfRange:
    def draw(self, studio: Studio) -> Iterator[Draft]:
        return studio.drafts(HAND, np.arange(studio.jobs), np.full(studio.jobs, 5000))


@pytest.mark.parametrize(
    ("sampler", "words"),
    [
        (_Fails, "LookupError: nothing to be found when 7 drawings"),
        (_OutOfRange, "InputError: an attempt must"),
    ],
)
def test_what_it_raises_is_told(sampler: Any, words: str) -> None:
    fault = fault_of(check_sampler, sampler)
    assert fault.startswith(f"it raises {words}") and fault.endswith(": draw with what the studio offers")


class _ByChance(Shortest):
    def draw(self, studio: Studio) -> Iterator[Draft]:
        attempt = np.random.randint(4000, size=studio.jobs)
        return studio.drafts(HAND, np.arange(studio.jobs), attempt)


def test_chance_of_its_own_is_told() -> None:
    faults = faults_of(check_sampler, _ByChance)
    assert faults[0].startswith(
        "it draws from the global generator of numpy.random: take noise from the studio"
    )


class _FirstToCome:
    """Takes of each job whichever draft comes first."""

    def draw(self, studio: Studio) -> Iterator[Draft]:
        jobs, seen = np.arange(studio.jobs), set()
        for draft in studio.drafts(HAND, np.repeat(jobs, 2), np.tile([0, 1], len(jobs))):
            if draft.job not in seen:
                seen.add(draft.job)
                yield draft


class _ByNumber:
    """Draws jobs of odd numbers with other noise."""

    def draw(self, studio: Studio) -> Iterator[Draft]:
        jobs = np.arange(studio.jobs)
        return studio.drafts(HAND, jobs, jobs % 2)


class _ByCompany:
    """Draws with other noise where there are few jobs."""

    def draw(self, studio: Studio) -> Iterator[Draft]:
        jobs = np.arange(studio.jobs)
        return studio.drafts(HAND, jobs, np.full(len(jobs), int(len(jobs) < 5)))


class _Unlike:
    """Draws nothing twice, so that of equal jobs each gets another attempt."""

    def draw(self, studio: Studio) -> Iterator[Draft]:
        seen: set[bytes] = set()
        for job in range(studio.jobs):
            for attempt in range(50):
                (draft,) = studio.drafts(HAND, np.array([job]), np.array([attempt]))
                if draft.rows.tobytes() not in seen:
                    break
            seen.add(draft.rows.tobytes())
            yield draft


@pytest.mark.parametrize(
    ("sampler", "told"),
    [
        (_FirstToCome, "the order in which its drafts come"),
        (_ByNumber, "the order of the jobs"),
        (_ByCompany, "how many other jobs there are"),
        (_Unlike, "whether other jobs are like it"),
    ],
)
def test_a_drawing_that_depends_on_its_company_is_told(sampler: Any, told: str) -> None:
    wanted = f"a drawing depends on {told}: decide about each job by its own drafts, sorted by their attempt"
    assert wanted in faults_of(check_sampler, sampler)


class _NeedsOne(Shortest):
    def draw(self, studio: Studio) -> Iterator[Draft]:
        if not studio.jobs:
            raise ValueError("at least one job")
        return super().draw(studio)


class _AlwaysSome(Shortest):
    def draw(self, studio: Studio) -> Iterator[Draft]:
        if studio.jobs:
            return super().draw(studio)
        return iter([Draft(0, np.array([[0, 0, 0, 0, 1]], np.float32), 0.0)])


def test_nothing_is_drawn_where_nothing_is_asked_for() -> None:
    assert "ValueError: at least one job when no drawing is asked for: draw nothing where" in fault_of(
        check_sampler, _NeedsOne
    )
    assert fault_of(check_sampler, _AlwaysSome) == (
        "it draws something when no drawing is asked for: draw one for each of studio.jobs"
    )
