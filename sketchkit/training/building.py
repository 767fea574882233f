"""A fresh model for a run, and the optimiser's numbers as tensors that a checkpoint can hold."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sketchkit.card import ModelCard
from sketchkit.errors import CheckpointError
from sketchkit.models import SketchModel
from sketchkit.training.backends import architecture_of, backend_of
from sketchkit.training.chance import Purpose, generator
from sketchkit.training.config import TrainConfig

__all__ = ["TrainState", "build"]


def build(config: TrainConfig, card: ModelCard) -> SketchModel:
    """A model with fresh weights, a function of the configuration and its seed.

    Args:
        config: says which; suited to its backend (see `sketchkit.training.backends.suited`).
        card: names its classes.

    Raises:
        PluginError: an unknown backend.
        InputError: sizes that the backend does not take.
    """
    architecture = architecture_of(config, len(card.classes))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(generator(config.seed, Purpose.WEIGHTS).integers(2**63)))
        return backend_of(config)(architecture, card)


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
        """Go on from what `tensors` gave.

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
        """Before anything changes: Adam would take moments of any shape, and what is left over is lost."""
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
