"""JavaScript modules as one script: each becomes a function that gives what the module exports."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from sketchkit.errors import InputError

__all__ = ["link"]

_IMPORT = re.compile(r"^import \{([^}]*)\} from '([^']+)';\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
#: A comment that has lines of its own.
_COMMENT = re.compile(r"^[ \t]*/\*\*(?:[^*]|\*(?!/))*\*/[ \t]*\n", re.MULTILINE)


def link(entry: str, read: Callable[[str], str]) -> str:
    """One script from a module and all that it imports, which come before it.

    Args:
        entry: the path of the module, such as `web/main.js`.
        read: gives the text of a module by its path.

    Raises:
        InputError: modules that import each other, or an import or export in another form than this knows.
    """
    order: dict[str, str] = {}
    _add(entry, read, order, ())
    scripts = [f"const {_name(path)} = (() => {{\n{text}}})();\n" for path, text in order.items()]
    return "'use strict';\n" + "".join(scripts)


def _add(path: str, read: Callable[[str], str], order: dict[str, str], above: tuple[str, ...]) -> None:
    if path in above:
        raise InputError(f"{path}: modules import each other: {' '.join((*above, path))}")
    if path in order:
        return
    text = _COMMENT.sub("", read(path))
    for _, source in _IMPORT.findall(text):
        _add(_resolve(path, source), read, order, (*above, path))
    exported = [match[1] for match in _EXPORT.finditer(text)]
    body = _EXPORT.sub("", _IMPORT.sub(lambda match: _bind(path, match), text))
    if left := re.search(r"^(?:import|export)\b.*", body, re.MULTILINE):
        raise InputError(f"{path}: a page cannot be made of {left[0]!r}")
    order[path] = f"{body}return {{ {', '.join(exported)} }};\n"


def _bind(path: str, match: re.Match[str]) -> str:
    names = match[1].replace(" as ", ": ")
    return f"const {{{names}}} = {_name(_resolve(path, match[2]))};\n"


def _resolve(path: str, source: str) -> str:
    """The path of a module that another one names."""
    parts: list[str] = []
    for part in (*PurePosixPath(path).parent.parts, *PurePosixPath(source).parts):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _name(path: str) -> str:
    return "m_" + re.sub(r"\W", "_", path.removesuffix(".js"))
