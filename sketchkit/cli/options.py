"""Options of commands: dataclass fields declared with `option`, which Typer sees as options of its own.

A command is a function of keyword-only parameters. The default of a parameter may be an `option` or an
`argument`, or its annotation may hold one that several commands share; a parameter that is annotated with a
dataclass stands for an option for each of its fields; a parameter that is annotated with `settings_of` gets
the options of `DrawSettings`.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, get_origin, get_type_hints

import typer

from sketchkit.arguments import MAX_DRAWINGS
from sketchkit.cli import completions
from sketchkit.cli.records import current_call
from sketchkit.options import option
from sketchkit.settings import LARGEST_NUMBER, DrawSettings, LatentSettings

__all__ = [
    "LARGEST_NUMBER",
    "MOST_DRAWINGS",
    "DataName",
    "Device",
    "DrawnClass",
    "EngineName",
    "Force",
    "Given",
    "InputFormat",
    "Json",
    "KeepBackground",
    "LatentDrawing",
    "LatentPath",
    "Listed",
    "PathName",
    "Prepared",
    "RedirectHosts",
    "RenamedPath",
    "Seed",
    "ShardName",
    "ShownClass",
    "SplitName",
    "UsageError",
    "accept_options",
    "argument",
    "option",
    "require_one_class",
    "settings_of",
]

#: The library's own limit for one call.
MOST_DRAWINGS = MAX_DRAWINGS


class UsageError(typer.BadParameter):
    """A value from the command line that cannot be taken.

    Args:
        why: the reason.
        option: the name of the option or argument.
    """

    def __init__(self, why: str, option: str | None = None) -> None:
        super().__init__(why, param_hint=option)


def argument(metavar: str, help: str, **more: Any) -> Any:
    """An argument of a command: required, unless `more` has a `default`."""
    default = more.pop("default", MISSING)
    return dataclasses.field(
        default=default, metadata={"argument": True, "metavar": metavar, "help": help, **more}
    )


# --- what a command line says of settings ---------------------------------------------------------------


@dataclass(frozen=True)
class Given:
    """The settings of drawing on a command line.

    Args:
        kind: of settings.
        values: by field; None stands for an option that is left open.
    """

    kind: type[DrawSettings]
    values: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.values.get(name)

    def replace(self, **values: Any) -> Given:
        """The same with other values."""
        return Given(self.kind, {**self.values, **values})

    def settle(self) -> DrawSettings:
        """The settings, completed by environment, file and defaults; see `DrawSettings.read`."""
        settings = self.kind.read(self.values)
        if (call := current_call()) is not None:
            left_open = [name for name, value in self.values.items() if value is None]
            call.settings.update(settings.variables(left_open))
        return settings


@dataclass(frozen=True)
class _SettingsOf:
    kind: type[DrawSettings]
    names: tuple[str, ...]


def settings_of(
    kind: type[DrawSettings], *, without: Collection[str] = (), only: Collection[str] = ()
) -> Any:
    """The annotation of a parameter that takes settings: an option for each field but some, or for few."""
    names = tuple(f.name for f in fields(kind) if f.name not in without and (not only or f.name in only))
    return _SettingsOf(kind, names)


#: Model and sampler of a command that draws through latent vectors.
LatentDrawing = Annotated[Given, settings_of(LatentSettings, without={"tries"})]


# --- from fields to parameters that Typer reads ---------------------------------------------------------


def accept_options(command: Callable[..., None], *, without: Collection[str] = ()) -> Callable[..., None]:
    """Let a command take options that are declared as fields.

    Args:
        command: a function of keyword-only parameters, as the module explains.
        without: fields of dataclasses that are left out; they keep their defaults.

    Returns:
        A function that Typer sees with all the options side by side.
    """
    hints = get_type_hints(command, include_extras=True)
    given = inspect.signature(command).parameters.values()
    groups = {p.name: _group_of(hints[p.name], without) for p in given}

    def flat(**values: Any) -> None:
        for name, group in groups.items():
            if group is not None:
                make, members = group
                values[name] = make(**{each: values.pop(each) for each in members})
        command(**values)

    parameters = [flattened for p in given for flattened in _flatten(p, hints[p.name], without)]
    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    flat.__wrapped__ = command  # type: ignore[attr-defined]
    flat.__name__, flat.__doc__, flat.__annotations__ = command.__name__, command.__doc__, {}
    return flat


def _group_of(hint: Any, without: Collection[str]) -> tuple[Callable[..., Any], Sequence[str]] | None:
    """For the annotation of a group: a function that makes its value, and the names of its members."""
    settings = _settings_in(hint)
    if settings is not None:
        return (lambda **values: Given(settings.kind, values)), settings.names
    if is_dataclass(hint) and isinstance(hint, type):
        return hint, [field.name for field in fields(hint) if field.name not in without]
    return None


def _settings_in(hint: Any) -> _SettingsOf | None:
    found = [each for each in getattr(hint, "__metadata__", ()) if isinstance(each, _SettingsOf)]
    return found[0] if found else None


def _flatten(
    parameter: inspect.Parameter, hint: Any, without: Collection[str]
) -> Iterator[inspect.Parameter]:
    """The parameter itself, or a parameter for each member of its group."""
    settings = _settings_in(hint)
    if settings is not None:
        hints = get_type_hints(settings.kind)
        for field in (each for each in fields(settings.kind) if each.name in settings.names):
            hint = _optional(hints[field.name])
            hint = Annotated[hint, setting_option(field.name, settings.kind)]
            default = False if hints[field.name] is bool else None
            yield parameter.replace(name=field.name, default=default, annotation=hint)
    elif is_dataclass(hint):
        hints = get_type_hints(hint, include_extras=True)
        for field in (each for each in fields(hint) if each.name not in without):
            yield _parameter(parameter, field.name, field, hints[field.name])
    elif isinstance(parameter.default, Field):
        yield _parameter(parameter, parameter.name, parameter.default, hint)
    else:
        yield parameter.replace(annotation=_as_typer_reads(parameter.name, hint))


def _parameter(like: inspect.Parameter, name: str, field: Field[Any], hint: Any) -> inspect.Parameter:
    default = inspect.Parameter.empty if field.default in (MISSING, ...) else field.default
    if get_origin(hint) is not Annotated:
        hint = Annotated[hint, field]
    return like.replace(name=name, default=default, annotation=_as_typer_reads(name, hint))


def _as_typer_reads(name: str, hint: Any) -> Any:
    """An annotation whose `option` or `argument`, if it holds one, has become Typer's."""
    declared = [each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Field)]
    return Annotated[hint.__origin__, _typer_info(name, declared[0].metadata)] if declared else hint


def _optional(hint: Any) -> Any:
    if hint is bool:
        return bool
    return (list[str] if get_origin(hint) is Sequence else hint) | None


def setting_option(name: str, kind: type[DrawSettings] = DrawSettings) -> Any:
    """The option of one of the settings of drawing, as Typer takes it."""
    field = kind.__dataclass_fields__[name]
    metadata = dict(field.metadata)
    if not isinstance(field.default, bool | tuple | None):
        metadata.setdefault("usual", str(field.default))
    if "key" in metadata:
        metadata["help"] += f"  [env: SKETCHKIT_{metadata['key'].upper()}]"
    return _typer_info(name, metadata)


def _typer_info(name: str, shown: Mapping[str, Any]) -> Any:
    """The Typer option or argument that a field's metadata describe."""
    completion = shown.get("completion")
    how: dict[str, Any] = {
        "help": shown.get("help"),
        "metavar": shown.get("metavar"),
        "show_default": shown.get("usual", True),
        "autocompletion": getattr(completions, f"complete_{completion}") if completion else None,
        "rich_help_panel": shown.get("panel"),
        "min": shown.get("low"),
        "max": shown.get("high"),
    }
    if shown.get("argument"):
        return typer.Argument(**how)
    flags = shown.get("flags", f"--{name.replace('_', '-')}").split()
    return typer.Option(*flags, **how)


# --- single options that several commands share ---------------------------------------------------------

Json = Annotated[bool, option(False, "Say on stdout, as JSON, what was done.")]
Listed = Annotated[bool, option(False, "Say it on stdout as JSON.")]
Force = Annotated[bool, option(False, "Overwrite files that exist.", flags="--force -f")]
DataName = Annotated[str, argument("DATA", "A data set's folder, or the name of a stored one.")]
Device = Annotated[str | None, setting_option("device")]
EngineName = Annotated[str | None, setting_option("engine")]
Seed = Annotated[
    int,
    option(0, "The same seed draws the same.", flags="--seed -s", metavar="N", low=0, high=LARGEST_NUMBER),
]
RedirectHosts = Annotated[
    list[str] | None,
    option(
        None, "Another host that the server may send on to; may be repeated.", metavar="HOST", usual="none"
    ),
]
InputFormat = Annotated[
    str | None,
    option(
        None,
        "What the files hold: svg, ndjson, quickdraw-bin, npz...",
        metavar="FORMAT",
        usual="by their suffix; on stdin svg",
    ),
]
KeepBackground = Annotated[bool, option(False, "Make strokes of the paper that an SVG file draws, too.")]


def _class_option(help: str, usual: str) -> Any:
    return option(None, help, flags="--class", metavar="NAME", completion="known_classes", usual=usual)


DrawnClass = Annotated[
    list[str] | None,
    _class_option(
        "What to draw, for a model that knows several classes; auto guesses, any tells it nothing.", "auto"
    ),
]
ShownClass = Annotated[
    list[str] | None,
    _class_option("What the drawings show, for a model that knows classes.", "what the files say"),
]
PathName = Literal["prior", "slerp", "lerp"]


def _path_option(flags: str) -> Any:
    return option(
        None,
        "Through the noise of the model's prior, along great circles, or straight.",
        flags=flags,
        usual="prior if the model has learnt one, else slerp",
    )


LatentPath = Annotated[PathName | None, _path_option("--path")]
#: The same of the commands that had it by another name.
RenamedPath = Annotated[PathName | None, _path_option("--path --method")]
Prepared = Annotated[bool, option(False, "Read drawings as they stand: they are training data already.")]
SplitName = Annotated[Literal["train", "valid", "test"], option(..., "Which drawings of that data set.")]
ShardName = Annotated[
    str | None,
    option(
        None,
        "Do a share of the work, 1/N to N/N; the output is a folder that the N processes share.",
        flags="--shard",
        metavar="I/N",
        usual="all of it",
    ),
]


def require_one_class(names: Sequence[str] | None, why: str = "all drawings show one thing") -> str | None:
    """The class that a user named, for a command that takes one: the last of several would surprise.

    Args:
        names: the values of `--class`.
        why: there can be one alone.

    Raises:
        UsageError: there are several.
    """
    if len(names or []) > 1:
        raise UsageError(f"{why}: give one class", "--class")
    return names[0] if names else None
