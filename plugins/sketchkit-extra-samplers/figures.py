"""The figures of the README, and a sheet of what the samplers draw.

    python figures.py [SHEET]

Nothing is chosen: they are the first drawings of seed 0 by the model `doodle`, its classes by turns.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

import sketchkit
from sketchkit.evaluate import load_recogniser
from sketchkit.sampling import AnySampler, Draft, DraftingContext, DrawingSampler, make_sampler

EACH = 8
SHOWN = ("face", "pig", "sun", "duck", "apple", "shoe")
SAMPLERS: dict[str, tuple[str, dict[str, float]]] = {
    "temperature": ("temperature", {}),
    "nucleus": ("nucleus", {}),
    "best-of": ("best-of", {}),
    "typical": ("typical", {}),
    "min-p": ("min-p", {}),
    "mirostat": ("mirostat", {}),
    "beam": ("beam", {}),
    "beam, spread=0": ("beam", {"spread": 0.0}),
}


@dataclass
class Watched:
    """A sampler whose drafts are kept, with what they cost the model."""

    sampler: AnySampler
    drafts: list[Draft] = field(default_factory=list)

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        """Draw as the sampler does."""
        for draft in self._drafts(context):
            self.drafts.append(draft)
            yield draft

    def _drafts(self, context: DraftingContext) -> Iterator[Draft]:
        if isinstance(self.sampler, DrawingSampler):
            return self.sampler.draw(context)
        return context.drafts(self.sampler, np.arange(context.jobs), np.zeros(context.jobs, np.int64))


def main(sheet: str | None) -> None:
    """Print a table, and write the sheet if there shall be one."""
    model, recogniser = sketchkit.load_model("doodle-1", device="cpu"), load_recogniser()
    labels = list(model.card.classes) * EACH
    wanted = np.array([recogniser.index(label) for label in labels])
    shown: list[sketchkit.Sketch] = []
    print(f"{len(labels)} drawings each, at temperature 0.4\n")
    print("| sampler | ended | named rightly | NLL per point | points, median |\n|---|---|---|---|---|")
    for title, (name, options) in SAMPLERS.items():
        watched = Watched(make_sampler(name, 0.4, options))
        drawings = sketchkit.sample(model, len(labels), sampler=watched, class_name=labels)
        ended = np.mean([draft.ended for draft in watched.drafts])
        named = np.mean(recogniser.look(drawings).named == wanted)
        points = [len(draft.rows) for draft in watched.drafts]
        nll = sum(draft.nll for draft in watched.drafts) / sum(points)
        print(f"| {title} | {ended:.1%} | {named:.1%} | {nll:.2f} | {np.median(points):.0f} |", flush=True)
        shown += [drawings[labels.index(label)].labelled(title) for label in SHOWN]
    if sheet is not None:
        rows, columns = list(SAMPLERS), list(SHOWN)
        sketchkit.render(
            shown, sheet, tile=(len(SHOWN), None), cell=96, stroke=1.5, row_labels=rows, column_labels=columns
        )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
