"""Extensions as Inkscape runs them, and what they leave."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

#: Seconds for any process here: generous, since other programs may keep the machine busy.
PATIENCE = 600
SVG, INKSCAPE = "{http://www.w3.org/2000/svg}", "{http://www.inkscape.org/namespaces/inkscape}"


@dataclass
class Ran:
    """What an extension left: its exit code, its message, and the document that it wrote."""

    code: int
    message: str
    written: bytes

    @cached_property
    def root(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.written)


@dataclass
class Extensions:
    """Installed extensions, run as Inkscape runs them.

    Args:
        folder: their own.
        python: an interpreter that finds inkex.
        environment: of the interpreter.
    """

    folder: Path
    python: str
    environment: dict[str, str]

    def answer(self, out: str = "", said: str = "", code: int = 0) -> None:
        """Say what sketchkit shall write, say and return."""
        (self.folder / "answer.json").write_text(json.dumps({"out": out, "said": said, "code": code}))

    def run(self, name: str, document: str, *options: str, **environment: str) -> Ran:
        """Run an extension on a document."""
        path = self.folder / "input.svg"
        path.write_text(document, encoding="utf-8")
        done = subprocess.run(
            [self.python, str(self.folder / f"{name}.py"), *options, str(path)],
            capture_output=True,
            env={**self.environment, **environment},
            timeout=PATIENCE,
            check=False,
        )
        return Ran(done.returncode, done.stderr.decode(), done.stdout)

    @property
    def words(self) -> list[str]:
        """The command line that sketchkit was given."""
        return json.loads((self.folder / "words.json").read_text())
