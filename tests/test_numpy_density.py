"""The density on numpy: the likelihoods of the density on torch, also of extreme outputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sketchkit.density import MixtureDensity
from sketchkit.numpy_density import log_prob, losses


def _outputs(seed: int, scale: float, kind: type) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    raw = (rng.standard_normal((7, 6 * 4 + 3)) * scale).astype(kind)
    points = np.concatenate([rng.standard_normal((7, 2)) * scale, np.eye(3)[rng.integers(0, 3, 7)]], 1)
    return raw, points


@given(st.integers(0, 10_000), st.sampled_from([0.1, 1.0, 5.0, 60.0, 1e4]))
def test_likelihoods_are_those_of_the_density_on_torch(seed: int, scale: float) -> None:
    raw, points = _outputs(seed, scale, np.float64)
    offset, pen = log_prob(raw, points)
    wanted = MixtureDensity(torch.from_numpy(raw)).log_prob(torch.from_numpy(points))
    assert offset == pytest.approx(wanted[0].numpy(), rel=1e-9, abs=1e-9)
    assert pen == pytest.approx(wanted[1].numpy(), rel=1e-9, abs=1e-9)
    costs = MixtureDensity(torch.from_numpy(raw)).losses(torch.from_numpy(points))
    assert losses(raw, points) == pytest.approx(costs.numpy(), rel=1e-9, abs=1e-9)


@given(st.integers(0, 10_000), st.sampled_from([1.0, 60.0, 1e4]))
def test_outputs_of_any_size_give_finite_likelihoods(seed: int, scale: float) -> None:
    raw, points = _outputs(seed, scale, np.float32)
    assert np.isfinite(losses(raw, points)).all()
