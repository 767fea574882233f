"""Attention over packed rows: drawings of about one length together, so that little padding is looked at."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from sketchkit.models import Packing
from sketchkit_transformer.layers import rotated, turns

__all__ = ["PackedLook"]

#: How many drawings look together: fewer are many small calls, more have more padding between them.
_TOGETHER = 25


@dataclass(frozen=True)
class _Group:
    """Drawings of about one length.

    Args:
        rows: int64 [G, T], the packed row of each drawing's steps; behind its end any other.
        mask: None where every row looks at all before it, else bool [T, T], what each looks at.
    """

    rows: Tensor
    mask: Tensor | None


class PackedLook:
    """The attention of a batch whose rows are packed.

    Args:
        packing: of the rows.
        heads: H.
        head: d.
        window: W.
    """

    def __init__(self, packing: Packing, heads: int, head: int, window: int) -> None:
        self.heads = heads
        device = packing.rows.device
        #: Complex [N, 1, d / 2], by how much each row's queries and keys are turned.
        self._turns = turns(packing.rows % packing.time, head)[:, None]
        counts = torch.tensor(packing.counts, device=device)
        begins, drawings = counts.cumsum(0) - counts, len(packing.order)
        self._groups: list[_Group] = []
        place = 0
        #: int64 [N], where each packed row's result lies in those of all groups, laid end to end.
        self._back = torch.empty(len(packing.rows), dtype=torch.int64, device=device)
        for first in range(0, drawings, _TOGETHER):
            mine = torch.arange(first, min(first + _TOGETHER, drawings), device=device)
            time = sum(count > first for count in packing.counts)  # of the longest, which is the first
            going = mine[:, None] < counts[:time]
            rows = torch.where(going, begins[:time] + mine[:, None], 0)
            flat = torch.arange(place, place + rows.numel(), device=device).view_as(rows)
            self._back[rows[going]] = flat[going]
            place += rows.numel()
            self._groups.append(_Group(rows, _band(time, window, device)))

    def __call__(self, asked: Tensor) -> Tensor:
        """Queries, keys and values [N, 3D] to what is seen, [N, D]."""
        parts = asked.view(len(asked), 3 * self.heads, -1)  # [N, 3H, d]
        looking, values = parts[:, : 2 * self.heads], parts[:, 2 * self.heads :]
        turned = torch.cat((rotated(looking, self._turns), values), 1).flatten(1)
        out = [self._seen(turned, group) for group in self._groups]
        return torch.cat(out).index_select(0, self._back)

    def _seen(self, turned: Tensor, group: _Group) -> Tensor:
        drawings, time = group.rows.shape
        mine = turned.index_select(0, group.rows.flatten())
        query, key, value = mine.view(drawings, time, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind()
        # What stands behind a drawing's end is any other row, at which no row before the end looks.
        seen = F.scaled_dot_product_attention(
            query, key, value, attn_mask=group.mask, is_causal=group.mask is None
        )
        return seen.transpose(1, 2).reshape(drawings * time, -1)


def _band(time: int, window: int, device: torch.device) -> Tensor | None:
    if time <= window:
        return None
    steps = torch.arange(time, device=device)
    back = steps[:, None] - steps
    return (back >= 0) & (back < window)
