"""Curves of runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from log_parts import evaluation_record, step_record, write_run
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

import sketchkit as sk

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of 300 steps whose loss falls below 0; its second evaluation is the best."""
    steps = [step_record(i, 2.0 - i / 100, kl=0.5, kl_weight=0.1) for i in range(1, 301)]
    losses = ((100, 1.0, True), (200, -0.5, True), (300, 0.0, False))
    valid = [evaluation_record(i, loss, best=best, kl=0.4) for i, loss, best in losses]
    return write_run(tmp_path / "cats", steps, valid)


def lines(axes: Axes) -> dict[str, tuple[list[float], list[float]]]:
    """The labelled curves of axes."""
    return {
        str(line.get_label()): (list(np.asarray(line.get_xdata())), list(np.asarray(line.get_ydata())))
        for line in axes.get_lines()
        if not str(line.get_label()).startswith("_")
    }


def stars(axes: Axes) -> list[list[list[float]]]:
    """The places of the stars of axes, a list a run."""
    return [np.asarray(line.get_xydata()).tolist() for line in axes.get_lines() if line.get_marker() == "*"]


def test_a_run_has_a_curve_for_each_split_and_a_star_for_the_best(run: Path) -> None:
    axes = sk.plot_run(run)
    found = lines(axes)
    assert set(found) == {"cats", "cats, validation"}
    assert found["cats, validation"] == ([100, 200, 300], [1.0, -0.5, 0.0])
    assert stars(axes) == [[[200, -0.5]]]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("updates", "loss", "linear")


def test_the_strong_line_is_a_running_mean_and_the_pale_one_what_was_logged(run: Path) -> None:
    axes = sk.plot_run(run)
    pale = next(line for line in axes.get_lines() if line.get_alpha())
    assert list(np.asarray(pale.get_ydata())) == pytest.approx([2.0 - i / 100 for i in range(1, 301)])
    at, means = lines(axes)["cats"]
    assert len(at) == 300 - 10 + 1
    assert means == pytest.approx([2.0 - x / 100 for x in at])


def test_several_runs_share_the_axes_each_in_a_colour_and_under_a_name(run: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    twin = write_run(tmp_path / "more" / "cats", [step_record(1), step_record(2)])
    axes = sk.plot_run(run, twin)
    assert {str(run), str(twin)} < set(lines(axes))
    colors = {line.get_label(): line.get_color() for line in axes.get_lines()}
    assert colors[str(run)] == colors[f"{run}, validation"] != colors[str(twin)]
    named = lines(sk.plot_run(run, twin, labels=["small", "large"]))
    assert set(named) == {"small", "small, validation", "large"}


@pytest.mark.parametrize(
    ("show", "curves"), [("kl", 2), ("kl_weight", 1), ("nll_per_point", 1), ("learning_rate", 1)]
)
def test_any_column_can_be_shown(run: Path, show: str, curves: int) -> None:
    assert len(lines(sk.plot_run(run, show=show))) == curves


def test_a_curve_can_go_by_time_on_logarithmic_scales_into_given_axes(run: Path) -> None:
    _, given = plt.subplots()
    axes = sk.plot_run(run, show="kl", against="seconds", x_scale="log", y_scale="log", ax=given)
    assert axes is given
    assert (axes.get_xscale(), axes.get_yscale(), axes.get_ylabel()) == ("log", "log", "L_KL")
    assert lines(axes)["cats, validation"][0] == pytest.approx([10.0, 20.0, 30.0])
    assert stars(axes) == [[[20.0, 0.4]]]  # that of the lowest loss


def test_a_run_that_has_just_begun_has_empty_axes(tmp_path: Path) -> None:
    axes = sk.plot_run(write_run(tmp_path / "new", []))
    assert axes.get_legend() is None


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"show": "banana"}, "the logs have no column 'banana': they have .*loss"),
        ({"y_scale": "log"}, "cats: loss is -1: a logarithmic scale begins above 0"),
        ({"x_scale": "cube"}, "x_scale must be linear or log, got 'cube'"),
        ({"against": "points"}, "against must be step or seconds, got 'points'"),
        ({"labels": ["a", "b"]}, "1 runs need as many labels"),
        ({"labels": "a"}, "1 runs need as many labels"),
    ],
)
def test_wrong_arguments_are_refused_in_a_line(run: Path, wrong: dict[str, str], reason: str) -> None:
    with pytest.raises(sk.InputError, match=reason) as error:
        sk.plot_run(run, **wrong)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    assert not plt.get_fignums()


def test_a_folder_that_is_no_run_and_no_folder_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(sk.InputError, match=r"no run: it holds no train\.csv"):
        sk.plot_run(tmp_path)
    with pytest.raises(sk.InputError, match="plot_run needs the folder of a run"):
        sk.plot_run()


def test_without_matplotlib_one_line_says_how_to_get_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(sk.PluginError, match=r"^curves of runs need matplotlib: pip install '[^']+'$"):
        sk.plot_run(run)
