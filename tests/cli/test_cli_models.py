"""`sketchkit models`: list, info, import, export, pull, remove."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from conftest import Sketchkit

import sketchkit as library
from sketchkit import registry


@pytest.fixture
def magenta(sketchkit: Sketchkit, tmp_path: Path) -> Path:
    """The tiny model as Magenta's file `owl.gen.json`, in a folder of its own."""
    folder = tmp_path / "published"
    folder.mkdir()
    assert sketchkit("models", "export", "tiny", "-o", folder / "owl.gen.json").code == 0
    return folder / "owl.gen.json"


@pytest.fixture
def bucket(magenta: Path) -> Iterator[str]:
    """A server that publishes the folder."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(magenta.parent))  # type: ignore[arg-type]

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_list_is_a_table(sketchkit: Sketchkit) -> None:
    assert sketchkit("models", "list").out.decode().splitlines() == [
        "NAME  BACKEND  DRAWS  LENGTH     FROM",
        "tiny  decoder  bird   20 points  you",
    ]


def test_models_that_come_with_sketchkit_are_listed_beside_the_users_own(
    sketchkit: Sketchkit, own_store: Path, doodle: Path
) -> None:
    rows = [line.split() for line in sketchkit("models", "list").out.decode().splitlines()[1:]]
    assert [(row[0], row[-1]) for row in rows] == [("doodle", "sketchkit"), ("tiny", "you")]
    listed = {each["name"]: each for each in sketchkit("models", "list", "--json").json}
    assert (listed["doodle"]["bundled"], listed["doodle"]["path"]) == (True, str(doodle))
    assert listed["tiny"]["bundled"] is False
    assert sketchkit("models", "info", "doodle", "--json").json["bundled"] is True
    (own_store / "doodle.safetensors").write_bytes((own_store / "tiny.safetensors").read_bytes())
    (mine, _) = sketchkit("models", "list", "--json").json
    assert (mine["name"], mine["bundled"], mine["card"]["name"]) == ("doodle", False, "tiny")


def test_a_model_that_comes_with_sketchkit_stays(sketchkit: Sketchkit, own_store: Path, doodle: Path) -> None:
    refused = sketchkit("models", "remove", "doodle")
    assert refused.code == 5
    assert refused.err == "sketchkit: the model 'doodle' comes with sketchkit: it cannot be removed\n"
    (own_store / "doodle.safetensors").write_bytes((own_store / "tiny.safetensors").read_bytes())
    assert sketchkit("models", "remove", "doodle").code == 0
    assert [each["name"] for each in sketchkit("models", "list", "--json").json] == ["doodle", "tiny"]
    assert doodle.exists()


def test_export_writes_one_class_of_several(sketchkit: Sketchkit, doodle: Path) -> None:
    for flags in (["--class", "cat"], ["--class", "pig"], []):
        name = f"{flags[-1] if flags else 'doodle'}.gen.json"
        assert sketchkit("models", "export", "doodle", "-o", name, *flags).code == 0
        assert library.load_model(name).card.classes == (name.partition(".")[0],)
    contents = {Path(f"{name}.gen.json").read_bytes() for name in ("cat", "pig", "doodle")}
    assert len(contents) == 3
    refused = sketchkit("models", "export", "doodle", "-o", "dog.json", "--class", "pg")
    assert (refused.code, "did you mean 'pig'?" in refused.err) == (3, True)
    assert not Path("dog.json").exists()


def test_export_stores_weights_in_half_precision(sketchkit: Sketchkit, doodle: Path) -> None:
    kinds = ("float32", "float16", "bfloat16")
    for kind in kinds:
        flags = ("-o", f"{kind}.safetensors", "--dtype", kind)
        assert sketchkit("models", "export", "doodle", *flags).code == 0
    whole, half, brain = (library.load_model(f"{kind}.safetensors").state_dict() for kind in kinds)
    for name, tensor in library.load_model("doodle").state_dict().items():
        assert whole[name].equal(tensor)
        assert half[name].equal(tensor.half().float())
        assert brain[name].equal(tensor.bfloat16().float())
    values = sum(tensor.numel() for tensor in whole.values())
    sizes = [Path(f"{kind}.safetensors").stat().st_size for kind in kinds]
    assert sizes[0] - sizes[1] == pytest.approx(2 * values, abs=16)


def test_export_says_what_a_model_is_called_and_how_it_may_be_used(
    sketchkit: Sketchkit, doodle: Path
) -> None:
    flags = ("--name", "scribbler", "--licence", "CC BY 4.0")
    assert sketchkit("models", "export", "doodle", "-o", "mine.safetensors", *flags).code == 0
    card = library.load_model("mine.safetensors").card
    assert (card.name, card.licence) == ("scribbler", "CC BY 4.0")
    assert card.classes == library.load_model("doodle").card.classes


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["-o", "x.json", "--dtype", "float16"], ".json files have no room for it"),
        (["-o", "x.js", "--name", "dog"], ".js files have no room for it"),
        (["-o", "x.json", "--licence", "mine"], ".json files have no room for it"),
        (["-o", "x.safetensors", "--class", "cat"], "a .safetensors file keeps all classes"),
        (["-o", "x.safetensors", "--dtype", "int8"], "'int8' is not one of"),
    ],
)
def test_export_refuses_what_a_file_has_no_place_for(
    sketchkit: Sketchkit, doodle: Path, flags: list[str], complaint: str
) -> None:
    refused = sketchkit("models", "export", "doodle", *flags)
    assert (refused.code, complaint in refused.err) == (2, True)


def test_weights_too_large_for_half_precision_are_refused(sketchkit: Sketchkit, doodle: Path) -> None:
    model = library.load_model("doodle")
    model.decoder.output.bias[0] = 7e4
    model.save("large.safetensors")
    refused = sketchkit("models", "export", "large.safetensors", "-o", "x.safetensors", "--dtype", "float16")
    assert refused.code == 3
    assert refused.err == (
        "sketchkit: the weight 'decoder.output.bias' reaches 70000, which is too large for float16\n"
    )
    assert not Path("x.safetensors").exists()


def test_list_is_json_on_request(sketchkit: Sketchkit) -> None:
    (only,) = sketchkit("models", "list", "--json").json
    assert only["name"] == "tiny"
    assert only["architecture"].items() >= {"cell": "lstm", "hidden": 16, "mixtures": 3}.items()
    assert only["card"]["classes"] == ["bird"]


def test_list_shows_a_damaged_file_and_goes_on(sketchkit: Sketchkit, own_store: Path) -> None:
    (own_store / "bad.safetensors").write_bytes(b"nothing")
    listed = sketchkit("models", "list")
    assert listed.code == 0
    assert [line.split()[:2] for line in listed.out.decode().splitlines()[1:]] == [
        ["bad", "damaged"],
        ["tiny", "decoder"],
    ]
    assert "problem" in sketchkit("models", "list", "--json").json[0]


def test_an_empty_store_says_how_to_fill_it(
    sketchkit: Sketchkit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SKETCHKIT_DATA_DIR", str(tmp_path / "nowhere"))
    listed = sketchkit("models", "list")
    assert (listed.code, listed.out) == (0, b"")
    assert "sketchkit models pull" in listed.err
    assert sketchkit("models", "list", "--json").json == []
    drawn = sketchkit("sample")
    assert (drawn.code, "none is stored yet" in drawn.err) == (5, True)


def test_a_model_of_many_classes_takes_one_line(sketchkit: Sketchkit, own_store: Path) -> None:
    classes = tuple(f"class-{i}" for i in range(345))
    model = library.load_model("tiny").with_card(classes=classes)
    model.save(own_store / "many.safetensors")
    assert "class-0, class-1, class-2 and 342 more" in sketchkit("models", "list").out.decode()


def test_info_names_everything(sketchkit: Sketchkit) -> None:
    lines = sketchkit("models", "info", "tiny").out.decode().splitlines()
    assert {"name: tiny", "architecture.hidden: 16", "card.classes: bird", "card.max_length: 20"} <= {*lines}
    assert sketchkit("models", "info", "tiny", "--json").json["card"]["max_length"] == 20


def test_info_reads_a_file_as_well(sketchkit: Sketchkit, store: Path) -> None:
    path = store / "models" / "tiny.safetensors"
    assert sketchkit("models", "info", path, "--json").json["path"] == str(path)


def test_an_exported_model_can_be_imported(sketchkit: Sketchkit, own_store: Path, magenta: Path) -> None:
    assert sketchkit("models", "import", magenta, "--name", "copy", "--start", "paper").code == 0
    assert sketchkit("models", "info", "copy", "--json").json["card"]["start"] == [0, 0, 1, 0, 0]
    assert sketchkit("sample", "--model", "copy", "-n", 1).code == 0


@pytest.mark.parametrize("suffix", [".json", ".js", ".safetensors"])
def test_export_writes_each_kind_once(sketchkit: Sketchkit, suffix: str) -> None:
    out = f"out{suffix}"
    assert sketchkit("models", "export", "tiny", "-o", out).code == 0
    first = Path(out).read_bytes()
    refused = sketchkit("models", "export", "tiny", "-o", out)
    assert refused.code == 3
    assert refused.err == f"sketchkit: {out}: the file exists already; --force overwrites it\n"
    assert sketchkit("models", "export", "tiny", "-o", out, "--force").code == 0
    assert Path(out).read_bytes() == first


def test_export_knows_no_other_kind(sketchkit: Sketchkit) -> None:
    refused = sketchkit("models", "export", "tiny", "-o", "out.pt")
    assert refused.code == 2
    assert "a model is exported as one of .js, .json, .safetensors" in refused.err
    refused = sketchkit("models", "export", "tiny", "--format", "pt", "-o", "out.pt")
    assert (refused.code, "there are js, json, safetensors" in refused.err) == (2, True)


def test_a_format_may_be_named_in_place_of_a_suffix(sketchkit: Sketchkit, own_store: Path) -> None:
    assert sketchkit("models", "export", "tiny", "--format", "safetensors", "-o", "plain").code == 0
    assert sketchkit("models", "export", "tiny", "-o", "suffixed.safetensors").code == 0
    assert Path("plain").read_bytes() == Path("suffixed.safetensors").read_bytes()


@pytest.mark.parametrize("flags", [("--format", "web", "-o", "drawing"), ("-o", "drawing.html")])
def test_export_names_the_package_that_brings_a_format(
    sketchkit: Sketchkit, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...]
) -> None:
    monkeypatch.setenv("SKETCHKIT_PLUGINS", "no")
    refused = sketchkit("models", "export", "tiny", *flags)
    assert refused.code == 2 and refused.err.count("\n") == 1
    assert "come with the package sketchkit-canvas: pip install sketchkit-canvas" in refused.err


class Shouting:
    """An exporter that another package might bring."""

    suffixes = (".shout",)
    keeps_card = True

    def export(self, model: library.SketchModel) -> bytes:
        if model.card.name == "rude":
            raise KeyError("manners")
        return model.card.name.upper().encode()


def test_a_plugin_exports_and_is_named_when_it_fails(
    sketchkit: Sketchkit, own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = EntryPoint("shout", f"{__name__}:Shouting", registry.GROUPS["exporter"])
    plugin, plugins = registry.Plugin("exporter", "shout", "odd-plugin", entry), registry._plugins
    monkeypatch.setattr(
        registry,
        "_plugins",
        lambda kind, allowed: plugins(kind, allowed) + ((plugin,) if kind == "exporter" else ()),
    )
    assert sketchkit("models", "export", "tiny", "-o", "tiny.shout", "--name", "loud").code == 0
    assert Path("tiny.shout").read_bytes() == b"LOUD"
    refused = sketchkit("models", "export", "tiny", "-o", "x.shout", "--dtype", "float16")
    assert (refused.code, ".shout files have no room for it" in refused.err) == (2, True)
    failed = sketchkit("models", "export", "tiny", "-o", "x.shout", "--name", "rude")
    assert (failed.code, failed.err) == (
        4,
        "sketchkit: the exporter odd-plugin:shout failed: KeyError: 'manners'\n",
    )


def test_import_overwrites_no_model_unasked(sketchkit: Sketchkit, own_store: Path, magenta: Path) -> None:
    before = (own_store / "tiny.safetensors").read_bytes()
    refused = sketchkit("models", "import", magenta, "--name", "tiny")
    assert refused.code == 3
    assert "a model named 'tiny' is stored already; --force overwrites it" in refused.err
    assert (own_store / "tiny.safetensors").read_bytes() == before
    assert sketchkit("models", "import", magenta, "--name", "tiny", "--force").code == 0


def test_a_name_that_the_file_itself_brings_may_be_taken_or_none(
    sketchkit: Sketchkit, own_store: Path, magenta: Path
) -> None:
    assert sketchkit("models", "import", magenta, "--name", "owl").code == 0
    refused = sketchkit("models", "import", own_store / "tiny.safetensors")
    assert refused.code == 3
    assert "tiny.safetensors: a model named 'tiny' is stored already; --force overwrites" in refused.err
    assert "--name stores this one under another name" in refused.err
    odd = magenta.with_name("odd.safetensors")
    library.load_model("tiny").with_card(name="no@name").save(odd)
    refused = sketchkit("models", "import", odd)
    assert refused.code == 3
    assert refused.err.startswith(f"sketchkit: {odd}: 'no@name' cannot be the name of a model")
    assert "--name gives it another" in refused.err


@pytest.mark.parametrize("name", ["owl.json", "owl.JS", "owl.safetensors", "OWL.SAFETENSORS"])
def test_whatever_export_writes_info_reads(sketchkit: Sketchkit, name: str) -> None:
    assert sketchkit("models", "export", "tiny", "-o", name).code == 0
    told = sketchkit("models", "info", name, "--json").json
    assert (told["path"], told["bytes"]) == (name, Path(name).stat().st_size)
    assert told["backend"] == "decoder"
    assert told["architecture"]["hidden"] == 16


def test_remove_removes(sketchkit: Sketchkit, own_store: Path) -> None:
    assert sketchkit("models", "remove", "tiny").code == 0
    assert list(own_store.iterdir()) == []
    again = sketchkit("models", "remove", "tiny")
    assert (again.code, again.err.count("\n")) == (5, 1)


def test_pull_brings_a_published_model(sketchkit: Sketchkit, own_store: Path, bucket: str) -> None:
    pulled = sketchkit("models", "pull", "owl", "--base-url", bucket)
    assert (pulled.code, pulled.out) == (0, b"")
    assert pulled.err == f"owl: {own_store / 'owl.safetensors'}\n"
    assert sketchkit("sample", "-m", "owl", "-n", 1, "-o", "out.svg").code == 0


def test_pull_names_what_it_did_not_find(sketchkit: Sketchkit, own_store: Path, bucket: str) -> None:
    failed = sketchkit("models", "pull", "cat", "--kind", "vae", "--base-url", bucket)
    assert failed.code == 5
    assert failed.err == f"sketchkit: {bucket}/cat.vae.json: the server answers 404\n"


def test_pull_asks_before_it_downloads(sketchkit: Sketchkit, own_store: Path) -> None:
    refused = sketchkit("models", "pull", "tiny", "--base-url", "http://127.0.0.1:1")
    assert (refused.code, "is stored already" in refused.err) == (3, True)


def test_pull_without_a_network_is_one_line(sketchkit: Sketchkit, own_store: Path) -> None:
    failed = sketchkit("models", "pull", "owl", "--base-url", "http://127.0.0.1:1")
    assert (failed.code, failed.err.count("\n")) == (5, 1)
    assert "cannot be downloaded" in failed.err
