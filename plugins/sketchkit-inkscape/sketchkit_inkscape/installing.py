"""The extensions in a folder of Inkscape's: written there, looked at, and removed again.

A record beside them says which files were written, so that no other file is ever overwritten or removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from sketchkit.errors import InputError

__all__ = ["Record", "install", "read_record", "record_of", "uninstall"]

#: The extensions' own folder among those of others.
_NAME, _RECORD = "sketchkit", "installed.json"
_SOURCE = Path(__file__).parent / "extension"
_SUFFIXES = {".inx", ".py", ".mo"}


@dataclass(frozen=True)
class Record:
    """What was installed; the extensions read it as JSON.

    Args:
        command: that starts sketchkit.
        timeout: seconds that an extension waits for it.
        version: of this package.
        files: the SHA-256 of every file, by its name.
    """

    command: Sequence[str]
    timeout: float
    version: str
    files: Mapping[str, str]

    def changed(self, folder: Path) -> list[str]:
        """Which files are missing or no longer as they were written."""
        home = folder / _NAME
        return [name for name, digest in self.files.items() if _digest_of(home / name) != digest]


def record_of(command: Sequence[str], timeout: float) -> Record:
    """What `install` would write.

    Args:
        command: that starts sketchkit.
        timeout: seconds that an extension waits for it.
    """
    files = {name: _digest(content) for name, content in _contents().items()}
    return Record(list(command), timeout, version("sketchkit-inkscape"), files)


def read_record(folder: Path) -> Record | None:
    """What is installed in a folder of extensions, if anything is.

    Raises:
        InputError: the record is not one of ours.
    """
    path = folder / _NAME / _RECORD
    with _explained(path):
        if not path.exists():
            return None
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            record = Record(fields["command"], fields["timeout"], fields["version"], dict(fields["files"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not a record of this package; move it away") from error
    if any(Path(name).is_absolute() or ".." in Path(name).parts for name in record.files):
        raise InputError(f"{path}: names files outside its folder")
    return record


def install(folder: Path, record: Record, *, force: bool = False) -> Path:
    """Write the extensions, each file whole or not at all, and the record last.

    Args:
        folder: of Inkscape's user extensions.
        record: from `record_of`.
        force: whether files that are not as this package wrote them are overwritten.

    Returns:
        The folder of the extensions.

    Raises:
        InputError: a file is in the way, or the folder cannot be written; files are as before or new then.
    """
    home, contents = folder / _NAME, _contents()
    former = None if force else read_record(folder)
    known = former.files if former else {}
    for name, content in contents.items():
        path = home / name
        found = _digest_of(path)
        if (
            (found or os.path.lexists(path))
            and not force
            and found not in (known.get(name), _digest(content))
        ):
            raise InputError(f"{path}: exists and was not written by this package; --force overwrites it")
    for name, content in contents.items():
        _write(home / name, content)
    for name, digest in known.items():
        if name not in contents and _digest_of(home / name) == digest:
            _remove(home, name)
    _write(home / _RECORD, json.dumps(asdict(record), indent=2).encode() + b"\n")
    return home


def uninstall(folder: Path) -> list[Path]:
    """Remove what was written and is unchanged, and folders that are empty then.

    Args:
        folder: of Inkscape's user extensions.

    Returns:
        The files that stay because they were changed.

    Raises:
        InputError: nothing of this package is there, or it cannot be removed.
    """
    record = read_record(folder)
    home = folder / _NAME
    if record is None:
        raise InputError(f"{home}: no extensions of this package are installed there")
    changed = [name for name in record.changed(folder) if os.path.lexists(home / name)]
    for name in record.files:
        if name not in changed:
            _remove(home, name)
    _remove(home, _RECORD)
    return [home / name for name in changed]


def _contents() -> dict[str, bytes]:
    """The files of the extensions, by their names in Inkscape's folder."""
    found = sorted(path for path in _SOURCE.rglob("*") if path.suffix in _SUFFIXES)
    return {path.relative_to(_SOURCE).as_posix(): path.read_bytes() for path in found}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digest_of(path: Path) -> str:
    """Of a regular file; empty for anything else."""
    with _explained(path):
        return _digest(path.read_bytes()) if path.is_file() and not path.is_symlink() else ""


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".new", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise


def _remove(home: Path, name: str) -> None:
    """Remove a file, what Python compiled of it, and folders up to `home` that are empty then."""
    path = home / name
    with _explained(path):
        path.unlink(missing_ok=True)
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc") if path.suffix == ".py" else ():
            compiled.unlink()
        for parent in (path.parent / "__pycache__", *path.parents):
            if home not in (parent, *parent.parents) or (parent.exists() and any(parent.iterdir())):
                continue
            if parent.exists():
                parent.rmdir()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn an error of the system into one line that names the file."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
