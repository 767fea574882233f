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
from typing import Any, cast, final

import numpy as np
import numpy.typing as npt
import orjson
import torch
from torch import Tensor, nn

from sketchkit.devices import own_numbers, without_weights
from sketchkit.errors import CheckpointError, FormatError, InputError
from sketchkit.evaluate.networks import FEATURES, NETWORKS, PictureNet
from sketchkit.evaluate.raster import Lines, draw, fitted
from sketchkit.files import atomic_write, checksum_of, read_file, reason, shown
from sketchkit.sketch import Sketch

__all__ = [
    "CRITIC",
    "JUDGE",
    "About",
    "Recogniser",
    "Seen",
    "affine",
    "load_critic",
    "load_recogniser",
    "save_recogniser",
]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

FORMAT_VERSION = 2
METADATA_KEY = "sketchkit-recogniser"
#: The two that come with the package.
JUDGE, CRITIC = (Path(__file__).with_name(f"{name}.safetensors") for name in ("judge", "critic"))
#: How a drawing is turned (degrees), slanted, and stretched along x and y in the views that are averaged.
VIEWS = (
    (0.0, 0.0, 1.0, 1.0),
    (0.0, 0.0, -0.9, 0.9),
    (-8.0, 0.05, 0.92, 0.88),
    (8.0, -0.05, -0.92, 0.88),
    (6.0, 0.1, 0.85, 0.95),
    (-6.0, -0.1, -0.85, 0.95),
    (0.0, 0.08, 0.95, 0.8),
    (0.0, -0.08, -0.95, 0.8),
    (0.0, 0.0, 0.78, 0.78),
)
_MAX_BYTES = 64 << 20
_MAX_CLASSES = 10_000
_CHUNK = 256


@dataclass(frozen=True)
class About:
    """A recogniser's description beside its weights.

    Args:
        classes: the names of its outputs.
        known: those of them that a drawing can be named; the others only help in training.
        trained_on: the drawings, in words.
        notice: what has to be said when the weights are passed on.
        test_accuracy: the share of held-out drawings it names rightly, 0..1; every drawing counts alike.
        test_drawings: how many drawings that is measured on.
        class_accuracy: the same with every class counting alike.
        seed: of the training.
        version: of the weights.
        network: a key of `NETWORKS`.
        views: over how many of `VIEWS` of a drawing the outputs are averaged.
    """

    classes: tuple[str, ...]
    known: tuple[str, ...]
    trained_on: str
    notice: str
    test_accuracy: float
    test_drawings: int
    class_accuracy: float
    seed: int
    version: str
    network: str = "plain"
    views: int = 1

    @classmethod
    def from_json(cls, values: Any) -> About:
        """The description that a file holds.

        Raises:
            CheckpointError: a value that is missing, of another type or out of range.
        """
        kinds: dict[str, type] = {
            **dict.fromkeys(("trained_on", "notice", "version", "network"), str),
            **dict.fromkeys(("test_drawings", "seed", "views"), int),
            **dict.fromkeys(("test_accuracy", "class_accuracy"), float),
            **dict.fromkeys(("classes", "known"), list),
        }
        if not isinstance(values, dict) or not all(type(values.get(k)) is t for k, t in kinds.items()):
            raise CheckpointError("its description lacks a value, or has one of another type")
        classes, known = values["classes"], values["known"]
        if not all(isinstance(name, str) for name in classes + known):
            raise CheckpointError("its classes are not names")
        if not 2 <= len(classes) <= _MAX_CLASSES or len(set(classes)) != len(classes):
            raise CheckpointError(f"its classes must be 2 to {_MAX_CLASSES} different names")
        if not known or not set(known) <= set(classes):
            raise CheckpointError("the classes that it may name must be some of its own")
        if values["network"] not in NETWORKS or not 1 <= values["views"] <= len(VIEWS):
            raise CheckpointError(f"it needs the network {values['network']!r} and {values['views']} views")
        told = {name: values[name] for name in kinds}
        return cls(**{**told, "classes": tuple(classes), "known": tuple(known)})


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


def affine(turn: npt.ArrayLike, slant: npt.ArrayLike, wide: npt.ArrayLike, high: npt.ArrayLike) -> Float64:
    """Matrices [..., 2, 2] that stretch, slant and turn (degrees), in this order."""
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    w, s, h = np.asarray(wide), np.asarray(slant), np.asarray(high)
    rows = [w * cos, h * (s * cos - sin)], [w * sin, h * (s * sin + cos)]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def seen_from(lines: Lines, view: tuple[float, float, float, float], size: int) -> Lines:
    """Fitted lines in one of the views."""
    middle = (size - 1) / 2
    return lines.moved((lines.points - middle) @ affine(*view).T + middle)


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


def load_critic() -> Recogniser:
    """The recogniser that may choose among drawings, and so must not measure them."""
    return _shipped(CRITIC)


@cache
def _shipped(path: Path) -> Recogniser:
    return _read(path)


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
    return Recogniser(_filled(about, tensors), about, checksum_of(data))


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
