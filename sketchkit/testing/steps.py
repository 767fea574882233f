"""What must hold of a sampler that chooses point by point, with a memory or without."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.engine.prompts import LEAST_ROWS
from sketchkit.noise import Noise
from sketchkit.sampling import StatefulSampler, StepSampler, stateful
from sketchkit.testing.chance import check_pure
from sketchkit.testing.densities import EXTREMES, extreme, masked, noise, raw_outputs
from sketchkit.testing.faults import Faults
from sketchkit.testing.memory import check_initial_state, check_memory

__all__ = ["check_points", "check_steps"]

_CPU = torch.device("cpu")
_ADVICE = "choose a point of every density, with density.draw(noise) or density.point(...)"
#: How many rows and steps are tried where rows must not see each other.
_ROWS, _STEPS, _MIXTURES = 17, 6, 5
#: A point by itself as the engine would draw it, with whatever stands in the other rows.
_ALONE = (3, 16, 0, 9)


def check_steps(sampler: StepSampler, faults: Faults) -> None:
    """Try a sampler of points; see `check_sampler`."""
    inner = stateful(sampler)
    check_initial_state(inner, faults)
    if len(faults):
        return
    check_points(sampler, faults)
    if len(faults):
        return
    _check_arguments_unchanged(inner, faults)
    _check_rows(inner, faults)


def check_points(sampler: StepSampler, faults: Faults, where: str = "") -> None:
    """Points must be points, of any density.

    Args:
        sampler: to try.
        faults: where to note what is wrong.
        where: beside what is told of a density, such as " with k=1".
    """
    inner = stateful(sampler)
    for rows, mixtures in product((1, LEAST_ROWS, _ROWS), (1, 3, 20)):
        density = MixtureDensity(raw_outputs(rows, mixtures, rows))
        _check_point(inner, density, f"of {rows} rows and {mixtures} components{where}", (), faults)
    for dtype in (torch.float64, torch.bfloat16, torch.float16):
        density = MixtureDensity(raw_outputs(LEAST_ROWS, 3, 5, dtype))
        _check_point(
            inner, density, f"made of {str(dtype).removeprefix('torch.')} outputs{where}", (), faults
        )
    for mixtures in (1, 4):
        density = MixtureDensity(extreme(mixtures, 6))
        _check_point(inner, density, f"that is extreme{where}", EXTREMES, faults)
        _check_point(inner, masked(mixtures, 7), f"that has been masked{where}", (), faults)


def _check_point(
    sampler: StatefulSampler, density: MixtureDensity, of: str, kinds: Sequence[str], faults: Faults
) -> None:
    rows = len(density.pen_logits)
    with faults.during("points of any density", f"for a density {of}", _ADVICE):
        state = sampler.initial_state(rows, _CPU)
        result = sampler.step(density, noise(rows, 8), state)
        if not (isinstance(result, tuple) and len(result) == 2):
            given = type(result).__name__
            faults.add(
                "a pair", f"step returns a {given}: return the points and the state after, (points, state)"
            )
            return
        points, after = result
        _check_shape(points, density, of, kinds, faults)
        check_memory(after, state, of, faults)


def _check_shape(points: Any, density: MixtureDensity, of: str, kinds: Sequence[str], faults: Faults) -> None:
    rows, dtype = len(density.pen_logits), density.parameters.dtype
    if not isinstance(points, Tensor):
        kind = type(points).__name__
        faults.add("a tensor", f"it returns a {kind}: return a tensor [B, 5], as density.point(...) does")
    elif points.shape != (rows, 5):
        shape = list(points.shape)
        faults.add("the shape", f"for a density {of} it returns the shape {shape}: return [{rows}, 5]")
    elif points.dtype not in (torch.float32, torch.float64):
        faults.add("the type", f"it returns {points.dtype} for {dtype}: keep the number type of the density")
    else:
        _check_values(points, of, kinds, faults)


def _check_values(points: Tensor, of: str, kinds: Sequence[str], faults: Faults) -> None:
    told = f"of a density {of}"
    for row in torch.nonzero(~torch.isfinite(points[:, :2]).all(1)).flatten().tolist()[:1]:
        kind = f" ({kinds[row]})" if kinds else ""
        offset = _shown(points[row, :2])
        advice = "compute in log space and clamp, as density.point(...) does"
        faults.add("finite", f"the offset of row {row} {told}{kind} is {offset}: {advice}")
    pens = points[:, 2:]
    one_hot = ((pens == 0) | (pens == 1)).all(1) & (pens.sum(1) == 1)
    for row in torch.nonzero(~one_hot).flatten().tolist()[:1]:
        kind = f" ({kinds[row]})" if kinds else ""
        pen = _shown(pens[row])
        advice = "make it one-hot, as density.point(...) does"
        faults.add("one-hot", f"the pen state of row {row} {told}{kind} is {pen}: {advice}")


def _check_arguments_unchanged(sampler: StatefulSampler, faults: Faults) -> None:
    density, chance = MixtureDensity(raw_outputs(_ROWS, _MIXTURES, 9)), noise(_ROWS, 9)
    state = _clones(sampler.initial_state(_ROWS, _CPU))
    for _ in range(2):  # a memory may be written to only once it is no longer what it began as
        before = {
            **{name: getattr(density, name) for name in ("pen_logits", "component_logits", "parameters")},
            "noise": chance.uniforms,
            **{f"state[{i}]": part for i, part in enumerate(state)},
        }
        copies = {name: tensor.clone() for name, tensor in before.items()}
        shift = density.log_sigma_shift
        _, after = sampler.step(density, chance, state)
        for name, tensor in before.items():
            now = getattr(density, name, tensor)
            if now is not tensor or not _same(now, copies[name]):
                what = name if name == "noise" or "state" in name else f"density.{name}"
                advice = "work on a copy, or with density.tempered(...) and density.masked(...)"
                faults.add("arguments unchanged", f"it writes to {what}: {advice}")
        if density.log_sigma_shift != shift:
            advice = "use density.tempered(...), which gives another density"
            faults.add("arguments unchanged", f"it writes to density.log_sigma_shift: {advice}")
        state = _clones(after)


def _check_rows(sampler: StatefulSampler, faults: Faults) -> None:
    """A row must not see its neighbours, nor a drawing the one that had its row before."""
    everyone = torch.arange(_ROWS)
    advice = "compute each row by itself, from its own density, noise and state"
    wanted: list[bytes] = []

    def all_rows() -> list[bytes]:
        return [points.numpy().tobytes() for points in _walk(sampler, everyone)]

    with faults.during("many steps", f"at one of {_STEPS} points in a row", _ADVICE):
        wanted = check_pure(all_rows, "points", "take the numbers from noise, which has four a row", faults)
    if not wanted or len(faults):
        return
    together = list(_walk(sampler, everyone))
    for chosen, told in (
        (torch.tensor(_ALONE), "with others beside it"),
        (everyone.flip(0), "in another order"),
    ):
        for step, points in enumerate(_walk(sampler, chosen)):
            _compare(
                points, together[step][chosen], chosen, f"{told} (point {step} of a drawing)", advice, faults
            )
    _check_refill(sampler, together, faults)


def _check_refill(sampler: StatefulSampler, together: list[Tensor], faults: Faults) -> None:
    """Drawings that begin in some rows while others go on, as where the engine takes over an ended one's."""
    begun, half = torch.tensor([1, 5, 6]), _STEPS // 2
    rows = torch.arange(_ROWS)
    ages = torch.zeros(_ROWS, dtype=torch.int64)
    state = sampler.initial_state(_ROWS, _CPU)
    advice = "keep all that is remembered of a drawing in its row of the state, and nothing elsewhere"
    for step in range(_STEPS):
        if step == half:
            fresh = sampler.initial_state(len(begun), _CPU)
            state = tuple(part.index_copy(0, begun, new) for part, new in zip(state, fresh, strict=True))
            ages[begun] = 0
        raw = torch.stack([raw_outputs(_ROWS, _MIXTURES, 20 + int(age))[row] for row, age in enumerate(ages)])
        chance = torch.stack([noise(_ROWS, 20 + int(age)).uniforms[row] for row, age in enumerate(ages)])
        points, state = sampler.step(MixtureDensity(raw), Noise(chance), state)
        wanted = torch.stack([together[int(age)][row] for row, age in enumerate(ages)])
        _compare(points, wanted, rows, "where a drawing begins in a row that another had", advice, faults)
        ages += 1


def _compare(points: Tensor, wanted: Tensor, rows: Tensor, told: str, advice: str, faults: Faults) -> None:
    for place in torch.nonzero((points != wanted).any(1)).flatten().tolist()[:1]:
        row = int(rows[place])
        differs = f"{_shown(points[place])} instead of {_shown(wanted[place])}"
        faults.add("rows alone", f"row {row} is {differs} {told}: {advice}")


def _walk(sampler: StatefulSampler, rows: Tensor) -> list[Tensor]:
    """The points of some of the rows, step by step."""
    state, out = sampler.initial_state(len(rows), _CPU), []
    for step in range(_STEPS):
        density = MixtureDensity(raw_outputs(_ROWS, _MIXTURES, 20 + step)[rows])
        points, state = sampler.step(density, Noise(noise(_ROWS, 20 + step).uniforms[rows]), state)
        out.append(points.clone())
    return out


def _same(left: Tensor, right: Tensor) -> bool:
    return left.shape == right.shape and bool(((left == right) | (left.isnan() & right.isnan())).all())


def _clones(state: Sequence[Tensor]) -> tuple[Tensor, ...]:
    return tuple(part.clone() for part in state)


def _shown(values: Tensor) -> str:
    return f"({', '.join(f'{value:.9g}' for value in values.tolist())})"
