"""One drawing alone on the CPU: no slots to fill, and no ends to look for among others.

It comes out as in the loop: the same noise, the same products of one row.
"""

from __future__ import annotations

import torch

from sketchkit.engine.work import ATTEMPT_SHIFT, Work
from sketchkit.noise import uniforms
from sketchkit.sampling import Draft, DrawRule

__all__ = ["drawn_alone", "is_alone"]

# Noise is made for so many steps at once, and no call of a stepper makes more.
_STEPS = 64


def is_alone(work: Work) -> bool:
    """Whether there is one job, which may be drawn in a batch of one row by a stepper that draws."""
    if len(work.prompt_of) != 1 or work.model.device.type != "cpu":
        return False
    return work.least_rows == 1 and work.stepper.most_steps > 0


@torch.inference_mode()
def drawn_alone(work: Work, rule: DrawRule, score: bool) -> Draft:
    """The one job of some work.

    Args:
        work: of which `is_alone` is true.
        rule: how points are chosen.
        score: whether to keep the negative log-likelihood.
    """
    prompt = torch.from_numpy(work.prompt_of)
    rows, state = work.prompts.rows[prompt].float(), work.entered(prompt)
    points = torch.empty(work.max_points, 1, 5)
    drawn = points.numpy()
    losses = torch.empty(work.max_points, 1) if score else None
    index, first = torch.from_numpy(work.index_of), int(work.attempt_of[0]) << ATTEMPT_SHIFT
    done, over = 0, False
    while done < work.max_points and not over:
        at = done % _STEPS
        if not at:
            steps = torch.arange(first + done, first + min(done + _STEPS, work.max_points))
            noise = uniforms(work.seed, index, steps)[None]
        mine = None if losses is None else losses[done:]
        made, state = work.stepper.draw(rows, state, noise[:, at:], rule, points[done:], mine)
        done += made
        rows, over = points[done - 1], drawn[done - 1, 0, 4] == 1.0
    return work.draft(0, drawn[:done, 0], None if losses is None else losses[:done, 0].double().numpy())
