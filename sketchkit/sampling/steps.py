"""Samplers that choose point by point, with and without memory, behind one interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sketchkit.errors import InputError
from sketchkit.sampling.base import DrawingSampler, Sampler, StatefulSampler

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from sketchkit.density import MixtureDensity
    from sketchkit.noise import Noise
    from sketchkit.sampling.base import AnySampler, DrawRule, State, StepSampler

__all__ = ["draws_by_rule", "rule_of", "stateful", "stepwise"]


@dataclass(frozen=True)
class _Memoryless:
    """A sampler without memory as one whose memory is empty."""

    sampler: Sampler

    def initial_state(self, rows: int, device: torch.device) -> State:
        return ()

    def step(self, density: MixtureDensity, noise: Noise, state: State) -> tuple[Tensor, State]:
        return self.sampler(density, noise), state


def stateful(sampler: StepSampler) -> StatefulSampler:
    """Any sampler that chooses point by point as one with a memory, which may be empty."""
    return sampler if isinstance(sampler, StatefulSampler) else _Memoryless(sampler)


def rule_of(sampler: AnySampler) -> DrawRule | None:
    """The draw rule of a `RuledSampler`; `None` for other samplers."""
    # Without `isinstance`: a check of a protocol takes as long as drawing a point.
    found = getattr(sampler, "draw_rule", None)
    rule: DrawRule | None = found() if callable(found) else None
    return rule


def draws_by_rule(sampler: AnySampler) -> bool:
    """Whether all points are tempered draws, also those of a `Drafting` sampler: numpy is enough."""
    inner = getattr(sampler, "step_sampler", None)
    return draws_by_rule(inner) if inner is not None else rule_of(sampler) is not None


def stepwise(sampler: AnySampler, purpose: str) -> StepSampler:
    """The sampler, which has to choose point by point.

    Args:
        sampler: any.
        purpose: the purpose in the error, such as "within bounds".

    Raises:
        InputError: a sampler of whole drawings.
    """
    if isinstance(sampler, DrawingSampler):
        raise InputError(
            f"a sampler that looks at whole drawings cannot draw {purpose}, where every point counts: choose "
            "another sampler"
        )
    return sampler
