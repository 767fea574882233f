"""What a transformer remembers of a drawing: the keys and values of its last rows, in rings of fixed size.

A ring of a drawing is [H, W, d]: the row at place p writes at p modulo W, over the one that no later row may
look at. Each drawing of a batch has its own age, so that the decoding loop can move them about.

Every layer has a ring of keys and one of values, each a tensor of its own: they are copied at every step, and
what is larger than 32 MB the C library takes afresh from the system each time, which takes longer than that.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from sketchkit_transformer.layers import rotated, turns

__all__ = ["RingLook", "SpanLook"]


class RingLook:
    """The attention of one row a drawing, which writes itself into the rings first.

    Args:
        keys: [B, H, W, d], written to.
        values: [B, H, W, d], written to.
        age: int64 [B], how many rows came before.
    """

    def __init__(self, keys: Tensor, values: Tensor, age: Tensor) -> None:
        self.keys, self.values, self.age = keys, values, age

    def __call__(self, asked: Tensor) -> Tensor:
        """Queries, keys and values [B, 3D] to what is seen, [B, D]."""
        batch, heads, window, head = self.keys.shape
        parts = asked.view(batch, 3, heads, head)
        by = turns(self.age, head)[:, None]  # [B, 1, d / 2]
        query, key = rotated(parts[:, 0], by), rotated(parts[:, 1], by)
        here, slot = torch.arange(batch, device=asked.device), self.age % window
        self.keys[here, :, slot] = key
        self.values[here, :, slot] = parts[:, 2]
        slots = torch.arange(window, device=asked.device)
        written = slots <= self.age[:, None]  # once the ring is full, all of it
        seen = F.scaled_dot_product_attention(
            query[:, :, None], self.keys, self.values, attn_mask=written[:, None, None]
        )
        return seen.reshape(batch, heads * head)


class SpanLook:
    """The attention of many rows a drawing, which look at the rings and at each other.

    Args:
        keys: [B, H, W, d], what came before, only read.
        values: [B, H, W, d], likewise.
        age: int64 [B], how many rows came before.
    """

    def __init__(self, keys: Tensor, values: Tensor, age: Tensor) -> None:
        self.keys, self.values, self.age = keys, values, age
        #: The rings after these rows, new ones; once they have looked.
        self.after: tuple[Tensor, Tensor] = (keys, values)

    def __call__(self, asked: Tensor) -> Tensor:
        """Queries, keys and values [B, T, 3D] to what is seen, [B, T, D]."""
        batch, heads, window, head = self.keys.shape
        time = asked.shape[1]
        parts = asked.view(batch, time, 3, heads, head).permute(2, 0, 3, 1, 4)  # [3, B, H, T, d]
        places = self.age[:, None] + torch.arange(time, device=asked.device)  # [B, T]
        by = turns(places, head)[:, None]  # [B, 1, T, d / 2]
        query, key, value = rotated(parts[0], by), rotated(parts[1], by), parts[2]
        self.after = (_remembered(self.keys, key, places), _remembered(self.values, value, places))
        kept = self._kept_places(window)
        back = places[..., None] - torch.cat((kept, places), -1)[:, None]  # [B, T, W + T]
        looks = (back >= 0) & (back < window)
        looks[..., :window] &= kept[:, None] >= 0
        keys, values = torch.cat((self.keys, key), 2), torch.cat((self.values, value), 2)
        seen = F.scaled_dot_product_attention(query, keys, values, attn_mask=looks[:, None])
        return seen.transpose(1, 2).reshape(batch, time, heads * head)

    def _kept_places(self, window: int) -> Tensor:
        """The place of the row in each slot, int64 [B, W]; below 0 where none is."""
        slots = torch.arange(window, device=self.age.device)
        last = self.age[:, None] - 1
        return last - (last - slots) % window


def _remembered(ring: Tensor, new: Tensor, places: Tensor) -> Tensor:
    """A ring [B, H, W, d] with keys or values [B, H, T, d] written at their places [B, T], a new one."""
    window = ring.shape[2]
    slots = (places % window)[:, -window:]  # of more rows than slots, the last stay
    where = slots[:, None, :, None].expand(-1, ring.shape[1], -1, ring.shape[3])
    return ring.scatter(2, where, new[:, :, -window:].to(ring.dtype))
