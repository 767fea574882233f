"""What must hold of a command."""

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
from sketchkit.testing.faults import Faults
from sketchkit.testing.taking import loaded

__all__ = ["check_command"]

_COLUMNS = 80
_UNKNOWN = "--no-such-option-as-this"
_USAGE = 2
#: Letters that a terminal takes as orders, such as colours.
_ORDERS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
#: Imports the command as the list of commands does, and asks for help.
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

    It is a `typer.Typer` with at least one command; it and its commands explain themselves: `--help` ends
    with code 0, has lines of at most 80 columns and says what the command does; an unknown option ends with
    code 2 and a line that names it, without running the command.

    Args:
        plugin: a name as registered, or the `typer.Typer`.
        slow: whether a new process is started to see that the import prints nothing and that help needs no
            torch; only for a name.

    Raises:
        CheckFailed: one line a fault.
        InputError: `slow` without a name.
        PluginError: no plugin of that name, or several.
    """
    if slow and not isinstance(plugin, str):
        raise InputError(
            "only a command that is registered can be tried in a process of its own: give its name"
        )
    faults = Faults()
    app = loaded("command", plugin, faults)
    if not len(faults):
        _check_app(app, faults)
    if slow and not len(faults):
        _check_process(registry.find("command", plugin).full_name, faults)
    faults.close()


def _check_app(app: Any, faults: Faults) -> None:
    if not isinstance(app, typer.Typer):
        advice = "name a typer.Typer, made by app = typer.Typer()"
        faults.add("a command", f"it is an object of the type {type(app).__name__}: {advice}")
        return
    command: Any = None
    with faults.during(
        "a command", "when its commands are looked up", "give it a command with @app.command()"
    ):
        command = get_command(app)
    if command is None:
        return
    for path, one in _commands(command, ()):
        _check_help(app, path, one, faults)
        _check_unknown(app, path, faults)


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """A command and all those under it, with the words that lead there."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*path, name))


def _check_help(app: typer.Typer, path: tuple[str, ...], command: Any, faults: Faults) -> None:
    asked = " ".join([*path, "--help"])
    if not (command.help or "").strip():
        where = f"the command {' '.join(path)!r}" if path else "it"
        faults.add(
            f"help of {path}", f"{where} does not say what it does: give the function a docstring, or help="
        )
    result = _run(app, [*path, "--help"])
    if _raised(result, f"for {asked}", faults):
        return
    if result.exit_code != 0 or not result.output.strip():
        advice = "leave --help to typer"
        faults.add("help", f"{asked} ends with code {result.exit_code} where 0 is right: {advice}")
    for line in _ORDERS.sub("", result.output).splitlines():
        if len(line) > _COLUMNS:
            advice = "break it, or shorten names and metavars"
            faults.add(
                "columns", f"a line of {asked} has {len(line)} columns, {line.strip()[:40]!r}...: {advice}"
            )


def _check_unknown(app: typer.Typer, path: tuple[str, ...], faults: Faults) -> None:
    asked = " ".join([*path, _UNKNOWN])
    result = _run(app, [*path, _UNKNOWN])
    if _raised(result, f"for {asked}", faults):
        return
    if result.exit_code != _USAGE:
        advice = "do not ignore unknown options"
        faults.add("unknown option", f"{asked} ends with code {result.exit_code} where 2 is right: {advice}")
    elif _UNKNOWN not in _ORDERS.sub("", result.output):
        faults.add("unknown option", f"{asked} is refused without naming it: leave usage errors to typer")


def _run(app: typer.Typer, arguments: list[str]) -> Any:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": str(_COLUMNS), "TERMINAL_WIDTH": str(_COLUMNS)})


def _raised(result: Any, when: str, faults: Faults) -> bool:
    error = result.exception
    if error is None or isinstance(error, SystemExit):
        return False
    with faults.during("help", when, "let the command be parsed without running anything"):
        raise error
    return True


def _check_process(name: str, faults: Faults) -> None:
    done = subprocess.run([sys.executable, "-c", _HELP, name], capture_output=True, text=True, check=False)
    said = done.stdout.strip().splitlines()
    if done.returncode or not said:
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        faults.add("alone", f"in a process of its own its help fails with {last}: import all that it needs")
        return
    if said[0].startswith("prints"):
        faults.add("quiet", f"it prints {said[0][7:]!r} when it is imported: print when it is run")
    if said[-1] == "torch":
        faults.add(
            "light", "its --help imports torch, which takes seconds: import it inside the command's function"
        )
