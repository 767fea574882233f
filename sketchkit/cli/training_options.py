"""The options of a training as a group of command-line options, made of the fields of `TrainConfig`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, make_dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sketchkit import options, registry
from sketchkit.cli.console import plain
from sketchkit.cli.help import Command, option_rows
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
                        formatter.write_dl(option_rows(partial(_describe, name)) or [("no options", "")])
        super().format_epilog(ctx, formatter)


def said(chosen: TrainingOptions) -> dict[str, Any]:
    """What the user said of a training, by field name."""
    return {name: value for name, value in asdict(chosen).items() if value is not None}


def _describe(name: str) -> list[options.OptionInfo]:
    from sketchkit.models import backend
    from sketchkit.training.backends import describe_options

    return describe_options(backend(name).architecture_type)


def _option(info: options.OptionInfo) -> Any:
    """One option, None where the user does not say it."""
    name = info.name.replace("_", "-")
    return options.option(
        None,
        f"{info.help}  [{info.range}]" if info.choices else info.help,
        flags=f"--{name}/--no-{name}" if info.type is bool else f"--{name}",
        metavar={bool: None, str: "NAME", int: "N"}.get(info.type, "X"),
        usual=_shown(info.default),
    )


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
        [(info.name, info.type | None, _option(info)) for info in option_infos()],
        frozen=True,
    )
