"""`sketchkit plugins`: the installed plugins, their checks, and a package to begin a plugin with."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import typer

from sketchkit import registry
from sketchkit.arguments import hint
from sketchkit.cli.console import print_json, print_table, say
from sketchkit.cli.groups import refuse_fields
from sketchkit.cli.help import Group, subcommand
from sketchkit.cli.options import Listed, argument, option
from sketchkit.errors import PluginError

__all__ = ["app"]

#: Seconds without an answer after which a check is given up; on a busy machine ours take some.
_PATIENCE = 120.0
_BROKEN, _NO_ANSWER = 4, 124
#: What a plugin's state may be without being trouble.
_SOUND = ("built-in", "installed", "works", "clash")


class _Plugins(Group):
    """The group of commands, of which `list` and `check` may go unnamed."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words, with `list`, or `check` for --check, in front of a line without a command."""
        if "--check" in args and args[0].startswith("-"):
            args = ["check", *(word for word in args if word != "--check")]
        elif not args or args[0] == "--json":
            args = ["list", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_Plugins, help="Plugins: list, check, begin a new one.", rich_markup_mode=None)


@dataclass(frozen=True)
class Row:
    """One plugin, or a distribution with damaged metadata.

    Args:
        group: of entry points.
        name: of the entry point.
        distribution: that brings it.
        version: of the distribution.
        state: built-in, installed, clash, incompatible or damaged; after a check works, broken or
            not checked.
        reason: why it is so, where that is not plain.
    """

    group: str
    name: str
    distribution: str
    version: str
    state: str
    reason: str = ""


@subcommand(app, "sketchkit plugins list", "list")
def list_plugins(*, json: Listed = False) -> None:
    """List the plugins, by group; nothing is imported."""
    _show([*map(_row, registry.all_plugins()), *_damaged_rows()], json)


@subcommand(app, "sketchkit plugins check\nsketchkit plugins check greedy sketchkit-resvg")
def check(
    *,
    names: list[str] | None = argument(
        "NAMES", "Plugins, or distributions for all that these bring.", default=None, usual="all"
    ),
    patience: float = option(
        _PATIENCE,
        "How long to wait for each; a busy machine may need more.",
        metavar="SECONDS",
        low=0.1,
        usual=f"{_PATIENCE:g}",
    ),
    json: Listed = False,
) -> None:
    """Import and try plugins, each stranger's in a process of its own.

    The exit code is 4 where one of them does not work; else 124 where one gave no answer in time.
    """
    plugins, damaged = registry.all_plugins(), _damaged_rows()
    if names:
        plugins, damaged = _select(names, plugins, damaged)
    rows = [*_check_all(plugins, patience), *damaged]
    _show(rows, json)
    troubles = {row.state for row in rows}.difference(_SOUND)
    if troubles:
        raise typer.Exit(_NO_ANSWER if troubles == {"not checked"} else _BROKEN)


@subcommand(app, "sketchkit plugins new wobble --kind sampler")
def new(
    *,
    name: str = argument("NAME", "What it is called, such as wobble."),
    kind: Literal["sampler", "renderer", "model", "format", "exporter", "command"] = option(
        "sampler", "What it is (of an engine see docs/plugins.md)."
    ),
    output: str | None = option(
        None, "Where to write.", flags="--output -o", metavar="FOLDER", usual="sketchkit-NAME"
    ),
) -> None:
    """Write a package with a plugin that works, to begin your own with."""
    from sketchkit.cli.scaffold import write_package

    refuse_fields(output, "--output")
    folder = write_package(name, kind, output)
    say(f"{folder}: `pip install './{folder}[test]'` installs it, `python -m pytest {folder}` checks it")


def _show(rows: list[Row], json: bool) -> None:
    if json:
        print_json([asdict(row) for row in rows])
    else:
        header = ("GROUP", "NAME", "DISTRIBUTION", "VERSION", "STATE", "REASON")
        print_table(header, [tuple(asdict(row).values()) for row in rows])


def _damaged_rows() -> list[Row]:
    return [Row("", "", each.name, each.version, "damaged", reason) for each, reason in registry.damaged()]


def _select(
    names: Sequence[str], plugins: Sequence[registry.Plugin], damaged: Sequence[Row]
) -> tuple[list[registry.Plugin], list[Row]]:
    """The plugins and damaged distributions of some names.

    Raises:
        PluginError: an unknown name.
    """
    called = {plugin: (plugin.name, plugin.full_name, plugin.distribution) for plugin in plugins}
    known = {name for each in called.values() for name in each} | {row.distribution for row in damaged}
    shorter = sorted(name for name in known if ":" not in name)
    for name in names:
        if name not in known:
            raise PluginError(f"no plugin or distribution named {name!r}: {hint(name, shorter)}")
    wanted = set(names)
    return (
        [plugin for plugin in plugins if wanted.intersection(called[plugin])],
        [row for row in damaged if row.distribution in wanted],
    )


def _row(plugin: registry.Plugin) -> Row:
    state, reason = _state(plugin)
    group = registry.GROUPS[plugin.kind].removeprefix("sketchkit.")
    return Row(group, plugin.name, plugin.distribution, plugin.version, state, reason)


def _state(plugin: registry.Plugin) -> tuple[str, str]:
    """The state of a plugin by its metadata, and the reason."""
    if plugin.builtin:
        return "built-in", ""
    if plugin.problem is not None:
        return ("incompatible" if "needs" in plugin.problem else "damaged"), plugin.problem
    others = [p for p in registry.find_duplicates(plugin) if p != plugin]
    if any(other.builtin for other in others):
        return "clash", f"sketchkit's own has this name: call it {plugin.full_name}"
    if others:
        named = ", ".join(sorted(other.distribution for other in others))
        return "clash", f"{named} has one of this name, too: call it {plugin.full_name}"
    return "installed", ""


def _check_all(plugins: Sequence[registry.Plugin], patience: float) -> list[Row]:
    """The rows of plugins with the result of a check of each, which is also told on stderr at once."""
    from sketchkit.cli.plugin_checks import Outcome, check_apart

    numbers = itertools.count(1)

    def report(plugin: registry.Plugin, outcome: Outcome) -> None:
        say(f"[{next(numbers)}/{len(plugins)}] {plugin}: {outcome.state}")

    found = check_apart(plugins, patience, report)
    return [_with(_row(plugin), found[plugin].state, found[plugin].reason) for plugin in plugins]


def _with(row: Row, state: str, reason: str) -> Row:
    """A row with the result of the check of its plugin."""
    if state == "works" and row.state == "clash":
        return replace(row, reason=f"it works; {row.reason}")
    if state == "broken" and row.state in ("incompatible", "damaged"):
        return replace(row, reason=reason)
    return replace(row, state=state, reason=reason)
