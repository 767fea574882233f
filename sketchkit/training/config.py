"""The configuration of a training: every number that decides its result, in a record that needs no torch."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sketchkit import options
from sketchkit.arguments import renamed
from sketchkit.card import CELLS
from sketchkit.errors import FormatError, InputError
from sketchkit.files import explain_errors, read_file, shown, utf8_text
from sketchkit.options import option

__all__ = [
    "OLD_NAMES",
    "PRESETS",
    "SCHEDULES",
    "LossWeight",
    "TrainConfig",
    "Value",
    "option_infos",
    "read_config",
    "rename_options",
]

#: The types of an option of an architecture.
Value = bool | int | float | str

SCHEDULES = ("exponential", "cosine", "constant")
_MAX_CONFIG_BYTES = 1 << 20
#: The longest message about a file, in characters.
_MAX_REASON = 1_000


#: Options by the names that they have in calls, files and records of older versions.
OLD_NAMES: Mapping[str, str] = {"stray": "offset_noise"}


@dataclass(frozen=True)
class LossWeight:
    """How a term enters the loss: by weight_at(step) * max(term, minimum), the weight rising to its last.

    Args:
        last: the final weight; w_KL of L_KL is 0.5 in the released code, 1.0 in most of the paper.
        minimum: values below it count as this, KL_min of L_KL.
        share: the share of `last` at the beginning, as the paper has it, eta_min.
        rate: R, by which the rest comes.
        start: the weight at the beginning, as the released code has it; None for the share.

    Source: Ha & Eck 2017, equation 11 and appendix A.
    """

    last: float = 1.0
    minimum: float = -math.inf
    share: float = 1.0
    rate: float = 1.0
    start: float | None = None

    def weight_at(self, step: int) -> float:
        """The weight at a step, counted from 0: w (1 - (1 - eta_min) R^step), or w - (w - start) R^step."""
        if self.start is not None:
            return self.last - (self.last - self.start) * self.rate**step
        return self.last * (1.0 - (1.0 - self.share) * self.rate**step)


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained. The defaults come from a comparison of short trainings.

    Every field but the last is an option of its own. `architecture` holds, by name, what the backend's
    architecture declares beyond them with `sketchkit.options.option` (see
    `sketchkit.training.backends.resolve_config`).

    Raises:
        InputError: a value of another type or out of range.
    """

    backend: str = option("decoder", "decoder draws on and on, vae draws what a latent vector says; "
                          "or one that a plugin brings")  # fmt: skip
    cell: str = option("lstm", "of the decoder", choices=tuple(CELLS))
    hidden: int = option(512, "units of the decoder", low=1, high=16_384)
    encoder_hidden: int = option(256, "units of each direction of a vae's encoder", low=1, high=16_384)
    latent: int = option(128, "numbers in a vae's latent vector z", low=1, high=16_384)
    mixtures: int = option(20, "components of the mixture, M", low=1, high=1_024)
    classes: bool = option(False, "tell the model the class of each drawing")
    embedding: int = option(32, "numbers that a class becomes", low=1, high=4_096)
    position: bool = option(True, "let the model read where the pen is, beside how it came there")
    class_dropout: float = option(0.1, "share of drawings whose class is kept from the model", low=0, high=1)

    steps: int = option(20_000, "updates in all", low=1, high=1_000_000_000)
    batch_size: int = option(100, "drawings an update, of all processes together", low=1, high=1_000_000)
    learning_rate: float = option(8e-3, "at the beginning", low=0, high=10)
    min_learning_rate: float = option(1e-5, "what it falls to", low=0, high=10)
    schedule: str = option("cosine", "how it falls", choices=SCHEDULES)
    decay: float = option(0.9999, "factor an update, of the exponential schedule", low=0, high=1)
    warmup: int = option(0, "updates over which the learning rate first rises", low=0, high=1_000_000_000)
    clip: float = option(1.0, "largest part of a gradient; 0 for no limit", low=0, high=1e9)
    ema: float = option(0.0, "decay of the averaged weights that are kept, such as 0.999; 0 for none",
                        low=0, high=0.999_999)  # fmt: skip

    kl_weight: float = option(0.5, "w_KL, of a vae", low=0, high=1e9)
    kl_minimum: float = option(0.2, "L_KL below which nothing is gained, KL_min", low=0, high=1e9)
    kl_start: float = option(0.01, "share of w_KL at the beginning, eta_min", low=0, high=1)
    kl_rate: float = option(0.99995, "R, by which the rest of w_KL comes", low=0, high=1)
    kl_weight_start: float = option(-1.0, "the weight at the beginning itself, as in the released code; "
                                    "below 0: the share --kl-start", low=-1, high=1e9)  # fmt: skip

    smooth_pen_weight: float = option(0.0, "label smoothing of the pen states; 0 for none", low=0, high=1e9)

    recurrent_dropout: float = option(0.1, "share of candidate values dropped, of a recurrent network",
                                      low=0, high=0.99)  # fmt: skip
    dropout: float = option(0.0, "share of numbers dropped, of a backend that drops such", low=0, high=0.99)
    axis_scale: float = option(0.15, "each axis is stretched by up to this", low=0, high=0.9)
    point_drop: float = option(0.1, "share of points left out inside a line", low=0, high=0.9)
    offset_noise: float = option(0.0, "pixels the pen goes astray at most on average, and is led back; "
                                 "0 for never", low=0, high=100)  # fmt: skip
    balance: float = option(0.0, "0: a class is seen as often as it has drawings, 1: all alike",
                            low=0, high=1)  # fmt: skip
    nmax: int = option(0, "Nmax, what losses are divided by; 0: the longest drawing of the data",
                       low=0, high=100_000)  # fmt: skip
    padding: int = option(0, "rows computed behind an end, the last stands for the rest up to Nmax; -1: all",
                          low=-1, high=100_000)  # fmt: skip

    precision: str = option("float32", "of the products", choices=("float32", "bfloat16"))
    seed: int = option(0, "the same seed learns the same", low=0, high=2**63 - 1)
    evaluate_every: int = option(500, "updates between two evaluations", low=1, high=1_000_000_000)
    save_every: int = option(500, "updates between two checkpoints", low=1, high=1_000_000_000)
    log_every: int = option(10, "updates between two lines of the log", low=1, high=1_000_000_000)
    patience: int = option(0, "evaluations without a better one after which to stop; 0: never stop early",
                           low=0, high=1_000_000)  # fmt: skip
    valid_limit: int = option(2_000, "most validation drawings looked at each time", low=1, high=10_000_000)
    grid: int = option(25, "drawings on the sheet of every evaluation; 0 for none", low=0, high=400)
    temperature: float = option(0.25, "of the drawings on that sheet", low=0.01, high=5)
    skip_limit: int = option(20, "updates in a row without a finite loss after which to give up",
                             low=1, high=1_000_000)  # fmt: skip

    architecture: Mapping[str, Value] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for info in option_infos():
            checked = options.check(info, getattr(self, info.name), "the training")
            object.__setattr__(self, info.name, checked)
        object.__setattr__(self, "architecture", _values(self.architecture))
        if self.min_learning_rate > self.learning_rate:
            raise InputError(
                f"the learning rate cannot fall from {self.learning_rate:g} to {self.min_learning_rate:g}"
            )

    @classmethod
    def made(cls, preset: str | None = None, *layers: Mapping[str, Any]) -> TrainConfig:
        """From a preset and layers of values, of which the last counts.

        Args:
            preset: a key of `PRESETS`; None for the defaults.
            layers: values by field name.

        Raises:
            InputError: an unknown preset or name, or a value out of range.
        """
        if preset is not None and preset not in tuple(PRESETS):  # it may be unhashable
            raise InputError(f"there is no preset {preset!r}: choose one of {', '.join(PRESETS)}")
        values = dict(PRESETS[preset]) if preset else {}
        architecture: dict[str, Value] = {}
        for layer in layers:
            values |= rename_options(layer)
            architecture |= _values(values.pop("architecture", {}))
        _check_names(values)
        return cls(**values, architecture=architecture)

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values, without the fields of newer versions that hold their default."""
        values = dataclasses.asdict(self)
        return {name: value for name, value in values.items() if value != _UNSAID.get(name, ...)}

    def loss_weight(self, term: str) -> LossWeight:
        """How a term of the loss is weighed: as the options that begin with its name say.

        Args:
            term: its name, such as `kl`. Its options, of the training or of the backend's architecture, are
                TERM_weight, TERM_minimum, TERM_start, TERM_rate and TERM_weight_start; a term without these
                counts once.
        """
        said = {**vars(self), **self.architecture}
        parts = {"last": "weight", "minimum": "minimum", "share": "start", "rate": "rate"}
        known = {part: f"{term}_{name}" for part, name in parts.items() if f"{term}_{name}" in said}
        start = said.get(f"{term}_weight_start", -1.0)
        return LossWeight(
            **{part: said[name] for part, name in known.items()}, start=None if start < 0 else start
        )

    @property
    def loss_weights(self) -> dict[str, LossWeight]:
        """How each term is weighed that has an option of its weight, by name."""
        names = [name for name in (*vars(self), *self.architecture) if name.endswith("_weight")]
        terms = [name.removesuffix("_weight") for name in names]
        return {term: self.loss_weight(term) for term in terms}

    def weights_at(self, step: int) -> dict[str, float]:
        """The weights of terms that have one at an update, counted from 0, by name."""
        return {name: weight.weight_at(step) for name, weight in self.loss_weights.items()}

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of an update, counted from 0.

        Source: the exponential one is the released code's, (1e-3 - 1e-5) 0.9999^step + 1e-5; the cosine one
            is Loshchilov & Hutter 2017.
        """
        first, last = self.learning_rate, self.min_learning_rate
        if step < self.warmup:
            return first * (step + 1) / self.warmup
        if self.schedule == "constant":
            return first
        if self.schedule == "cosine":
            gone = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
            return last + (first - last) * 0.5 * (1.0 + math.cos(math.pi * gone))
        return float((first - last) * self.decay ** (step - self.warmup) + last)


TrainConfig.__init__ = renamed(**OLD_NAMES)(TrainConfig.__init__)  # type: ignore[method-assign]


def rename_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by field name, those by an older name under the name that the field has now."""
    return {OLD_NAMES.get(name, name): value for name, value in values.items()}


def option_infos() -> list[options.OptionInfo]:
    """The options of a training, one for each field of `TrainConfig` but `architecture`."""
    return [info for info in options.describe(TrainConfig) if info.name != "architecture"]


def _check_names(values: Mapping[str, Any]) -> None:
    known = [info.name for info in option_infos()]
    for name in sorted(set(values) - set(known)):
        raise InputError(f"the training has no option {name!r}: it has {', '.join(known)}")


def _values(architecture: Any) -> dict[str, Value]:
    """A copy of an architecture's options by name; dashes and underscores are alike.

    Raises:
        InputError: another type than numbers, texts or flags by name.
    """
    if not isinstance(architecture, Mapping):
        raise InputError(f"the architecture must be values by name, got {architecture!r:.100}")
    out: dict[str, Value] = {}
    for name, value in architecture.items():
        if not isinstance(name, str) or not isinstance(value, bool | int | float | str):
            raise InputError(f"the architecture's {name!r:.100} must be a number or a text, true or false")
        out[name.replace("-", "_")] = value
    return out


#: Defaults that records leave out, so that those of older versions stay valid.
_UNSAID: Mapping[str, Any] = {
    "dropout": 0.0,
    "kl_weight_start": -1.0,
    "smooth_pen_weight": 0.0,
    "architecture": {},
}

#: Whole ways of training, by name.
_AS_RELEASED: Mapping[str, Any] = {
    "position": False,
    "learning_rate": 1e-3,
    "schedule": "exponential",
    "padding": -1,
}
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "released": {**_AS_RELEASED, "kl_weight_start": 0.01},
    "paper": {
        **_AS_RELEASED,
        "cell": "hyper-lstm",
        "hidden": 2_048,
        "encoder_hidden": 512,
        "kl_weight": 1.0,
    },
}


def read_config(path: str | Path) -> dict[str, Any]:
    """The values of a TOML file, by field name; dashes and underscores are alike.

    Raises:
        InputError: it cannot be read.
        FormatError: invalid TOML, or an unknown or invalid option.
    """
    with explain_errors(path, catch=(OSError, ValueError)):
        content = read_file(path, _MAX_CONFIG_BYTES, pipes=True)
    try:
        values = tomllib.loads(utf8_text(content).decode())
        named = {name.replace("-", "_"): value for name, value in values.items()}
        if len(named) < len(values):
            raise FormatError("a name is given both with dashes and with underscores")
        preset = named.pop("preset", None)
        TrainConfig.made(preset, named)
    # tomllib and repr() refuse endless digits with a ValueError, and deep nesting with a RecursionError.
    except (InputError, TypeError, ValueError, RecursionError) as error:
        raise FormatError(f"{shown(path)}: {' '.join(str(error).split())[:_MAX_REASON]}") from error
    return {**(PRESETS[preset] if preset else {}), **named}
