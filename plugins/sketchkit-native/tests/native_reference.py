"""The step of `LSTMWeights` and the draw of `MixtureDensity` in torch, to compare the kernels with."""

import math

import pytest
import torch
from sketchkit_native import library as lib
from sketchkit_native.engine import NativeStepper

from sketchkit.density import MixtureDensity
from sketchkit.engine import LSTMWeights
from sketchkit.noise import Noise
from sketchkit.sampling import DrawRule

#: Every precision on every instruction set that can take it.
PATHS = [(precision, name) for precision, names in lib.SETS_BY_PRECISION.items() for name in names]
MODEL = DrawRule()


def make_weights(hidden, mixtures, *, context=0, position=False, seed=0, spread=1.0):
    """Random weights, float32."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(shape, generator=generator) * spread / math.sqrt(shape[-1])

    return LSTMWeights(
        rows=normal(4 * hidden, 7 if position else 5),
        recurrent=normal(4 * hidden, hidden),
        context=normal(4 * hidden, context) if context else None,
        bias=normal(1, 4 * hidden)[0],
        output=normal(6 * mixtures + 3, hidden) * 3,
        output_bias=normal(1, 6 * mixtures + 3)[0],
        position=position,
    )


def make_state(weights, batch, seed=1):
    """A random state of the model: (h, c, at, context), the latter two where there are any."""
    generator = torch.Generator().manual_seed(seed)
    hidden = weights.recurrent.shape[1]
    h = torch.rand(batch, hidden, generator=generator) * 1.9 - 0.95
    c = torch.randn(batch, hidden, generator=generator)
    at = (torch.randn(batch, 2, generator=generator),) if weights.position else ()
    context = ()
    if weights.context is not None:
        context = (torch.randn(batch, weights.context.shape[1], generator=generator),)
    return (h, c, *at, *context)


def make_rows(batch, seed=2):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.zeros(batch, 5)
    rows[:, :2] = torch.randn(batch, 2, generator=generator)
    rows[:, 2] = 1.0
    return rows


def make_uniforms(batch, steps, seed=3):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, steps, 4, generator=generator).clamp(1e-6, 1 - 1e-6)


def make_stepper(weights, precision, name):
    """A stepper on one path; the test is skipped where the processor lacks it."""
    if name not in lib.list_sets():
        pytest.skip(f"this processor has no {name}")
    return NativeStepper(weights.to_numpy(), precision, name)


def products(weights, precision, h):
    """The recurrent products in a precision, float64 [B, 4H]."""
    recurrent = weights.recurrent
    if precision == "bfloat16":
        return h.bfloat16().double() @ recurrent.bfloat16().double().T
    if precision == "int8":
        largest = recurrent.abs().amax(1)
        whole = (recurrent * (127 / largest)[:, None]).round().double()
        return (h * 127).round().double() @ whole.T * (largest.double() / 127**2)
    return h.double() @ recurrent.double().T


def step_in_float64(weights, precision, rows, state):
    """One step in float64: raw outputs and the state after."""
    h, c, *rest = state
    read = rows.double()
    if weights.position:
        rest[0] = rest[0].double() + read[:, :2]
        read = torch.cat((read, rest[0]), 1)
    sums = products(weights, precision, h.float()) + read @ weights.rows.double().T + weights.bias.double()
    if weights.context is not None:
        sums = sums + rest[-1].double() @ weights.context.double().T
    i, f, g, o = sums.chunk(4, 1)
    c = c.double() * f.sigmoid() + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    raw = h @ weights.output.double().T + weights.output_bias.double()
    return raw, (h, c, *rest)


def draw_by_density(raw, uniforms, rule=MODEL):
    """Points [B, 5] and their losses [B], as sketchkit's own density makes them of raw outputs."""
    density = MixtureDensity(raw)
    points = density.draw_by_rule(Noise(uniforms), rule)
    return points, density.losses(points)


def draw(stepper, rows, state, uniforms, rule=MODEL, losses=True):
    """One call of `draw`: points [K, B, 5], losses [K, B] or None, and the state after."""
    steps, batch = uniforms.shape[1], len(rows)
    points = torch.full((steps, batch, 5), math.nan)
    kept = torch.full((steps, batch), math.nan) if losses else None
    made, after = stepper.draw(rows, state, uniforms, rule, points, kept)
    return points[:made], None if kept is None else kept[:made], after
