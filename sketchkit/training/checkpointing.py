"""What training changes, and checkpoints of it, written so that a whole one always stands.

A checkpoint is two files in the run's folder `checkpoints`: `STEP.safetensors` with the weights, the averaged
weights and the optimiser's moments, and `STEP.json`, which names it with its checksum and is written last.
Files without a manifest are ignored; a checkpoint that does not match its manifest is damaged, and the one
before it is taken.
Chance has no state, and the position in the data is the step (see `chance` and `batching`), so that the
counters are all there is beside the tensors.
"""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
import torch
from torch import Tensor, nn

from sketchkit.errors import CheckpointError, FormatError, InputError
from sketchkit.files import atomic_write, checksum_of, explain_errors, read_file, reason, shown
from sketchkit.models import SketchModel
from sketchkit.training.config import TrainConfig

__all__ = ["KEPT", "Progress", "TrainState", "load_newest", "save_checkpoint", "steps_saved"]

FORMAT = "sketchkit-training"
FORMAT_VERSION = 1
#: How many checkpoints stay: the newest, and the one to fall back on.
KEPT = 2
MAX_MANIFEST_BYTES = 1 << 20
_NAME = re.compile(r"(\d{8,12})\.json")


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Args:
        step: updates so far, those skipped included.
        points: useful points learnt from.
        seconds: spent on training.
        skipped: updates left out because something was not finite.
        skipped_in_a_row: of these, the last ones without any other between.
        best: the best validation loss; None before the first evaluation.
        best_step: when it was reached.
        without_gain: evaluations since.
    """

    step: int = 0
    points: int = 0
    seconds: float = 0.0
    skipped: int = 0
    skipped_in_a_row: int = 0
    best: float | None = None
    best_step: int = 0
    without_gain: int = 0


class TrainState:
    """What training changes: the weights, their running average, and Adam's moments.

    Args:
        model: whose weights.
        config: of the run.
    """

    def __init__(self, model: SketchModel, config: TrainConfig) -> None:
        self.model = model
        self.decay = config.ema
        #: The model that is measured and kept: the averaged one where there is one.
        self.shown: SketchModel = copy.deepcopy(model).requires_grad_(False) if config.ema else model
        kind = {"fused": True} if model.device.type == "cuda" else {"foreach": True}
        self.optimiser = torch.optim.Adam(model.parameters(), config.learning_rate, **kind)  # type: ignore[arg-type]
        self.updates = 0

    def update(self, learning_rate: float, clip: float) -> None:
        """One step of Adam along the gradients, each number of them clipped, and of the average."""
        if clip > 0:
            nn.utils.clip_grad_value_(self.model.parameters(), clip)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate
        self.optimiser.step()
        self.updates += 1
        if self.decay:
            # At first the average must not remember the fresh weights for long.
            decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
            averaged: list[Tensor] = list(self.shown.parameters())
            fresh: list[Tensor] = list(self.model.parameters())
            with torch.no_grad():
                torch._foreach_lerp_(averaged, fresh, 1.0 - decay)

    def gradient_norm(self) -> Tensor:
        """The Euclidean norm of all gradients, a scalar; not finite where one of them is not."""
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        return norm

    def tensors(self) -> dict[str, Tensor]:
        """All of it by name."""
        out = {f"model.{name}": p for name, p in self.model.state_dict().items()}
        if self.decay:
            out |= {f"averaged.{name}": p for name, p in self.shown.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            state = self.optimiser.state[parameter]
            for moment in ("exp_avg", "exp_avg_sq"):
                if moment in state:
                    out[f"{moment}.{name}"] = state[moment]
        return out | {"updates": torch.tensor(self.updates)}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from the result of `tensors`.

        Raises:
            CheckpointError: a tensor is missing, left over or of another shape.
        """
        try:
            self._check_fit(tensors)
            self.model.load_state_dict(_under("model.", tensors))
            if self.decay:
                self.shown.load_state_dict(_under("averaged.", tensors))
            self.updates = int(tensors["updates"])
            for name, parameter in self.model.named_parameters():
                if self.updates:
                    self.optimiser.state[parameter] = {
                        "step": torch.tensor(float(self.updates), device=self._step_device()),
                        "exp_avg": tensors[f"exp_avg.{name}"].to(parameter),
                        "exp_avg_sq": tensors[f"exp_avg_sq.{name}"].to(parameter),
                    }
        except (RuntimeError, KeyError, ValueError) as error:
            raise CheckpointError(f"the checkpoint does not fit the model: {str(error)[:200]}") from error

    def _check_fit(self, tensors: Mapping[str, Tensor]) -> None:
        """Before a change: Adam would take moments of any shape, and ignore tensors that are left over."""
        models = {"model": self.model, "averaged": self.shown} if self.decay else {"model": self.model}
        due = {f"{part}.{name}": t.shape for part, m in models.items() for name, t in m.state_dict().items()}
        if int(tensors["updates"]):
            for name, parameter in self.model.named_parameters():
                due |= {f"exp_avg.{name}": parameter.shape, f"exp_avg_sq.{name}": parameter.shape}
        due["updates"] = torch.Size()
        given = {name: tensor.shape for name, tensor in tensors.items()}
        if given != due:
            odd = min(name for name, _ in given.items() ^ due.items())
            raise ValueError(f"{odd!r} is missing, left over or of another shape")

    def _step_device(self) -> torch.device:
        """The fused optimiser counts its steps on the device, the other one on the CPU."""
        return self.model.device if self.model.device.type == "cuda" else torch.device("cpu")


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def save_checkpoint(folder: Path, identity: str, progress: Progress, tensors: Mapping[str, Tensor]) -> None:
    """Write a checkpoint, then let go of those that are older than the one before.

    Args:
        folder: of the checkpoints; it is made where it is missing.
        identity: of the run; see `runs.identity_of`.
        progress: how far it has come.
        tensors: by name, of any type.

    Raises:
        InputError: it cannot be written; the older checkpoints are as they were.
    """
    from safetensors.torch import save

    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    with explain_errors(folder):
        folder.mkdir(exist_ok=True)
    name = f"{progress.step:08d}"
    manifest = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "identity": identity,
        "tensors": f"{name}.safetensors",
        "bytes": len(data),
        "blake2b": checksum_of(data),
        "progress": asdict(progress),
    }
    whole = {**manifest, "self": checksum_of(orjson.dumps(manifest))}
    for path, content in (
        (folder / f"{name}.safetensors", data),
        (folder / f"{name}.json", orjson.dumps(whole, option=orjson.OPT_INDENT_2)),
    ):
        with atomic_write(path) as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    _let_go(folder, progress.step)


def load_newest(
    folder: Path, identity: str, warn: Callable[[str], None]
) -> tuple[Progress, dict[str, Tensor]] | None:
    """The newest whole checkpoint.

    Args:
        folder: of the checkpoints.
        identity: of the run that would go on.
        warn: told, in a line each, of checkpoints that are damaged.

    Returns:
        Its progress and its tensors; None without a checkpoint.

    Raises:
        CheckpointError: all are damaged, or the run is another one.
    """
    steps = steps_saved(folder)
    for step in reversed(steps):
        path = folder / f"{step:08d}.json"
        try:
            return _load(path, identity)
        except _DamagedError as error:
            warn(f"{shown(path)}: {error}; going on from the one before")
    if steps:
        raise CheckpointError(f"{shown(folder)}: every checkpoint is damaged")
    return None


def steps_saved(folder: Path) -> list[int]:
    """The steps of the checkpoints, damaged ones too, the newest last."""
    try:
        found = [_NAME.fullmatch(entry.name) for entry in os.scandir(folder)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"{shown(folder)}: {reason(error)}") from error
    return sorted(int(match[1]) for match in found if match)


class _DamagedError(Exception):
    """A checkpoint that differs from its manifest."""


def _load(path: Path, identity: str) -> tuple[Progress, dict[str, Tensor]]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    manifest = _manifest(path)
    if manifest["identity"] != identity:
        raise CheckpointError(f"{shown(path)}: belongs to a run of another configuration, or on other data")
    try:
        data = read_file(path.parent / manifest["tensors"], manifest["bytes"])
    except (OSError, FormatError, TypeError) as error:
        raise _DamagedError(f"its tensors cannot be read: {reason(error)}") from error
    if len(data) != manifest["bytes"] or checksum_of(data) != manifest["blake2b"]:
        raise _DamagedError("its tensors are damaged")
    try:
        return Progress(**manifest["progress"]), load(data)
    except (SafetensorError, TypeError) as error:
        raise _DamagedError(str(error).splitlines()[0]) from error


def _manifest(path: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(read_file(path, MAX_MANIFEST_BYTES))
        said = content.pop("self")
        if checksum_of(orjson.dumps(content)) != said:
            raise _DamagedError("the manifest is damaged")
        if content["format"] != FORMAT or content["version"] != FORMAT_VERSION:
            raise CheckpointError(f"{shown(path)}: version {content['version']!r} of {content['format']!r}")
        if not re.fullmatch(r"\d+\.safetensors", content["tensors"]):
            raise _DamagedError("the manifest names tensors elsewhere")
    except (OSError, FormatError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _DamagedError("the manifest cannot be read") from error
    return content  # type: ignore[no-any-return]


def _let_go(folder: Path, newest: int) -> None:
    """Remove old and temporary files, each manifest first; checkpoints newer than `newest` are damaged."""
    kept = {f"{step:08d}" for step in [s for s in steps_saved(folder) if s <= newest][-KEPT:]}
    for entry in sorted(os.scandir(folder), key=lambda e: not e.name.endswith(".json")):
        stem, _, suffix = entry.name.partition(".")
        ours = (suffix in ("json", "safetensors") and stem not in kept) or entry.name.endswith(".tmp")
        if ours:
            with suppress(OSError):
                os.unlink(entry.path)
