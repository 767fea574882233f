"""A command of sketchkit as a process: started early, fed with a document, bounded in time.

Python of Inkscape's own runs the files of this folder: 3.8 or later, with no package but inkex.
"""

from __future__ import annotations

import argparse
import gettext
import json
import os
import subprocess
from collections.abc import Callable, Sequence

HERE = os.path.dirname(os.path.abspath(__file__))
SETTINGS = os.path.join(HERE, "installed.json")
FLATPAK_INFO = "/.flatpak-info"

_ = gettext.translation("sketchkit-inkscape", os.path.join(HERE, "locale"), fallback=True).gettext

#: What the exit codes of sketchkit mean to a person who draws.
_REASONS = {
    2: _("sketchkit does not accept these settings"),
    3: _("sketchkit cannot use this drawing"),
    4: _("a plugin of sketchkit does not work"),
    5: _("sketchkit cannot use this model"),
}
_UNEXPECTED = _("sketchkit failed unexpectedly")
_REFUSED = _(
    "This Inkscape is a Flatpak and may not start sketchkit. Allow it in a terminal, and start Inkscape anew:"
    "\n\nflatpak override --user --talk-name=org.freedesktop.Flatpak org.inkscape.Inkscape"
    "\n\nThis lets extensions start any program. "
    "Inkscape from a deb package or as an AppImage needs no permission."
)
_SNAP = _(
    "This Inkscape is a Snap, which may not start sketchkit. Use Inkscape from a deb package or as an "
    "AppImage (inkscape.org), and run `sketchkit inkscape install` again."
)
_MISSING = _("sketchkit was not found at {place}. Run `sketchkit inkscape install` in a terminal.")
_TOO_SLOW = _(
    "sketchkit took longer than {seconds} seconds. Ask for fewer drawings or fewer tries, or allow more time "
    "by `sketchkit inkscape install --timeout {twice}`."
)


def shared_folder() -> str | None:
    """Where temporary files lie that sketchkit reads, too; `None` for the usual place.

    A Flatpak has a /tmp of its own, but the folder of its extensions is the same outside.
    """
    return HERE if os.path.exists(FLATPAK_INFO) else None


class Trouble(Exception):
    """A reason why nothing was drawn, in words for a message."""


def parse(add_arguments: Callable[[argparse.ArgumentParser], None]) -> argparse.Namespace:
    """The options of an extension, before inkex is there to parse them."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add_arguments(parser)
    return parser.parse_known_args()[0]


def add_sampling_arguments(parser: argparse.ArgumentParser) -> None:
    """The parameters that extensions which draw by chance share."""
    parser.add_argument("--temperature", type=float, default=0.4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tries", type=int, default=6)
    parser.add_argument("--model", default="")
    parser.add_argument("--other", default="")


def sampling_words(options: argparse.Namespace) -> list[str]:
    """These parameters as options of sketchkit, but for the other class."""
    line = ["--temperature", str(options.temperature), "--seed", str(options.seed)]
    line += ["--tries", str(options.tries)]
    return [*line, "--model", options.model] if options.model else line


class Sketchkit:
    """A started command, which waits for its document.

    Trouble at the start is kept for `draw`, because messages need inkex, which is imported meanwhile.

    Args:
        words: of the command line, without the program.
        folder: where the command works.
    """

    def __init__(self, words: Sequence[str], folder: str | None = None) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._timeout = 0.0
        self._trouble = ""
        try:
            self._start(words, folder)
        except Trouble as trouble:
            self._trouble = str(trouble)

    def __enter__(self) -> Sketchkit:
        return self

    def __exit__(self, *exception: object) -> None:
        """End the command if it still runs."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def draw(self, document: bytes = b"") -> tuple[bytes, list[str]]:
        """Hand over the document, and wait.

        Returns:
            What the command wrote, and its remarks.

        Raises:
            Trouble: the command is missing, fails or takes too long.
        """
        if self._process is None:
            raise Trouble(self._trouble)
        try:
            out, said = self._process.communicate(document, self._timeout)
        except subprocess.TimeoutExpired:
            seconds = f"{self._timeout:g}", f"{2 * self._timeout:g}"
            raise Trouble(_TOO_SLOW.format(seconds=seconds[0], twice=seconds[1])) from None
        lines = [
            _without_source(line) for line in said.decode("utf-8", "replace").splitlines() if line.strip()
        ]
        if self._process.returncode:
            raise Trouble(_explain(self._process.returncode, lines))
        return out, lines

    def _start(self, words: Sequence[str], folder: str | None) -> None:
        settings = _read_settings()
        self._timeout = float(settings["timeout"])
        command = [str(word) for word in settings["command"]]
        if os.environ.get("SNAP_NAME") == "inkscape":
            raise Trouble(_SNAP)
        outside = ["flatpak-spawn", "--host", "--watch-bus"] if os.path.exists(FLATPAK_INFO) else []
        try:
            self._process = subprocess.Popen(
                [*outside, *command, *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=_environment(),
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError:
            raise Trouble(_MISSING.format(place=command[0])) from None


def _read_settings() -> dict[str, object]:
    """What `sketchkit inkscape install` wrote down."""
    try:
        with open(SETTINGS, encoding="utf-8") as file:
            settings = json.load(file)
        return {"timeout": settings["timeout"], "command": list(settings["command"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise Trouble(_MISSING.format(place=SETTINGS)) from None


def _environment() -> dict[str, str]:
    """The user's environment, without what leads Inkscape's Python and an AppImage to their own libraries."""
    inner = {"PYTHONPATH", "PYTHONHOME"}
    if "APPDIR" in os.environ:
        inner |= {"LD_LIBRARY_PATH", "LD_PRELOAD"}
    return {**{key: value for key, value in os.environ.items() if key not in inner}, "PYTHONUTF8": "1"}


def _without_source(line: str) -> str:
    """A line of stderr, without the name of the program and of its stream."""
    for source in ("sketchkit: ", "standard input: "):
        if line.startswith(source):
            line = line[len(source) :]
    return line


def _explain(code: int, lines: Sequence[str]) -> str:
    """A failure in words: what the exit code means, and the last line that the command wrote."""
    last = lines[-1] if lines else ""
    if os.path.exists(FLATPAK_INFO) and "org.freedesktop" in last:
        return _REFUSED
    if "No module named" in last:
        return _MISSING.format(place=last)
    reason = _REASONS.get(code, f"{_UNEXPECTED} ({code})")
    return f"{reason}: {last}" if last else reason
