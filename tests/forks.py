"""Processes that fork from one which has loaded torch and nothing else, so that they begin at once."""

from __future__ import annotations

import multiprocessing
import os
import resource
import runpy
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_SERVER = multiprocessing.get_context("forkserver")
# The second is what torch itself loads as soon as several processes share gradients.
_SERVER.set_forkserver_preload(["torch", "torch._dynamo"])


class Fork:
    """A process that does a piece of work in the current folder; it is used as a `subprocess.Popen` is.

    Of sketchkit it has loaded as little as a process that begins with `python`.

    Args:
        work: a function of a module.
        args: of the function.
        environment: more variables of the environment; `PYTHONPATH` is obeyed.
        largest_file: bytes that a file may have.
    """

    def __init__(
        self,
        work: Callable[..., object],
        *args: object,
        environment: Mapping[str, str] | None = None,
        largest_file: int | None = None,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._said = [Path(self._folder.name) / name for name in ("out", "err")]
        variables = {**os.environ, **(environment or {})}
        begun = (work, args, os.getcwd(), variables, self._said, largest_file)
        self._process = _SERVER.Process(target=_begin, args=begun)
        self._process.start()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float = 600) -> int:
        self._process.join(timeout)
        assert self.returncode is not None, "it has not ended"
        return self.returncode

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Wait for the end; what it said on stdout and on stderr, once."""
        self.wait(timeout)
        out, err = (path.read_text() if path.exists() else "" for path in self._said)
        self._folder.cleanup()
        return out, err


def run_code(code: str, arguments: Sequence[str]) -> None:
    """Do as `python -c CODE ARGUMENTS` does."""
    sys.argv = ["-c", *arguments]
    exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})


def run_module(name: str, words: Sequence[str]) -> None:
    """Do as `python -m NAME WORDS` does."""
    sys.argv = [name, *words]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def run_command(words: Sequence[str]) -> None:
    """Do as `python -m sketchkit WORDS` does."""
    from sketchkit.cli.main import main

    sys.argv = ["sketchkit", *words]
    main()


def run_torchrun(words: Sequence[str]) -> None:
    """Do as `torchrun WORDS` does; its workers, which run a file, are forks, too."""
    from torch.distributed.run import main

    main(["--run-path", "--start-method", "fork", *words])


def _begin(
    work: Callable[..., object],
    args: Sequence[object],
    folder: str,
    variables: Mapping[str, str],
    said: Sequence[Path],
    largest_file: int | None,
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    for number, path in enumerate(said, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    work(*args)
