"""The course of a training run so far, in figures and words fit for a terminal, however they are shown."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from sketchkit.training.records import EvaluationRecord, StepRecord, flatten, symbol

__all__ = ["Cell", "Course", "clock_time", "figure", "sparkline"]

#: Seconds of training over which speed and losses are averaged, and the most steps that takes into account.
_WINDOW, _MOST_STEPS = 10.0, 1000
#: Of the curve of the loss: once there are more columns, each becomes half as wide.
_CURVE_COLUMNS = 44
#: The longest name of a figure.
_NAME = 9
_BLOCKS, _PLAIN_BLOCKS = "▁▂▃▄▅▆▇█", "_.-=+*%#"

Cell = tuple[str, str]


class Course:
    """How far a run came, how fast, and how well.

    Args:
        steps: how many the run shall make in the whole.
        max_seconds: of this session, after which it stops, counted from the first step that is seen; None for
            as long as it takes.
    """

    def __init__(self, steps: int, max_seconds: float | None = None) -> None:
        self.steps, self.max_seconds = steps, max_seconds
        self.evaluated: EvaluationRecord | None = None
        self.best: EvaluationRecord | None = None
        self._first: StepRecord | None = None
        self._recent: deque[StepRecord] = deque(maxlen=_MOST_STEPS)
        self._curve = _Curve()

    def step(self, record: StepRecord) -> None:
        """Take a step into account."""
        if self._first is None:
            self._first = record
        self._curve.add(record.loss)
        self._recent.append(record)
        while len(self._recent) > 2 and record.seconds - self._recent[1].seconds >= _WINDOW:
            self._recent.popleft()

    def evaluation(self, record: EvaluationRecord) -> None:
        """Take an evaluation into account."""
        self.evaluated = record
        if record.best or self.best is None:
            self.best = record

    @property
    def last(self) -> StepRecord | None:
        """The last step, if there was one."""
        return self._recent[-1] if self._recent else None

    @property
    def share(self) -> float:
        """The share of the run that is done, 0..1: by steps or by time, the larger of both."""
        if self.last is None:
            return 0.0
        by_steps = self.last.step / max(self.steps, 1)
        by_time = self._elapsed() / self.max_seconds if self.max_seconds else 0.0
        return min(max(by_steps, by_time), 1.0)

    @property
    def curve(self) -> Sequence[float]:
        """The loss from the first step that was seen to the last, in at most 44 means of equal width."""
        return self._curve.columns

    def recent(self, name: str) -> float:
        """The mean of a field over the last ten seconds of training."""
        # Not by `fmean`, which fails where a run that diverges has numbers too large to be added.
        return float(sum(flatten(record)[name] for record in self._recent)) / len(self._recent)

    def speed(self) -> float | None:
        """Points a second over the last ten seconds of training; None while unknown."""
        first, last = self._recent[0], self._recent[-1]
        seconds = last.seconds - first.seconds
        return (last.points - first.points) / seconds if seconds > 0 else None

    def left(self) -> float | None:
        """Seconds to go, by the mean speed since the first step that was seen; None while unknown."""
        first, last = self._first, self.last
        by_time = math.inf if self.max_seconds is None else self.max_seconds - self._elapsed()
        by_steps = math.inf
        if first is not None and last is not None and last.step > first.step:
            by_steps = (self.steps - last.step) * self._elapsed() / (last.step - first.step)
        nearer = min(by_time, by_steps)
        return max(nearer, 0.0) if math.isfinite(nearer) else None

    def _elapsed(self) -> float:
        return self.last.seconds - self._first.seconds if self.last and self._first else 0.0

    def line(self) -> str:
        """Where the run is, on one line."""
        last = self.last
        if last is None:
            return f"no step of {self.steps:,} yet"
        parts = ", ".join(
            f"{symbol(name)} {figure(self.recent(name))}"
            + (f" x {figure(last.weights[name])}" if name in last.weights else "")
            for name in last.terms
        )
        words = [
            f"step {last.step:,} of {self.steps:,} ({100 * self.share:.0f} %)",
            f"loss {figure(self.recent('loss'))} ({parts})",
            f"{_speed(self.speed())} points/s",
            f"{clock_time(last.seconds)} elapsed",
        ]
        left = self.left()
        words += [f"{clock_time(left)} left"] if left is not None else []
        words += [f"{last.skipped:,} skipped"] if last.skipped else []
        return ", ".join(words)

    def rows(self) -> list[list[Cell]]:
        """Names and figures in rows of three, for a display."""
        last = self.last
        if last is None:
            return []
        terms = [(symbol(name)[:_NAME], figure(self.recent(name))) for name in last.terms]
        rates = [("rate", f"{last.learning_rate:.3g}"), ("gradient", figure(self.recent("gradient_norm")))]
        rates += [(_weight_name(name), figure(weight)) for name, weight in last.weights.items()]
        left = self.left()
        return [
            *(terms[k : k + 3] for k in range(0, len(terms), 3)),
            *(rates[k : k + 3] for k in range(0, len(rates), 3)),
            [
                ("points/s", _speed(self.speed())),
                ("elapsed", clock_time(last.seconds)),
                ("left", "?" if left is None else clock_time(left)),
            ],
            _evaluation_row("valid", self.evaluated),
            _evaluation_row("best", self.best),
        ]


class _Curve:
    """A run of numbers of any length in a few means of equal width."""

    def __init__(self) -> None:
        self._means: list[float] = []
        self._width, self._sum, self._count = 1, 0.0, 0

    @property
    def columns(self) -> list[float]:
        begun = [self._sum / self._count] if self._count else []
        return self._means + begun

    def add(self, value: float) -> None:
        self._sum, self._count = self._sum + value, self._count + 1
        if self._count < self._width:
            return
        self._means.append(self._sum / self._count)
        self._sum, self._count = 0.0, 0
        if len(self._means) == _CURVE_COLUMNS:
            pairs = zip(self._means[::2], self._means[1::2], strict=True)
            self._means, self._width = [(a + b) / 2 for a, b in pairs], 2 * self._width


def _weight_name(term: str) -> str:
    name = symbol(term).removeprefix("L_")
    return f"{name} weight" if len(name) < 3 else f"w {name}"[:_NAME]


def sparkline(values: Sequence[float], fine: bool = True) -> str:
    """Numbers as a row of bars from the lowest to the highest; infinite numbers leave a gap.

    Args:
        values: a bar each.
        fine: whether there are blocks to draw with; else ASCII.
    """
    blocks = _BLOCKS if fine else _PLAIN_BLOCKS
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return " " * len(values)
    # Halves: the distance of two numbers that are as large as can be has no room in a number.
    low, height = min(finite) / 2, max(finite) / 2 - min(finite) / 2

    def bar(value: float) -> str:
        if not math.isfinite(value):
            return " "
        share = 0.0 if height == 0 else (value / 2 - low) / height
        return blocks[min(int(len(blocks) * share), len(blocks) - 1)]

    return "".join(map(bar, values))


def figure(value: float) -> str:
    """A loss or another small number in at most eleven letters."""
    if not math.isfinite(value):
        return str(value)
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:.4g}"


def clock_time(seconds: float) -> str:
    """Seconds as h:mm:ss, with days where there are any."""
    if not 0 <= seconds < 1e9:
        return "?"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return (f"{days}d " if days else "") + f"{hours}:{minutes:02}:{rest:02}"


def _speed(speed: float | None) -> str:
    return "?" if speed is None or not math.isfinite(speed) else f"{speed:,.0f}"


def _evaluation_row(name: str, record: EvaluationRecord | None) -> list[Cell]:
    if record is None:
        return [(name, "none yet")]
    return [
        (name, figure(record.loss)),
        ("NLL", "?" if record.nll_per_point is None else figure(record.nll_per_point)),
        ("at step", f"{record.step:,}"),
    ]
