"""Where the endings of `complete` may go, as the command line says it."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sketchkit.cli.console import say
from sketchkit.cli.options import UsageError, option
from sketchkit.errors import FormatError, InputError
from sketchkit.files import shown

if TYPE_CHECKING:
    from sketchkit.cli.inputs import Input
    from sketchkit.generate import Endings
    from sketchkit.rendering import Ink
    from sketchkit.sketch import Sketch

__all__ = ["BoundsOptions", "Limits", "name_of", "tell_missing_endings"]

# The width of the outlines that a picture shows, in pixels.
_HAIRLINE = 1.0


@dataclass(frozen=True)
class BoundsOptions:
    """Where the ink of endings may go."""

    region: str | None = option(
        None,
        "Keep the ink of endings inside this rectangle, in the drawing's units.",
        metavar="X,Y,W,H",
        usual="anywhere",
    )
    avoid: str | None = option(
        None,
        "Keep the ink of endings out of the closed outlines of this drawing, and from crossing its open "
        "lines.",
        metavar="FILE",
        usual="nothing",
    )
    clearance: float = option(0.0, "How far ink stays from both, in the drawing's units.", metavar="D")


@dataclass(frozen=True)
class Limits:
    """Where the ink of endings may go.

    Args:
        region: x, y, width and height of the rectangle it stays in, in drawing units.
        avoid: the drawing it stays clear of.
        source: the file of that, as the user wrote it.
        clearance: how far it stays from both.
    """

    region: tuple[float, float, float, float] | None = None
    avoid: Sketch | None = None
    source: str | None = None
    clearance: float = 0.0

    @classmethod
    def of(cls, chosen: BoundsOptions) -> Limits | None:
        """The limits that the user chose, if there are any.

        Raises:
            UsageError: an invalid region or clearance.
            InputError: a file to avoid that is missing, or holds several drawings.
        """
        if not 0 <= chosen.clearance < math.inf:
            raise UsageError("it must be 0 or more", "--clearance")
        if chosen.region is None and chosen.avoid is None:
            if chosen.clearance:
                raise UsageError("it goes with --region or --avoid", "--clearance")
            return None
        region = None if chosen.region is None else _parse_region(chosen.region, chosen.clearance)
        avoid = None if chosen.avoid is None else _read_avoided(chosen.avoid)
        return cls(region, avoid, chosen.avoid, chosen.clearance)

    @property
    def facts(self) -> dict[str, Any]:
        """Their part in the provenance of an ending."""
        return {
            **({} if self.region is None else {"region": list(self.region)}),
            **({} if self.source is None else {"avoid": self.source}),
            **({"clearance": self.clearance} if self.clearance else {}),
        }

    @property
    def settings(self) -> dict[str, Any]:
        """The same as arguments of the library's function."""
        return {"region": self.region, "avoid": self.avoid, "clearance": self.clearance}

    def inks(self) -> tuple[Ink, ...]:
        """Their outlines, which a picture shows under the drawing."""
        from sketchkit.rendering import Ink
        from sketchkit.rendering.palette import LIMIT
        from sketchkit.sketch import Sketch

        out = () if self.avoid is None else (Ink(self.avoid, LIMIT, "avoid", _HAIRLINE),)
        if self.region is None:
            return out
        x, y, width, height = self.region
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
        return (Ink(Sketch.from_polylines([corners]), LIMIT, "region", _HAIRLINE), *out)


def tell_missing_endings(drawings: Sequence[Input], endings: Sequence[Endings]) -> None:
    """Say on stderr which drawings have fewer endings than were asked for."""
    for place, mine in enumerate(endings):
        record = mine.attempts
        if record is not None and record.satisfied < record.asked:
            say(
                f"{name_of(drawings, place)}: {record.satisfied} of {record.asked} endings asked for: "
                f"{record.satisfied} of {record.tried} attempts stayed within bounds"
            )


def name_of(drawings: Sequence[Input], place: int) -> str:
    """The name of a drawing in messages: its file, or its stem where the file holds others."""
    mine = drawings[place]
    if mine.number is not None or Counter(each.source for each in drawings)[mine.source] > 1:
        return shown(mine.stem)
    return "standard input" if mine.source == "-" else shown(mine.source)


def _parse_region(text: str, clearance: float) -> tuple[float, float, float, float]:
    """`x,y,w,h` as numbers; a rectangle without room is refused."""
    try:
        x, y, width, height = (float(word) for word in text.split(","))
    except ValueError:
        raise UsageError(f"{text!r} is not X,Y,W,H, such as 0,0,200,150", "--region") from None
    if not all(map(math.isfinite, (x, y, width, height))) or min(width, height) <= 0:
        raise UsageError(f"{text!r} is no rectangle: its width and height must be above 0", "--region")
    if min(width, height) <= 2 * clearance:
        raise UsageError(f"it leaves nothing of the region {text}", "--clearance")
    return x, y, width, height


def _read_avoided(file: str) -> Sketch:
    from sketchkit.cli.inputs import read_drawings

    if file == "-":
        raise UsageError("standard input holds the drawings: name a file", "--avoid")
    drawings = read_drawings(file)
    sketches = list(itertools.islice(drawings, 2))
    drawings.close()
    if len(sketches) > 1:
        raise FormatError(f"{shown(file)}: holds several drawings, --avoid takes one")
    if not sketches or not len(sketches[0].without_end()):
        raise InputError(f"{shown(file)}: holds no drawing to avoid")
    return sketches[0]
