"""The two networks that name drawings: a plain one that is quick, and a residual one that judges."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import ClassVar, Protocol, cast, final

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sketchkit.devices import without_weights

__all__ = ["FEATURES", "NETWORKS", "PictureNet", "PlainNet", "ResidualNet"]

#: How many numbers the features of a drawing are: the outputs of the last layer but one.
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

    def folded(self) -> PictureNet:
        """The same function without batch normalisation, of a network that has been trained."""
        ...


@final
class PlainNet(nn.Module):
    """Four convolutions, the features, and a class.

    Args:
        classes: C.
        normalised: whether batch normalisation follows each convolution, as in training; afterwards it is
            folded into the convolutions.
    """

    size: ClassVar[int] = 48

    def __init__(self, classes: int, *, normalised: bool = False) -> None:
        super().__init__()
        sides, strides = (5, 3, 3, 3), (2, 2, 1, 1)
        before = (1, *_CHANNELS[:-1])
        self.convolutions = nn.ModuleList(
            nn.Conv2d(b, c, side, stride, side // 2, bias=not normalised)
            for b, c, side, stride in zip(before, _CHANNELS, sides, strides, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(c) if normalised else nn.Identity() for c in _CHANNELS)
        self.features = nn.Linear(_CHANNELS[-1] * (self.size // 16) ** 2, FEATURES)
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

    def folded(self) -> PlainNet:
        """The same function of a picture without batch normalisation."""
        with without_weights():
            out = PlainNet(self.classes.out_features)
        for i, (ours, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            out.convolutions[i] = _fused(ours, norm)
        out.features, out.classes = copy.deepcopy(self.features), copy.deepcopy(self.classes)
        return out.eval().requires_grad_(False)


@final
class ResidualNet(nn.Module):
    """A convolution, four residual blocks that halve the picture, its mean and maximum, features and a class.

    Args:
        classes: C.
        normalised: whether batch normalisation follows each convolution, as in training.

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

    def folded(self) -> ResidualNet:
        """The same function of a picture without batch normalisation."""
        with without_weights():
            out = ResidualNet(self.classes.out_features)
        out.stem = _fused(*cast(nn.Sequential, self.stem))
        for theirs, ours in zip(out.blocks, self.blocks, strict=True):
            for name in ("first", "second", "shortcut"):
                setattr(theirs, name, _fused(*getattr(ours, name)))
        out.features, out.classes = copy.deepcopy(self.features), copy.deepcopy(self.classes)
        return out.eval().requires_grad_(False)


class _Block(nn.Module):
    """Two convolutions, and a shortcut past them."""

    def __init__(self, before: int, channels: int, normalised: bool) -> None:
        super().__init__()
        self.first = _convolution(before, channels, 3, 2, normalised)
        self.second = _convolution(channels, channels, 3, 1, normalised)
        self.shortcut = _convolution(before, channels, 1, 2, normalised)

    def forward(self, x: Tensor) -> Tensor:
        """[B, before, H, W] to [B, channels, H / 2, W / 2]."""
        out: Tensor = (self.second(self.first(x).relu()) + self.shortcut(x)).relu()
        return out


def _convolution(before: int, channels: int, side: int, stride: int, normalised: bool) -> nn.Module:
    convolution = nn.Conv2d(before, channels, side, stride, side // 2, bias=not normalised)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels)) if normalised else convolution


def _fused(convolution: nn.Module, norm: nn.Module) -> nn.Module:
    return fuse_conv_bn_eval(cast(nn.Conv2d, convolution), cast(nn.BatchNorm2d, norm))


#: The networks by the name that a file gives.
NETWORKS: Mapping[str, type[PlainNet] | type[ResidualNet]] = {"plain": PlainNet, "residual": ResidualNet}
