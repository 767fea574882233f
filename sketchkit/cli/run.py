"""What drawing commands share: which model, which sampler, the drawing itself, and the record of it all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from sketchkit import options
from sketchkit._version import __version__
from sketchkit.checkpoints import store
from sketchkit.cli.console import progress
from sketchkit.cli.flags import DEFAULT_MODEL, DEFAULT_VAE, LOW_TEMPERATURE
from sketchkit.cli.parameters import DrawingOptions, LatentOptions, as_usage
from sketchkit.cli.settings import setting
from sketchkit.decoding import Decoding
from sketchkit.errors import CheckpointError, InputError
from sketchkit.sampling import AnySampler, Tempered, make_sampler

if TYPE_CHECKING:
    from sketchkit.generate import Endings
    from sketchkit.models import SketchModel
    from sketchkit.sketch import Sketch

__all__ = ["Run"]


@dataclass(frozen=True)
class Run:
    """One run of a drawing command, settled by flags, environment and configuration.

    Args:
        model: its name or file.
        sampler_name: what the user calls the sampler.
        sampler: the sampler with its options.
        device: where to compute.
        decoding: by what engine and in which precision.
        chosen: what the command line alone decides.
        used: what has turned out when the model was loaded: its `engine`, and the `z_temperature` of new
            latent vectors.
        named: the model's own names of the classes that the user wants, once it is loaded.
    """

    model: str
    sampler_name: str
    sampler: AnySampler
    device: str
    decoding: Decoding
    chosen: DrawingOptions
    used: dict[str, Any] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, chosen: DrawingOptions) -> Run:
        """Settle what the flags leave open, and check all but the weights before any work is done.

        Raises:
            typer.BadParameter: an option or a temperature that the sampler does not have, or a value out of
                range.
            PluginError: an unknown sampler.
            CheckpointError: nobody names a model, and the one that comes with sketchkit is not there.
        """
        temperature = setting("temperature", chosen.temperature, 0.4)
        return cls._made(chosen, setting("model", chosen.model, "") or _default_model(), temperature)

    @classmethod
    def latent(cls, chosen: LatentOptions, temperature: float | None) -> Run:
        """The same for a command that goes through latent vectors, by default at a low temperature."""
        settled = LOW_TEMPERATURE if temperature is None else temperature
        return cls._made(chosen.drawing(temperature), setting("vae", chosen.vae, DEFAULT_VAE), settled)

    @classmethod
    def _made(cls, chosen: DrawingOptions, model: str, temperature: float) -> Run:
        name = setting("sampler", chosen.sampler, "temperature")
        with as_usage():
            values = options.parse_pairs(chosen.option or [])
            if chosen.temperature is not None and "temperature" in values:
                raise InputError("--temperature and -O temperature say both how daring: give one of them")
            sampler = make_sampler(name, temperature, values)
            _check_temperature(temperature)
        if chosen.temperature is not None and "temperature" not in options.as_dict(sampler):
            raise typer.BadParameter(f"the sampler {name!r} has none", param_hint="--temperature")
        device = setting("device", chosen.device, "auto")
        return cls(model, name, sampler, device, _decoding(chosen), chosen)

    @property
    def stem(self) -> str:
        """What outputs are called that have no other name."""
        return Path(self.model).name.split(".")[0] or "drawings"

    @property
    def temperature(self) -> float | None:
        """That of the sampler; None where it has none."""
        return options.as_dict(self.sampler).get("temperature")

    @property
    def provenance(self) -> dict[str, Any]:
        """What a drawing is made with, as JSON values."""
        values, classes = options.as_dict(self.sampler), self.classes
        return {
            "generator": "sketchkit",
            "version": __version__,
            "model": Path(self.model).name,
            "sampler": self.sampler_name,
            "temperature": values.pop("temperature", None),
            "options": values,
            "seed": self.chosen.seed,
            **self._limited(),
            **self._computed(),
            **{name: value for name, value in self.used.items() if name == "z_temperature"},
            **({"class": classes[0] if len(classes) == 1 else classes} if classes else {}),
        }

    def _limited(self) -> dict[str, int]:
        """After how many points drawings are cut, where the user says so."""
        most = self.chosen.max_points
        return {} if most is None else {"max_points": most}

    def _computed(self) -> dict[str, str]:
        """By what and how it is computed, where that is not the usual."""
        facts = {"engine": self.used.get("engine", "torch"), "precision": self.decoding.precision}
        return {name: fact for name, fact in facts.items() if fact not in ("torch", "float32")}

    def facts(self, index: int) -> dict[str, Any]:
        """What drawing `index` from nothing is made with, as JSON values: of several classes its own."""
        name = self.class_of(index)
        return {**self.provenance, **({} if name is None else {"class": name}), "index": index}

    def class_of(self, index: int) -> str | None:
        """What drawing `index` from nothing shows: several classes take turns, however many drawings."""
        classes = self.classes
        return classes[index % len(classes)] if classes else None

    @property
    def classes(self) -> list[str]:
        """What the user wants to see; nothing in particular if empty."""
        return [self.named.get(name, name) for name in self.chosen.classes or []]

    def sample(self, n: int, first: int, z_temperature: float | None = None) -> list[Sketch]:
        """Draw from nothing."""
        model = self.load()
        from sketchkit.generate import sample
        from sketchkit.latent import resolve_z_temperature

        if model.conditional:
            self.used["z_temperature"] = resolve_z_temperature(model, z_temperature)
        with progress("Drawing") as report:
            labels = [self.class_of(first + i) for i in range(n)]
            return sample(
                model,
                n,
                class_name=labels,
                first=first,
                z_temperature=z_temperature,
                progress=report,
                **self.settings(),
            )

    def complete(
        self,
        drawings: Sequence[Sketch],
        n: int,
        keep: int | None,
        scale: float | Literal["auto"],
        **bounds: Any,
    ) -> list[Endings]:
        """Finish drawings, all in one batch; `bounds` says where, as for the library's `complete`."""
        model, label = self.load(), self.class_of(0)
        from sketchkit.generate import complete

        with progress("Drawing endings") as report:
            return complete(
                model,
                drawings,
                n,
                keep=keep,
                scale=scale,
                class_name=label,
                progress=report,
                **self.settings(),
                **bounds,
            )

    def load(self) -> SketchModel:
        """The model itself."""
        # The first import of torch: nothing that a user can get wrong should have to wait for it.
        with progress("Loading the model"):
            from sketchkit.checkpoints.load import load_model
            from sketchkit.engine import engine_of

            how = self.decoding
            model = load_model(self.model, device=self.device, engine=how.engine, precision=how.precision)
            self.used["engine"] = engine_of(model)
            if model.labelled:
                self.named.update({name: model.class_called(name) for name in self.chosen.classes or []})
            return model

    def settings(self) -> dict[str, Any]:
        """How drawings are decoded, as arguments of the library's functions."""
        return {
            "sampler": self.sampler,
            "seed": self.chosen.seed,
            "batch_size": self.chosen.batch_size,
            "max_points": self.chosen.max_points,
            "exact": self.chosen.exact,
        }


def _decoding(chosen: DrawingOptions) -> Decoding:
    """The engine and the precision.

    Raises:
        typer.BadParameter: an engine beside `--compile`, which is one.
    """
    if chosen.compile and chosen.engine is not None:
        raise typer.BadParameter("it is an engine: give no other beside it", param_hint="--compile")
    engine = "compiled" if chosen.compile else setting("engine", chosen.engine, "auto")
    return Decoding(engine, setting("precision", chosen.precision, "float32"))


def _check_temperature(temperature: float) -> None:
    """Refuse one out of range, also for a sampler that has none and would pass it over.

    Raises:
        InputError: the temperature and its range.
    """
    (known,) = (each for each in options.describe(Tempered) if each.name == "temperature")
    if known.low is None or known.high is None or not known.low <= temperature <= known.high:
        raise InputError(f"the temperature must be {known.range}, got {temperature:g}")


def _default_model() -> str:
    """The model of a user who names none.

    Raises:
        CheckpointError: it is not there.
    """
    known = store.names()
    if DEFAULT_MODEL in known:
        return DEFAULT_MODEL
    wanted = f"no model is named and {DEFAULT_MODEL!r}, which comes with sketchkit, is not there"
    if known:
        raise CheckpointError(f"{wanted}: --model takes one of {', '.join(known)}")
    raise CheckpointError(f"{wanted}: `sketchkit models pull bird` brings one for --model")
