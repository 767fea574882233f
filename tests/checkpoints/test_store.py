"""The store of models, and the one way to a model whatever it is called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from checkpoint_parts import CARD, decoder, same_weights, vae

import sketchkit
from sketchkit.card import PAPER_START, ZERO_START
from sketchkit.checkpoints import store
from sketchkit.checkpoints.load import import_model, load_model
from sketchkit.checkpoints.magenta import dump_magenta
from sketchkit.errors import CheckpointError, DeviceError, InputError

BAD_NAMES = [
    "", ".", "..", "../tiny", "a/b", "/etc/passwd", "a\\b", "a\0b", " a", "a ", "-a", "_a", ".hidden",
    "a.b", "émile", "a\n", "a" * 101, "C:x", "~root", "a;b", "%2e%2e",
]  # fmt: skip


@pytest.fixture
def tiny_file(tmp_path: Path) -> Path:
    path = tmp_path / "made.safetensors"
    decoder(seed=1).save(path)
    return path


# --- names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bird", "flying pig", "a", "7up", "cat-vae", "the_mona_lisa", "x" * 100])
def test_a_name_is_a_file_in_the_folder(name: str, models_folder: Path) -> None:
    assert store.path_of(name) == models_folder / f"{name}.safetensors"


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_could_lead_elsewhere_is_refused(name: str, tiny_file: Path, models_folder: Path) -> None:
    with pytest.raises(InputError, match="cannot be the name of a model"):
        store.path_of(name)
    with pytest.raises(CheckpointError, match="no model named"):
        store.find(name)
    with pytest.raises(CheckpointError, match="no model named"):
        store.remove(name)
    if name:
        with pytest.raises(InputError, match="cannot be the name of a model"):
            import_model(tiny_file, name)
    assert not models_folder.exists()


@pytest.mark.parametrize("setting", [None, ""])
def test_without_a_setting_the_store_is_in_the_users_data_folder(
    setting: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if setting is None:
        monkeypatch.delenv(store.DATA_DIR_VARIABLE)
    else:
        monkeypatch.setenv(store.DATA_DIR_VARIABLE, setting)
    # Only the path is formed; nothing is read or written there.
    assert store.folder().name == "models"
    assert store.folder().parent.name == "sketchkit"


# --- the store ----------------------------------------------------------------------------------------


def test_a_store_that_does_not_exist_is_empty_and_stays_away(models_folder: Path) -> None:
    assert store.names() == []
    assert store.stored_models() == []
    with pytest.raises(CheckpointError, match="none is stored yet"):
        load_model("bird")
    assert not models_folder.parent.exists()


def test_an_imported_model_is_listed_found_loaded_and_removed(tiny_file: Path, models_folder: Path) -> None:
    assert import_model(tiny_file, "flying pig") == ("flying pig", models_folder / "flying pig.safetensors")
    assert store.names() == ["flying pig"]
    (stored,) = store.stored_models()
    assert stored.problem is None
    assert stored.header is not None
    assert stored.header.card.name == "flying pig"
    loaded = load_model("flying pig", device="cpu")
    assert same_weights(loaded, decoder(seed=1))
    assert store.remove("flying pig") == models_folder / "flying pig.safetensors"
    assert store.names() == []
    assert list(models_folder.iterdir()) == []


def test_a_model_is_stored_under_its_own_name_unless_told_otherwise(tiny_file: Path) -> None:
    assert import_model(tiny_file)[0] == "tiny"
    assert store.names() == ["tiny"]


def test_a_taken_name_stays_unless_it_may_go(tiny_file: Path, tmp_path: Path) -> None:
    import_model(tiny_file, "cat")
    other = tmp_path / "other.safetensors"
    decoder(seed=2).save(other)
    with pytest.raises(InputError, match="exists already"):
        import_model(other, "cat")
    assert same_weights(load_model("cat", device="cpu"), decoder(seed=1))
    import_model(other, "cat", overwrite=True)
    assert same_weights(load_model("cat", device="cpu"), decoder(seed=2))


def test_other_files_in_the_folder_are_no_models(tiny_file: Path, models_folder: Path) -> None:
    import_model(tiny_file, "cat")
    for name in ("notes.txt", ".safetensors", ".cat.safetensors", "a.b.safetensors", "é.safetensors", "dog"):
        (models_folder / name).write_bytes(b"")
    assert store.names() == ["cat"]


def test_a_damaged_file_is_listed_with_its_problem(tiny_file: Path, models_folder: Path) -> None:
    import_model(tiny_file, "cat")
    whole = tiny_file.read_bytes()
    (models_folder / "bad.safetensors").write_bytes(whole[:-4])
    (models_folder / "empty.safetensors").write_bytes(b"")
    (models_folder / "folder.safetensors").mkdir()
    listed = {model.name: model for model in store.stored_models()}
    assert sorted(listed) == ["bad", "cat", "empty", "folder"]
    assert listed["cat"].problem is None
    for name in ("bad", "empty", "folder"):
        assert listed[name].header is None
        assert str(listed[name].problem).startswith(f"{models_folder / name}.safetensors: ")
        with pytest.raises(CheckpointError, match=f"{name}.safetensors"):
            load_model(name, device="cpu")
    store.remove("bad")
    with pytest.raises(CheckpointError, match=r"folder\.safetensors"):
        store.remove("folder")
    assert store.names() == ["cat", "empty", "folder"]


def test_an_unknown_name_brings_the_nearest_that_is_stored(tiny_file: Path) -> None:
    import_model(tiny_file, "sheep")
    import_model(tiny_file, "bird")
    with pytest.raises(CheckpointError, match="no model named 'brid': did you mean 'bird'"):
        load_model("brid")
    with pytest.raises(CheckpointError, match="no model named 'xyz': there are bird, sheep"):
        store.remove("xyz")


@pytest.mark.skipif(os.name != "posix", reason="a file in the place of a folder is refused differently")
def test_a_store_that_cannot_be_made_is_named(
    tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(store.DATA_DIR_VARIABLE, str(tiny_file))
    for attempt in (store.names, store.stored_models, lambda: import_model(tiny_file, "cat")):
        with pytest.raises(CheckpointError) as refused:
            attempt()
        assert str(refused.value).startswith(f"{tiny_file}/models: ")


# --- models that come with sketchkit --------------------------------------------------------------------


@pytest.fixture
def bundled(tmp_path: Path) -> Path:
    """A model `doodle` where sketchkit's own lie."""
    folder = tmp_path / "bundled"
    folder.mkdir()
    decoder(seed=5).save(folder / "doodle.safetensors")
    return folder


def test_a_model_that_comes_with_sketchkit_is_found_by_its_name(
    bundled: Path, tiny_file: Path, models_folder: Path
) -> None:
    assert store.names() == ["doodle"]
    assert store.find("doodle") == bundled / "doodle.safetensors"
    assert same_weights(load_model("doodle", device="cpu"), decoder(seed=5))
    assert not models_folder.exists()
    import_model(tiny_file, "cat")
    assert [(each.name, each.bundled) for each in store.stored_models()] == [("cat", False), ("doodle", True)]


def test_a_users_own_model_hides_one_of_sketchkits(bundled: Path, tiny_file: Path) -> None:
    import_model(tiny_file, "doodle")
    assert same_weights(load_model("doodle", device="cpu"), decoder(seed=1))
    (stored,) = store.stored_models()
    assert (stored.bundled, store.is_bundled("doodle")) == (False, False)
    store.remove("doodle")
    assert store.is_bundled("doodle")
    assert same_weights(load_model("doodle", device="cpu"), decoder(seed=5))


def test_a_model_that_comes_with_sketchkit_cannot_be_removed(bundled: Path) -> None:
    with pytest.raises(CheckpointError, match="'doodle' comes with sketchkit: it cannot be removed"):
        store.remove("doodle")
    assert store.names() == ["doodle"]


def test_the_nearest_name_may_be_one_of_sketchkits(bundled: Path) -> None:
    with pytest.raises(CheckpointError, match="no model named 'dodle': did you mean 'doodle'"):
        load_model("dodle")


def test_what_comes_with_sketchkit_lies_in_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert store.bundled_folder() == Path(sketchkit.__file__).parent / "bundled"


def test_what_comes_with_sketchkit_is_small_and_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    files = sorted(store.bundled_folder().glob("*.safetensors"))
    assert {file.stem for file in files} == {"doodle", "doodle-1", "doodle-more", "doodle-vae"}
    for file in files:
        assert file.stat().st_size <= 8_000_000
        card = load_model(file, device="cpu").card
        assert card.name == file.stem
        assert "Trained on the Quick, Draw! dataset, made available by Google under CC BY 4.0" in card.licence


# --- one way to a model -------------------------------------------------------------------------------


def test_a_file_is_loaded_by_its_path_whatever_the_case_of_its_suffix(tmp_path: Path) -> None:
    for name, content in (
        ("a.safetensors", None),
        ("A.SAFETENSORS", None),
        ("b.gen.json", dump_magenta(decoder())),
        ("B.JSON", dump_magenta(decoder())),
        ("c.vae.js", dump_magenta(vae(), wrapper=True)),
    ):
        path = tmp_path / name
        if content is None:
            decoder().save(tmp_path / "plain.safetensors")
            (tmp_path / "plain.safetensors").rename(path)
        else:
            path.write_bytes(content)
        assert load_model(path, device="cpu").architecture == load_model(str(path), device="cpu").architecture


def test_a_bare_name_means_the_store_and_a_path_means_a_file(
    tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    import_model(tiny_file, "cat")
    decoder(seed=8).save(tmp_path / "cat.safetensors")
    (tmp_path / "dog").write_bytes(b"")
    assert same_weights(load_model("cat", device="cpu"), decoder(seed=1))
    assert same_weights(load_model("cat.safetensors", device="cpu"), decoder(seed=8))
    assert same_weights(load_model(Path("cat.safetensors"), device="cpu"), decoder(seed=8))
    with pytest.raises(CheckpointError, match="no model named 'dog'"):
        load_model("dog")
    for no_model in (Path("cat"), "./cat", "models/cat", "dir/cat.txt"):
        with pytest.raises(CheckpointError, match="ends in one of"):
            load_model(no_model)


@pytest.mark.parametrize(
    "name", ["nowhere.json", "a/b/c.safetensors", "x" * 300 + ".json", "a\0b.js", "line\nbreak.json"]
)
def test_a_file_that_is_not_there_is_named_in_one_line(name: str) -> None:
    with pytest.raises(CheckpointError, match="no such file") as refused:
        load_model(name)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("suffix", [".safetensors", ".json", ".js"])
def test_a_folder_is_no_model(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"folder{suffix}"
    path.mkdir()
    with pytest.raises(CheckpointError, match="this is a folder, not a file") as refused:
        load_model(path)
    assert str(refused.value).startswith(f"{path}: ")


def test_the_number_type_is_the_callers_choice(tiny_file: Path, tmp_path: Path) -> None:
    magenta = tmp_path / "made.json"
    magenta.write_bytes(dump_magenta(decoder()))
    for path in (tiny_file, magenta):
        for dtype in (torch.float32, torch.float64, torch.bfloat16, torch.float16):
            assert load_model(path, device="cpu", dtype=dtype).dtype == dtype
        with pytest.raises(DeviceError, match="number type"):
            load_model(path, device="cpu", dtype="int8")
        with pytest.raises(DeviceError, match="cannot be used here"):
            load_model(path, device="nonsense")


# --- import -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".gen.json", ".gen.js"])
def test_a_magenta_file_is_imported_with_its_name_and_start(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"anything{suffix}"
    path.write_bytes(dump_magenta(decoder(), wrapper=suffix.endswith("js")))
    name, stored = import_model(path)
    assert name == "tiny"
    assert load_model(name, device="cpu").card.start == PAPER_START  # as it was exported
    import_model(path, start=ZERO_START, overwrite=True)
    assert load_model(name, device="cpu").card.start == ZERO_START
    import_model(path, overwrite=True)
    assert dump_magenta(load_model(stored, device="cpu")) == dump_magenta(load_model(path, device="cpu"))


def test_an_import_keeps_the_rest_of_the_card(tiny_file: Path) -> None:
    import_model(tiny_file, "cat", start=(0.5, 0, 1, 0, 0))
    card = load_model("cat", device="cpu").card
    assert (card.name, card.start) == ("cat", (0.5, 0, 1, 0, 0))
    assert (card.classes, card.provenance, card.licence) == (CARD.classes, CARD.provenance, CARD.licence)


@pytest.mark.parametrize("start", [(0, 0, 1), (0, 0, 1, 0, float("nan")), "00100", (0, 0, "1", 0, 0)])
def test_a_start_that_is_none_is_refused_and_nothing_is_stored(
    start: tuple[float, ...], tiny_file: Path
) -> None:
    with pytest.raises(InputError, match="start token"):
        import_model(tiny_file, "cat", start=start)
    assert store.names() == []


def test_a_file_that_cannot_be_read_is_not_imported(tmp_path: Path, models_folder: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(b"[]")
    with pytest.raises(CheckpointError, match="not a Magenta model"):
        import_model(path)
    with pytest.raises(CheckpointError, match="ends in one of"):
        import_model("tiny")
    assert not models_folder.exists()


def test_a_name_that_cannot_be_a_file_has_to_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    odd = decoder()
    odd.with_card(name="../../odd").save(path)
    with pytest.raises(InputError, match="cannot be the name of a model"):
        import_model(path)
    assert import_model(path, "even")[0] == "even"
