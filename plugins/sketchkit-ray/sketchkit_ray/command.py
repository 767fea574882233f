"""`sketchkit ray`: the group of commands, and what runs when one of them is called."""

from __future__ import annotations

from typing import Any

import typer

from sketchkit.cli.help import Group, show_help_alone
from sketchkit_ray.gathering import EXAMPLES, gathering_command

__all__ = ["app"]

_WORDS = "sketchkit_ray.words"


class RayCommands(Group):
    """The commands; what each gathers is done when it returns."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {name: gathering_command(name) for name in EXAMPLES}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the first word names, and keep the words behind it for the workers."""
        name, command, words = super().resolve_command(ctx, args)
        ctx.meta[_WORDS] = tuple(words)
        return name, command, words

    def invoke(self, ctx: Any) -> None:
        """Run a command, and do what it has gathered."""
        gathered = super().invoke(ctx)
        from sketchkit_ray.driver import do

        do(gathered, ctx.meta[_WORDS])


app = typer.Typer(
    cls=RayCommands,
    help="Draw, encode or score with Ray, by many processes or machines, into a folder of parts.",
    callback=show_help_alone,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
