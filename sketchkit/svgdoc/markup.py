"""Elements and their text: `add` one to another, turn the outermost into text or bytes.

svgwrite, which the other modules leave alone, writes the root of a document. Elements inside of it, of which
a sheet may have thousands, are written as text: svgwrite would take most of the time of a sheet.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from functools import cache, partial
from types import ModuleType
from typing import Any

# XML 1.0, sections 2.4 and 3.3.3: markup, and the white space that an attribute would lose.
_IN_WORDS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_IN_ATTRIBUTES = _IN_WORDS | str.maketrans({'"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#09;"})


class _Later:
    """What a function of a module returns, called when it is asked for something."""

    def __init__(self, module: str, function: str, *arguments: object) -> None:
        self._call = (module, function, arguments)

    def __getattr__(self, name: str) -> Any:
        module, function, arguments = self._call
        return getattr(getattr(importlib.import_module(module), function)(*arguments), name)


#: A function of each of two modules that take most of the import of svgwrite, and that a root needs neither
#: of: validators, which `debug=False` switches off, and what fetches style sheets from the web.
_UNUSED = {"svgwrite.validator2": "get_validator", "urllib.request": "urlopen"}


@cache
def load_svgwrite() -> Any:
    """Load svgwrite with stand-ins for the modules that a root does not need."""
    missing = {module: function for module, function in _UNUSED.items() if module not in sys.modules}
    for module, function in missing.items():
        stand_in = ModuleType(module)
        setattr(stand_in, function, partial(_Later, module, function))
        sys.modules[module] = stand_in
    try:
        return importlib.import_module("svgwrite")
    finally:
        for module in missing:
            del sys.modules[module]


class Element:
    """An element with its attributes, and in it words or other elements.

    Args:
        name: of the tag.
        attributes: by name; `None` and "" are left out.
        words: the text in it.
        children: the elements in it.
    """

    __slots__ = ("attributes", "children", "name", "words")

    def __init__(
        self,
        name: str,
        attributes: Mapping[str, str | None] | None = None,
        *,
        words: str = "",
        children: Iterable[Element] = (),
    ) -> None:
        self.name = name
        self.attributes: dict[str, str | None] = {**(attributes or {})}
        self.words = words
        self.children = list(children)

    def add(self, child: Element) -> None:
        """Put an element behind those that are in it."""
        self.children.append(child)

    def __setitem__(self, name: str, value: str) -> None:
        self.attributes[name] = value

    def __getitem__(self, name: str) -> str:
        return self.attributes[name] or ""

    def write(self, parts: list[str]) -> None:
        """Append the element's XML."""
        opening = self._opening()
        if not self.words and not self.children:
            parts.append(f"{opening} />")
            return
        parts.append(f"{opening}>{self.words.translate(_IN_WORDS)}")
        for child in self.children:
            child.write(parts)
        parts.append(f"</{self.name}>")

    def _opening(self) -> str:
        """The start tag up to its end mark, attributes in alphabetical order."""
        written = [
            f' {name}="{value.translate(_IN_ATTRIBUTES)}"'
            for name, value in sorted(self.attributes.items())
            if value
        ]
        return f"<{self.name}{''.join(written)}"


class Root(Element):
    """The `<svg>` of a document, whose tag svgwrite writes: version, namespaces and all."""

    __slots__ = ()

    def _opening(self) -> str:
        root = load_svgwrite().Drawing(debug=False)
        root.elements.clear()  # the empty <defs> that svgwrite always adds
        for name, value in self.attributes.items():
            root[name] = value
        return str(root.tostring()).removesuffix(" />")


def to_text(element: Element) -> str:
    """An element and its content as XML, without a declaration."""
    parts: list[str] = []
    element.write(parts)
    return "".join(parts)


def to_bytes(root: Element) -> bytes:
    """A document as UTF-8, with its XML declaration."""
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + to_text(root).encode() + b"\n"
