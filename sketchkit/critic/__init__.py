"""Critics: small networks that say how likely a drawing looks like its class, and how likely it has no flaw.

They choose among the drawings of a model, so that measuring these is left to the judge of
`sketchkit.evaluate`. They run on numpy alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from sketchkit.critic.raster import draw_views
from sketchkit.critic.recogniser_file import About, flawed, read_recogniser
from sketchkit.errors import CheckpointError
from sketchkit.sketch import Sketch

__all__ = ["BEGINNINGS", "CRITIC", "FLAWS", "Critic", "load_critic"]

Float64 = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]

#: The files of the critics that come with the package: of whole drawings, of beginnings, and of flaws.
CRITIC, BEGINNINGS, FLAWS = (
    Path(__file__).with_name(f"{name}.safetensors") for name in ("critic", "beginnings", "flaws")
)
_CHUNK = 64
# Of the plain network: the side of a picture, the strides of its convolutions, and after which of them the
# maximum of 2 x 2 pixels is taken.
_SIZE, _STRIDES, _POOLS = 48, (2, 2, 1, 1), (False, False, True, True)
_LAYERS = 4
_NEVER = 1e-12


@final
class Critic:
    """The plain network of a recogniser, as a function of drawings.

    Args:
        weights: of four convolutions, `features` and `classes`, float32, by the names of their file.
        about: their description.
        checksum: of the file, 16 bytes of BLAKE2b in hexadecimal.
    """

    def __init__(self, weights: Mapping[str, Float32], about: About, checksum: str = "") -> None:
        self.about = about
        self.checksum = checksum
        # Gathered pixels come row by row, then channel by channel.
        self._kernels = [
            (
                np.ascontiguousarray(kernel.transpose(2, 3, 1, 0).reshape(-1, len(kernel))),
                weights[f"convolutions.{i}.bias"],
                kernel.shape[2],
            )
            for i in range(_LAYERS)
            for kernel in (weights[f"convolutions.{i}.weight"],)
        ]
        features = weights["features.weight"]
        channels = len(weights[f"convolutions.{_LAYERS - 1}.bias"])
        side = round((features.shape[1] / channels) ** 0.5)
        by_pixel = features.reshape(-1, channels, side, side).transpose(0, 2, 3, 1)
        self._features = np.ascontiguousarray(by_pixel.reshape(len(features), -1).T), weights["features.bias"]
        self._classes = np.ascontiguousarray(weights["classes.weight"].T), weights["classes.bias"]

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that it knows well."""
        return self.about.known

    def chances(self, drawings: Sequence[Sketch], among: Sequence[str] | None = None) -> Float64:
        """How likely drawings look like each of some classes.

        Args:
            drawings: n; their place, their size and the order of their strokes are ignored.
            among: names of C classes of the network; those that it knows well when None.

        Returns:
            [n, C], 0..1, rows that add up to 1.

        Raises:
            ValueError: a class that the network lacks.
        """
        wanted = [self.about.classes.index(name) for name in (self.classes if among is None else among)]
        out = np.zeros((len(drawings), len(wanted)))
        for some, pictures in draw_views(drawings, _SIZE, self.about.views, _CHUNK):
            logits = self._logits(pictures)[:, wanted].astype(np.float64)
            powers = np.exp(logits - logits.max(1, keepdims=True))
            out[some] += powers / powers.sum(1, keepdims=True) / self.about.views
        return out

    def likeness(self, drawings: Sequence[Sketch], names: Sequence[str]) -> Float64:
        """How likely drawings look like each of some classes, of which the critic may have seen few drawings.

        Args:
            drawings: n.
            names: K classes of the network.

        Returns:
            [n, K], 0..1, the chance of each class among it and those that the critic knows well.

        Raises:
            ValueError: a class that the network lacks.
        """
        every = tuple(dict.fromkeys((*self.classes, *names)))
        chances = self.chances(drawings, every)
        known = chances[:, : len(self.classes)].sum(1, keepdims=True)
        places = np.array([every.index(name) for name in names], np.int64)
        mine = chances[:, places]
        out: Float64 = mine / np.where(places < len(self.classes), known, known + mine)
        return out

    def soundness(self, drawings: Sequence[Sketch], names: Sequence[str]) -> Float64:
        """How likely drawings of given classes have no flaw: no part is missing, displaced or too much.

        Args:
            drawings: n.
            names: n classes; the critic is one of flaws and knows them.

        Returns:
            [n], 0..1.

        Raises:
            ValueError: a class that the network lacks.
        """
        chances = self.chances(drawings)
        wanted = [[self.classes.index(each) for each in (name, flawed(name))] for name in names]
        sound, with_flaws = np.take_along_axis(chances, np.array(wanted, np.int64).reshape(-1, 2), 1).T
        # A class that a drawing is most unlike has two chances of 0.
        out: Float64 = (sound + _NEVER) / (sound + with_flaws + 2 * _NEVER)
        return out

    def _logits(self, pictures: Float32) -> Float32:
        """Pictures [B, 1, 48, 48] to class logits [B, C]."""
        x = np.ascontiguousarray(pictures[:, 0, :, :, None])
        for (kernel, bias, side), stride, pool in zip(self._kernels, _STRIDES, _POOLS, strict=True):
            x = _convolve(x, kernel, bias, side, stride)
            if pool:
                b, h, w, c = x.shape
                x = x.reshape(b, h // 2, 2, w // 2, 2, c).max((2, 4))
        kernel, bias = self._features
        x = np.maximum(x.reshape(len(x), -1) @ kernel + bias, 0.0)
        kernel, bias = self._classes
        logits: Float32 = x @ kernel + bias
        return logits


def _convolve(x: Float32, kernel: Float32, bias: Float32, side: int, stride: int) -> Float32:
    """A convolution and a rectifier: [B, H, W, c] to [B, H / stride, W / stride, C]."""
    edge, (b, h, w, c) = side // 2, x.shape
    padded = np.zeros((b, h + 2 * edge, w + 2 * edge, c), np.float32)  # `np.pad` takes longer than a product
    padded[:, edge : edge + h, edge : edge + w] = x
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), (1, 2))[:, ::stride, ::stride]
    b, h, w = windows.shape[:3]
    gathered = windows.transpose(0, 1, 2, 4, 5, 3).reshape(b * h * w, -1)
    out: Float32 = gathered @ kernel
    out += bias
    np.maximum(out, 0.0, out=out)
    return out.reshape(b, h, w, -1)


@cache
def load_critic(path: str | Path | None = None) -> Critic:
    """Read a critic.

    Args:
        path: a file of the plain network, as `examples/train_recogniser.py` writes it; that of the package
            when None.

    Raises:
        CheckpointError: one line naming the file: missing, damaged, or another network.
    """
    return read_recogniser(CRITIC if path is None else Path(path), _make_critic)


def _make_critic(tensors: dict[str, Any], about: About, checksum: str) -> Critic:
    if about.network != "plain":
        raise CheckpointError(f"a critic is a plain network, not {about.network}")
    names = [f"convolutions.{i}" for i in range(_LAYERS)] + ["features", "classes"]
    for name in (f"{name}.{part}" for name in names for part in ("weight", "bias")):
        tensor = tensors.get(name)
        if tensor is None or tensor.dtype.kind != "f" or not np.isfinite(tensor).all():
            raise CheckpointError(f"the weight {name!r} is missing, or holds an invalid number")
        if name == "classes.bias" and tensor.shape != (len(about.classes),):
            raise CheckpointError(f"the weight {name!r} has the shape {list(tensor.shape)}")
    try:
        critic = Critic(
            {name: tensor.astype(np.float32) for name, tensor in tensors.items()}, about, checksum
        )
        critic._logits(np.zeros((1, 1, _SIZE, _SIZE), np.float32))
    except (ValueError, IndexError) as error:
        raise CheckpointError("its weights do not fit each other") from error
    return critic
