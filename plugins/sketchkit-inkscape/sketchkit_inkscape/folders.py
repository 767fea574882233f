"""Where Inkscape looks for a user's extensions, and whether it may start programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Place", "find_place", "said_by"]

#: Seconds for a program to answer.
_PATIENCE = 60
_FLATPAK = "org.inkscape.Inkscape"


@dataclass(frozen=True)
class Place:
    """Where an Inkscape looks for a user's extensions.

    Args:
        folder: of the extensions.
        kind: how Inkscape was installed.
    """

    folder: Path
    kind: Literal["usual", "flatpak", "snap"] = "usual"

    @property
    def advice(self) -> str:
        """What a user has to do before extensions of this Inkscape can start sketchkit; empty if nothing."""
        if self.kind == "flatpak":
            return (
                "Inkscape is a Flatpak here: `flatpak override --user --talk-name=org.freedesktop.Flatpak "
                f"{_FLATPAK}` lets its extensions start sketchkit, and any other program, by flatpak-spawn "
                "--host; Inkscape from a deb package or as an AppImage needs no permission"
            )
        if self.kind == "snap":
            return (
                "Inkscape is a Snap here, whose extensions may not start sketchkit: install Inkscape from a "
                "deb package or as an AppImage (inkscape.org)"
            )
        return ""


def find_place(folder: Path | None) -> Place:
    """Find the folder for extensions: the one given, that of the Inkscape on PATH, or the platform's.

    Args:
        folder: where a user wants them.
    """
    if folder is not None:
        return Place(folder.absolute())
    program = shutil.which("inkscape")
    if program and "snap" in Path(program).resolve().parts + Path(program).parts:
        return Place(_home() / "snap/inkscape/current/.config/inkscape/extensions", "snap")
    told = _ask(program) if program else None
    if told:
        return Place(told / "extensions")
    if "INKSCAPE_PROFILE_DIR" in os.environ:
        return Place(Path(os.environ["INKSCAPE_PROFILE_DIR"]).absolute() / "extensions")
    if not program and any(each.is_dir() for each in _flatpak_folders()):
        return Place(_flatpak_folders()[0] / "config/inkscape/extensions", "flatpak")
    return Place(_platform_folder())


def _home() -> Path:
    return Path.home()


def said_by(command: Sequence[str]) -> str:
    """What a command says on stdout; empty if it does not start, fails, or takes a minute."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _ask(program: str) -> Path | None:
    """Inkscape's own answer, if it gives one."""
    said = said_by([program, "--user-data-directory"]).splitlines()
    lines = [line.strip() for line in said if Path(line.strip()).is_absolute()]
    return Path(lines[-1]) if lines else None


def _flatpak_folders() -> tuple[Path, ...]:
    """What a Flatpak of Inkscape leaves: its data, and the places where it is installed."""
    installed = Path("flatpak/app") / _FLATPAK
    return _home() / ".var/app" / _FLATPAK, _home() / ".local/share" / installed, Path("/var/lib") / installed


def _platform_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or _home() / "AppData/Roaming") / "inkscape/extensions"
    if sys.platform == "darwin":
        return _home() / "Library/Application Support/org.inkscape.Inkscape/config/inkscape/extensions"
    return Path(os.environ.get("XDG_CONFIG_HOME") or _home() / ".config") / "inkscape/extensions"
