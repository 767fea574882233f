"""A batch's losses against the paper's sums, drawing by drawing and row by row in float64."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from train_parts import batches_of, density, model_of, shapes, small, softmax

from sketchkit.models import Losses, SketchModel
from sketchkit.models.cells import Cell
from sketchkit.models.losses import Batch, kl_loss
from sketchkit.models.vae import VaeModel
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import Dataset

CASES: dict[str, dict[str, Any]] = {
    "decoder": {},
    "decoder without classes": {"classes": False},
    "layer-normalised": {"cell": "layernorm-lstm"},
    "hyper": {"cell": "hyper-lstm", "batch_size": 2},
    "vae": {"backend": "vae"},
    "vae without classes": {"backend": "vae", "classes": False},
    "decoder that knows the place": {"position": True},
    "vae that knows the place": {"backend": "vae", "position": True},
    "decoder gone astray": {"offset_noise": 5.0},
    "vae gone astray that knows the place": {"backend": "vae", "position": True, "offset_noise": 5.0},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return shapes(tmp_path_factory)


def cost(terms: Losses) -> Tensor:
    """L_R."""
    return terms["offset"] + terms["pen"]


def everything(terms: Losses) -> Tensor:
    """The plain sum of all terms."""
    return torch.stack(list(terms.values())).sum()


def configured(**changes: Any) -> TrainConfig:
    return small(**{"batch_size": 3, "class_dropout": 0.4, "recurrent_dropout": 0.3, **changes})


def exact(data: Dataset, config: TrainConfig, nmax: int, step: int = 0) -> tuple[SketchModel, Batch]:
    """A model and a batch in float64, so that nothing but the sums can differ."""
    batch = batches_of(data, config, nmax).batch(step)
    wide = {"points": batch.points.double(), "weight": batch.weight.double()}
    return model_of(data, config).double().train(), dataclasses.replace(batch, **wide)


def outputs(cell: Cell, rows: Tensor, state: tuple[Tensor, ...], keep: Tensor | None) -> Tensor:
    """A cell's outputs over one drawing's rows [T, D], step by step."""
    out = []
    for t, row in enumerate(rows):
        products = tuple(row[None] @ weight.T for weight in cell.input_weights())
        hidden, state = cell.advance(products, state, None if keep is None else keep[t][None])
        out.append(hidden[0])
    return torch.stack(out)


def posterior(model: VaeModel, rows: Tensor, keep: Tensor | None) -> tuple[Tensor, Tensor]:
    """Equations 1 and 2 for one drawing: what is dropped of a direction is counted in its own order."""
    zeros = rows.new_zeros(1, model.architecture.encoder_hidden)
    if model.architecture.position:
        rows = torch.cat((rows, rows[:, :2].cumsum(0)), 1)
    kept = (None, None) if keep is None else keep.chunk(2, -1)
    ways = ((model.forward_cell, rows, kept[0]), (model.backward_cell, rows.flip(0), kept[1]))
    last = torch.cat([outputs(cell, way, (zeros, zeros), each)[-1] for cell, way, each in ways])
    return model.mu(last), model.presig(last)


def slowly(model: SketchModel, batch: Batch, nmax: int, *, evaluating: bool = False) -> dict[str, float]:
    """L_s, L_p, L_KL and the plain sum of a batch, one drawing and one row after the other."""
    found = {"offset": 0.0, "pen": 0.0, "kl": 0.0, "nll": 0.0}
    count = len(batch.points)
    scale = batch.keep_scale
    keep = None if batch.keep is None else batch.packing.padded(batch.keep.double()) * scale
    ink_keep = None if batch.ink_keep is None else batch.ink_packing.padded(batch.ink_keep.double()) * scale
    for b, inks in enumerate(batch.inks.tolist()):
        points, z = batch.points[b, : batch.lengths[b]], None
        if isinstance(model, VaeModel):
            mu, s = posterior(model, points[:inks], None if ink_keep is None else ink_keep[b, :inks])
            z = mu if batch.noise is None else mu + (s / 2).exp() * batch.noise[b].double()
            found["kl"] += float(-(1 + s - mu**2 - s.exp()).sum() / (2 * len(mu))) / count
        label = None if batch.label is None else batch.label[b : b + 1]
        state = model.initial_state(1, None if z is None else z[None], label)
        size = model.decoder.context_size
        context = state[-1][0] if size else points.new_zeros(0)
        before = torch.cat((points.new_tensor([[0.0, 0, 1, 0, 0]]), points[:-1]))
        if (
            batch.offset_noise is not None
        ):  # the pen is elsewhere after each point, and is to come to the next all the same
            places, astray = points[:, :2].cumsum(0), batch.offset_noise[b, : len(points)].double()
            found_at = torch.cat((astray.new_zeros(1, 2), places + astray))
            before[1:, :2] = found_at.diff(dim=0)[:-1]
            points = torch.cat((places - found_at[:-1], points[:, 2:]), 1)
        if model.architecture.position:
            before = torch.cat((before, before[:, :2].cumsum(0)), 1)
        rows = torch.cat((before, context.expand(len(before), -1)), 1)
        hidden = outputs(
            model.decoder.cell, rows, model.decoder._split_state(state)[0], None if keep is None else keep[b]
        )
        raws = model.decoder.output(hidden).numpy()
        for t, (raw, point) in enumerate(zip(raws, points.numpy(), strict=True)):
            pen = -float((point[2:] * np.log(softmax(raw[:3]))).sum())
            times = nmax - t if batch.weight.max() > 1 and t == len(points) - 1 else 1
            end = t >= inks
            found["pen"] += 0.0 if evaluating and end else pen * times / (nmax * count)
            found["nll"] += pen
            if not end:
                likelihood = density(raw, point[0], point[1])
                found["offset"] -= math.log(likelihood + 1e-6) / (nmax * count)
                found["nll"] -= math.log(likelihood)
    return found


def assert_equal(model: SketchModel, batch: Batch, nmax: int, *, evaluating: bool = False) -> None:
    with torch.no_grad():
        expected = slowly(model, batch, nmax, evaluating=evaluating)
        found = model.losses(batch, evaluating=evaluating)
    names = [
        "offset",
        "pen",
        *(["nll"] if evaluating else []),
        *(["kl"] if isinstance(model, VaeModel) else []),
    ]
    assert list(found) == names
    for name, term in found.items():
        assert float(term) == pytest.approx(expected[name], rel=1e-9), name


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("padding", [-1, 1])
def test_a_batch_costs_what_the_paper_says(data: Dataset, case: str, padding: int) -> None:
    nmax = data.max_length
    model, batch = exact(data, configured(**CASES[case], padding=padding), nmax)
    if padding == -1:
        assert batch.lengths.tolist() == [nmax] * len(batch.points)  # every drawing runs to Nmax rows
    assert_equal(model, batch, nmax)


@pytest.mark.parametrize("case", ["decoder", "vae"])
@pytest.mark.parametrize(("padding", "nmax"), [(0, 64), (5, 64), (5, 80), (1, 5), (-1, 5)])
def test_however_much_of_the_padding_is_computed(data: Dataset, case: str, padding: int, nmax: int) -> None:
    model, batch = exact(data, configured(**CASES[case], padding=padding), nmax, step=2)
    assert_equal(model, batch, nmax)


@pytest.mark.parametrize("case", ["decoder", "vae"])
def test_evaluation_leaves_the_end_out(data: Dataset, case: str) -> None:
    config = configured(**CASES[case], padding=0, recurrent_dropout=0)
    model, batch = exact(data, config, data.max_length)
    assert_equal(model, batch, data.max_length, evaluating=True)
    with torch.no_grad():
        with_end = model.losses(batch)
        without = model.losses(batch, evaluating=True)
    assert float(without["pen"]) < float(with_end["pen"])
    assert float(without["offset"]) == float(with_end["offset"])


def test_all_rows_up_to_nmax_cost_more_than_the_last_of_a_few_repeated_but_not_much(data: Dataset) -> None:
    """The short cut and the paper differ only by what the model thinks after the rows that are computed."""
    found = {}
    for padding in (-1, 30, 5):
        config = configured(padding=padding, recurrent_dropout=0, point_drop=0)
        model, batch = exact(data, config, data.max_length)
        with torch.no_grad():
            found[padding] = float(model.losses(batch)["pen"])
    assert found[30] == pytest.approx(found[-1], rel=1e-4)
    assert found[5] == pytest.approx(found[-1], rel=3e-2)


def test_without_noise_z_is_the_mean(data: Dataset) -> None:
    model, batch = exact(data, configured(backend="vae"), data.max_length)
    still = dataclasses.replace(batch, noise=None)
    assert_equal(model, still, data.max_length)
    zero = still.with_noise(torch.zeros(3, 3))
    with torch.no_grad():
        a, b, c = (model.losses(each) for each in (still, zero, batch))
    assert float(cost(a)) == float(cost(b)) != float(cost(c))
    assert float(a["kl"]) == float(c["kl"])


def test_the_class_matters_and_so_does_not_to_know_it(data: Dataset) -> None:
    model, batch = exact(data, configured(), data.max_length)
    costs = set()
    for label in (0, 1, 2, 3):
        told = dataclasses.replace(batch, label=torch.full((3,), label))
        assert_equal(model, told, data.max_length)
        with torch.no_grad():
            costs.add(float(cost(model.losses(told))))
    assert len(costs) == 4
    assert_equal(model, dataclasses.replace(batch, label=None), data.max_length)
    with torch.no_grad():
        unsaid = model.losses(dataclasses.replace(batch, label=None))
        none = model.losses(told)
    assert float(cost(unsaid)) == float(cost(none))


@pytest.mark.parametrize("world", [2, 3])
def test_the_shares_of_all_processes_add_up_to_the_whole(data: Dataset, world: int) -> None:
    config = small(backend="vae")
    model = model_of(data, config)
    with torch.no_grad():
        whole = model.losses(batches_of(data, config).batch(0), evaluating=True)
        parts = [
            model.losses(batches_of(data, config, rank=r, world=world).batch(0), evaluating=True)
            for r in range(world)
        ]
    assert whole.keys() == {"offset", "pen", "nll", "kl"}
    for name, term in whole.items():
        assert sum(float(part[name]) for part in parts) == pytest.approx(float(term), rel=1e-4)


def test_the_same_on_another_device_is_the_same(data: Dataset) -> None:
    batch = batches_of(data, small(backend="vae")).batch(0)
    assert batch.to(torch.device("cpu")) is batch
    moved = batch.to(torch.device("meta"))
    for field in dataclasses.fields(Batch):
        was, now = getattr(batch, field.name), getattr(moved, field.name)
        if isinstance(was, Tensor):
            assert (now.device.type, now.shape, now.dtype) == ("meta", was.shape, was.dtype)
    assert moved.packing.rows.device.type == moved.ink_packing.order.device.type == "meta"
    assert (moved.drawings, moved.keep_scale) == (batch.drawings, batch.keep_scale)


# --- gradients ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_the_gradient_reaches_every_weight(data: Dataset, case: str) -> None:
    model, batch = exact(data, configured(**CASES[case]), data.max_length)
    everything(model.losses(batch)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.any() or "hyper" in CASES[case].get("cell", ""), name


@pytest.mark.parametrize("case", ["decoder", "vae"])
def test_gradients_are_those_of_finite_differences(data: Dataset, case: str) -> None:
    model, batch = exact(data, configured(**CASES[case]), data.max_length)

    everything(model.losses(batch)).backward()
    chance, h = torch.Generator().manual_seed(0), 1e-6
    for name, parameter in model.named_parameters():
        way = torch.randn(parameter.shape, generator=chance, dtype=torch.float64)
        ends = []
        with torch.no_grad():
            for step in (h, -2 * h):
                parameter += step * way
                ends.append(float(everything(model.losses(batch))))
            parameter += h * way
            assert parameter.grad is not None
            slope = float((parameter.grad * way).sum())
        assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(slope, rel=1e-4, abs=1e-8), name


def test_kl_is_a_mean_over_drawings_and_dimensions(data: Dataset) -> None:
    config = configured(backend="vae", recurrent_dropout=0)
    model, batch = exact(data, config, data.max_length)
    assert isinstance(model, VaeModel)
    each = []
    for b, inks in enumerate(batch.inks.tolist()):
        mu, sigma = model.encode(batch.points[b, :inks].numpy())
        each.append(float(kl_loss(torch.from_numpy(mu), 2 * torch.from_numpy(sigma).log())))
    with torch.no_grad():
        kl = model.losses(batch)["kl"]
    assert float(kl) == pytest.approx(np.mean(each), rel=1e-9)


def test_a_few_steps_learn_a_few_drawings(data: Dataset) -> None:
    model, batch = exact(data, configured(backend="vae", batch_size=2), data.max_length)
    optimiser = torch.optim.Adam(model.parameters(), 0.02)
    losses = []
    for _ in range(40):
        loss = cost(model.losses(batch))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.5
