"""A package with a plugin in it, to begin one's own with: it installs and passes its check as it is."""

from __future__ import annotations

import ast
import builtins
import keyword
import os
import re
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path
from string import Template

from sketchkit import registry
from sketchkit._version import __version__
from sketchkit.errors import InputError
from sketchkit.files import explain_errors, shown

__all__ = ["write_package"]

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PREFIX = "sketchkit-"
#: How a plugin of each kind is used, for its README. An engine is none of them: it is more than a template
#: could begin, and docs/plugins.md shows one.
_USAGE = {
    "sampler": "sketchkit complete drawing.svg --sampler $name",
    "renderer": "sketchkit render drawing.svg --format $name:digits=2 -o drawing.$name",
    "model": "sketchkit train cats --backend $name -o cats-run",
    "format": "sketchkit complete drawing.svg -o endings.$name",
    "exporter": "sketchkit models export doodle --format $name -o doodle.$name",
    "command": "sketchkit $name drawing.svg",
}


def write_package(name: str, kind: str, output: str | None = None) -> Path:
    """Write the package, whole or not at all.

    Args:
        name: of the plugin: small letters, digits, dashes.
        kind: sampler, renderer, model, format, exporter or command.
        output: the folder, which is to be new; `sketchkit-NAME` when None.

    Returns:
        The folder.

    Raises:
        InputError: a name that cannot be one or that is sketchkit's own, a folder that exists or cannot be
            written.
    """
    name = name.removeprefix(_PREFIX)
    if not _NAME.fullmatch(name):
        raise InputError(f"a plugin's name is small letters, digits and dashes, such as wobble, got {name!r}")
    if any(p.builtin and p.name == name for p in registry.all_plugins(kind)):
        raise InputError(f"sketchkit has a {kind} named {name!r} itself: choose another name")
    folder = Path(output if output is not None else f"{_PREFIX}{name}")
    if folder.exists():
        raise InputError(f"{shown(folder)}: exists already; --output writes to another folder")
    words = _words(name, kind)
    with explain_errors(folder):
        _write(folder, words, kind)
    return folder


def _words(name: str, kind: str) -> dict[str, str]:
    """The values of the templates' placeholders."""
    snake = name.replace("-", "_")
    words = {
        "name": name,
        "kind": kind,
        "version": __version__,
        "distribution": f"{_PREFIX}{name}",
        "full_name": f"{_PREFIX}{name}:{name}",
        "module": f"sketchkit_{snake}",
        "function": f"{snake}_command",
        "target": "app",
        "title": name.replace("-", " ").capitalize(),
    }
    if kind != "command":
        words["target"] = _class_name(name, kind, _used(Template(_template(f"{kind}.py")).substitute(words)))
    return {**words, "usage": Template(_USAGE[kind]).substitute(words)}


def _class_name(name: str, kind: str, used: set[str]) -> str:
    """The name of the class: after the plugin, and its kind where that alone hides another name."""
    chosen = "".join(part.capitalize() for part in name.split("-"))
    while keyword.iskeyword(chosen) or hasattr(builtins, chosen) or chosen in used:
        chosen += kind.capitalize()
    return chosen


def _used(source: str) -> set[str]:
    """The names that a module imports, defines or looks up."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name)
        elif isinstance(node, ast.ClassDef):
            found.add(node.name)
    return found


def _write(folder: Path, words: dict[str, str], kind: str) -> None:
    contents = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        ".github/workflows/check.yml": "check.yml",
        f"{words['module']}/__init__.py": f"{kind}.py",
        f"tests/test_{words['module']}.py": "test.py",
    }
    parent = folder.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    begun = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=parent))
    try:
        for path, template in contents.items():
            place = begun / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(Template(_template(template)).substitute(words), encoding="utf-8")
        (begun / words["module"] / "py.typed").touch()
        begun.chmod(0o777 & ~_umask())
        os.rename(begun, folder)
    except BaseException:
        shutil.rmtree(begun, ignore_errors=True)
        raise


def _template(name: str) -> str:
    return (files("sketchkit.cli") / "templates" / f"{name}.txt").read_text(encoding="utf-8")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
