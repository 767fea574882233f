"""Several loops at once: the same drawings, and no loop left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from sketchkit.engine import JobQueue, Prompts, Requests, read_prompts
from sketchkit.engine.decoder import decode_steps, run_threads
from sketchkit.models import SketchModel
from sketchkit.sampling import Draft
from sketchkit.sampling.temperature import Temperature


def _queue(jobs: int) -> JobQueue:
    queue, none = JobQueue(), np.zeros(jobs, np.int64)
    queue.put(Requests(Prompts(np.zeros((1, 5)), ()), none, np.arange(jobs), none, 0, 1))
    return queue


def _draft(job: int) -> Draft:
    return Draft(job, np.zeros((1, 5), np.float32), 0.0)


def test_every_job_is_drawn_once() -> None:
    queue = _queue(100)

    def loop() -> Iterator[Draft]:
        while portions := queue.take(3):
            yield from (_draft(int(job)) for jobs, _ in portions for job in jobs)

    assert sorted(draft.job for draft in run_threads(4, loop, queue)) == list(range(100))


def test_a_queue_hands_out_requests_in_the_order_of_their_arrival() -> None:
    queue = _queue(5)
    assert queue.put(queue.take(2)[0][1]) == range(5, 7)
    taken = [(jobs.tolist(), requests.index_of.tolist()) for jobs, requests in queue.take(4)]
    assert taken == [([2, 3, 4], [2, 3, 4]), ([5], [0])]
    assert [jobs.tolist() for jobs, _ in queue.take(9)] == [[6]]
    assert not queue


def test_what_waits_is_never_copied() -> None:
    queue = _queue(1000)
    ((_, first),) = queue.take(3)
    ((_, second),) = queue.take(500)
    assert first.index_of.base is second.index_of.base is not None


def test_what_one_loop_raises_is_raised_and_ends_the_others() -> None:
    queue = _queue(10_000)

    def failing() -> Iterator[Draft]:
        if queue.take(1)[0][0][0] == 0:
            raise KeyError("first")
        while not queue.stopped:
            yield _draft(0)

    before = threading.active_count()
    with pytest.raises(KeyError, match="first"):
        list(run_threads(3, failing, queue))
    assert threading.active_count() == before


def test_closing_the_generator_ends_the_loops() -> None:
    queue = _queue(2)

    def endless() -> Iterator[Draft]:
        while not queue.stopped:
            yield _draft(0)

    before = threading.active_count()
    drafts = run_threads(2, endless, queue)
    next(drafts)
    drafts.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_a_drawing_is_the_same_whichever_thread_draws_it(
    tiny_model: SketchModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = read_prompts(tiny_model, [np.zeros((0, 5))])
    none, jobs = np.zeros(300, np.int64), np.arange(300)
    requests = Requests(prompts, none, jobs, none, 4, 40)
    drawn = []
    for threads in (1, 3):
        monkeypatch.setattr("sketchkit.engine.decoder.spare_threads", lambda threads=threads: threads)
        found = decode_steps(tiny_model, Temperature(), requests, score=True)
        drawn.append({draft.job: draft for draft in found})
    assert drawn[0].keys() == drawn[1].keys()
    for job, draft in drawn[0].items():
        assert np.array_equal(draft.rows, drawn[1][job].rows)
        assert draft.nll == pytest.approx(drawn[1][job].nll, rel=1e-5)
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize(("threads", "jobs", "loops"), [(1, 1000, 1), (4, 31, 1), (4, 64, 2), (4, 999, 4)])
def test_few_drawings_are_drawn_by_few_loops(
    threads: int, jobs: int, loops: int, tiny_model: SketchModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []

    def count(threads: int, loop: object, queue: JobQueue) -> Iterator[Draft]:
        begun.append(threads)
        return iter(())

    monkeypatch.setattr("sketchkit.engine.decoder.spare_threads", lambda: threads)
    monkeypatch.setattr("sketchkit.engine.decoder.run_threads", count)
    prompts, none = read_prompts(tiny_model, [np.zeros((0, 5))]), np.zeros(jobs, np.int64)
    found = list(decode_steps(tiny_model, Temperature(), Requests(prompts, none, none, none, 0, 2)))
    assert (begun or [1]) == [loops]
    assert len(found) == (jobs if loops == 1 else 0)
