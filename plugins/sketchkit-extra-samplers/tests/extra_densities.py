"""Densities whose components can be told from what is drawn."""

from __future__ import annotations

import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.noise import Noise, uniforms


def telling(weights: list[float], pens: list[float], rows: int = 1) -> MixtureDensity:
    """Equal rows of a density whose component k lies at (k, 0), with next to no spread."""
    component, pen = torch.tensor(weights).log(), torch.tensor(pens).log()
    parameters = torch.zeros(5, len(weights))
    parameters[0] = torch.arange(len(weights))
    parameters[2:4] = -10.0
    return MixtureDensity(torch.cat((pen, component, parameters.flatten())).expand(rows, -1))


def chance(rows: int, step: int = 0) -> Noise:
    """The noise of so many drawings at one step."""
    return Noise(uniforms(3, torch.arange(rows), torch.tensor(step)))


def components(points: Tensor) -> list[int]:
    """Which component of `telling` each point is of."""
    numbers: list[int] = points[:, 0].round().long().tolist()
    return numbers
