"""Commands that read and write remote files: the same results, exit codes and messages as with local ones."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from conftest import BIRD, Outcome, Sketchkit, without_record
from remote_parts import Bucket, WebServer

from sketchkit.cli.resumable import RunFolder
from sketchkit.models.vae import VaeModel

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def draw(sketchkit: Sketchkit, *args: object) -> Outcome:
    """`sample` with what keeps it quick."""
    return sketchkit("sample", "--temperature", "0.3", *args)


# --- drawings ---------------------------------------------------------------------------------------------


def test_drawings_and_pictures_go_to_a_store_byte_for_byte(
    sketchkit: Sketchkit, bucket: Bucket, home: Path
) -> None:
    for name in ("x.ndjson", "x.png"):
        done = draw(sketchkit, "-n", 2, "-o", f"s3://bucket/out/{name}")
        assert (done.code, done.err) == (0, f"wrote s3://bucket/out/{name}\n")
        assert draw(sketchkit, "-n", 2, "-o", name).code == 0
        assert bucket.get(f"out/{name}") == (home / name).read_bytes()


def test_an_object_that_exists_is_kept_without_force(sketchkit: Sketchkit, bucket: Bucket) -> None:
    bucket.put("x.svg", b"mine")
    done = draw(sketchkit, "-n", 1, "-o", "s3://bucket/x.svg")
    assert (done.code, done.err) == (
        3,
        "sketchkit: s3://bucket/x.svg: the file exists already; --force overwrites it\n",
    )
    assert bucket.get("x.svg") == b"mine"
    assert draw(sketchkit, "-n", 1, "-o", "s3://bucket/x.svg", "--force").code == 0
    assert bucket.get("x.svg").startswith(b"<?xml")


def test_a_remote_drawing_is_finished_as_a_local_one_is(
    sketchkit: Sketchkit, bucket: Bucket, bird: Path, home: Path
) -> None:
    bucket.put("bird.svg", bird.read_bytes())
    assert sketchkit("complete", "s3://bucket/bird.svg", "-n", 2, "-o", "remote.svg").code == 0
    assert sketchkit("complete", "bird.svg", "-n", 2, "-o", "local.svg").code == 0
    remote, local = ((home / name).read_bytes() for name in ("remote.svg", "local.svg"))
    assert without_record(remote) == without_record(local)


def test_what_cannot_be_read_or_written_is_told_before_the_work(sketchkit: Sketchkit, bucket: Bucket) -> None:
    for args, words in (
        (["complete", "s3://bucket/none.svg"], "s3://bucket/none.svg: no such file or bucket"),
        (["complete", "ftp://host/x.svg"], "ftp://host/x.svg: ftp:// is unknown"),
        (["sample", "-o", "s3://nobucket/x.svg"], "s3://nobucket/x.svg: no such bucket"),
        (
            ["sample", "-o", "https://host/x.svg"],
            "cannot be written: s3:// and gs:// can",
        ),
        (["data", "synth", "-n", "3", "-o", "s3://bucket/set"], "a data set is a local folder"),
        (["merge", "https://host/parts"], "https://host/parts/sketchkit-run.json: cannot be listed"),
        (["complete", "https://h/get?id=1", "https://h/get?id=2"], "stands for two URLs"),
        (["train", "s3://bucket/set", "-o", "run"], "s3://bucket/set: no such data set"),
        (["data", "prepare", "x.ndjson", "-o", "s3://bucket/set"], "s3://bucket/set: a local path is needed"),
        (["models", "import", "s3://bucket/x.safetensors"], "a model is stored before it is used"),
    ):
        done = sketchkit(*args)
        assert done.code in (3, 5)
        assert done.err.startswith("sketchkit: ")
        assert words in done.err
        assert done.err.count("\n") == 1


def test_secrets_of_a_url_are_in_nothing_that_is_written_or_said(
    sketchkit: Sketchkit, web: WebServer, home: Path
) -> None:
    web.files["/bird.svg"] = BIRD.encode()
    secret = web.url.replace("//", "//ann:hunter2@") + "/{}?sig=c0ffee"
    done = sketchkit("complete", secret.format("bird.svg"), "-n", 1, "--json", "-o", "x.svg")
    assert (done.code, done.json[0]["input"]) == (0, f"{web.url}/bird.svg")
    missing = sketchkit("complete", secret.format("none.svg"), "-n", 1)
    assert (missing.code, web.asked) == (3, ["/bird.svg?sig=c0ffee", "/none.svg?sig=c0ffee"])
    assert f'"arguments": ["{web.url}/bird.svg"]'.encode() in (home / "x.svg").read_bytes()
    for said in (done.out, done.err.encode(), missing.err.encode(), (home / "x.svg").read_bytes()):
        assert b"hunter2" not in said
        assert b"c0ffee" not in said


def test_a_data_set_is_prepared_from_remote_drawings(
    sketchkit: Sketchkit, bucket: Bucket, home: Path
) -> None:
    assert sketchkit("data", "synth", "-n", 40, "--class", "sun", "-o", "suns.ndjson").code == 0
    bucket.put("suns.ndjson", (home / "suns.ndjson").read_bytes())
    prints = []
    for source in ("suns.ndjson", "s3://bucket/suns.ndjson"):
        done = sketchkit("data", "prepare", source, "-o", f"set-{len(prints)}", "--json")
        prints.append((done.code, done.json["fingerprint"], done.json["sources"], done.json["classes"]))
    assert prints[0] == prints[1]


# --- what files say ---------------------------------------------------------------------------------------


def test_a_record_fetches_nothing(sketchkit: Sketchkit, web: WebServer, home: Path) -> None:
    web.files["/bird.svg"] = BIRD.encode()
    assert sketchkit("complete", f"{web.url}/bird.svg", "-n", 1, "-o", "x.svg").code == 0
    web.asked.clear()
    done = sketchkit("rerun", "x.svg", "-o", "again.svg")
    assert (done.code, web.asked) == (3, [])
    assert f"{web.url}/bird.svg: the record of x.svg names it" in done.err
    assert not (home / "again.svg").exists()


def test_a_picture_in_a_store_is_drawn_again(sketchkit: Sketchkit, bucket: Bucket, home: Path) -> None:
    assert draw(sketchkit, "-n", 1, "-o", "s3://bucket/x.svg").code == 0
    assert sketchkit("rerun", "s3://bucket/x.svg", "-o", "again.svg").code == 0
    assert bucket.get("x.svg") == (home / "again.svg").read_bytes()


def test_a_list_of_jobs_fetches_nothing(sketchkit: Sketchkit, web: WebServer, home: Path) -> None:
    (home / "jobs.jsonl").write_text(json.dumps({"name": "a", "drawings": [f"{web.url}/a.svg", "b.svg"]}))
    done = sketchkit("interpolate", "--jobs", "jobs.jsonl", "-o", "{stem}.svg")
    assert (done.code, web.asked) == (3, [])
    assert "the drawings of a list are local files" in done.err


# --- folders of parts -------------------------------------------------------------------------------------


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of three drawings."""
    monkeypatch.setattr("sketchkit.generate.streaming._MOST_BLOCK", 3)


def test_shares_fill_a_folder_of_a_store_and_merge_to_what_one_process_writes(
    sketchkit: Sketchkit, bucket: Bucket, home: Path, small_parts: None
) -> None:
    folder, count = "s3://bucket/parts/", 8
    assert draw(sketchkit, "-n", count, "-o", "whole.ndjson").code == 0
    assert draw(sketchkit, "-n", count, "--shard", "2/2", "-o", folder).code == 0
    early = sketchkit("merge", folder, "-o", "merged.ndjson")
    assert (early.code, "1 of 3 parts are missing: 0.ndjson" in early.err) == (3, True)
    done = draw(sketchkit, "-n", count, "--shard", "1/2", "-o", folder)
    assert done.err == f"{folder}: wrote 1 of 1 parts of shard 1/2\n"
    assert sketchkit("merge", "s3://bucket/parts", "-o", "s3://bucket/merged.ndjson").code == 0
    assert bucket.get("merged.ndjson") == (home / "whole.ndjson").read_bytes()
    assert bucket.list_keys() == [
        "merged.ndjson",
        *(f"parts/{n}.ndjson" for n in range(3)),
        "parts/sketchkit-run.json",
    ]


def test_a_part_that_is_there_is_skipped_and_other_work_is_refused(
    sketchkit: Sketchkit, bucket: Bucket, small_parts: None
) -> None:
    command = ("-n", 6, "--format", "ndjson", "-o", "s3://bucket/parts/")
    assert draw(sketchkit, *command).code == 0
    bucket.put("parts/0.ndjson", b"as it was")
    bucket.client.delete_object(Bucket="bucket", Key="parts/1.ndjson")
    done = draw(sketchkit, *command)
    assert (done.code, done.err) == (
        0,
        "s3://bucket/parts/: wrote 1 of 2 parts; 1 were there already\n",
    )
    assert bucket.get("parts/0.ndjson") == b"as it was"
    other = draw(sketchkit, *command, "--seed", 1)
    assert (other.code, "holds files of another run" in other.err) == (3, True)
    cut = sketchkit("merge", "s3://bucket/parts")
    assert (cut.code, "s3://bucket/parts/0.ndjson: has 0 lines, not 3" in cut.err) == (3, True)
    assert draw(sketchkit, *command, "--seed", 1, "--force").code == 0
    assert sketchkit("merge", "s3://bucket/parts").err == "all 2 parts are there\n"


@pytest.mark.parametrize(("seed", "code"), [(0, 0), (1, 3)])
def test_of_two_works_that_begin_at_once_the_first_has_the_folder(
    sketchkit: Sketchkit,
    bucket: Bucket,
    small_parts: None,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    code: int,
) -> None:
    command = ("-n", 4, "--format", "ndjson", "-o", "s3://bucket/parts/")
    assert draw(sketchkit, *command).code == 0
    bucket.client.delete_object(Bucket="bucket", Key="parts/0.ndjson")
    bucket.client.delete_object(Bucket="bucket", Key="parts/1.ndjson")
    before, read = bucket.get("parts/sketchkit-run.json"), RunFolder._read_record
    reads = iter([lambda folder: None])  # it looked before the first had written its record
    monkeypatch.setattr(RunFolder, "_read_record", lambda folder: next(reads, read)(folder))
    done = draw(sketchkit, *command, "--seed", seed)
    assert done.code == code
    assert bucket.get("parts/sketchkit-run.json") == before
    assert ("parts/0.ndjson" in bucket.list_keys()) == (code == 0)


def test_scores_of_remote_drawings_are_those_of_local_ones(
    sketchkit: Sketchkit, bucket: Bucket, home: Path
) -> None:
    assert draw(sketchkit, "-n", 3, "-o", "x.ndjson").code == 0
    bucket.put("x.ndjson", (home / "x.ndjson").read_bytes())
    assert sketchkit("score", "s3://bucket/x.ndjson", "-o", "s3://bucket/scores/").code == 0
    assert sketchkit("score", "x.ndjson", "-o", "x.jsonl").code == 0
    remote = bucket.get("scores/0.jsonl").replace(b"s3://bucket/x.ndjson", b"x.ndjson")
    assert remote == (home / "x.jsonl").read_bytes()


def test_vectors_go_to_a_store_and_come_back_as_drawings(
    sketchkit: Sketchkit, bucket: Bucket, home: Path, own_store: Path, tiny_vae: VaeModel
) -> None:
    tiny_vae.save(own_store / "dreamer.safetensors")
    assert draw(sketchkit, "-n", 3, "-o", "s3://bucket/x.ndjson").code == 0
    for folder in ("s3://bucket/vectors/", "vectors/"):
        done = sketchkit("encode", "s3://bucket/x.ndjson", "--model", "dreamer", "-o", folder)
        assert done.code == 0, done.err
    assert bucket.get("vectors/0.npz") == (home / "vectors/0.npz").read_bytes()
    for folder in ("s3://bucket/vectors/", "vectors/"):
        out = folder.rstrip("/") + ".ndjson"
        done = sketchkit("decode", folder, "--model", "dreamer", "--class", "cat", "-o", out)
        assert done.code == 0, done.err
    assert bucket.get("vectors.ndjson") == (home / "vectors.ndjson").read_bytes()


# --- models -----------------------------------------------------------------------------------------------


@pytest.fixture
def weights(own_store: Path) -> bytes:
    return (own_store / "tiny.safetensors").read_bytes()


def test_a_model_is_shared_through_a_store(sketchkit: Sketchkit, bucket: Bucket, own_store: Path) -> None:
    url = "s3://bucket/tiny.safetensors"
    assert sketchkit("models", "export", "tiny", "-o", url).code == 0
    found = hashlib.sha256(bucket.get("tiny.safetensors")).hexdigest()
    asked = sketchkit("models", "pull", url, "--name", "theirs")
    assert (asked.code, found in asked.err, "--sha256" in asked.err) == (3, True, True)
    done = sketchkit("models", "pull", url, "--sha256", found.upper(), "--name", "theirs")
    assert (done.code, done.err) == (0, f"theirs: {own_store / 'theirs.safetensors'}\n")
    about = sketchkit("models", "info", "theirs", "--json").json["card"]
    assert about["name"] == "theirs"
    assert about["provenance"] == {"pulled_from": url, "pulled_sha256": found}
    assert draw(sketchkit, "-n", 1, "--model", "theirs", "-o", "x.svg").code == 0


def test_another_file_than_that_of_the_checksum_is_refused(
    sketchkit: Sketchkit, web: WebServer, own_store: Path, weights: bytes
) -> None:
    web.files["/tiny.safetensors"] = weights[:-1] + b"x"
    wanted = hashlib.sha256(weights).hexdigest()
    done = sketchkit("models", "pull", f"{web.url}/tiny.safetensors", "--sha256", wanted, "--name", "theirs")
    assert (done.code, "is another file" in done.err) == (3, True)
    assert [path.name for path in own_store.iterdir()] == ["tiny.safetensors"]


@pytest.mark.parametrize("content", [b"", b"\x80\x04\x95pickle", b"<html>hello</html>", b"\xff" * 100])
def test_a_file_that_is_no_model_is_refused_whatever_its_checksum(
    sketchkit: Sketchkit, web: WebServer, own_store: Path, content: bytes
) -> None:
    web.files["/x.safetensors"] = content
    found = hashlib.sha256(content).hexdigest()
    done = sketchkit("models", "pull", f"{web.url}/x.safetensors?c0ffee", "--sha256", found)
    assert (done.code, done.err.startswith(f"sketchkit: {web.url}/x.safetensors: ")) == (5, True)
    assert [path.name for path in own_store.iterdir()] == ["tiny.safetensors"]


@pytest.fixture
def hub(web: WebServer, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    """The routes of the Hugging Face Hub, with one model."""
    monkeypatch.setenv("HF_ENDPOINT", web.url)
    facts = {"sha": COMMIT, "siblings": [{"rfilename": "README.md"}, {"rfilename": "model.safetensors"}]}
    web.files = {
        "/api/models/ann/tiny/revision/main": json.dumps(facts).encode(),
        "/api/models/ann/tiny/revision/v1": json.dumps(facts).encode(),
        f"/ann/tiny/resolve/{COMMIT}/model.safetensors": weights,
    }
    return web


@pytest.mark.parametrize("name", ["ann/tiny", "ann/tiny@v1", "ann/tiny@v1/model.safetensors"])
def test_a_model_of_the_hub_is_pulled_at_a_commit(
    sketchkit: Sketchkit, hub: WebServer, weights: bytes, name: str
) -> None:
    done = sketchkit("models", "pull", f"hf://{name}", "--name", "theirs")
    assert done.code == 0, done.err
    assert hub.asked[-1] == f"/ann/tiny/resolve/{COMMIT}/model.safetensors"
    assert sketchkit("models", "info", "theirs", "--json").json["card"]["provenance"] == {
        "pulled_from": f"hf://{name}",
        "pulled_revision": COMMIT,
        "pulled_file": "model.safetensors",
        "pulled_sha256": hashlib.sha256(weights).hexdigest(),
    }


def test_a_pull_refuses_a_taken_name_and_options_of_the_other_kind(
    sketchkit: Sketchkit, hub: WebServer
) -> None:
    taken = sketchkit("models", "pull", "hf://ann/tiny")
    assert (taken.code, "named 'tiny' is stored already: --name" in taken.err) == (3, True)
    hub.asked.clear()
    for args, code, words in (
        (["hf://ann/tiny", "--name", "tiny"], 3, "--force overwrites it"),
        (["hf://ann/tiny", "--kind", "vae"], 2, "goes with a class"),
        (["bird", "--sha256", "0" * 64], 2, "goes with a URL"),
        (["hf://ann/tiny", "--sha256", "abc", "--name", "b"], 3, "64 hexadecimal digits"),
    ):
        done = sketchkit("models", "pull", *args)
        assert (done.code, words in done.err) == (code, True), done.err
    assert hub.asked == []


def test_a_model_is_never_loaded_from_a_url(sketchkit: Sketchkit, hub: WebServer) -> None:
    for args in (
        ["sample", "--model", "hf://ann/tiny"],
        ["models", "info", "hf://ann/tiny/model.safetensors"],
    ):
        done = sketchkit(*args)
        assert (done.code, "`sketchkit models pull`" in done.err) == (5, True), done.err
    assert hub.asked == []
