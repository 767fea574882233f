"""Inkscape's Python, and extensions whose sketchkit is a script that answers what a test says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from inkscape_parts import PATIENCE, Extensions
from sketchkit_inkscape.installing import install, record_of

#: Keeps what it was told beside it, says what a test wrote down, and ends with that code.
FAKE = """
import json, pathlib, sys
here = pathlib.Path(__file__).parent
(here / "words.json").write_text(json.dumps(sys.argv[1:]))
for number, word in enumerate(word for word in sys.argv if word.endswith(".svg")):
    (here / f"seen-{number}.svg").write_bytes(pathlib.Path(word).read_bytes())
if "-" in sys.argv[2:3]:
    (here / "seen.svg").write_bytes(sys.stdin.buffer.read())
answer = json.loads((here / "answer.json").read_text())
sys.stderr.write(answer["said"])
sys.stdout.write(answer["out"])
sys.exit(answer["code"])
"""


@pytest.fixture(scope="session")
def inkscape_environment() -> dict[str, str]:
    """An environment in which Inkscape's extensions find their Python; the test skips without Inkscape."""
    program = shutil.which("inkscape")
    if program is None:
        pytest.skip("inkscape is not on PATH")
    for folder in ("/usr/bin", *os.environ["PATH"].split(os.pathsep)):
        python = Path(folder) / "python3"
        if (
            python.exists()
            and not subprocess.run([python, "-c", "import lxml, numpy"], capture_output=True).returncode
        ):
            own = {
                key: value
                for key, value in os.environ.items()
                if not key.startswith(("PYTHON", "LC_", "LANG"))
            }
            paths = os.pathsep.join((folder, os.environ["PATH"]))
            return {**own, "PATH": paths, "LC_ALL": "C.UTF-8", "SELF_CALL": "true"}
    pytest.skip("no python3 on PATH has the lxml that Inkscape's extensions need")


@pytest.fixture(scope="session")
def inkex_folder(inkscape_environment: dict[str, str]) -> Path:
    """Where Inkscape keeps its own extensions, and inkex."""
    done = subprocess.run(
        ["inkscape", "--system-data-directory"],
        env=inkscape_environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    folder = Path(done.stdout.split("\n")[0].strip()) / "extensions"
    if not (folder / "inkex").is_dir():
        pytest.skip(f"{folder} has no inkex")
    return folder


@pytest.fixture
def extensions(tmp_path: Path, inkscape_environment: dict[str, str], inkex_folder: Path) -> Extensions:
    """Extensions that start a script in place of sketchkit."""
    script = tmp_path / "sketchkit" / "fake.py"
    folder = install(tmp_path, record_of([sys.executable, "-S", str(script)], 60))
    script.write_text(FAKE)
    python = shutil.which("python3", path=inkscape_environment["PATH"])
    assert python
    return Extensions(folder, python, {**inkscape_environment, "PYTHONPATH": str(inkex_folder)})
