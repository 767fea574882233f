"""The training loop: update after update, measured and saved on the way, and gone on with exactly.

An update is a function of the weights, the optimiser's moments, the configuration and
the number of the update. A run that was killed goes on from its newest whole checkpoint and comes, on the
same machine, to the same losses to the last bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sketchkit.errors import InputError
from sketchkit.models import SketchModel
from sketchkit.models.losses import Batch
from sketchkit.training.batching import Batches
from sketchkit.training.checkpointing import Progress, TrainState, load_newest, save_checkpoint
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import Dataset
from sketchkit.training.objective import Objective, Validation, validate, weigh
from sketchkit.training.processes import Processes, tidy_memory
from sketchkit.training.records import EvaluationRecord, StepRecord, Watcher

__all__ = ["Loop", "Stop"]

CHECKPOINTS = "checkpoints"
#: Updates between two givings back of memory; each costs the next update some tenths of a second.
_TIDY_EVERY = 100


#: Called after every update: `interrupted` or `out-of-time` to stop; None to go on.
Stop = Callable[[], str | None]


@dataclass(frozen=True)
class Costs:
    """The losses of one update's batch, over all processes."""

    terms: dict[str, float]
    weights: dict[str, float]
    loss: float
    useful: int

    @property
    def finite(self) -> bool:
        """Whether the loss is a finite number."""
        return math.isfinite(self.loss)


class Loop:
    """A run, ready to go.

    Args:
        data: the drawings.
        config: how.
        nmax: Nmax.
        model: with fresh weights, on its device.
        folder: of the run.
        identity: of the run, for its checkpoints.
        processes: of the run.
        watcher: gets the records; None in all processes but the first.
        on_evaluation: called after every evaluation, in the first process, with the model that is kept, the
            step, the validation (None without drawings for one) and whether it is the best so far.
    """

    def __init__(
        self,
        data: Dataset,
        config: TrainConfig,
        nmax: int,
        model: SketchModel,
        folder: Path,
        identity: str,
        processes: Processes,
        watcher: Watcher | None,
        on_evaluation: Callable[[SketchModel, int, Validation | None, bool], None],
    ) -> None:
        self.config, self.nmax, self.folder, self.identity = config, nmax, folder, identity
        self.processes, self.watcher, self.on_evaluation = processes, watcher, on_evaluation
        self.valid = data.split("valid")
        self.batches = Batches(
            data.split("train"),
            config,
            model,
            nmax,
            processes.rank,
            processes.world,
            pin=processes.device.type == "cuda",
        )
        self.state = TrainState(model, config)
        self.objective = processes.wrap(Objective(model, config.precision))
        self.progress = Progress()

    # --- from where, and to where ---------------------------------------------------------------------

    def resume(self) -> None:
        """Go on from the newest whole checkpoint, or from the beginning without one.

        Raises:
            CheckpointError: all are damaged, or the run is another one.
        """
        found = None
        if self.processes.first:
            found = load_newest(self.folder / CHECKPOINTS, self.identity, self._note)
        found = self.processes.share(found)
        if found is not None:
            self.progress, tensors = found
            self.state.restore(tensors)

    def save(self) -> None:
        """Write a checkpoint."""
        if self.processes.first:
            save_checkpoint(self.folder / CHECKPOINTS, self.identity, self.progress, self.state.tensors())

    def run(self, stop: Stop) -> str:
        """Train until all updates are made, or `stop` ends it.

        Returns:
            The status that the run ends with.

        Raises:
            InputError: too many updates in a row without a finite loss.
        """
        config, status = self.config, None
        begun, before = time.monotonic(), self.progress.seconds
        coming = self.batches.from_step(self.progress.step, config.steps)
        for batch in coming:
            costs, norm = self._update(batch)
            step = self.progress.step + 1
            seconds = before + time.monotonic() - begun
            self.progress = replace(
                self.progress, step=step, points=self.progress.points + costs.useful, seconds=seconds
            )
            self._check_skipped(costs, norm)
            if step % _TIDY_EVERY == 0:
                tidy_memory()
            if step % config.log_every == 0 or step == config.steps:
                self._log(costs, norm)
            due = step % config.evaluate_every == 0 or step == config.steps
            if due:
                self._evaluate()
                if config.patience and self.progress.without_gain >= config.patience:
                    status = "stopped-early"
            status = self.processes.agree(stop()) or status
            if step == config.steps:
                status = "finished"
            if status == "out-of-time" and not due:
                self._evaluate(due=False)
            if step % config.save_every == 0 or status:
                self.progress = replace(self.progress, seconds=before + time.monotonic() - begun)
                self.save()
            if status:
                coming.close()
                return status
        return "finished"

    # --- one update -----------------------------------------------------------------------------------

    def _update(self, batch: Batch) -> tuple[Costs, float]:
        """Learn from a batch, unless a loss or a gradient is not finite."""
        useful = float(batch.useful)
        weights = self.config.weights_at(self.progress.step)
        terms = self.objective(batch.to(self.processes.device), weights)
        parts = torch.stack([term.detach().double() for term in terms.values()]).cpu()
        *sums, points = self.processes.sum_up(torch.cat((parts, parts.new_tensor([useful])))).tolist()
        whole = dict(zip(terms, sums, strict=True))
        counted, loss = weigh(terms, whole, self.config, weights)
        self.state.optimiser.zero_grad(set_to_none=True)
        # Gradients will be means over the processes.
        (counted * self.processes.world).backward()  # type: ignore[no-untyped-call]
        norm = float(self.state.gradient_norm())
        costs = Costs(whole, {name: weights[name] for name in whole if name in weights}, loss, int(points))
        if costs.finite and math.isfinite(norm):
            self.state.update(self.config.learning_rate_at(self.progress.step), self.config.clip)
        return costs, norm

    def _check_skipped(self, costs: Costs, norm: float) -> None:
        if costs.finite and math.isfinite(norm):
            self.progress = replace(self.progress, skipped_in_a_row=0)
            return
        row = self.progress.skipped_in_a_row + 1
        self.progress = replace(self.progress, skipped=self.progress.skipped + 1, skipped_in_a_row=row)
        if row >= self.config.skip_limit:
            raise InputError(
                f"step {self.progress.step}: {row} updates in a row had no finite loss or gradient: "
                "a lower --learning-rate or a --warmup may help; look for drawings of absurd size with "
                "`sketchkit data info`; the last checkpoint is from before"
            )

    # --- records ----------------------------------------------------------------------

    def _log(self, costs: Costs, norm: float) -> None:
        if self.watcher is None:
            return
        self.watcher.step(
            StepRecord(
                step=self.progress.step,
                loss=costs.loss,
                terms=costs.terms,
                weights=costs.weights,
                learning_rate=self.config.learning_rate_at(self.progress.step - 1),
                gradient_norm=norm,
                points=self.progress.points,
                seconds=self.progress.seconds,
                skipped=self.progress.skipped,
            )
        )

    def _evaluate(self, *, due: bool = True) -> None:
        """Measure the model; `due` evaluations alone count as ones without a gain."""
        step, shown = self.progress.step, self.state.shown
        if not len(self.valid):
            if self.processes.first:
                self.on_evaluation(shown, step, None, False)
            return
        found = validate(shown, self.valid, self.config, self.nmax, self.processes)
        loss = found.loss(self.config)
        best = math.isfinite(loss) and (self.progress.best is None or loss < self.progress.best)
        if best:
            self.progress = replace(self.progress, best=loss, best_step=step, without_gain=0)
        elif due:
            self.progress = replace(self.progress, without_gain=self.progress.without_gain + 1)
        if self.watcher is not None:
            self.watcher.evaluation(
                EvaluationRecord(
                    step, loss, found.terms, found.nll_per_point, found.drawings, best, self.progress.seconds
                )
            )
        if self.processes.first:
            self.on_evaluation(shown, step, found, best)

    def _note(self, text: str) -> None:
        if self.watcher is not None:
            self.watcher.note(text)
