"""The card of a model: what it accepts, and that nothing else gets in."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketchkit.card import MAX_LENGTH, PAPER_START, ZERO_START, ModelCard
from sketchkit.errors import InputError

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    name=st.text(),
    scale_factor=st.floats(1e-9, 1e9),
    max_length=st.integers(1, MAX_LENGTH),
    start=st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 5),
    classes=st.lists(st.text(), max_size=3).map(tuple),
    provenance=st.dictionaries(st.text(), _JSON, max_size=3),
)
def test_a_card_survives_the_way_through_json(**fields: Any) -> None:
    card = ModelCard(**fields)
    assert ModelCard.from_json(json.loads(json.dumps(card.to_json()))) == card


def test_a_card_has_a_default_for_everything() -> None:
    assert ModelCard.from_json({}) == ModelCard()
    assert ModelCard().start == PAPER_START == (0, 0, 1, 0, 0)
    assert ZERO_START == (0,) * 5


def test_unknown_names_are_ignored_so_that_newer_files_can_be_read() -> None:
    assert ModelCard.from_json({"name": "bird", "mood": "cheerful"}) == ModelCard(name="bird")


def test_a_card_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ModelCard().name = "other"  # type: ignore[misc]


WRONG: list[dict[str, Any]] = [
    *(
        {"scale_factor": v}
        for v in (0, 0.0, -1, math.nan, math.inf, True, None, "2", [1], 1e-300, 1e300, 10**400)
    ),
    *({"max_length": v} for v in (0, -5, MAX_LENGTH + 1, 2.0, "250", None, True, 10**400, math.nan)),
    *(
        {"start": v}
        for v in ((), (0, 0, 1, 0), (0, 0, 1, 0, 0, 0), (0, 0, 1, 0, math.nan), (0, 0, 1, 0, True))
    ),
    *({"start": v} for v in (None, 5, "00100", (0, 0, "1", 0, 0), (0, 0, 10**400, 0, 0))),
    *({"classes": v} for v in (None, 5, "cat", (1,), ("cat", None))),
    *({"name": v} for v in (None, 5, ["bird"])),
    *({"licence": v} for v in (None, 5, {"a": 1})),
    *({"provenance": v} for v in (None, 5, "here", ["a"])),
]


@pytest.mark.parametrize("changes", WRONG, ids=lambda c: next(f"{k}={str(v)[:20]}" for k, v in c.items()))
def test_a_value_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="a model's"):
        ModelCard(**changes)
    as_json = {name: list(v) if isinstance(v, tuple) else v for name, v in changes.items()}
    with pytest.raises(InputError, match="a model's"):
        ModelCard.from_json(as_json)


@pytest.mark.parametrize("value", [None, 5, "card", [], [{}], True])
def test_what_is_no_json_object_is_no_card(value: Any) -> None:
    with pytest.raises(InputError, match="JSON object"):
        ModelCard.from_json(value)
