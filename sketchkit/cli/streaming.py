"""`sketchkit sample` into one file of lines: any number of drawings in constant memory, also after a kill."""

from __future__ import annotations

import dataclasses
import io
import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from sketchkit import registry
from sketchkit.cli.console import progress
from sketchkit.cli.output_kind import STDOUT
from sketchkit.cli.outputs import Destination
from sketchkit.cli.resumable import checksum_of_json, write_blocks
from sketchkit.cli.runner import POINTS, Run
from sketchkit.formats import write
from sketchkit.models import ArrayModel

if TYPE_CHECKING:
    from sketchkit.models import DrawingModel
    from sketchkit.sketch import Sketch

__all__ = ["Streaming"]

Progress = Callable[[int, int], None]

#: Of this format a file is its drawings' lines one after another, and nothing else.
_FORMAT = "ndjson"


@dataclass(frozen=True)
class Streaming:
    """Drawings of `sample` on their way into a file.

    Args:
        run: its settings.
        n: how many.
        first: the index of the first.
        to: where to.
        z_temperature: of the latent vectors; None for the model's own.
    """

    run: Run
    n: int
    first: int
    to: Destination
    z_temperature: float | None = None

    @staticmethod
    def possible(to: Destination) -> bool:
        """Whether drawings can go there one after another."""
        return to.kind.format == _FORMAT and not to.pattern.lower().endswith(".gz")

    def write(self) -> str:
        """Draw and write.

        More than one block goes through a part file, so that the same command goes on after a stop; see
        `sketchkit.cli.resumable`.

        Returns:
            The path.

        Raises:
            InputError: the file cannot be written, or another run writes it.
        """
        path, model = self.to.path(self.run.stem), self.run.load(self.n * self.run.drafts * POINTS)
        from sketchkit.generate.streaming import block_size

        block = block_size(model, self.run.settings.batch_size)
        if path == STDOUT or (os.path.exists(path) and not os.path.isfile(path)):
            self._write_straight(path, model)
        elif self.n <= block:
            with self._progress(path) as report:
                drawings = list(self._draw(model, 0, report))
            self._write(drawings, path)
        else:
            self._in_blocks(path, model, block)
        return path

    def _write_straight(self, path: str, model: DrawingModel) -> None:
        """Into stdout, a pipe or a device."""
        with self._progress(path) as report:
            self._write(self._draw(model, 0, report), path)

    def _in_blocks(self, path: str, model: DrawingModel, block: int) -> None:
        run = self._checksum(model, block, os.path.basename(os.path.realpath(path)))
        with self._progress(path) as report:

            def make_blocks(done: int) -> Iterator[tuple[bytes, int]]:
                drawings = self._draw(model, done, report)
                while sketches := list(islice(drawings, block)):
                    lines = io.BytesIO()
                    write(sketches, lines, format=_FORMAT)
                    yield lines.getvalue(), len(sketches)

            def check() -> None:
                self.to.check([path])  # another run may just have come to its end

            write_blocks(path, run, self.n, block, make_blocks, overwrite=self.to.overwrite, check=check)

    def _draw(self, model: DrawingModel, begin: int, report: Progress) -> Iterator[Sketch]:
        """The drawings after the first `begin`."""
        from sketchkit.generate import sample_stream

        begun, end = self.first + begin, self.first + self.n
        return sample_stream(
            model,
            self.n - begin,
            class_name=map(self.run.class_of, range(begun, end)) if self.run.classes else None,
            first=begun,
            z_temperature=self.z_temperature,
            progress=lambda done, _: report(begin + done, self.n),
            **self.run.keywords(),
        )

    def _write(self, drawings: Iterable[Sketch], path: str) -> None:
        write(drawings, path, format=_FORMAT, overwrite=self.to.overwrite)

    @contextmanager
    def _progress(self, path: str) -> Iterator[Progress]:
        """A progress bar, unless the drawings themselves appear on the same terminal."""
        if path == STDOUT and sys.stdout is not None and sys.stdout.isatty():
            yield lambda done, total: None
            return
        with progress("Drawing") as report:
            yield report

    def _checksum(self, model: DrawingModel, block: int, name: str) -> str:
        """The checksum of all that decides the bytes of a file, and of its name."""
        from sketchkit.engine import engine_of

        settings = {key: value for key, value in self.run.keywords().items() if key != "sampler"}
        identity = {
            **self.run.provenance,
            **settings,
            **({} if self.z_temperature is None else {"z_temperature": self.z_temperature}),
            "plugins": [
                f"{plugin.full_name} {plugin.version}"
                for plugin in (
                    registry.find("sampler", self.run.settings.sampler),
                    registry.find("model", model.backend),
                    registry.find("engine", engine_of(model)),
                )
            ],
            "weights": model.weights_checksum(),
            "card": dataclasses.asdict(model.card),
            "machine": _machine(model),
            "n": self.n,
            "first": self.first,
            "block": block,
            "format": self.to.kind.name,
            "file": name,
        }
        return checksum_of_json(identity)


def _machine(model: DrawingModel) -> list[str]:
    """The library and the kind of processor, which decide the last bits of a product."""
    if isinstance(model, ArrayModel):
        return ["numpy", np.__version__, platform.machine(), platform.processor()]
    import torch

    if model.on_cpu:
        processor = torch.backends.cpu.get_cpu_capability()
    else:
        processor = torch.cuda.get_device_name(model.device) if torch.cuda.is_available() else ""
    return [str(torch.__version__), str(model.device), processor, str(model.dtype)]
