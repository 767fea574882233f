"""The progress of a training run: a small display at a terminal, else a line now and then."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from sketchkit.cli.console import plain
from sketchkit.cli.progress_stats import Cell, Course, figure, sparkline
from sketchkit.training.records import EvaluationRecord, StepRecord

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

__all__ = ["LiveDisplay"]

#: Seconds between two lines where there is no terminal, and between two pictures where there is one.
_LINE_EVERY, _PICTURE_EVERY = 30.0, 0.25
#: Three columns of a name and a figure, with gaps: 77 letters of the 80 that a terminal has.
_NAME, _FIGURE, _GAP = 9, 12, 5
_BAR = 24


class LiveDisplay:
    """Shows on stderr how a run goes on; a `Watcher`.

    Args:
        steps: how many the run shall make in the whole.
        max_seconds: of this session, after which it stops; None for as long as it takes.
        name: of the run.
        stream: where to show it; stderr when None. Closing it ends the display, and the run goes on.
        clock: tells seconds, by which pictures and lines are spaced.
    """

    def __init__(
        self,
        steps: int,
        max_seconds: float | None = None,
        name: str = "run",
        *,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._course = Course(steps, max_seconds)
        self._name, self._clock = plain(name), clock
        self._stream = sys.stderr if stream is None else stream
        self._shown, self._unshown, self._deaf = float("-inf"), False, False
        self._live = self._open_display() if _can_draw(self._stream) else None

    def step(self, record: StepRecord) -> None:
        """Take a step into account, and show it if it is time."""
        self._course.step(record)
        self._unshown = True
        every = _LINE_EVERY if self._live is None else _PICTURE_EVERY
        if self._clock() - self._shown >= every:
            self._show()

    def evaluation(self, record: EvaluationRecord) -> None:
        """Show an evaluation at once."""
        self._course.evaluation(record)
        if self._live is not None:
            self._show()
            return
        best = ", the best so far" if record.best else ""
        nll = "" if record.nll_per_point is None else f", NLL {figure(record.nll_per_point)}"
        what = f"valid loss {figure(record.loss)}{nll}{best}"
        self._say(f"{self._name}: at step {record.step:,}: {what}")

    def note(self, text: str) -> None:
        """Say something at once, above the picture."""
        self._say(f"{self._name}: {text}")

    def close(self) -> None:
        """Show how far the run came, and leave it on the screen."""
        if self._unshown:
            self._show()
        if self._live is not None:
            self._attempt(self._live.stop)
            self._live, self._unshown = None, False

    def _show(self) -> None:
        self._shown, self._unshown = self._clock(), False
        live = self._live
        if live is None:
            self._say(f"{self._name}: {self._course.line()}")
        else:
            picture = _picture(self._name, self._course, ascii_only=live.console.options.ascii_only)
            self._attempt(lambda: live.update(picture, refresh=True))

    def _say(self, text: str) -> None:
        live = self._live
        if live is None:
            self._attempt(lambda: print(plain(text), file=self._stream, flush=True))
        else:
            self._attempt(lambda: live.console.print(plain(text), markup=False, emoji=False))

    def _attempt(self, action: Callable[[], object]) -> None:
        """Write something; a terminal that has gone away ends the showing, not the run."""
        if self._deaf or self._stream is None:
            return
        try:
            action()
        except (OSError, ValueError):  # a closed stream is a ValueError
            self._deaf = True

    def _open_display(self) -> Live:
        from rich.console import Console
        from rich.live import Live

        console = Console(file=self._stream, force_terminal=True, highlight=False)
        live = Live(console=console, auto_refresh=False, redirect_stdout=False)
        self._attempt(live.start)
        return live


def _can_draw(stream: TextIO | None) -> bool:
    """Whether a picture can be drawn again and again in its place."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def _picture(name: str, course: Course, *, ascii_only: bool) -> Group:
    """The course as it stands, in some eight lines that fit 80 columns."""
    from rich.console import Group
    from rich.text import Text

    lines: list[Text] = [_head(name, course, ascii_only)]
    if course.last is not None:
        loss = _row([("loss", figure(course.recent("loss")))])
        loss.append(" " * _GAP + sparkline(course.curve, not ascii_only), style="cyan")
        lines += [loss, *map(_row, course.rows())]
        if course.last.skipped:
            words = f"{course.last.skipped:,} steps skipped: a loss or a gradient was not finite"
            lines.append(Text(words, style="yellow"))
    for line in lines:
        line.no_wrap, line.overflow = True, "crop"
    return Group(*lines)


def _head(name: str, course: Course, ascii_only: bool) -> Text:
    from rich.text import Text

    step = 0 if course.last is None else course.last.step
    full, empty = ("#", "-") if ascii_only else ("━", "─")
    done = int(_BAR * course.share)
    words = f"  step {step:,} of {course.steps:,}  "
    room = 3 * (_NAME + _FIGURE) + 2 * _GAP - len(words) - _BAR - 6
    head = Text()
    head.append(name[:room].ljust(room), style="bold")
    head.append(words)
    head.append(full * done, style="green")
    head.append(empty * (_BAR - done), style="dim")
    head.append(f" {100 * course.share:3.0f} %")
    return head


def _row(cells: list[Cell]) -> Text:
    from rich.text import Text

    row = Text()
    for i, (name, value) in enumerate(cells):
        row.append(" " * _GAP if i else "")
        row.append(name.ljust(_NAME), style="dim")
        row.append(value.rjust(_FIGURE))
    return row
