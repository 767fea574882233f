"""Compiles the kernels: a shared library that Python loads by ctypes, and so one for all versions of it."""

from __future__ import annotations

from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError, PlatformError

_SOURCES = Path("csrc")
# Every instruction set has its own flags in the source; sums must not depend on what a compiler fuses.
_FLAGS = ["-std=c++17", "-O3", "-g0", "-ffp-contract=off", "-fno-math-errno", "-fvisibility=hidden", "-w"]
_NO_COMPILER = (
    "sketchkit-native is compiled as it is installed and needs a C++ compiler, GCC 11 or Clang 14 or newer. "
    "Debian and Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++; macOS: xcode-select --install. "
    "Without it sketchkit draws with its own engines. What went wrong: "
)


class Kernels(build_ext):
    """Builds `sketchkit_native/_kernels.so`, a name that is the same on every platform."""

    def get_ext_filename(self, fullname: str) -> str:
        """The library's place among the packages."""
        return str(Path(*fullname.split("."))) + ".so"

    def run(self) -> None:
        """Compile, or say what is missing."""
        try:
            super().run()
        except (CompileError, LinkError, PlatformError, OSError) as error:
            raise SystemExit(_NO_COMPILER + str(error)) from None


class AnyPython(bdist_wheel):
    """A wheel for the platform and every version of Python 3."""

    def get_tag(self) -> tuple[str, str, str]:
        """The three parts of its name."""
        return ("py3", "none", super().get_tag()[2])


setup(
    ext_modules=[
        Extension(
            "sketchkit_native._kernels",
            sources=[str(_SOURCES / "native.cpp")],
            depends=sorted(str(path) for path in _SOURCES.glob("*.h")),
            extra_compile_args=_FLAGS,
            language="c++",
        )
    ],
    cmdclass={"build_ext": Kernels, "bdist_wheel": AnyPython},
)
