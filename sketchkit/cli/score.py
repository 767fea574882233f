"""`sketchkit score`: the cost of drawings to a model, stroke by stroke."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from sketchkit._version import __version__
from sketchkit.cli.console import tell_written
from sketchkit.cli.groups import InputOptions, SheetOptions, name_file
from sketchkit.cli.help import Command, standalone_app
from sketchkit.cli.options import (
    Force,
    Given,
    Listed,
    Prepared,
    UsageError,
    option,
    require_one_class,
    settings_of,
)
from sketchkit.errors import InputError
from sketchkit.settings import DrawSettings

if TYPE_CHECKING:
    from sketchkit.cli.inputs import Input
    from sketchkit.cli.runner import Run
    from sketchkit.generate import Score
    from sketchkit.rendering import Picture

__all__ = ["EXAMPLE", "app", "score"]

#: The most drawings whose guessed classes are told.
_MOST_TOLD = 9

EXAMPLE = "sketchkit score cat.ndjson --limit 12 --heatmap heat.png"


def score(
    *,
    classes: list[str] | None = option(
        None,
        "What the drawings show, for a model that knows classes; auto guesses, any tells it nothing.",
        flags="--class",
        metavar="NAME",
        completion="known_classes",
        usual="what the files say, else auto",
    ),
    prepared: Prepared = False,
    heatmap: str | None = option(
        None,
        "A picture to write, each stroke in the colour of its cost a point: .svg, .png, .pdf; - is stdout.",
        metavar="PATH",
        usual="none",
    ),
    drawing: Annotated[Given, settings_of(DrawSettings, only={"model", "device"})],
    sheet: SheetOptions,
    given: InputOptions,
    json: Listed = False,
    force: Force = False,
) -> None:
    """Say how much drawings surprise a model, and which strokes do.

    The cost is -log p, a natural logarithm in model units, of all points and of the end: less is likelier.
    """
    from sketchkit.cli.console import print_json
    from sketchkit.cli.inapplicable import check_frames, refuse_sheet
    from sketchkit.cli.inputs import read_inputs, stem_of_file
    from sketchkit.cli.output_kind import STDOUT, picture_renderer
    from sketchkit.cli.outputs import check_paths, render_pictures, send
    from sketchkit.cli.runner import Run, split_class_words

    if heatmap == STDOUT and json:
        raise UsageError("--json and the picture cannot both go to stdout", "--heatmap")
    if heatmap is None:
        refuse_sheet(sheet, "goes with --heatmap only: there is no picture")
    else:
        renderer = picture_renderer(None, heatmap)
        heatmap = name_file(heatmap, stem_of_file(given.files[0]), "--heatmap")
        check_paths([heatmap], force)
        check_frames(sheet, renderer)
    wanted, guess = split_class_words(classes)
    class_name, run = require_one_class(wanted), Run.of(drawing, wanted)
    drawings = read_inputs(given)
    _check_lines(drawings)
    # The scale takes a cell of its own.
    page = dataclasses.replace(sheet.layout(len(drawings) + 1), label=True)

    if classes and class_name is None and not guess:
        drawings = [dataclasses.replace(each, sketch=each.sketch.labelled(None)) for each in drawings]
    scores = _score(run, drawings, class_name, guess=guess, prepared=prepared)
    by = {"model": run.provenance["model"]}
    if heatmap is not None:
        told = {} if class_name is None else {"class": run.classes[0]}
        provenance = {"generator": "sketchkit", "version": __version__, **by, **told}
        send(render_pictures(renderer, _pictures(drawings, scores, by), page, provenance), heatmap, force)
        if not json:
            tell_written([heatmap])
    if json:
        print_json([{**by, **_facts(each, mine)} for each, mine in zip(drawings, scores, strict=True)])
    elif heatmap != STDOUT:
        _print(drawings, scores)


def _check_lines(drawings: Sequence[Input]) -> None:
    for each in drawings:
        if all(len(line) < 2 for line in each.sketch.to_polylines()):
            raise InputError(f"{each.called}: a drawing without a line cannot be scored")


def _score(
    run: Run, drawings: Sequence[Input], class_name: str | None, *, guess: bool, prepared: bool
) -> list[Score]:
    """The scores of all drawings; says the guessed classes of the first few."""
    from sketchkit.cli.console import progress, say
    from sketchkit.cli.runner import POINTS, tell_guesses

    model = run.load(len(drawings) * POINTS)
    if class_name is None and guess and run.can_guess(model):
        class_name = "auto"
    from sketchkit.generate import score as score_all

    # What the library refuses it calls by its key.
    sketches = [each.sketch.labelled(each.sketch.label, each.called) for each in drawings]
    with progress("Scoring") as report:
        scores = score_all(model, sketches, class_name=class_name, prepared=prepared, progress=report)
    guessed = [
        (each.called, mine.guesses) for each, mine in zip(drawings, scores, strict=True) if mine.guesses
    ]
    for name, guesses in guessed[:_MOST_TOLD]:
        tell_guesses(name, guesses, model.card.name)
    if len(guessed) > _MOST_TOLD:
        say(f"the classes of {len(guessed) - _MOST_TOLD:,} more were guessed; --class chooses")
    return scores


def _print(drawings: Sequence[Input], scores: Sequence[Score]) -> None:
    from sketchkit.cli.console import print_table

    latent = any(score.kl is not None for score in scores)
    header = ("drawing", "points", "strokes", "NLL a point", "dearest stroke", *(["KL"] if latent else []))
    rows = [
        (
            each.stem,
            str(len(score.points)),
            str(score.n_strokes),
            f"{score.nll_per_point:.3f}",
            f"{score.dearest} ({score.strokes_per_point[score.dearest]:.3f} a point)",
            *([] if score.kl is None else [f"{score.kl:.2f}"]),
        )
        for each, score in zip(drawings, scores, strict=True)
    ]
    print_table(header, rows)


def _facts(each: Input, score: Score) -> dict[str, Any]:
    """The score of a drawing as JSON values; a stroke that is a dot has no cost."""
    strokes = zip(score.stroke_points.tolist(), score.strokes.tolist(), score.strokes_per_point, strict=True)
    rows = zip(score.offset.tolist(), score.pen.tolist(), score.stroke_of.tolist(), strict=True)
    return {
        "input": each.source,
        "drawing": each.stem,
        "class": score.class_name,
        **(
            {"guesses": {g.class_name: round(g.chance, 3) for g in score.guesses[:3]}}
            if score.guesses
            else {}
        ),
        "points": len(score.points),
        "nll": score.nll,
        "nll_per_point": score.nll_per_point,
        "nll_offset": float(score.offset.sum()),
        "nll_pen": float(score.pen.sum()),
        "nll_end": score.end,
        **({} if score.kl is None else {"kl": score.kl}),
        "dearest_stroke": score.dearest,
        "strokes": [
            {"stroke": k, "points": n, "nll": total, "nll_per_point": float(mean) if n else None}
            for k, (n, total, mean) in enumerate(strokes)
        ],
        "rows": [
            {"offset": offset, "pen": pen, "stroke": None if stroke < 0 else stroke}
            for offset, pen, stroke in rows
        ],
    }


def _pictures(drawings: Sequence[Input], scores: Sequence[Score], by: Mapping[str, str]) -> list[Picture]:
    """The user's own strokes, coloured on one scale for all drawings, and the scale itself."""
    from sketchkit.rendering.palette import draw_heat_legend

    costs = [cost for score in scores for cost in score.strokes_per_point.tolist() if math.isfinite(cost)]
    low, high = min(costs), max(costs)
    pictures = [_picture(each, score, by, low, high) for each, score in zip(drawings, scores, strict=True)]
    return [*pictures, draw_heat_legend(f"{low:.2f} to {high:.2f} a point")]


def _picture(each: Input, score: Score, by: Mapping[str, str], low: float, high: float) -> Picture:
    from sketchkit.rendering import Ink, Picture
    from sketchkit.rendering.palette import INK, heat_color
    from sketchkit.sketch import Sketch

    inks = []
    for k, (line, cost) in enumerate(
        zip(each.sketch.to_polylines(), score.strokes_per_point.tolist(), strict=True)
    ):
        share = (cost - low) / (high - low) if high > low else 0.0
        # A dot, which the model does not read, keeps the ink.
        color = heat_color(share) if math.isfinite(share) else INK
        inks.append(Ink(Sketch.from_polylines([line]), color, f"stroke {k}: {cost:.2f}"))
    facts = {key: value for key, value in _facts(each, score).items() if key != "rows"}
    return Picture(tuple(inks), f"{score.nll_per_point:.2f}: {each.stem}", {**by, **facts})


app = standalone_app(score, Command, EXAMPLE, without={"label"})
