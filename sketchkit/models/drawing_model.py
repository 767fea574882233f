"""What every model that draws has, whatever its weights are held in: a card, classes, and a few operations.

No module that this one imports knows torch: `ArrayModel` draws on numpy alone.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from sketchkit.arguments import describe_value, find_name, hint, whole
from sketchkit.card import ModelCard
from sketchkit.decoding import Decoding
from sketchkit.errors import InputError
from sketchkit.models.lstm_weights import LSTMWeights

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from sketchkit.models.flow import Flow

__all__ = [
    "AnyClass",
    "Array",
    "DrawingModel",
    "LatentModel",
    "check_model",
    "check_one_class",
    "is_one_class",
]

#: A class of a model by its name, in capitals or not, or by its index.
AnyClass: TypeAlias = str | int
#: A tensor of torch, or an array of numpy: the kind that the model computes with.
Array: TypeAlias = Any
Int64: TypeAlias = npt.NDArray[np.int64]


class DrawingModel:
    """A model that predicts the next point of a drawing: a `SketchModel` of torch, or an `ArrayModel`.

    Args:
        architecture: the sizes that shape the weights.
        card: everything else.
    """

    #: The name of the backend in the entry-point group `sketchkit.models`.
    backend: ClassVar[str]
    #: Whether the model draws from a latent vector z.
    conditional: ClassVar[bool] = False
    #: How the model is stepped while it draws; may be set at any time.
    decoding: Decoding = Decoding()
    architecture: Any
    card: ModelCard

    @property
    def draws_wholes(self) -> bool:
        """Whether the model draws whole drawings itself, instead of point by point."""
        return False

    # --- in the model's own kind of array ---------------------------------------------------------------

    @abstractmethod
    def initial_state(self, batch: int, z: Any = None, label: Any = None) -> tuple[Array, ...]:
        """The state before the start token, a tuple of [B, ...] arrays.

        Args:
            batch: B.
            z: [B, Z] for a conditional model.
            label: int64 [B] or [1], classes as indices into `card.classes`, for a model that knows classes;
                the number of classes stands for "any class", and so does None.
        """

    @abstractmethod
    def step(self, rows: Any, state: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        """One point further: rows [B, 5] in model units -> raw outputs [B, 6M + 3] and the next state."""

    @abstractmethod
    def start_rows(self, batch: int) -> Array:
        """The start token once a row, [B, 5]."""

    @abstractmethod
    def to_own(self, values: npt.NDArray[Any]) -> Array:
        """Numbers [...] as the model's kind of array, where its weights lie; floats in its number type."""

    @abstractmethod
    def log_prob(
        self, rows: npt.NDArray[Any], state: tuple[Array, ...], first: Array | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Teacher forcing: the log-probability of each row for a model that has read all rows before it.

        Args:
            rows: [B, T, 5] in model units, padded with anything.
            state: before `first`, arrays of B rows.
            first: [B, 5], the row before `rows`; the start token when None.

        Returns:
            The log density of the offsets (0 for an end row) and the log-probability of the pen states,
            [B, T].
        """

    @property
    @abstractmethod
    def device(self) -> Any:
        """Where the weights lie, as torch calls it."""

    @property
    @abstractmethod
    def dtype(self) -> Any:
        """The number type of the weights, as torch calls it."""

    def weights(self) -> Iterator[Any]:
        """The weights that may change, for caches of what is made of them; none of a model that is fixed."""
        return iter(())

    @abstractmethod
    def weights_checksum(self) -> str:
        """Of names and numbers, the same wherever the weights lie: 16 bytes of BLAKE2b in hexadecimal."""

    @property
    @abstractmethod
    def on_cpu(self) -> bool:
        """Whether the weights lie in the memory of the CPU."""

    @property
    def lstm_weights(self) -> LSTMWeights | None:
        """The weights of a model whose cell is the plain LSTM, for engines that step it alone; else None."""
        return None

    # --- classes ------------------------------------------------------------------------------------------

    @property
    def labelled(self) -> bool:
        """Whether the model takes a class that says what to draw."""
        return getattr(self.architecture, "classes", 0) > 0

    def known_label(self, label: str | None) -> str | None:
        """The model's own name of a class; None for a class that it does not know."""
        return find_name(label, self.card.classes) if self.labelled and label is not None else None

    def class_called(self, label: AnyClass) -> str:
        """The model's own name of a class.

        Args:
            label: its name, in capitals or not, or its index in `card.classes`.

        Raises:
            InputError: a model without classes, or a class it does not know, with the nearest that it does.
        """
        who, known = f"the model {self.card.name!r}", self.card.classes
        if not self.labelled:
            raise InputError(f"{who} cannot be told what to draw: it knows no classes")
        if isinstance(label, str):
            if (name := find_name(label, known)) is None:
                raise InputError(f"{who} does not draw {label!r}: {hint(label, known, 'it knows')}")
            return name
        number = whole("the index of a class", label)
        if not 0 <= number < len(known):
            raise InputError(f"{who} has no class {number}: there are 0 to {len(known) - 1}")
        return known[number]

    def class_indices(self, label: AnyClass | Sequence[AnyClass | None] | None) -> Int64 | None:
        """Classes by their names.

        Args:
            label: one class, or one a drawing, in which None stands for any class.

        Returns:
            int64 [1], or [B] for B names; None where all of them are None.

        Raises:
            InputError: see `class_called`.
        """
        names = [label] if label is None or is_one_class(label) else list(label)
        if all(name is None for name in names):
            return None
        known = self.card.classes
        index = {n: len(known) if n is None else known.index(self.class_called(n)) for n in set(names)}
        return np.array([index[name] for name in names], np.int64)

    def _repr_html_(self) -> str:
        """What the model is, as a table in a notebook."""
        from sketchkit.notebook import facts_html

        sizes = ", ".join(f"{name} {value}" for name, value in asdict(self.architecture).items())
        facts = [("model", self.backend), ("sizes", sizes), ("device", self.device)]
        return facts_html(self.card.name, [*facts, *self.card.facts()])

    def _check_given(self, z: object, label: object) -> None:
        if label is not None and not self.labelled:
            raise InputError(f"the model {self.card.name!r} cannot be told what to draw: it knows no classes")
        if z is not None and not self.conditional:
            raise InputError(f"the model {self.card.name!r} is unconditional: it has no latent vector z")
        if z is None and self.conditional:
            raise InputError(f"the model {self.card.name!r} is conditional: it needs a latent vector z")


class LatentModel(DrawingModel):
    """A conditional VAE: a model with an encoder, and perhaps a learnt prior."""

    conditional: ClassVar[bool] = True

    @abstractmethod
    def encode_batch(self, rows: Any, lengths: Any) -> tuple[Array, Array]:
        """The posterior of each drawing.

        Args:
            rows: [B, T, 5] in model units; rows past the length are ignored.
            lengths: int64 [B], 1..T.

        Returns:
            mu [B, Z] and log variance [B, Z].

        Source: Ha & Eck 2017, equations 1 and 2: the last output of each direction.
        """

    @property
    @abstractmethod
    def flow(self) -> Flow | None:
        """The learnt prior, in float32; None for the prior N(0, I)."""


def check_model(model: object) -> None:
    """Refuse an object of another type than `DrawingModel`.

    Raises:
        InputError: a name, or an argument of another place.
    """
    if isinstance(model, str | PathLike):
        raise InputError("a model is needed, not its name: sketchkit.load_model loads one")
    if not isinstance(model, DrawingModel):
        given = describe_value(model)
        raise InputError(
            f"a model is needed as the first argument, got {given}: sketchkit.load_model loads one"
        )


def is_one_class(label: AnyClass | Iterable[AnyClass | None]) -> TypeIs[AnyClass]:
    """Whether a caller names one class for all drawings."""
    return isinstance(label, str | int | float | np.number)


def check_one_class(label: object) -> None:
    """Refuse several classes, where all drawings show the same.

    Raises:
        InputError: a list, or another object that is neither a name, an index nor None.
    """
    if not isinstance(label, str | int | float | np.number | None):
        raise InputError(f"class_name is one class here, got {describe_value(label)}")
