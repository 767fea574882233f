"""A batch's losses against the model's own raw outputs, drawing by drawing."""

from __future__ import annotations

import pytest
import torch

from sketchkit.card import ModelCard
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeArchitecture, VaeModel
from sketchkit.training.losses import kl_loss, reconstruction_loss
from sketchkit.training.objective import Batch, batch_loss

CARD = ModelCard(classes=("cat", "pig"))
MODELS = {
    "decoder": lambda: DecoderModel(DecoderArchitecture(6, 2, classes=2, embedding=3), CARD),
    "vae": lambda: VaeModel(VaeArchitecture(4, 6, 3, 2, classes=2, embedding=3), CARD),
    "hyper": lambda: DecoderModel(DecoderArchitecture(6, 2, cell="hyper-lstm"), ModelCard()),
}


def _batch(model: DecoderModel | VaeModel) -> Batch:
    torch.manual_seed(4)
    lengths = torch.tensor([3, 6, 2])
    points = torch.zeros(3, 7, 5, dtype=torch.float64)
    for b, n in enumerate(lengths):
        points[b, : n - 1, :2] = torch.randn(n - 1, 2)
        points[b, : n - 1, 2] = 1.0
        points[b, n - 1 :, 4] = 1.0
    return Batch(points, lengths, torch.tensor([1, 0, 2]) if model.labelled else None)


@pytest.mark.parametrize("name", sorted(MODELS))
@pytest.mark.parametrize("evaluating", [False, True])
@torch.no_grad()
def test_a_batch_costs_what_its_drawings_cost(name: str, evaluating: bool) -> None:
    torch.manual_seed(0)
    model = MODELS[name]().double().eval()
    batch = _batch(model)
    found = batch_loss(model, batch, 10, evaluating=evaluating)
    offset = pen = kl = 0.0
    for b, n in enumerate(batch.lengths.tolist()):
        drawing, z = batch.points[b, :n], None
        if isinstance(model, VaeModel):
            mu, log_variance = model.encode_batch(drawing[None, :-1], torch.tensor([n - 1]))
            z, kl = mu[0], kl + float(kl_loss(mu, log_variance)) / 3
        label = None if batch.label is None else [*CARD.classes, None][int(batch.label[b])]
        raw = torch.from_numpy(model.raw_outputs(drawing[:-1].numpy(), z=z, label=label))
        loss = reconstruction_loss(raw, drawing, 3, 10, evaluating=evaluating)
        offset, pen = offset + float(loss.offset), pen + float(loss.pen)
    assert float(found.reconstruction.offset) == pytest.approx(offset, rel=1e-10)
    assert float(found.reconstruction.pen) == pytest.approx(pen, rel=1e-10)
    assert (found.kl is None) == (not isinstance(model, VaeModel))
    assert found.kl is None or float(found.kl) == pytest.approx(kl, rel=1e-10)


@torch.no_grad()
def test_padding_counts_as_far_as_the_lengths_say() -> None:
    torch.manual_seed(0)
    model = MODELS["decoder"]().double().eval()
    batch = _batch(model)
    trimmed = batch_loss(model, batch, 10).reconstruction
    whole = batch_loss(model, Batch(batch.points, torch.full((3,), 7), batch.label), 10).reconstruction
    assert float(whole.offset) == pytest.approx(float(trimmed.offset), rel=1e-12)
    assert float(whole.pen) > float(trimmed.pen)


def test_noise_moves_the_latent_vector_and_the_gradient_reaches_every_weight() -> None:
    torch.manual_seed(0)
    model = MODELS["vae"]().double().train()
    batch = _batch(model)
    still = batch_loss(model, batch, 10).reconstruction.total.item()
    loss = batch_loss(model, batch, 10, noise=torch.randn(3, 3, dtype=torch.float64))
    assert loss.reconstruction.total.item() != pytest.approx(still)
    assert loss.kl is not None
    (loss.reconstruction.total + loss.kl).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_a_few_steps_learn_a_few_drawings() -> None:
    torch.manual_seed(0)
    model = MODELS["vae"]().double().train()
    batch = _batch(model)
    optimiser = torch.optim.Adam(model.parameters(), 0.02)
    losses = []
    for _ in range(60):
        loss = batch_loss(model, batch, 10).reconstruction.total
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.5
