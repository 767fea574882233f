"""CSS values as component values, and the value of a mathematical function such as `calc()`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

#: Characters of one value that is not a plain word or number; a longer one is not valid.
_MAX_CHARACTERS = 1024
#: Brackets inside one another in one value.
MAX_NESTING = 24
#: Degrees of each unit of angles.
DEGREES = {"deg": 1.0, "rad": 180 / math.pi, "grad": 0.9, "turn": 360.0}
_BRACKETS = re.compile(r"[(){}\[\]]")


class Quantity(NamedTuple):
    """A number with its dimension: "number", "length", "angle", or another that `Unit` knows."""

    value: float
    dimension: str = "number"


#: Makes a quantity of a number and its unit ("mm", "%"); None for an unknown unit.
Unit = Callable[[float, str], Quantity | None]


@lru_cache(maxsize=128)
def components(text: str) -> tuple[Any, ...]:
    """The component values of a text without comments and spaces around it; empty where it is too complex."""
    import tinycss2  # here, so that documents without CSS do not wait for it

    if len(text) > _MAX_CHARACTERS or nesting(text) > MAX_NESTING:
        return ()
    tokens = tinycss2.parse_component_value_list(text, skip_comments=True)
    # The end of a value closes its open brackets; tinycss2 makes an error of an open address.
    return _stripped([token for token in tokens if getattr(token, "kind", "") != "eof-in-url"])


def nesting(text: str) -> int:
    """How deep the brackets of a text are inside one another; tinycss2 calls itself for each."""
    depth = deepest = 0
    for bracket in _BRACKETS.findall(text):
        depth += 1 if bracket in "([{" else -1
        deepest = max(deepest, depth)
    return deepest


def _stripped(tokens: Sequence[Any]) -> tuple[Any, ...]:
    start, end = 0, len(tokens)
    while start < end and tokens[start].type == "whitespace":
        start += 1
    while end > start and tokens[end - 1].type == "whitespace":
        end -= 1
    return tuple(tokens[start:end])


def arguments(tokens: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The parts between the commas of a function, without the spaces around them."""
    parts: list[list[Any]] = [[]]
    for token in tokens:
        if token == ",":
            parts.append([])
        elif token.type != "comment":
            parts[-1].append(token)
    return [_stripped(part) for part in parts]


def drop_spaces(tokens: Iterable[Any]) -> list[Any]:
    """Component values without spaces and comments."""
    return [token for token in tokens if token.type not in ("whitespace", "comment")]


def keyword(token: Any) -> str:
    """The word of an identifier in lower case; "" for other component values."""
    return str(token.lower_value) if token.type == "ident" else ""


def is_function(token: Any) -> bool:
    """Whether a component value is a mathematical function."""
    return token.type == "function" and (token.lower_name in _FUNCTIONS or token.lower_name in _CALC)


def evaluate(token: Any, unit: Unit) -> Quantity | None:
    """The quantity of a number, a dimension, a percentage, a mathematical function or a bracket of one.

    Args:
        token: a component value of tinycss2.
        unit: makes quantities of numbers with units.

    Returns:
        The quantity; `None` where the component is not one, or mixes dimensions that do not mix.
    """
    if token.type == "number":
        return Quantity(token.value)
    if token.type == "dimension":
        return unit(token.value, token.lower_unit)
    if token.type == "percentage":
        return unit(token.value, "%")
    if token.type == "() block":
        return _sum(_stripped(token.content), unit)
    if token.type == "ident":
        constant = _CONSTANTS.get(token.lower_value)
        return None if constant is None else Quantity(constant)
    return _call(token, unit) if is_function(token) else None


def _call(token: Any, unit: Unit) -> Quantity | None:
    if token.lower_name in _CALC:
        return _sum(_stripped(token.arguments), unit)
    most, function, dimension = _FUNCTIONS[token.lower_name]
    quantities = [_sum(part, unit) for part in arguments(token.arguments)]
    values = [quantity.value for quantity in quantities if quantity is not None]
    dimensions = {quantity.dimension for quantity in quantities if quantity is not None}
    if len(values) != len(quantities) or len(values) > most or len(dimensions) != 1:
        return None
    (given,) = dimensions
    if given == "angle" and token.lower_name in _TRIGONOMETRY:
        values = [math.radians(value) for value in values]
    elif dimension == "number" and given != "number" and token.lower_name != "sign":
        return None
    try:
        return Quantity(float(function(*values)), dimension or given)
    except (ArithmeticError, TypeError, ValueError):
        return None


def _sum(tokens: Sequence[Any], unit: Unit) -> Quantity | None:
    """Products with `+` and `-` between them, which have spaces on both sides."""
    total: Quantity | None = None
    start, sign = 0, 1.0
    for i in range(len(tokens) + 1):
        if i < len(tokens) and not _is_sign(tokens, i):
            continue
        term = _product([token for token in tokens[start:i] if token.type != "whitespace"], unit)
        if term is None or (total is not None and total.dimension != term.dimension):
            return None
        total = Quantity(sign * term.value + (0.0 if total is None else total.value), term.dimension)
        start, sign = i + 1, -1.0 if i < len(tokens) and tokens[i] == "-" else 1.0
    return total


def _is_sign(tokens: Sequence[Any], i: int) -> bool:
    spaced = 0 < i < len(tokens) - 1 and tokens[i - 1].type == tokens[i + 1].type == "whitespace"
    return spaced and tokens[i] in ("+", "-")


def _product(tokens: Sequence[Any], unit: Unit) -> Quantity | None:
    if len(tokens) % 2 == 0:
        return None
    product = evaluate(tokens[0], unit)
    for operator, token in zip(tokens[1::2], tokens[2::2], strict=True):
        factor = evaluate(token, unit)
        if product is None or factor is None or operator not in ("*", "/"):
            return None
        if operator == "/":
            if factor.dimension != "number" or factor.value == 0:
                return None
            product = Quantity(product.value / factor.value, product.dimension)
        elif "number" not in (product.dimension, factor.dimension):
            return None
        else:
            dimension = factor.dimension if product.dimension == "number" else product.dimension
            product = Quantity(product.value * factor.value, dimension)
    return product


_CALC = frozenset({"calc", "-webkit-calc"})
_TRIGONOMETRY = frozenset({"sin", "cos", "tan"})
_CONSTANTS = {"pi": math.pi, "e": math.e, "infinity": math.inf, "-infinity": -math.inf, "nan": math.nan}
#: Name -> the most arguments, the function, and the dimension of the result: that of the arguments if empty.
_FUNCTIONS: dict[str, tuple[int, Callable[..., float], str]] = {
    "min": (64, lambda *values: min(values), ""),
    "max": (64, lambda *values: max(values), ""),
    "clamp": (3, lambda low, value, high: max(low, min(value, high)), ""),
    "abs": (1, abs, ""),
    "hypot": (64, math.hypot, ""),
    "mod": (2, lambda a, b: a % b, ""),
    "rem": (2, math.fmod, ""),
    "round": (2, lambda a, b=1.0: math.floor(a / b + 0.5) * b, ""),
    "sign": (1, lambda value: math.copysign(1.0, value) if value else 0.0, "number"),
    "sqrt": (1, math.sqrt, "number"),
    "pow": (2, math.pow, "number"),
    "exp": (1, math.exp, "number"),
    "sin": (1, math.sin, "number"),
    "cos": (1, math.cos, "number"),
    "tan": (1, math.tan, "number"),
    "log": (2, math.log, "number"),
    "asin": (1, lambda value: math.degrees(math.asin(value)), "angle"),
    "acos": (1, lambda value: math.degrees(math.acos(value)), "angle"),
    "atan": (1, lambda value: math.degrees(math.atan(value)), "angle"),
    "atan2": (2, lambda y, x: math.degrees(math.atan2(y, x)), "angle"),
}
