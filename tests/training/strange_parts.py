"""A third-party package with model backends, on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sketchkit import registry

SOURCE = '''
from dataclasses import dataclass

import torch
from torch import nn

from sketchkit.models import SketchModel, check_flags, check_sizes
from sketchkit.models.vae import VaeArchitecture, VaeModel
from sketchkit.options import option


@dataclass(frozen=True)
class WalkerArchitecture:
    units: int = option(6, "numbers that it remembers", low=1, high=64)
    pace: float = option(0.5, "how fast it forgets", low=0.0, high=1.0)
    mood: str = option("calm", "how it walks", choices=("calm", "wild"))
    mixtures: int = 20
    position: bool = False

    def __post_init__(self):
        check_sizes(self, units=64, mixtures=1024)
        check_flags(self, "position")


class Walker(SketchModel):
    """Remembers a fading mean of what it read."""

    backend = "walker"
    architecture_type = WalkerArchitecture

    def __init__(self, architecture, card):
        super().__init__(architecture, card)
        self.read = nn.Linear(5, architecture.units)
        self.output = nn.Linear(architecture.units, 6 * architecture.mixtures + 3)

    def initial_state(self, batch, z=None, label=None):
        self._check_given(z, label)
        return (self.output.weight.new_zeros(batch, self.architecture.units),)

    def step(self, rows, state):
        (memory,) = state
        memory = torch.lerp(memory, torch.tanh(self.read(rows)), self.architecture.pace)
        return self.output(memory), (memory,)


class Stumbler(Walker):
    """The same, which drops numbers of what it remembers."""

    backend = "stumbler"
    dropout_option = "dropout"

    @property
    def droppable(self):
        return self.architecture.units

    def packed(self, rows, state, packing, keep=None):
        memories = []
        memory = state[0]
        for row in rows.unbind(1):
            memory = torch.lerp(memory, torch.tanh(self.read(row)), self.architecture.pace)
            memories.append(memory)
        shown = packing.pack(torch.stack(memories, 1))
        return self.output(shown if keep is None else shown * keep)


@dataclass(frozen=True)
class CrawlerArchitecture:
    units: int = option(6, "numbers that it remembers", low=1, high=64)
    pace: float = option(0.5, "how fast it forgets", low=0.0, high=1.0)
    mixtures: int = 20


class Crawler(Walker):
    """The same, which cannot be told to read where the pen is."""

    backend = "crawler"
    architecture_type = CrawlerArchitecture


class Dreamer(Walker):
    """Says that it draws what a latent vector says, and has no encoder."""

    backend = "dreamer"
    conditional = True


class Twin(VaeModel):
    """A vae of another name."""

    backend = "twin"
'''
MODULE = "strange_walks.py"
NAMES = {name.lower(): name for name in ("Walker", "Stumbler", "Crawler", "Dreamer", "Twin")}


def write_package(folder: Path) -> Path:
    """Put the package into a folder, from which Python can import it and sketchkit finds it."""
    (folder / MODULE).write_text(SOURCE)
    info = folder / "strange_walks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange-walks\nVersion: 1.0\n")
    entries = "".join(f"{name} = strange_walks:{kind}\n" for name, kind in NAMES.items())
    (info / "entry_points.txt").write_text(f"[sketchkit.models]\n{entries}")
    return folder


@contextmanager
def installed_here(folder: Path) -> Iterator[None]:
    """The package found by this process for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(write_package(folder))
        patch.delenv(registry.PLUGINS_VARIABLE, raising=False)
        _forget()
        yield
    _forget()


def _forget() -> None:
    registry._all_installed.cache_clear()
    registry._plugins.cache_clear()
