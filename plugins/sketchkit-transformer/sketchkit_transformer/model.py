"""The decoder-only transformer over stroke-5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from sketchkit.card import ModelCard
from sketchkit.models import Packing, SketchModel, State
from sketchkit_transformer.architecture import TransformerArchitecture
from sketchkit_transformer.layers import Block, Reading
from sketchkit_transformer.memory import RingLook, SpanLook
from sketchkit_transformer.packing import PackedLook

__all__ = ["TransformerModel"]


class TransformerModel(SketchModel):
    """A transformer that predicts each point from the last W rows, its start token among them.

    Its state is a ring of keys and one of values for each layer, [B, H, W, d], the number of rows so far,
    int64 [B], where the pen is, float32 [B, 2], if it reads that, and what the class became, [B, E], if it
    knows classes.

    Args:
        architecture: its sizes.
        card: the rest.
    """

    backend: ClassVar[str] = "transformer"
    architecture_type: ClassVar[type] = TransformerArchitecture
    dropout_option: ClassVar[str] = "dropout"
    architecture: TransformerArchitecture

    def __init__(self, architecture: TransformerArchitecture, card: ModelCard) -> None:
        super().__init__(architecture, card)
        a = architecture
        self.reading = Reading(a)
        self.classes = nn.Embedding(a.classes + 1, a.embedding) if a.classes else None
        self.told = nn.Linear(a.embedding, a.width, bias=False) if a.classes else None
        self.blocks = nn.ModuleList(Block(a) for _ in range(a.layers))
        self.norm = nn.LayerNorm(a.width)
        self.output = nn.Linear(a.width, 6 * a.mixtures + 3)

    # --- decoding -------------------------------------------------------------------------------------

    def initial_state(self, batch: int, z: Tensor | None = None, label: Tensor | None = None) -> State:
        """Nothing drawn yet, and the class; z must be None."""
        self._check_given(z, label)
        a, weight = self.architecture, self.output.weight
        age = torch.zeros(batch, dtype=torch.int64, device=weight.device)
        # A sum of many offsets: half precision would lose its way.
        exact = torch.promote_types(weight.dtype, torch.float32)
        at = (weight.new_zeros(batch, 2, dtype=exact),) if a.position else ()
        context = () if self.classes is None else (self._class_of(batch, label),)
        # Each of its own: whoever moves rows about writes to them.
        rings = (weight.new_zeros(batch, a.heads, a.window, a.head) for _ in range(2 * a.layers))
        return (*rings, age, *at, *context)

    @property
    def droppable(self) -> int:
        """K, what both parts of every block add to a row."""
        return 2 * self.architecture.layers * self.architecture.width

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """One point further; see `SketchModel`."""
        given, age, at, context = self._parted(state)
        at = None if at is None else at + rows[:, :2]
        # The state that was given stays as it is: somebody may go on from it twice.
        rings = [ring.clone() for ring in given]
        x = self._read(rows, at, context)
        for block, keys, values in zip(self.blocks, rings[::2], rings[1::2], strict=True):
            x = block(x, RingLook(keys, values, age))
        return self.output(self.norm(x)), _joined(rings, age + 1, at, context)

    def forward(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """Many points at once; see `SketchModel`."""
        if not rows.shape[1]:
            return rows.new_zeros(*rows.shape[:2], self.output.out_features), state
        given, age, at, context = self._parted(state)
        path = None if at is None else at[:, None] + rows[..., :2].cumsum(1, dtype=at.dtype)
        x = self._read(rows, path, None if context is None else context[:, None])
        rings: list[Tensor] = []
        for block, keys, values in zip(self.blocks, given[::2], given[1::2], strict=True):
            look = SpanLook(keys, values, age)
            x = block(x, look)
            rings += look.after
        last = None if path is None else path[:, -1]
        state = _joined(rings, age + rows.shape[1], last, context)
        return self.output(self.norm(x)), state

    # --- training -------------------------------------------------------------------------------------

    def packed(self, rows: Tensor, state: State, packing: Packing, keep: Tensor | None = None) -> Tensor:
        """The rows that count, for training, from the initial state; see `SketchModel`."""
        _, _, at, context = self._parted(state)
        path = None if at is None else packing.pack(at[:, None] + rows[..., :2].cumsum(1, dtype=at.dtype))
        x = self._read(packing.pack(rows), path, None if context is None else packing.spread(context))
        a = self.architecture
        look = PackedLook(packing, a.heads, a.head, a.window)
        kept = [None] * a.layers if keep is None else _pairs(keep, a.width)
        for block, pair in zip(self.blocks, kept, strict=True):
            x = block(x, look, pair)
        # Means and spreads need more digits than autocast would leave them.
        with torch.autocast(x.device.type, enabled=False):
            out: Tensor = self.output(self.norm(x.to(self.output.weight.dtype)))
        return out

    # --- parts ----------------------------------------------------------------------------------------

    def _read(self, rows: Tensor, at: Tensor | None, context: Tensor | None) -> Tensor:
        x: Tensor = self.reading(rows, at)
        return x if context is None or self.told is None else x + self.told(context)

    def _class_of(self, batch: int, label: Tensor | None) -> Tensor:
        """Classes [B] or [1], or None for no class, as [B, E]."""
        assert self.classes is not None
        if label is None:
            label = torch.tensor([self.architecture.classes], device=self.classes.weight.device)
        out: Tensor = self.classes(label)
        return out.expand(batch, -1)

    def _parted(self, state: State) -> tuple[State, Tensor, Tensor | None, Tensor | None]:
        """The rings, the age, where the pen is and the class, the last two None where there are none."""
        split = 2 * self.architecture.layers
        age, *others = state[split:]
        at = others.pop(0) if self.architecture.position else None
        return state[:split], age, at, others.pop() if others else None


def _joined(rings: Sequence[Tensor], age: Tensor, *others: Tensor | None) -> State:
    return (*rings, age, *(other for other in others if other is not None))


def _pairs(keep: Tensor, width: int) -> list[tuple[Tensor, Tensor]]:
    """What each block's two parts keep, [N, D] each."""
    parts = keep.chunk(keep.shape[-1] // width, -1)
    return list(zip(parts[::2], parts[1::2], strict=True))
