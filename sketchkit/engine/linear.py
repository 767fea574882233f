"""Products with weights that many steps share: laid out once for all."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["Linear"]

#: The number of rows that oneDNN's layout is made for. So laid out, a row comes out the same beside any other
#: number of rows.
_ROWS = 128


class Linear:
    """Products with the same weights, plus something.

    Args:
        weight: [N, K].
        packed: whether oneDNN may lay out the weights: it takes few rows at twice the speed and many a fifth
            faster, but a call costs more, so that a single row and small weights do not gain. Torch's
            compiler cannot look into it.
    """

    def __init__(self, weight: Tensor, packed: bool = False) -> None:
        self.turned = weight.mT.contiguous()  # [K, N]
        self._packed = _packed(weight) if packed else None

    def __call__(self, rows: Tensor, add: Tensor) -> Tensor:
        """Rows [B, K] to [B, N].

        Args:
            rows: in the weights' number type.
            add: [N] or [B, N]; not written to.
        """
        if self._packed is None or rows.shape[0] == 1:
            return torch.addmm(add, rows, self.turned)
        multiply: Any = torch.ops.mkldnn._linear_pointwise.binary
        out: Tensor = multiply(rows, add.expand(rows.shape[0], -1), self._packed, None, "add")
        return out


def _packed(weight: Tensor) -> Tensor | None:
    """Weights as oneDNN wants them; None where it does not multiply such."""
    there: Any = torch.backends.mkldnn.is_available
    if weight.device.type != "cpu" or weight.dtype != torch.float32 or not there():
        return None
    # Not of inference mode: training may meet them, too.
    with torch.inference_mode(False), torch.no_grad():
        laid_out: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach().clone(), _ROWS)
    return laid_out
