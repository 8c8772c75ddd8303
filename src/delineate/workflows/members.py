"""The members of a model that is the mean of several: one training for each fold and seed."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from delineate.core.progress import Bar, Progress
from delineate.inference.model_card import ModelCard
from delineate.inference.model_folder import CARD, read_card
from delineate.recipe.classical_recipe import ClassicalRecipe
from delineate.recipe.recipe import Recipe
from delineate.training.budget import Clock
from delineate.workflows.parted_data import PartedData
from delineate.workflows.run_folder import RUN, RunFacts
from delineate.workflows.starting import AskedData, TrainingData

MEMBERS = "members"
# Seconds kept for the mean model and its page, and how much longer than the longest so far the
# predictions of a fold, and then their scoring, may take.
_WRITING_S, _SLACK = 5.0, 1.3
_SHORTEST_S = 1.0


@dataclass(frozen=True)
class Member:
    """One training: its run folder, the fold that it never learns from, and its seed."""

    folder: Path
    fold: int
    seed: int

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @property
    def is_finished(self) -> bool:
        """Whether its model is there."""
        return (self.folder / "model" / CARD).is_file()

    @property
    def card(self) -> ModelCard:
        """The card of its model."""
        return read_card(self.folder)

    @property
    def used_s(self) -> float:
        """Seconds that it took, to half a second; 0 where it is not finished."""
        return 60 * float(self.card.training["minutes"]) if self.is_finished else 0.0


def members_of(run: Path, parts: PartedData, facts: RunFacts) -> tuple[Member, ...]:
    """Every member of a run, fold by fold."""
    return tuple(
        Member(run / MEMBERS / _name(parts, fold, seed), fold, seed)
        for fold in range(1, parts.count + 1)
        for seed in range(facts.seed, facts.seed + facts.seeds)
    )


def _name(parts: PartedData, fold: int, seed: int) -> str:
    return f"fold{fold}-seed{seed}" if parts.is_folded else f"seed{seed}"


def as_member(plan: Recipe | ClassicalRecipe, *, is_folded: bool) -> Recipe | ClassicalRecipe:
    """The recipe of a member: over folds the last weights count, and nothing ends it early.

    So nothing of what a member says of its own fold was chosen on that fold.
    """
    if not is_folded or isinstance(plan, ClassicalRecipe):
        return plan
    return plan.model_copy(
        update={
            "train": plan.train.model_copy(update={"keep": "last"}),
            "validation": plan.validation.model_copy(update={"patience": None}),
        }
    )


@dataclass
class Shares:
    """How the minutes of a whole run are shared: equally, among what is still to come."""

    minutes: float | None
    clock: Clock
    folds: int
    predicting_s: float = 0.0

    def next_minutes(self, *, members_left: int, folds_left: int) -> float | None:
        """Minutes of the next member; None where there is no budget of minutes."""
        if self.minutes is None:
            return None
        # Each fold is predicted once its members are there, and all are scored in the end.
        later_s = _WRITING_S + _SLACK * self.predicting_s * (folds_left + self.folds)
        left_s = 60 * self.minutes - self.clock.elapsed_s() - later_s
        return max(left_s / members_left, _SHORTEST_S) / 60


def train_member(
    member: Member,
    plan: Recipe | ClassicalRecipe,
    data: TrainingData,
    asked: AskedData,
    facts: RunFacts,
    *,
    minutes: float | None,
    encoder_file: Path | None = None,
    progress: Progress,
) -> None:
    """Train one member, or go on with it where it was interrupted.

    `minutes` is its share of those of the run, which has no steps then. Its encoder starts from
    the file, where one is given.
    """
    bars = BarsOnly(progress)
    if isinstance(plan, ClassicalRecipe):
        from delineate.workflows.train_classical import train_classical

        train_classical(
            plan,
            asked,
            member.folder,
            clock=Clock(),
            recipe=None,
            minutes=minutes,
            overwrite=True,  # there is nothing to go on with: parameters are tried once
            seed=member.seed,
            threads=facts.threads,
            begun_data=data,
            is_checked=True,
            progress=bars,
        )
        return
    from delineate.workflows.train_network import train_network

    if encoder_file is not None:
        model = plan.model.model_copy(update={"encoder_weights": str(encoder_file.resolve())})
        plan = plan.model_copy(update={"model": model})
    is_begun = (member.folder / RUN).is_file()
    train_network(
        plan,
        replace(asked, labels=None) if is_begun else asked,
        member.folder,
        clock=Clock(),
        minutes=None if is_begun else minutes,
        steps=None if is_begun else facts.steps,
        resume=True,
        seed=member.seed,
        device=facts.device,
        threads=facts.threads,
        begun_data=data,
        is_checked=True,
        progress=bars,
    )


class BarsOnly:
    """The bars of a training among several, without its lines."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def say(self, text: str) -> None:
        """Keep quiet."""

    def bar(self, label: str, total: float) -> AbstractContextManager[Bar]:
        """Show work of a known total until the context ends."""
        return self._progress.bar(label, total)
