"""A decoder-only LSTM model on numpy alone: reading, likelihoods and drawing without the import of torch.

Source: Ha & Eck 2017, section 3.3 (unconditional generation).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.card import ModelCard
from sketchkit.errors import CheckpointError
from sketchkit.models.drawing_model import DrawingModel
from sketchkit.models.lstm_weights import LSTMWeights
from sketchkit.models.numpy_lstm import NumpyLSTM
from sketchkit.numpy_density import log_prob

__all__ = ["ArrayModel"]

Float32 = npt.NDArray[np.float32]
State = tuple[Float32, ...]

_DEFAULTS = {"classes": 0, "embedding": 32, "position": False}


class ArrayModel(DrawingModel):
    """A model of the backend `decoder` whose cell is the plain LSTM; its weights are float32 arrays.

    Args:
        architecture: the fields of `DecoderArchitecture`.
        card: the card.
        arrays: every weight by the name it has in a checkpoint.

    Raises:
        CheckpointError: a weight that is missing, left over, of another shape or not finite.
    """

    backend = "decoder"

    def __init__(
        self, architecture: Mapping[str, Any], card: ModelCard, arrays: Mapping[str, Float32]
    ) -> None:
        self.architecture = SimpleNamespace(**{**_DEFAULTS, **architecture})
        self.card = card
        arrays = {name: array.astype(np.float32, copy=False) for name, array in arrays.items()}
        _check_arrays(self.architecture, arrays)
        self._arrays = arrays
        bias = arrays["decoder.cell.bias"].copy()
        hidden = self.architecture.hidden
        bias[hidden : 2 * hidden] += 1.0  # the forget gate's own, which is no weight
        weight_x, split = arrays["decoder.cell.weight_x"], 7 if self.architecture.position else 5
        self.embedding = arrays.get("embedding.table.weight")
        self._weights = LSTMWeights(
            weight_x[:, :split],
            arrays["decoder.cell.weight_h"],
            None if self.embedding is None else weight_x[:, split:],
            bias,
            arrays["decoder.output.weight"],
            arrays["decoder.output.bias"],
            self.architecture.position,
        )

    @cached_property
    def lstm(self) -> NumpyLSTM:
        """The step of the model, whose weights are laid out once."""
        return NumpyLSTM(self._weights)

    @property
    def lstm_weights(self) -> LSTMWeights:
        """The weights; see `DrawingModel`."""
        return self._weights

    @property
    def device(self) -> str:
        """The CPU."""
        return "cpu"

    @property
    def dtype(self) -> str:
        """float32."""
        return "torch.float32"

    @property
    def on_cpu(self) -> bool:
        """True."""
        return True

    def weights_checksum(self) -> str:
        """Of names and numbers, the same as that of the `SketchModel`: 16 bytes of BLAKE2b in hexadecimal."""
        digest = hashlib.blake2b(digest_size=16)
        for name, array in sorted(self._arrays.items()):
            digest.update(f"{name} torch.float32 {list(array.shape)}\n".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def initial_state(self, batch: int, z: Any = None, label: Any = None) -> State:
        """Zeros, and the class behind them; z must be None. See `DrawingModel`."""
        self._check_given(z, label)
        zeros = np.zeros((batch, self.architecture.hidden), np.float32)
        at = (np.zeros((batch, 2), np.float32),) if self.architecture.position else ()
        if self.embedding is None:
            return (zeros, zeros, *at)
        index = np.full(1, len(self.embedding) - 1) if label is None else np.asarray(label)
        return (zeros, zeros, *at, np.broadcast_to(self.embedding[index], (batch, self.embedding.shape[1])))

    def start_rows(self, batch: int) -> Float32:
        """The start token once a row, [B, 5]."""
        return np.broadcast_to(np.asarray(self.card.start, np.float32), (batch, 5))

    def to_own(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Floats as float32, other numbers as they are."""
        return values.astype(np.float32, copy=False) if values.dtype.kind == "f" else values

    def step(self, rows: Any, state: tuple[Any, ...]) -> tuple[Float32, State]:
        """One point further; see `DrawingModel`."""
        raw, after = self.lstm(rows, self.lstm.prepare_state(state))
        return raw, self.lstm.restore_state(after, state)

    def log_prob(
        self, rows: npt.NDArray[Any], state: tuple[Any, ...], first: Any = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Teacher forcing; see `DrawingModel`."""
        batch, time = rows.shape[:2]
        start = self.start_rows(batch) if first is None else first
        read = np.concatenate((start[:, None], rows[:, :-1]), 1, dtype=np.float32)
        raw = np.empty((batch, time, len(self._weights.output_bias)), np.float32)
        state = self.lstm.prepare_state(state)
        for t in range(time):
            raw[:, t], state = self.lstm(read[:, t], state)
        offset, pen = log_prob(raw, rows)
        return np.where(rows[..., 4] == 1.0, 0.0, offset), pen


def _check_arrays(sizes: Any, arrays: Mapping[str, Float32]) -> None:
    """Refuse weights that do not fit an architecture.

    Raises:
        CheckpointError: the first of them.
    """
    read = (7 if sizes.position else 5) + (sizes.embedding if sizes.classes else 0)
    expected = {
        "decoder.cell.weight_x": (4 * sizes.hidden, read),
        "decoder.cell.weight_h": (4 * sizes.hidden, sizes.hidden),
        "decoder.cell.bias": (4 * sizes.hidden,),
        "decoder.output.weight": (6 * sizes.mixtures + 3, sizes.hidden),
        "decoder.output.bias": (6 * sizes.mixtures + 3,),
        **({"embedding.table.weight": (sizes.classes + 1, sizes.embedding)} if sizes.classes else {}),
    }
    for name in sorted(expected.keys() ^ arrays.keys()):
        raise CheckpointError(f"the weight {name!r} is {'missing' if name in expected else 'unknown'}")
    for name, array in arrays.items():
        if array.shape != expected[name]:
            shapes = f"{list(array.shape)}, not {list(expected[name])}"
            raise CheckpointError(f"the weight {name!r} has the shape {shapes}")
        if not np.isfinite(array).all():
            raise CheckpointError(f"the weight {name!r} holds a number that is not finite")
