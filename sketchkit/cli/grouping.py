"""Options that belong together, declared once as the fields of a dataclass."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints

__all__ = ["grouped"]


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take groups of options.

    Args:
        command: a function of keyword-only parameters. One that is annotated with a dataclass becomes an
            option for each field: the field's `Annotated` type and default are what Typer reads.

    Returns:
        A function that Typer sees with all the options side by side.
    """
    hints = get_type_hints(command, include_extras=True)
    given = inspect.signature(command).parameters.values()
    groups = {p.name: hints[p.name] for p in given if is_dataclass(hints[p.name])}

    def flat(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        command(**values)

    parameters = [flattened for p in given for flattened in _flattened(p, hints[p.name])]
    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    flat.__name__, flat.__doc__, flat.__annotations__ = command.__name__, command.__doc__, {}
    return flat


def _flattened(parameter: inspect.Parameter, hint: Any) -> Iterator[inspect.Parameter]:
    """The parameter itself, or one for each field of its dataclass."""
    if not is_dataclass(hint):
        yield parameter.replace(annotation=hint)
        return
    types = get_type_hints(hint, include_extras=True)
    for field in fields(hint):
        default = inspect.Parameter.empty if field.default is MISSING else field.default
        yield inspect.Parameter(field.name, parameter.kind, default=default, annotation=types[field.name])
