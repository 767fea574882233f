"""The version of this package, as it is installed."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["VERSION"]

try:
    VERSION = version("sketchkit-canvas")
except PackageNotFoundError:  # run from a folder
    VERSION = "unknown"
