"""What must hold of a sampler that looks at whole drawings, tried with the engine itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from sketchkit.density import MixtureDensity
from sketchkit.engine import Prompts, read_prompts
from sketchkit.engine.studio import Easel
from sketchkit.engine.work import Work
from sketchkit.generate import sample
from sketchkit.models import SketchModel
from sketchkit.sampling import AnySampler, Draft, DrawingSampler
from sketchkit.testing.chance import check_pure
from sketchkit.testing.faults import Faults
from sketchkit.testing.small import small_model

__all__ = ["check_drawings", "check_sampling"]

_MAX_POINTS = 24
_SEED = 5
#: The jobs: which of two beginnings each goes on with, and the index of its noise.
_PROMPT_OF = np.array([0, 1, 0, 1, 0, 0, 1], np.int64)
_INDEX_OF = np.array([4, 0, 1, 2, 9, 3, 7], np.int64)
_ADVICE = "draw with what the studio offers"

Indices = Any
#: What a drawing must be the same in: its rows, and from which attempt.
Outcome = tuple[bytes, int]


def check_drawings(sampler: DrawingSampler, faults: Faults) -> None:
    """Try a sampler of whole drawings; see `check_sampler`."""
    model = small_model()
    prompts = read_prompts(model, [np.zeros((0, 5)), np.array([[1.0, 0.5, 1, 0, 0], [-0.5, 1.0, 1, 0, 0]])])
    everyone = np.arange(len(_PROMPT_OF))

    def drawn(jobs: Indices = everyone, turned: bool = False) -> dict[int, Outcome]:
        studio = _studio(model, prompts, jobs, turned)
        return {int(jobs[draft.job]): _outcome(draft) for draft in _drafts(sampler, studio)}

    with faults.during("drafts", f"when {len(everyone)} drawings are asked for", _ADVICE):
        _check_drafts(_drafts(sampler, _studio(model, prompts, everyone)), model, prompts, faults)
    if len(faults):
        return
    with faults.during("drafts again", "when it is asked again", _ADVICE):
        wanted = check_pure(drawn, "drawings", "take noise from the studio", faults)
        if len(faults):
            return
        _check_company(drawn, wanted, faults)
    with faults.during("no jobs", "when no drawing is asked for", "draw nothing where studio.jobs is 0"):
        if _drafts(sampler, _studio(model, prompts, everyone[:0])):
            told = "it draws something when no drawing is asked for"
            faults.add("no jobs", f"{told}: draw one for each of studio.jobs")
    if not len(faults):
        check_sampling(sampler, faults)


def check_sampling(sampler: AnySampler, faults: Faults) -> None:
    """Draw as a user does: the same drawings, whatever is drawn beside them."""
    model = small_model()
    with faults.during(
        "sampling", "when it draws for sketchkit.sample", "return finite points of a usable size"
    ):
        few = sample(model, 3, sampler=sampler, seed=_SEED, max_points=_MAX_POINTS, exact=True)
        more = sample(model, 18, sampler=sampler, seed=_SEED, max_points=_MAX_POINTS, exact=True)
        if few != more[:3]:
            advice = "let nothing but a drawing's own density, noise and state decide"
            faults.add("sampling", f"a drawing changes with how many are drawn beside it: {advice}")


def _check_company(
    drawn: Callable[..., dict[int, Outcome]], wanted: dict[int, Outcome], faults: Faults
) -> None:
    everyone = np.arange(len(_PROMPT_OF))
    for jobs, turned, told in (
        (everyone, True, "the order in which its drafts come"),
        (np.array([3, 0, 6, 1, 5, 2, 4]), False, "the order of the jobs"),
        (np.array([2, 5]), False, "how many other jobs there are"),
        (np.repeat(everyone, 3), False, "whether other jobs are like it"),
    ):
        if drawn(jobs, turned) != {job: wanted[job] for job in jobs.tolist()}:
            advice = "decide about each job by its own drafts, sorted by their attempt"
            faults.add(f"alone {told}", f"a drawing depends on {told}: {advice}")


def _check_drafts(drafts: list[Any], model: SketchModel, prompts: Prompts, faults: Faults) -> None:
    jobs = len(_PROMPT_OF)
    for draft in drafts:
        if not isinstance(draft, Draft):
            kind = type(draft).__name__
            faults.add("a draft", f"draw yields a {kind}: yield sketchkit.sampling.Draft objects")
            return
        if not (isinstance(draft.job, int) and 0 <= draft.job < jobs):
            faults.add("the job", f"a draft is of the job {draft.job!r}: number it from 0 to studio.jobs - 1")
            return
        _check_rows(draft, faults)
    numbers = [draft.job for draft in drafts]
    for job in range(jobs):
        if numbers.count(job) != 1:
            times = numbers.count(job)
            faults.add(
                "once each", f"job {job} of {jobs} is drawn {times} times: yield one draft for each job"
            )
    if not len(faults):
        for draft in drafts:
            _check_likelihood(draft, model, prompts, faults)


def _check_rows(draft: Draft, faults: Faults) -> None:
    rows, job = draft.rows, draft.job
    if not isinstance(rows, np.ndarray) or rows.dtype != np.float32 or rows.shape != (len(rows), 5):
        advice = "make them a float32 array [n, 5]"
        faults.add("rows", f"the rows of job {job} are {_described(rows)}: {advice}")
        return
    if not 1 <= len(rows) <= _MAX_POINTS:
        advice = "draw at least 1 and at most studio.max_points rows, an end row included"
        faults.add(
            "length", f"job {job} has {len(rows)} rows where studio.max_points is {_MAX_POINTS}: {advice}"
        )
        return
    pens = rows[:, 2:]
    one_hot = ((pens == 0) | (pens == 1)).all(1) & (pens.sum(1) == 1)
    if not np.isfinite(rows).all() or not one_hot.all():
        place = int(np.flatnonzero(~(one_hot & np.isfinite(rows).all(1)))[0])
        row = tuple(rows[place].tolist())
        advice = "make offsets finite and pen states one-hot"
        faults.add("rows", f"row {place} of job {job} is {row}: {advice}")
    elif (ends := np.flatnonzero(pens[:, 2])).size and ends[0] != len(rows) - 1:
        advice = "leave out what follows the end row"
        faults.add("ends", f"row {ends[0]} of {len(rows)} of job {job} ends the drawing: {advice}")
    elif ends.size and rows[-1, :2].any():
        advice = "end with (0, 0, 0, 0, 1)"
        faults.add("ends", f"the end row of job {job} is {tuple(rows[-1].tolist())}: {advice}")
    if not isinstance(draft.attempt, int) or not 0 <= draft.attempt < 4096:
        faults.add(
            "attempt", f"the attempt of job {job} is {draft.attempt!r}: number attempts from 0 to 4095"
        )


@torch.inference_mode()
def _check_likelihood(draft: Draft, model: SketchModel, prompts: Prompts, faults: Faults) -> None:
    """The likelihood must be that of the rows under the model itself, or unknown."""
    if isinstance(draft.nll, float) and math.isnan(draft.nll):
        return
    prompt = int(_PROMPT_OF[draft.job])
    rows = torch.from_numpy(draft.rows)
    inputs = torch.cat((prompts.rows[prompt : prompt + 1], rows[:-1]))[None]
    raw, _ = model(inputs, tuple(part[prompt : prompt + 1] for part in prompts.state))
    offset, pen = MixtureDensity(raw[0]).log_prob(rows)
    wanted = -float((torch.where(rows[:, 4] == 1.0, 0.0, offset) + pen).sum())
    if not isinstance(draft.nll, float) or not math.isclose(draft.nll, wanted, rel_tol=1e-3, abs_tol=1e-2):
        faults.add(
            "likelihood",
            f"the nll of job {draft.job} is {draft.nll!r} where the model itself says {wanted:.6g}: hand on "
            "the nll of studio.drafts, or sum up -log_prob at temperature 1, or say nan",
        )


def _studio(model: SketchModel, prompts: Prompts, jobs: Indices, turned: bool = False) -> Easel:
    kind = _Turned if turned else Easel
    which, index = _PROMPT_OF[jobs], _INDEX_OF[jobs]
    return kind(Work(model, prompts, which, index, index * 0, _SEED, _MAX_POINTS, None, exact=True))


class _Turned(Easel):
    """A studio whose drafts come in the opposite order."""

    def drafts(self, *args: Any) -> Iterator[Draft]:
        yield from reversed(list(super().drafts(*args)))


def _drafts(sampler: DrawingSampler, studio: Easel) -> list[Draft]:
    """What a sampler draws; endless ones are stopped."""
    out: list[Draft] = []
    for draft in sampler.draw(studio):
        out.append(draft)
        if len(out) > 4 * studio.jobs + 16:
            break
    return out


def _outcome(draft: Draft) -> Outcome:
    return (draft.rows.tobytes(), draft.attempt)


def _described(rows: Any) -> str:
    return f"{rows.dtype} {list(rows.shape)}" if isinstance(rows, np.ndarray) else f"a {type(rows).__name__}"
