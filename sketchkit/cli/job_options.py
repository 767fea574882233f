"""The options of `interpolate` and `grid` that make many in one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from sketchkit.cli.flags import KeepBackground, Prepared, SplitName

__all__ = ["JobOptions"]


@dataclass(frozen=True)
class JobOptions:
    """Many at once."""

    jobs: Annotated[
        str | None,
        typer.Option(
            "--jobs",
            metavar="FILE",
            help='Many in one run, each a line: {"name": "a", "drawings": ["x.svg", "cats.ndjson#3"]}.',
            show_default="none",
        ),
    ] = None
    pairs: Annotated[
        str | None,
        typer.Option(
            "--pairs",
            metavar="all|random:N",
            help="Many in one run, between drawings of --from: every choice of them, or N by chance.",
            show_default="none",
        ),
    ] = None
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DATA",
            help="Of --pairs: a data set, or a file of drawings.",
            show_default="none",
        ),
    ] = None
    split: SplitName = "test"
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            metavar="N",
            min=1,
            help="The most drawings of it, chosen by chance.",
            show_default="all",
        ),
    ] = None
    prepared: Prepared = False
    keep_background: KeepBackground = False

    @property
    def many(self) -> bool:
        """Whether this is a run of many."""
        return self.jobs is not None or self.pairs is not None

    def check(self, *, json: bool) -> None:
        """Refuse options that would be passed over in silence.

        Raises:
            typer.BadParameter: the first of them.
        """
        if self.pairs is None and (self.source, self.limit) != (None, None):
            what = "--from" if self.source is not None else "--limit"
            raise typer.BadParameter("goes with --pairs only", param_hint=what)
        if self.many and json:
            raise typer.BadParameter("goes with one row or grid only", param_hint="--json")
