"""What must hold of a model backend."""

from __future__ import annotations

from typing import Any

from sketchkit.card import ModelCard
from sketchkit.devices import one_thread
from sketchkit.models import SketchModel
from sketchkit.testing.architectures import check_architecture
from sketchkit.testing.chance import chance
from sketchkit.testing.faults import Faults
from sketchkit.testing.learning import check_learning, check_wholes
from sketchkit.testing.lives import check_drawing, check_saving
from sketchkit.testing.modelsteps import Inputs, check_steps
from sketchkit.testing.taking import Entry, loaded

__all__ = ["check_model"]


@one_thread()
def check_model(plugin: Any, *, architecture: Any = None, backend: str | None = None) -> None:
    """Try a model backend with fresh weights.

    The class is a `SketchModel` whose `backend` is the name that it is registered under; its architecture is
    a frozen dataclass of numbers, texts and flags that can go through JSON and that refuses by `InputError`
    what makes no model. `initial_state` and `step` give tuples of tensors [B, ...] that keep shapes and
    types, and finite raw outputs [B, 6M + 3]; `forward` is the same as step after step, and `packed` as
    `forward`; rows do not depend on their neighbours; arguments are not written to; all of it works in
    bfloat16. A latent vector and a class make a difference where the model has them. Gradients reach every
    weight, and `keep` drops what `dropout_option` says. A model that draws whole drawings is asked for its
    losses and its drawings instead. A checkpoint brings the same model back, and the
    engine draws with it the same drawings whatever is drawn beside them.

    Args:
        plugin: a name as registered, the class, or a model on the CPU.
        architecture: of the model to try, the smaller the faster; the default one when None.
        backend: the name that the class is registered under, where it is not given by its name.

    Raises:
        CheckFailed: one line a fault.
        PluginError: no plugin of that name, or several.
    """
    faults = Faults()
    if isinstance(plugin, str | Entry):
        backend = (plugin if isinstance(plugin, str) else plugin.name).rpartition(":")[2]
    with chance(3):  # of which fresh weights are made, and which puts back what there was
        found = loaded("model", plugin, faults)
        if not len(faults):
            _check(found, architecture, backend, faults)
    faults.close()


def _check(found: Any, architecture: Any, backend: str | None, faults: Faults) -> None:
    cls = found if isinstance(found, type) else type(found)
    if not issubclass(cls, SketchModel):
        faults.add("a model", f"{cls.__name__} is no model: make it a subclass of sketchkit.SketchModel")
        return
    if not isinstance(getattr(cls, "backend", None), str) or backend not in (None, cls.backend):
        name = getattr(cls, "backend", None)
        wanted = f"{backend!r}, as it is registered" if backend else "a text, the name it is registered under"
        faults.add("backend", f"its backend is {name!r}: make it {wanted}")
    check_architecture(cls, faults)
    if len(faults):
        return
    model = found if isinstance(found, SketchModel) else _made(cls, architecture, faults)
    if model is None:
        return
    inputs = Inputs.of(model, faults)
    if inputs is not None and model.draws_wholes:
        check_wholes(model, inputs, faults)
        return
    if inputs is None or not check_steps(model, inputs, faults):
        return
    check_learning(model, inputs, faults)
    check_saving(model, cls, inputs, faults)
    check_drawing(model, faults)


def _made(cls: type[SketchModel], architecture: Any, faults: Faults) -> SketchModel | None:
    """A model with fresh weights, the same every time."""
    advice = "let Subclass(architecture, card) do with what architecture_type says"
    with faults.during("makeable", "when a model is made", advice):
        made = cls.architecture_type() if architecture is None else architecture
        classes = tuple(f"class {number}" for number in range(getattr(made, "classes", 0)))
        card = ModelCard(name="a model under test", scale_factor=20.0, max_length=30, classes=classes)
        model = cls(made, card)
        _check_facts(model, made, card, faults)
        if not list(model.parameters()):
            faults.add(
                "weights", "it has no weights: a model has parameters, whose type and device tell its own"
            )
            return None
        return model.requires_grad_(False).eval()
    return None


def _check_facts(model: SketchModel, architecture: Any, card: ModelCard, faults: Faults) -> None:
    if getattr(model, "architecture", None) is not architecture or getattr(model, "card", None) is not card:
        advice = "begin __init__ with super().__init__(architecture, card)"
        faults.add("facts", f"the model does not keep its architecture and card: {advice}")
