"""Beam search for several drawings at once, in whole tensors.

Tensors go by job first and by hypothesis second: J jobs of K hypotheses each, the best first. K grows from 1
to the width while there are not yet as many ways. Where both are one dimension, [J K], the order is the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.noise import widened
from sketchkit.sampling import Draft, DraftingContext
from sketchkit_extra_samplers.outcomes import ending, going_on

__all__ = ["Search"]

Indices = npt.NDArray[np.int64]
State = tuple[Tensor, ...]

_END = np.array([[0, 0, 0, 0, 1]], np.float32)


class Search:
    """The hypotheses of some drawings and how they go on.

    Args:
        context: the model, the beginnings and noise.
        jobs: [J], which drawings.
        width: the most hypotheses of each.
        alpha: scores are divided by length^alpha.
        spread: how many sigma of noise there are on an offset.
    """

    def __init__(
        self, context: DraftingContext, jobs: Indices, width: int, alpha: float, spread: float
    ) -> None:
        self.context, self.width, self.alpha, self.spread = context, width, alpha, spread
        self.jobs = jobs
        self.reads, self.state = context.begin(jobs)  # [J K, 5] and as many rows of state
        start = self.reads.new_zeros(len(jobs), 1, dtype=torch.float32)
        self.score = widened(start)  # [J, K]: how likely what was chosen is, natural logarithm
        self.nll = widened(start)  # [J, K]: of the points themselves, offsets as densities
        self.rows = start.new_zeros(len(jobs), 1, 0, 5)  # [J, K, n, 5]
        self.ended: Indices = np.zeros(len(jobs), np.int64)  # [J]: how many hypotheses have
        self.best: list[tuple[float, Draft] | None] = [None] * len(
            jobs
        )  # and the best of them, with its score

    def run(self) -> Iterator[Draft]:
        """Search until every drawing is decided.

        Yields:
            One draft a job.
        """
        while len(self.jobs):
            self._step()
            yield from self._decided()

    @torch.inference_mode()
    def _step(self) -> None:
        """One point further in every hypothesis."""
        density, state = self.context.advance(self.reads, self.state)
        end = ending(density).view(self.score.shape)  # [J, K]
        ways = self.score.reshape(-1, 1) + going_on(density).flatten(1)  # [J K, 2 M]
        ways = ways.view(len(self.jobs), -1)  # [J, K 2 M]
        self._keep_ends(end, ways)
        self._follow(density, state, ways)

    def _keep_ends(self, end: Tensor, ways: Tensor) -> None:
        """Look at the ends that are among the likeliest ways on.

        Args:
            end: [J, K], log-probabilities.
            ways: [J, K 2 M], scores after all that is no end.
        """
        score, nll = self.score + end, self.nll - end
        length = self.rows.shape[2] + 1
        # A stable order, so that of equals the same comes first on every device.
        order = torch.cat((score, ways), 1).sort(dim=-1, descending=True, stable=True).indices
        likeliest = order[:, : self.width]
        job, place = (likeliest < score.shape[1]).nonzero(as_tuple=True)
        for j, k in zip(job.tolist(), likeliest[job, place].tolist(), strict=True):
            self.ended[j] += 1
            found, best = float(score[j, k]) / length**self.alpha, self.best[j]
            if best is None or found > best[0]:
                self.best[j] = found, self._draft(j, k, float(nll[j, k]), ended=True)

    def _follow(self, density: MixtureDensity, state: State, ways: Tensor) -> None:
        """Go the likeliest ways.

        Args:
            density: of the next points, J K rows.
            state: of the model after them.
            ways: [J, K 2 M], scores.
        """
        kept, mixtures = self.score.shape[1], density.mixtures
        order = ways.sort(dim=-1, descending=True, stable=True)
        self.score, place = order.values[:, : self.width], order.indices[:, : self.width]
        parent = place // (2 * mixtures) + torch.arange(len(ways), device=ways.device)[:, None] * kept
        source, choice = parent.flatten(), (place % (2 * mixtures)).flatten()  # [J K'], K' after this point
        raw = torch.cat((density.pen_logits, density.component_logits, density.parameters.flatten(1)), 1)
        mine = MixtureDensity(raw[source])
        self.reads = mine.point(choice % mixtures, self._normals(place.shape[1]), choice // mixtures)
        self.nll = (widened(self.nll.flatten()[source]) + _loss(raw[source], self.reads)).view(place.shape)
        self.state = tuple(part[source] for part in state)
        rows = torch.cat((self.rows.flatten(0, 1)[source], self.reads[:, None].float()), 1)
        self.rows = rows.view(*place.shape, -1, 5)

    def _normals(self, count: int) -> Tensor:
        """Normal numbers for offsets, [J K', 2]; each hypothesis of a drawing has an attempt's noise."""
        jobs, attempts = np.repeat(self.jobs, count), np.tile(np.arange(count), len(self.jobs))
        noise = self.context.noise(jobs, attempts, np.full(len(jobs), self.rows.shape[2]))
        return noise.normals() * self.spread

    def _decided(self) -> list[Draft]:
        """Take out the drawings that are decided."""
        done = (self.ended >= self.width) | (self.rows.shape[2] >= self.context.max_points)
        if not done.any():
            return []
        out = [self._best(j) for j in np.flatnonzero(done).tolist()]
        self._keep(np.flatnonzero(~done))
        return out

    def _best(self, job: int) -> Draft:
        """The best hypothesis that ended, or the best of all."""
        best = self.best[job]
        return self._draft(job, 0, float(self.nll[job, 0]), ended=False) if best is None else best[1]

    def _keep(self, those: Indices) -> None:
        """Let go of all but some of the drawings."""
        jobs = torch.from_numpy(those).to(self.score.device)
        kept = self.score.shape[1]
        flat = (jobs[:, None] * kept + torch.arange(kept, device=jobs.device)).flatten()
        self.jobs, self.ended, self.best = self.jobs[those], self.ended[those], [self.best[j] for j in those]
        self.score, self.nll, self.rows = self.score[jobs], self.nll[jobs], self.rows[jobs]
        self.reads, self.state = self.reads[flat], tuple(part[flat] for part in self.state)

    def _draft(self, job: int, hypothesis: int, nll: float, ended: bool) -> Draft:
        """A hypothesis as a drawing. All of a job come from one search, so that none is another attempt."""
        rows = self.rows[job, hypothesis].cpu().numpy()
        return Draft(int(self.jobs[job]), np.concatenate((rows, _END)) if ended else rows.copy(), nll)


def _loss(raw: Tensor, points: Tensor) -> Tensor:
    """The negative log-likelihood of points [N, 5], none of them an end: float32 [N], rounded once."""
    offset, pen = MixtureDensity(widened(raw)).log_prob(points)
    return -(offset + pen).float()
