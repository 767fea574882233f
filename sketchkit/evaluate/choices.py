"""What somebody wants to know of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sketchkit.deprecation import old_attribute, renamed
from sketchkit.errors import InputError
from sketchkit.sampling import make_sampler

__all__ = ["Choices"]


@dataclass(frozen=True)
class Choices:
    """What somebody wants to know.

    Args:
        split: `train`, `valid` or `test`.
        class_name: only drawings of this class, and samples of it from a model that can be told.
        limit: the most held-out drawings; all of them when None.
        samples: how many to draw at each temperature, and how many drawings at most to draw again; 0 for the
            likelihood alone.
        temperatures: tau, one or more.
        sampler: its name.
        options: its further options.
        seed: of all that chance decides, 0..2^63 - 1.
        resamples: of the bootstrap; 0 for no intervals.
        nmax: Nmax; the greatest length of the data set, without its end row, when None.

    Raises:
        InputError: a number out of range, or an option that the sampler does not have.
        PluginError: an unknown sampler.
    """

    split: str = "test"
    class_name: str | None = None
    limit: int | None = None
    samples: int = 1000
    temperatures: tuple[float, ...] = (0.25,)
    sampler: str = "temperature"
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    resamples: int = 1000
    nmax: int | None = None

    label = old_attribute("label", "class_name")

    def __post_init__(self) -> None:
        for name, value, low in (
            ("limit", self.limit, 1),
            ("samples", self.samples, 0),
            ("seed", self.seed, 0),
            ("resamples", self.resamples, 0),
            ("nmax", self.nmax, 1),
        ):
            if value is not None and value < low:
                raise InputError(f"{name} must be {low} or more, got {value}")
        if self.samples and not self.temperatures:
            raise InputError("samples need a temperature")
        if "temperature" in self.options:
            raise InputError("the temperatures are given for themselves, not as an option of the sampler")
        for temperature in self.temperatures:
            make_sampler(self.sampler, temperature, self.options)


# A frozen dataclass takes its old keyword by this.
Choices.__init__ = renamed(label="class_name")(Choices.__init__)  # type: ignore[method-assign]
