"""Each fault is found in the logs of its run, and a healthy run has none."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from log_parts import evaluation_record, step_record, write_run

from sketchkit.errors import FormatError, InputError
from sketchkit.training.doctor import Diagnosis, Finding, Severity, diagnose

NMAX, LENGTH, BATCH = 200, 46, 100
SHARE = LENGTH / NMAX
Curve = Callable[[float], float]


def flat(value: float) -> Curve:
    return lambda step: value


@dataclass(frozen=True)
class Case:
    """A run by formulas: nats a point as functions of the step, made into a log with noise."""

    offset: Curve = lambda t: 0.5 + 2.3 / (1 + t / 150)
    pen: Curve = lambda t: 0.28 + 0.8 / (1 + t / 100)
    kl: Curve | None = None
    kl_weight: Curve = lambda t: 0.0
    rate: Curve = lambda t: 1e-3 * 0.999**t + 1e-5
    norm: Curve = lambda t: 0.3 + 2 / (1 + t / 100)
    # What validation drawings cost more, nats a point.
    gap: Curve = lambda t: 0.02
    end: float = 2.0
    seconds: Curve = lambda t: 0.2 * t
    noise: float = 0.05
    skipped: int = 0
    steps: int = 5000
    every: int = 10
    evaluate_every: int = 250
    drawings: int = 60_000
    valid_drawings: int = 2_000

    def write(self, folder: Path, said: dict[str, Any] | None = None) -> Path:
        """Its logs and, unless `said` is empty, its `run.json`."""
        rng = np.random.default_rng(1)
        steps = []
        for t in range(self.every, self.steps + 1, self.every):
            # Batches differ in the lengths of their drawings, and so in both parts alike.
            factor = SHARE * (1 + self.noise * rng.normal())
            offset, pen = self.offset(t) * factor, self.pen(t) * factor + self.end / NMAX
            kl = None if self.kl is None else self.kl(t)
            steps.append(
                step_record(
                    t,
                    offset + pen + self.kl_weight(t) * max(kl or 0.0, 0.2),
                    kl=kl,
                    offset=offset,
                    pen=pen,
                    kl_weight=self.kl_weight(t),
                    learning_rate=self.rate(t),
                    gradient_norm=self.norm(t) * math.exp(0.3 * rng.normal()),
                    points=LENGTH * BATCH * t,
                    seconds=self.seconds(t),
                    skipped=round(self.skipped * t / self.steps),
                )
            )
        evaluations = [
            self._evaluation(t) for t in range(self.evaluate_every, self.steps + 1, self.evaluate_every)
        ]
        write_run(folder, steps, evaluations)
        said = {**self.said(), **said} if said is not None else self.said()
        (folder / "run.json").write_text(json.dumps(said))
        return folder

    def _evaluation(self, t: int) -> Any:
        offset, pen = (self.offset(t) + self.gap(t)) * SHARE, self.pen(t) * SHARE
        kl = None if self.kl is None else self.kl(t)
        return evaluation_record(
            t,
            offset + pen + (0.0 if kl is None else 0.5 * max(kl, 0.2)),
            kl=kl,
            offset=offset,
            pen=pen,
            nll_per_point=(offset + pen) / SHARE + self.end / LENGTH,
            drawings=self.valid_drawings,
        )

    def said(self) -> dict[str, Any]:
        """What such a run says of itself."""
        return {
            "config": {
                "steps": self.steps,
                "batch_size": BATCH,
                "kl_weight": 0.5,
                "kl_minimum": 0.2,
                "nmax": 0,
            },
            "nmax": NMAX,
            "data": {
                "scale_factor": 32.5,
                "max_length": NMAX,
                "drawings": {"train": self.drawings, "valid": self.valid_drawings, "test": 10},
            },
            "parameters": 1_000_000,
            "status": "finished",
        }


HEALTHY = Case()


def annealed(t: float) -> float:
    return 0.5 * (1 - 0.99 * 0.9995**t)


#: L_KL rises while it is cheap, then gives way to its weight, and L_R to it.
VAE = replace(
    HEALTHY,
    offset=lambda t: 0.1 + 2.7 / (1 + t / 150) + 0.2 * annealed(t),
    kl=lambda t: 0.6 + 3 * min(t / 300, 1) * math.exp(-t / 1200),
    kl_weight=annealed,
)


def find(diagnosis: Diagnosis, name: str) -> Finding:
    (found,) = [finding for finding in diagnosis.findings if finding.name == name]
    return found


def faults(diagnosis: Diagnosis) -> set[str]:
    """The names of all warnings and problems."""
    return {finding.name for finding in diagnosis.findings if finding.severity >= Severity.WARNING}


@pytest.mark.parametrize("case", [HEALTHY, VAE], ids=["decoder", "vae"])
@pytest.mark.parametrize("steps", [200, 600, 2000, 5000, 20000])
@pytest.mark.parametrize("noise", [0.0, 0.02, 0.2])
def test_a_healthy_run_gets_no_warning_however_far_it_is(
    tmp_path: Path, case: Case, steps: int, noise: float
) -> None:
    running = {"config": {**case.said()["config"], "steps": 20000}, "status": "running"}
    diagnosis = diagnose(replace(case, steps=steps, noise=noise).write(tmp_path / "run", running))
    assert faults(diagnosis) == set()


def test_a_healthy_run_is_said_to_be_so_with_a_summary(tmp_path: Path) -> None:
    diagnosis = diagnose(HEALTHY.write(tmp_path / "cats"))
    assert find(diagnosis, "nothing-wrong").severity == Severity.FINE
    summary = diagnosis.summary
    assert (summary["run"], summary["status"], summary["step"], summary["steps"]) == (
        "cats",
        "finished",
        5000,
        5000,
    )
    assert summary["points_per_second"] == pytest.approx(LENGTH * BATCH / 0.2)
    assert summary["best"] == summary["last"]
    assert json.loads(json.dumps(diagnosis.to_json()))["severity"] == diagnosis.severity.word


def risen(t: float) -> float:
    return HEALTHY.offset(t) + max(t - 2500, 0) / 1000


FAULTS: dict[str, tuple[Case, str, Severity]] = {
    "diverged": (replace(HEALTHY, offset=risen, gap=flat(0.0)), "divergence", Severity.PROBLEM),
    "diverging": (
        replace(HEALTHY, offset=lambda t: HEALTHY.offset(t) + max(t - 3000, 0) / 2500),
        "divergence",
        Severity.WARNING,
    ),
    "blown up at the end": (
        replace(HEALTHY, offset=lambda t: HEALTHY.offset(t) + 9 * (t > 4500)),
        "divergence",
        Severity.PROBLEM,
    ),
    "many steps skipped": (replace(HEALTHY, skipped=100), "not-finite", Severity.PROBLEM),
    "overfitting": (
        replace(HEALTHY, gap=lambda t: 0.02 + max(t - 2000, 0) / 5000),
        "overfitting",
        Severity.WARNING,
    ),
    "collapsed": (
        replace(VAE, kl=lambda t: 0.2 + math.exp(-t / 300), offset=HEALTHY.offset),
        "kl-collapse",
        Severity.WARNING,
    ),
    "all collapsed": (
        replace(VAE, kl=lambda t: 0.001 + math.exp(-t / 300), offset=HEALTHY.offset),
        "kl-collapse",
        Severity.PROBLEM,
    ),
    "never weighed": (
        replace(VAE, kl_weight=lambda t: 0.5 * (1 - 0.99 * 0.99995**t), steps=2000),
        "kl-unused",
        Severity.WARNING,
    ),
    "offsets too large": (
        replace(HEALTHY, offset=lambda t: 9 / (1 + t / 300)),
        "first-loss",
        Severity.WARNING,
    ),
    "offsets too small": (replace(HEALTHY, offset=lambda t: 1.7 - t / 5000), "first-loss", Severity.WARNING),
    "wandering": (
        replace(HEALTHY, offset=lambda t: HEALTHY.offset(t) + 0.3 * math.sin(t / 230)),
        "oscillation",
        Severity.WARNING,
    ),
    "learning nothing": (
        replace(HEALTHY, offset=flat(2.7), pen=flat(1.0), rate=flat(1e-6), end=3.0),
        "learns-nothing",
        Severity.PROBLEM,
    ),
    "hardly any drawings": (replace(HEALTHY, drawings=120), "few-drawings", Severity.WARNING),
    "ends not learnt": (replace(HEALTHY, end=7.0), "ends-not-learnt", Severity.WARNING),
    "half as fast": (
        replace(HEALTHY, seconds=lambda t: 0.2 * t + max(t - 2500, 0) * 0.4),
        "slower",
        Severity.WARNING,
    ),
    "never evaluated": (replace(HEALTHY, evaluate_every=10**6), "no-evaluation", Severity.WARNING),
}


@pytest.mark.parametrize(("case", "name", "severity"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_found_alone(tmp_path: Path, case: Case, name: str, severity: Severity) -> None:
    diagnosis = diagnose(case.write(tmp_path / "run"))
    assert find(diagnosis, name).severity == severity
    assert faults(diagnosis) == {name}
    assert "nothing-wrong" not in {finding.name for finding in diagnosis.findings}


NOTICES: dict[str, tuple[Case, dict[str, Any], str]] = {
    "a few steps skipped": (replace(HEALTHY, skipped=3), {}, "not-finite"),
    "gradients that jump": (
        replace(HEALTHY, norm=lambda t: 60.0 if t % 200 == 0 else 0.5),
        {},
        "gradient-jumps",
    ),
    "still improving": (
        replace(HEALTHY, offset=lambda t: 3.0 * (1 + t / 100) ** -0.5),
        {},
        "still-improving",
    ),
    "standing still": (
        replace(HEALTHY, offset=lambda t: 0.6 + 2.2 * math.exp(-t / 300), pen=flat(0.3), rate=flat(1e-3)),
        {},
        "plateau",
    ),
    "an unusual learning rate": (replace(HEALTHY, rate=lambda t: 0.05 * 0.999**t), {}, "unusual-rate"),
    "few drawings": (replace(HEALTHY, drawings=1500), {}, "few-drawings"),
    "collapsed so far": (
        replace(FAULTS["collapsed"][0], steps=1500),
        {},
        "kl-collapse",
    ),
    "few validation drawings": (replace(HEALTHY, valid_drawings=30), {}, "few-valid"),
    "interrupted": (HEALTHY, {"status": "interrupted"}, "interrupted"),
    "a little slower": (
        replace(HEALTHY, seconds=lambda t: 0.2 * t + max(t - 2500, 0) * 0.1),
        {},
        "slower",
    ),
    "a slight rise": (
        replace(HEALTHY, gap=lambda t: 0.02 + max(t - 3000, 0) / 30000),
        {},
        "overfitting",
    ),
}


@pytest.mark.parametrize(("case", "said", "name"), NOTICES.values(), ids=NOTICES.keys())
def test_what_a_person_should_know_is_a_notice(
    tmp_path: Path, case: Case, said: dict[str, Any], name: str
) -> None:
    diagnosis = diagnose(case.write(tmp_path / "run", said))
    assert find(diagnosis, name).severity == Severity.NOTICE
    assert faults(diagnosis) == set()


def test_a_run_that_failed_is_a_problem(tmp_path: Path) -> None:
    diagnosis = diagnose(HEALTHY.write(tmp_path / "run", {"status": "failed"}))
    assert diagnosis.findings[0].name == "failed"
    assert diagnosis.severity == Severity.PROBLEM


def test_an_absurd_scale_factor_is_told(tmp_path: Path) -> None:
    for scale in (0.03, 4000.0):
        said = {"data": {**HEALTHY.said()["data"], "scale_factor": scale}}
        assert faults(diagnose(HEALTHY.write(tmp_path / str(scale), said))) == {"scale-factor"}


def test_the_step_since_which_it_overfits_and_the_rise_are_told(tmp_path: Path) -> None:
    case = replace(HEALTHY, gap=lambda t: 0.02 + max(t - 2000, 0) / 5000)
    losses = {t: case.offset(t) + case.pen(t) + case.gap(t) for t in range(250, 5001, 250)}
    best = min(losses, key=lambda t: losses[t])
    seen = find(diagnose(case.write(tmp_path / "run")), "overfitting").seen
    rise = np.mean(list(losses.values())[-3:]) - losses[best]
    assert f"Since step {best:,}" in seen
    assert f"NLL by {rise:.4f}" in seen


def test_what_twice_the_steps_bring_is_extrapolated(tmp_path: Path) -> None:
    case = replace(HEALTHY, offset=lambda t: 3.0 - 0.3 * math.log(t), pen=flat(0.3), gap=flat(0.0))
    seen = find(diagnose(case.write(tmp_path / "run")), "still-improving").seen
    assert f"about {0.3 * math.log(2):.3f} nats a point more" in seen


def test_the_weight_of_kl_is_followed_to_the_end_of_the_run(tmp_path: Path) -> None:
    slow = replace(VAE, kl_weight=lambda t: 0.5 * (1 - 0.99 * 0.99995**t), steps=1000)

    def running(steps: int) -> dict[str, Any]:
        return {"config": {**slow.said()["config"], "steps": steps}, "status": "running"}

    assert "kl-unused" not in faults(diagnose(slow.write(tmp_path / "long", running(20_000))))
    seen = find(diagnose(slow.write(tmp_path / "short", running(3000))), "kl-unused").seen
    assert f"by step 3,000 it will be only {100 * (1 - 0.99 * 0.99995**3000):.0f} % of the 0.5" in seen


def test_what_the_weight_of_kl_rises_to_is_told_without_run_json(tmp_path: Path) -> None:
    slow = replace(VAE, kl_weight=lambda t: 0.5 * (1 - 0.99 * 0.99995**t), steps=1000)
    folder = slow.write(tmp_path / "run")
    (folder / "run.json").unlink()
    seen = find(diagnose(folder), "kl-unused").seen
    assert f"only {100 * (1 - 0.99 * 0.99995**1000):.0f} % of the 0.5" in seen


def test_a_model_that_shall_not_pay_for_its_latent_vector_is_left_alone(tmp_path: Path) -> None:
    said = {"config": {**VAE.said()["config"], "kl_weight": 0.0}}
    diagnosis = diagnose(replace(VAE, kl_weight=flat(0.0)).write(tmp_path / "run", said))
    assert not {"kl-unused", "kl-collapse", "latent"} & {finding.name for finding in diagnosis.findings}


@pytest.mark.parametrize("case", [HEALTHY, VAE], ids=["decoder", "vae"])
def test_run_json_may_be_missing(tmp_path: Path, case: Case) -> None:
    folder = case.write(tmp_path / "run")
    (folder / "run.json").unlink()
    diagnosis = diagnose(folder)
    assert faults(diagnosis) == set()
    assert diagnosis.summary["status"] is None


@pytest.mark.parametrize("steps", [0, 1, 50, 190])
def test_of_a_short_run_it_is_too_early_to_tell(tmp_path: Path, steps: int) -> None:
    diagnosis = diagnose(replace(HEALTHY, steps=steps, every=1).write(tmp_path / "run"))
    assert {finding.name for finding in diagnosis.findings} == {"too-early"}


def test_a_short_run_whose_losses_are_not_finite_is_a_problem_already(tmp_path: Path) -> None:
    steps = [step_record(t, math.nan, skipped=t) for t in range(1, 20)]
    diagnosis = diagnose(write_run(tmp_path / "run", steps))
    assert faults(diagnosis) == {"not-finite"}


def test_figures_beyond_all_bounds_do_no_harm(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    wild = [0.0, -1e308, 1e308, math.inf, math.nan, -0.0, 1e-320]
    for i in range(20):
        folder = tmp_path / str(i)

        def any_of() -> float:
            return float(rng.choice(wild)) if rng.random() < 0.5 else float(rng.normal())

        names = ("offset", "pen", "kl", "kl_weight", "learning_rate", "gradient_norm", "seconds")
        steps = [step_record(t, any_of(), **{name: any_of() for name in names}) for t in range(10, 2000, 10)]
        valid = ("offset", "pen", "kl", "nll_per_point", "seconds")
        evaluations = [
            evaluation_record(t, any_of(), **{name: any_of() for name in valid})
            for t in range(100, 2000, 100)
        ]
        write_run(folder, steps, evaluations)
        (folder / "run.json").write_text('{"config": {"nmax": 1e-300, "batch_size": 1e300, "steps": 1e300}}')
        json.dumps(diagnose(folder).to_json())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "run.json: "),
        (b"{", "run.json: "),
        (b"\xff\xfe\x00", "run.json: "),
        (b"[1, 2]", "run.json: not what a run says of itself"),
        (b"[" * 100_000, "run.json: "),
        (b" " * ((16 << 20) + 1), "run.json: more than 16777216 bytes"),
    ],
    ids=["empty", "torn", "binary", "a list", "deep", "huge"],
)
def test_a_damaged_run_json_is_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    folder = write_run(tmp_path / "run", [step_record(1)])
    (folder / "run.json").write_bytes(content)
    with pytest.raises(FormatError, match=words) as caught:
        diagnose(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "said", [{"config": [], "data": 3, "status": []}, {"config": {"nmax": "x", "steps": True}}]
)
def test_entries_of_another_type_count_as_missing(tmp_path: Path, said: dict[str, Any]) -> None:
    folder = HEALTHY.write(tmp_path / "run")
    (folder / "run.json").write_text(json.dumps(said))
    assert faults(diagnose(folder)) == set()


def test_a_damaged_log_is_one_line(tmp_path: Path) -> None:
    folder = HEALTHY.write(tmp_path / "run")
    (folder / "valid.csv").write_bytes(b"\x00" * 5000 + b"\n")
    with pytest.raises(FormatError, match=r"valid\.csv, line 1"):
        diagnose(folder)


def test_a_torn_log_is_judged_by_its_whole_rows(tmp_path: Path) -> None:
    folder = HEALTHY.write(tmp_path / "run")
    whole = diagnose(folder)
    with open(folder / "train.csv", "ab") as stream:
        stream.write(b"5010,1e9,1e9")
    assert diagnose(folder) == whole


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run"):
        diagnose(tmp_path)


def test_every_finding_is_whole_sentences(tmp_path: Path) -> None:
    for name, (case, *_) in FAULTS.items():
        for finding in diagnose(case.write(tmp_path / name)).findings:
            for sentence in filter(None, (finding.seen, finding.advice)):
                assert sentence[0].isupper() or sentence[0].isdigit()
                assert sentence.endswith(".")
                assert "\n" not in sentence
            assert finding.advice or finding.severity == Severity.FINE
