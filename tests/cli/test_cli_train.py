"""`sketchkit train` as somebody meets it: files, words, exit codes."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path

import pytest
from conftest import Sketchkit
from forks import Fork, run_command, run_torchrun

import sketchkit as library
from sketchkit.training.data import prepare_sketches, synth

#: What `python -m sketchkit` runs.
PROGRAM = Path(library.__file__).parent / "__main__.py"
TINY = ["--hidden=8", "--mixtures=2", "--batch-size=5", "--grid=0", "--threads=1", "--no-tensorboard"]


@pytest.fixture
def faces(home: Path) -> Path:
    prepare_sketches(synth(60, seed=2, classes=["face"]), home / "faces")
    return home / "faces"


def test_a_run_leaves_a_model_that_draws(sketchkit: Sketchkit, faces: Path, home: Path) -> None:
    done = sketchkit("train", faces, "-o", "run", "--steps", 6, "--evaluate-every", 3, *TINY, "--json")
    assert (done.code, done.json["status"], done.json["step"]) == (0, "finished", 6)
    assert done.json["config"]["hidden"] == 8
    assert "the best model is run/best.safetensors" in done.err
    assert "run: at step 3: valid loss" in done.err
    drawn = sketchkit(
        "sample", "--model", "run/best.safetensors", "-n", 2, "--max-points", 5, "-o", "two.svg"
    )
    assert drawn.code == 0 and (home / "two.svg").exists()
    told = sketchkit("doctor", "run")
    assert told.code == 0


def test_a_run_can_be_gone_on_with(sketchkit: Sketchkit, faces: Path) -> None:
    args = ("train", faces, "-o", "run", *TINY)
    assert sketchkit(*args, "--max-time", "0s", "--steps", 5).err.endswith("--resume goes on\n")
    done = sketchkit("train", faces, "-o", "run", "--resume", "--no-tensorboard", "--json")
    assert (done.code, done.json["step"], done.json["config"]["hidden"]) == (0, 5, 8)
    longer = sketchkit("train", faces, "-o", "run", "--resume", "--steps", 7, "--json")
    assert longer.json["step"] == 7
    other = sketchkit("train", faces, "-o", "run", "--resume", "--hidden", 9)
    assert (other.code, other.err) == (
        3,
        "sketchkit: run: a run that goes on cannot change hidden from 8 to 9\n",
    )


def test_a_run_may_begin_with_a_model(sketchkit: Sketchkit, faces: Path) -> None:
    assert sketchkit("train", faces, "-o", "run", "--steps", 3, "--classes", *TINY).code == 0
    begun = ("train", faces, "-o", "more", "--init", "run/last.safetensors", "--steps", 2, "--grid", 0)
    done = sketchkit(*begun, "--no-tensorboard", "--json")
    assert (done.code, done.json["config"]["hidden"], done.json["config"]["classes"]) == (0, 8, True)
    assert done.json["init"]["name"] == "run"
    other = sketchkit(*begun, "--hidden", 9, "--force")
    assert other.code == 3 and "leave out --hidden" in other.err and other.err.count("\n") == 1


def test_a_file_may_say_the_options_and_the_line_has_the_last_word(
    sketchkit: Sketchkit, faces: Path, home: Path
) -> None:
    (home / "my.toml").write_text('hidden = 7\nbatch-size = 4\nprecision = "float32"\nsteps = 2\n')
    few = ("--grid", 0, "--mixtures", 2, "--no-tensorboard", "--json")
    done = sketchkit("train", faces, "-o", "run", "--config", "my.toml", "--steps", 3, *few)
    config = done.json["config"]
    assert (config["hidden"], config["batch_size"], config["steps"]) == (7, 4, 3)
    (home / "bad.toml").write_text("hiden = 7\n")
    bad = sketchkit("train", faces, "-o", "run2", "--config", "bad.toml")
    assert bad.code == 3
    assert bad.err.startswith("sketchkit: bad.toml: the training has no option 'hiden'")


def test_a_flag_that_nobody_gives_says_nothing(sketchkit: Sketchkit, faces: Path, home: Path) -> None:
    """Neither against a file, nor against the run that goes on, nor against the model that it begins with."""
    Path("c.toml").write_text("position = true\nhidden = 8\nmixtures = 2\ngrid = 0\nsteps = 1\n")
    begun = sketchkit("train", faces, "-o", "run", "--config", "c.toml", "--json")
    assert begun.code == 0, begun.err
    assert begun.json["config"]["position"] is True
    assert (home / "run" / "tensorboard").is_dir()
    longer = sketchkit("train", faces, "-o", "run", "--resume", "--steps", 2)
    assert longer.code == 0, longer.err
    like = sketchkit(
        "train", faces, "-o", "like", "--init", "run/last.safetensors", "--steps", 1, "--grid", 0
    )
    assert like.code == 0, like.err


def test_a_preset_trains_as_they_trained(sketchkit: Sketchkit, faces: Path) -> None:
    small = ("--hidden", 8, "--encoder-hidden", 4, "--batch-size", 2, "--steps", 1, "--grid", 0, "--json")
    done = sketchkit("train", faces, "-o", "run", "--preset", "paper", "--backend", "vae", *small)
    config = done.json["config"]
    assert (config["cell"], config["kl_weight"], config["padding"]) == ("hyper-lstm", 1.0, -1)
    wrong = sketchkit("train", faces, "-o", "run2", "--preset", "papers")
    assert wrong.code == 2 and "there is no preset 'papers'" in wrong.err


def test_a_dry_run_tells_what_it_would_take_and_writes_nothing(
    sketchkit: Sketchkit, faces: Path, home: Path
) -> None:
    done = sketchkit("train", faces, "-o", "run", "--steps", 100, "--dry-run", *TINY)
    assert done.code == 0
    lines = done.out.decode().splitlines()
    assert lines[0].startswith("parameters: ") and "GFLOP" in lines[2] and lines[3].startswith("100 steps: ")
    assert not (home / "run").exists()


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (("--backend", "gan"), 4, "no model named 'gan': there are decoder, vae"),
        (("--point-drop", "2"), 2, "option 'point_drop' of the training must be 0..0.9, got 2"),
        (("--max-time", "soon"), 2, "'soon' is no time, such as 90s, 30m, 2h or 1d"),
        (("--resume", "--force"), 2, "--resume"),
        (("--resume",), 3, "run: no such folder"),
        (("--device", "gpu9"), 5, "the device 'gpu9' cannot be used here"),
        (("-o", "nowhere/run"), 3, "nowhere/run: there is no folder"),
        (("-o", "faces"), 3, "faces: exists and is no run, so it is not replaced"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    sketchkit: Sketchkit, faces: Path, more: tuple[str, ...], code: int, words: str
) -> None:
    out = () if "-o" in more else ("-o", "run")
    done = sketchkit("train", faces, *out, *more)
    assert done.code == code, done.err
    assert words in done.err and done.err.count("\n") == 1


def test_the_device_of_the_settings_counts(
    sketchkit: Sketchkit, faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKETCHKIT_DEVICE", "gpu9")
    done = sketchkit("train", faces, "-o", "run", *TINY)
    assert (done.code, "the device 'gpu9' cannot be used here" in done.err) == (5, True)


def test_a_set_without_drawings_to_train_on_is_refused(sketchkit: Sketchkit, home: Path) -> None:
    prepare_sketches(synth(1, seed=1, classes=["face"]), home / "one")
    done = sketchkit("train", "one", "-o", "run", *TINY, "--steps", 1)
    if done.code:  # its only drawing may fall to any split
        assert done.err == "sketchkit: one: the data set has no drawings to train on\n"


def _started(faces: Path, *more: str, largest_file: int | None = None) -> Fork:
    words = ["train", str(faces), "-o", "run", *TINY, *more]
    return Fork(run_command, words, largest_file=largest_file)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are a thing of POSIX")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_saves_and_leaves_in_peace(name: str, faces: Path, home: Path) -> None:
    process = _started(faces, "--steps", "100000", "--log-every", "1")
    log = home / "run" / "train.csv"
    while process.poll() is None and not (log.exists() and log.stat().st_size > 300):
        time.sleep(0.025)
    process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=600)
    assert process.returncode == 128 + getattr(signal, name)
    last = err.splitlines()[-1]
    assert "interrupted after" in last
    assert last.endswith("the last model is run/last.safetensors; --resume goes on")
    assert (
        list((home / "run" / "checkpoints").glob("*.json")) and (home / "run" / "last.safetensors").exists()
    )


def test_a_training_however_short_ends_with_a_model_that_was_measured(
    sketchkit: Sketchkit, faces: Path, home: Path
) -> None:
    words = ("--max-time", "0s", "--steps", 50, "--no-tensorboard")
    done = sketchkit("train", faces, "-o", "run", *TINY, *words, "--grid", 4)
    assert done.code == 0
    assert done.err.endswith("the best model is run/best.safetensors; --resume goes on\n")
    assert (home / "run" / "valid.csv").read_text().splitlines()[1].startswith("1,")
    assert (home / "run" / "samples" / "step-00000001.svg").exists()


def test_one_line_begins_a_run_goes_on_with_it_and_repeats_nothing(
    sketchkit: Sketchkit, faces: Path, home: Path
) -> None:
    line = ("train", faces, "-o", "run", *TINY, "--steps", 3, "--resume", "auto", "--no-tensorboard")
    steps = [sketchkit(*line, "--max-time", "0s", "--json").json["step"] for _ in range(4)]
    assert steps == [1, 2, 3, 3]
    straight = ("train", faces, "-o", "straight", *TINY, "--steps", 3, "--no-tensorboard")
    assert sketchkit(*straight).code == 0
    ours, theirs = ((home / run / "last.safetensors").read_bytes() for run in ("run", "straight"))
    assert ours[-1000:] == theirs[-1000:]
    other = sketchkit(*line, "--hidden", 9)
    assert (other.code, other.err) == (
        3,
        "sketchkit: run: a run that goes on cannot change hidden from 8 to 9\n",
    )
    begun = sketchkit(*line, "--init", "straight/last.safetensors")
    assert begun.code == 3
    assert "holds another run, which began with fresh weights, not with 'straight'" in begun.err
    (home / "full").mkdir()
    (home / "full" / "letter.txt").write_text("keep me")
    strange = sketchkit("train", faces, "-o", "full", *TINY, "--resume", "auto")
    assert strange.code == 3 and "exists and is no run" in strange.err
    assert sketchkit(*line, "--resume=perhaps").code == 2


def test_a_run_that_begins_with_a_model_is_gone_on_with_by_the_same_line(
    sketchkit: Sketchkit, faces: Path, home: Path
) -> None:
    assert sketchkit("train", faces, "-o", "old", *TINY, "--steps", 1, "--no-tensorboard").code == 0
    line = ("train", faces, "-o", "run", "--init", "old/last.safetensors", "--grid", 0, "--resume", "auto")
    words = ("--no-tensorboard", "--max-time", "0s", "--json")
    assert [sketchkit(*line, *words).json["step"] for _ in range(2)] == [1, 2]
    for path in (home / "run" / "checkpoints").iterdir():
        path.unlink()  # as if it had been killed before it wrote the first of them
    assert sketchkit(*line, *words).json["step"] == 1
    assert (
        sketchkit("train", faces, "-o", "old", *TINY, "--steps", 2, "--no-tensorboard", "--force").code == 0
    )
    other = sketchkit(*line, *words)
    assert other.code == 3 and "which began with other weights, not with 'old'" in other.err


def test_of_several_processes_one_speaks(home: Path, faces: Path) -> None:
    command = [str(PROGRAM), "train", str(faces), "-o", "run", *TINY]
    words = ["--standalone", "--nproc-per-node", "2", *command, "--steps", "3", "--json"]
    process = Fork(run_torchrun, words, environment={"OMP_NUM_THREADS": "1"})
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert json.loads(out)["status"] == "finished"
    assert err.count("finished after 3 steps") == 1


def test_a_full_disk_is_said_in_one_line(faces: Path, home: Path) -> None:
    process = _started(faces, "--steps", "4", "--save-every", "2", largest_file=4000)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 3
    assert err.splitlines()[-1].endswith("safetensors: file too large")
    assert not list((home / "run").glob("**/*.safetensors"))
