"""Draw missing strokes between given strokes, so that they fit both the strokes before and after the gap.

A decoder-only model reads only the strokes before a gap. So many attempts are drawn at the gap
(`sketchkit.generate.particles`); at every lift of a particle's pen, the strokes behind the gap are put after
it, and the model scores how likely they are there.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from sketchkit.arguments import MAX_DRAWINGS, renamed, whole
from sketchkit.engine import read_prompts
from sketchkit.engine.arrays import inference
from sketchkit.errors import InputError
from sketchkit.generate.checks import Progress, check_counts, check_unconditional
from sketchkit.generate.ending import find_different
from sketchkit.generate.particles import Attempt, ParticleFilter, Suffix, effective_size, log_sum, shares
from sketchkit.geometry import line_to_stroke, magenta_simplify
from sketchkit.models import AnyClass, DrawingModel, check_one_class
from sketchkit.rendering import Ink, Picture
from sketchkit.rendering.drawings import Drawings, ShownAsSheet
from sketchkit.rendering.palette import ENDING, INK
from sketchkit.sampling import AnySampler, make_sampler, stepwise
from sketchkit.sketch import Sketch
from sketchkit.threads import one_thread
from sketchkit.units import MAX_READ, SIMPLIFICATION, WHOLE, Beginning, from_rows, read_beginning

__all__ = ["MAX_PARTICLES", "MAX_STROKES", "InfillSearch", "Infilling", "infill", "split_at"]

#: Limits that fit the memory of a small machine.
MAX_PARTICLES = 16_384
MAX_STROKES = 1_000
# The number of missing strokes is unknown: twice as many as are replaced, and at least this many.
_USUAL_STROKES = 4
#: The width of added strokes over the drawing that holds them, in pixels.
_COVERING = 2.5
_END_ROW = np.array([[0.0, 0.0, 0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class InfillSearch:
    """How the search for infills went.

    Args:
        attempts: how often a particle lifted its pen, and the rest was tried.
        fitting: of how many of them the rest was at least as likely as with an empty gap.
        effective: the effective sample size of all attempts, at most their number: how many of them represent
            the posterior. With a small size, more particles may find much better infills.
        evidence: the logarithm of the estimated likelihood of the rest over all infills, summed over the
            numbers of strokes.
    """

    attempts: int
    fitting: int
    effective: float
    evidence: float

    @property
    def share(self) -> float:
        """The share of the attempts that fit, 0 to 1."""
        return self.fitting / self.attempts


@dataclass(frozen=True)
class Infilling(ShownAsSheet):
    """One way to fill a gap.

    Args:
        sketch: the whole drawing, given and added strokes, in its own units and place.
        part: the added strokes alone, in the same units and place.
        rest: log-likelihood of the strokes after the gap and of the way to them under the model itself
            (temperature 1), natural logarithm, in model units.
        gain: by how much the rest is likelier than with an empty gap, a natural logarithm. If the gap opens
            the drawing, without the way to the rest.
        weight: the attempt's share of the posterior, by the particles, 0 to 1.
        seed: the seed it was drawn with.
        index: its place among the infills, the best is 0.
        scale: pixels of the training data in a drawing unit, as the model saw it.
        search: how the whole search went.
    """

    sketch: Sketch
    part: Sketch
    rest: float
    gain: float
    weight: float
    seed: int
    index: int
    scale: float
    search: InfillSearch

    @property
    def fits(self) -> bool:
        """Whether the rest is at least as likely as with an empty gap."""
        return self.gain >= 0.0

    @property
    def picture(self) -> Picture:
        """The drawing in ink, the added strokes in their colour, under index and gain."""
        # Wide enough to hide the ink below.
        added = Ink(self.part, ENDING, f"infill {self.index}", _COVERING)
        return Picture((Ink(self.sketch, INK), added), f"{self.index}: {self.gain:+.2f}")


@renamed(label="class_name")
@one_thread()
def infill(
    model: DrawingModel,
    sketch: Sketch,
    gap: tuple[int, int],
    n: int = 9,
    particles: int = 256,
    temperature: float = 0.4,
    seed: int | None = 0,
    *,
    class_name: AnyClass | None = None,
    sampler: str | AnySampler = "temperature",
    options: Mapping[str, Any] | None = None,
    max_strokes: int | None = None,
    max_points: int | None = None,
    progress: Progress | None = None,
) -> Drawings[Infilling]:
    """Draw missing strokes between the strokes of a drawing, in several ways.

    Args:
        model: an unconditional model.
        sketch: the drawing, finished but for the gap; all its strokes count as such.
        gap: (i, j): strokes i to j - 1, counted from 0 in pen order, dots included, are replaced; with i = j
            the infill is inserted before stroke i. At least one stroke other than a dot must follow. In a
            gap at the start, the infill begins where stroke 0 began.
        n: how many infills, the best that differ, at the most.
        particles: how many are drawn at once, 1 to 16,384; more find better ones.
        temperature: tau, 0 to 100; 1 is the model itself, less is tidier, 0 is greedy.
        seed: 0..2^63 - 1; the same seed and number of particles draw the same. `None` means a fresh seed,
            recorded in each infill.
        class_name: one of the model's classes, for a model that knows classes.
        sampler: a name, or a sampler that is already made.
        options: the sampler's further options by name.
        max_strokes: of an infill; by default twice as many as are replaced, and at least 4.
        max_points: after how many points a particle is dropped if it has not lifted its pen; by default the
            model's own limit.
        progress: called after every stroke that all particles have drawn.

    Returns:
        Infills, sorted by the likelihood of the rest after them, the likeliest first: each attempt is a draw
        from the model, so that posterior probabilities are proportional to these likelihoods. An infill that
        nearly covers a better one is left out.

    Raises:
        InputError: a number out of range, a gap that is outside the drawing or at its end, a conditional
            model, or a search in which every particle failed to finish a stroke.
        PluginError: an unknown sampler.

    Source: see `sketchkit.generate.particles`. The drawing is read at the size at which it fills 255 pixels,
        simplified as the training data were, and the infill is drawn by the sampler, but the rest is always
        judged by the model itself.
    """
    n, seed, _, max_points = check_counts(model, n, seed, None, max_points)
    whole("n", n, 1, MAX_DRAWINGS)
    particles = whole("particles", particles, 1, MAX_PARTICLES)
    max_strokes = None if max_strokes is None else whole("max_strokes", max_strokes, 1, MAX_STROKES)
    check_unconditional(model, "draw between strokes")
    check_one_class(class_name)
    chosen = stepwise(make_sampler(sampler, temperature, options), "into a gap")
    before, _, after = split_at(sketch, gap)
    scale = _scale(sketch)
    # For a gap at the start, a dot marks the place to begin; models do not read dots.
    given = before if len(before) else Sketch.from_polylines([sketch.points[:1]])
    beginning = read_beginning(given, scale, model.card)
    rest = _rest(after, beginning, scale)
    prompts = read_prompts(model, [beginning.rows], label=model.class_indices(class_name))
    most = max_strokes or max(2 * (gap[1] - gap[0]), _USUAL_STROKES)
    with inference(model):
        particle_filter = ParticleFilter(model, chosen, prompts, rest, particles, seed, max_points)
        for stroke in range(1, most + 1):
            if not particle_filter.advance():
                break
            if progress is not None:
                progress(stroke, most)
    return _select(particle_filter, n, _Context(sketch, before, after, beginning, scale))


def split_at(sketch: Sketch, gap: tuple[int, int]) -> tuple[Sketch, Sketch, Sketch]:
    """A drawing in three parts: before a gap, in it, and after it.

    Args:
        sketch: S strokes, dots included.
        gap: (i, j), 0 <= i <= j < S; strokes i to j - 1 lie in the gap.

    Returns:
        Three sketches in the units and place of the drawing, without end rows; the first two may be empty.

    Raises:
        InputError: a gap outside the drawing, or without strokes that fix its place.
    """
    if not isinstance(sketch, Sketch):
        raise InputError("infill takes a sketch: sketchkit.read reads a sketch from a file")
    try:
        first, last = (operator.index(number) for number in gap)
    except (TypeError, ValueError):
        raise InputError(f"a gap is two whole numbers (i, j), got {gap!r}") from None
    lines = sketch.to_polylines()
    called = f"the gap {first}:{last}"
    if not 0 <= first <= last <= len(lines):
        raise InputError(f"{called} is not there: the drawing has {len(lines)} strokes, numbered from 0")
    if not any(len(line) > 1 for line in lines[last:]):
        raise InputError(f"nothing follows {called} that a model could read: complete draws endings")
    if last == 0:
        raise InputError(f"{called} has no place: nothing comes before it, and no stroke is replaced")
    before, within, after = lines[:first], lines[first:last], lines[last:]
    return Sketch.from_polylines(before), Sketch.from_polylines(within), Sketch.from_polylines(after)


@dataclass(frozen=True)
class _Context:
    """The given parts of a drawing, into which an attempt is put."""

    sketch: Sketch
    before: Sketch
    after: Sketch
    beginning: Beginning
    scale: float

    def add(self, attempt: Attempt) -> tuple[Sketch, Sketch]:
        """The added strokes alone, and the drawing with them."""
        opens = not len(self.beginning.rows)
        part = from_rows(attempt.rows, self.beginning.factor, self.beginning.anchor, joined=opens)
        drawn = self.before + part if len(self.before) else part
        whole = (drawn + self.after).labelled(self.sketch.label, self.sketch.key)
        return part, whole.with_end() if self.sketch.ended else whole


def _scale(sketch: Sketch) -> float:
    """Pixels of the training data in a drawing unit: the drawing, replaced strokes included, fills 255."""
    x0, y0, x1, y1 = sketch.bounds
    return WHOLE / (max(x1 - x0, y1 - y0) or WHOLE)


def _rest(after: Sketch, beginning: Beginning, scale: float) -> Suffix:
    """The strokes after the gap, as a model reads them after a beginning.

    Raises:
        InputError: more points than a model reads.
    """
    lines = [line for line in after.to_polylines() if len(line) > 1]
    simple = magenta_simplify([line * scale for line in lines], SIMPLIFICATION)
    starts = [simple[0][0], *(line[-1] for line in simple[:-1])]
    strokes = [line_to_stroke(line, start) for line, start in zip(simple, starts, strict=True)]
    rows = np.concatenate([*strokes, _END_ROW])
    if len(rows) > MAX_READ:
        raise InputError(f"{len(rows)} points follow the gap, of which a model can read {MAX_READ}")
    rows[:, :2] *= beginning.factor / scale
    place = (lines[0][0] - np.array(beginning.anchor)) * beginning.factor
    return Suffix(rows, place, opens=not len(beginning.rows))


def _select(particle_filter: ParticleFilter, n: int, context: _Context) -> Drawings[Infilling]:
    """The attempts after which the rest is likeliest, of those that differ.

    Raises:
        InputError: the list of attempts is empty.
    """
    attempts = particle_filter.attempts
    if not attempts:
        raise InputError(
            f"not one of {particle_filter.count} particles came to the end of a stroke: try more of them"
        )
    log_weights = np.array([attempt.log_weight for attempt in attempts])
    weights = shares(log_weights)
    search = InfillSearch(
        attempts=len(attempts),
        fitting=sum(attempt.gain >= 0.0 for attempt in attempts),
        effective=effective_size(log_weights),
        evidence=log_sum(log_weights) - math.log(particle_filter.count),
    )
    ranked = np.argsort([-attempt.rest for attempt in attempts], kind="stable").tolist()
    different = find_different(context.add(attempts[i]) for i in ranked)
    seed, out = particle_filter.seed, []
    for index, (place, part, sketch) in enumerate(islice(different, n)):
        best, weight = attempts[ranked[place]], float(weights[ranked[place]])
        facts = (best.rest, best.gain, weight, seed, index, context.scale, search)
        out.append(Infilling(sketch, part, *facts))
    return Drawings(out)
