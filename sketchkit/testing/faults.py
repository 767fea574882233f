"""The faults of a plugin, and its side effects.

Faults are collected during a check and reported together, one sentence each. Side effects are text on stdout,
and numbers drawn from global random generators.
"""

from __future__ import annotations

import io
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stdout, suppress
from typing import Any

import numpy as np

from sketchkit.errors import PluginError

__all__ = [
    "CheckFailed",
    "Faults",
    "capture_stdout",
    "check_pure",
    "collect_faults",
    "in_a_line",
    "seed_generators",
]


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


@contextmanager
def capture_stdout() -> Iterator[Callable[[], str]]:
    """Capture `sys.stdout`, and file descriptor 1 for libraries and programs below Python.

    Yields:
        A function that returns the captured text once the block has ended.
    """
    with redirect_stdout(io.StringIO()) as said, tempfile.TemporaryFile() as below:
        try:
            before = os.dup(1)
        except OSError:  # closed
            yield said.getvalue
            return
        os.dup2(below.fileno(), 1)
        text = ""
        try:
            yield lambda: said.getvalue() if said.getvalue().strip() else text
        finally:
            os.dup2(before, 1)
            os.close(before)
            below.seek(0)
            text = below.read(10_000).decode("utf-8", "replace")


@contextmanager
def seed_generators(seed: int) -> Iterator[Callable[[], list[str]]]:
    """Seed the global generators of Python, numpy and torch, and restore their states at the end.

    Yields:
        A function that names the generators used since.
    """
    before = _read_states()
    random.seed(seed)
    np.random.seed(seed)
    if (torch := sys.modules.get("torch")) is not None:
        torch.random.default_generator.manual_seed(seed)
    seeded = _read_states()
    try:
        yield lambda: [name for name, state in _read_states().items() if seeded.get(name, state) != state]
    finally:
        _restore_states(before)


def check_pure(run: Callable[[], Any], what: str, advice: str, faults: Faults) -> Any:
    """Run a function three times: it must neither use the global generators nor depend on them.

    Args:
        run: returns a value that can be compared by `==`.
        what: the value in words, such as "points".
        advice: where random numbers should come from instead.
        faults: receives the faults.

    Returns:
        The first value.
    """
    values = []
    for seed in (1, 2, 1):
        with seed_generators(seed) as used:
            values.append(run())
            for name in used():
                faults.add("generators untouched", f"it draws from {name}, a global generator: {advice}")
    first, second, third = values
    if first != third:
        cure = f"keep no memory between calls, read no clock, and {advice}"
        faults.add("same again", f"equal arguments give other {what} the second time: {cure}")
    elif first != second:
        faults.add("generators unheeded", f"its {what} depend on the seed of a global generator: {advice}")
    return first


def _read_states() -> dict[str, Any]:
    kind, words, place, *rest = np.random.get_state(legacy=True)
    states: dict[str, Any] = {
        "Python's random": random.getstate(),
        "numpy.random": (kind, np.asarray(words).tobytes(), place, *rest),
    }
    if (torch := sys.modules.get("torch")) is not None:
        states["torch"] = bytes(torch.get_rng_state().numpy())
    return states


def _restore_states(states: dict[str, Any]) -> None:
    random.setstate(states["Python's random"])
    kind, words, *rest = states["numpy.random"]
    np.random.set_state((kind, np.frombuffer(words, np.uint32), *rest))
    if "torch" in states:
        import torch

        torch.set_rng_state(torch.frombuffer(bytearray(states["torch"]), dtype=torch.uint8))
