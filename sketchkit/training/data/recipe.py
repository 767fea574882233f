"""How drawings are prepared: which are kept, as which rows, and in which split."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sketchkit.errors import InputError
from sketchkit.geometry import magenta_strokes, quickdraw_simplify
from sketchkit.sketch import Sketch
from sketchkit.training.data.manifest import SPLITS

__all__ = ["Item", "Recipe", "choose_split", "hash_drawing", "hash_key", "make_rows", "small_thresholds"]

Rows = npt.NDArray[np.float32]

#: The longest drawing that a set may be made to hold.
MAX_LENGTH = 100_000
#: Drawings that valid and test have at the least, where there are enough of them.
_LEAST = 3
#: The side of a whole training drawing, in its pixels.
_WHOLE = 255.0


@dataclass(frozen=True)
class Item:
    """One drawing on its way into a data set.

    Args:
        sketch: the drawing.
        label: its class.
        form: `page` for a drawing as it was drawn; `pixels` for one that may be in training pixels already;
            `rows` for one of a training file, which stays as it is.
        split: the split that its file puts it in, if any.
        key: its own identifier, if it has one.
        recognized: whether Quick, Draw! recognised it; None where the file does not say.
    """

    sketch: Sketch
    label: str
    form: Literal["page", "pixels", "rows"]
    split: str | None = None
    key: str | None = None
    recognized: bool | None = None


@dataclass(frozen=True)
class Recipe:
    """How drawings are prepared.

    Args:
        max_points: the most points of a drawing that is kept, after simplification.
        min_points: the fewest; 2 at least, since the first point is the start token's.
        simplify: `auto` fits a drawing to 255 pixels and simplifies it unless it is in such pixels already,
            `always` does so to every drawing, `never` leaves all as they are.
        splits: the shares of train, valid and test.
        resplit: split by hash also the drawings that a file splits itself.
        recognized_only: leave out drawings that Quick, Draw! failed to recognise.
        limit: the most drawings of a class, the first ones.
        skip_damaged: go on with the next file after one that is damaged.
        keep_background: make strokes of the paper in SVG files, too.
        reserve: the percentage of all drawings, the last of the train share by hash, that the set leaves out,
            for a judge to learn from.
        reserved_only: make the set of the reserved drawings instead, which are split like all others.

    Raises:
        InputError: a value out of range.
    """

    max_points: int = 200
    min_points: int = 2
    simplify: Literal["auto", "always", "never"] = "auto"
    splits: tuple[float, float, float] = (90.0, 5.0, 5.0)
    resplit: bool = False
    recognized_only: bool = False
    limit: int | None = None
    skip_damaged: bool = False
    keep_background: bool = False
    reserve: float = 0.0
    reserved_only: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.min_points <= self.max_points <= MAX_LENGTH:
            raise InputError(
                f"the points of a drawing must lie in 2..{MAX_LENGTH}, the fewest first, "
                f"got {self.min_points} and {self.max_points}"
            )
        if self.simplify not in ("auto", "always", "never"):
            raise InputError(f"simplify must be auto, always or never, got {self.simplify!r}")
        shares = self.splits
        if len(shares) != len(SPLITS) or not all(0 <= s < math.inf for s in shares) or not shares[0] > 0:
            raise InputError(f"the shares of {', '.join(SPLITS)} must be 0 or more and the first above 0")
        if self.limit is not None and self.limit < 1:
            raise InputError(f"the limit must be 1 or more, got {self.limit}")
        most = 100.0 * self.reserved[1]
        if not 0 <= self.reserve < most:
            raise InputError(
                f"the reserve must be 0 or more and below the {most:g} % of train, got {self.reserve}"
            )
        if self.reserved_only and not self.reserve:
            raise InputError("a set of reserved drawings needs a reserve above 0")

    @property
    def reserved(self) -> tuple[float, float]:
        """From where to where in 0..1 a hash means the reserve: the end of the train share."""
        train = self.splits[0] / sum(self.splits)
        return train - self.reserve / 100.0, train

    @property
    def thresholds(self) -> tuple[float, float]:
        """Up to where in 0..1 a hash means train, and up to where valid."""
        train, valid, test = self.splits
        whole = train + valid + test
        low, high = self.reserved if self.reserved_only else (0.0, 1.0)
        return low + (high - low) * train / whole, low + (high - low) * (train + valid) / whole

    def includes(self, drawing_hash: int) -> bool:
        """Whether a drawing of this hash goes into the set, as far as the reserve decides."""
        low, high = self.reserved
        return (low <= drawing_hash / 2**64 < high) == self.reserved_only

    def to_json(self) -> dict[str, Any]:
        """The recipe as JSON values."""
        return {**asdict(self), "splits": list(self.splits)}


def make_rows(item: Item, recipe: Recipe) -> Rows:
    """The training rows of a drawing.

    Args:
        item: the drawing.
        recipe: says whether it is simplified.

    Returns:
        float32 [n, 3]: dx, dy in pixels, and whether the pen lifts after the point. A drawing of n + 1 points
        has n rows; strokes of one point are left out.

    Raises:
        InputError: coordinates too large to be simplified.
    """
    sketch = item.sketch
    if _is_simplified(item, recipe):
        # A dot would be doubled, and would then count as a stroke.
        lines = [line for line in sketch.to_polylines() if len(line) > 1]
        return _drop_end(magenta_strokes(quickdraw_simplify(lines)))
    # Not `without_end`, which makes and checks another sketch: this is done for every drawing.
    rows = sketch.stroke5[:-1] if sketch.ended else sketch.stroke5
    lifts = rows[:, 3] != 0
    has_dots = len(rows) and (lifts[0] or (lifts[1:] & lifts[:-1]).any())
    if has_dots or sketch.pen_down:
        return _drop_end(magenta_strokes(sketch.to_polylines()))
    # As mostly: the rows are already what `magenta_strokes` would make of them.
    return np.ascontiguousarray(rows[1:, [0, 1, 3]])


def _is_simplified(item: Item, recipe: Recipe) -> bool:
    if recipe.simplify != "auto":
        return recipe.simplify == "always"
    if item.form != "pixels":
        return item.form == "page"
    points = item.sketch.points
    return len(points) > 0 and not (points.min() >= 0.0 and points.max() <= _WHOLE)


def _drop_end(stroke5: npt.NDArray[np.float64]) -> Rows:
    return stroke5[:-1, [0, 1, 3]].astype(np.float32)


def hash_drawing(label: str, rows: Rows) -> int:
    """The 64 bits that decide about a drawing, a function of its class and its rows alone.

    The key is left out: copies of one drawing have different keys, and the first of them would decide about
    the split.
    """
    # Adding 0 makes -0.0 the 0.0 that it equals.
    return _hash64(label.encode("utf-8", "surrogatepass") + b"\0" + (rows + np.float32(0.0)).tobytes())


def hash_key(key: str | None) -> int:
    """64 bits of a drawing's own identifier; 0 for None."""
    return 0 if key is None else _hash64(key.encode("utf-8", "surrogatepass"))


def _hash64(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def choose_split(drawing_hash: int, thresholds: tuple[float, float]) -> str:
    """The split of a drawing, a function of its hash alone."""
    place = drawing_hash / 2**64
    train, valid = thresholds
    return SPLITS[0] if place < train else SPLITS[1] if place < valid else SPLITS[2]


def small_thresholds(hashes: Sequence[int], recipe: Recipe) -> tuple[float, float]:
    """The thresholds under which a small set has drawings to measure with, wherever its hashes lie.

    Args:
        hashes: of all its drawings.
        recipe: says the shares; a share of 0 stays empty.

    Returns:
        Thresholds that share it out as the recipe's do, but that leave one drawing to train on, and give a
        sixth of the drawings to each of the others, or three, where they would have fewer.
    """
    places = sorted(each / 2**64 for each in hashes)
    usual = Counter(choose_split(each, recipe.thresholds) for each in hashes)
    least, free = min(max(len(places) // 6, 1), _LEAST), len(places) - 1
    shares = zip(SPLITS, recipe.splits, strict=True)
    _, valid, test = (max(usual[name], least) if share else 0 for name, share in shares)
    test = max(0, min(test, free - bool(valid)))
    valid = max(0, min(valid, free - test))
    bounds = [*places, math.inf]
    return bounds[len(places) - test - valid], bounds[len(places) - test]
