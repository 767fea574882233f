"""A run's folder: `run.json`, which describes the run and its state, and the other files beside it.

| file | holds |
|---|---|
| `run.json` | configuration, data, sizes, versions, status |
| `train.csv`, `valid.csv`, `tensorboard/` | the logs |
| `checkpoints/` | for going on |
| `samples/` | a sheet of drawings for every evaluation |
| `best.safetensors`, `last.safetensors` | models, ready to draw |
"""

from __future__ import annotations

import dataclasses
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from sketchkit.card import PAPER_START, ModelCard
from sketchkit.errors import FormatError, InputError
from sketchkit.files import atomic_write, checksum_of, explain_errors, is_temporary, read_file, reason, shown
from sketchkit.notebook import facts_html
from sketchkit.training.config import OLD_NAMES, TrainConfig
from sketchkit.training.data import Dataset

__all__ = ["CHANGEABLE", "RunInfo", "begin", "identity_of", "is_run", "read_run", "write_run"]

FILE_NAME = "run.json"
FORMAT = "sketchkit-run"
FORMAT_VERSION = 1
MAX_BYTES = 1 << 20
#: Options that a run may change when it goes on: those that leave its updates as they are, and `steps`.
CHANGEABLE = frozenset(
    (
        "steps",
        "evaluate_every",
        "save_every",
        "log_every",
        "patience",
        "valid_limit",
        "grid",
        "temperature",
        "skip_limit",
    )
)


@dataclass(frozen=True)
class RunInfo:
    """A run, as its folder describes it.

    Args:
        config: how it trains.
        data: its data set: path, fingerprint, scale_factor, drawings by split, classes, max_length.
        nmax: Nmax.
        threads: of the CPU; another number may round differently.
        parameters: how many numbers are learnt.
        versions: of sketchkit, torch and numpy.
        status: running, finished, interrupted, stopped-early, out-of-time or failed.
        step: the last one that a checkpoint holds.
        init: the model whose weights it began with: name, checksum, and the scale factor and start token that
            it keeps; None for fresh weights.
    """

    config: TrainConfig
    data: Mapping[str, Any]
    nmax: int
    threads: int
    parameters: int
    versions: Mapping[str, str]
    status: str = "running"
    step: int = 0
    init: Mapping[str, Any] | None = None

    @property
    def identity(self) -> str:
        """A checksum of all that decides the result of the run."""
        return identity_of(self.config, str(self.data["fingerprint"]), self.nmax, self.init)

    @property
    def scale_factor(self) -> float:
        """Pixels in a model unit: the data's, or that of the model it began with."""
        return float((self.init or self.data)["scale_factor"])

    @property
    def start(self) -> tuple[float, ...]:
        """The start token: the paper's, or that of the model it began with."""
        return tuple((self.init or {}).get("start", PAPER_START))

    def _repr_html_(self) -> str:
        """The run as a table in a notebook, with the options that are not the defaults."""
        usual = TrainConfig()
        options = {field.name: getattr(self.config, field.name) for field in dataclasses.fields(TrainConfig)}
        chosen = [f"{name} {value}" for name, value in options.items() if value != getattr(usual, name)]
        drawings = self.data.get("drawings", {})
        facts = [
            ("status", f"{self.status}, step {self.step:,} of {self.config.steps:,}"),
            ("options", ", ".join(chosen)),
            ("data", Path(str(self.data.get("path", ""))).name),
            ("drawings", ", ".join(f"{name} {n:,}" for name, n in drawings.items())),
            ("numbers learnt", f"{self.parameters:,}"),
            ("scale factor", f"{self.scale_factor:.4g}"),
            ("Nmax", self.nmax),
        ]
        return facts_html(f"a run of {self.config.backend}", facts)

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {"format": FORMAT, "version": FORMAT_VERSION, **values, "config": self.config.to_json()}


def identity_of(
    config: TrainConfig, fingerprint: str, nmax: int, init: Mapping[str, Any] | None = None
) -> str:
    """A checksum of all that decides the result of a run."""
    former = {new: old for old, new in OLD_NAMES.items()}  # the checksum of a run stays what it was
    values = config.to_json().items()
    fixed = {former.get(name, name): value for name, value in values if name not in CHANGEABLE}
    begun = [] if init is None else [init["blake2b"], init["scale_factor"]]
    content = orjson.dumps([fixed, fingerprint, nmax, *begun], option=orjson.OPT_SORT_KEYS)
    return checksum_of(content)


def describe_data(data: Dataset) -> dict[str, Any]:
    """A data set as a run records it."""
    manifest = data.manifest
    return {
        "path": str(data.path.resolve()),
        "fingerprint": manifest.fingerprint,
        "scale_factor": manifest.scale_factor,
        "drawings": {name: split.drawings for name, split in manifest.splits.items()},
        "classes": list(manifest.classes),
        "max_length": manifest.max_length,
        "sources": list(manifest.sources)[:100],
    }


def begin(folder: Path, *, overwrite: bool = False) -> None:
    """Make the folder of a new run.

    Args:
        folder: its place, in a folder that exists.
        overwrite: whether a run that is there may go; other folders stay.

    Raises:
        InputError: the place is taken or cannot be written to.
    """
    with explain_errors(folder, catch=(OSError, ValueError)):
        if folder.is_dir() and any(not is_temporary(path.name) for path in folder.iterdir()):
            if not is_run(folder):
                raise InputError(f"{shown(folder)}: exists and is no run, so it is not replaced")
            if not overwrite:
                raise InputError(
                    f"{shown(folder)}: the run exists already; --resume goes on with it, --force replaces it"
                )
            shutil.rmtree(folder)
        folder.mkdir(exist_ok=True)


def is_run(folder: Path) -> bool:
    """Whether a folder is a run's, perhaps a damaged one; other programs may have a `run.json`, too."""
    try:
        return FORMAT.encode() in read_file(folder / FILE_NAME, MAX_BYTES)
    except (OSError, FormatError):
        return False


def write_run(folder: Path, info: RunInfo) -> None:
    """Write `run.json`, whole or not at all."""
    with atomic_write(folder / FILE_NAME) as stream:
        stream.write(orjson.dumps(info.to_json(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def read_run(folder: str | os.PathLike[str]) -> RunInfo:
    """Read `run.json`.

    Raises:
        InputError: a folder without a run.
        FormatError: damaged, or of another version.
    """
    path = Path(folder) / FILE_NAME
    try:
        content = read_file(path, MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        what = f"no run: it holds no {FILE_NAME}" if Path(folder).is_dir() else "no such folder"
        raise InputError(f"{shown(folder)}: {what}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(path)}: {reason(error)}") from error
    try:
        values = orjson.loads(content)
        if values.pop("format") != FORMAT or values.pop("version") != FORMAT_VERSION:
            raise FormatError(f"{shown(path)}: of a version that this sketchkit does not read")
        config = TrainConfig.made(None, _object(values.pop("config")))
        info = RunInfo(config=config, **values)
        _check(info)
        return info
    except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        if isinstance(error, FormatError):
            raise
        why = " ".join(str(error).split())[:200]
        raise FormatError(f"{shown(path)}: not what a run says of itself: {why}") from error


def _check(info: RunInfo) -> None:
    whole = all(type(n) is int and n >= 0 for n in (info.nmax, info.threads, info.parameters, info.step))
    if not (whole and isinstance(info.status, str)):
        raise ValueError("an entry is of another type")
    if not (info.nmax and info.threads):
        raise ValueError("Nmax and the number of threads are 1 or more")
    _object(info.versions)
    if not isinstance(_object(info.data).get("fingerprint"), str):
        raise ValueError("it does not say what data it learns from")
    if not isinstance(_object(info.init or {"blake2b": ""}).get("blake2b"), str):
        raise ValueError("it does not say what weights it began with")
    ModelCard(start=info.start)
    if not 0 < info.scale_factor < math.inf:
        raise ValueError("the scale factor must be above 0")


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("an entry is of another type")
    return value
