"""How fast drawing is on a machine, beside the limits that its matrix products and memory set.

A case draws several drawings at once, 64 points each, with a model whose drawings have no end of their own.
Its two limits are taken in the same run, by turns: the same products alone, in the same width and precision;
and reading the weights, once per step.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sketchkit.card import ModelCard
from sketchkit.decoding import Decoding
from sketchkit.devices import one_thread, resolve_device
from sketchkit.engine import PRECISIONS, decode, engine_of, read_prompts
from sketchkit.errors import InputError
from sketchkit.models.vae import VaeArchitecture, VaeModel
from sketchkit.sampling.temperature import Temperature

__all__ = ["CLOCKS", "MODELS", "POINTS", "Case", "Measured", "fresh_model", "measure", "product_rate"]

#: The points of a drawing.
POINTS = 64
_MIXTURES, _LATENT = 20, 128
#: The models of the cases, by the cell and the size of their decoders.
MODELS = {
    "lstm-512": ("lstm", 512),
    "lstm-2048": ("lstm", 2048),
    "hyper-2048": ("hyper-lstm", 2048),
}
#: The logit of a pen state of probability 0.
_NEVER = -1e4
#: Drawing and limits are taken this many times, or for this many seconds if that is shorter.
_MOST_TIMES, _MOST_SECONDS = 64, 0.3

#: Seconds: of the clock, or of this thread's own work, which does not count what other programs take.
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "thread": time.thread_time}


@dataclass(frozen=True)
class Case:
    """A measured case.

    Args:
        model: a key of `MODELS`.
        batch: drawings at once.
        precision: one of `sketchkit.engine.PRECISIONS`.
        engine: a name of an engine, or `auto`.
        device: of torch, or `auto`.

    Raises:
        InputError: an unknown model or precision, or an empty batch.
    """

    model: str = "lstm-512"
    batch: int = 1
    precision: str = "float32"
    engine: str = "auto"
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise InputError(f"unknown model {self.model!r}: choose one of {', '.join(MODELS)}")
        if self.precision not in PRECISIONS:
            raise InputError(f"unknown precision {self.precision!r}: choose one of {', '.join(PRECISIONS)}")
        if self.batch < 1:
            raise InputError(f"a batch holds at least one drawing, got {self.batch}")


@dataclass(frozen=True)
class Measured:
    """The rates of a case, medians over the runs.

    Args:
        case: with the engine and the device that were used.
        points_per_second: of drawing.
        products_per_second: points per second of the matrix products alone.
        reads_per_second: points per second of reading the weights alone.
    """

    case: Case
    points_per_second: float
    products_per_second: float
    reads_per_second: float

    @property
    def ratio(self) -> float:
        """The share of the rate of its products alone."""
        return self.points_per_second / self.products_per_second

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            **asdict(self.case),
            "points_per_second": self.points_per_second,
            "products_per_second": self.products_per_second,
            "reads_per_second": self.reads_per_second,
            "ratio": self.ratio,
        }


def fresh_model(name: str, device: torch.device, seed: int = 0) -> VaeModel:
    """A conditional model with random weights whose drawings have no end.

    Args:
        name: a key of `MODELS`.
        device: of the model.
        seed: of the weights.
    """
    cell, hidden = MODELS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        card = ModelCard(name=name, scale_factor=1.0, max_length=POINTS)
        sizes = VaeArchitecture(256, hidden, _LATENT, _MIXTURES, cell)
        model = VaeModel(sizes, card).requires_grad_(False).eval()
    model.decoder.output.bias[2] = _NEVER
    return model.to(device)


def measure(case: Case, runs: int = 5, clock: str = "wall") -> Measured:
    """Measure one case.

    Args:
        case: to measure.
        runs: of drawing and limits; one more goes before them to warm up.
        clock: a key of `CLOCKS`; `thread` ignores the work of other threads and of a GPU.

    Raises:
        DeviceError: a missing device, or a case that all engines reject.
    """
    device = resolve_device(case.device)
    model = fresh_model(case.model, device)
    model.decoding = Decoding(case.engine, case.precision)
    used = Case(case.model, case.batch, case.precision, engine_of(model), device.type)
    seconds = _Clock(device, CLOCKS[clock])
    rates = [_rates(model, used, seconds) for _ in range(runs + 1)][1:]
    return Measured(used, *(statistics.median(column) for column in zip(*rates, strict=True)))


def product_rate(runs: int = 5, clock: str = "wall") -> float:
    """GFLOP/s of float32 products of 128 rows with the recurrent weights of 512 units, on one CPU thread."""
    seconds, shape = _Clock(torch.device("cpu"), CLOCKS[clock]), (128, 512, 2048)
    rows, weight = torch.randn(*shape[:2]), torch.randn(shape[2], shape[1])
    with one_thread():
        rates = [1 / seconds(lambda: rows @ weight.mT, 20) for _ in range(runs + 1)][1:]
    return 2e-9 * shape[0] * shape[1] * shape[2] * statistics.median(rates)


class _Clock:
    """The seconds of a piece of work on a device."""

    def __init__(self, device: torch.device, clock: Callable[[], float]) -> None:
        self._device, self._clock = device, clock

    def __call__(self, work: Callable[[], object], times: int = 1) -> float:
        """The mean over several times."""
        self._wait()
        begin = self._clock()
        for _ in range(times):
            work()
        self._wait()
        return (self._clock() - begin) / times

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize()


@torch.inference_mode()
def _rates(model: VaeModel, case: Case, seconds: _Clock) -> tuple[float, float, float]:
    """Points a second: drawn, by the products alone, and by the reading of the weights alone."""

    def draw() -> None:
        _draw(model, case.batch)

    with one_thread():
        drawing = seconds(draw, _times(draw, seconds))
        alone = [_product(weight, case) for weight in _weights(model)]
        weights = [right for _, right, _ in alone]

        def multiply() -> None:
            for left, right, of in alone:
                of(left, right)

        def read() -> None:
            for weight in weights:
                weight.view(torch.uint8).view(-1)[: weight.nbytes // 8 * 8].view(torch.int64).sum()

        products, reads = (case.batch / seconds(one, _times(one, seconds)) for one in (multiply, read))
    return case.batch * POINTS / drawing, products, reads


def _times(work: Callable[[], object], seconds: _Clock) -> int:
    return max(1, min(_MOST_TIMES, int(_MOST_SECONDS / max(seconds(work), 1e-9))))


def _draw(model: VaeModel, batch: int) -> None:
    z = np.zeros((batch, _LATENT), np.float32)
    prompts = read_prompts(model, [np.zeros((0, 5))] * batch, z=z)
    jobs = np.arange(batch)
    drafts = decode(model, Temperature(), prompts, jobs, jobs, seed=0, max_points=POINTS, width=batch)
    for draft in drafts:
        if len(draft.rows) != POINTS:
            raise AssertionError(f"a drawing of {len(draft.rows)} points")


def _weights(model: VaeModel) -> Iterator[Tensor]:
    """The weights that the rows of a step are multiplied by; those of z are used once per drawing only."""
    cell = model.decoder.cell
    for name, weight in cell.named_parameters():
        if weight.dim() < 2 or "gate_" in name:
            continue
        # Weights of three dimensions have an input for each gate.
        for one in weight.detach().reshape(-1, *weight.shape[-2:]):
            yield (one[:, :-_LATENT] if one.shape[1] == cell.input_size else one).contiguous()
    yield model.decoder.output.weight.detach()


def _product(weight: Tensor, case: Case) -> tuple[Tensor, Tensor, Callable[[Tensor, Tensor], Tensor]]:
    rows = torch.rand(case.batch, weight.shape[1], device=weight.device)
    # The small input of a row stays in float32, and so does the output layer.
    wide = weight.shape[1] > 8 and weight.shape[0] != 6 * _MIXTURES + 3
    if case.precision == "bfloat16" and wide:
        return rows.bfloat16(), weight.bfloat16(), lambda a, b: a @ b.mT
    if case.precision == "int8" and wide:
        whole = (weight * 127 / weight.abs().max()).to(torch.int8)
        return (rows * 127).to(torch.int8), whole, lambda a, b: torch._int_mm(a, b.mT)
    return rows, weight, lambda a, b: a @ b.mT
