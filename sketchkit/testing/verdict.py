"""The check of an installed plugin: whether it works, and if not, why, in a sentence."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from typing import Any

from sketchkit import registry
from sketchkit.testing.faults import CheckFailed, in_a_line
from sketchkit.testing.quiet import hushed
from sketchkit.testing.requirements import missing
from sketchkit.testing.taking import Entry

__all__ = ["Verdict", "run_check"]

_CHECKS = {
    "command": "sketchkit.testing.commands:check_command",
    "engine": "sketchkit.testing.engines:check_engine",
    "format": "sketchkit.testing.formats:check_format",
    "model": "sketchkit.testing.models:check_model",
    "renderer": "sketchkit.testing.renderers:check_renderer",
    "sampler": "sketchkit.testing.samplers:check_sampler",
}
_STDOUT = "stdout belongs to the result, so print to stderr if at all"


@dataclass(frozen=True)
class Verdict:
    """What became of a check.

    Args:
        kind: of the plugin, a key of `sketchkit.registry.GROUPS`.
        name: `distribution:name`.
        faults: a sentence each; none if it works.
    """

    kind: str
    name: str
    faults: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """`works` or `broken`."""
        return "broken" if self.faults else "works"

    @property
    def reason(self) -> str | None:
        """The first fault."""
        return self.faults[0] if self.faults else None

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {**asdict(self), "faults": list(self.faults), "state": self.state, "reason": self.reason}


def run_check(plugin: registry.Plugin) -> Verdict:
    """Import a plugin by its entry point and try it; whatever it does, a verdict comes of it.

    Only what ends the whole process, or never returns, gives none: whoever asks about plugins of strangers
    runs `python -m sketchkit.testing` in a process of its own.

    Args:
        plugin: of any kind.

    Returns:
        `broken` for metadata that say it cannot work, requirements that are not installed, an import that
        fails or prints, the wrong type, and every fault that the check of its kind finds.
    """
    return Verdict(plugin.kind, plugin.full_name, tuple(_faults(plugin)))


def _faults(plugin: registry.Plugin) -> list[str]:
    if plugin.problem is not None:
        return [plugin.problem]
    lacking = missing(plugin.requires)
    if lacking:
        return lacking
    faults: list[str] = []
    found = _quietly("when it is imported", plugin.entry_point.load, faults)
    if faults:
        return faults
    module, _, name = _CHECKS[plugin.kind].partition(":")
    check = getattr(importlib.import_module(module), name)
    # One of our own has its steps compiled for every model, which takes long; our own tests look closer.
    more = {"few": True} if plugin.kind == "engine" and plugin.builtin else {}
    _quietly("while it works", lambda: check(Entry(plugin.name, found), **more), faults)
    return faults


def _quietly(when: str, run: Callable[[], Any], faults: list[str]) -> Any:
    """Run something; note what it raises and what it prints."""
    result = None
    with redirect_stdout(io.StringIO()) as said, hushed() as below:
        try:
            result = run()
        except KeyboardInterrupt:
            raise
        except CheckFailed as failed:
            faults.extend(failed.faults)
        except BaseException as error:  # a plugin may raise whatever it likes
            faults.append(in_a_line(error))
    for text in (said.getvalue(), below()):
        if text.strip():
            faults.append(f"it prints {text.strip().splitlines()[0][:60]!r} {when}: {_STDOUT}")
            break
    return result
