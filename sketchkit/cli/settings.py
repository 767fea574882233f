"""Defaults of a user: an option on the command line, then `SKETCHKIT_*`, then `config.toml`, then ours.

`config.toml` lies in the user's configuration directory (or where `SKETCHKIT_CONFIG` says) and holds plain
values: `model = "bird"`, `temperature = 0.3`. It is read when a command asks for a value, never at import.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from sketchkit.errors import InputError
from sketchkit.files import read_file, reason, shown, utf8_text

__all__ = ["CONFIG_VARIABLE", "setting"]

CONFIG_VARIABLE = "SKETCHKIT_CONFIG"
_MAX_BYTES = 1 << 20
#: What can be set.
KEYS = ("device", "engine", "model", "precision", "sampler", "temperature", "tries", "vae")

T = TypeVar("T", str, int, float)


def setting(name: str, flag: T | None, default: T) -> T:
    """The value of an option by precedence.

    Args:
        name: of the option, lower case; `SKETCHKIT_NAME` and the key `name` of the file are looked up.
        flag: what the command line says, None if nothing.
        default: ours; its type is that of the option.

    Raises:
        InputError: a value of another type, a key that nobody knows, or a file that is not TOML.
    """
    if flag is not None:
        return flag
    variable = f"SKETCHKIT_{name.upper()}"
    if os.environ.get(variable):
        return _converted(os.environ[variable], type(default), variable)
    path, config = _config()
    _check_known(path, config)
    if name in config:
        return _converted(config[name], type(default), f"{path}: {name}")
    return default


def _check_known(path: Path, config: dict[str, Any]) -> None:
    """Refuse a key that would be passed over in silence."""
    unknown = next((key for key in config if key not in KEYS), None)
    if unknown is not None:
        near = difflib.get_close_matches(unknown, KEYS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(KEYS)}"
        raise InputError(f"{path}: nothing is called {unknown!r}: {hint}")


def _converted(value: Any, kind: type[T], where: str) -> T:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise InputError(f"{where} must be a {kind.__name__}, got {value!r}")
    try:
        return kind(value)
    except ValueError:
        raise InputError(f"{where} must be a {kind.__name__}, got {value!r}") from None


def _config() -> tuple[Path, dict[str, Any]]:
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
