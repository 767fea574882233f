"""Drawings to try renderers and formats with."""

from __future__ import annotations

import math

from sketchkit.sketch import Sketch

__all__ = ["DOT", "EMPTY", "FACE", "ODD_WORDS", "many"]

#: Words that a document must mark up, and some that a terminal or a file's lines would trip over.
ODD_WORDS = "</svg> -- ]]> & \"quoted\" 'too' \n\t\u2028 \N{PENCIL} \u05d0"

_CIRCLE = [
    (100 + 80 * math.cos(angle), 110 + 60 * math.sin(angle))
    for angle in (2 * math.pi * step / 24 for step in range(25))
]

#: Four strokes of many points, of two points and of one, away from (0, 0) and wider than high.
FACE = Sketch.from_polylines(
    [_CIRCLE, [(60, 90), (75, 96)], [(140.25, 92.5)], [(70, 140), (100, 152), (133, 139)]],
    ended=True,
    label="face",
    key="1",
)
#: One point.
DOT = Sketch.from_polylines([[(12, 34)]], ended=True)
#: Nothing at all.
EMPTY = Sketch.from_polylines([])


def many(count: int) -> list[Sketch]:
    """So many drawings, all different, finished and not, the pen down at the end and not."""
    out = []
    for number in range(count):
        lines = [
            [(3 * number, 5), (40, 11 + number), (70 + number, 90)],
            [(20, 60 - number), (25 + 2 * number, 70)],
        ]
        out.append(
            Sketch.from_polylines(lines, ended=number % 2 == 0, pen_down=number % 3 == 1, key=str(number))
        )
    return out
