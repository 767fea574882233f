"""The processes of a run, one or several that `torchrun` has started, and their memory."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from sketchkit.errors import DeviceError, InputError

__all__ = ["Processes", "join_processes", "keep_memory", "tidy_memory"]

#: How long the others are waited for: a checkpoint or an evaluation may take a while.
_PATIENCE = timedelta(minutes=30)
_CPU = torch.device("cpu")
_M_MMAP_MAX, _M_TRIM_THRESHOLD = -4, -1


@dataclass(frozen=True)
class Processes:
    """This process among those of a run.

    Args:
        rank: which one it is; 0 writes the files.
        world: how many there are.
        device: where this one computes.
    """

    rank: int = 0
    world: int = 1
    device: torch.device = _CPU

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def sum_up(self, values: Tensor) -> Tensor:
        """The sum of some numbers over all processes, on the CPU."""
        if self.world == 1:
            return values.cpu()
        values = values.to(self.device, copy=True)
        torch.distributed.all_reduce(values)
        return values.cpu()

    def share(self, value: Any) -> Any:
        """The value of the first process."""
        if self.world == 1:
            return value
        box = [value]
        torch.distributed.broadcast_object_list(box, src=0)
        return box[0]

    def agree(self, status: str | None) -> str | None:
        """The status of the first process that wants to stop, in all of them."""
        if self.world == 1:
            return status
        if float(self.sum_up(torch.tensor(float(status is not None)))) == 0.0:
            return None
        said: list[str | None] = [None] * self.world
        torch.distributed.all_gather_object(said, status)
        return next(each for each in said if each is not None)

    def wrap(self, module: nn.Module) -> nn.Module:
        """A module whose gradients are means over all processes."""
        if self.world == 1:
            return module
        from torch.nn.parallel import DistributedDataParallel

        places = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(module, device_ids=places)


@contextmanager
def join_processes(device: torch.device) -> Iterator[Processes]:
    """Join the processes of a run, if `torchrun` or a launcher like it has started several.

    A process group that a launcher has made is used, and stays the launcher's.

    Args:
        device: the user's; each process takes a CUDA device of its own.

    Yields:
        This process among them.

    Raises:
        InputError: invalid variables of `torchrun` in the environment.
        DeviceError: another process has ended or cannot be reached.
    """
    try:
        world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
        local = int(os.environ.get("LOCAL_RANK", "0"))
    except ValueError as error:
        raise InputError(f"WORLD_SIZE, RANK and LOCAL_RANK must be whole numbers: {error}") from error
    if world <= 1:
        yield Processes(device=device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    with _process_group("nccl" if device.type == "cuda" else "gloo"), _errors_of_connections():
        yield Processes(rank, world, device)


@contextmanager
def _process_group(backend: str) -> Iterator[None]:
    """The launcher's process group, or a new one that ends with the run."""
    # Its functions take the group of this moment as their default, and would keep one that is there already
    # from ending: its threads would run on, and now and then abort the interpreter on its way out.
    import_module("torch.distributed.nn.functional")
    if torch.distributed.is_initialized():
        yield
        return
    try:
        with _errors_of_connections():
            torch.distributed.init_process_group(backend, timeout=_PATIENCE)
    except ValueError as error:  # a rank out of range, or no address
        raise InputError(f"the processes cannot meet: {' '.join(str(error).split())}") from error
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


@contextmanager
def _errors_of_connections() -> Iterator[None]:
    """Say in one line that another process is lost; the launcher starts all of them again."""
    try:
        yield
    except RuntimeError as error:
        # NCCL and the store have errors of their own, gloo only its name in the text.
        if not isinstance(error, torch.distributed.DistError) and "gloo" not in str(error):
            raise
        cause = re.sub(r"\[[^][]*\.cc:\d+\] *", "", " ".join(str(error).split())).split(". ")[0]
        raise DeviceError(f"another process of the run has ended or cannot be reached: {cause}") from error


def keep_memory() -> bool:
    """Let the C library keep what is freed, for the whole process.

    A step takes and frees the same hundred megabytes each time. The GNU C library gives large pieces back to
    the system, and every page costs a fault when it is touched again: a fifth of the time on a CPU.

    Returns:
        Whether this system's library can be told so.
    """
    mallopt = _function("mallopt")
    return bool(mallopt and mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))


def tidy_memory() -> None:
    """Give free memory back now: batches of changing sizes leave more and more holes."""
    trim = _function("malloc_trim")
    if trim:
        trim(0)


def _function(name: str) -> Any:
    """A function of the GNU C library, None where there is another one."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError):
        return None
