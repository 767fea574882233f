"""Help that keeps an example on its own line and knows the samplers and renderers that are installed."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup

from sketchkit.cli.console import plain, say
from sketchkit.cli.options import LARGEST_NUMBER, accept_options
from sketchkit.cli.records import begin_call
from sketchkit.errors import InputError
from sketchkit.remote import accept, is_url

if TYPE_CHECKING:
    from sketchkit.options import OptionInfo

__all__ = [
    "Command",
    "Group",
    "RendererCommand",
    "SamplerCommand",
    "group_app",
    "option_rows",
    "show_help_alone",
    "standalone_app",
    "subcommand",
]


def standalone_app(
    function: Callable[..., None], cls: type[Command], epilog: str, *, without: Collection[str] = ()
) -> typer.Typer:
    """A command of its own, as an entry point names it.

    Args:
        function: the command, with options as `sketchkit.cli.options` explains.
        cls: the class of its help.
        epilog: examples, a line each.
        without: fields of groups that are left out.
    """
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(cls=cls, epilog=epilog)(accept_options(function, without=without))
    return app


def group_app(help: str) -> typer.Typer:
    """A group of commands, as an entry point names it."""
    return typer.Typer(
        cls=Group, help=help, callback=show_help_alone, invoke_without_command=True, rich_markup_mode=None
    )


def subcommand(
    app: typer.Typer, epilog: str, name: str | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function a command of a group.

    Args:
        app: the group.
        epilog: examples, a line each.
        name: of the command; the function's own when None.
    """

    def add(function: Callable[..., None]) -> Callable[..., None]:
        app.command(name, cls=Command, epilog=epilog)(accept_options(function))
        return function

    return add


def show_help_alone(context: typer.Context) -> None:
    """Answer a group's name alone with its help, and the exit code of wrong usage."""
    if context.invoked_subcommand is None:
        for line in context.get_help().splitlines():
            say(line)
        raise typer.Exit(2)


#: Flags that Typer adds to commands by itself.
_TYPERS_OWN = ("help", "install_completion", "show_completion")


def _settle(parameters: list[Any]) -> list[Any]:
    """Parameters in which Typer's own flags are false by default: else Typer loads pydantic, 50 ms."""
    for parameter in parameters:
        if parameter.name in _TYPERS_OWN and parameter.default is None:
            parameter.default = False
    return parameters


#: What stands for files in help texts.
_OF_FILES = ("A", "B", "C", "DATA", "FILE", "FILES", "FOLDER", "FOLDERS", "PATH", "RUN", "SET", "SOURCES")
#: Numbers as they are usually written.
_NUMBERS = {int: re.compile(r"-?\d{1,18}", re.ASCII), float: re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)}


def _read_words_plainly(parameters: list[Any]) -> None:
    """Let parameters convert plain words themselves: Typer's conversion loads pydantic, 0.1 s of a start.

    Plain are an option that is left open, a string, and a number or a word within bounds. All others go to
    Typer's conversion, whose errors a user sees.
    """
    for parameter in parameters:
        bounds = parameter.type_descriptor.parameter_info
        if not (parameter.callback or bounds.parser or bounds.clamp):
            parameter.process_value = partial(_read_plainly, parameter, parameter.process_value)
        if parameter.metavar in _OF_FILES:
            parameter.process_value = partial(_accept_urls, parameter.process_value)


def _accept_urls(read: Callable[[Any, Any], Any], context: Any, value: Any) -> Any:
    """The names of files that `read` finds, in which a URL is without its secrets.

    Raises:
        InputError: an invalid URL, or any where a local path is needed.
    """
    found = read(context, value)
    if isinstance(found, Path) and is_url(value):
        raise InputError(f"{accept(value)}: a local path is needed here")
    if isinstance(found, list):
        return [accept(each) if is_url(each) else each for each in found]
    return accept(found) if is_url(found) else found


def _read_plainly(parameter: Any, convert: Callable[[Any, Any], Any], context: Any, value: Any) -> Any:
    """The value of a parameter; `convert` is Typer's conversion."""
    kind, bounds = parameter.type_descriptor.annotation, parameter.type_descriptor.parameter_info
    if value is None and not parameter.required:
        return () if parameter.multiple or parameter.nargs == -1 else None
    if kind is str and type(value) is str:
        return value
    if kind == list[str] and isinstance(value, list | tuple) and set(map(type, value)) == {str}:
        return list(value)
    if get_origin(kind) is Literal and value in get_args(kind):
        return value
    if kind in _NUMBERS and _NUMBERS[kind].fullmatch(str(value)):
        number = kind(value)
        if (bounds.min is None or bounds.min <= number) and (bounds.max is None or number <= bounds.max):
            return number
    return convert(context, value)


def _read_docstring(function: Callable[..., Any] | None) -> str | None:
    """The docstring of a function, from its source where `python -OO` has removed it from the code."""
    if function is None:
        return None
    function = inspect.unwrap(function)
    if function.__doc__ is not None or sys.flags.optimize < 2:
        return inspect.getdoc(function)
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, SyntaxError):  # there is no source
        return None
    return ast.get_docstring(definition) if isinstance(definition, ast.FunctionDef) else None


class Group(TyperGroup):
    """A group of commands that starts without delay."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.help = self.help or _read_docstring(self.callback)

    def get_params(self, ctx: Any) -> list[Any]:
        """The options of the group itself."""
        return _settle(super().get_params(ctx))


#: From so many options on they stand in panels.
_MANY = 12
#: A longer name has a line to itself.
_WIDEST_NAME = 26
_OTHERS = "Options"
#: The panels of help, and the options in them without a panel of their own.
_PANELS = {
    "What is drawn": "n first top steps classes via path latent_path means number max_strokes by worst",
    "How it is drawn": "temperature sampler sampler_options seed z_temperature scale part particles",
    "Where it may go": "region avoid clearance",
    "What is read": "input_format limit keep_background split prepared source jobs pairs",
    "What is written": "output out shard layout ink only_added format force json heatmap outliers",
    "The sheet": "tile cell gap margin page title scale_mode label stroke curves background",
    "Speed": "",
}
_PANEL_OF = {name: title for title, names in _PANELS.items() for name in names.split()}


#: The old names of options, which go with the next minor version, by the parameters that have new ones.
_OLD_NAMES = {
    "deterministic": "--exact",
    "heatmap": "--heat",
    "missing": "--gap",
    "offset_noise": "--stray",
    "scale_mode": "--sizes",
    "top": "--keep",
}


def _use_new_names(parameters: list[Any], args: list[str]) -> list[str]:
    """A command line with the new names of options in place of old ones; a line on stderr tells each."""
    known = {name for parameter in parameters for name in parameter.opts}
    renamed = {
        old: parameter.opts[0]
        for parameter in parameters
        if (old := _OLD_NAMES.get(parameter.name)) is not None and old not in known
    }
    end = args.index("--") if "--" in args else len(args)
    out = []
    for word in args[:end]:
        name, equals, value = word.partition("=")
        if name in renamed:
            say(f"sketchkit: {name} is called {renamed[name]} now; the old name will go")
            word = f"{renamed[name]}{equals}{value}"
        out.append(word)
    return out + args[end:]


class Command(TyperCommand):
    """A command whose epilog is examples, a line each, which are not wrapped: they are there to be copied."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The arguments and options."""
        return _settle(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words of a command line, among which options may have their old names."""
        return super().parse_args(ctx, _use_new_names(self.params, args))

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error of usage that it finds itself knows whose help to point to."""
        try:
            with begin_call(ctx):
                return super().invoke(ctx)
        except typer.BadParameter as error:
            error.ctx = error.ctx or ctx
            raise

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the usage line: an argument's name says itself whether there may be several."""
        return [
            re.sub(r"\{([A-Z]+)\}(?:\.\.\.)?", r"\1", piece) for piece in super().collect_usage_pieces(ctx)
        ]

    def __init__(self, *name: str | None, **settings: Any) -> None:
        super().__init__(*name, **settings)
        self.help = self.help or _read_docstring(self.callback)
        _read_words_plainly(self.params)

    #: The panels of options by their names; an option's own `rich_help_panel` goes before.
    panels: Mapping[str, str] = _PANEL_OF

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the options by their panels."""
        rows: dict[str, list[tuple[str, str]]] = {title: [] for title in ("Arguments", *_PANELS, _OTHERS)}
        parameters = self.get_params(ctx)
        panels = self.panels if len(parameters) >= _MANY else {}
        for parameter in parameters:
            record = parameter.get_help_record(ctx)
            if record is not None:
                is_argument = parameter.param_type_name == "argument"
                own = getattr(parameter, "rich_help_panel", None)
                if own is None or (own in _PANELS and not panels):
                    own = panels.get(parameter.name, _OTHERS)
                title = "Arguments" if is_argument else own
                rows.setdefault(title, []).append(_tidy(*record, bare=is_argument))
        for title, records in rows.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records, col_max=_WIDEST_NAME)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        if self.epilog:
            with formatter.section("Example"):
                formatter.write("".join(f"  {line}\n" for line in self.epilog.splitlines()))


class SamplerCommand(Command):
    """A command whose help also lists the options of every sampler."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the samplers, then the examples."""
        _write_plugins(formatter, "sampler", "Samplers and their options (-O NAME=VALUE)")
        super().format_epilog(ctx, formatter)


class RendererCommand(Command):
    """A command whose help also lists the options of every renderer."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the renderers, then the examples."""
        _write_plugins(formatter, "renderer", "Renderers and their options (--format NAME:OPTION=VALUE)")
        super().format_epilog(ctx, formatter)


def _write_plugins(formatter: Any, kind: str, title: str) -> None:
    from sketchkit import options, registry

    def describe(name: str) -> list[OptionInfo]:
        return options.describe(registry.load(kind, name))

    rows = {name: option_rows(partial(describe, name)) for name in registry.names(kind)}
    all_rows = [row for mine in rows.values() for row in mine]
    shared = [row for row in dict.fromkeys(all_rows) if all_rows.count(row) > 1]
    with formatter.section(title):
        for name, mine in rows.items():
            also = ", ".join(option.partition("=")[0] for option, _ in mine if (option, _) in shared)
            formatter.write(f"  {plain(name)}{f': {also}' if also else '' if mine else ': no options'}\n")
            if own := [row for row in mine if row not in shared]:
                with formatter.indentation():
                    formatter.write_dl(own)
    if shared:
        with formatter.section("Options of several"):
            formatter.write_dl(shared)


def _tidy(name: str, text: str, *, bare: bool) -> tuple[str, str]:
    """An entry of the help without Python's types, brackets in brackets, and bounds out of reach."""
    text = re.sub(r"\[default: \(([^()]*)\)", r"[default: \1", text)
    text = re.sub(rf"(?<=\d)<=x<={LARGEST_NUMBER}", " or more", text)
    text = re.sub(r"(\d+)<=x<=(\d+)", r"\1 to \2", text)
    text = re.sub(r"x>=(\d+(?:\.\d+)?)", r"\1 or more", text)
    return (name.partition(" <")[0] if bare else name), text


def option_rows(describe: Callable[[], list[OptionInfo]]) -> list[tuple[str, str]]:
    """(`k=5`, its meaning) for each option of a plugin, or the reason that the plugin is broken.

    Args:
        describe: finds the options.
    """
    try:
        described = describe()
    except Exception as error:  # whatever is wrong with one plugin, the help of the others is shown
        return [("broken", plain(error))]
    return [
        (plain(f"{o.name}={o.default}"), plain(o.help) + (f"  [{plain(o.range)}]" if o.range else ""))
        for o in described
    ]
