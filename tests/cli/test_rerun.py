"""`sketchkit rerun`: a file is drawn again from its own record, byte for byte."""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path

import pytest
from conftest import Sketchkit

import sketchkit as library
from sketchkit.cli.records import read_record
from sketchkit.errors import FormatError
from sketchkit.models.vae import VaeModel
from sketchkit.training.data import synth

WORKS = [
    "sample -n 3 -o out.svg",
    "sample -n 2 -o out.png --seed 4 -t 0.9 --label",
    "sample -n 2 -o out.gif --deterministic",
    "sample -n 2 -o out.apng --first 7",
    "sample -n 3 --layout files -o {stem}-{index}.svg",
    "complete bird.svg -n 2 -o out.svg --ink same",
    "complete bird.svg -n 2 -o out.pdf --title (a)\\",
    "complete bird.svg two.ndjson#1 -n 2 -o out.png",
    "complete bird.svg -n 2 --layout layers",
    "complete bird.svg -n 2 --layout files",
    "complete two.ndjson#0 -n 4 --top 2 --layout files",
    "complete bird.svg -n 1 --region 0,0,400,300 -o out.svg",
    "infill bird.svg --missing 0:1 -n 2 --particles 8 -o out.svg",
    "infill bird.svg --missing 0:1 -n 2 --particles 8 --layout files",
    "infill bird.svg --number -o out.svg",
    "reconstruct two.ndjson -t 0.1,0.5 -o out.svg",
    "interpolate two.ndjson#0 two.ndjson#1 -n 3 -o out.svg",
    "grid two.ndjson#0 two.ndjson#1 two.ndjson#0 two.ndjson#1 --steps 2x2 -o out.svg",
    "analogy two.ndjson#0 two.ndjson#1 two.ndjson#0 -o out.svg",
    "decode z.npz -o out.svg",
    "atlas many.ndjson --steps 2x2 --worst 0 -o out.svg",
]


@pytest.fixture(autouse=True)
def given(home: Path, bird: Path, bundled: Path, tiny_vae: VaeModel) -> None:
    tiny_vae.save(bundled / "doodle-vae.safetensors")
    library.write(list(synth(2, seed=3)), home / "two.ndjson")
    library.write(list(synth(5, seed=3)), home / "many.ndjson")


@pytest.mark.parametrize("command", WORKS)
def test_a_file_is_drawn_again_byte_for_byte(sketchkit: Sketchkit, home: Path, command: str) -> None:
    if "z.npz" in command:
        sketchkit("encode", "two.ndjson", "-o", "z.npz")
    before = set(home.iterdir())
    done = sketchkit(*command.split())
    assert done.code == 0, done.err
    for path in sorted(set(home.iterdir()) - before):
        again = sketchkit("rerun", path.name, "-o", f"again{path.suffix}", "--force")
        assert again.code == 0, again.err
        assert again.err.splitlines()[-1] == f"wrote again{path.suffix}" and "machine" not in again.err
        assert Path(f"again{path.suffix}").read_bytes() == path.read_bytes()


def test_it_takes_its_settings_from_the_record(sketchkit: Sketchkit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKETCHKIT_TEMPERATURE", "1.5")
    sketchkit("sample", "-n", 2, "-o", "out.svg")
    monkeypatch.setenv("SKETCHKIT_TEMPERATURE", "0.1")
    monkeypatch.setenv("SKETCHKIT_SAMPLER", "greedy")
    content = Path("out.svg").read_bytes()
    Path("out.svg").rename("moved.svg")
    assert "already" in sketchkit("rerun", "moved.svg").err
    assert sketchkit("rerun", "moved.svg", "-f").err == "wrote moved.svg\n"
    assert Path("moved.svg").read_bytes() == content
    assert sketchkit("rerun", "moved.svg", "-o", "-").out == content


def test_what_went_to_stdout_is_drawn_again(sketchkit: Sketchkit) -> None:
    Path("out.png").write_bytes(sketchkit("sample", "-n", 2, "-o", "-", "--format", "png").out)
    assert sketchkit("rerun", "out.png", "-o", "again.png").code == 0
    assert Path("again.png").read_bytes() == Path("out.png").read_bytes()


@pytest.mark.parametrize("title", ["plain", "a\\b (c", "\u00e9"])
def test_the_record_in_a_compressed_part_of_a_pdf_file_is_read(sketchkit: Sketchkit, title: str) -> None:
    sketchkit("sample", "-n", 2, "-o", "out.pdf", "--title", title)
    (subject,) = re.findall(rb"/Subject .*", Path("out.pdf").read_bytes())
    part = zlib.compress(b"<< %s\n>>" % subject)
    content = b"%PDF-1.7\n1 0 obj\n<< /Type /ObjStm >>\nstream\n" + part + b"\nendstream\nendobj\n"
    Path("packed.pdf").write_bytes(content)
    assert read_record("packed.pdf") == read_record("out.pdf")
    assert f"--title={title}" in read_record("packed.pdf").options
    for damaged in (part[: len(part) // 2], b"damaged"):
        Path("packed.pdf").write_bytes(content.replace(part, damaged))
        _refused(sketchkit, "packed.pdf", 3, "packed.pdf: has no record")


def _refused(sketchkit: Sketchkit, name: str, code: int, *words: str) -> None:
    done = sketchkit("rerun", name, "-o", f"again{Path(name).suffix}")
    assert (done.code, done.out) == (code, b""), done.err
    assert not Path(f"again{Path(name).suffix}").exists()
    for word in words:
        assert word in done.err


def test_a_file_without_a_record_is_refused(sketchkit: Sketchkit, bird: Path) -> None:
    _refused(sketchkit, "bird.svg", 3, "bird.svg: has no record")
    _refused(sketchkit, "two.ndjson", 3, "two.ndjson: has no record")
    _refused(sketchkit, "nowhere.svg", 3, "nowhere.svg: no such file")
    for damaged in ("{}", '{"command": "sample"}', "[]", '{"rerun": 3}'):
        bird.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg"><metadata>{{"rerun": {damaged}}}</metadata></svg>'
        )
        with pytest.raises(FormatError, match="damaged"):
            read_record("bird.svg")


def test_changed_weights_inputs_and_kinds_are_refused(
    sketchkit: Sketchkit, own_store: Path, bird: Path
) -> None:
    sketchkit("complete", "bird.svg", "-n", 2, "-o", "out.svg")
    assert sketchkit("rerun", "out.svg", "-o", "again.png").code == 2
    bird.write_text(bird.read_text() + "<!-- changed -->")
    _refused(sketchkit, "out.svg", 3, "bird.svg, which has changed")
    bird.unlink()
    _refused(sketchkit, "out.svg", 3, "bird.svg, which is not there")
    sketchkit("sample", "-n", 2, "-o", "drawn.svg")
    model = library.load_model("tiny", device="cpu")
    model.decoder.output.bias.data += 0.5  # type: ignore[attr-defined]
    model.save(own_store / "tiny.safetensors", overwrite=True)
    _refused(sketchkit, "drawn.svg", 3, "the weights of the model 'tiny' have changed")


def test_an_unknown_option_or_command_is_refused(sketchkit: Sketchkit) -> None:
    sketchkit("sample", "-n", 2, "-o", "out.svg")
    content = Path("out.svg").read_text()
    (record,) = (each for each in re.findall("<metadata>(.*?)</metadata>", content) if "rerun" in each)
    assert json.loads(record.replace("&quot;", '"'))["rerun"]["command"] == "sample"
    Path("option.svg").write_text(content.replace("-n", "--wings=2", 1) if "-n" in record else "")
    _refused(sketchkit, "option.svg", 3, "option.svg: `sketchkit sample` refuses its record", "--wings")
    for name in ("swim", "train"):
        Path("command.svg").write_text(content.replace("sample", name))
        assert sketchkit("rerun", "command.svg", "-o", "x.svg").code == 3
