"""The sizes of a transformer, each an option of its training."""

from __future__ import annotations

from dataclasses import dataclass

from sketchkit.errors import InputError
from sketchkit.models import check_flags, check_sizes
from sketchkit.options import option

__all__ = ["TransformerArchitecture"]


@dataclass(frozen=True)
class TransformerArchitecture:
    """What shapes the weights of a transformer.

    The fields with a line of help are options of this backend alone (`-O layers=6`), the others options of
    every training (`--mixtures 20`).

    Args:
        width: D, how many numbers a row becomes.
        layers: L, how many blocks of attention and feed-forward part.
        heads: how many ways of looking each attention has; D is a multiple of twice as many.
        feed: F, how many numbers there are inside a feed-forward part.
        window: W, at how many rows each row looks, the last of them itself.
        waves: how many sines and cosines of each coordinate are read beside it.
        mixtures: M, the number of components.
        classes: C, how many classes it can be told to draw; 0 for none.
        embedding: E, the size of what a class is turned into.
        position: whether it reads where the pen is, too, beside how it came there.

    Raises:
        InputError: a size out of range, or heads that do not share out the width.
    """

    width: int = option(128, "numbers that a row becomes", low=2, high=4_096)
    layers: int = option(4, "blocks of attention and feed-forward part", low=1, high=64)
    heads: int = option(4, "ways of looking in each attention", low=1, high=64)
    feed: int = option(256, "numbers inside a feed-forward part", low=1, high=16_384)
    window: int = option(128, "rows that each row looks at, itself among them", low=1, high=4_096)
    waves: int = option(4, "sines and cosines of each coordinate that are read beside it", low=0, high=16)
    mixtures: int = 20
    classes: int = 0
    embedding: int = 32
    position: bool = False

    def __post_init__(self) -> None:
        check_sizes(self, width=4_096, layers=64, heads=64, feed=16_384, window=4_096)
        check_sizes(self, mixtures=1_024, embedding=4_096)
        check_sizes(self, at_least=0, waves=16, classes=100_000)
        check_flags(self, "position")
        if self.width % (2 * self.heads):
            raise InputError(f"width must be a multiple of twice {self.heads} heads, got {self.width}")

    @property
    def head(self) -> int:
        """d, how many numbers each head has."""
        return self.width // self.heads

    @property
    def coordinates(self) -> int:
        """How many coordinates are read of a row: the offset's, and the pen's where it is told."""
        return 4 if self.position else 2

    @property
    def features(self) -> int:
        """How many numbers are read of a row: coordinates with their waves, and the pen states."""
        return self.coordinates * (1 + 2 * self.waves) + 3
