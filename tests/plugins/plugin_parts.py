"""Distributions as pip leaves them, written by hand, and an environment to install real ones into."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forks import Fork, run_code, run_command

#: Seconds for a check on a machine that others keep busy; and for a whole process, which ends by itself.
PATIENCE, _TIMEOUT = "3000", 7200

ROOT = Path(__file__).parent.parent.parent


def write_distribution(
    folder: Path,
    name: str,
    source: str,
    plugins: Mapping[str, Mapping[str, str]],
    *,
    requires: tuple[str, ...] = ("sketchkit>=0.1",),
    entry_points: str | bytes | None = None,
) -> None:
    """Lay an installed distribution into a folder that is on the path.

    Args:
        folder: of distributions, as `site-packages` is one.
        name: of the distribution; its module has underscores for dashes.
        source: of the module.
        plugins: by kind, the attribute of the module that each name stands for.
        requires: what the metadata say it needs.
        entry_points: the whole file, where it shall not be the right one.
    """
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(source)
    information = folder / f"{module}-1.0.dist-info"
    information.mkdir()
    lines = [f"Name: {name}", "Version: 1.0", "Metadata-Version: 2.1"]
    lines += [f"Requires-Dist: {each}" for each in requires]
    (information / "METADATA").write_text("\n".join(lines) + "\n")
    right = "".join(
        f"[sketchkit.{kind}s]\n" + "".join(f"{key} = {module}:{value}\n" for key, value in found.items())
        for kind, found in plugins.items()
    )
    content = right if entry_points is None else entry_points
    (information / "entry_points.txt").write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )


@dataclass(frozen=True)
class Done:
    """What a command line left behind."""

    code: int
    out: str
    err: str


def python_beside(folder: Path, code: str, *args: str, **environment: str) -> Done:
    """Run Python in a process of its own that finds the distributions of a folder, which it works in."""
    return _beside(folder, environment, run_code, code, args)


def run_beside(folder: Path, *args: str, **environment: str) -> Done:
    """Run `sketchkit` in such a process."""
    return _beside(folder, environment, run_command, args)


def _beside(folder: Path, environment: Mapping[str, str], work: Callable[..., None], *args: Any) -> Done:
    """Do a piece of work in a fork."""
    place = {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1", "COLUMNS": "100", **environment}
    with chdir(folder):
        process = Fork(work, *args, environment=place)
    out, err = process.communicate(_TIMEOUT)
    return Done(process.returncode or 0, out, err)


_RUN_EACH = """
import io, json, os, sys
from sketchkit.cli.main import run
found, here = [], os.getcwd()
for folder, words in json.load(open(sys.argv[1])):
    os.chdir(folder)
    kept = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in kept)
    code = run(words)
    texts = [stream.buffer.getvalue().decode() for stream in (sys.stdout, sys.stderr)]
    sys.stdout, sys.stderr = kept
    found.append([code, *texts])
print(json.dumps(found), end="", file=open(os.path.join(here, "found.json"), "w"))
"""


def run_each_beside(folder: Path, *lines: Sequence[str], **environment: str) -> list[Done]:
    """Run several command lines one after another in one such process, which loads the libraries once."""
    steps = folder / "steps.json"
    steps.write_text(json.dumps([[str(folder), words] for words in lines]))
    return _read_each(folder, python_beside(folder, _RUN_EACH, str(steps), **environment))


def _read_each(folder: Path, done: Done) -> list[Done]:
    assert done.code == 0, done.err
    return [Done(*found) for found in json.loads((folder / "found.json").read_text())]


class Environment:
    """A second virtual environment, which has all that this one has and can be installed into.

    Its `pip` is this one's: it asks no index and builds with what is here.

    Args:
        folder: where to make it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.python = folder / "bin" / "python"
        (site,) = folder.glob("lib/python*/site-packages")
        ours = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
        lines = [f"import site; site.addsitedir({path!r})" for path in ours]
        (site / "first_environment.pth").write_text("\n".join(lines) + "\n")
        self._script("sketchkit", f'exec "{self.python}" -m sketchkit "$@"')
        self._script("pytest", f'exec "{self.python}" -m pytest -p no:cacheprovider "$@"')
        install = "--no-deps --no-build-isolation --disable-pip-version-check -q"
        self._script(
            "pip",
            f'word=$1; shift; exec "{sys.executable}" -m pip --python "{self.python}" $word {install} "$@"',
        )

    def _script(self, name: str, line: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    def run_each(self, steps: Sequence[tuple[Path, Sequence[str]]], folder: Path) -> list[Done]:
        """Run command lines of `sketchkit`, each in a folder, one after another in one process."""
        (folder / "each.py").write_text(_RUN_EACH)
        (folder / "steps.json").write_text(json.dumps([[str(place), words] for place, words in steps]))
        return _read_each(folder, self.run(f'"{self.python}" each.py steps.json', folder))

    def run(self, command: str, folder: Path, **environment: str) -> Done:
        """Run a line of shell in the environment."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SKETCHKIT_", "PYTHONPATH"))}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            capture_output=True,
            text=True,
            cwd=folder,
            env={
                **inherited,
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "OMP_NUM_THREADS": "1",
                "COLUMNS": "100",
                "SKETCHKIT_DATA_DIR": str(folder / "data"),
                **environment,
            },
            timeout=_TIMEOUT,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)
