"""Options of plugins: read, checked and described from dataclass fields."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketchkit import options
from sketchkit.errors import InputError, PluginError
from sketchkit.options import option


@dataclass(frozen=True)
class Brush:
    """Something with an option of every kind."""

    kind: ClassVar[str] = "brush"
    width: float = option(2.0, "how wide", low=0.5, high=10.0)
    count: int = option(3, "how many", low=1)
    rest: int = option(0, "what is left", high=9)
    round: bool = option(True, "whether its ends are round")
    style: str = option("plain", "how it looks", choices=("plain", "dashed"))
    label: str = option("", "what it says")
    limit: float | None = option(None, "where it stops")
    gap: float = option(0.0, "how far apart", low=0.0)
    hidden: int = field(default=1, init=False)


def _info(name: str) -> options.OptionInfo:
    return next(info for info in options.describe(Brush) if info.name == name)


def test_options_are_described_in_the_order_they_are_declared() -> None:
    infos = options.describe(Brush)
    assert [info.name for info in infos] == [
        "width",
        "count",
        "rest",
        "round",
        "style",
        "label",
        "limit",
        "gap",
    ]
    assert [info.type for info in infos] == [float, int, int, bool, str, str, float, float]
    assert [info.default for info in infos] == [2.0, 3, 0, True, "plain", "", None, 0.0]
    assert infos[0].help == "how wide"
    ranges = ["0.5..10", "1 or more", "9 or less", "", "plain|dashed", "", "", "0 or more"]
    assert [info.range for info in infos] == ranges


def test_what_is_no_dataclass_has_no_options() -> None:
    assert options.describe(dict) == []
    assert options.create(dict, "renderer 'x'", {}) == {}
    with pytest.raises(InputError, match="renderer 'x' has no option 'a': it has none"):
        options.create(dict, "renderer 'x'", {"a": 1})


def test_a_field_without_option_metadata_is_an_option_all_the_same() -> None:
    @dataclass
    class Plain:
        size: int = 4

    assert options.as_dict(options.create(Plain, "x", {"size": "7"})) == {"size": 7}


def test_text_is_read_as_the_type_of_the_option() -> None:
    made = options.create(
        Brush,
        "brush",
        {"width": "1.5", "count": "7", "round": "off", "style": "dashed", "label": "a=b", "limit": "3"},
    )
    assert made == Brush(width=1.5, count=7, round=False, style="dashed", label="a=b", limit=3.0)
    assert options.as_dict(made) == {
        "width": 1.5,
        "count": 7,
        "rest": 0,
        "round": False,
        "style": "dashed",
        "label": "a=b",
        "limit": 3.0,
        "gap": 0.0,
    }


@given(st.floats(0.5, 10.0))
def test_a_number_survives_the_way_through_text(width: float) -> None:
    assert options.create(Brush, "brush", {"width": repr(width)}).width == width
    assert options.create(Brush, "brush", {"width": width}).width == width


@given(st.integers(1))
def test_a_whole_number_of_any_size_is_one(count: int) -> None:
    assert options.create(Brush, "brush", {"count": str(count)}).count == count
    assert options.check(_info("count"), float(2**40), "brush") == 2**40


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, True) for text in ("1", "TRUE", "yes", "on", True)),
        *((text, False) for text in ("0", "False", "no", "off", False)),
    ],
)
def test_truth_has_several_spellings(text: Any, value: bool) -> None:
    assert options.create(Brush, "brush", {"round": text}).round is value


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"widht": 1}, "brush has no option 'widht': it has width, count, rest"),
        ({"hidden": 1}, "brush has no option 'hidden'"),
        ({"kind": 1}, "brush has no option 'kind'"),
        ({"width": "wide"}, "option 'width' of brush must be a number, got 'wide'"),
        ({"width": None}, "option 'width' of brush must be a number, got None"),
        ({"width": True}, "must be a number, got True"),
        ({"width": [1]}, "must be a number, got [1]"),
        ({"width": 1j}, "must be a number, got 1j"),
        ({"width": 0.4}, "must be 0.5..10, got 0.4"),
        ({"width": math.nan}, "must be 0.5..10, got nan"),
        ({"width": "inf"}, "must be 0.5..10, got inf"),
        ({"width": 10**400}, "must be a number"),
        ({"count": 0}, "must be 1 or more, got 0"),
        ({"count": -(10**400)}, "must be 1 or more, got"),
        ({"count": 1.5}, "must be a whole number, got 1.5"),
        ({"count": math.inf}, "must be a whole number, got inf"),
        ({"count": ""}, "must be a whole number, got ''"),
        ({"count": "9" * 5000}, "must be a whole number, got"),
        ({"rest": 10}, "must be 9 or less, got 10"),
        ({"limit": math.nan}, "must be a number, got nan"),
        ({"limit": "-inf"}, "option 'limit' of brush must be a finite number, got -inf"),
        ({"limit": math.inf}, "must be a finite number, got inf"),
        ({"limit": "1e999"}, "must be a finite number, got inf"),
        ({"gap": "inf"}, "must be a finite number, got inf"),
        ({"gap": "-inf"}, "must be 0 or more, got -inf"),
        ({"round": "maybe"}, "must be true or false, got 'maybe'"),
        ({"round": None}, "must be true or false, got None"),
        ({"round": 2}, "must be true or false, got 2"),
        ({"style": "dotted"}, "must be one of plain, dashed, got 'dotted'"),
        ({"label": None}, "must be a text, got None"),
    ],
)
def test_a_value_that_cannot_be_is_refused_in_words(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError) as refused:
        options.create(Brush, "brush", values)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_none_is_a_value_only_where_the_type_says_so() -> None:
    assert options.create(Brush, "brush", {"limit": None}).limit is None
    assert [info.name for info in options.describe(Brush) if info.optional] == ["limit"]


def test_pairs_are_names_and_values() -> None:
    assert options.parse_pairs([]) == {}
    pairs = ["k=5", " stroke-width = 2 ", "label=a=b", "empty="]
    assert options.parse_pairs(pairs) == {"k": "5", "stroke_width": "2", "label": "a=b", "empty": ""}


@pytest.mark.parametrize("pair", ["k", "", "=5", " =5"])
def test_a_pair_without_a_name_or_a_value_is_refused(pair: str) -> None:
    with pytest.raises(InputError, match="name=value"):
        options.parse_pairs([pair])


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="'line_width' is given twice"):
        options.parse_pairs(["line-width=1", "line_width=2"])


def test_a_plugin_that_wants_more_than_its_options_is_refused() -> None:
    @dataclass
    class Greedy:
        needed: int

    with pytest.raises(PluginError, match=r"sampler 'greedy' cannot be made: .*needed"):
        options.create(Greedy, "sampler 'greedy'", {})


def test_a_plugin_whose_types_cannot_be_found_is_refused() -> None:
    @dataclass
    class Vague:
        what: Nowhere = 1  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(PluginError, match=r"the options of sampler 'vague' cannot be told: .*Nowhere"):
        options.create(Vague, "sampler 'vague'", {})
