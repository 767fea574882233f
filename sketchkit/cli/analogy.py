"""`sketchkit analogy`: the difference of two drawings, added to a third."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from sketchkit.cli.groups import OutputOptions, SheetOptions
from sketchkit.cli.help import SamplerCommand, standalone_app
from sketchkit.cli.options import (
    Json,
    KeepBackground,
    LatentDrawing,
    LatentPath,
    PathName,
    Prepared,
    ShownClass,
    SplitName,
    UsageError,
    argument,
    option,
)

if TYPE_CHECKING:
    from sketchkit.cli.inputs import Input
    from sketchkit.cli.outputs import Item
    from sketchkit.cli.sources import Source
    from sketchkit.models import DrawingModel
    from sketchkit.sketch import Sketch

__all__ = ["EXAMPLE", "analogy", "app"]

EXAMPLE = (
    "sketchkit analogy pig.svg pig-head.svg cat-head.svg -o cat.svg\n"
    "sketchkit analogy cat.svg mean:cat mean:pig --from animals -o pig.svg"
)
_MEAN = "mean:"
#: The most drawings of a class that a mean is over.
_MOST_OF_A_CLASS = 2_000
_SIGNS = ("A", "- B", "+ C", "=")


@dataclass(frozen=True)
class _Term:
    """One of the three.

    Args:
        word: as the user wrote it.
        given: the drawing; missing for the mean of a class.
        label: its class, where that is known.
    """

    word: str
    given: Input | None
    label: str | None


def analogy(
    *,
    a: str = argument("A", "A drawing, FILE#K for one of many, or mean:CLASS."),
    b: str = argument("B", "What is taken away from it."),
    c: str = argument("C", "What is added."),
    output: OutputOptions,
    source: str | None = option(
        None,
        "What mean:CLASS is over: a data set, or a file of drawings that say what they show.",
        flags="--from",
        metavar="DATA",
        usual="none",
    ),
    split: SplitName = "train",
    prepared: Prepared = False,
    keep_background: KeepBackground = False,
    path: LatentPath = None,
    classes: ShownClass = None,
    latent: LatentDrawing,
    sheet: SheetOptions,
    json: Json = False,
    context: typer.Context,
) -> None:
    """Draw A - B + C: what A has over B, given to C.

    The sheet shows the given drawings above, and the model's drawings of each and of the sum below.
    """
    from sketchkit.cli.inapplicable import check_split
    from sketchkit.cli.outputs import Item, Page
    from sketchkit.cli.runner import POINTS, Run
    from sketchkit.rendering.palette import ENDING

    run = Run.of(latent, classes)
    page = Page.of(output, sheet, "analogy", json=json)
    check_split(context, source)
    if source is not None and not any(word.startswith(_MEAN) for word in (a, b, c)):
        raise UsageError(f"goes with {_MEAN}CLASS only", "--from")
    terms = [_read_term(word, source, keep_background=keep_background) for word in (a, b, c)]
    layout = page.plan("analogy", 1 if sheet.tile else 8, 4)
    model = run.load(sum(4 if term.given else _MOST_OF_A_CLASS for term in terms) * POINTS)
    import numpy as np

    from sketchkit.generate import sample
    from sketchkit.latent import combine, resolve_path

    path = resolve_path(model, path)
    known = [model.known_label(term.label) for term in terms]
    z = _vectors(model, terms, known, source, split, path, prepared=prepared)
    shown = run.class_of(0) or known[-1]
    vectors = np.concatenate([z, combine(model, z, known, (1.0, -1.0, 1.0), path, shown)[None]])
    labels = [*(run.class_of(0) or each for each in known), shown]
    sketches = sample(model, 4, z=vectors, class_name=labels, index=np.zeros(4, np.int64), **run.keywords())
    provenance = {**run.provenance, "analogy": [a, b, c], "path": path}
    result = Item.of("analogy", 0, sketches[3], _SIGNS[3], provenance, color=ENDING)
    page.write([result], layout, provenance, None if sheet.tile else _pictures(terms, sketches, result))


def _read_term(word: str, source: str | None, *, keep_background: bool) -> _Term:
    from sketchkit.cli.inputs import read_one

    if not word.startswith(_MEAN):
        given = read_one(word, keep_background=keep_background)
        return _Term(word, given, given.sketch.label)
    if source is None:
        raise UsageError(f"{word} is over the drawings of a data set or a file: --from DATA", "--from")
    return _Term(word, None, word.removeprefix(_MEAN))


def _vectors(
    model: DrawingModel,
    terms: Sequence[_Term],
    labels: Sequence[str | None],
    source: str | None,
    split: str,
    path: PathName,
    *,
    prepared: bool,
) -> Any:
    """The latent vectors of the three, [3, Z]."""
    import numpy as np

    from sketchkit.cli.console import progress
    from sketchkit.latent import encode, typical

    out = []
    with progress("Encoding") as told:
        for term, label in zip(terms, labels, strict=True):
            if term.given is not None:
                mu, _ = encode(model, [term.given.sketch], prepared=prepared)
            else:
                there = _of_class(str(source), split, str(term.label))
                sketches = list(there.sketches(range(len(there.indices))))
                mu, _ = encode(model, sketches, prepared=prepared or there.prepared, progress=told)
            n = len(mu)
            several = [np.arange(n)]
            out.append(mu[0] if n == 1 else typical(model, mu, [label] * n, several, [label], path)[0])
    return np.stack(out)


def _of_class(source: str, split: str, label: str) -> Source:
    from sketchkit.cli.sources import read_source

    return read_source(source, split, [label], _MOST_OF_A_CLASS, 0)


def _pictures(terms: Sequence[_Term], sketches: Sequence[Sketch], result: Item) -> list[Any]:
    """The given drawings above, the model's of them and of the sum below."""
    from sketchkit.rendering import Ink, Picture

    above = [
        Picture((), term.word) if term.given is None else Picture((Ink(term.given.sketch),), term.given.stem)
        for term in terms
    ]
    below = [
        Picture((Ink(sketch, curved=True),), sign)
        for sketch, sign in zip(sketches[:3], _SIGNS[:3], strict=True)
    ]
    return [*above, Picture(()), *below, result.picture]


app = standalone_app(analogy, SamplerCommand, EXAMPLE)
