"""Two machines that obey a file and tell what is on the paper then, knowing nothing of who wrote it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass
class Machine:
    """A pen over paper, places in millimetres; anything it does not know is an error."""

    lines: list[list[tuple[float, float]]] = field(default_factory=list)
    pens: list[int] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    at: tuple[float, float] = (0.0, 0.0)
    down: bool | None = None
    pen: int = 0
    travel: float = 0.0
    lifts: int = 0
    finished: bool = False

    def lower(self) -> None:
        assert self.down is not None, "the pen is lowered before it was ever lifted"
        if not self.down:
            self.lines.append([self.at])
            self.pens.append(self.pen)
        self.down = True

    def lift(self) -> None:
        self.lifts += bool(self.down)
        self.down = False

    def move(self, to: tuple[float, float]) -> None:
        assert self.down is not None, "the pen moves before it was ever lifted"
        if self.down:
            self.lines[-1].append(to)
        else:
            self.travel += math.dist(self.at, to)
        self.at = to

    @property
    def polylines(self) -> list[npt.NDArray[np.float64]]:
        return [np.array(line) for line in self.lines]


def obey_hpgl(content: bytes) -> Machine:
    """What HPGL draws: 40 steps a millimetre, absolute."""
    machine = Machine()
    text = content.decode("ascii")
    pattern = re.compile(r'\s*(?:CO "(?P<comment>[^"\n]*)"|(?P<name>[A-Z]{2})(?P<numbers>[-0-9,]*));')
    position = 0
    while position < len(text.rstrip()):
        found = pattern.match(text, position)
        assert found, f"not HPGL: {text[position : position + 40]!r}"
        position = found.end()
        if found["comment"] is not None:
            machine.comments.append(found["comment"])
            continue
        numbers = [int(word) for word in found["numbers"].split(",")] if found["numbers"] else []
        _hpgl(machine, found["name"], numbers)
    machine.finished = machine.pen == 0
    return machine


def _hpgl(machine: Machine, name: str, numbers: list[int]) -> None:
    if name in ("IN", "PA"):
        assert not numbers
    elif name == "SP":
        assert machine.down is False
        (machine.pen,) = numbers or [0]
    elif name == "VS":
        assert len(numbers) == 1 and 0 < numbers[0] <= 127
    elif name in ("PU", "PD"):
        machine.lift() if name == "PU" else machine.lower()
        assert len(numbers) % 2 == 0
        for x, y in zip(numbers[::2], numbers[1::2], strict=True):
            machine.move((x / 40, y / 40))
    else:
        raise AssertionError(f"no command of HPGL that a plotter of pens knows: {name}")


def obey_gcode(
    content: bytes,
    up: tuple[str, ...] = (),
    down: tuple[str, ...] = (),
    heights: tuple[float, float] = (3.0, 0.0),
) -> Machine:
    """What G-code draws; the pen goes by heights, or by the last lines of its own commands."""
    machine = Machine()
    modes: set[str] = set()
    for line in content.decode("ascii").splitlines():
        code, semicolon, comment = line.partition(";")
        assert "(" not in line and ")" not in line
        if semicolon:
            machine.comments.append(comment.strip())
        if code.strip():
            assert not machine.finished, f"{line!r} comes after the end"
            _gcode(machine, code.strip(), modes, up, down, heights)
    return machine


def _gcode(
    machine: Machine,
    line: str,
    modes: set[str],
    up: tuple[str, ...],
    down: tuple[str, ...],
    heights: tuple[float, float],
) -> None:
    if line in up or line in down:
        machine.lift() if line == (up or ("",))[-1] else None
        machine.lower() if line == (down or ("",))[-1] else None
        return
    name, *words = line.split(" ")
    values = {word[0]: float(word[1:]) for word in words}
    assert all(re.fullmatch(r"[XYZF]-?\d+(\.\d+)?", word) for word in words), line
    assert len(values) == len(words)
    if name in ("G21", "G90"):
        modes.add(name)
    elif name in ("M0", "M2"):
        assert machine.down is False
        machine.pen += name == "M0"
        machine.finished = name == "M2"
    else:
        assert name in ("G0", "G1") and modes == {"G21", "G90"}, line
        assert values.get("F", 1.0) > 0
        if "Z" in values:
            assert not up and set(values) <= {"Z", "F"} and values["Z"] in heights, line
            machine.lift() if values["Z"] == heights[0] else machine.lower()
        else:
            assert {"X", "Y"} <= set(values)
            assert (name == "G1") == machine.down, line
            machine.move((values["X"], values["Y"]))
