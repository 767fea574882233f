"""A sheet of drawings of the model at every evaluation: SVG, and PNG where there is cairo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sketchkit.errors import PluginError
from sketchkit.files import explain_errors
from sketchkit.generate import reconstruct, sample
from sketchkit.models import SketchModel
from sketchkit.rendering import render
from sketchkit.sketch import Sketch
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import Split
from sketchkit.units import from_rows

__all__ = ["Sheets"]

FOLDER_NAME = "samples"


class Sheets:
    """Draws a sheet for every evaluation, with the same seeds each time, so that sheets can be compared.

    A decoder's sheet shows samples, a class after the other where it knows classes. A vae's shows drawings of
    the validation split in every other column, each with its reconstruction on the right.

    Args:
        folder: of the run.
        config: says how many drawings, and their temperature.
        valid: the validation drawings.
    """

    def __init__(self, folder: Path, config: TrainConfig, valid: Split) -> None:
        self.folder, self.config, self.valid = folder / FOLDER_NAME, config, valid
        self._can_png = True

    def __call__(self, model: SketchModel, step: int) -> str | None:
        """Draw and write the sheet of a step.

        Returns:
            A message where only SVG could be written, once; else None.

        Raises:
            InputError: the folder cannot be written to.
        """
        if not self.config.grid:
            return None
        was_training = model.training
        model.eval()
        try:
            encodes = model.conditional and hasattr(model, "encode_batch")
            sketches = self._reconstructions(model) if encodes else self._samples(model)
        finally:
            model.train(was_training)
        if not sketches:
            return None
        with explain_errors(self.folder):
            self.folder.mkdir(exist_ok=True)
        return self._write(sketches, self.folder / f"step-{step:08d}")

    def _samples(self, model: SketchModel) -> list[Sketch]:
        n, known = self.config.grid, list(model.card.classes) if model.labelled else []
        label = [known[i % len(known)] for i in range(n)] if known else None
        return sample(model, n, self.config.temperature, seed=self.config.seed, class_name=label)

    def _reconstructions(self, model: SketchModel) -> list[Sketch]:
        # Spread over the split, which may be sorted by class.
        n = min((self.config.grid + 1) // 2, len(self.valid))
        if not n:
            return []
        chosen = [i * len(self.valid) // n for i in range(n)]
        given = [self._sketch(model, i) for i in chosen]
        again = reconstruct(model, given, self.config.temperature, seed=self.config.seed, prepared=True)
        return [sketch for pair in zip(given, again, strict=True) for sketch in pair]

    def _sketch(self, model: SketchModel, index: int) -> Sketch:
        label = model.card.classes[int(self.valid.classes[index])] if model.labelled else None
        return from_rows(self.valid.drawing(index), 1.0, (0.0, 0.0), joined=True, label=label)

    def _write(self, sketches: Sequence[Sketch], path: Path) -> str | None:
        columns = 10 if len(sketches) > 36 else 5 if len(sketches) % 2 else 6
        render(sketches, path.with_suffix(".svg"), tile=(columns, None))
        if not self._can_png:
            return None
        try:
            render(sketches, path.with_suffix(".png"), tile=(columns, None))
        except PluginError as error:
            self._can_png = False
            return f"sample sheets are written as SVG only: {error}"
        return None
