"""Networks that name drawings by their looks, and in whose features sets of drawings are compared.

Two come with the package. The *critic* may choose among drawings. The *judge* measures: it has another
architecture, other pictures and another seed, learnt from drawings that no model and no critic has learnt
from, and nothing that draws uses it. Figures of different recognisers cannot be compared with each other; a
report names the version and the checksum. `examples/train_recogniser.py` trains others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import cast, final

import numpy as np
import numpy.typing as npt
import orjson
import torch
from torch import Tensor, nn

from sketchkit.critic.about import FORMAT_VERSION, METADATA_KEY, VIEWS, About, read_recogniser
from sketchkit.critic.raster import Lines, draw, fitted, seen_from
from sketchkit.devices import own_numbers, without_weights
from sketchkit.errors import CheckpointError
from sketchkit.evaluate.networks import FEATURES, NETWORKS, PictureNet
from sketchkit.files import atomic_write, checksum_of
from sketchkit.sketch import Sketch

__all__ = [
    "JUDGE",
    "About",
    "Recogniser",
    "Seen",
    "load_recogniser",
    "save_recogniser",
]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

#: The one that comes with the package.
JUDGE = Path(__file__).with_name("judge.safetensors")
_MAX_BYTES = 64 << 20
_CHUNK = 256


@dataclass(frozen=True)
class Seen:
    """What a recogniser makes of drawings.

    Args:
        features: [n, F], 0 or more.
        named: int64 [n], the likeliest class of each, an index into the recogniser's.
    """

    features: Float64
    named: Int64

    def __len__(self) -> int:
        """How many drawings."""
        return len(self.named)

    def take(self, indices: Int64) -> Seen:
        """Some of them."""
        return Seen(self.features[indices], self.named[indices])


@final
class Recogniser:
    """A trained network and its description.

    Args:
        net: without batch normalisation, ready to use.
        about: the rest.
        checksum: of its file, 16 bytes of BLAKE2b in hexadecimal; empty where there is none.
    """

    def __init__(self, net: PictureNet, about: About, checksum: str = "") -> None:
        self.net = net
        self.about = about
        self.checksum = checksum

    @property
    def classes(self) -> tuple[str, ...]:
        """The names that it can give a drawing."""
        return self.about.known

    def index(self, name: str | None) -> int:
        """A class by its name; -1 for an unknown one."""
        return self.classes.index(name) if name in self.classes else -1

    def look(self, sketches: Sequence[Sketch]) -> Seen:
        """Look at drawings.

        Args:
            sketches: n drawings; where they stand, how large they are and how they were drawn is not seen.

        Returns:
            Their features and likeliest classes.
        """
        features, chances = self.chances(sketches)
        return Seen(features, chances.argmax(1))

    @own_numbers()
    @torch.inference_mode()
    def chances(
        self, sketches: Sequence[Sketch], among: Sequence[str] | None = None
    ) -> tuple[Float64, Float64]:
        """How likely drawings are of each class.

        Args:
            sketches: n drawings.
            among: names of the classes in question, C of them; those that it can give when None.

        Returns:
            Features [n, F] and chances [n, C], which add up to 1.

        Raises:
            ValueError: a class that the network does not have.
        """
        wanted = [self.about.classes.index(name) for name in (self.classes if among is None else among)]
        features, chances = np.zeros((len(sketches), FEATURES)), np.zeros((len(sketches), len(wanted)))
        for begin in range(0, len(sketches), _CHUNK):
            some = slice(begin, begin + _CHUNK)
            lines = fitted(Lines.of(sketches[some]), self.net.size)
            for view in VIEWS[: self.about.views]:
                pictures = torch.from_numpy(draw(seen_from(lines, view, self.net.size), self.net.size))
                seen, logits = self.net(pictures)
                features[some] += seen.double().numpy() / self.about.views
                chances[some] += logits[:, wanted].double().softmax(1).numpy() / self.about.views
        return features, chances


def save_recogniser(net: PictureNet, about: About, path: str | Path, *, overwrite: bool = True) -> Recogniser:
    """Write a recogniser, its weights in half precision, and read it again.

    Args:
        net: without batch normalisation.
        about: what is said of it.
        path: the file, safetensors.
        overwrite: whether it may exist already.

    Returns:
        The recogniser that the file holds.

    Raises:
        InputError: a file that exists and must not, or that cannot be written.
    """
    # A slow import that only saving needs.
    from safetensors.torch import save

    tensors = {
        name: tensor.detach().half().contiguous()
        for name, tensor in cast(nn.Module, net).state_dict().items()
    }
    facts = {"format_version": FORMAT_VERSION, **asdict(about)}
    data = save(tensors, metadata={METADATA_KEY: orjson.dumps(facts).decode()})
    with atomic_write(path, overwrite=overwrite) as stream:
        stream.write(data)
    return load_recogniser(path)


def load_recogniser(path: str | Path | None = None) -> Recogniser:
    """Read a recogniser.

    Args:
        path: its file; the judge when None.

    Raises:
        CheckpointError: one line naming the file: missing, damaged, of another version, or something else.
    """
    return _shipped(JUDGE) if path is None else _read(Path(path))


@cache
def _shipped(path: Path) -> Recogniser:
    return _read(path)


def _read(path: Path) -> Recogniser:
    from safetensors.torch import load

    def made(tensors: dict[str, Tensor], about: About, data: bytes) -> Recogniser:
        return Recogniser(_filled(about, tensors), about, checksum_of(data))

    return read_recogniser(path, load, made)


def _filled(about: About, tensors: dict[str, Tensor]) -> PictureNet:
    """A network with weights from a file, each checked first."""
    with without_weights():  # random weights would use up the caller's randomness
        net = NETWORKS[about.network](len(about.classes))
    expected = {name: tensor.shape for name, tensor in net.state_dict().items()}
    for name in sorted(expected.keys() ^ tensors.keys()):
        raise CheckpointError(f"the weight {name!r} is {'missing' if name in expected else 'unknown'}")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name]:
            shapes = f"{list(tensor.shape)}, not {list(expected[name])}"
            raise CheckpointError(f"the weight {name!r} has the shape {shapes}")
        if not tensor.is_floating_point() or not torch.isfinite(tensor).all():
            raise CheckpointError(f"the weight {name!r} holds a value that is not a finite number")
    net.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, assign=True)
    return net.eval().requires_grad_(False)
