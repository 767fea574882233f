"""How examples are chosen, and the servers that tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from canvas_client import Served, assert_no_bugs, serving
from hypothesis import settings
from sketchkit_canvas.limits import Limits

# As in sketchkit's own tests: on a server the examples are always the same, and no machine is too slow.
settings.register_profile("usual", deadline=None, max_examples=30)
settings.register_profile("ci", deadline=None, max_examples=30, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "usual")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """End with the pages, as the one browser for all of them lets no other test run an event loop."""
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """A server as people start it."""
    with serving() as found:
        yield found
    assert_no_bugs(found)


@pytest.fixture(scope="module")
def hasty() -> Iterator[Served]:
    """A server that waits for nobody, so that tests need not wait for it."""
    with serving(Limits(patience=2.0, grace=0.1)) as found:
        yield found
    assert_no_bugs(found)
