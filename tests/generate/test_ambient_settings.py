"""What is drawn, encoded and scored does not hang on what is set in torch around the call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import pytest
import torch

import sketchkit as sk
from sketchkit.generate import LiveDecoder, live_endings, live_reconstructions
from sketchkit.latent import posterior, prior
from sketchkit.models import SketchModel
from sketchkit.models.vae import VaeModel
from sketchkit.sketch import Sketch

CAT = Sketch.from_polylines([[(0, 0), (50, 10), (60, 60)], [(10, 50), (30, 55)]])
SUN = Sketch.from_polylines([[(0, 0), (20, 90), (80, 60)], [(10, 50), (30, 75)]])


@contextmanager
def float64_by_default() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


#: What holds no numbers stands for a device on which the model does not lie.
SETTINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "autocast to bfloat16": lambda: torch.autocast("cpu", torch.bfloat16),
    "autocast to float16": lambda: torch.autocast("cpu", torch.float16),
    "another default device": lambda: torch.device("meta"),
    "another default type": float64_by_default,
    "inference mode": torch.inference_mode,
}


def live(drawings: list[Any]) -> list[Any]:
    decoder = LiveDecoder()
    decoder.add(drawings)
    told = []
    while decoder.waiting or decoder.live:
        told += decoder.step()
    assert not any(each.error for each in told)
    return [(each.drawing, each.points.tolist()) for each in told]


def everything(model: SketchModel, vae: VaeModel) -> dict[str, Any]:
    z = np.ones((2, 6))
    morph = sk.interpolate(vae, [CAT, SUN], 3, max_points=12)
    infills = sk.infill(model, CAT, (0, 1), n=2, max_points=20)
    return {
        "sample": [sk.sample(model, 2, max_points=12), sk.sample(vae, 2, max_points=12)],
        "stream": list(sk.sample_stream(model, 2, max_points=12)),
        "complete": [ending.sketch for ending in sk.complete(model, CAT, n=2, max_points=12)],
        "best": [e.sketch for e in sk.complete(model, CAT, n=2, max_points=12, sampler="best-of")],
        "infill": [each.sketch for each in infills],
        "interpolate": list(morph),
        "reconstruct": sk.reconstruct(vae, [CAT, SUN], max_points=12),
        "encode": [array.tolist() for array in sk.encode(vae, [CAT, SUN])],
        "score": [(s.offset.tolist(), s.pen.tolist()) for m in (model, vae) for s in sk.score(m, [CAT])],
        "prior": [prior(vae, 2).tolist(), posterior(z, z, 3).tolist()],
        "live": live([*live_endings(model, CAT, 2), *live_reconstructions(vae, CAT, 2)]),
    }


@pytest.fixture(scope="module")
def expected(tiny_model: SketchModel, tiny_vae: VaeModel) -> dict[str, Any]:
    return everything(tiny_model, tiny_vae)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_same_drawings_come_whatever_surrounds_the_call(
    tiny_model: SketchModel, tiny_vae: VaeModel, expected: dict[str, Any], name: str
) -> None:
    with SETTINGS[name]():
        found = everything(tiny_model, tiny_vae)
        assert torch.is_autocast_enabled("cpu") == name.startswith("autocast")
    assert found == expected
