"""The conditional variational autoencoder: a drawing to z, and z to a drawing.

Source: Ha & Eck 2017, sections 3.1 and 3.2, equations 1 to 8.
"""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import numpy.typing as npt
import torch
from torch import Tensor, nn

from sketchkit.card import ModelCard
from sketchkit.errors import InputError
from sketchkit.models.architectures import VaeArchitecture
from sketchkit.models.base import State, to_numpy
from sketchkit.models.cells import LSTMCell, Packing
from sketchkit.models.decoder import ClassEmbedding, DecoderRNN, RecurrentModel, row_size, with_position
from sketchkit.models.drawing_model import LatentModel
from sketchkit.models.losses import EQUAL, Batch, Losses, Weights, kl_loss
from sketchkit.models.lstm_weights import LSTMWeights
from sketchkit.models.prior import FlowPrior

__all__ = ["VaeArchitecture", "VaeModel"]


class VaeModel(RecurrentModel, LatentModel):
    """A bidirectional encoder to z and a decoder that reads z with every row.

    Args:
        architecture: its sizes.
        card: the rest.
    """

    backend: ClassVar[str] = "vae"
    architecture_type: ClassVar[type] = VaeArchitecture
    conditional: ClassVar[bool] = True
    architecture: VaeArchitecture

    def __init__(self, architecture: VaeArchitecture, card: ModelCard) -> None:
        super().__init__(architecture, card)
        a = architecture
        self.forward_cell = LSTMCell(row_size(a.position), a.encoder_hidden)
        self.backward_cell = LSTMCell(row_size(a.position), a.encoder_hidden)
        self.mu = nn.Linear(2 * a.encoder_hidden, a.latent)
        self.presig = nn.Linear(2 * a.encoder_hidden, a.latent)
        self.initial = nn.Linear(a.latent, 2 * a.hidden)
        self.embedding = ClassEmbedding(a.classes, a.embedding) if a.classes else None
        context_size = a.latent + (a.embedding if a.classes else 0)
        self.decoder = DecoderRNN(context_size, a.hidden, a.mixtures, a.cell, a.position)
        self.prior = FlowPrior(a.latent, a.prior_axes, a.prior, a.classes, a.embedding) if a.prior else None

    # --- encode ---------------------------------------------------------------------------------------

    def encode_batch(self, rows: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The posterior of each drawing; see `LatentModel`."""
        return self.encode_packed(rows, lengths, Packing.of(lengths, rows.shape[1]))

    def encode_packed(
        self, rows: Tensor, lengths: Tensor, packing: Packing, keep: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The posterior of each drawing, as `encode_batch`, for training.

        Args:
            rows: [B, T, 5] in model units.
            lengths: int64 [B], 1..T.
            packing: of these lengths.
            keep: [N, 2E], packed, factors of the candidate values of both directions under recurrent dropout;
                None without dropout.
        """
        if self.architecture.position:
            rows = with_position(rows)
        both_ways = torch.stack([packing.pack(rows), packing.pack(_reverse(rows, lengths))])
        kept = None if keep is None else torch.stack(keep.chunk(2, -1))
        cells = (self.forward_cell, self.backward_cell)
        outputs = LSTMCell.packed_together(cells, both_ways, packing, kept)
        both = torch.cat([packing.last(each) for each in outputs], -1)
        return self.mu(both), self.presig(both)

    @torch.inference_mode()
    def encode(self, stroke5: npt.ArrayLike) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """The posterior of one drawing.

        Args:
            stroke5: [T, 5] rows in model units, T at least 1; Magenta's JavaScript encodes the end row too,
                its TensorFlow code stops before it.

        Returns:
            mu [Z] and sigma [Z], with sigma = exp(log variance / 2).

        Raises:
            InputError: another shape, or an empty drawing.
        """
        rows = self.rows_of(stroke5)[None]
        if not rows.shape[1]:
            raise InputError("a drawing without rows cannot be encoded")
        mu, log_variance = self.encode_batch(rows, torch.tensor([rows.shape[1]], device=rows.device))
        return to_numpy(mu[0]), to_numpy((log_variance[0] / 2).exp())

    # --- learn ----------------------------------------------------------------------------------------

    @property
    def noise_size(self) -> int:
        """Z, the numbers that z is drawn with."""
        return self.architecture.latent

    @property
    def droppable_ink(self) -> int:
        """2E, the candidate values of both directions of the encoder."""
        return 2 * self.architecture.encoder_hidden

    def losses(self, batch: Batch, weights: Weights = EQUAL, *, evaluating: bool = False) -> Losses:
        """L_s, L_p and L_KL, with z drawn from the posterior by the noise of the batch; see `SketchModel`.

        Source: Ha & Eck 2017, equations 1, 2, 9 and 10. The released code drops candidates of the encoder,
            too.
        """
        keep = batch.scale(batch.ink_keep)
        mu, log_variance = self.encode_packed(batch.points, batch.inks, batch.ink_packing, keep)
        z = mu if batch.noise is None else mu + (log_variance / 2).exp() * batch.noise.to(mu.dtype)
        kl = kl_loss(mu, log_variance) * batch.share
        return {**self.reconstruction_losses(batch, weights, evaluating=evaluating, z=z), "kl": kl}

    # --- the prior ------------------------------------------------------------------------------------

    @property
    def flow(self) -> FlowPrior | None:
        """The prior in float32, whatever the rest computes in; None for the prior N(0, I)."""
        if self.prior is None or self.prior.mean.dtype == torch.float32:
            return self.prior
        return copy.deepcopy(self.prior).float()

    # --- decode ---------------------------------------------------------------------------------------

    def initial_state(self, batch: int, z: Tensor | None = None, label: Tensor | None = None) -> State:
        """tanh(W_z z + b_z) as (h, c), with z and the class behind it for every later step."""
        self._check_given(z, label)
        latent = torch.as_tensor(z).to(self.dtype).to(self.device)
        size = self.architecture.latent
        if latent.dim() != 2 or latent.shape[1] != size or latent.shape[0] not in (1, batch):
            raise InputError(f"z must have the shape [{batch}, {size}], got {list(latent.shape)}")
        latent = latent.expand(batch, size)
        source = torch.tanh(latent) if self.architecture.tanh_z else latent
        hidden, memory = torch.tanh(self.initial(source)).chunk(2, -1)
        context = () if self.embedding is None else (self.embedding(batch, label),)
        return self.decoder.state_from(hidden, memory, latent, *context)

    @property
    def lstm_weights(self) -> LSTMWeights | None:
        """See `DrawingModel`; None of a subclass, whose step may be another one."""
        return self.decoder.lstm_weights if type(self) is VaeModel else None


def _reverse(rows: Tensor, lengths: Tensor) -> Tensor:
    """Each drawing's rows back to front, the padding left where it is."""
    time = torch.arange(rows.shape[1], device=rows.device)
    order = torch.where(time < lengths[:, None], lengths[:, None] - 1 - time, time)
    return rows.gather(1, order[..., None].expand_as(rows))
