"""Options that belong together, declared once as the fields of a dataclass."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints

__all__ = ["grouped"]


def grouped(command: Callable[..., None], *, without: Collection[str] = ()) -> Callable[..., None]:
    """Let a command take groups of options.

    Args:
        command: a function of keyword-only parameters. One that is annotated with a dataclass becomes an
            option for each field: the field's `Annotated` type and default are what Typer reads.
        without: fields of which the command makes no options; they keep their defaults.

    Returns:
        A function that Typer sees with all the options side by side.
    """
    hints = get_type_hints(command, include_extras=True)
    given = inspect.signature(command).parameters.values()
    groups = {p.name: hints[p.name] for p in given if is_dataclass(hints[p.name])}
    chosen = {
        name: [f.name for f in fields(group) if f.name not in without] for name, group in groups.items()
    }

    def flat(**values: Any) -> None:
        members = {name: {each: values.pop(each) for each in chosen[name]} for name in groups}
        command(**values, **{name: group(**members[name]) for name, group in groups.items()})

    parameters = [flattened for p in given for flattened in _flattened(p, hints[p.name], without)]
    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    flat.__wrapped__ = command  # type: ignore[attr-defined]
    flat.__name__, flat.__doc__, flat.__annotations__ = command.__name__, command.__doc__, {}
    return flat


def _flattened(
    parameter: inspect.Parameter, hint: Any, without: Collection[str]
) -> Iterator[inspect.Parameter]:
    """The parameter itself, or one for each field of its dataclass but some."""
    if not is_dataclass(hint):
        yield parameter.replace(annotation=hint)
        return
    types = get_type_hints(hint, include_extras=True)
    for field in (each for each in fields(hint) if each.name not in without):
        default = inspect.Parameter.empty if field.default is MISSING else field.default
        yield inspect.Parameter(field.name, parameter.kind, default=default, annotation=types[field.name])
