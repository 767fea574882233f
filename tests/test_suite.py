"""The list of slow tests names tests that exist."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent


def test_every_slow_test_is_there() -> None:
    lines = (TESTS / "slow.txt").read_text(encoding="utf-8").splitlines()
    assert lines == sorted(set(lines))
    for line in lines:
        file, _, function = line.partition("::")
        path = TESTS.parent / file
        assert path.is_file(), line
        assert not function or f"def {function}(" in path.read_text(encoding="utf-8"), line
