"""How drawings are drawn: each choice of a user, declared once.

The fields of `DrawSettings` make the options of the commands and their help, the keys of `config.toml`, the
variables `SKETCHKIT_*`, and the record in every file. The command line goes before the variable, the variable
before the file, and the file before the default. This module loads without torch.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sketchkit.arguments import whole
from sketchkit.card import MAX_LENGTH
from sketchkit.errors import InputError
from sketchkit.files import read_file, reason, shown, utf8_text
from sketchkit.options import option

__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_MODEL",
    "LARGEST_NUMBER",
    "OF_WHOLE_DRAWINGS",
    "SETTING_VARIABLES",
    "DrawSettings",
    "LatentSettings",
    "read_setting",
]

#: The file of settings; by default `config.toml` in the user's folder of settings.
CONFIG_VARIABLE = "SKETCHKIT_CONFIG"
#: The model that comes with sketchkit.
DEFAULT_MODEL = "doodle"
#: The largest seed or index, in 64 bits.
LARGEST_NUMBER = 2**63 - 1
_MAX_BYTES = 1 << 20

#: The settings of samplers of whole drawings, which `infill` lacks: it chooses point by point.
OF_WHOLE_DRAWINGS = frozenset({"tries", "max_ink"})

T = TypeVar("T", str, int, float)


@dataclass(frozen=True)
class DrawSettings:
    """How a model draws.

    Beside the metadata that `sketchkit.options.option` explains, a field says by `key` under which name it is
    read from the environment and the file of settings; by `recorded_unless` that it is recorded, unless it
    has this value; by `keyword` under which name the functions of `sketchkit.generate` take it.

    Args:
        model: a stored model or a file; empty for the model that comes with sketchkit.
        temperature: of the sampler.
        sampler: a name in the entry-point group `sketchkit.samplers`.
        sampler_options: `NAME=VALUE` pairs.
        seed: 0 to 2**63 - 1.
        tries: the most drafts of each drawing, of which the best-looking is shown.
        max_points: the length at which a drawing is cut; None for the model's own limit.
        max_ink: the ink at which what is drawn is cut, where a whole drawing fills 255; None for no limit.
        batch_size: drawings computed together; None for a number that suits the device.
        deterministic: whether a drawing is the same to the last bit at any number and batch size.
        device: `auto`, or a device of torch.
        engine: `auto`, or a name in the entry-point group `sketchkit.engines`.
        precision: of large products, one of `sketchkit.engine.PRECISIONS`.
        compile: whether torch's step is compiled.
    """

    model: str = option(
        "", "A model, or a model's file.", flags="--model -m", metavar="NAME", usual=DEFAULT_MODEL,
        key="model", completion="models", panel="How it is drawn",
    )  # fmt: skip
    temperature: float = option(
        0.4, "How daring: 1 is the model itself, less is tidier, 0 is greedy.", flags="--temperature -t",
        metavar="TAU", key="temperature", panel="How it is drawn",
    )  # fmt: skip
    sampler: str = option(
        "temperature", "How the next point is chosen; see below.", metavar="NAME", key="sampler",
        completion="samplers", panel="How it is drawn",
    )  # fmt: skip
    sampler_options: Sequence[str] = option(
        (), "An option of the sampler; see below.", flags="--option -O", metavar="NAME=VALUE",
        completion="sampler_options", panel="How it is drawn",
    )  # fmt: skip
    seed: int = option(
        0, "The same seed draws the same.", low=0, high=LARGEST_NUMBER, flags="--seed -s", metavar="N",
        recorded_unless=None, keyword="seed", panel="How it is drawn",
    )  # fmt: skip
    tries: int = option(
        6, "Draw each up to so many times and show the one that looks best; 1 draws plainly.", low=1,
        high=4_096, metavar="N", key="tries", recorded_unless=1, panel="What is drawn",
    )  # fmt: skip
    max_points: int | None = option(
        None, "Where a drawing is cut that does not end.", low=1, high=MAX_LENGTH, metavar="N",
        usual="the model's own", recorded_unless=None, keyword="max_points", panel="How it is drawn",
    )  # fmt: skip
    max_ink: float | None = option(
        None, "Cut what is drawn where its ink is longer; a whole drawing fills 255.", low=0.001,
        metavar="L", usual="no limit", recorded_unless=None, panel="How it is drawn",
    )  # fmt: skip
    batch_size: int | None = option(
        None, "The most drawings at once.", low=1, high=LARGEST_NUMBER, metavar="N", usual="suits the device",
        keyword="batch_size", panel="Speed",
    )  # fmt: skip
    deterministic: bool = option(
        False, "The same to the last bit at any number and batch size; slower.",
        keyword="exact", panel="Speed",
    )  # fmt: skip
    device: str = option(
        "auto", "auto, cpu, cuda or gpu, mps...", metavar="NAME", key="device", panel="Speed"
    )  # fmt: skip
    engine: str = option(
        "auto", "What computes: auto, torch, numpy, or a plugin's.", metavar="NAME", key="engine",
        recorded_unless="torch", panel="Speed",
    )  # fmt: skip
    precision: str = option(
        "float32", "Of large products: float32, tf32, bfloat16, int8.", metavar="NAME", key="precision",
        recorded_unless="float32", panel="Speed",
    )  # fmt: skip
    compile: bool = option(
        False, "Compile torch's step first: some 20 s, worth it for thousands.", panel="Speed"
    )  # fmt: skip

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> DrawSettings:
        """Complete settings by environment, file and defaults.

        Args:
            given: values from a command line by field; None stands for an option that is left open. Fields
                that are missing keep their defaults.

        Raises:
            InputError: see `read_setting`; or a number that is out of range.
        """
        values: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            if field.name not in given:
                continue
            value, key = given[field.name], field.metadata.get("key")
            if key is not None:
                value = read_setting(key, value, field.default)
            values[field.name] = field.default if value is None else value
        if "tries" in values:
            tries = cls.__dataclass_fields__["tries"].metadata
            values["tries"] = whole("tries", values["tries"], tries["low"], tries["high"])
        return cls(**values)

    def keywords(self) -> dict[str, Any]:
        """The settings that the functions of `sketchkit.generate` take as keywords, beside the sampler."""
        return {
            field.metadata["keyword"]: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if "keyword" in field.metadata
        }

    def variables(self, names: Collection[str]) -> dict[str, str]:
        """The variables of the environment that say the same as some fields, where there are such."""
        keys = {field.name: field.metadata.get("key") for field in dataclasses.fields(self)}
        values = {name: getattr(self, name) or DEFAULT_MODEL for name in names if keys[name]}
        return {f"SKETCHKIT_{str(keys[name]).upper()}": str(value) for name, value in values.items()}

    def record(self) -> dict[str, Any]:
        """What a drawing is recorded to be made with, as JSON values; usual values go unsaid."""
        recorded = [field for field in dataclasses.fields(self) if "recorded_unless" in field.metadata]
        values = {field.name: getattr(self, field.name) for field in recorded}
        return {
            field.name: values[field.name]
            for field in recorded
            if values[field.name] != field.metadata["recorded_unless"]
        }


@dataclass(frozen=True)
class LatentSettings(DrawSettings):
    """How a conditional VAE draws: neighbours differ by their latent vectors alone, so it is tidier."""

    model: str = option(
        "doodle-vae", "A conditional VAE, or its file.", flags="--model -m", metavar="NAME", key="vae",
        completion="models", panel="How it is drawn",
    )  # fmt: skip
    temperature: float = option(
        0.1, "How daring: 1 is the model itself, less is tidier, 0 is greedy.", flags="--temperature -t",
        metavar="TAU", panel="How it is drawn",
    )  # fmt: skip
    tries: int = option(
        24, "Draw each so many times and show the nearest that looks right; 1 draws plainly.", low=1,
        high=4_096, metavar="N", key="tries", recorded_unless=1, panel="What is drawn",
    )  # fmt: skip


#: The keys of `config.toml`.
_KEYS = sorted(
    {
        field.metadata["key"]
        for settings in (DrawSettings, LatentSettings)
        for field in dataclasses.fields(settings)
        if "key" in field.metadata
    }
)


#: The variables of the environment that are settings.
SETTING_VARIABLES = tuple(f"SKETCHKIT_{key.upper()}" for key in _KEYS)


def read_setting(name: str, flag: T | None, default: T) -> T:
    """The value of one setting by precedence.

    Args:
        name: lower case; `SKETCHKIT_NAME` and the key `name` of the file are looked up.
        flag: the value on the command line; None for an option that is left open.
        default: sketchkit's own value, of the setting's type.

    Raises:
        InputError: a value of another type, an unknown key, or a file that is not TOML.
    """
    if flag is not None:
        return flag
    variable = f"SKETCHKIT_{name.upper()}"
    if os.environ.get(variable):
        return _convert(os.environ[variable], type(default), variable)
    path, config = _read_config()
    _check_known(path, config)
    if name in config:
        return _convert(config[name], type(default), f"{path}: {name}")
    return default


def _check_known(path: Path, config: dict[str, Any]) -> None:
    unknown = next((key for key in config if key not in _KEYS), None)
    if unknown is not None:
        near = difflib.get_close_matches(unknown, _KEYS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(_KEYS)}"
        raise InputError(f"{path}: nothing is called {unknown!r}: {hint}")


def _convert(value: Any, kind: type[T], where: str) -> T:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise InputError(f"{where} must be a {kind.__name__}, got {value!r}")
    try:
        return kind(value)
    except ValueError:
        raise InputError(f"{where} must be a {kind.__name__}, got {value!r}") from None


def _read_config() -> tuple[Path, dict[str, Any]]:
    from platformdirs import user_config_path

    chosen = os.environ.get(CONFIG_VARIABLE)
    path = Path(chosen) if chosen else user_config_path("sketchkit", appauthor=False) / "config.toml"
    try:
        return path, tomllib.loads(utf8_text(read_file(path, _MAX_BYTES), shown(path)).decode())
    except FileNotFoundError:
        if chosen:
            raise InputError(f"{shown(path)}: no such file, though {CONFIG_VARIABLE} names it") from None
        return path, {}
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{shown(path)}: {reason(error)}") from error
