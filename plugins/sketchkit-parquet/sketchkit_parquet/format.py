"""The format: `.parquet` files of drawings, read and written some thousand at a time, and of tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from sketchkit.errors import InputError
from sketchkit.options import option
from sketchkit.sketch import Sketch

if TYPE_CHECKING:
    from sketchkit.latent import Latents

__all__ = ["ParquetFormat"]


# pyarrow is imported by what reads and writes: the class is loaded wherever suffixes are looked up.
@dataclass(frozen=True)
class ParquetFormat:
    """Drawings as rows `key, label, ended, strokes`, a stroke a struct of the lists `x` and `y`.

    Coordinates are float64, rounded as ndjson rounds them: both hold the same numbers. `ended`, which ndjson
    lacks, comes back. The provenance is JSON under the key `sketchkit` of the file's metadata.

    Args:
        decimals: places after the point that writing keeps, 0 to 9.

    Raises:
        InputError: decimals out of range.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".parquet",)
    keeps_metadata: ClassVar[bool] = True

    decimals: int = option(3, "places after the point when writing", low=0, high=9)

    def __post_init__(self) -> None:
        if not 0 <= self.decimals <= 9:
            raise InputError(f"decimals must be 0 to 9, got {self.decimals}")

    def read(self, stream: BinaryIO, name: str, first: int = 0) -> Iterator[Sketch]:
        """Yield the drawings; some thousand at the most are in memory.

        Args:
            stream: bytes; a pipe, in which a reader of Parquet cannot seek, is copied to a temporary file.
            name: the file's, for an error.
            first: the number of the first drawing, from 0; row groups before it are passed over unread.

        Raises:
            FormatError: one line that begins with `name`.
        """
        from sketchkit_parquet.reading import open_parquet

        with open_parquet(stream, name) as file:
            yield from file.read(first)

    def count(self, stream: BinaryIO, name: str) -> int:
        """The number of drawings, as the end of the file tells it.

        Raises:
            FormatError: the file is damaged, or not Parquet.
        """
        from sketchkit_parquet.reading import open_parquet

        with open_parquet(stream, name) as file:
            return len(file)

    def write(
        self, sketches: Iterable[Sketch], stream: BinaryIO, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Write drawings, a row group of some thousand at a time.

        Args:
            sketches: the drawings, read as they are written.
            stream: where to write; may be a pipe.
            metadata: how the drawings were made, as JSON values.

        Raises:
            FormatError: a label or a key that is not Unicode.
        """
        from sketchkit_parquet.writing import write_drawings

        write_drawings(sketches, stream, metadata or {}, self.decimals)

    def write_latents(self, blocks: Iterable[Latents], stream: BinaryIO, metadata: Mapping[str, Any]) -> None:
        """Write latent vectors as rows `key, label, source, mu, sigma`, and `draws` where there are any.

        Args:
            blocks: a row group each.
            stream: where to write.
            metadata: how they were made, as JSON values.

        Raises:
            FormatError: vectors of other sizes than the first, or none.
        """
        from sketchkit_parquet.writing import write_latents

        write_latents(blocks, stream, metadata)

    def write_scores(
        self, blocks: Iterable[list[Any]], stream: BinaryIO, metadata: Mapping[str, Any]
    ) -> None:
        """Write scores, a row a drawing, with the fields that `sketchkit score -o` writes.

        Args:
            blocks: JSON values of some drawings each.
            stream: where to write.
            metadata: how they were made, as JSON values.

        Raises:
            FormatError: other values than those of a score.
        """
        from sketchkit_parquet.writing import write_scores

        write_scores(blocks, stream, metadata)
