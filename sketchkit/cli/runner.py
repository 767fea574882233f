"""One run of a command that draws: its settings, its model, and the record of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sketchkit import options
from sketchkit._version import __version__
from sketchkit.arguments import find_name
from sketchkit.checkpoints import store
from sketchkit.cli.console import progress as progress_bar
from sketchkit.cli.console import say, say_columns
from sketchkit.cli.groups import as_usage
from sketchkit.cli.options import Given, UsageError, require_one_class
from sketchkit.cli.records import current_call
from sketchkit.errors import CheckpointError, InputError
from sketchkit.files import file_checksum
from sketchkit.sampling import (
    AnySampler,
    DrawingSampler,
    Tempered,
    make_sampler,
    wrap_sampler,
)
from sketchkit.settings import DEFAULT_MODEL, DrawSettings, LatentSettings

if TYPE_CHECKING:
    from sketchkit.generate import Guesses
    from sketchkit.models import DrawingModel
    from sketchkit.sketch import Sketch

__all__ = ["POINTS", "Run", "split_class_words", "tell_guesses"]

T = TypeVar("T")

#: The points of a usual drawing.
POINTS = 45

# The classes of a guess that are told: those of at least this chance, at most so many.
_LEAST_TOLD, _MOST_TOLD = 0.1, 3
# The least chance of a class of another model that is told.
_LEAST_OTHER = 0.03
# The chances that a drawing is unlike all classes from which on that is told as possible, and as likely.
_DOUBTFUL, _UNLIKE = 0.25, 0.5


@dataclass(frozen=True)
class Run:
    """One run of a drawing command.

    Args:
        settings: how the model draws.
        sampler: the sampler with its options.
        wanted: the classes that the user names.
        used: facts that are known once the model is loaded: its `engine`, and the `z_temperature` of new
            latent vectors.
        named: the model's own names of the classes, once it is loaded.
    """

    settings: DrawSettings
    sampler: AnySampler
    wanted: Sequence[str] = ()
    used: dict[str, Any] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Given, classes: Sequence[str] | None = None) -> Run:
        """Settle all options that are left open, and check all but the weights.

        Raises:
            UsageError: an option or a temperature that the sampler lacks, or a value out of range.
            PluginError: an unknown sampler.
            CheckpointError: a missing model.
        """
        if given.kind is LatentSettings:
            require_one_class(classes)
        settings = given.settle()
        if "tries" not in given.values:
            settings = replace(settings, tries=1)
        settings = replace(settings, model=settings.model or _default_model())
        with as_usage():
            values = options.parse_pairs(settings.sampler_options)
            if given.temperature is not None and "temperature" in values:
                raise InputError("--temperature and -O temperature are the same option: give one of them")
            sampler = make_sampler(settings.sampler, settings.temperature, values)
            _check_temperature(settings.temperature)
        if given.temperature is not None and "temperature" not in options.as_dict(sampler):
            raise UsageError(f"the sampler {settings.sampler!r} has none", "--temperature")
        if settings.compile:
            if given.engine is not None:
                raise UsageError("it is an engine: give no other beside it", "--compile")
            settings = replace(settings, engine="compiled")
        return cls(settings, sampler, tuple(classes or ()))

    def with_tries(self, tries: int) -> Run:
        """The same with another number of drafts."""
        return replace(self, settings=replace(self.settings, tries=tries))

    @property
    def drafts(self) -> int:
        """How many drafts each drawing has: one of a sampler, or of a model, of whole drawings."""
        whole = isinstance(self.sampler, DrawingSampler) or self.used.get("draws_wholes", False)
        return 1 if whole else self.settings.tries

    @property
    def stem(self) -> str:
        """The name of outputs without another name."""
        return Path(self.settings.model).name.split(".")[0] or "drawings"

    @property
    def temperature(self) -> float | None:
        """The temperature of the sampler; None of a sampler without one."""
        return options.as_dict(self.sampler).get("temperature")

    @property
    def provenance(self) -> dict[str, Any]:
        """The facts of how a drawing is made, as JSON values."""
        values, classes = options.as_dict(self.sampler), self.classes
        settings = replace(self.settings, tries=self.drafts, engine=self.used.get("engine", "torch"))
        return {
            "generator": "sketchkit",
            "version": __version__,
            "model": Path(self.settings.model).name,
            "sampler": self.settings.sampler,
            "temperature": values.pop("temperature", None),
            "options": values,
            **settings.record(),
            **{name: value for name, value in self.used.items() if name == "z_temperature"},
            **({"class": classes[0] if len(classes) == 1 else classes} if classes else {}),
        }

    def facts(self, index: int) -> dict[str, Any]:
        """The provenance of drawing `index` from nothing: of several classes its own."""
        name = self.class_of(index)
        return {**self.provenance, **({} if name is None else {"class": name}), "index": index}

    def class_of(self, index: int) -> str | None:
        """The class of drawing `index` from nothing: several classes take turns, however many drawings."""
        classes = self.classes
        return classes[index % len(classes)] if classes else None

    @property
    def classes(self) -> list[str]:
        """The classes that the user names, as the model calls them."""
        return [self.named.get(name, name) for name in self.wanted]

    def class_for(self, drawing: Sketch, name: str) -> str | None:
        """The class of a drawing that the user gives: the one that is chosen, or a guess, which is told."""
        model, label = self.load(), self.class_of(0)
        if label is not None or not self.can_guess(model):
            return label
        from sketchkit.generate import guess_classes

        with progress_bar("Looking at the drawing"):
            [guesses] = guess_classes(model, [drawing])
        tell_guesses(name, guesses, model.card.name)
        return guesses[0].class_name

    @staticmethod
    def can_guess(model: DrawingModel) -> bool:
        """Whether classes can be guessed for a model: it goes on with drawings of one of several classes."""
        return model.labelled and len(model.card.classes) > 1 and not model.conditional

    def load(self, points: int = 0) -> DrawingModel:
        """The model itself.

        Args:
            points: about how many points are read and drawn; see `load_drawing_model`.
        """
        # Here torch may be imported: all errors of a user are found before.
        with progress_bar("Loading the model"):
            from sketchkit.checkpoints.array_models import find_file
            from sketchkit.engine import engine_of
            from sketchkit.generate import load_drawing_model

            how = self.settings
            model = load_drawing_model(
                how.model,
                device=how.device,
                engine=how.engine,
                precision=how.precision,
                sampler=self.sampler,
                points=points,
                exact=how.deterministic,
            )
            self.used["engine"] = engine_of(model)
            self.used["draws_wholes"] = model.draws_wholes
            if (call := current_call()) is not None:
                call.check_weights(file_checksum(find_file(how.model)), how.model)
            if model.labelled:
                self.named.update({name: _find_class(model, name) for name in self.wanted})
            return model

    def keywords(self) -> dict[str, Any]:
        """How drawings are decoded, as arguments of the library's functions."""
        sampler = wrap_sampler(self.sampler, replace(self.settings, tries=self.drafts))
        return {"sampler": sampler, **self.settings.keywords()}

    def draw(
        self,
        function: Callable[..., T],
        *given: Any,
        doing: str = "Drawing",
        progress: Callable[[int, int], None] | None = None,
        **more: Any,
    ) -> T:
        """Call one of the library's functions that draw, under a progress bar.

        Args:
            function: takes `given`, the settings and `progress`.
            given: the model, and further arguments.
            doing: the words beside the bar.
            progress: is told of the steps in place of a bar.
            more: further arguments.
        """
        with progress_bar(doing) if progress is None else nullcontext(progress) as report:
            return function(*given, progress=report, **self.keywords(), **more)


def _find_class(model: DrawingModel, name: str) -> str:
    """The model's own name of a class.

    Raises:
        InputError: an unknown class. Where the name is far from all known ones, these are listed on stderr.
    """
    try:
        return model.class_called(name)
    except InputError as error:
        from sketchkit.checkpoints.pull import CLASSES

        pulled = name.lower().replace(" ", "_")
        if (stored := _find_model(model.backend, name)) is not None:
            other = f"--model {stored} does"
        elif pulled in CLASSES:
            other = f"`sketchkit models pull {pulled}` brings a model that does"
        elif "did you mean" in str(error):
            raise
        else:
            other = "`sketchkit train` makes a model of your own drawings"
        say(f"{model.card.name} draws:")
        say_columns(model.card.classes)
        raise InputError(f"the model {model.card.name!r} does not draw {name!r}: {other}") from error


def _find_model(backend: str, class_name: str) -> str | None:
    """A model that comes with sketchkit, is of a backend and draws a class, if any."""
    for stored in store.stored_models():
        header = stored.header if stored.bundled else None
        if header and header.backend == backend and find_name(class_name, header.card.classes):
            return stored.name
    return None


def split_class_words(classes: Sequence[str] | None) -> tuple[Sequence[str] | None, bool]:
    """The classes without the words `auto` and `any`, and whether the class is guessed."""
    word = classes[0].lower() if classes and len(classes) == 1 else None
    if word in ("auto", "any"):
        return None, word == "auto"
    return classes, not classes


def tell_guesses(name: str, guesses: Guesses, model: str) -> None:
    """Say on a line of stderr the guessed class of a drawing, and whether the model draws the like."""
    likely = [each for each in guesses if each.chance >= _LEAST_TOLD][:_MOST_TOLD] or guesses[:1]
    words = ", ".join(f"{each.class_name} ({each.chance:.0%})" for each in likely)
    unlike = guesses.unlike or 0.0
    others = _tell_others(model, guesses) if unlike >= _DOUBTFUL else ""
    if unlike >= _UNLIKE:
        say(f"{name}: unlike all that {model} draws; nearest: {words}; {others}")
    elif unlike >= _DOUBTFUL:
        say(f"{name}: perhaps {words}, perhaps nothing that {model} draws; --class chooses; {others}")
    else:
        say(f"{name}: taken for {words}; --class chooses")


def _tell_others(model: str, guesses: Guesses) -> str:
    """The words on what else a drawing may be, and where other classes are than those of a model."""
    ways = [
        f"`sketchkit models info {model}` lists what there is",
        "`sketchkit models pull NAME` brings more",
        "`sketchkit train` makes your own",
    ]
    for each in guesses.others:
        other = _find_model("decoder", each.class_name) if each.chance >= _LEAST_OTHER else None
        if other is not None:
            ways.insert(0, f"perhaps {each.class_name}: --model {other} draws that")
            break
    return ", ".join(ways)


def _check_temperature(temperature: float) -> None:
    """Refuse a temperature out of range, also for a sampler that would pass it over."""
    (known,) = (each for each in options.describe(Tempered) if each.name == "temperature")
    if known.low is None or known.high is None or not known.low <= temperature <= known.high:
        raise InputError(f"the temperature must be {known.range}, got {temperature:g}")


def _default_model() -> str:
    known = store.names()
    if DEFAULT_MODEL in known:
        return DEFAULT_MODEL
    wanted = f"no model is named and {DEFAULT_MODEL!r}, which comes with sketchkit, is not there"
    if known:
        raise CheckpointError(f"{wanted}: --model takes one of {', '.join(known)}")
    raise CheckpointError(f"{wanted}: `sketchkit models pull bird` brings one for --model")
