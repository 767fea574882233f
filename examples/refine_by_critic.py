"""Refine a decoder by what the critic says of its drawings, beside the likelihood of a data set.

    python examples/refine_by_critic.py MODEL DATA -o refined.safetensors [--steps 1000]

At each update the model draws some classes several times, those with the least reward before the others; with
--endings every other update ends beginnings of drawings in DATA. The reward of a drawing is how sure the
critic is of its class, less where a second critic finds that parts are missing, displaced or too much, and
less than nothing where the model did not end it. Drawings that are better than their siblings become
likelier, under the temperature that they were drawn at, and the others less likely; the training losses of a
batch of DATA keep the model near people.

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
from sketchkit.critic import FLAWS, load_critic
from sketchkit.density import MixtureDensity
from sketchkit.engine.drafting import decode
from sketchkit.engine.prompts import read_prompts
from sketchkit.models import SketchModel
from sketchkit.models.losses import Batch
from sketchkit.sampling.temperature import Temperature
from sketchkit.training.batching import Batches, lay_out
from sketchkit.training.checkpointing import TrainState
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import Dataset, Split
from sketchkit.training.data.dataset import pad_drawings
from sketchkit.training.data.manifest import find
from sketchkit.training.objective import Objective, validate, weigh
from sketchkit.units import from_rows

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Rows = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Own:
    """What the model drew at one update, siblings behind one another.

    Args:
        rows: N arrays [n, 5] in model units; the last row is an end row where the model ended the drawing.
        given: int64 [N], how many of the rows were given.
        labels: int64 [N], the classes.
        temperature: at which the other rows were drawn.
    """

    rows: list[Rows]
    given: Int64
    labels: Int64
    temperature: float

    @property
    def ended(self) -> npt.NDArray[np.bool_]:
        """Whether the model ended each drawing, [N]."""
        return np.array([bool(len(rows)) and rows[-1, 4] == 1 for rows in self.rows])


class Drawer:
    """Lets a model draw, and rewards what it drew.

    Args:
        model: whose weights change from update to update.
        split: the drawings whose beginnings the model ends.
        asked: the arguments of the command line.
    """

    def __init__(self, model: SketchModel, split: Split, asked: argparse.Namespace) -> None:
        self.model, self.split, self.asked = model, split, asked
        self.critic, self.of_flaws = load_critic(), load_critic(FLAWS) if asked.soundness else None
        self.names = model.card.classes
        #: The classes that a drawing may be named as.
        self.among = tuple(dict.fromkeys((*self.critic.classes, *self.names)))
        self.places = np.array([self.among.index(name) for name in self.names])
        self.members = [np.flatnonzero(split.classes == i) for i in range(len(self.names))]
        #: [2, C], the mean reward of each class lately, of whole drawings and of endings.
        self.recent = np.full((2, len(self.names)), 0.5)

    def draw(self, step: int) -> tuple[Own, Float64]:
        """Draw for an update, classes with small rewards more often than others.

        With --endings every other update ends the beginnings of drawings in DATA.

        Returns:
            N drawings and their rewards, [N].
        """
        asked, begun = self.asked, int(self.asked.endings > 0 and step % 2)
        recent = self.recent[begun]
        need = 1.0 - recent + asked.evenly
        chances = np.random.default_rng((asked.seed, step))
        chosen = chances.choice(len(need), asked.groups, replace=False, p=need / need.sum())
        nothing = np.zeros((0, 5), np.float32)
        beginnings = [self._beginning(i, chances) if begun else nothing for i in chosen]
        group = np.repeat(np.arange(asked.groups), asked.siblings)
        temperature = asked.endings if begun else asked.temperature
        drafts = decode(
            self.model,
            Temperature(temperature),
            read_prompts(self.model, beginnings, label=chosen),
            group,
            step * len(group) + np.arange(len(group)),
            seed=asked.seed + 1,
            max_points=asked.max_points,
        )
        drawn = {draft.job: draft.rows for draft in drafts}
        rows = [np.concatenate((beginnings[g], drawn[i])).astype(np.float32) for i, g in enumerate(group)]
        given = np.array([len(beginnings[g]) for g in group])
        own = Own(rows, given, chosen[group], temperature)
        rewards = self._rewards(own)
        recent[chosen] += 0.2 * (rewards.reshape(asked.groups, -1).mean(1) - recent[chosen])
        return own, rewards

    def _rewards(self, own: Own) -> Float64:
        """What the critics say of drawings, [N]."""
        share, factor = self.asked.soundness, 1.0 / self.model.card.scale_factor
        drawings = [from_rows(rows, factor, (0.0, 0.0), joined=True) for rows in own.rows]
        worth = self.critic.chances(drawings, self.among)[np.arange(len(drawings)), self.places[own.labels]]
        if self.of_flaws is not None:
            sound = self.of_flaws.soundness(drawings, [self.names[i] for i in own.labels])
            worth = worth * (1.0 - share + share * sound)
        rewards: Float64 = np.where(own.ended, worth, self.asked.endless)
        return rewards

    def _beginning(self, label: int, chances: np.random.Generator) -> Rows:
        """The first strokes of a drawing of a class, [n, 5] in model units, some but not all of them."""
        offsets, lifts, inks, _ = self.split.flat([chances.choice(self.members[label])])
        ends = np.flatnonzero(lifts[:-1]) + 1
        wanted = chances.uniform(0.25, 0.75) * inks[0]
        n = int(ends[np.abs(ends - wanted).argmin()]) if len(ends) else 0
        scale = np.float32(self.model.card.scale_factor)
        rows: Rows = pad_drawings(offsets[:n] / scale, lifts[:n], np.array([n]), n)[0]
        return rows


def log_prob(model: SketchModel, own: Own) -> Tensor:
    """How likely what was drawn was under its temperature, [N], natural logarithms.

    The gradient leads to the choices of components and pen states alone: to make offsets less likely would
    make densities narrower without end.
    """
    # The end row of a drawing that did not end does not count.
    inks = np.array([len(rows) for rows in own.rows]) - own.ended
    kept = np.concatenate([rows[:n] for rows, n in zip(own.rows, inks, strict=True)])
    laid = lay_out(kept[:, :2], kept[:, 3] > 0, inks, own.labels, 1)
    batch = Batch.of(laid.points, torch.from_numpy(inks + own.ended), laid.inks, 1, laid.label)
    read = torch.cat((model.start_rows(len(inks))[:, None], batch.points[:, :-1]), 1)
    state = model.initial_state(len(inks), label=batch.label)
    rule = Temperature(own.temperature).draw_rule()
    density = MixtureDensity(model.packed(read, state, batch.packing))
    density = density.softened(rule.softening, rule.log_sigma_shift)
    density.parameters = density.parameters.detach()
    points = batch.packing.pack(batch.points)
    offset, pen = density.log_prob(points)
    each_row = torch.where(points[:, 4] == 0, offset, 0.0) + pen
    by_drawing = batch.packing.padded(each_row[:, None])[..., 0]
    drawn = torch.arange(by_drawing.shape[1]) >= torch.from_numpy(own.given)[:, None]
    return (by_drawing * drawn).sum(1)


def own_loss(model: SketchModel, own: Own, rewards: Float64, siblings: int) -> Tensor:
    """The loss that makes drawings likelier that are better than their siblings, a mean over the drawings."""
    groups = rewards.reshape(-1, siblings)
    others = (groups.sum(1, keepdims=True) - groups) / (siblings - 1)
    gains = torch.from_numpy((groups - others).reshape(-1).astype(np.float32))
    return -(gains * log_prob(model, own)).mean()


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
    drawer, objective = Drawer(model, train, asked), Objective(model, asked.precision)
    begun, lately = time.monotonic(), []
    for step in range(asked.steps):
        (own, rewards), weights = drawer.draw(step), config.weights_at(step)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=objective.reduced):
            loss = own_loss(model, own, rewards, asked.siblings) / nmax
        terms = objective(batches.batch(step), weights)
        values = {name: float(term.detach()) for name, term in terms.items()}
        usual, whole = weigh(terms, values, config, weights)
        state.optimiser.zero_grad(set_to_none=True)
        (usual + asked.weight * loss).backward()
        if torch.isfinite(state.gradient_norm()):
            state.update(config.learning_rate_at(step), config.clip)
        lately.append((float(rewards.mean()), own.ended.mean(), whole))
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

    out.add_argument("model", help="a decoder whose classes the critic's network has")
    out.add_argument("data", help="a data set of the same classes")
    out.add_argument("-o", "--output", default="refined.safetensors", help="the refined model")
    add("steps", 1000, "updates")
    add("groups", 10, "classes that are drawn at each update")
    add("siblings", 6, "drawings of each, two or more")
    add("temperature", 0.25, "of whole drawings")
    add("endings", 0.0, "temperature of endings, at every other update; 0 for none")
    add("soundness", 0.7, "share of the reward that drawings without flaws get, 0 to 1")
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
    critic = load_critic()
    if model.conditional or not set(model.card.classes) <= set(critic.about.classes):
        sys.exit(f"{asked.model}: is not a decoder whose classes the critic knows")
    if asked.soundness and not set(model.card.classes) <= set(critic.classes):
        sys.exit(f"{asked.model}: the critic of flaws lacks some of its classes: give --soundness 0")
    data = Dataset.open(find(asked.data), verify=False)
    if tuple(data.classes) != tuple(model.card.classes):
        sys.exit(f"{asked.data}: its classes are not those of {asked.model}")
    refine(model.train().requires_grad_(True), data, asked)


if __name__ == "__main__":
    main()
