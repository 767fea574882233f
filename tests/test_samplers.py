"""The built-in samplers: what each keeps of a density, and what all of them promise."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sketchkit import options, registry
from sketchkit.density import MixtureDensity, TemperatureRule
from sketchkit.engine import decode, read_prompts
from sketchkit.errors import InputError, PluginError
from sketchkit.models import SketchModel
from sketchkit.noise import Noise, uniforms
from sketchkit.sampling import Draft, DraftingContext, Sampler, Tempered, make_sampler, samplers

BUILT_IN = ["greedy", "mean", "nucleus", "temperature", "top-k", "truncated"]
TEMPERED = [name for name in BUILT_IN if name not in ("greedy", "mean")]
MIXTURES = 5


def _raw(rows: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 6 * MIXTURES + 3, generator=generator).to(dtype)


def _far_apart(logits: list[float], rows: int) -> Tensor:
    """Components whose means lie 1,000 apart, so that a point shows where it is from."""
    mixtures = len(logits)
    raw = torch.zeros(rows, 6 * mixtures + 3)
    raw[:, 3 : 3 + mixtures] = torch.tensor(logits)
    raw[:, 3 + mixtures : 3 + 2 * mixtures] = 1000.0 * torch.arange(mixtures)
    return raw


def _origin(points: Tensor) -> Tensor:
    return (points[:, 0] / 1000).round().long()


def _noise(rows: int, seed: int = 0) -> Noise:
    return Noise(uniforms(seed, torch.arange(rows), torch.zeros(rows, dtype=torch.int64)))


# --- what all of them promise -------------------------------------------------------------------------


def test_the_built_in_samplers_are_all_found() -> None:
    assert set(BUILT_IN) <= set(samplers())


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_a_point_is_a_finite_offset_and_a_one_hot_pen(name: str, dtype: torch.dtype) -> None:
    points = make_sampler(name)(MixtureDensity(1e3 * _raw(500, dtype=dtype)), _noise(500))
    assert points.shape == (500, 5)
    assert torch.isfinite(points).all()
    assert set(points[:, 2:].unique().tolist()) <= {0.0, 1.0}
    assert (points[:, 2:].sum(-1) == 1).all()


@pytest.mark.parametrize("name", BUILT_IN)
def test_equal_arguments_give_equal_points_and_stay_as_they_are(name: str) -> None:
    sampler, raw, noise = make_sampler(name), _raw(200), _noise(200)
    before, uniform = raw.clone(), noise.uniforms.clone()
    density = MixtureDensity(raw)
    torch.manual_seed(1)
    first = sampler(density, noise)
    torch.manual_seed(2)
    assert torch.equal(sampler(density, noise), first)
    assert torch.equal(raw, before)
    assert torch.equal(noise.uniforms, uniform)


@pytest.mark.parametrize("name", BUILT_IN)
def test_no_row_looks_at_another(name: str) -> None:
    sampler, raw, noise = make_sampler(name), _raw(97), _noise(97)
    together = sampler(MixtureDensity(raw), noise)
    for row in range(0, 97, 8):
        alone = sampler(MixtureDensity(raw[row : row + 1]), Noise(noise.uniforms[row : row + 1]))
        assert torch.equal(alone[0], together[row])


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_sampler_draws_without_touching_the_global_generator(name: str) -> None:
    torch.manual_seed(3)
    state = torch.get_rng_state()
    make_sampler(name)(MixtureDensity(_raw(10)), _noise(10))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", TEMPERED)
@pytest.mark.parametrize("rule", tuple(TemperatureRule))
def test_at_temperature_0_every_sampler_is_the_greedy_one(name: str, rule: str) -> None:
    density, noise = MixtureDensity(_raw(300)), _noise(300)
    cold = make_sampler(name, 0.0, {"rule": rule})(density, noise)
    assert torch.equal(cold, make_sampler("greedy")(density, noise))


@pytest.mark.parametrize("name", TEMPERED)
def test_towards_temperature_0_of_the_paper_every_sampler_is_the_greedy_one(name: str) -> None:
    raw = _raw(300)
    cold = make_sampler(name, 1e-6, {"rule": "paper"})(MixtureDensity(raw), _noise(300))
    torch.testing.assert_close(
        cold, make_sampler("greedy")(MixtureDensity(raw), _noise(300)), rtol=0, atol=0.05
    )


@pytest.mark.parametrize("name", TEMPERED)
def test_every_rule_of_temperature_is_an_option(name: str) -> None:
    raw, noise = _raw(400), _noise(400)
    drawn = {
        rule: make_sampler(name, 0.3, {"rule": rule})(MixtureDensity(raw), noise) for rule in TemperatureRule
    }
    assert not torch.equal(drawn[TemperatureRule.PAPER], drawn[TemperatureRule.TENSORFLOW])
    assert not torch.equal(drawn[TemperatureRule.PAPER], drawn[TemperatureRule.JAVASCRIPT])


def test_the_rules_that_help_shows_are_those_of_the_density() -> None:
    assert tuple(TemperatureRule) == ("paper", "tensorflow", "javascript")


# --- each of them -------------------------------------------------------------------------------------


def test_the_temperature_sampler_draws_from_the_tempered_density() -> None:
    raw, noise = _raw(50), _noise(50)
    for rule in TemperatureRule:
        expected = MixtureDensity(raw).tempered(0.7, rule).draw(noise)
        assert torch.equal(
            make_sampler("temperature", 0.7, {"rule": rule})(MixtureDensity(raw), noise), expected
        )


def test_greedy_takes_the_heaviest_component_and_the_likeliest_pen() -> None:
    raw = _raw(300)
    points = make_sampler("greedy")(MixtureDensity(raw), _noise(300))
    heaviest = raw[:, 3 : 3 + MIXTURES].argmax(-1)
    means = raw[:, 3 + MIXTURES :].view(300, 5, MIXTURES)[torch.arange(300), :2, heaviest]
    assert torch.equal(points[:, :2], means)
    assert torch.equal(points[:, 2:].argmax(-1), raw[:, :3].argmax(-1))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-6, 6, width=32), min_size=1, max_size=8),
    st.integers(1, 10),
    st.floats(0.05, 4.0),
    st.integers(0, 1000),
)
def test_top_k_draws_from_the_k_heaviest_alone(
    logits: list[float], k: int, temperature: float, seed: int
) -> None:
    sampler = make_sampler("top-k", temperature, {"k": k})
    chosen = _origin(sampler(MixtureDensity(_far_apart(logits, 300)), _noise(300, seed)))
    lightest_allowed = sorted(logits, reverse=True)[:k][-1]
    assert all(logits[c] >= lightest_allowed for c in set(chosen.tolist()))
    assert len(set(chosen.tolist())) <= k


def test_the_mean_lies_where_the_components_pull_it_and_lifts_where_lifting_is_likeliest() -> None:
    raw = _far_apart([math.log(0.25), math.log(0.75)], 3)
    raw[:, :3] = torch.tensor([[2.0, 1.0, 0.0], [0.0, 2.0, 1.0], [0.0, 1.0, 2.0]])
    points = make_sampler("mean")(MixtureDensity(raw), _noise(3))
    torch.testing.assert_close(points[:, 0], torch.full((3,), 750.0))
    assert points[:, 2:].tolist() == torch.eye(3).tolist()


def test_the_mean_does_not_jump_where_one_component_gives_way_to_another() -> None:
    shares = torch.linspace(0.49, 0.51, 21)
    raw = _far_apart([0.0, 0.0], len(shares))
    raw[:, 3:5] = torch.stack((shares.log(), (1 - shares).log()), -1)
    steps = make_sampler("mean")(MixtureDensity(raw), _noise(len(shares)))[:, 0].diff().abs()
    assert steps.max() < 2.0
    jumps = make_sampler("greedy")(MixtureDensity(raw), _noise(len(shares)))[:, 0].diff().abs()
    assert jumps.max() == 1000.0


@pytest.mark.parametrize("k", [MIXTURES, MIXTURES + 1, 10**9, 10**30])
def test_top_k_of_everything_is_the_temperature_sampler(k: int) -> None:
    raw, noise = _raw(200), _noise(200)
    everything = make_sampler("top-k", 0.8, {"k": k})(MixtureDensity(raw), noise)
    assert torch.equal(everything, make_sampler("temperature", 0.8)(MixtureDensity(raw), noise))


def test_top_1_takes_the_heaviest_component_but_leaves_its_spread() -> None:
    logits = [0.0, 2.0, 1.9]
    points = make_sampler("top-k", 1.0, {"k": 1})(MixtureDensity(_far_apart(logits, 5_000)), _noise(5_000))
    assert set(_origin(points).tolist()) == {1}
    assert float(points[:, 0].std()) == pytest.approx(1.0, abs=0.05)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-6, 6, width=32), min_size=1, max_size=8), st.floats(0, 1), st.integers(0, 1000))
def test_a_nucleus_is_the_fewest_components_that_reach_p(logits: list[float], p: float, seed: int) -> None:
    sampler = make_sampler("nucleus", 1.0, {"p": p})
    chosen = set(_origin(sampler(MixtureDensity(_far_apart(logits, 300)), _noise(300, seed))).tolist())
    weights = torch.tensor(logits, dtype=torch.float64).softmax(-1).tolist()
    for component in chosen:
        # What is strictly heavier had not reached p yet, give or take a rounding.
        heavier = sum(w for w in weights if w > weights[component] * (1 + 1e-6))
        assert heavier == 0 or heavier < p + 1e-6


def test_a_nucleus_of_0_keeps_the_heaviest_alone() -> None:
    sampler = make_sampler("nucleus", 1.0, {"p": 0})
    points = sampler(MixtureDensity(_far_apart([1.0, 1.1, 0.9], 1_000)), _noise(1_000))
    assert set(_origin(points).tolist()) == {1}


def test_a_nucleus_of_1_is_the_temperature_sampler() -> None:
    raw, noise = _raw(200), _noise(200)
    everything = make_sampler("nucleus", 0.8, {"p": 1})(MixtureDensity(raw), noise)
    assert torch.equal(everything, make_sampler("temperature", 0.8)(MixtureDensity(raw), noise))


def test_a_nucleus_keeps_the_proportions_of_what_it_keeps() -> None:
    rows = 100_000
    logits = [math.log(w) for w in (0.5, 0.3, 0.15, 0.05)]
    points = make_sampler("nucleus", 1.0, {"p": 0.75})(MixtureDensity(_far_apart(logits, rows)), _noise(rows))
    found = torch.bincount(_origin(points), minlength=4) / rows
    expected = torch.tensor([0.625, 0.375, 0.0, 0.0])
    torch.testing.assert_close(found, expected, rtol=0, atol=0.01)


@settings(max_examples=40, deadline=None)
@given(st.just(0.0) | st.floats(1e-30, 8), st.floats(0.01, 3.0), st.integers(0, 1000))
def test_a_truncated_offset_stays_within_r_tempered_sigma(r: float, temperature: float, seed: int) -> None:
    raw = torch.zeros(500, 9)
    raw[:, 6:8] = torch.tensor([0.5, -1.0])
    points = make_sampler("truncated", temperature, {"r": r})(MixtureDensity(raw), _noise(500, seed))
    sigma = torch.tensor([0.5, -1.0]).exp() * math.sqrt(temperature)
    assert float((points[:, :2].double() / sigma).norm(dim=-1).max()) <= r * (1 + 1e-5)


def test_truncation_at_0_leaves_the_means() -> None:
    raw = _far_apart([0.0, 1.0], 100)
    points = make_sampler("truncated", 1.0, {"r": 0})(MixtureDensity(raw), _noise(100))
    assert set(points[:, 0].tolist()) == {0.0, 1000.0}
    assert not points[:, 1].any()


# --- made by name -------------------------------------------------------------------------------------


def test_a_sampler_that_is_made_already_comes_back() -> None:
    sampler = make_sampler("top-k")
    assert make_sampler(sampler, 0.1) is sampler


def test_a_plain_function_is_a_sampler() -> None:
    def centre(density: MixtureDensity, noise: Noise) -> Tensor:
        return noise.uniforms.new_zeros(len(noise.uniforms), 5)

    assert isinstance(centre, Sampler)
    assert make_sampler(centre) is centre


def test_the_temperature_goes_to_those_that_have_one() -> None:
    made = make_sampler("nucleus", 0.25)
    assert isinstance(made, Tempered)
    assert made.temperature == 0.25
    assert options.as_dict(make_sampler("greedy", 0.25)) == {}
    assert options.as_dict(make_sampler("top-k", 0.25, {"temperature": 2})) == {
        "temperature": 2.0,
        "rule": "javascript",
        "k": 5,
    }


def test_options_may_be_text_as_on_the_command_line() -> None:
    made = make_sampler("top-k", None, {"k": "3", "temperature": "0.5", "rule": "javascript"})
    assert options.as_dict(made) == {"temperature": 0.5, "rule": "javascript", "k": 3}


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("top-k", {"k": 0}, "option 'k' of sampler 'top-k' must be 1 or more, got 0"),
        ("top-k", {"k": "2.5"}, "must be a whole number, got '2.5'"),
        ("top-k", {"k": None}, "must be a whole number, got None"),
        ("nucleus", {"p": 1.01}, "must be 0..1, got 1.01"),
        ("nucleus", {"p": float("nan")}, "must be 0..1, got nan"),
        ("truncated", {"r": -1}, "must be 0..100, got -1"),
        ("truncated", {"r": math.inf}, "must be 0..100, got inf"),
        ("temperature", {"temperature": -0.1}, "must be 0..100, got -0.1"),
        ("temperature", {"rule": "heat"}, "must be one of paper, tensorflow, javascript, got 'heat'"),
        ("temperature", {"k": 1}, "sampler 'temperature' has no option 'k': it has temperature, rule"),
        ("greedy", {"temperature": 1}, "sampler 'greedy' has no option 'temperature': it has none"),
    ],
)
def test_an_option_that_cannot_be_is_refused_in_words(name: str, values: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError) as refused:
        make_sampler(name, None, values)
    assert reason in str(refused.value)


# --- samplers of strangers ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Odd:
    """A stranger's sampler whose option says what goes wrong."""

    how: str = options.option("well", "what goes wrong")
    temperature: float = options.option(0.5, "tau")

    def __post_init__(self) -> None:
        if self.how == "unmade":
            raise LookupError("not today")

    def __call__(self, density: MixtureDensity, noise: Noise) -> Any:
        points = density.draw(noise)
        if self.how == "raises":
            raise LookupError("no point\nanywhere")
        if self.how == "nan":
            points[0, 0] = math.nan
        if self.how == "pens":
            points[0, 2:] = 0.5
        return {"list": points.tolist(), "short": points[:, :3], "whole": points.long()}.get(self.how, points)


def _end(count: int) -> npt.NDArray[np.float32]:
    """Rows of which the last ends the drawing."""
    rows = np.tile(np.array([3, 4, 1, 0, 0], np.float32), (count, 1))
    rows[-1] = [0, 0, 0, 0, 1]
    return rows


def _unwritable(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    rows.setflags(write=False)
    return rows


#: Drafts of two drawings of at most 6 rows, by what is right or wrong with them.
DRAFTS: dict[str, list[Any]] = {
    "well": [Draft(1, _end(6), 0.0), Draft(0, _end(3)[:1], 0.0)],
    "read-only": [Draft(np.int64(1), _unwritable(_end(6)), 0.0), Draft(0, _end(1)[::-1], 0.0)],  # type: ignore[arg-type]
    "rows alone": [_end(3)],
    "half": [Draft(0.5, _end(3), 0.0)],  # type: ignore[arg-type]
    "true": [Draft(True, _end(3), 0.0)],
    "beyond": [Draft(2, _end(3), 0.0)],
    "list": [Draft(0, _end(3).tolist(), 0.0)],
    "narrow": [Draft(0, _end(3)[:, 1:], 0.0)],
    "long": [Draft(0, _end(7), 0.0)],
    "empty": [Draft(0, _end(3)[:0], 0.0)],
    "after": [Draft(0, np.concatenate((_end(2), _end(2))), 0.0)],
    "twice": [Draft(0, _end(3), 0.0)] * 2,
    "one": [Draft(0, _end(3), 0.0)],
}


@dataclass(frozen=True)
class OddDrawings:
    """A stranger's sampler of whole drawings whose option says what it draws."""

    how: str = options.option("well", "what goes wrong")

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        yield from DRAFTS[self.how]


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> None:
    own = registry._plugins("sampler", True)
    found = list(own)
    for name, value in (("odd", "Odd"), ("odd-drawings", "OddDrawings")):
        entry = EntryPoint(name, f"{__name__}:{value}", "sketchkit.samplers")
        found.append(registry.Plugin("sampler", name, "odd-plugin", entry))
    monkeypatch.setattr(registry, "_plugins", lambda kind, allowed: found)


@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("raises", " failed: LookupError: no point"),
        ("list", " chose a list, not a tensor of points"),
        ("short", " chose points of the shape [4, 3], not [4, 5]"),
        ("whole", " chose points of the type torch.int64, not of a floating-point type"),
        ("nan", " chose a point that is not finite"),
        ("pens", " chose a pen state that is not one-hot: (1, 0, 0), (0, 1, 0) or (0, 0, 1)"),
    ],
)
def test_a_strangers_sampler_that_fails_is_named(how: str, reason: str) -> None:
    sampler = make_sampler("odd", None, {"how": how})
    with pytest.raises(PluginError) as failed:
        sampler(MixtureDensity(_raw(4)), _noise(4))
    assert str(failed.value) == f"the sampler odd-plugin:odd{reason}"


@pytest.mark.usefixtures("odd")
def test_a_strangers_sampler_that_cannot_be_made_is_named() -> None:
    with pytest.raises(PluginError, match=r"^the sampler odd-plugin:odd failed: LookupError: not today$"):
        make_sampler("odd", None, {"how": "unmade"})


@pytest.mark.usefixtures("odd")
def test_a_strangers_sampler_draws_and_tells_its_options() -> None:
    sampler, density = make_sampler("odd", 0.7), MixtureDensity(_raw(4))
    assert torch.equal(sampler(density, _noise(4)), density.draw(_noise(4)))
    assert options.as_dict(sampler) == {"how": "well", "temperature": 0.7}
    assert isinstance(sampler, Sampler)


def _drawn(model: SketchModel, how: str) -> list[Draft]:
    """What a stranger's sampler of whole drawings draws where two of at most 6 rows are asked for."""
    sampler = make_sampler("odd-drawings", None, {"how": how})
    prompts, both = read_prompts(model, [np.zeros((0, 5))]), np.arange(2)
    return list(decode(model, sampler, prompts, both * 0, both, seed=1, max_points=6))


@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize("how", ["well", "read-only"])
def test_a_strangers_whole_drawings_are_taken(tiny_model: SketchModel, how: str) -> None:
    assert [draft.job for draft in _drawn(tiny_model, how)] == [1, 0]


@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("rows alone", "a ndarray, not a Draft"),
        ("half", "a draft of the job 0.5, which is no whole number"),
        ("true", "a draft of the job True, which is no whole number"),
        ("beyond", "drawing 2 of 2 that were asked for"),
        ("list", "rows that are no array [n, 5]"),
        ("narrow", "points of the shape [3, 4], not [3, 5]"),
        ("long", "7 rows, where there are at least 1 and at most context.max_points, 6"),
        ("empty", "0 rows, where there are at least 1 and at most context.max_points, 6"),
        ("after", "rows after the end row, which is row 1 of 4"),
        ("twice", "drawing 0 twice"),
        ("one", "1 of 2 drawings"),
    ],
)
def test_a_stranger_that_draws_what_is_no_drawing_is_named(
    tiny_model: SketchModel, how: str, reason: str
) -> None:
    with pytest.raises(PluginError) as failed:
        _drawn(tiny_model, how)
    assert str(failed.value) == f"the sampler odd-plugin:odd-drawings drew {reason}"


def test_an_unknown_sampler_is_refused_with_the_nearest_that_exists() -> None:
    with pytest.raises(PluginError, match="no sampler named 'nucleos': did you mean 'nucleus'"):
        make_sampler("nucleos")


def test_a_sampler_already_made_takes_no_options_and_a_class_is_none() -> None:
    with pytest.raises(InputError, match="already made has its options"):
        make_sampler(make_sampler("greedy"), values={"k": 3})
    with pytest.raises(InputError, match="a sampler is a name or an object"):
        make_sampler(Tempered)
