"""Groups of options that several commands share, and the values that they mean."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sketchkit.cli.options import (
    Force,
    InputFormat,
    KeepBackground,
    Prepared,
    ShardName,
    SplitName,
    UsageError,
    argument,
    option,
)
from sketchkit.errors import InputError

if TYPE_CHECKING:
    from sketchkit.rendering import Layout

__all__ = [
    "FIELDS",
    "InkOptions",
    "InputOptions",
    "JobOptions",
    "OutputOptions",
    "SheetOptions",
    "as_usage",
    "check_fields",
    "fill_fields",
    "name_file",
    "parse_steps",
    "parse_temperatures",
    "parse_tile",
    "refuse_fields",
]

_DEFAULT_CELL, _DEFAULT_GAP = 160.0, 8.0
#: The fields in the name of an output.
FIELDS = ("{stem}", "{index}")
_FIELD = re.compile("|".join(map(re.escape, FIELDS)))


@contextmanager
def as_usage(option: str | None = None) -> Iterator[None]:
    """Turn errors of the library about a value from the command line into errors of usage, of an option's."""
    try:
        yield
    except InputError as error:
        raise UsageError(str(error), option) from error


@dataclass(frozen=True)
class InputOptions:
    """Which drawings."""

    files: list[str] = argument(
        "FILES", "Drawings: SVG, ndjson, bin, npz, or their URLs; FILE#K is one of many; - reads stdin."
    )
    input_format: InputFormat = None
    limit: int | None = option(
        None, "Only the first so many drawings of each file.", metavar="N", low=1, usual="all"
    )
    keep_background: KeepBackground = False


@dataclass(frozen=True)
class OutputOptions:
    """The output and its format."""

    output: str | None = option(
        None,
        "The file to write, or - for stdout; {stem} stands for a drawing's file, {index} for the number of "
        "what is drawn.",
        flags="--output -o",
        metavar="PATH",
        usual="by the input and the layout",
    )
    format: str | None = option(
        None,
        "svg, animated-svg, png, pdf, gif, ndjson...; with options, such as gif:seconds=0.5.",
        metavar="FORMAT",
        usual="the suffix of PATH",
    )
    force: Force = False


@dataclass(frozen=True)
class InkOptions:
    """The ink that is added, beside the user's own."""

    ink: str = option(
        "contrast",
        "Of what is added: same as the drawing's own, contrast, or a colour: a name that SVG knows, #rgb or "
        "#rrggbb.",
        metavar="COLOR",
    )
    only_added: bool = option(False, "Write what is added alone, where it stands.")


@dataclass(frozen=True)
class SheetOptions:
    """How a sheet looks."""

    tile: str | None = option(
        None, "The cells of the sheet.", metavar="COLSxROWS", usual="by what is drawn, or nearly a square"
    )
    cell: float | None = option(
        None, "The side of a cell.", metavar="PX", usual="160, or what fills the page"
    )
    gap: float | None = option(
        None,
        "Between two cells, in pixels; in millimetres on a page.",
        metavar="WIDTH",
        usual="8, or 3 on a page",
    )
    margin: float | None = option(
        None,
        "Around everything, in pixels; in millimetres on a page.",
        metavar="WIDTH",
        usual="the gap, or 10 on a page",
    )
    page: str | None = option(
        None,
        "The paper that the sheet fills: A3, A4, A5, Letter, Legal, each also with -landscape, or measures "
        "such as 210x297mm.",
        metavar="PAGE",
        usual="as large as its cells",
    )
    title: str | None = option(None, "A line above the sheet.", metavar="WORDS")
    scale_mode: Literal["fit", "common"] = option(
        "fit", "Each drawing fills its cell, or all have one scale."
    )
    label: bool = option(False, "Write a caption under each drawing.")
    stroke: float | None = option(
        None,
        "Of lines, in pixels; in millimetres on a page, in a drawing's own units where it stays in place.",
        metavar="WIDTH",
        usual="2, or 0.4 on a page, or as the drawing's",
    )
    curves: Literal["auto", "on", "off"] = option(
        "auto", "Smooth curves: auto where a model drew, on everywhere, off nowhere."
    )
    background: str | None = option(
        None,
        "Of the paper: a name that SVG knows, such as ivory, #rgb, #rrggbb, or none.",
        metavar="COLOR",
        usual="suits the file",
    )

    @property
    def is_open(self) -> bool:
        """Whether the arrangement is left open, so that a single drawing may keep its own page."""
        chosen = (self.tile, self.cell, self.gap, self.margin, self.page, self.title)
        return self.scale_mode == "fit" and not self.label and all(each is None for each in chosen)

    def layout(self, count: int, columns: int | None = None) -> Layout:
        """The arrangement of pictures.

        Args:
            count: of pictures; they must fit.
            columns: of a sheet without `--tile`.

        Raises:
            UsageError: lengths or a tile that make no sheet, or too small a sheet.
        """
        from sketchkit.rendering import Layout, Picture

        tile = parse_tile(self.tile) or (None if columns is None else (columns, None))
        with as_usage():
            layout = Layout.on_page(
                self.page,
                **self._lengths(),
                stroke=self.stroke,
                tile=tile,
                label=self.label,
                background=self.background,
                scale=self.scale_mode,
                title=self.title,
                curves=self.curves,
            )
            layout.arrange([Picture(())] * count)
        return layout

    def _lengths(self) -> dict[str, float | None]:
        """The lengths of the grid; a page has defaults of its own."""
        if self.page is not None:
            return {"cell": self.cell, "gap": self.gap, "margin": self.margin}
        gap = _DEFAULT_GAP if self.gap is None else self.gap
        cell = _DEFAULT_CELL if self.cell is None else self.cell
        return {"cell": cell, "gap": gap, "margin": gap if self.margin is None else self.margin}


@dataclass(frozen=True)
class JobOptions:
    """Many rows or grids in one run."""

    jobs: str | None = option(
        None,
        'Many in one run, each a line: {"name": "a", "drawings": ["x.svg", "cats.ndjson#3"]}.',
        metavar="FILE",
        usual="none",
    )
    pairs: str | None = option(
        None,
        "Many in one run, between drawings of --from: every choice of them, or N by chance.",
        metavar="all|random:N",
        usual="none",
    )
    source: str | None = option(
        None, "Of --pairs: a data set, or a file of drawings.", flags="--from", metavar="DATA", usual="none"
    )
    split: SplitName = "test"
    limit: int | None = option(
        None, "The most drawings of it, chosen by chance.", metavar="N", low=1, usual="all"
    )
    prepared: Prepared = False
    keep_background: KeepBackground = False
    shard: ShardName = None

    @property
    def many(self) -> bool:
        """Whether this is a run of many."""
        return self.jobs is not None or self.pairs is not None

    def check(self, *, json: bool) -> None:
        """Refuse options without an effect.

        Raises:
            UsageError: the first of them.
        """
        if self.pairs is None and (self.source, self.limit) != (None, None):
            what = "--from" if self.source is not None else "--limit"
            raise UsageError("goes with --pairs only", what)
        if self.shard is not None and not self.many:
            raise UsageError("goes with --jobs or --pairs", "--shard")
        if self.many and json:
            raise UsageError("goes with one row or grid only", "--json")


def parse_temperatures(texts: list[str]) -> tuple[float, ...]:
    """`["0.25,0.5", "1"]` as different numbers.

    Raises:
        UsageError: a word that is not a number.
    """
    words = [word.strip() for text in texts for word in text.split(",")]
    try:
        return tuple(dict.fromkeys(map(float, words)))
    except ValueError:
        bad = ",".join(texts)
        raise UsageError(f"{bad!r} is no list of numbers, such as 0.25,0.5", "-t") from None


def parse_steps(text: str, example: str, most: int = 999) -> tuple[int, int]:
    """`7x5`: seven columns and five rows.

    Raises:
        UsageError: other text, or a number outside 2 to `most`.
    """
    found = re.fullmatch(r"([0-9]{1,9})x([0-9]{1,9})", text.lower())
    if not found or not all(2 <= int(n) <= most for n in found.groups()):
        raise UsageError(f"{text!r} is not COLUMNSxROWS of 2 to {most} each, such as {example}", "--steps")
    return int(found[1]), int(found[2])


def parse_tile(text: str | None) -> tuple[int, int | None] | None:
    """`4x3`, or `4` for as many rows as it takes.

    Raises:
        UsageError: other text.
    """
    if text is None:
        return None
    columns, cross, rows = text.lower().partition("x")
    if not all(part.isascii() and part.isdigit() for part in ((columns, rows) if cross else (columns,))):
        raise UsageError(f"{text!r} is not COLUMNSxROWS, such as 4x3", "--tile")
    if len(columns) > 9 or len(rows) > 9:
        raise UsageError("so many cells fit on no sheet", "--tile")
    return int(columns), int(rows) if cross else None


# --- `{stem}` and `{index}` in the names of outputs -------------------------------------------------------


def fill_fields(pattern: str, stem: str, index: int = 0) -> str:
    """A name with its fields filled in."""
    values = dict(zip(FIELDS, (stem, str(index)), strict=True))
    # In one pass: a stem may itself hold braces.
    return _FIELD.sub(lambda field: values[field[0]], pattern)


def name_file(path: str, stem: str, option: str = "--output") -> str:
    """The name of a single file, in which `{stem}` may stand for the first input.

    Raises:
        UsageError: another `{field}`.
    """
    check_fields(path, FIELDS[:1], option)
    return fill_fields(path, stem)


def check_fields(pattern: str, known: Sequence[str] = FIELDS, option: str = "--output") -> None:
    """Refuse a `{field}` that is unknown.

    Raises:
        UsageError: the first of them.
    """
    for field in re.findall(r"\{[^{}]*\}", pattern):
        if field not in known:
            there = f"there {'is' if len(known) == 1 else 'are'} {' and '.join(known)}"
            raise UsageError(f"{field} stands for nothing: {there}", option)


def refuse_fields(path: str | os.PathLike[str] | None, option: str) -> None:
    """Refuse `{stem}` and `{index}` in a name that takes neither.

    Raises:
        UsageError: the first of them.
    """
    if path is not None and (found := _FIELD.search(os.fspath(path))):
        raise UsageError(f"{found[0]} stands for nothing here", option)
