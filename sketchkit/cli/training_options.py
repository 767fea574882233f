"""The options of a training as a group of command-line options, made of the fields of `TrainConfig`."""

from __future__ import annotations

from dataclasses import asdict, field, make_dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sketchkit import options
from sketchkit.training.config import TrainConfig

__all__ = ["TrainingOptions", "said"]


def said(chosen: TrainingOptions) -> dict[str, Any]:
    """What the user said of a training, by field name."""
    return {name: value for name, value in asdict(chosen).items() if value is not None}


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
        """Every field of `TrainConfig`, None where the user does not say it."""

else:
    TrainingOptions = make_dataclass(
        "TrainingOptions",
        [(info.name, _option(info), field(default=None)) for info in options.describe(TrainConfig)],
        frozen=True,
    )
