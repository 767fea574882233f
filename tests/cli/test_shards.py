"""Work in parts: shares of it by several processes in one folder, and `sketchkit merge`."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import pytest
from conftest import Outcome, Sketchkit
from hypothesis import given
from hypothesis import strategies as st

import sketchkit as library
from sketchkit import registry
from sketchkit.cli import complete, encode, encoding, reconstruct, score, vectors
from sketchkit.cli.parts import Parts, Shard, collect_work
from sketchkit.errors import InputError
from sketchkit.generate import streaming
from sketchkit.installed import Installed
from sketchkit.latent import Latents, read_latents
from sketchkit.models.vae import VaeModel
from sketchkit.sketch import Sketch

#: Drawings of a part in these tests, and of the file.
SIZE, N = 4, 18


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_MOST_BLOCK", SIZE)
    for module, name in (
        (encode, "DRAWINGS_OF_PART"),
        (encoding, "DRAWINGS_OF_PART"),
        (score, "_DRAWINGS_OF_PART"),
        (reconstruct, "_DRAWINGS_OF_PART"),
        (complete, "_ENDINGS_OF_PART"),
        (vectors, "_VECTORS_OF_PART"),
    ):
        monkeypatch.setattr(module, name, SIZE)


@pytest.fixture(autouse=True)
def drawings(home: Path, bundled: Path, tiny_vae: VaeModel) -> list[Sketch]:
    """The drawings of a file in the folder of the test; a VAE lies in the place of sketchkit's own."""
    tiny_vae.save(bundled / "doodle-vae.safetensors")
    sketches = library.sample(library.load_model("tiny", device="cpu"), N, 0.8, seed=3)
    library.write(sketches, "drawings.ndjson")
    return sketches


#: Commands without their output, and the suffix of that.
COMMANDS = {
    "sample": (("sample", "-n", N, "--seed", 5), ".ndjson"),
    "complete": (("complete", "drawings.ndjson", "-n", 2), ".ndjson"),
    "score": (("score", "drawings.ndjson"), ".jsonl"),
    "encode": (("encode", "drawings.ndjson", "--draws", 2), ".npz"),
    "reconstruct": (("reconstruct", "drawings.ndjson", "-t", 0.3), ".ndjson"),
}
SCORE = ("score", "drawings.ndjson", "-o", "parts/")


def parts_of(folder: str = "parts") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.suffix != ".json"}


def fill(sketchkit: Sketchkit, *command: object) -> list[Outcome]:
    """Do a work in three shares, the second first."""
    return [sketchkit(*command, "--shard", f"{share}/3", "-o", "parts/") for share in (2, 1, 3)]


# --- shares ---------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(1, 50), st.integers(1, 40))
def test_every_part_is_in_one_share_and_every_drawing_in_one_part(n: int, size: int, count: int) -> None:
    parts = Parts(n, size)
    numbers = [number for index in range(count) for number in Shard(index, count).of(len(parts))]
    assert numbers == list(range(len(parts)))
    assert [drawing for number in numbers for drawing in parts[number]] == list(range(n))


@pytest.mark.parametrize("name", COMMANDS)
def test_shares_are_merged_to_what_one_process_writes(sketchkit: Sketchkit, name: str) -> None:
    command, suffix = COMMANDS[name]
    assert sketchkit(*command, "-o", f"one{suffix}").code == 0
    assert [each.code for each in fill(sketchkit, *command)] == [0, 0, 0]
    assert sketchkit("merge", "parts", "-o", f"merged{suffix}").code == 0
    assert Path(f"merged{suffix}").read_bytes() == Path(f"one{suffix}").read_bytes()


def test_xargs_starts_the_shares(sketchkit: Sketchkit, tmp_path: Path) -> None:
    script = tmp_path / "small.py"
    script.write_text(
        "from sketchkit.cli import score; from sketchkit.cli.main import main; "
        f"score._DRAWINGS_OF_PART = {SIZE}; main()"
    )
    command = f"'{sys.executable}' '{script}' score drawings.ndjson --shard {{}}/3 -o parts/"
    line = f'seq 3 | xargs -P 3 -I{{}} sh -c "{command}"'
    done = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    sketchkit("score", "drawings.ndjson", "-o", "one.jsonl")
    assert sketchkit("merge", "parts", "-o", "merged.jsonl").code == 0
    assert Path("merged.jsonl").read_bytes() == Path("one.jsonl").read_bytes()


def test_vectors_in_parts_are_decoded_as_those_of_one_file(sketchkit: Sketchkit) -> None:
    sketchkit("encode", "drawings.ndjson", "-o", "one.npz")
    sketchkit("encode", "drawings.ndjson", "-o", "z/")
    sketchkit("decode", "one.npz", "-o", "one.ndjson")
    fill(sketchkit, "decode", "z")
    sketchkit("merge", "parts", "-o", "merged.ndjson")
    assert Path("merged.ndjson").read_bytes() == Path("one.ndjson").read_bytes()


def test_grids_of_shares_are_those_of_one_run(sketchkit: Sketchkit) -> None:
    grid = ("grid", "--pairs", "random:5", "--from", "drawings.ndjson", "--steps", "2x2", "--deterministic")
    for folder in ("one", "shared"):
        Path(folder).mkdir()
    sketchkit(*grid, "-o", "one/{stem}.svg")
    told = [sketchkit(*grid, "-o", "shared/{stem}.svg", "--shard", f"{share}/2") for share in (1, 2)]
    assert ["of shard 1/2" in told[0].err, "of shard 2/2" in told[1].err] == [True, True]
    assert parts_of("shared") == parts_of("one") and len(parts_of("one")) == 5


def test_grids_are_handed_over_as_work_of_jobs(sketchkit: Sketchkit) -> None:
    words = "grid --pairs random:5 --from drawings.ndjson --steps 2x2 --deterministic"
    for folder in ("one", "shared"):
        Path(folder).mkdir()
    sketchkit(*words.split(), "-o", "one/{stem}.svg")
    with collect_work() as found:
        sketchkit(*words.split(), "-o", "shared/{stem}.svg")
    ((folder, work),) = found
    assert (folder, len(work), work.name(2), work.pieces) == ("shared", 5, "2", "jobs")
    assert not parts_of("shared")
    with work.open_folder(folder):
        assert list(work.write_parts(folder, [1, 4], lambda done, total: None)) == [1, 4]
        assert work.find_missing(folder, range(5)) == [0, 2, 3]
        list(work.write_parts(folder, range(5), lambda done, total: None))
    assert parts_of("shared") == parts_of("one")


def test_collected_work_goes_into_a_folder_without_a_format(sketchkit: Sketchkit) -> None:
    with collect_work() as found:
        sketchkit("sample", "-n", N, "-o", "parts/")
    ((folder, work),) = found
    assert (folder, len(work), work.name(0)) == ("parts/", 5, "0.ndjson") and not Path("parts").exists()


def test_a_drawing_without_a_line_has_a_line_in_the_scores(sketchkit: Sketchkit) -> None:
    line = {"drawing": [[[0, 9], [0, 9]]]}
    dot = {"drawing": [[[3], [3]]]}
    Path("dots.ndjson").write_text("".join(json.dumps(each) + "\n" for each in (line, dot, line)))
    sketchkit("score", "dots.ndjson", "-o", "scores.jsonl")
    first, second, third = map(json.loads, Path("scores.jsonl").read_text().splitlines())
    assert second["drawing"] == "dots-1" and "without a line" in second["error"]
    assert first["nll"] == pytest.approx(third["nll"]) and "error" not in first


DOT = json.dumps({"drawing": [[[3], [3]]]})


def test_dots_change_no_vector_of_the_drawings_beside_them(sketchkit: Sketchkit) -> None:
    lines = Path("drawings.ndjson").read_text().splitlines()
    Path("dots.ndjson").write_text("\n".join([*lines[:5], *[DOT] * 9, *lines[5:8], DOT]))
    command = ("encode", "dots.ndjson", "--draws", 2)
    assert sketchkit(*command, "-o", "one.npz").code == 0
    fill(sketchkit, *command)
    assert read_latents("parts/2.npz").mu.shape == (0, 6)
    sketchkit("merge", "parts", "-o", "merged.npz")
    assert Path("merged.npz").read_bytes() == Path("one.npz").read_bytes()
    assert sketchkit(*command, "-o", "one.npz", "--force", "--json").json["drawings"] == 8


def test_a_drawing_without_a_line_that_cannot_be_drawn_again_is_named(sketchkit: Sketchkit) -> None:
    lines = Path("drawings.ndjson").read_text().splitlines()
    Path("dots.ndjson").write_text("\n".join([*lines[:5], DOT]))
    refused = sketchkit("reconstruct", "dots.ndjson", "-t", 0.3, "-o", "again.ndjson")
    assert refused.code == 3 and "dots.ndjson#5: a drawing without a line" in refused.err


def test_endings_of_which_only_the_best_are_kept_are_merged(sketchkit: Sketchkit) -> None:
    command = ("complete", "drawings.ndjson", "-n", 2, "--top", 5)  # more than there are
    sketchkit(*command, "-o", "one.ndjson")
    fill(sketchkit, *command)
    assert sketchkit("merge", "parts", "-o", "merged.ndjson").code == 0
    assert Path("merged.ndjson").read_bytes() == Path("one.ndjson").read_bytes()


def test_each_of_the_drawings_that_are_read_in_parts_has_its_own_name(
    sketchkit: Sketchkit, doodle: Path
) -> None:
    told = sketchkit(
        "complete", "drawings.ndjson", "-n", 4, "--limit", 3, "--class", "auto", "-o", "e.ndjson"
    )
    names = [line.partition(":")[0] for line in told.err.splitlines() if "taken for" in line]
    assert names == ["drawings-0", "drawings-1", "drawings-2"]


@pytest.mark.parametrize("name", ["complete", "reconstruct"])
def test_drawings_of_a_pipe_are_read_once(sketchkit: Sketchkit, name: str) -> None:
    command, _ = COMMANDS[name]
    command = tuple("pipe" if word == "drawings.ndjson" else word for word in command)
    os.mkfifo("pipe")
    content = Path("drawings.ndjson").read_bytes()
    writer = threading.Thread(target=lambda: Path("pipe").write_bytes(content))
    # The pipe is opened here first: opening one that nothing writes to is refused.
    handle = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    writer.start()
    try:
        select.select([handle], [], [], 60)
        told = sketchkit(*command, "--input-format", "ndjson", "-o", "out.ndjson")
    finally:
        os.close(handle)
        writer.join()
    assert told.code == 0, told.err
    assert len(Path("out.ndjson").read_bytes().splitlines()) == N * (2 if name == "complete" else 1)


# --- a folder of parts ----------------------------------------------------------------------------------


def test_parts_that_are_there_stay_and_a_missing_one_is_made_again(sketchkit: Sketchkit) -> None:
    sketchkit(*SCORE)
    before = parts_of()
    Path("parts/2.jsonl").unlink()
    Path("parts/3.jsonl").write_bytes(b"kept\n")
    told = sketchkit(*SCORE)
    assert "wrote 1 of 5 parts; 4 were there already" in told.err
    assert parts_of() == {**before, "3.jsonl": b"kept\n"}


def test_a_folder_of_other_work_is_refused_and_replaced_with_force(sketchkit: Sketchkit) -> None:
    sketchkit(*SCORE)
    before = parts_of()
    refused = sketchkit(*SCORE, "--prepared")
    assert refused.code == 3 and "another run" in refused.err
    assert sketchkit(*SCORE, "--prepared", "--force").code == 0
    assert parts_of() != before and set(parts_of()) == set(before)


def test_an_input_that_has_changed_is_other_work(sketchkit: Sketchkit, drawings: list[Sketch]) -> None:
    sketchkit(*SCORE)
    library.write(drawings[::-1], "drawings.ndjson")
    assert sketchkit(*SCORE).code == 3


def test_other_drawings_of_the_same_files_are_other_work(sketchkit: Sketchkit) -> None:
    score = ("score", "-o", "parts/")
    assert sketchkit(*score, "drawings.ndjson#0", "drawings.ndjson#1").code == 0
    for others in (("drawings.ndjson#2", "drawings.ndjson#1"), (Path("drawings.ndjson#0").resolve(),) * 2):
        assert sketchkit(*score, *others).code == 3


def test_paper_that_is_kept_is_other_work(sketchkit: Sketchkit) -> None:
    paper = '<rect width="9" height="9" fill="#fff"/><path d="M1 1L8 8L8 1" fill="none" stroke="#000"/>'
    Path("paper.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{paper}</svg>')
    assert sketchkit("score", "paper.svg", "-o", "parts/").code == 0
    assert sketchkit("score", "paper.svg", "-o", "parts/", "--keep-background").code == 3


def test_a_folder_in_the_place_of_a_part_is_no_part(sketchkit: Sketchkit) -> None:
    sketchkit(*SCORE)
    Path("parts/2.jsonl").unlink()
    Path("parts/2.jsonl").mkdir()
    told = sketchkit(*SCORE)
    assert told.code == 3 and "2.jsonl: this is a folder" in told.err


def test_a_record_that_is_damaged_is_called_so(sketchkit: Sketchkit) -> None:
    sketchkit(*SCORE)
    Path("parts/sketchkit-run.json").write_text("{}")
    for command in (SCORE, (*SCORE, "--force"), ("merge", "parts")):
        told = sketchkit(*command)
        assert told.code == 3 and "sketchkit-run.json: the record is damaged" in told.err


def test_vectors_of_a_folder_are_decoded_when_all_parts_are_there(sketchkit: Sketchkit) -> None:
    sketchkit("encode", "drawings.ndjson", "-o", "z/")
    sketchkit("merge", "z", "-o", "z/all.npz")
    assert sketchkit("decode", "z", "-o", "again.ndjson").code == 0
    assert len(Path("again.ndjson").read_text().splitlines()) == N
    Path("z/2.npz").unlink()
    told = sketchkit("decode", "z", "-o", "again.ndjson", "--force")
    assert told.code == 3 and "1 of 5 parts are missing" in told.err


def test_processes_of_one_work_share_a_folder_and_keep_others_out(sketchkit: Sketchkit) -> None:
    with collect_work() as found:
        sketchkit(*SCORE)
        sketchkit(*SCORE, "--prepared")
    (folder, work), (_, other) = found
    with work.open_folder(folder), work.open_folder(folder):
        list(work.write_parts(folder, [0], lambda done, total: None))
        with pytest.raises(InputError, match="another run"), other.open_folder(folder):
            pass
        assert sketchkit(*SCORE, "--shard", "2/2").code == 0
    assert len(parts_of()) == 4


@pytest.mark.parametrize(
    ("command", "code", "why"),
    [
        ((*SCORE, "--shard", "0/4"), 2, "I from 1 to N"),
        ((*SCORE, "--shard", "5/4"), 2, "I from 1 to N"),
        ((*SCORE, "--shard", "1"), 2, "is not I/N"),
        ((*SCORE, "--shard", "1/4", "--force"), 2, "other shards"),
        (("score", "drawings.ndjson", "-o", "x.jsonl", "--shard", "1/4"), 2, "a folder as output"),
        (("score", "-", "-o", "parts/"), 2, "cannot be read in parts"),
        ((*SCORE, "--json"), 2, "goes without --output"),
        ((*SCORE, "--heatmap", "heat.svg"), 2, "goes without --output"),
        (("sample", "--shard", "1/4", "-o", "parts/", "--format", "png"), 2, "no pictures"),
        (("sample", "--shard", "1/4", "-o", "parts/", "--json"), 2, "no report"),
        (("complete", "drawings.ndjson", "--shard", "1/4", "-o", "x.svg"), 2, "a folder as output"),
        (("complete", "drawings.ndjson", "-o", "parts/"), 2, "a folder needs --format"),
        (("grid", "drawings.ndjson#0", "--shard", "1/2"), 2, "--jobs or --pairs"),
        (("encode", "drawings.ndjson", "--class", "bird", "-o", "parts/"), 2, "one file as output"),
        (("score", "drawings.ndjson", "-o", "scores.jsonl.gz"), 2, "written as .jsonl"),
        (("score", "drawings.ndjson", "-o", "no/parts/"), 3, "there is no folder no"),
        (("score", "drawings.ndjson", "-o", "drawings.ndjson/"), 3, "no folder"),
        (("merge", "nowhere"), 3, "nowhere"),
        (("merge", "."), 3, "the folder holds no parts"),
        (("merge", ".", "../work"), 2, "given twice"),
    ],
)
def test_what_makes_no_parts_is_refused(
    sketchkit: Sketchkit, command: tuple[object, ...], code: int, why: str
) -> None:
    told = sketchkit(*command)
    assert (told.code, why in told.err) == (code, True), told.err
    assert not Path("parts").exists()


# --- merge ----------------------------------------------------------------------------------------------


def test_merge_only_checks_without_an_output(sketchkit: Sketchkit) -> None:
    sketchkit(*SCORE)
    told = sketchkit("merge", "parts")
    assert told.code == 0 and "all 5 parts are there" in told.err


def test_merge_takes_parts_from_several_machines(sketchkit: Sketchkit) -> None:
    sketchkit("score", "drawings.ndjson", "-o", "one.jsonl")
    for share, folder in ((1, "here/"), (2, "there/")):
        sketchkit("score", "drawings.ndjson", "-o", folder, "--shard", f"{share}/2")
    assert sketchkit("merge", "here", "there", "-o", "merged.jsonl").code == 0
    assert Path("merged.jsonl").read_bytes() == Path("one.jsonl").read_bytes()
    shutil.copy("here/0.jsonl", "there")
    told = sketchkit("merge", "here", "there")
    assert told.code == 3 and "there/0.jsonl: is in here as well" in told.err


def test_merge_finds_what_is_missing_cut_off_or_other_work(sketchkit: Sketchkit) -> None:
    sketchkit(*SCORE)
    sketchkit("score", "drawings.ndjson", "--prepared", "-o", "others/")
    assert "holds other work" in sketchkit("merge", "parts", "others").err
    Path("parts/3.jsonl").write_bytes(Path("parts/3.jsonl").read_bytes()[:-1])
    told = sketchkit("merge", "parts", "-o", "all.jsonl")
    assert told.code == 3 and "3.jsonl: has 3 lines, not 4" in told.err
    Path("parts/3.jsonl").unlink()
    told = sketchkit("merge", "parts", "-o", "all.jsonl")
    assert told.code == 3 and "1 of 5 parts are missing: 3.jsonl" in told.err
    assert not Path("all.jsonl").exists()


def test_merge_writes_lines_to_stdout_and_over_no_part(sketchkit: Sketchkit) -> None:
    sketchkit(*SCORE)
    before = parts_of()
    assert sketchkit("merge", "parts", "-o", "-").out == b"".join(before[name] for name in sorted(before))
    told = sketchkit("merge", "parts", "-o", "parts/0.jsonl", "--force")
    assert told.code == 3 and "is one of the parts" in told.err
    assert parts_of() == before


def test_scores_are_named_after_the_first_file(sketchkit: Sketchkit) -> None:
    assert sketchkit("score", "drawings.ndjson", "-o", "{stem}.jsonl").code == 0
    assert len(Path("drawings.jsonl").read_text().splitlines()) == N


# --- parts as files of another format -------------------------------------------------------------------


class Notes:
    """A format that has all that a format may have: how many things there are, and how they were made."""

    suffixes: ClassVar = (".notes",)
    keeps_metadata = True

    def read(self, stream: BinaryIO, name: str, first: int = 0) -> Iterator[Sketch]:
        for number in range(first, self.count(stream, name)):
            yield Sketch.from_polylines([[(0, number)]], key=str(number))

    def count(self, stream: BinaryIO, name: str) -> int:
        return int(json.load(stream)["drawings"]) if stream.tell() == 0 else 0

    def write(self, sketches: Iterable[Sketch], stream: BinaryIO, metadata: dict[str, Any]) -> None:
        self._write(stream, drawings=sum(1 for _ in sketches), by=metadata)

    def write_latents(self, blocks: Iterable[Latents], stream: BinaryIO, metadata: dict[str, Any]) -> None:
        self._write(stream, latents=[len(block) for block in blocks], by=metadata)

    def write_scores(self, blocks: Iterable[list[Any]], stream: BinaryIO, metadata: dict[str, Any]) -> None:
        self._write(stream, scores=[len(block) for block in blocks], by=metadata)

    @staticmethod
    def _write(stream: BinaryIO, **facts: object) -> None:
        stream.write(json.dumps(facts, sort_keys=True).encode())


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`Notes`, as the plugin of a third party."""
    installed = registry._all_installed(True)
    entry = EntryPoint("notes", f"{__name__}:Notes", "sketchkit.formats")
    found = (*installed, Installed("sketchkit-notes", "1.0", (), (entry,)))
    monkeypatch.setattr(registry, "_all_installed", lambda third_party: found)
    registry._plugins.cache_clear()
    yield
    monkeypatch.undo()
    registry._plugins.cache_clear()


@pytest.mark.usefixtures("notes")
@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("sample", {"drawings": N}),
        ("complete", {"drawings": 2 * N}),
        ("score", {"scores": [4, 4, 4, 4, 2]}),
        ("encode", {"latents": [4, 4, 4, 4, 2]}),
        ("reconstruct", {"drawings": N}),
    ],
)
def test_parts_become_a_file_of_another_format_with_their_provenance(
    sketchkit: Sketchkit, name: str, held: dict[str, Any]
) -> None:
    command, suffix = COMMANDS[name]
    fill(sketchkit, *command)
    assert sketchkit("merge", "parts", "-o", "merged.notes").code == 0
    found = json.loads(Path("merged.notes").read_bytes())
    by = found.pop("by")
    assert found == held
    assert by["generator"] == "sketchkit" and by["model"] and by["version"]
    if suffix == ".ndjson":
        sketchkit(*command, "-o", "one.notes")
        assert Path("one.notes").read_bytes() == Path("merged.notes").read_bytes()
        assert sketchkit(*command, "--format", "notes", "-o", "again/").code == 0
        assert sketchkit("merge", "again", "-o", "again.notes").code == 0
        assert Path("again.notes").read_bytes() == Path("merged.notes").read_bytes()


@pytest.mark.usefixtures("notes")
def test_a_format_of_a_plugin_counts_drawings_and_passes_over_the_first() -> None:
    library.write([Sketch([])] * 7, "seven.notes", metadata={"model": "tiny"})
    assert library.formats.count_drawings("seven.notes") == 7
    assert [each.key for each in library.read_all("seven.notes", first=5)] == ["5", "6"]


@pytest.mark.parametrize(
    ("name", "output", "code", "told"),
    [
        ("score", "all.ndjson", 3, "all.ndjson: such files hold no scores"),
        ("encode", "all.ndjson", 3, "all.ndjson: such files hold no latents"),
        ("score", "all.svg", 3, "such files hold no scores"),
        ("sample", "all.svg", 2, "merge draws no pictures"),
        ("sample", "all.jsonl", 2, "nothing writes .jsonl files"),
    ],
)
def test_merge_makes_nothing_that_cannot_hold_the_parts(
    sketchkit: Sketchkit, name: str, output: str, code: int, told: str
) -> None:
    fill(sketchkit, *COMMANDS[name][0])
    done = sketchkit("merge", "parts", "-o", output)
    assert done.code == code and told in done.err and not Path(output).exists()


@pytest.mark.usefixtures("notes")
def test_an_error_for_a_damaged_line_of_scores_names_its_part(sketchkit: Sketchkit) -> None:
    sketchkit(*SCORE)
    part = sorted(Path("parts").glob("*.jsonl"))[2]
    part.write_bytes(b"{" + part.read_bytes())
    done = sketchkit("merge", "parts", "-o", "all.notes")
    assert done.code == 3 and f"{part}: a line is not JSON" in done.err
    assert not Path("all.notes").exists()
