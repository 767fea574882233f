"""The commands by name: those of sketchkit and those that plugins bring, each loaded when it is run."""

from __future__ import annotations

import difflib
import os
import shlex
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_command

from sketchkit import registry
from sketchkit.cli.console import plain
from sketchkit.cli.help import Group
from sketchkit.errors import PluginError, SketchkitError

__all__ = ["Commands", "load_command"]

#: Our own, in the order of help, and what it says of each: so none is imported to be listed.
_OURS = {
    "complete": "Finish drawings, each in several ways, where they stand.",
    "sample": "Draw from nothing.",
    "render": "Show drawings of any format, on a sheet or as an animation.",
    "reconstruct": "Draw drawings again from what a model remembers of them.",
    "interpolate": "Draw the way from one drawing to another.",
    "grid": "Draw what lies between four drawings; thousands in one run.",
    "analogy": "Draw A - B + C: what A has over B, given to C.",
    "encode": "Write where drawings lie in a model's latent space.",
    "decode": "Draw what latent vectors say.",
    "atlas": "Draw a map of the latent space, and list the strangest.",
    "infill": "Draw what is missing between the strokes of a drawing.",
    "rerun": "Draw a file again from its own record.",
    "merge": "Join the parts that several processes made.",
    "score": "Say how much drawings and their strokes surprise a model.",
    "train": "Train a model on a data set.",
    "evaluate": "Measure how good a model is, on drawings it has not seen.",
    "bench": "Measure how fast this machine draws.",
    "doctor": "Say what is wrong with a training run, and what to do.",
    "models": "Models: list, info, import, export, prior, pull, remove.",
    "data": "Data sets: list, fetch, prepare, synth, distill, critique.",
    "plugins": "Plugins: list, check, begin a new one.",
}
#: The suffixes of drawings, of which a user may think that they need no command.
_DRAWINGS = (".svg", ".ndjson", ".npz", ".bin")
#: What ends a command that means to end, and what its user has done wrong.
_MEANT = (typer.Exit, typer.Abort, typer.TyperException, SketchkitError, OSError)


class Commands(Group):
    """The group of all commands. A plugin's is known by its name until it runs."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Our own in the order of help, then those of plugins by name, all without import."""
        known = registry.names("command")
        return sorted(known, key=lambda name: (_place(name), name))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The stand-in for the command of a name until it runs.

        Raises:
            PluginError: several plugins bring it.
        """
        if not registry.known("command", cmd_name):
            return None
        return _Listed(registry.find("command", cmd_name), cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the first word names; see `TyperGroup`."""
        if args and not args[0].startswith("-") and not registry.known("command", args[0]):
            ctx.fail(f"No such command {args[0]!r}.{self._hint(ctx, args[0])}")
        return super().resolve_command(ctx, args)

    def _hint(self, ctx: Any, word: str) -> str:
        """A hint at the meaning of an unknown word: a command with a similar name, or a drawing."""
        if near := difflib.get_close_matches(word, self.list_commands(ctx)):
            return f" Did you mean {', '.join(map(repr, near))}?"
        path, _, _ = word.partition("#")
        if os.path.splitext(path)[1].lower() in _DRAWINGS or os.path.isfile(path):
            return f" A drawing is finished by: sketchkit complete {shlex.quote(word)}"
        return ""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; errors of a plugin's command become plugin errors."""
        try:
            return super().invoke(ctx)
        except _MEANT:
            raise
        except Exception as error:
            name = ctx.invoked_subcommand
            if name is None:
                raise
            with registry.attribute_errors(registry.find("command", name)):
                raise error


class _Listed(TyperCommand):
    """Stands for a command in lists and help, and becomes it when it is run."""

    def __init__(self, plugin: registry.Plugin, name: str) -> None:
        text = _OURS.get(name, "") if plugin.builtin else f"(by {plain(plugin.distribution)})"
        super().__init__(name, callback=None, help=text)
        self.plugin = plugin

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Load the command and let it read its arguments."""
        return load_command(self.plugin, str(info_name)).make_context(info_name, args, parent=parent, **extra)


def load_command(plugin: registry.Plugin, name: str) -> Any:
    """The command itself.

    Raises:
        PluginError: it fails to load, or is of another type.
    """
    app = registry.load("command", plugin.full_name)
    if not isinstance(app, typer.Typer):
        raise PluginError(f"{plugin} is a {type(app).__name__}, not a typer.Typer")
    with registry.attribute_errors(plugin):
        command = get_command(app)
    command.name = name
    return command


def _place(name: str) -> int:
    return list(_OURS).index(name) if name in _OURS else len(_OURS)
