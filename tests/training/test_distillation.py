"""Drawings of a teacher: ended, simplified, bounded, and the same for the same seed."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from sketchkit import sample
from sketchkit.errors import InputError
from sketchkit.geometry import quickdraw_simplify
from sketchkit.models import SketchModel
from sketchkit.training import distillation
from sketchkit.training.distillation import distill


def test_drawings_are_those_of_the_seed_that_end_and_fit(tiny_model: SketchModel) -> None:
    taught = list(distill(tiny_model, 5, 0.5, seed=3, max_points=12))
    drawn = sample(tiny_model, 512, 0.5, seed=3)
    for sketch in taught:
        name, seed, temperature, index = (sketch.key or "").split("-")
        given = drawn[int(index)]
        lines = quickdraw_simplify([line for line in given.to_polylines() if len(line) > 1])
        assert (name, seed, temperature, sketch.label) == ("tiny", "3", "0.5", "scribble")
        assert given.ended and sketch.ended
        assert 2 <= len(sketch.points) <= 12
        assert all(map(np.array_equal, sketch.to_polylines(), lines))


def test_fewer_drawings_are_the_first_of_more(tiny_model: SketchModel) -> None:
    more = distill(tiny_model, 40, 0.4, seed=1)
    assert list(distill(tiny_model, 7, 0.4, seed=1)) == list(islice(more, 7))


def test_a_teacher_whose_drawings_do_not_fit_is_refused(
    tiny_model: SketchModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distillation, "_PATIENCE", 2)
    with pytest.raises(
        InputError, match=r"tiny: only 0 of 1024 drawings at temperature 0.4 end within 1 points"
    ):
        list(distill(tiny_model, 2, 0.4, max_points=1))
