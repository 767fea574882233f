"""Options of plugins: dataclass fields with a type, a range and a line of help.

A plugin declares `radius: float = option(2.0, "how far", low=0.0)`; from that come `-O radius=1.5` on the
command line, its line in `--help`, the check of its value and its entry in a drawing's provenance.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sketchkit.errors import InputError, PluginError

__all__ = ["OptionInfo", "as_dict", "check", "create", "describe", "option", "parse_pairs"]

_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclasses.dataclass(frozen=True)
class OptionInfo:
    """One option of a plugin, as help shows it."""

    name: str
    type: type
    default: Any
    help: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    optional: bool = False

    @property
    def range(self) -> str:
        """The values it takes, in words: `0..1`, `1 or more`, `paper|tensorflow`."""
        if self.choices:
            return "|".join(self.choices)
        if self.low is not None and self.high is not None:
            return f"{self.low:g}..{self.high:g}"
        if self.low is not None:
            return f"{self.low:g} or more"
        return "" if self.high is None else f"{self.high:g} or less"


def option(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[str] = (),
    **shown: Any,
) -> Any:
    """A dataclass field that a user can set.

    Args:
        default: its value when nobody sets it; its type is the field's annotation.
        help: one line.
        low: the smallest value allowed.
        high: the largest value allowed.
        choices: the only strings allowed.
        shown: further metadata of an option with a flag of its own, such as `flags`, `metavar`, and `usual`,
            its default in words.
    """
    metadata = {"help": help, "low": low, "high": high, "choices": tuple(choices), **shown}
    return dataclasses.field(default=default, metadata=metadata)


def describe(plugin: type) -> list[OptionInfo]:
    """The options of a plugin class, in the order it declares them; none if it is no dataclass."""
    if not dataclasses.is_dataclass(plugin):
        return []
    hints = typing.get_type_hints(plugin)
    return [
        OptionInfo(
            name=field.name,
            type=_plain_type(hints[field.name]),
            default=None if field.default is dataclasses.MISSING else field.default,
            help=field.metadata.get("help", ""),
            low=field.metadata.get("low"),
            high=field.metadata.get("high"),
            choices=field.metadata.get("choices", ()),
            optional=type(None) in typing.get_args(hints[field.name]),
        )
        for field in dataclasses.fields(plugin)
        if field.init
    ]


def create(plugin: Any, what: str, values: Mapping[str, Any]) -> Any:
    """Make a plugin with options, each checked.

    Args:
        plugin: a dataclass, or any callable without required arguments.
        what: its name in an error, such as "sampler 'top-k'".
        values: by option name; a string is read as the option's type.

    Raises:
        InputError: an unknown option (with those that exist), a value of another type or out of range.
        PluginError: a plugin whose options cannot be described or that wants more than its options.
    """
    try:
        infos = {info.name: info for info in describe(plugin)}
    except (NameError, TypeError) as error:
        raise PluginError(f"the options of {what} cannot be told: {error}") from error
    unknown = sorted(set(values) - set(infos))
    if unknown:
        known = f"it has {', '.join(infos)}" if infos else "it has none"
        raise InputError(f"{what} has no option {unknown[0]!r}: {known}")
    checked = {name: check(infos[name], value, what) for name, value in values.items()}
    try:
        return plugin(**checked)
    except TypeError as error:
        raise PluginError(f"{what} cannot be made: {error}") from error


def check(info: OptionInfo, value: Any, what: str) -> Any:
    """The value as the option's type, within its range; numbers are finite, whatever the range.

    Raises:
        InputError: a value of another type or out of range.
    """
    where = f"option {info.name!r} of {what}"
    converted = _converted(info, value, where)
    if converted is None:
        return None
    if info.choices and converted not in info.choices:
        raise InputError(f"{where} must be one of {', '.join(info.choices)}, got {converted!r}")
    if isinstance(converted, int | float) and not isinstance(converted, bool):
        low = -math.inf if info.low is None else info.low
        high = math.inf if info.high is None else info.high
        if not low <= converted <= high:
            raise InputError(f"{where} must be {info.range or 'a number'}, got {_shown(converted)}")
        if isinstance(converted, float) and math.isinf(converted):  # which no metadata can tell of
            raise InputError(f"{where} must be a finite number, got {_shown(converted)}")
    return converted


def parse_pairs(pairs: Iterable[str]) -> dict[str, str]:
    """`["k=5", "rule=paper"]` as a dict.

    Raises:
        InputError: a pair without `=`, or a name given twice.
    """
    out: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise InputError(f"an option is written name=value, got {pair!r}")
        if name in out:
            raise InputError(f"option {name!r} is given twice")
        out[name] = value.strip()
    return out


def as_dict(plugin: Any) -> dict[str, Any]:
    """The options of a made plugin with their values, for provenance; of a wrapped one, its own."""
    plugin = getattr(plugin, "__wrapped__", plugin)
    return {info.name: getattr(plugin, info.name) for info in describe(type(plugin))}


def _plain_type(hint: Any) -> type:
    """`float | None` counts as float."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        hint = next(arg for arg in typing.get_args(hint) if arg is not type(None))
    return hint if isinstance(hint, type) else str


def _converted(info: OptionInfo, value: Any, where: str) -> Any:
    if value is None and info.optional:
        return None
    if info.type is bool:
        return _as_bool(value, where)
    if (
        value is None
        or isinstance(value, bool)
        or (info.type is int and isinstance(value, float) and not value.is_integer())
    ):
        raise InputError(f"{where} must be a {_NAMES.get(info.type, info.type.__name__)}, got {value!r}")
    try:
        return info.type(value)
    except (TypeError, ValueError, OverflowError):
        kind = _NAMES.get(info.type, info.type.__name__)
        raise InputError(f"{where} must be a {kind}, got {value!r}") from None


_NAMES = {int: "whole number", float: "number", str: "text"}


def _shown(number: float) -> str:
    try:
        return f"{number:g}"
    except OverflowError:
        return "a whole number beyond all floats"


def _as_bool(value: Any, where: str) -> bool:
    text = str(value).lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise InputError(f"{where} must be true or false, got {value!r}")
