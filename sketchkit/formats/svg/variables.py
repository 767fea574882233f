"""Custom properties and `var()`: inherited texts that stand in for others, in bounded numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sketchkit.errors import FormatError
from sketchkit.formats.svg import limits
from sketchkit.formats.svg.calc import MAX_NESTING, nesting
from sketchkit.formats.svg.limits import Budget


def has_variables(text: str) -> bool:
    """Whether a value refers to custom properties, whose meaning depends on the element."""
    return "var(" in text or "var(" in text.lower()


def are_variables_valid(tokens: Iterable[Any]) -> bool:
    """Whether every `var()` among component values names a custom property."""
    for token in tokens:
        inside = getattr(token, "arguments", None) or getattr(token, "content", None) or ()
        if token.type == "function" and token.lower_name == "var" and _parts(token) is None:
            return False
        if not are_variables_valid(inside):
            return False
    return True


def _parts(token: Any) -> tuple[str, list[Any] | None] | None:
    """The name in a `var()` and its fallback; `None` for invalid syntax."""
    rest = [part for part in token.arguments if part.type != "comment"]
    while rest and rest[0].type == "whitespace":
        del rest[0]
    if not rest or rest[0].type != "ident" or not rest[0].value.startswith("--"):
        return None
    name = str(rest.pop(0).value)
    while rest and rest[0].type == "whitespace":
        del rest[0]
    if rest and rest[0] != ",":
        return None
    return name, rest[1:] if rest else None


#: The custom properties that are being worked out, each with where it is declared.
_Path = tuple[tuple["Variables", str], ...]


class Variables:
    """The custom properties of an element, inherited ones included.

    Args:
        budget: for the characters of the substituted texts.
        declared: the texts that the element itself gives its custom properties.
        around: the custom properties of the parent element.
    """

    __slots__ = ("_around", "_budget", "_cyclic", "_declared", "_texts", "_values")

    def __init__(
        self, budget: Budget, declared: Mapping[str, str] | None = None, around: Variables | None = None
    ) -> None:
        self._budget = budget
        self._declared = declared or {}
        self._around = around
        self._texts: dict[str, str | None] = {}
        self._values: dict[str, str | None] = {}
        self._cyclic: set[str] = set()

    def declare(self, properties: Mapping[str, str]) -> Variables:
        """The custom properties of a child element that sets these properties."""
        declared = {
            name: text
            for name, text in properties.items()
            if name.startswith("--") and text.lower() not in _INHERITED
        }
        return Variables(self._budget, declared, self) if declared else self

    def substitute(self, text: str) -> str | None:
        """A text with every `var()` replaced; `None` if a reference is invalid."""
        if text not in self._texts:
            self._texts[text] = self._replace(text, (), 0)
        return self._texts[text]

    def _replace(self, text: str, path: _Path, depth: int) -> str | None:
        import tinycss2

        self._spend(text)
        if nesting(text) > MAX_NESTING:
            return None
        tokens = tinycss2.parse_component_value_list(text, skip_comments=True)
        replaced = self._expand(tokens, path, depth + 1)
        return None if replaced is None else replaced.strip()

    def _spend(self, text: str) -> None:
        self._budget.spend("characters of CSS variables", limits.MAX_VARIABLE_CHARACTERS, len(text))

    def _expand(self, tokens: Iterable[Any], path: _Path, depth: int) -> str | None:
        """The text of component values; `path` names the custom properties that are being worked out."""
        if depth > _MAX_DEPTH:
            raise FormatError(f"{self._budget.name}: CSS variables nested more than {_MAX_DEPTH} deep")
        pieces: list[str] = []
        for token in tokens:
            piece = self._piece(token, path, depth + 1)
            if piece is None:
                return None
            pieces.append(piece)
        return "".join(pieces)

    def _piece(self, token: Any, path: _Path, depth: int) -> str | None:
        if token.type == "function" and token.lower_name == "var":
            return self._reference(token, path, depth)
        opening, closing = _BRACKETS.get(token.type, ("", ""))
        if not closing:
            return str(token.serialize())
        inside = self._expand(token.arguments if opening == "" else token.content, path, depth)
        start = f"{token.name}(" if opening == "" else opening
        return None if inside is None else f"{start}{inside}{closing}"

    def _reference(self, token: Any, path: _Path, depth: int) -> str | None:
        parts = _parts(token)
        if parts is None:
            return None
        name, fallback = parts
        value = self._value(name, path, depth)
        if value is None:
            return None if fallback is None else self._expand(fallback, path, depth)
        self._spend(value)
        return f" {value} "

    def _value(self, name: str, path: _Path, depth: int) -> str | None:
        """The value of a custom property; `None` if it is unset or cyclic."""
        scope: Variables | None = self
        while scope is not None and name not in scope._declared:
            scope = scope._around
        if scope is None:
            return None
        if name not in scope._values:
            value = scope._compute(name, path, depth)
            scope._values[name] = None if name in scope._cyclic else value
        return scope._values[name]

    def _compute(self, name: str, path: _Path, depth: int) -> str | None:
        if (self, name) in path:
            self._cyclic.update(entry[1] for entry in path[path.index((self, name)) :])
            return None
        text = self._declared[name]
        if text.lower() == "initial" or not has_variables(text):
            return None if text.lower() == "initial" else text
        return self._replace(text, (*path, (self, name)), depth)


#: References and brackets inside one another.
_MAX_DEPTH = 128
#: The keywords that leave a custom property as it is around the element.
_INHERITED = frozenset({"inherit", "unset", "revert", "revert-layer"})
_BRACKETS = {"function": ("", ")"), "() block": ("(", ")"), "[] block": ("[", "]"), "{} block": ("{", "}")}
