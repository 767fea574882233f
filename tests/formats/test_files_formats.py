from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import ClassVar

import pytest

from sketchkit import registry
from sketchkit.errors import FormatError, InputError, PluginError
from sketchkit.formats import format_for, read, read_all, write
from sketchkit.sketch import Sketch

CAT = Sketch.from_polylines([[[1, 2], [3, 4]]], ended=True, label="cat", key="1")
DOG = Sketch.from_polylines([[[5, 6], [7, 8]], [[0, 0]]], ended=True, label="dog", key="2")


class Standard:
    """Standard input and output as the interpreter has them: text around bytes."""

    def __init__(self, content: bytes = b"") -> None:
        self.buffer = io.BytesIO(content)


@pytest.mark.parametrize("suffix", [".ndjson", ".NDJSON", ".bin", ".npz"])
def test_what_is_written_is_read(tmp_path, suffix):
    path = tmp_path / f"drawing{suffix}"
    write(CAT, path)
    assert read(str(path)).n_strokes == 1
    write(iter([CAT, DOG]), path)
    assert [s.n_strokes for s in read_all(path)] == [1, 2]


def test_one_drawing_means_one(tmp_path):
    path = tmp_path / "drawings.ndjson"
    write([], path)
    with pytest.raises(FormatError, match=r"drawings.ndjson: holds no drawing$"):
        read(path)
    write([CAT, DOG], path)
    with pytest.raises(FormatError, match=r"several drawings; read_all reads them, and .*#0 means the first"):
        read(path)


@pytest.mark.parametrize("suffix", [".ndjson", ".bin", ".npz"])
def test_one_of_many_drawings_is_read_by_its_number(tmp_path, suffix):
    path = tmp_path / f"drawings{suffix}"
    write([CAT, DOG], path)
    assert [read(f"{path}#{k}").n_strokes for k in (0, 1)] == [1, 2]
    assert read(Path(f"{path}#1")) == list(read_all(path))[1]
    with pytest.raises(FormatError) as refused:
        read(f"{path}#2")
    assert str(refused.value) == f"{path}: holds no drawing 2, only 0 to 1"


def test_no_more_of_a_long_file_is_read_than_one_of_its_drawings_takes(tmp_path):
    path = tmp_path / "drawings.ndjson"
    write([CAT, DOG], path)
    with path.open("ab") as stream:
        stream.write(b"{ broken")
    assert read(f"{path}#1") == DOG
    with pytest.raises(FormatError, match="line 3: not JSON"):
        read(f"{path}#2")


@pytest.mark.parametrize("number", ["-1", "", "x", "1.5", "+1", "\u0663", "9" * 5000])
def test_what_is_no_number_of_a_drawing_is_told(tmp_path, number):
    path = tmp_path / "drawings.ndjson"
    write([CAT, DOG], path)
    with pytest.raises(
        InputError, match=r"drawings are numbered from 0: .*drawings.ndjson#0 is the first"
    ) as refused:
        read(f"{path}#{number}")
    assert "\n" not in str(refused.value)


def test_a_file_that_is_called_like_one_of_many_goes_first(tmp_path):
    write([CAT, DOG], tmp_path / "drawings.ndjson")
    write(DOG, tmp_path / "drawings.ndjson#0", format="ndjson")
    assert read(tmp_path / "drawings.ndjson#0", format="ndjson") == DOG
    write(CAT, tmp_path / "c#1.npz")
    assert read(tmp_path / "c#1.npz").n_strokes == 1
    with pytest.raises(InputError, match=r"none.ndjson: no such file$"):
        read(tmp_path / "none.ndjson#1")


def test_one_of_many_comes_on_standard_input(monkeypatch):
    stream = io.BytesIO()
    write([CAT, DOG], stream, format="ndjson")
    monkeypatch.setattr(sys, "stdin", Standard(stream.getvalue()))
    assert read("-#1", format="ndjson") == DOG


def test_reading_is_lazy_and_closes_its_file(tmp_path):
    path = tmp_path / "drawings.ndjson"
    write([CAT, DOG], path)
    drawings = read_all(path)
    assert next(drawings) == CAT
    drawings.close()
    assert list(drawings) == []
    late = read_all(tmp_path / "missing.ndjson")
    with pytest.raises(InputError, match="no such file"):
        next(late)


def test_a_format_can_be_named(tmp_path):
    path = tmp_path / "drawing.txt"
    write(CAT, path, format="ndjson")
    assert read(path, format="ndjson") == CAT


def test_standard_input_and_output(monkeypatch):
    out = Standard()
    monkeypatch.setattr(sys, "stdout", out)
    write([CAT, DOG], "-", format="ndjson")
    monkeypatch.setattr(sys, "stdin", Standard(out.buffer.getvalue()))
    assert list(read_all("-", format="ndjson")) == [CAT, DOG]
    monkeypatch.setattr(sys, "stdin", Standard(b"{"))
    with pytest.raises(FormatError, match=r"^standard input: line 1: not JSON"):
        read("-", format="ndjson")


def test_streams(tmp_path):
    stream = io.BytesIO()
    write(CAT, stream, format="ndjson")
    assert read(io.BytesIO(stream.getvalue()), format="ndjson") == CAT
    assert not stream.closed
    path = tmp_path / "broken.txt"
    path.write_bytes(b"{")
    with path.open("rb") as file, pytest.raises(FormatError, match=r"broken\.txt: line 1"):
        read(file, format="ndjson")
    with pytest.raises(FormatError, match=r"^the stream: line 1"):
        read(io.BytesIO(b"{"), format="ndjson")


@pytest.mark.parametrize("place", ["-", io.BytesIO()])
def test_without_a_suffix_the_format_must_be_named(place):
    with pytest.raises(InputError, match="needs format"):
        read(place)
    with pytest.raises(InputError, match="needs format"):
        write(CAT, place)


def test_an_unknown_suffix_lists_those_there_are(tmp_path):
    for name in ("cat.gif", "cat", "c a\nt.gif"):
        (tmp_path / name).touch()
        with pytest.raises(FormatError) as refused:
            read(tmp_path / name)
        message = str(refused.value)
        assert message.isprintable()
        assert all(suffix in message for suffix in (".bin", ".ndjson", ".npz", ".svg"))


def test_compressed_svg_is_told_how_to_be_unpacked(tmp_path):
    for name in ("cat.svgz", "cat.SVGZ"):
        with pytest.raises(FormatError, match="unpack it with gunzip first"):
            read(tmp_path / name)


def test_an_unknown_suffix_is_refused_for_a_missing_file_too(tmp_path):
    with pytest.raises(FormatError, match=r"none.gif: the suffix '.gif' is unknown"):
        read(tmp_path / "none.gif")


def test_what_is_no_file_is_not_asked_for_its_format(tmp_path):
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats.v2").mkdir()
    for name, words in (("dog", "no such file"), ("cats", "a folder"), ("cats.v2", "a folder")):
        with pytest.raises(InputError, match=f"{name}: .*{words}") as refused:
            read(tmp_path / name)
        assert "format" not in str(refused.value).removeprefix(str(tmp_path))
    write(CAT, tmp_path / "dog", format="svg")
    with pytest.raises(FormatError, match="needs format"):
        write(CAT, tmp_path / "bird")


def test_unknown_options_and_formats_are_named(tmp_path):
    with pytest.raises(InputError, match="no option 'colour': it has split"):
        read(tmp_path / "x.npz", colour="red")
    with pytest.raises(InputError, match="decimals"):
        write(CAT, tmp_path / "x.ndjson", decimals=99)
    with pytest.raises(PluginError, match="no format named 'gif'"):
        read(tmp_path / "x.npz", format="gif")
    assert list(tmp_path.iterdir()) == []


def test_options_reach_the_format(tmp_path):
    path = tmp_path / "x.npz"
    write([CAT, DOG], path, split="test")
    assert [s.key for s in read_all(path, split="test")] == ["test/0", "test/1"]


@pytest.mark.parametrize(
    ("name", "reason"), [("none.npz", "no such file"), ("folder.npz", "this is a folder")]
)
def test_files_that_cannot_be_opened_are_told_in_one_line(tmp_path, name, reason):
    (tmp_path / "folder.npz").mkdir()
    path = tmp_path / name
    with pytest.raises(InputError) as refused:
        read(path)
    assert str(refused.value) == f"{path}: {reason}"


def test_a_null_character_in_a_name_is_refused():
    for action in (lambda: read("a\0b.npz"), lambda: write(CAT, "a\0b.npz")):
        with pytest.raises(InputError) as refused:
            action()
        assert str(refused.value).isprintable()


# --- writing that fails -----------------------------------------------------------------------------------


def test_a_drawing_that_does_not_fit_names_the_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "x.bin"
    with pytest.raises(FormatError, match=r"x.bin: drawing 1: without fit, a .bin file holds only whole"):
        write([CAT, CAT.transformed(0.3)], path, fit=False)
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_fails_names_itself_only(tmp_path):
    source = tmp_path / "source.ndjson"
    source.write_bytes(b"{")
    with pytest.raises(FormatError) as refused:
        write(read_all(source), tmp_path / "out.npz")
    assert str(refused.value).startswith(f"{source}: line 1")
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, GeneratorExit])
def test_an_interruption_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "x.ndjson"
    write(CAT, path)
    before = path.read_bytes()

    def interrupted() -> Iterator[Sketch]:
        yield from itertools.repeat(DOG, 10_000)
        raise error

    with pytest.raises(error):
        write(interrupted(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_only_drawings_are_written(tmp_path):
    with pytest.raises(InputError, match="only drawings can be written, got 'cat'"):
        write(["cat"], tmp_path / "x.ndjson")


def test_overwriting_can_be_forbidden(tmp_path):
    path = tmp_path / "x.ndjson"
    write(CAT, path, overwrite=False)
    with pytest.raises(InputError, match="exists already"):
        write(DOG, path, overwrite=False)
    assert read(path) == CAT


# --- formats of others -----------------------------------------------------------------------------------


class Stranger:
    """A format as a plugin brings it."""

    suffixes: ClassVar[tuple[str, ...]] = (".odd", ".npz")

    def read(self, stream, name):
        yield CAT

    def write(self, sketches, stream):
        stream.write(b"odd")


class Unfinished:
    """A plugin that forgot to read."""

    suffixes: ClassVar[tuple[str, ...]] = (".half",)


@pytest.fixture
def strangers(monkeypatch):
    """Adds entry points of other distributions: name, distribution, value."""

    def add(*found: tuple[str, str, str]) -> None:
        own = registry._plugins("format", True)
        plugins = tuple(
            registry.Plugin("format", name, publisher, EntryPoint(name, value, "sketchkit.formats"))
            for name, publisher, value in found
        )
        monkeypatch.setattr(registry, "_plugins", lambda kind, allowed: own + plugins)

    return add


def test_a_stranger_reads_its_suffix_and_takes_none_of_ours(strangers, tmp_path):
    strangers(("odd", "odd-plugin", f"{__name__}:Stranger"))
    (tmp_path / "x.odd").write_bytes(b"")
    assert read(tmp_path / "x.odd") == CAT
    assert format_for(".npz") == "npz"


def test_a_broken_stranger_does_not_hide_another(strangers):
    strangers(("bad", "bad-plugin", "no_such_module:X"), ("odd", "odd-plugin", f"{__name__}:Stranger"))
    assert format_for(".odd") == "odd"
    with pytest.raises(FormatError, match=r"'\.gif' is unknown.*bad-plugin:bad cannot be loaded"):
        format_for(".gif")


def test_two_strangers_for_one_suffix_are_an_error(strangers):
    value = f"{__name__}:Stranger"
    strangers(("odd", "one", value), ("odd", "two", value))
    with pytest.raises(PluginError, match="one:odd, two:odd"):
        format_for(".odd")


class Failing(Stranger):
    """A plugin with a bug in every room."""

    def read(self, stream, name):
        yield CAT
        raise KeyError("nothing")

    def write(self, sketches, stream):
        list(sketches)
        raise ZeroDivisionError("of\nall")


class Wordy(Stranger):
    """A plugin that reads what is no drawing."""

    def read(self, stream, name):
        yield "a cat"


def test_a_stranger_that_fails_is_named_with_its_distribution(strangers, tmp_path):
    strangers(("odd", "odd-plugin", f"{__name__}:Failing"), ("wordy", "w-plugin", f"{__name__}:Wordy"))
    (tmp_path / "x.odd").write_bytes(b"")
    with pytest.raises(PluginError, match=r"^the format odd-plugin:odd failed: KeyError: 'nothing'$"):
        list(read_all(tmp_path / "x.odd", format="odd"))
    with pytest.raises(PluginError, match=r"^the format odd-plugin:odd failed: ZeroDivisionError: of$"):
        write(CAT, tmp_path / "y.odd", format="odd")
    with pytest.raises(PluginError, match="w-plugin:wordy read a str, not a Sketch"):
        list(read_all(tmp_path / "x.odd", format="wordy"))


class Closing(Stranger):
    """A plugin that tidies up too much: what wraps a stream closes it when it goes."""

    def write(self, sketches, stream):
        with io.TextIOWrapper(stream, "utf-8") as text:
            text.writelines(f"{sketch.n_strokes}\n" for sketch in sketches)


def test_a_stranger_that_closes_its_stream_is_named_and_leaves_no_file(strangers, tmp_path):
    strangers(("odd", "odd-plugin", f"{__name__}:Closing"))
    told = "the format odd-plugin:odd closes the stream that it is given: leave that to sketchkit"
    for place in (tmp_path / "y.odd", io.BytesIO()):
        with pytest.raises(PluginError) as refused:
            write([CAT, DOG], place, format="odd")
        assert str(refused.value) == told
    assert list(tmp_path.iterdir()) == []


def test_a_stranger_that_closes_stdout_costs_one_line(tmp_path):
    place = tmp_path / "odd_plugin-1.0.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-plugin\nVersion: 1.0\n")
    (place / "entry_points.txt").write_text("[sketchkit.formats]\nodd = odd_plugin:Odd\n")
    (tmp_path / "odd_plugin.py").write_text(
        "import io\nclass Odd:\n"
        "    suffixes = ('.odd',)\n"
        "    def read(self, stream, name):\n        yield from ()\n"
        "    def write(self, sketches, stream):\n"
        "        io.TextIOWrapper(stream).writelines(str(s.n_strokes) for s in sketches)\n"
    )
    command = [sys.executable, "-m", "sketchkit", "sample", "-n", "1", "-o", "-", "--format", "odd"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert run.returncode == 4
    assert run.stderr == (
        "sketchkit: the format odd-plugin:odd closes the stream that it is given: leave that to sketchkit\n"
    )


def test_drawings_that_fail_on_their_way_are_not_the_strangers_fault(strangers, tmp_path):
    strangers(("odd", "odd-plugin", f"{__name__}:Failing"))

    def failing():
        yield CAT
        raise RuntimeError("elsewhere")

    with pytest.raises(RuntimeError, match="elsewhere"):
        write(failing(), tmp_path / "y.odd", format="odd")
    with pytest.raises(InputError, match="no such file"):
        list(read_all(tmp_path / "none.odd", format="odd"))


def test_a_stranger_that_is_no_format_is_told(strangers, tmp_path):
    strangers(("half", "half-plugin", f"{__name__}:Unfinished"))
    with pytest.raises(PluginError, match="'half' has no read"):
        read(tmp_path / "x.half")


def test_reading_a_common_suffix_imports_no_other_format(tmp_path: Path):
    code = (
        "import sys\nfrom sketchkit.formats import format_for\nformat_for('.ndjson')\n"
        "print([name for name in ('svg', 'npz') if f'sketchkit.formats.{name}' in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert run.stdout.strip() == b"[]"
