"""The protocols of samplers: rules that choose the next point, or a whole drawing out of several.

Samplers that choose point by point, with and without memory, have one interface: see `stateful`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from sketchkit.errors import InputError
from sketchkit.options import option
from sketchkit.tempering import DrawRule, TemperatureRule, tempering

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch
    from torch import Tensor

    from sketchkit.density import MixtureDensity
    from sketchkit.noise import Noise

    Indices: TypeAlias = npt.NDArray[np.int64]
    State: TypeAlias = tuple[Tensor, ...]

__all__ = [
    "AnySampler",
    "Draft",
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
    "rule_of",
    "stateful",
    "stepwise",
]


@runtime_checkable
class Sampler(Protocol):
    """A strategy for the next point, registered in the entry-point group `sketchkit.samplers`.

    A dataclass whose fields are its options. It is a pure function without a random generator: equal
    arguments give equal points, and rows are independent of each other.
    """

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        """Choose a point for every row.

        Args:
            density: of B rows.
            noise: B rows of uniform numbers.

        Returns:
            [B, 5]: offsets in model units and a one-hot pen state.
        """
        ...


@runtime_checkable
class RuledSampler(Sampler, Protocol):
    """A sampler that is a tempered draw alone and declares its rule, so that engines may draw it faster."""

    def draw_rule(self) -> DrawRule:
        """The rule equivalent to a call: equal noise gives equal points, up to rounding."""
        ...


@runtime_checkable
class StatefulSampler(Protocol):
    """A strategy for the next point with a memory of each drawing, such as its course so far.

    The memory is a tuple of tensors whose first dimension is the row. The engine keeps it, moves its rows
    about with the drawings they belong to, and resets them where a drawing begins; the sampler itself is a
    pure function.
    """

    def initial_state(self, rows: int, device: torch.device) -> State:
        """The memory before the first point of B drawings, a tuple of [B, ...] tensors.

        Args:
            rows: B.
            device: where the tensors shall lie.
        """
        ...

    def step(self, density: MixtureDensity, noise: Noise, state: State) -> tuple[Tensor, State]:
        """Choose a point for every row.

        Args:
            density: of B rows.
            noise: B rows of uniform numbers.
            state: the memory, of the shapes and types of `initial_state`; not written to.

        Returns:
            [B, 5], offsets in model units and a one-hot pen state, and the memory for the next point.
        """
        ...


@dataclass(frozen=True)
class Draft:
    """One whole drawing, or one ending, as a model drew it.

    Args:
        job: the number of the requested drawing that it belongs to.
        rows: float32 [n, 5] in model units; the last is (0, 0, 0, 0, 1) if the model ended it.
        nll: negative log-likelihood of the rows under the model itself (temperature 1), natural logarithm, a
            sum over points; nan where it was not requested.
        attempt: the number of its noise; 0 for a drawing that is drawn once.
    """

    job: int
    rows: npt.NDArray[np.float32]
    nll: float
    attempt: int = 0

    @property
    def ended(self) -> bool:
        """Whether the model ended it; else it was cut at the greatest length."""
        return bool(len(self.rows)) and bool(self.rows[-1, 4] == 1.0)

    @property
    def nll_per_point(self) -> float:
        """The negative log-likelihood over the number of points, the end included."""
        return self.nll / max(len(self.rows), 1)


@dataclass(frozen=True)
class Subject:
    """The beginning and the class of a requested drawing.

    Args:
        rows: [n, 5] in model units, the beginning; n is 0 for an empty one.
        classes: the class given to the model; by default all classes of the model.
        scale_factor: drawing units in one model unit; a whole drawing fills 255 drawing units.
        original: [m, 5] in model units, the drawing that is drawn again from its latent vector; else None.
    """

    rows: npt.NDArray[np.floating[Any]]
    classes: tuple[str, ...] = ()
    scale_factor: float = 1.0
    original: npt.NDArray[np.floating[Any]] | None = None


class DraftingContext(Protocol):
    """The model, the beginnings and the noise, for a sampler that chooses among whole drawings.

    All results are functions of the seed, a drawing's index and the attempt alone, independent of the order
    of calls and of other drawings.
    """

    @property
    def jobs(self) -> int:
        """The number of requested drawings, J; each is identified by its number."""
        ...

    @property
    def max_points(self) -> int:
        """The most rows a drawing gets, an end row included."""
        ...

    def subject(self, job: int) -> Subject:
        """The beginning and the class of one drawing."""
        ...

    def drafts(self, sampler: StepSampler, jobs: Indices, attempts: Indices) -> Iterator[Draft]:
        """Draw, each to its end, all at once.

        Args:
            sampler: chooses the points.
            jobs: [D], the drawing of each draft; repetitions are allowed.
            attempts: [D], 0..4095, the number of its noise: two drafts of one drawing and one number are the
                same.

        Yields:
            The D drafts as they end, with their `nll`, in arbitrary order.
        """
        ...

    def begin(self, jobs: Indices) -> tuple[Tensor, State]:
        """The start of drawings: the row that each reads first, [D, 5], and the model's state before it."""
        ...

    def advance(self, rows: Tensor, state: State) -> tuple[MixtureDensity, State]:
        """One point further: rows [D, 5] that are read, to the density of the next and the state after."""
        ...

    def noise(self, jobs: Indices, attempts: Indices, steps: Indices) -> Noise:
        """The uniform numbers of points, D rows: `drafts` uses those of steps 0, 1, 2... of each drawing."""
        ...


@runtime_checkable
class DrawingSampler(Protocol):
    """A strategy for whole drawings: it draws several and chooses, draws again, or searches.

    It is registered like every other sampler. Because it decides late, it cannot keep a drawing within bounds
    or fill a gap point by point.
    """

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        """Draw all requested drawings.

        Yields:
            One draft for each of `context.jobs`, in any order, as soon as it is decided.
        """
        ...


#: A sampler that chooses point by point.
StepSampler: TypeAlias = Sampler | StatefulSampler
AnySampler: TypeAlias = Sampler | StatefulSampler | DrawingSampler


@dataclass(frozen=True)
class Tempered:
    """The options that every built-in sampler with a temperature shares.

    By default temperature has the meaning of both JavaScript libraries. The paper's rule divides the pen's
    logits by tau, too: at 0.25 a lift or an end must be likely beforehand to happen at all, and a drawing
    where it is always unlikely does not end. 0 is the greedy sampler under both rules.
    """

    temperature: float = option(
        0.4, "how daring: 1 is the model itself, less is tidier, 0 is greedy", low=0.0, high=100.0
    )
    rule: str = option(
        "javascript",
        "what temperature means, as in the source named",
        choices=tuple(map(str, TemperatureRule)),
    )

    def _tempered(self, density: MixtureDensity) -> MixtureDensity:
        return density.tempered(self.temperature, self.rule)

    def _tempered_draw(self, max_radius: float = math.inf) -> DrawRule:
        return DrawRule(*tempering(self.temperature, self.rule), max_radius)


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
    """Whether all points are tempered draws, so that numpy is enough.

    Those of a sampler of whole drawings are if it has the attribute `step_sampler`, the sampler of all its
    drafts, and that draws by rule.
    """
    if not isinstance(sampler, DrawingSampler):
        return rule_of(sampler) is not None
    inner = getattr(sampler, "step_sampler", None)
    return inner is not None and draws_by_rule(inner)


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
