"""Latent vectors in files."""

from __future__ import annotations

import dataclasses
import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sketchkit.errors import FormatError, InputError
from sketchkit.latent import Latents, check_size, read_latents, write_latents
from sketchkit.latent import files as module

RNG = np.random.default_rng(0)


def _latents(draws: int = 0) -> Latents:
    return Latents(
        RNG.normal(size=(3, 4)).astype(np.float32),
        RNG.random((3, 4)).astype(np.float32),
        RNG.normal(size=(3, draws, 4)).astype(np.float32) if draws else None,
        keys=("a", "", "ü"),
        labels=("cat", "cat", ""),
        about={"model": "x", "seed": 3},
    )


@pytest.mark.parametrize("draws", [0, 2])
def test_what_is_written_is_read(tmp_path: Path, draws: int) -> None:
    given = _latents(draws)
    write_latents(tmp_path / "z.npz", given)
    read = read_latents(tmp_path / "z.npz")
    np.testing.assert_array_equal(read.mu, given.mu)
    np.testing.assert_array_equal(read.sigma, given.sigma)
    assert (read.draws is None) == (draws == 0)
    if given.draws is not None:
        np.testing.assert_array_equal(read.draws, given.draws)
    assert (read.keys, read.labels, read.sources) == (given.keys, given.labels, ("", "", ""))
    assert read.about == given.about


def test_equal_vectors_make_equal_files_that_numpy_opens_without_unpickling(tmp_path: Path) -> None:
    given = _latents(1)
    turned = dataclasses.replace(given, about=dict(reversed(given.about.items())))
    for name, latents in (("a.npz", given), ("b.npz", turned)):
        write_latents(tmp_path / name, latents)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert archive["keys"].tolist() == ["a", "", "ü"]


def test_a_file_is_not_replaced_unasked(tmp_path: Path) -> None:
    write_latents(tmp_path / "z.npz", _latents())
    with pytest.raises(InputError, match="exists already"):
        write_latents(tmp_path / "z.npz", _latents(), overwrite=False)


def _archive(**arrays: object) -> bytes:
    stream = io.BytesIO()
    usual: dict[str, object] = {"mu": np.zeros((2, 3)), "sigma": np.zeros((2, 3)), "about": np.array("{}")}
    np.savez(stream, **{k: v for k, v in (usual | arrays).items() if v is not None})  # type: ignore[arg-type]
    return stream.getvalue()


def _packed() -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, mu=np.zeros((2, 3)), sigma=np.zeros((2, 3)), about=np.array("{}"))
    return stream.getvalue()


def _bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mu.npy", bytes(10_000_000))
    return stream.getvalue()


def _wordy() -> bytes:
    """An archive that makes numpy repeat a long header in its error."""
    return _headed(b"{'" + b"x" * 2_000 + b"'}")


def _headed(header: bytes) -> bytes:
    """An archive whose arrays have this header."""
    array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(48)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("mu", "sigma", "about"):
            archive.writestr(f"{name}.npy", array)
    return stream.getvalue()


def _evil() -> bytes:
    class Evil:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
            return (print, ("unpickled",))

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mu.npy", pickle.dumps(Evil()))
        archive.writestr("sigma.npy", b"")
        archive.writestr("about.npy", b"")
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        _archive(mu=None),
        _archive(about=None),
        _archive(mu=np.array([["a"] * 3] * 2)),
        _archive(mu=np.full((2, 3), np.inf)),
        _archive(mu=np.array([[0.0] * 3, [0.0, np.nan, 0.0]])),
        _archive(mu=np.full((2, 3), 1e300)),
        _archive(mu=np.zeros(3)),
        _archive(mu=np.array(1.0)),
        _archive(mu=np.array(1.0), sigma=np.array(1.0)),
        _packed(),
        _archive(sigma=np.zeros((2, 4))),
        _archive(draws=np.zeros((2, 3))),
        _archive(keys=np.array(["a"])),
        _archive(keys=np.array([1, 2])),
        _archive(mu=np.array([[None] * 3] * 2, object)),
        _archive(about=np.array("[]")),
        _archive(about=np.array("{")),
        _archive(about=np.array(["{}", "{}"])),
        _bomb(),
        _wordy(),
        *map(_headed, (b"[", b"{1: 2, 'a': 3}", b"{[]: 1}", b"(" * 300, b" 1\n  2\n 3", b"\0")),
        _headed(b"{'descr': (), 'fortran_order': False, 'shape': (2, 3)}"),
        _headed(b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, -3)}"),
        _evil(),
        _archive()[:-30],
    ],
)
def test_what_is_no_such_file_is_refused_in_one_line(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "z.npz"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"z\.npz: no file of latent vectors: ") as told:
        read_latents(path)
    assert str(told.value).isprintable() and len(str(told.value)) < 600
    assert capsys.readouterr().out == ""


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_latents(tmp_path / "z.npz", _latents())
    with zipfile.ZipFile(tmp_path / "z.npz") as archive:
        size = sum(member.file_size for member in archive.infolist())
    monkeypatch.setattr(module, "MAX_BYTES", size)
    assert len(read_latents(tmp_path / "z.npz")) == 3
    monkeypatch.setattr(module, "MAX_BYTES", size - 1)
    with pytest.raises(FormatError, match=f"more than {size - 1} bytes"):
        read_latents(tmp_path / "z.npz")


@pytest.mark.parametrize("draws", [0, 2])
def test_vectors_too_large_to_be_read_again_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, draws: int
) -> None:
    size = 4 * 3 * (2 + draws) * 4  # mu, sigma and the draws of 3 drawings, 4 numbers of 4 bytes each
    monkeypatch.setattr(module, "MAX_BYTES", size)
    check_size(3, draws, 4)
    write_latents(tmp_path / "z.npz", _latents(draws))
    monkeypatch.setattr(module, "MAX_BYTES", size - 1)
    of_what = "the vectors of 2 draws of each of 3 drawings" if draws else "the vectors of 3 drawings"
    for write in (
        lambda: check_size(3, draws, 4),
        lambda: write_latents(tmp_path / "y.npz", _latents(draws)),
    ):
        with pytest.raises(InputError, match=f"^{of_what} take"):
            write()
    assert not (tmp_path / "y.npz").exists()


def test_a_file_that_is_not_there_is_an_error_of_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_latents(tmp_path / "none.npz")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_no_mutation_gets_past_with_another_error(tmp_path: Path, data: st.DataObject) -> None:
    header = bytearray(b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n")
    content = data.draw(st.sampled_from([header, bytearray(_archive(keys=np.array(["a", "b"])))]))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "z.npz").write_bytes(_headed(bytes(content)) if content is header else bytes(content))
    try:
        read_latents(tmp_path / "z.npz")
    except FormatError as error:
        assert str(error).isprintable()
