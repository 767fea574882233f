"""The check of models: each rule, broken by a model of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from checking import rules_of
from torch import Tensor, nn

from sketchkit import registry
from sketchkit.card import ModelCard
from sketchkit.models import Packing, SketchModel, State, check_sizes
from sketchkit.models.cells import CELLS
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeArchitecture, VaeModel
from sketchkit.testing import check_model

SMALL = {
    "decoder": DecoderArchitecture(hidden=16, mixtures=3),
    "vae": VaeArchitecture(encoder_hidden=8, hidden=16, latent=6, mixtures=3),
}


@pytest.mark.parametrize("name", [p.full_name for p in registry.all_plugins("model") if p.builtin])
def test_every_model_of_ours_passes(name: str) -> None:
    check_model(name)


@pytest.mark.parametrize("cell", sorted(CELLS))
@pytest.mark.parametrize("classes", [0, 2])
def test_every_cell_with_and_without_classes_and_position_passes(cell: str, classes: int) -> None:
    more: dict[str, Any] = {"cell": cell, "classes": classes, "embedding": 4, "position": bool(classes)}
    check_model(DecoderModel, architecture=dataclasses.replace(SMALL["decoder"], **more))
    check_model(VaeModel, architecture=dataclasses.replace(SMALL["vae"], **more))


def test_a_model_that_is_there_passes_and_stays_as_it_is(tiny_model: SketchModel, tiny_vae: VaeModel) -> None:
    before = torch.get_rng_state()
    for model in (tiny_model, tiny_vae):
        weights = model.weights_checksum()
        check_model(model)
        assert model.weights_checksum() == weights
        assert not any(weight.requires_grad for weight in model.parameters())
    assert torch.equal(before, torch.get_rng_state())


@dataclass(frozen=True)
class Sizes:
    """Of the models here."""

    hidden: int = 8
    mixtures: int = 2
    latent: int = 3
    classes: int = 0

    def __post_init__(self) -> None:
        check_sizes(self, hidden=1_000, mixtures=100, latent=100)
        check_sizes(self, at_least=0, classes=100)


class Averaging(SketchModel):
    """Knows the mean of the rows so far, and a latent vector if it is conditional."""

    backend: ClassVar[str] = "averaging"
    architecture_type: ClassVar[type] = Sizes

    def __init__(self, architecture: Any, card: ModelCard) -> None:
        super().__init__(architecture, card)
        a = architecture
        extra = (a.latent if self.conditional else 0) + (a.classes + 1 if a.classes else 0)
        self.layers = nn.Sequential(
            nn.Linear(10 + extra, a.hidden), nn.Tanh(), nn.Linear(a.hidden, 6 * a.mixtures + 3)
        )

    def initial_state(self, batch: int, z: Tensor | None = None, label: Tensor | None = None) -> State:
        zeros = self.layers[0].weight.new_zeros
        parts = [zeros(batch, 5), zeros(batch, 1)]
        if z is not None:
            parts.append(z.to(self.dtype).expand(batch, -1).clone())
        if self.architecture.classes:
            known = self.architecture.classes
            index = torch.tensor([known]) if label is None else label
            parts.append(nn.functional.one_hot(index, known + 1).to(self.dtype).expand(batch, -1).clone())
        return tuple(parts)

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        total, count, *more = state
        total, count = total + rows, count + 1
        return self.layers(torch.cat((rows, total / count, *more), 1)), (total, count, *more)


def _conditional(base: type) -> Any:
    return type(base.__name__, (base,), {"conditional": True})


def test_a_model_of_the_least_that_there_must_be_passes() -> None:
    check_model(Averaging)
    check_model(_conditional(Averaging))
    check_model(_conditional(Averaging), architecture=Sizes(classes=2), backend="averaging")


# --- the class and its architecture -----------------------------------------------------------------------


class _Nameless(Averaging):
    backend: ClassVar[Any] = None


class _WithoutStep(SketchModel):
    backend: ClassVar[str] = "averaging"
    architecture_type: ClassVar[type] = Sizes

    def initial_state(self, batch: int, z: Tensor | None = None, label: Tensor | None = None) -> State:
        return ()


class _Forgets(Averaging):
    def __init__(self, architecture: Any, card: ModelCard) -> None:
        super().__init__(architecture, dataclasses.replace(card, name="mine"))


class _Weightless(Averaging):
    def __init__(self, architecture: Any, card: ModelCard) -> None:
        super().__init__(architecture, card)
        self.layers = nn.Sequential()


class _NoLatent(_conditional(Averaging)):  # type: ignore[misc]
    @dataclass(frozen=True)
    class Plain:
        hidden: int = 8

        def __post_init__(self) -> None:
            check_sizes(self, hidden=100)

    architecture_type: ClassVar[type] = Plain

    def __init__(self, architecture: Any, card: ModelCard) -> None:
        SketchModel.__init__(self, architecture, card)
        self.layers = nn.Linear(5, 15)


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        (nn.Linear, "a model"),
        (_Nameless, "backend"),
        (_WithoutStep, "makeable"),
        (_Forgets, "facts"),
        (_Weightless, "weights"),
        (_NoLatent, "latent"),
    ],
)
def test_what_is_wrong_with_a_class_is_told(model: Any, rule: str) -> None:
    assert rule in rules_of(check_model, model)


def test_the_backend_is_the_name_under_which_it_is_registered() -> None:
    assert rules_of(check_model, Averaging, backend="mean") == ("backend",)


def _of(architecture: Any) -> Any:
    return type("Model", (Averaging,), {"architecture_type": architecture})


class _NoDataclass:
    hidden = 8


@dataclass
class _Liquid(Sizes.__mro__[1]):  # type: ignore[misc]
    hidden: int = 8


@dataclass(frozen=True)
class _Unfinished:
    hidden: int


@dataclass(frozen=True)
class _Deep:
    hidden: int = 8
    mixtures: int = 2
    latent: int = 3
    classes: int = 0
    sizes: Mapping[str, object] = dataclasses.field(default_factory=lambda: {"a": {1, 2}})


@dataclass(frozen=True)
class _Tuples(Sizes):
    layers: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class _Unchecked:
    hidden: int = 8
    mixtures: int = 2
    latent: int = 3
    classes: int = 0


@pytest.mark.parametrize(
    ("architecture", "rule"),
    [
        (_NoDataclass, "architecture"),
        (_Liquid, "architecture"),
        (_Unfinished, "defaults"),
        (_Deep, "JSON"),
        (_Tuples, "JSON"),
        (_Unchecked, "nonsense"),
    ],
)
def test_what_is_wrong_with_an_architecture_is_told(architecture: Any, rule: str) -> None:
    assert rule in rules_of(check_model, _of(architecture))


# --- states and steps -------------------------------------------------------------------------------------


class _Listed(Averaging):
    def initial_state(self, *arguments: Any) -> Any:
        return list(super().initial_state(*arguments))


class _NoRows(Averaging):
    def initial_state(self, batch: int, z: Tensor | None = None, label: Tensor | None = None) -> State:
        return (torch.zeros(5), torch.zeros(1))


class _RawAlone(Averaging):
    def step(self, rows: Tensor, state: State) -> Any:
        return super().step(rows, state)[0]


class _Odd(Averaging):
    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        return raw[:, :-1], after


class _Infinite(Averaging):
    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        return raw / 0.0, after


class _OneRow(Averaging):
    def step(self, rows: Tensor, state: State) -> Any:
        raw, (total, count) = super().step(rows, state)
        return raw, (total[:1], count)


class _Growing(Averaging):
    def step(self, rows: Tensor, state: State) -> Any:
        raw, (total, count) = super().step(rows, state)
        return raw, (total.double(), count)


class _Writing(Averaging):
    def step(self, rows: Tensor, state: State) -> Any:
        state[0].add_(rows)
        state[1].add_(1)
        raw, _ = super().step(rows, state)
        return raw, state


class _WritingRows(Averaging):
    def step(self, rows: Tensor, state: State) -> Any:
        return super().step(rows.mul_(0.5), state)


class _Single(Averaging):
    def step(self, rows: Tensor, state: State) -> Any:
        if len(rows) == 4:
            raise ArithmeticError("four")
        return super().step(rows, state)


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        (_Listed, "a state"),
        (_NoRows, "a state"),
        (_RawAlone, "a pair"),
        (_Odd, "raw outputs"),
        (_Infinite, "finite"),
        (_OneRow, "a state"),
        (
            _Growing,
            "the state stays",
        ),
        (_Writing, "arguments unchanged"),
        (_WritingRows, "arguments unchanged"),
        (_Single, "steps"),
    ],
)
def test_states_and_steps_that_are_none_are_told(model: Any, rule: str) -> None:
    assert rules_of(check_model, model)[0] == rule


class _OtherForward(Averaging):
    def forward(self, rows: Tensor, state: State) -> Any:
        raw, after = super().forward(rows, state)
        return raw + 0.01, after


class _FlatForward(Averaging):
    def forward(self, rows: Tensor, state: State) -> Any:
        raw, after = super().forward(rows, state)
        return raw.flatten(0, 1), after


class _FirstState(Averaging):
    def forward(self, rows: Tensor, state: State) -> Any:
        return super().forward(rows, state)[0], state


class _FailsForward(Averaging):
    def forward(self, rows: Tensor, state: State) -> Any:
        raise NotImplementedError


class _BatchNorm(Averaging):
    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        return raw - 0.1 * raw.mean(0), after


class _SingleInside(Averaging):
    def step(self, rows: Tensor, state: State) -> Any:
        return super().step(rows.float(), state)


class _Overflows(Averaging):
    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        return raw / float(raw.dtype == torch.float32), after


class _WidensHalf(Averaging):
    def step(self, rows: Tensor, state: State) -> Any:
        raw, (total, count) = super().step(rows, state)
        return raw, (total.float(), count)


class _MindsNothing(_conditional(Averaging)):  # type: ignore[misc]
    def step(self, rows: Tensor, state: State) -> Any:
        total, count, *more = state
        return super().step(rows, (total, count, *(0.0 * part for part in more)))


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        (_OtherForward, "forward"),
        (
            _FlatForward,
            "forward",
        ),
        (_FirstState, "forward"),
        (_FailsForward, "forward"),
        (_BatchNorm, "alone"),
        (_SingleInside, "half precision"),
        (_Overflows, "half precision"),
        (
            _WidensHalf,
            "half precision",
        ),
        (_MindsNothing, "minds z"),
    ],
)
def test_what_models_compute_is_looked_at(model: Any, rule: str) -> None:
    assert rule in rules_of(check_model, model)


def test_a_model_that_minds_no_class_is_told() -> None:
    class Deaf(Averaging):
        def step(self, rows: Tensor, state: State) -> Any:
            total, count, label = state
            raw, after = super().step(rows, (total, count, 0.0 * label))
            return raw, (*after[:2], label)

    assert rules_of(check_model, Deaf, architecture=Sizes(classes=2)) == ("minds label",)


# --- training ---------------------------------------------------------------------------------------------


class _Unused(Averaging):
    def __init__(self, architecture: Any, card: ModelCard) -> None:
        super().__init__(architecture, card)
        self.spare = nn.Linear(2, 2)


class _Detached(Averaging):
    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        return raw.detach(), after


class _NoSlope(Averaging):
    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        return raw + (0.0 * self.layers[0].weight.sum()).sqrt(), after


class _Packs(Averaging):
    def packed(self, rows: Tensor, state: State, packing: Packing, keep: Tensor | None = None) -> Tensor:
        return super().packed(rows, state, packing) + 0.01


class _PacksPadding(Averaging):
    def packed(self, rows: Tensor, state: State, packing: Packing, keep: Tensor | None = None) -> Tensor:
        return self(rows, state)[0].flatten(0, 1)  # type: ignore[no-any-return]


class _DropsByChance(Averaging):
    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        return nn.functional.dropout(raw, 0.5, self.training), after


class _OddOption(Averaging):
    dropout_option: ClassVar[str] = "droppings"


class _NothingToDrop(Averaging):
    dropout_option: ClassVar[str] = "dropout"


class _Drops(Averaging):
    """Drops hidden numbers as it should."""

    dropout_option: ClassVar[str] = "dropout"
    droppable = 8
    share = 1.0

    def packed(self, rows: Tensor, state: State, packing: Packing, keep: Tensor | None = None) -> Tensor:
        hidden, last = self.layers[:2], self.layers[2]
        inner, out = [], state
        for t in range(rows.shape[1]):
            total, count = out[0] + rows[:, t], out[1] + 1
            inner.append(hidden(torch.cat((rows[:, t], total / count), 1)))
            out = (total, count)
        packed = packing.pack(torch.stack(inner, 1))
        return last(packed if keep is None else packed * self.kept(keep))  # type: ignore[no-any-return]

    def kept(self, keep: Tensor) -> Tensor:
        return keep


class _DropsNothing(_Drops):
    def kept(self, keep: Tensor) -> Tensor:
        return torch.ones_like(keep)


class _DropsMore(_Drops):
    def kept(self, keep: Tensor) -> Tensor:
        return 2.0 * keep


def test_a_model_with_dropout_passes() -> None:
    check_model(_Drops)


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        (_Unused, "gradients"),
        (_Detached, "gradients"),
        (_NoSlope, "finite gradients"),
        (_Packs, "packed"),
        (_PacksPadding, "packed"),
        (
            _DropsByChance,
            "generators untouched",
        ),
        (_OddOption, "dropout"),
        (_NothingToDrop, "dropout"),
        (_DropsNothing, "dropout"),
        (_DropsMore, "dropout"),
    ],
)
def test_what_training_needs_is_looked_at(model: Any, rule: str) -> None:
    assert rule in rules_of(check_model, model)


class _Encoding(_conditional(Averaging)):  # type: ignore[misc]
    def __init__(self, architecture: Any, card: ModelCard) -> None:
        super().__init__(architecture, card)
        self.encoder = nn.Linear(5, 2 * architecture.latent)

    def encode_batch(self, rows: Tensor, lengths: Tensor) -> Any:
        return self.encoder(rows.mean(1)).chunk(2, -1)


def test_gradients_reach_an_encoder_through_the_latent_vector() -> None:
    check_model(_Encoding)


# --- files and the engine ---------------------------------------------------------------------------------


class _Remembers(Averaging):
    """Computes with a number that no file holds."""

    def __init__(self, architecture: Any, card: ModelCard) -> None:
        super().__init__(architecture, card)
        self.shift = float(torch.rand(1)) if self.layers[0].weight.device.type == "cpu" else 0.0

    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        return raw + self.shift, after


class _Buffer(Averaging):
    def __init__(self, architecture: Any, card: ModelCard) -> None:
        super().__init__(architecture, card)
        self.register_buffer("shift", torch.ones(15), persistent=False)

    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        return raw + self.shift, after


class _WholeNumbers(Averaging):
    def __init__(self, architecture: Any, card: ModelCard) -> None:
        super().__init__(architecture, card)
        self.register_buffer("order", torch.arange(3))


class _TooMuch(Averaging):
    def __init__(self, architecture: Any, card: ModelCard) -> None:
        super().__init__(architecture, card)
        card.provenance["me"] = self  # type: ignore[index]


class _Counts(Averaging):
    """Counts how often the engine has asked, and draws otherwise after a while."""

    calls = 0

    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        self.calls += len(rows) == 16
        return raw + self.calls, after


class _Learns(Averaging):
    """Changes its weights while it draws."""

    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        if len(rows) == 16:
            self.layers[2].bias.data.add_(1e-6)
        return raw, after


class _Expanded(Averaging):
    """Gives back a state whose rows are one."""

    def initial_state(self, batch: int, z: Tensor | None = None, label: Tensor | None = None) -> State:
        return (*super().initial_state(batch, z, label), torch.zeros(batch, 2, dtype=self.dtype))

    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state[:2])
        return raw, (*after, torch.zeros(1, 2, dtype=self.dtype).expand(len(rows), 2))


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        (
            _Remembers,
            "saving",
        ),
        (
            _Buffer,
            "saving",
        ),
        (_WholeNumbers, "saving"),
        (_TooMuch, "saving"),
        (
            _Counts,
            "drawing",
        ),
        (_Learns, "weights unchanged"),
        (_Expanded, "drawing"),
    ],
)
def test_files_and_the_engine_are_tried(model: Any, rule: str) -> None:
    assert rule in rules_of(check_model, model)
