"""What drawing commands share: which model, which sampler, and the record of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sketchkit import options as option_tools
from sketchkit import registry
from sketchkit._version import __version__
from sketchkit.checkpoints import store
from sketchkit.cli.settings import setting
from sketchkit.errors import CheckpointError

if TYPE_CHECKING:
    from sketchkit.models import SketchModel

__all__ = ["Run", "chosen_model"]


@dataclass(frozen=True)
class Run:
    """One run of a drawing command, settled by flags, environment and configuration."""

    model: str
    sampler: str
    options: dict[str, str] = field(repr=False)
    temperature: float
    device: str
    seed: int

    @classmethod
    def of(
        cls,
        model: str | None,
        sampler: str | None,
        pairs: list[str] | None,
        temperature: float | None,
        device: str | None,
        seed: int,
    ) -> Run:
        """Settle what the flags leave open, and check the sampler's options before any work is done."""
        name = setting("sampler", sampler, "temperature")
        values = option_tools.parse_pairs(pairs or [])
        option_tools.create(registry.load("sampler", name), f"sampler {name!r}", values)
        return cls(
            chosen_model(model),
            name,
            values,
            setting("temperature", temperature, 0.4),
            setting("device", device, "auto"),
            seed,
        )

    def load_model(self) -> SketchModel:
        """Load the model onto its device."""
        from sketchkit.checkpoints.load import load_model

        return load_model(self.model, device=self.device)

    def provenance(self) -> dict[str, Any]:
        """What a drawing is made with, as JSON values."""
        return {
            "generator": f"sketchkit {__version__}",
            "model": self.model,
            "sampler": self.sampler,
            "temperature": float(self.options.get("temperature", self.temperature)),
            "options": dict(self.options),
            "seed": self.seed,
        }


def chosen_model(flag: str | None) -> str:
    """The model that the user means; where nobody says, the only one stored.

    Raises:
        CheckpointError: nobody says, and there are several or none.
    """
    name = setting("model", flag, "")
    if name:
        return name
    known = store.names()
    if len(known) == 1:
        return known[0]
    if not known:
        raise CheckpointError(
            "no model is stored yet: `sketchkit models import FILE` or `sketchkit models pull bird`"
        )
    raise CheckpointError(f"which model? --model takes one of {', '.join(known)}")
