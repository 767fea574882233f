"""A model backend: a step for decoding, a forward pass for scoring, losses for training, and a card.

All arrays here are in *model units*: offsets divided by the card's scale factor. `generate` translates
between those and drawing units.
"""

from __future__ import annotations

import dataclasses
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from sketchkit.arguments import renamed
from sketchkit.card import ModelCard
from sketchkit.density import MixtureDensity
from sketchkit.errors import InputError
from sketchkit.models.architectures import check_class_names, check_flags, check_sizes
from sketchkit.models.cells.packed import Packing
from sketchkit.models.drawing_model import AnyClass, DrawingModel
from sketchkit.models.losses import EQUAL, Batch, Losses, Weights, reconstruction_losses

__all__ = ["SketchModel", "State", "WholeDrawingModel", "check_flags", "check_sizes", "to_numpy"]

State = tuple[Tensor, ...]


class SketchModel(nn.Module, DrawingModel, ABC):
    """A model that predicts the next point of a drawing.

    Subclasses register in the entry-point group `sketchkit.models` under the name in `backend`, and are made
    with fresh weights by `Subclass(architecture, card)`.

    Args:
        architecture: an instance of `architecture_type`: all that shapes the weights.
        card: the rest.
    """

    #: A frozen dataclass of numbers and strings, which raises InputError for sizes out of range.
    architecture_type: ClassVar[type]
    #: The option of a training by whose share `keep` of `packed` drops numbers: `dropout`, or
    #: `recurrent_dropout`; empty for a model without dropout, whose training refuses both.
    dropout_option: ClassVar[str] = ""

    def __init__(self, architecture: Any, card: ModelCard) -> None:
        super().__init__()
        self.architecture = architecture
        self.card = card
        check_class_names(architecture, card)

    # --- required of a backend ------------------------------------------------------------------------

    @abstractmethod
    def initial_state(self, batch: int, z: Tensor | None = None, label: Tensor | None = None) -> State:
        """The state before the start token, a tuple of [B, ...] tensors.

        Args:
            batch: B.
            z: [B, Z] for a conditional model.
            label: int64 [B] or [1], classes as indices into `card.classes`, for a model that knows classes;
                the number of classes, like None, stands for an unknown class.
        """

    @abstractmethod
    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """One point further: rows [B, 5] in model units -> raw outputs [B, 6M + 3] and the next state."""

    def forward(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """Many points at once: rows [B, T, 5] -> raw outputs [B, T, 6M + 3] and the state after the last."""
        raw = []
        for t in range(rows.shape[1]):
            out, state = self.step(rows[:, t], state)
            raw.append(out)
        return torch.stack(raw, 1), state

    # --- for its training -----------------------------------------------------------------------------

    @property
    def droppable(self) -> int:
        """K, how many numbers of a row dropout may drop; see `dropout_option`."""
        return 0

    @property
    def droppable_ink(self) -> int:
        """K, how many numbers of a row before the end row dropout may drop besides, such as an encoder's."""
        return 0

    @property
    def noise_size(self) -> int:
        """K, how many standard normal numbers the losses of a drawing are computed with."""
        return 0

    def losses(self, batch: Batch, weights: Weights = EQUAL, *, evaluating: bool = False) -> Losses:
        """The losses of a batch, term by term, which a training minimises, logs and plots.

        A training adds the terms up, each multiplied by the option NAME_weight where it has such an option,
        or the architecture declares it; `TrainConfig.loss_weight` tells how the weight rises. All chance is
        in the batch. This method asks `packed`; a model that does not predict the next point overrides it.

        Args:
            batch: the drawings.
            weights: by name; a term whose weight is 0 may be left out where it would cost something.
            evaluating: whether held-out drawings are measured: without the pen state of end rows, and with
                `nll`, the negative log-likelihood of all rows as a plain sum, for a model that knows it.

        Returns:
            Scalars by name (a-z and underscores), each a mean over the `batch.drawings` of the whole batch,
            so that those of all processes add up to it; differentiable.

        Source: Ha & Eck 2017, equation 9.
        """
        return self.reconstruction_losses(batch, weights, evaluating=evaluating)

    def reconstruction_losses(
        self, batch: Batch, weights: Weights = EQUAL, *, evaluating: bool = False, z: Tensor | None = None
    ) -> Losses:
        """The losses under teacher forcing of a model that predicts the next point; see `losses`.

        Args:
            batch: the drawings.
            weights: by name.
            evaluating: see `losses`.
            z: [B, Z], for a conditional model.
        """
        read, wanted = batch.with_offset_noise()
        inputs = torch.cat((self.start_rows(len(read))[:, None], read[:, :-1]), 1)
        state = self.initial_state(len(read), z, batch.label)
        raw = self.packed(inputs, state, batch.packing, batch.scale(batch.keep))
        points = batch.packing.pack(wanted)
        return reconstruction_losses(
            raw, points, batch.drawings, batch.nmax, weights, evaluating=evaluating, weight=batch.weight
        )

    def packed(self, rows: Tensor, state: State, packing: Packing, keep: Tensor | None = None) -> Tensor:
        """The raw outputs of a batch for training, without the padding.

        A backend that can leave out the padding, or that drops numbers, brings its own; this one selects the
        rows of `forward`.

        Args:
            rows: [B, T, 5] in model units, each drawing's start token first.
            state: before the first of them.
            packing: which rows count, N in all, and their order.
            keep: [N, K], packed, factors of the droppable numbers (0 or 1 / share kept); or None.

        Returns:
            Raw outputs [N, 6M + 3], differentiable.
        """
        raw, _ = self(rows, state)
        return packing.pack(raw)

    # --- to draw --------------------------------------------------------------------------------------

    def draw(
        self,
        index: npt.NDArray[np.int64],
        *,
        seed: int,
        label: Tensor | None = None,
        temperature: float = 1.0,
        max_points: int,
    ) -> list[npt.NDArray[np.float32]]:
        """Whole drawings, of a model that does not draw point by point; `sketchkit.generate.sample` asks it.

        Args:
            index: int64 [n], of the drawings. Drawing i is a function of the seed, its index and its class
                alone; `sketchkit.noise` has random numbers for that.
            seed: 0..2^63 - 1.
            label: int64 [n], classes as indices, for a model that knows classes; None for an unknown class.
            temperature: tau, 0 or more; 1 is the model itself, less is tidier.
            max_points: the most rows of a drawing, its end row aside.

        Returns:
            n drawings, each float32 [T, 5] rows in model units; the last is an end row where the model ended
            the drawing.

        Raises:
            InputError: a model that draws point by point.
        """
        raise InputError(f"the model {self.card.name!r} draws point by point, from `step`")

    @property
    def draws_wholes(self) -> bool:
        """Whether the model draws whole drawings itself, by `draw`."""
        return type(self).draw is not SketchModel.draw

    # --- shared ---------------------------------------------------------------------------------------

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.weights()).device

    @property
    def on_cpu(self) -> bool:
        """Whether the weights lie in the memory of the CPU."""
        return self.device.type == "cpu"

    @property
    def dtype(self) -> torch.dtype:
        """The number type of the weights."""
        return next(self.weights()).dtype

    def weights(self) -> Iterator[nn.Parameter]:
        """The same as `parameters`, in any order and a shared one twice, in a tenth of the time."""
        modules: list[nn.Module] = [self]
        for module in modules:
            yield from (weight for weight in module._parameters.values() if weight is not None)
            modules += (inner for inner in module._modules.values() if inner is not None)

    def start_rows(self, batch: int, start: npt.ArrayLike | None = None) -> Tensor:
        """The start token once a row, [B, 5]."""
        token = torch.as_tensor(_numbers(self.card.start if start is None else start, "a start token"))
        if token.shape != (5,):
            raise InputError(f"a start token has 5 numbers, got the shape {list(token.shape)}")
        return token.to(self.dtype).to(self.device).expand(batch, 5)

    def rows_of(self, stroke5: npt.ArrayLike) -> Tensor:
        """Rows [T, 5] in model units as a tensor of the model's number type and device.

        Raises:
            InputError: another shape, or a value that is not a number.
        """
        rows = _numbers(stroke5, "stroke-5")
        if rows.size == 0:
            rows = rows.reshape(0, 5)
        if rows.ndim != 2 or rows.shape[1] != 5:
            raise InputError(f"stroke-5 must have the shape [T, 5], got {list(rows.shape)}")
        return torch.as_tensor(rows).to(self.dtype).to(self.device)

    @renamed(label="class_name")
    @torch.inference_mode()
    def raw_outputs(
        self,
        stroke5: npt.ArrayLike,
        start: npt.ArrayLike | None = None,
        z: npt.ArrayLike | None = None,
        class_name: AnyClass | None = None,
    ) -> npt.NDArray[Any]:
        """The raw outputs under teacher forcing.

        Args:
            stroke5: [T, 5] rows in model units (offsets divided by `card.scale_factor`).
            start: the start token, 5 numbers; the card's when None.
            z: [Z], for a conditional model.
            class_name: one of `card.classes`, for a model that knows classes.

        Returns:
            [T + 1, 6M + 3] in the model's number type (half precision as float32); row 0 follows the start
            token, row k follows `stroke5[k - 1]`.

        Raises:
            InputError: a shape that does not fit, or a z that is missing or superfluous.
        """
        inputs = torch.cat((self.start_rows(1, start), self.rows_of(stroke5)))[None]
        latent = None if z is None else torch.as_tensor(_numbers(z, "a latent vector"))[None]
        raw, _ = self(inputs, self.initial_state(1, latent, self.label_index(class_name)))
        return to_numpy(raw[0])

    def to_own(self, values: npt.NDArray[Any]) -> Tensor:
        """Numbers [...] as a tensor on the model's device; floats in its number type."""
        own = torch.from_numpy(values).to(self.device)
        return own.to(self.dtype) if own.is_floating_point() else own

    @torch.inference_mode()
    def log_prob(
        self, rows: npt.NDArray[Any], state: State, first: Tensor | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Teacher forcing; see `DrawingModel`."""
        wide = torch.promote_types(self.dtype, torch.float32)
        points = torch.from_numpy(rows).to(wide).to(self.device)
        start = self.start_rows(len(rows)) if first is None else first
        raw, _ = self(torch.cat((start[:, None], points[:, :-1].to(self.dtype)), 1), state)
        offset, pen = MixtureDensity(raw).log_prob(points)
        inked = torch.where(points[..., 4] == 1.0, 0.0, offset)
        return inked.cpu().double().numpy(), pen.cpu().double().numpy()

    @torch.inference_mode()
    def score(self, rows: Tensor, lengths: Tensor, state: State | None = None) -> Tensor:
        """Negative log-likelihood of whole drawings, natural logarithm, in model units.

        Args:
            rows: [B, T, 5] in model units, padded with anything.
            lengths: int64 [B], how many rows count, an end row included; an end row's offset does not count.
            state: the state before the start token; the initial one when None.

        Returns:
            [B] sums over the rows, float32 or better.
        """
        batch, time = rows.shape[:2]
        inputs = torch.cat((self.start_rows(batch)[:, None], rows[:, :-1].to(self.dtype)), 1)
        raw, _ = self(inputs, self.initial_state(batch) if state is None else state)
        offset, pen = MixtureDensity(raw).log_prob(rows)
        counts = torch.arange(time, device=rows.device) < lengths[:, None]
        inked = counts & (rows[..., 4] == 0)
        return -(torch.where(inked, offset, 0.0) + torch.where(counts, pen, 0.0)).sum(-1)

    def save(
        self,
        path: str | PathLike[str],
        *,
        overwrite: bool = True,
        dtype: str | torch.dtype | None = None,
    ) -> None:
        """Write a native checkpoint (safetensors with the card as JSON inside) atomically.

        Args:
            path: ends in `.safetensors`.
            overwrite: whether an existing file may go.
            dtype: the number type to store the weights in, such as `float16` for half the size; their own
                when None.

        Raises:
            InputError: a file that exists although `overwrite` is false, a folder that cannot be written, or
                a weight that the number type cannot hold.
            DeviceError: an unknown number type.
        """
        # The store of files lies above the models; a model only knows that it can be saved.
        from sketchkit.checkpoints.native import save_model

        save_model(self, path, overwrite=overwrite, dtype=dtype)

    def weights_checksum(self) -> str:
        """Of names and numbers, the same on every device: 16 bytes of BLAKE2b in hexadecimal."""
        digest = hashlib.blake2b(digest_size=16)
        for name, tensor in sorted(self.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
            flat = tensor.detach().cpu().contiguous().reshape(-1)
            digest.update(flat.view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def with_card(self, **changes: Any) -> Self:
        """The same model (weights shared, not copied) with another card."""
        self.card = dataclasses.replace(self.card, **changes)
        return self

    def label_index(self, label: AnyClass | Sequence[AnyClass | None] | None) -> Tensor | None:
        """Classes by their names, as a tensor; see `class_indices`."""
        indices = self.class_indices(label)
        return None if indices is None else torch.from_numpy(indices).to(self.device)


class WholeDrawingModel(SketchModel):
    """A model that does not predict the next point: it brings `losses` and `draw` and has no steps.

    Commands that begin with a part of a drawing, or ask how likely it is, refuse such a model.
    """

    @abstractmethod
    def losses(self, batch: Batch, weights: Weights = EQUAL, *, evaluating: bool = False) -> Losses:
        """What a batch costs; see `SketchModel`."""

    @abstractmethod
    def draw(
        self,
        index: npt.NDArray[np.int64],
        *,
        seed: int,
        label: Tensor | None = None,
        temperature: float = 1.0,
        max_points: int,
    ) -> list[npt.NDArray[np.float32]]:
        """Whole drawings; see `SketchModel`."""

    def initial_state(self, batch: int, z: Tensor | None = None, label: Tensor | None = None) -> State:
        """Refused: there are no steps."""
        raise self._stepless()

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """Refused: there are no steps."""
        raise self._stepless()

    def _stepless(self) -> InputError:
        return InputError(f"the model {self.card.name!r} draws whole drawings at once, not point by point")


def to_numpy(values: Tensor) -> npt.NDArray[Any]:
    """A tensor as an array; half precision as float32, since numpy has no bfloat16."""
    wide = values.float() if values.dtype in (torch.bfloat16, torch.float16) else values
    return np.asarray(wide.cpu().numpy())


def _numbers(values: npt.ArrayLike, what: str) -> npt.NDArray[np.float64]:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} must be numbers: {error}") from error
