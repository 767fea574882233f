"""What drawing commands share: which model, which sampler, the drawing itself, and the record of it all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from sketchkit import options
from sketchkit._version import __version__
from sketchkit.checkpoints import store
from sketchkit.checkpoints.published import CLASSES
from sketchkit.cli.console import progress, say, say_columns
from sketchkit.cli.flags import DEFAULT_MODEL, DEFAULT_VAE, LOW_TEMPERATURE, MOST_TRIES
from sketchkit.cli.parameters import DrawingOptions, LatentOptions, as_usage
from sketchkit.cli.settings import setting
from sketchkit.counts import whole
from sketchkit.decoding import Decoding
from sketchkit.errors import CheckpointError, InputError
from sketchkit.sampling import AnySampler, BestLooking, DrawingSampler, Tempered, make_sampler, stepwise

if TYPE_CHECKING:
    from sketchkit.generate import Endings, Guesses
    from sketchkit.models import SketchModel
    from sketchkit.sketch import Sketch

__all__ = ["Run", "tell_guesses", "tries_of", "without_words"]

# Of the classes that a drawing may be meant as, what is said: the likeliest, and those that are nearly so.
_LEAST_TOLD, _MOST_TOLD = 0.1, 3
# From which chance on that a drawing shows none of the classes it is said, as possible and as likely.
_DOUBTFUL, _UNLIKE = 0.25, 0.5
#: Drafts of each drawing where the user says nothing.
USUAL_TRIES = 6


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
        tries: how many drafts of each drawing there are, of which the best-looking is shown.
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
    tries: int = 1
    used: dict[str, Any] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, chosen: DrawingOptions, tries: int = 1) -> Run:
        """Settle what the flags leave open, and check all but the weights before any work is done.

        Args:
            chosen: what the command line says.
            tries: how many drafts of each drawing there are, of which the best-looking is shown; one of a
                sampler that looks at whole drawings itself.

        Raises:
            typer.BadParameter: an option or a temperature that the sampler does not have, or a value out of
                range.
            PluginError: an unknown sampler.
            CheckpointError: nobody names a model, and the one that comes with sketchkit is not there.
        """
        temperature = setting("temperature", chosen.temperature, 0.4)
        run = cls._made(chosen, setting("model", chosen.model, "") or _default_model(), temperature)
        return run if isinstance(run.sampler, DrawingSampler) else replace(run, tries=tries)

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
            **({"tries": self.tries} if self.tries > 1 else {}),
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
        *,
        guess: bool,
        **bounds: Any,
    ) -> list[Endings]:
        """Finish drawings, all in one batch.

        Args:
            drawings: what was begun.
            n: how many endings each.
            keep: how many of them are kept.
            scale: pixels of the training data in a drawing unit.
            guess: whether the class of each is guessed, where the model knows several and none is chosen.
            bounds: where, as for the library's `complete`.
        """
        model, label = self.load(), self.class_of(0)
        from sketchkit.generate import complete

        if label is None and guess and self.guesses(model):
            label = "auto"

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

    def class_for(self, drawing: Sketch, name: str) -> str | None:
        """The class of a drawing that the user gives: the one that is chosen, or a guess, which is told."""
        model, label = self.load(), self.class_of(0)
        if label is not None or not self.guesses(model):
            return label
        from sketchkit.generate import guess_classes

        with progress("Looking at the drawing"):
            [guesses] = guess_classes(model, [drawing])
        tell_guesses(name, guesses, model.card.name)
        return guesses[0].class_name

    @staticmethod
    def guesses(model: SketchModel) -> bool:
        """Whether classes can be guessed for a model: it goes on with drawings, told one of several."""
        return model.labelled and len(model.card.classes) > 1 and not model.conditional

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
                self.named.update({name: _called(model, name) for name in self.chosen.classes or []})
            return model

    def _hand(self) -> AnySampler:
        """The sampler, or what chooses among its drafts."""
        return self.sampler if self.tries == 1 else BestLooking(stepwise(self.sampler, "drafts"), self.tries)

    def settings(self) -> dict[str, Any]:
        """How drawings are decoded, as arguments of the library's functions."""
        return {
            "sampler": self._hand(),
            "seed": self.chosen.seed,
            "batch_size": self.chosen.batch_size,
            "max_points": self.chosen.max_points,
            "exact": self.chosen.exact,
        }


def _called(model: SketchModel, name: str) -> str:
    """The model's own name of a class.

    Raises:
        InputError: a class that it does not know. Where the name is no slip of the pen, the classes that it
            does know are listed on stderr.
    """
    try:
        return model.class_called(name)
    except InputError as error:
        pulled = name.lower().replace(" ", "_")
        if pulled in CLASSES:
            other = f"`sketchkit models pull {pulled}` brings a model that does"
        elif "did you mean" in str(error):
            raise
        else:
            other = "`sketchkit train` makes a model of your own drawings"
        say(f"{model.card.name} draws:")
        say_columns(model.card.classes)
        raise InputError(f"the model {model.card.name!r} does not draw {name!r}: {other}") from error


def without_words(chosen: DrawingOptions) -> tuple[DrawingOptions, bool]:
    """The options without `--class auto` and `--class any`, and whether the class is guessed."""
    word = chosen.classes[0].lower() if chosen.classes and len(chosen.classes) == 1 else None
    if word in ("auto", "any"):
        return replace(chosen, classes=None), word == "auto"
    return chosen, not chosen.classes


def tell_guesses(name: str, guesses: Guesses, model: str) -> None:
    """Say what a drawing is taken for, and whether the model draws anything like it; a line on stderr."""
    likely = [each for each in guesses if each.chance >= _LEAST_TOLD][:_MOST_TOLD] or guesses[:1]
    words = ", ".join(f"{each.class_name} ({each.chance:.0%})" for each in likely)
    others = (
        f"`sketchkit models info {model}` lists what there is, `sketchkit models pull NAME` brings more, "
        "`sketchkit train` makes your own"
    )
    unlike = guesses.unlike or 0.0
    if unlike >= _UNLIKE:
        say(f"{name}: unlike all that {model} draws; nearest: {words}; {others}")
    elif unlike >= _DOUBTFUL:
        say(f"{name}: perhaps {words}, perhaps nothing that {model} draws; --class chooses; {others}")
    else:
        say(f"{name}: taken for {words}; --class chooses")


def tries_of(flag: int | None, usual: int = USUAL_TRIES) -> int:
    """How many drafts of each drawing there are, by flag, environment and configuration.

    Raises:
        InputError: a number out of range.
    """
    return whole("tries", setting("tries", flag, usual), 1, MOST_TRIES)


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
