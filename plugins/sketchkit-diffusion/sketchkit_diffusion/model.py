"""Diffusion of whole drawings: noise becomes a fixed number of points, all of them at once.

A drawing is P points with four channels: where the pen is (2), whether it lifts there, and whether the point
is part of the drawing; the points behind the end repeat the last place. A one-dimensional U-Net learns to
tell the drawing from the noise in a mixture of both.

Source: Wang et al. 2023, *SketchKnitter: Vectorized Sketch Generation with Diffusion Models*, for points and
    pen states that are denoised together; Das et al. 2023, *ChiroDiff*, for whole drawings as sequences.
    Departure: places instead of offsets, whose errors would add up along the drawing; the network predicts
    the velocity of Salimans & Ho 2022, on the cosine schedule of Nichol & Dhariwal 2021 in continuous time.

Shape letters: B batch, P points, W width, C channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchkit import ModelCard
from sketchkit.errors import InputError
from sketchkit.models import EQUAL, Batch, Losses, Weights, WholeDrawingModel, check_sizes
from sketchkit.noise import DRAWING, normals
from sketchkit.options import option

__all__ = ["DiffusionArchitecture", "DiffusionModel"]

_CHANNELS = 4
#: Places are divided by this many model units: about their spread in a drawing.
_SPREAD = 3.0
#: No place of a drawing is further from its beginning, in spreads.
_FURTHEST = 6.0
#: The latest time: beyond it a mixture holds nothing of the drawing.
_LATEST = 0.999
_WAVES = 16


@dataclass(frozen=True)
class DiffusionArchitecture:
    """What shapes the weights of a diffusion model.

    Args:
        points: P, the most points of a drawing, a multiple of 4; the points of longer ones are not learnt.
        width: W, the channels of the network at full length; twice as many at a half and a quarter of it.
        stages: the steps from noise to a drawing.
        pen_weight: what the loss of the pen's channels is multiplied by.
        classes: how many classes it can be told to draw; 0 for none.
        embedding: the size of what a class is turned into.

    Raises:
        InputError: a size out of range.
    """

    points: int = option(96, "most points of a drawing, a multiple of 4", low=8, high=1_024)
    width: int = option(64, "channels at full length, a multiple of 8", low=8, high=512)
    stages: int = option(50, "steps from noise to a drawing", low=1, high=1_000)
    pen_weight: float = option(1.0, "weight of the loss of the pen's channels", low=0.0, high=100.0)
    classes: int = 0
    embedding: int = 32

    def __post_init__(self) -> None:
        check_sizes(self, points=1_024, width=512, stages=1_000, embedding=4_096)
        check_sizes(self, at_least=0, classes=100_000)
        for name, divisor in (("points", 4), ("width", 8)):
            if getattr(self, name) % divisor:
                raise InputError(f"{name} must be a multiple of {divisor}, got {getattr(self, name)}")


class _Block(nn.Module):
    """Two convolutions beside a way around them, told the time and the class: [B, C, P] to [B, C', P]."""

    def __init__(self, channels: int, out: int, told: int) -> None:
        super().__init__()
        self.first_norm, self.second_norm = nn.GroupNorm(8, channels), nn.GroupNorm(8, out)
        self.first, self.second = nn.Conv1d(channels, out, 3, padding=1), nn.Conv1d(out, out, 3, padding=1)
        self.told = nn.Linear(told, 2 * out)
        self.around = nn.Conv1d(channels, out, 1) if channels != out else nn.Identity()
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        scale, shift = self.told(told)[..., None].chunk(2, 1)
        inner = self.second_norm(self.first(F.silu(self.first_norm(x)))) * (1 + scale) + shift
        out: Tensor = self.around(x) + self.second(F.silu(inner))
        return out


class _Attention(nn.Module):
    """Points that look at all others: [B, C, P] to [B, C, P]."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(8, channels)
        self.asked, self.seen = nn.Conv1d(channels, 3 * channels, 1), nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, points = x.shape
        parts = self.asked(self.norm(x)).view(batch, 3, self.heads, channels // self.heads, points)
        query, key, value = parts.transpose(3, 4).unbind(1)
        seen = F.scaled_dot_product_attention(query, key, value).transpose(2, 3)
        out: Tensor = x + self.seen(seen.reshape(batch, channels, points))
        return out


class DiffusionModel(WholeDrawingModel):
    """A U-Net that removes noise from all points of a drawing at once.

    Args:
        architecture: its sizes.
        card: the rest.
    """

    backend: ClassVar[str] = "diffusion"
    architecture_type: ClassVar[type] = DiffusionArchitecture
    architecture: DiffusionArchitecture

    def __init__(self, architecture: DiffusionArchitecture, card: ModelCard) -> None:
        super().__init__(architecture, card)
        a, w = architecture, architecture.width
        told = 2 * w
        self.table = nn.Embedding(a.classes + 1, a.embedding) if a.classes else None
        self.told = nn.Sequential(
            nn.Linear(2 * _WAVES + (a.embedding if a.classes else 0), told), nn.SiLU(), nn.Linear(told, told)
        )
        # Where a point stands is read beside it: the network would know it from the ends alone.
        self.places = nn.Parameter(0.02 * torch.randn(w, a.points))
        self.read = nn.Conv1d(_CHANNELS, w, 3, padding=1)
        self.down = nn.ModuleList([_Block(w, w, told), _Block(w, 2 * w, told)])
        self.inner = nn.ModuleList([_Block(2 * w, 2 * w, told), _Block(2 * w, 2 * w, told)])
        self.attention = _Attention(2 * w)
        self.up = nn.ModuleList([_Block(4 * w, 2 * w, told), _Block(3 * w, w, told)])
        self.output = nn.Sequential(nn.GroupNorm(8, w), nn.SiLU(), nn.Conv1d(w, _CHANNELS, 3, padding=1))

    # --- learn ----------------------------------------------------------------------------------------

    @property
    def noise_size(self) -> int:
        """One number for the time, and one for each channel of each point."""
        return 1 + _CHANNELS * self.architecture.points

    def losses(self, batch: Batch, weights: Weights = EQUAL, *, evaluating: bool = False) -> Losses:
        """`place` and `pen`: mean squared errors of the velocity, of the places and of the pen's channels.

        Behind the end only the channel counts that says so.
        """
        x, inked = self.channels(batch)
        noise = batch.noise
        if noise is None:
            noise = x.new_zeros(len(x), self.noise_size)
        # The normal distribution makes a uniform time of a normal number.
        time = torch.special.ndtr(noise[:, 0].float()) * _LATEST
        noise = noise[:, 1:].to(x.dtype).view_as(x)
        signal, part = _mixture(time.to(x.dtype))
        wanted = signal * noise - part * x
        off = (self(signal * x + part * noise, time, batch.label).to(x.dtype) - wanted).square()
        counts = torch.stack((inked, inked, inked, torch.ones_like(inked)), 1)
        each = (off * counts).sum(2) / counts.sum(2)  # [B, C]
        places, pen = each[:, :2].mean(1), each[:, 2:].mean(1)
        return {"place": places.sum() / batch.drawings, "pen": pen.sum() / batch.drawings}

    def channels(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Drawings as [B, C, P], the channels of the pen -1 or 1, and which points they have, [B, P]."""
        points, size = batch.points, self.architecture.points
        rows = F.pad(points[:, :size], (0, 0, 0, max(0, size - points.shape[1])))
        inked = (torch.arange(size, device=rows.device) < batch.inks[:, None]).to(rows.dtype)
        places = (rows[..., :2] * inked[..., None]).cumsum(1) / _SPREAD
        pen = torch.stack((rows[..., 3] * inked, inked), -1) * 2 - 1
        return torch.cat((places, pen), -1).transpose(1, 2), inked

    def forward(self, x: Tensor, time: Tensor, label: Tensor | None) -> Tensor:  # type: ignore[override]
        """The velocity of mixtures.

        Args:
            x: [B, C, P].
            time: [B], 0 for the drawing alone and 1 for noise alone.
            label: int64 [B] classes, or None.

        Returns:
            [B, C, P], signal * noise - part * drawing.
        """
        pace = torch.arange(_WAVES, device=x.device).exp2() * (math.pi / 8)
        angles = time.float()[:, None] * pace
        told = torch.cat((angles.sin(), angles.cos()), 1).to(x.dtype)
        if self.table is not None:
            if label is None:
                label = torch.full((len(x),), self.architecture.classes, device=x.device)
            told = torch.cat((told, self.table(label).expand(len(x), -1).to(x.dtype)), 1)
        told = self.told(told)
        whole = self.down[0](self.read(x) + self.places.to(x.dtype), told)
        half = self.down[1](F.avg_pool1d(whole, 2), told)
        quarter = self.inner[0](F.avg_pool1d(half, 2), told)
        quarter = self.inner[1](self.attention(quarter), told)
        half = self.up[0](torch.cat((half, F.interpolate(quarter, scale_factor=2.0)), 1), told)
        whole = self.up[1](torch.cat((whole, F.interpolate(half, scale_factor=2.0)), 1), told)
        out: Tensor = self.output(whole)
        return out

    # --- draw -----------------------------------------------------------------------------------------

    def draw(
        self,
        index: npt.NDArray[np.int64],
        *,
        seed: int,
        label: Tensor | None = None,
        temperature: float = 1.0,
        max_points: int,
    ) -> list[npt.NDArray[np.float32]]:
        """Whole drawings; see `SketchModel`.

        The temperature is that of the noise that a drawing begins with, whose standard deviation is a mean of
        1 and its root; below 1 drawings are more alike.

        Source: Song, Meng & Ermon 2021, *Denoising Diffusion Implicit Models*, without noise on the way.
        """
        a = self.architecture
        noise = normals(seed, torch.from_numpy(np.asarray(index)), _CHANNELS * a.points, DRAWING)
        x = noise.view(-1, _CHANNELS, a.points).to(self.device) * (1 + math.sqrt(temperature)) / 2
        known = None if label is None else label.to(self.device).expand(len(x))
        times = torch.linspace(_LATEST, 0.0, a.stages + 1, device=self.device)
        for now, then in pairwise(times):
            signal, part = _mixture(now.expand(len(x)))
            velocity = self(x.to(self.dtype), now.expand(len(x)), known).float()
            drawing = _within(signal * x - part * velocity)
            rest = (x - signal * drawing) / part
            signal, part = _mixture(then.expand(len(x)))
            x = signal * drawing + part * rest
        return [_rows(each, max_points) for each in x.cpu().numpy()]


def _mixture(time: Tensor) -> tuple[Tensor, Tensor]:
    """How much of the drawing and how much noise there is at times [B]: [B, 1, 1] each."""
    angle = time[:, None, None] * (math.pi / 2)
    return angle.cos(), angle.sin()


def _within(x: Tensor) -> Tensor:
    """Channels within what a drawing can have."""
    return torch.cat((x[:, :2].clamp(-_FURTHEST, _FURTHEST), x[:, 2:].clamp(-1, 1)), 1)


def _rows(x: npt.NDArray[np.float32], max_points: int) -> npt.NDArray[np.float32]:
    """Channels [C, P] as rows [T, 5] in model units, with an end row where the drawing ends in time."""
    places, (lifts, inked) = x[:2].T * np.float32(_SPREAD), x[2:] > 0
    gone = np.flatnonzero(~inked)
    count = max(int(gone[0]) if len(gone) else len(inked), 1)
    kept = min(count, max_points)
    ended = count < len(inked) and kept == count
    rows = np.zeros((kept + ended, 5), np.float32)
    rows[:kept, :2] = np.diff(places[:kept], axis=0, prepend=np.zeros((1, 2), np.float32))
    rows[:kept, 2], rows[:kept, 3] = ~lifts[:kept], lifts[:kept]
    if ended:
        rows[-1, 4] = 1.0
    return rows
