"""The faults of a plugin: collected during its check and reported together, one sentence each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from sketchkit.errors import PluginError

__all__ = ["CheckFailed", "Faults", "collect_faults", "in_a_line"]


class CheckFailed(AssertionError):
    """A plugin violates its contract.

    Args:
        message: one line per fault, each with advice on what to change.
        rules: the name of the rule that each fault violates.
    """

    def __init__(self, message: str = "", rules: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.rules = tuple(rules)

    @property
    def faults(self) -> tuple[str, ...]:
        """The lines of the message."""
        return tuple(str(self).splitlines())


class _Stop(Exception):
    """Ends a part of a check whose fault has been noted."""


class Faults:
    """The faults found so far: the first violation of each rule, in the order of discovery."""

    def __init__(self) -> None:
        self._sentences: dict[str, str] = {}
        self._cause: BaseException | None = None
        self._situation = ""

    def __len__(self) -> int:
        return len(self._sentences)

    def __contains__(self, rule: str) -> bool:
        return rule in self._sentences

    def add(self, rule: str, fault: str, cause: BaseException | None = None) -> None:
        """Note the violation of a rule, unless that rule is violated already.

        Args:
            rule: its name.
            fault: the problem, a colon, and advice; the current situation is put in front.
            cause: the exception of the plugin.
        """
        if rule not in self._sentences:
            self._sentences[rule] = _printable(self._situation + fault)
            self._cause = self._cause or cause

    def require(self, condition: object, rule: str, fault: str) -> None:
        """Note the violation of a rule, and end the enclosing block of `during`, unless a condition holds."""
        if not condition:
            self.add(rule, fault)
            raise _Stop

    def stop_if_any(self) -> None:
        """End the enclosing block of `during`, or the check, if there are faults."""
        if self._sentences:
            raise _Stop

    def part(self) -> AbstractContextManager[None]:
        """A block that ends at the first violation of `require`; the check continues behind it."""
        return suppress(_Stop)

    def include(self, others: Faults) -> None:
        """Add the faults of a separate trial of the same rules."""
        self._sentences = others._sentences | self._sentences
        self._cause = self._cause or others._cause

    @contextmanager
    def within(self, situation: str) -> Iterator[None]:
        """Put a situation, such as "for an empty drawing", in front of the faults noted in the block."""
        outer = self._situation
        self._situation = f"{outer}{situation}, "
        try:
            yield
        finally:
            self._situation = outer

    @contextmanager
    def during(self, rule: str, situation: str, advice: str) -> Iterator[None]:
        """Turn an exception of the plugin into the violation of a rule; only `KeyboardInterrupt` passes.

        Args:
            rule: its name.
            situation: see `within`.
            advice: the change that the author should make.
        """
        with self.within(situation):
            try:
                yield
            except _Stop:
                pass
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # plugins raise exceptions of all kinds
                fault = f"it raises {in_a_line(error)}: {advice}"
                if isinstance(error, PluginError) and not isinstance(error.__cause__, TypeError | NameError):
                    fault = f"it cannot be tried: {_first_line(error)}"  # which contains the advice
                self.add(rule, fault, error)

    def report(self) -> None:
        """Raise `CheckFailed` if there are faults; its cause is the first exception of the plugin."""
        if self._sentences:
            raise CheckFailed("\n".join(self._sentences.values()), self._sentences) from self._cause


@contextmanager
def collect_faults() -> Iterator[Faults]:
    """Collect the faults of a check, and report them at its end.

    Raises:
        CheckFailed: at least one fault.
    """
    faults = Faults()
    with suppress(_Stop):
        yield faults
    faults.report()


def in_a_line(error: BaseException) -> str:
    """An exception as `Type: message`, in printable characters on one line."""
    first = _first_line(error)
    return _printable(f"{type(error).__name__}: {first}" if first else type(error).__name__)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
