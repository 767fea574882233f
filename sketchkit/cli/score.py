"""`sketchkit score`: the cost of drawings to a model, stroke by stroke."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
    ShardName,
    UsageError,
    option,
    require_one_class,
    settings_of,
)
from sketchkit.settings import DrawSettings

if TYPE_CHECKING:
    from sketchkit.cli.inputs import Input
    from sketchkit.cli.parts import Progress
    from sketchkit.cli.runner import Run
    from sketchkit.generate import Score
    from sketchkit.models import DrawingModel
    from sketchkit.rendering import Picture, Renderer
    from sketchkit.sketch import Sketch

__all__ = ["EXAMPLE", "app", "score"]

#: The most drawings whose guessed classes are told.
_MOST_TOLD = 9
#: The drawings of a part of a long file.
_DRAWINGS_OF_PART = 4096
_STDOUT = "-"
_NO_LINE = "a drawing without a line cannot be scored"

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
    output: str | None = option(
        None,
        "A .jsonl file to write: a line for each drawing, with what --json says of it but the costs of its "
        "points; or a folder of such files. For any number of drawings.",
        flags="--output -o",
        metavar="PATH",
        usual="a table on stdout",
    ),
    shard: ShardName = None,
    json: Listed = False,
    force: Force = False,
) -> None:
    """Say how much drawings surprise a model, and which strokes do.

    The cost is -log p, a natural logarithm in model units, of all points and of the end: less is likelier.
    """
    from sketchkit.cli.console import print_json
    from sketchkit.cli.inputs import check_lines, read_inputs
    from sketchkit.cli.runner import Run, split_class_words

    in_lines = output is not None or shard is not None
    _check_outputs(heatmap, json=json, in_lines=in_lines)
    picture = _Heatmap.of(heatmap, sheet, given, force)
    wanted, guess = split_class_words(classes)
    class_name, run = require_one_class(wanted), Run.of(drawing, wanted)
    how = _How(class_name, guess=guess, blank=bool(classes) and not (class_name or guess), prepared=prepared)
    if in_lines:
        _write_lines(run, given, how, output, shard, force)
        return
    drawings = how.label(read_inputs(given))
    check_lines(drawings, _NO_LINE)
    sheet.layout(len(drawings) + 1)  # refuses what is no sheet

    scores = _score(run, drawings, how)
    by = {"model": run.provenance["model"]}
    if picture is not None:
        picture.write(drawings, scores, by, {} if class_name is None else {"class": run.classes[0]})
        if not json:
            tell_written([picture.path])
    if json:
        pairs = zip(drawings, scores, strict=True)
        print_json([{**by, **_facts(each, mine), "rows": _points(mine)} for each, mine in pairs])
    elif heatmap != _STDOUT:
        _print(drawings, scores)


def _check_outputs(heatmap: str | None, *, json: bool, in_lines: bool) -> None:
    """Refuse outputs that do not go together."""
    if heatmap == _STDOUT and json:
        raise UsageError("--json and the picture cannot both go to stdout", "--heatmap")
    if in_lines and (heatmap is not None or json):
        raise UsageError("goes without --output", "--json" if json else "--heatmap")


@dataclass(frozen=True)
class _Heatmap:
    """The picture of scores.

    Args:
        path: a file, or `-` for stdout.
        renderer: makes the picture.
        sheet: the options of the sheet.
        overwrite: whether the file may exist already.
    """

    path: str
    renderer: Renderer
    sheet: SheetOptions
    overwrite: bool

    @classmethod
    def of(
        cls, path: str | None, sheet: SheetOptions, given: InputOptions, overwrite: bool
    ) -> _Heatmap | None:
        """The picture that a user means, if any.

        Raises:
            UsageError: options of a sheet without a picture, or that the kind of file lacks.
            InputError: a file that cannot be written.
        """
        from sketchkit.cli.inapplicable import check_frames, refuse_sheet
        from sketchkit.cli.inputs import stem_of_file
        from sketchkit.cli.output_kind import picture_renderer
        from sketchkit.cli.outputs import check_paths

        if path is None:
            refuse_sheet(sheet, "goes with --heatmap only: there is no picture")
            return None
        renderer = picture_renderer(None, path)
        path = name_file(path, stem_of_file(given.files[0]), "--heatmap")
        check_paths([path], overwrite)
        check_frames(sheet, renderer)
        return cls(path, renderer, sheet, overwrite)

    def write(
        self,
        drawings: Sequence[Input],
        scores: Sequence[Score],
        by: Mapping[str, str],
        about: Mapping[str, str],
    ) -> None:
        """Draw and write it; the scale takes a cell of its own."""
        from sketchkit.cli.outputs import render_pictures, send

        page = dataclasses.replace(self.sheet.layout(len(drawings) + 1), label=True)
        provenance = {"generator": "sketchkit", "version": __version__, **by, **about}
        pictures = _pictures(drawings, scores, by)
        send(render_pictures(self.renderer, pictures, page, provenance), self.path, self.overwrite)


@dataclass(frozen=True)
class _How:
    """What is said of drawings.

    Args:
        class_name: of all of them; None where it is left open.
        guess: whether missing classes are guessed.
        blank: whether the model is told no class at all.
        prepared: whether they are training data already.
    """

    class_name: str | None
    guess: bool
    blank: bool
    prepared: bool

    def label(self, drawings: Sequence[Input]) -> list[Input]:
        """The drawings, without their classes where the model is told none."""
        if not self.blank:
            return list(drawings)
        return [dataclasses.replace(each, sketch=each.sketch.labelled(None)) for each in drawings]

    def load(self, run: Run, n: int) -> tuple[DrawingModel, dict[str, Any]]:
        """The model for n drawings, and the settings of the library's function."""
        from sketchkit.cli.runner import POINTS

        model, class_name = run.load(n * POINTS), self.class_name
        if class_name is None and self.guess and run.can_guess(model):
            class_name = "auto"
        return model, {"class_name": class_name, "prepared": self.prepared}


def _write_lines(
    run: Run, chosen: InputOptions, how: _How, output: str | None, shard: str | None, force: bool
) -> None:
    """The scores of any number of drawings, a line each; of a drawing without a line the fault."""
    from sketchkit.cli.console import json_line
    from sketchkit.cli.inputs import DrawingFiles, has_line
    from sketchkit.cli.output_kind import Kind
    from sketchkit.cli.outputs import check_paths
    from sketchkit.cli.parts import Parts, PartsOutput, Work
    from sketchkit.cli.streaming import identify

    to = PartsOutput.of(output, Kind(".jsonl", None), shard, overwrite=force)
    if to.shard is None:
        to = dataclasses.replace(to, path=_name_lines(to.path, chosen.files[0]))
        check_paths([to.path], force)
    files = DrawingFiles.count(chosen)
    model, settings = how.load(run, len(files))
    from sketchkit.generate import score as score_all

    def make(parts: Iterable[range], report: Progress) -> Iterator[bytes]:
        for _, given in files.read(parts):
            drawings = how.label(given)
            lined = [each for each in drawings if has_line(each.sketch)]
            scores = score_all(model, _called(lined), progress=report, **settings)
            facts = {id(each): _facts(each, mine) for each, mine in zip(lined, scores, strict=True)}
            yield b"".join(json_line({**by, **(facts.get(id(each)) or _fault(each))}) for each in drawings)

    by = {"model": run.provenance["model"]}
    about = {"generator": "sketchkit", "version": __version__, **by, "weights": model.weights_checksum()}
    identity = {
        **identify(run, model),
        "run": run.provenance,
        "provenance": {**about, **settings},
        **settings,
        "blank": how.blank,
        "inputs": files.digest(),
    }
    to.do(Work(Parts(len(files), _DRAWINGS_OF_PART), ".jsonl", identity, make, 1, "Scoring"))


def _name_lines(path: str, file: str) -> str:
    """The file of scores that a user means, named by the first input.

    Raises:
        UsageError: another suffix; stdout, pipes and devices need none.
    """
    from sketchkit.cli.inputs import stem_of_file
    from sketchkit.cli.output_kind import STDOUT
    from sketchkit.cli.parts import is_pipe

    if path == STDOUT or is_pipe(path):
        return path
    if os.path.splitext(path)[1].lower() != ".jsonl":
        raise UsageError("scores are written as .jsonl", "--output")
    return name_file(path, stem_of_file(file))


def _score(run: Run, drawings: Sequence[Input], how: _How) -> list[Score]:
    """The scores of all drawings; says the guessed classes of the first few."""
    from sketchkit.cli.console import progress, say
    from sketchkit.cli.runner import tell_guesses

    model, settings = how.load(run, len(drawings))
    from sketchkit.generate import score as score_all

    with progress("Scoring") as report:
        scores = score_all(model, _called(drawings), progress=report, **settings)
    guessed = [
        (each.called, mine.guesses) for each, mine in zip(drawings, scores, strict=True) if mine.guesses
    ]
    for name, guesses in guessed[:_MOST_TOLD]:
        tell_guesses(name, guesses, model.card.name)
    if len(guessed) > _MOST_TOLD:
        say(f"the classes of {len(guessed) - _MOST_TOLD:,} more were guessed; --class chooses")
    return scores


def _called(drawings: Sequence[Input]) -> list[Sketch]:
    """The sketches of drawings; what the library refuses it calls by its key."""
    return [each.sketch.labelled(each.sketch.label, each.called) for each in drawings]


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


def _fault(each: Input) -> dict[str, Any]:
    """What is said of a drawing that has no score, as JSON values."""
    return {"input": each.source, "drawing": each.stem, "error": _NO_LINE}


def _points(score: Score) -> list[dict[str, Any]]:
    """The cost of each row as JSON values."""
    rows = zip(score.offset.tolist(), score.pen.tolist(), score.stroke_of.tolist(), strict=True)
    return [
        {"offset": offset, "pen": pen, "stroke": None if stroke < 0 else stroke}
        for offset, pen, stroke in rows
    ]


def _facts(each: Input, score: Score) -> dict[str, Any]:
    """The score of a drawing as JSON values; a stroke that is a dot has no cost."""
    strokes = zip(score.stroke_points.tolist(), score.strokes.tolist(), score.strokes_per_point, strict=True)
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
    return Picture(tuple(inks), f"{score.nll_per_point:.2f}: {each.stem}", {**by, **_facts(each, score)})


app = standalone_app(score, Command, EXAMPLE, without={"label"})
