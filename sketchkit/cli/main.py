"""The console script: all commands, and the exit codes of errors.

Exit codes: 0 fine, 1 crash (a bug), 2 usage, 3 bad input, 4 plugin, 5 model or device, 124 no answer in time
(of `plugins check`), 128 and its number for a signal (130 Ctrl-C, 143 SIGTERM, 129 SIGHUP), 141 where the
output is not read to its end. Errors are one line on stderr; `SKETCHKIT_RAISE=1` shows the traceback instead.
"""

from __future__ import annotations

import gc
import io
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any, BinaryIO, NoReturn

import typer
from typer.main import get_command

from sketchkit._version import __version__
from sketchkit.cli.commands import Commands
from sketchkit.cli.console import explain_stdout, say
from sketchkit.cli.help import show_help_alone
from sketchkit.cli.signals import code_of_end, unwind_on_signals
from sketchkit.errors import (
    CheckpointError,
    DeviceError,
    InputError,
    PluginError,
    PluginWarning,
    SketchkitError,
)
from sketchkit.files import reason as why
from sketchkit.files import shown
from sketchkit.registry import PLUGINS_VARIABLE
from sketchkit.remote import watch

__all__ = ["app", "main", "run"]

RAISE_VARIABLE = "SKETCHKIT_RAISE"
# How torch says it on a CPU, and for sizes that no machine has.
_NO_MEMORY = ("DefaultCPUAllocator", "alloc_cpu", "not enough memory", "Storage size calculation overflowed")
# So many new objects are made before garbage is looked for among them.
_YOUNG_OBJECTS = 100_000
_CRASH, _USAGE, _INPUT, _PLUGIN, _MODEL, _INTERRUPTED, _UNREAD = 1, 2, 3, 4, 5, 130, 141

app = typer.Typer(
    name="sketchkit",
    cls=Commands,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    # Words of users and plugins end up in help texts: no markup is read from them.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"sketchkit {__version__}")
        raise typer.Exit


def _shut_out_strangers(wanted: bool) -> None:
    if wanted:
        # In the environment, where processes that this one starts find it, too.
        os.environ[PLUGINS_VARIABLE] = ""


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
    no_plugins: Annotated[
        bool,
        typer.Option(
            "--no-plugins",
            help="Use nothing but sketchkit's own.  [env: SKETCHKIT_PLUGINS=no]",
            callback=_shut_out_strangers,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Finish, sample and render generative vector sketches."""
    show_help_alone(context)


def run(args: list[str] | None = None) -> int:
    """Run one command line and return its exit code; every error has been printed."""
    strangers = os.environ.get(PLUGINS_VARIABLE)
    try:
        with _plugins_warned_of(), watch(say):
            return _run(args)
    finally:
        if strangers is None:
            os.environ.pop(PLUGINS_VARIABLE, None)
        else:
            os.environ[PLUGINS_VARIABLE] = strangers


def _run(args: list[str] | None) -> int:
    try:
        code = get_command(app).main(args, prog_name="sketchkit", standalone_mode=False)
        _flush_stdout()
        if code == _INTERRUPTED:  # Typer's own answer to KeyboardInterrupt
            return code_of_end()
        return code if isinstance(code, int) else 0
    except typer.TyperException as error:
        # Typer's validator puts words of its own in front of ours.
        message = error.format_message().replace("Value error, ", "")
        return _fail(f"{message} (see `{_command_of(error)} --help`)", _USAGE)
    except SketchkitError as error:
        return _fail(str(error), _code_of(error))
    except (KeyboardInterrupt, typer.Abort):
        return code_of_end()
    except SystemExit as error:
        # Typer leaves so when a completion is done, and when a pipe breaks under its help.
        if isinstance(error.__context__, BrokenPipeError):
            return _leave_stdout()
        raise
    except BrokenPipeError:
        return _leave_stdout()
    except OSError as error:
        name = f"{shown(str(error.filename))}: " if error.filename else ""
        return _fail(f"{name}{why(error)}", _INPUT)
    except Exception as error:
        return _crash(error)


def main() -> NoReturn:
    """The entry point of the console script."""
    # The imports of a command make tens of thousands of objects that stay.
    gc.set_threshold(_YOUNG_OBJECTS)
    _hold_closed_streams()
    _replace_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a letter shows a substitute.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    unwind_on_signals()
    code = run()
    gc.freeze()  # Python would look for garbage among all objects on its way out
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):  # Python would try again on its way out, and change the exit code
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    sys.exit(code)


@contextmanager
def _plugins_warned_of() -> Iterator[None]:
    """A plugin that is passed over costs one line on stderr; other warnings are shown as ever."""
    with warnings.catch_warnings():
        shown_before = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, PluginWarning):
                say(f"sketchkit: warning: {message}")
            else:
                shown_before(message, category, *where, **more)

        warnings.showwarning = show
        warnings.filterwarnings("always", category=PluginWarning)
        yield


def _hold_closed_streams() -> None:
    """Keep the numbers of closed standard streams from files that are opened later."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one


class _ClosedOutput(io.TextIOBase):
    """Stands for a standard output that was closed before the program began: to write there is an error."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        raise InputError("standard output is closed")

    @property
    def buffer(self) -> BinaryIO:
        raise InputError("standard output is closed")


def _replace_closed_streams() -> None:
    """Replace closed streams, which Python leaves None, so that `print` fails."""
    if sys.stdout is None:
        sys.stdout = _ClosedOutput()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _flush_stdout() -> None:
    """Write all printed text.

    Raises:
        InputError: the disk is full.
        BrokenPipeError: the reader has gone.
    """
    if sys.stdout is not None:
        with explain_stdout():
            sys.stdout.flush()


def _fail(reason: str, code: int) -> int:
    """Say the reason on one line of stderr; inside an `except`, with the traceback on demand."""
    if os.environ.get(RAISE_VARIABLE) == "1":
        with suppress(OSError, ValueError):
            traceback.print_exc()
    say(f"sketchkit: {' '.join(reason.split())}")
    return code


def _crash(error: Exception) -> int:
    if _is_memory(error):
        return _fail("out of memory: a smaller --batch-size takes less", _MODEL)
    what = f"internal error: {type(error).__name__}: {error}"
    return _fail(f"{what} ({RAISE_VARIABLE}=1 shows where)", _CRASH)


def _is_memory(error: Exception) -> bool:
    """Whether memory is at its end; torch's own errors are known by their words, without an import."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


def _code_of(error: SketchkitError) -> int:
    if isinstance(error, PluginError):
        return _PLUGIN
    return _MODEL if isinstance(error, CheckpointError | DeviceError) else _INPUT


def _command_of(error: Any) -> str:
    context = getattr(error, "ctx", None)
    return "sketchkit" if context is None else str(context.command_path)


def _leave_stdout() -> int:
    """Keep Python from flushing the rest of stdout at exit: its reader has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    return _UNREAD
