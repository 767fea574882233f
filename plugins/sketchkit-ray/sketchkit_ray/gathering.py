"""The commands of sketchkit that make work in parts, with Ray's options; when run, they gather the work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from typer.main import get_command

from sketchkit.cli.commands import load_command
from sketchkit.cli.help import Command, standalone_app
from sketchkit.cli.options import UsageError, option
from sketchkit.cli.outputs import is_folder
from sketchkit.cli.parts import FolderWork, collect_work
from sketchkit.registry import find

__all__ = ["EXAMPLES", "Gathered", "RayOptions", "gathering_command"]

#: The commands, in the order of help, each with examples.
EXAMPLES = {
    "sample": "sketchkit ray sample -n 1000000 --tries 1 -o parts/\nsketchkit merge parts -o drawings.ndjson",
    "complete": "sketchkit ray complete begun.ndjson -n 9 -o ends/\nsketchkit merge ends -o ends.ndjson",
    "reconstruct": "sketchkit ray reconstruct cats.ndjson -o again/\nsketchkit merge again -o again.ndjson",
    "decode": "sketchkit ray decode vectors -o drawn/\nsketchkit merge drawn -o drawn.ndjson",
    "encode": "sketchkit ray encode cats.ndjson -o vectors/\nsketchkit merge vectors -o vectors.npz",
    "score": "sketchkit ray score cats.ndjson -o scores/\nsketchkit merge scores -o scores.jsonl",
    "grid": "sketchkit ray grid --pairs random:1000 --from animals -o 'g/{stem}.svg'",
    "interpolate": "sketchkit ray interpolate --pairs random:100 --from animals -o 'w/{stem}.gif'",
}
#: The option by which shares of a work are given to processes, which Ray does.
_SHARE = "shard"


@dataclass(frozen=True)
class RayOptions:
    """Which processes do the work."""

    workers: int | None = option(
        None,
        "How many processes work, each on one core of a CPU and with a model of its own.",
        metavar="N",
        low=1,
        high=100_000,
        usual="one for each free core, at most one for each part",
        panel="Ray",
    )
    address: str | None = option(
        None,
        "The cluster, such as 192.0.2.1:6379, or auto for the one of this machine. The output and all inputs "
        "lie in folders that all its machines share.  [env: RAY_ADDRESS]",
        metavar="ADDRESS",
        usual="this machine alone, while the command runs",
        panel="Ray",
    )
    num_gpus: float = option(
        0.0,
        "GPUs for each process; 0.5 lets two share one. With 0 each process sees every GPU of its machine.",
        metavar="N",
        low=0,
        high=1024,
        panel="Ray",
    )
    retries: int = option(
        3,
        "How often a part is tried again after the process that made it died.",
        metavar="N",
        low=0,
        high=1_000_000,
        panel="Ray",
    )


@dataclass(frozen=True)
class Gathered:
    """What a command line asks for.

    Args:
        name: of the command.
        folder: of the files.
        work: what there is to do.
        overwrite: whether to begin anew over files of other work.
        how: by which processes.
    """

    name: str
    folder: str
    work: FolderWork
    overwrite: bool
    how: RayOptions


def gathering_command(name: str) -> Any:
    """A command of sketchkit with Ray's options; run, it returns a `Gathered` and does no work.

    Args:
        name: one of `EXAMPLES`.
    """
    command = load_command(find("command", name), name)
    make = command.callback

    def gather(**values: Any) -> Gathered:
        how = RayOptions(**{each.name: values.pop(each.name) for each in fields(RayOptions)})
        _check_output(values)
        with collect_work() as found:
            make(**values)
        ((folder, work),) = found
        return Gathered(name, folder, work, values["force"], how)

    command.callback, command.epilog = gather, EXAMPLES[name]
    command.params = [each for each in command.params if each.name != _SHARE] + _ray_parameters()
    return command


def _ray_parameters() -> list[Any]:
    """The fields of `RayOptions` as parameters of a command."""

    def carry(*, how: RayOptions) -> None:
        """Carry options."""

    names = {each.name for each in fields(RayOptions)}
    return [each for each in get_command(standalone_app(carry, Command, "")).params if each.name in names]


def _check_output(values: Mapping[str, Any]) -> None:
    """Refuse outputs that are no files in a folder."""
    if "pairs" in values:
        if values["pairs"] is None and values["jobs"] is None:
            raise UsageError("Ray draws many in one run: give --jobs or --pairs")
    elif not is_folder(values["output"]):
        raise UsageError("Ray writes parts into a folder, such as -o parts/", "--output")
