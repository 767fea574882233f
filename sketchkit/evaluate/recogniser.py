"""Recognisers: networks that name drawings by their looks and give features to compare sets of drawings by.

Two come with the package. The *critic* may choose among drawings. The *judge* measures: it has another
architecture, other pictures and another seed, learnt from drawings that models and critic have not seen, and
it stays out of drawing. Compare figures of the same recogniser only; a report names its version and checksum.
`examples/train_recogniser.py` trains others.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar, Protocol, Self, cast, final

import numpy as np
import numpy.typing as npt
import orjson
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sketchkit.checkpoints.native import assign_weights
from sketchkit.critic.raster import draw_views
from sketchkit.critic.recogniser_file import FORMAT_VERSION, METADATA_KEY, About, read_recogniser
from sketchkit.devices import own_numbers, without_weights
from sketchkit.errors import CheckpointError
from sketchkit.files import atomic_write
from sketchkit.sketch import Sketch
from sketchkit.tensors import Array

__all__ = [
    "FEATURES",
    "JUDGE",
    "NETWORKS",
    "About",
    "PictureNet",
    "PlainNet",
    "Recogniser",
    "ResidualNet",
    "Seen",
    "load_recogniser",
    "save_recogniser",
]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

#: The one that comes with the package.
JUDGE = Path(__file__).with_name("judge.safetensors")
_CHUNK = 256
#: The number of features of a drawing, the outputs of the last layer but one.
FEATURES = 96
# Channels and strides of the plain network's convolutions; behind the last two a picture is halved.
_CHANNELS = (24, 48, 64, 96)
# Channels of the residual network: of its first convolution, and of its blocks.
_STEM, _BLOCKS = 24, (32, 64, 112, 160)


class PictureNet(Protocol):
    """A network from pictures to features and class logits."""

    #: The side of a picture in pixels.
    size: ClassVar[int]

    def __call__(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures [B, 1, size, size] to features [B, F], 0 or more, and class logits [B, C]."""
        ...

    def fold(self) -> PictureNet:
        """The same function without batch normalisation, of a trained network."""
        ...


class _Net(nn.Module):
    """What both networks share."""

    def fold(self) -> Self:
        """The same function without batch normalisation, of a trained network."""
        out = copy.deepcopy(self)
        for module in list(out.modules()):
            for name, child in module.named_children():
                if isinstance(child, nn.Sequential):
                    convolution, norm = child
                    fused = fuse_conv_bn_eval(cast(nn.Conv2d, convolution), cast(nn.BatchNorm2d, norm))
                    setattr(module, name, fused)
        return out.eval().requires_grad_(False)


@final
class PlainNet(_Net):
    """Four convolutions, the features, and a class.

    Args:
        classes: C.
        normalised: whether batch normalisation follows each convolution, as in training; `fold` includes it
            in the convolutions.
    """

    size: ClassVar[int] = 48

    def __init__(self, classes: int, *, normalised: bool = False) -> None:
        super().__init__()
        sides, strides = (5, 3, 3, 3), (2, 2, 1, 1)
        layers = zip((1, *_CHANNELS[:-1]), _CHANNELS, sides, strides, strict=True)
        self.convolutions = nn.ModuleList(_convolution(*layer, normalised) for layer in layers)
        self.features = nn.Linear(_CHANNELS[-1] * (self.size // 16) ** 2, FEATURES)
        self.classes = nn.Linear(FEATURES, classes)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures [B, 1, 48, 48] to features [B, F] and class logits [B, C]."""
        x = pictures  # 48 -> 24 -> 12 -> 6 -> 3 pixels a side
        for i, convolution in enumerate(self.convolutions):
            x = convolution(x).relu()
            if i >= 2:
                x = nn.functional.max_pool2d(x, 2)
        features = self.features(x.flatten(1)).relu()
        return features, self.classes(features)


@final
class ResidualNet(_Net):
    """A convolution, four residual blocks that halve the picture, its mean and maximum, features and a class.

    Args:
        classes: C.
        normalised: see `PlainNet`.

    Source: He et al. 2016, *Deep Residual Learning for Image Recognition*.
    """

    size: ClassVar[int] = 64

    def __init__(self, classes: int, *, normalised: bool = False) -> None:
        super().__init__()
        self.stem = _convolution(1, _STEM, 5, 2, normalised)  # 64 -> 32 -> 16 -> 8 -> 4 -> 2 pixels a side
        before = (_STEM, *_BLOCKS[:-1])
        self.blocks = nn.ModuleList(_Block(b, c, normalised) for b, c in zip(before, _BLOCKS, strict=True))
        self.dropout = nn.Dropout(0.3)
        self.features = nn.Linear(2 * _BLOCKS[-1], FEATURES)
        self.classes = nn.Linear(FEATURES, classes)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures [B, 1, 64, 64] to features [B, F] and class logits [B, C]."""
        x = self.stem(pictures).relu()
        for block in self.blocks:
            x = block(x)
        pooled = torch.cat((x.mean((2, 3)), x.amax((2, 3))), 1)
        features = self.features(self.dropout(pooled)).relu()
        return features, self.classes(features)


class _Block(nn.Module):
    """Two convolutions, and a shortcut past them: [B, before, H, W] to [B, channels, H / 2, W / 2]."""

    def __init__(self, before: int, channels: int, normalised: bool) -> None:
        super().__init__()
        self.first = _convolution(before, channels, 3, 2, normalised)
        self.second = _convolution(channels, channels, 3, 1, normalised)
        self.shortcut = _convolution(before, channels, 1, 2, normalised)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = (self.second(self.first(x).relu()) + self.shortcut(x)).relu()
        return out


def _convolution(before: int, channels: int, side: int, stride: int, normalised: bool) -> nn.Module:
    convolution = nn.Conv2d(before, channels, side, stride, side // 2, bias=not normalised)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels)) if normalised else convolution


#: The networks by the name that a file gives.
NETWORKS: Mapping[str, type[PlainNet] | type[ResidualNet]] = {"plain": PlainNet, "residual": ResidualNet}


@dataclass(frozen=True)
class Seen:
    """Features and recognised classes of drawings.

    Args:
        features: [n, F], 0 or more.
        named: int64 [n], the likeliest class of each, an index into the recogniser's classes.
    """

    features: Float64
    named: Int64

    def __len__(self) -> int:
        """The number of drawings."""
        return len(self.named)

    def take(self, indices: Int64) -> Seen:
        """Select drawings by their places."""
        return Seen(self.features[indices], self.named[indices])


@final
class Recogniser:
    """A trained network and its description.

    Args:
        net: without batch normalisation, ready to use.
        about: its description.
        checksum: of its file, 16 bytes of BLAKE2b in hexadecimal; empty without a file.
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
            sketches: n drawings; their place, their size and the order of their strokes are ignored.

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
            among: names of C classes of the network; those that it can give when None.

        Returns:
            Features [n, F] and chances [n, C], which add up to 1.

        Raises:
            ValueError: a class that the network lacks.
        """
        wanted = [self.about.classes.index(name) for name in (self.classes if among is None else among)]
        features, chances = np.zeros((len(sketches), FEATURES)), np.zeros((len(sketches), len(wanted)))
        for some, pictures in draw_views(sketches, self.net.size, self.about.views, _CHUNK):
            seen, logits = self.net(torch.from_numpy(pictures))
            features[some] += seen.double().numpy() / self.about.views
            chances[some] += logits[:, wanted].double().softmax(1).numpy() / self.about.views
        return features, chances


def save_recogniser(net: PictureNet, about: About, path: str | Path, *, overwrite: bool = True) -> Recogniser:
    """Write a recogniser, its weights in half precision, and read it again.

    Args:
        net: without batch normalisation.
        about: its description.
        path: the file, safetensors.
        overwrite: whether to replace an existing file.

    Returns:
        The recogniser that the file holds.

    Raises:
        InputError: a file that exists although `overwrite` is false, or that cannot be written.
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
        CheckpointError: one line naming the file: missing, damaged, of another version or another kind.
    """
    return _read_once(JUDGE) if path is None else _read(Path(path))


@cache
def _read_once(path: Path) -> Recogniser:
    return _read(path)


def _read(path: Path) -> Recogniser:
    return read_recogniser(path, _make_recogniser)


def _make_recogniser(tensors: dict[str, Array], about: About, checksum: str) -> Recogniser:
    with without_weights():  # random weights would use up the caller's randomness
        net = NETWORKS[about.network](len(about.classes))
    for name, tensor in tensors.items():
        if tensor.dtype.kind != "f":
            raise CheckpointError(f"the weight {name!r} holds integers, not floating-point numbers")
    assign_weights(net, {name: torch.from_numpy(tensor).float() for name, tensor in tensors.items()})
    return Recogniser(net.eval(), about, checksum)
