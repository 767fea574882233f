"""The console script: all commands, and what becomes of errors.

Exit codes: 0 fine, 1 crash (a bug), 2 usage, 3 bad input, 4 plugin, 5 model or device, 130 Ctrl-C. Errors
are one line on stderr; `SKETCHKIT_RAISE=1` shows the traceback instead.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer
from typer.main import get_command

from sketchkit._version import __version__
from sketchkit.cli import models
from sketchkit.cli.complete import complete
from sketchkit.cli.console import plain
from sketchkit.cli.parameters import SamplerCommand
from sketchkit.cli.render import render
from sketchkit.cli.sample import sample
from sketchkit.errors import CheckpointError, DeviceError, PluginError, SketchkitError

__all__ = ["app", "main", "run"]

RAISE_VARIABLE = "SKETCHKIT_RAISE"
_CRASH, _USAGE, _INPUT, _PLUGIN, _MODEL, _INTERRUPTED = 1, 2, 3, 4, 5, 130

app = typer.Typer(
    name="sketchkit",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Words of users and plugins end up in help texts: no markup is read from them.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"sketchkit {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Finish, sample and render generative vector sketches."""


app.command(cls=SamplerCommand)(complete)
app.command(cls=SamplerCommand)(sample)
app.command()(render)
app.add_typer(models.app, name="models")


def run(args: list[str] | None = None) -> int:
    """Run one command line and return its exit code; every error has been printed."""
    try:
        code = get_command(app).main(args, prog_name="sketchkit", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except typer.TyperException as error:
        return _failed(error, error.format_message() + " (see --help)", _USAGE)
    except SketchkitError as error:
        return _failed(error, str(error), _code_of(error))
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; Python must not try to flush it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _CRASH
    except Exception as error:
        reason = f"internal error: {type(error).__name__}: {error} ({RAISE_VARIABLE}=1 shows where)"
        return _failed(error, reason, _CRASH)


def main() -> NoReturn:
    """The entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a letter shows a substitute.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    sys.exit(run())


def _failed(error: Exception, reason: str, code: int) -> int:
    if os.environ.get(RAISE_VARIABLE) == "1":
        raise error
    print(f"sketchkit: {plain(' '.join(reason.split()))}", file=sys.stderr)
    return code


def _code_of(error: SketchkitError) -> int:
    if isinstance(error, PluginError):
        return _PLUGIN
    return _MODEL if isinstance(error, CheckpointError | DeviceError) else _INPUT
