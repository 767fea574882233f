"""The protocol of a renderer: pictures and a layout in, the bytes of a file out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol, runtime_checkable

from sketchkit.rendering.layout import Layout
from sketchkit.rendering.picture import Picture

__all__ = ["Renderer"]


@runtime_checkable
class Renderer(Protocol):
    """A kind of picture file, registered in the entry-point group `sketchkit.renderers`.

    A class without required arguments; its options are dataclass fields with defaults.
    """

    #: The suffixes it answers to, lower case with the dot, the usual one first.
    suffixes: ClassVar[tuple[str, ...]]

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        """Draw pictures on one sheet.

        Args:
            pictures: one a cell, row by row; may be empty.
            layout: how they are set out; `layout.arrange(pictures)` says where each one goes.
            metadata: provenance of the whole sheet, for the file to carry where its format can.

        Returns:
            The whole file; the same bytes for the same arguments.

        Raises:
            InputError: a sheet that the format cannot hold.
            PluginError: a library that the renderer needs is not installed.
        """
        ...
