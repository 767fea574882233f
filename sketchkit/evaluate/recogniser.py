"""A small network that names drawings by their look, and in whose features sets of drawings are compared.

It comes with its weights (`recogniser.safetensors`), so that an evaluation downloads nothing. Whoever trains
another one (`examples/train_recogniser.py`) can compare by that, but figures of different recognisers cannot
be compared with each other; a report names its version and the checksum of its weights.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast, final

import numpy as np
import numpy.typing as npt
import orjson
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sketchkit.devices import own_numbers, without_weights
from sketchkit.errors import CheckpointError, FormatError, InputError
from sketchkit.evaluate.raster import SIZE, raster
from sketchkit.files import atomic_write, checksum_of, read_file, reason, shown
from sketchkit.sketch import Sketch

__all__ = [
    "FEATURES",
    "About",
    "Recogniser",
    "Seen",
    "SketchNet",
    "load_recogniser",
    "save_recogniser",
]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

#: How many numbers the features of a drawing are: the outputs of the last layer but one.
FEATURES = 96
FORMAT_VERSION = 1
METADATA_KEY = "sketchkit-recogniser"
#: What comes with the package.
SHIPPED = Path(__file__).with_name("recogniser.safetensors")
# Channels and strides of the convolutions; after each but the first two, a picture is halved.
_CHANNELS = (24, 48, 64, 96)
_MAX_BYTES = 64 << 20
_MAX_CLASSES = 10_000
_CHUNK = 256


@final
class SketchNet(nn.Module):
    """Four convolutions, the features, and a class.

    Args:
        classes: C.
        normalised: whether batch normalisation follows each convolution, as in training; afterwards it is
            folded into the convolutions.
    """

    def __init__(self, classes: int, *, normalised: bool = False) -> None:
        super().__init__()
        sides, strides = (5, 3, 3, 3), (2, 2, 1, 1)
        before = (1, *_CHANNELS[:-1])
        self.convolutions = nn.ModuleList(
            nn.Conv2d(b, c, side, stride, side // 2, bias=not normalised)
            for b, c, side, stride in zip(before, _CHANNELS, sides, strides, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(c) if normalised else nn.Identity() for c in _CHANNELS)
        self.features = nn.Linear(_CHANNELS[-1] * (SIZE // 16) ** 2, FEATURES)
        self.classes = nn.Linear(FEATURES, classes)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures [B, 1, 48, 48] to features [B, F] and class logits [B, C]."""
        x = pictures  # 48 -> 24 -> 12 -> 6 -> 3 pixels a side
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            x = norm(convolution(x)).relu()
            if i >= 2:
                x = nn.functional.max_pool2d(x, 2)
        features = self.features(x.flatten(1)).relu()
        return features, self.classes(features)

    def folded(self) -> SketchNet:
        """The same function of a picture without batch normalisation, of a network that has been trained."""
        out = _unfilled(self.classes.out_features)
        for i, (ours, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            out.convolutions[i] = fuse_conv_bn_eval(cast(nn.Conv2d, ours), cast(nn.BatchNorm2d, norm))
        out.features, out.classes = copy.deepcopy(self.features), copy.deepcopy(self.classes)
        return out.eval().requires_grad_(False)


@dataclass(frozen=True)
class About:
    """What is known of a recogniser beside its weights.

    Args:
        classes: the names of what it tells apart.
        trained_on: the drawings, in words.
        notice: what whoever passes the weights on has to say.
        test_accuracy: the share of held-out drawings it names rightly, 0..1; every drawing counts alike.
        test_drawings: how many drawings that is measured on.
        class_accuracy: the same with every class counting alike.
        seed: of the training.
        version: of the weights: another one for others that are shipped.
    """

    classes: tuple[str, ...]
    trained_on: str
    notice: str
    test_accuracy: float
    test_drawings: int
    class_accuracy: float
    seed: int
    version: str

    @classmethod
    def from_json(cls, values: Any) -> About:
        """What a file says of itself.

        Raises:
            CheckpointError: a value that is missing or of another type.
        """
        kinds: dict[str, type] = {
            **dict.fromkeys(("trained_on", "notice", "version"), str),
            **dict.fromkeys(("test_drawings", "seed"), int),
            **dict.fromkeys(("test_accuracy", "class_accuracy"), float),
        }
        if not isinstance(values, dict) or not all(type(values.get(k)) is t for k, t in kinds.items()):
            raise CheckpointError("its description lacks a value, or has one of another type")
        classes = values.get("classes")
        if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
            raise CheckpointError("its classes are no table of names")
        if not 2 <= len(classes) <= _MAX_CLASSES or len(set(classes)) != len(classes):
            raise CheckpointError(f"its classes must be 2 to {_MAX_CLASSES} different names")
        return cls(classes=tuple(classes), **{name: values[name] for name in kinds})


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
    """A trained network and what is known of it.

    Args:
        net: without batch normalisation, ready to use.
        about: the rest.
        checksum: of its file, 16 bytes of BLAKE2b in hexadecimal; empty where there is none.
    """

    def __init__(self, net: SketchNet, about: About, checksum: str = "") -> None:
        self.net = net.eval()
        self.about = about
        self.checksum = checksum

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of what it tells apart."""
        return self.about.classes

    def index(self, name: str | None) -> int:
        """A class by its name; -1 for one that it does not know."""
        return self.classes.index(name) if name in self.classes else -1

    @own_numbers()
    @torch.inference_mode()
    def look(self, sketches: Sequence[Sketch]) -> Seen:
        """Look at drawings.

        Args:
            sketches: n drawings; where they stand, how large they are and how they were drawn is not seen.

        Returns:
            Their features and likeliest classes.
        """
        features, named = [np.zeros((0, FEATURES))], [np.zeros(0, np.int64)]
        for begin in range(0, len(sketches), _CHUNK):
            pictures = torch.from_numpy(raster(sketches[begin : begin + _CHUNK]))
            seen, logits = self.net(pictures)
            features.append(seen.double().numpy())
            named.append(logits.argmax(1).numpy())
        return Seen(np.concatenate(features), np.concatenate(named))


def save_recogniser(net: SketchNet, about: About, path: str | Path, *, overwrite: bool = True) -> Recogniser:
    """Write a recogniser, its weights in half precision, and read it again.

    Args:
        net: without batch normalisation.
        about: what is said of it.
        path: the file, safetensors.
        overwrite: whether it may exist already.

    Returns:
        The recogniser as everybody reads it from now on.

    Raises:
        InputError: a file that exists and must not, or that cannot be written.
    """
    # A slow import that only saving needs.
    from safetensors.torch import save

    tensors = {name: tensor.detach().half().contiguous() for name, tensor in net.state_dict().items()}
    facts = {"format_version": FORMAT_VERSION, **asdict(about)}
    data = save(tensors, metadata={METADATA_KEY: orjson.dumps(facts).decode()})
    with atomic_write(path, overwrite=overwrite) as stream:
        stream.write(data)
    return load_recogniser(path)


def load_recogniser(path: str | Path | None = None) -> Recogniser:
    """Read a recogniser.

    Args:
        path: its file; the one that comes with the package when None.

    Raises:
        CheckpointError: one line naming the file: missing, damaged, of another version, or something else.
    """
    return _shipped() if path is None else _read(Path(path))


@cache
def _shipped() -> Recogniser:
    return _read(SHIPPED)


def _read(path: Path) -> Recogniser:
    try:
        return _parsed(read_file(path, _MAX_BYTES))
    except OSError as error:
        raise CheckpointError(f"{shown(path)}: {reason(error)}") from error
    except FormatError as error:
        raise CheckpointError(str(error)) from error
    except (CheckpointError, InputError) as error:
        raise CheckpointError(f"{shown(path)}: {error}") from error


def _parsed(data: bytes) -> Recogniser:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(data)
        # The library shows the metadata of files alone; that the head is sound it has just found.
        head = orjson.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        facts = orjson.loads(head["__metadata__"][METADATA_KEY])
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        what = str(error).splitlines()[0] if isinstance(error, SafetensorError) else "it has no description"
        raise CheckpointError(f"no recogniser: {what}") from error
    version = facts.get("format_version") if isinstance(facts, dict) else None
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"a recogniser of format version {version!r}, this sketchkit reads {FORMAT_VERSION}"
        )
    about = About.from_json(facts)
    return Recogniser(_filled(len(about.classes), tensors), about, checksum_of(data))


def _filled(classes: int, tensors: dict[str, Tensor]) -> SketchNet:
    """A network with weights from a file, each looked at first."""
    net = _unfilled(classes)
    expected = {name: tensor.shape for name, tensor in net.state_dict().items()}
    for name in sorted(expected.keys() ^ tensors.keys()):
        raise CheckpointError(f"the weight {name!r} is {'missing' if name in expected else 'unknown'}")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name]:
            shapes = f"{list(tensor.shape)}, not {list(expected[name])}"
            raise CheckpointError(f"the weight {name!r} has the shape {shapes}")
        if not tensor.is_floating_point() or not torch.isfinite(tensor).all():
            raise CheckpointError(f"the weight {name!r} holds something that is no finite number")
    net.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, assign=True)
    return net.requires_grad_(False)


def _unfilled(classes: int) -> SketchNet:
    """A network without numbers: making some would use up the caller's randomness."""
    with without_weights():
        return SketchNet(classes)
