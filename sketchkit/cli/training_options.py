"""The options of a training as command-line options, made of the fields of `TrainConfig`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

import typer

from sketchkit import options
from sketchkit.training.config import TrainConfig

__all__ = ["with_training_options"]


def with_training_options(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take every field of `TrainConfig`.

    Args:
        command: a function of keyword-only parameters; that called `settings` is given what the user said, by
            field name.

    Returns:
        A function that Typer sees with all the options side by side.
    """
    infos = {info.name: info for info in options.describe(TrainConfig)}
    hints = get_type_hints(command, include_extras=True)
    given = [p for p in inspect.signature(command).parameters.values() if p.name != "settings"]

    def flat(**values: Any) -> None:
        said = {name: values.pop(name) for name in infos if name in values}
        command(**values, settings={name: value for name, value in said.items() if value is not None})

    parameters = [p.replace(annotation=hints[p.name]) for p in given]
    parameters += [_parameter(info) for info in infos.values()]
    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    flat.__name__, flat.__doc__, flat.__annotations__ = command.__name__, command.__doc__, {}
    return flat


def _parameter(info: options.OptionInfo) -> inspect.Parameter:
    """One option, None where the user does not say it."""
    name = info.name.replace("_", "-")
    default = _shown(info.default)
    if info.type is bool:
        how = typer.Option(f"--{name}/--no-{name}", help=info.help, show_default=default)
    else:
        metavar = "NAME" if info.type is str else "N" if info.type is int else "X"
        text = f"{info.help}  [{info.range}]" if info.choices else info.help
        how = typer.Option(f"--{name}", metavar=metavar, help=text, show_default=default)
    return inspect.Parameter(
        info.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[info.type | None, how]
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
