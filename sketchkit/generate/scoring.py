"""The cost of a drawing under a model, point by point and stroke by stroke."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sketchkit.arguments import old_attribute, renamed
from sketchkit.batch import check_sketches
from sketchkit.generate.checks import Progress
from sketchkit.generate.guess import AUTO, Guesses, guess_classes
from sketchkit.latent.encoding import encode_rows, read_wholes
from sketchkit.models import AnyClass, DrawingModel, check_model, check_one_class
from sketchkit.sketch import Float64, Sketch
from sketchkit.threads import one_thread
from sketchkit.units import Rows, chunks, padded_rows

__all__ = ["Score", "score"]

#: Drawings are scored so many rows at once, padding among them, to bound memory.
_ROWS_AT_ONCE = 16_384

Int64 = npt.NDArray[np.int64]
_END_ROW = np.array([[0.0, 0.0, 0.0, 0.0, 1.0]])


@dataclass(frozen=True, eq=False)
class Score:
    """The cost of a drawing under a model that reads every point before it predicts the next.

    Everything is -log p, natural logarithm; offsets are densities in model units, so that a cost may be
    negative. The rows are those that the model read: the drawing at the size of the training data and
    simplified as they are, from its second point on (the first is where a drawing begins), and the end row.

    Args:
        offset: float64 [N], cost of the offset to each row's point; 0 for the end row, which has no point.
        pen: float64 [N], cost of the pen state there.
        stroke_of: int64 [N], the stroke of the user's drawing that each row belongs to, counted from 0 in pen
            order, dots included; -1 for the end row.
        n_strokes: S, how many strokes the user's drawing has.
        class_name: the class given to the model, if any.
        guesses: the likely classes, where the class was guessed; else empty.
        kl: for a conditional model the Kullback-Leibler divergence of the drawing's posterior from the prior,
            a sum over the latent dimensions; `None` for a model without latent vectors.
        z: float32 [Z], the mean of that posterior; `None` likewise.
    """

    offset: Float64
    pen: Float64
    stroke_of: Int64
    n_strokes: int
    class_name: str | None = None
    guesses: Guesses = field(default_factory=Guesses)
    kl: float | None = None
    z: npt.NDArray[np.float32] | None = None

    @property
    def points(self) -> Float64:
        """The cost of each row, [N]."""
        return self.offset + self.pen

    @property
    def nll(self) -> float:
        """The cost of the whole drawing, its end included."""
        return float(self.points.sum())

    @property
    def nll_per_point(self) -> float:
        """The mean cost of a row, for comparing models independently of the length of drawings."""
        return self.nll / len(self.points)

    label = old_attribute("label", "class_name")
    total, per_point = old_attribute("total", "nll"), old_attribute("per_point", "nll_per_point")

    @property
    def end(self) -> float:
        """The cost of ending here: the pen of the end row."""
        return float(self.pen[-1])

    @property
    def stroke_points(self) -> Int64:
        """How many rows each stroke has, [S]; 0 for a dot, which models do not read."""
        return np.bincount(self._ink_strokes, minlength=self.n_strokes)

    @property
    def strokes(self) -> Float64:
        """The cost of each stroke, [S]: of the way to it, its points and lifting the pen behind it."""
        return np.bincount(self._ink_strokes, self.points[:-1], self.n_strokes).astype(np.float64)

    @property
    def strokes_per_point(self) -> Float64:
        """The cost of a row of each stroke, on average, [S]; nan for a dot."""
        counts = self.stroke_points
        out: Float64 = np.divide(self.strokes, counts, out=np.full(self.n_strokes, np.nan), where=counts > 0)
        return out

    @property
    def dearest(self) -> int:
        """The stroke that costs most a row."""
        return int(np.nanargmax(self.strokes_per_point))

    def _repr_html_(self) -> str:
        """What the drawing and each of its strokes cost, as a table in a notebook."""
        from sketchkit.notebook import table_html

        rows: list[tuple[object, ...]] = [("the drawing", len(self.points), f"{self.nll_per_point:.3f}")]
        for k, (n, mean) in enumerate(zip(self.stroke_points, self.strokes_per_point, strict=True)):
            rows.append((f"{k}, the dearest" if k == self.dearest else k, n, f"{mean:.3f}" if n else ""))
        rows.append(("its end", 1, f"{self.end:.3f}"))
        return table_html(("stroke", "points", "NLL a point"), rows)

    @property
    def _ink_strokes(self) -> Int64:
        return self.stroke_of[:-1]


@renamed(label="class_name")
@one_thread()
def score(
    model: DrawingModel,
    sketches: Sequence[Sketch],
    *,
    class_name: AnyClass | None = None,
    prepared: bool = False,
    progress: Progress | None = None,
) -> list[Score]:
    """Score the cost of drawings under a model, from its own start token to the end row.

    Args:
        model: any; a conditional one needs an encoder and draws from the mean of each drawing's own
            posterior. Then a cost is that of drawing it again, not of the drawing itself: z has seen it.
        sketches: n finished drawings, in any units and place; end rows and dots are left out.
        class_name: the class of all of them, for a model that knows classes; by default each drawing's own
            label, where the model knows it; "auto" guesses where it does not.
        prepared: whether they are drawings of the training data's kind already; see `sketchkit.encode`.
        progress: called after every drawing.

    Returns:
        A score for each drawing, in their order; it does not depend on the others but for the last bits.

    Raises:
        InputError: an object that is not a list of sketches, a drawing without a line or of more points than
            are read, a class that the model does not know, a conditional model without an encoder.

    Source: Ha & Eck 2017, equations 3 to 9, without the division by Nmax.
    """
    check_model(model)
    check_one_class(class_name)
    sketches = check_sketches(sketches, "score takes a list of sketches")
    wholes = read_wholes(model, sketches, prepared=prepared)
    drawings = [np.concatenate([whole.rows, _END_ROW]) for whole in wholes]
    if class_name in (None, AUTO):
        labels = [model.known_label(sketch.label) for sketch in sketches]
    else:
        labels = [model.class_called(class_name)] * len(sketches)
    guesses = [Guesses()] * len(sketches)
    if class_name == AUTO:
        for i, found in _guess_missing(model, sketches, labels):
            guesses[i], labels[i] = found, found[0].class_name
    classes = model.class_indices(labels)
    latents, divergences = _latents(model, drawings)
    costs: list[tuple[Float64, Float64]] = [(np.zeros(0), np.zeros(0))] * len(drawings)
    done = 0
    for chunk in chunks([len(rows) for rows in drawings], _ROWS_AT_ONCE):
        z, known = (None if given is None else model.to_own(given[chunk]) for given in (latents, classes))
        state = model.initial_state(len(chunk), z, known)
        padded, lengths = padded_rows([drawings[i] for i in chunk])
        offset, pen = model.log_prob(padded, state)
        for b, i in enumerate(chunk):
            costs[i] = (-offset[b, : lengths[b]], -pen[b, : lengths[b]])
        done += len(chunk)
        if progress is not None:
            progress(done, len(drawings))
    means = [None] * len(drawings) if latents is None else list(latents)
    return [
        Score(offset, pen, _strokes_of(sketch, rows), sketch.n_strokes, name, guess, kl, mine)
        for sketch, rows, name, guess, kl, mine, (offset, pen) in zip(
            sketches, drawings, labels, guesses, divergences, means, costs, strict=True
        )
    ]


def _guess_missing(
    model: DrawingModel, sketches: Sequence[Sketch], labels: Sequence[str | None]
) -> Iterator[tuple[int, Guesses]]:
    unknown = [i for i, label in enumerate(labels) if label is None]
    yield from zip(unknown, guess_classes(model, [sketches[i] for i in unknown]), strict=True)


def _latents(
    model: DrawingModel, drawings: Sequence[Rows]
) -> tuple[npt.NDArray[np.float32] | None, Sequence[float | None]]:
    """The means of the drawings' posteriors, [n, Z], and their divergences from the prior, if conditional."""
    if not model.conditional:
        return None, [None] * len(drawings)
    mu, sigma = encode_rows(model, [rows[:-1] for rows in drawings])
    mean, spread = mu.astype(np.float64), sigma.astype(np.float64)
    divergence = 0.5 * (mean**2 + spread**2 - 1.0 - 2.0 * np.log(spread)).sum(axis=1)
    return mu, divergence.tolist()


def _strokes_of(sketch: Sketch, rows: Rows) -> Int64:
    """The user's stroke that each row belongs to: simplifying keeps all strokes except dots."""
    read = np.flatnonzero([len(line) > 1 for line in sketch.to_polylines()])
    before = np.cumsum(rows[:, 3]) - rows[:, 3]  # strokes that ended before this row
    return np.append(read[before[:-1].astype(np.int64)], -1)
