"""The options of a training as a group of command-line options, made of the fields of `TrainConfig`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field, make_dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sketchkit import options, registry
from sketchkit.cli.console import plain
from sketchkit.cli.help import Command
from sketchkit.training.config import option_infos

__all__ = ["RESUME", "TrainCommand", "TrainingOptions", "said"]

#: What --resume alone means.
RESUME = "always"


class TrainCommand(Command):
    """A command that also lists what plugins' backends are told of their sizes, if there are any."""

    panels: Mapping[str, str] = {}

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the words of a command line, among which --resume may stand with or without auto."""
        end = args.index("--") if "--" in args else len(args)
        words = iter(enumerate(args))
        out = []
        for place, word in words:
            if word == "--resume" and place < end:
                auto = args[place + 1 : place + 2] == ["auto"]
                word = f"--resume={'auto' if auto else RESUME}"
                if auto:
                    next(words)
            out.append(word)
        return super().parse_args(ctx, out)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the backends, then the examples."""
        strange = [name for name in registry.names("model") if not registry.find("model", name).builtin]
        if strange:
            with formatter.section("Backends of plugins and their options (-O NAME=VALUE)"):
                for name in strange:
                    formatter.write(f"  {plain(name)}\n")
                    with formatter.indentation():
                        formatter.write_dl(_rows(name))
        super().format_epilog(ctx, formatter)


def said(chosen: TrainingOptions) -> dict[str, Any]:
    """What the user said of a training, by field name."""
    return {name: value for name, value in asdict(chosen).items() if value is not None}


def _rows(name: str) -> list[tuple[str, str]]:
    """(`layers=4`, what it means) for what a plugin's architecture is told, or why nothing can be shown."""
    try:
        from sketchkit.models import backend
        from sketchkit.training.backends import describe_options

        infos = describe_options(backend(name).architecture_type)
    except Exception as error:  # whatever is wrong with one plugin, the help of the others is shown
        return [("broken", plain(error))]
    rows = [(f"{o.name}={o.default}", f"{o.help}  [{o.range}]" if o.range else o.help) for o in infos]
    return [(plain(left), plain(right)) for left, right in rows] or [("no options", "")]


def _option(info: options.OptionInfo) -> Any:
    """The annotation of one option, None where the user does not say it."""
    name, default = info.name.replace("_", "-"), _shown(info.default)
    if info.type is bool:
        how = typer.Option(f"--{name}/--no-{name}", help=info.help, show_default=default)
    else:
        metavar = "NAME" if info.type is str else "N" if info.type is int else "X"
        text = f"{info.help}  [{info.range}]" if info.choices else info.help
        how = typer.Option(f"--{name}", metavar=metavar, help=text, show_default=default)
    return Annotated[info.type | None, how]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


if TYPE_CHECKING:
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class TrainingOptions:
        """Every option of a training, None where the user does not say it."""

else:
    TrainingOptions = make_dataclass(
        "TrainingOptions",
        [(info.name, _option(info), field(default=None)) for info in option_infos()],
        frozen=True,
    )
