"""Which model a configuration means, of ours or of a plugin, its options, and a fresh one."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

import torch

from sketchkit import options, registry
from sketchkit.card import ModelCard
from sketchkit.errors import InputError
from sketchkit.models import SketchModel, backend
from sketchkit.training.chance import Purpose, generator
from sketchkit.training.config import TrainConfig

__all__ = [
    "SIZES",
    "architecture_of",
    "backend_of",
    "build",
    "describe_options",
    "resolve_config",
    "sizes_of",
]

#: The options of a training that are parts of an architecture where it has a field of that name; `classes` is
#: their number there, or 0.
SIZES = ("hidden", "encoder_hidden", "latent", "mixtures", "cell", "embedding", "position", "classes")
_DROPOUTS = ("recurrent_dropout", "dropout")


def backend_of(config: TrainConfig) -> type[SketchModel]:
    """The class of models that a configuration trains.

    Raises:
        PluginError: an unknown backend.
        InputError: one that cannot be trained here.
    """
    cls = backend(config.backend)
    if cls.conditional and cls.losses is SketchModel.losses:
        raise InputError(
            f"the backend {config.backend!r} draws from a latent vector: to be trained, it needs losses of "
            "its own or those of a VaeModel"
        )
    return cls


def describe_options(architecture_type: type) -> list[options.OptionInfo]:
    """The options that an architecture declares beyond those of every training."""
    fields: Mapping[str, Any] = getattr(architecture_type, "__dataclass_fields__", {})
    own = {name for name, field in fields.items() if "help" in field.metadata and name not in SIZES}
    return [info for info in options.describe(architecture_type) if info.name in own]


def resolve_config(config: TrainConfig, said: Collection[str] = ()) -> TrainConfig:
    """A configuration as its backend takes it, the architecture complete and of the right types.

    Args:
        config: as given.
        said: the names of options that the user gave, which must not be ignored.

    Returns:
        The same with every option that the architecture declares, and a dropout of other backends set to 0.

    Raises:
        PluginError: an unknown backend.
        InputError: an option that this backend lacks, or a backend that cannot be trained.
    """
    cls = backend_of(config)
    infos = {info.name: info for info in describe_options(cls.architecture_type)}
    what = f"the architecture of {config.backend!r}"
    for name in config.architecture:
        if name in SIZES:
            raise InputError(f"{name!r} is an option of every training: say --{_dashed(name)}")
        if name not in infos:
            known = f"it has {', '.join(infos)}" if infos else "it has none"
            raise InputError(f"{what} has no option {name!r}: {known}")
    _check_sizes_known(config, cls, said, tuple(infos))
    architecture = {
        name: options.check(info, config.architecture.get(name, info.default), what)
        for name, info in infos.items()
    }
    absent = _dropouts(config, cls, said)
    if "position" not in {field.name for field in dataclasses.fields(cls.architecture_type)}:
        absent["position"] = False
    out = dataclasses.replace(config, architecture=architecture, **absent)
    architecture_of(out, 1 if config.classes else 0)
    return out


def architecture_of(config: TrainConfig, classes: int) -> Any:
    """The architecture that a suited configuration describes.

    Args:
        config: the configuration.
        classes: how many the data have, for a model that is told.

    Raises:
        InputError: sizes that do not go together.
    """
    kind = backend_of(config).architecture_type
    known = {field.name for field in dataclasses.fields(kind)}
    sizes = {name: getattr(config, name) for name in SIZES if name in known}
    if "classes" in known:
        sizes["classes"] = classes if config.classes else 0
    return options.create(kind, f"the architecture of {config.backend!r}", {**sizes, **config.architecture})


def build(config: TrainConfig, card: ModelCard) -> SketchModel:
    """A model with fresh weights, a function of the configuration and its seed.

    Args:
        config: from `resolve_config`.
        card: names its classes.

    Raises:
        PluginError: an unknown backend.
        InputError: sizes that the backend does not take.
    """
    architecture = architecture_of(config, len(card.classes))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(generator(config.seed, Purpose.WEIGHTS).integers(2**63)))
        return backend_of(config)(architecture, card)


def sizes_of(model: SketchModel) -> dict[str, Any]:
    """The options, by field name, of a run that begins with a model's weights.

    Raises:
        InputError: a model of a backend that cannot be trained.
    """
    backend_of(TrainConfig(backend=model.backend))
    kind, values = type(model.architecture), dataclasses.asdict(model.architecture)
    sizes = {name: values[name] for name in SIZES if name in values}
    if "classes" in sizes:
        sizes["classes"] = sizes["classes"] > 0
    extra = {info.name: values[info.name] for info in describe_options(kind)}
    return {**sizes, "backend": model.backend, **({"architecture": extra} if extra else {})}


def _check_sizes_known(
    config: TrainConfig, cls: type[SketchModel], said: Collection[str], others: tuple[str, ...]
) -> None:
    """Refuse sizes that a plugin's architecture lacks; presets hold those of both built-in backends."""
    if registry.find("model", config.backend).builtin:
        return
    fields = [field.name for field in dataclasses.fields(cls.architecture_type)]
    for name in SIZES:
        value = getattr(config, name)
        if name in fields or value is False:
            continue
        if name in said or value != getattr(TrainConfig, name):
            known = ", ".join((*(f for f in fields if f in SIZES), *others))
            raise InputError(f"the backend {config.backend!r} has no --{_dashed(name)}: it has {known}")


def _dropouts(config: TrainConfig, cls: type[SketchModel], said: Collection[str]) -> dict[str, Any]:
    """The dropouts of other backends, as 0; InputError where the user asks for one."""
    out = {}
    for name in _DROPOUTS:
        value = getattr(config, name)
        if name == cls.dropout_option:
            continue
        if value > 0 and (name in said or value != getattr(TrainConfig, name)):
            instead = f": it has --{_dashed(cls.dropout_option)}" if cls.dropout_option else ""
            raise InputError(f"the backend {config.backend!r} has no --{_dashed(name)}{instead}")
        out[name] = 0.0
    return out


def _dashed(name: str) -> str:
    return name.replace("_", "-")
