"""The mixture density: scored against the paper's equations, drawn against its own moments."""

from __future__ import annotations

import json
import math
from decimal import Decimal, localcontext
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sketchkit.density import MixtureDensity, TemperatureRule, pick
from sketchkit.errors import InputError
from sketchkit.noise import Noise, uniforms

FLOATS = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
# Of float32: one rounding, relative.
EPS = 2.0**-23


def _raw(pen: list[float], *components: tuple[float, float, float, float, float, float]) -> Tensor:
    """Raw outputs [1, 6M + 3] from components (logit, mu_x, mu_y, log sigma_x, log sigma_y, atanh rho)."""
    columns = [[c[k] for c in components] for k in range(6)]
    return torch.tensor([pen + [v for column in columns for v in column]], dtype=torch.float64)


def _random_raw(rows: int, mixtures: int = 4, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 6 * mixtures + 3, generator=generator, dtype=torch.float64)


def _points(offsets: Tensor, pen: int = 0) -> Tensor:
    points = torch.zeros(*offsets.shape[:-1], 5, dtype=offsets.dtype)
    points[..., :2] = offsets
    points[..., 2 + pen] = 1.0
    return points


def _noise(rows: int, seed: int = 0) -> Noise:
    return Noise(uniforms(seed, torch.arange(rows), torch.zeros(rows, dtype=torch.int64)))


def _paper(raw: list[float], dx: float, dy: float, tau: float = 1.0) -> tuple[float, list[float]]:
    """Equations 3 to 8 of Ha & Eck 2017 and equations 24, 25 of Graves 2013, as they are printed."""
    mixtures = (len(raw) - 3) // 6
    pen = [math.exp(q / tau) for q in raw[:3]]
    blocks = [raw[3 + mixtures * k : 3 + mixtures * (k + 1)] for k in range(6)]
    weights = [math.exp(p / tau) for p in blocks[0]]
    total = 0.0
    for weight, mx, my, lsx, lsy, a in zip(weights, *blocks[1:], strict=True):
        sx, sy, rho = math.exp(lsx) * math.sqrt(tau), math.exp(lsy) * math.sqrt(tau), math.tanh(a)
        zx, zy = (dx - mx) / sx, (dy - my) / sy
        quadratic = zx**2 + zy**2 - 2 * rho * zx * zy
        density = math.exp(-quadratic / (2 * (1 - rho**2))) / (2 * math.pi * sx * sy * math.sqrt(1 - rho**2))
        total += weight / sum(weights) * density
    return math.log(total), [math.log(p / sum(pen)) for p in pen]


def _exact_gaussian(dx: float, dy: float, mx: float, my: float, lsx: float, lsy: float, a: float) -> float:
    """One component's log density, in decimal arithmetic with digits to spare; rho is never formed."""
    with localcontext() as context:
        context.prec = 60 + int(0.9 * min(abs(a), 100))
        context.Emax, context.Emin = 10**9, -(10**9)
        zx = (Decimal(dx) - Decimal(mx)) * (-Decimal(lsx)).exp()
        zy = (Decimal(dy) - Decimal(my)) * (-Decimal(lsy)).exp()
        up, down = Decimal(a).exp(), (-Decimal(a)).exp()
        cosh, sinh = (up + down) / 2, (up - down) / 2
        if abs(a) <= 100:
            quadratic = cosh * cosh * (zx * zx + zy * zy) - 2 * sinh * cosh * zx * zy
        else:  # The same along its principal axes: the line above would take 9,000 digits.
            quadratic = ((zx + zy) ** 2 * (1 + down * down) + (zx - zy) ** 2 * (1 + up * up)) / 4
        two_pi = Decimal("6.28318530717958647692528676655900576839433879875021164194989")
        return float(-two_pi.ln() - Decimal(lsx) - Decimal(lsy) + cosh.ln() - quadratic / 2)


# --- scored -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize("tau", [1.0, 0.3])
def test_log_probabilities_are_those_of_the_papers_equations(
    dtype: torch.dtype, tolerance: float, tau: float
) -> None:
    raw, offsets = _random_raw(200).to(dtype), torch.randn(200, 2).to(dtype)
    density = MixtureDensity(raw).tempered(tau)
    for pen in range(3):
        offset_log, pen_log = density.log_prob(_points(offsets, pen))
        assert offset_log.dtype == pen_log.dtype == dtype
        for row in range(200):
            expected, pens = _paper(raw[row].tolist(), *offsets[row].tolist(), tau)
            # An offset's figure crosses zero, where only the absolute error means anything.
            assert float(offset_log[row]) == pytest.approx(expected, rel=tolerance, abs=tolerance)
            assert float(pen_log[row]) == pytest.approx(pens[pen], rel=tolerance, abs=tolerance)


def test_time_and_batch_are_scored_alike() -> None:
    raw, points = _random_raw(12), _points(torch.randn(12, 2, dtype=torch.float64))
    flat = MixtureDensity(raw).log_prob(points)
    shaped = MixtureDensity(raw.reshape(3, 4, -1)).log_prob(points.reshape(3, 4, 5))
    for one, other in zip(flat, shaped, strict=True):
        assert torch.equal(one.reshape(3, 4), other)


@pytest.mark.parametrize("a", [0.0, -0.7, 2.5, 4.0])
def test_a_density_integrates_to_one(a: float) -> None:
    raw = _raw([0, 0, 0], (0.3, 0.2, -0.1, -0.5, 0.1, a), (-0.4, -0.6, 0.5, 0.2, -0.3, -a))
    x = torch.linspace(-8, 8, 1601, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(x, x, indexing="ij"), -1).reshape(-1, 2)
    total = sum(
        MixtureDensity(raw.expand(len(part), -1)).log_prob(_points(part))[0].exp().sum()
        for part in grid.split(500_000)
    )
    assert float(total) * float(x[1] - x[0]) ** 2 == pytest.approx(1.0, abs=1e-6)


# Where the true value fits float32 and the question is well posed, each extreme at a time.
EXTREMES = [
    (0.25, -0.5, 0.0, 0.0, 0.0, 0.0, 1e4),
    (0.25, -0.5, 0.0, 0.0, 0.0, 0.0, -20.0),
    (0.25, 0.25, 0.0, 0.0, 0.0, 0.0, 100.0),
    (0.25, -0.25, 0.0, 0.0, 0.0, 0.0, -100.0),
    (0.25, 0.25, 0.0, 0.0, 0.0, 0.0, 1e4),
    (0.25, -0.25, 0.0, 0.0, 0.0, 0.0, -1e4),
    (1.5, 2.0, 1.0, 2.5, 0.0, 0.0, 15.0),
    (1.5, 2.0, 1.0, 2.5, 0.0, 0.0, 10.5),
    (1.5, 2.0, 1.0, 2.5, 0.0, 0.0, -9.0),
    (1.5, 2.0, 1.5, 2.0, -1e4, 1e4, 0.5),
    (1.5, 2.0, 1.5, 2.0, -1e4, -1e4, 1e4),
    (1.5, 2.0, 1.0, 2.5, 1e4, 1e4, 0.5),
    (1e4, -1e4, -1e4, 1e4, 0.0, 0.0, 0.0),
    (1e4, -1e4, -1e4, 1e4, -20.0, 8.0, 0.0),
    (1e4, -1e4, -1e4, 1e4, 9.0, 8.0, -3.0),
    (1e-7, -1e-7, 0.0, 0.0, -40.0, -45.0, 0.0),
    (1e-18, 0.0, 0.0, 0.0, -60.0, 0.0, 0.0),
]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 3e-6)])
@pytest.mark.parametrize("case", EXTREMES)
def test_extreme_components_are_exact_where_the_truth_fits(
    case: tuple[float, ...], dtype: torch.dtype, tolerance: float
) -> None:
    dx, dy, *parameters = torch.tensor(case, dtype=dtype).double().tolist()
    expected = _exact_gaussian(dx, dy, *parameters)
    if abs(expected) > 1e29:
        # Beyond the square of the largest distance it saturates, as improbable as a number can say.
        expected = pytest.approx(-1e29, rel=10.0)
    raw = _raw([0, 0, 0], (0.0, *parameters)).to(dtype)
    found, _ = MixtureDensity(raw).log_prob(_points(torch.tensor([[dx, dy]], dtype=dtype)))
    if isinstance(expected, float):
        assert float(found) == pytest.approx(expected, rel=tolerance)
    else:
        assert -1e33 < float(found) < -1e28


def test_extreme_component_logits_choose_the_right_component() -> None:
    raw = _raw(
        [1e4, -1e4, 0], (1e4, 0, 0, 0, 0, 0), (-1e4, 5, 5, -1, -1, 0), (9.0e3, 2, 2, 0, 0, 0.3)
    ).float()
    offset, pen = MixtureDensity(raw).log_prob(_points(torch.tensor([[0.5, 0.25]]), pen=1))
    assert float(offset) == pytest.approx(_exact_gaussian(0.5, 0.25, 0, 0, 0, 0, 0), rel=1e-6)
    assert float(pen) == -2e4


def _extreme_number() -> st.SearchStrategy[float]:
    return st.one_of(
        st.floats(-1e4, 1e4, width=16), st.sampled_from([0.0, 1e4, -1e4, 88.0, -88.0, 40.0]), st.floats(-5, 5)
    )


@settings(max_examples=100, deadline=None)
@given(
    raw=st.lists(_extreme_number(), min_size=15, max_size=15),
    offset=st.tuples(_extreme_number(), _extreme_number()),
    dtype=st.sampled_from(FLOATS),
    tau=st.sampled_from([1e-6, 0.1, 1.0, 100.0]),
    rule=st.sampled_from(list(TemperatureRule)),
)
def test_scores_and_their_gradients_are_always_finite(
    raw: list[float], offset: tuple[float, float], dtype: torch.dtype, tau: float, rule: TemperatureRule
) -> None:
    outputs = torch.tensor([raw], dtype=dtype, requires_grad=True)
    points = _points(torch.tensor([offset], dtype=dtype))
    offset_log, pen_log = MixtureDensity(outputs).tempered(tau, rule).log_prob(points)
    assert torch.isfinite(offset_log).all()
    assert torch.isfinite(pen_log).all()
    assert offset_log.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    # The scores themselves may be as small as -1e30, so that only a bounded loss has a bounded gradient.
    (torch.tanh(offset_log / 1e4) + torch.tanh(pen_log / 1e4)).sum().backward()
    assert outputs.grad is not None
    assert not torch.isnan(outputs.grad).any()
    if dtype in (torch.float64, torch.float32):
        assert torch.isfinite(outputs.grad).all()


def test_gradients_are_those_of_finite_differences() -> None:
    raw = _random_raw(3, mixtures=3).requires_grad_()
    points = _points(torch.randn(3, 2, dtype=torch.float64), pen=1)
    assert torch.autograd.gradcheck(lambda r: MixtureDensity(r).tempered(0.7).log_prob(points), (raw,))


@pytest.mark.parametrize("columns", [0, 3, 8, 10, 122])
def test_a_width_that_is_not_6m_plus_3_is_refused(columns: int) -> None:
    with pytest.raises(InputError, match="6M"):
        MixtureDensity(torch.zeros(2, columns))


def test_half_precision_is_scored_as_its_float32_value() -> None:
    raw, points = _random_raw(20).bfloat16(), _points(torch.randn(20, 2))
    for one, other in zip(
        MixtureDensity(raw).log_prob(points), MixtureDensity(raw.float()).log_prob(points), strict=True
    ):
        assert torch.equal(one, other)


# --- temperature --------------------------------------------------------------------------------------


@pytest.mark.parametrize("tau", [0.05, 0.25, 1.0, 1.7])
@pytest.mark.parametrize(
    ("rule", "softening", "sigma"),
    [
        ("paper", lambda tau: tau, math.sqrt),
        ("tensorflow", lambda tau: tau, lambda tau: tau),
        ("javascript", lambda tau: 0.5 + 0.5 * tau, math.sqrt),
    ],
)
def test_each_rule_of_temperature_is_that_of_its_source(rule: str, softening, sigma, tau: float) -> None:
    raw = _random_raw(30)
    density = MixtureDensity(raw).tempered(tau, rule)
    torch.testing.assert_close(
        density.component_logits.softmax(-1), (raw[:, 3:7].log_softmax(-1) / softening(tau)).softmax(-1)
    )
    torch.testing.assert_close(
        density.pen_logits.softmax(-1), (raw[:, :3].log_softmax(-1) / softening(tau)).softmax(-1)
    )
    widened = raw.clone()
    widened[:, 15:23] += math.log(sigma(tau))
    widened[:, :7] /= softening(tau)
    points = _points(torch.randn(30, 2, dtype=torch.float64))
    for one, other in zip(density.log_prob(points), MixtureDensity(widened).log_prob(points), strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(density.draw(_noise(30)), MixtureDensity(widened).draw(_noise(30)))


def test_temperature_one_changes_nothing_under_any_rule() -> None:
    raw = _random_raw(10)
    for rule in TemperatureRule:
        assert torch.equal(
            MixtureDensity(raw).tempered(1.0, rule).draw(_noise(10)), MixtureDensity(raw).draw(_noise(10))
        )


def test_temperatures_multiply_under_the_papers_rule() -> None:
    raw, points = _random_raw(10), _points(torch.randn(10, 2, dtype=torch.float64))
    twice = MixtureDensity(raw).tempered(0.5).tempered(0.3).log_prob(points)
    for one, other in zip(twice, MixtureDensity(raw).tempered(0.15).log_prob(points), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("tau", [-1e-300, -1.0, math.nan, math.inf])
def test_a_temperature_that_is_none_is_refused(tau: float) -> None:
    with pytest.raises(InputError, match="temperature"):
        MixtureDensity(_random_raw(1)).tempered(tau)


def test_an_unknown_rule_is_refused_with_those_that_exist() -> None:
    with pytest.raises(InputError, match="paper, tensorflow, javascript"):
        MixtureDensity(_random_raw(1)).tempered(0.5, "physics")


@pytest.mark.parametrize("tau", [0.0, 1e-6, 1e-30, 5e-324, 1e300])
@pytest.mark.parametrize("rule", TemperatureRule)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_no_temperature_makes_a_draw_that_is_not_a_number(
    tau: float, rule: TemperatureRule, dtype: torch.dtype
) -> None:
    raw = (1e3 * _random_raw(50)).clamp(-1e4, 1e4).to(dtype)
    density = MixtureDensity(raw).tempered(tau, rule)
    drawn = density.draw(_noise(50))
    assert torch.isfinite(drawn).all()
    assert all(torch.isfinite(log).all() for log in density.log_prob(drawn))
    if tau < 1e-20 and rule is not TemperatureRule.JAVASCRIPT:
        assert torch.equal(drawn[:, 2:].argmax(-1), raw[:, :3].argmax(-1))


@pytest.mark.data
@pytest.mark.parametrize("block", ["t1", "t0.25", "t0.65"])
@pytest.mark.parametrize("library", ["sketch_rnn.js", "@magenta/sketch"])
def test_the_javascript_rule_is_that_of_both_libraries(data: Path, block: str, library: str) -> None:
    golden = json.loads((data / "magenta" / "golden" / "bird.json").read_bytes())
    tau = float(block[1:])
    tolerance = 1e-12 if library == "sketch_rnn.js" else 3e-6
    for run in golden["runs"]:
        outputs = run["lib"][library]["outputs"]
        raw = torch.tensor([output["raw"] for output in outputs], dtype=torch.float64)
        density = MixtureDensity(raw).tempered(tau, "javascript")
        mu_x, mu_y, log_sx, log_sy, a = density.parameters.unbind(-2)
        ours = {
            "pi": density.component_logits.softmax(-1),
            "pen": density.pen_logits.softmax(-1),
            "sigma1": (log_sx + density.log_sigma_shift).exp(),
            "sigma2": (log_sy + density.log_sigma_shift).exp(),
            "mu1": mu_x,
            "mu2": mu_y,
            "corr": a.tanh(),
        }
        for name in outputs[0][block]:
            theirs = torch.tensor([output[block][name] for output in outputs], dtype=torch.float64)
            torch.testing.assert_close(ours[name], theirs, rtol=tolerance, atol=tolerance)


def test_the_mean_is_that_of_the_components_by_their_weights() -> None:
    raw = _raw([0, 0, 0], (0.0, 3.0, -1.0, 0, 0, 0.5), (math.log(3.0), -5.0, 7.0, 1, 2, 0))
    for dtype in FLOATS:
        mean = MixtureDensity(raw.to(dtype)).mean_offset()
        assert mean.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        torch.testing.assert_close(mean.double(), torch.tensor([[-3.0, 5.0]]).double(), rtol=0, atol=1e-2)


# --- drawn from ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("a", [0.0, 0.8, -2.0])
def test_drawn_offsets_have_the_moments_of_their_component(a: float) -> None:
    rows = 200_000
    raw = _raw([0.2, 1.0, -0.5], (0, 0.3, -2.0, 0.5, -1.0, a)).expand(rows, -1)
    drawn = MixtureDensity(raw).draw(_noise(rows))
    x, y = (drawn[:, 0] - 0.3) / math.exp(0.5), (drawn[:, 1] + 2.0) / math.exp(-1.0)
    # Five standard errors each.
    bound = 5 / math.sqrt(rows)
    assert abs(float(x.mean())) < bound
    assert abs(float(y.mean())) < bound
    assert abs(float(x.var()) - 1) < bound * math.sqrt(2)
    assert abs(float(y.var()) - 1) < bound * math.sqrt(2)
    assert abs(float((x * y).mean()) - math.tanh(a)) < bound * math.sqrt(2)
    frequencies = drawn[:, 2:].mean(0)
    torch.testing.assert_close(frequencies, raw[0, :3].softmax(-1), rtol=0, atol=bound)


def test_components_are_drawn_as_often_as_they_weigh() -> None:
    rows = 200_000
    components = [(w, 100.0 * k, 0, -3.0, -3.0, 0.0) for k, w in enumerate([0.0, 1.5, -1.0, 0.4])]
    drawn = MixtureDensity(_raw([0, 0, 0], *components).expand(rows, -1)).draw(_noise(rows, seed=9))
    found = torch.bincount((drawn[:, 0] / 100).round().long(), minlength=4) / rows
    weights = torch.tensor([c[0] for c in components]).softmax(-1)
    torch.testing.assert_close(found, weights, rtol=0, atol=5 * 0.5 / math.sqrt(rows))


def test_a_drawn_offset_is_independent_of_its_component_and_pen() -> None:
    rows = 200_000
    raw = _raw([0, 0, 0], (0, 0, 0, 0, 0, 0), (0, 100, 0, 0, 0, 0)).expand(rows, -1)
    drawn = MixtureDensity(raw).draw(_noise(rows, seed=4))
    second = (drawn[:, 0] > 50).double()
    numbers = torch.stack((drawn[:, 0] - 100 * second, drawn[:, 1], second, drawn[:, 2], drawn[:, 3]))
    correlation = torch.corrcoef(numbers)
    # The pen states exclude each other; nothing else knows of anything else.
    correlation[3, 4] = correlation[4, 3] = 0.0
    assert float((correlation - torch.eye(5)).abs().max()) < 5 / math.sqrt(rows)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**20), st.integers(1, 6), st.data())
def test_a_masked_component_is_never_drawn(seed: int, mixtures: int, data: st.DataObject) -> None:
    keep = data.draw(st.lists(st.booleans(), min_size=mixtures, max_size=mixtures).filter(any))
    raw = torch.zeros(500, 6 * mixtures + 3)
    raw[:, 3 : 3 + mixtures] = torch.tensor([data.draw(st.floats(-50, 50)) for _ in range(mixtures)])
    raw[:, 3 + mixtures : 3 + 2 * mixtures] = 1000.0 * torch.arange(mixtures)
    density = MixtureDensity(raw).masked(torch.tensor(keep).expand(500, -1))
    chosen = (density.draw(_noise(500, seed))[:, 0] / 1000).round().long()
    assert all(keep[k] for k in chosen.tolist())


def test_a_masked_density_is_renormalised() -> None:
    raw, points = _random_raw(5, mixtures=2), _points(torch.randn(5, 2, dtype=torch.float64))
    alone = torch.cat((raw[:, :3], raw[:, 3::2]), -1)
    masked = MixtureDensity(raw).masked(torch.tensor([True, False]).expand(5, 2))
    for one, other in zip(masked.log_prob(points), MixtureDensity(alone).log_prob(points), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("radius", [0.0, 1e-3, 0.5, 2.0, 6.0, 100.0])
@pytest.mark.parametrize("a", [0.0, 1.2, -3.0])
def test_an_offset_stays_within_the_radius_it_was_given(radius: float, a: float) -> None:
    raw = _raw([0, 0, 0], (0, 3.0, -1.0, 0.7, -1.3, a)).expand(50_000, -1)
    drawn = MixtureDensity(raw).draw(_noise(50_000, seed=2), max_radius=radius)
    zx, zy = (drawn[:, 0] - 3.0) / math.exp(0.7), (drawn[:, 1] + 1.0) / math.exp(-1.3)
    rho = math.tanh(a)
    distance = ((zx**2 - 2 * rho * zx * zy + zy**2) / (1 - rho**2)).clamp(min=0).sqrt()
    assert float(distance.max()) <= radius * (1 + 1e-6) + 1e-7
    if 0 < radius <= 2.0:
        assert float(distance.max()) > 0.99 * radius


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_draw_is_a_finite_offset_and_a_one_hot_pen(dtype: torch.dtype) -> None:
    raw = (1e4 * _random_raw(2_000).tanh()).to(dtype)
    drawn = MixtureDensity(raw).draw(_noise(2_000))
    assert drawn.shape == (2_000, 5)
    assert drawn.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert torch.isfinite(drawn).all()
    assert set(drawn[:, 2:].unique().tolist()) == {0.0, 1.0}
    assert (drawn[:, 2:].sum(-1) == 1).all()


def test_drawing_writes_to_nothing_it_is_given() -> None:
    raw, noise = _random_raw(50), _noise(50)
    before = raw.clone(), noise.uniforms.clone()
    density = MixtureDensity(raw)
    first = density.tempered(0.3).draw(noise, max_radius=2.0)
    density.masked(raw[:, 3:7] >= raw[:, 3:7].amax(-1, keepdim=True)).draw(noise)
    density.log_prob(first)
    assert torch.equal(raw, before[0])
    assert torch.equal(noise.uniforms, before[1])
    assert torch.equal(density.tempered(0.3).draw(noise, max_radius=2.0), first)


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_row_alone_is_drawn_as_in_a_batch(dtype: torch.dtype) -> None:
    raw, noise = _random_raw(97).to(dtype), _noise(97)
    together = MixtureDensity(raw).tempered(0.4).draw(noise)
    for row in range(0, 97, 7):
        alone = MixtureDensity(raw[row : row + 1]).tempered(0.4).draw(Noise(noise.uniforms[row : row + 1]))
        assert torch.equal(alone[0], together[row])


def test_drawing_works_while_gradients_are_recorded() -> None:
    raw = _random_raw(4).requires_grad_()
    assert torch.equal(MixtureDensity(raw).draw(_noise(4)), MixtureDensity(raw.detach()).draw(_noise(4)))


# --- pick ---------------------------------------------------------------------------------------------

_UNIFORM = st.one_of(
    st.sampled_from([2.0**-24, 1 - 2.0**-24, 0.5]), st.floats(2.0**-24, 1 - 2.0**-24, width=32)
)


@settings(max_examples=100, deadline=None)
@given(
    logits=st.lists(
        st.one_of(st.just(-math.inf), st.floats(-1e4, 1e4, width=32), st.floats(-20, 20, width=32)),
        min_size=1,
        max_size=40,
    ).filter(lambda row: any(v > -math.inf for v in row)),
    uniform=_UNIFORM,
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_a_pick_is_an_index_with_some_probability(
    logits: list[float], uniform: float, dtype: torch.dtype
) -> None:
    row = torch.tensor([logits], dtype=dtype)
    index = int(pick(row, torch.tensor([uniform])))
    assert 0 <= index < len(logits)
    assert row.softmax(-1)[0, index] > 0


def test_a_pick_follows_the_distribution_to_the_last_index() -> None:
    logits = torch.tensor([0.1, 0.2, 0.3, 0.4]).log().expand(5, 4)
    assert pick(logits, torch.tensor([0.05, 0.15, 0.31, 0.65, 1 - 2.0**-24])).tolist() == [0, 1, 2, 3, 3]


def test_a_number_at_the_edge_of_two_weights_belongs_to_the_first() -> None:
    logits = torch.randn(2_000, 3, generator=torch.Generator().manual_seed(0))
    logits[:, 1] = -math.inf
    steps = (logits.softmax(-1) * 2.0**23).floor()
    for offset in range(-2, 3):
        uniform = ((steps[:, 0].double() + offset + 0.5) * 2.0**-23).clamp(2.0**-24, 1 - 2.0**-24).float()
        picked, edge = pick(logits, uniform), uniform * steps.sum(-1) == steps[:, 0]
        assert (picked != 1).all() and (picked[edge] == 0).all()
        assert edge.any() or offset  # rounded to float32, the number meets the edge


def test_a_weight_below_one_step_of_the_uniform_numbers_is_never_picked() -> None:
    ends = torch.tensor([2.0**-24, 1 - 2.0**-24])
    assert pick(torch.tensor([[0.0, -16.5]]).expand(2, 2), ends).tolist() == [0, 0]
    assert pick(torch.tensor([[-16.5, 0.0]]).expand(2, 2), ends).tolist() == [1, 1]


def test_equal_weights_share_the_uniform_numbers_equally() -> None:
    rows = 2**20
    uniform = (torch.arange(rows) + 0.5) / rows
    counts = torch.bincount(pick(torch.zeros(rows, 20), uniform), minlength=20)
    assert (counts - rows / 20).abs().max() <= 2
