"""The weights of one model for another of the same sizes, whose classes may be others."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sketchkit import options
from sketchkit.devices import without_weights
from sketchkit.errors import InputError
from sketchkit.models import SketchModel
from sketchkit.models.cells import LSTMCell
from sketchkit.models.decoder import RecurrentModel
from sketchkit.training.backends import SIZES, describe_options, sizes_of
from sketchkit.training.chance import Purpose, generator
from sketchkit.training.config import option_infos, rename_options

__all__ = ["check_fit", "fine_tuning", "summary", "take_weights"]

#: The noise of a new class's embedding, as a share of the spread of those that are known.
_NOISE = 0.1
_SHOWN = 3
#: Options that a conditional model keeps of its own training.
_KEPT = ("kl_weight", "kl_minimum", "offset_noise")


def fine_tuning(source: SketchModel, drawings: int) -> dict[str, Any]:
    """The defaults of a run that begins with a model: its sizes, and a short run that stops before it copies.

    Args:
        source: the model.
        drawings: their number.

    Returns:
        Values of a `TrainConfig` by field name, for `TrainConfig.made`.

    Raises:
        InputError: a model of a backend that cannot be trained.
    """
    return {
        "steps": 1_000,
        "batch_size": min(max(drawings, 32), 100),
        "learning_rate": 5e-4,
        "schedule": "cosine",
        "warmup": 20,
        "ema": 0.98,
        "evaluate_every": 50,
        "save_every": 100,
        "patience": 6,
        **(_weights_of_losses(source) if source.conditional else {}),
        **sizes_of(source),
    }


def _weights_of_losses(source: SketchModel) -> dict[str, Any]:
    """As the card says that the model was trained, where it does, and L_KL at its whole weight at once."""
    config = source.card.provenance.get("config")
    said = rename_options(config) if isinstance(config, Mapping) else {}
    infos = {info.name: info for info in option_infos()}
    out = {"kl_start": 1.0}
    for name in _KEPT:
        if name in said:
            out[name] = options.check(infos[name], said[name], f"the training of {source.card.name!r}")
    return out


def check_fit(model: SketchModel, source: SketchModel) -> None:
    """Refuse a model to begin with whose sizes are not those of the run.

    Raises:
        InputError: another backend, another size, or classes that cannot be added or left out; one line.
    """
    name = f"the model {source.card.name!r}"
    if model.backend != source.backend:
        raise InputError(
            f"{name} is of the backend {source.backend}, not {model.backend}: begin with another model, "
            f"or leave out --backend"
        )
    theirs, ours = (dataclasses.asdict(each.architecture) for each in (source, model))
    known = {*SIZES, *(info.name for info in describe_options(type(source.architecture)))}
    # A prior fits one encoder only, and that will change.
    free = {"classes", "prior", "prior_axes"} | (set() if source.labelled else {"embedding"})
    for field in theirs:
        if field not in free and theirs[field] != ours[field]:
            instead = f"leave out {_option(field)}" if field in known else "no training has such models"
            raise InputError(f"{name} has {field}={theirs[field]}, not {field}={ours[field]}: {instead}")
    if model.labelled != source.labelled:
        _check_switch(model, source)


def take_weights(model: SketchModel, source: SketchModel, seed: int = 0) -> None:
    """Begin with the weights of another model.

    Classes of one name keep their embedding; a new one begins with that of an unknown class and a little
    noise. A model that loses its classes draws as the other one does without a class; a model that gains
    classes at first draws alike for all of them.

    Args:
        model: a fresh one.
        source: the other one.
        seed: of the noise.

    Raises:
        InputError: the two do not fit; see `check_fit`.
    """
    check_fit(model, source)
    stored = source.state_dict().items()
    weights = {name: each.detach().float() for name, each in stored if not name.startswith("prior.")}
    if source.labelled and model.labelled:
        weights |= _match_classes(model, source, weights, seed)
    elif source.labelled:
        weights = _drop_classes(source, weights)
    elif model.labelled:
        weights = _add_classes(model, weights)
    model.load_state_dict(weights)


def summary(model: SketchModel, source: SketchModel) -> str:
    """A line on the parts that a model takes over from another one."""
    sizes = dataclasses.asdict(source.architecture)
    told = ", ".join(f"{name} {sizes[name]}" for name in SIZES if name in sizes and name != "classes")
    took = f"weights and sizes ({source.backend}: {told}) and the scale factor {source.card.scale_factor:.4g}"
    prior = "; without its prior" if getattr(source.architecture, "prior", 0) else ""
    return f"begins with {source.card.name!r}: {took}; {_classes(model, source)}{prior}"


def _classes(model: SketchModel, source: SketchModel) -> str:
    before = source.card.classes if source.labelled else ()
    after = model.card.classes if model.labelled else ()
    parts = {
        "kept": [name for name in after if name in before],
        "new": [name for name in after if name not in before],
        "dropped": [name for name in before if name not in after],
    }
    said = [f"{len(names)} {what} ({_few(names)})" for what, names in parts.items() if names]
    return f"classes: {', '.join(said) or 'none'}"


def _few(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _option(field: str) -> str:
    dashed = field.replace("_", "-")
    return f"--{dashed}" if field in SIZES else f"-O {dashed}"


def _check_switch(model: SketchModel, source: SketchModel) -> None:
    name = f"the model {source.card.name!r}"
    cell = source.decoder.cell if isinstance(source, RecurrentModel) else None
    if source.labelled and not isinstance(cell, LSTMCell):
        raise InputError(f"{name} is told classes and cannot do without them: leave out --no-classes")
    if not source.labelled and cell is None:
        raise InputError(f"{name} cannot be told classes: leave out --classes")


def _match_classes(
    model: SketchModel, source: SketchModel, weights: Mapping[str, Tensor], seed: int
) -> dict[str, Tensor]:
    """The tensors with a place for every class, in the order of the model's classes."""
    before, after = source.card.classes, model.card.classes
    chance = generator(seed, Purpose.CLASSES)
    out = {}
    for name, axis in sorted(_class_axes(source).items()):
        if name not in weights:  # of the prior
            continue
        table = weights[name].movedim(axis, 0)
        known, rest = table[: len(before)], table[len(before) :]
        usual, spread = (rest if len(rest) else known).mean(0), known.std(0, correction=0)
        rows = []
        for each in after:
            noise = torch.from_numpy(chance.standard_normal(spread.shape)).to(table)
            fresh = usual + _NOISE * spread * noise
            rows.append(known[before.index(each)] if each in before else fresh)
        out[name] = torch.cat((torch.stack(rows), rest)).movedim(0, axis)
    return out


def _class_axes(model: SketchModel) -> dict[str, int]:
    """Of each tensor with a place for every class, the axis along which they lie: one more class tells."""
    architecture: Any = model.architecture
    more = dataclasses.replace(architecture, classes=architecture.classes + 1)
    card = dataclasses.replace(model.card, classes=(*model.card.classes, ""))
    with without_weights():
        larger = type(model)(more, card).state_dict()
    out = {}
    for name, tensor in model.state_dict().items():
        pairs = zip(tensor.shape, larger[name].shape, strict=True)
        grown = [axis for axis, (here, there) in enumerate(pairs) if here != there]
        if grown:
            out[name] = grown[0]
    return out


def _drop_classes(source: Any, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The sum that an unknown class adds to the gates becomes part of their bias."""
    embedding = weights["embedding.table.weight"][-1]
    kernel = weights["decoder.cell.weight_x"]
    inner = kernel.shape[1] - len(embedding)
    out = {name: tensor for name, tensor in weights.items() if not name.startswith("embedding.")}
    out["decoder.cell.weight_x"] = kernel[:, :inner]
    out["decoder.cell.bias"] = weights["decoder.cell.bias"] + kernel[:, inner:] @ embedding
    return out


def _add_classes(model: Any, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Fresh embeddings, whose weights in the cell are 0."""
    out = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    end = model.decoder.cell.input_size
    begin = end - model.architecture.embedding
    for name, tensor in weights.items():
        if tensor.shape != out[name].shape:
            out[name][:, :begin] = tensor[:, :begin]
            out[name][:, begin:end] = 0.0
            out[name][:, end:] = tensor[:, begin:]
        else:
            out[name] = tensor
    return out
