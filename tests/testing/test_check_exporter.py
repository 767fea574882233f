"""The check of exporters: each rule, broken by an exporter of its own."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from checking import rules_of

from sketchkit import registry
from sketchkit.errors import InputError
from sketchkit.models import SketchModel
from sketchkit.testing import check_exporter


@pytest.mark.parametrize("name", [p.full_name for p in registry.all_plugins("exporter") if p.builtin])
def test_every_exporter_of_ours_passes(name: str) -> None:
    check_exporter(name)


class Named:
    """The name of a model."""

    suffixes: ClassVar[tuple[str, ...]] = (".name",)
    keeps_card: ClassVar[bool] = True

    def export(self, model: SketchModel) -> bytes:
        return model.card.name.encode()


def test_an_exporter_of_third_parties_passes() -> None:
    check_exporter(Named)
    check_exporter(Named())


class Nameless(Named):
    def export(self, model: SketchModel) -> Any:
        return model.card.name


class Empty(Named):
    def export(self, model: SketchModel) -> bytes:
        return b""


class Chatty(Named):
    def export(self, model: SketchModel) -> bytes:
        raise InputError("no\nnever")


class Shy(Named):
    def export(self, model: SketchModel) -> bytes:
        raise InputError("not this one")


class Broken(Named):
    def export(self, model: SketchModel) -> bytes:
        raise KeyError("card")


class Lucky(Named):
    def export(self, model: SketchModel) -> bytes:
        return np.random.bytes(4)


class Changing(Named):
    def export(self, model: SketchModel) -> bytes:
        for weight in model.parameters():
            weight.data += 1
        return b"x"


class Unsaid:
    suffixes: ClassVar[tuple[str, ...]] = ("name",)

    def export(self, model: SketchModel) -> bytes:
        return b"x"


class Idle:
    suffixes: ClassVar[tuple[str, ...]] = (".idle",)
    keeps_card: ClassVar[bool] = False


@pytest.mark.parametrize(
    ("plugin", "rule"),
    [
        (Nameless, "bytes"),
        (Empty, "bytes"),
        (Chatty, "refusals"),
        (Shy, "any model"),
        (Broken, "any model"),
        (Lucky, "generators untouched"),
        (Changing, "models unchanged"),
        (Unsaid, "keeps_card"),
        (Unsaid, "suffixes"),
        (Idle, "an exporter"),
    ],
)
def test_each_rule_is_kept(plugin: type, rule: str) -> None:
    assert rule in rules_of(check_exporter, plugin)
