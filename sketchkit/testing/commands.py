"""The contract of commands."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command
from typer.testing import CliRunner

from sketchkit import registry
from sketchkit.errors import InputError
from sketchkit.testing.faults import Faults, collect_faults
from sketchkit.testing.result import load_plugin

__all__ = ["check_command"]

_COLUMNS = 80
_UNKNOWN = "--no-such-option-as-this"
_USAGE = 2
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
#: Imports the command as the list of commands does, and asks for its help.
_HELP = """
import io, sys
from contextlib import redirect_stdout
from sketchkit import registry
with redirect_stdout(io.StringIO()) as said:
    app = registry.find("command", sys.argv[1]).entry_point.load()
if said.getvalue():
    print("prints", said.getvalue())
from typer.testing import CliRunner
CliRunner().invoke(app, ["--help"])
print("torch" if "torch" in sys.modules else "light")
"""


def check_command(plugin: Any, *, slow: bool = False) -> None:
    """Try a command.

    It is a `typer.Typer` with at least one command; it and its commands have help texts: `--help` ends with
    code 0, has lines of at most 80 columns and describes the command; an unknown option ends with code 2 and
    a line that names it, before the command runs.

    Args:
        plugin: a name as registered, or the `typer.Typer`.
        slow: whether to test in a new process that the import prints no text and that help imports no torch;
            only for a name.

    Raises:
        CheckFailed: one line a fault.
        InputError: `slow` without a name.
        PluginError: an unknown or ambiguous name.
    """
    if slow and not isinstance(plugin, str):
        raise InputError("a process of its own can only try a registered command: give its name")
    with collect_faults() as faults:
        _check_app(load_plugin("command", plugin, faults), faults)
        faults.stop_if_any()
        if slow:
            _check_process(registry.find("command", plugin).full_name, faults)


def _check_app(app: Any, faults: Faults) -> None:
    problem = f"it is a {type(app).__name__}"
    faults.require(
        isinstance(app, typer.Typer), "a command", f"{problem}: name a typer.Typer, app = typer.Typer()"
    )
    with faults.during("a command", "when its commands are looked up", "give it one with @app.command()"):
        command = get_command(app)
    faults.stop_if_any()
    for path, each in _iterate_commands(command, ()):
        _check_help(app, path, each, faults)
        _check_unknown(app, path, faults)


def _iterate_commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """A command and its subcommands, with the words that lead there."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _iterate_commands(inner, (*path, name))


def _check_help(app: typer.Typer, path: tuple[str, ...], command: Any, faults: Faults) -> None:
    if not (command.help or "").strip():
        name = f"the command {' '.join(path)!r}" if path else "it"
        faults.add(
            " ".join(("description", *path)),
            f"{name} lacks a description: give the function a docstring, or help=",
        )
    result = _run(app, [*path, "--help"], faults)
    if result is None:
        return
    with faults.within(f"for {' '.join([*path, '--help'])}"):
        if result.exit_code != 0 or not result.output.strip():
            faults.add("help", f"the code is {result.exit_code} instead of 0: leave --help to typer")
        for line in _ESCAPES.sub("", result.output).splitlines():
            if len(line) > _COLUMNS:
                start = line.strip()[:40]
                faults.add("columns", f"a line has {len(line)} columns, {start!r}...: shorten or break it")


def _check_unknown(app: typer.Typer, path: tuple[str, ...], faults: Faults) -> None:
    result = _run(app, [*path, _UNKNOWN], faults)
    if result is None:
        return
    with faults.within(f"for {' '.join([*path, _UNKNOWN])}"):
        if result.exit_code != _USAGE:
            problem = f"the code is {result.exit_code} instead of {_USAGE}"
            faults.add("unknown option", f"{problem}: let typer refuse unknown options")
        elif _UNKNOWN not in _ESCAPES.sub("", result.output):
            faults.add("unknown option", "the error omits the option's name: leave usage errors to typer")


def _run(app: typer.Typer, arguments: list[str], faults: Faults) -> Any:
    """The result of a call; None where it raises."""
    size = {"COLUMNS": str(_COLUMNS), "TERMINAL_WIDTH": str(_COLUMNS)}
    result = CliRunner().invoke(app, arguments, env=size)
    if result.exception is None or isinstance(result.exception, SystemExit):
        return result
    with faults.during("help", f"for {' '.join(arguments)}", "let typer parse before the command runs"):
        raise result.exception
    return None


def _check_process(name: str, faults: Faults) -> None:
    done = subprocess.run([sys.executable, "-c", _HELP, name], capture_output=True, text=True, check=False)
    said = done.stdout.strip().splitlines()
    if done.returncode or not said:
        last = (done.stderr.strip().splitlines() or ["an empty stderr"])[-1]
        faults.add("alone", f"in a process of its own its help fails with {last}: import all that it needs")
        return
    if said[0].startswith("prints"):
        faults.add("quiet", f"it prints {said[0][7:]!r} when it is imported: print when it is run")
    if said[-1] == "torch":
        faults.add("light", "its --help imports torch, which takes seconds: import it inside the function")
