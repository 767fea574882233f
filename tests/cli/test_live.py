"""What is shown of a run that goes on: a picture at a terminal, else lines, nothing where nobody looks."""

from __future__ import annotations

import io
import math
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketchkit.cli.progress_display import LiveDisplay, _picture
from sketchkit.cli.progress_stats import Course, clock_time, figure, sparkline
from sketchkit.training.records import EvaluationRecord, StepRecord, Watcher


def step(n: int, loss: float = 1.0, *, kl: float | None = None, skipped: int = 0) -> StepRecord:
    """A step of 500 points each tenth of a second."""
    terms = {"offset": loss - 0.25, "pen": 0.25, **({} if kl is None else {"kl": kl})}
    weights = {} if kl is None else {"kl": 0.125}
    return StepRecord(n, loss, terms, weights, 1e-3, 0.5, 500 * n, 0.1 * n, skipped)


def evaluation(n: int, loss: float, *, best: bool = True) -> EvaluationRecord:
    terms = {"offset": loss - 0.25, "pen": 0.25}
    return EvaluationRecord(n, loss, terms, 2 * loss, 100, best, 0.1 * n)


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(course: Course, name: str = "cats", *, ascii_only: bool = False) -> list[str]:
    """The picture as lines of a terminal of 80 columns."""
    from rich.console import Console

    console = Console(
        file=io.StringIO(), width=80, force_terminal=True, color_system=None, legacy_windows=False
    )
    with console.capture() as captured:
        console.print(_picture(name, course, ascii_only=ascii_only))
    return captured.get().splitlines()


def test_the_picture_holds_everything_in_aligned_columns() -> None:
    course = Course(1000, 50.0)
    for n in range(1, 302):
        course.step(step(n, 1 + 1 / n, kl=0.375, skipped=n // 100))
    course.evaluation(evaluation(200, 0.75))
    course.evaluation(evaluation(300, 0.875, best=False))
    lines = shown(course)
    assert re.fullmatch(
        r"cats +step 301 of 1,000  ━{14}─{10}  60 %", lines[0]
    )  # by time, which ends it sooner
    assert re.fullmatch(r"loss +1\.0\d+ +█[▁▂▃▄▅▆▇█]*", lines[1])
    cells = dict(re.findall(r"(\S+(?: \S+)*) +(\S+)", "   ".join(lines[2:5])))
    assert cells["L_p"] == "0.2500"
    assert cells["L_KL"] == "0.3750"
    assert cells["KL weight"] == "0.1250"
    assert (cells["rate"], cells["gradient"]) == ("0.001", "0.5000")
    assert (cells["points/s"], cells["elapsed"], cells["left"]) == ("5,000", "0:00:30", "0:00:20")
    assert lines[5].split() == ["valid", "0.8750", "NLL", "1.7500", "at", "step", "300"]
    assert lines[6].split() == ["best", "0.7500", "NLL", "1.5000", "at", "step", "200"]
    assert lines[7] == "3 steps skipped: a loss or a gradient was not finite"
    ends = {tuple(m.end() for m in re.finditer(r"\S+(?=   |$)", line))[1::2] for line in lines[2:5]}
    assert len(ends) == 1


def test_a_model_without_a_latent_vector_shows_none() -> None:
    course = Course(10)
    course.step(step(1))
    text = "\n".join(shown(course))
    assert "KL" not in text
    assert "none yet" in text
    assert "skipped" not in text


numbers = st.floats() | st.just(math.nan)


@given(
    st.lists(st.tuples(numbers, numbers, st.integers(1, 2**62), st.integers(0, 2**62)), max_size=60),
    st.none() | st.floats(0, 1e12),
    st.text(max_size=60),
    st.booleans(),
)
def test_whatever_comes_the_picture_fits_80_columns(
    given_steps: list[tuple[float, float, int, int]], most: float | None, name: str, ascii_only: bool
) -> None:
    from sketchkit.cli.console import plain

    course = Course(10**12, most)
    for loss, seconds, n, points in given_steps:
        terms = dict.fromkeys(("offset", "pen", "kl", "a_term_with_a_long_name"), loss)
        course.step(StepRecord(n, loss, terms, terms, loss, loss, points, seconds, points))
        course.evaluation(EvaluationRecord(n, loss, terms, None, 10, False, seconds))
    # Letters of two columns and none are the terminal's business; names are usually made of others.
    narrow = "".join(
        c for c in plain(name) if unicodedata.east_asian_width(c) in "NaNaHA" and not unicodedata.combining(c)
    )
    lines = shown(course, narrow, ascii_only=ascii_only)
    assert all(len(line) <= 80 for line in lines)
    if ascii_only and narrow.isascii():
        assert all(line.isascii() for line in lines)
    assert "\n" not in course.line()


@pytest.mark.parametrize("losses", [(1.7e308, 1.7e308), (math.inf, -math.inf), (math.nan, 1.0)])
def test_a_run_that_diverges_is_shown_all_the_same(losses: tuple[float, float]) -> None:
    course = Course(10)
    for n, loss in enumerate(losses, start=1):
        course.step(StepRecord(n, loss, {"offset": loss, "kl": loss}, {"kl": loss}, loss, loss, n, n, 0))
    assert not math.isfinite(course.recent("loss"))
    assert all(len(line) <= 80 for line in shown(course, "run"))


def test_the_curve_shows_the_whole_run_in_a_few_columns() -> None:
    course = Course(10**6)
    for n in range(1, 20_001):
        course.step(step(n, float(n)))
        assert len(course.curve) <= 44
    curve = list(course.curve)
    assert curve == sorted(curve)
    width = curve[1] - curve[0]
    assert curve[0] == pytest.approx((width + 1) / 2)
    assert curve[-1] > 20_000 - width


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"),
        ([5, 5], "▁▁"),
        ([1, math.nan, 2, math.inf], "▁ █ "),
        ([math.nan], " "),
        ([1.7e308, 0, -1.7e308], "█▅▁"),
        ([1.7e308, 0], "█▁"),
        ([], ""),
    ],
)
def test_sparklines(values: list[float], bars: str) -> None:
    assert sparkline(values) == bars
    assert sparkline(values, fine=False).isascii()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0:00:00"),
        (59.9, "0:00:59"),
        (3661, "1:01:01"),
        (90_000, "1d 1:00:00"),
        (math.nan, "?"),
        (-1, "?"),
    ],
)
def test_times(seconds: float, words: str) -> None:
    assert clock_time(seconds) == words


def test_figures_keep_to_eleven_letters() -> None:
    for value in (0.0, -0.5, 999.99999, 1e3, -1.2345e300, math.inf, math.nan, 5e-324):
        assert len(figure(value)) <= 11


def test_the_time_left_is_that_of_the_nearer_end() -> None:
    by_steps, by_time, ended = Course(2000), Course(2000, 8.0), Course(20)
    for course in (by_steps, by_time, ended):
        assert course.left() == course.max_seconds
        for n in range(1000, 1051):  # a run that goes on
            course.step(step(n))
    assert by_steps.left() == pytest.approx(95.0)
    assert by_time.left() == pytest.approx(3.0)
    assert by_time.share == pytest.approx(5 / 8)
    assert ended.left() == 0.0


def test_the_speed_is_that_of_the_last_ten_seconds() -> None:
    course = Course(10**6)
    points, seconds = 0, 0.0
    for n in range(1, 401):
        points, seconds = points + (100 if n <= 200 else 300), seconds + 0.1
        course.step(StepRecord(n, 1.0, {"offset": 0.75, "pen": 0.25}, {}, 1e-3, 0.5, points, seconds, 0))
    assert course.speed() == pytest.approx(3000)
    assert course.recent("loss") == 1.0


def test_without_a_terminal_a_line_comes_at_most_every_30_seconds() -> None:
    stream, clock = io.StringIO(), Clock()
    display: Watcher = LiveDisplay(1000, name="cats", stream=stream, clock=clock)
    for n in range(1, 601):
        clock.now = n * 0.1
        display.step(step(n, kl=0.5, skipped=2))
    lines = stream.getvalue().splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "cats: step 1 of 1",  # 1,000 in full
        "cats: step 301 of 1",
    ]
    assert lines[1] == (
        "cats: step 301 of 1,000 (30 %), loss 1.0000 (L_s 0.7500, L_p 0.2500, L_KL 0.5000 x 0.1250), "
        "5,000 points/s, 0:00:30 elapsed, 0:01:09 left, 2 skipped"
    )
    display.close()
    assert stream.getvalue().splitlines()[2].startswith("cats: step 600 of 1,000 (60 %)")
    display.close()
    assert len(stream.getvalue().splitlines()) == 3


def test_without_a_terminal_evaluations_and_notes_come_at_once() -> None:
    stream = io.StringIO()
    display = LiveDisplay(1000, name="cats\x1b[31m", stream=stream, clock=Clock())
    display.evaluation(evaluation(5, 0.5))
    display.evaluation(evaluation(6, 0.75, best=False))
    display.note("a word\nand \x1b[2J another")
    display.close()
    bad = "\N{REPLACEMENT CHARACTER}"
    assert stream.getvalue().splitlines() == [
        f"cats{bad}[31m: at step 5: valid loss 0.5000, NLL 1.0000, the best so far",
        f"cats{bad}[31m: at step 6: valid loss 0.7500, NLL 1.5000",
        f"cats{bad}[31m: a word{bad}and {bad}[2J another",
    ]


def test_a_run_does_not_end_because_nobody_reads() -> None:
    class Gone(io.StringIO):
        writes = 0

        def write(self, text: str) -> int:
            self.writes += 1
            raise BrokenPipeError

    stream = Gone()
    display = LiveDisplay(10, stream=stream, clock=Clock())
    display.note("one")
    display.note("two")
    display.step(step(1))
    display.close()
    assert stream.writes == 1
    closed = io.StringIO()
    display = LiveDisplay(10, stream=closed, clock=Clock())
    closed.close()
    display.note("nobody reads this")
    display.close()


def test_a_program_without_stderr_shows_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    display = LiveDisplay(10)
    display.note("said")
    display.close()
    assert "said" in capfd.readouterr().err  # where there is one it is seen
    monkeypatch.setattr(sys, "stderr", None)
    display = LiveDisplay(10)
    display.step(step(1))
    display.note("unheard")
    display.evaluation(evaluation(1, 0.5))
    display.close()
    assert capfd.readouterr() == ("", "")


PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
from test_live import evaluation, step
from sketchkit.cli.progress_display import LiveDisplay
now = [0.0]
display = LiveDisplay(100, name="cats", clock=lambda: now[0])
for n in range(1, 51):
    now[0] = n * 0.1
    display.step(step(n, 1 / n, kl=0.5))
display.note("a [bold]word[/bold] :smile:")
display.evaluation(evaluation(50, 0.5))
display.close()
print("modules", "torch" in sys.modules)
"""


def at_a_terminal(env: dict[str, str]) -> tuple[str, str]:
    """What the program above writes on stdout, and on stderr, which is a terminal."""
    pty = pytest.importorskip("pty", reason="terminals that a program can open are a thing of POSIX")
    screen, other = pty.openpty()
    program = PROGRAM.format(folder=str(Path(__file__).parent))
    done = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=other,
        env={**os.environ, "COLUMNS": "80", "LINES": "24", **env},
    )
    os.close(other)
    written = b""
    while True:
        try:
            piece = os.read(screen, 65536)
        except OSError:  # Linux says so when the other end has closed
            break
        if not piece:
            break
        written += piece
    os.close(screen)
    out, _ = done.communicate(timeout=600)
    assert done.returncode == 0, written
    return out.decode(), written.decode()


def test_at_a_terminal_the_picture_is_drawn_in_its_place_and_stays_at_the_end() -> None:
    out, written = at_a_terminal({"TERM": "xterm"})
    assert out == "modules False\n"
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h") == 1  # the cursor comes back
    assert "cats: a [bold]word[/bold] :smile:" in written
    assert "\x1b[1A" in written  # up again, to draw over what was there
    # 50 steps in five seconds: four pictures a second at most, and some for the note, evaluation and end.
    assert 10 <= written.count("of 100") <= 25
    last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written.rpartition("cats  ")[2])
    assert "step 50 of 100" in last
    assert "0.5000" in last
    assert last.endswith("\n")


def test_a_dumb_terminal_gets_lines() -> None:
    _, written = at_a_terminal({"TERM": "dumb"})
    assert "\x1b" not in written
    assert [line.split(",")[0] for line in written.splitlines()] == [
        "cats: step 1 of 100 (1 %)",
        "cats: a [bold]word[/bold] :smile:",
        "cats: at step 50: valid loss 0.5000",
        "cats: step 50 of 100 (50 %)",
    ]
