"""Faults of a plugin: gathered while it is tried, told all at once, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sketchkit.errors import PluginError

__all__ = ["CheckFailed", "Faults", "in_a_line"]


class CheckFailed(AssertionError):
    """A plugin does not keep its contract; one line a fault, each of which says what to change."""

    @property
    def faults(self) -> tuple[str, ...]:
        """The sentences."""
        return tuple(str(self).splitlines())


class Faults:
    """The faults found so far: for each rule the first that breaks it, in the order they were found."""

    def __init__(self) -> None:
        self._sentences: dict[str, str] = {}
        self._cause: BaseException | None = None

    def __len__(self) -> int:
        """How many rules are broken."""
        return len(self._sentences)

    def broken(self, rule: str) -> bool:
        """Whether a rule is known to be broken."""
        return rule in self._sentences

    def add(self, rule: str, sentence: str, cause: BaseException | None = None) -> None:
        """Note what breaks a rule.

        Args:
            rule: its name, which nobody is shown.
            sentence: what is wrong and what to change.
            cause: what the plugin raised.
        """
        if rule not in self._sentences:
            self._sentences[rule] = _shown(sentence)
            self._cause = self._cause or cause

    def include(self, others: Faults) -> None:
        """Note what was found elsewhere, where the same rules were tried on something else."""
        for rule, sentence in others._sentences.items():
            self.add(rule, sentence, others._cause)

    @contextmanager
    def during(self, rule: str, when: str, advice: str) -> Iterator[None]:
        """Whatever the plugin raises inside is a fault; only Ctrl-C passes.

        Args:
            rule: which rule that breaks.
            when: what was asked of the plugin, such as "for an empty drawing".
            advice: what to change.
        """
        try:
            yield
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may raise whatever it likes
            told = f"it raises {in_a_line(error)} {when}: {advice}"
            if isinstance(error, PluginError) and not isinstance(error.__cause__, TypeError | NameError):
                told = f"it cannot be tried: {_first_line(error)}"  # which says what is to be done
            self.add(rule, told, error)

    def close(self) -> None:
        """Tell what was found.

        Raises:
            CheckFailed: at least one fault, with what the plugin raised first as its cause.
        """
        if self._sentences:
            raise CheckFailed("\n".join(self._sentences.values())) from self._cause


def in_a_line(error: BaseException) -> str:
    """An exception as `Type: what it says`, without what would break the line."""
    first = _first_line(error)
    return _shown(f"{type(error).__name__}: {first}" if first else type(error).__name__)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]


def _shown(text: str) -> str:
    """Text of strangers on one line of a terminal."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
