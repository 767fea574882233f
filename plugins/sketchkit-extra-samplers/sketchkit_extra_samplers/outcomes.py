"""What a step can come to, as things that can be counted: a component with the pen down or up, or the end."""

from __future__ import annotations

import torch
from torch import Tensor

from sketchkit.density import MixtureDensity, pick
from sketchkit.noise import Noise, widened

__all__ = ["draw_kept", "ending", "going_on", "surprise"]

# All of these are rounded to float32 once, from wider numbers: so a row comes out the same to the last bit,
# whatever stands in the other rows.


def going_on(density: MixtureDensity) -> Tensor:
    """Log-probabilities of going on: with which pen, and to the offset of which component.

    Args:
        density: of B rows.

    Returns:
        float32 [B, 2, M], natural logarithms, the pen down before the pen lifted after the point.
    """
    pen = widened(density.pen_logits).log_softmax(-1)
    component = widened(density.component_logits).log_softmax(-1)
    return (pen[:, :2, None] + component[:, None, :]).float()


def ending(density: MixtureDensity) -> Tensor:
    """Log-probabilities of ending, float32 [B]; an end has no offset, so that no component has a say."""
    return widened(density.pen_logits).log_softmax(-1)[:, 2].float()


def surprise(density: MixtureDensity) -> Tensor:
    """The information of every pen state and component, float32 [B, 3, M] in nats; all ends tell the same."""
    ends = ending(density)[:, None, None].expand(-1, 1, density.mixtures)
    return -torch.cat((going_on(density), ends), 1)


def draw_kept(density: MixtureDensity, keep: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
    """Draw from some of the pen states and components, in proportion.

    With all of them it is the point of `density.draw(noise)`.

    Args:
        density: of B rows.
        keep: bool [B, 3, M], at least one a row.
        noise: B rows.

    Returns:
        The point [B, 5], and what was drawn as a place in [3 M], int64 [B].
    """
    # First the pen, by how much is left of it, then the component among those that are left with it.
    components = density.component_logits[:, None, :].masked_fill(~keep, -torch.inf)  # [B, 3, M]
    whole = density.component_logits.logsumexp(-1, keepdim=True)
    pen = pick(density.pen_logits + components.logsumexp(-1) - whole, noise.pen)
    mine = components.gather(1, pen[:, None, None].expand(-1, 1, density.mixtures)).squeeze(1)
    component = pick(mine, noise.component)
    return density.point(component, noise.normals(), pen), pen * density.mixtures + component
