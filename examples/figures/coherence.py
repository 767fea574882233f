"""Two numbers for a model: how faithful it is to drawings, and how coherent is what lies between them."""

from collections.abc import Sequence

import numpy as np

import sketchkit as sk
from sketchkit.geometry import chamfer, unit_outline
from sketchkit.latent import slerp
from sketchkit.training.data import synth

#: Drawings that nothing is learnt from: others of seed 1, to be compared with drawings of seed 2.
DRAWINGS, COMPARED, TEMPERATURE = 120, 240, 0.1


def ends_and_middles(model: sk.SketchModel, classes: Sequence[str]) -> tuple[float, float]:
    """Mean Chamfer distances, each drawing fitted to a diagonal of 1.

    Args:
        model: a conditional VAE.
        classes: of the drawings, which `synth` draws.

    Returns:
        From a drawing to its reconstruction, which is small where ends are faithful; and from what lies half
        of the way between drawings of two classes to the nearest of many drawings, which is small where
        middles are coherent, that is, look like drawings at all.
    """
    drawings = list(synth(DRAWINGS, 1, classes))
    z, _ = sk.encode(model, drawings, prepared=True)
    # The classes come by turns, so that a drawing's neighbour is of another one.
    middles = slerp(z, np.roll(z, 1, axis=0), np.full(len(z), 0.5))
    again = [unit_outline(each) for each in sk.sample(model, len(z), TEMPERATURE, z=z)]
    between = [unit_outline(each) for each in sk.sample(model, len(z), TEMPERATURE, z=middles)]
    others = [unit_outline(each) for each in synth(COMPARED, 2, classes)]
    given = [unit_outline(each) for each in drawings]
    ends = [chamfer(one, two) for one, two in zip(given, again, strict=True)]
    nearest = [min(chamfer(one, other) for other in others) for one in between]
    return float(np.mean(ends)), float(np.mean(nearest))
