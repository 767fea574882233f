"""`sketchkit sample` into one file of lines: any number of drawings in constant memory, also after a kill."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from sketchkit import registry
from sketchkit.cli.console import progress, say
from sketchkit.cli.kinds import STDOUT
from sketchkit.cli.outputs import Destination
from sketchkit.cli.parts import Part, alone
from sketchkit.cli.run import Run
from sketchkit.files import checksum_of
from sketchkit.formats import write

if TYPE_CHECKING:
    from sketchkit.models import SketchModel
    from sketchkit.sketch import Sketch

__all__ = ["Streaming"]

Progress = Callable[[int, int], None]

#: Of this format a file is its drawings' lines one after another, and nothing else.
_FORMAT = "ndjson"


@dataclass(frozen=True)
class Streaming:
    """Drawings from nothing on their way into a file.

    Args:
        run: what draws them.
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

        What comes to more than one block goes through a part file, so that the same command goes on after
        whatever stops it; see `sketchkit.cli.parts`.

        Returns:
            The path.

        Raises:
            InputError: the file cannot be written, or another run writes it.
        """
        path, model = self.to.path(self.run.stem), self.run.load()
        from sketchkit.generate.streaming import block_size

        block = block_size(model, self.run.chosen.batch_size)
        if path == STDOUT or (os.path.exists(path) and not os.path.isfile(path)):
            self._straight(path, model)
        elif self.n <= block:
            with self._progress(path) as told:
                drawings = list(self._drawn(model, 0, told))
            self._write(drawings, path)
        else:
            self._through_part(path, model, block)
        return path

    def _straight(self, path: str, model: SketchModel) -> None:
        """Into something that only takes: stdout, a pipe or a device."""
        with self._progress(path) as told:
            self._write(self._drawn(model, 0, told), path)

    def _through_part(self, path: str, model: SketchModel, block: int) -> None:
        target = os.path.realpath(path)
        run = self._checksum(model, block, os.path.basename(target))
        with alone(target, path):
            self.to.check([path])  # another run may just have come to its end
            with Part.opened(target, path, run, self.n, block) as part:
                if part.done:
                    say(f"going on after {part.done:,} drawings")
                self._fill(part, model, path)
                part.finish(overwrite=self.to.overwrite)

    def _fill(self, part: Part, model: SketchModel, path: str) -> None:
        with self._progress(path) as told:
            drawn = self._drawn(model, part.done, told)
            while sketches := list(islice(drawn, part.block)):
                lines = io.BytesIO()
                write(sketches, lines, format=_FORMAT)
                part.append(lines.getvalue(), len(sketches))

    def _drawn(self, model: SketchModel, begin: int, told: Progress) -> Iterator[Sketch]:
        """What is left after the first `begin` drawings."""
        from sketchkit.generate import sample_stream

        begun, end = self.first + begin, self.first + self.n
        return sample_stream(
            model,
            self.n - begin,
            class_name=map(self.run.class_of, range(begun, end)) if self.run.classes else None,
            first=begun,
            z_temperature=self.z_temperature,
            progress=lambda done, _: told(begin + done, self.n),
            **self.run.settings(),
        )

    def _write(self, drawings: Iterable[Sketch], path: str) -> None:
        write(drawings, path, format=_FORMAT, overwrite=self.to.overwrite)

    @contextmanager
    def _progress(self, path: str) -> Iterator[Progress]:
        """A progress bar, unless the drawings themselves appear on the same terminal."""
        if path == STDOUT and sys.stdout is not None and sys.stdout.isatty():
            yield lambda done, total: None
            return
        with progress("Drawing") as told:
            yield told

    def _checksum(self, model: SketchModel, block: int, name: str) -> str:
        """Of all that decides the bytes of a file, and of the file's name."""
        from sketchkit.engine import engine_of

        settings = {key: value for key, value in self.run.settings().items() if key != "sampler"}
        identity = {
            **self.run.provenance,
            **settings,
            **({} if self.z_temperature is None else {"z_temperature": self.z_temperature}),
            "plugins": [
                f"{plugin.full_name} {plugin.version}"
                for plugin in (
                    registry.find("sampler", self.run.sampler_name),
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
        words = json.dumps(identity, sort_keys=True)
        return checksum_of(words.encode("utf-8", "surrogatepass"))


def _machine(model: SketchModel) -> list[str]:
    """What may decide the last bits of a product: the library and the processor's kind."""
    import torch

    device = model.device
    if device.type == "cuda":
        processor = torch.cuda.get_device_name(device)
    else:
        processor = torch.backends.cpu.get_cpu_capability()
    return [str(torch.__version__), device.type, processor, str(model.dtype)]
