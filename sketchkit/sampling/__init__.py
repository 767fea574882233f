"""Samplers: rules that choose the next point from the density, or a drawing from several; one a file."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from sketchkit import options, registry
from sketchkit.errors import InputError
from sketchkit.sampling.base import (
    AnySampler,
    Draft,
    DraftingContext,
    DrawingSampler,
    DrawRule,
    RuledSampler,
    Sampler,
    StatefulSampler,
    StepSampler,
    Subject,
    Tempered,
    draws_by_rule,
    rule_of,
    stateful,
    stepwise,
)
from sketchkit.sampling.critic import BestLooking
from sketchkit.sampling.drafting import Drafting, wrap_sampler
from sketchkit.sampling.guarded import guard_sampler

__all__ = [
    "AnySampler",
    "BestLooking",
    "Draft",
    "Drafting",
    "DraftingContext",
    "DrawRule",
    "DrawingSampler",
    "RuledSampler",
    "Sampler",
    "StatefulSampler",
    "StepSampler",
    "Subject",
    "Tempered",
    "draws_by_rule",
    "make_sampler",
    "rule_of",
    "samplers",
    "stateful",
    "stepwise",
    "wrap_sampler",
]


def samplers() -> list[str]:
    """The names of all installed samplers, sorted, without importing them."""
    return registry.names("sampler")


def make_sampler(
    sampler: str | AnySampler, temperature: float | None = None, values: Mapping[str, Any] | None = None
) -> AnySampler:
    """A sampler by name, with its options.

    Args:
        sampler: a name, or a sampler that is already made and comes back as it is, with its own temperature.
        temperature: tau, for samplers that have one; ignored for others.
        values: further options by name; strings are read as the option's type.

    Returns:
        The sampler; a third-party one in a guard that checks each of its points.

    Raises:
        PluginError: an unknown or invalid sampler, or an error while it is made.
        InputError: an option it does not have, or a value out of range.
    """
    if not isinstance(sampler, str):
        if values:
            raise InputError("a sampler that is already made has its options: give none beside it")
        if isinstance(sampler, type) or not _is_sampler(sampler):
            raise InputError(f"a sampler is a name or an object of a sampler class, got {sampler!r}")
        return sampler

    def create(made_by: Any) -> AnySampler:
        chosen = dict(values or {})
        if temperature is not None and any(o.name == "temperature" for o in options.describe(made_by)):
            chosen.setdefault("temperature", temperature)
        made: AnySampler = options.create(made_by, f"sampler {sampler!r}", chosen)
        return made

    return registry.make("sampler", sampler, create, guard_sampler, _find_problem)


def _find_problem(made: object) -> str | None:
    return None if _is_sampler(made) else f"makes a {type(made).__name__}, which is not a sampler"


def _is_sampler(made: object) -> bool:
    return isinstance(made, Sampler | StatefulSampler | DrawingSampler)


def __getattr__(name: str) -> Any:
    """`Studio`, the old name of `DraftingContext`."""
    if name != "Studio":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        "Studio is called DraftingContext now; the old name will go", DeprecationWarning, stacklevel=2
    )
    return DraftingContext
