"""Drawing the endings of many drawings at once: any, or only such as keep within bounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sketchkit.engine import Prompts, decode
from sketchkit.engine.choosers import make_chooser
from sketchkit.generate.attempts import NoEnding, Search
from sketchkit.generate.checks import Progress
from sketchkit.generate.ending import Ending, Endings
from sketchkit.generate.fence import RejectionChooser, begins_with_ink
from sketchkit.generate.regions import Bounds
from sketchkit.models import DrawingModel
from sketchkit.sampling import AnySampler, Draft, stepwise
from sketchkit.sketch import Sketch
from sketchkit.units import Beginning, from_rows

__all__ = ["Desk", "check_begun", "freely", "within"]

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Desk:
    """All that endings are drawn with; a drawing that is finished as several classes counts several times."""

    model: DrawingModel
    sampler: AnySampler
    prompts: Prompts
    begun: Sequence[Sketch]
    beginnings: Sequence[Beginning]
    scales: Sequence[float]
    classes: Sequence[str | None]
    seed: int
    max_points: int
    batch_size: int | None
    exact: bool

    def draw(
        self, which: Indices, index: Indices, bound: RejectionChooser | None = None
    ) -> Iterator[tuple[int, Ending]]:
        """Endings `index` of the drawings `which`, as they are done, each with its place in these lists."""
        loop = decode(
            self.model,
            self.sampler,
            self.prompts,
            which,
            index,
            seed=self.seed,
            max_points=self.max_points,
            width=self.batch_size,
            exact=self.exact,
            score=True,
            choose=bound,
        )
        for drawn in loop:
            redrawn = 0 if bound is None else int(bound.redrawn[drawn.job])
            yield drawn.job, self._ending(int(which[drawn.job]), int(index[drawn.job]), drawn, redrawn)

    def bound(self, bounds: Bounds, which: Indices, index: Indices) -> RejectionChooser:
        """The chooser that keeps these endings within bounds."""
        return RejectionChooser(
            make_chooser(stepwise(self.sampler, "within bounds"), self.model),
            bounds,
            self.beginnings,
            which,
            index,
            seed=self.seed,
            max_points=self.max_points,
        )

    def _ending(self, which: int, index: int, drawn: Draft, redrawn: int) -> Ending:
        drawing, beginning = self.begun[which], self.beginnings[which]
        ending = from_rows(
            drawn.rows,
            beginning.factor,
            beginning.anchor,
            joined=begins_with_ink(beginning),
            label=drawing.label,
            key=drawing.key,
        )
        nll, scale = drawn.nll / len(drawn.rows), self.scales[which]
        told = self.classes[which]
        return Ending(drawing + ending, ending, nll, self.seed, index, scale, ending.ended, redrawn, told)


def freely(desk: Desk, which: Indices, first: int, progress: Progress | None) -> list[Endings]:
    """Endings first, first + 1 and so on of every drawing.

    Args:
        desk: their common inputs.
        which: [P, n], of each ending the place of its drawing and class in the desk's lists.
        first: the index of the first of each.
        progress: called after every ending.
    """
    count, n = which.shape
    out = [Endings() for _ in range(count)]
    for done, (job, ending) in enumerate(
        desk.draw(which.ravel(), np.tile(first + np.arange(n), count)), start=1
    ):
        out[job // n].append(ending)
        if progress is not None:
            progress(done, count * n)
    return out


def within(desk: Desk, n: int, bounds: Bounds, progress: Progress | None) -> list[Endings]:
    """The first n endings of every drawing that keep within bounds, or as many as the budget finds.

    Raises:
        NoEnding: all tried endings of a drawing leave the bounds.
    """
    searches = [Search[Ending](n) for _ in desk.begun]
    done = 0
    while any(rounds := [search.next_round() for search in searches]):
        which = np.repeat(np.arange(len(rounds)), [len(each) for each in rounds])
        index = np.concatenate([np.arange(each.start, each.stop) for each in rounds])
        bound = desk.bound(bounds, which, index)
        found: list[list[Ending]] = [[] for _ in rounds]
        for job, ending in desk.draw(which, index, bound):
            drawing = int(which[job])
            if bound.broken[job] or not _is_within(
                bounds, ending, desk.begun[drawing], desk.beginnings[drawing]
            ):
                continue
            found[drawing].append(ending)
            done += 1
            if progress is not None:
                progress(min(done, n * len(rounds)), n * len(rounds))
        for drawing, search in enumerate(searches):
            search.close_round(found[drawing], bound.redrawn[which == drawing].tolist())
    return [_collect_endings(search, drawing, len(searches)) for drawing, search in enumerate(searches)]


def _is_within(bounds: Bounds, ending: Ending, begun: Sketch, beginning: Beginning) -> bool:
    """Whether an ending adds ink and keeps it within bounds, also as part of the drawing, which rounds it."""
    if len(ending.ending.without_end()) <= begins_with_ink(beginning):
        return False  # an ending without points adds no ink
    return bounds.allow_drawing(ending.ending) and bounds.allow_drawing(ending.sketch, len(begun))


def _collect_endings(search: Search[Ending], drawing: int, count: int) -> Endings:
    endings, attempts = search.result()
    if attempts.asked and not endings:
        why = (
            f"not one of {attempts.tried} endings stayed within bounds: widen the region, avoid less, or try "
            "another class, seed, scale or a higher temperature"
        )
        raise NoEnding(drawing, why, count > 1)
    return Endings(endings, attempts)


def check_begun(bounds: Bounds, beginnings: Sequence[Beginning]) -> None:
    """Refuse drawings whose endings all begin with ink that is out of bounds.

    Raises:
        NoEnding: the pen of a drawing is down out of bounds.
    """
    for drawing, beginning in enumerate(beginnings):
        place = np.array([beginning.anchor])
        if begins_with_ink(beginning) and not bounds.allows(place, place, np.array([False])).all():
            x, y = beginning.anchor
            why = (
                f"every ending begins with ink at ({x:g}, {y:g}), which is out of bounds: lift the pen first"
            )
            raise NoEnding(drawing, why, len(beginnings) > 1)
