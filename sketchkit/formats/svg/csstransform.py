"""Transforms of CSS: the property `transform`, the single ones beside it, and where they have their origin.

Source: CSS Transforms 1 and 2. An element is flat: of the product of functions in three dimensions it takes
the part of x and y, without perspective, as browsers draw SVG.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sketchkit.formats.svg.calc import (
    DEGREES,
    Quantity,
    arguments,
    components,
    drop_spaces,
    evaluate,
    keyword,
)
from sketchkit.formats.svg.values import (
    IDENTITY,
    Matrix,
    Units,
    multiply,
    rotation,
    scaling,
    skewing,
    translation,
)

#: The properties that move an element, in the order in which they do so, the last one first.
_TRANSFORMS = ("translate", "rotate", "scale", "transform")
#: These, and the ones that say from where.
TRANSFORM_PROPERTIES = (*_TRANSFORMS, "transform-origin", "transform-box")
_BOXES = {"fill-box": "fill", "content-box": "fill", "stroke-box": "stroke", "border-box": "stroke"}

_Solid = npt.NDArray[np.float64]  # [4, 4], maps columns


class Box(NamedTuple):
    """A rectangle that percentages and origins refer to.

    Attributes:
        x: its left side, in user units.
        y: its upper side.
        units: its size, and that of the font.
    """

    x: float
    y: float
    units: Units


#: Some box, to find out whether a value is valid.
_ANY = Box(0.0, 0.0, Units(1.0, 1.0))


def is_transform_valid(name: str, text: str) -> bool:
    """Whether a declaration of one of the properties of this module has a valid value."""
    if name == "transform-box":
        return text.lower() in {*_BOXES, "view-box"}
    if name == "transform-origin":
        return _origin(text, _ANY, unitless=False) is not None
    return _steps(name, text, _ANY) is not None


def reference_box(properties: Mapping[str, str], attribute: Matrix) -> str:
    """Which box the transforms of an element refer to: "fill", "stroke", "view"; "" without transforms.

    Args:
        properties: its valid declarations.
        attribute: the map of its `transform` attribute.
    """
    moves = any(properties.get(name, "none").lower() != "none" for name in _TRANSFORMS)
    placed = "transform-origin" in properties or "transform-box" in properties
    if not moves and (attribute == IDENTITY or not placed):
        return ""
    return _BOXES.get(properties.get("transform-box", "").lower(), "view")


def css_transform(properties: Mapping[str, str], box: Box, attribute: Matrix) -> Matrix:
    """The map of an element.

    Args:
        properties: its valid declarations.
        box: its reference box.
        attribute: the map of its `transform` attribute; the identity where the property is declared.

    Returns:
        The map in two dimensions.
    """
    steps: list[Matrix | _Solid] = []
    for name in _TRANSFORMS:
        if name in properties:
            steps += _steps(name, properties[name], box) or ()
    steps.append(attribute)
    origin = _origin(properties.get("transform-origin", ""), box) or (box.x, box.y, 0.0)
    if not any(origin):
        return _product(steps)
    x, y, z = origin
    if z:
        return _product([_solid_translation(x, y, z), *steps, _solid_translation(-x, -y, -z)])
    return _product([translation(x, y), *steps, translation(-x, -y)])


def _product(steps: Sequence[Matrix | _Solid]) -> Matrix:
    """The map that does the last step first, seen from the front."""
    flat = [step for step in steps if isinstance(step, tuple)]
    if len(flat) == len(steps):
        matrix = IDENTITY
        for step in flat:
            matrix = multiply(matrix, step)
        return matrix
    product = np.eye(4)
    with np.errstate(all="ignore"):  # the result is searched for infinities
        for each in steps:
            product = product @ (_solid(each) if isinstance(each, tuple) else each)
    (a, c, _, e), (b, d, _, f) = product[:2].tolist()
    return (a, b, c, d, e, f)


def _solid(matrix: Matrix) -> _Solid:
    a, b, c, d, e, f = matrix
    return np.array([[a, c, 0, e], [b, d, 0, f], [0, 0, 1, 0], [0, 0, 0, 1]], np.float64)


@lru_cache(maxsize=256)
def _steps(name: str, text: str, box: Box) -> Sequence[Matrix | _Solid] | None:
    """The maps of a property, the last one done first; `None` where its value is not valid."""
    if text.lower() == "none":
        return ()
    if name == "transform":
        return _functions(text, box)
    words = drop_spaces(components(text))
    step = None if any(token == "," for token in words) else _SINGLE[name](words, box)
    return None if step is None else (step,)


def _functions(text: str, box: Box) -> list[Matrix | _Solid] | None:
    """The maps of a list of functions."""
    steps: list[Matrix | _Solid] = []
    for token in drop_spaces(components(text)):
        known = _FUNCTIONS.get(token.lower_name) if token.type == "function" else None
        parts = arguments(token.arguments) if known else []
        if known is None or not known.fewest <= len(parts) <= len(known.kinds):
            return None
        values = [
            _value(part[0], kind, box, zero=True) if len(part) == 1 else None
            for part, kind in zip(parts, known.kinds, strict=False)
        ]
        if None in values:
            return None
        steps.append(known.make(*values))
    return steps or None


def _value(token: Any, kind: str, box: Box, zero: bool = False) -> float | None:
    """The value of an argument.

    Args:
        token: a component value.
        kind: "x" and "y" for a length or a share of the box's width or height, "z" for a length, "n" for a
            number, "%" for a number or a percentage, "a" for an angle, "p" for a distance or `none`.
        box: the reference box.
        zero: whether an angle of 0 may lack its unit.
    """
    if kind == "p":
        if keyword(token) == "none":
            return math.inf
        distance = _value(token, "z", box)
        return distance if distance is not None and distance >= 0 else None
    quantity = evaluate(token, lambda value, unit: _quantity(value, unit, kind, box.units))
    if quantity is None:
        return None
    if token.type == "number" and token.value == 0 and kind in "xyza" and (zero or kind != "a"):
        return 0.0
    if kind == "a" and not math.isfinite(quantity.value):
        return 0.0 if quantity.dimension == "angle" else None  # browsers clamp it to whole turns
    return quantity.value if quantity.dimension == _DIMENSIONS[kind] else None


_DIMENSIONS = {"x": "length", "y": "length", "z": "length", "n": "number", "%": "number", "a": "angle"}


def _quantity(value: float, unit: str, kind: str, units: Units) -> Quantity | None:
    if unit == "%" and kind == "%":
        return Quantity(value / 100)
    if unit == "%" and kind not in "xy":
        return None
    if unit in DEGREES:
        return Quantity(value * DEGREES[unit], "angle")
    one = units.length(f"1{unit}", kind)
    return None if one is None else Quantity(value * one, "length")


def _solid_translation(x: float, y: float = 0.0, z: float = 0.0) -> _Solid:
    solid = np.eye(4)
    solid[:3, 3] = x, y, z
    return solid


def _solid_scaling(x: float, y: float | None = None, z: float = 1.0) -> Matrix | _Solid:
    flat = scaling(x, y)
    return flat if z == 1 else np.diag([flat[0], flat[3], z, 1.0])


def _solid_rotation(x: float, y: float, z: float, degrees: float) -> Matrix | _Solid:
    """A rotation around a direction.

    Source: CSS Transforms 2, "Mathematical description of transform functions" (Rodrigues' formula).
    """
    length = math.hypot(x, y, z)
    if not 0 < length < math.inf:
        return IDENTITY
    if x == y == 0:
        return rotation(degrees if z > 0 else -degrees)
    x, y, z = x / length, y / length, z / length
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    if degrees % 180 == 90:
        cos = 0.0  # an element seen from its side is not seen
    axis = np.array([x, y, z])
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    solid = np.eye(4)
    solid[:3, :3] = cos * np.eye(3) + sin * cross + (1 - cos) * np.outer(axis, axis)
    return solid


def _perspective(distance: float) -> _Solid:
    solid = np.eye(4)
    solid[3, 2] = -1 / max(distance, 1.0)
    return solid


class _Function(NamedTuple):
    fewest: int
    kinds: str
    make: Callable[..., Matrix | _Solid]


_FUNCTIONS = {
    "matrix": _Function(6, "nnnnnn", lambda *numbers: numbers),
    "translate": _Function(1, "xy", translation),
    "translatex": _Function(1, "x", translation),
    "translatey": _Function(1, "y", lambda y: translation(0.0, y)),
    "scale": _Function(1, "%%", scaling),
    "scalex": _Function(1, "%", lambda x: scaling(x, 1.0)),
    "scaley": _Function(1, "%", lambda y: scaling(1.0, y)),
    "rotate": _Function(1, "a", rotation),
    "rotatez": _Function(1, "a", rotation),
    "skew": _Function(1, "aa", skewing),
    "skewx": _Function(1, "a", skewing),
    "skewy": _Function(1, "a", lambda y: skewing(0.0, y)),
    "matrix3d": _Function(16, "n" * 16, lambda *numbers: np.array(numbers).reshape(4, 4).T),
    "translate3d": _Function(3, "xyz", _solid_translation),
    "translatez": _Function(1, "z", lambda z: _solid_translation(0.0, 0.0, z)),
    "scale3d": _Function(3, "%%%", _solid_scaling),
    "scalez": _Function(1, "%", lambda z: _solid_scaling(1.0, 1.0, z)),
    "rotate3d": _Function(4, "nnna", _solid_rotation),
    "rotatex": _Function(1, "a", lambda angle: _solid_rotation(1.0, 0.0, 0.0, angle)),
    "rotatey": _Function(1, "a", lambda angle: _solid_rotation(0.0, 1.0, 0.0, angle)),
    "perspective": _Function(1, "p", _perspective),
}


def _values(words: Sequence[Any], kinds: str, box: Box) -> list[float] | None:
    """As many values as there are words, of these kinds in order."""
    values = [_value(word, kind, box) for word, kind in zip(words, kinds, strict=False)]
    valid = 0 < len(words) <= len(kinds)
    return [v for v in values if v is not None] if valid and None not in values else None


def _translate(words: Sequence[Any], box: Box) -> Matrix | _Solid | None:
    values = _values(words, "xyz", box)
    if values is None:
        return None
    return _solid_translation(*values) if len(values) == 3 else translation(*values)


def _scale(words: Sequence[Any], box: Box) -> Matrix | _Solid | None:
    values = _values(words, "%%%", box)
    return None if values is None else _solid_scaling(*values)


_AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}


def _rotate(words: Sequence[Any], box: Box) -> Matrix | _Solid | None:
    """An angle, with or without an axis before or behind it."""
    for angle, axis in ((words[:1], words[1:]), (words[-1:], words[:-1])):
        degrees = _values(angle, "a", box)
        if degrees is None:
            continue
        if not axis:
            return rotation(*degrees)
        if len(axis) == 1 and keyword(axis[0]) in _AXES:
            return _solid_rotation(*_AXES[keyword(axis[0])], *degrees)
        numbers = _values(axis, "nnn", box)
        if numbers is not None and len(numbers) == 3:
            return _solid_rotation(*numbers, *degrees)
    return None


_SINGLE = {"translate": _translate, "scale": _scale, "rotate": _rotate}

_KEYWORDS = {
    "left": ("x", 0.0),
    "right": ("x", 1.0),
    "top": ("y", 0.0),
    "bottom": ("y", 1.0),
    "center": ("", 0.5),
}


def _origin(text: str, box: Box, unitless: bool = True) -> tuple[float, float, float] | None:
    """A `transform-origin` in user units; `None` where it is invalid. `unitless` lengths are pixels."""
    words = drop_spaces(components(text))
    if not 1 <= len(words) <= 3:
        return None
    if unitless:
        from tinycss2.ast import DimensionToken

        words = [
            DimensionToken(0, 0, t.value, None, t.representation, "px") if t.type == "number" else t
            for t in words
        ]
    z = _value(words[2], "z", box) if len(words) == 3 else 0.0
    places = [_KEYWORDS.get(keyword(word)) for word in words[:2]]
    if len(words) == 1:
        words, places = [*words, None], [*places, ("", 0.5)]
    axes = [None if place is None else place[0] for place in places]
    if axes[0] == "y" or axes[1] == "x":  # the other way round, for which both must be keywords
        if None in axes:
            return None
        words, places, axes = words[1::-1], places[::-1], axes[::-1]
    if axes[0] == "y" or axes[1] == "x" or z is None:
        return None
    found = []
    for word, place, axis, start, size in (
        (words[0], places[0], "x", box.x, box.units.width),
        (words[1], places[1], "y", box.y, box.units.height),
    ):
        value = _value(word, axis, box) if place is None else place[1] * size
        if value is None:
            return None
        found.append(start + value)
    return found[0], found[1], z
