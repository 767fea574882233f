"""What a model keeps of its own making from one drawing to the next."""

from __future__ import annotations

from typing import Any, TypeVar

__all__ = ["Kept"]

K = TypeVar("K")
V = TypeVar("V")


class Kept(dict[K, V]):
    """Values that stay behind when the model is copied or pickled: they may hold what cannot be."""

    def __deepcopy__(self, memo: object) -> Kept[K, V]:
        return Kept()

    def __reduce__(self) -> Any:
        return (Kept, ())
