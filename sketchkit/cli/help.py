"""Help that keeps an example on its own line and knows the samplers and renderers that are installed."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from sketchkit.cli.console import plain
from sketchkit.cli.flags import LARGEST_NUMBER

__all__ = ["Command", "Group", "RendererCommand", "SamplerCommand", "alone", "show_help_alone"]


def alone(function: Callable[..., None], cls: type[Command], epilog: str) -> typer.Typer:
    """A command of its own, as an entry point names it.

    Args:
        function: the command.
        cls: what its help is like.
        epilog: examples, a line each.
    """
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(cls=cls, epilog=epilog)(function)
    return app


def show_help_alone(context: typer.Context) -> None:
    """What a group of commands answers when none of them is named: its help, and the code of wrong usage."""
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(2)


#: Flags that Typer adds to commands by itself.
_TYPERS_OWN = ("help", "install_completion", "show_completion")


def _settled(parameters: list[Any]) -> list[Any]:
    """Parameters in which Typer's own flags are false where nobody gives them.

    They are None instead, and to look at that Typer loads pydantic, for 50 ms.
    """
    for parameter in parameters:
        if parameter.name in _TYPERS_OWN and parameter.default is None:
            parameter.default = False
    return parameters


class Group(TyperGroup):
    """A group of commands that starts without delay."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The options of the group itself."""
        return _settled(super().get_params(ctx))


class Command(TyperCommand):
    """A command whose epilog is examples, a line each, which are not wrapped: they are there to be copied."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The arguments and options."""
        return _settled(super().get_params(ctx))

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error of usage that it finds itself knows whose help to point to."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.ctx = error.ctx or ctx
            raise

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the usage line: an argument's name says itself whether there may be several."""
        return [
            re.sub(r"\{([A-Z]+)\}(?:\.\.\.)?", r"\1", piece) for piece in super().collect_usage_pieces(ctx)
        ]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the options, without what only Typer understands."""
        rows: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                is_argument = parameter.param_type_name == "argument"
                rows["Arguments" if is_argument else "Options"].append(_tidied(*record, bare=is_argument))
        for title, records in rows.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        if self.epilog:
            with formatter.section("Example"):
                formatter.write("".join(f"  {line}\n" for line in self.epilog.splitlines()))


class SamplerCommand(Command):
    """A command that also lists the options of every sampler, looked up when somebody asks for help."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the samplers, then the examples."""
        _write_plugins(formatter, "sampler", "Samplers and their options (-O NAME=VALUE)")
        super().format_epilog(ctx, formatter)


class RendererCommand(Command):
    """A command that also lists the options of every renderer."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the renderers, then the examples."""
        _write_plugins(formatter, "renderer", "Renderers and their options (--format NAME:OPTION=VALUE)")
        super().format_epilog(ctx, formatter)


def _write_plugins(formatter: Any, kind: str, title: str) -> None:
    from sketchkit import registry

    with formatter.section(title):
        for name in registry.names(kind):
            rows = _option_rows(kind, name)
            formatter.write(f"  {plain(name)}{'' if rows else ': no options'}\n")
            if rows:
                with formatter.indentation():
                    formatter.write_dl(rows)


def _tidied(name: str, text: str, *, bare: bool) -> tuple[str, str]:
    """An entry of the help without Python's types, brackets in brackets, and bounds that nobody meets."""
    text = re.sub(r"\[default: \(([^()]*)\)", r"[default: \1", text)
    text = re.sub(rf"(?<=\d)<=x<={LARGEST_NUMBER}", " or more", text)
    return (name.partition(" <")[0] if bare else name), text


def _option_rows(kind: str, name: str) -> list[tuple[str, str]]:
    """(`k=5`, what it means) for each option of a plugin, or why it has none to show."""
    from sketchkit import options, registry

    try:
        described = options.describe(registry.load(kind, name))
    except Exception as error:  # whatever is wrong with one plugin, the help of the others is shown
        return [("broken", plain(error))]
    return [
        (plain(f"{o.name}={o.default}"), plain(o.help) + (f"  [{plain(o.range)}]" if o.range else ""))
        for o in described
    ]
