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
    """Anything sketchkit refuses to do, with a one-line reason fit for a person."""


class InputError(SketchkitError):
    """A value or a drawing that cannot be used: wrong shape, not finite, out of range."""


class FormatError(InputError):
    """A file that cannot be read or written as what its suffix says it is."""


class PluginError(SketchkitError):
    """A plugin that is unknown, ambiguous, made for another version, or fails to load or to work."""


class PluginWarning(UserWarning):
    """A plugin that nobody asked for by name has been passed over, since it cannot be loaded."""


class CheckpointError(SketchkitError):
    """Weights that are missing, damaged, too large or of an unknown version."""


class DeviceError(SketchkitError):
    """A device or a number type that this machine does not offer."""
