"""What must hold of a sampler, of whichever of the three kinds."""

from __future__ import annotations

from typing import Any

import torch

from sketchkit.devices import one_thread
from sketchkit.sampling import DrawingSampler, Sampler, StatefulSampler
from sketchkit.testing.chance import chance
from sketchkit.testing.drawings import check_drawings, check_sampling
from sketchkit.testing.faults import Faults
from sketchkit.testing.steps import check_points, check_steps
from sketchkit.testing.taking import Taken, taken, variants

__all__ = ["check_sampler"]


@one_thread()
def check_sampler(plugin: Any, *, options_too: bool = True) -> None:
    """Try a sampler; it is of the kind that its methods tell.

    Of every kind: its options have defaults within their ranges and can be set to the ends of these; it draws
    through the engine; nothing hangs on Python's, numpy's or torch's global generators, and none is drawn
    from; equal arguments give equal results.

    `__call__(density, noise)` and `step(density, noise, state)`: points [B, 5] of float32 or
    float64, finite, with one-hot pens, for one row and for many, for 1, 3 and 20 components, for extreme
    densities and for such as have been masked; to the last bit the same whichever other rows stand beside a
    row; arguments are not written to.

    `initial_state(rows, device)`: a tuple of tensors [B, ...] with equal rows, made anew each time; `step`
    gives it back in the same shapes and types, and a drawing that begins in a row begins as any other.

    `draw(studio)`: one valid `Draft` for each job, with the model's own likelihood, the same whatever the
    order of the jobs, of the drafts, and whatever other jobs there are; none for none.

    Args:
        plugin: a name as registered, the class, or an object that is made.
        options_too: whether a class is tried at the ends of its options' ranges, too.

    Raises:
        CheckFailed: one line a fault.
        PluginError: no plugin of that name, or several.
    """
    faults = Faults()
    with chance(0):  # which puts back what the sampler draws from
        found = taken("sampler", plugin, faults)
        if found is not None:
            _check(found, faults, options_too)
    faults.close()


def _check(found: Taken, faults: Faults, options_too: bool) -> None:
    sampler = found.made
    _check_kind(sampler, faults)
    if len(faults):
        return
    ends = list(variants(found.cls, faults)) if options_too and not found.given else []
    if isinstance(sampler, DrawingSampler):
        check_drawings(sampler, faults)
    elif isinstance(sampler, StatefulSampler | Sampler):
        with torch.inference_mode():  # as the engine does
            check_steps(sampler, faults)
            for shown, variant in ends:
                check_points(variant, faults, f" with {shown}")
        if not len(faults):
            check_sampling(sampler, faults)
    else:
        faults.add(
            "a sampler",
            f"an object of the type {type(sampler).__name__} is no sampler: give it __call__(density, "
            "noise), or initial_state and step, or draw(studio)",
        )


def _check_kind(sampler: Any, faults: Faults) -> None:
    """The names that tell its kind must be methods, and those of a memory must come as a pair."""
    remembers = hasattr(sampler, "initial_state")
    telling = ("draw", "initial_state", "step") if remembers else ("draw",)
    for name in telling:
        if hasattr(sampler, name) and not callable(getattr(sampler, name)):
            faults.add(
                f"a method {name}",
                f"its {name} is of the type {type(getattr(sampler, name)).__name__}, but by a method of that "
                "name the kind of a sampler is told: give the option or attribute another name",
            )
    if remembers and not hasattr(sampler, "step") and not hasattr(sampler, "draw"):
        faults.add(
            "a step beside a memory",
            "it has initial_state but no step, so that its memory is never used: add step(density, noise, "
            "state), or leave initial_state out",
        )
