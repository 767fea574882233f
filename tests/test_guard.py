"""The guard around objects of third-party plugins."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest

from sketchkit.errors import InputError, PluginError
from sketchkit.guard import Guarded
from sketchkit.installed import Plugin

PLUGIN = Plugin("sampler", "odd", "odd-plugin", EntryPoint("odd", "odd:Odd", "sketchkit.samplers"))


class Source:
    """An object of a plugin, whose methods behave in as many ways as the tests need."""

    def number(self, value: int) -> int:
        print("a plugin prints")
        return value

    def fail(self, error: BaseException) -> None:
        raise error

    def count(self, last: int) -> Iterator[int]:
        yield from range(1, last)
        raise ZeroDivisionError("at the end")


class Numbers(Guarded[Source]):
    passes = (OSError,)

    def number(self, value: int) -> int:
        return self._call(self.__wrapped__.number, value, find_problem=find_problem)

    def fail(self, error: BaseException) -> None:
        self._call(self.__wrapped__.fail, error)

    def count(self, last: int) -> Iterator[int]:
        return self._iterate(self.__wrapped__.count, last, find_problem=find_problem)


def find_problem(value: int) -> str | None:
    return f"gave {value}" if value > 5 else None


NUMBERS = Numbers(PLUGIN, Source())


def test_a_valid_result_comes_back_and_output_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    stdout = sys.stdout
    assert NUMBERS.number(5) == 5
    assert sys.stdout is stdout
    assert capsys.readouterr() == ("", "a plugin prints\n")


def test_an_invalid_result_is_an_error_with_the_name_of_the_plugin() -> None:
    with pytest.raises(PluginError, match=r"^the sampler odd-plugin:odd gave 6$"):
        NUMBERS.number(6)


def test_exceptions_bear_the_name_of_the_plugin_unless_they_are_no_faults_of_it() -> None:
    for error in (ValueError("two\nlines"), SystemExit(3)):
        with pytest.raises(PluginError, match=r"^the sampler odd-plugin:odd failed: .*$") as raised:
            NUMBERS.fail(error)
        assert raised.value.__cause__ is error
    for passed in (OSError("the disk"), InputError("a value"), KeyboardInterrupt(), MemoryError()):
        with pytest.raises(type(passed)) as raised_as_it_is:
            NUMBERS.fail(passed)
        assert raised_as_it_is.value is passed


def test_each_result_of_an_iterator_is_checked_when_it_is_asked_for() -> None:
    results = NUMBERS.count(3)
    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(PluginError, match="ZeroDivisionError: at the end"):
        next(results)
    with pytest.raises(PluginError, match="gave 6"):
        list(NUMBERS.count(8))


def test_guards_are_equal_where_plugin_and_object_are() -> None:
    assert Numbers(PLUGIN, NUMBERS.__wrapped__) == NUMBERS
    assert Numbers(PLUGIN, Source()) != NUMBERS
