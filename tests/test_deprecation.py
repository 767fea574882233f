"""Old names work for a while, and warn."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import sketchkit as sk
from sketchkit import formats, sampling, svgdoc
from sketchkit.arguments import old_attribute, renamed
from sketchkit.errors import InputError
from sketchkit.evaluate import Choices
from sketchkit.models import SketchModel
from sketchkit.models.vae import VaeModel
from sketchkit.sketch import Sketch

DRAWING = Sketch.from_polylines([[(100, 50), (140, 52), (150, 90)], [(120, 60), (125, 61), (131, 70)]])


@dataclass(frozen=True)
class Result:
    new: int

    old = old_attribute("old", "new")


@renamed(old="new")
def double(first: int = 1, *, new: int = 0) -> int:
    """Twice."""
    return 2 * new * first


def test_an_old_attribute_gives_the_new_one_and_warns() -> None:
    with pytest.warns(DeprecationWarning, match=r"^Result\.old is called new now; the old name will go$"):
        assert Result(3).old == 3


def test_an_old_keyword_is_the_new_one_and_warns() -> None:
    with pytest.warns(DeprecationWarning, match="^the argument old of double is called new now") as told:
        assert double(2, old=3) == 12  # type: ignore[call-arg]
    assert told[0].filename == __file__
    assert double(2, new=3) == 12
    assert double.__doc__ == "Twice."


def test_the_context_of_samplers_has_its_old_name() -> None:
    with pytest.warns(DeprecationWarning, match="^Studio is called DraftingContext now"):
        assert sampling.Studio is sampling.DraftingContext
    with pytest.raises(AttributeError):
        sampling.Easel  # noqa: B018


def test_both_at_once_are_refused() -> None:
    with pytest.raises(InputError, match=r"^double takes new, which was called old: give one of them$"):
        double(old=3, new=3)  # type: ignore[call-arg]


def test_costs_have_one_name_and_their_old_ones(tiny_model: SketchModel, tiny_vae: VaeModel) -> None:
    (ending,) = sk.complete(tiny_model, DRAWING, 1)
    (score,) = sk.score(tiny_model, [DRAWING])
    located = sk.locate(tiny_vae, [DRAWING])
    assert score.nll == pytest.approx(score.nll_per_point * len(score.points))
    assert located.nll_per_point[0] == sk.score(tiny_vae, [DRAWING])[0].nll_per_point
    for old, value in (
        (lambda: ending.nll, ending.nll_per_point),
        (lambda: score.total, score.nll),
        (lambda: score.per_point, score.nll_per_point),
        (lambda: located.nll[0], located.nll_per_point[0]),
    ):
        with pytest.warns(DeprecationWarning, match=r"is called nll"):
            assert old() == value


def test_a_class_is_class_name_and_label_still_works(tiny_vae: VaeModel) -> None:
    wanted = sk.sample(tiny_vae, 2, class_name=1)
    for call in (
        lambda **old: sk.sample(tiny_vae, 2, **old),
        lambda **old: list(sk.sample_stream(tiny_vae, 2, **old)),
    ):
        for label in (1, "sun", "SUN"):
            with pytest.warns(
                DeprecationWarning, match=r"the argument label of sample\w* is called class_name now"
            ):
                assert call(label=label) == wanted
    for draw in (
        lambda **old: sk.reconstruct(tiny_vae, [DRAWING], **old)[0],
        lambda **old: sk.interpolate(tiny_vae, [DRAWING] * 2, 2, **old)[0],
        lambda **old: sk.grid(tiny_vae, [DRAWING] * 4, (2, 2), **old)[0],
        lambda **old: sk.analogy(tiny_vae, DRAWING, DRAWING, DRAWING, **old),
    ):
        with pytest.warns(DeprecationWarning, match="is called class_name now"):
            assert draw(label="Sun").label == "sun"


def test_the_old_word_is_taken_by_everything_else_that_takes_a_class(
    tiny_model: SketchModel, tiny_vae: VaeModel
) -> None:
    for call in (
        lambda: sk.complete(tiny_model, DRAWING, 1, label=None),
        lambda: sk.infill(tiny_model, DRAWING, (0, 1), 1, particles=4, label=None),
        lambda: sk.score(tiny_vae, [DRAWING], label="cat"),
        lambda: tiny_vae.raw_outputs([[1, 2, 1, 0, 0]], z=[0.0] * 6, label="cat"),
        lambda: Choices(label="cat"),
    ):
        with pytest.warns(DeprecationWarning, match="is called class_name now"):
            call()
    assert Choices(class_name="cat").class_name == "cat"
    with pytest.warns(DeprecationWarning, match=r"Choices\.label is called class_name now"):
        assert Choices(class_name="cat").label == "cat"


def test_old_functions_are_the_new_ones_and_warn() -> None:
    with pytest.warns(DeprecationWarning, match="checked_color is called check_color"):
        assert svgdoc.checked_color("teal") == "teal"
    with pytest.warns(DeprecationWarning, match="parted is called split_reference"):
        assert formats.parted("drawings.ndjson#3") == ("drawings.ndjson", 3)
