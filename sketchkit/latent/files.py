"""Latent vectors in files: a numpy archive of plain arrays, opened without unpickling.

The arrays are `mu` and `sigma` [n, Z], optionally `draws` [n, D, Z], the strings `keys`, `labels` and
`sources` [n], empty where unknown, and `about`, JSON in a string: the model and how the file was made.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import IO, Any, BinaryIO, TypeVar

import numpy as np
import numpy.typing as npt

from sketchkit.errors import FormatError, InputError
from sketchkit.files import atomic_write, display_path, open_file, reason

__all__ = [
    "Latents",
    "check_size",
    "count_latents",
    "join_latents",
    "merge_latents",
    "read_latents",
    "write_latents",
]

T = TypeVar("T")

#: Of all arrays, unpacked: twice the size of mu, sigma and a draw of a million vectors of 128 numbers.
MAX_BYTES = 4 << 30
_STRINGS = ("keys", "labels", "sources")


@dataclass(frozen=True)
class Latents:
    """The latent vectors of drawings.

    Args:
        mu: [n, Z], the means of their posteriors.
        sigma: [n, Z], the standard deviations.
        draws: [n, D, Z], vectors drawn from the posteriors, if there are any.
        keys: n identifiers of the drawings, empty where unknown.
        labels: n class names, likewise.
        sources: n names of their files, likewise.
        about: the model (its name and the checksum of its weights), and how the file was made.
    """

    mu: npt.NDArray[np.float32]
    sigma: npt.NDArray[np.float32]
    draws: npt.NDArray[np.float32] | None = None
    keys: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.mu)
        for name in _STRINGS:
            if not getattr(self, name):
                object.__setattr__(self, name, ("",) * n)
            if len(getattr(self, name)) != n:
                raise InputError(f"{n} latent vectors need as many {name}, got {len(getattr(self, name))}")
        if self.mu.ndim != 2 or self.sigma.shape != self.mu.shape:
            shapes = f"{list(self.mu.shape)} and {list(self.sigma.shape)}"
            raise InputError(f"mu and sigma must have one shape [n, Z], got {shapes}")
        if self.draws is not None and (self.draws.ndim != 3 or self.draws.shape[::2] != self.mu.shape):
            raise InputError(
                f"draws must have the shape [{n}, D, {self.mu.shape[1]}], got {list(self.draws.shape)}"
            )

    def __len__(self) -> int:
        """The number of drawings, n."""
        return len(self.mu)


def check_size(n: int, draws: int, size: int) -> None:
    """Refuse vectors that are too large for a file, before they are computed.

    Args:
        n: the number of drawings.
        draws: vectors per drawing that are drawn from its posterior.
        size: the length of a vector, Z.

    Raises:
        InputError: more than `read_latents` reads.
    """
    needed = 4 * n * (draws + 2) * size
    if needed > MAX_BYTES:
        of_what = f"{draws} draws of each of {n} drawings" if draws else f"{n} drawings"
        raise InputError(
            f"the vectors of {of_what} take {needed / 1e9:.1f} GB, and a file of them holds at most "
            f"{MAX_BYTES / 1e9:.1f} GB"
        )


def join_latents(parts: Sequence[Latents]) -> Latents:
    """The latent vectors of several parts, one after the other, which were made in one way.

    Args:
        parts: one or more.
    """
    first = parts[0]
    mu, sigma = (np.concatenate([getattr(each, name) for each in parts]) for name in ("mu", "sigma"))
    draws = None if first.draws is None else np.concatenate([each.draws for each in parts])
    strings = {name: tuple(chain.from_iterable(getattr(each, name) for each in parts)) for name in _STRINGS}
    return Latents(mu, sigma, draws, **strings, about=first.about)


def write_latents(
    path: str | os.PathLike[str] | BinaryIO, latents: Latents, *, overwrite: bool = True
) -> None:
    """Write latent vectors, to a file atomically.

    Args:
        path: of the file, or a binary stream.
        latents: its content.
        overwrite: whether to replace an existing file.

    Raises:
        InputError: the file cannot be written, or would be too large to be read again.
    """
    check_size(len(latents), 0 if latents.draws is None else latents.draws.shape[1], latents.mu.shape[1])
    arrays: dict[str, Any] = {"mu": latents.mu, "sigma": latents.sigma}
    if latents.draws is not None:
        arrays["draws"] = latents.draws
    arrays |= {name: np.array(getattr(latents, name), np.str_) for name in _STRINGS}
    arrays["about"] = _about_array(latents)
    if not isinstance(path, str | os.PathLike):
        np.savez(path, **arrays)
        return
    with atomic_write(path, overwrite=overwrite) as stream:
        np.savez(stream, **arrays)


def merge_latents(
    paths: Sequence[str | os.PathLike[str]], path: str | os.PathLike[str], *, overwrite: bool = True
) -> None:
    """Join files of latent vectors, made in one way, as `write_latents` would write all of them.

    One file at a time is in memory.

    Args:
        paths: of one or more files, in their order.
        path: of the file to write.
        overwrite: whether to replace an existing file.

    Raises:
        InputError: a file cannot be read or written.
        FormatError: a file is damaged, or was made in another way than the first.
    """
    first, total = read_latents(paths[0]), 0
    widths = dict.fromkeys(_STRINGS, 1)
    for each in paths:
        latents = read_latents(each)
        total += len(latents)
        if (latents.draws is None) != (first.draws is None) or dict(latents.about) != dict(first.about):
            raise FormatError(f"{display_path(each)}: was made in another way than {display_path(paths[0])}")
        widths |= {name: max(widths[name], *map(len, getattr(latents, name)), 1) for name in _STRINGS}
    arrays = ["mu", "sigma", *(["draws"] if first.draws is not None else []), *_STRINGS]
    with atomic_write(path, overwrite=overwrite) as stream, zipfile.ZipFile(stream, "w") as archive:
        for name in arrays:
            kind = f"<U{widths[name]}" if name in widths else "<f4"
            like = np.asarray(getattr(first, name), kind)
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                _write_header(member, (total, *like.shape[1:]), like.dtype)
                for each in paths:
                    member.write(_open(each, partial(_array, name=name)).astype(kind).tobytes())
        with archive.open("about.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array(member, _about_array(first), allow_pickle=False)


def _array(stream: IO[bytes], name: str) -> npt.NDArray[Any]:
    with np.load(stream, allow_pickle=False) as archive:
        found: npt.NDArray[Any] = archive[name]
        return found


def _write_header(member: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(member, header)


def _about_array(latents: Latents) -> npt.NDArray[np.str_]:
    return np.array(json.dumps(dict(latents.about), sort_keys=True))


def read_latents(path: str | os.PathLike[str]) -> Latents:
    """Read latent vectors, without unpickling.

    Args:
        path: of the file.

    Raises:
        InputError: it cannot be read.
        FormatError: it is damaged, or another kind of file.
    """
    return _open(path, _read)


def count_latents(path: str | os.PathLike[str]) -> tuple[int, int]:
    """How many drawings a file has latent vectors of, and how many draws of each; the vectors are not read.

    Raises:
        InputError: see `read_latents`; also FormatError.
    """
    return _open(path, _count)


def _open(path: str | os.PathLike[str], use: Callable[[IO[bytes]], T]) -> T:
    name = display_path(path)
    try:
        stream = open_file(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: {reason(error)}") from error
    with stream:
        try:
            return use(stream)
        except Exception as error:  # a damaged archive may lead numpy and zipfile to an error of any kind
            words = " ".join(str(error).split())[:300]
            raise FormatError(f"{name}: no file of latent vectors: {words}") from error


def _count(stream: IO[bytes]) -> tuple[int, int]:
    with zipfile.ZipFile(stream) as archive:
        draws = "draws.npy" in archive.namelist()
        with archive.open("draws.npy" if draws else "mu.npy") as member:
            np.lib.format.read_magic(member)
            shape, _, _ = np.lib.format.read_array_header_1_0(member)
    return int(shape[0]), int(shape[1]) if draws else 0


def _read(stream: IO[bytes]) -> Latents:
    _check_sizes(stream)
    stream.seek(0)
    with np.load(stream, allow_pickle=False) as archive:
        known = set(archive.files)
        missing = {"mu", "sigma", "about"} - known
        if missing:
            raise ValueError(f"there is no {sorted(missing)[0]}")
        numbers: dict[str, Any] = {n: _vectors(archive[n], n) for n in ("mu", "sigma", "draws") if n in known}
        strings: dict[str, Any] = {n: _strings(archive[n], n) for n in _STRINGS if n in known}
        about = json.loads(str(archive["about"][()]))
    if not isinstance(about, dict):
        raise ValueError("about is no JSON object")
    return Latents(**numbers, **strings, about=about)


def _check_sizes(stream: IO[bytes]) -> None:
    """Refuse an archive that unpacks to more than the limit."""
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
    if sum(member.file_size for member in members) > MAX_BYTES:
        raise ValueError(f"it holds more than {MAX_BYTES} bytes")
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ValueError("an array is packed, which encode never does")


def _vectors(values: Any, name: str) -> npt.NDArray[np.float32]:
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f" or not values.ndim:
        raise ValueError(f"{name} does not hold vectors of numbers")
    with np.errstate(over="ignore"):
        out = values.astype(np.float32)
    if not np.isfinite(out).all():
        raise ValueError(f"{name} holds a number that is not finite")
    return out


def _strings(values: Any, name: str) -> tuple[str, ...]:
    if not isinstance(values, np.ndarray) or values.dtype.kind != "U" or values.ndim != 1:
        raise ValueError(f"{name} does not hold strings")
    return tuple(map(str, values.tolist()))
