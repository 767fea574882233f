"""Models on numpy alone: reading, likelihoods, encoding and drawing without the import of torch.

Source: Ha & Eck 2017.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sketchkit.card import ModelCard
from sketchkit.errors import CheckpointError, InputError
from sketchkit.models.architectures import (
    DecoderArchitecture,
    VaeArchitecture,
    check_class_names,
    check_fields,
)
from sketchkit.models.drawing_model import DrawingModel, LatentModel
from sketchkit.models.flow import ArrayFlow
from sketchkit.models.lstm_weights import LSTMWeights
from sketchkit.models.numpy_lstm import NumpyLSTM, multiply
from sketchkit.numpy_density import log_prob

__all__ = ["ArrayModel", "ArrayVae"]

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
State = tuple[Float32, ...]


class ArrayModel(DrawingModel):
    """A model of the backend `decoder` whose cell is the plain LSTM; its weights are float32 arrays.

    Args:
        architecture: the fields of its architecture.
        card: the card.
        arrays: every weight by the name it has in a checkpoint.

    Raises:
        CheckpointError: a field of the architecture that is unknown; a weight that is missing, left over, of
            another shape or not finite.
        InputError: an architecture out of range, or with another number of classes than the card.
    """

    backend = "decoder"
    architecture_type: ClassVar[type] = DecoderArchitecture

    def __init__(
        self, architecture: Mapping[str, Any], card: ModelCard, arrays: Mapping[str, Float32]
    ) -> None:
        with check_fields(self.backend):
            self.architecture = self.architecture_type(**architecture)
        self.card = card
        check_class_names(self.architecture, card)
        arrays = {name: array.astype(np.float32, copy=False) for name, array in arrays.items()}
        _check_arrays(self._shapes(), arrays)
        self._arrays = arrays
        self.embedding = arrays.get("embedding.table.weight")
        weight_x, split = arrays["decoder.cell.weight_x"], self._row_size
        self._weights = LSTMWeights(
            weight_x[:, :split],
            arrays["decoder.cell.weight_h"],
            weight_x[:, split:] if self._context_size else None,
            self._biases("decoder.cell"),
            arrays["decoder.output.weight"],
            arrays["decoder.output.bias"],
            self.architecture.position,
        )

    @property
    def _row_size(self) -> int:
        return 7 if self.architecture.position else 5

    @property
    def _context_size(self) -> int:
        """How many numbers follow every row of the decoder."""
        return int(self.architecture.embedding) if self.architecture.classes else 0

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every weight."""
        sizes = self.architecture
        outputs = 6 * sizes.mixtures + 3
        return {
            **_cell_shapes("decoder.cell", self._row_size + self._context_size, sizes.hidden),
            "decoder.output.weight": (outputs, sizes.hidden),
            "decoder.output.bias": (outputs,),
            **({"embedding.table.weight": (sizes.classes + 1, sizes.embedding)} if sizes.classes else {}),
        }

    def _biases(self, cell: str) -> Float32:
        """The biases of a cell, with the forget gate's own, which is no weight."""
        bias = self._arrays[f"{cell}.bias"].copy()
        hidden = len(bias) // 4
        bias[hidden : 2 * hidden] += 1.0
        return bias

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
        return self._state_from(zeros, zeros, *self._embed(batch, label))

    def _embed(self, batch: int, label: Int64 | None) -> State:
        """The embedding of classes, [B, E], of a model with classes."""
        if self.embedding is None:
            return ()
        index = np.full(1, len(self.embedding) - 1) if label is None else np.asarray(label)
        return (np.broadcast_to(self.embedding[index], (batch, self.embedding.shape[1])),)

    def _state_from(self, hidden: Float32, memory: Float32, *context: Float32) -> State:
        at = (np.zeros((len(hidden), 2), np.float32),) if self.architecture.position else ()
        joined = (np.concatenate(context, 1),) if context else ()
        return (hidden, memory, *at, *joined)

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

    def read(self, rows: Float32, state: State) -> State:
        """The state after rows [B, T, 5]."""
        after = self.lstm.prepare_state(state)
        for t in range(rows.shape[1]):
            after = self.lstm.read(rows[:, t], after)
        return self.lstm.restore_state(after, state)

    def log_prob(
        self, rows: npt.NDArray[Any], state: tuple[Any, ...], first: Any = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Teacher forcing; see `DrawingModel`."""
        batch, time = rows.shape[:2]
        start = self.start_rows(batch) if first is None else first
        read = np.concatenate((start[:, None], rows[:, :-1]), 1, dtype=np.float32)
        hidden = np.empty((batch, time, self.lstm.hidden_size), np.float32)
        state = self.lstm.prepare_state(state)
        for t in range(time):
            state = self.lstm.read(read[:, t], state)
            hidden[:, t] = state[0]
        raw = self.lstm.outputs(hidden.reshape(batch * time, -1)).reshape(batch, time, -1)
        offset, pen = log_prob(raw, rows)
        return np.where(rows[..., 4] == 1.0, 0.0, offset), pen


class ArrayVae(ArrayModel, LatentModel):
    """A model of the backend `vae` whose decoder's cell is the plain LSTM; see `ArrayModel`."""

    backend = "vae"
    architecture_type = VaeArchitecture

    @property
    def _context_size(self) -> int:
        return int(self.architecture.latent) + super()._context_size

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        sizes = self.architecture
        read, both, latent = self._row_size, 2 * sizes.encoder_hidden, sizes.latent
        flow = ArrayFlow.shapes(latent, sizes.prior_axes, sizes.prior, sizes.classes, sizes.embedding)
        return {
            **super()._shapes(),
            **_cell_shapes("forward_cell", read, sizes.encoder_hidden),
            **_cell_shapes("backward_cell", read, sizes.encoder_hidden),
            **_layer_shapes("mu", both, latent),
            **_layer_shapes("presig", both, latent),
            **_layer_shapes("initial", latent, 2 * sizes.hidden),
            **({f"prior.{name}": shape for name, shape in flow.items()} if sizes.prior else {}),
        }

    @cached_property
    def _encoders(self) -> tuple[NumpyLSTM, NumpyLSTM]:
        """Both directions, as models without outputs."""
        outputs = np.zeros((0, self.architecture.encoder_hidden), np.float32), np.zeros(0, np.float32)
        forward, backward = (
            NumpyLSTM(
                LSTMWeights(
                    self._arrays[f"{cell}.weight_x"],
                    self._arrays[f"{cell}.weight_h"],
                    None,
                    self._biases(cell),
                    *outputs,
                    position=False,  # it is among the rows
                )
            )
            for cell in ("forward_cell", "backward_cell")
        )
        return forward, backward

    @cached_property
    def flow(self) -> ArrayFlow | None:
        """The learnt prior; None for the prior N(0, I)."""
        return ArrayFlow(self._arrays, "prior.") if self.architecture.prior else None

    def encode_batch(self, rows: Float32, lengths: Int64) -> tuple[Float32, Float32]:
        """The posterior of each drawing; see `LatentModel`."""
        if self.architecture.position:
            rows = np.concatenate((rows, rows[..., :2].cumsum(1)), 2)
        time = np.arange(rows.shape[1])
        order = np.where(time < lengths[:, None], lengths[:, None] - 1 - time, time)
        reversed_rows = np.take_along_axis(rows, order[..., None], 1)
        forward, backward = self._encoders
        last = (_last_output(forward, rows, lengths), _last_output(backward, reversed_rows, lengths))
        both = np.concatenate(last, 1)
        return self._linear("mu", both), self._linear("presig", both)

    def initial_state(self, batch: int, z: Any = None, label: Any = None) -> State:
        """tanh(W_z z + b_z) as (h, c), with z and the class behind it; see `DrawingModel`."""
        self._check_given(z, label)
        latent, size = np.asarray(z, np.float32), self.architecture.latent
        if latent.ndim != 2 or latent.shape[1] != size or len(latent) not in (1, batch):
            raise InputError(f"z must have the shape [{batch}, {size}], got {list(latent.shape)}")
        latent = np.broadcast_to(latent, (batch, size))
        source = np.tanh(latent) if self.architecture.tanh_z else latent
        hidden, memory = np.split(np.tanh(self._linear("initial", source)), 2, 1)
        return self._state_from(hidden, memory, latent, *self._embed(batch, label))

    def _linear(self, name: str, values: Float32) -> Float32:
        return multiply(values, self._arrays[f"{name}.weight"].T) + self._arrays[f"{name}.bias"]


def _last_output(lstm: NumpyLSTM, rows: Float32, lengths: Int64) -> Float32:
    """What an LSTM that begins at zero gives for the last row of each drawing, [B, H]."""
    hidden = np.zeros((len(rows), lstm.hidden_size), np.float32)
    memory = np.zeros_like(hidden)
    for t in range(int(lengths.max(initial=0))):
        going = np.flatnonzero(lengths > t)
        hidden[going], memory[going] = lstm.read(rows[going, t], (hidden[going], memory[going]))
    return hidden


def _cell_shapes(name: str, read: int, hidden: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{name}.weight_x": (4 * hidden, read),
        f"{name}.weight_h": (4 * hidden, hidden),
        f"{name}.bias": (4 * hidden,),
    }


def _layer_shapes(name: str, read: int, given: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (given, read), f"{name}.bias": (given,)}


def _check_arrays(expected: Mapping[str, tuple[int, ...]], arrays: Mapping[str, Float32]) -> None:
    """Refuse weights of other names and shapes, or that are not finite.

    Raises:
        CheckpointError: the first of them.
    """
    for name in sorted(expected.keys() ^ arrays.keys()):
        raise CheckpointError(f"the weight {name!r} is {'missing' if name in expected else 'unknown'}")
    for name, array in arrays.items():
        if array.shape != expected[name]:
            shapes = f"{list(array.shape)}, not {list(expected[name])}"
            raise CheckpointError(f"the weight {name!r} has the shape {shapes}")
        if not np.isfinite(array).all():
            raise CheckpointError(f"the weight {name!r} holds a number that is not finite")
