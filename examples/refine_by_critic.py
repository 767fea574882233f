"""Refine a decoder by what the critic says of its drawings, beside the likelihood of a data set.

    python examples/refine_by_critic.py MODEL DATA -o refined.safetensors [--steps 1000]

At each update the model draws some classes several times, those that the critic names least before the
others. The reward of a drawing is how sure the critic is of its class, less than nothing where the model did
not end it. Drawings that are better than their siblings become likelier, under the temperature that they were
drawn at, and the others less likely; the training losses of a batch of DATA keep the model near people.

The averaged weights are saved at the end and after every --save-every updates. Progress goes to stderr.

Source: Williams 1992, REINFORCE; the baseline of a drawing is the mean of its siblings, after Kool, van Hoof
    and Welling 2019, "Buy 4 REINFORCE samples, get a baseline for free!".
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import sketchkit
from sketchkit.critic import load_critic
from sketchkit.density import MixtureDensity
from sketchkit.models import SketchModel
from sketchkit.models.losses import Batch
from sketchkit.sampling.temperature import Temperature
from sketchkit.sketch import Sketch
from sketchkit.training.batching import Batches, lay_out
from sketchkit.training.checkpointing import TrainState
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import Dataset
from sketchkit.training.data.manifest import find
from sketchkit.training.objective import Objective, validate, weigh

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Own:
    """What the model drew at one update, siblings behind one another.

    Args:
        drawings: N.
        labels: int64 [N], their classes.
        rewards: [N].
    """

    drawings: list[Sketch]
    labels: Int64
    rewards: Float64


class Drawer:
    """Lets a model draw, and rewards what it drew.

    Args:
        model: whose weights change from update to update.
        asked: the arguments of the command line.
    """

    def __init__(self, model: SketchModel, asked: argparse.Namespace) -> None:
        self.model, self.asked, self.critic = model, asked, load_critic()
        self.classes = model.card.classes
        self.places = np.array([self.critic.classes.index(name) for name in self.classes])
        #: [C], the mean reward of each class lately.
        self.recent = np.full(len(self.classes), 0.5)

    def draw(self, step: int) -> Own:
        """The drawings of an update, of classes with small rewards more often than of others."""
        asked = self.asked
        need = 1.0 - self.recent + asked.evenly
        chances = np.random.default_rng((asked.seed, step))
        chosen = chances.choice(len(need), asked.groups, replace=False, p=need / need.sum())
        labels = np.repeat(chosen, asked.siblings)
        drawings = sketchkit.sample(
            self.model,
            len(labels),
            asked.temperature,
            class_name=[self.classes[i] for i in labels],
            seed=asked.seed + 1,
            first=step * len(labels),
            max_points=asked.max_points,
        )
        looks = self.critic.chances(drawings)[np.arange(len(labels)), self.places[labels]]
        rewards = np.where([each.ended for each in drawings], looks, asked.endless)
        means = rewards.reshape(len(chosen), -1).mean(1)
        self.recent[chosen] += 0.2 * (means - self.recent[chosen])
        return Own(drawings, labels, rewards)


def batch_of(drawings: list[Sketch], labels: Int64, scale_factor: float) -> Batch:
    """Drawings of a model as a batch; the end row of a drawing that did not end does not count."""
    rows = [each.stroke5[1:] for each in drawings]  # the first one only puts the pen down
    ended = np.array([each.ended for each in drawings])
    inks = np.array([len(each) for each in rows]) - ended
    kept = np.concatenate([each[:n] for each, n in zip(rows, inks, strict=True)])
    batch = lay_out(kept[:, :2] / np.float32(scale_factor), kept[:, 3] > 0, inks, labels, 1)
    return Batch.of(batch.points, torch.from_numpy(inks + ended), batch.inks, 1, batch.label)


def log_prob(model: SketchModel, own: Own, temperature: float) -> Tensor:
    """How likely each drawing was under the temperature that it was drawn at, [N], natural logarithms.

    The gradient leads to the choices of components and pen states alone: to make offsets less likely would
    make densities narrower without end.
    """
    batch = batch_of(own.drawings, own.labels, model.card.scale_factor)
    read = torch.cat((model.start_rows(len(own.drawings))[:, None], batch.points[:, :-1]), 1)
    state = model.initial_state(len(own.drawings), label=batch.label)
    rule = Temperature(temperature).draw_rule()
    density = MixtureDensity(model.packed(read, state, batch.packing))
    density = density.softened(rule.softening, rule.log_sigma_shift)
    density.parameters = density.parameters.detach()
    points = batch.packing.pack(batch.points)
    offset, pen = density.log_prob(points)
    each_row = torch.where(points[:, 4] == 0, offset, 0.0) + pen
    return batch.packing.padded(each_row[:, None]).sum((1, 2))


def own_loss(model: SketchModel, own: Own, siblings: int, temperature: float) -> Tensor:
    """The loss that makes drawings likelier that are better than their siblings, a mean over the drawings."""
    groups = own.rewards.reshape(-1, siblings)
    others = (groups.sum(1, keepdims=True) - groups) / (siblings - 1)
    gains = torch.from_numpy((groups - others).reshape(-1).astype(np.float32))
    return -(gains * log_prob(model, own, temperature)).mean()


def refine(model: SketchModel, data: Dataset, asked: argparse.Namespace) -> SketchModel:
    """Refine a model, and save it on the way.

    Returns:
        The model with averaged weights.
    """
    same = ("steps", "batch_size", "learning_rate", "schedule", "ema", "padding", "recurrent_dropout", "seed")
    config = TrainConfig(
        classes=True,
        warmup=20,
        balance=0.5,
        precision=asked.precision,
        **{name: getattr(asked, name) for name in same},
    )
    train, nmax = data.split("train"), int(data.split("train").lengths.max())
    batches, state = Batches(train, config, model, nmax), TrainState(model, config)
    drawer, objective = Drawer(model, asked), Objective(model, asked.precision)
    begun, lately = time.monotonic(), []
    for step in range(asked.steps):
        own, weights = drawer.draw(step), config.weights_at(step)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=objective.reduced):
            loss = own_loss(model, own, asked.siblings, asked.temperature) / nmax
        terms = objective(batches.batch(step), weights)
        values = {name: float(term.detach()) for name, term in terms.items()}
        usual, whole = weigh(terms, values, config, weights)
        state.optimiser.zero_grad(set_to_none=True)
        (usual + asked.weight * loss).backward()
        if torch.isfinite(state.gradient_norm()):
            state.update(config.learning_rate_at(step), config.clip)
        lately.append((float(own.rewards.mean()), np.mean([each.ended for each in own.drawings]), whole))
        done = step + 1
        if done % 25 == 0:
            reward, ended, mean = np.array(lately[-25:]).mean(0)
            report(
                f"{done}/{asked.steps} updates, {time.monotonic() - begun:.0f} s: reward {reward:.3f}, "
                f"{100 * ended:.1f} % ended, all classes {drawer.recent.mean():.3f}, training loss {mean:.4f}"
            )
        if done % asked.save_every == 0 or done == asked.steps:
            found = validate(state.shown, data.split("valid"), config, nmax)
            report(f"NLL per point of validation drawings {found.nll_per_point:.4f}")
            state.shown.save(asked.output)
    return state.shown


def report(text: str) -> None:
    """Say how far it is."""
    print(text, file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    out = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)

    def add(name: str, usual: Any, text: str, **how: Any) -> None:
        out.add_argument(
            f"--{name}", type=type(usual), default=usual, help=f"{text} (default: {usual})", **how
        )

    out.add_argument("model", help="a decoder whose classes the critic knows")
    out.add_argument("data", help="a data set of the same classes")
    out.add_argument("-o", "--output", default="refined.safetensors", help="the refined model")
    add("steps", 1000, "updates")
    add("groups", 10, "classes that are drawn at each update")
    add("siblings", 6, "drawings of each, two or more")
    add("temperature", 0.25, "of the drawings")
    add("weight", 2.0, "of the rewards, beside the training losses")
    add("endless", -0.5, "reward of a drawing that did not end")
    add("evenly", 0.05, "share of need that every class has, so that well named ones are drawn, too")
    add("max-points", 160, "the most points of a drawing")
    add("batch-size", 64, "drawings of DATA at each update")
    add("learning-rate", 1e-4, "at the beginning")
    add("schedule", "cosine", "how it falls", choices=("cosine", "constant"))
    add("ema", 0.99, "decay of the averaged weights")
    add("padding", 0, "rows behind an end that the training losses count; as in the training before")
    add("recurrent-dropout", 0.1, "of the training losses")
    add("seed", 0, "the same seed gives the same weights")
    add("save-every", 200, "updates between two files")
    add("precision", "bfloat16", "of the products", choices=("float32", "bfloat16"))
    return out


def main() -> None:
    """Refine and save."""
    asked = parser().parse_args()
    torch.set_num_threads(1)
    model = sketchkit.load_model(asked.model, device="cpu")
    if model.conditional or not set(model.card.classes) <= set(load_critic().classes):
        sys.exit(f"{asked.model}: is not a decoder whose classes the critic knows")
    data = Dataset.open(find(asked.data), verify=False)
    if tuple(data.classes) != tuple(model.card.classes):
        sys.exit(f"{asked.data}: its classes are not those of {asked.model}")
    refine(model.train().requires_grad_(True), data, asked)


if __name__ == "__main__":
    main()
