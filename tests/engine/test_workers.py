"""Several loops at once: the same drawings, and no loop left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from sketchkit.engine.decode import decode_steps
from sketchkit.engine.prompts import read_prompts
from sketchkit.engine.waiting import Waiting
from sketchkit.engine.work import Work
from sketchkit.engine.workers import drawn_by, workers_for
from sketchkit.models import SketchModel
from sketchkit.sampling import Draft
from sketchkit.sampling.temperature import Temperature


def _drafts(waiting: Waiting) -> Iterator[Draft]:
    while len(jobs := waiting.take(3)) and not waiting.stopped:
        for job in jobs:
            yield Draft(int(job), np.zeros((1, 5), np.float32), 0.0)


def test_every_job_is_drawn_once() -> None:
    found = [draft.job for draft in drawn_by(4, _drafts, Waiting(100, 4))]
    assert sorted(found) == list(range(100))


def test_there_is_something_for_every_loop_to_begin_with() -> None:
    assert Waiting(100, 4).share == 25
    assert Waiting(5, 4).share == 2


@pytest.mark.parametrize(("threads", "jobs", "loops"), [(1, 1000, 1), (4, 31, 1), (4, 64, 2), (4, 999, 4)])
def test_few_drawings_are_not_shared(
    threads: int, jobs: int, loops: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sketchkit.engine.workers.spare_threads", lambda: threads)
    assert workers_for(jobs) == loops


def test_what_one_loop_raises_is_raised_and_ends_the_others() -> None:
    def failing(waiting: Waiting) -> Iterator[Draft]:
        if waiting.take(1)[0] == 0:
            raise KeyError("first")
        while not waiting.stopped:
            yield Draft(0, np.zeros((1, 5), np.float32), 0.0)

    before = threading.active_count()
    with pytest.raises(KeyError, match="first"):
        list(drawn_by(3, failing, Waiting(10_000)))
    assert threading.active_count() == before


def test_whoever_stops_listening_ends_the_loops() -> None:
    def endless(waiting: Waiting) -> Iterator[Draft]:
        while not waiting.stopped:
            yield Draft(0, np.zeros((1, 5), np.float32), 0.0)

    before = threading.active_count()
    drafts = drawn_by(2, endless, Waiting(2))
    next(drafts)
    drafts.close()
    assert threading.active_count() == before


def test_a_drawing_does_not_depend_on_who_draws_it(
    tiny_model: SketchModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = read_prompts(tiny_model, [np.zeros((0, 5))])
    none, jobs = np.zeros(300, np.int64), np.arange(300)
    work = Work(tiny_model, prompts, none, jobs, none, 4, 40, None, False)
    drawn = []
    for threads in (1, 3):
        monkeypatch.setattr("sketchkit.engine.workers.spare_threads", lambda threads=threads: threads)
        drawn.append({draft.job: draft for draft in decode_steps(work, Temperature(), score=True)})
    assert drawn[0].keys() == drawn[1].keys()
    for job, draft in drawn[0].items():
        assert np.array_equal(draft.rows, drawn[1][job].rows)
        assert draft.nll == pytest.approx(drawn[1][job].nll, rel=1e-5)
    assert torch.get_num_threads() == 1
