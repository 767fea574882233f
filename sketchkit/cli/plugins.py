"""`sketchkit plugins`: what is installed, whether it works, and a package to begin one's own with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Literal

import typer

from sketchkit import registry
from sketchkit.cli.console import print_json, print_table, progress, say
from sketchkit.cli.fields import no_fields
from sketchkit.cli.flags import Listed
from sketchkit.cli.help import Command, Group

__all__ = ["app"]

#: A plugin that takes longer than this to be checked does not work.
_PATIENCE = 120.0
#: What a plugin's state may be without being trouble.
_SOUND = ("built-in", "installed", "works", "clash")

app = typer.Typer(
    cls=Group,
    help="Plugins: list, check, begin a new one.",
    epilog="Example:  sketchkit plugins --check",
    invoke_without_command=True,
    rich_markup_mode=None,
)


@dataclass(frozen=True)
class Row:
    """One plugin, or a distribution whose plugins nobody can know of.

    Args:
        group: of entry points.
        name: of the entry point.
        distribution: that brings it.
        version: of the distribution.
        state: built-in, installed, clash, incompatible or damaged; after a check works or broken.
        reason: why it is so, where that is not plain.
    """

    group: str
    name: str
    distribution: str
    version: str
    state: str
    reason: str = ""


@app.callback()
def plugins(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Import and try each, in a process of its own; takes a while.")
    ] = False,
    json: Listed = False,
) -> None:
    """List the plugins, by group; nothing is imported.

    With --check the exit code is 4 where one of them does not work.
    """
    if context.invoked_subcommand is not None:
        return
    known = registry.all_plugins()
    rows = _checked(known) if check else [_row(plugin) for plugin in known]
    rows += [Row("", "", each.name, each.version, "damaged", reason) for each, reason in registry.damaged()]
    if json:
        print_json([asdict(row) for row in rows])
    else:
        header = ("GROUP", "NAME", "DISTRIBUTION", "VERSION", "STATE", "REASON")
        print_table(header, [tuple(asdict(row).values()) for row in rows])
    if check and any(row.state not in _SOUND for row in rows):
        raise typer.Exit(4)


@app.command(cls=Command, epilog="sketchkit plugins new wobble --kind sampler")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called, such as wobble.")],
    kind: Annotated[
        Literal["sampler", "renderer", "model", "format", "command"],
        typer.Option("--kind", help="What it is (of an engine see docs/plugins.md)."),
    ] = "sampler",
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Where to write.", show_default="sketchkit-NAME"
        ),
    ] = None,
) -> None:
    """Write a package with a plugin that works, to begin your own with."""
    from sketchkit.cli.scaffold import write_package

    no_fields(output, "--output")
    folder = write_package(name, kind, output)
    say(f"{folder}: `pip install './{folder}[test]'` installs it, `python -m pytest {folder}` checks it")


def _row(plugin: registry.Plugin) -> Row:
    state, reason = _state(plugin)
    group = registry.GROUPS[plugin.kind].removeprefix("sketchkit.")
    return Row(group, plugin.name, plugin.distribution, plugin.version, state, reason)


def _state(plugin: registry.Plugin) -> tuple[str, str]:
    """What its metadata say of a plugin, and why."""
    if plugin.builtin:
        return "built-in", ""
    if plugin.problem is not None:
        return ("incompatible" if "needs" in plugin.problem else "damaged"), plugin.problem
    others = [p for p in registry.namesakes(plugin) if p != plugin]
    if any(other.builtin for other in others):
        return "clash", f"sketchkit's own has this name: call it {plugin.full_name}"
    if others:
        named = ", ".join(sorted(other.distribution for other in others))
        return "clash", f"{named} has one of this name, too: call it {plugin.full_name}"
    return "installed", ""


def _checked(plugins: Sequence[registry.Plugin]) -> list[Row]:
    """The rows of plugins with what a check of each has found."""
    from sketchkit.cli.plugin_checks import check_apart

    with progress("Checking") as report:
        found = check_apart(plugins, _PATIENCE, report)
    return [_with(_row(plugin), trouble) for plugin, trouble in zip(plugins, found, strict=True)]


def _with(row: Row, trouble: str | None) -> Row:
    """A row with what is wrong with it; None where it works."""
    if trouble is not None:
        state = row.state if row.state in ("incompatible", "damaged") else "broken"
        return replace(row, state=state, reason=trouble)
    if row.state == "clash":
        return replace(row, reason=f"it works; {row.reason}")
    return replace(row, state="works")
