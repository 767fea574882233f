"""The directive `public-names`, and the check that every public name of sketchkit is in the reference."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterable
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOG = logging.getLogger(__name__)
#: The modules whose `__all__` is public: those of docs/plugins.md, and those that train and measure.
MODULES = ["sketchkit"] + [
    f"sketchkit.{name}"
    for name in (
        *("sampling", "rendering", "formats", "models", "engine", "generate", "latent", "options", "density"),
        *("noise", "errors", "geometry", "checkpoints", "sketch", "card", "testing"),
        *("training", "training.data", "training.logs", "training.doctor", "evaluate"),
    )
]
_MARKED = re.compile(r"(?m)^(Returns:\n +)(?=[^\n]*:)")


def tidy_docstring(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Leave out what a value's type says, and mark that the first line of `Returns:` begins with no type."""
    if what == "data" and "\n".join(lines).strip() == inspect.getdoc(obj):
        lines.clear()
    lines[:] = _MARKED.sub(r"\1: ", "\n".join(lines)).split("\n")


def _object(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def home_of(module: str, name: str) -> tuple[str, str]:
    """The first public module, and the name there, under which the reference has what a module calls `name`.

    Args:
        module: a module of `MODULES`.
        name: a word of its `__all__`.
    """
    wanted = _object(module, name)
    for home in MODULES[: MODULES.index(module)]:
        for known in importlib.import_module(home).__all__:
            if callable(wanted) and _object(home, known) is wanted:
                return home, known
    return module, name


class PublicNames(SphinxDirective):
    """What a module makes public, each with its docstring where it stands first, and a link from elsewhere.

    The argument is the module; `:only:` names a part of it, so that a page can have sections.
    """

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"only": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Write calls of autodoc, and read them."""
        module = self.arguments[0]
        names = self.options.get("only", "").split() or importlib.import_module(module).__all__
        homes = {name: home_of(module, name) for name in names}
        here = [name for name in names if homes[name] == (module, name)]
        text = f".. currentmodule:: {module}\n\n"
        if elsewhere := [f":py:obj:`~{'.'.join(homes[name])}`" for name in names if name not in here]:
            text += f"``{module}`` also has {', '.join(elsewhere)}.\n\n"
        for name in here:
            text += f".. {_directive(_object(module, name))}:: {module}.{name}\n\n"
        return self.parse_text_to_nodes(f"````{{eval-rst}}\n{text}````\n")


def _directive(value: Any) -> str:
    if inspect.isclass(value) and issubclass(value, BaseException):
        return "autoexception"
    if inspect.isclass(value):
        return "autoclass"
    return "autofunction" if inspect.isroutine(value) else "autodata"


def missing_names(documented: Iterable[str]) -> list[str]:
    """The public names that a reference lacks.

    Args:
        documented: full names, such as `sketchkit.complete`.
    """
    public = [(module, name) for module in MODULES for name in importlib.import_module(module).__all__]
    return sorted({".".join(home_of(*names)) for names in public} - set(documented))


def check_names(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of each public name that is missing."""
    for name in missing_names(env.domains.python_domain.objects):
        LOG.warning("%s is public, but not in the reference", name)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive and the check."""
    app.add_directive("public-names", PublicNames)
    app.connect("env-check-consistency", check_names)
    app.connect("autodoc-process-docstring", tidy_docstring, priority=100)
    return {"parallel_read_safe": True}
