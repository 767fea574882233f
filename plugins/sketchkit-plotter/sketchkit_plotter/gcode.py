"""Sheets as G-code, for plotters driven by grbl, Marlin, LinuxCNC and the like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sketchkit.errors import InputError
from sketchkit.options import option
from sketchkit.rendering import Layout, Picture
from sketchkit_plotter.order import HOME, Stroke
from sketchkit_plotter.pens import color_name
from sketchkit_plotter.plot import Machine, Pass, Plot

__all__ = ["GcodeRenderer"]

# A line of a command of one's own: nothing that begins a comment or that a controller obeys at once.
_COMMAND = re.compile(r"[A-Za-z][A-Za-z0-9 .+_=-]*", re.ASCII)

# A comment that LinuxCNC shows; the text has no letter that a controller obeys.
_MESSAGE = re.compile(r"\(MSG,[A-Za-z0-9 .,_#-]*\)", re.ASCII)


@dataclass(frozen=True)
class GcodeRenderer(Machine):
    """G-code: millimetres, absolute places to a hundredth, straight moves only (G0 and G1).

    Args:
        feed: of the lowered pen, in millimetres a minute.
        travel_feed: of the lifted pen.
        up_z: the height of the lifted pen, in millimetres.
        down_z: the height of the lowered pen.
        z_feed: of the pen between the two.
        up: the command that lifts the pen, such as "M5", in place of a height; of several lines if there are
            bars (`|`) between them.
        down: the command that lowers it, such as "M3 S90 | G4 P0.2".
        change: the command that waits for another pen, at home with the pen lifted; `{pen}` and `{color}` in
            it stand for that pen, as in "M0 Pen {pen} {color}" for Marlin, whose display shows the words, or
            in "(MSG, pen {pen} {color}) | M0" for LinuxCNC.
        end: the command that ends the program; empty for none.

    Raises:
        InputError: a value out of range, a command that is none, one of `up` and `down` without the other, or
            a lifted pen that is where the lowered one is.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".gcode", ".nc")
    steps: ClassVar[int] = 100

    feed: float = option(2000.0, "Of the lowered pen, in mm/min.", low=1.0, high=100_000.0)
    travel_feed: float = option(5000.0, "Of the lifted pen, in mm/min.", low=1.0, high=100_000.0)
    up_z: float = option(3.0, "The height of the lifted pen, in mm.", low=-1000.0, high=1000.0)
    down_z: float = option(0.0, "The height of the lowered pen, in mm.", low=-1000.0, high=1000.0)
    z_feed: float = option(600.0, "Between the two, in mm/min.", low=1.0, high=100_000.0)
    up: str | None = option(None, "A command that lifts the pen, such as M5.")
    down: str | None = option(None, "A command that lowers it, such as 'M3 S90 | G4 P0.2'.")
    change: str = option("M0", "What waits for pen {pen} of {color}.")
    end: str = option("M2", "What ends the program; may be empty.")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("up", "down", "change", "end"):
            _check_command(name, getattr(self, name))
        if (self.up is None) != (self.down is None):
            raise InputError("up and down go together: give both commands or neither")
        if self.up == self.down if self.up is not None else self.up_z == self.down_z:
            raise InputError("the pen is never lifted: it is up where it is down")

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        """Draw pictures on one sheet; see `sketchkit.rendering.Renderer`.

        Raises:
            InputError: see `Plotter.plot`.
        """
        plot = self.plot(pictures, layout, metadata)
        return "".join(f"{line}\n" for line in self._lines(plot)).encode("ascii")

    @property
    def _up(self) -> list[str]:
        if self.up is not None:
            return _split(self.up)
        return [f"G0 Z{_number(self.up_z)} F{_number(self.z_feed)}"]

    @property
    def _down(self) -> list[str]:
        if self.down is not None:
            return _split(self.down)
        return [f"G1 Z{_number(self.down_z)} F{_number(self.z_feed)}"]

    def _lines(self, plot: Plot) -> Iterator[str]:
        yield from (f"; {remark}" for remark in plot.remarks)
        yield from ("G21", "G90", *self._up)
        for number, each in enumerate(plot.passes):
            yield from (f"; pen {each.pen}: {color_name(color)}" for color in each.colors)
            if number:
                yield from self._change(each)
            for stroke in each.strokes:
                yield from self._stroke(stroke)
            yield self._travel(HOME)
        yield from _split(self.end)

    def _change(self, to: Pass) -> list[str]:
        words = {"{pen}": str(to.pen), "{color}": ", ".join(map(color_name, to.colors))}
        return [_fill(line, words) for line in _split(self.change)]

    def _stroke(self, points: Stroke) -> Iterator[str]:
        yield self._travel(points[0])
        yield from self._down
        feed = f" F{_number(self.feed)}"
        for point in points[1:]:
            yield f"G1 {_place(point)}{feed}"
            feed = ""  # it holds until another is set
        yield from self._up

    def _travel(self, point: Stroke) -> str:
        return f"G0 {_place(point)} F{_number(self.travel_feed)}"


def _place(point: Stroke) -> str:
    x, y = (_number(int(steps) / GcodeRenderer.steps) for steps in point)
    return f"X{x} Y{y}"


def _number(value: float) -> str:
    """Without exponent, to a thousandth, without zeros that say nothing."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _split(command: str) -> list[str]:
    return [line.strip() for line in command.split("|") if line.strip()]


def _fill(line: str, words: Mapping[str, str]) -> str:
    for field, word in words.items():
        line = line.replace(field, word)
    return line


def _check_command(name: str, command: str | None) -> None:
    if command is None or (name == "end" and not command):
        return
    lines = _split(command)
    kinds = [_COMMAND]
    if name == "change":
        lines = [_fill(line, {"{pen}": "1", "{color}": "black"}) for line in lines]
        kinds.append(_MESSAGE)
    if not lines or not all(any(kind.fullmatch(line) for kind in kinds) for line in lines):
        raise InputError(f"{name} must be commands such as M3 S90, with | between two lines, got {command!r}")
