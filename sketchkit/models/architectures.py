"""The sizes of the built-in models, and their checks; torch is not needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sketchkit.card import ModelCard
from sketchkit.errors import CheckpointError, InputError

__all__ = [
    "DecoderArchitecture",
    "VaeArchitecture",
    "check_class_names",
    "check_fields",
    "check_flags",
    "check_sizes",
]


@dataclass(frozen=True)
class DecoderArchitecture:
    """The sizes of a decoder-only model.

    Args:
        hidden: H, the size of the recurrent state.
        mixtures: M, the number of components.
        cell: a key of `sketchkit.models.cells.CELLS`.
        classes: C, how many classes it knows; 0 without.
        embedding: E, the size of the embedding of a class.
        position: whether it reads where the pen is, too, beside how it came there.
    """

    hidden: int = 512
    mixtures: int = 20
    cell: str = "lstm"
    classes: int = 0
    embedding: int = 32
    position: bool = False

    def __post_init__(self) -> None:
        check_sizes(self, hidden=16_384, mixtures=1_024, embedding=4_096)
        check_sizes(self, at_least=0, classes=100_000)
        check_flags(self, "position")


@dataclass(frozen=True)
class VaeArchitecture:
    """The sizes of a conditional VAE.

    Args:
        encoder_hidden: E, the size of the encoder's state in each direction.
        hidden: H, the size of the decoder's state.
        latent: Z, the size of the latent vector.
        mixtures: M, the number of components.
        cell: the decoder's cell, a key of `sketchkit.models.cells.CELLS`; the encoder is always an LSTM.
        classes: C, how many classes the decoder knows; 0 without.
        embedding: E, the size of the embedding of a class.
        position: whether encoder and decoder read where the pen is, too, beside how it came there.
        tanh_z: whether the initial state is computed from tanh(z), as published files below version 6 want.
        prior: the units of the flow that new latent vectors come from; 0 for the prior N(0, I).
        prior_axes: K, the axes along which that flow moves, at most Z.
    """

    encoder_hidden: int = 256
    hidden: int = 512
    latent: int = 128
    mixtures: int = 20
    cell: str = "lstm"
    tanh_z: bool = False
    classes: int = 0
    embedding: int = 32
    position: bool = False
    prior: int = 0
    prior_axes: int = 64

    def __post_init__(self) -> None:
        limits = {"encoder_hidden": 16_384, "hidden": 16_384, "latent": 16_384, "mixtures": 1_024}
        check_sizes(self, **limits, embedding=4_096)
        check_sizes(self, at_least=0, classes=100_000, prior=16_384)
        check_sizes(self, prior_axes=16_384)
        if self.prior and self.prior_axes > self.latent:
            raise InputError(
                f"a prior along {self.prior_axes} axes does not fit a z of {self.latent} numbers"
            )
        check_flags(self, "tanh_z", "position")


def check_sizes(architecture: Any, *, at_least: int = 1, **limits: int) -> None:
    """Refuse an architecture whose named fields are not whole numbers in at_least..limit.

    Raises:
        InputError: the first such field.
    """
    for name, limit in limits.items():
        value = getattr(architecture, name)
        if not isinstance(value, int) or isinstance(value, bool) or not at_least <= value <= limit:
            raise InputError(f"{name} must be a whole number in {at_least}..{limit}, got {value!r}")


def check_flags(architecture: Any, *names: str) -> None:
    """Refuse an architecture whose named fields are not true or false.

    Raises:
        InputError: the first such field.
    """
    for name in names:
        value = getattr(architecture, name)
        if not isinstance(value, bool):
            raise InputError(f"{name} must be true or false, got {value!r}")


def check_class_names(architecture: Any, card: ModelCard) -> None:
    """Refuse a card with another number of classes than the architecture has.

    Raises:
        InputError: the numbers differ.
    """
    known = getattr(architecture, "classes", 0)
    if known and known != len(card.classes):
        raise InputError(f"a model of {known} classes needs as many names, its card has {len(card.classes)}")


@contextmanager
def check_fields(backend: str) -> Iterator[None]:
    """Make an architecture from a checkpoint's fields inside, and refuse unknown and missing ones.

    Args:
        backend: the name of the backend.

    Raises:
        CheckpointError: instead of the TypeError that such fields raise.
    """
    try:
        yield
    except TypeError as error:
        # The text repeats names from the file, which could break the line.
        reason = str(error) if str(error).isprintable() else repr(str(error))
        raise CheckpointError(f"an architecture that {backend!r} does not know: {reason}") from error
