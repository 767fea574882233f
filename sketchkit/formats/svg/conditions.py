"""The conditions of `@media` and `@supports`, as a browser on a desktop computer answers them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from sketchkit.formats.svg.calc import Quantity, arguments, drop_spaces, evaluate, keyword
from sketchkit.formats.svg.properties import PROPERTIES, is_valid, standard_name
from sketchkit.formats.svg.values import Units
from sketchkit.formats.svg.variables import has_variables

#: The answer to a bracket or a function; None where it is unknown.
_Leaf = Callable[[Any], bool | None]


def is_media(tokens: Sequence[Any]) -> bool:
    """Whether a list of media queries, component values of tinycss2, fits a screen; an empty one does."""
    return any(_query(drop_spaces(part)) for part in arguments(tokens))


def is_supported(tokens: Sequence[Any], is_selector: Callable[[Sequence[Any]], bool]) -> bool:
    """Whether the condition of an `@supports` holds; `is_selector` tells whether a selector is one."""

    def leaf(token: Any) -> bool | None:
        if token.type != "function":
            return _is_declaration_supported(token.content)
        if token.lower_name == "selector":
            return is_selector(token.arguments)
        return True if token.lower_name in ("font-tech", "font-format") else None

    return _condition(drop_spaces(tokens), leaf) is True


def _query(words: Sequence[Any]) -> bool | None:
    """Whether a media query holds; `None` where it is not one."""
    if not words:
        return True
    negated = keyword(words[0]) == "not"
    if not keyword(words[0]) or (negated and len(words) > 1 and not keyword(words[1])):
        return _condition(words, _feature)
    kind, *rest = words[1:] if keyword(words[0]) in ("not", "only") else words
    if keyword(kind) in ("", "and", "or", "not", "only", "layer"):
        return None
    holds: bool | None = keyword(kind) in ("all", "screen")
    if rest:
        features = None if keyword(rest[0]) != "and" else _condition(rest[1:], _feature)
        if features is None or "or" in map(keyword, rest):
            return None
        holds = holds and features
    return not holds if negated else holds


def _condition(words: Sequence[Any], leaf: _Leaf) -> bool | None:
    """Brackets all joined by "and" or all by "or", or one behind "not"; `None` where it is not so."""
    if words and keyword(words[0]) == "not":
        inner = _inside(words[1], leaf) if len(words) == 2 else None
        return None if inner is None else not inner
    joints = {keyword(word) for word in words[1::2]}
    if len(words) % 2 == 0 or joints not in (set(), {"and"}, {"or"}):
        return None
    answers = [_inside(word, leaf) for word in words[::2]]
    if joints == {"or"}:
        return True if True in answers else None if None in answers else False
    return False if False in answers else None if None in answers else True


def _inside(token: Any, leaf: _Leaf) -> bool | None:
    if token.type == "function":
        return leaf(token)
    if token.type != "() block":
        return None
    words = drop_spaces(token.content)
    if words and (words[0].type in ("() block", "function") or keyword(words[0]) == "not"):
        return _condition(words, leaf)
    return leaf(token)


def _feature(token: Any) -> bool | None:
    """Whether the browser has a media feature: `(hover)`, `(min-width: 3px)`, `(3px < width <= 4px)`."""
    if token.type == "function":
        return None
    words = drop_spaces(token.content)
    if len(words) > 1 and words[1] == ":":
        return _plain_feature(keyword(words[0]), words[2:])
    at = [i for i, word in enumerate(words) if keyword(word) in _NUMBERS or keyword(word) in _STATES]
    if len(at) != 1:
        return None
    name, (before, after) = keyword(words[at[0]]), (words[: at[0]], words[at[0] + 1 :])
    if not before and not after:
        return _NUMBERS[name].value != 0 if name in _NUMBERS else _STATES[name] not in _INACTIVE
    if name not in _NUMBERS:
        return None
    answers = []
    if before:
        sign = 1 + next((i for i, word in enumerate(reversed(before)) if word in ("<", ">", "=")), 0)
        sign += sign < len(before) and before[-sign - 1] in ("<", ">")
        answers.append(_compare(before[:-sign], before[-sign:], name, swapped=True))
    if after:
        sign = 2 if len(after) > 1 and after[1] == "=" else 1
        answers.append(_compare(after[sign:], after[:sign], name, swapped=False))
    return None if None in answers else all(answers)


def _plain_feature(name: str, words: Sequence[Any]) -> bool | None:
    if name in _STATES:
        return _STATES[name] == keyword(words[0]) if len(words) == 1 and keyword(words[0]) else None
    for prefix, compare in (("min-", operator.ge), ("max-", operator.le), ("-webkit-min-", operator.ge)):
        base = f"-webkit-{name.removeprefix(prefix)}" if prefix.startswith("-") else name.removeprefix(prefix)
        if name.startswith(prefix) and base in _NUMBERS:
            value = _value(words, base)
            return None if value is None else bool(compare(_NUMBERS[base].value, value))
    value = _value(words, name) if name in _NUMBERS else None
    return None if value is None else _NUMBERS[name].value == value


_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}


def _compare(words: Sequence[Any], sign: Sequence[Any], name: str, *, swapped: bool) -> bool | None:
    value = _value(words, name)
    compare = _COMPARE.get(
        "".join(getattr(token, "value", "") or "" for token in sign if token.type == "literal")
    )
    if value is None or compare is None:
        return None
    actual = _NUMBERS[name].value
    return compare(value, actual) if swapped else compare(actual, value)


def _value(words: Sequence[Any], name: str) -> float | None:
    """A number of a media feature in its unit; `None` where it does not fit."""
    if len(words) == 3 and words[1] == "/" and name.endswith("aspect-ratio"):
        first, second = (evaluate(word, _unit) for word in words[::2])
        return first.value / second.value if first and second and second.value else None
    value = evaluate(words[0], _unit) if len(words) == 1 else None
    if value is None or not (value.dimension == _NUMBERS[name].dimension or value == Quantity(0.0)):
        return None
    return value.value


def _unit(value: float, unit: str) -> Quantity | None:
    if unit in _RESOLUTIONS:
        return Quantity(value * _RESOLUTIONS[unit], "resolution")
    length = Units(*_WINDOW).length(f"{value!r}{unit}") if unit != "%" else None
    return None if length is None else Quantity(length, "length")


def _is_declaration_supported(tokens: Sequence[Any]) -> bool | None:
    import tinycss2

    item = tinycss2.parse_one_declaration(tokens, skip_comments=True)
    if item.type != "declaration":
        return None
    text = tinycss2.serialize(item.value).strip()
    if item.name.startswith("--") or has_variables(text):
        return True
    name = standard_name(item.lower_name)
    return is_valid(name, text) if name in PROPERTIES else name in _OTHERS


#: Width and height of a browser's window, in pixels.
_WINDOW = (1280.0, 720.0)
_RESOLUTIONS = {"dppx": 1.0, "x": 1.0, "dpi": 1 / 96, "dpcm": 2.54 / 96}
_NUMBERS = {
    "width": Quantity(_WINDOW[0], "length"),
    "height": Quantity(_WINDOW[1], "length"),
    "device-width": Quantity(_WINDOW[0], "length"),
    "device-height": Quantity(_WINDOW[1], "length"),
    "aspect-ratio": Quantity(_WINDOW[0] / _WINDOW[1]),
    "device-aspect-ratio": Quantity(_WINDOW[0] / _WINDOW[1]),
    "resolution": Quantity(1.0, "resolution"),
    "-webkit-device-pixel-ratio": Quantity(1.0),
    "-webkit-transform-3d": Quantity(1.0),
    "color": Quantity(8.0),
    "color-index": Quantity(0.0),
    "monochrome": Quantity(0.0),
    "grid": Quantity(0.0),
}
_INACTIVE = ("none", "no-preference")
_STATES = {
    "any-hover": "hover",
    "any-pointer": "fine",
    "color-gamut": "srgb",
    "display-mode": "browser",
    "dynamic-range": "standard",
    "forced-colors": "none",
    "hover": "hover",
    "orientation": "landscape",
    "overflow-block": "scroll",
    "overflow-inline": "scroll",
    "pointer": "fine",
    "prefers-color-scheme": "light",
    "prefers-contrast": "no-preference",
    "prefers-reduced-data": "no-preference",
    "prefers-reduced-motion": "no-preference",
    "prefers-reduced-transparency": "no-preference",
    "scripting": "enabled",
    "update": "fast",
}
#: Properties that browsers know and that do not matter here, as far as drawings ask for them.
_KNOWN = """-webkit-animation -webkit-appearance -webkit-filter -webkit-mask-image align-items animation
    animation-name animation-timeline appearance aspect-ratio backdrop-filter background background-clip
    background-color background-image baseline-shift border border-radius box-shadow clip-path clip-rule
    color-interpolation color-scheme columns contain content content-visibility cursor direction
    dominant-baseline fill-rule filter flex float flood-color font font-family font-feature-settings
    font-style font-variation-settings font-weight gap grid grid-area grid-template-columns
    image-rendering inset isolation justify-content left letter-spacing line-height margin marker
    marker-end marker-mid marker-start mask mask-image mask-type max-height max-width min-height
    min-width mix-blend-mode object-fit offset-path opacity outline overflow padding paint-order
    perspective pointer-events position resize rotate scale scroll-behavior shape-outside
    shape-rendering stop-color stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin
    stroke-miterlimit text-anchor text-decoration text-rendering text-shadow top touch-action
    transform-box transform-style transition translate user-select vector-effect white-space will-change
    word-spacing writing-mode z-index"""
_OTHERS = frozenset(_KNOWN.split())
