"""A stream of any number of new drawings, in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from itertools import islice, repeat
from typing import Unpack

from sketchkit.arguments import renamed, whole
from sketchkit.engine import default_width
from sketchkit.errors import InputError
from sketchkit.generate.checks import Progress, resolve_seed
from sketchkit.generate.drawing import sample
from sketchkit.generate.morphing import DrawingSettings
from sketchkit.models import AnyClass, DrawingModel, check_model, is_one_class
from sketchkit.noise import MAX_SEED
from sketchkit.sketch import Sketch

__all__ = ["block_size", "sample_stream"]

#: The fewest drawings of a block: slots stay empty while its last drawings end, which must be rare.
_LEAST_BLOCK = 4096
#: The most: so many are in memory at once.
_MOST_BLOCK = 1 << 17
#: Drawings of a block for each slot of the batch.
_FILLS = 8


def block_size(model: DrawingModel, batch_size: int | None = None) -> int:
    """How many drawings `sample_stream` draws together.

    Args:
        model: any.
        batch_size: the most drawings at once; by default a number that suits the device.

    Returns:
        4096 on a CPU, more where more are drawn at once; 131072 at the most.
    """
    width = default_width(model) if batch_size is None else batch_size
    return min(max(_LEAST_BLOCK, _FILLS * width), _MOST_BLOCK)


class NewDrawingSettings(DrawingSettings, total=False):
    """How new drawings are decoded; see `sketchkit.sample`, whose arguments these are."""

    z_temperature: float | None


@renamed(label="class_name")
def sample_stream(
    model: DrawingModel,
    n: int,
    temperature: float = 0.4,
    *,
    class_name: AnyClass | Iterable[AnyClass | None] | None = None,
    first: int = 0,
    **settings: Unpack[NewDrawingSettings],
) -> Iterator[Sketch]:
    """Draw new drawings, as `sample` does, and yield them in order.

    They are drawn in blocks of some thousands (`sketchkit.generate.streaming.block_size`), of which one is in
    memory at a time. A stream that begins at a block boundary of another continues exactly as that does; a
    stream that begins elsewhere draws the same with `exact`, and otherwise up to the last bits.

    Args:
        model: any; the latent vectors of a conditional one come from the prior.
        n: how many drawings, as many as there are indices.
        temperature: tau, 0 to 100; 1 is the model itself, less is tidier, 0 is greedy.
        class_name: one of the model's classes, or an iterable with one for each of the n drawings, which is
            read block by block.
        first: the index of the first drawing; drawing i of a seed is the one that `sample` draws.
        settings: see `sample`; `progress` is called with the drawings that ended and n.

    Returns:
        An iterator over the drawings by index, in Quick, Draw! pixels, from (0, 0).

    Raises:
        InputError: at once for a number out of range, or an unknown label or option; while drawing for
            labels that do not fit.
        PluginError: an unknown sampler.
    """
    check_model(model)
    first, settings["seed"] = whole("first", first, 0, MAX_SEED), resolve_seed(settings.get("seed", 0))
    n = whole("n", n, 0, MAX_SEED - first)
    sample(model, 0, temperature, **settings)  # refuses what is wrong with the settings
    if class_name is None or is_one_class(class_name):
        model.class_indices(class_name)
        return _draw_blocks(model, n, temperature, repeat(class_name), first, settings)
    if isinstance(class_name, Sized) and len(class_name) != n:
        raise InputError(f"{n} drawings need as many classes, or one for them all, got {len(class_name)}")
    return _draw_blocks(model, n, temperature, iter(class_name), first, settings)


def _draw_blocks(
    model: DrawingModel,
    n: int,
    temperature: float,
    labels: Iterator[AnyClass | None],
    first: int,
    settings: NewDrawingSettings,
) -> Iterator[Sketch]:
    progress, size = settings.pop("progress", None), block_size(model, settings.get("batch_size"))
    for begin in range(0, n, size):
        count = min(size, n - begin)
        settings["progress"] = _offset_progress(progress, begin, n)
        yield from sample(
            model, count, temperature, class_name=list(islice(labels, count)), first=first + begin, **settings
        )


def _offset_progress(progress: Progress | None, begin: int, n: int) -> Progress | None:
    return None if progress is None else lambda done, total: progress(begin + done, n)
