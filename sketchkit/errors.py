"""Every exception a user of sketchkit can meet, in one tree.

The library raises these; only the command line turns them into one printed line and an exit code.
"""

__all__ = [
    "CheckpointError",
    "DeviceError",
    "FormatError",
    "InputError",
    "PluginError",
    "SketchkitError",
]


class SketchkitError(Exception):
    """Anything sketchkit refuses to do, with a one-line reason fit for a person."""


class InputError(SketchkitError):
    """A value or a drawing that cannot be used: wrong shape, not finite, out of range."""


class FormatError(InputError):
    """A file that cannot be read or written as what its suffix says it is."""


class PluginError(SketchkitError):
    """A model, sampler, renderer or format that is unknown, ambiguous or fails to load."""


class CheckpointError(SketchkitError):
    """Weights that are missing, damaged, too large or of an unknown version."""


class DeviceError(SketchkitError):
    """A device or a number type that this machine does not offer."""
