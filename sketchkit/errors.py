"""Every exception a user of sketchkit can meet, in one tree.

The library raises these; only the command line turns them into one printed line and an exit code.
"""

__all__ = [
    "CheckpointError",
    "DeviceError",
    "FormatError",
    "InputError",
    "PluginError",
    "PluginWarning",
    "SketchkitError",
]


class SketchkitError(Exception):
    """The base of all errors that sketchkit raises on purpose, with a message of one line."""


class InputError(SketchkitError):
    """An invalid value or drawing: of a wrong shape, infinite, out of range."""


class FormatError(InputError):
    """A file that cannot be read or written in the format of its suffix."""


class PluginError(SketchkitError):
    """A plugin that is unknown, ambiguous, made for another version, or fails to load or to work."""


class PluginWarning(UserWarning):
    """A plugin that cannot be loaded has been passed over, since it was not asked for by name."""


class CheckpointError(SketchkitError):
    """Weights that are missing, damaged, too large or of an unknown version."""


class DeviceError(SketchkitError):
    """A device or a number type that this machine lacks."""
