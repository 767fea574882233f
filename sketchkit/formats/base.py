"""The protocol of a file format: a reader and a writer of drawings over binary streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO, ClassVar, Protocol, runtime_checkable

from sketchkit.sketch import Sketch

__all__ = ["Format"]


@runtime_checkable
class Format(Protocol):
    """A file format, registered in the entry-point group `sketchkit.formats`.

    A class without required arguments; its options are dataclass fields with defaults.

    Three more things are used where a format has them. `count(stream, name)` is the number of drawings,
    without reading them; then `read` takes the number of the first as a third argument. A class with
    `keeps_metadata = True` takes a mapping of JSON values, the provenance, as a third argument of `write`.
    `write_latents(blocks, stream, metadata)` and `write_scores(blocks, stream, metadata)` write tables:
    blocks of latent vectors are `sketchkit.latent.Latents`, those of scores are lists of what `sketchkit
    score -o` says of drawings.
    """

    #: The suffixes it answers to, lower case with the dot, the usual one first.
    suffixes: ClassVar[tuple[str, ...]]

    def read(self, stream: BinaryIO, name: str) -> Iterator[Sketch]:
        """Yield the drawings of a stream, one by one where the format allows.

        Args:
            stream: bytes from the start; may be a pipe that cannot seek.
            name: the file's, for an error.

        Raises:
            FormatError: one line that begins with `name` and tells the fault and its place.
        """
        ...

    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        """Write drawings to a stream, one by one where the format allows.

        Raises:
            FormatError: a drawing that the format cannot hold.
        """
        ...
