"""Run command lines in this process, and turn what they leave into JSON that can be compared.

A recording holds numbers with six significant digits: what a model draws may differ in its last bits
between two kinds of CPU, and `differences` allows for that. Where bits are promised (files that are read and
written, synthetic drawings, whole numbers, exit codes), numbers are whole or short, and a difference shows.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import math
import os
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, is_dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

import sketchkit

HERE = Path(__file__).parent
INPUTS, OUTPUTS = HERE / "inputs", HERE / "outputs"
PACKAGE = str(Path(sketchkit.__file__).parent)

#: Facts that change from run to run or from release to release.
VOLATILE = {
    *("version", "seconds", "per_second", "points_per_second", "created", "date", "time", "elapsed"),
    *("platform", "torch", "python", "versions", "self"),
}
_NUMBER = re.compile(r"(?<![\w#.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w])")
_VERSION = re.compile(r'("version": ?"|sketchkit )\d+\.\d+[\w.+-]*')
#: The command line in a file, which `rerun` reads: its settings and checksums are of the place and the time.
_RECORD = re.compile(r', "rerun": \{.*?\}\}')
_CHECKSUM = re.compile(r"[0-9a-f]{32,64}")
_IN_TEXT, _IN_DATA = 0.011, 2e-5
#: How far numbers may lie apart, relatively: after some updates of a training rounding has grown.
USUAL, TRAINED = 2e-4, 5e-3


class Workplace:
    """An empty folder with the inputs in it, where a case runs its commands.

    Args:
        folder: the folder; also the current one while the case runs.
        exactly: whether numbers are kept to the last bit.
    """

    def __init__(self, folder: Path, exactly: bool) -> None:
        self.folder, self.exactly = folder, exactly

    def run(self, *words: object, stdin: bytes = b"") -> dict[str, Any]:
        """Run a command line of `sketchkit`: its exit code, stdout and the files that it wrote."""
        before = {path: path.stat().st_mtime_ns for path in self._files()}
        code, out = _call([str(word) for word in words], stdin)
        new = [path for path in self._files() if before.get(path) != path.stat().st_mtime_ns]
        found: dict[str, Any] = {"exit": code}
        if out:
            found["stdout"] = self.value_of_bytes(out)
        if new:
            found["files"] = {
                str(path.relative_to(self.folder)): self.value_of_file(path) for path in sorted(new)
            }
        return found

    def value_of_file(self, path: Path) -> Any:
        """What a file holds."""
        readers: dict[str, Callable[[Path], Any]] = {
            ".npz": _read_npz,
            ".safetensors": _read_safetensors,
            ".png": _read_picture,
            ".gif": _read_picture,
            ".pdf": _read_pdf,
            ".bin": _read_bytes,
            ".csv": _read_table,
        }
        reader = readers.get(path.suffix)
        return self.value_of_bytes(path.read_bytes()) if reader is None else self.value(reader(path))

    def value_of_bytes(self, content: bytes) -> Any:
        """JSON and ndjson as values, other text as text."""
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        with contextlib.suppress(ValueError):
            return self.value(json.loads(text))
        lines = text.splitlines()
        with contextlib.suppress(ValueError):
            return {"lines": [self.value(json.loads(line)) for line in lines]}
        return self.value(text)

    def value(self, found: Any) -> Any:
        """Anything that a call returns, as JSON values."""
        if isinstance(found, dict):
            return {str(key): self.value(item) for key, item in found.items() if str(key) not in VOLATILE}
        if is_dataclass(found) and not isinstance(found, type):
            return self.value(_fields(found))
        if isinstance(found, np.ndarray):
            return {"shape": list(found.shape), "values": self.value(found.ravel().tolist())}
        if isinstance(found, list | tuple):
            return [self.value(item) for item in found]
        if isinstance(found, np.generic):
            return self.value(found.item())
        if isinstance(found, float):
            return self._number(found)
        if isinstance(found, str):
            return self._text(found)
        return found if found is None or isinstance(found, bool | int) else f"<{type(found).__name__}>"

    def _number(self, number: float) -> float | str:
        if not math.isfinite(number):
            return repr(number)
        if self.exactly:
            return number
        short = float(f"{number:.6g}")
        return 0.0 if abs(short) < 1e-7 else short

    def _text(self, text: str) -> str:
        names = {str(self.folder): "WORK", os.environ["SKETCHKIT_DATA_DIR"]: "DATA", PACKAGE: "PACKAGE"}
        for folder, name in names.items():
            text = text.replace(folder, name)
        return _VERSION.sub(r"\g<1>VERSION", _RECORD.sub("}", text))

    def _files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


def record(case: Callable[[Workplace], Any], exactly: bool = False) -> Any:
    """Run a case in a fresh folder with settings of its own."""
    with tempfile.TemporaryDirectory() as name, _settings(Path(name)) as folder:
        return case(Workplace(folder, exactly))


def differences(recorded: Any, found: Any, place: str = "", relative: float = USUAL) -> Iterator[str]:
    """Say where two recordings differ by more than another CPU may; with 0 for `relative`, in any bit."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        for key in sorted(recorded.keys() | found.keys()):
            if key not in recorded or key not in found:
                yield f"{place}/{key}: {'new' if key not in recorded else 'missing'}"
            else:
                yield from differences(recorded[key], found[key], f"{place}/{key}", relative)
    elif isinstance(recorded, list) and isinstance(found, list):
        if len(recorded) != len(found):
            yield f"{place}: {len(found)} items instead of {len(recorded)}"
        for index, (old, new) in enumerate(zip(recorded, found, strict=False)):
            yield from differences(old, new, f"{place}[{index}]", relative)
    elif relative == 0.0:
        if recorded != found:
            yield f"{place}: {_short(found)} instead of {_short(recorded)}"
    elif not (_alike(recorded, found, relative) or ("/grey[" in place and abs(recorded - found) <= 1)):
        yield f"{place}: {_short(found)} instead of {_short(recorded)}"


def file_of(name: str, folder: Path = OUTPUTS) -> Path:
    """Where a case's recording lies."""
    return folder / f"{name}.json"


def dump(value: Any) -> str:
    """A recording as text: one line for each command of a case."""
    parts = value if isinstance(value, list) else [value]
    lines = ",\n".join(json.dumps(part, separators=(",", ":"), ensure_ascii=False) for part in parts)
    return f"[\n{lines}\n]\n"


def load(path: Path) -> Any:
    """A recording from its file."""
    return json.loads(path.read_text(encoding="utf-8"))


@contextlib.contextmanager
def _settings(root: Path) -> Iterator[Path]:
    """A folder to work in with the inputs, no settings but those of the net, and a store of its own."""
    kept, here = dict(os.environ), Path.cwd()
    folder, data = (root / "work").resolve(), (root / "data").resolve()
    shutil.copytree(INPUTS, folder)
    (data / "models").mkdir(parents=True)
    for outline in folder.glob("*.outline.json"):
        _fill(outline)
    for model in folder.glob("*.safetensors"):
        model.rename(data / "models" / model.name)
    for name in [name for name in os.environ if name.startswith("SKETCHKIT_")]:
        del os.environ[name]
    os.environ |= {
        "SKETCHKIT_DATA_DIR": str(data),
        "SKETCHKIT_MODEL": "tiny",
        "SKETCHKIT_VAE": "dreamer",
        "SKETCHKIT_ENGINE": "torch",
        "SKETCHKIT_DEVICE": "cpu",
        "SKETCHKIT_PLUGINS": "no",
        "XDG_CONFIG_HOME": str(root / "config"),
        "HOME": str(root),
        "COLUMNS": "80",
    }
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(kept)


def _fill(outline: Path) -> None:
    """Make a model's file from its outline, with weights from a generator whose numbers numpy has frozen."""
    facts, random = load(outline), np.random.RandomState(5)
    tensors = {
        name: random.uniform(-0.2, 0.2, shape).astype(np.float32)
        for name, shape in sorted(facts["shapes"].items())
    }
    save_file(
        tensors, outline.with_name(outline.name.replace(".outline.json", ".safetensors")), facts["metadata"]
    )
    outline.unlink()


def _call(words: list[str], stdin: bytes) -> tuple[int, bytes]:
    """What the console script does with these words, in this process."""
    (script,) = entry_points(group="console_scripts", name="sketchkit")
    kept = sys.argv, sys.stdin, sys.stdout, sys.stderr
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, _descriptors(out, err):
        sys.argv = ["sketchkit", *words]
        sys.stdin = io.TextIOWrapper(io.BytesIO(stdin))
        sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
        sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8")
        try:
            script.load()()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            sys.stdout.close()
            sys.stderr.close()
            sys.argv, sys.stdin, sys.stdout, sys.stderr = kept
        out.seek(0)
        err.seek(0)
        if code == 1:
            raise AssertionError(f"{' '.join(words)}: {err.read().decode()}")
        return code, out.read()


@contextlib.contextmanager
def _descriptors(out: Any, err: Any) -> Iterator[None]:
    """Let the descriptors of stdout and stderr lead to two files."""
    kept = os.dup(1), os.dup(2)
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    try:
        yield
    finally:
        for number, old in zip((1, 2), kept, strict=True):
            os.dup2(old, number)
            os.close(old)


def _alike(recorded: Any, found: Any, relative: float) -> bool:
    if isinstance(recorded, str) and isinstance(found, str):
        if relative == TRAINED and _CHECKSUM.fullmatch(recorded):
            return _CHECKSUM.fullmatch(found) is not None
        return recorded == found or _alike_text(recorded, found, relative)
    if isinstance(recorded, float) and isinstance(found, float | int) and not isinstance(found, bool):
        return math.isclose(recorded, found, rel_tol=relative, abs_tol=_IN_DATA)
    return bool(type(recorded) is type(found) and recorded == found)


def _alike_text(recorded: str, found: str, relative: float) -> bool:
    """Whether two texts differ in nothing but the last digits of numbers."""
    if _NUMBER.sub("#", recorded) != _NUMBER.sub("#", found):
        return False
    pairs = zip(_NUMBER.findall(recorded), _NUMBER.findall(found), strict=True)
    return all(math.isclose(float(old), float(new), rel_tol=relative, abs_tol=_IN_TEXT) for old, new in pairs)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 200 else f"{text[:200]}... ({zlib.crc32(text.encode()):08x})"


def _fields(found: Any) -> dict[str, Any]:
    fields = {name: getattr(found, name) for name in found.__dataclass_fields__ if not name.startswith("_")}
    return {name: asdict(value) if is_dataclass(value) else value for name, value in fields.items()}


def _read_npz(path: Path) -> Any:
    with np.load(path, allow_pickle=True) as arrays:  # ours: Quick, Draw!'s kind has arrays in an array
        return {name: _array(arrays[name]) for name in sorted(arrays.files)}


def _read_table(path: Path) -> Any:
    with path.open(newline="") as file:
        return [{name: _plain(cell) for name, cell in row.items()} for row in csv.DictReader(file)]


def _plain(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


def _array(array: np.ndarray[Any, Any]) -> Any:
    values = array.ravel().tolist()
    if array.dtype == object:
        values = [_array(np.asarray(value)) for value in values]
    return {"dtype": str(array.dtype), "shape": list(array.shape), "values": values}


def _read_safetensors(path: Path) -> Any:
    """Names, types and shapes, and the length of each tensor as a vector whose later numbers weigh more."""
    from safetensors.torch import load_file

    found = {}
    for name, tensor in sorted(load_file(path).items()):
        values = tensor.double().flatten().numpy()
        length = float(np.linalg.norm(values * np.linspace(1.0, 2.0, len(values))))
        found[name] = [str(tensor.dtype), list(tensor.shape), length]
    return found


def _read_picture(path: Path) -> Any:
    """Size, pictures, and how light each of 4 x 4 fields is, in twentieths: edges are smoothed variously."""
    from PIL import Image

    with Image.open(path) as picture:
        frames = getattr(picture, "n_frames", 1)
        grey = np.asarray(picture.convert("RGBA").convert("L").resize((4, 4), Image.Resampling.BOX))
        return {
            "size": list(picture.size),
            "frames": frames,
            "grey": np.round(grey / 12.75).astype(int).tolist(),
        }


def _read_pdf(path: Path) -> Any:
    content = path.read_bytes()
    return {
        "head": content[:5].decode(),
        "pages": content.count(b"/Type /Page\n") or content.count(b"/Page "),
    }


def _read_bytes(path: Path) -> Any:
    return {"hex": path.read_bytes().hex()}
